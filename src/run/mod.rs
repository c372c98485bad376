//! A run: tests selected, executed and told to reports.
//!
//! [`core`] decides, without IO; [`task`] owns clock, hosts and files.

pub mod core;
mod download;
mod event;
mod execute;
mod mapping;
mod options;
mod plan;
pub mod replay;
mod require;
mod retrieve;
mod select;
pub mod task;

pub use event::*;
pub use execute::{Outcome, RunError, execute};
pub use mapping::{Mapping, MappingError};
pub use options::{DEFAULT_PORT, HostAddress, HostAddressError, Options, Purpose};
pub use plan::{Planned, plan};
pub use select::{SelectError, Selection, select};
