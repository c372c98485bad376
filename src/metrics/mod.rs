//! What calls under load come to: a record of each, counts and distributions of all.

mod cdr;
mod counts;
mod distribution;
mod frequent;
#[cfg(test)]
mod sample;
mod sketch;
mod tally;
mod timing;

pub use cdr::{Cdr, LegTimes};
pub use counts::{Counts, LATE, Skip};
pub use distribution::Distribution;
pub use frequent::Frequent;
pub use sketch::Sketch;
pub use tally::{Course, Tally};
pub use timing::{Spread, Statistic, Timing};
