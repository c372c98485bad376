//! Clients of FreeSWITCH's event socket, in Python: greenswitch and genesis.
//!
//! Each makes two calls, and serves one that the application `socket` gives it, and prints what it saw. A FreeSWITCH 1.10.12
//! is seen the same by both.

use serde_json::json;

use super::*;

/// What a script saw of a switch of its own; `None` where its package is not installed.
fn seen(package: &str, script: &str) -> Option<Value> {
    let installed = Command::new("python3").args(["-c", &format!("import {package}")]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        missing(&format!("python3 with {package}"));
        return None;
    }
    let host = Host::start();
    let esl = host.switch().esl_addr();
    let mut command = Command::new("python3");
    command.args(["-c", script, &esl.ip().to_string(), &esl.port().to_string(), &host.sip()]);
    let said = Peer::start(&mut command)?.ended();
    let seen = said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{said}"));
    Some(serde_json::from_str(seen).unwrap())
}

#[test]
fn greenswitch_logs_in_calls_plays_filters_and_hangs_up() {
    let Some(seen) = seen("greenswitch", include_str!("with_greenswitch.py")) else { return };
    let wanted = json!({
        "wrong password": "Invalid password.",
        "event": "+OK event listener enabled plain",
        "echo": "déjà vu",
        "unknown": "-ERR no_such_command Command not found!\n",
        "no channel": "-ERR No such channel!\n",
        "no session": "-ERR invalid session id [c1111111-2222-3333-4444-555555555555]",
        "custom": "a: b % c",
        "callee": ["peer", "1001"],
        "job": ["originate", true],
        "exists": "true",
        "set": ["+OK\n", "bright"],
        "dump": true,
        "playback": "+OK",
        "played": ["done", "FILE PLAYED"],
        "order of the caller": ["CREATE", "ANSWER", "PARK"],
        "filter": "+OK filter added. [Unique-ID]=[callee]",
        "hangup": "+OK",
        "cause": "USER_BUSY",
        "only of the filter": true,
        "filter delete": "+OK filter deleted. [Unique-ID][callee]",
        "order of the callee": ["CREATE", "PARK", "ANSWER", "HANGUP", "HANGUP_COMPLETE", "DESTROY"],
        "refused": "CALL_REJECTED",
        "order of the refused": ["CREATE", "HANGUP", "HANGUP_COMPLETE", "DESTROY"],
        "exit": "+OK bye",
        "notice": true,
    });
    assert_eq!(seen, wanted);
}

/// FreeSWITCH tells a hangup's cause twice in one event; genesis makes a list of it.
#[test]
fn genesis_logs_in_calls_plays_filters_consumes_and_hangs_up() {
    let Some(seen) = seen("genesis", include_str!("with_genesis.py")) else { return };
    let (busy, rejected) = (json!(["USER_BUSY", "USER_BUSY"]), json!(["CALL_REJECTED", "CALL_REJECTED"]));
    let wanted = json!({
        "wrong password": "Invalid password",
        "events": "+OK event listener enabled plain",
        "unknown": "-ERR no_such_command Command not found!\n",
        "no session": "-ERR invalid session id [c1111111-2222-3333-4444-555555555555]",
        "no channel": "channel nobody not found",
        "state": "EXECUTE",
        "answer": "+OK",
        "job": "+OK a1111111-2222-3333-4444-555555555555\n",
        "order of the caller": ["CREATE", "ANSWER", "PARK"],
        "played": ["CHANNEL_EXECUTE_COMPLETE", "FILE PLAYED"],
        "playback": "done",
        "hangup": "+OK\n",
        "cause": busy,
        "order of the callee": ["CREATE", "PARK", "ANSWER", "HANGUP", "HANGUP_COMPLETE", "DESTROY"],
        "filter": "+OK filter added. [Unique-ID]=[b1111111-2222-3333-4444-555555555555]",
        "filter add": "+OK filter added. [Call-Direction]=[inbound]",
        "refused": rejected,
        "order of the refused": ["CREATE", "HANGUP", "HANGUP_COMPLETE", "DESTROY"],
        "filter delete": "+OK filter deleted. [all][]",
        "consumed": [
            ["CUSTOM", "a: b % c"],
            ["CHANNEL_HANGUP_COMPLETE", rejected, "inbound"],
            ["CHANNEL_HANGUP_COMPLETE", rejected, "outbound"],
            ["CHANNEL_HANGUP_COMPLETE", busy, "inbound"],
            ["CHANNEL_HANGUP_COMPLETE", busy, "outbound"],
        ],
        "exit": "+OK bye",
        "notice": true,
    });
    assert_eq!(seen, wanted);
}

#[test]
fn greenswitch_serves_a_call_that_the_application_socket_gives_it() {
    let Some(seen) = seen("greenswitch", include_str!("served_by_greenswitch.py")) else { return };
    let caller = "a1111111-2222-3333-4444-555555555555";
    let wanted = json!({
        "data": ["CHANNEL_DATA", caller, "peer"],
        "mode": ["+OK", "async", "full"],
        "property": [caller, "peer"],
        "answer": "+OK",
        "played": ["playback", "FILE PLAYED"],
        "set": "bright",
        "api": "bright",
        "nobody": "-ERR invalid session id [nobody]",
        "ended": ["HANGUP", "UNPARK", "STATE", "STATE", "HANGUP_COMPLETE"],
        "late": "gone away",
    });
    assert_eq!(seen, wanted);
}

/// genesis takes CHANNEL_STATE for itself.
#[test]
fn genesis_serves_a_call_that_the_application_socket_gives_it() {
    let Some(seen) = seen("genesis", include_str!("served_by_genesis.py")) else { return };
    let wanted = json!({
        "data": ["CHANNEL_DATA", "a1111111-2222-3333-4444-555555555555", "peer"],
        "mode": ["+OK", "async", "full"],
        "answer": "+OK",
        "played": ["playback", "FILE PLAYED"],
        "set": "+OK",
        "api": "true",
        "nobody": "-ERR invalid session id [nobody]",
        "hangup": "+OK",
        "ended": ["HANGUP", "UNPARK", "HANGUP_COMPLETE"],
        "exit": "+OK bye",
    });
    assert_eq!(seen, wanted);
}
