//! `deflect`: the other side is asked to call somebody else (RFC 3515).

use std::time::Duration;

use super::{Begun, Facts, Start, Step, StepVariant, Until, boxed};
use crate::call::State;
use crate::scenario::scalar::token;
use crate::scenario::tagged::Variant;

/// Sends REFER on an answered leg. The leg ends once the other side has told what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deflect {
    /// A SIP URI.
    pub to: String,
}

/// How long the other side may take to tell: it calls somebody meanwhile.
const WITHIN: Duration = Duration::from_secs(30);

pub(super) fn variant() -> StepVariant {
    let uri = token("a SIP URI such as `sip:1001@example.org`", "^sips?:[^\\s'\"]+$");
    Variant::new("deflect", "Asks the other side of an answered leg to call a SIP URI instead (REFER).")
        .with(uri.map(|to| boxed(Deflect { to })))
}

impl Step for Deflect {
    fn kind(&self) -> &'static str {
        "deflect"
    }

    fn describe(&self) -> String {
        format!("deflect to {}", self.to)
    }

    fn facts(&self) -> Facts {
        Facts { ends_with_leg: true, ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.execute("deflect", &self.to);
        Until::Reached(State::HungUp).within(WITHIN)
    }
}
