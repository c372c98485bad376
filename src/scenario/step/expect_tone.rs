//! `expect_tone`: a tone that must be heard in the middle of the call.

use std::fmt;
use std::time::Duration;

use super::{Begun, Facts, Module, Start, Step, StepVariant, Until, boxed};
use crate::bound::Within;
use crate::scenario::mapping::{default, mapping, required};
use crate::scenario::scalar::{duration, tone};
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;
use crate::units::{Hertz, human};

/// Has the switch listen for a tone on what this leg hears.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpectTone {
    pub tone: Tone,
    pub within: Duration,
}

/// The tone that must be heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tone {
    /// As near as the switch can tell.
    Near(Hertz),
    /// As exactly as this: the switch listens for all of it, and the leg's recording judges what it was.
    Exactly(Within<Hertz>),
}

const WITHIN: Duration = Duration::from_secs(2);

/// How far off a tone may be for a switch's detector to take it. Measured on FreeSWITCH 1.10 at 440, 1004 and 2400 Hz:
/// it takes what is 16 Hz off, and nothing that is 20 Hz off.
const DETECTED: f64 = 16.0;

/// More would take more detectors than a switch has.
const WIDEST: Hertz = Hertz(100.0);

/// FreeSWITCH writes what it hears into a recording half a second late.
const RECORDED: Duration = Duration::from_millis(600);

/// What listens for tones.
const DETECTOR: Module = Module {
    name: "mod_dptools",
    application: "tone_detect",
    instead: "record the leg and check the recording: `expect: { audio: [{ leg: ..., heard: { tone: 1004Hz +-4Hz } }] }`",
};

pub(super) fn variant() -> StepVariant {
    let shape = mapping!(ExpectTone {
        tone: required(
            "frequency",
            wanted(),
            "The tone: `1004Hz`, as near as the switch can tell, which is 16 Hz; or `1004Hz +-4Hz`, for which the leg is \
             recorded, and the recording judges."
        ),
        within: default("within", duration(), WITHIN, "2s", "How long to listen for it."),
    });
    Variant::new("expect_tone", "Goes on when this leg hears a tone; fails when it does not in time.")
        .with(shape.map(boxed))
}

fn wanted() -> Shape<Tone> {
    tone().and_then(|(frequency, tolerance), node, reading| match tolerance {
        None => Some(Tone::Near(frequency)),
        Some(tolerance) if tolerance > WIDEST => {
            let diagnostic = reading.error(&node.span, format!("a switch cannot listen as widely as +-{tolerance}"));
            diagnostic.label = format!("at most +-{WIDEST}");
            diagnostic.help = DETECTOR.instead.to_owned();
            None
        }
        Some(tolerance) => Some(Tone::Exactly(Within { centre: frequency, tolerance })),
    })
}

impl Tone {
    /// The frequencies to listen for, so that whatever is meant is near one of them.
    fn detectors(self) -> Vec<Hertz> {
        match self {
            Tone::Near(frequency) => vec![frequency],
            Tone::Exactly(Within { centre, tolerance }) => {
                // Between the outermost, which reach as far as is meant.
                let reach = (tolerance.0 - DETECTED).max(0.0);
                let steps = (reach / DETECTED).ceil();
                let step = if steps > 0.0 { 2.0 * reach / steps } else { 0.0 };
                (0..=steps as u32).map(|n| Hertz(centre.0 - reach + f64::from(n) * step)).collect()
            }
        }
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tone::Near(frequency) => frequency.fmt(f),
            Tone::Exactly(within) => within.fmt(f),
        }
    }
}

impl Step for ExpectTone {
    fn kind(&self) -> &'static str {
        "expect_tone"
    }

    fn describe(&self) -> String {
        format!("expect a tone of {} within {}", self.tone, human(self.within))
    }

    fn facts(&self) -> Facts {
        let tone = match self.tone {
            Tone::Near(_) => None,
            Tone::Exactly(within) => Some(within),
        };
        Facts { tone, module: Some(DETECTOR), ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        let key = start.name();
        for (number, frequency) in self.tone.detectors().into_iter().enumerate() {
            start.execute("tone_detect", &format!("{key}-{number} {:.0} r", frequency.0));
        }
        let recorded = if self.facts().tone.is_some() { RECORDED } else { Duration::ZERO };
        Until::Tone { key, recorded }.within(self.within)
    }

    fn events(&self) -> Vec<String> {
        vec!["DETECTED_TONE".to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detectors_leave_no_hole_in_what_is_meant() {
        for tolerance in [0.0, 4.0, 16.0, 17.0, 20.0, 33.0, 50.0, 100.0] {
            let tone = Tone::Exactly(Within { centre: Hertz(1_004.0), tolerance: Hertz(tolerance) });
            let detectors = tone.detectors();
            let near = |hertz: f64| detectors.iter().any(|detector| (detector.0 - hertz).abs() <= DETECTED + 0.001);
            let mut hertz = 1_004.0 - tolerance;
            while hertz <= 1_004.0 + tolerance {
                assert!(near(hertz), "{hertz} Hz of +-{tolerance} Hz: {detectors:?}");
                hertz += 0.5;
            }
            assert!(detectors.len() <= 12, "+-{tolerance} Hz takes {} detectors", detectors.len());
        }
    }
}
