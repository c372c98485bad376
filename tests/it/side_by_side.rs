//! Many calls at once, each with digits and a tone of its own, none of which hears another's.

use super::exit_codes::{callwright, folder, ran};

/// Calls that must pass.
const CALLS: usize = 200;

/// A matrix of calls, each with its digits and its tone, 14 Hz from its neighbour's; the last call plays its neighbour's.
fn scenarios() -> String {
    let cell = |digits: usize, plays: usize, hears: usize| {
        format!("    - {{ digits: \"{digits}\", plays: {plays}Hz, hears: {hears}Hz }}\n")
    };
    let tone = |call: usize| 400 + 14 * call;
    let mut cells: String = (0..CALLS).map(|call| cell(1000 + call, tone(call), tone(call))).collect();
    cells.push_str(&cell(2000, tone(30), tone(31)));
    format!(
        "name: own
matrix:
  include:
{cells}record: {{ callee: heard }}
callee:
  - answer
  - expect_dtmf: {{ digits: \"${{matrix.digits}}\", mode: rfc4733, within: 30s }}
caller:
  - wait: {{ answered: 20s }}
  - send_dtmf: {{ digits: \"${{matrix.digits}}\", mode: rfc4733, tone: 60ms }}
  - play: {{ tone: \"${{matrix.plays}}\", level: -6dBm0 }}
  - sleep: 800ms
  - hangup
expect:
  audio:
    - {{ leg: callee, heard: {{ tone: \"${{matrix.hears}} +-5Hz\", for: \">= 400ms\" }} }}
"
    )
}

#[test]
fn two_hundred_calls_fifty_at_a_time_hear_their_own_peer_and_one_that_hears_another_fails() {
    let folder = folder(&[("own.yaml", &scenarios())]);
    let ran = ran(callwright(folder.path(), &["run", "own.yaml", "-j", "50"]).output().unwrap());
    let failed: Vec<_> = ran.out.lines().filter(|line| line.starts_with("FAIL") || line.starts_with("ERROR")).collect();
    assert_eq!((failed.len(), ran.code), (1, 1), "{failed:#?}");
    assert!(failed[0].contains("plays=820Hz,hears=834Hz"), "{failed:?}");
    assert!(ran.out.contains(&format!("{} tests: {CALLS} passed, 1 failed", CALLS + 1)), "{}", ran.out);
}
