//! Whole runs in virtual time: run, host and switch cores joined in memory.
//!
//! What a run does over sockets in seconds happens here at once, and the same way for the same seed. Faults of the
//! network between a host and us are asked for by [`Fault`]. Nothing here is used by a run over sockets.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::wav::Wav;
use crate::host::{HostConfig, HostCore, HostEvent, Line, Lost};
use crate::id::Ids;
use crate::metrics::Cdr;
use crate::run::core::{Key, ReadBack, Recordings, RunCore, RunHost, RunOutput, Test};
use crate::run::{Conduct, Control, RunEvent, Summary, TestId, TestReport};
use crate::scenario::{Diagnostic, Scenario, Style, load};
use crate::switch::{ConnId, Rig, SwitchConfig};
use crate::units::{SampleRate, Time};

/// What goes wrong, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both connections of the host break so long after the start, and no others can be made.
    HostDies(Duration),
    /// From then on the switch's events do not reach us.
    EventsStall(Duration),
    /// So many bytes of nonsense come in place of events.
    Garbage(Duration, usize),
    /// No recording can be read.
    UnreadableRecordings,
    /// The run is told to stop.
    Interrupt(Duration),
}

/// A run in virtual time.
#[derive(Debug)]
pub struct Sim {
    pub rig: Rig,
    host: HostCore,
    lines: [(Line, ConnId); 2],
    run: RunCore,
    faults: Vec<Fault>,
    /// Changes of a load, each so long after the start.
    controls: Vec<(Duration, Control)>,
    started: Time,
    stalled: bool,
    reports: Vec<TestReport>,
    records: Vec<Cdr>,
    pending: VecDeque<(Key, Recordings)>,
}

/// How long a run may take in virtual time before it is said to hang.
const PATIENCE: Duration = Duration::from_secs(600);

impl Sim {
    /// A run of the scenarios in `yaml` on an embedded switch. What is wrong with the text is told as a person reads it.
    pub fn new(yaml: &str, seed: u64) -> Result<Sim, String> {
        Sim::with(yaml, seed, SwitchConfig { sip: ([127, 0, 0, 1], 5080).into(), ..SwitchConfig::default() })
    }

    /// The same on a switch of these settings.
    pub fn with(yaml: &str, seed: u64, config: SwitchConfig) -> Result<Sim, String> {
        Sim::conducted(yaml, seed, config, |_| Conduct::default())
    }

    /// The same, conducted as is said of the time at which it begins.
    pub fn conducted(
        yaml: &str,
        seed: u64,
        config: SwitchConfig,
        conduct: impl FnOnce(Time) -> Conduct,
    ) -> Result<Sim, String> {
        let loaded = load(Path::new("sim.yaml"), yaml);
        if loaded.has_errors() {
            let told: Vec<_> = loaded.diagnostics.iter().map(|d: &Diagnostic| d.render(Style::Plain)).collect();
            return Err(told.join("\n\n"));
        }
        let password = config.password.clone();
        let mut rig = Rig::with(config, seed);
        let scenarios: Vec<Arc<Scenario>> = loaded.scenarios.into_iter().map(Arc::new).collect();
        let host_config = HostConfig {
            profiles: scenarios.iter().flat_map(|scenario| scenario.profiles()).map(str::to_owned).collect(),
            events: scenarios.iter().flat_map(|scenario| scenario.events()).collect(),
            ..HostConfig::new("sim", password)
        };
        let host = HostCore::new(host_config, Ids::seeded(seed.wrapping_add(2)));
        let lines = [(Line::Events, rig.connect()), (Line::Commands, rig.connect())];
        let tests = scenarios
            .iter()
            .map(|scenario| Test {
                id: TestId { file: "sim.yaml".into(), name: scenario.name.clone() },
                scenario: Arc::clone(scenario),
                host: 0,
                rerun: String::new(),
                folder: None,
            })
            .collect();
        let about =
            RunHost { name: "sim".to_owned(), slots: 1_000, recordings: Some("/recordings".into()), callee: None };
        let started = rig.now();
        let run = RunCore::new(started, vec![about], tests, conduct(started), Ids::seeded(seed.wrapping_add(3)));
        Ok(Sim {
            rig,
            host,
            lines,
            run,
            faults: Vec::new(),
            controls: Vec::new(),
            started,
            stalled: false,
            reports: Vec::new(),
            records: Vec::new(),
            pending: VecDeque::new(),
        })
    }

    /// Has something go wrong.
    pub fn fault(mut self, fault: Fault) -> Sim {
        self.faults.push(fault);
        self
    }

    /// Has the load that is under way so long after the start changed.
    pub fn control(mut self, after: Duration, control: Control) -> Sim {
        self.controls.push((after, control));
        self
    }

    /// Runs to the end: the counts, and each test's report in the order in which they ended.
    ///
    /// # Panics
    /// When the run hangs: a mistake of ours.
    pub fn run(&mut self) -> (Summary, Vec<TestReport>) {
        let mut idle = 0;
        self.strike();
        loop {
            while self.exchange() {}
            if let Some(summary) = self.run.ended() {
                return (summary, std::mem::take(&mut self.reports));
            }
            let faults = self.faults.iter().filter_map(|fault| fault.at()).map(|after| self.started + after);
            let controls = self.controls.iter().map(|(after, _)| self.started + *after);
            let due = [self.rig.next_due(), self.run.poll_timeout()]
                .into_iter()
                .flatten()
                .chain(faults)
                .chain(controls)
                .min();
            let due = due.unwrap_or_else(|| panic!("nothing is due and the run has not ended: {:?}", self.run));
            assert!(due.since(self.started) < PATIENCE, "the run hangs: {:?}", self.run);
            let before = self.rig.now();
            self.rig.advance_to(due.max(before));
            idle = if self.rig.now() > before { 0 } else { idle + 1 };
            assert!(idle < 1_000, "time stands still: something is due that is never done: {:?}", self.run);
            self.strike();
            self.run.handle_timeout(self.rig.now());
        }
    }

    /// The records of the calls of loads that have ended, in their order.
    pub fn records(&self) -> &[Cdr] {
        &self.records
    }

    /// Sessions still on the switch: none, after a run that left nothing behind.
    pub fn sessions_left(&self) -> usize {
        self.rig.core().session_count()
    }

    /// Carries everything that can be carried at this instant; whether anything was.
    fn exchange(&mut self) -> bool {
        let now = self.rig.now();
        let mut moved = false;
        for (line, conn) in self.lines {
            let bytes = self.host.poll_transmit(line);
            if !bytes.is_empty() {
                self.rig.write(conn, &bytes);
                moved = true;
            }
            if line == Line::Events && self.stalled {
                continue;
            }
            let bytes = self.rig.read(conn);
            if !bytes.is_empty() {
                self.host.handle_bytes(now, line, &bytes);
                moved = true;
            }
        }
        while let Some(event) = self.host.poll_event() {
            let lost = matches!(event, HostEvent::Lost(_));
            self.run.handle_host(now, 0, event);
            if lost {
                let gone = Lost::Unreachable { address: "sim".to_owned(), error: "connection refused".to_owned() };
                self.run.handle_host(now, 0, HostEvent::Lost(gone));
            }
            moved = true;
        }
        while let Some(output) = self.run.poll_output() {
            moved = true;
            match output {
                RunOutput::Request { request, .. } => self.host.handle_request(now, request),
                RunOutput::Read { of, paths, .. } => {
                    let read = paths.into_iter().map(|(_, path)| (path.clone(), self.read(&path))).collect();
                    self.pending.push_back((of, read));
                }
                RunOutput::Judge { of, outcome } => self.run.handle_judgement(now, of, outcome.judge()),
                RunOutput::Report(RunEvent::TestEnded(report)) => self.reports.push(*report),
                RunOutput::Report(RunEvent::CallEnded { cdr, .. }) => self.records.push(*cdr),
                RunOutput::Report(_) | RunOutput::Discard(_) => {}
            }
        }
        while let Some((of, recordings)) = self.pending.pop_front() {
            self.run.handle_recordings(of, recordings);
            moved = true;
        }
        moved
    }

    fn read(&self, path: &Path) -> ReadBack {
        let wav = match self.rig.recorded(path) {
            _ if self.faults.contains(&Fault::UnreadableRecordings) => Err(format!("{}: unreadable", path.display())),
            None => Err(format!("{}: no such file", path.display())),
            Some(recorded) => {
                let channels = usize::from(recorded.channels.max(1));
                let channel = |index: usize| recorded.samples.iter().skip(index).step_by(channels).copied().collect();
                let channels = (0..channels).map(channel).collect();
                Ok(Wav { rate: SampleRate(recorded.rate), channels, repaired: None })
            }
        };
        ReadBack { kept: path.to_owned(), wav }
    }

    /// Lets the faults happen that are due.
    fn strike(&mut self) {
        let now = self.rig.now();
        let (due, rest) = self.faults.iter().partition(|fault| fault.at().is_some_and(|at| self.started + at <= now));
        self.faults = rest;
        let due: Vec<Fault> = due;
        let (controls, rest) = self.controls.iter().partition(|(after, _)| self.started + *after <= now);
        self.controls = rest;
        let controls: Vec<(Duration, Control)> = controls;
        for (_, control) in controls {
            self.run.control(now, control);
        }
        for fault in due {
            match fault {
                Fault::HostDies(_) => {
                    for (line, conn) in self.lines {
                        self.rig.close(conn);
                        self.host.handle_eof(now, line);
                    }
                }
                Fault::EventsStall(_) => self.stalled = true,
                Fault::Garbage(_, bytes) => {
                    let nonsense: Vec<u8> = (0..bytes).map(|at| (at * 131 % 251) as u8 | 0x80).collect();
                    self.host.handle_bytes(now, Line::Events, &nonsense);
                    self.host.handle_bytes(now, Line::Events, b"\n\n");
                }
                Fault::Interrupt(_) => self.run.interrupt(now),
                Fault::UnreadableRecordings => {}
            }
        }
    }
}

impl Fault {
    /// When it happens; `None` for one that holds all the time.
    fn at(self) -> Option<Duration> {
        match self {
            Fault::HostDies(at) | Fault::EventsStall(at) | Fault::Garbage(at, _) | Fault::Interrupt(at) => Some(at),
            Fault::UnreadableRecordings => None,
        }
    }
}
