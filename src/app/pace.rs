//! The pace of a load, as its apps are told of it.

use std::time::Duration;

use crate::units::Cps;

/// How fast calls are offered, and how long they are up: what [`crate::client::Dialer`] tells the apps of its calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub rate: Cps,
    /// Calls at once (Erlangs); `None`: any number.
    pub limit: Option<u32>,
    /// Time from a call's answer after which it is hung up; `None`: its apps do that.
    pub duration: Option<Duration>,
}
