#![expect(clippy::disallowed_methods, reason = "waits for another program, within a bound")]
#![cfg(unix)]
//! What goes wrong around a run, each through the binary: exit code, message, reports, and nothing left on the host.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use callwright::switch::{Switch, SwitchConfig};
use rstest::rstest;

use super::exit_codes::{PASSES, Ran, callwright, folder, ran};

pub(crate) const LONG: &str =
    "name: long\ncallee: [answer]\ncaller: [{ wait: { answered: 2s } }, { sleep: 1h }]\ntimeout: 2h\n";
const RECORDS: &str = "record: { caller: both }\ncallee: [answer, echo]\n\
                       caller: [{ wait: { answered: 5s } }, { play: { tone: 1004Hz } }, { sleep: 3s }]\n\
                       expect: { audio: [{ leg: caller, heard: { tone: 1004Hz +-4Hz, for: \">= 2s\" } }] }\n";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    HostRefused,
    LoginWrong,
    HostDies,
    Garbage,
    ReportDiskFull,
    RecordingDiskFull,
    Signal(&'static str),
}

#[rstest]
#[case::host_refused(Fault::HostRefused, 3, "cannot connect to", "refused")]
#[case::login_wrong(Fault::LoginWrong, 3, "login refused: invalid", "login refused: invalid")]
#[case::host_dies_in_mid_call(Fault::HostDies, 3, "lost: connection closed", "connection closed")]
#[case::switch_answers_garbage(Fault::Garbage, 3, "bad input: head is not UTF-8", "bad input")]
#[case::disk_full_under_a_report(Fault::ReportDiskFull, 3, "cannot write the report /dev/full", "")]
#[case::disk_full_under_a_recording(
    Fault::RecordingDiskFull,
    3,
    "the recording is incomplete",
    "the recording is incomplete"
)]
#[case::ctrl_c(Fault::Signal("INT"), 2, "interrupted", "interrupted")]
#[case::sigterm(Fault::Signal("TERM"), 2, "interrupted", "interrupted")]
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_has_its_exit_code_and_message_and_its_reports_and_leaves_nothing_on_the_host(
    #[case] fault: Fault,
    #[case] code: i32,
    #[case] message: &str,
    #[case] reported: &str,
) {
    let folder = folder(&[("long.yaml", LONG), ("passes.yaml", PASSES), ("records.yaml", RECORDS)]);
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let host = switch.esl_addr().to_string();
    let start = |arguments: &[&str]| {
        callwright(folder.path(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (ran, left) = match fault {
        Fault::HostRefused => {
            // A port that was free a moment ago, and that nobody listens on.
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let host = format!("127.0.0.1:{port}");
            (end(start(&["run", "passes.yaml", "--fshost", &host, "--junit", "junit.xml"])).await, Some(switch))
        }
        Fault::LoginWrong => {
            let arguments = ["run", "passes.yaml", "--fshost", &host, "--password", "no", "--junit", "junit.xml"];
            (end(start(&arguments)).await, Some(switch))
        }
        Fault::HostDies => {
            let child = start(&["run", "long.yaml", "--fshost", &host, "--junit", "junit.xml"]);
            until_calls(&switch, 2).await;
            drop(switch);
            (end(child).await, None)
        }
        Fault::Garbage => {
            let host = babbling();
            (end(start(&["run", "passes.yaml", "--fshost", &host, "--junit", "junit.xml"])).await, Some(switch))
        }
        Fault::ReportDiskFull => {
            let child = start(&["run", "passes.yaml", "--fshost", &host, "--junit", "/dev/full"]);
            (end(child).await, Some(switch))
        }
        Fault::RecordingDiskFull => (end(with_little_room(folder.path())).await, Some(switch)),
        Fault::Signal(signal) => {
            let child = start(&["run", "long.yaml", "--fshost", &host, "--junit", "junit.xml"]);
            until_calls(&switch, 2).await;
            send(&child, signal);
            (end(child).await, Some(switch))
        }
    };
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    assert!(format!("{}{}", ran.out, ran.err).contains(message), "{}{}", ran.out, ran.err);
    assert!(ran.out.lines().last().unwrap().contains("1 test: "), "{}", ran.out);
    if !reported.is_empty() {
        let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
        assert!(junit.contains("<error") && junit.contains(reported) && junit.ends_with("</testsuites>\n"), "{junit}");
    }
    if let Some(switch) = left {
        until_calls(&switch, 0).await;
        switch.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_tears_down_what_was_set_up_and_a_second_one_ends_at_once() {
    let setup = "steps: [{ api: status }]\n";
    let teardown = "name: slow\nsteps: [{ api: nosuch }]\n---\nname: slower\nsteps: [{ sleep: 50s }]\n";
    let folder = folder(&[("a.yaml", LONG), ("_setup.yaml", setup), ("_teardown.yaml", teardown)]);
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let host = switch.esl_addr().to_string();
    let arguments = ["run", ".", "--fshost", &host, "--junit", "junit.xml"];
    let child = callwright(folder.path(), &arguments).stdout(Stdio::piped()).spawn().unwrap();
    until_calls(&switch, 2).await;
    send(&child, "INT");
    until_calls(&switch, 0).await;
    let began = Instant::now();
    send(&child, "INT");
    let ran = end(child).await;
    assert!(began.elapsed() < Duration::from_secs(20), "it waited for the teardown");
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(!folder.path().join("junit.xml").exists());
    switch.shutdown().await;
}

#[test]
fn a_setup_that_fails_spoils_its_folder_alone_and_the_teardown_tells_its_own_error() {
    let folder = folder(&[("outside.yaml", PASSES)]);
    std::fs::create_dir(folder.path().join("in")).unwrap();
    for (name, text) in [
        ("in/a.yaml", PASSES),
        ("in/_setup.yaml", "name: prepare\nsteps:\n  - log: here\n  - api: nosuch\n"),
        ("in/_teardown.yaml", "name: clean\nsteps: [{ api: neither }]\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let words = [
        "ERROR",
        "setup ./in/_setup.yaml::prepare",
        "in/_setup.yaml:4:5",
        "host step 2: api nosuch",
        "./in/_teardown.yaml::clean",
        "2 tests: 1 passed, 1 in error, 2 setup or teardown in error",
    ];
    super::exit_codes::expect(folder.path(), &["run", "."], 3, &words);
}

#[test]
fn a_setup_with_a_mistake_is_told_before_anything_runs() {
    let steps = "steps: [{ play: { tone: 1004Hz } }]\n";
    let folder = folder(&[("a.yaml", PASSES), ("_setup.yaml", steps)]);
    for command in ["run", "check"] {
        super::exit_codes::expect(folder.path(), &[command, "."], 4, &["_setup.yaml:1:", "`play` needs a call"]);
    }
}

/// Waits for the end of a program.
pub(crate) async fn end(child: Child) -> Ran {
    ran(tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap())
}

fn send(child: &Child, signal: &str) {
    let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

/// The address of a server that greets with nonsense.
fn babbling() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let nonsense: Vec<u8> = (0..300).map(|at| (at * 131 % 251) as u8 | 0x80).chain(*b"\n\n").collect();
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Whoever has read enough may be gone.
            let _ = std::io::Write::write_all(&mut stream, &nonsense);
            open.push(stream);
        }
    });
    host
}

/// A run on the embedded switch none of whose files can grow beyond 20 KB or 40 KB, as the shell counts.
fn with_little_room(folder: &Path) -> Child {
    let run = callwright(folder, &["run", "records.yaml", "--junit", "junit.xml"]);
    let script = "trap '' XFSZ; ulimit -f 40; exec \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(run.get_program()).args(run.get_args()).current_dir(folder);
    shell.env("NO_COLOR", "1").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the switch has so many sessions.
pub(crate) async fn until_calls(switch: &Switch, wanted: usize) {
    use callwright::esl::wire::{Decoder, Limits};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(switch.esl_addr()).await.unwrap();
    stream.write_all(b"auth ClueCon\n\n").await.unwrap();
    let mut decoder = Decoder::new(Limits::default());
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut buffer = [0; 4096];
    stream.write_all(b"api show channels count\n\n").await.unwrap();
    loop {
        while let Some(frame) = decoder.poll().unwrap() {
            let Some(body) = frame.body else { continue };
            let found: usize = body.split_whitespace().next().unwrap().parse().unwrap();
            if found == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{found} sessions, not {wanted}");
            tokio::task::yield_now().await;
            stream.write_all(b"api show channels count\n\n").await.unwrap();
        }
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the switch closed the connection");
        decoder.feed(&buffer[..length]);
    }
}
