//! `answered`: whether the caller's leg was answered.

use super::{Check, CheckKey, Facts, one};
use crate::call::Session;
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::boolean;

/// The call was answered, or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    pub answered: bool,
}

pub(super) fn key() -> CheckKey {
    one("answered", boolean().map(|answered| Answered { answered }), "Whether the call was answered.")
}

impl Check for Answered {
    fn kind(&self) -> &'static str {
        "answered"
    }

    fn describe(&self) -> String {
        if self.answered { "answered".to_owned() } else { "not answered".to_owned() }
    }

    fn facts(&self) -> Facts {
        Facts { answered: Some(self.answered), ..Facts::default() }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let answered = outcome.leg(Leg::Caller).session.as_ref().is_some_and(Session::is_answered);
        Found::new(answered == self.answered, self.describe(), outcome.end_of(Leg::Caller))
    }
}
