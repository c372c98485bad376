//! What came of a call, and how it is judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::wav::Wav;
use crate::call::Session;
use crate::place::Place;
use crate::verdict::{CheckReport, Passage, Verdict};

use super::check::Facts;
use super::machine::{Listening, Recorded};
use super::model::{Leg, PlacedStep, Scenario, Stage};
use super::step::Signal;
use super::witness::Witness;

/// A call that is over.
#[derive(Debug)]
pub struct Outcome {
    pub scenario: Arc<Scenario>,
    pub(super) legs: [LegOutcome; 2],
    /// Why the originate failed, if it did: a hangup cause, usually.
    pub originate_failed: Option<String>,
    pub(super) listening: Listening,
    /// What went wrong on the way: steps that failed, a host that was lost.
    pub problems: Vec<CheckReport>,
}

/// What came of one leg.
#[derive(Debug)]
pub struct LegOutcome {
    pub leg: Leg,
    /// The session at its end; `None` when it never was, or when its end was not seen.
    pub session: Option<Session>,
    /// Whether its beginning was seen.
    pub was_there: bool,
    /// What was seen of its events.
    pub witness: Witness,
    /// Each recording that was begun, and what could be read of it.
    pub recordings: Vec<(Recorded, Result<Wav, String>)>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub verdict: Verdict,
    pub expected: String,
    pub actual: String,
    pub help: String,
    /// What was measured, for machines, with the unit in the name: `caller.heard.level_dbm0`.
    pub figures: Vec<(String, String)>,
    /// Where in the recordings it does not hold.
    pub passages: Vec<Passage>,
}

impl Found {
    /// Passed or failed, and why.
    pub fn new(holds: bool, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        let verdict = if holds { Verdict::Passed } else { Verdict::Failed };
        let (expected, actual) = (expected.into(), actual.into());
        Found { verdict, expected, actual, help: String::new(), figures: Vec::new(), passages: Vec::new() }
    }

    /// It could not be found out.
    pub fn unknown(expected: impl Into<String>, why: impl Into<String>) -> Self {
        Found { verdict: Verdict::Error, ..Found::new(false, expected, why) }
    }

    /// Why it may be so, if it does not hold.
    pub fn why(self, why: &str) -> Self {
        let holds = self.verdict == Verdict::Passed;
        self.help(if holds { "" } else { why })
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        Found { help: help.into(), ..self }
    }

    /// Adds what was measured; what is no number, as the level of silence, is left out.
    pub fn figure(mut self, name: impl Into<String>, value: f64) -> Self {
        self.figures.extend(value.is_finite().then(|| (name.into(), format!("{value:.3}"))));
        self
    }

    /// Where in the recordings it does not hold; nowhere, if it does.
    pub fn passages(self, passages: Vec<Passage>) -> Self {
        let passages = if self.verdict == Verdict::Passed { Vec::new() } else { passages };
        Found { passages, ..self }
    }
}

/// A judged call.
#[derive(Debug)]
pub struct Judgement {
    pub verdict: Verdict,
    /// What went wrong on the way, then each check in the order of the file.
    pub checks: Vec<CheckReport>,
    /// Figures and names for machines.
    pub properties: Vec<(String, String)>,
}

impl Outcome {
    pub fn leg(&self, leg: Leg) -> &LegOutcome {
        &self.legs[leg as usize]
    }

    /// Holds the call against what the scenario expects of it.
    pub fn judge(mut self) -> Judgement {
        let mut checks = std::mem::take(&mut self.problems);
        let mut properties = self.properties();
        // A call whose host was lost says nothing about the system under test.
        if !checks.iter().any(|problem| problem.verdict == Verdict::Error) {
            for check in &self.scenario.expect {
                if self.is_left_out(&check.facts()) {
                    continue;
                }
                let mut found = check.value.evaluate(&self);
                let listens = check.facts().listens.map(|listens| listens.leg);
                if found.verdict == Verdict::Failed && listens.is_some_and(|leg| self.is_torn(leg)) {
                    // What is missing may be what the check asks for.
                    found.verdict = Verdict::Error;
                    found.help = format!("the recording is incomplete: is the host's disk full? {}", found.help);
                }
                for (name, value) in std::mem::take(&mut found.figures) {
                    properties.push((unique(name, &properties), value));
                }
                checks.push(report(check.value.describe(), Some(check.place.clone()), found));
            }
            if self.scenario.stage != Stage::Host {
                checks.extend(self.unsaid());
            }
        }
        let verdict = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Passed);
        Judgement { verdict, checks, properties }
    }

    /// Whether a check would listen to what this call was not to be recorded for.
    fn is_left_out(&self, facts: &Facts) -> bool {
        let unheard = |leg: Leg| self.leg(leg).recordings.is_empty();
        let mut legs = facts.listens.into_iter().chain(facts.listens_too).map(|listens| listens.leg);
        self.listening == Listening::Left && legs.any(unheard)
    }

    /// Whether a recording of `leg` was not written to its end.
    fn is_torn(&self, leg: Leg) -> bool {
        self.leg(leg).recordings.iter().any(|(_, wav)| wav.as_ref().is_ok_and(|wav| wav.repaired.is_some()))
    }

    /// What holds of every call of which the scenario does not say otherwise: it is answered and ends normally.
    fn unsaid(&self) -> Vec<CheckReport> {
        let says = |kinds: &[&str]| self.scenario.expect.iter().any(|check| kinds.contains(&check.value.kind()));
        let answers = |step: &PlacedStep| {
            step.facts().signal == Some(Signal::Answer)
                || matches!(step.kind(), "execute" | "api" | "bridge" | "transfer")
        };
        // Without steps the callee is whoever is there, and is called to answer.
        let due = self.scenario.callee.is_empty() || self.scenario.callee.iter().any(answers);
        let mut reports = Vec::new();
        let caller = self.leg(Leg::Caller);
        let answered = caller.session.as_ref().is_some_and(Session::is_answered);
        if !answered && due && !says(&["answered", "hangup_cause", "sip_code", "no_call"]) {
            let found = Found::new(false, "an answered call", self.end_of(Leg::Caller)).help(
                "a call must be answered unless `expect` says otherwise: `answered: false`, `sip_code`, `hangup_cause`",
            );
            reports.push(report("answered".to_owned(), Some(self.scenario.place.clone()), found));
        }
        let causes = self.scenario.caller.iter().chain(&self.scenario.callee);
        let own_cause =
            causes.filter(|step| step.value.kind() == "hangup").any(|step| step.value.describe() != "hangup");
        if !own_cause && !says(&["hangup_cause"]) {
            // Each side has its own word for an end: what one calls a timeout is an ordinary BYE to the other.
            for leg in Leg::BOTH {
                let answered = self.leg(leg).session.as_ref().is_some_and(Session::is_answered);
                let Some(cause) = self.cause(leg).filter(|cause| answered && cause != "NORMAL_CLEARING") else {
                    continue;
                };
                let found = Found::new(false, format!("{leg} NORMAL_CLEARING"), format!("{leg} {cause}"))
                    .help("an answered call must end normally unless `expect` has a `hangup_cause`");
                reports.push(report("hangup cause".to_owned(), Some(self.scenario.place.clone()), found));
            }
        }
        reports
    }

    /// The hangup cause of a leg; the originate's where the caller's leg never was.
    pub fn cause(&self, leg: Leg) -> Option<String> {
        let session = self.leg(leg).session.as_ref();
        let cause = session.and_then(|session| session.hangup_cause.as_ref()).map(ToString::to_string);
        cause.or_else(|| self.originate_failed.clone().filter(|_| leg == Leg::Caller))
    }

    /// How a leg ended, for a person.
    pub fn end_of(&self, leg: Leg) -> String {
        let outcome = self.leg(leg);
        match (&outcome.session, self.cause(leg)) {
            (Some(session), cause) => {
                let cause = cause.unwrap_or_else(|| "no cause".to_owned());
                let code = session.sip_code().filter(|code| *code >= 300);
                let code = code.map_or(String::new(), |code| format!(" (SIP {code})"));
                let answered = if session.is_answered() { "answered, ended" } else { "not answered, ended" };
                format!("{answered} with {cause}{code}")
            }
            (None, Some(cause)) => format!("no {leg}'s leg: the originate failed with {cause}"),
            (None, None) if outcome.was_there => format!("the {leg}'s leg never ended"),
            (None, None) => format!("no {leg}'s leg came to be"),
        }
    }

    fn properties(&self) -> Vec<(String, String)> {
        let mut properties = Vec::new();
        let mut put = |name: String, value: Option<String>| properties.extend(value.map(|value| (name, value)));
        let ms = |duration: Option<Duration>| duration.map(|d| format!("{:.3}", d.as_secs_f64() * 1e3));
        for outcome in &self.legs {
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for event in outcome.witness.events().iter().filter(|event| event.is_custom()) {
                *counts.entry(&event.name).or_default() += 1;
            }
            for (subclass, count) in counts {
                put(format!("{}.{subclass}", outcome.leg), Some(count.to_string()));
            }
            let Some(session) = &outcome.session else { continue };
            put(format!("{}.uuid", outcome.leg), Some(session.id.to_string()));
            put(format!("{}.hangup_cause", outcome.leg), session.hangup_cause.as_ref().map(ToString::to_string));
            if outcome.leg == Leg::Caller {
                put("setup_time_ms".to_owned(), ms(session.setup_time()));
                put("pdd_ms".to_owned(), ms(session.post_dial_delay()));
                put("talk_time_ms".to_owned(), ms(session.talk_time()));
                put("sip_code".to_owned(), session.sip_code().map(|code| code.to_string()));
            }
        }
        properties
    }
}

/// `name`, or `name#2` where another check has measured the same.
fn unique(name: String, taken: &[(String, String)]) -> String {
    let free = |name: &String| taken.iter().all(|(other, _)| other != name);
    if free(&name) {
        return name;
    }
    (2..).map(|number: u32| format!("{name}#{number}")).find(free).unwrap_or(name)
}

fn report(name: String, place: Option<Place>, found: Found) -> CheckReport {
    let Found { verdict, expected, actual, help, passages, figures: _ } = found;
    CheckReport { name, place, verdict, expected, actual, help, passages }
}
