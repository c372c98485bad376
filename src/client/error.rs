//! What can go wrong between a program and a host.

use std::time::Duration;

use crate::call::HangupCause;
use crate::esl::CommandError;
use crate::scenario::StepFailed;
use crate::units::human;

/// Why something that was asked of a host did not come to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The switch said no: what stands behind `-ERR`.
    #[error("`{command}` was refused: {reply}")]
    Refused { command: String, reply: String },
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The host was lost before it answered, or is away.
    #[error("host {host} is away: {reason}")]
    Away { host: String, reason: String },
    #[error("no {what} within {}", human(*within))]
    Late { what: String, within: Duration },
}

/// Why a session did not do what it was told, or what was waited for did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// It ended before.
    #[error("{waited_for} never came: session {session} ended with {cause}")]
    Ended { session: String, waited_for: String, cause: HangupCause },
    /// The host is gone, and the session with it as far as can be known.
    #[error("session {session} was lost with its host: {reason}")]
    Lost { session: String, reason: String },
    #[error("session {session}: no {waited_for} within {}", human(*within))]
    Late { session: String, waited_for: String, within: Duration },
    #[error(transparent)]
    Step(#[from] Box<StepFailed>),
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Why a call did not come up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The originate failed: a hangup cause, as `NO_ANSWER`.
    #[error("the call failed: {0}")]
    Failed(String),
    /// The call was made and its session is not known: the switch tells its events late, or not at all.
    #[error("the call is up, and no event of session {0} came")]
    Untold(String),
    #[error(transparent)]
    Host(#[from] HostError),
}
