//! `ring`: the callee rings.

use super::{Begun, Facts, Signal, Start, Step, StepVariant, Until, boxed};
use crate::scenario::tagged::Variant;

/// Tells the caller that the phone rings (SIP 180).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring;

pub(super) fn variant() -> StepVariant {
    Variant::new("ring", "Lets the caller hear that the phone rings (180).").bare(|| boxed(Ring))
}

impl Step for Ring {
    fn kind(&self) -> &'static str {
        "ring"
    }

    fn describe(&self) -> String {
        "ring".to_owned()
    }

    fn facts(&self) -> Facts {
        Facts { signal: Some(Signal::Ring), ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        Until::Completed(start.execute("ring_ready", "")).into()
    }
}
