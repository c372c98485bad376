//! `execute`: any dialplan application.

use super::{Begun, LONGEST, Start, Step, StepVariant, Until, boxed};
use crate::scenario::mapping::{mapping, optional, required};
use crate::scenario::scalar::{line, token};
use crate::scenario::tagged::Variant;

/// Executes a dialplan application on this leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execute {
    /// `playback`, `conference`, ...
    pub app: String,
    /// As the application takes it; `None`: nothing.
    pub arg: Option<String>,
}

pub(super) fn variant() -> StepVariant {
    let shape = mapping!(Execute {
        app: required(
            "app",
            token("the name of a dialplan application", "^[A-Za-z0-9_-]+$"),
            "The application's name."
        ),
        arg: optional("arg", line(), "Its argument."),
    });
    Variant::new("execute", "Executes any dialplan application on this leg.").with(shape.map(boxed))
}

impl Step for Execute {
    fn kind(&self) -> &'static str {
        "execute"
    }

    fn describe(&self) -> String {
        match &self.arg {
            Some(arg) => format!("execute {}({arg})", self.app),
            None => format!("execute {}", self.app),
        }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        let uuid = start.execute(&self.app, self.arg.as_deref().unwrap_or_default());
        Until::Ran(uuid).within(LONGEST)
    }
}
