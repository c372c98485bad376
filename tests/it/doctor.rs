#![expect(clippy::disallowed_methods, reason = "waits for another program, within a bound")]
//! `callwright doctor` through the binary, on embedded switches and on servers that are none.

use std::process::Command;

use assert_cmd::prelude::*;
use callwright::switch::{Switch, SwitchConfig};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Exit code and findings of one host that are not ok, as `check: severity`.
async fn doctor(arguments: &[&str]) -> (i32, Vec<String>, Value) {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.args(["doctor", "--format", "json"]).args(arguments).env_remove("CALLWRIGHT_PASSWORD");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let json: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
    let findings = json["hosts"][0]["findings"].as_array().unwrap();
    // How long a command takes tells of the machine that runs the tests.
    let bad = findings.iter().filter(|finding| finding["severity"] != "ok" && finding["check"] != "latency");
    let text = |finding: &Value| format!("{}: {}", finding["check"], finding["severity"]).replace('"', "");
    (output.status.code().unwrap(), bad.map(text).collect(), json)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_switch_is_well() {
    let (code, bad, json) = doctor(&[]).await;
    assert_eq!((code, bad), (0, vec![]), "{json:#}");
    assert!(json["hosts"][0]["findings"].as_array().unwrap().len() > 10);
    assert_eq!(doctor(&["--fshost", "embedded"]).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let config = SwitchConfig { recordings_dir: folder.path().to_owned(), ..SwitchConfig::default() };
    let switch = Switch::start(config).await.unwrap();
    let (code, bad, json) = doctor(&["--fshost", &switch.esl_addr().to_string()]).await;
    assert_eq!((code, bad), (0, vec![]), "{json:#}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a recording is left");
    let status = ask(&switch, "show channels count").await;
    assert!(status.contains("0 total"), "{status}");
    switch.shutdown().await;
}

/// The reply to one command.
async fn ask(switch: &Switch, command: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(switch.esl_addr()).await.unwrap();
    stream.write_all(format!("auth ClueCon\n\napi {command}\n\nexit\n\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_switch_is_a_problem() {
    let switch = Switch::start(SwitchConfig { max_sessions: 5, sessions_per_second: 5, ..SwitchConfig::default() });
    let switch = switch.await.unwrap();
    let host = switch.esl_addr().to_string();
    let (code, bad, json) = doctor(&["--fshost", &host]).await;
    assert_eq!((code, bad), (1, vec!["limits: warning".to_owned(), "limits: problem".to_owned()]), "{json:#}");
    assert_eq!(doctor(&["--fshost", &host, "-j", "2"]).await.0, 0);
    let (code, bad, _) = doctor(&["--fshost", &host, "-j", "2", "--profile", "nosuch"]).await;
    assert_eq!((code, bad), (1, vec!["profile: problem".to_owned()]));
    let (code, bad, _) = doctor(&["--fshost", &host, "--password", "wrong"]).await;
    assert_eq!((code, bad), (1, vec!["login: problem".to_owned()]));
    switch.shutdown().await;
    let nowhere = SwitchConfig { recordings_dir: "/dev/null/nowhere".into(), ..SwitchConfig::default() };
    let switch = Switch::start(nowhere).await.unwrap();
    let (code, bad, json) = doctor(&["--fshost", &switch.esl_addr().to_string()]).await;
    assert_eq!((code, bad), (1, vec!["recordings: problem".to_owned()]), "{json:#}");
    switch.shutdown().await;
}

/// A server that says one thing to everybody, and then goes.
async fn says(text: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_list_is_told_apart_from_what_is_no_event_socket_and_from_nobody() {
    let acl = says("Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n").await;
    let (code, bad, json) = doctor(&["--fshost", &acl]).await;
    assert_eq!((code, bad), (1, vec!["login: problem".to_owned()]));
    assert!(json.to_string().contains("Access Denied, go away."), "{json:#}");
    let ssh = says("SSH-2.0-OpenSSH_9.6\r\n\r\n").await;
    let (code, bad, json) = doctor(&["--fshost", &ssh]).await;
    assert_eq!((code, bad), (3, vec!["reachable: unknown".to_owned()]));
    assert!(json.to_string().contains("is no event socket"), "{json:#}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (code, bad, json) = doctor(&["--fshost", &free]).await;
    assert_eq!((code, bad), (3, vec!["reachable: unknown".to_owned()]));
    assert!(json.to_string().contains("nobody answers"), "{json:#}");
}

#[test]
fn usage_is_4() {
    for line in
        ["doctor --fshost :1", "doctor --format xml", "doctor -j 0", "doctor --profile", "doctor --profile a\nb"]
    {
        let mut command = Command::cargo_bin("callwright").unwrap();
        assert_eq!(command.args(line.split(' ')).output().unwrap().status.code(), Some(4), "{line:?}");
    }
}
