//! A prompt for a switch: commands to its event socket, its events and its log.
//!
//! [`Shell`] decides, without IO: what a line means, what is asked of the switch, what is shown and when to
//! try again. [`task`] owns the sockets, the terminal and the clock.

mod complete;
mod core;
mod event_names;
mod event_text;
pub mod history;
mod input;
mod log_text;
mod look;
mod slash;
pub mod task;
mod wanted;

pub use self::core::{Ending, Manner, Shell, ShellConfig, ShellOutput, To};
pub use complete::Candidate;
pub use event_names::EventNames;
pub use input::InputError;
pub use look::Look;
pub use wanted::Wanted;
