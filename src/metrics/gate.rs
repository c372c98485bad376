//! Gates: what must hold of a load as a whole.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::{Extent, Measured, Metric, MetricError, Occupancy, Quantity, Value};
use super::{Book, Counts, Statistic, Tally, Timing};
use crate::bound::{Bound, BoundError, Unit, Within};
use crate::place::Place;
use crate::units::{Percent, human};
use crate::verdict::{CheckReport, Verdict};

/// What a metric of a load must be: `setup_time.p95: "< 250ms"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
#[schemars(with = "Written")]
pub struct Gate {
    pub metric: Metric,
    pub bound: GateBound,
    pub over: Over,
    /// It must hold in every window of so many whole seconds, and not only over all of the load.
    pub window: Option<Duration>,
    /// The load is stopped when it has not held for so long. `None`: it runs to its end.
    pub abort_after: Option<Duration>,
}

/// Which calls a gate is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Over {
    #[default]
    All,
    App(String),
    Host(String),
    /// It must hold of the calls of each app by themselves.
    EachApp,
    EachHost,
}

/// A bound in the unit of its metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GateBound {
    Count(Bound<u64>),
    Ratio(Bound<Percent>),
    Time(Bound<Duration>),
    Number(Bound<f64>),
}

/// What a gate, or the look at the generator itself, found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `setup_time.p95 of app bert in every 10s`
    pub name: String,
    /// Error where nothing was measured, and where the generator of the load is to blame.
    pub verdict: Verdict,
    pub expected: String,
    pub actual: String,
    /// Why, and what to try; may be empty.
    pub help: String,
}

/// Tallies of a load: of all calls, and of those of each app and host.
#[derive(Clone, Debug)]
pub struct Tallies<'a> {
    pub all: &'a Tally,
    pub apps: Vec<(&'a str, &'a Tally)>,
    pub hosts: Vec<(&'a str, &'a Tally)>,
}

/// What was measured of one app, host or all.
pub(super) struct Reading<'a> {
    /// Empty for all.
    pub name: &'a str,
    pub value: Option<Value>,
    /// For windows: how long after the load's beginning the window ended.
    pub window_end: Option<Duration>,
    pub tally: Option<&'a Tally>,
}

/// Some of the calls of a load, which were offered in the time of all.
struct Share<'a> {
    tally: &'a Tally,
    all: &'a Tally,
}

impl Measured for Share<'_> {
    fn counts(&self) -> &Counts {
        &self.tally.counts
    }

    fn occupancy(&self) -> Occupancy {
        Occupancy { rate: self.all.rate_of(&self.tally.counts), ..self.tally.occupancy() }
    }

    fn cause(&self, cause: &str) -> u64 {
        self.tally.cause(cause)
    }

    fn time(&self, timing: Timing, statistic: Statistic) -> Option<f64> {
        self.tally.time(timing, statistic)
    }

    fn figure(&self, name: &str, statistic: Statistic) -> Option<f64> {
        self.tally.figure(name, statistic)
    }
}

impl Gate {
    /// A gate over all calls of the whole load.
    pub fn new(metric: Metric, bound: GateBound) -> Self {
        Gate { metric, bound, over: Over::All, window: None, abort_after: None }
    }

    /// What it is about: `asr of app bert in every 10s`.
    pub fn name(&self) -> String {
        let over = match &self.over {
            Over::All => String::new(),
            Over::App(app) => format!(" of app {app}"),
            Over::Host(host) => format!(" of host {host}"),
            Over::EachApp => " of each app".to_owned(),
            Over::EachHost => " of each host".to_owned(),
        };
        let window = self.window.map(|window| format!(" in every {}", human(window))).unwrap_or_default();
        format!("{}{over}{window}", self.metric.name())
    }

    /// Why it makes no sense, if so: its metric is not known of what it is over.
    pub fn contradiction(&self) -> Option<String> {
        let name = self.metric.name();
        match (self.metric.extent(), &self.over) {
            (Extent::Any, _) | (_, Over::All) | (Extent::Host, Over::Host(_) | Over::EachHost) => None,
            (Extent::Host, _) => Some(format!("`{name}` is known of all and of hosts, and not of apps")),
            (Extent::Load, _) => Some(format!("`{name}` is known of the load as a whole only")),
        }
    }

    /// Whether it holds of a load as `book` has it now. Of windows the worst is told.
    pub fn evaluate(&self, book: &Book) -> Finding {
        match self.window {
            Some(_) => self.judge_readings(&book.worst_windows(self)),
            None => self.judge(&book.tallies()),
        }
    }

    /// Whether it holds over all of a load. A window, if it has one, is not looked at.
    pub fn judge(&self, tallies: &Tallies<'_>) -> Finding {
        self.judge_readings(&self.readings(tallies))
    }

    fn readings<'a>(&self, tallies: &Tallies<'a>) -> Vec<Reading<'a>> {
        let reading = |(name, tally): (&'a str, &'a Tally)| {
            let value = self.metric.of(&Share { tally, all: tallies.all });
            Reading { name, value, window_end: None, tally: Some(tally) }
        };
        let of = |all: &[(&'a str, &'a Tally)], wanted: &str| {
            all.iter().copied().filter(|(name, _)| *name == wanted).map(reading).collect()
        };
        match &self.over {
            Over::All => vec![reading(("", tallies.all))],
            Over::App(app) => of(&tallies.apps, app),
            Over::Host(host) => of(&tallies.hosts, host),
            Over::EachApp => tallies.apps.iter().copied().map(reading).collect(),
            Over::EachHost => tallies.hosts.iter().copied().map(reading).collect(),
        }
    }

    /// The finding of that reading which is the furthest from holding.
    pub(super) fn judge_readings(&self, readings: &[Reading<'_>]) -> Finding {
        let judged = readings.iter().map(|reading| (self.judge_reading(reading), reading));
        let margin = |reading: &Reading<'_>| reading.value.map_or(0.0, |value| self.bound.margin(value));
        let worst = judged.min_by(|(one, of_one), (other, of_other)| {
            let rank = |finding: &Finding| severity(finding.verdict);
            rank(other).cmp(&rank(one)).then(margin(of_one).total_cmp(&margin(of_other)))
        });
        match worst {
            Some((finding, _)) => finding,
            None => self.judge_reading(&Reading { name: "", value: None, window_end: None, tally: None }),
        }
    }

    fn judge_reading(&self, reading: &Reading<'_>) -> Finding {
        let whose = match self.over {
            Over::EachApp | Over::EachHost if !reading.name.is_empty() => format!("{}: ", reading.name),
            _ => String::new(),
        };
        let (verdict, actual, help) = match reading.value {
            None => (Verdict::Error, NOTHING_MEASURED.to_owned(), self.why_nothing(reading.tally)),
            Some(value) => {
                let when = match (reading.window_end, self.window) {
                    (Some(end), Some(window)) => {
                        format!(" from {} to {}", human(end.saturating_sub(window)), human(end))
                    }
                    _ => String::new(),
                };
                let (verdict, help) = match self.bound.holds(value) {
                    true => (Verdict::Passed, String::new()),
                    false if self.metric.is_of_the_generator() => (Verdict::Error, GENERATOR.to_owned()),
                    false => (Verdict::Failed, reading.tally.map(|tally| self.why(tally)).unwrap_or_default()),
                };
                (verdict, format!("{value}{when}"), help)
            }
        };
        let expected = self.bound.to_string();
        Finding { name: self.name(), verdict, expected, actual: format!("{whose}{actual}"), help }
    }

    /// The most frequent causes, where the gate is about calls that fail.
    fn why(&self, tally: &Tally) -> String {
        const ABOUT_FAILURES: [&str; 6] = ["asr", "seizure_fail_rate", "passed", "failed", "checks_failed", "errors"];
        if !ABOUT_FAILURES.contains(&&*self.metric.name()) {
            return String::new();
        }
        let of_checks = matches!(&*self.metric.name(), "checks_failed" | "errors" | "passed" | "failed");
        let why = if of_checks { &tally.reasons } else { &tally.failed_causes };
        let top: Vec<_> = why.top().into_iter().take(3).map(|(cause, count)| format!("{cause} ({count})")).collect();
        if top.is_empty() { String::new() } else { format!("most frequent: {}", top.join(", ")) }
    }

    fn why_nothing(&self, tally: Option<&Tally>) -> String {
        let Some(tally) = tally else { return "no call was offered there".to_owned() };
        match (tally.counts.offered, tally.counts.ended, tally.counts.answered) {
            (0, ..) => "no call was offered".to_owned(),
            (_, 0, _) => "no call has ended".to_owned(),
            (_, _, 0) => "no call was answered".to_owned(),
            _ if matches!(self.metric, Metric::Figure(..)) => {
                let known: Vec<_> = tally.figures.keys().take(8).map(String::as_str).collect();
                match known.is_empty() {
                    true => "no check of these calls measures anything".to_owned(),
                    false => format!("checks measured {}", known.join(", ")),
                }
            }
            _ => String::new(),
        }
    }

    /// Whether more of what is to come can make `value` right.
    pub(super) fn may_still_hold(&self, value: Value) -> bool {
        self.bound.holds(value) || self.metric.grows() && self.bound.wants_more_than(value)
    }

    /// Its readings now, for as long as the load runs.
    pub(super) fn readings_now<'a>(&self, book: &'a Book) -> Vec<Reading<'a>> {
        match self.window {
            Some(_) => book.current_windows(self),
            None => self.readings(&book.tallies()),
        }
    }
}

/// What a gate finds where its metric has no value.
pub const NOTHING_MEASURED: &str = "nothing was measured";

const GENERATOR: &str = "callwright itself was late, which says nothing of what is tested: take fewer calls a second, \
                         a faster machine, or several";

/// What of several findings is told: that something did not hold before that something is not known.
fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Failed => 3,
        Verdict::Error => 2,
        Verdict::Skipped => 1,
        Verdict::Passed => 0,
    }
}

impl Finding {
    /// The worse of two findings of one gate.
    pub fn or_worse(self, other: Finding) -> Finding {
        if severity(other.verdict) > severity(self.verdict) { other } else { self }
    }

    /// As a check of a test.
    pub fn into_check(self, place: Option<Place>) -> CheckReport {
        let Finding { name, verdict, expected, actual, help } = self;
        CheckReport { name, place, verdict, expected, actual, help, passages: Vec::new() }
    }
}

impl GateBound {
    /// Reads a bound in the unit of `quantity`.
    pub fn parse(quantity: Quantity, text: &str) -> Result<GateBound, BoundError> {
        Ok(match quantity {
            Quantity::Count => GateBound::Count(text.parse()?),
            Quantity::Ratio => GateBound::Ratio(text.parse()?),
            Quantity::Time => GateBound::Time(text.parse()?),
            Quantity::Number => GateBound::Number(text.parse()?),
        })
    }

    /// Whether `value`, which is of the same quantity, is as asked.
    pub fn holds(&self, value: Value) -> bool {
        match (self, value) {
            (GateBound::Count(bound), Value::Count(count)) => bound.holds(count),
            (GateBound::Time(bound), Value::Time(time)) => bound.holds(time),
            (GateBound::Ratio(bound), value) => bound.holds(Percent(value.number())),
            (GateBound::Number(bound), value) => bound.holds(value.number()),
            (GateBound::Count(_) | GateBound::Time(_), _) => false,
        }
    }

    /// Whether a greater value might hold where `value` does not.
    pub fn wants_more_than(&self, value: Value) -> bool {
        match (self, value) {
            (GateBound::Count(bound), Value::Count(count)) => bound.wants_more_than(count),
            (GateBound::Time(bound), Value::Time(time)) => bound.wants_more_than(time),
            (GateBound::Ratio(bound), value) => bound.wants_more_than(Percent(value.number())),
            (GateBound::Number(bound), value) => bound.wants_more_than(value.number()),
            (GateBound::Count(_) | GateBound::Time(_), _) => false,
        }
    }

    /// How far within the bound `value` is; below 0: how far outside.
    pub fn margin(&self, value: Value) -> f64 {
        fn limits<T: Unit>(bound: &Bound<T>, of: fn(T) -> f64, off: fn(T::Tolerance) -> f64) -> (f64, f64) {
            match bound {
                Bound::AtLeast(low) | Bound::MoreThan(low) => (of(*low), f64::INFINITY),
                Bound::AtMost(high) | Bound::LessThan(high) => (f64::NEG_INFINITY, of(*high)),
                Bound::Exactly(wanted) => (of(*wanted), of(*wanted)),
                Bound::Between(low, high) => (of(*low), of(*high)),
                Bound::Within(Within { centre, tolerance }) => {
                    (of(*centre) - off(*tolerance), of(*centre) + off(*tolerance))
                }
            }
        }
        let seconds = |time: Duration| time.as_secs_f64();
        let (low, high) = match self {
            GateBound::Count(bound) => limits(bound, |count| count as f64, |off| off as f64),
            GateBound::Ratio(bound) => limits(bound, |ratio| ratio.0, |off| off.0),
            GateBound::Time(bound) => limits(bound, seconds, seconds),
            GateBound::Number(bound) => limits(bound, |number| number, |off| off),
        };
        (value.number() - low).min(high - value.number())
    }
}

impl fmt::Display for GateBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GateBound::Count(bound) => bound.fmt(f),
            GateBound::Ratio(bound) => bound.fmt(f),
            GateBound::Time(bound) => bound.fmt(f),
            GateBound::Number(bound) => bound.fmt(f),
        }
    }
}

/// A gate in JSON.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Gate")]
struct Written {
    /// `setup_time.p95`
    metric: String,
    /// `< 250ms`
    bound: String,
    #[serde(default)]
    over: WrittenOver,
    /// Seconds of the windows in each of which it must hold.
    #[serde(default)]
    window_s: Option<u64>,
    /// Seconds after which it stops the load.
    #[serde(default)]
    abort_after_s: Option<f64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WrittenOver {
    #[default]
    All,
    App(String),
    Host(String),
    EachApp,
    EachHost,
}

/// Why a gate in JSON cannot be read.
#[derive(Debug, thiserror::Error)]
enum WrittenError {
    #[error(transparent)]
    Metric(#[from] MetricError),
    #[error("bound of a gate: {0}")]
    Bound(#[from] BoundError),
    #[error("{0} s is no time after which a load is stopped")]
    Abort(f64),
}

impl From<Gate> for Written {
    fn from(gate: Gate) -> Written {
        let over = match gate.over {
            Over::All => WrittenOver::All,
            Over::App(app) => WrittenOver::App(app),
            Over::Host(host) => WrittenOver::Host(host),
            Over::EachApp => WrittenOver::EachApp,
            Over::EachHost => WrittenOver::EachHost,
        };
        Written {
            metric: gate.metric.name().into_owned(),
            bound: gate.bound.to_string(),
            over,
            window_s: gate.window.map(|window| window.as_secs()),
            abort_after_s: gate.abort_after.map(|after| after.as_secs_f64()),
        }
    }
}

impl TryFrom<Written> for Gate {
    type Error = WrittenError;

    fn try_from(written: Written) -> Result<Gate, WrittenError> {
        let metric = Metric::parse(&written.metric)?;
        let bound = GateBound::parse(metric.quantity(), &written.bound)?;
        let over = match written.over {
            WrittenOver::All => Over::All,
            WrittenOver::App(app) => Over::App(app),
            WrittenOver::Host(host) => Over::Host(host),
            WrittenOver::EachApp => Over::EachApp,
            WrittenOver::EachHost => Over::EachHost,
        };
        let abort = |seconds: f64| Duration::try_from_secs_f64(seconds).map_err(|_| WrittenError::Abort(seconds));
        let abort_after = written.abort_after_s.map(abort).transpose()?;
        Ok(Gate { metric, bound, over, window: written.window_s.map(Duration::from_secs), abort_after })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::metrics::sample::{answered, refused};

    /// The gate that a text such as `asr >= 99%` stands for.
    pub(in crate::metrics) fn gate(text: &str) -> Gate {
        let (metric, bound) = text.split_once(' ').unwrap();
        let metric = Metric::parse(metric).unwrap();
        let bound = GateBound::parse(metric.quantity(), bound).unwrap();
        Gate::new(metric, bound)
    }

    fn judge(text: &str, tally: &Tally) -> (Verdict, String) {
        let finding = gate(text).judge(&Tallies { all: tally, apps: vec![], hosts: vec![] });
        (finding.verdict, finding.actual)
    }

    fn tally() -> Tally {
        let mut tally = Tally::default();
        for cdr in (0..197).map(answered).chain((197..200).map(|index| refused(index, "USER_BUSY"))) {
            tally.offered(cdr.late());
            tally.record(&cdr);
        }
        tally
    }

    #[test]
    fn a_gate_tells_what_was_and_why() {
        let tally = tally();
        assert_eq!(judge("asr >= 98%", &tally), (Verdict::Passed, "98.5% (197 of 200)".to_owned()));
        assert_eq!(judge("asr >= 99%", &tally).0, Verdict::Failed);
        let finding = gate("asr >= 99%").judge(&Tallies { all: &tally, apps: vec![], hosts: vec![] });
        assert_eq!(finding.help, "most frequent: USER_BUSY (3)");
        assert_eq!(judge("setup_time.p95 < 250ms", &tally), (Verdict::Passed, "100ms".to_owned()));
        assert_eq!(judge("setup_time.p95 < 100ms", &tally).0, Verdict::Failed);
        assert_eq!(judge("cause.USER_BUSY == 3", &tally), (Verdict::Passed, "3".to_owned()));
        assert_eq!(judge("cause.CALL_REJECTED == 0", &tally), (Verdict::Passed, "0".to_owned()));
        assert_eq!(judge("mos.mean >= 4", &tally), (Verdict::Passed, "4.25".to_owned()));
        assert_eq!(judge("bert.sync_lost == 0", &tally), (Verdict::Passed, "0".to_owned()));
        assert_eq!(judge("seizure_fail_rate < 1.5%", &tally), (Verdict::Failed, "1.5% (3 of 200)".to_owned()));
    }

    #[test]
    fn what_was_never_measured_is_never_green() {
        let mut unanswered = Tally::default();
        unanswered.offered(Duration::ZERO);
        unanswered.record(&refused(0, "NO_ANSWER"));
        for (tally, help) in [(Tally::default(), "no call was offered"), (unanswered, "no call was answered")] {
            for text in ["setup_time.p95 < 250ms", "mos.mean > 1", "bert.sync_lost == 0", "acd < 1h", "rate < 9"] {
                let finding = gate(text).judge(&Tallies { all: &tally, apps: vec![], hosts: vec![] });
                assert_eq!((finding.verdict, &*finding.actual), (Verdict::Error, "nothing was measured"), "{text}");
                assert_eq!(finding.help, help, "{text}");
            }
        }
        assert_eq!(judge("asr >= 0%", &Tally::default()).0, Verdict::Error);
        assert_eq!(judge("cause.USER_BUSY == 0", &Tally::default()).0, Verdict::Error);
    }

    #[test]
    fn a_late_generator_is_an_error_and_no_failure_of_what_is_tested() {
        let mut tally = Tally::default();
        tally.offered(Duration::from_millis(300));
        let finding = gate("late_starts.p99 < 20ms").judge(&Tallies { all: &tally, apps: vec![], hosts: vec![] });
        assert_eq!((finding.verdict, &*finding.actual), (Verdict::Error, "300ms"));
        assert!(finding.help.starts_with("callwright itself was late"));
    }

    #[test]
    fn each_host_must_hold_and_the_worst_is_told() {
        let (good, mut bad) = (tally(), tally());
        (0..9).for_each(|index| bad.record(&refused(index, "CALL_REJECTED")));
        let each = Gate { over: Over::EachHost, ..gate("asr >= 98%") };
        let hosts = vec![("a", &good), ("b", &bad)];
        let finding = each.judge(&Tallies { all: &good, apps: vec![], hosts: hosts.clone() });
        assert_eq!((finding.verdict, &*finding.actual), (Verdict::Failed, "b: 94.258% (197 of 209)"));
        let none = each.judge(&Tallies { all: &good, apps: hosts.clone(), hosts: vec![] });
        assert_eq!(none.verdict, Verdict::Error);
        let one = Gate { over: Over::App("c".to_owned()), ..gate("asr >= 98%") };
        assert_eq!(one.judge(&Tallies { all: &good, apps: hosts, hosts: vec![] }).verdict, Verdict::Error);
    }

    #[test]
    fn a_gate_reads_back_from_json() {
        for over in [Over::All, Over::App("x".to_owned()), Over::EachHost] {
            let gate = Gate {
                over,
                window: Some(Duration::from_secs(10)),
                abort_after: Some(Duration::from_millis(1_500)),
                ..gate("setup_time.p99.9 < 250ms")
            };
            let json = serde_json::to_string(&gate).unwrap();
            assert_eq!(serde_json::from_str::<Gate>(&json).unwrap(), gate, "{json}");
        }
        let error = serde_json::from_str::<Gate>(r#"{"metric":"asr","bound":"< 2s"}"#).unwrap_err().to_string();
        assert!(error.starts_with("bound of a gate: `s` at byte 3"), "{error}");
    }
}
