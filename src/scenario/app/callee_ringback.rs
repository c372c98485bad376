//! `callee_ringback`: the callee rings and is never answered.

use std::time::Duration;

use super::{App, AppSteps, AppVariant, boxed, step};
use crate::scenario::mapping::{default, mapping, optional};
use crate::scenario::scalar::{duration, line, word};
use crate::scenario::shape::Shape;
use crate::scenario::step::play::{Loops, Source};
use crate::scenario::step::wait::Awaited;
use crate::scenario::step::{Hangup, Play, PreAnswer, Ring, Sleep, Wait};
use crate::scenario::tagged::Variant;

/// The callee rings, or sends early media with a ringback tone, until one side gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalleeRingback {
    pub ring_response: RingResponse,
    /// TGML of the tone that is played with `PreAnswer`.
    pub ringback: String,
    /// The callee hangs up so long after it began to ring.
    pub callee_hangup_after: Option<Duration>,
    /// The caller gives up so long after it began to hear of the ringing.
    pub caller_hangup_after: Option<Duration>,
}

/// How the callee says that it rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingResponse {
    /// 180.
    RingReady,
    /// 183 with audio.
    PreAnswer,
}

struct Keys {
    ring_response: RingResponse,
    ringback: String,
    callee_hangup_after: Option<Duration>,
    caller_hangup_after: Option<Duration>,
}

/// North American ringback: 2 s of 440 and 480 Hz, 4 s of silence.
const RINGBACK: &str = "%(2000,4000,440,480);loops=-1";

/// How long the caller waits for the ringing.
const RINGING_WITHIN: Duration = Duration::from_secs(10);

/// When the caller gives up, if neither side is told to.
const GIVES_UP_AFTER: Duration = Duration::from_secs(5);

pub(super) fn variant() -> AppVariant {
    let shape = mapping!(Keys {
        ring_response: default(
            "ring_response",
            ring_response(),
            RingResponse::RingReady,
            "ring_ready",
            "`ring_ready` sends 180; `pre_answer` sends 183 and plays the ringback tone."
        ),
        ringback: default(
            "ringback",
            line(),
            RINGBACK.to_owned(),
            RINGBACK,
            "The tone of `pre_answer`, in FreeSWITCH's tone language (TGML)."
        ),
        callee_hangup_after: optional("callee_hangup_after", duration(), "The callee hangs up after it rang so long."),
        caller_hangup_after: optional("caller_hangup_after", duration(), "The caller gives up after it rang so long."),
    })
    .map(|keys| {
        let neither = keys.callee_hangup_after.is_none() && keys.caller_hangup_after.is_none();
        boxed(CalleeRingback {
            ring_response: keys.ring_response,
            ringback: keys.ringback,
            callee_hangup_after: keys.callee_hangup_after,
            caller_hangup_after: if neither { Some(GIVES_UP_AFTER) } else { keys.caller_hangup_after },
        })
    });
    let doc =
        "The callee rings and is never answered, until one side hangs up; the caller after 5s, unless told otherwise.";
    Variant::new("callee_ringback", doc)
        .bare(|| {
            boxed(CalleeRingback {
                ring_response: RingResponse::RingReady,
                ringback: RINGBACK.to_owned(),
                callee_hangup_after: None,
                caller_hangup_after: Some(GIVES_UP_AFTER),
            })
        })
        .with(shape)
}

/// `ring_ready` or `pre_answer`.
pub(super) fn ring_response() -> Shape<RingResponse> {
    word(&[("ring_ready", RingResponse::RingReady), ("pre_answer", RingResponse::PreAnswer)])
}

impl App for CalleeRingback {
    fn steps(&self, duration: Option<Duration>) -> AppSteps {
        let mut steps = AppSteps { duration, ..AppSteps::default() };
        let awaited = match self.ring_response {
            RingResponse::RingReady => {
                steps.callee.push(step(Ring));
                Awaited::Ringing
            }
            RingResponse::PreAnswer => {
                let sources = vec![Source::Tones(self.ringback.clone())];
                steps.callee.push(step(PreAnswer));
                steps.callee.push(step(Play { sources, loops: Loops::Times(1), wait: false }));
                Awaited::EarlyMedia
            }
        };
        steps.caller.push(step(Wait { awaited, within: RINGING_WITHIN }));
        if let Some(time) = self.callee_hangup_after {
            steps.callee.push(step(Sleep { time }));
            steps.callee.push(step(Hangup { cause: None }));
        }
        if let Some(time) = self.caller_hangup_after {
            steps.caller.push(step(Sleep { time }));
            steps.caller.push(step(Hangup { cause: None }));
        }
        steps
    }
}
