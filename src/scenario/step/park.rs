//! `park`: the leg is taken away from what it does, and waits.

use super::{Begun, Start, Step, StepVariant, Until, boxed};
use crate::scenario::tagged::Variant;

/// Ends what this leg does and parks it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Park;

pub(super) fn variant() -> StepVariant {
    Variant::new("park", "Ends whatever this leg does and parks it.").bare(|| boxed(Park))
}

impl Step for Park {
    fn kind(&self) -> &'static str {
        "park"
    }

    fn describe(&self) -> String {
        "park".to_owned()
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.leave_park();
        start.api_on_leg("uuid_park", "");
        Until::Parked.into()
    }
}
