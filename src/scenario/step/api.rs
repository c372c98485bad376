//! `api`: any API command of the switch.

use super::{Begun, LONGEST, Needs, Start, Step, StepVariant, Until, boxed};
use crate::scenario::scalar::line;
use crate::scenario::tagged::Variant;

/// Runs an API command on the host of this leg. A reply that begins with `-ERR` fails the step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// The command and its arguments, one line.
    pub command: String,
}

pub(super) fn variant() -> StepVariant {
    Variant::new("api", "Runs an API command on the host; a reply of -ERR fails the step.")
        .with(line().expects("a command in one line").map(|command| boxed(Api { command })))
}

impl Step for Api {
    fn kind(&self) -> &'static str {
        "api"
    }

    fn describe(&self) -> String {
        format!("api {}", self.command)
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn on_host(&self) -> bool {
        true
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.api(&self.command);
        Until::Replied.within(LONGEST)
    }
}
