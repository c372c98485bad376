//! `expect_tone`: a tone that must be heard in the middle of the call.

use std::time::Duration;

use super::{Begun, Start, Step, StepVariant, Until, boxed};
use crate::scenario::mapping::{default, mapping, required};
use crate::scenario::scalar::{duration, frequency};
use crate::scenario::tagged::Variant;
use crate::units::{Hertz, human};

/// Has the switch listen for a tone on what this leg hears.
///
/// As exact as the switch's own detector, which is no judge of a few hertz: what a recording holds is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpectTone {
    pub frequency: Hertz,
    pub within: Duration,
}

const WITHIN: Duration = Duration::from_secs(2);

pub(super) fn variant() -> StepVariant {
    let shape = mapping!(ExpectTone {
        frequency: required("frequency", frequency(), "The tone's frequency, as near as the switch can tell."),
        within: default("within", duration(), WITHIN, "2s", "How long to listen for it."),
    });
    Variant::new("expect_tone", "Goes on when this leg hears a tone; fails when it does not in time.")
        .with(shape.map(boxed))
}

impl Step for ExpectTone {
    fn kind(&self) -> &'static str {
        "expect_tone"
    }

    fn describe(&self) -> String {
        format!("expect a tone of {} within {}", self.frequency, human(self.within))
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        let key = start.name();
        start.execute("tone_detect", &format!("{key} {:.0} r", self.frequency.0));
        let pattern = regex::Regex::new(&format!("^{key}$"));
        // The name is hexadecimal.
        let headers = pattern.into_iter().map(|pattern| ("Detected-Tone".to_owned(), pattern)).collect();
        Until::Event { name: "DETECTED_TONE".to_owned(), headers }.within(self.within)
    }

    fn events(&self) -> Vec<String> {
        vec!["DETECTED_TONE".to_owned()]
    }
}
