//! `wait`: the next step follows when something has happened, and the scenario fails when it does not.

use std::time::Duration;

use regex::Regex;

use super::{Begun, Facts, Needs, Start, Step, StepVariant, Until, boxed};
use crate::call::State;
use crate::scenario::mapping::{default, mapping, optional};
use crate::scenario::scalar::{duration, line, pattern, token};
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;
use crate::units::human;

/// How long an event or a variable is waited for, where the scenario does not say.
const WITHIN: Duration = Duration::from_secs(10);

/// Waits for something at most `within`.
#[derive(Clone, Debug)]
pub struct Wait {
    pub awaited: Awaited,
    pub within: Duration,
}

/// What is waited for on this leg. What is true already is not waited for.
#[derive(Clone, Debug)]
pub enum Awaited {
    /// 180 was sent or received.
    Ringing,
    /// 183, or audio before the answer.
    EarlyMedia,
    Answered,
    Hungup,
    /// An event of this leg whose headers match, each anywhere in its value.
    Event {
        name: String,
        headers: Vec<(String, Regex)>,
    },
    /// Channel variables with exactly these values.
    Variables(Vec<(String, String)>),
}

/// The keys of `wait` as they stand.
struct Keys {
    answered: Option<Duration>,
    hungup: Option<Duration>,
    ringing: Option<Duration>,
    early_media: Option<Duration>,
    event: Option<String>,
    headers: Option<Vec<(String, Regex)>>,
    variable: Option<Vec<(String, String)>>,
    within: Duration,
}

pub(super) fn variant() -> StepVariant {
    Variant::new("wait", "Goes on when something has happened on this leg; fails when it has not in time.")
        .with(shape().map(boxed))
}

fn shape() -> Shape<Wait> {
    let event = token("the name of an event such as `CHANNEL_ANSWER`", "^[A-Za-z0-9_:.-]+$");
    mapping!(Keys {
        answered: optional("answered", duration(), "This leg is answered, within this time."),
        hungup: optional("hungup", duration(), "This leg is over, within this time."),
        ringing: optional("ringing", duration(), "This leg rings (180), within this time."),
        early_media: optional(
            "early_media",
            duration(),
            "This leg has audio before its answer (183), within this time."
        ),
        event: optional("event", event, "An event of this leg by its name; a CUSTOM one by its subclass."),
        headers: optional(
            "headers",
            pattern().by_name("headers"),
            "Headers of the event and patterns for their values."
        ),
        variable: optional("variable", line().by_name("variables"), "Channel variables and the values they must have."),
        within: default("within", duration(), WITHIN, "10s", "How long to wait for the event or the variable."),
    })
    .exactly_one(&["answered", "hungup", "ringing", "early_media", "event", "variable"])
    .needs("headers", &["event"])
    .needs("within", &["event", "variable"])
    .and_then(|keys, _, _| {
        let states = [
            (keys.answered, Awaited::Answered),
            (keys.hungup, Awaited::Hungup),
            (keys.ringing, Awaited::Ringing),
            (keys.early_media, Awaited::EarlyMedia),
        ];
        if let Some((within, awaited)) = states.into_iter().find_map(|(within, awaited)| Some((within?, awaited))) {
            return Some(Wait { awaited, within });
        }
        let awaited = match (keys.event, keys.variable) {
            (Some(name), _) => Awaited::Event { name, headers: keys.headers.unwrap_or_default() },
            (None, variables) => Awaited::Variables(variables?),
        };
        Some(Wait { awaited, within: keys.within })
    })
    .expects("what to wait for, such as `{ answered: 2s }`")
}

impl Step for Wait {
    fn kind(&self) -> &'static str {
        "wait"
    }

    fn describe(&self) -> String {
        let within = human(self.within);
        match &self.awaited {
            Awaited::Ringing => format!("wait for ringing within {within}"),
            Awaited::EarlyMedia => format!("wait for early media within {within}"),
            Awaited::Answered => format!("wait for the answer within {within}"),
            Awaited::Hungup => format!("wait for the hangup within {within}"),
            Awaited::Event { name, .. } => format!("wait for {name} within {within}"),
            Awaited::Variables(variables) => {
                let told: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("wait for {} within {within}", told.join(", "))
            }
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            ends_with_leg: matches!(self.awaited, Awaited::Hungup),
            awaits_answer: matches!(self.awaited, Awaited::Answered),
            ..Facts::default()
        }
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn start(&self, _: &mut Start<'_>) -> Begun {
        let until = match &self.awaited {
            Awaited::Ringing => Until::Reached(State::Ringing),
            Awaited::EarlyMedia => Until::Reached(State::EarlyMedia),
            Awaited::Answered => Until::Reached(State::Answered),
            Awaited::Hungup => Until::Reached(State::HungUp),
            Awaited::Event { name, headers } => Until::Event { name: name.clone(), headers: headers.clone() },
            Awaited::Variables(variables) => Until::Variables(variables.clone()),
        };
        until.within(self.within)
    }

    fn events(&self) -> Vec<String> {
        match &self.awaited {
            Awaited::Event { name, .. } => vec![name.clone()],
            _ => Vec::new(),
        }
    }
}
