//! Routes files: routing without Rust. Which calls are dealt with how, by their event headers, the time and chance.
//!
//! A document of a file is a router: guards, routes in their order, and what is done otherwise. [`load`] reads them with
//! the shapes of the scenario language, so every mistake is told at once. What a call comes to is decided by a [`Walk`]
//! over a [`Table`], which knows neither switch nor clock; [`crate::app::Router`] does what it says.

mod chance;
mod condition;
mod document;
mod hours;
mod load;
mod play;
mod table;
mod template;

pub use chance::Chance;
pub use condition::{Asked, Condition, DESTINATION, Matched};
pub use document::json_schema;
pub use hours::{Hours, Weekdays};
pub use load::{Routes, load};
pub use play::{Part, Play};
pub use table::{Decision, Entry, Next, Section, Table, Walk};
pub use template::{Parameter, Unfit, Values};

#[cfg(test)]
mod tests;
