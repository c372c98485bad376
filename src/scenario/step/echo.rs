//! `echo`: what is heard is said.

use super::{Begun, Start, Step, StepVariant, Until, boxed};
use crate::scenario::tagged::Variant;

/// Sends back what this leg hears, until the leg ends or plays something else. The next step follows at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo;

pub(super) fn variant() -> StepVariant {
    Variant::new("echo", "Sends back what this leg hears; the next step follows at once.").bare(|| boxed(Echo))
}

impl Step for Echo {
    fn kind(&self) -> &'static str {
        "echo"
    }

    fn describe(&self) -> String {
        "echo".to_owned()
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.break_playing();
        start.playing = true;
        Until::Started(start.execute("echo", "")).into()
    }
}
