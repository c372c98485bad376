//! Load, from a program: calls made on the hosts of a [`Pool`](super::Pool) at a pace, handled by apps, measured and
//! judged as those of a scenario's load are.
//!
//! [`Load`] says what is offered; started, it is a [`Dialer`]; what it came to is [`Dialed`]. The generator is the open
//! loop of [`crate::load`], the figures and gates are those of [`crate::metrics`].

mod dialed;
mod dialing;
mod handle;
mod load;
mod measurer;
mod task;

pub use dialed::Dialed;
pub use handle::Dialer;
pub use load::{DialError, Load};
