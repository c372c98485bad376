use super::*;
use crate::audio::level::level;

fn all(text: &str) -> Vec<i16> {
    let mut stream = ToneStream::parse(text).unwrap();
    let mut out = vec![0; 4_000_000];
    let filled = stream.fill(&mut out);
    assert!(filled < out.len(), "{text} does not end");
    out.truncate(filled);
    out
}

fn dbm0(pcm: &[i16]) -> f64 {
    level(pcm).unwrap().0
}

#[test]
fn on_and_off_are_milliseconds() {
    let pcm = all("%(100,50,440)");
    assert_eq!(pcm.len(), 1200);
    assert!(pcm[..800].iter().filter(|&&s| s != 0).count() > 790);
    assert!(pcm[800..].iter().all(|&s| s == 0));
}

#[test]
fn the_default_tone_is_6_94_dbm0_below_the_milliwatt() {
    let measured = dbm0(&all("%(1000,0,1000)"));
    assert!((measured + 6.94).abs() < 0.005, "{measured}");
}

#[test]
fn volume_is_in_db() {
    let measured = dbm0(&all("v=-20;%(1000,0,1000)"));
    assert!((measured + 19.94).abs() < 0.005, "{measured}");
    // What libteletone does not allow leaves the volume as it was.
    assert_eq!(all("v=5;%(100,0,1000)"), all("%(100,0,1000)"));
    assert_eq!(all("v=-64;%(100,0,1000)"), all("%(100,0,1000)"));
}

#[test]
fn two_frequencies_share_the_amplitude_of_one() {
    let measured = dbm0(&all("%(1000,0,350,440)"));
    assert!((measured + 9.95).abs() < 0.01, "{measured}");
}

#[test]
fn l_repeats_the_next_tone_only() {
    assert_eq!(all("l=3;%(10,10,440);%(10,0,440)").len(), 3 * 160 + 80);
    assert_eq!(all("l=0;%(10,10,440)").len(), 160);
}

#[test]
fn capital_l_repeats_the_text_with_the_settings_it_ended_with() {
    let pcm = all("L=3;%(10,0,1000);v=-20;");
    assert_eq!(pcm.len(), 240);
    assert_eq!(pcm[80..160], pcm[160..]);
    assert!(dbm0(&pcm[..80]) > dbm0(&pcm[80..160]) + 10.0);
}

#[test]
fn loops_repeats_the_whole_sound() {
    let once = all("%(10,10,440);v=-20;%(10,0,600)");
    assert_eq!(all("%(10,10,440);v=-20;%(10,0,600);loops=3"), once.repeat(3));
    assert_eq!(all("%(10,10,440);v=-20;%(10,0,600);LOOPS=0"), once);
}

#[test]
fn loops_below_zero_never_end_and_what_stands_behind_is_dropped() {
    let mut stream = ToneStream::parse("%(251,0,1004);loops=-1;%(10,0,440)").unwrap();
    let mut out = vec![0; 100_000];
    assert_eq!(stream.fill(&mut out), out.len());
    assert_eq!(out[..2008], out[2008..4016]);
}

#[test]
fn nothing_in_an_endless_loop_ends() {
    for text in [
        "",
        ";loops=-1",
        "%(0,0,440);loops=-1",
        "L=2000000000;v=-7;;loops=-1",
        "l=2000000000;%(0,0,1);loops=-1",
        "%(10,0,0);loops=-1",
    ] {
        assert_eq!(ToneStream::parse(text).unwrap().fill(&mut [0; 10]), 0, "{text}");
    }
}

#[test]
fn how_it_is_asked_for_changes_no_sample() {
    let text = "v=-10;>=5;+=.5;%(40,20,440,480);<=10;1(30,10)2;loops=2";
    let whole = all(text);
    let mut stream = ToneStream::parse(text).unwrap();
    let mut pieces = Vec::new();
    for size in [1, 7, 160, 3].into_iter().cycle() {
        let mut piece = vec![0; size];
        let filled = stream.fill(&mut piece);
        pieces.extend_from_slice(&piece[..filled]);
        if filled < size {
            break;
        }
    }
    assert_eq!(pieces, whole);
}

#[test]
fn a_fade_goes_down_by_its_step() {
    let pcm = all("v=0;>=100;+=6;%(400,0,1000)");
    let levels: Vec<f64> = pcm.chunks(800).map(|part| dbm0(part).round()).collect();
    assert_eq!(levels, [0.0, -6.0, -12.0, -18.0]);
}

#[test]
fn digits_last_as_d_and_w_say() {
    assert_eq!(all("12").len(), 2 * 2500);
    assert_eq!(all("d=100;w=50;12").len(), 2 * 1200);
    assert_eq!(all("1(20,10)").len(), 240);
}

#[test]
fn a_stream_may_have_another_rate() {
    let mut stream = ToneStream::parse_at("%(100,0,1000)", SampleRate(16_000)).unwrap();
    assert_eq!(stream.fill(&mut [0; 4000]), 1600);
}

/// FNV-1a over the samples' little-endian bytes.
fn fingerprint(pcm: &[i16]) -> u64 {
    pcm.iter()
        .flat_map(|sample| sample.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn samples_are_those_of_libteletone_to_the_bit() {
    // Texts, numbers of samples and fingerprints of what FreeSWITCH 1.10.12's libteletone made of them at 8 kHz.
    let made = [
        ("%(251,0,1004)", 2008, 0xc8cd_ed34_bb84_694f),
        ("%(2000,4000,440,480)", 48000, 0xf4f6_7c36_a5a7_bbfa),
        ("v=-13;%(200,100,350.5,440,620)", 2400, 0x07ce_c35f_bf70_7769),
        ("v=-10;>=5;+=.5;%(40,20,440,480);<=10;1(30,10)2", 3300, 0x4cab_6ad9_70fa_056b),
        ("147*", 10000, 0x9b88_a9dd_03aa_438f),
        ("L=3;r=16000;d=40;%(-1,10,3999,-300,9000);l=2;3;v=-20", 16080, 0xfb6d_ee0e_0b2e_6616),
    ];
    for (text, samples, print) in made {
        let pcm = all(text);
        assert_eq!((pcm.len(), fingerprint(&pcm)), (samples, print), "{text}");
    }
}

#[test]
fn errors_name_the_place() {
    let error = |text| ToneStream::parse(text).unwrap_err().to_string();
    assert_eq!(error("v=-7;%(100,0,440"), "no `)` after `%(100,0,440` at byte 5");
    assert!(error("%(100,0)").starts_with("`%(100,0)` at byte 0 is no tone"));
    assert!(error("5(100,0,440)").starts_with("`5(100,0,440)` at byte 0 is no tone"));
    assert!(error("é(1,2,3)").contains("at byte 0 is no tone"));
    assert!(error("l=-1;%(100,0,440)").starts_with("the tone at byte 5 would never end"));
    assert!(error("L=2;%(100,0,440);l=-1;").starts_with("the tone at byte 4 would never end"));
    assert!(error("path=/etc/ring.ttml").starts_with("`path=/etc/ring.ttml` is not supported"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[%()0-9,;=.LlvdwrcA-D*# <>+é-]{0,60}") {
        if let Ok(mut stream) = ToneStream::parse(&text) {
            stream.fill(&mut [0; 1000]);
        }
    }
}
