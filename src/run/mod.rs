//! A run: tests selected, executed and told to reports.
//!
//! [`core`] decides, without IO; [`task`] owns clock, hosts and files.

pub mod core;
mod event;
mod execute;
mod options;
mod require;
mod select;
pub mod task;

pub use event::*;
pub use execute::{Outcome, RunError, execute};
pub use options::{DEFAULT_PORT, HostAddress, HostAddressError, Options, Purpose};
pub use select::{SelectError, Selection, select};
