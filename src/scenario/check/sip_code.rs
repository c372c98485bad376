//! `sip_code`: the final SIP response that the caller got.

use super::{Check, CheckKey, Facts, one};
use crate::bound::Bound;
use crate::call::Session;
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::count;
use crate::scenario::shape::Shape;

/// The final response to the caller's INVITE is one of these.
#[derive(Clone, Debug, PartialEq)]
pub struct SipCode {
    /// At least one.
    pub codes: Vec<Bound<u64>>,
}

pub(super) fn key() -> CheckKey {
    let code = || count("a SIP response code such as `404`, or a bound such as `\">= 400\"`", 200..=699);
    let shape = Shape::one_or_list(code).map(|codes| SipCode { codes });
    one("sip_code", shape, "The final SIP response to the caller's INVITE, or several of which one, or a bound.")
}

impl SipCode {
    /// Whether `code` is as asked.
    pub fn holds(&self, code: u16) -> bool {
        self.codes.iter().any(|wanted| wanted.holds(u64::from(code)))
    }
}

impl Check for SipCode {
    fn kind(&self) -> &'static str {
        "sip_code"
    }

    fn describe(&self) -> String {
        let codes = self.codes.iter().map(|code| match code {
            Bound::Exactly(code) => code.to_string(),
            bound => bound.to_string(),
        });
        format!("SIP code {}", codes.collect::<Vec<_>>().join(" or "))
    }

    fn facts(&self) -> Facts {
        let of = |mut codes: std::ops::Range<u16>| codes.any(|code| self.holds(code));
        let answered = match (of(200..300), of(300..700)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        };
        Facts { answered, ..Facts::default() }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let code = outcome.leg(Leg::Caller).session.as_ref().and_then(Session::sip_code);
        match code {
            Some(code) => Found::new(self.holds(code), self.describe(), format!("SIP code {code}")),
            None => Found::new(false, self.describe(), format!("no final response; {}", outcome.end_of(Leg::Caller))),
        }
    }
}
