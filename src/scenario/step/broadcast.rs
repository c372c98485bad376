//! `broadcast`: an application that is run on a leg from outside, on the leg that it is bridged to, or on both.

use super::{Begun, Needs, Start, Step, StepVariant, Until, boxed};
use crate::scenario::mapping::{default, mapping, optional, required};
use crate::scenario::scalar::{line, token, word};
use crate::scenario::tagged::Variant;

/// Runs an application on this leg, the leg it is bridged to, or both; the next step follows at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    pub app: String,
    pub arg: Option<String>,
    pub legs: Legs,
}

/// Who runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legs {
    This,
    /// The one that this is bridged to.
    Other,
    Both,
}

pub(super) fn variant() -> StepVariant {
    let legs = &[("this", Legs::This), ("other", Legs::Other), ("both", Legs::Both)];
    let app = token("the name of a dialplan application", "^[A-Za-z0-9_-]+$");
    let shape = mapping!(Broadcast {
        app: required("app", app, "The application's name."),
        arg: optional("arg", line(), "Its argument."),
        legs: default("legs", word(legs), Legs::This, "this", "`this` leg, the `other` it is bridged to, or `both`."),
    });
    Variant::new("broadcast", "Runs an application on this leg, on the leg it is bridged to, or on both.")
        .with(shape.map(boxed))
}

impl Step for Broadcast {
    fn kind(&self) -> &'static str {
        "broadcast"
    }

    fn describe(&self) -> String {
        format!("broadcast {}", self.app)
    }

    fn needs(&self) -> Needs {
        Needs::Session
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.api_on_leg("uuid_broadcast", &self.arguments());
        Until::Replied.into()
    }
}

impl Broadcast {
    /// What stands behind the uuid.
    pub(crate) fn arguments(&self) -> String {
        let legs = match self.legs {
            Legs::This => "aleg",
            Legs::Other => "bleg",
            Legs::Both => "both",
        };
        let argument = self.arg.as_deref().unwrap_or_default();
        let argument = if argument.contains(' ') { format!("'{argument}'") } else { argument.to_owned() };
        format!("{}::{argument} {legs}", self.app)
    }
}
