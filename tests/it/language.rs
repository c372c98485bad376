//! Skips, expected failures, retries and secrets, from the command line to the exit code.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::prelude::*;

/// Runs callwright in a folder of its own that holds `files`.
fn run(files: &[(&str, &str)], arguments: &[&str], env: &[(&str, &str)]) -> (Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.arg("run").args(arguments).current_dir(&folder).env_remove("CALLWRIGHT_PASSWORD");
    (command.envs(env.iter().copied()).output().unwrap(), folder)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn junit(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("junit.xml")).unwrap()
}

/// Passes at once: a callee that refuses, as it is expected to.
const BUSY: &str = "callee: [{ respond: 486 }]\nexpect: { answered: false, sip_code: 486 }\n";

/// Fails: the same callee, and another code expected.
const WRONG: &str = "callee: [{ respond: 486 }]\nexpect: { answered: false, sip_code: 404 }\n";

#[test]
fn a_run_in_which_everything_is_skipped_is_exit_code_5_and_tells_the_reasons() {
    let text = format!(
        "name: a\nskip: not now\n{BUSY}---\nname: b\nrequires: {{ host: freeswitch }}\n{BUSY}---\n\
         name: c\nrequires: {{ module: mod_nothing }}\n{BUSY}---\nname: d\nrequires: {{ env: CALLWRIGHT_UNSET }}\n{BUSY}\
         ---\nname: e\nrequires: {{ version: '< 1.2' }}\n{BUSY}"
    );
    let (output, folder) = run(&[("a.yaml", &text)], &["a.yaml", "--junit", "junit.xml"], &[]);
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(5), "{told}");
    for reason in [
        "::a (embedded) - skip: not now",
        "::b (embedded) - requires: needs a FreeSWITCH, and this host is the embedded switch",
        "::c (embedded) - requires: needs mod_nothing, which this host does not have",
        "::d (embedded) - skip: environment variable CALLWRIGHT_UNSET is not set",
        "::e (embedded) - requires: needs version < 1.2, and this host is 1.10.12",
    ] {
        assert!(told.contains(reason), "{reason}: {told}");
    }
    assert_eq!(junit(folder.path()).matches("<skipped ").count(), 5);
}

#[test]
fn what_the_embedded_switch_has_is_run_there() {
    let text = format!("requires: {{ host: embedded, module: mod_sofia, version: '>= 1.10', env: HERE }}\n{BUSY}");
    let (output, _folder) = run(&[("a.yaml", &text)], &["a.yaml"], &[("HERE", "1")]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn an_expected_failure_is_green_and_a_pass_that_was_not_expected_is_red() {
    let (output, folder) =
        run(&[("a.yaml", &format!("name: a\nxfail: ticket 7\n{WRONG}"))], &["a.yaml", "--junit", "junit.xml"], &[]);
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("\nXFAIL [") && told.contains("a.yaml::a (embedded) - ticket 7\n"), "{told}");
    assert!(told.contains("1 test: 0 passed, 1 failed as expected\n"), "{told}");
    assert!(
        junit(folder.path()).contains(r#"type="xfail" message="expected to fail: ticket 7""#)
            || junit(folder.path()).contains(r#"message="expected to fail: ticket 7" type="xfail""#)
    );
    let (output, folder) =
        run(&[("a.yaml", &format!("xfail: ticket 7\n{BUSY}"))], &["a.yaml", "--junit", "junit.xml"], &[]);
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("\nXPASS [") && told.contains("expected a failure: ticket 7"), "{told}");
    assert!(junit(folder.path()).contains("<failure "));
}

/// A user agent that refuses each INVITE with the next of `codes` (RFC 3261 8.2.6), and the port it listens on.
#[expect(clippy::disallowed_methods, reason = "a peer on a real socket")]
fn refusing(codes: &'static [u16]) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut calls: Vec<String> = Vec::new();
        let mut bytes = [0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if !text.starts_with("INVITE ") {
                continue;
            }
            let kept = |line: &&str| {
                let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
                ["via", "v", "from", "f", "to", "t", "call-id", "i", "cseq"].contains(&name.as_str())
            };
            let mut headers: Vec<String> = text.lines().filter(kept).map(str::to_owned).collect();
            let call = headers.iter().find(|line| line.to_ascii_lowercase().starts_with("call-id")).unwrap().clone();
            let known = calls.iter().position(|known| *known == call);
            let index = known.unwrap_or_else(|| {
                calls.push(call);
                calls.len() - 1
            });
            for line in headers.iter_mut().filter(|line| line.starts_with("To:")) {
                line.push_str(";tag=refused");
            }
            let code = codes[index.min(codes.len() - 1)];
            let reply = format!("SIP/2.0 {code} No\r\n{}\r\nContent-Length: 0\r\n\r\n", headers.join("\r\n"));
            socket.send_to(reply.as_bytes(), from).unwrap();
        }
    });
    port
}

#[test]
fn a_test_that_passes_only_when_it_is_tried_again_is_green_and_marked_flaky() {
    let text = "name: a\nretries: 2\ncall: { to: 'x@127.0.0.1:${env.PORT}' }\ncaller: [{ wait: { hungup: 5s } }]\n\
                expect: { answered: false, sip_code: 404 }\n";
    let again = |codes, retries: &str| {
        let port = refusing(codes).to_string();
        let text = text.replace("retries: 2", retries);
        run(&[("a.yaml", &text)], &["a.yaml", "--junit", "junit.xml"], &[("PORT", &port)])
    };
    let (output, folder) = again(&[486, 486, 404], "retries: 2");
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("\nFLAKY [") && told.contains(" - passed at attempt 3\n"), "{told}");
    assert!(told.contains("1 failed - ") && told.contains("2 failed - "), "{told}");
    assert!(told.contains("1 test: 1 passed, 1 of them flaky\n"), "{told}");
    let xml = junit(folder.path());
    assert_eq!(xml.matches("<flakyFailure ").count(), 2, "{xml}");
    // One more failure than retries, and it is red, with all attempts told.
    let (output, folder) = again(&[486, 486, 404], "retries: 1");
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let xml = junit(folder.path());
    assert_eq!((xml.matches("<rerunFailure ").count(), xml.matches("<failure ").count()), (1, 1), "{xml}");
}

#[test]
fn a_secret_is_printed_nowhere_and_the_same_value_is_where_it_is_no_secret() {
    const KEY: &str = "hunter's, 2&3";
    // It is dialled, sent as a header, logged, refused by the switch and looked for in vain.
    let text = "name: 'a ${env.KEY}'\nsecrets: [KEY]\nvars: { key: 'k=${env.KEY}' }\n\
                call: { headers: { X-Key: '${env.KEY}' }, vars: { key: '${vars.key}' }, timeout: 3s }\n\
                callee:\n  - answer\n  - log: '${env.KEY}'\n  - set: { key: '${env.KEY}' }\n  \
                - api: 'nonsense ${vars.key}'\n  - hangup\nxfail: { if: no, reason: '${env.KEY}' }\n";
    let all = |text: &str, extra: &[&str]| {
        let arguments = [&["a.yaml", "--junit", "junit.xml"], extra].concat();
        let (output, folder) = run(&[("a.yaml", text)], &arguments, &[("KEY", KEY), ("CALLWRIGHT_LOG", "info")]);
        let report = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap_or_default();
        (output.status.code(), format!("{}{}{report}", stdout(&output), String::from_utf8_lossy(&output.stderr)))
    };
    let (code, told) = all(text, &[]);
    assert_eq!(code, Some(1), "{told}");
    assert!(!told.contains("hunter") && told.contains("a.yaml::a ***"), "{told}");
    // Without being named a secret it is there, in the trace of the command too.
    let (_, open) = all(&text.replace("secrets: [KEY]\n", ""), &[]);
    assert!(open.matches("hunter").count() > 5, "{open}");
    assert_eq!(told.contains("nonsense k=***"), open.contains("nonsense k=hunter"), "{told}\n{open}");
    let (_, listed) = all(text, &["--list"]);
    assert!(!listed.contains("hunter") && listed.contains("a.yaml::a ***"), "{listed}");
    let (code, broken) = all(&text.replace("- hangup", "- hangup: '${env.KEY}'\n  - sleep: '${env.KEY}'"), &[]);
    assert_eq!(code, Some(4), "{broken}");
    assert!(!broken.contains("hunter") && broken.contains("unknown hangup cause `***`"), "{broken}");
}

#[test]
fn what_begins_with_an_underscore_is_no_scenario_and_the_name_of_a_matrix_names_all_its_tests() {
    let matrix = format!("name: m\nmatrix: {{ code: [486, 404] }}\n{BUSY}").replace("486 }]", "${matrix.code} }]");
    let matrix = matrix.replace("sip_code: 486", "sip_code: \"${matrix.code}\"").replace("respond: $", "respond: \"$");
    let matrix = matrix.replace("code} }]", "code}\" }]");
    let files = [
        ("s/a.yaml", matrix.as_str()),
        ("s/_steps/x.yaml", "- answer\n"),
        ("s/_defaults.yaml", "tags: quick\n"),
        ("s/b.yaml", BUSY),
    ];
    let (output, _folder) = run(&files, &["s", "--list"], &[]);
    assert_eq!(stdout(&output), "s/a.yaml::m[code=486]\ns/a.yaml::m[code=404]\ns/b.yaml::b\n");
    let (output, _folder) = run(&files, &["s/a.yaml::m"], &[]);
    assert!(stdout(&output).contains("2 tests: 2 passed\n"), "{}", stdout(&output));
    let (output, _folder) = run(&files, &["s/a.yaml::m[code=404]", "-m", "quick"], &[]);
    assert!(stdout(&output).contains("1 test: 1 passed\n"), "{}", stdout(&output));
}
