//! `hangup`: the leg ends.

use super::{Begun, Facts, Needs, Signal, Start, Step, StepVariant, Until, boxed};
use crate::call::State;
use crate::scenario::scalar::cause;
use crate::scenario::tagged::Variant;

/// Hangs this leg up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hangup {
    /// `None`: `NORMAL_CLEARING`, FreeSWITCH's own default.
    pub cause: Option<String>,
}

pub(super) fn variant() -> StepVariant {
    Variant::new("hangup", "Hangs this leg up, with NORMAL_CLEARING or the cause given.")
        .bare(|| boxed(Hangup { cause: None }))
        .with(cause().map(|cause| boxed(Hangup { cause: Some(cause) })))
}

impl Step for Hangup {
    fn kind(&self) -> &'static str {
        "hangup"
    }

    fn describe(&self) -> String {
        match &self.cause {
            Some(cause) => format!("hangup {cause}"),
            None => "hangup".to_owned(),
        }
    }

    fn facts(&self) -> Facts {
        Facts { signal: Some(Signal::Hangup), ..Facts::default() }
    }

    fn needs(&self) -> Needs {
        Needs::Session
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.api_on_leg("uuid_kill", self.cause.as_deref().unwrap_or("NORMAL_CLEARING"));
        Until::Reached(State::HungUp).into()
    }
}
