//! Sessions, calls and jobs.

mod cause;

pub use cause::HangupCause;
