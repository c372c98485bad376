//! `hangup`: the leg ends.

use std::time::Duration;

use super::{Begun, Facts, Needs, Signal, Start, Step, StepVariant, Until, boxed};
use crate::call::State;
use crate::scenario::mapping::{mapping, optional, required};
use crate::scenario::scalar::{cause, duration};
use crate::scenario::tagged::Variant;
use crate::units::human;

/// Hangs this leg up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hangup {
    /// `None`: `NORMAL_CLEARING`, FreeSWITCH's own default.
    pub cause: Option<String>,
}

/// Has the switch hang this leg up later; the next step follows at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HangupLater {
    /// Rounded up to whole seconds, which the switch counts in.
    pub after: Duration,
    /// `None`: `ALLOTTED_TIMEOUT`, FreeSWITCH's own default.
    pub cause: Option<String>,
}

pub(super) fn variant() -> StepVariant {
    let later = mapping!(HangupLater {
        after: required("after", duration(), "The switch does it after so long, in whole seconds; steps go on."),
        cause: optional("cause", cause(), "The cause; ALLOTTED_TIMEOUT, unless told otherwise."),
    });
    Variant::new("hangup", "Hangs this leg up, with NORMAL_CLEARING or the cause given.")
        .bare(|| boxed(Hangup { cause: None }))
        .with(cause().map(|cause| boxed(Hangup { cause: Some(cause) })).or(later.map(boxed)))
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

impl Step for HangupLater {
    fn kind(&self) -> &'static str {
        "hangup"
    }

    fn describe(&self) -> String {
        let cause = self.cause.as_ref().map(|cause| format!(" {cause}")).unwrap_or_default();
        format!("hangup{cause} after {}", human(self.after))
    }

    fn needs(&self) -> Needs {
        Needs::Session
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        let seconds = self.after.as_millis().div_ceil(1_000);
        let session = start.session.clone();
        let cause = self.cause.as_deref().unwrap_or("ALLOTTED_TIMEOUT");
        start.api(&format!("sched_hangup +{seconds} {session} {cause}"));
        Until::Replied.into()
    }
}
