//! What became of a test, and what there is to say about it.

use crate::place::Place;
use crate::units::Time;

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Passed,
    Skipped,
    /// What was promised did not happen.
    Failed,
    /// We could not find out: a host or our own code failed.
    Error,
}

/// What else is to be said of a test's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It passed, but only when it was tried again.
    Flaky,
    /// It failed, as it was expected to for this reason; that counts as passed.
    ExpectedFailure(String),
    /// It passed although it was expected to fail for this reason; that counts as failed.
    UnexpectedPass(String),
    /// The run was stopped before its turn; its verdict is that it was skipped.
    NotRun,
}

/// One check or step and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// What was asked, short: `caller heard tone 1004 Hz`, `callee step 2: play`.
    pub name: String,
    /// Where the scenario asks for it.
    pub place: Option<Place>,
    pub verdict: Verdict,
    /// What should have been: `1004 Hz +-4 Hz`. Empty where the check is a plain statement.
    pub expected: String,
    /// What was: `440.2 Hz at -0.1 dBm0`.
    pub actual: String,
    /// Why, in a sentence, and what to try; may be empty.
    pub help: String,
}

/// The last events and commands of one leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegTrace {
    /// `caller`, `callee`; `host` for steps without a call.
    pub leg: String,
    /// The session's uuid; empty when the leg never came to be.
    pub uuid: String,
    /// Oldest first.
    pub entries: Vec<TraceEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    pub at: Time,
    pub kind: TraceKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceKind {
    /// The switch told us.
    Event,
    /// We told the switch.
    Command,
    /// The switch answered a command.
    Reply,
}
