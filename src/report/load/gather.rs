//! Curves from call detail records, in memory that does not grow with their number.

use std::collections::BTreeMap;
use std::time::Duration;

use super::columns::{Columns, Content};
use super::launches::{Launch, Launches, MEAN};
use super::sketch::Sketch;
use super::{Calls, LoadCurves, Topic};
use crate::metrics::Cdr;
use crate::report::chart::{Mark, Series};
use crate::units::Time;
use crate::verdict::Verdict;

impl LoadCurves {
    /// From the records of calls in any order. Where there are few, each call is shown; where there are many, quantiles
    /// of those that were launched in the same column of time. Quantiles are within 1 %.
    pub fn from_cdrs(cdrs: impl Iterator<Item = Cdr>) -> LoadCurves {
        let mut gathered = Gathered::default();
        cdrs.for_each(|cdr| gathered.record(&cdr));
        gathered.finish()
    }
}

/// So many calls are shown each.
const FEW: usize = 1500;
/// A column has so many calls, on average.
const CALLS_OF_COLUMN: u64 = 20;
/// Columns there are at least, as far as the records allow.
const COLUMNS: usize = 40;
/// Causes that are told apart, at most; and those of them that are drawn.
const CAUSES: usize = 64;
const DRAWN_CAUSES: usize = 7;
const OTHER: &str = "other causes";

type Measure = fn(&Cdr) -> Option<Duration>;

/// Latencies, and how late calls were launched.
const LATENCIES: [(Topic, &str, Measure); 6] = [
    (Topic::SetupTime, "setup time", Cdr::setup_time),
    (Topic::PostDialDelay, "post-dial delay", Cdr::post_dial_delay),
    (Topic::InviteLatency, "invite latency", Cdr::invite_latency),
    (Topic::AnswerLatency, "answer latency", Cdr::answer_latency),
    (Topic::OriginateLatency, "originate latency", Cdr::originate_latency),
    (Topic::LateStarts, "late start", |cdr| Some(cdr.late())),
];

#[derive(Default)]
struct Gathered {
    calls: Calls,
    /// First due, first and last launch, last end.
    times: Option<[Time; 4]>,
    columns: Columns<Column>,
    launches: Launches,
    latencies: [Sketch; 6],
    talk: Sketch,
    /// Calls by themselves, until there are too many.
    few: Vec<Seen>,
    few_launches: Vec<Launch>,
    causes: BTreeMap<String, u64>,
}

impl Default for Columns<Column> {
    fn default() -> Self {
        Columns::new()
    }
}

/// Calls that were launched, or that ended, in the same column.
#[derive(Clone, Debug, Default)]
struct Column {
    latencies: [Sketch; 6],
    active: u32,
    sessions: u32,
    rate: Option<(f64, f64)>,
    mean: Option<(f64, f64)>,
    /// Of those that ended: how many calls had failed by then, and how many failed here, by cause.
    failed: Option<u64>,
    causes: BTreeMap<String, u64>,
}

/// What is drawn of a call by itself.
struct Seen {
    launched: Time,
    latencies: [Option<Duration>; 6],
    active: u32,
    sessions: u32,
    ended: Time,
    failed: u64,
}

fn wider(range: Option<(f64, f64)>, (low, high): (f64, f64)) -> Option<(f64, f64)> {
    Some(range.map_or((low, high), |range| (range.0.min(low), range.1.max(high))))
}

impl Content for Column {
    fn merge(&mut self, other: Column) {
        for (sketch, more) in self.latencies.iter_mut().zip(other.latencies) {
            sketch.merge(more);
        }
        self.active = self.active.max(other.active);
        self.sessions = self.sessions.max(other.sessions);
        self.rate = other.rate.map_or(self.rate, |range| wider(self.rate, range));
        self.mean = other.mean.map_or(self.mean, |range| wider(self.mean, range));
        self.failed = self.failed.max(other.failed);
        for (cause, count) in other.causes {
            *self.causes.entry(cause).or_default() += count;
        }
    }
}

impl Gathered {
    fn record(&mut self, cdr: &Cdr) {
        self.calls.offered += 1;
        self.calls.answered += u64::from(cdr.is_answered());
        self.calls.active = self.calls.active.max(cdr.active);
        self.calls.sessions = self.calls.sessions.max(cdr.sessions);
        let [due, first, last, ended] = self.times.unwrap_or([cdr.due, cdr.launched, cdr.launched, cdr.ended]);
        let latest = ended.max(cdr.ended).max(cdr.launched);
        self.times = Some([due.min(cdr.due), first.min(cdr.launched), last.max(cdr.launched), latest]);
        let latencies = LATENCIES.map(|(_, _, latency)| latency(cdr));
        let column = self.columns.at(cdr.launched);
        (column.active, column.sessions) = (column.active.max(cdr.active), column.sessions.max(cdr.sessions));
        let both = self.latencies.iter_mut().zip(&mut column.latencies);
        for ((all, of_column), latency) in both.zip(&latencies) {
            latency.iter().for_each(|latency| {
                all.record(*latency);
                of_column.record(*latency);
            });
        }
        if let Some(talk) = cdr.talk_time() {
            self.talk.record(talk);
        }
        let column = self.columns.at(cdr.ended);
        column.failed = column.failed.max(Some(cdr.failed));
        if matches!(cdr.verdict, Verdict::Failed | Verdict::Error) {
            self.calls.failed += 1;
            let cause = cause(cdr);
            let known = self.causes.len() < CAUSES || self.causes.contains_key(&cause);
            let cause = if known { cause } else { OTHER.to_owned() };
            *column.causes.entry(cause.clone()).or_default() += 1;
            *self.causes.entry(cause).or_default() += 1;
        }
        if self.few.len() <= FEW {
            let Cdr { launched, active, sessions, ended, failed, .. } = *cdr;
            self.few.push(Seen { launched, latencies, active, sessions, ended, failed });
        }
        if let Some(launch) = self.launches.push(cdr.launched) {
            self.launched(launch);
        }
    }

    fn launched(&mut self, launch: Launch) {
        let column = self.columns.at(launch.at);
        column.rate = wider(column.rate, (launch.rate, launch.rate));
        column.mean = launch.mean.map_or(column.mean, |mean| wider(column.mean, (mean, mean)));
        if self.few_launches.len() <= FEW {
            self.few_launches.push(launch);
        }
    }

    fn finish(mut self) -> LoadCurves {
        let Some([started, first, last, ended]) = self.times else { return LoadCurves::default() };
        let mut launches = std::mem::take(&mut self.launches);
        launches.finish().for_each(|launch| self.launched(launch));
        let launched = last.since(first).as_secs_f64();
        let gaps = (self.calls.offered - 1) as f64;
        self.calls.rate = (launched > 0.0).then(|| gaps / launched);
        self.columns.limit(COLUMNS.max(usize::try_from(self.calls.offered / CALLS_OF_COLUMN).unwrap_or(usize::MAX)));

        let names = LATENCIES.iter().map(|(_, name, _)| *name);
        let spreads = names.zip(&self.latencies).chain([("talk time", &self.talk)]);
        let spreads = spreads.filter_map(|(name, sketch)| sketch.spread(name)).collect();
        let seconds = |time: Time| time.since(started).as_secs_f64();
        let curves = if self.few.len() <= FEW { self.each(&seconds) } else { self.quantiles(started) };
        let mut curves: Vec<(Topic, Series)> = curves.into_iter().chain(self.failures(started)).collect();
        curves.retain(|(_, series)| !series.points.is_empty());
        LoadCurves { seconds: seconds(ended), calls: self.calls, spreads, curves }
    }

    /// Every call.
    fn each(&mut self, seconds: &dyn Fn(Time) -> f64) -> Vec<(Topic, Series)> {
        self.few.sort_by_key(|seen| seen.launched);
        let mut curves = Vec::new();
        for (index, (topic, _, _)) in LATENCIES.into_iter().enumerate() {
            let point = |seen: &Seen| Some((seconds(seen.launched), seen.latencies[index]?.as_secs_f64()));
            curves.push((topic, Series::new("each call", Mark::Dots, self.few.iter().filter_map(point).collect())));
        }
        let gauge = |name, value: fn(&Seen) -> u32| {
            let points = self.few.iter().map(|seen| (seconds(seen.launched), f64::from(value(seen))));
            (Topic::Active, Series::new(name, Mark::Line, points.collect()))
        };
        curves.extend([gauge(CALLS, |seen| seen.active), gauge(SESSIONS, |seen| seen.sessions)]);
        // As the calls ended, one after the other.
        self.few.sort_by_key(|seen| (seen.ended, seen.failed));
        let failed = self.few.iter().map(|seen| (seconds(seen.ended), seen.failed as f64));
        curves.push(failures_so_far(failed.collect()));
        let rates = self.few_launches.iter().map(|launch| (seconds(launch.at), launch.rate));
        let means = self.few_launches.iter().filter_map(|launch| Some((seconds(launch.at), launch.mean?)));
        curves.extend(self.rates(rates.collect(), means.collect()));
        curves
    }

    /// Quantiles of columns.
    fn quantiles(&self, started: Time) -> Vec<(Topic, Series)> {
        let mut curves = Vec::new();
        const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("max", 1.0)];
        for (index, (topic, _, _)) in LATENCIES.into_iter().enumerate() {
            for (name, part) in QUANTILES {
                let points = self.points(started, |column| column.latencies[index].quantile(part));
                curves.push((topic, Series::new(name, Mark::Line, points)));
            }
        }
        let gauge = |name, value: fn(&Column) -> u32| {
            // A column in which calls only ended knows nothing of how many there were.
            let known = |column: &Column| (column.active > 0).then(|| f64::from(value(column)));
            (Topic::Active, Series::new(name, Mark::Line, self.points(started, known)))
        };
        curves.extend([gauge(CALLS, |column| column.active), gauge(SESSIONS, |column| column.sessions)]);
        let failed = |(place, column): (u64, &Column)| Some((self.middle(place, started), column.failed? as f64));
        curves.push(failures_so_far(self.columns.iter().filter_map(failed).collect()));
        curves.extend(
            self.rates(self.extremes(started, |column| column.rate), self.extremes(started, |column| column.mean)),
        );
        curves
    }

    fn rates(&self, each: Vec<(f64, f64)>, mean: Vec<(f64, f64)>) -> [(Topic, Series); 2] {
        // What stands alone is the chart, not its backdrop.
        let mark = if mean.is_empty() { Mark::Line } else { Mark::Backdrop };
        let mean = Series::new(format!("mean of {MEAN} calls"), Mark::Line, mean);
        [(Topic::Rate, mean), (Topic::Rate, Series::new("each call: 1 / gap to the one before", mark, each))]
    }

    fn failures(&self, started: Time) -> Vec<(Topic, Series)> {
        let left = |place: u64| self.middle(place, started) - self.columns.width().as_secs_f64() / 2.0;
        let mut curves = Vec::new();
        let mut causes: Vec<(&String, &u64)> = self.causes.iter().filter(|(cause, _)| *cause != OTHER).collect();
        causes.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let drawn: Vec<&String> = causes.iter().take(DRAWN_CAUSES).map(|(cause, _)| *cause).collect();
        let mark = Mark::Stack { width: self.columns.width().as_secs_f64() };
        let stacked = |name: &str, counts: &dyn Fn(&str) -> bool| {
            let points = self.columns.iter().filter_map(|(place, column)| {
                let count: u64 = column.causes.iter().filter(|(cause, _)| counts(cause)).map(|(_, count)| count).sum();
                (count > 0).then(|| (left(place).max(0.0), count as f64))
            });
            let points: Vec<(f64, f64)> = points.collect();
            let all: f64 = points.iter().map(|point| point.1).sum();
            (Topic::Failures, Series::new(format!("{name}: {all}"), mark, points))
        };
        curves.extend(drawn.iter().map(|cause| stacked(cause, &|other| other == cause.as_str())));
        curves.push(stacked(OTHER, &|other| !drawn.iter().any(|cause| cause.as_str() == other)));
        curves
    }

    /// A value of each column, with a gap where a column has none.
    fn points(&self, started: Time, value: impl Fn(&Column) -> Option<f64>) -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        let mut before = None;
        for (place, column) in self.columns.iter() {
            let Some(value) = value(column) else { continue };
            if before.is_some_and(|before| before + 1 < place) {
                points.push((self.middle(place - 1, started), f64::NAN));
            }
            points.push((self.middle(place, started), value));
            before = Some(place);
        }
        points
    }

    /// Both ends of the range that each column has, the one first that is nearer to what was before.
    fn extremes(&self, started: Time, range: fn(&Column) -> Option<(f64, f64)>) -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        let quarter = self.columns.width().as_secs_f64() / 4.0;
        for (place, column) in self.columns.iter() {
            let Some((low, high)) = range(column) else { continue };
            let before = points.last().map_or(low, |point| point.1);
            let (first, second) = if (before - low).abs() <= (before - high).abs() { (low, high) } else { (high, low) };
            let middle = self.middle(place, started);
            points.extend([((middle - quarter).max(0.0), first), (middle + quarter, second)]);
        }
        points
    }

    /// The middle of a column, in seconds of the load.
    fn middle(&self, place: u64, started: Time) -> f64 {
        let width = self.columns.width().as_micros() as f64;
        ((place as f64 + 0.5) * width - started.as_micros() as f64).max(0.0) / 1e6
    }
}

fn failures_so_far(points: Vec<(f64, f64)>) -> (Topic, Series) {
    (Topic::Active, Series::new("calls failed so far", Mark::Line, points).right())
}

const CALLS: &str = "calls at once (Erlangs)";
const SESSIONS: &str = "sessions";

/// Why a call failed, so that calls that failed alike have the same.
fn cause(cdr: &Cdr) -> String {
    match (cdr.hangup_cause.as_str(), cdr.sip_code) {
        ("NORMAL_CLEARING" | "", _) => "a check did not hold".to_owned(),
        (cause, Some(code @ 300..)) => format!("{cause} ({code})"),
        (cause, _) => cause.to_owned(),
    }
}
