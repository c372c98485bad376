//! The embedded switch against what a real FreeSWITCH sent: the commands of a captured flow are replayed, at the times of
//! the capture, in virtual time, and the events that come are compared session by session, header by header.
//!
//! What differs must be in [`KNOWN`], and what is there must differ.

mod compare;
mod known;
mod replay;

use std::collections::BTreeSet;
use std::path::Path;

use self::known::KNOWN;
use super::captures;

/// The flows whose events must be FreeSWITCH's.
const FLOWS: &[&str] = &[
    "tone-echo",
    "tone-echo-json",
    "play-record",
    "block-respond-404",
    "block-respond-486",
    "block-hangup-cause",
    "ringback-180",
    "ringback-183-caller-gives-up",
    "originate-timeout",
    "originate-unreachable",
    "originate-bad-profile",
    "bert-in-sync",
    "bert-against-echo",
    "bert-timeout",
    "bert-lost-sync",
    "sched-hangup",
    "hold-unhold",
    "play-break-mute",
    "deflect-refused",
    "no-tracking-header",
    "eight-calls",
    "utf8-and-odd-values",
    "dtmf-rfc4733",
    "dtmf-inband",
    "dtmf-narrow",
    "sched-dtmf-broadcast",
    "bridge-proxy",
];

#[test]
fn the_switch_sends_what_freeswitch_sent() {
    let mut unknown = Vec::new();
    let mut seen = BTreeSet::new();
    let mut compared = 0;
    for flow in FLOWS {
        let capture = captures::capture(flow);
        let replayed = replay::replay(&capture);
        assert!(replayed.wrong_replies.is_empty(), "{}", replayed.wrong_replies.join("\n"));
        let result = compare::compare(&capture.events(), &replayed.events);
        compared += result.headers;
        for difference in result.differences {
            let line = format!("{flow}: {difference}");
            match KNOWN.iter().position(|known| known.matches(flow, &difference)) {
                Some(at) => drop(seen.insert(at)),
                None => unknown.push(line),
            }
        }
    }
    let gone: Vec<&str> =
        KNOWN.iter().enumerate().filter(|(at, _)| !seen.contains(at)).map(|(_, known)| known.difference).collect();
    assert!(compared > 50_000, "only {compared} headers were compared");
    assert!(unknown.is_empty(), "{} new differences:\n{}", unknown.len(), unknown.join("\n"));
    assert!(gone.is_empty(), "known differences that are no more:\n{}", gone.join("\n"));
}

#[test]
fn a_replay_comes_out_the_same_way_twice() {
    let capture = captures::capture("eight-calls");
    assert_eq!(replay::replay(&capture), replay::replay(&capture));
}

/// `CALLWRIGHT_WRITE_DOCS=1 cargo test the_guide_has_the_table` writes it.
#[test]
fn the_guide_has_the_table_of_differences() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/fidelity.md");
    let page = known::page();
    if std::env::var_os("CALLWRIGHT_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page, "see this test's comment");
}
