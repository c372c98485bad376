//! `stop_record`: the end of a recording.

use super::{Begun, Facts, Start, Step, StepVariant, Until, boxed};
use crate::scenario::tagged::Variant;

/// Ends the recording of this leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopRecord;

pub(super) fn variant() -> StepVariant {
    Variant::new("stop_record", "Ends the recording of this leg.").bare(|| boxed(StopRecord))
}

impl Step for StopRecord {
    fn kind(&self) -> &'static str {
        "stop_record"
    }

    fn describe(&self) -> String {
        "stop_record".to_owned()
    }

    fn facts(&self) -> Facts {
        Facts { stops_recording: true, ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.stop_recording();
        Until::Replied.into()
    }
}
