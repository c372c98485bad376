//! The embedded switch: a FreeSWITCH look-alike for what callwright uses.
//!
//! [`SwitchCore`] is the switch without IO. [`Switch`] is its shell: sockets, clock and media thread. [`Rig`] joins a core
//! to a network in memory, so that whole calls run in virtual time.
//!
//! Left out: other endpoints than SIP, registration, other dialplans than "park everything", forking originates, log
//! lines, the outbound event socket.

mod address;
pub mod api;
mod bridging;
mod channel;
mod config;
mod core;
pub mod dp;
mod dtmf;
mod esl;
mod event_names;
mod events;
mod exec;
mod expand;
mod hold;
mod inbound;
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

pub use self::core::{AskId, ConnId, Output, Question, SwitchCore};
pub use config::{IMITATED_FULL_VERSION, IMITATED_VERSION, SwitchConfig, SystemApi};
pub use net::{Switch, SwitchError};
pub use rig::Rig;
