//! `headers` and `variables`: what the last event of a leg says.

use super::{Check, CheckKey, one};
use crate::scenario::mapping::{mapping, optional};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::wanted::{Wanted, wanted};

/// At the end of the call these headers or variables of the legs have these values.
#[derive(Clone, Debug)]
pub struct Told {
    pub of: Of,
    pub caller: Vec<(String, Wanted)>,
    pub callee: Vec<(String, Wanted)>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Headers of the event.
    Headers,
    /// Channel variables.
    Variables,
}

struct Keys {
    caller: Option<Vec<(String, Wanted)>>,
    callee: Option<Vec<(String, Wanted)>>,
}

pub(super) fn headers() -> CheckKey {
    key(Of::Headers, "headers", "Headers of each leg's last event: values, or patterns between slashes.")
}

pub(super) fn variables() -> CheckKey {
    key(Of::Variables, "variables", "Channel variables of each leg at its end: values, or patterns between slashes.")
}

fn key(of: Of, name: &'static str, doc: &str) -> CheckKey {
    let shape = mapping!(Keys {
        caller: optional("caller", wanted().by_name("names"), "Those of the caller's leg."),
        callee: optional("callee", wanted().by_name("names"), "Those of the callee's leg."),
    })
    .at_least_one(&["caller", "callee"], "no leg is named")
    .map(move |keys| Told {
        of,
        caller: keys.caller.unwrap_or_default(),
        callee: keys.callee.unwrap_or_default(),
    });
    one(name, shape, doc)
}

impl Told {
    fn of(&self, leg: Leg) -> &[(String, Wanted)] {
        match leg {
            Leg::Caller => &self.caller,
            Leg::Callee => &self.callee,
        }
    }
}

impl Check for Told {
    fn kind(&self) -> &'static str {
        match self.of {
            Of::Headers => "headers",
            Of::Variables => "variables",
        }
    }

    fn describe(&self) -> String {
        let legs = Leg::BOTH.into_iter().flat_map(|leg| self.of(leg).iter().map(move |wanted| (leg, wanted)));
        let told: Vec<_> = legs.map(|(leg, (name, wanted))| format!("{leg} {name} {wanted}")).collect();
        told.join(", ")
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let (mut holds, mut told) = (true, Vec::new());
        for leg in Leg::BOTH {
            let Some(session) = outcome.leg(leg).session.as_ref() else {
                if !self.of(leg).is_empty() {
                    return Found::new(false, self.describe(), outcome.end_of(leg));
                }
                continue;
            };
            for (name, wanted) in self.of(leg) {
                let value = match self.of {
                    Of::Headers => session.header(name),
                    Of::Variables => session.variable(name),
                };
                holds &= wanted.holds(value);
                told.push(match value {
                    Some(value) => format!("{leg} {name} = {value}"),
                    None => format!("{leg} has no {name}"),
                });
            }
        }
        Found::new(holds, self.describe(), told.join(", "))
    }
}
