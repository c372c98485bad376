//! What sessions and events cost without a load: memory of a tracker, CPU of a host that only listens.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callwright::call::{ChangeKind, Tracker, TrackerConfig};
use callwright::clock::Clock;
use callwright::esl::wire::{Format, Limits, parse_plain};
use callwright::esl::{Client, ClientEvent, Command, Event};
use callwright::host::task::Host;
use callwright::host::{HostConfig, HostEvent, Patience, Request, Token};

use super::capture::{Call, Script, numbered};
use super::offered::Peer;
use super::process;
use super::{allocations, greenswitch};

/// So many sessions from their creation to their answer, two a call.
pub fn sessions(count: u64) {
    let script = Script::read();
    let mut tracker = Tracker::new(TrackerConfig::default());
    let before = process::memory();
    let started = Instant::now();
    let mut events = 0;
    for number in 0..count / 2 {
        let now = 1_767_323_045_000_000 + number * 500;
        let (caller, callee, job) = (numbered('a', number), numbered('c', number), numbered('b', number));
        let call = Call { caller, callee, execution: numbered('e', number), job, created: now, answered: now };
        for template in script.begin.iter().chain(&script.answer) {
            let event = parse_plain(template.body(&call, now)).expect("the capture parses");
            tracker.handle(&Arc::new(event));
            events += 1;
        }
    }
    let bytes = process::memory().saturating_sub(before) as f64 / count as f64;
    println!(
        "{} sessions of {} calls tracked: {:.1} KiB a session ({events} events, {:?})",
        tracker.sessions().len(),
        tracker.calls().len(),
        bytes / 1024.0,
        started.elapsed()
    );
}

/// The events of so many calls, as a client takes them that does no more than parse them, and as the host of a run does;
/// and those of fewer as greenswitch takes them. Each takes its turn, and its best round counts: a machine that others use
/// as well makes them slower and none faster.
pub fn stream(calls: u64) {
    type Take = fn(u16, u64) -> Duration;
    let ways: [(&str, Take); 3] = [
        ("parsed", parse),
        ("parsed and tracked", parse_and_track),
        ("parsed and tracked by a host's task", by_a_host),
    ];
    let mut best = ways.map(|_| 0.0);
    let mut theirs = Ok(0.0);
    for _ in 0..ROUNDS {
        for ((what, take), best) in ways.iter().zip(&mut best) {
            let peer = Peer::start(Duration::ZERO);
            let allocated = allocations::count();
            let seconds = take(peer.port, calls).as_secs_f64();
            let allocated = allocations::count() - allocated;
            let [events, bytes, _] = peer.stop();
            println!(
                "{events} events of {calls} calls {what} in {seconds:.2} s of CPU: {:.0} events/s, {:.0} MB/s, {:.1} \
                 allocations an event",
                events / seconds,
                bytes / seconds / 1e6,
                allocated as f64 / events
            );
            *best = f64::max(*best, events / seconds);
        }
        let peer = Peer::start(Duration::ZERO);
        let took = greenswitch::parse(peer.port, (calls / 20).max(1));
        let [events, ..] = peer.stop();
        theirs = theirs.and_then(|best| took.map(|seconds| f64::max(best, events / seconds)));
        if let Ok(best) = &theirs {
            println!("{events} events parsed by greenswitch: at best {best:.0} events/s");
        }
    }
    match theirs {
        Ok(theirs) => {
            for ((what, _), ours) in ways.iter().zip(best) {
                println!("{what}: {ours:.0} events/s, {:.1} times greenswitch", ours / theirs);
            }
        }
        Err(error) => println!("greenswitch: {error}"),
    }
}

const ROUNDS: usize = 3;

/// One connection, one thread.
fn parse(port: u16, calls: u64) -> Duration {
    take(port, calls, |_| {})
}

/// The same, with sessions and calls followed.
fn parse_and_track(port: u16, calls: u64) -> Duration {
    let mut tracker = Tracker::new(TrackerConfig::default());
    let took = take(port, calls, |event| drop(tracker.handle(&event)));
    assert_eq!(tracker.counts().calls, calls, "calls were not followed");
    took
}

fn take(port: u16, calls: u64, mut each: impl FnMut(Arc<Event>)) -> Duration {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the peer listens");
    let mut client = Client::new("ClueCon", Limits::default());
    let subscribe = Command::Subscribe { format: Format::Plain, events: vec!["ALL".to_owned()] };
    for command in [subscribe, play(calls)] {
        client.send(&command).expect("a command");
    }
    let mut bytes = vec![0; 64 * 1024];
    let mut gone = 0;
    let before = process::cpu();
    while gone < 2 * calls {
        let count = stream.read(&mut bytes).expect("the peer is there");
        client.handle_bytes(&bytes[..count]);
        stream.write_all(&client.poll_transmit()).expect("the peer listens");
        while let Some(event) = client.poll_event() {
            if let ClientEvent::Event(event) = event {
                gone += u64::from(event.name() == "CHANNEL_DESTROY");
                each(Arc::new(event));
            }
        }
    }
    process::cpu() - before
}

fn by_a_host(port: u16, calls: u64) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let config = HostConfig::new("peer", "ClueCon");
        let address = format!("127.0.0.1:{port}");
        let mut host = Host::connect(config, address, Patience::default(), Clock::start());
        while !matches!(host.events.recv().await.expect("the peer is there"), HostEvent::Up(_)) {}
        let before = process::cpu();
        host.request(Request::Command { token: Token(0), command: play(calls) });
        let mut gone = 0;
        while gone < 2 * calls {
            let event = host.events.recv().await.expect("the peer is there");
            let destroyed =
                matches!(event, HostEvent::Changed { change, .. } if matches!(change.kind, ChangeKind::Destroyed(_)));
            gone += u64::from(destroyed);
        }
        process::cpu() - before
    })
}

/// Has the peer send the events of so many calls.
fn play(calls: u64) -> Command {
    Command::api(&format!("play {calls}"))
}
