//! Digits: sent by RFC 4733, INFO and tones, and told of on the other side.

use super::{Bench, CALLER};

/// Digit, duration and source of each DTMF event of `uuid`.
fn digits(bench: &Bench, uuid: &str) -> Vec<String> {
    let of = bench.events.iter().filter(|e| e.name() == "DTMF" && e.header("Unique-ID") == Some(uuid));
    of.map(|event| {
        let value = |name: &str| event.header(name).unwrap_or_default().to_owned();
        format!("{} {} {}", value("DTMF-Digit"), value("DTMF-Duration"), value("DTMF-Source"))
    })
    .collect()
}

#[test]
fn digits_go_as_telephone_events_both_ways() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    let sent = bench.ask(&format!("api uuid_send_dtmf {CALLER} 1#@100"));
    assert_eq!(sent, format!("+OK {CALLER} sent DTMF 1#@100.\n"));
    bench.execute(&callee, "send_dtmf", "D");
    bench.wait(1_500);
    assert_eq!(digits(&bench, &callee), ["1 800 RTP", "# 800 RTP"]);
    // Whole frames of 20 ms: 250 ms become 260.
    assert_eq!(digits(&bench, CALLER), ["D 2080 RTP"]);
}

#[test]
fn digits_go_by_info_where_telephone_events_were_not_agreed_on() {
    let mut bench = Bench::new();
    let originate = format!(
        "bgapi originate {{origination_uuid={CALLER},dtmf_type=info}}sofia/external/dog@127.0.0.1:5080 &park()"
    );
    bench.ask(&originate);
    let callee = bench.event(|e| e.name() == "CHANNEL_PARK").header("Unique-ID").unwrap().to_owned();
    bench.ask(&format!("api uuid_answer {callee}"));
    bench.wait(100);
    bench.ask(&format!("api uuid_send_dtmf {CALLER} 12*#D@120"));
    bench.wait(500);
    let wanted: Vec<_> = "12*#D".chars().map(|digit| format!("{digit} 960 ENDPOINT")).collect();
    assert_eq!(digits(&bench, &callee), wanted);
}

#[test]
fn tones_are_digits_while_someone_listens() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    let tones = "tone_stream://v=-10;%(100,100,697,1209);%(100,100,941,1477)";
    bench.execute(CALLER, "playback", tones);
    bench.wait(1_000);
    assert_eq!(digits(&bench, &callee), Vec::<String>::new());
    bench.execute(&callee, "spandsp_start_dtmf", "");
    bench.execute(CALLER, "playback", tones);
    bench.wait(1_000);
    assert_eq!(digits(&bench, &callee), ["1 2000 INBAND_AUDIO", "# 2000 INBAND_AUDIO"]);
    bench.execute(&callee, "spandsp_stop_dtmf", "");
    bench.wait(100);
    assert_eq!(bench.last("MEDIA_BUG_STOP").header("Media-Bug-Function"), Some("spandsp_dtmf_detect"));
    bench.execute(CALLER, "playback", tones);
    bench.wait(1_000);
    assert_eq!(digits(&bench, &callee).len(), 2);
}

#[test]
fn digits_that_are_given_to_a_channel_are_its_own() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    let given = bench.ask(&format!("api uuid_recv_dtmf {callee} 42@60"));
    assert_eq!(given, format!("+OK {callee} received DTMF 42@60.\n"));
    bench.execute(&callee, "queue_dtmf", "7");
    bench.wait(100);
    assert_eq!(digits(&bench, &callee), ["4 480 APP", "2 480 APP", "7 2000 APP"]);
    assert_eq!(bench.ask(&format!("api uuid_recv_dtmf {callee} xyz")), "-USAGE: <uuid> <dtmf_data>\n");
    assert_eq!(bench.ask("api uuid_recv_dtmf nobody 1"), "-ERR Cannot locate session!\n");
    assert_eq!(bench.ask(&format!("api uuid_send_dtmf {callee} xyz")), "-ERR Operation failed\n");
}

#[test]
fn a_digit_of_the_terminators_ends_a_playback() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "playback", "silence_stream://-1");
    bench.ask(&format!("api uuid_recv_dtmf {callee} 1"));
    bench.wait(200);
    assert!(!bench.names().contains(&"PLAYBACK_STOP".to_owned()));
    bench.ask(&format!("api uuid_recv_dtmf {callee} *"));
    bench.wait(200);
    assert_eq!(bench.last("CHANNEL_EXECUTE_COMPLETE").variable("playback_terminator_used"), Some("*"));
}

#[test]
fn an_echo_keeps_digits_until_it_is_over() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "echo", "");
    bench.ask(&format!("api uuid_send_dtmf {CALLER} 5@100"));
    bench.wait(500);
    assert_eq!(digits(&bench, &callee), Vec::<String>::new());
    bench.ask(&format!("api uuid_break {callee}"));
    bench.wait(100);
    assert_eq!(digits(&bench, &callee), ["5 800 RTP"]);
}

#[test]
fn digits_become_tones_in_what_a_channel_says_when_it_generates_them() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "spandsp_start_dtmf", "");
    bench.execute(CALLER, "start_dtmf_generate", "write");
    assert_eq!(bench.last("MEDIA_BUG_START").header("Media-Bug-Function"), Some("inband_dtmf_generate"));
    bench.execute(CALLER, "playback", "silence_stream://-1");
    bench.ask(&format!("api uuid_send_dtmf {CALLER} 12@100"));
    bench.wait(1_500);
    assert_eq!(digits(&bench, &callee), ["1 2000 INBAND_AUDIO", "2 2000 INBAND_AUDIO"]);
    assert_eq!(digits(&bench, CALLER), ["1 800 APP", "2 800 APP"]);
    bench.ask(&format!("api uuid_break {CALLER}"));
    bench.execute(CALLER, "stop_dtmf_generate", "");
    bench.ask(&format!("api uuid_send_dtmf {CALLER} 3@100"));
    bench.wait(500);
    assert_eq!(digits(&bench, &callee)[2..], ["3 800 RTP"]);
    bench.ask(&format!("api uuid_kill {CALLER}"));
    bench.wait(500);
    let ended =
        bench.events.iter().find(|e| e.name() == "CHANNEL_HANGUP_COMPLETE" && e.header("Unique-ID") == Some(CALLER));
    assert_eq!(ended.unwrap().variable("rtp_audio_out_dtmf_packet_count"), Some("7"));
}
