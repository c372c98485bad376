//! The charts of a load.

use std::time::Duration;

use super::{LoadCurves, Topic};
use crate::report::chart::{Chart, Mark, Series, Unit};
use crate::units::human;

impl LoadCurves {
    /// The charts of these topics, in the order of [`Topic::ALL`].
    pub fn charts(&self, topics: &[Topic]) -> Vec<Chart> {
        let asked = Topic::ALL.into_iter().filter(|topic| topics.contains(topic));
        asked.filter_map(|topic| self.chart(topic)).collect()
    }

    /// `None` for one that is not told of every load, and not of this one.
    fn chart(&self, topic: Topic) -> Option<Chart> {
        let series: Vec<Series> =
            self.curves.iter().filter(|(of, _)| *of == topic).map(|(_, series)| series.clone()).collect();
        if series.is_empty() && topic.is_optional() {
            return None;
        }
        let width = series.iter().find_map(|series| match series.mark {
            Mark::Stack { width } => Duration::try_from_secs_f64(width).ok(),
            _ => None,
        });
        let calls = |name: &str| Unit::Count(name.to_owned());
        let left = match topic {
            Topic::Active => calls("calls, sessions"),
            Topic::Failures => {
                Unit::Count(width.map_or_else(String::new, |width| format!("calls in {}", human(width))))
            }
            Topic::Rate => Unit::PerSecond,
            Topic::Cpu => Unit::Percent,
            Topic::Memory => Unit::Bytes,
            _ => Unit::Seconds,
        };
        let title = match topic {
            Topic::SetupTime => "Setup time: INVITE to answer",
            Topic::PostDialDelay => "Post-dial delay: INVITE to ringing, early media or answer",
            Topic::InviteLatency => "Invite latency: the caller's session to the callee's",
            Topic::AnswerLatency => "Answer latency: the callee's answer to the caller's",
            Topic::OriginateLatency => "Originate latency: launch to the first event",
            Topic::Active => "Calls at once, and failures so far",
            Topic::Failures => "Failed calls by cause",
            Topic::Rate => "Call rate",
            Topic::LateStarts => "Late starts: launch after the due time",
            Topic::Cpu => "CPU of the hosts",
            Topic::Memory => "Memory of the hosts",
        };
        Some(Chart {
            title: title.to_owned(),
            seconds: self.seconds,
            left,
            right: calls("failed"),
            empty: self.empty(topic).to_owned(),
            series,
        })
    }

    /// Why there is no curve.
    fn empty(&self, topic: Topic) -> &'static str {
        match topic {
            _ if self.calls.offered == 0 => "there was no call",
            Topic::SetupTime | Topic::AnswerLatency if self.calls.answered == 0 => "no call was answered",
            Topic::PostDialDelay => "no call rang or was answered",
            Topic::InviteLatency | Topic::AnswerLatency => {
                "no call had both its legs on one host, by whose clock this is taken"
            }
            Topic::OriginateLatency => "of no call an event came",
            Topic::Failures => "no call failed",
            Topic::Rate => "it takes two calls to have a rate",
            _ => "nothing was measured",
        }
    }
}
