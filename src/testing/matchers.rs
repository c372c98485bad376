//! Expectations that are asked for often, each by a word of its own.

use std::panic::Location;
use std::time::Duration;

use super::Expectation;
use crate::audio::verify::{Sound, Track};
use crate::bound::{Bound, Within};
use crate::scenario::Leg;
use crate::scenario::check::audio::Audio;
use crate::scenario::check::{Answered, Between, EventPattern, Events, HangupCause, Item, SipCode};
use crate::scenario::step::ExpectDtmf;
use crate::units::Hertz;

/// How far off a tone may be: more than any switch's clock, less than two tones of a plan are apart.
const TOLERANCE: Hertz = Hertz(4.0);

impl Expectation {
    /// The caller's leg was answered.
    #[track_caller]
    pub fn answered(self) -> Self {
        self.placed(Box::new(Answered { answered: true }), Location::caller())
    }

    /// The caller's leg was not answered.
    #[track_caller]
    pub fn unanswered(self) -> Self {
        self.placed(Box::new(Answered { answered: false }), Location::caller())
    }

    /// The caller's leg ended with this cause: `USER_BUSY`.
    #[track_caller]
    pub fn hung_up_with(self, cause: &str) -> Self {
        self.leg_hung_up_with(Leg::Caller, cause)
    }

    /// A leg ended with this cause.
    #[track_caller]
    pub fn leg_hung_up_with(self, leg: Leg, cause: &str) -> Self {
        let causes = |of: Leg| (of == leg).then(|| vec![cause.to_owned()]);
        let check = HangupCause { caller: causes(Leg::Caller), callee: causes(Leg::Callee) };
        self.placed(Box::new(check), Location::caller())
    }

    /// The final SIP response to the caller's INVITE.
    #[track_caller]
    pub fn sip_code(self, code: u16) -> Self {
        self.placed(
            Box::new(SipCode { caller: Some(vec![Bound::Exactly(u64::from(code))]), callee: None }),
            Location::caller(),
        )
    }

    /// A recording of the leg has this tone, in hertz and 4 Hz more or less, in what the leg heard. Of its level and
    /// length [`Expectation::holds`] can tell.
    #[track_caller]
    pub fn heard_tone(self, leg: Leg, hertz: f64) -> Self {
        let frequency = Within { centre: Hertz(hertz), tolerance: TOLERANCE };
        let sound = Sound::Tone { frequency, level: None, lasting: None };
        self.placed(Box::new(Audio { leg, track: Some(Track::Heard), sound }), Location::caller())
    }

    /// The leg received these digits, in this order, and no others.
    #[track_caller]
    pub fn digits(self, leg: Leg, digits: &str) -> Self {
        let digits = digits.to_ascii_uppercase();
        let wanted = ExpectDtmf { digits, mode: None, within: Duration::ZERO, tone: None, gap: None };
        self.received(leg, wanted, Location::caller())
    }

    /// Events of the leg came in this order; others may have come between them. Of a `CUSTOM` one the subclass is its
    /// name. The client must have been subscribed to them when the call began.
    #[track_caller]
    pub fn events<N: Into<String>>(self, leg: Leg, names: impl IntoIterator<Item = N>) -> Self {
        let comes = |name: N| Item::Comes(EventPattern { name: name.into(), headers: Vec::new() });
        let order = names.into_iter().map(comes).collect();
        let check = Events { leg, order, never: Vec::new(), between: Between::Anything };
        self.placed(Box::new(check), Location::caller())
    }
}
