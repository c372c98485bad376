//! Calls as a controller sees them: events in, changes of sessions, calls and jobs out.

pub mod cause;
mod job;
mod session;
mod tracker;

pub use cause::HangupCause;
pub use job::{Job, Jobs};
pub use session::{Direction, Session, State};
pub use tracker::{Call, Change, ChangeKind, Counts, FailedSession, Tracker, TrackerConfig};
