//! A switch reached over its event socket.
//!
//! [`core`] decides, without IO: it speaks to the switch on two connections, one for events and one for commands,
//! because FreeSWITCH writes events only while no command waits to be read. [`task`] owns the sockets.

pub mod core;
mod lag;
mod originate;
pub mod task;

pub use self::core::{HostConfig, HostCore, HostEvent, HostFacts, Line, Lost, Request, Token};
pub use lag::Lag;
pub use originate::{Originate, Target};
