//! `expect_dtmf`: digits that must come, in their order and nothing between.

use std::time::Duration;

use super::send_dtmf::{Mode, digits, mode};
use super::{Begun, Facts, Module, Start, Step, StepVariant, Until, boxed};
use crate::bound::Bound;
use crate::scenario::mapping::{default, mapping, optional, required};
use crate::scenario::scalar::{bound, duration};
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;
use crate::units::human;

/// Waits for digits, of which those count that came since the call began and that no step before took.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectDtmf {
    pub digits: String,
    /// `None`: however they come.
    pub mode: Option<Mode>,
    pub within: Duration,
    /// What the length of each must be.
    pub tone: Option<Bound<Duration>>,
    /// What the silence between two must be.
    pub gap: Option<Bound<Duration>>,
}

const WITHIN: Duration = Duration::from_secs(10);

/// What listens for digits that are tones.
const DETECTOR: Module = Module {
    name: "mod_spandsp",
    application: "spandsp_start_dtmf",
    instead: "record the leg and check the recording: `record: { callee: heard }` with \
              `expect: { audio: [{ leg: callee, dtmf: \"...\" }] }`",
};

pub(super) fn variant() -> StepVariant {
    let doc = "Waits for digits on this leg, those that came before this step among them; fails when others come.";
    Variant::new("expect_dtmf", doc).with(shape().map(boxed))
}

fn shape() -> Shape<ExpectDtmf> {
    let bare = digits().map(|digits| ExpectDtmf { digits, mode: None, within: WITHIN, tone: None, gap: None });
    let full = mapping!(ExpectDtmf {
        digits: required("digits", digits(), "The digits, in quotation marks: `\"0123\"`."),
        mode: optional(
            "mode",
            mode(),
            "How they must come; without it any way will do. `inband` has the switch listen for tones on this leg."
        ),
        within: default("within", duration(), WITHIN, "10s", "How long to wait for all of them."),
        tone: optional("tone", bound(), "What the length of each digit must be."),
        gap: optional("gap", bound(), "What the silence between two digits must be."),
    })
    .and_then(|step, node, reading| {
        if step.mode == Some(Mode::Inband) {
            let mut right = true;
            for key in ["tone", "gap"] {
                if let Some(given) = node.entry(key) {
                    let message =
                        format!("how long tones last is not known during the call, so `{key}` cannot be judged");
                    reading.error(&given.key_span, message).help =
                        "record the leg and use `expect: { audio: [{ leg: ..., dtmf: \"...\" }] }`".to_owned();
                    right = false;
                }
            }
            if !right {
                return None;
            }
        }
        Some(step)
    });
    bare.or(full).expects("digits such as `\"123#\"`, or a mapping with `digits`")
}

impl Step for ExpectDtmf {
    fn kind(&self) -> &'static str {
        "expect_dtmf"
    }

    fn describe(&self) -> String {
        let mode = self.mode.map_or(String::new(), |mode| format!(" ({mode})"));
        format!("expect DTMF {}{mode} within {}", self.digits, human(self.within))
    }

    fn facts(&self) -> Facts {
        let module = (self.mode == Some(Mode::Inband)).then_some(DETECTOR);
        Facts { dtmf: Some(self.mode), module, ..Facts::default() }
    }

    fn start(&self, _: &mut Start<'_>) -> Begun {
        Until::Digits(Box::new(self.clone())).within(self.within)
    }

    fn events(&self) -> Vec<String> {
        vec!["DTMF".to_owned()]
    }
}
