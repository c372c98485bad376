//! What a gate can be put on: the metrics of a load, by name.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::distribution::figure;
use super::{Counts, Statistic, Timing};
use crate::units::human;

/// A metric of a load.
#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    /// One that is known by name: a count, a ratio, a rate.
    Plain(&'static Plain),
    /// Calls that ended with a hangup cause: `cause.USER_BUSY`.
    Cause(String),
    /// `setup_time.p95`
    Time(Timing, Statistic),
    /// What checks measured: `mos.mean`; their sum without a statistic, as `bert.sync_lost`.
    Figure(String, Statistic),
}

/// A metric with a name of its own.
#[derive(Debug)]
pub struct Plain {
    pub name: &'static str,
    pub quantity: Quantity,
    pub doc: &'static str,
    pub extent: Extent,
    of: fn(&Counts, &Occupancy) -> Option<Value>,
}

impl PartialEq for Plain {
    fn eq(&self, other: &Plain) -> bool {
        self.name == other.name
    }
}

/// What a metric is measured in, and so the unit of its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// A whole number.
    Count,
    /// Percent.
    Ratio,
    Time,
    /// Any number; of figures the unit stands in the name.
    Number,
}

/// What a metric is known of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Of the load as a whole only.
    Load,
    /// Of each host too.
    Host,
    /// Of each app and each host too.
    Any,
}

/// The value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Count(u64),
    /// So many of so many; the second is not 0.
    Ratio(u64, u64),
    Time(Duration),
    Number(f64),
}

/// How many calls there were over a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Occupancy {
    /// Calls offered a second; `None` before any time has passed.
    pub rate: Option<f64>,
    pub erlangs: Option<f64>,
    pub peak_calls: u32,
    pub peak_sessions: u32,
}

/// Something that metrics are taken of: all calls, those of one app, those of some seconds.
pub trait Measured {
    fn counts(&self) -> &Counts;
    fn occupancy(&self) -> Occupancy;
    /// How many calls ended with a cause.
    fn cause(&self, cause: &str) -> u64;
    /// In microseconds; `None` where it was never taken.
    fn time(&self, timing: Timing, statistic: Statistic) -> Option<f64>;
    /// In thousandths; likewise.
    fn figure(&self, name: &str, statistic: Statistic) -> Option<f64>;
}

const fn plain(
    name: &'static str,
    quantity: Quantity,
    extent: Extent,
    of: fn(&Counts, &Occupancy) -> Option<Value>,
    doc: &'static str,
) -> Plain {
    Plain { name, quantity, doc, extent, of }
}

fn ratio(part: u64, whole: u64) -> Option<Value> {
    (whole > 0).then_some(Value::Ratio(part, whole))
}

use Extent::{Any, Host, Load};
use Quantity::{Count, Number, Ratio, Time};

/// The metrics with a name of their own.
pub const PLAIN: &[Plain] = &[
    plain("offered", Count, Any, |c, _| Some(Value::Count(c.offered)), "Calls that were launched."),
    plain("late", Count, Any, |c, _| Some(Value::Count(c.late)), "Calls launched more than 20 ms after they were due."),
    plain(
        "skipped",
        Count,
        Load,
        |c, _| Some(Value::Count(c.skipped_in_all())),
        "Calls that were due and not launched, for any reason.",
    ),
    plain(
        "skipped.limit",
        Count,
        Load,
        |c, _| Some(Value::Count(c.skipped_at_limit)),
        "Calls that were due and not launched, because the limit was reached.",
    ),
    plain("ended", Count, Any, |c, _| Some(Value::Count(c.ended)), "Calls that ended."),
    plain(
        "seized",
        Count,
        Any,
        |c, _| Some(Value::Count(c.seized)),
        "Ended calls for which the switch made a session.",
    ),
    plain("answered", Count, Any, |c, _| Some(Value::Count(c.answered)), "Ended calls that were answered."),
    plain("failed", Count, Any, |c, _| Some(Value::Count(c.failed())), "Ended calls that did not pass."),
    plain(
        "checks_failed",
        Count,
        Any,
        |c, _| Some(Value::Count(c.checks_failed)),
        "Ended calls a check of which failed.",
    ),
    plain("errors", Count, Any, |c, _| Some(Value::Count(c.errors)), "Ended calls of which we could not find out."),
    plain(
        "asr",
        Ratio,
        Any,
        |c, _| ratio(c.answered, c.seized),
        "Answer seizure ratio (ITU-T E.411): answered calls of those for which the switch made a session.",
    ),
    plain(
        "seizure_fail_rate",
        Ratio,
        Any,
        |c, _| ratio(c.unanswered(), c.ended),
        "Calls that ended without an answer, of all offered ones that ended.",
    ),
    plain("passed", Ratio, Any, |c, _| ratio(c.passed, c.ended), "Calls that passed, of those that ended."),
    plain(
        "acd",
        Time,
        Any,
        |c, _| c.acd().map(Value::Time),
        "Average call duration: talk time of all calls by the number of answered ones.",
    ),
    plain("rate", Number, Any, |_, o| o.rate.map(Value::Number), "Calls offered a second, while they were offered."),
    plain("erlangs", Number, Load, |_, o| o.erlangs.map(Value::Number), "Mean number of calls in progress."),
    plain(
        "active.max",
        Count,
        Load,
        |_, o| Some(Value::Count(u64::from(o.peak_calls))),
        "The most calls in progress at a time.",
    ),
    plain(
        "sessions.max",
        Count,
        Load,
        |_, o| Some(Value::Count(u64::from(o.peak_sessions))),
        "The most sessions on all hosts at a time.",
    ),
];

/// Last words of figures that count something: without a statistic, their sum is meant.
pub const COUNTING: [&str; 6] = ["sync_lost", "timeout", "in_sync", "gaps", "repeats", "err_samples"];

/// Why a name is no metric.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    #[error("unknown metric `{0}`")]
    Unknown(String),
    #[error("`{0}` of many calls needs a statistic")]
    NoStatistic(String),
    #[error("`{0}` cannot be in the name of a metric")]
    Character(char),
}

impl Metric {
    /// Reads the name of a metric.
    ///
    /// Names of figures are open: any word with a statistic behind it is one, `mos.mean`.
    pub fn parse(name: &str) -> Result<Metric, MetricError> {
        if let Some(plain) = PLAIN.iter().find(|plain| plain.name == name) {
            return Ok(Metric::Plain(plain));
        }
        if let Some(c) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"_.".contains(*c)) {
            return Err(MetricError::Character(c));
        }
        let unknown = || Err(MetricError::Unknown(name.to_owned()));
        match name.split_once('.') {
            Some(("cause", cause)) if !cause.is_empty() => return Ok(Metric::Cause(cause.to_owned())),
            Some(("cause", _)) => return unknown(),
            _ => {}
        }
        let with_statistic = Statistic::ALL
            .into_iter()
            .find_map(|(word, statistic)| Some((name.strip_suffix(word)?.strip_suffix('.')?, statistic)));
        let timing = |name: &str| Timing::ALL.into_iter().find(|timing| timing.name() == name);
        if timing(name).is_some() {
            return Err(MetricError::NoStatistic(name.to_owned()));
        }
        let Some((of, statistic)) = with_statistic else {
            let last = name.rsplit('.').next().unwrap_or_default();
            if (COUNTING.contains(&last) || last.ends_with("_count")) && is_figure(name) {
                return Ok(Metric::Figure(name.to_owned(), Statistic::Sum));
            }
            return unknown();
        };
        match timing(of) {
            // The sum of times has a name of its own where it means something: talk time is erlangs.
            Some(_) if statistic == Statistic::Sum => unknown(),
            Some(timing) => Ok(Metric::Time(timing, statistic)),
            None if is_figure(of) => Ok(Metric::Figure(of.to_owned(), statistic)),
            None => unknown(),
        }
    }

    /// Its name, as [`parse`](Self::parse) reads it.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Metric::Plain(plain) => plain.name.into(),
            Metric::Cause(cause) => format!("cause.{cause}").into(),
            Metric::Time(timing, statistic) => format!("{}.{}", timing.name(), statistic.name()).into(),
            // Counting figures are read without it.
            Metric::Figure(name, Statistic::Sum) if Metric::parse(name).is_ok() => name.clone().into(),
            Metric::Figure(name, statistic) => format!("{name}.{}", statistic.name()).into(),
        }
    }

    pub fn quantity(&self) -> Quantity {
        match self {
            Metric::Plain(plain) => plain.quantity,
            Metric::Cause(_) => Count,
            Metric::Time(..) => Time,
            Metric::Figure(..) => Number,
        }
    }

    pub fn doc(&self) -> String {
        match self {
            Metric::Plain(plain) => plain.doc.to_owned(),
            Metric::Cause(cause) => format!("Calls that ended with {cause}."),
            Metric::Time(timing, statistic) => format!("The {} of: {}.", statistic.name(), timing.doc()),
            Metric::Figure(name, statistic) => format!("The {} of what checks measured as {name}.", statistic.name()),
        }
    }

    /// What it is known of.
    pub fn extent(&self) -> Extent {
        match self {
            Metric::Plain(plain) => plain.extent,
            Metric::Time(Timing::EventLag, _) => Host,
            _ => Any,
        }
    }

    /// It tells of us who make the load, and not of what is tested by it.
    pub fn is_of_the_generator(&self) -> bool {
        match self {
            Metric::Time(timing, _) => *timing == Timing::LateStarts,
            Metric::Plain(plain) => plain.name == "late",
            _ => false,
        }
    }

    /// It tells of the offering of calls, and so nothing after the last was offered.
    pub(super) fn is_of_the_offering(&self) -> bool {
        self.is_of_the_generator() || matches!(self, Metric::Plain(plain) if ["offered", "rate"].contains(&plain.name))
    }

    /// It only ever grows while the load runs.
    pub(super) fn grows(&self) -> bool {
        match self {
            Metric::Plain(plain) => plain.quantity == Count,
            Metric::Cause(_) => true,
            Metric::Time(_, statistic) | Metric::Figure(_, statistic) => {
                matches!(statistic, Statistic::Max | Statistic::Sum)
            }
        }
    }

    /// Its value; `None` where nothing was measured.
    pub fn of(&self, measured: &impl Measured) -> Option<Value> {
        match self {
            Metric::Plain(plain) => (plain.of)(measured.counts(), &measured.occupancy()),
            Metric::Cause(cause) => (measured.counts().ended > 0).then(|| Value::Count(measured.cause(cause))),
            Metric::Time(timing, statistic) => {
                let micros = measured.time(*timing, *statistic)?;
                // A time is not below 0; `as` saturates.
                Some(Value::Time(Duration::from_micros(micros.round() as u64)))
            }
            Metric::Figure(name, statistic) => Some(Value::Number(figure(measured.figure(name, *statistic)?))),
        }
    }

    /// Names that could be meant: all that are not open.
    pub fn names() -> Vec<String> {
        let times = Timing::ALL.into_iter().flat_map(|timing| {
            let of = Statistic::ALL.into_iter().filter(|(_, statistic)| *statistic != Statistic::Sum);
            of.map(move |(word, _)| format!("{}.{word}", timing.name()))
        });
        PLAIN.iter().map(|plain| plain.name.to_owned()).chain(times).collect()
    }
}

/// Words joined by points: `caller.heard.level_dbm0`.
fn is_figure(name: &str) -> bool {
    name.split('.').all(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
}

impl Value {
    /// In seconds, percent or as the plain number.
    pub fn number(self) -> f64 {
        match self {
            Value::Count(count) => count as f64,
            Value::Ratio(part, whole) => part as f64 * 100.0 / whole as f64,
            Value::Time(time) => time.as_secs_f64(),
            Value::Number(number) => number,
        }
    }
}

impl fmt::Display for Value {
    /// `98.5% (197 of 200)`, `312ms`, `12`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Count(count) => write!(f, "{count}"),
            Value::Ratio(part, whole) => write!(f, "{}% ({part} of {whole})", decimals(self.number())),
            Value::Time(time) => f.write_str(&human(*time)),
            Value::Number(number) => f.write_str(&decimals(*number)),
        }
    }
}

/// At most three digits behind the point, and no zeros at the end.
fn decimals(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        let open = ["cause.USER_BUSY", "mos.mean", "caller.heard.level_dbm0.p99.9", "bert.sync_lost", "x.rtp_count"];
        for name in Metric::names().iter().map(String::as_str).chain(open) {
            let metric = Metric::parse(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(metric.name(), name);
            assert!(metric.doc().ends_with('.'), "{name}");
        }
        assert_eq!(Metric::parse("bert.sync_lost.max").unwrap().name(), "bert.sync_lost.max");
        assert_eq!(Metric::parse("digits.sum").unwrap().name(), "digits.sum");
    }

    #[test]
    fn what_is_no_metric_is_told() {
        let told = |name: &str| Metric::parse(name).unwrap_err().to_string();
        assert_eq!(told("asrr"), "unknown metric `asrr`");
        assert_eq!(told("setup_time"), "`setup_time` of many calls needs a statistic");
        assert_eq!(told("setup_time.sum"), "unknown metric `setup_time.sum`");
        for bad in ["", ".", ".mean", "mos.", "cause.", "a..mean", "1.mean", "mos.p42", "_count"] {
            assert!(Metric::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(told("mos mean"), "` ` cannot be in the name of a metric");
    }

    #[test]
    fn values_read_as_a_person_would_write_them() {
        let values =
            [Value::Ratio(197, 200), Value::Ratio(1, 3), Value::Count(7), Value::Number(29.97), Value::Number(0.0)];
        assert_eq!(
            values.map(|value| value.to_string()),
            ["98.5% (197 of 200)", "33.333% (1 of 3)", "7", "29.97", "0"]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_name_panics(name in "[a-zA-Z_.0-9]{0,20}|.{0,8}") {
            if let Ok(metric) = Metric::parse(&name) {
                proptest::prop_assert_eq!(Metric::parse(&metric.name()), Ok(metric));
            }
        }
    }
}
