//! A load on the peer, run as `callwright run --cdr` runs it.

use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use callwright::metrics::Snapshot;
use callwright::report::cdr::{CdrFormat, CdrWriter};
use callwright::report::{Report, ReportError, Reports};
use callwright::run::{self, Choice, Options, Outcome, Purpose, RunEvent, Watcher};

use super::process;

/// What is offered.
#[derive(Clone, Copy)]
pub struct Load {
    /// Calls a second.
    pub rate: u32,
    pub lasts: Duration,
    pub talk: Duration,
}

/// The peer, in a process of its own.
pub struct Peer {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    pub port: u16,
}

impl Peer {
    /// On the second processor, if that can be asked for.
    pub fn start(talk: Duration) -> Peer {
        let mut command = super::pinned(1);
        command.args(["peer", &talk.as_millis().to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the peer");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut port = String::new();
        lines.read_line(&mut port).expect("its port");
        let port = port.trim().parse().expect("a port");
        Peer { child, lines, port }
    }

    /// How many events and bytes it sent, and its CPU time in seconds.
    pub fn stop(mut self) -> [f64; 3] {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("its counts");
        let _ = self.child.wait();
        let mut numbers = line.split_whitespace().filter_map(|number| number.parse().ok());
        std::array::from_fn(|_| numbers.next().unwrap_or(0.0))
    }
}

/// What was seen of the load while it ran.
#[derive(Default)]
struct Seen {
    calls: u64,
    answered: u64,
    failed: u64,
    reason: String,
    /// In microseconds, of each call.
    late: Vec<u32>,
    /// Once a second.
    moments: Vec<Moment>,
}

struct Moment {
    at: Instant,
    cpu: Duration,
    memory: u64,
    snapshot: Snapshot,
}

/// Writes the records, as `--cdr` does, and keeps what is told at the end.
struct Recorder {
    writer: Option<CdrWriter>,
    seen: Arc<Mutex<Seen>>,
}

impl Report for Recorder {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        let mut seen = self.seen.lock().expect("what was seen");
        match event {
            RunEvent::CallEnded { cdr, .. } => {
                seen.calls += 1;
                seen.answered += u64::from(cdr.is_answered());
                if !cdr.reason.is_empty() {
                    seen.failed += 1;
                    seen.reason.clone_from(&cdr.reason);
                }
                seen.late.push(u32::try_from(cdr.late().as_micros()).unwrap_or(u32::MAX));
                if let Some(writer) = &mut self.writer {
                    writer.write(cdr.as_ref().clone());
                }
            }
            RunEvent::LoadTold { snapshot, .. } => {
                let (at, cpu, memory) = (Instant::now(), process::cpu(), process::memory());
                seen.moments.push(Moment { at, cpu, memory, snapshot: snapshot.as_ref().clone() });
            }
            RunEvent::TestEnded(report) => {
                let told = report.checks.iter().map(|check| format!("  {}: {}", check.name, check.actual));
                println!("verdict: {:?}\n{}", report.verdict, told.collect::<Vec<_>>().join("\n"));
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.writer.take().map_or(Ok(()), CdrWriter::finish)
    }
}

/// Offers the load and prints what came of it. Works in the current folder.
pub fn offer(load: Load) {
    let Load { rate, lasts, talk } = load;
    println!("== {rate} calls/s for {lasts:?}, each up for {talk:?} after its answer");
    let peer = Peer::start(Duration::ZERO);
    let document = format!(
        "name: bench\nload: {{ rate: {rate}, for: {}ms }}\ncaller: [{{ wait: {{ answered: 5s }} }}]\n\
         callee: [answer]\nduration: {}ms\n",
        lasts.as_millis(),
        talk.as_millis()
    );
    std::fs::write("load.yaml", document).expect("the load's file");
    let seen = Arc::new(Mutex::new(Seen::default()));
    let late = Vec::with_capacity(rate as usize * lasts.as_secs() as usize + 1);
    seen.lock().expect("nobody has it").late = late;
    let writer = CdrWriter::start("calls.csv", CdrFormat::Csv).expect("the file of records");
    let recorder = Recorder { writer: Some(writer), seen: Arc::clone(&seen) };
    let before = process::memory();
    let options = options(peer.port);
    let outcome = run::execute(options, Reports::new(vec![Box::new(recorder)]), Watcher::none(), &OnceLock::new());
    match outcome {
        Ok(Outcome::Ended { report_errors, .. }) => report_errors.iter().for_each(|error| println!("{error}")),
        Ok(Outcome::BadScenario(text) | Outcome::NothingSelected(text)) => panic!("{text}"),
        other => panic!("{other:?}"),
    }
    let [events, bytes, peer_cpu] = peer.stop();
    let seen = seen.lock().expect("the run is over");
    tell(load, &seen, before, [events, bytes, peer_cpu]);
}

fn tell(load: Load, seen: &Seen, before: u64, [events, bytes, peer_cpu]: [f64; 3]) {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let mut late = seen.late.clone();
    late.sort_unstable();
    let percentile =
        |part: f64| late.get((late.len() as f64 * part) as usize).map_or(f64::NAN, |us| f64::from(*us) / 1e3);
    let latest = late.last().map_or(f64::NAN, |us| f64::from(*us) / 1e3);
    // From when its first calls end until no more are offered.
    let steady: Vec<&Moment> = seen.moments.iter().take(load.lasts.as_secs() as usize).collect();
    let warm = steady.iter().position(|moment| moment.snapshot.counts.ended > 0).map_or(0, |index| index + 1);
    let (Some(first), Some(last)) = (steady.get(warm), steady.last()) else { return println!("too short to tell") };
    let took = last.at.duration_since(first.at).as_secs_f64();
    let (began, over) = (&first.snapshot.counts, &last.snapshot.counts);
    let cpu = (last.cpu - first.cpu).as_secs_f64();
    let per = |amount: u64| amount as f64 / took;
    println!(
        "offered {:.1} calls/s, ended {:.1} calls/s",
        per(over.offered - began.offered),
        per(over.ended - began.ended)
    );
    println!("calls {}, answered {}, failed {} {}", seen.calls, seen.answered, seen.failed, seen.reason);
    println!("late start p50 {:.2} ms, p99 {:.2} ms, max {latest:.2} ms", percentile(0.5), percentile(0.99));
    let per_call = events / seen.calls.max(1) as f64;
    println!(
        "the peer sent {per_call:.1} events a call, {:.1} KB each, in {peer_cpu:.1} s of CPU",
        bytes / events / 1e3
    );
    println!("CPU {cpu:.2} s in {took:.1} s: {:.0} % of one core", 100.0 * cpu / took);
    let ended = (over.ended - began.ended) as f64;
    if ended > 0.0 {
        let (call, event) = (1e6 * cpu / ended, 1e6 * cpu / ended / per_call);
        println!("{:.0} events/s; {call:.0} us a call, {event:.1} us an event", ended * per_call / took);
    }
    let at = |seconds: usize| steady.get(seconds).unwrap_or(last).memory;
    println!("memory at 10 s {:.1} MB, at the end {:.1} MB", megabytes(at(10)), megabytes(last.memory));
    let most = seen.moments.iter().max_by_key(|moment| moment.snapshot.active_calls);
    if let Some(most) = most.filter(|most| most.snapshot.active_calls > 0) {
        let active = u64::from(most.snapshot.active_calls);
        println!(
            "with {active} calls up {:.1} KB a call",
            most.memory.saturating_sub(before) as f64 / active as f64 / 1e3
        );
    }
    let records = std::fs::read(Path::new("calls.csv")).unwrap_or_default();
    let lines = records.iter().filter(|byte| **byte == b'\n').count();
    println!("{} records, {:.1} MB", lines.saturating_sub(1), megabytes(records.len() as u64));
}

fn options(port: u16) -> Options {
    Options {
        choice: Choice::of(vec!["load.yaml".to_owned()]),
        hosts: vec![format!("{}:{port}", Ipv4Addr::LOCALHOST).parse().expect("an address")],
        callee_hosts: Vec::new(),
        host_files: Vec::<PathBuf>::new(),
        password: "ClueCon".to_owned(),
        recordings: Vec::new(),
        purpose: Purpose::Run,
        jobs: None,
        record_esl: None,
        max_fail: None,
        retries: 0,
        timeout: Duration::from_secs(60),
        slow: Duration::from_secs(3600),
        load_shard: None,
        start_at: None,
    }
}
