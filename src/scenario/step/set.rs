//! `set`: channel variables.

use super::{Begun, Start, Step, StepVariant, Until, boxed};
use crate::scenario::scalar::line;
use crate::scenario::tagged::Variant;

/// Sets channel variables of this leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Names and values, in the order of the file.
    pub vars: Vec<(String, String)>,
}

pub(super) fn variant() -> StepVariant {
    Variant::new("set", "Sets channel variables of this leg: `set: { name: value }`.")
        .with(line().by_name("variables").map(|vars| boxed(Set { vars })))
}

impl Step for Set {
    fn kind(&self) -> &'static str {
        "set"
    }

    fn describe(&self) -> String {
        let names: Vec<_> = self.vars.iter().map(|(name, _)| name.as_str()).collect();
        format!("set {}", names.join(", "))
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        for (name, value) in &self.vars {
            start.api_on_leg("uuid_setvar", &format!("{name} {value}"));
        }
        Until::Replied.into()
    }
}
