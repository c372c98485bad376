//! Steps on one session that is there: what a leg of a scenario does, without the scenario around it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::machine::{LegRun, Recorded};
use super::model::{Leg, PlacedStep, Stage};
use super::step::Step;
use super::witness::Witness;
use crate::call::{Change, HangupCause, Session, State};
use crate::esl::{Command, Event, Reply};
use crate::id::{Ids, SessionId};
use crate::place::Place;
use crate::units::Time;
use crate::verdict::{LegTrace, TraceKind};

/// Steps that are done one after the other on a session.
///
/// Driven as a scenario's machine is: it is told changes, replies and the time, and gives commands with numbers that
/// their replies are told with.
#[derive(Debug)]
pub struct Script {
    leg: LegRun,
    steps: Arc<[PlacedStep]>,
    ids: Ids,
    next_number: u64,
    /// What the commands without a reply say.
    unanswered: HashMap<u64, String>,
    commands: VecDeque<(u64, Command)>,
    failed: Option<Box<StepFailed>>,
}

/// A step that could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct StepFailed {
    /// `answer`, `bridge to 1001`.
    pub step: String,
    /// Where it stands: in a file of steps or in a program.
    pub place: Place,
    pub expected: String,
    pub actual: String,
    /// What may help; may be empty.
    pub help: String,
    /// Why the session ended, where it did so before the step was done.
    pub ended: Option<HangupCause>,
}

impl fmt::Display for StepFailed {
    /// On one line: `answer (src/ivr.rs:12:9): expected the answer within 10s, found the leg is not answered`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StepFailed { step, place, expected, actual, help, .. } = self;
        write!(f, "{step} ({place}): expected {expected}, found {actual}")?;
        if !help.is_empty() {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl Script {
    /// `steps` for the session `id`, which is there; `leg` is whose part they are, `stem` where recordings go, to which
    /// `-caller-1.wav` is added.
    pub fn new(leg: Leg, id: SessionId, steps: Arc<[PlacedStep]>, stem: &Path, ids: Ids) -> Script {
        let mut run = LegRun::new(leg, Stage::Call, stem, Witness::default());
        run.session = Some(id);
        Script {
            leg: run,
            steps,
            ids,
            next_number: 0,
            unanswered: HashMap::new(),
            commands: VecDeque::new(),
            failed: None,
        }
    }

    /// Takes over how far the session has come before anything is told of it here.
    pub fn resume(&mut self, session: &Session, waiting: Waiting) {
        self.leg.resume(session, waiting);
    }

    pub fn handle_change(&mut self, now: Time, change: &Change, event: &Arc<Event>) {
        self.leg.handle_change(now, change, event);
        self.advance(now);
    }

    pub fn handle_reply(&mut self, now: Time, number: u64, reply: &Reply) {
        let Some(text) = self.unanswered.remove(&number) else { return };
        self.leg.handle_reply(now, number, reply.result().ok());
        if let Err(refusal) = reply.result() {
            self.leg.note(now, TraceKind::Reply, format!("{refusal} (to `{text}`)"));
            self.leg.refused(text, refusal);
        }
        self.advance(now);
    }

    /// Goes as far as can be gone now; to be called when it begins, and when [`Script::poll_timeout`] is due.
    pub fn advance(&mut self, now: Time) {
        while self.failed.is_none() {
            // What failed is the step under way, not the next one.
            let moved = !self.leg.has_failed() && self.leg.finish_step(now);
            if let Some(failed) = self.leg.failure(&self.steps) {
                self.failed = Some(Box::new(failed));
                return;
            }
            let begun = self.leg.begin_step(now, &self.steps, false, &mut self.ids);
            if !moved && begun.is_none() {
                return;
            }
            for (command, _) in begun.into_iter().flatten() {
                let number = self.next_number;
                self.next_number += 1;
                self.leg.note(now, TraceKind::Command, command.to_string());
                self.leg.asked(number);
                self.unanswered.insert(number, command.to_string());
                self.commands.push_back((number, command));
            }
        }
    }

    pub fn poll_command(&mut self) -> Option<(u64, Command)> {
        self.commands.pop_front()
    }

    /// When [`Script::advance`] is due, if nothing else comes.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.leg.deadline().filter(|_| self.result().is_none())
    }

    /// How it ended, once it has: all steps were done, one failed, or the session ended before a step could begin.
    pub fn result(&self) -> Option<Result<(), Box<StepFailed>>> {
        if let Some(failed) = &self.failed {
            return Some(Err(failed.clone()));
        }
        if self.leg.is_finished(self.steps.len()) {
            return Some(Ok(()));
        }
        let begun = self.leg.deadline().is_some();
        (self.leg.state == Some(State::HungUp) && !begun).then(|| Err(Box::new(self.leg.too_late(&self.steps))))
    }

    /// The recordings that were begun, on the host's disk.
    pub fn recordings(&self) -> &[Recorded] {
        &self.leg.recordings
    }

    /// What was sent and what came.
    pub fn trace(&self) -> LegTrace {
        self.leg.trace()
    }
}

/// What a session does as a script begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// It waits in `park` for commands.
    pub parked: bool,
    /// Something plays or echoes on it that does not end by itself.
    pub playing: bool,
}

/// A step of a program, whose place is `at`.
pub fn placed(step: Box<dyn Step>, at: &Location<'_>) -> PlacedStep {
    let place = Place { file: PathBuf::from(at.file()), line: at.line() as usize, column: at.column() as usize };
    PlacedStep { value: step, place, span: 0..0 }
}
