//! Everything that is tested from outside the crate, in one binary.

mod captures;
mod esl_wire;
mod fidelity;
mod replies;
mod switch_net;
mod tracking;
