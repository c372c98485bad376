//! How a run goes about its tests.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::Folder;
use crate::load::Slice;
use crate::scenario::load::TIMEOUT;
use crate::units::Time;

/// How a run goes about its tests.
#[derive(Clone, Debug)]
pub struct Conduct {
    /// After so many that failed or ended in error no more are begun.
    pub max_fail: Option<NonZeroUsize>,
    /// How often a test is tried again whose scenario does not say.
    pub retries: u32,
    /// Time, beside the talk time, after which a scenario has failed that does not say.
    pub timeout: Duration,
    /// Time from the beginning of its first attempt after which a test is told to be slow.
    pub slow: Duration,
    /// Folders with a setup or teardown; those around a folder stand before it.
    pub folders: Vec<Folder>,
    /// The part of a load that this run makes.
    pub slice: Slice,
    /// When a load begins; `None`: as soon as its hosts are there.
    pub start_at: Option<Time>,
}

/// A test is slow after this time, unless told otherwise.
pub const SLOW: Duration = Duration::from_secs(60);

impl Default for Conduct {
    fn default() -> Self {
        Conduct {
            max_fail: None,
            retries: 0,
            timeout: TIMEOUT,
            slow: SLOW,
            folders: Vec::new(),
            slice: Slice::WHOLE,
            start_at: None,
        }
    }
}
