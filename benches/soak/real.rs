//! Real minutes of load on the embedded switch, over sockets, in this process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callwright::clock::Clock;
use callwright::host::task::Host;
use callwright::host::{HostConfig, Patience};
use callwright::journal::Tape;
use callwright::run::core::{RunHost, Test};
use callwright::run::task::{Files, Hosted};
use callwright::run::{Conduct, RunEvent, TestId, task};
use callwright::scenario::load;
use callwright::switch::{Switch, SwitchConfig};
use callwright::verdict::Verdict;
use tokio::runtime::Handle;

use super::heap::Heap;
use super::table::{Column, Table};

const MEGABYTE: f64 = 1e6;
/// Of virtual memory, file descriptors and tasks a call takes some; so many calls more than before may be there.
const CALLS_AT_ONCE: f64 = 40.0;

/// Offers ten calls a second for `lasts`, and gives what is wrong with how that went.
pub async fn soak(lasts: Duration) -> Vec<String> {
    println!("== 10 calls/s for {lasts:?} over sockets, each with a tone that is echoed; one a second is recorded");
    let folder = tempfile::tempdir().expect("a folder");
    let yaml = format!(
        "name: soak\nload: {{ rate: 10, for: {}s, drain: 20s }}\ncallee: [answer, echo]\n\
         caller: [{{ wait: {{ answered: 5s }} }}, {{ play: {{ tone: 1004Hz, for: 800ms }} }}, hangup]\n\
         record: {{ caller: heard, period: 1s }}\n\
         expect: {{ audio: [{{ leg: caller, heard: {{ tone: 1004Hz +-4Hz, for: \">= 100ms\" }} }}] }}\n\
         gates: {{ passed: \">= 99%\", late_starts.p99: \"< 5s\" }}\n",
        lasts.as_secs()
    );
    let switch = Switch::start(SwitchConfig::default()).await.expect("a switch");
    let address = switch.esl_addr().to_string();
    let before = [descriptors(), alive_tasks()];
    let loaded = load(Path::new("soak.yaml"), &yaml);
    let scenario = Arc::new(loaded.scenarios.into_iter().next().expect("a scenario"));
    let config = HostConfig {
        profiles: scenario.profiles().into_iter().map(str::to_owned).collect(),
        events: scenario.events().collect(),
        ..HostConfig::new("embedded", SwitchConfig::default().password)
    };
    let clock = Clock::start();
    let recordings = Some(folder.path().to_owned());
    let hosted = Hosted {
        about: RunHost { name: "embedded".to_owned(), slots: 10, recordings, callee: None },
        host: Host::connect(config, address, Patience::default(), clock),
        recordings: Files::InPlace,
    };
    let id = TestId { file: "soak.yaml".into(), name: "soak".to_owned() };
    let test = Test { id, scenario, host: 0, rerun: String::new(), folder: None };
    // Ctrl-C is not ours.
    let (_orders, none) = tokio::sync::mpsc::unbounded_channel();
    let mut table = Table::new(vec![
        Column { name: "calls", may_grow: f64::INFINITY },
        Column { name: "resident MB", may_grow: 8.0 },
        Column { name: "heap MB", may_grow: 4.0 },
        Column { name: "descriptors", may_grow: CALLS_AT_ONCE * 2.0 },
        Column { name: "tasks", may_grow: CALLS_AT_ONCE * 4.0 },
    ]);
    let every = (lasts / 20).max(Duration::from_secs(1));
    let (began, mut next, mut calls, mut wrong) = (clock.now(), every, 0_u64, Vec::new());
    let conduct = Conduct::default();
    task::run(vec![hosted], vec![test], conduct, clock, Tape::default(), none, |event| match event {
        RunEvent::CallEnded { .. } => calls += 1,
        RunEvent::LoadTold { snapshot, .. } => {
            let at = snapshot.at.since(began);
            if at >= next && at <= lasts {
                next += every;
                let heap = Heap::now().bytes as f64 / MEGABYTE;
                let row = [calls as f64, resident(), heap, descriptors() as f64, alive_tasks() as f64];
                table.push(at, row.into());
            }
        }
        RunEvent::TestEnded(report) => {
            println!("{:?}; {calls} calls", report.verdict);
            for check in report.checks.iter().filter(|check| check.verdict != Verdict::Passed) {
                wrong.push(format!("{}: {}", check.name, check.actual));
            }
        }
        _ => {}
    })
    .await;
    wrong.extend(table.grown());
    // Calls that ended last leave their transactions behind for some seconds.
    let deadline = clock.now() + Duration::from_secs(60);
    let is_left = || [descriptors() > before[0] + 2, alive_tasks() > before[1] + 2];
    while is_left().contains(&true) && clock.now() < deadline {
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("before the load {before:?} descriptors and tasks, after it {:?}", [descriptors(), alive_tasks()]);
    if is_left().contains(&true) {
        wrong.push(format!("descriptors and tasks: {before:?} before, {:?} after", [descriptors(), alive_tasks()]));
    }
    switch.shutdown().await;
    wrong
}

/// Resident memory in megabytes; 0 where the system does not tell.
fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(0.0);
    pages * 4096.0 / MEGABYTE
}

/// Open file descriptors; 0 where the system does not tell.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn alive_tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}
