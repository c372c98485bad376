//! `log`: a line for whoever reads the report.

use super::{Begun, Needs, Start, Step, StepVariant, Until, boxed};
use crate::scenario::scalar::text;
use crate::scenario::tagged::Variant;

/// Puts a text into the trace of this leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub text: String,
}

pub(super) fn variant() -> StepVariant {
    Variant::new("log", "Puts a text into the trace of this leg.").with(text().map(|text| boxed(Log { text })))
}

impl Step for Log {
    fn kind(&self) -> &'static str {
        "log"
    }

    fn describe(&self) -> String {
        format!("log {}", crate::scenario::node::shortened(&self.text))
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn on_host(&self) -> bool {
        true
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.note(&self.text);
        Until::Now.into()
    }
}
