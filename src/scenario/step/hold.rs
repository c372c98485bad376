//! `hold` and `unhold`: the media of a leg is paused by a re-INVITE (RFC 3264 8.4).

use super::{Begun, Start, Step, StepVariant, Until, boxed};
use crate::scenario::tagged::Variant;

/// Puts the other side of this leg on hold, or takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A re-INVITE with `a=sendonly`.
    On,
    /// A re-INVITE with `a=sendrecv`.
    Off,
}

pub(super) fn hold() -> StepVariant {
    Variant::new("hold", "Puts the other side on hold: a re-INVITE with `a=sendonly`.").bare(|| boxed(Hold::On))
}

pub(super) fn unhold() -> StepVariant {
    Variant::new("unhold", "Ends the hold: a re-INVITE with `a=sendrecv`.").bare(|| boxed(Hold::Off))
}

impl Step for Hold {
    fn kind(&self) -> &'static str {
        match self {
            Hold::On => "hold",
            Hold::Off => "unhold",
        }
    }

    fn describe(&self) -> String {
        self.kind().to_owned()
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        let session = start.session.clone();
        match self {
            Hold::On => start.api(&format!("uuid_hold {session}")),
            Hold::Off => start.api(&format!("uuid_hold off {session}")),
        }
        Until::Replied.into()
    }
}
