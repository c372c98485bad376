//! A run: tests selected, executed and told to reports.

mod event;
mod execute;
mod options;

pub use event::*;
pub use execute::{Outcome, RunError, execute};
pub use options::{DEFAULT_PORT, HostAddress, HostAddressError, Options, Purpose};
