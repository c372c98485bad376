//! `no_call`: nothing arrives at the callee.

use std::time::Duration;

use serde_json::json;

use super::{Check, CheckKey, Facts, one};
use crate::bound::parse_value;
use crate::call::Session;
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::shape::{Shape, Wrong};

/// No session of the callee comes to be while the call is made, nor for a time after it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCall {
    /// How long the callee is watched once the originate is over.
    pub watch: Duration,
}

/// A late fork or a queue of a proxy is heard of within this.
const WATCH: Duration = Duration::from_secs(1);

const LONGEST: Duration = Duration::from_secs(3_600);

pub(super) fn key() -> CheckKey {
    let json = json!({ "anyOf": [{ "const": true }, { "type": "string" }] });
    let shape = Shape::scalar("`true` or a time such as `2s`", json, |text, _| match text {
        "true" => Ok(NoCall { watch: WATCH }),
        _ => match parse_value::<Duration>(text) {
            Ok(watch) if watch <= LONGEST => Ok(NoCall { watch }),
            _ => Err(Wrong::kind()),
        },
    });
    one("no_call", shape, "Nothing arrives at the callee, for 1s or the time given after the originate is over.")
}

impl Check for NoCall {
    fn kind(&self) -> &'static str {
        "no_call"
    }

    fn describe(&self) -> String {
        "no call at the callee".to_owned()
    }

    fn facts(&self) -> Facts {
        Facts { watch: Some(self.watch), ..Facts::default() }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let expected = self.describe();
        if outcome.leg(Leg::Callee).was_there {
            return Found::new(false, expected, format!("a call came: {}", outcome.end_of(Leg::Callee)));
        }
        let Some(caller) = outcome.leg(Leg::Caller).session.as_ref() else {
            let why = format!("the call was never made: {}", outcome.end_of(Leg::Caller));
            return Found::unknown(expected, why);
        };
        // A refusal that nobody sent says nothing about a route: FreeSWITCH makes one up for a dead address.
        let answered = Session::is_answered(caller);
        if !answered && caller.header("Caller-Network-Addr").is_none() {
            let why = format!("nobody answered the INVITE: {}", outcome.end_of(Leg::Caller));
            return Found::unknown(expected, why).help("is the system under test reachable?");
        }
        Found::new(true, expected, format!("none came; the caller: {}", outcome.end_of(Leg::Caller)))
    }
}
