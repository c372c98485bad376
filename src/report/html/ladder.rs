//! What the legs did, as a ladder: the caller's leg, the switch and the callee's leg, and time downwards.

use maud::{Markup, html};

use super::test::offset;
use crate::report::escape::line;
use crate::units::Time;
use crate::verdict::{LegTrace, TraceEntry, TraceKind};

/// A longer text is folded to so many characters.
const FOLD: usize = 96;

pub(super) fn ladder(legs: &[LegTrace], host: &str, started: Time) -> Markup {
    let entries = |leg: usize| legs[leg].entries.iter().map(move |entry| (leg, entry));
    let mut all: Vec<(usize, &TraceEntry)> = (0..legs.len()).flat_map(entries).collect();
    all.sort_by_key(|(_, entry)| entry.at);
    html! {
        div.ladder {
            div.lanes {
                (lane(legs.first()))
                span { (line(host)) small { "switch" } }
                (lane(legs.get(1)))
            }
            ol { @for (leg, entry) in all { (row(&legs[leg], leg, entry, started)) } }
        }
    }
}

fn lane(leg: Option<&LegTrace>) -> Markup {
    html! {
        span {
            @if let Some(leg) = leg {
                (line(&leg.leg))
                small { @if leg.uuid.is_empty() { "never came to be" } @else { (line(&leg.uuid)) } }
            }
        }
    }
}

fn row(leg: &LegTrace, lane: usize, entry: &TraceEntry, started: Time) -> Markup {
    let (class, kind) = match entry.kind {
        TraceKind::Command => ("c", "command"),
        TraceKind::Reply => ("r", "reply"),
        TraceKind::Event => ("e", "event"),
    };
    let side = if lane == 0 { "a" } else { "b" };
    let text = line(&entry.text);
    let folded = text.char_indices().nth(FOLD).map(|(end, _)| &text[..end]);
    html! {
        li.(side).(class) {
            time { (offset(entry.at, started)) }
            div {
                span.hide { (line(&leg.leg)) " " (kind) ": " }
                @match folded {
                    Some(folded) => { details { summary { (folded) "…" } (text) } }
                    None => (text),
                }
            }
        }
    }
}
