//! `expect`: checks that are made in the middle of the call.

use super::{Begun, Needs, Start, Step, StepVariant, Until, boxed};
use crate::scenario::mapping::{mapping, optional};
use crate::scenario::scalar::boolean;
use crate::scenario::tagged::Variant;
use crate::scenario::wanted::{Wanted, wanted};

/// What must hold of this leg now, as the switch tells it when it is asked.
#[derive(Clone, Debug)]
pub struct Expect {
    pub answered: Option<bool>,
    pub variables: Vec<(String, Wanted)>,
    /// Headers of the leg's events, such as `Caller-Destination-Number`.
    pub headers: Vec<(String, Wanted)>,
}

struct Keys {
    answered: Option<bool>,
    variables: Option<Vec<(String, Wanted)>>,
    headers: Option<Vec<(String, Wanted)>>,
}

pub(super) fn variant() -> StepVariant {
    let shape = mapping!(Keys {
        answered: optional("answered", boolean(), "Whether this leg is answered now."),
        variables: optional(
            "variables",
            wanted().by_name("variables"),
            "Channel variables and their values, or patterns between slashes: `/^10/`."
        ),
        headers: optional(
            "headers",
            wanted().by_name("headers"),
            "Headers of this leg's events and their values, or patterns between slashes."
        ),
    })
    .at_least_one(&["answered", "variables", "headers"], "nothing is expected")
    .map(|keys| {
        boxed(Expect {
            answered: keys.answered,
            variables: keys.variables.unwrap_or_default(),
            headers: keys.headers.unwrap_or_default(),
        })
    });
    Variant::new("expect", "Asks the switch about this leg now; what does not hold fails the step.").with(shape)
}

impl Expect {
    /// What must hold, by the names of the switch's own dump.
    fn all(&self) -> Vec<(String, Wanted)> {
        let mut all = Vec::new();
        if let Some(answered) = self.answered {
            let state = if answered { Wanted::exactly("answered") } else { Wanted::not("answered") };
            all.push(("Answer-State".to_owned(), state));
        }
        let variables = self.variables.iter().map(|(name, value)| (format!("variable_{name}"), value.clone()));
        all.extend(variables.chain(self.headers.iter().cloned()));
        all
    }
}

impl Step for Expect {
    fn kind(&self) -> &'static str {
        "expect"
    }

    fn describe(&self) -> String {
        let told: Vec<_> = self.all().iter().map(|(name, value)| format!("{name} {value}")).collect();
        format!("expect {}", told.join(", "))
    }

    fn needs(&self) -> Needs {
        Needs::Session
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.api_on_leg("uuid_dump", "");
        Until::Told(self.all()).into()
    }
}
