//! `bert`: what the bit error test of a leg found.

use super::{Check, CheckKey, Facts};
use crate::bound::Bound;
use crate::scenario::mapping::{mapping, optional};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, LegOutcome, Outcome};
use crate::scenario::scalar::{boolean, bound, count};
use crate::scenario::shape::{Placed, Shape};
use crate::scenario::step::bert::{EVENTS, IN_SYNC, LOST_SYNC, TIMED_OUT};
use crate::scenario::witness::Witnessed;
use crate::units::Percent;

/// The test of a leg went as asked, by what mod_bert told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bert {
    pub leg: Leg,
    pub wanted: Wanted,
}

/// What is asked of a test. mod_bert gives figures of those windows that lost sync, and of no others.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Whether it came into sync and kept it.
    sync: Option<bool>,
    /// Wrong samples of all windows that lost sync.
    err_samples: Option<Bound<u64>>,
    /// Wrong samples of the worst window that lost sync.
    sync_lost_percent: Option<Bound<Percent>>,
    sync_lost_count: Option<Bound<u64>>,
    /// Frames in which nothing came, before sync was lost.
    cng_count: Option<Bound<u64>>,
}

/// What mod_bert::lost_sync tells.
const FIGURES: [&str; 4] = ["sync_lost_count", "sync_lost_percent", "err_samples", "cng_count"];

/// What a test told.
#[derive(Debug, Default)]
struct Told {
    in_sync: u64,
    timeouts: u64,
    lost: u64,
    worst: f64,
    err_samples: u64,
    cng: u64,
}

struct Keys {
    caller: Option<Placed<Wanted>>,
    callee: Option<Placed<Wanted>>,
}

pub(super) fn key() -> CheckKey {
    let shape = mapping!(Keys {
        caller: optional("caller", wanted().placed(), "What the caller's test must find."),
        callee: optional("callee", wanted().placed(), "What the callee's test must find."),
    })
    .at_least_one(&["caller", "callee"], "no leg is named")
    .map(|Keys { caller, callee }| {
        let placed = |leg, wanted: Option<Placed<Wanted>>| {
            wanted.map(|Placed { value, place, span }| {
                let value = Box::new(Bert { leg, wanted: value }) as Box<dyn Check>;
                Placed { value, place, span }
            })
        };
        placed(Leg::Caller, caller).into_iter().chain(placed(Leg::Callee, callee)).collect()
    })
    .expects("a mapping of legs such as `{ caller: { sync: true } }`");
    optional("bert", shape, "What the bit error tests of the legs found.")
}

fn wanted() -> Shape<Wanted> {
    let number = || count("a count such as `0`, or a bound such as `\"< 10\"`", 0..=u32::MAX);
    mapping!(Wanted {
        sync: optional("sync", boolean(), "Whether the test came into sync and kept it to the end."),
        err_samples: optional("err_samples", number(), "Wrong samples of all windows that lost sync; 0 when none did."),
        sync_lost_percent: optional(
            "sync_lost_percent",
            bound(),
            "Wrong samples of the worst window that lost sync; 0 % when none did."
        ),
        sync_lost_count: optional("sync_lost_count", number(), "How often sync was lost."),
        cng_count: optional(
            "cng_count",
            number(),
            "Frames in which nothing came before sync was lost; 0 when it never was."
        ),
    })
    .at_least_one(
        &["sync", "err_samples", "sync_lost_percent", "sync_lost_count", "cng_count"],
        "nothing is asked of the test",
    )
    .named("bert_result")
}

impl Told {
    fn of(leg: &LegOutcome) -> Told {
        let mut told = Told::default();
        for event in leg.witness.events() {
            match event.name.as_str() {
                IN_SYNC => told.in_sync += 1,
                TIMED_OUT => told.timeouts += 1,
                LOST_SYNC => {
                    told.lost = told.lost.max(figure(event, "sync_lost_count") as u64).max(1);
                    told.worst = told.worst.max(figure(event, "sync_lost_percent"));
                    told.err_samples += figure(event, "err_samples") as u64;
                    told.cng = told.cng.max(figure(event, "cng_count") as u64);
                }
                _ => {}
            }
        }
        told
    }

    fn describe(&self) -> String {
        match (self.in_sync, self.timeouts, self.lost) {
            (0, 0, _) => "never in sync".to_owned(),
            (0, _, _) => "never in sync: mod_bert::timeout".to_owned(),
            (_, _, 0) => "in sync to the end".to_owned(),
            (_, _, lost) => format!(
                "in sync, then sync lost{}: {:.1} % of a window wrong at worst, {} samples in all, {} frames without audio",
                if lost == 1 { String::new() } else { format!(" {lost} times") },
                self.worst,
                self.err_samples,
                self.cng
            ),
        }
    }
}

/// A number in an event; one that is none reads 0, as FreeSWITCH's always are.
fn figure(event: &Witnessed, name: &str) -> f64 {
    event.header(name).and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

impl Check for Bert {
    fn kind(&self) -> &'static str {
        "bert"
    }

    fn describe(&self) -> String {
        let Wanted { sync, err_samples, sync_lost_percent, sync_lost_count, cng_count } = &self.wanted;
        let mut parts = Vec::new();
        parts.extend(sync.map(|sync| if sync { "in sync to the end" } else { "not in sync to the end" }.to_owned()));
        parts.extend(err_samples.map(|bound| format!("wrong samples {bound}")));
        parts.extend(sync_lost_percent.map(|bound| format!("wrong part {bound}")));
        parts.extend(sync_lost_count.map(|bound| format!("sync lost {bound}")));
        parts.extend(cng_count.map(|bound| format!("frames without audio {bound}")));
        format!("{} BERT: {}", self.leg, parts.join(", "))
    }

    fn facts(&self) -> Facts {
        Facts { tests_bits: Some(self.leg), ..Facts::default() }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let leg = outcome.leg(self.leg);
        let told = Told::of(leg);
        let Wanted { sync, err_samples, sync_lost_percent, sync_lost_count, cng_count } = &self.wanted;
        let kept = told.in_sync > 0 && told.lost == 0;
        let figures = [
            err_samples.map(|bound| bound.holds(told.err_samples)),
            sync_lost_percent.map(|bound| bound.holds(Percent(told.worst))),
            sync_lost_count.map(|bound| bound.holds(told.lost)),
            cng_count.map(|bound| bound.holds(told.cng)),
        ];
        // Figures of a test that was never in sync would be zeros that nobody measured.
        let measured = told.in_sync > 0 || figures.iter().all(Option::is_none);
        let holds =
            sync.is_none_or(|sync| sync == kept) && measured && figures.into_iter().flatten().all(|holds| holds);
        let mut found = Found::new(holds, self.describe(), told.describe());
        if told.in_sync > 0 {
            found = found
                .figure(format!("{}.bert.wrong_percent", self.leg), told.worst)
                .figure(format!("{}.bert.sync_lost_count", self.leg), told.lost as f64);
        }
        if holds {
            return found;
        }
        found.help(match told {
            Told { in_sync: 0, .. } if leg.session.is_none() => outcome.end_of(self.leg),
            Told { in_sync: 0, .. } => {
                "the other side must send the pattern or echo it, both in PCMU, and nothing between may change a bit"
                    .to_owned()
            }
            Told { lost: 0, .. } => String::new(),
            Told { worst, .. } if worst > 90.0 => {
                "the pattern was gone: the other side sent something else, or nothing".to_owned()
            }
            _ => "part of the pattern was wrong: packets were lost, or came out of step".to_owned(),
        })
    }

    fn headers(&self) -> Vec<String> {
        FIGURES.map(str::to_owned).to_vec()
    }

    fn events(&self) -> Vec<String> {
        EVENTS.map(str::to_owned).to_vec()
    }
}
