//! `respond`: the callee refuses with a SIP response.

use super::{Begun, Facts, Signal, Start, Step, StepVariant, Until, boxed};
use crate::call::State;
use crate::scenario::mapping::{mapping, optional, required};
use crate::scenario::scalar::{line, sip_code};
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;

/// Ends the call before its answer, with a final SIP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Respond {
    /// 300 to 699.
    pub code: u16,
    /// The reason phrase; `None`: the usual one of the code.
    pub reason: Option<String>,
}

pub(super) fn variant() -> StepVariant {
    let bare = code().map(|code| Respond { code, reason: None });
    let full = mapping!(Respond {
        code: required("code", code(), "The response code."),
        reason: optional("reason", line(), "The reason phrase, where it is not the usual one."),
    });
    Variant::new("respond", "Refuses the call with a SIP response, 300 to 699.").with(bare.or(full).map(boxed))
}

/// A final response that refuses. What is below has steps of its own.
fn code() -> Shape<u16> {
    sip_code(100..=699).and_then(|code, node, reading| {
        let instead = match code {
            300.. => return Some(code),
            180 => "`ring`",
            183 => "`pre_answer`",
            200..=299 => "`answer`",
            _ => "`ring` for 180, `pre_answer` for 183",
        };
        let diagnostic = reading.error(&node.span, format!("response {code} does not refuse a call"));
        diagnostic.label = "from 300 to 699".to_owned();
        diagnostic.help = format!("the step for this is {instead}");
        None
    })
}

impl Step for Respond {
    fn kind(&self) -> &'static str {
        "respond"
    }

    fn describe(&self) -> String {
        match &self.reason {
            Some(reason) => format!("respond {} {reason}", self.code),
            None => format!("respond {}", self.code),
        }
    }

    fn facts(&self) -> Facts {
        Facts { signal: Some(Signal::Refuse), ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        let response = match &self.reason {
            Some(reason) => format!("{} {reason}", self.code),
            None => self.code.to_string(),
        };
        start.execute("respond", &response);
        Until::Reached(State::HungUp).into()
    }
}
