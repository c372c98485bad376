#![expect(clippy::disallowed_methods, reason = "a SIP peer of its own thread")]
//! Scenarios that must fail, each for the reason that is named: what a step or a check cannot fail it does not show.

use std::net::UdpSocket;
use std::process::Command;

use assert_cmd::prelude::*;

/// What came of a run: its exit code and what it said.
fn run(yaml: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.yaml");
    std::fs::write(&file, yaml).unwrap();
    let mut command = Command::cargo_bin("callwright").unwrap();
    let output = command.arg("run").arg(&file).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

/// A callee that answers and hangs up, and a caller that waits for it.
const CALL: &str = "callee: [answer, hangup]\ncaller: [wait: { hungup: 5s }]\n";

/// Scenarios without their names, and what the failure must say.
const WRONG: &[(&str, &str)] = &[
    ("CALLexpect: { events: { leg: callee, order: [CHANNEL_HANGUP, CHANNEL_ANSWER] } }", "came behind CHANNEL_HANGUP"),
    (
        "call: { headers: { X-Tenant: red } }\nCALLexpect: { events: { leg: callee, order: [{ event: CHANNEL_ANSWER, \
         headers: { variable_sip_h_X-Tenant: ^blue$ } }] } }",
        "CHANNEL_ANSWER came, but with variable_sip_h_X-Tenant = red",
    ),
    ("CALLexpect: { events: { leg: caller, never: CHANNEL_ANSWER } }", "CHANNEL_ANSWER came behind"),
    (
        "CALLexpect: { events: { leg: callee, order: [CHANNEL_CREATE, CHANNEL_ANSWER], strict: true } }",
        "came before it",
    ),
    (
        "CALLexpect: { events: { leg: callee, order: [CHANNEL_CREATE, { not: CHANNEL_PARK }, CHANNEL_ANSWER] } }",
        "CHANNEL_PARK came",
    ),
    ("CALLexpect: { headers: { callee: { Answer-State: answered } } }", "callee Answer-State = hangup"),
    ("CALLexpect: { variables: { caller: { no_such: /./ } } }", "caller has no no_such"),
    (
        "caller: [wait: { hungup: 5s }]\ncallee: [respond: 486]\nexpect: { sip_code: { callee: 404 } }",
        "callee SIP code 486",
    ),
    ("CALLexpect: { duration: { callee: \">= 1s\" } }", "callee's talk time"),
    ("call: { timeout: 2s }\ncaller: [wait: { hungup: 5s }]\nexpect: { no_call: true }", "a call came"),
    ("callee: [answer, expect: { answered: false }]\ncaller: [wait: { hungup: 5s }]", "Answer-State = answered"),
    ("callee: [answer, expect: { variables: { colour: blue } }]\ncaller: [wait: { hungup: 5s }]", "no variable_colour"),
    (
        "callee: [answer, play: { tone: 700Hz }, wait: { hungup: 5s }]\n\
         caller: [wait: { answered: 5s }, expect_tone: { frequency: 1004Hz, within: 1s }, hangup]",
        "expect a tone of 1004.0 Hz",
    ),
    (
        "callee: [answer, expect: { headers: { Caller-Destination-Number: \"4711\" } }]\ncaller: [wait: { hungup: 5s }]",
        "Caller-Destination-Number = ",
    ),
    (
        "callee: [bridge: { to: second, timeout: 1s }]\ncaller: [wait: { answered: 5s }]",
        "the leg ended with NO_ANSWER before",
    ),
    ("callee: [answer, unhold, hangup]\ncaller: [wait: { hungup: 5s }]", "step 2: unhold: the switch refused it"),
    (
        "record: { caller: heard }\ncallee: [answer, play: { tone: 800Hz, level: -10dBm0 }, sleep: 400ms, mute, \
         sleep: 1200ms, hangup]\ncaller: [wait: { hungup: 5s }]\nexpect: { audio: [{ leg: caller, heard: { tone: \
         800Hz +-2Hz, level: -10dBm0 +-1dB, for: \">= 1200ms\" } }] }",
        "caller heard tone 800Hz",
    ),
    (
        "record: { caller: heard }\ncallee: [bridge: { to: second, far: answer }, wait: { hungup: 5s }]\n\
         caller: [wait: { answered: 5s }, play: { tone: 1004Hz }, wait: { hungup: 5s }]\nduration: 1500ms\n\
         expect: { audio: [{ leg: caller, heard: { tone: 1004Hz +-2Hz, level: -10dBm0 +-3dB, for: \">= 500ms\" } }] }",
        "caller heard tone 1004Hz",
    ),
];

#[test]
fn each_wrong_scenario_fails_for_the_reason_that_is_named() {
    let documents = WRONG.iter().enumerate();
    let documents =
        documents.map(|(number, (yaml, _))| format!("name: wrong {number}\n{}\n", yaml.replace("CALL", CALL)));
    let (code, said) = run(&documents.collect::<Vec<_>>().join("---\n"));
    let summary = said.split("Did not pass:").nth(1).unwrap_or_else(|| panic!("{said}"));
    assert_eq!(code, Some(1), "{said}");
    for (number, (yaml, reason)) in WRONG.iter().enumerate() {
        let found = summary.lines().find(|line| line.contains(&format!("::wrong {number} (")));
        let found = found.unwrap_or_else(|| panic!("wrong {number} passed: {yaml}\n{said}"));
        assert!(found.trim_start().starts_with("FAIL") && found.contains(reason), "{yaml}\n{found}, not {reason}");
    }
}

/// A route that is blocked: whoever is called says 404, and nothing of the call arrives anywhere.
#[test]
fn no_call_holds_of_a_blocked_route_and_is_unknown_of_a_dead_one() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let proxy = std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        loop {
            let (length, peer) = socket.recv_from(&mut buffer).unwrap();
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if request.starts_with("STOP") {
                return;
            }
            if !request.starts_with("INVITE") {
                continue;
            }
            let kept = ["via:", "from:", "to:", "call-id:", "cseq:"];
            let lines = request.lines().filter(|line| kept.iter().any(|k| line.to_ascii_lowercase().starts_with(k)));
            let lines = lines.map(|line| match line.to_ascii_lowercase().starts_with("to:") {
                true => format!("{line};tag=blocked\r\n"),
                false => format!("{line}\r\n"),
            });
            let response = format!("SIP/2.0 404 Not Found\r\n{}Content-Length: 0\r\n\r\n", lines.collect::<String>());
            socket.send_to(response.as_bytes(), peer).unwrap();
        }
    });
    let yaml = |port: u16| {
        format!(
            "name: blocked\ncall: {{ proxy: \"127.0.0.1:{port}\" }}\ncaller: [wait: {{ hungup: 5s }}]\nexpect: {{ no_call: 200ms }}\n"
        )
    };
    let (code, said) = run(&yaml(port));
    assert_eq!(code, Some(0), "{said}");
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"STOP", ("127.0.0.1", port)).unwrap();
    proxy.join().unwrap();
    let (code, said) = run(&yaml(port));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("nobody answered the INVITE"), "{said}");
}
