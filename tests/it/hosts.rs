#![expect(clippy::disallowed_methods, reason = "waits for another program, within a bound")]
#![cfg(unix)]
//! Several hosts: their names and files, calls from one to another, and hosts that are lost alone.

use std::net::SocketAddr;
use std::process::Stdio;

use callwright::switch::{Switch, SwitchConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::exit_codes::{PASSES, callwright, expect, folder};
use super::faults::{LONG, end, until_calls};

/// Heard and recorded at the callee's end, which is asked for its own variables.
const ACROSS: &str = "name: across
record: { callee: heard }
callee:
  - answer
  - expect_dtmf: { digits: \"12\", within: 5s }
  - expect: { variables: { direction: inbound } }
caller:
  - wait: { answered: 2s }
  - send_dtmf: { digits: \"12\" }
  - play: { tone: 700Hz, for: 1s }
expect: { audio: [{ leg: callee, heard: { tone: 700Hz +-4Hz, for: \">= 800ms\" } }] }
";

#[test]
fn a_call_goes_from_one_host_to_another_and_is_followed_at_both_ends() {
    let folder = folder(&[("across.yaml", ACROSS), ("hosts", "a=embedded\nb=embedded callee\n")]);
    let words = ["across.yaml::across (a)", "host b: ", "1 passed"];
    expect(folder.path(), &["run", "across.yaml", "--hosts", "hosts", "--junit", "junit.xml"], 0, &words);
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains("name=\"callee_host\" value=\"b\""), "{junit}");
}

#[test]
fn a_scenario_runs_on_each_host_by_its_name() {
    let text = "name: on ${host.name}\ncallee: [answer]\ncaller: [{ wait: { answered: 2s } }]\n";
    let folder = folder(&[("named.yaml", text)]);
    let arguments = ["run", "named.yaml", "--fshost", "one=embedded", "--fshost", "embedded"];
    let words = ["on one (one)", "on embedded (embedded)", "2 tests: 2 passed"];
    expect(folder.path(), &arguments, 0, &words);
}

#[test]
fn what_is_wrong_with_the_hosts_is_told_before_anything_runs() {
    let folder =
        folder(&[("a.yaml", PASSES), ("hosts", "fs1\nfs2 slots=many\n"), ("secret", "x password-env=CW_NO\n")]);
    let run = |more: &[&str], word: &str| {
        expect(folder.path(), &[&["run", "a.yaml"], more].concat(), 4, &[word]);
    };
    run(&["--hosts", "hosts"], "hosts:2: slots are a number from 1, not \"many\"");
    run(&["--hosts", "nowhere"], "nowhere: No such file");
    run(&["--hosts", "secret"], "the environment variable CW_NO, which has a host's password, is not set");
    run(&["--fshost", "x", "--fshost", "x:8021"], "two hosts are called \"x:8021\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_lost_takes_only_its_own_tests_with_it() {
    let folder = folder(&[("long.yaml", LONG), ("passes.yaml", PASSES)]);
    let (dies, lives) = (switch().await, switch().await);
    let hosts = [format!("dies={}", dies.esl_addr()), format!("lives={}", lives.esl_addr())];
    // The long test is on one host alone, the other on both.
    let paths = ["long.yaml::long[host=dies]", "passes.yaml"];
    let arguments = ["run", paths[0], paths[1], "--fshost", &hosts[0], "--fshost", &hosts[1], "-j", "1"];
    let child = callwright(folder.path(), &arguments).stdout(Stdio::piped()).spawn().unwrap();
    until_calls(&dies, 2).await;
    drop(dies);
    let ran = end(child).await;
    assert_eq!(ran.code, 3, "{}", ran.out);
    for line in ["long (dies)", "passes (dies)"] {
        assert!(ran.out.lines().any(|told| told.starts_with("ERROR") && told.ends_with(line)), "{}", ran.out);
    }
    assert!(ran.out.contains("3 tests: 1 passed, 2 in error"), "{}", ran.out);
    lives.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_connection_left_up_is_hung_up_once_the_host_is_back() {
    let folder = folder(&[("long.yaml", LONG)]);
    let switch = switch().await;
    let (cut, cuts) = watch::channel(());
    let host = relay(switch.esl_addr(), cuts).await.to_string();
    let arguments = ["run", "long.yaml", "--fshost", &host];
    let child = callwright(folder.path(), &arguments).stdout(Stdio::piped()).spawn().unwrap();
    until_calls(&switch, 2).await;
    cut.send(()).unwrap();
    let ran = end(child).await;
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.out.contains("lost: connection closed") && !ran.out.contains("still has"), "{}", ran.out);
    until_calls(&switch, 0).await;
    switch.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_a_run_that_was_killed_are_told_by_the_next() {
    let folder = folder(&[("long.yaml", LONG), ("passes.yaml", PASSES)]);
    let switch = switch().await;
    let host = switch.esl_addr().to_string();
    let mut child = callwright(folder.path(), &["run", "long.yaml", "--fshost", &host]).spawn().unwrap();
    until_calls(&switch, 2).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let arguments = ["run", "passes.yaml", "--fshost", &host];
    let run = callwright(folder.path(), &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let ran = end(run).await;
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains(", with 2 sessions of another run\n"), "{}", ran.out);
    switch.shutdown().await;
}

async fn switch() -> Switch {
    Switch::start(SwitchConfig::default()).await.unwrap()
}

/// Stands before a server; its connections end whenever `cuts` says so, and others can be made.
async fn relay(to: SocketAddr, cuts: watch::Receiver<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(to).await.unwrap();
            let mut cuts = cuts.clone();
            cuts.mark_unchanged();
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    _ = cuts.changed() => {}
                }
            });
        }
    });
    at
}
