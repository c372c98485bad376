//! What a client tells of its host and its apps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::call::HangupCause;
use crate::host::HostFacts;
use crate::id::SessionId;
use crate::units::human;

/// Whether a host can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    Connecting,
    Up(Arc<HostFacts>),
    /// Away, and why. It may come back.
    Away(String),
}

/// Something that whoever runs apps wants to know.
#[derive(Clone, Debug)]
pub enum Notice {
    Up(Arc<HostFacts>),
    /// The host is away; `over`: nothing further is tried.
    Lost {
        reason: String,
        over: bool,
    },
    /// It came back, and told what there is.
    Back(Recovery),
    /// Sessions that were parked on the host already were given to apps.
    TookUp {
        sessions: usize,
    },
    /// A session that came in was refused, as the client drains.
    Refused {
        session: SessionId,
        cause: HangupCause,
    },
    /// A callback or a flow failed, or panicked.
    AppFailed {
        app: Arc<str>,
        session: Option<SessionId>,
        error: String,
    },
}

/// What became of a host's sessions while it was away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// For how long.
    pub away: Duration,
    /// Sessions that are still there.
    pub kept: usize,
    /// Sessions that are not.
    pub lost: Vec<SessionId>,
    /// Sessions that came meanwhile; those that were there before the client was, and that it left alone, are none.
    pub found: Vec<SessionId>,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Up(facts) => write!(f, "up: {}", facts.version),
            Notice::Lost { reason, over: false } => write!(f, "lost: {reason}; trying again"),
            Notice::Lost { reason, over: true } => write!(f, "lost for good: {reason}"),
            Notice::Back(Recovery { away, kept, lost, found }) => {
                let [lost, found] = [lost.len(), found.len()];
                write!(f, "back after {}: {kept} sessions kept, {lost} lost, {found} new", human(*away))
            }
            Notice::TookUp { sessions: 1 } => f.write_str("took up 1 session that was parked there"),
            Notice::TookUp { sessions } => write!(f, "took up {sessions} sessions that were parked there"),
            Notice::Refused { session, cause } => write!(f, "refused session {session} with {cause}"),
            Notice::AppFailed { app, session: Some(session), error } => {
                write!(f, "app {app} failed with session {session}: {error}")
            }
            Notice::AppFailed { app, session: None, error } => write!(f, "app {app} failed: {error}"),
        }
    }
}
