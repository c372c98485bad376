//! `sip_code`: the final SIP response that the caller got.

use super::{Check, CheckKey, Facts, one};
use crate::bound::Bound;
use crate::call::Session;
use crate::scenario::mapping::{mapping, optional};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::count;
use crate::scenario::shape::Shape;

/// The final response to the INVITE of each leg that is named is one of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SipCode {
    /// What the caller received; `None`: any.
    pub caller: Option<Vec<Bound<u64>>>,
    /// What the callee sent.
    pub callee: Option<Vec<Bound<u64>>>,
}

pub(super) fn key() -> CheckKey {
    let code = || count("a SIP response code such as `404`, or a bound such as `\">= 400\"`", 200..=699);
    let codes = move || Shape::one_or_list(code);
    let each = mapping!(SipCode {
        caller: optional("caller", codes(), "What the caller received, or several of which one, or a bound."),
        callee: optional("callee", codes(), "What the callee sent, or several of which one, or a bound."),
    })
    .at_least_one(&["caller", "callee"], "no leg is named");
    let call = codes().map(|codes| SipCode { caller: Some(codes), callee: None });
    let doc =
        "The final SIP response to the caller's INVITE, or several of which one, or a bound; or that of each leg.";
    one("sip_code", call.or(each), doc)
}

impl SipCode {
    fn of(&self, leg: Leg) -> Option<&[Bound<u64>]> {
        match leg {
            Leg::Caller => self.caller.as_deref(),
            Leg::Callee => self.callee.as_deref(),
        }
    }

    /// Whether `code` is as asked of `leg`.
    pub fn holds(&self, leg: Leg, code: u16) -> bool {
        self.of(leg).is_none_or(|codes| codes.iter().any(|wanted| wanted.holds(u64::from(code))))
    }
}

/// The final response to the INVITE of `leg`. What a callee refused with FreeSWITCH tells as the cause alone, of which
/// it made the response, or which it made of the response.
fn code_of(leg: Leg, session: &Session) -> Option<u16> {
    let refused = || {
        let sent = session.variable("sip_hangup_disposition") == Some("send_refuse");
        session.hangup_cause.as_ref().filter(|_| sent && leg == Leg::Callee).map(crate::call::HangupCause::sip_code)
    };
    session.sip_code().or_else(refused)
}

impl Check for SipCode {
    fn kind(&self) -> &'static str {
        "sip_code"
    }

    fn describe(&self) -> String {
        let told = Leg::BOTH.into_iter().filter_map(|leg| {
            let codes = self.of(leg)?.iter().map(|code| match code {
                Bound::Exactly(code) => code.to_string(),
                bound => bound.to_string(),
            });
            let whose = if leg == Leg::Callee { "callee " } else { "" };
            Some(format!("{whose}SIP code {}", codes.collect::<Vec<_>>().join(" or ")))
        });
        told.collect::<Vec<_>>().join(", ")
    }

    fn facts(&self) -> Facts {
        let of = |mut codes: std::ops::Range<u16>| {
            codes.any(|code| self.holds(Leg::Caller, code) && self.holds(Leg::Callee, code))
        };
        let answered = match (of(200..300), of(300..700)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        };
        Facts { answered, ..Facts::default() }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let (mut holds, mut told) = (true, Vec::new());
        for leg in Leg::BOTH.into_iter().filter(|leg| self.of(*leg).is_some()) {
            let whose = if leg == Leg::Callee { "callee " } else { "" };
            match outcome.leg(leg).session.as_ref().and_then(|session| code_of(leg, session)) {
                Some(code) => {
                    holds &= self.holds(leg, code);
                    told.push(format!("{whose}SIP code {code}"));
                }
                None => {
                    holds = false;
                    told.push(format!("{whose}no final response; {}", outcome.end_of(leg)));
                }
            }
        }
        Found::new(holds, self.describe(), told.join(", "))
    }
}
