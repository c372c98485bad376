//! A run: tests selected, executed and told to reports.
//!
//! [`core`] decides, without IO; [`task`] owns clock, hosts and files.

pub mod core;
mod event;
mod select;
pub mod task;

pub use event::*;
pub use select::{SelectError, Selection, select};
