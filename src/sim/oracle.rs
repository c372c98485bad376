//! What must hold of a run whatever goes wrong in it, reckoned from what was made to go wrong and not from what the run
//! found out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::mix::Needs;
use super::storm::Planned;
use super::{Fault, Happened, Sim, Storm};
use crate::metrics::Cdr;
use crate::run::{RunEvent, Summary, TestReport};
use crate::switch::SwitchCore;
use crate::switch::rig::Toll;
use crate::units::Time;
use crate::verdict::{Mark, Verdict};

/// Watches a storm, and judges it.
#[derive(Debug)]
pub struct Oracle {
    tests: Vec<Planned>,
    reports: Vec<TestReport>,
    started: BTreeSet<String>,
    records: Vec<Cdr>,
    left: Vec<String>,
    told: Option<Summary>,
    after_the_end: usize,
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(pub String);

/// What happened to one call: a test's or one of a load.
struct Lived<'a> {
    what: String,
    app: &'a str,
    call: Option<&'a str>,
    from: Time,
    to: Time,
    verdict: Verdict,
    needs: Option<&'a Needs>,
}

/// All that went wrong in a run, as it is asked for.
struct Harm {
    /// From the moment at which something about hosts went wrong until that was over.
    disturbed: Vec<(Time, Time)>,
    /// When a host was lost.
    lost: Vec<Time>,
    /// From when no events came, and until when.
    deaf: Vec<(Time, Time)>,
    interrupted: Option<Time>,
    tolls: Vec<Toll>,
    unreadable: BTreeSet<String>,
    torn: BTreeMap<String, Duration>,
}

const FOR_EVER: Time = Time::from_micros(u64::MAX);
const FRAME: Duration = Duration::from_millis(20);
/// How long after something that held events up is over its traces may last.
const AFTERMATH: Duration = Duration::from_millis(50);

impl Oracle {
    pub fn new(storm: &Storm) -> Oracle {
        Oracle {
            tests: storm.tests.clone(),
            reports: Vec::new(),
            started: BTreeSet::new(),
            records: Vec::new(),
            left: Vec::new(),
            told: None,
            after_the_end: 0,
        }
    }

    /// Takes what reports are told.
    pub fn handle(&mut self, event: &RunEvent) {
        self.after_the_end += usize::from(self.told.is_some());
        match event {
            RunEvent::TestStarted { test, .. } => {
                self.started.insert(test.name.clone());
            }
            RunEvent::TestEnded(report) => self.reports.push(report.as_ref().clone()),
            RunEvent::CallEnded { cdr, .. } => self.records.push(cdr.as_ref().clone()),
            RunEvent::SessionsLeft { sessions, .. } => self.left.extend(sessions.iter().cloned()),
            RunEvent::Ended { summary, .. } => self.told = Some(*summary),
            _ => {}
        }
    }

    /// Calls that were made.
    pub fn calls(&self) -> usize {
        self.records.len() + self.started.iter().filter(|name| *name != "load").count()
    }

    /// What does not hold of a run that is over and [settled](Sim::settle).
    pub fn judge(&self, sim: &Sim) -> Vec<Trouble> {
        let mut wrong = Vec::new();
        self.judge_counts(&mut wrong);
        self.judge_loads(&mut wrong);
        self.judge_left(sim, &mut wrong);
        let harm = Harm::of(sim);
        for lived in self.lives() {
            wrong.extend(
                harm.forbids(&lived)
                    .filter(|_| lived.verdict == Verdict::Passed)
                    .map(|why| format!("{} passed although {why}", lived.what)),
            );
            if lived.verdict != Verdict::Passed && !harm.touches(&lived) {
                wrong.push(format!("{} did not pass, and nothing touched it", lived.what));
            }
        }
        self.judge_interrupt(&harm, &mut wrong);
        wrong.into_iter().map(Trouble).collect()
    }

    /// Every scenario has one verdict, and the summary counts them.
    fn judge_counts(&self, wrong: &mut Vec<String>) {
        let Some(told) = self.told else { return wrong.push("the run did not end".to_owned()) };
        if self.after_the_end > 0 {
            wrong.push(format!("{} events behind the last", self.after_the_end));
        }
        for test in &self.tests {
            let verdicts = self.reports.iter().filter(|report| report.test.name == test.name).count();
            if verdicts != 1 {
                wrong.push(format!("{:?} has {verdicts} verdicts", test.name));
            }
        }
        let mut counted = Summary { interrupted: told.interrupted, duration: told.duration, ..Summary::default() };
        for report in &self.reports {
            *match (report.verdict, &report.mark) {
                (_, Some(Mark::NotRun)) => &mut counted.not_run,
                (Verdict::Passed, _) => &mut counted.passed,
                (Verdict::Failed, _) => &mut counted.failed,
                (Verdict::Error, _) => &mut counted.errors,
                (Verdict::Skipped, _) => &mut counted.skipped,
            } += 1;
            if report.verdict == Verdict::Passed && !self.started.contains(&report.test.name) {
                wrong.push(format!("{:?} passed without having begun", report.test.name));
            }
            counted.flaky += usize::from(report.mark == Some(Mark::Flaky));
        }
        if counted != told {
            wrong.push(format!("the summary tells {told:?}, the reports {counted:?}"));
        }
    }

    /// What a load tells adds up with its records.
    fn judge_loads(&self, wrong: &mut Vec<String>) {
        let load = self.reports.iter().find_map(|report| Some((report, report.load.as_ref()?)));
        let Some((report, load)) = load else {
            if !self.records.is_empty() {
                wrong.push(format!("{} records of no load", self.records.len()));
            }
            return;
        };
        let counts = &load.report.all.tally.counts;
        let of = |verdict: Verdict| self.records.iter().filter(|cdr| cdr.verdict == verdict).count() as u64;
        let indices: BTreeSet<u64> = self.records.iter().map(|cdr| cdr.index).collect();
        let answered = self.records.iter().filter(|cdr| cdr.is_answered()).count() as u64;
        let told = [
            ("offered", counts.offered, self.records.len() as u64),
            ("ended", counts.ended, self.records.len() as u64 - counts.cut_off),
            ("indices", counts.offered, indices.len() as u64),
            ("passed", counts.passed, of(Verdict::Passed)),
            ("failed", counts.checks_failed, of(Verdict::Failed)),
            ("errors", counts.errors, of(Verdict::Error)),
            ("answered", counts.answered, answered),
            ("causes", load.report.all.tally.causes.total(), counts.ended),
        ];
        for (name, told, counted) in told {
            if told != counted {
                wrong.push(format!("the load tells {told} {name}, its records {counted}"));
            }
        }
        let passed = counts.offered > 0 && of(Verdict::Passed) == counts.offered;
        if report.verdict == Verdict::Passed && !passed {
            wrong.push("the load passed, and not all of its calls did".to_owned());
        }
        let buckets = &load.report.series.buckets;
        let ended: u64 = buckets.iter().map(|bucket| bucket.ended).sum();
        let offered: u64 = buckets.iter().map(|bucket| bucket.offered).sum();
        if (offered, ended) != (counts.offered, counts.ended) {
            wrong.push(format!("its series has {offered} calls offered and {ended} ended: {counts:?}"));
        }
    }

    /// Nothing is left of calls, but on hosts that are gone, or where that was told.
    fn judge_left(&self, sim: &Sim, wrong: &mut Vec<String>) {
        wrong.extend(sim.core().left().map(|left| format!("the run holds {left}")));
        let deaf = sim.happened().iter().any(|(_, happened)| {
            let Happened::Struck(fault) = happened else { return false };
            matches!(fault, Fault::EventsStall(_))
                || matches!(fault, Fault::Stall { lasts, .. } if *lasts > Duration::from_secs(30))
        });
        let there: BTreeSet<String> =
            sim.rig.switches().iter().flat_map(SwitchCore::sessions).map(ToString::to_string).collect();
        for core in sim.host_cores().filter(|_| !deaf) {
            let tracker = core.tracker();
            // What is still there is told below.
            let gone = tracker.sessions().filter(|session| !there.contains(session.id.as_str())).count();
            let calls = tracker.calls().len().saturating_sub(tracker.sessions().len());
            if gone + calls + core.jobs_running() > 0 {
                let jobs = core.jobs_running();
                wrong.push(format!("{} holds {gone} sessions that are gone, {calls} calls, {jobs} jobs", core.name()));
            }
        }
        // Where the end of a call was lost on its way, nobody can know that a leg stays.
        let tolls = sim.rig.tolls();
        let excused = |session: &str| {
            let call = tolls.iter().find(|toll| toll.session == session).map(|toll| toll.call.as_str());
            tolls.iter().any(|toll| Some(toll.call.as_str()) == call && !toll.messages_lost.is_empty())
        };
        for (index, switch) in sim.rig.switches().iter().enumerate() {
            let sessions: Vec<String> = switch.sessions().map(|session| session.to_string()).collect();
            let untold: Vec<&String> =
                sessions.iter().filter(|session| !self.left.contains(session) && !excused(session)).collect();
            if !untold.is_empty() && !sim.is_gone(index) {
                wrong.push(format!("left on switch {index}, and nobody was told: {untold:?}"));
            }
            wrong.extend(
                switch.left().filter(|_| sessions.is_empty()).map(|left| format!("switch {index} holds {left}")),
            );
        }
        if there.is_empty() && sim.rig.left() != [0; 3] {
            wrong.push(format!("dialogs, ports, recordings are left: {:?}", sim.rig.left()));
        }
    }

    /// What was interrupted did not come to its end, unless its call was being hung up already.
    fn judge_interrupt(&self, harm: &Harm, wrong: &mut Vec<String>) {
        let Some(at) = harm.interrupted else { return };
        for report in self.reports.iter().filter(|report| report.verdict == Verdict::Passed) {
            let within = report.started < at && at < report.started + report.duration;
            let ending = report.legs.iter().flat_map(|leg| &leg.entries).any(|entry| {
                entry.at <= at && (entry.text.contains("uuid_kill") || entry.text.contains("CHANNEL_HANGUP"))
            });
            if within && !ending {
                wrong.push(format!("{:?} passed although it was interrupted", report.test.name));
            }
        }
    }

    /// Every call, and every load as a whole.
    fn lives(&self) -> Vec<Lived<'_>> {
        let mut lives = Vec::new();
        for report in self.reports.iter().filter(|report| self.started.contains(&report.test.name)) {
            let needs =
                self.tests.iter().find(|test| test.name == report.test.name).and_then(|test| test.needs.as_ref());
            let first = report.checks.iter().find(|check| check.verdict != Verdict::Passed);
            let why = first.map(|check| format!(" ({}: {})", check.name, check.actual)).unwrap_or_default();
            lives.push(Lived {
                what: format!("{:?}{why}", report.test.name),
                app: &report.test.name,
                // Of the last attempt, where it was tried again.
                call: report.legs.first().map(|leg| leg.uuid.as_str()).filter(|uuid| !uuid.is_empty()),
                from: report.started,
                to: report.started + report.duration,
                verdict: report.verdict,
                needs,
            });
        }
        for cdr in &self.records {
            lives.push(Lived {
                what: format!("call {} of the load ({})", cdr.index, cdr.reason),
                app: "load",
                call: Some(&cdr.call),
                from: cdr.launched,
                to: cdr.ended,
                verdict: cdr.verdict,
                needs: None,
            });
        }
        lives
    }
}

impl Harm {
    fn of(sim: &Sim) -> Harm {
        let happened = sim.happened();
        // A host is itself again once it is up.
        let up_after = |host: usize, at: Time| {
            let up = happened.iter().find(|(time, happened)| *time > at && *happened == Happened::HostUp(host));
            up.map_or(FOR_EVER, |(time, _)| *time)
        };
        let mut harm = Harm {
            disturbed: Vec::new(),
            lost: Vec::new(),
            deaf: Vec::new(),
            interrupted: None,
            tolls: sim.rig.tolls(),
            unreadable: BTreeSet::new(),
            torn: BTreeMap::new(),
        };
        for (at, what) in happened {
            let at = *at;
            match what {
                Happened::HostUp(_) => {}
                Happened::HostLost(host) => {
                    harm.lost.push(at);
                    harm.disturbed.push((at, up_after(*host, at)));
                }
                Happened::Unreadable(path) => {
                    harm.unreadable.insert(path.display().to_string());
                }
                Happened::Torn(path, left) => {
                    harm.torn.insert(path.display().to_string(), *left);
                }
                Happened::Struck(Fault::Stall { lasts, .. }) => {
                    harm.disturbed.push((at, at + *lasts + AFTERMATH));
                }
                Happened::Struck(Fault::EventsStall(_)) => {
                    harm.disturbed.push((at, up_after(0, at)));
                    harm.deaf.push((at, up_after(0, at)));
                }
                Happened::Struck(Fault::Interrupt(_)) => {
                    harm.interrupted = Some(harm.interrupted.map_or(at, |earlier| earlier.min(at)));
                    harm.disturbed.push((at, FOR_EVER));
                }
                Happened::Struck(Fault::HostDies(_) | Fault::Garbage(..)) => {
                    harm.disturbed.push((at, up_after(0, at)));
                }
                Happened::Struck(
                    Fault::Cut { host, .. }
                    | Fault::Drop { host, .. }
                    | Fault::Noise { host, .. }
                    | Fault::Restart { host, .. },
                ) => {
                    harm.disturbed.push((at, up_after(*host, at)));
                }
                Happened::Struck(
                    Fault::Turn { .. } | Fault::UnreadableRecordings | Fault::Drizzle(_) | Fault::Recordings { .. },
                ) => {}
            }
        }
        harm
    }

    fn tolls_of<'a>(&'a self, lived: &'a Lived<'_>) -> impl Iterator<Item = &'a Toll> {
        self.tolls.iter().filter(|toll| match lived.call {
            Some(call) => toll.call == call,
            // Of a load as a whole: any call of any entry of its mix.
            None if lived.app == "load" => !toll.app.starts_with(|c: char| c.is_ascii_digit()),
            None => toll.app == lived.app,
        })
    }

    /// Recordings of a call that were hurt.
    fn is_recording_hurt(&self, lived: &Lived<'_>) -> bool {
        let of_call = |path: &String| match lived.call {
            Some(call) => path.contains(call),
            // Of a load as a whole: it may be one of its calls.
            None if lived.app == "load" => true,
            None => self.tolls_of(lived).any(|toll| path.contains(&toll.call)),
        };
        self.unreadable.iter().chain(self.torn.keys()).any(of_call)
    }

    /// Whether anything that went wrong may have made a difference to it.
    fn touches(&self, lived: &Lived<'_>) -> bool {
        self.disturbed.iter().any(|(from, to)| *from <= lived.to && lived.from <= *to)
            || self.is_recording_hurt(lived)
            || self.tolls_of(lived).any(Toll::is_touched)
    }

    /// Why it cannot have passed.
    fn forbids(&self, lived: &Lived<'_>) -> Option<String> {
        let within = |at: Time| lived.from < at && at < lived.to;
        if let Some(at) = self.lost.iter().find(|at| within(**at) && lived.app_is_a_call()) {
            return Some(format!("its host was lost {:?} after its beginning", at.since(lived.from)));
        }
        // Without events nothing is known of the end of a call.
        if self.deaf.iter().any(|(from, until)| *from < lived.to && lived.to < *until && lived.app_is_a_call()) {
            return Some("no events came at its end".to_owned());
        }
        let tolls: Vec<&Toll> = self.tolls_of(lived).collect();
        if lived.app_is_a_call() {
            for lost in ["INVITE", "BYE"] {
                if tolls.iter().any(|toll| toll.messages_lost.iter().any(|(_, name)| *name == lost)) {
                    return Some(format!("its {lost} was lost"));
                }
            }
        }
        let needs = lived.needs?;
        let message_lost =
            |name: &str| tolls.iter().any(|toll| toll.messages_lost.iter().any(|(_, lost)| *lost == name));
        for (name, needed) in [
            ("provisional response", needs.ringing),
            ("final response", needs.response),
            (needs.requests.unwrap_or_default(), needs.requests.is_some()),
        ] {
            if needed && message_lost(name) {
                return Some(format!("its {name} was lost"));
            }
        }
        if needs.digits && tolls.iter().any(|toll| !toll.digits_lost.is_empty()) {
            return Some("a digit was lost".to_owned());
        }
        if needs.every_bit && tolls.iter().any(|toll| toll.lost_sounding > 0) {
            return Some("a packet of the pattern was lost".to_owned());
        }
        let path_of =
            |path: &&String, leg: &str| path.contains(leg) && tolls.iter().any(|toll| path.contains(&toll.call));
        if let Some(leg) = needs.recording.map(|leg| format!("-{leg}-"))
            && self.unreadable.iter().any(|path| path_of(&path, &leg))
        {
            return Some("its recording could not be read".to_owned());
        }
        let (leg, least) = needs.sound?;
        let torn = self.torn.iter().find(|(path, left)| path_of(path, &format!("-{leg}-")) && **left < least);
        if let Some((_, left)) = torn {
            return Some(format!("only {left:?} of its recording were left"));
        }
        // Of a call without a bridge the legs are two, and the caller's has the call's name.
        let is_leg = |toll: &&&Toll| match leg {
            crate::scenario::Leg::Caller => toll.session == toll.call,
            crate::scenario::Leg::Callee => toll.session != toll.call,
        };
        let arrived = tolls.iter().filter(is_leg).map(|toll| toll.arrived).max()?;
        let most = FRAME * u32::try_from(arrived).unwrap_or(u32::MAX);
        (most < least).then(|| format!("only {most:?} of sound arrived of {least:?}"))
    }
}

impl Lived<'_> {
    /// Whether it is one call, and not a whole load.
    fn app_is_a_call(&self) -> bool {
        self.call.is_some() || self.app != "load"
    }
}
