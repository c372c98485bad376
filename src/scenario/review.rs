//! A call that a program made, held against an expectation by what was seen of its sessions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::machine::{LegRun, Listening, Recorded};
use super::model::{Leg, PlacedCheck, Scenario, Stage};
use super::outcome::Outcome;
use super::shape::Placed;
use super::step::ExpectDtmf;
use super::witness::Witness;
use crate::audio::wav::Wav;
use crate::call::Change;
use crate::esl::Event;
use crate::place::Place;
use crate::verdict::{CheckReport, LegTrace, Verdict};

/// A call that nothing played: its legs are told what happened to them, and then they are judged as those of a scenario.
///
/// Its caller and callee have no steps, so what holds of every call holds of it: it is answered and ends normally,
/// unless a check says otherwise.
#[derive(Debug)]
pub struct Review {
    scenario: Arc<Scenario>,
    legs: [LegRun; 2],
    problems: Vec<CheckReport>,
    refused: Option<String>,
}

impl Review {
    /// A call that `expect` must hold of; `place` is where that is said.
    pub fn new(name: impl Into<String>, place: Place, expect: Vec<PlacedCheck>) -> Review {
        let blank = Scenario::blank(name.into(), Placed { value: (), place, span: 0..0 });
        Review::of(Arc::new(Scenario { expect, ..blank }))
    }

    /// A call that is expected what `scenario` expects of its own, one for many calls.
    pub fn of(scenario: Arc<Scenario>) -> Review {
        let asked: Vec<String> = scenario.expect.iter().flat_map(|check| check.value.headers()).collect();
        let leg = |leg| LegRun::new(leg, Stage::Call, Path::new(""), Witness::asking(asked.clone()));
        Review { legs: [leg(Leg::Caller), leg(Leg::Callee)], scenario, problems: Vec::new(), refused: None }
    }

    pub fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// What an event changed, in the order in which it came.
    pub fn tell(&mut self, leg: Leg, change: &Change, event: &Arc<Event>) {
        let run = &mut self.legs[leg as usize];
        run.session.get_or_insert_with(|| change.session.clone());
        run.handle_change(event.fired().unwrap_or_default(), change, event);
    }

    /// So many events of a leg came, and are not told.
    pub fn leave_out(&mut self, leg: Leg, events: usize) {
        self.legs[leg as usize].witness.leave_out(events);
    }

    /// A recording that was made of a leg, on the host's disk.
    pub fn recorded(&mut self, leg: Leg, recorded: Recorded) {
        self.legs[leg as usize].recordings.push(recorded);
    }

    /// The originate failed: a hangup cause, usually.
    pub fn refuse(&mut self, cause: impl Into<String>) {
        self.refused = Some(cause.into());
    }

    /// Something went wrong, so that the checks alone would not say the truth.
    pub fn problem(&mut self, problem: CheckReport) {
        self.problems.push(problem);
    }

    /// Holds the digits that a leg received against `wanted`: these, in this order, and no others.
    pub fn expect_digits(&mut self, leg: Leg, wanted: &ExpectDtmf, place: Place) {
        let found = self.legs[leg as usize].judge_digits(wanted);
        let (verdict, (expected, actual, help)) = match found {
            Ok(received) => (Verdict::Passed, (wanted.digits.clone(), received, String::new())),
            Err(wrong) => (Verdict::Failed, wrong),
        };
        let name = format!("{leg} received {}", wanted.digits);
        self.problems.push(CheckReport {
            name,
            place: Some(place),
            verdict,
            expected,
            actual,
            help,
            passages: Vec::new(),
        });
    }

    /// What happened to each leg that came to be.
    pub fn traces(&self) -> Vec<LegTrace> {
        self.legs.iter().filter(|leg| leg.session.is_some()).map(LegRun::trace).collect()
    }

    /// What there is to judge, with the recordings as they could be read.
    pub fn outcome(mut self, mut read: BTreeMap<PathBuf, Result<Wav, String>>) -> Outcome {
        let legs = self.legs.each_mut().map(|leg| leg.outcome(&mut read));
        Outcome {
            legs,
            originate_failed: self.refused,
            problems: self.problems,
            listening: Listening::Recorded,
            scenario: self.scenario,
        }
    }
}
