//! `callee_block_on_invite`: the callee refuses at once.

use std::time::Duration;

use super::{App, AppSteps, AppVariant, boxed, step};
use crate::scenario::mapping::{mapping, optional};
use crate::scenario::scalar::{cause, sip_code};
use crate::scenario::step::{Hangup, Respond};
use crate::scenario::tagged::Variant;

/// The callee refuses the INVITE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalleeBlockOnInvite {
    /// With a SIP response.
    SipCode(u16),
    /// With a hangup cause, which the switch makes a SIP response of.
    HangupCause(String),
}

struct Keys {
    sip_code: Option<u16>,
    hangup_cause: Option<String>,
}

pub(super) fn variant() -> AppVariant {
    let shape = mapping!(Keys {
        sip_code: optional(
            "sip_code",
            sip_code(300..=699).example(serde_json::json!(486)),
            "The SIP response to refuse with."
        ),
        hangup_cause: optional("hangup_cause", cause(), "The hangup cause to refuse with."),
    })
    .exactly_one(&["sip_code", "hangup_cause"])
    .and_then(|keys, _, _| {
        let code = keys.sip_code.map(CalleeBlockOnInvite::SipCode);
        code.or(keys.hangup_cause.map(CalleeBlockOnInvite::HangupCause))
    });
    Variant::new("callee_block_on_invite", "The callee refuses at once, with a SIP response or a hangup cause.")
        .with(shape.map(boxed))
}

impl App for CalleeBlockOnInvite {
    fn steps(&self, duration: Option<Duration>) -> AppSteps {
        let refuse = match self {
            CalleeBlockOnInvite::SipCode(code) => step(Respond { code: *code, reason: None }),
            CalleeBlockOnInvite::HangupCause(cause) => step(Hangup { cause: Some(cause.clone()) }),
        };
        AppSteps { callee: vec![refuse], duration, ..AppSteps::default() }
    }
}
