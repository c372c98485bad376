//! `hangup_cause`: why the legs ended.

use super::{Check, CheckKey, one};
use crate::scenario::mapping::{mapping, optional};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::cause;
use crate::scenario::shape::Shape;

/// The hangup cause of each leg that is named is one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HangupCause {
    /// `None`: any.
    pub caller: Option<Vec<String>>,
    pub callee: Option<Vec<String>>,
}

pub(super) fn key() -> CheckKey {
    let causes = || Shape::one_or_list(cause);
    let each = mapping!(HangupCause {
        caller: optional("caller", causes(), "The cause of the caller's leg, or several of which one."),
        callee: optional("callee", causes(), "The cause of the callee's leg, or several of which one."),
    })
    .at_least_one(&["caller", "callee"], "no leg is named");
    // Each kind of node stands for itself: a word and a list for the caller's leg, a mapping for each.
    let call = causes().map(|causes| HangupCause { caller: Some(causes), callee: None });
    one(
        "hangup_cause",
        call.or(each),
        "The hangup cause of the caller's leg, or several of which one, or that of each leg.",
    )
}

impl HangupCause {
    /// The causes that `leg` may have; `None`: any.
    pub fn of(&self, leg: Leg) -> Option<&[String]> {
        match leg {
            Leg::Caller => self.caller.as_deref(),
            Leg::Callee => self.callee.as_deref(),
        }
    }
}

impl Check for HangupCause {
    fn kind(&self) -> &'static str {
        "hangup_cause"
    }

    fn describe(&self) -> String {
        let told = [Leg::Caller, Leg::Callee].into_iter().filter_map(|leg| {
            let causes = self.of(leg)?;
            Some(format!("{leg} {}", causes.join(" or ")))
        });
        format!("hangup cause {}", told.collect::<Vec<_>>().join(", "))
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let mut holds = true;
        let mut told = Vec::new();
        for leg in Leg::BOTH {
            let Some(wanted) = self.of(leg) else { continue };
            let cause = outcome.cause(leg);
            holds &= cause.as_ref().is_some_and(|cause| wanted.contains(cause));
            told.push(match cause {
                Some(cause) => format!("{leg} {cause}"),
                None => outcome.end_of(leg),
            });
        }
        Found::new(holds, self.describe(), told.join(", "))
    }
}
