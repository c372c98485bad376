//! Everything that is tested from outside the crate, in one binary.

mod bert;
mod captures;
mod command_line;
mod dtmf;
mod esl_wire;
mod exit_codes;
mod faults;
mod fidelity;
mod files;
mod language;
mod layers;
mod promises;
mod quality;
mod readme;
mod recordings;
mod replies;
mod side_by_side;
mod steps;
mod switch_net;
mod tracking;
