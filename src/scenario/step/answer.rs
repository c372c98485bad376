//! `answer`: the callee answers.

use super::{Begun, Facts, Signal, Start, Step, StepVariant, Until, boxed};
use crate::call::State;
use crate::scenario::tagged::Variant;

/// Answers the call (SIP 200).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer;

pub(super) fn variant() -> StepVariant {
    Variant::new("answer", "Answers the call (200).").bare(|| boxed(Answer))
}

impl Step for Answer {
    fn kind(&self) -> &'static str {
        "answer"
    }

    fn describe(&self) -> String {
        "answer".to_owned()
    }

    fn facts(&self) -> Facts {
        Facts { signal: Some(Signal::Answer), ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.execute("answer", "");
        Until::Reached(State::Answered).into()
    }
}
