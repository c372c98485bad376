//! What calls under load come to: a record of each, counts and distributions of all.
//!
//! The engine of a load tells a [`Book`] what happens. The book keeps a [`Tally`] of all calls, of those of each app and
//! of each host, and a [`Series`] over time, and gives [`Snapshot`]s while the load runs and a [`LoadReport`] at its
//! end. [`Gate`]s are what must hold of it. Nothing here averages averages: whatever can be cut into parts merges into
//! what the whole would have been.

mod book;
mod call_rate;
mod cdr;
mod counts;
mod distribution;
mod frequent;
mod gate;
mod host_stats;
mod load_report;
mod metric;
#[cfg(test)]
pub(crate) mod sample;
mod series;
mod sketch;
mod snapshot;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod timing;
mod watch;
mod window;

pub use book::{Book, OWN};
pub use call_rate::{CallRate, MEAN_OVER, call_rates};
pub use cdr::{Cdr, LegTimes};
pub use counts::{Counts, LATE, Skip};
pub use distribution::Distribution;
pub use frequent::Frequent;
pub use gate::{Finding, Gate, GateBound, NOTHING_MEASURED, Over, Tallies};
pub use host_stats::HostStats;
pub use load_report::{LoadReport, MergeError, Part};
pub use metric::{COUNTING, Extent, Measured, Metric, MetricError, Occupancy, PLAIN, Plain, Quantity, Value};
pub use series::{Bucket, MAX_BUCKETS, Series};
pub use sketch::Sketch;
pub use snapshot::{Asked, Frequency, GateState, HostSnapshot, Phase, Rates, Snapshot};
pub use summary::{Quantiles, Summary};
pub use tally::{Course, Tally};
pub use timing::{Spread, Statistic, Timing};
pub use watch::{Broken, Gates, MAX_LATE};
