//! `break`: the end of what plays.

use super::{Begun, Start, Step, StepVariant, Until, boxed};
use crate::scenario::tagged::Variant;

/// Ends what this leg plays or echoes, and what waits behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break;

pub(super) fn variant() -> StepVariant {
    Variant::new("break", "Ends what this leg plays or echoes.").bare(|| boxed(Break))
}

impl Step for Break {
    fn kind(&self) -> &'static str {
        "break"
    }

    fn describe(&self) -> String {
        "break".to_owned()
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.playing = false;
        start.api_on_leg("uuid_break", "all");
        Until::Replied.into()
    }
}
