//! A run: tests selected, executed and told to reports.

mod event;

pub use event::*;
