//! A search for capacity: a rate is held and measured, and raised for as long as the gates hold.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::{Book, Cdr, Finding, Gate};
use crate::scenario::Find;
use crate::units::{Cps, Time};
use crate::verdict::Verdict;

/// A search under way.
///
/// At each rate calls are offered for a time that is not looked at, and then for one that is. The step is judged once
/// all calls of that time have ended; until then calls are offered on, so that those measured end under the same load.
#[derive(Debug)]
pub(super) struct Search {
    find: Find,
    gates: Vec<Gate>,
    rate: Cps,
    /// When calls began to be offered at this rate.
    since: Time,
    book: Book,
    /// Measured calls that have not ended.
    outstanding: u64,
    /// The time of the step under way is not over yet.
    measuring: bool,
    steps: Vec<SearchStep>,
    over: bool,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchReport {
    pub steps: Vec<SearchStep>,
    /// The highest rate, in calls per second, at which all gates held, and at all rates before it.
    pub highest: Option<f64>,
    /// The rate at which a gate broke.
    pub broke: Option<f64>,
}

/// One rate of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchStep {
    /// In calls per second.
    pub rate: f64,
    /// Calls that were measured.
    pub calls: u64,
    /// What the gates and the look at the generator itself found.
    pub findings: Vec<Finding>,
    pub verdict: Verdict,
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    /// Calls are offered at this rate.
    Rate(Cps),
    /// The search is over.
    Over,
}

impl Search {
    /// Begins with the first rate.
    pub fn new(find: Find, gates: Vec<Gate>, now: Time) -> Search {
        let book = Book::new(now + find.settle, gates.clone());
        Search {
            rate: find.start,
            find,
            gates,
            since: now,
            book,
            outstanding: 0,
            measuring: true,
            steps: Vec::new(),
            over: false,
        }
    }

    /// The same search, which begins only now.
    pub fn restarted(self, now: Time) -> Search {
        Search::new(self.find, self.gates, now)
    }

    /// Whether a call that is launched now is measured.
    pub fn measures(&self, now: Time) -> bool {
        !self.over && now >= self.since + self.find.settle && now < self.ends()
    }

    /// A call that is measured is launched, `late` after it was due.
    pub fn offered(&mut self, now: Time, late: Duration, app: &str, host: &str) {
        self.outstanding += 1;
        self.book.offered(now, late, app, host);
    }

    /// A call that was measured ended.
    pub fn record(&mut self, cdr: &Cdr) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.book.record(cdr);
    }

    /// So many calls and sessions are there.
    pub fn active(&mut self, now: Time, calls: u32, sessions: u32) {
        self.book.active(now, calls, sessions);
    }

    /// What is done next, once the step under way can be judged.
    pub fn advance(&mut self, now: Time) -> Option<Next> {
        if self.over || now < self.ends() {
            return None;
        }
        self.measuring = false;
        if self.outstanding > 0 {
            return None;
        }
        self.book.advance(now);
        let generator = Finding::of_the_generator(self.book.all());
        let findings: Vec<Finding> =
            std::iter::once(generator).chain(self.gates.iter().map(|gate| gate.evaluate(&self.book))).collect();
        let verdict = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Error);
        let calls = self.book.all().counts.ended;
        self.steps.push(SearchStep { rate: self.rate.0, calls, findings, verdict });
        let next = Cps(self.rate.0 + self.find.step.0);
        // What is added up over many steps may miss the last by a little.
        let beyond = next.0 > self.find.max.0 * (1.0 + 1e-9);
        if verdict != Verdict::Passed || beyond {
            self.over = true;
            return Some(Next::Over);
        }
        self.rate = next;
        self.since = now;
        self.measuring = true;
        self.book = Book::new(now + self.find.settle, self.gates.clone());
        Some(Next::Rate(next))
    }

    /// When a step may be judged, if nothing else comes.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.measuring.then(|| self.ends())
    }

    pub fn report(&self) -> SearchReport {
        let held = self.steps.iter().filter(|step| step.verdict == Verdict::Passed);
        let broke = self.steps.iter().find(|step| step.verdict != Verdict::Passed);
        SearchReport {
            highest: held.map(|step| step.rate).reduce(f64::max),
            broke: broke.map(|step| step.rate),
            steps: self.steps.clone(),
        }
    }

    fn ends(&self) -> Time {
        self.since + self.find.settle + self.find.hold
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample::{answered, refused};
    use crate::metrics::{GateBound, Metric};

    const SECOND: Duration = Duration::from_secs(1);

    fn search() -> Search {
        let find = Find { start: Cps(10.0), step: Cps(5.0), max: Cps(20.0), hold: SECOND * 4, settle: SECOND };
        let metric = Metric::parse("asr").unwrap();
        let bound = GateBound::parse(metric.quantity(), ">= 90%").unwrap();
        Search::new(find, vec![Gate::new(metric, bound)], Time::default())
    }

    /// Goes through one step with ten calls, so many of which are refused.
    fn step(search: &mut Search, now: &mut Time, refusals: usize) -> Option<Next> {
        assert!(!search.measures(*now), "it settles first");
        *now += SECOND;
        for index in 0..10 {
            assert!(search.measures(*now));
            search.offered(*now, Duration::ZERO, "a", "h");
            let cdr = if index < refusals { refused(0, "USER_BUSY") } else { answered(0) };
            if index < 9 {
                search.record(&Cdr { ended: *now, ..cdr });
            }
        }
        *now += SECOND * 4;
        assert_eq!((search.advance(*now), search.measures(*now)), (None, false), "one call is still up");
        search.record(&Cdr { ended: *now, ..answered(0) });
        search.advance(*now)
    }

    #[test]
    fn the_rate_grows_until_a_gate_breaks_and_the_last_that_held_is_told() {
        let (mut search, mut now) = (search(), Time::default());
        assert_eq!(step(&mut search, &mut now, 0), Some(Next::Rate(Cps(15.0))));
        assert_eq!(step(&mut search, &mut now, 2), Some(Next::Over));
        assert_eq!((search.advance(now + SECOND * 60), search.poll_timeout()), (None, None));
        let report = search.report();
        assert_eq!((report.highest, report.broke), (Some(10.0), Some(15.0)));
        assert_eq!(report.steps[1].findings[1].actual, "80% (8 of 10)");
    }

    #[test]
    fn a_search_that_nothing_breaks_ends_at_the_highest_rate() {
        let (mut search, mut now) = (search(), Time::default());
        for next in [Next::Rate(Cps(15.0)), Next::Rate(Cps(20.0)), Next::Over] {
            assert_eq!(step(&mut search, &mut now, 0), Some(next));
        }
        let report = search.report();
        assert_eq!((report.highest, report.broke, report.steps.len()), (Some(20.0), None, 3));
    }

    #[test]
    fn a_rate_at_which_no_call_is_measured_holds_nothing() {
        let mut search = search();
        assert_eq!(search.advance(Time::default() + SECOND * 5), Some(Next::Over));
        assert_eq!(search.report().highest, None);
    }
}
