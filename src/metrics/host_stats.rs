//! What a host tells of itself while it is under load.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a host told of itself; what it does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostStats {
    /// Idle time of its processors, in percent; of several, the least.
    pub idle_cpu_percent: Option<f64>,
    /// Sessions on it; of several, the most, as of all that follow.
    pub sessions: Option<u32>,
    /// Sessions a second.
    pub sps: Option<u32>,
    /// What its process takes of one processor, in percent, where it runs beside us.
    pub cpu_percent: Option<f64>,
    /// Bytes of memory that its process holds, likewise.
    pub memory_bytes: Option<u64>,
}

impl HostStats {
    /// Keeps of each figure the worse of the two.
    pub(super) fn worst(&mut self, other: &HostStats) {
        self.idle_cpu_percent = one_of(self.idle_cpu_percent, other.idle_cpu_percent, f64::min);
        self.sessions = self.sessions.max(other.sessions);
        self.sps = self.sps.max(other.sps);
        self.cpu_percent = one_of(self.cpu_percent, other.cpu_percent, f64::max);
        self.memory_bytes = self.memory_bytes.max(other.memory_bytes);
    }
}

fn one_of(ours: Option<f64>, theirs: Option<f64>, choose: fn(f64, f64) -> f64) -> Option<f64> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => Some(choose(ours, theirs)),
        (ours, theirs) => ours.or(theirs),
    }
}
