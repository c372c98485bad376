//! `dtmf`: digits go out, and must arrive.

use std::time::Duration;

use super::{ANSWER_WITHIN, App, AppSteps, AppVariant, boxed, step};
use crate::scenario::mapping::{default, mapping};
use crate::scenario::scalar::duration;
use crate::scenario::step::send_dtmf::{digits, mode};
use crate::scenario::step::wait::Awaited;
use crate::scenario::step::{Answer, ExpectDtmf, Hangup, Mode, SendDtmf, Sleep, Wait};
use crate::scenario::tagged::Variant;
use crate::units::Dbm0;

/// The callee answers and waits for digits; the caller sends them, and hangs up.
#[derive(Clone, Debug, PartialEq)]
pub struct Dtmf {
    pub digits: String,
    pub mode: Mode,
    pub tone: Duration,
}

const DIGITS: &str = "123456789";
const TONE: Duration = Duration::from_millis(200);

/// A digit and the longest pause before the next, as a switch that paces itself makes them.
const A_DIGIT: Duration = Duration::from_millis(600);
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the last digit may be on its way.
const TAIL: Duration = Duration::from_millis(500);

pub(super) fn variant() -> AppVariant {
    let doc =
        "The caller sends digits, 1 to 9 unless told otherwise, of which the callee must hear each once, in order.";
    let all = || boxed(Dtmf { digits: DIGITS.to_owned(), mode: Mode::Rfc4733, tone: TONE });
    Variant::new("dtmf", doc).bare(all).with(
        mapping!(Dtmf {
            digits: default("digits", digits(), DIGITS.to_owned(), DIGITS, "The digits, in quotation marks."),
            mode: default("mode", mode(), Mode::Rfc4733, "rfc4733", "How they travel."),
            tone: default("tone", duration(), TONE, "200ms", "How long each lasts; more than 50ms unless in-band."),
        })
        .map(boxed),
    )
}

impl App for Dtmf {
    fn steps(&self, duration: Option<Duration>) -> AppSteps {
        let count = u32::try_from(self.digits.len()).unwrap_or(u32::MAX);
        let within = (self.tone + A_DIGIT).saturating_mul(count).saturating_add(PATIENCE);
        let send = SendDtmf {
            digits: self.digits.clone(),
            mode: self.mode,
            tone: self.tone,
            gap: Duration::from_millis(100),
            level: Dbm0(-10.0),
        };
        let expect = ExpectDtmf { digits: self.digits.clone(), mode: Some(self.mode), within, tone: None, gap: None };
        AppSteps {
            caller: vec![
                step(Wait { awaited: Awaited::Answered, within: ANSWER_WITHIN }),
                step(send),
                step(Sleep { time: TAIL }),
                step(Hangup { cause: None }),
            ],
            callee: vec![step(Answer), step(expect), step(Wait { awaited: Awaited::Hungup, within: PATIENCE })],
            duration,
            ..AppSteps::default()
        }
    }
}
