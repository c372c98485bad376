//! `bert`: a bit error test of the path between caller and callee.

use std::time::Duration;

use super::{ANSWER_WITHIN, App, AppSteps, AppVariant, boxed, step};
use crate::scenario::app::callee_ringback::{RingResponse, ring_response};
use crate::scenario::mapping::{default, mapping, optional};
use crate::scenario::scalar::{boolean, duration, integer, word};
use crate::scenario::step::bert::{OnError, jitter_buffer};
use crate::scenario::step::wait::Awaited;
use crate::scenario::step::{self, Answer, Echo, PreAnswer, Ring, Set, Sleep, Wait};
use crate::scenario::tagged::Variant;

/// Both sides run a bit error test, or the caller does against the callee's echo.
#[derive(Clone, Debug, PartialEq)]
pub struct Bert {
    pub sides: Sides,
    pub max_err: u32,
    pub timeout: Duration,
    pub on_error: OnError,
    pub jitter_buffer: String,
    /// How the callee says that it rings, if it does.
    pub ring_response: Option<RingResponse>,
    /// From the INVITE to the ringing.
    pub pdd_delay: Option<Duration>,
    /// From the ringing to the answer: the post-ring delay.
    pub prd_delay: Option<Duration>,
}

/// Who tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// The caller, against an echo.
    One,
    Both,
}

const JITTER_BUFFER: &str = "100:200:40";

impl Default for Bert {
    fn default() -> Self {
        let step::Bert { max_err, timeout, on_error, .. } = step::Bert::default();
        Bert {
            sides: Sides::Both,
            max_err,
            timeout,
            on_error,
            jitter_buffer: JITTER_BUFFER.to_owned(),
            ring_response: None,
            pdd_delay: None,
            prd_delay: None,
        }
    }
}

struct Keys {
    sides: Sides,
    max_err: u32,
    timeout: Duration,
    hangup_on_error: bool,
    jitter_buffer: String,
    ring_response: Option<RingResponse>,
    pdd_delay: Option<Duration>,
    prd_delay: Option<Duration>,
}

pub(super) fn variant() -> AppVariant {
    let usual = Bert::default();
    let shape = mapping!(Keys {
        sides: default(
            "sides",
            word(&[("one", Sides::One), ("both", Sides::Both)]),
            Sides::Both,
            "both",
            "`both` test each other; with `one` the caller tests and the callee echoes."
        ),
        max_err: default(
            "max_err",
            integer(1..=100),
            usual.max_err,
            usual.max_err,
            "Wrong samples of a second, in percent, that are still in sync."
        ),
        timeout: default("timeout", duration(), usual.timeout, "3s", "How long the first sync may take."),
        hangup_on_error: default(
            "hangup_on_error",
            boolean(),
            true,
            true,
            "Whether the switch hangs up, with MEDIA_TIMEOUT, when sync does not come or is lost."
        ),
        jitter_buffer: default(
            "jitter_buffer",
            jitter_buffer(),
            JITTER_BUFFER.to_owned(),
            JITTER_BUFFER,
            "The callee's jitter buffer in milliseconds: length, longest length, drift."
        ),
        ring_response: optional(
            "ring_response",
            ring_response(),
            "How the callee rings: `ring_ready` sends 180, `pre_answer` 183; not at all, unless told otherwise."
        ),
        pdd_delay: optional("pdd_delay", duration(), "The callee waits so long before it rings, or answers."),
        prd_delay: optional("prd_delay", duration(), "The callee rings so long before it answers."),
    })
    .needs("prd_delay", &["ring_response"])
    .map(|keys| {
        boxed(Bert {
            sides: keys.sides,
            max_err: keys.max_err,
            timeout: keys.timeout,
            on_error: if keys.hangup_on_error { OnError::HangUp } else { OnError::GoOn },
            jitter_buffer: keys.jitter_buffer,
            ring_response: keys.ring_response,
            pdd_delay: keys.pdd_delay,
            prd_delay: keys.prd_delay,
        })
    });
    let doc = "Caller and callee run a bit error test (mod_bert, PCMU); both must come into sync. The call ends then, or when `duration` is over.";
    Variant::new("bert", doc).bare(|| boxed(Bert::default())).with(shape)
}

impl App for Bert {
    fn steps(&self, duration: Option<Duration>) -> AppSteps {
        let test = step::Bert {
            max_err: self.max_err,
            timeout: self.timeout,
            on_error: self.on_error,
            ..step::Bert::default()
        };
        // A jitter buffer is made as media begins, so before the answer.
        let jitter_buffer = ("jitterbuffer_msec".to_owned(), self.jitter_buffer.clone());
        let mut callee = vec![step(Set { vars: vec![jitter_buffer] })];
        callee.extend(self.pdd_delay.map(|time| step(Sleep { time })));
        callee.extend(self.ring_response.map(|response| match response {
            RingResponse::RingReady => step(Ring),
            RingResponse::PreAnswer => step(PreAnswer),
        }));
        callee.extend(self.prd_delay.map(|time| step(Sleep { time })));
        callee.push(step(Answer));
        callee.push(match self.sides {
            Sides::Both => step(test.clone()),
            Sides::One => step(Echo),
        });
        AppSteps {
            caller: vec![step(Wait { awaited: Awaited::Answered, within: ANSWER_WITHIN }), step(test)],
            callee,
            duration,
            codec: Some("PCMU".to_owned()),
            ..AppSteps::default()
        }
    }
}
