//! Everything that is tested from outside the crate, in one binary.

mod captures;
mod command_line;
mod esl_wire;
mod layers;
mod readme;
mod tracking;
