//! The scenario language: a tester's YAML, read into a model with all its mistakes told at once.
//!
//! Each key, step, check and app is described once, as a [`shape::Shape`]; reading, validation and the JSON Schema come
//! from it. A new step is one file in `step/` and one line in its list; likewise `check/` and `app/`.

pub mod app;
pub mod check;
pub mod defaults;
pub mod diagnostic;
mod document;
mod expand;
pub mod gates;
pub mod load;
mod load_key;
mod load_spec;
mod machine;
pub mod mapping;
mod matrix;
mod model;
pub mod node;
mod outcome;
pub mod piece;
mod programs;
pub mod reading;
mod requires;
mod review;
mod rules;
pub mod scalar;
mod script;
pub mod shape;
pub mod step;
pub mod tagged;
mod variables;
pub mod wanted;
pub mod witness;

pub use diagnostic::{Diagnostic, Severity, Style};
pub use load::{Loaded, json_schema, load, load_beside, load_file, load_file_with};
pub use load_spec::{Fields, Find, HostSettings, LoadSpec, MixEntry, Pace};
pub(crate) use machine::one_word;
pub use machine::{Action, Dial, LegPlan, Listening, Machine, Plan, Recorded, Setting, StepPlan};
pub use model::*;
pub(crate) use node::shortened;
pub use outcome::{Found, Judgement, LegOutcome, Outcome};
pub use programs::Programs;
pub use requires::{EMBEDDED_MODULE, HostKind, Requires, VersionBound};
pub use review::Review;
pub use script::{Script, StepFailed, Waiting, placed};

#[cfg(test)]
mod tests;
