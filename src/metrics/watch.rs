//! Gates while the load runs: which of them is broken for so long that there is no use in going on.

use std::time::Duration;

use super::{Book, Finding, Gate};
use crate::units::Time;
use crate::verdict::Verdict;

/// Since when gates are broken.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    /// For each gate of the book, by its place.
    since: Vec<Option<Time>>,
}

/// A gate that ends the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its place among the gates of the book.
    pub gate: usize,
    pub finding: Finding,
    /// Since when it was seen broken.
    pub since: Time,
}

impl Gates {
    /// Looks at all gates, as often as it is asked, once a second say; gives the first that is broken for as long as
    /// it may be. What was not measured yet is not broken, nor what more calls can still make right.
    pub fn poll(&mut self, now: Time, book: &Book) -> Option<Broken> {
        self.since.resize(book.gates().len(), None);
        let mut over = None;
        for (index, (gate, since)) in book.gates().iter().zip(&mut self.since).enumerate() {
            let Some(after) = gate.abort_after else { continue };
            match gate.broken_now(book) {
                None => *since = None,
                Some(finding) => {
                    let since = *since.get_or_insert(now);
                    if now.since(since) >= after && over.is_none() {
                        over = Some(Broken { gate: index, finding, since });
                    }
                }
            }
        }
        over
    }
}

impl Gate {
    /// What is wrong now, if anything is that further calls cannot make right by themselves.
    pub fn broken_now(&self, book: &Book) -> Option<Finding> {
        let mut readings = self.readings_now(book);
        readings.retain(|reading| reading.value.is_some_and(|value| !self.may_still_hold(value)));
        (!readings.is_empty()).then(|| self.judge_readings(&readings))
    }
}

impl Finding {
    /// Whether the generator of the load kept up with its pace: its own finding, never one of what is tested.
    pub fn of_the_generator(all: &super::Tally) -> Finding {
        let late = all.times.get(&super::Timing::LateStarts).and_then(|late| late.percentile(99.0));
        let late = late.map(|micros| Duration::from_micros(micros.unsigned_abs()));
        let (behind, hostless) = (all.counts.skipped_behind, all.counts.skipped_without_host);
        let left_out = behind + hostless;
        let limit = crate::units::human(MAX_LATE);
        let expected = format!("late_starts.p99 <= {limit} and no call left out");
        let name = "the generator kept up".to_owned();
        let Some(late) = late else {
            let actual = match left_out {
                0 => "no call was offered".to_owned(),
                _ => format!("no call was offered, {left_out} left out"),
            };
            return Finding { name, verdict: Verdict::Error, expected, actual, help: String::new() };
        };
        let holds = left_out == 0 && late <= MAX_LATE;
        let actual = format!("late_starts.p99 {}, {left_out} left out", crate::units::human(late));
        let help = match (holds, hostless) {
            (true, _) => String::new(),
            (false, 1..) => format!("for {hostless} calls no host was there"),
            (false, _) => {
                "the load was not what was asked for, so that its figures say little: take fewer calls a second, \
                           a faster machine, or several"
                    .to_owned()
            }
        };
        let verdict = if holds { Verdict::Passed } else { Verdict::Error };
        Finding { name, verdict, expected, actual, help }
    }
}

/// 99 % of the calls are launched no later than this after they were due.
pub const MAX_LATE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::gate::tests::gate;
    use crate::metrics::sample::{START, answered, refused};
    use crate::metrics::{Cdr, Skip, Tally};

    const S: Duration = Duration::from_secs(1);

    fn second(number: u32) -> Time {
        START + S * number
    }

    fn ended(cdr: Cdr, at: Time) -> Cdr {
        Cdr { ended: at, ..cdr }
    }

    /// A load that fails from the second 10 on.
    fn rig(gate: Gate) -> (Book, Option<(u32, Broken)>) {
        let mut book = Book::new(START, vec![gate]);
        let mut gates = Gates::default();
        let mut broken = None;
        for number in 0..30 {
            let cdr = if number < 10 { answered(0) } else { refused(0, "USER_BUSY") };
            book.offered(second(number), Duration::ZERO, "bert", "local");
            book.record(&ended(cdr, second(number) + S / 2));
            book.advance(second(number + 1));
            if let Some(found) = gates.poll(second(number + 1), &book)
                && broken.is_none()
            {
                broken = Some((number + 1, found));
            }
        }
        (book, broken)
    }

    #[test]
    fn a_gate_stops_the_load_only_after_its_grace() {
        let (_, broken) = rig(Gate { abort_after: Some(S * 5), ..gate("asr >= 75%") });
        let (at, broken) = broken.unwrap();
        // 10 of 14 is the first below.
        assert_eq!((at, broken.since), (19, second(14)));
        assert_eq!(broken.finding.actual, "52.632% (10 of 19)");
        assert_eq!(rig(gate("asr >= 75%")).1, None);
    }

    #[test]
    fn a_window_breaks_as_soon_as_it_is_bad_itself() {
        let windowed = Gate { abort_after: Some(Duration::ZERO), window: Some(S * 2), ..gate("asr >= 75%") };
        let (book, broken) = rig(windowed.clone());
        assert_eq!(broken.unwrap().0, 11);
        let finding = windowed.evaluate(&book);
        assert_eq!((finding.verdict, &*finding.actual), (Verdict::Failed, "0% (0 of 2) from 10s to 12s"));
    }

    #[test]
    fn what_more_calls_can_make_right_does_not_stop_the_load() {
        let abort = |text: &str| Gate { abort_after: Some(Duration::ZERO), ..gate(text) };
        assert_eq!(rig(abort("offered >= 1000")).1, None);
        assert_eq!(rig(abort("mos.mean >= 5")).1.unwrap().0, 1);
        assert_eq!(rig(abort("level.mean >= 5")).1, None);
        assert_eq!(rig(abort("cause.USER_BUSY == 0")).1.unwrap().0, 11);
    }

    #[test]
    fn a_generator_that_was_late_or_left_calls_out_is_an_error() {
        let finding = |late_ms: u64, skips: &[Skip]| {
            let mut tally = Tally::default();
            tally.offered(Duration::from_millis(late_ms));
            skips.iter().for_each(|why| tally.skipped(*why));
            Finding::of_the_generator(&tally)
        };
        assert_eq!(finding(3, &[Skip::Limit]).verdict, Verdict::Passed);
        assert_eq!(finding(21, &[]).verdict, Verdict::Error);
        assert_eq!(finding(3, &[Skip::Behind]).actual, "late_starts.p99 3ms, 1 left out");
        assert_eq!(finding(3, &[Skip::Behind]).verdict, Verdict::Error);
        assert_eq!(finding(3, &[Skip::NoHost]).verdict, Verdict::Error);
        assert_eq!(Finding::of_the_generator(&Tally::default()).verdict, Verdict::Error);
    }
}
