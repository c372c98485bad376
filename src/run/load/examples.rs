//! Calls of a load that did not pass, kept whole: for each reason the first, for the person who looks into it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::Cdr;
use crate::serial;
use crate::verdict::{CheckReport, LegTrace};

/// A call that did not pass, with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    pub cdr: Cdr,
    pub checks: Vec<CheckReport>,
    pub legs: Vec<LegTrace>,
    /// Recordings that were kept.
    #[serde(with = "serial::paths")]
    #[schemars(with = "Vec<String>")]
    pub recordings: Vec<PathBuf>,
}

/// The first call of each reason, up to [`MOST`].
#[derive(Debug, Default)]
pub(crate) struct Examples {
    reasons: BTreeSet<(String, String, String)>,
    kept: Vec<Example>,
}

/// More reasons than these say nothing more.
const MOST: usize = 10;

impl Examples {
    /// Whether a call that failed so would be kept: of each app, check and hangup cause the first is.
    pub fn wants(&self, cdr: &Cdr, check: &str) -> bool {
        self.kept.len() < MOST && !self.reasons.contains(&key(cdr, check))
    }

    pub fn keep(&mut self, check: &str, example: Example) {
        self.reasons.insert(key(&example.cdr, check));
        self.kept.push(example);
    }

    /// Those that were kept, and of others the first of each reason that is new.
    pub fn joined(kept: &[Example], others: &[Example]) -> Vec<Example> {
        let mut examples = Examples::default();
        for example in kept.iter().chain(others) {
            let check = example.checks.iter().find(|check| check.verdict == example.cdr.verdict);
            let check = check.map_or("", |check| &check.name);
            if examples.wants(&example.cdr, check) {
                examples.keep(check, example.clone());
            }
        }
        examples.kept
    }

    pub fn into_kept(self) -> Vec<Example> {
        self.kept
    }
}

fn key(cdr: &Cdr, check: &str) -> (String, String, String) {
    (cdr.app.clone(), check.to_owned(), cdr.hangup_cause.clone())
}
