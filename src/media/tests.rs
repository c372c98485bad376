//! Two engines joined by a wire in virtual time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::clip::Clip;
use super::engine::{Engine, MediaOutput, RecordOutput, RecordReport};
use super::rtp::Packet;
use super::*;
use crate::audio::g711::{self, Law};
use crate::audio::level::level;
use crate::audio::sine::sine;
use crate::audio::wav;
use crate::units::{Dbm0, Hertz};

const CALLER: usize = 0;
const CALLEE: usize = 1;
const LEG: LegId = LegId(1);
const PLAY: PlayId = PlayId(1);
const TONE: &str = "%(251,0,1004);loops=-1";

/// What the wire does to the packets of one side.
#[derive(Clone, Copy, PartialEq)]
enum Wire {
    Clean,
    /// Every tenth packet vanishes.
    Loses,
    /// Every tenth packet comes twice.
    Doubles,
    /// Every tenth packet comes after the next.
    Swaps,
}

struct Side {
    engine: Engine,
    local: SocketAddr,
    events: Vec<MediaEvent>,
    /// Every packet sent, and when.
    sent: Vec<(Time, Vec<u8>)>,
    files: HashMap<RecordId, Vec<i16>>,
    wire: Wire,
    held: Option<Vec<u8>>,
    /// Where packets seem to come from.
    from: SocketAddr,
}

struct Rig {
    now: Time,
    sides: [Side; 2],
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl Rig {
    /// Two legs with ports, not connected yet.
    fn open() -> Rig {
        let side = |port| Side {
            engine: Engine::new(),
            local: address(port),
            events: Vec::new(),
            sent: Vec::new(),
            files: HashMap::new(),
            wire: Wire::Clean,
            held: None,
            from: address(port),
        };
        let mut rig = Rig { now: Time::from_micros(1_700_000_000_000_000), sides: [side(1_000), side(2_000)] };
        for side in [CALLER, CALLEE] {
            rig.command(side, MediaCommand::Open { leg: LEG });
        }
        rig
    }

    /// Two legs that hear each other.
    fn connected(codec: Codec) -> Rig {
        let mut rig = Rig::open();
        rig.connect(CALLER, codec);
        rig.connect(CALLEE, codec);
        rig
    }

    fn connect(&mut self, side: usize, codec: Codec) {
        let remote = self.sides[1 - side].local;
        let ssrc = 100 + side as u32;
        self.command(side, MediaCommand::Connect { leg: LEG, remote, codec, telephone_event: Some(101), ssrc });
    }

    fn command(&mut self, side: usize, command: MediaCommand) {
        let now = self.now;
        self.sides[side].engine.handle_command(now, command);
        self.carry_out(side);
    }

    fn play(&mut self, side: usize, play: u64, source: Source) {
        self.command(side, MediaCommand::Play { leg: LEG, play: PlayId(play), source });
    }

    fn tone(&mut self, side: usize) {
        self.play(side, 1, Source::Tone(TONE.into()));
    }

    fn record(&mut self, side: usize, record: u64, tracks: Tracks, rate: u32, limit: Option<Duration>) {
        let (record, path, rate) = (RecordId(record), PathBuf::from("memory"), SampleRate(rate));
        self.command(side, MediaCommand::Record { leg: LEG, record, path, tracks, rate, limit });
    }

    fn stop(&mut self, side: usize, record: u64) -> Vec<i16> {
        let record = RecordId(record);
        self.command(side, MediaCommand::StopRecord { leg: LEG, record });
        self.sides[side].files[&record].clone()
    }

    /// Lets time go on; the callee ticks 7 ms after the caller.
    fn run(&mut self, ms: u64) {
        for _ in 0..ms {
            let beat = self.now.as_micros() / 1_000 % 20;
            for (side, phase) in [(CALLER, 0), (CALLEE, 7)] {
                if beat == phase {
                    self.sides[side].engine.handle_tick(self.now, self.now, LEG);
                    self.carry_out(side);
                }
            }
            self.now += Duration::from_millis(1);
        }
    }

    fn carry_out(&mut self, side: usize) {
        while let Some(output) = self.sides[side].engine.poll_output() {
            let (now, this) = (self.now, &mut self.sides[side]);
            match output {
                MediaOutput::Open { leg } => this.engine.handle_opened(now, leg, Ok(this.local)),
                MediaOutput::Close { .. } => {}
                MediaOutput::Load { leg, play, path } => {
                    let clip = Clip::read(&path).map_err(|error| error.to_string());
                    this.engine.handle_clip(now, leg, play, clip);
                }
                MediaOutput::Record { leg, record, output } => {
                    let report = match output {
                        RecordOutput::Create { path, .. } if path.as_os_str() == "full" => {
                            RecordReport::Failed { samples: 0, reason: "the disk is full".into() }
                        }
                        RecordOutput::Create { .. } => {
                            this.files.insert(record, Vec::new());
                            RecordReport::Started
                        }
                        RecordOutput::Samples(samples) => {
                            this.files.get_mut(&record).unwrap().extend(samples);
                            continue;
                        }
                        RecordOutput::Finish => RecordReport::Finished { samples: this.files[&record].len() as u64 },
                    };
                    this.engine.handle_report(now, leg, record, report);
                }
                MediaOutput::Event(event) => this.events.push(event),
                MediaOutput::Send { packet, to, .. } => {
                    this.sent.push((now, packet.clone()));
                    let tenth = this.sent.len() % 10 == 0;
                    let from = this.from;
                    let arriving = match (this.wire, this.held.take()) {
                        (_, Some(held)) => vec![packet, held],
                        (Wire::Loses, None) if tenth => vec![],
                        (Wire::Doubles, None) if tenth => vec![packet.clone(), packet],
                        (Wire::Swaps, None) if tenth => {
                            this.held = Some(packet);
                            vec![]
                        }
                        _ => vec![packet],
                    };
                    if to == self.sides[1 - side].local {
                        for packet in arriving {
                            self.hand_over(1 - side, from, &packet);
                        }
                    }
                }
            }
        }
    }

    fn hand_over(&mut self, side: usize, from: SocketAddr, bytes: &[u8]) {
        self.sides[side].engine.handle_packet(self.now, LEG, from, bytes);
        self.carry_out(side);
    }

    fn stats(&self, side: usize) -> LegStats {
        self.sides[side].engine.stats(LEG).unwrap()
    }

    /// Plays a second of the milliwatt into an echo while all of it is recorded; gives what was said and heard.
    fn milliwatt_into_echo(&mut self) -> (Vec<i16>, Vec<i16>) {
        self.record(CALLER, 1, Tracks::Heard, 8_000, None);
        self.record(CALLER, 2, Tracks::Said, 8_000, None);
        self.command(CALLEE, MediaCommand::Echo { leg: LEG, on: true });
        self.tone(CALLER);
        self.run(3_000);
        (self.stop(CALLER, 2), self.stop(CALLER, 1))
    }
}

/// `heard` from the first sound on.
fn from_first_sound(heard: &[i16]) -> &[i16] {
    let first = heard.iter().position(|sample| *sample != 0).expect("nothing was heard");
    &heard[first..]
}

/// The level of `hertz` alone in `pcm`, in dBm0 (the Goertzel algorithm by its sum).
fn level_at(pcm: &[i16], hertz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in pcm.iter().enumerate() {
        let angle = std::f64::consts::TAU * hertz * n as f64 / 8_000.0;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    // As much power as a square wave of this height has.
    let height = (f64::hypot(re, im) * 2f64.sqrt() / pcm.len() as f64) as i16;
    level(&[height, -height]).map_or(f64::NEG_INFINITY, |level| level.0)
}

fn packets(side: &Side) -> Vec<Packet<'_>> {
    side.sent.iter().map(|(_, bytes)| Packet::parse(bytes).unwrap()).collect()
}

#[test]
fn a_tone_comes_back_from_an_echo_sample_for_sample() {
    for (codec, law) in [(Codec::Pcmu, Law::Mu), (Codec::Pcma, Law::A)] {
        let mut rig = Rig::connected(codec);
        let (said, heard) = rig.milliwatt_into_echo();
        assert_eq!((said.len(), heard.len()), (24_000, 24_000));
        let heard = from_first_sound(&heard);
        let silent = 24_000 - heard.len();
        // Each side waits 20 to 40 ms for its jitter buffer.
        assert!((320..=640).contains(&silent), "{silent} samples until the echo");
        let expected = g711::through(law, &said);
        assert_eq!(heard, &from_first_sound(&expected)[..heard.len()]);
        let (tone, tone_said) = (level_at(&heard[..8_000], 1_004.0), level_at(&said[8_000..16_000], 1_004.0));
        assert!(tone > -10.0 && (tone - tone_said).abs() < 0.1, "{tone} dBm0 heard, {tone_said} dBm0 said");
    }
}

#[test]
fn the_echo_returns_the_very_bytes() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.command(CALLEE, MediaCommand::Echo { leg: LEG, on: true });
    // All 256 octets, the two zeros of mu-law among them.
    let payload: Vec<u8> = (0..=255).chain(0..64).map(|n: u32| n as u8).collect();
    for (n, half) in payload.chunks(160).enumerate() {
        let timestamp = n as u32 * 160;
        let packet = Packet { marker: n == 0, payload_type: 0, sequence: n as u16, timestamp, ssrc: 9, payload: half };
        rig.hand_over(CALLEE, address(1_000), &packet.encode());
    }
    rig.run(200);
    let echoed: Vec<u8> = packets(&rig.sides[CALLEE]).iter().flat_map(|packet| packet.payload.to_vec()).collect();
    assert_eq!(echoed, payload);
}

#[test]
fn a_lost_packet_is_20_ms_of_silence_and_nothing_more() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.sides[CALLER].wire = Wire::Loses;
    let (said, heard) = rig.milliwatt_into_echo();
    let heard = from_first_sound(&heard);
    let mut expected = g711::through(Law::Mu, &said);
    for frame in expected.chunks_mut(160).skip(9).step_by(10) {
        frame.fill(0);
    }
    assert_eq!(heard, &from_first_sound(&expected)[..heard.len()]);
    let stats = rig.stats(CALLEE);
    assert_eq!((stats.received_packets, stats.lost_packets), (135, 14));
    assert_eq!((stats.reordered_packets, stats.duplicate_packets), (0, 0));
}

#[test]
fn packets_that_come_twice_or_in_the_wrong_order_change_nothing_that_is_heard() {
    for wire in [Wire::Doubles, Wire::Swaps] {
        let mut rig = Rig::connected(Codec::Pcma);
        rig.sides[CALLER].wire = wire;
        let (said, heard) = rig.milliwatt_into_echo();
        let heard = from_first_sound(&heard);
        let expected = g711::through(Law::A, &said);
        let same = heard.iter().zip(from_first_sound(&expected)).take_while(|(a, b)| a == b).count();
        assert_eq!(same, heard.len());
        let stats = rig.stats(CALLEE);
        let swapped = u64::from(wire == Wire::Swaps);
        assert_eq!(stats.lost_packets, 0);
        assert_eq!((stats.reordered_packets > 10, stats.duplicate_packets > 10), (swapped == 1, swapped == 0));
    }
}

#[test]
fn nothing_is_sent_while_nothing_plays() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.command(CALLEE, MediaCommand::Echo { leg: LEG, on: true });
    rig.run(2_000);
    let stats = rig.stats(CALLEE);
    // As FreeSWITCH counted in the capture tone-echo: 0 packets out, 100 skipped in 2 s.
    assert_eq!((stats.sent_packets, stats.received_packets, stats.skipped_packets), (0, 0, 100));
    assert_eq!(stats.first_received, None);
}

#[test]
fn a_file_is_sent_as_freeswitch_sends_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("founder.wav");
    let mut writer = wav::Writer::create(&path, SampleRate::NARROW, 1).unwrap();
    // As long as the file of the capture play-record: 213 packets, 36636 bytes, 34000 samples, done after 4.26 s.
    writer.write(&[1_000; 34_000]).unwrap();
    writer.finish().unwrap();
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.play(CALLER, 7, Source::File { path, start: 0 });
    rig.run(5_000);
    let stats = rig.stats(CALLER);
    assert_eq!((stats.sent_packets, stats.sent_bytes), (213, 36_636));
    let play = PlayId(7);
    assert_eq!(
        rig.sides[CALLER].events[1..],
        [
            MediaEvent::PlayStarted { leg: LEG, play },
            MediaEvent::PlayEnded { leg: LEG, play, end: PlayEnd::Done, samples: 34_000 }
        ]
    );
    let heard = rig.stats(CALLEE);
    assert_eq!((heard.received_packets, heard.received_bytes, heard.lost_packets), (213, 36_636, 0));
    assert_eq!(heard.jitter, Duration::ZERO);
}

#[test]
fn a_file_of_16_khz_sounds_as_high_and_as_loud_and_may_start_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.wav");
    let tone = sine(Hertz(1_004.0), Dbm0(-10.0), SampleRate(16_000), 32_000);
    let mut writer = wav::Writer::create(&path, SampleRate(16_000), 1).unwrap();
    writer.write(&tone).unwrap();
    writer.finish().unwrap();
    let mut rig = Rig::connected(Codec::Pcma);
    rig.record(CALLEE, 1, Tracks::Heard, 8_000, None);
    rig.play(CALLER, 1, Source::File { path, start: 4_000 });
    rig.run(2_000);
    let heard = rig.stop(CALLEE, 1);
    let tone = level_at(&from_first_sound(&heard)[..8_000], 1_004.0);
    assert!((tone + 10.0).abs() < 0.1, "{tone} dBm0");
    let ended = MediaEvent::PlayEnded { leg: LEG, play: PLAY, end: PlayEnd::Done, samples: 12_000 };
    assert_eq!(rig.sides[CALLER].events.last(), Some(&ended));
}

#[test]
fn the_wire_shows_one_stream_with_a_marker_at_each_start() {
    let mut rig = Rig::connected(Codec::Pcmu);
    let quarter = || Source::Silence { length: Some(Duration::from_millis(250)), noise_divisor: 400 };
    rig.play(CALLER, 1, quarter());
    rig.run(1_000);
    rig.play(CALLER, 2, quarter());
    rig.run(1_000);
    let side = &rig.sides[CALLER];
    let packets = packets(side);
    assert_eq!(packets.len(), 26);
    for (n, pair) in packets.windows(2).enumerate() {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        let passed = side.sent[n + 1].0.since(side.sent[n].0);
        let samples = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert_eq!(samples as usize, SampleRate::NARROW.samples(passed), "timestamps go with the time");
    }
    let markers: Vec<usize> = (0..26).filter(|n| packets[*n].marker).collect();
    assert_eq!(markers, [0, 13]);
    assert!(packets.iter().all(|packet| packet.ssrc == 100 && packet.payload.len() == 160));
}

#[test]
fn packets_of_any_length_are_heard_without_a_gap() {
    for samples in [80, 160, 240, 320, 480] {
        let mut rig = Rig::connected(Codec::Pcmu);
        rig.record(CALLEE, 1, Tracks::Heard, 8_000, None);
        let audio: Vec<u8> = (0..16_000u32).map(|n| (n * 7 % 120) as u8).collect();
        for (n, payload) in audio.chunks_exact(samples).enumerate() {
            let (sequence, timestamp) = (n as u16, (n * samples) as u32);
            let packet = Packet { marker: n == 0, payload_type: 0, sequence, timestamp, ssrc: 1, payload };
            rig.hand_over(CALLEE, address(1_000), &packet.encode());
            rig.run(samples as u64 / 8);
        }
        rig.run(200);
        let heard = rig.stop(CALLEE, 1);
        let mut expected = Vec::new();
        g711::decode(Law::Mu, &audio[..16_000 / samples * samples], &mut expected);
        assert_eq!(from_first_sound(&heard)[..expected.len()], expected, "{samples} samples a packet");
    }
}

#[test]
fn recordings_hold_as_many_samples_as_the_time_they_took() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.tone(CALLER);
    rig.tone(CALLEE);
    for (record, tracks, rate) in [
        (1, Tracks::Heard, 8_000),
        (2, Tracks::Said, 16_000),
        (3, Tracks::Mixed, 8_000),
        (4, Tracks::Stereo, 8_000),
        (5, Tracks::Stereo, 16_000),
    ] {
        rig.record(CALLER, record, tracks, rate, None);
    }
    rig.run(1_980);
    let [heard, said_wide, mixed, stereo, stereo_wide] = [1, 2, 3, 4, 5].map(|record| rig.stop(CALLER, record));
    let lengths = [&heard, &said_wide, &mixed, &stereo, &stereo_wide].map(Vec::len);
    assert_eq!(lengths, [15_840, 31_680, 15_840, 31_680, 63_360]);
    let channel = |from: usize| stereo.iter().skip(from).step_by(2).copied().collect::<Vec<i16>>();
    let (left, right) = (channel(0), channel(1));
    assert_eq!(left, heard);
    let sum: Vec<i16> = left.iter().zip(&right).map(|(a, b)| a.saturating_add(*b)).collect();
    assert_eq!(mixed, sum);
    // Every second sample of the wide one is one of the narrow, but for the filter.
    let wide = level(&said_wide[1_600..30_000]).unwrap().0;
    assert!((wide - level(&right[800..15_000]).unwrap().0).abs() < 0.1, "{wide} dBm0");
}

#[test]
fn a_recording_ends_at_its_limit_to_the_sample() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.tone(CALLER);
    rig.record(CALLER, 1, Tracks::Said, 8_000, Some(Duration::from_millis(333)));
    rig.record(CALLER, 2, Tracks::Said, 16_000, Some(Duration::from_millis(333)));
    rig.run(1_000);
    assert_eq!(rig.sides[CALLER].files[&RecordId(1)].len(), 2_664);
    let stopped = |record, samples| MediaEvent::RecordStopped {
        leg: LEG,
        record: RecordId(record),
        samples,
        end: RecordEnd::Limit,
    };
    let events = &rig.sides[CALLER].events;
    assert!(events.contains(&stopped(1, 2_664)) && events.contains(&stopped(2, 5_328)), "{events:?}");
}

#[test]
fn closing_a_leg_ends_what_goes_on_and_then_tells_its_counts() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.tone(CALLER);
    rig.record(CALLER, 1, Tracks::Said, 8_000, None);
    rig.run(100);
    rig.command(CALLER, MediaCommand::Close { leg: LEG });
    let record = RecordId(1);
    let events = &rig.sides[CALLER].events;
    assert_eq!(
        events[1..5],
        [
            MediaEvent::RecordStarted { leg: LEG, record },
            MediaEvent::PlayStarted { leg: LEG, play: PLAY },
            MediaEvent::PlayEnded { leg: LEG, play: PLAY, end: PlayEnd::Stopped, samples: 800 },
            MediaEvent::RecordStopped { leg: LEG, record, samples: 800, end: RecordEnd::LegClosed },
        ]
    );
    let Some(MediaEvent::Closed { stats, .. }) = events.get(5) else { panic!("{events:?}") };
    assert_eq!(stats.sent_packets, 5);
    rig.run(100);
    assert_eq!(rig.sides[CALLER].sent.len(), 5);
}

#[test]
fn a_playback_can_be_replaced_stopped_or_fail() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.tone(CALLER);
    rig.run(40);
    rig.play(CALLER, 2, Source::Tone("%(".into()));
    rig.play(CALLER, 3, Source::File { path: "/nowhere.wav".into(), start: 0 });
    rig.play(CALLER, 4, Source::Silence { length: Some(Duration::ZERO), noise_divisor: 0 });
    rig.run(40);
    rig.play(CALLER, 5, Source::Silence { length: None, noise_divisor: 0 });
    rig.run(40);
    rig.command(CALLER, MediaCommand::StopPlay { leg: LEG });
    let ends: Vec<_> = rig.sides[CALLER]
        .events
        .iter()
        .filter_map(|event| match event {
            MediaEvent::PlayEnded { play, end, samples, .. } => Some((play.0, end.clone(), *samples)),
            _ => None,
        })
        .collect();
    assert_eq!(ends[0], (1, PlayEnd::Replaced, 320));
    assert!(matches!(&ends[1], (2, PlayEnd::Failed(_), 0)), "{:?}", ends[1]);
    assert_eq!(ends[2], (3, PlayEnd::Failed("/nowhere.wav: no such file".into()), 0));
    assert_eq!(ends[3..], [(4, PlayEnd::Done, 0), (5, PlayEnd::Stopped, 320)]);
}

#[test]
fn a_recording_that_cannot_be_written_says_why() {
    let mut rig = Rig::connected(Codec::Pcmu);
    let record = |record, path: &str, rate| MediaCommand::Record {
        leg: LEG,
        record: RecordId(record),
        path: path.into(),
        tracks: Tracks::Mixed,
        rate: SampleRate(rate),
        limit: None,
    };
    rig.command(CALLER, record(1, "full", 8_000));
    rig.command(CALLER, record(2, "memory", 0));
    rig.run(100);
    let failed = |record, reason: &str| MediaEvent::RecordStopped {
        leg: LEG,
        record: RecordId(record),
        samples: 0,
        end: RecordEnd::Failed(reason.into()),
    };
    let told = &rig.sides[CALLER].events[1..];
    assert_eq!(told, [failed(1, "the disk is full"), failed(2, "cannot record at a sample rate of 0 Hz")]);
}

#[test]
fn a_new_connect_changes_the_codec_and_keeps_the_stream() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.tone(CALLER);
    rig.run(200);
    rig.connect(CALLER, Codec::Pcma);
    rig.connect(CALLEE, Codec::Pcma);
    rig.record(CALLEE, 1, Tracks::Heard, 8_000, None);
    rig.run(1_000);
    let heard = rig.stop(CALLEE, 1);
    let packets = packets(&rig.sides[CALLER]);
    assert_eq!((packets[9].payload_type, packets[10].payload_type), (0, 8));
    assert_eq!(packets[10].sequence, packets[9].sequence.wrapping_add(1));
    assert_eq!(rig.stats(CALLEE).lost_packets, 0);
    let heard = from_first_sound(&heard);
    let (tone, all) = (level_at(&heard[..7_000], 1_004.0), level(&heard[..7_000]).unwrap().0);
    assert!((tone - all).abs() < 0.1, "{tone} dBm0 of {all} dBm0");
}

#[test]
fn what_was_not_agreed_on_is_not_heard() {
    let mut rig = Rig::connected(Codec::Pcmu);
    let packet = |payload_type| Packet {
        marker: false,
        payload_type,
        sequence: 1,
        timestamp: 160,
        ssrc: 1,
        payload: &[0x10; 160],
    };
    rig.hand_over(CALLEE, address(1_000), &packet(8).encode());
    rig.hand_over(CALLEE, address(1_000), b"\x80 not RTP");
    assert_eq!(rig.stats(CALLEE).received_packets, 0);
    rig.hand_over(CALLEE, address(1_000), &packet(101).encode());
    let stats = rig.stats(CALLEE);
    assert_eq!((stats.received_packets, stats.received_telephone_events), (1, 1));
    // The address is confirmed by now.
    rig.hand_over(CALLEE, address(3_000), &packet(0).encode());
    assert_eq!(rig.stats(CALLEE).received_packets, 1);
}

#[test]
fn a_leg_follows_a_peer_that_sends_from_elsewhere() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.sides[CALLER].from = address(9_000);
    rig.command(CALLEE, MediaCommand::Echo { leg: LEG, on: true });
    rig.tone(CALLER);
    rig.run(400);
    let echoed_home = rig.stats(CALLER).received_packets;
    assert!((5..=9).contains(&echoed_home), "{echoed_home} packets went where the SDP said");
    assert!(rig.stats(CALLEE).sent_packets > echoed_home + 5);
}

#[test]
fn packets_before_the_connect_are_thrown_away() {
    let mut rig = Rig::open();
    rig.connect(CALLER, Codec::Pcmu);
    rig.tone(CALLER);
    rig.run(200);
    rig.connect(CALLEE, Codec::Pcmu);
    rig.run(200);
    assert_eq!(rig.stats(CALLEE).received_packets, 10);
}

#[test]
fn a_command_for_a_leg_that_is_not_there_is_answered() {
    let mut engine = Engine::new();
    engine.handle_command(Time::default(), MediaCommand::StopPlay { leg: LEG });
    engine.handle_command(Time::default(), MediaCommand::Close { leg: LEG });
    let source = Source::Tone(TONE.into());
    engine.handle_command(Time::default(), MediaCommand::Play { leg: LEG, play: PLAY, source });
    let closed = MediaEvent::Closed { leg: LEG, stats: Box::default() };
    assert_eq!(engine.poll_output(), Some(MediaOutput::Event(closed)));
    let end = PlayEnd::Failed("leg 1 is not open".into());
    let ended = MediaEvent::PlayEnded { leg: LEG, play: PLAY, end, samples: 0 };
    assert_eq!(engine.poll_output(), Some(MediaOutput::Event(ended)));
    assert_eq!(engine.poll_output(), None);
}

#[test]
fn a_tick_that_is_late_by_more_than_a_frame_is_counted() {
    let mut rig = Rig::connected(Codec::Pcmu);
    rig.tone(CALLER);
    for late in [0, 20, 21, 50] {
        let due = rig.now;
        rig.sides[CALLER].engine.handle_tick(due + Duration::from_millis(late), due, LEG);
    }
    assert_eq!(rig.stats(CALLER).late_ticks, 2);
}
