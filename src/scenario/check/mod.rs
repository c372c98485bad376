//! What must hold of a call: one file a check, and their list.

use std::fmt::Debug;
use std::time::Duration;

use super::mapping::{Key, Keys, optional};
use super::model::{Leg, PlacedCheck};
use super::outcome::{Found, Outcome};
use super::shape::Shape;
use crate::audio::verify::{Sound, Track};
use crate::bound::Within;
use crate::units::Hertz;

mod answered;
pub mod audio;
mod bert;
mod events;
mod hangup_cause;
mod headers;
mod no_call;
mod one_way;
mod rtp;
mod sip_code;
mod time;

pub use answered::Answered;
pub use audio::Audio;
pub use bert::Bert;
pub use events::{Between, EventPattern, Events, Item};
pub use hangup_cause::HangupCause;
pub use headers::Told;
pub use no_call::NoCall;
pub use one_way::OneWay;
pub use rtp::Rtp;
pub use sip_code::SipCode;
pub use time::{Span, TimeBound};

/// Something that must hold of a call.
pub trait Check: Debug + Send + Sync {
    /// Its key in the language: `hangup_cause`.
    fn kind(&self) -> &'static str;

    /// What must hold, short: `caller heard tone 1004Hz +-4Hz`.
    fn describe(&self) -> String;

    /// What the loader's rules of combination need to know.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// Events it looks for, beyond those that are always subscribed to.
    fn events(&self) -> Vec<String> {
        Vec::new()
    }

    /// Headers of events that it looks at.
    fn headers(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether it holds of a call that is over.
    fn evaluate(&self, outcome: &Outcome) -> Found;
}

/// A tone that `leg` must have heard, as its recording tells.
pub(super) fn tone(leg: Leg, frequency: Within<Hertz>) -> Box<dyn Check> {
    let sound = Sound::Tone { frequency, level: None, lasting: None };
    Box::new(audio::Audio { leg, track: Some(Track::Heard), sound })
}

/// What a check takes for granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// It can hold only of a call that was answered, or only of one that was not.
    pub answered: Option<bool>,
    /// It listens to a recording of this leg.
    pub listens: Option<Listens>,
    /// It asks for the bit error test of this leg.
    pub tests_bits: Option<Leg>,
    /// And to this one.
    pub listens_too: Option<Listens>,
    /// How long it watches once the originate is over.
    pub watch: Option<Duration>,
}

/// What a check listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listens {
    pub leg: Leg,
    /// `None`: to whatever is recorded; what the leg heard, where there is a choice.
    pub track: Option<Track>,
}

/// A key of `expect`: what it is for, and how its checks are read.
type CheckKey = Key<Option<Vec<PlacedCheck>>>;

/// The checks of the language, each a key of `expect`.
const CHECKS: &[fn() -> CheckKey] = &[
    answered::key,
    hangup_cause::key,
    sip_code::key,
    time::setup_time,
    time::pdd,
    time::duration,
    audio::key,
    bert::key,
    one_way::key,
    rtp::key,
    events::key,
    headers::headers,
    headers::variables,
    no_call::key,
];

/// `expect`: checks in the order of the file.
pub fn shape() -> Shape<Vec<PlacedCheck>> {
    let checks: Vec<_> = CHECKS.iter().map(|key| key()).collect();
    let mut keys = Keys::default();
    for check in &checks {
        keys.add(check.about.clone());
    }
    keys.shape(move |node, reading| {
        let read: Vec<_> = checks.iter().map(|check| check.read(node, reading)).collect();
        let mut all = Vec::new();
        for checks in read {
            all.extend(checks?.unwrap_or_default());
        }
        all.sort_by_key(|check: &PlacedCheck| check.span.start);
        Some(all)
    })
    .expects("a mapping of checks")
    .named("expect")
}

/// A key of `expect` that is one check.
fn one<C: Check + 'static>(name: &'static str, shape: Shape<C>, doc: &str) -> CheckKey {
    optional(name, shape.map(|check| Box::new(check) as Box<dyn Check>).placed().map(|check| vec![check]), doc)
}
