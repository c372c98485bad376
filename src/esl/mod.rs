//! FreeSWITCH's event socket (mod_event_socket), both halves, without IO.
//!
//! [`wire`] is the only codec. [`Client`] is what a controller speaks, [`server`] what the embedded switch speaks.
//! Left out: reading XML events, and the outbound socket, in which the switch connects to the controller.

mod client;
mod command;
mod event;
mod log_level;
pub mod server;
pub mod wire;

pub use client::{Client, ClientEvent, CloseReason, CommandId, LogLine, job_result};
pub use command::{Command, CommandError, Reply, Switched, outcome};
pub use event::{Event, header};
pub use log_level::LogLevel;
