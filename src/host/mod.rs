//! A switch reached over its event socket.
//!
//! [`core`] decides, without IO: it speaks to the switch on two connections, one for events and one for commands,
//! because FreeSWITCH writes events only while no command waits to be read. [`task`] owns the sockets.
//! [`settings`] are a host's limits, [`HostStats`] its load, [`local`] that of the machine we run on.

pub mod core;
mod lag;
pub mod local;
mod originate;
mod patience;
pub mod settings;
mod stats;
pub mod task;

pub use self::core::{
    HostConfig, HostCore, HostEvent, HostFacts, Line, Lost, Request, SessionLimits, Token, Tracking, is_tracked,
};
pub use lag::Lag;
pub use originate::{Originate, Target, Then};
pub use patience::{Attempts, Next, Patience};
pub use settings::Settings;
pub use stats::{HostStats, LocalLoad, Readiness, StatsError, StatsPace};
