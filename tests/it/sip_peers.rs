//! The embedded switch and SIPp, where it is on PATH.

use std::process::{Output, Stdio};

use callwright::esl::Event;
use callwright::switch::{Switch, SwitchConfig};

use super::switch_net::Client;

/// Runs SIPp with a scenario of `tests/sipp`, or says that it is not there. Its exit code 0 means that every call went as
/// the scenario says.
async fn sipp(scenario: &str, args: &[&str]) -> Option<Output> {
    let dir = tempfile::tempdir().unwrap();
    let file = format!("{}/tests/sipp/{scenario}.xml", env!("CARGO_MANIFEST_DIR"));
    let mut command = tokio::process::Command::new("sipp");
    command.args(["-sf", &file, "-i", "127.0.0.1", "-nostdin", "-timeout", "30s", "-timeout_error"]).args(args);
    command.current_dir(dir.path()).kill_on_drop(true).stdin(Stdio::null());
    match command.output().await {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: no sipp on PATH");
            None
        }
        Err(error) => panic!("sipp: {error}"),
    }
}

fn assert_content(output: &Output) {
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{errors}");
}

/// A switch that answers every call, and its client.
async fn answering(config: SwitchConfig) -> (Switch, Client) {
    let switch = Switch::start(config).await.unwrap();
    let mut client = Client::login(&switch).await;
    client.ask("event plain ALL").await;
    (switch, client)
}

/// Answers calls that come in, for ever.
async fn answer_all(client: &mut Client) {
    loop {
        let parked = client.event(is_parked).await;
        let uuid = parked.header("Unique-ID").unwrap().to_owned();
        client.ask(&format!("api uuid_answer {uuid}")).await;
    }
}

fn is_parked(event: &Event) -> bool {
    event.name() == "CHANNEL_PARK" && event.header("Call-Direction") == Some("inbound")
}

/// Has SIPp call the switch; gives what the client heard when it is content.
async fn called(scenario: &str, more: &[&str]) -> Option<Vec<Event>> {
    let (switch, mut client) = answering(SwitchConfig::default()).await;
    let to = switch.sip_addr().to_string();
    let mut args = vec![to.as_str(), "-m", "5"];
    args.extend(more);
    let output = tokio::select! {
        output = sipp(scenario, &args) => output?,
        () = answer_all(&mut client) => unreachable!("it answers for ever"),
    };
    assert_content(&output);
    switch.shutdown().await;
    Some(client.rest().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_with_a_session_timer_holds_refreshes_asks_and_is_content() {
    let Some(events) = called("uac-session", &[]).await else { return };
    let count = |name: &str| events.iter().filter(|event| event.name() == name).count();
    assert_eq!((count("CHANNEL_HOLD"), count("CHANNEL_UNHOLD")), (5, 5));
    let hangups = events.iter().filter(|event| event.name() == "CHANNEL_HANGUP");
    assert!(hangups.clone().all(|event| event.header("Hangup-Cause") == Some("NORMAL_CLEARING")));
    assert_eq!(hangups.count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_goes_over_tcp() {
    called("uac-session", &["-t", "t1"]).await;
}
