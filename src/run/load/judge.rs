//! What a load as a whole came to: its gates, and what holds of it unless they say otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::examples::Examples;
use super::{CutShort, Example, SearchReport};
use crate::metrics::{Cdr, LoadReport, MergeError, NOTHING_MEASURED};
use crate::place::Place;
use crate::scenario::Scenario;
use crate::verdict::{CheckReport, Verdict};

/// All that is known of a load that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadOutcome {
    pub report: LoadReport,
    pub wrong: Wrong,
    /// Calls that did not pass: of each app, check and hangup cause the first, ten at most.
    pub examples: Vec<Example>,
    /// Of a search for capacity.
    pub search: Option<SearchReport>,
}

/// Calls that did not pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wrong {
    /// They were answered, and a check of theirs did not hold.
    pub answered: u64,
    /// They were not answered, and should have been.
    pub unanswered: u64,
    /// Of these we could not find out.
    pub errors: u64,
}

/// Metrics whose gates say how many calls may come to nothing.
const OF_ANSWERS: [&str; 7] =
    ["asr", "answered", "unanswered", "seizure_fail_rate", "checks_failed", "failed", "passed"];
const OF_CHECKS: [&str; 3] = ["checks_failed", "failed", "passed"];
const OF_ERRORS: [&str; 3] = ["errors", "failed", "passed"];

impl Wrong {
    pub fn record(&mut self, cdr: &Cdr) {
        match cdr.verdict {
            Verdict::Passed => {}
            Verdict::Failed if cdr.is_answered() => self.answered += 1,
            Verdict::Failed => self.unanswered += 1,
            Verdict::Error => self.errors += 1,
            // It was cut off as it was asked for.
            Verdict::Skipped => {}
        }
    }

    pub fn merge(&mut self, other: Wrong) {
        self.answered += other.answered;
        self.unanswered += other.unanswered;
        self.errors += other.errors;
    }
}

impl LoadOutcome {
    /// Adds another shard of the load, as [`LoadReport::merge`] does.
    pub fn merge(&mut self, other: &LoadOutcome) -> Result<(), MergeError> {
        self.report.merge(&other.report)?;
        self.wrong.merge(other.wrong);
        self.examples = Examples::joined(&self.examples, &other.examples);
        Ok(())
    }

    /// What there is to say of the load, gates first. `places` are those of its gates.
    pub fn checks(&self, scenario: Option<&Scenario>) -> Vec<CheckReport> {
        let place = scenario.map(|scenario| scenario.place.clone());
        let mut checks = match &self.search {
            Some(search) => vec![found(search, place.clone())],
            None => self.gates(scenario),
        };
        // Whoever puts a gate on lateness says how late is too late.
        let counts = &self.report.all.tally.counts;
        let left_out = counts.skipped_behind + counts.skipped_without_host > 0;
        let lateness = self.report.gates.iter().any(|state| state.gate.metric.is_of_the_generator());
        if left_out || !lateness || counts.offered == 0 {
            checks.push(self.report.generator.clone().into_check(place.clone()));
        }
        if counts.ended == 0 && counts.cut_off > 0 {
            checks.push(CheckReport {
                name: "calls come to their end".to_owned(),
                place: place.clone(),
                verdict: Verdict::Error,
                expected: "calls that can be judged".to_owned(),
                actual: format!("all {} were hung up before it, as the load was told to", counts.cut_off),
                help: String::new(),
                passages: Vec::new(),
            });
        }
        if self.search.is_none() {
            checks.extend(self.unsaid(place));
        }
        checks
    }

    /// Figures for machines, by names with the unit in them.
    pub fn properties(&self) -> Vec<(String, String)> {
        let all = &self.report.all;
        let counts = &all.tally.counts;
        let mut properties: Vec<(String, String)> = Vec::new();
        let counted = [
            ("offered", counts.offered),
            ("answered", counts.answered),
            ("failed", counts.failed()),
            ("skipped", counts.skipped_in_all()),
        ];
        properties.extend(counted.map(|(name, count)| (name.to_owned(), count.to_string())));
        let mut figure = |name: String, value: Option<f64>| {
            properties.extend(value.map(|value| (name, format!("{value:.3}"))));
        };
        figure("asr_percent".to_owned(), all.summary.asr_percent);
        figure("rate_cps".to_owned(), all.summary.rate);
        figure("erlangs".to_owned(), all.summary.erlangs);
        figure("acd_s".to_owned(), all.summary.acd_s);
        figure("highest_cps".to_owned(), self.search.as_ref().and_then(|search| search.highest));
        for (timing, times) in &all.summary.times {
            for (quantile, value) in [("p50", times.p50), ("p95", times.p95), ("p99", times.p99)] {
                figure(format!("{}_{quantile}_ms", timing.name()), Some(value * 1e3));
            }
        }
        properties
    }

    /// What all of it comes to. That a gate could not be measured says less than that another is broken.
    pub fn verdict(checks: &[CheckReport]) -> Verdict {
        let failed = checks.iter().any(|check| check.verdict == Verdict::Failed);
        let counts = |check: &&CheckReport| !(failed && check.actual == NOTHING_MEASURED);
        checks.iter().filter(counts).map(|check| check.verdict).max().unwrap_or(Verdict::Error)
    }

    fn gates(&self, scenario: Option<&Scenario>) -> Vec<CheckReport> {
        let places = scenario.into_iter().flat_map(|scenario| &scenario.gates).map(|gate| gate.place.clone());
        let mut places = places.fuse();
        self.report.gates.iter().map(|state| state.finding.clone().into_check(places.next())).collect()
    }

    /// What holds of the calls of a load whose gates do not say otherwise.
    fn unsaid(&self, place: Option<Place>) -> Vec<CheckReport> {
        let names: Vec<String> = self.report.gates.iter().map(|state| state.gate.metric.name().into_owned()).collect();
        // A gate on a hangup cause speaks of answers, and not of what answered calls find.
        let of_cause = |metrics: &[&str], name: &str| metrics == OF_ANSWERS && name.starts_with("cause.");
        let gated =
            |metrics: &[&str]| names.iter().any(|name| metrics.contains(&name.as_str()) || of_cause(metrics, name));
        let ended = self.report.all.tally.counts.ended;
        let reasons = self.report.all.tally.reasons.top();
        let most: Vec<_> = reasons.into_iter().take(3).map(|(reason, count)| format!("{reason} ({count})")).collect();
        let rule = |name: &str, wrong: u64, verdict: Verdict, gates: &[&str]| {
            let holds = wrong == 0;
            (!gated(gates)).then(|| CheckReport {
                name: name.to_owned(),
                place: place.clone(),
                verdict: if holds { Verdict::Passed } else { verdict },
                expected: "all of them".to_owned(),
                actual: format!("{wrong} of {ended} did not"),
                help: if holds {
                    String::new()
                } else {
                    format!("most frequent: {}; a gate on {} allows some", most.join(", "), gates[0])
                },
                passages: Vec::new(),
            })
        };
        let rules = [
            rule("calls come to their answer", self.wrong.unanswered, Verdict::Failed, &OF_ANSWERS),
            rule("answered calls pass their checks", self.wrong.answered, Verdict::Failed, &OF_CHECKS),
            rule("calls can be judged", self.wrong.errors, Verdict::Error, &OF_ERRORS),
        ];
        // Those that hold are of no interest where nothing could go wrong.
        rules.into_iter().flatten().filter(|check| check.verdict != Verdict::Passed || ended > 0).collect()
    }
}

/// What a search found: that some rate held is what it passes by.
fn found(search: &SearchReport, place: Option<Place>) -> CheckReport {
    let told = |step: &super::SearchStep| {
        let worst = step.findings.iter().find(|finding| finding.verdict != Verdict::Passed);
        worst.map(|finding| format!("{} was {}, not {}", finding.name, finding.actual, finding.expected))
    };
    let broke = search.steps.iter().find_map(told);
    let actual = match (search.highest, search.broke) {
        (Some(highest), Some(broke)) => format!("{highest} calls/s held, {broke} calls/s did not"),
        (Some(highest), None) => format!("{highest} calls/s held, and that is the highest rate that is tried"),
        (None, Some(broke)) => format!("{broke} calls/s, the first rate, did not hold"),
        (None, None) => "no rate was measured".to_owned(),
    };
    let verdict = match (search.highest, search.steps.first()) {
        (Some(_), _) => Verdict::Passed,
        (None, Some(first)) => first.verdict,
        (None, None) => Verdict::Error,
    };
    CheckReport {
        name: "capacity".to_owned(),
        place,
        verdict,
        expected: "a rate at which the gates hold".to_owned(),
        actual,
        help: broke.unwrap_or_default(),
        passages: Vec::new(),
    }
}

impl CutShort {
    /// Why the load did not come to its end, as a check; `None` where it was asked for by whoever watches it.
    pub(crate) fn check(&self, place: Option<Place>) -> Option<CheckReport> {
        let (verdict, actual, help) = match self {
            CutShort::Asked => return None,
            CutShort::Gate(gate) => (Verdict::Failed, format!("stopped, as {gate} was broken"), "`abort_on_break`"),
            CutShort::Interrupted => (Verdict::Error, "interrupted".to_owned(), ""),
            CutShort::NoHost(reason) => (Verdict::Error, format!("no host is left: {reason}"), ""),
        };
        Some(CheckReport {
            name: "the load comes to its end".to_owned(),
            place,
            verdict,
            expected: "all calls offered".to_owned(),
            actual,
            help: help.to_owned(),
            passages: Vec::new(),
        })
    }
}
