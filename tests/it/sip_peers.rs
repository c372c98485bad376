//! The embedded switch and SIPp, where it is on PATH.

use std::process::{Output, Stdio};

use callwright::esl::Event;
use callwright::sip::Credentials;
use callwright::sip::uri::Transport;
use callwright::switch::{Gateway, Registering, Switch, SwitchConfig};

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

fn gateway(port: u16, registering: Registering, transport: Transport) -> Gateway {
    Gateway {
        name: "pbx".into(),
        realm: format!("127.0.0.1:{port}"),
        proxy: None,
        credentials: Credentials { username: "alice".into(), password: "secret".into() },
        registering,
        transport,
    }
}

/// A port that was free a moment ago: SIPp does not tell which one it took.
fn free_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_state(state: &'static str) -> impl Fn(&Event) -> bool {
    move |event| event.header("Event-Subclass") == Some("sofia::gateway_state") && event.header("State") == Some(state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_is_registered_with_its_password_and_told_of_the_end() {
    let port = free_port();
    let gateways = vec![gateway(port, Registering::For(600), Transport::Udp)];
    let served = async {
        let (switch, mut client) = answering(SwitchConfig { gateways, ..SwitchConfig::default() }).await;
        let reged = client.event(is_state("REGED")).await;
        assert_eq!((reged.header("Gateway"), reged.header("Ping-Status")), (Some("pbx"), Some("UP")));
        let status = client.ask("api sofia status gateway pbx").await.body.unwrap();
        assert!(status.contains("State   \tREGED\n"), "{status}");
        switch.shutdown().await;
    };
    let port = port.to_string();
    let args = ["-p", &port, "-m", "1"];
    let registrar = sipp("uas-registrar", &args);
    tokio::pin!(registrar, served);
    // It ends with the last REGISTER, of which the switch may hear later.
    let output = tokio::select! {
        output = &mut registrar => {
            let Some(output) = output else { return };
            assert_content(&output);
            served.await;
            output
        }
        () = &mut served => registrar.await.expect("it was there"),
    };
    assert_content(&output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_through_a_gateway_answers_who_asks_for_the_password() {
    let port = free_port();
    let gateways = vec![gateway(port, Registering::No, Transport::Udp)];
    let called = async {
        let (switch, mut client) = answering(SwitchConfig { gateways, ..SwitchConfig::default() }).await;
        client.ask("bgapi originate {ignore_early_media=true}sofia/gateway/pbx/1001 &park()").await;
        let job = client.event(|event| event.name() == "BACKGROUND_JOB").await;
        assert!(job.body().unwrap().starts_with("+OK"), "{job:?}");
        client.ask("api hupall").await;
        client.event(|event| event.name() == "CHANNEL_HANGUP_COMPLETE").await;
        switch.shutdown().await;
    };
    let port = port.to_string();
    let args = ["-p", &port, "-m", "1"];
    let answers = sipp("uas-digest", &args);
    tokio::pin!(answers, called);
    let output = tokio::select! {
        output = &mut answers => {
            let Some(output) = output else { return };
            called.await;
            output
        }
        () = &mut called => answers.await.expect("it was there"),
    };
    assert_content(&output);
}
