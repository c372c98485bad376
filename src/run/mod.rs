//! A run: tests selected, executed and told to reports.
//!
//! [`core`] decides, without IO; [`task`] owns clock, hosts and files.

mod calls;
mod conduct;
pub mod core;
mod download;
mod event;
mod execute;
mod folders;
mod hosts;
mod load;
pub mod log;
mod mapping;
pub mod merge;
mod options;
mod originate;
mod plan;
pub mod replay;
mod require;
pub(crate) mod retrieve;
mod schedule;
mod select;
mod state;
pub mod task;
mod trial;

pub use conduct::{Conduct, SLOW};
pub use event::*;
pub use execute::{Outcome, RunError, Watcher, execute};
pub use folders::{Folder, Folders};
pub use hosts::{At, HostSpec, HostSpecError, NamedHost, Role, caller_names, named_hosts_of, parse_hosts};
pub(crate) use load::{Aborts, CutShort, Examples, Launched, Legs, Named, Offering, decisive};
pub use load::{Control, Example, LoadOutcome, Order, SearchReport, SearchStep, Wrong};
pub use mapping::{Mapping, MappingError};
pub use options::{DEFAULT_PORT, HostAddress, HostAddressError, Options, Purpose, StartAt, StartAtError};
pub use plan::{Planned, PlannedEntry, PlannedLoad, plan};
pub use select::{
    Choice, Entry, Expression, Last, LastFailed, ListFormat, Seed, SelectError, Selected, Selection, Shard, ShardError,
    Written, list_schema, select,
};
