use super::*;
use crate::audio::g711::{self, Law};

/// A WAV file with this `fmt ` chunk, the length its `data` chunk claims, and what follows.
fn file(fmt: &[u8], claimed: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
    bytes.extend((fmt.len() as u32).to_le_bytes());
    bytes.extend(fmt);
    bytes.extend(b"data");
    bytes.extend(claimed.to_le_bytes());
    bytes.extend(data);
    bytes
}

fn fmt(tag: u16, channels: u16, bits: u16) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut out = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    out.extend(8000u32.to_le_bytes());
    out.extend((8000 * u32::from(block)).to_le_bytes());
    out.extend([block.to_le_bytes(), bits.to_le_bytes()].concat());
    out
}

fn parsed(bytes: &[u8]) -> Result<Wav, String> {
    parse::parse(bytes).map_err(|fault| fault.at(Path::new("a.wav")).to_string())
}

fn one_channel(bytes: &[u8]) -> Vec<i16> {
    let wav = parsed(bytes).unwrap();
    assert_eq!((wav.channels.len(), wav.repaired), (1, None));
    wav.channels[0].clone()
}

#[test]
fn a_written_file_reads_back_and_its_folders_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/c.wav");
    let mut writer = Writer::create(&path, SampleRate(16_000), 2).unwrap();
    writer.write(&[1, -1, 2, -2]).unwrap();
    writer.write(&[i16::MAX, i16::MIN]).unwrap();
    assert_eq!(writer.finish().unwrap(), 3);
    let wav = read(&path).unwrap();
    let channels = vec![vec![1, 2, i16::MAX], vec![-1, -2, i16::MIN]];
    assert_eq!(wav, Wav { rate: SampleRate(16_000), channels, repaired: None });
    assert_eq!(wav.duration(), Duration::from_nanos(187_500));
}

#[test]
fn a_full_disk_is_named() {
    let Ok(mut writer) = Writer::create(Path::new("/dev/full"), SampleRate::NARROW, 1) else {
        panic!("/dev/full takes small writes into a buffer");
    };
    let error = match writer.write(&[1; 100_000]) {
        Err(error) => error,
        Ok(()) => writer.finish().unwrap_err(),
    };
    assert_eq!(error.to_string(), "/dev/full: the disk is full");
}

#[test]
fn a_short_recording_on_a_full_disk_fails_when_it_is_finished() {
    let mut writer = Writer::create(Path::new("/dev/full"), SampleRate::NARROW, 1).unwrap();
    writer.write(&[1; 100]).unwrap();
    assert_eq!(writer.finish().unwrap_err().to_string(), "/dev/full: the disk is full");
}

#[test]
fn errors_name_the_file_and_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no.wav");
    assert!(read(&missing).unwrap_err().to_string().ends_with("no.wav: no such file"));
    assert!(matches!(read(folder.path()), Err(WavError::NotAFile(_))));

    assert_eq!(parsed(b"").unwrap_err(), "a.wav: the file is empty");
    assert_eq!(parsed(b"OggS\0\x02").unwrap_err(), "a.wav: not a RIFF WAVE file: it starts with OggS\\x00\\x02");
    assert_eq!(parsed(b"RIFF").unwrap_err(), "a.wav: not a RIFF WAVE file: it starts with RIFF");
    let headless = b"RIFF\0\0\0\0WAVEdata\x02\0\0\0\0\0";
    assert_eq!(parsed(headless).unwrap_err(), "a.wav: no `fmt ` chunk in front of the samples");
    let gsm = parsed(&file(&fmt(0x31, 1, 0), 2, &[0, 0])).unwrap_err();
    assert_eq!(gsm, "a.wav: unsupported format: format 49 (GSM 06.10)");
    assert_eq!(
        parsed(&file(&fmt(1, 1, 12), 2, &[0, 0])).unwrap_err(),
        "a.wav: unsupported format: format 1 with 12 bits"
    );
    assert_eq!(
        parsed(&file(&fmt(1, 0, 16), 2, &[0, 0])).unwrap_err(),
        "a.wav: unsupported format: 0 channels at 8000 Hz"
    );
    assert_eq!(parsed(&file(&fmt(1, 1, 16), 0, &[])).unwrap_err(), "a.wav: no samples: the recording has length 0");
    let listed = file(&fmt(1, 1, 16), 0, b"LIST\x04\0\0\0INFO");
    assert_eq!(parsed(&listed).unwrap_err(), "a.wav: no samples: the `data` chunk is empty");
}

#[test]
fn every_coding_reads_as_16_bits() {
    assert_eq!(one_channel(&file(&fmt(1, 1, 8), 3, &[0, 128, 255])), [-32768, 0, 32512]);
    assert_eq!(one_channel(&file(&fmt(1, 1, 16), 2, &[0x34, 0x12])), [0x1234]);
    assert_eq!(one_channel(&file(&fmt(1, 1, 24), 3, &[9, 0x34, 0x12])), [0x1234]);
    assert_eq!(one_channel(&file(&fmt(1, 1, 32), 4, &[9, 9, 0x34, 0x12])), [0x1234]);
    let floats: Vec<u8> = [0.5f32, -1.0, 2.0, f32::NAN].iter().flat_map(|f| f.to_le_bytes()).collect();
    assert_eq!(one_channel(&file(&fmt(3, 1, 32), 16, &floats)), [16384, -32768, 32767, 0]);
    assert_eq!(one_channel(&file(&fmt(3, 1, 64), 8, &0.25f64.to_le_bytes())), [8192]);
    for (tag, law) in [(7, Law::Mu), (6, Law::A)] {
        let mut pcm = Vec::new();
        g711::decode(law, &g711::digital_milliwatt(law), &mut pcm);
        assert_eq!(one_channel(&file(&fmt(tag, 1, 8), 8, &g711::digital_milliwatt(law))), pcm);
    }
}

#[test]
fn an_extensible_header_is_looked_through() {
    let mut extensible = fmt(0xfffe, 1, 16);
    extensible.extend([22, 0, 16, 0, 4, 0, 0, 0]);
    extensible.extend([1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    assert_eq!(one_channel(&file(&extensible, 2, &[1, 0])), [1]);
    extensible[30] = 9;
    assert!(parsed(&file(&extensible, 2, &[1, 0])).unwrap_err().contains("extensible"));
}

#[test]
fn unfinished_and_truncated_recordings_are_read_and_told() {
    let repaired = |claimed| {
        let wav = parsed(&file(&fmt(1, 1, 16), claimed, &[1, 0, 2, 0, 3])).unwrap();
        assert_eq!(wav.channels, [[1, 2]]);
        wav.repaired.unwrap()
    };
    assert!(repaired(0).starts_with("its header says 0 bytes of samples (unfinished recording)"));
    assert!(repaired(u32::MAX).starts_with("its header leaves the length open (unfinished recording)"));
    assert!(repaired(100).starts_with("its header says 100 bytes of samples and only 5 follow (truncated)"));
    assert_eq!(repaired(5), "left out 1 odd bytes at the end");
}

#[test]
fn chunks_of_odd_length_are_stepped_over() {
    let mut bytes = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0".to_vec();
    bytes.extend(&file(&fmt(1, 1, 16), 2, &[1, 0])[12..]);
    assert_eq!(one_channel(&bytes), [1]);
}

#[test]
fn a_writer_that_was_never_finished_leaves_a_readable_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let mut writer = Writer::create(&path, SampleRate::NARROW, 1).unwrap();
    writer.write(&[7; 160]).unwrap();
    writer.flush().unwrap();
    writer.write(&[8; 160]).unwrap();
    // As a crash would: neither finish nor drop.
    std::mem::forget(writer);
    assert_eq!(read(&path).unwrap().channels, [[7; 160]]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(head in 0usize..60, tail: Vec<u8>, flip in 0usize..60, to: u8) {
        let mut bytes = file(&fmt(1, 2, 16), 4, &[1, 0, 2, 0]);
        bytes.truncate(head);
        bytes.extend(tail);
        if let Some(byte) = bytes.get_mut(flip) {
            *byte = to;
        }
        let _ = parsed(&bytes);
    }
}
