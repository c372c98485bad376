//! The embedded switch: a FreeSWITCH look-alike for what callwright uses.
//!
//! [`SwitchCore`] is the switch without IO. [`Switch`] is its shell: sockets, clock and media thread. [`Rig`] joins a core
//! to a network in memory, so that whole calls run in virtual time.
//!
//! Left out: other endpoints than SIP, registration with us (it registers with gateways itself), other dialplans than
//! "park everything", forking originates, most log lines.

mod address;
pub mod api;
mod bridging;
mod channel;
mod config;
mod controlled;
mod core;
pub mod dp;
mod dtmf;
mod esl;
mod event_names;
mod events;
mod exec;
mod expand;
mod gateway;
mod gateways;
mod hold;
mod inbound;
mod log;
mod media;
mod net;
mod offer;
mod originate;
mod outbound;
mod rate;
pub mod rig;
mod schedule;
mod session;
mod settings;
mod stamps;
#[cfg(test)]
mod tests;
mod text;
mod variables;

pub use self::core::{AskId, ConnId, DialId, Output, Question, SwitchCore};
pub use config::{
    ClientLimits, DEFAULT_PASSWORD, Dialing, IMITATED_FULL_VERSION, IMITATED_VERSION, SwitchConfig, SystemApi,
    loopback_networks,
};
pub use event_names::{EVENTS, event_name};
pub use gateway::{Gateway, Registering};
pub use net::{Switch, SwitchError};
pub use rig::Rig;
