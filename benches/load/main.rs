#![expect(clippy::disallowed_methods, reason = "a bench reads the clock and starts processes")]
//! What a load costs: calls offered to a peer that answers as a FreeSWITCH does, with all headers of its events.
//!
//! `cargo bench --bench load -- [what] [seconds or number]`, where `what` is `offered` (2,000 calls a second for a
//! minute), `held` (10,000 calls up at once), `sessions` (100,000 of them tracked) or `stream` (events alone, beside
//! greenswitch, where `python3` or `$PYTHON` has it); all of them without it. Each runs in a process of its own on the first processor, and the peer on the second.
//!
//! `cargo bench --bench load -- peer 0` is the peer by itself, for other clients: it prints its port, and
//! `api play 1000` has it send the events of so many calls.

mod allocations;
mod capture;
mod greenswitch;
mod offered;
mod peer;
mod process;
mod tracked;

use std::process::Command;
use std::time::Duration;

use offered::Load;

const S: Duration = Duration::from_secs(1);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    let number = |otherwise: u64| words.get(1).and_then(|word| word.parse().ok()).unwrap_or(otherwise);
    match words.first().copied() {
        Some("peer") => peer::serve(Duration::from_millis(number(0))),
        Some("run-offered") => offered::offer(Load { rate: 2_000, lasts: S * number(60) as u32, talk: S }),
        Some("run-held") => offered::offer(Load { rate: 1_000, lasts: S * 10, talk: S * 14 }),
        Some("run-sessions") => tracked::sessions(number(100_000)),
        Some("run-stream") => tracked::stream(number(20_000)),
        Some(what) => pinned_run(what, words.get(1).copied()),
        // `cargo test --benches` only wants to know that it works.
        None if !measured => pinned_run("sessions", Some("100")),
        None => ["offered", "held", "sessions", "stream"].into_iter().for_each(|what| pinned_run(what, None)),
    }
}

/// Runs one of the benches, in a folder of its own.
fn pinned_run(what: &str, number: Option<&str>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = pinned(0);
    command.arg(format!("run-{what}")).args(number).current_dir(folder.path());
    let status = command.status().expect("the bench again");
    assert!(status.success(), "{what}: {status}");
}

/// This program on one processor; on any, where there is no `taskset`.
fn pinned(processor: usize) -> Command {
    let program = std::env::current_exe().expect("this program");
    let taskset = Command::new("taskset").args(["-c", &processor.to_string(), "true"]).status();
    if !taskset.is_ok_and(|status| status.success()) {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &processor.to_string()]).arg(program);
    command
}
