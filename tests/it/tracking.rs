//! The tracker against the recorded flows: the sessions, calls and hangup causes that each flow's log shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use callwright::call::{ChangeKind, Direction, State, Tracker, TrackerConfig};

use crate::captures::{Capture, all};

/// A replayed flow: what came of each session, in the order they were created.
struct Replay {
    tracker: Tracker,
    sessions: Vec<(Direction, String, bool)>,
    calls_ended: usize,
}

fn replay(capture: &Capture) -> Replay {
    let config = TrackerConfig { call_header: "variable_sip_h_X-call".into(), ..TrackerConfig::default() };
    let mut tracker = Tracker::new(config);
    let mut created = Vec::new();
    let mut ended = BTreeMap::new();
    let mut calls_ended = 0;
    for event in capture.events() {
        for change in tracker.handle(&Arc::new(event)) {
            match change.kind {
                ChangeKind::Created => created.push(change.session),
                ChangeKind::Destroyed(session) => {
                    assert_eq!(session.state, State::HungUp, "{}", capture.name);
                    let cause = session.hangup_cause.clone().expect("an ended session has a cause").to_string();
                    ended.insert(change.session, (session.direction, cause, session.is_answered()));
                }
                ChangeKind::CallEnded => calls_ended += 1,
                _ => {}
            }
        }
    }
    let sessions =
        created.iter().map(|id| ended.get(id).unwrap_or_else(|| panic!("{id} never ended")).clone()).collect();
    Replay { tracker, sessions, calls_ended }
}

/// The calls that a log asks for, by the value of the header that tracks them.
fn originated(capture: &Capture) -> BTreeSet<String> {
    let calls = capture.log.lines().filter(|line| line.starts_with("C> bgapi originate"));
    calls.filter_map(|line| Some(line.split("sip_h_X-call=").nth(1)?.split([',', '}']).next()?.to_owned())).collect()
}

#[test]
fn each_flow_gives_the_sessions_calls_and_causes_of_its_log() {
    use Direction::{Inbound, Outbound};
    let answered = |cause: &str| vec![(Outbound, cause.to_owned(), true), (Inbound, cause.to_owned(), true)];
    let refused = |a: &str, b: &str| vec![(Outbound, a.to_owned(), false), (Inbound, b.to_owned(), false)];
    for capture in all() {
        let replay = replay(&capture);
        let (expected, calls) = match capture.name.as_str() {
            // Commands only: no call was made.
            "replies" | "limits" => (vec![], 0),
            // The profile does not exist: no channel came to be.
            "originate-bad-profile" => (vec![], 0),
            // Nobody listens there: the caller's leg alone.
            "originate-unreachable" => (vec![(Outbound, "NORMAL_TEMPORARY_FAILURE".to_owned(), false)], 1),
            "block-respond-404" => (refused("UNALLOCATED_NUMBER", "UNALLOCATED_NUMBER"), 1),
            "block-respond-486" => (refused("USER_BUSY", "USER_BUSY"), 1),
            "block-hangup-cause" => (refused("CALL_REJECTED", "CALL_REJECTED"), 1),
            "originate-timeout" => (refused("NO_ANSWER", "ORIGINATOR_CANCEL"), 1),
            "ringback-183-caller-gives-up" => (refused("ORIGINATOR_CANCEL", "ORIGINATOR_CANCEL"), 1),
            // Nothing joins these two, so each is a call by itself.
            "no-tracking-header" => (refused("NORMAL_CLEARING", "NORMAL_CLEARING"), 2),
            // The callee's leg is bridged onward under the name `CALL-b`: two legs make a second call.
            "bridge-proxy" => ([answered("NORMAL_CLEARING"), answered("NORMAL_CLEARING")].concat(), 2),
            "eight-calls" => ((0..8).flat_map(|_| answered("NORMAL_CLEARING")).collect(), 8),
            // The REFER sends the callee's dialog to an address that leads nowhere.
            "deflect-refused" => (refused("NORMAL_CLEARING", "NORMAL_CLEARING"), 1),
            // The switch's own timer: no other side has a word for it.
            "sched-hangup" => (
                vec![(Outbound, "ALLOTTED_TIMEOUT".to_owned(), true), (Inbound, "NORMAL_CLEARING".to_owned(), true)],
                1,
            ),
            // The leg that hears no more pattern ends the call: the callee as the caller hangs up, the caller as the
            // callee turns to a tone.
            "bert-in-sync" => {
                (vec![(Outbound, "NORMAL_CLEARING".to_owned(), true), (Inbound, "MEDIA_TIMEOUT".to_owned(), true)], 1)
            }
            "bert-lost-sync" => {
                (vec![(Outbound, "MEDIA_TIMEOUT".to_owned(), true), (Inbound, "NORMAL_CLEARING".to_owned(), true)], 1)
            }
            "sched-dtmf-broadcast" => (answered("USER_BUSY"), 1),
            _ => (answered("NORMAL_CLEARING"), 1),
        };
        let sorted = |mut sessions: Vec<(Direction, String, bool)>| {
            sessions.sort_by_key(|s| format!("{s:?}"));
            sessions
        };
        assert_eq!(sorted(replay.sessions.clone()), sorted(expected), "{}", capture.name);
        assert_eq!(replay.calls_ended, calls, "{}: calls", capture.name);
        assert_eq!((replay.tracker.sessions().len(), replay.tracker.calls().len()), (0, 0), "{}", capture.name);
    }
}

#[test]
fn every_call_that_a_log_originates_is_tracked_under_its_name() {
    let mut tracked = 0;
    for capture in all() {
        let asked = originated(&capture);
        let config = TrackerConfig { call_header: "variable_sip_h_X-call".into(), ..TrackerConfig::default() };
        let mut tracker = Tracker::new(config);
        let mut seen = BTreeSet::new();
        for event in capture.events() {
            for change in tracker.handle(&Arc::new(event)) {
                if !matches!(change.kind, ChangeKind::Created) {
                    continue;
                }
                if let Some(call) = tracker.call(change.call.as_str()) {
                    assert!(call.sessions().len() <= 2, "{}: {call:?}", capture.name);
                    // The log names the caller's leg and its call alike.
                    if asked.contains(call.id.as_str()) {
                        assert_eq!(call.first().unwrap().as_str(), call.id.as_str(), "{}", capture.name);
                        seen.insert(call.id.as_str().to_owned());
                    }
                }
            }
        }
        if capture.name == "originate-bad-profile" {
            assert_eq!(seen, BTreeSet::new());
            continue;
        }
        assert_eq!(seen, asked, "{}", capture.name);
        tracked += seen.len();
    }
    assert!(tracked > 25, "{tracked}");
}
