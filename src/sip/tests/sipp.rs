//! SIPp as the referee, where it is on PATH.

use super::*;

/// Runs SIPp, or says that it is not there. Its exit code 0 means that every call went as its scenario says.
async fn sipp(args: &[String]) -> Option<std::process::Output> {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = tokio::process::Command::new("sipp");
    command.args(args).args(["-i", "127.0.0.1", "-nostdin", "-timeout", "30s", "-timeout_error"]);
    command.current_dir(dir.path()).kill_on_drop(true).stdin(std::process::Stdio::null());
    match command.output().await {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: no sipp on PATH");
            None
        }
        Err(error) => panic!("sipp: {error}"),
    }
}

fn assert_content(output: &std::process::Output) {
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A scenario file of ours.
fn scenario(name: &str) -> String {
    format!("{}/tests/sipp/{name}.xml", env!("CARGO_MANIFEST_DIR"))
}

/// A port that was free a moment ago: SIPp does not tell which one it took.
fn free_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

fn owned_args(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

#[tokio::test]
async fn sipp_calls_and_is_content() {
    called_by_sipp("u1").await;
}

#[tokio::test]
async fn sipp_calls_over_tcp_and_is_content() {
    called_by_sipp("t1").await;
}

/// Takes 20 calls of SIPp over this transport, as its `-t` names it.
async fn called_by_sipp(transport: &str) {
    let mut rig = Rig::start().await;
    let local = rig.agent.local_addr().to_string();
    let args = owned_args(&["-sn", "uac", &local, "-m", "20", "-r", "50", "-d", "50", "-t", transport]);
    let calls = sipp(&args);
    tokio::pin!(calls);
    let mut ended = 0;
    let output = loop {
        tokio::select! {
            output = &mut calls => break output,
            event = rig.events.recv() => match event.expect("a living agent") {
                SipEvent::Invited { dialog, invite } => {
                    let offer = sdp::Description::parse(&invite.body).expect("SIPp's offer");
                    let agreed = sdp::answer(&offer, &[sdp::Payload::new(0, "PCMU", 8_000)]).expect("PCMU");
                    let answer = agreed.answer(1, 2, "127.0.0.1:4000".parse().expect("an address")).to_sdp();
                    rig.respond(dialog, 180, None);
                    rig.respond(dialog, 200, Some(&answer));
                }
                SipEvent::Acked { .. } => {}
                SipEvent::Bye { .. } => ended += 1,
                other => panic!("{other:?}"),
            },
        }
    };
    if let Some(output) = output {
        assert_content(&output);
        // SIPp may be gone before the last BYE has come up to us.
        while ended < 20 {
            match rig.next().await {
                SipEvent::Acked { .. } => {}
                SipEvent::Bye { .. } => ended += 1,
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn sipp_is_called_and_is_content() {
    calls_to_sipp("u1", "").await;
}

#[tokio::test]
async fn sipp_is_called_over_tcp_and_is_content() {
    calls_to_sipp("t1", ";transport=tcp").await;
}

async fn listening(port: u16) {
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Makes 20 calls to SIPp over this transport, as its `-t` and a URI name it.
async fn calls_to_sipp(transport: &str, parameter: &str) {
    const CALLS: u64 = 20;
    let mut rig = Rig::start().await;
    let port = free_port();
    let (port_text, calls_text) = (port.to_string(), CALLS.to_string());
    let args = owned_args(&["-sn", "uas", "-p", &port_text, "-m", &calls_text, "-t", transport]);
    let answers = sipp(&args);
    tokio::pin!(answers);
    if transport == "t1" {
        // Over UDP an INVITE that comes too early is sent again; over TCP there is nobody.
        tokio::select! {
            output = &mut answers => return assert!(output.is_none(), "SIPp ended early: {output:?}"),
            () = listening(port) => {}
        }
    }
    for call in 1..=CALLS {
        rig.agent.send(SipCommand::Invite(Box::new(OutgoingInvite {
            dialog: DialogId::Placed(call),
            uri: format!("sip:sipp@127.0.0.1:{port}{parameter}"),
            proxy: None,
            from_user: "callwright".into(),
            from_display: String::new(),
            from_host: "127.0.0.1".into(),
            headers: vec![],
            sdp: OFFER.into(),
            credentials: None,
            contact_user: None,
            contact_parameters: String::new(),
            max_forwards: None,
            session_expires: None,
        })));
    }
    let (mut rang, mut byes) = (0, 0);
    let output = loop {
        tokio::select! {
            output = &mut answers => break output,
            event = rig.events.recv() => match event.expect("a living agent") {
                SipEvent::Response { response, .. } if response.code() == Some(180) => rang += 1,
                SipEvent::Response { dialog, response } if response.code() == Some(200) => rig.hang_up(dialog, &[]),
                SipEvent::InDialogResponse { method, response, .. } if method == "BYE" && response.code() == Some(200) => byes += 1,
                other => panic!("{other:?}"),
            },
        }
    };
    if let Some(output) = output {
        assert_content(&output);
        while byes < CALLS {
            assert!(matches!(rig.next().await, SipEvent::InDialogResponse { .. }));
            byes += 1;
        }
        assert_eq!(rang, CALLS);
    }
}

/// SIPp's verdict on one call whose caller has this password.
async fn digest_call(password: &str) -> (Option<std::process::Output>, Vec<String>) {
    let mut rig = Rig::start().await;
    let port = free_port();
    let (file, port_text) = (scenario("uas-digest"), port.to_string());
    let args = owned_args(&["-sf", &file, "-p", &port_text, "-m", "1"]);
    let verdict = sipp(&args);
    tokio::pin!(verdict);
    rig.agent.send(SipCommand::Invite(Box::new(OutgoingInvite {
        dialog: PLACED,
        uri: format!("sip:sipp@127.0.0.1:{port}"),
        proxy: None,
        from_user: "alice".into(),
        from_display: String::new(),
        from_host: "127.0.0.1".into(),
        headers: vec![],
        sdp: OFFER.into(),
        credentials: Some(Credentials { username: "alice".into(), password: password.into() }),
        contact_user: None,
        contact_parameters: String::new(),
        max_forwards: None,
        session_expires: None,
    })));
    let mut told = Vec::new();
    let output = loop {
        tokio::select! {
            output = &mut verdict => break output,
            event = rig.events.recv() => match event.expect("a living agent") {
                SipEvent::Response { dialog, response } => {
                    told.push(response.code().unwrap_or(0).to_string());
                    if response.code() == Some(200) {
                        rig.hang_up(dialog, &[]);
                    }
                }
                SipEvent::InDialogResponse { method, response, .. } => {
                    told.push(format!("{method} {}", response.code().unwrap_or(0)));
                }
                other => panic!("{other:?}"),
            },
        }
    };
    // SIPp may be gone before the last response has come up to us.
    let last = |told: &[String]| told.iter().any(|one| one == "BYE 200" || one == "403");
    while output.is_some() && !last(&told) {
        match rig.next().await {
            SipEvent::Response { response, .. } => told.push(response.code().unwrap_or(0).to_string()),
            SipEvent::InDialogResponse { method, response, .. } => {
                told.push(format!("{method} {}", response.code().unwrap_or(0)));
            }
            other => panic!("{other:?}"),
        }
    }
    (output, told)
}

#[tokio::test]
async fn sipp_verifies_our_credentials() {
    let (output, told) = digest_call("secret").await;
    if let Some(output) = output {
        assert_content(&output);
        assert_eq!(told, ["200", "BYE 200"]);
    }
}

#[tokio::test]
async fn sipp_finds_a_wrong_password() {
    let (output, told) = digest_call("wrong").await;
    if let Some(output) = output {
        assert_content(&output);
        assert_eq!(told, ["403"]);
    }
}
