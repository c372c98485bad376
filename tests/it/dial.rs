//! `callwright dial` as a shell and a monitoring system meet it, with few calls on the embedded switch.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::exit_codes::{PASSES, callwright, expect, folder, ran};

/// Calls that are over soon.
const SHORT: [&str; 4] = ["dial", "--app", "tone_play", "--duration=300ms"];

fn dial<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SHORT.iter().chain(more).copied().collect()
}

/// Tries again where this machine was too busy to be on time, which says nothing of what is tested.
#[track_caller]
fn expect_on_time(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    for _ in 0..5 {
        let ran = ran(callwright(folder, arguments).output().unwrap());
        if ran.code != 3 || !ran.out.contains(LATE) {
            assert!(ran.code == code && words.iter().all(|word| ran.out.contains(word)), "{}{}", ran.out, ran.err);
            return;
        }
    }
    panic!("this machine is too busy");
}

/// In the summary, of a load whose generator did not keep up.
const LATE: &str = "- the generator kept up: late_starts";

/// The last event of the kind `kind` in `run.jsonl` of `folder`.
fn last_event(folder: &Path, kind: &str) -> Value {
    let text = std::fs::read_to_string(folder.join("run.jsonl")).unwrap();
    let mut events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.rfind(|event| event["event"] == kind).unwrap()
}

#[test]
fn calls_are_offered_judged_by_gates_and_written_down() {
    let folder = folder(&[]);
    let line = dial(&["--rate=20", "--max-offered=5", "--gate=asr >= 99%", "--gate=answered == 5", "--metrics=out"]);
    expect_on_time(folder.path(), &line, 0, &["PASS", "dial::dial", "1 passed"]);
    let out = folder.path().join("out");
    assert_eq!(std::fs::read_to_string(out.join("calls.csv")).unwrap().lines().count(), 6);
    assert!(std::fs::read_to_string(out.join("report.html")).unwrap().contains("dial"));
    let told = last_event(&out, "load_told");
    let counts = &told["snapshot"]["counts"];
    assert_eq!([&counts["offered"], &counts["answered"], &counts["passed"]], [5, 5, 5]);
    assert!(!folder.path().join("callwright-out").exists(), "what is in no file cannot be run again by --lf");
}

#[test]
fn a_gate_that_breaks_is_exit_code_1_with_the_command_to_dial_again() {
    let folder = folder(&[("refused.yaml", "callee: [{ respond: 486 }]\nexpect: { answered: true }\n")]);
    let line = dial(&["--rate=20", "--max-offered=3", "--gate=setup_time.p95 < 1us"]);
    let rerun =
        "callwright dial --app tone_play --duration=300ms --rate=20 --max-offered=3 '--gate=setup_time.p95 < 1us'";
    expect_on_time(folder.path(), &line, 1, &["FAIL", "setup_time.p95", rerun]);
    // Without a gate all calls have to come to their answer.
    let line = ["dial", "--scenario=refused.yaml", "--max-offered=1"];
    expect_on_time(folder.path(), &line, 1, &["calls come to their answer: 1 of 1 did not"]);
}

#[test]
fn apps_and_scenarios_share_the_calls_by_weight_on_all_hosts() {
    let folder = folder(&[]);
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    std::fs::write(folder.path().join("deep/a.yaml"), PASSES).unwrap();
    let line = dial(&["a=embedded", "b=embedded", "--app=tone_play/frequency=440*2", "--scenario=deep/a.yaml*1"]);
    let line = [line, vec!["--rate=20", "--max-offered=8", "--metrics=out"]].concat();
    expect_on_time(folder.path(), &line, 0, &["PASS", "dial::dial (a+b)"]);
    let told = last_event(&folder.path().join("out"), "load_told");
    let snapshot = &told["snapshot"];
    let of = |name: &str| snapshot["apps"][name]["offered"].as_u64().unwrap_or_default();
    assert_eq!([of("tone_play"), of("tone_play 2"), of("passes")], [2, 4, 2], "{}", snapshot["apps"]);
    assert_eq!([&snapshot["hosts"]["a"]["counts"]["offered"], &snapshot["hosts"]["b"]["counts"]["offered"]], [4, 4]);
}

#[test]
fn defaults_of_the_folder_are_for_files_and_not_for_arguments() {
    let folder = folder(&[("_defaults.yaml", "expect: { setup_time: \"< 1us\" }\n")]);
    expect_on_time(folder.path(), &dial(&["--max-offered=1"]), 0, &["PASS"]);
}

#[test]
fn wrong_arguments_are_exit_code_4_in_their_own_words() {
    let folder = folder(&[("wrong.yaml", "callee: [anser]\n")]);
    for (line, told) in [
        (&["--app=brt"][..], "error: --app brt: unknown app `brt`; did you mean `bert`?"),
        (&["--app=tone_play/frequency=loud"], "error: --app tone_play/frequency=loud: "),
        (&["--gate=asr >= 3s"], "error: --gate \"asr >= 3s\": "),
        (&["--gate=asr"], "a gate is a metric and its bound"),
        (&["--rate=0"], "a rate is in calls per second"),
        (&["--scenario=missing.yaml"], "error: --scenario missing.yaml: file `missing.yaml` is not there"),
        (&["--scenario=wrong.yaml"], "wrong.yaml:1:10"),
        (&["--interactive"], "--interactive needs a terminal"),
        (&["--metrics-listen=pbx"], "it is no port"),
        (&["--metrics=out", "--json=out/run.jsonl"], "two reports cannot both be written to"),
        (&["a=embedded", "a=embedded"], "two hosts are called"),
    ] {
        let line: Vec<&str> = ["dial"].iter().chain(line).copied().collect();
        let ran = expect(folder.path(), &line, 4, &[told]);
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
    assert!(!folder.path().join("out").exists());
}

/// A load that goes on, and where Prometheus may ask for it.
struct Going {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Going {
    fn start(folder: &Path, line: &[&str]) -> Going {
        let mut command = callwright(folder, line);
        command.args(["--metrics-listen=0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut told = String::new();
        stderr.read_line(&mut told).unwrap();
        let address = told.trim().strip_prefix("metrics: http://").and_then(|rest| rest.strip_suffix("/metrics"));
        let address = address.unwrap_or_else(|| panic!("{told}")).to_owned();
        Going { child, stderr, address }
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        answer
    }

    /// Asks until `name` is at least `value`; gives all that was told then.
    fn until(&self, name: &str, value: f64) -> String {
        loop {
            let text = self.metrics();
            let sample = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
            if sample.is_some_and(|sample| sample >= value) {
                return text;
            }
        }
    }

    /// Ctrl-C; the exit code and all that was printed.
    fn interrupt(mut self) -> (i32, String) {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let mut told = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        self.stderr.read_to_string(&mut told).unwrap();
        (self.child.wait().unwrap().code().unwrap(), told)
    }
}

#[cfg(unix)]
#[test]
fn a_load_without_end_is_watched_by_prometheus_and_comes_to_its_end_by_control_c() {
    let folder = folder(&[]);
    let line = ["dial", "--app=tone_play", "--duration=30s", "--rate=5", "--gate=asr >= 99%", "--metrics=out"];
    let going = Going::start(folder.path(), &line);
    let text = going.until("callwright_load_active_calls{load=\"dial::dial\"}", 3.0);
    for sample in [
        "# TYPE callwright_load_calls_offered_total counter\n",
        "callwright_load_asked_rate{load=\"dial::dial\"} 5\n",
        "callwright_load_phase{load=\"dial::dial\",phase=\"offering\"} 1\n",
        "callwright_load_generator_ok{load=\"dial::dial\"} ",
        "callwright_load_gate_ok{load=\"dial::dial\",gate=\"asr >= 99%\"} 0\n",
        "callwright_load_app_calls_offered_total{load=\"dial::dial\",app=\"tone_play\"} ",
        "callwright_load_host_active_calls{load=\"dial::dial\",host=\"embedded\"} ",
        "callwright_load_late_starts_seconds{load=\"dial::dial\",quantile=\"0.99\"} ",
    ] {
        assert!(text.contains(sample), "{sample:?} is not in {text}");
    }
    // A second one cannot have the port.
    let port = going.address.rsplit(':').next().unwrap();
    expect(
        folder.path(),
        &["dial", "--max-offered=1", &format!("--metrics-listen={port}")],
        3,
        &["cannot give metrics"],
    );
    let (code, told) = going.interrupt();
    // Every call was cut off, so nothing was measured for the gate.
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("nothing was measured") && !told.contains("Interrupted"), "{told}");
    let counts = last_event(&folder.path().join("out"), "load_told")["snapshot"]["counts"].clone();
    assert!(counts["cut_off"].as_u64() == counts["offered"].as_u64() && counts["errors"] == 0, "{counts}");
}

#[cfg(unix)]
#[test]
fn calls_that_control_c_cuts_off_are_not_judged_beside_those_that_ended() {
    let folder = folder(&[]);
    let line = ["dial", "--app=tone_play", "--duration=1s", "--rate=5", "--gate=asr >= 99%", "--metrics=out"];
    let (code, told) = loop {
        let going = Going::start(folder.path(), &line);
        going.until("callwright_load_calls_answered_total{load=\"dial::dial\"}", 1.0);
        let (code, told) = going.interrupt();
        if code != 3 || !told.contains(LATE) {
            break (code, told);
        }
    };
    assert_eq!(code, 0, "{told}");
    let counts = last_event(&folder.path().join("out"), "load_told")["snapshot"]["counts"].clone();
    let of = |name: &str| counts[name].as_u64().unwrap();
    assert!(of("cut_off") > 0 && of("passed") > 0 && of("checks_failed") == 0 && of("errors") == 0, "{counts}");
    assert_eq!(of("offered"), of("ended") + of("cut_off"));
}

#[cfg(unix)]
#[test]
fn a_load_with_an_end_that_is_interrupted_is_exit_code_2() {
    let folder = folder(&[]);
    let going = Going::start(folder.path(), &["dial", "--app=tone_play", "--rate=5", "--for=10m"]);
    going.until("callwright_load_calls_offered_total{load=\"dial::dial\"}", 1.0);
    let (code, told) = going.interrupt();
    assert!(code == 2 && told.contains("Interrupted"), "{told}");
}
