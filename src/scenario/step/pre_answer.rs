//! `pre_answer`: early media.

use super::{Begun, Facts, Signal, Start, Step, StepVariant, Until, boxed};
use crate::scenario::tagged::Variant;

/// Opens the audio before the answer (SIP 183).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreAnswer;

pub(super) fn variant() -> StepVariant {
    Variant::new("pre_answer", "Opens the audio before the answer (183).").bare(|| boxed(PreAnswer))
}

impl Step for PreAnswer {
    fn kind(&self) -> &'static str {
        "pre_answer"
    }

    fn describe(&self) -> String {
        "pre_answer".to_owned()
    }

    fn facts(&self) -> Facts {
        Facts { signal: Some(Signal::PreAnswer), ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        Until::Completed(start.execute("pre_answer", "")).into()
    }
}
