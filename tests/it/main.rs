//! Everything that is tested from outside the crate, in one binary.

mod bert;
mod captures;
mod ci;
mod command_line;
mod configuration;
mod doctor;
mod dtmf;
mod esl_wire;
mod exit_codes;
mod fidelity;
mod files;
mod html;
mod language;
mod layers;
mod promises;
mod quality;
mod readme;
mod recordings;
mod replay;
mod replies;
mod reports;
mod selection;
mod steps;
mod switch_net;
mod tracking;
