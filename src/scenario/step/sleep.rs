//! `sleep`: the leg does nothing for a time.

use std::time::Duration;

use super::{Begun, Facts, Needs, Start, Step, StepVariant, Until, boxed};
use crate::scenario::scalar::duration;
use crate::scenario::tagged::Variant;
use crate::units::human;

/// Lets time pass before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sleep {
    pub time: Duration,
}

pub(super) fn variant() -> StepVariant {
    Variant::new("sleep", "Lets time pass before the next step.").with(duration().map(|time| boxed(Sleep { time })))
}

impl Step for Sleep {
    fn kind(&self) -> &'static str {
        "sleep"
    }

    fn describe(&self) -> String {
        format!("sleep {}", human(self.time))
    }

    fn facts(&self) -> Facts {
        Facts { takes: self.time, ..Facts::default() }
    }

    fn needs(&self) -> Needs {
        Needs::Session
    }

    fn on_host(&self) -> bool {
        true
    }

    fn start(&self, _: &mut Start<'_>) -> Begun {
        Until::Elapsed(self.time).into()
    }
}
