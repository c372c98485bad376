#![expect(clippy::disallowed_methods, reason = "a bench lets time pass")]
//! How many legs one media thread carries: `cargo bench --bench media -- [legs] [seconds] [recorded]`.
//!
//! Pairs of legs on loopback send each other a tone, both ways. Told are the packets that were late, lost or not heard,
//! the jitter, and the processor time of the whole process (which on loopback includes the kernel's work for both ends).

use std::net::IpAddr;
use std::sync::mpsc;
use std::time::Duration;

use callwright::clock::Clock;
use callwright::media::thread::{MediaConfig, MediaThread};
use callwright::media::{Codec, LegId, LegStats, MediaCommand, MediaEvent, PlayId, RecordId, Source, Tracks};
use callwright::units::SampleRate;

/// Legs begin as in a load of 500 calls a second, rather than all at once.
const BETWEEN_LEGS: Duration = Duration::from_millis(1);

fn main() {
    // `cargo bench` adds `--bench`; `cargo test --benches` does not, and wants to be done soon.
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| !argument.starts_with("--"));
    let number = |place: usize, default| arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (legs, seconds) = if measured { (number(0, 1_000), number(1, 20)) } else { (10, 1) };
    let recorded = arguments.iter().any(|argument| argument == "recorded");

    let (sender, events) = mpsc::channel();
    let config = MediaConfig { ip: IpAddr::from([127, 0, 0, 1]), ports: 20_000..=32_766 };
    let clock = Clock::start();
    let media = MediaThread::spawn(config, clock, move |event| drop(sender.send(event))).expect("no thread");
    let folder = tempfile::tempdir().expect("no folder");

    let mut addresses = Vec::new();
    for leg in 0..legs {
        media.send(MediaCommand::Open { leg: LegId(leg) });
    }
    while addresses.len() < legs as usize {
        match events.recv().expect("the thread ended") {
            MediaEvent::Opened { leg, local } => addresses.push((leg, local)),
            other => panic!("{other:?}"),
        }
    }
    addresses.sort_by_key(|(leg, _)| *leg);
    let mut playing_from = Vec::new();
    for (leg, _) in &addresses {
        let remote = addresses[(leg.0 ^ 1) as usize % addresses.len()].1;
        let ssrc = leg.0 as u32;
        media.send(MediaCommand::Connect { leg: *leg, remote, codec: Codec::Pcmu, telephone_event: None, ssrc });
        let source = Source::Tone("%(1000,0,1004);loops=-1".into());
        media.send(MediaCommand::Play { leg: *leg, play: PlayId(leg.0), source });
        if recorded {
            media.send(MediaCommand::Record {
                leg: *leg,
                record: RecordId(leg.0),
                path: folder.path().join(format!("{}.wav", leg.0)),
                tracks: Tracks::Stereo,
                rate: SampleRate::NARROW,
                limit: None,
            });
        }
        playing_from.push(clock.now());
        std::thread::sleep(BETWEEN_LEGS);
    }
    let (started, used) = (clock.now(), processor_time());
    std::thread::sleep(Duration::from_secs(seconds));
    let (took, used) = (clock.now().since(started), processor_time() - used);
    let ended = clock.now();
    let expected: f64 = playing_from.iter().map(|from| ended.since(*from).as_secs_f64() * 50.0).sum();
    for (leg, _) in &addresses {
        media.send(MediaCommand::Close { leg: *leg });
    }
    let mut all = LegStats::default();
    let mut closed = 0;
    while closed < legs {
        if let MediaEvent::Closed { stats, .. } = events.recv().expect("the thread ended") {
            closed += 1;
            all.sent_packets += stats.sent_packets;
            all.received_packets += stats.received_packets;
            all.skipped_packets += stats.skipped_packets;
            all.lost_packets += stats.lost_packets;
            all.late_ticks += stats.late_ticks;
            all.jitter = all.jitter.max(stats.jitter);
        }
    }
    println!("{legs} legs for {:.1} s, recorded: {recorded}", took.as_secs_f64());
    println!("sent {} of {expected:.0}, received {}", all.sent_packets, all.received_packets);
    println!("late {}, lost {}, not heard {}", all.late_ticks, all.lost_packets, all.skipped_packets);
    let part = all.late_ticks as f64 / all.sent_packets.max(1) as f64;
    let verdict = if part <= 0.001 { "p99.9 holds" } else { "p99.9 is broken" };
    println!("sent more than 20 ms late: {:.4} %: {verdict}", part * 100.0);
    println!("highest jitter of a leg {:?}", all.jitter);
    println!("processor: {:.0} % of one core", used.as_secs_f64() / took.as_secs_f64() * 100.0);
}

/// User and system time of this process, from Linux's `/proc` (in ticks of 10 ms); zero elsewhere.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
