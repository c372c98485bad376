//! `setup_time`, `pdd`, `duration`: how long parts of the call took.

use std::time::Duration;

use super::{Check, CheckKey, Facts, one};
use crate::bound::Bound;
use crate::scenario::mapping::{mapping, optional};
use crate::scenario::model::{Leg, PlacedCheck};
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::bound;
use crate::units::human;

/// A part of the call took as long as asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeBound {
    pub leg: Leg,
    pub span: Span,
    pub bound: Bound<Duration>,
}

/// A part of a call, on one of its legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// INVITE to answer.
    Setup,
    /// INVITE to the first ringing or early media: the post-dial delay.
    Pdd,
    /// Answer to hangup: the talk time.
    Talk,
}

pub(super) fn setup_time() -> CheckKey {
    key(Span::Setup, "Time from the INVITE to the answer.")
}

pub(super) fn pdd() -> CheckKey {
    key(Span::Pdd, "Post-dial delay: time from the INVITE to the first ringing or early media.")
}

pub(super) fn duration() -> CheckKey {
    let of = |leg| move |bound| TimeBound { leg, span: Span::Talk, bound };
    let each = mapping!(EachTalk {
        caller: optional("caller", bound().map(of(Leg::Caller)), "On the caller's leg."),
        callee: optional("callee", bound().map(of(Leg::Callee)), "On the callee's leg."),
    })
    .at_least_one(&["caller", "callee"], "no leg is named")
    .map(|each| each.caller.into_iter().chain(each.callee).collect::<Vec<_>>());
    let call = bound().map(of(Leg::Caller)).map(|bound| vec![bound]);
    let placed = call.or(each).placed().map(|bounds| {
        let place =
            |bound| PlacedCheck { value: Box::new(bound), place: bounds.place.clone(), span: bounds.span.clone() };
        bounds.value.iter().copied().map(place).collect::<Vec<_>>()
    });
    optional("duration", placed, "Talk time: from the answer to the hangup, on the caller's leg or on each.")
}

fn key(span: Span, doc: &str) -> CheckKey {
    one(span.key(), bound().map(move |bound| TimeBound { leg: Leg::Caller, span, bound }), doc)
}

struct EachTalk {
    caller: Option<TimeBound>,
    callee: Option<TimeBound>,
}

impl Span {
    /// Its key in the language.
    const fn key(self) -> &'static str {
        match self {
            Span::Setup => "setup_time",
            Span::Pdd => "pdd",
            Span::Talk => "duration",
        }
    }

    /// Its name for a person.
    pub const fn name(self) -> &'static str {
        match self {
            Span::Setup => "setup time",
            Span::Pdd => "PDD",
            Span::Talk => "talk time",
        }
    }
}

impl Check for TimeBound {
    fn kind(&self) -> &'static str {
        self.span.key()
    }

    fn describe(&self) -> String {
        let whose = if self.leg == Leg::Callee { "callee's " } else { "" };
        format!("{whose}{} {}", self.span.name(), self.bound)
    }

    fn facts(&self) -> Facts {
        // A call that is refused may have rung before.
        let answered = if self.span == Span::Pdd { None } else { Some(true) };
        Facts { answered, ..Facts::default() }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let session = outcome.leg(self.leg).session.as_ref();
        let took = session.and_then(|session| match self.span {
            Span::Setup => session.setup_time(),
            Span::Pdd => session.post_dial_delay(),
            Span::Talk => session.talk_time(),
        });
        match took {
            Some(took) => Found::new(self.bound.holds(took), self.describe(), human(took)),
            None => Found::new(false, self.describe(), format!("none; {}", outcome.end_of(self.leg))),
        }
    }
}
