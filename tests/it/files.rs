//! `check`, `analyze` and `init` as a user meets them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::prelude::*;
use serde_json::Value;

fn callwright(folder: &Path, line: &[&str]) -> Output {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.args(line).env_remove("CALLWRIGHT_PASSWORD").env("NO_COLOR", "1").current_dir(folder).output().unwrap()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stdout(output)))
}

#[test]
fn every_shipped_scenario_has_a_plan() {
    let output = callwright(repository(), &["check", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let plans = json(&output);
    let listed = stdout(&callwright(repository(), &["run", "--list"]));
    let planned: Vec<_> =
        plans["tests"].as_array().unwrap().iter().map(|test| test["test"].as_str().unwrap()).collect();
    assert_eq!(planned, listed.lines().collect::<Vec<_>>());
    let (loads, tests): (Vec<_>, Vec<_>) =
        plans["tests"].as_array().unwrap().iter().partition(|test| test["load"].is_object());
    let entries: Vec<_> = loads.iter().flat_map(|load| load["load"]["entries"].as_array().unwrap()).collect();
    assert!(!entries.is_empty());
    for test in tests.into_iter().chain(entries) {
        let originate = test["originate"].as_str().unwrap();
        assert!(originate.starts_with("bgapi originate {origination_uuid=<caller>,"), "{originate}");
        assert!(originate.ends_with(" &park()\nJob-UUID: <job>"), "{originate}");
    }
}

/// The commands and events of a test that runs, from what it tells of its legs when it fails.
#[test]
fn the_plan_is_what_then_happens() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "\
name: fails
callee:
  - ring
  - answer
  - play: { tone: 440Hz, for: 200ms }
  - record: both
  - sleep: 200ms
  - stop_record
  - hangup: USER_BUSY
caller:
  - wait: { answered: 2s }
  - echo
  - wait: { hungup: 5s }
record: { caller: both }
expect:
  answered: true
  setup_time: \"< 1us\"
";
    fs::write(folder.path().join("x.yaml"), scenario).unwrap();
    let plan = json(&callwright(folder.path(), &["check", "x.yaml", "--json"]));
    let ran = callwright(folder.path(), &["run", "x.yaml", "--junit", "out.xml"]);
    assert_eq!(ran.status.code(), Some(1), "{}", stdout(&ran));
    // The JUnit report keeps all that each leg did.
    let report = fs::read_to_string(folder.path().join("out.xml")).unwrap();
    let (caller, callee) = report.split_once("<system-out>").unwrap().1.split_once("\n    callee ").unwrap();
    for (leg, trace) in plan["tests"][0]["legs"].as_array().unwrap().iter().zip([caller, callee]) {
        let mut events =
            trace.lines().filter_map(|line| line.trim().split_once("event ")).map(|(_, event)| event.trim());
        for expected in leg["events"].as_array().unwrap() {
            let expected = expected.as_str().unwrap();
            let found = events.any(|event| event.split(' ').next() == Some(expected));
            // The report tells no more of a leg than its hangup.
            let told = !matches!(expected, "CHANNEL_DESTROY");
            assert!(found || !told, "{} lacks {expected}, or has it too early:\n{trace}", leg["leg"]);
        }
    }
    let commands = |text: &str| text.lines().filter(|line| line.contains(" command ")).count();
    let planned = |leg: &Value| {
        let steps = leg["steps"].as_array().unwrap().iter();
        steps.map(|step| step["commands"].as_array().unwrap().len()).sum::<usize>()
            + leg["record"].as_array().unwrap().len()
    };
    let legs = &plan["tests"][0]["legs"];
    // The originate is told on the caller's leg.
    assert_eq!(commands(caller), planned(&legs[0]) + 1, "{caller}");
    assert_eq!(commands(callee), planned(&legs[1]), "{callee}");
}

#[test]
fn check_tells_mistakes_with_exit_code_4_and_places_no_call() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.yaml"), "name: x\ncallee:\n  - anser\n").unwrap();
    let output = callwright(folder.path(), &["check", "x.yaml"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(4), "0 tests, 1 error\n"));
    assert!(stderr(&output).contains("x.yaml:3:5") && stderr(&output).contains("did you mean `answer`?"));
    let output = callwright(folder.path(), &["check", "x.yaml", "--json"]);
    let diagnostic = &json(&output)["diagnostics"][0];
    assert_eq!((diagnostic["line"].as_u64(), diagnostic["column"].as_u64()), (Some(3), Some(5)));
    assert_eq!((output.status.code(), diagnostic["severity"].as_str()), (Some(4), Some("error")));
    assert_eq!(callwright(folder.path(), &["check", "gone"]).status.code(), Some(4));
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(callwright(folder.path(), &["check", "empty"]).status.code(), Some(5));
    let quiet = callwright(repository(), &["check", "--quiet"]);
    assert_eq!((quiet.status.code(), stdout(&quiet).lines().count()), (Some(0), 1));
}

#[test]
fn analyze_tells_what_another_program_made() {
    let folder = tempfile::tempdir().unwrap();
    let sox = |line: &str| Command::new("sox").args(line.split(' ')).current_dir(folder.path()).status();
    if !sox("-n -r 8000 -e mu-law u.wav synth 2 sin 440 vol 0.5 pad 1 1").is_ok_and(|status| status.success()) {
        eprintln!("sox is not installed: nothing was compared");
        return;
    }
    assert!(sox("-D -n -r 16000 -c 2 s.wav synth 1 sin 1000 sin 2000 vol 0.9 dcshift 0.05").unwrap().success());
    assert!(sox("-D -n -r 8000 -b 16 c.wav synth 1 sin 400 gain 12").unwrap().success());
    let output = callwright(folder.path(), &["analyze", "--json", "u.wav", "s.wav", "c.wav"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let files = json(&output);
    assert_eq!((files[0]["coding"].as_str(), files[0]["length_s"].as_f64()), (Some("mu-law"), Some(4.0)));
    let spans = files[0]["channels"][0]["spans"].as_array().unwrap();
    let kinds: Vec<_> = spans.iter().map(|span| span["content"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["silence", "tone", "silence"]);
    let near = |value: &Value, wanted: f64, by: f64| {
        let found = value.as_f64().unwrap();
        assert!((found - wanted).abs() <= by, "{found} is not {wanted}");
    };
    near(&spans[1]["frequency_hz"], 440.0, 0.1);
    near(&spans[1]["from_s"], 1.0, 0.011);
    near(&spans[1]["to_s"], 3.0, 0.011);
    // Half of full scale is 6.02 dB below 20 log10(32768 / sqrt 2) over the milliwatt's 10 log10 of its mean square.
    near(&spans[1]["level_dbm0"], 3.20 - 6.02, 0.1);
    for (channel, hertz) in [(0, 1000.0), (1, 2000.0)] {
        let channel = &files[1]["channels"][channel];
        near(&channel["dc_offset"], 0.05 * 32_768.0, 2.0);
        near(&channel["spans"][0]["frequency_hz"], hertz, 0.1);
        assert_eq!(channel["clipped_runs"], 0);
    }
    assert!(files[2]["channels"][0]["clipped_runs"].as_u64().unwrap() >= 790, "{}", files[2]["channels"][0]);
    assert_eq!(files[2]["channels"][0]["peak_dbfs"].as_f64().unwrap().round(), 0.0);
}

#[test]
fn analyze_reads_an_unfinished_recording_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(repository().join("scenarios/sounds/three-tones.wav")).unwrap();
    let data = bytes.windows(4).position(|four| four == b"data").unwrap();
    bytes[data + 4..data + 8].fill(0);
    fs::write(folder.path().join("x.wav"), bytes).unwrap();
    let output = callwright(folder.path(), &["analyze", "x.wav"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("repaired: its header says 0 bytes"), "{}", stdout(&output));
    assert!(stdout(&output).contains("1000.0 Hz at -10.1 dBm0"), "{}", stdout(&output));
}

#[test]
fn what_is_no_recording_is_named_with_exit_code_3_and_the_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let good = repository().join("scenarios/sounds/three-tones.wav");
    let head = fs::read(&good).unwrap()[..44].to_vec();
    put("empty.wav", b"");
    put("garbage.wav", &[0xa7; 5000]);
    put("text.wav", b"RIFF is a village\n");
    put("head.wav", &head);
    let mut huge = head.clone();
    huge[16..20].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
    put("huge.wav", &huge);
    let mut channels = head.clone();
    channels[22..24].copy_from_slice(&0xffffu16.to_le_bytes());
    put("channels.wav", &channels);
    fs::create_dir(folder.path().join("folder.wav")).unwrap();
    let cases = [
        ("empty.wav", "the file is empty"),
        ("garbage.wav", "not a RIFF WAVE file"),
        ("text.wav", "not a RIFF WAVE file"),
        ("head.wav", "no samples"),
        ("huge.wav", "no samples"),
        ("channels.wav", "unsupported format"),
        ("folder.wav", "not a file"),
        ("gone.wav", "no such file"),
    ];
    for (name, reason) in cases {
        let output = callwright(folder.path(), &["analyze", name, good.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3), "{name}");
        let error = stderr(&output);
        assert!(error.contains(&format!("error: {name}: {reason}")) && !error.contains("panicked"), "{name}: {error}");
        assert!(stdout(&output).contains("2000.0 Hz"), "{name}: {}", stdout(&output));
    }
}

#[test]
fn a_picture_is_drawn_with_its_axes_and_is_what_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let good = repository().join("scenarios/sounds/three-tones.wav");
    let good = good.to_str().unwrap();
    for name in ["x.svg", "x.png"] {
        let output = callwright(folder.path(), &["analyze", good, "--image", name]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let svg = fs::read_to_string(folder.path().join("x.svg")).unwrap();
    let mut reader = quick_xml::Reader::from_str(&svg);
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
    for text in [">three-tones.wav<", ">waveform, % of full scale<", ">spectrogram, kHz<", ">dBm0<", ">2.5<", ">-80<"] {
        assert!(svg.contains(text), "{text}");
    }
    let png = fs::read(folder.path().join("x.png")).unwrap();
    let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    let wanted = |name: &str| svg.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().ok();
    assert_eq!((Some(size(16)), Some(size(20))), (wanted("width"), wanted("height")));
    for line in [&["analyze", good, "--image", "x.gif"][..], &["analyze", good, good, "--image", "y.png"], &["analyze"]]
    {
        assert_eq!(callwright(folder.path(), line).status.code(), Some(4), "{line:?}");
    }
    let output = callwright(folder.path(), &["analyze", good, "--image", "gone/x.png"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("gone/x.png: No such file"), "{}", stderr(&output));
}

#[test]
fn init_makes_a_project_whose_first_test_passes_and_whose_second_fails() {
    let folder = tempfile::tempdir().unwrap();
    let output = callwright(folder.path(), &["init", "new"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let project = folder.path().join("new");
    let ran = callwright(&project, &["run"]);
    assert_eq!(ran.status.code(), Some(0), "{}", stdout(&ran));
    assert_eq!(callwright(&project, &["check", "--quiet"]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(project.join(".gitignore")).unwrap(), "callwright-out/\n");
    // The commands of the workflow are ours, and so are their arguments.
    let workflow = fs::read_to_string(project.join(".github/workflows/callwright.yml")).unwrap();
    let commands: Vec<_> = workflow.lines().filter_map(|line| line.trim().strip_prefix("run: callwright ")).collect();
    assert_eq!(commands.len(), 2, "{workflow}");
    for command in commands {
        let output = callwright(&project, &command.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(0), "{command}: {}", stderr(&output));
    }
    let first = project.join("scenarios/first.yaml");
    let text = fs::read_to_string(&first).unwrap();
    let (head, commented) = text.split_once("# ---\n").unwrap();
    let second: String =
        commented.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
    fs::write(&first, format!("{head}---\n{second}")).unwrap();
    let ran = callwright(&project, &["run"]);
    assert_eq!(ran.status.code(), Some(1), "{}", stdout(&ran));
    assert!(stdout(&ran).contains("440.0 Hz") && stdout(&ran).contains("1 passed, 1 failed"), "{}", stdout(&ran));
}

#[test]
fn init_never_writes_over_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("scenarios")).unwrap();
    fs::write(folder.path().join("scenarios/first.yaml"), "mine").unwrap();
    fs::write(folder.path().join(".gitignore"), "target").unwrap();
    for kept in ["added to ./.gitignore", "kept ./.gitignore"] {
        let output = callwright(folder.path(), &["init"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).contains("kept ./scenarios/first.yaml"), "{}", stdout(&output));
        assert!(stdout(&output).contains(kept), "{}", stdout(&output));
        assert_eq!(fs::read_to_string(folder.path().join("scenarios/first.yaml")).unwrap(), "mine");
        assert_eq!(fs::read_to_string(folder.path().join(".gitignore")).unwrap(), "target\ncallwright-out/\n");
    }
    let output = callwright(folder.path(), &["init", "scenarios/first.yaml"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("first.yaml/"), "{}", stderr(&output));
}
