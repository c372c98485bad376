//! Load: when calls are offered, which, on which host, and to whom. No IO; time is an argument.
//!
//! The generator is an open loop: a call is due when its [`Profile`] says so, however the calls before it fare, so a
//! slow switch gets the load that was asked for and not the one that it can bear. A call that may not be made because
//! of a limit is skipped and counted; it is never put off.

pub mod fields;
mod hosts;
mod mix;
mod originator;
mod pacer;
mod profile;
mod slice;

pub use fields::{Draw, Order, Row, Table, TableError};
pub use mix::Mix;
pub use originator::{Draining, Limits, Originator, Skip, State, Step, Tally, auto_duration};
pub use pacer::{Due, Pacer};
pub use profile::{Profile, Stage};
pub use slice::Slice;
