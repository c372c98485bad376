//! Whole runs in virtual time: run, host and switch cores joined in memory.
//!
//! What a run does over sockets in seconds happens here at once, and the same way for the same seed. What goes wrong is
//! asked for by [`Fault`], or drawn from a seed with the scenarios themselves: [`Storm::of_seed`]. Nothing here is used by a
//! run over sockets.

mod fault;
mod host;
#[cfg(test)]
mod lies;
mod mix;
mod oracle;
mod storm;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use fault::Fault;
pub use oracle::{Oracle, Trouble};
pub use storm::Storm;

use crate::audio::wav::Wav;
use crate::host::{HostConfig, HostCore, HostEvent, Line};
use crate::id::Ids;
use crate::metrics::Cdr;
use crate::run::core::{Key, ReadBack, Recordings, RunCore, RunHost, RunOutput, Test};
use crate::run::{Conduct, Control, RunEvent, Summary, TestId, TestReport};
use crate::scenario::{Diagnostic, Scenario, Style, load};
use crate::switch::rig::{Dice, Share, Weather};
use crate::switch::{Rig, SwitchConfig, SwitchCore};
use crate::units::{SampleRate, Time};
use host::SimHost;

/// A run in virtual time.
#[derive(Debug)]
pub struct Sim {
    pub rig: Rig,
    hosts: Vec<SimHost>,
    run: RunCore,
    faults: Vec<Fault>,
    /// Changes of a load, each so long after the start.
    controls: Vec<(Duration, Control)>,
    started: Time,
    patience: Duration,
    records: Vec<Cdr>,
    pending: VecDeque<(Key, Recordings)>,
    /// What draws of faults come from.
    dice: Dice,
    happened: Vec<(Time, Happened)>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    Struck(Fault),
    HostUp(usize),
    HostLost(usize),
    /// A recording could not be read.
    Unreadable(PathBuf),
    /// So much of a recording was left.
    Torn(PathBuf, Duration),
}

/// A run to be made.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// What the scenarios' file is called; paths in it are found from there.
    pub file: &'a Path,
    pub yaml: &'a str,
    pub seed: u64,
    /// Of the switch; of two, the second is called from the first.
    pub switches: Vec<SwitchConfig>,
}

/// How long a run may take in virtual time before it is said to hang.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long after the end of a run what is on its way may take.
const SETTLING: Duration = Duration::from_secs(120);

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
        Sim::of(Setup { file: Path::new("sim.yaml"), yaml, seed, switches: vec![config] }, conduct)
    }

    /// A run of a setup.
    pub fn of(setup: Setup<'_>, conduct: impl FnOnce(Time) -> Conduct) -> Result<Sim, String> {
        let Setup { file, yaml, seed, switches } = setup;
        let loaded = load(file, yaml);
        if loaded.has_errors() {
            let told: Vec<_> = loaded.diagnostics.iter().map(|d: &Diagnostic| d.render(Style::Plain)).collect();
            return Err(told.join("\n\n"));
        }
        let scenarios: Vec<Arc<Scenario>> = loaded.scenarios.into_iter().map(Arc::new).collect();
        let names = ["sim", "callee"];
        let config = |name: &str, config: &SwitchConfig| HostConfig {
            profiles: scenarios.iter().flat_map(|scenario| scenario.profiles()).map(str::to_owned).collect(),
            events: scenarios.iter().flat_map(|scenario| scenario.events()).collect(),
            ..HostConfig::new(name, config.password.clone())
        };
        let called = (switches.len() > 1).then_some(1);
        let about = |index: usize| RunHost {
            name: names[index].to_owned(),
            slots: if index == 0 { 1_000 } else { 0 },
            recordings: Some("/recordings".into()),
            callee: called.filter(|_| index == 0),
        };
        let configs: Vec<_> = switches.iter().zip(names).map(|(switch, name)| config(name, switch)).collect();
        let abouts = (0..configs.len()).map(about).collect();
        let rig = Rig::of(switches, seed);
        let started = rig.now();
        let host = |(index, config): (usize, HostConfig)| {
            SimHost::new(started, index, config, Ids::seeded(seed.wrapping_add(2 + 100 * index as u64)))
        };
        let tests = scenarios
            .iter()
            .map(|scenario| Test {
                id: TestId { file: file.to_owned(), name: scenario.name.clone() },
                scenario: Arc::clone(scenario),
                host: 0,
                rerun: String::new(),
                folder: None,
            })
            .collect();
        let run = RunCore::new(started, abouts, tests, conduct(started), Ids::seeded(seed.wrapping_add(3)));
        Ok(Sim {
            rig,
            hosts: configs.into_iter().enumerate().map(host).collect(),
            run,
            faults: Vec::new(),
            controls: Vec::new(),
            started,
            patience: PATIENCE,
            records: Vec::new(),
            pending: VecDeque::new(),
            dice: Dice::seeded(seed.wrapping_add(4)),
            happened: Vec::new(),
        })
    }

    /// Has something go wrong.
    pub fn fault(mut self, fault: Fault) -> Sim {
        match fault {
            Fault::Drizzle(most) => self.hosts.iter_mut().for_each(|host| host.drizzle(most)),
            Fault::Turn { .. } => self.rig.set_weather(Weather::default(), Some(self.dice.seed())),
            _ => {}
        }
        self.faults.push(fault);
        self
    }

    /// Has the load that is under way so long after the start changed.
    pub fn control(mut self, after: Duration, control: Control) -> Sim {
        self.controls.push((after, control));
        self
    }

    /// With another time than ten minutes after which the run is said to hang.
    pub fn patient(self, patience: Duration) -> Sim {
        Sim { patience, ..self }
    }

    /// Runs to the end: the counts, and each test's report in the order in which they ended.
    ///
    /// # Panics
    /// When the run hangs: a mistake of ours.
    pub fn run(&mut self) -> (Summary, Vec<TestReport>) {
        let (mut reports, mut records) = (Vec::new(), Vec::new());
        let summary = self.run_told(|event| match event {
            RunEvent::TestEnded(report) => reports.push(report.as_ref().clone()),
            RunEvent::CallEnded { cdr, .. } => records.push(cdr.as_ref().clone()),
            _ => {}
        });
        self.records = records;
        (summary, reports)
    }

    /// Runs to the end, and tells all that reports are told.
    ///
    /// # Panics
    /// When the run hangs: a mistake of ours.
    pub fn run_told(&mut self, mut told: impl FnMut(&RunEvent)) -> Summary {
        let mut idle = 0;
        self.strike();
        loop {
            while self.exchange(&mut told) {}
            if let Some(summary) = self.run.ended() {
                return summary;
            }
            let faults = self.faults.iter().filter_map(|fault| fault.at()).map(|after| self.started + after);
            let controls = self.controls.iter().map(|(after, _)| self.started + *after);
            let hosts = self.hosts.iter().filter_map(SimHost::next_due);
            let due = [self.rig.next_due(), self.run.poll_timeout()]
                .into_iter()
                .flatten()
                .chain(faults)
                .chain(controls)
                .chain(hosts)
                .min();
            let due = due.unwrap_or_else(|| panic!("nothing is due and the run has not ended: {:?}", self.run));
            assert!(due.since(self.started) < self.patience, "the run hangs: {:?}", self.run);
            let before = self.rig.now();
            self.rig.advance_to(due.max(before));
            idle = if self.rig.now() > before { 0 } else { idle + 1 };
            assert!(idle < 1_000, "time stands still: something is due that is never done: {:?}", self.run);
            self.strike();
            self.run.handle_timeout(self.rig.now());
        }
    }

    /// Lets what is on its way after the end of the run arrive, with nothing more going wrong.
    pub fn settle(&mut self) {
        self.rig.set_weather(Weather::default(), None);
        let end = self.rig.now() + SETTLING;
        loop {
            let now = self.rig.now();
            while self.turn_hosts(now) {}
            for host in &mut self.hosts {
                while host.poll_event().is_some() {}
            }
            let hosts = self.hosts.iter().filter_map(SimHost::next_due);
            let due = self.rig.next_due().into_iter().chain(hosts).min().filter(|due| *due <= end);
            let Some(due) = due else { return };
            self.rig.advance_to(due.max(now));
        }
    }

    /// The records of the calls of loads that have ended, in their order.
    pub fn records(&self) -> &[Cdr] {
        &self.records
    }

    /// What went wrong, in order.
    pub fn happened(&self) -> &[(Time, Happened)] {
        &self.happened
    }

    /// When the run began.
    pub fn started(&self) -> Time {
        self.started
    }

    /// The run.
    pub fn core(&self) -> &RunCore {
        &self.run
    }

    /// Sessions still on the switches: none, after a run that left nothing behind.
    pub fn sessions_left(&self) -> usize {
        self.rig.switches().iter().map(SwitchCore::session_count).sum()
    }

    /// The hosts' cores, where there is a connection.
    pub fn host_cores(&self) -> impl Iterator<Item = &HostCore> {
        self.hosts.iter().filter_map(SimHost::core)
    }

    /// Whether a host will not be tried again.
    pub fn is_gone(&self, host: usize) -> bool {
        self.hosts[host].is_gone()
    }

    /// Carries everything that can be carried at this instant; whether anything was.
    fn exchange(&mut self, told: &mut impl FnMut(&RunEvent)) -> bool {
        let now = self.rig.now();
        let mut moved = self.turn_hosts(now);
        for index in 0..self.hosts.len() {
            // Nothing is told to a run that is over.
            while let Some(event) = self.hosts[index].poll_event().filter(|_| self.run.ended().is_none()) {
                let happened = match &event {
                    HostEvent::Up(_) => Some(Happened::HostUp(index)),
                    HostEvent::Lost(_) => Some(Happened::HostLost(index)),
                    _ => None,
                };
                self.happened.extend(happened.map(|happened| (now, happened)));
                self.run.handle_host(now, index, event);
                moved = true;
            }
        }
        while let Some(output) = self.run.poll_output() {
            moved = true;
            match output {
                RunOutput::Request { host, request } => self.hosts[host].handle_request(now, request),
                RunOutput::Read { of, paths, .. } => {
                    let read = paths.into_iter().map(|(_, path)| (path.clone(), self.read(&path))).collect();
                    self.pending.push_back((of, read));
                }
                RunOutput::Judge { of, outcome } => self.run.handle_judgement(now, of, outcome.judge()),
                RunOutput::Report(event) => told(&event),
                RunOutput::Discard(paths) => paths.iter().for_each(|path| self.rig.discard(path)),
            }
        }
        while let Some((of, recordings)) = self.pending.pop_front() {
            self.run.handle_recordings(of, recordings);
            moved = true;
        }
        moved
    }

    fn turn_hosts(&mut self, now: Time) -> bool {
        let mut moved = false;
        for host in &mut self.hosts {
            moved |= host.turn(now, &mut self.rig);
        }
        moved
    }

    fn read(&mut self, path: &Path) -> ReadBack {
        let kept = path.to_owned();
        let now = self.rig.now();
        let [unreadable, torn] = self.recordings_hurt();
        if self.dice.happens(unreadable) {
            self.happened.push((now, Happened::Unreadable(kept.clone())));
            return ReadBack { wav: Err(format!("{}: unreadable", path.display())), kept };
        }
        let Some(recorded) = self.rig.recorded(path) else {
            return ReadBack { wav: Err(format!("{}: no such file", path.display())), kept };
        };
        let channels = usize::from(recorded.channels.max(1));
        let channel = |index: usize| recorded.samples.iter().skip(index).step_by(channels).copied().collect();
        let channels = (0..channels).map(channel).collect();
        let mut wav = Wav { rate: SampleRate(recorded.rate), channels, repaired: None };
        if self.dice.happens(torn) {
            let samples = self.dice.below(wav.samples().max(1));
            wav.channels.iter_mut().for_each(|channel| channel.truncate(samples));
            // A header tells how long it was to be, unless it was written again at the end.
            if self.dice.happens(5_000) {
                wav.repaired = Some("its header says more bytes of samples than follow (truncated)".to_owned());
            }
            self.happened.push((now, Happened::Torn(kept.clone(), wav.duration())));
        }
        ReadBack { kept, wav: Ok(wav) }
    }

    /// How many recordings cannot be read, and how many are cut short.
    fn recordings_hurt(&self) -> [Share; 2] {
        let hurt = self.faults.iter().find_map(|fault| match fault {
            Fault::UnreadableRecordings => Some([10_000, 0]),
            Fault::Recordings { unreadable, torn } => Some([*unreadable, *torn]),
            _ => None,
        });
        hurt.unwrap_or_default()
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
            self.happened.push((now, Happened::Struck(fault)));
            match fault {
                Fault::HostDies(_) => self.hosts[0].cut(now, FOR_EVER),
                Fault::Cut { host, away, .. } => self.hosts[host].cut(now, now + away),
                Fault::EventsStall(_) => self.hosts[0].stall(Line::Events, FOR_EVER),
                Fault::Stall { host, line, lasts, .. } => self.hosts[host].stall(line, now + lasts),
                Fault::Restart { host, down, .. } => {
                    self.rig.restart(host, self.dice.seed());
                    self.hosts[host].cut(now, now + down);
                }
                Fault::Garbage(_, bytes) => self.hosts[0].babble(now, Line::Events, nonsense(bytes)),
                Fault::Noise { host, line, bytes, .. } => self.hosts[host].babble(now, line, nonsense(bytes)),
                Fault::Drop { host, line, .. } => self.hosts[host].drop_line(now, line),
                Fault::Turn { weather, .. } => self.rig.set_weather(weather, None),
                Fault::Interrupt(_) => self.run.interrupt(now),
                Fault::UnreadableRecordings | Fault::Drizzle(_) | Fault::Recordings { .. } => {}
            }
        }
    }
}

/// Bytes that are no UTF-8, and the end of a head.
fn nonsense(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 131 % 251) as u8 | 0x80).chain(*b"\n\n").collect()
}

/// A time that does not come.
const FOR_EVER: Time = Time::from_micros(u64::MAX);
