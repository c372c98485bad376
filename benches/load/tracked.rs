//! What sessions and events cost without a load: memory of a tracker, CPU of a host that only listens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callwright::call::{Tracker, TrackerConfig};
use callwright::clock::Clock;
use callwright::esl::Command;
use callwright::esl::wire::parse_plain;
use callwright::host::task::{Host, Patience};
use callwright::host::{HostConfig, HostEvent, Request, Token};

use super::capture::{Call, Script, numbered};
use super::offered::Peer;
use super::process;

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

/// The events of so many calls, taken as a run's host takes them.
pub fn stream(calls: u64) {
    let peer = Peer::start(Duration::ZERO);
    let address = format!("127.0.0.1:{}", peer.port);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let cpu = runtime.block_on(async {
        let config = HostConfig::new("peer", "ClueCon");
        let mut host = Host::connect(config, address, Patience::default(), Clock::start());
        while !matches!(host.events.recv().await.expect("the peer is there"), HostEvent::Up(_)) {}
        let before = process::cpu();
        let command = Command::api(&format!("play {calls}"));
        host.request(Request::Command { token: Token(0), command });
        let mut replied = false;
        let mut gone = 0;
        while !replied || gone < 2 * calls {
            match host.events.recv().await.expect("the peer is there") {
                HostEvent::Replied { .. } => replied = true,
                HostEvent::Changed { event, change, .. } => {
                    let over = matches!(change.kind, callwright::call::ChangeKind::Destroyed(_));
                    gone += u64::from(over && event.name() == "CHANNEL_DESTROY");
                }
                _ => {}
            }
        }
        process::cpu() - before
    });
    let [events, bytes, _] = peer.stop();
    let seconds = cpu.as_secs_f64();
    println!(
        "{events} events of {calls} calls taken and tracked in {seconds:.2} s of CPU: {:.0} events/s, {:.0} MB/s",
        events / seconds,
        bytes / seconds / 1e6
    );
}
