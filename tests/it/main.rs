//! Everything that is tested from outside the crate, in one binary.

mod captures;
mod command_line;
mod dtmf;
mod esl_wire;
mod fidelity;
mod layers;
mod readme;
mod replies;
mod switch_net;
mod tracking;
