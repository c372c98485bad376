//! What calls under load come to: a record of each, counts and distributions of all.

mod cdr;

pub use cdr::{Cdr, LegTimes};
