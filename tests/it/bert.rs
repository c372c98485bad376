//! Bit error tests that must fail, each for its own reason: the negative twins of scenarios/bert.yaml.

use std::path::Path;
use std::process::Command;

use assert_cmd::prelude::*;

/// Each fails as the line behind `# ` at its end says.
const SCENARIOS: &str = "
name: sync is lost
callee: [answer, { bert: { for: 600ms } }, { play: { tone: 440Hz } }]
caller: [{ wait: { answered: 5s } }, { bert: { for: 3s } }]
# caller step 2: bert for 3s: sync was lost
---
name: sync is lost, as a check tells
callee: [answer, { bert: { hangup_on_error: false, for: 600ms } }, { play: { tone: 440Hz } }]
caller: [{ wait: { answered: 5s } }, { bert: { hangup_on_error: false } }, { sleep: 2500ms }, hangup]
expect: { bert: { caller: { sync_lost_count: 0, err_samples: 0 } } }
# caller BERT: wrong samples == 0, sync lost == 0: in sync, then sync lost
---
name: there never is sync
callee: [answer, { play: { tone: 440Hz } }]
caller: [{ wait: { answered: 5s } }, { bert: { timeout: 1s } }]
# caller step 2: bert: no sync within the test's timeout (mod_bert::timeout)
---
name: figures that nobody measured are no zeros
callee: [answer, { play: { tone: 440Hz } }]
caller: [{ wait: { answered: 5s } }, { bert: { timeout: 1s, hangup_on_error: false, wait: false } }, { sleep: 1500ms }]
expect: { bert: { caller: { err_samples: 0 } } }
# caller BERT: wrong samples == 0: never in sync: mod_bert::timeout
---
name: a wrong expectation
callee: [answer, bert]
caller: [{ wait: { answered: 5s } }, { bert: { for: 300ms } }]
expect: { bert: { caller: { sync: false } } }
# caller BERT: not in sync to the end: in sync to the end
---
name: mod_bert knows no A-law
call: { codec: PCMA }
callee: [answer]
caller: [{ wait: { answered: 5s } }, bert]
# caller step 2: bert: bert_test ended without a test
---
name: half of a pattern is not all of it
record: { callee: heard }
callee: [answer]
caller: [{ wait: { answered: 5s } }, { play: [{ file: half.wav }, { silence: 500ms }] }, hangup]
expect: { audio: [{ leg: callee, heard: { bit_exact: pattern-pcmu.wav } }] }
# callee heard pattern-pcmu.wav bit by bit: 3962 of 8000 samples differ, the first at
";

#[test]
fn each_broken_bit_error_test_fails_for_its_own_reason() {
    let folder = tempfile::tempdir().unwrap();
    let sounds = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/sounds");
    let pattern = std::fs::read(sounds.join("pattern-pcmu.wav")).unwrap();
    std::fs::write(folder.path().join("pattern-pcmu.wav"), &pattern).unwrap();
    // The reader takes a file that was cut off. Of what is missing, 38 samples are silent anyway.
    std::fs::write(folder.path().join("half.wav"), &pattern[..44 + 8_000]).unwrap();
    std::fs::write(folder.path().join("broken.yaml"), SCENARIOS).unwrap();
    let mut command = Command::cargo_bin("callwright").unwrap();
    let output =
        command.args(["run", "broken.yaml", "--junit", "report.xml"]).current_dir(folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let report = std::fs::read_to_string(folder.path().join("report.xml")).unwrap();
    for (counted, times) in [("in_sync", 3), ("lost_sync", 2), ("timeout", 2)] {
        let property = format!("<property name=\"caller.mod_bert::{counted}\" value=\"1\"/>");
        assert_eq!(report.matches(&property).count(), times, "{property} in\n{report}");
    }
    for scenario in SCENARIOS.split("---") {
        let line = |start: &str| scenario.lines().find_map(|line| line.strip_prefix(start)).unwrap();
        let (name, reason) = (line("name: "), line("# "));
        let failed = format!("FAIL  broken.yaml::{name} (embedded) - {reason}");
        assert!(told.contains(&failed), "no {failed:?} in\n{told}");
    }
}
