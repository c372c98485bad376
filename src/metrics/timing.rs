//! The times that are taken of calls under load, and what is told of many of them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cdr, Distribution, Sketch};

/// A time that is taken of each call, or of each event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    SetupTime,
    Pdd,
    InviteLatency,
    AnswerLatency,
    OriginateLatency,
    TalkTime,
    Duration,
    LateStarts,
    EventLag,
}

impl Timing {
    pub const ALL: [Timing; 9] = [
        Timing::SetupTime,
        Timing::Pdd,
        Timing::InviteLatency,
        Timing::AnswerLatency,
        Timing::OriginateLatency,
        Timing::TalkTime,
        Timing::Duration,
        Timing::LateStarts,
        Timing::EventLag,
    ];

    /// Its name in gates and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Timing::SetupTime => "setup_time",
            Timing::Pdd => "pdd",
            Timing::InviteLatency => "invite_latency",
            Timing::AnswerLatency => "answer_latency",
            Timing::OriginateLatency => "originate_latency",
            Timing::TalkTime => "talk_time",
            Timing::Duration => "duration",
            Timing::LateStarts => "late_starts",
            Timing::EventLag => "event_lag",
        }
    }

    /// What it is, in a phrase.
    pub const fn doc(self) -> &'static str {
        match self {
            Timing::SetupTime => "INVITE to answer, of calls that were answered",
            Timing::Pdd => "post-dial delay: INVITE to the first of ringing, early media and answer",
            Timing::InviteLatency => "the INVITE's way: creation of the caller's session to that of the callee's",
            Timing::AnswerLatency => "the way back of the 200: answer of the callee to that of the caller",
            Timing::OriginateLatency => "launch of the originate to the first event of the caller's session",
            Timing::TalkTime => "answer to hangup",
            Timing::Duration => "INVITE to hangup",
            Timing::LateStarts => "how much later than due calls were launched",
            Timing::EventLag => "how old events of the hosts were when they reached us",
        }
    }

    /// This time of an ended call; `None` where it was not taken. Late starts and lag are told as they happen.
    pub fn of(self, cdr: &Cdr) -> Option<Duration> {
        match self {
            Timing::SetupTime => cdr.setup_time(),
            Timing::Pdd => cdr.post_dial_delay(),
            Timing::InviteLatency => cdr.invite_latency(),
            Timing::AnswerLatency => cdr.answer_latency(),
            Timing::OriginateLatency => cdr.originate_latency(),
            Timing::TalkTime => cdr.talk_time(),
            Timing::Duration => cdr.duration(),
            Timing::LateStarts | Timing::EventLag => None,
        }
    }
}

/// One figure of many values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    Min,
    Mean,
    Max,
    Sum,
    /// 0 to 100.
    Percentile(f64),
}

impl Statistic {
    /// All with their names.
    pub const ALL: [(&'static str, Statistic); 12] = [
        ("min", Statistic::Min),
        ("p1", Statistic::Percentile(1.0)),
        ("p5", Statistic::Percentile(5.0)),
        ("p10", Statistic::Percentile(10.0)),
        ("p50", Statistic::Percentile(50.0)),
        ("p90", Statistic::Percentile(90.0)),
        ("p95", Statistic::Percentile(95.0)),
        ("p99", Statistic::Percentile(99.0)),
        ("p99.9", Statistic::Percentile(99.9)),
        ("max", Statistic::Max),
        ("mean", Statistic::Mean),
        ("sum", Statistic::Sum),
    ];

    pub fn parse(name: &str) -> Option<Statistic> {
        Statistic::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, statistic)| statistic)
    }

    pub fn name(self) -> &'static str {
        // Values are made from the list only.
        Statistic::ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// This figure of `values`, in their whole units; `None` where there are none.
    pub fn of(self, values: &impl Spread) -> Option<f64> {
        match self {
            Statistic::Mean => values.mean(),
            Statistic::Min => values.min().map(|value| value as f64),
            Statistic::Max => values.max().map(|value| value as f64),
            Statistic::Sum => (values.count() > 0).then(|| values.sum() as f64),
            Statistic::Percentile(percent) => values.percentile(percent).map(|value| value as f64),
        }
    }
}

/// Many values, however they are kept.
pub trait Spread {
    fn count(&self) -> u64;
    fn min(&self) -> Option<i64>;
    fn max(&self) -> Option<i64>;
    fn mean(&self) -> Option<f64>;
    fn sum(&self) -> i64;
    fn percentile(&self, percent: f64) -> Option<i64>;
}

macro_rules! spread {
    ($($kept:ty),*) => {$(
        impl Spread for $kept {
            fn count(&self) -> u64 {
                <$kept>::count(self)
            }
            fn min(&self) -> Option<i64> {
                <$kept>::min(self)
            }
            fn max(&self) -> Option<i64> {
                <$kept>::max(self)
            }
            fn mean(&self) -> Option<f64> {
                <$kept>::mean(self)
            }
            fn sum(&self) -> i64 {
                <$kept>::sum(self)
            }
            fn percentile(&self, percent: f64) -> Option<i64> {
                <$kept>::percentile(self, percent)
            }
        }
    )*};
}
spread!(Distribution, Sketch);
