//! Through a proxy that stays on the way, and loses, repeats and reorders datagrams.

use tokio::net::UdpSocket;

use super::*;

/// A stateless proxy that stays on the way (RFC 3261 16.11). Of ten datagrams it loses two, repeats one, and holds one back
/// behind the next.
async fn lossy_proxy(socket: UdpSocket) {
    let own = socket.local_addr().expect("bound").to_string();
    let (mut buf, mut dice) = ([0; 8192], 1_u32);
    let mut held: Option<(String, String)> = None;
    loop {
        let (len, _) = socket.recv_from(&mut buf).await.expect("loopback");
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let fate = (dice >> 16) % 10;
        if fate < 2 {
            continue;
        }
        let text = String::from_utf8_lossy(&buf[..len]).into_owned();
        let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
        let first = |lines: &[String], name: &str| lines.iter().position(|line| line.starts_with(name));
        let hop = if lines[0].starts_with("SIP/2.0") {
            lines.remove(first(&lines, "Via: ").expect("our Via"));
            let via = &lines[first(&lines, "Via: ").expect("a Via")];
            via["Via: SIP/2.0/UDP ".len()..].split(';').next().expect("a host").to_owned()
        } else {
            if let Some(route) = first(&lines, "Route: ").filter(|at| lines[*at].contains(&own)) {
                lines.remove(route);
            }
            let branch = text.split("branch=").nth(1).expect("a branch").split([';', '\r']).next().expect("a branch");
            // The same for each copy, and for the CANCEL and ACK of an INVITE.
            lines.insert(1, format!("Via: SIP/2.0/UDP {own};branch={branch}p"));
            if lines[0].starts_with("INVITE") {
                lines.insert(2, format!("Record-Route: <sip:{own};lr>"));
            }
            let uri = match first(&lines, "Route: ") {
                Some(at) => NameAddr::parse(&lines[at]["Route: ".len()..]).expect("a route").uri,
                None => lines[0].split(' ').nth(1).expect("a URI").to_owned(),
            };
            SipUri::parse(&uri).expect("a URI").host_port()
        };
        let text = lines.join("\r\n");
        if fate == 3 && held.is_none() {
            held = Some((text, hop));
            continue;
        }
        for _ in 0..if fate == 2 { 2 } else { 1 } {
            let _ = socket.send_to(text.as_bytes(), &hop).await;
        }
        if let Some((text, hop)) = held.take() {
            let _ = socket.send_to(text.as_bytes(), hop).await;
        }
    }
}

#[tokio::test]
async fn calls_through_a_proxy_that_loses_repeats_and_reorders_datagrams_all_come_about_and_end() {
    const CALLS: u64 = 40;
    let timers = SipTimers { t1: Duration::from_millis(10), t2: Duration::from_millis(80), ..SipTimers::default() };
    let (mut caller, mut called) = (Rig::patient(timers).await, Rig::patient(timers).await);
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let proxy = format!("sip:{}", socket.local_addr().expect("bound"));
    for call in 1..=CALLS {
        caller.agent.send(SipCommand::Invite(Box::new(OutgoingInvite {
            dialog: DialogId::Placed(call),
            uri: called.own_uri(),
            proxy: Some(proxy.clone()),
            from_user: "1".into(),
            from_display: String::new(),
            from_host: "127.0.0.1".into(),
            headers: vec![("X-call".into(), call.to_string())],
            sdp: OFFER.into(),
            credentials: None,
            contact_user: None,
            contact_parameters: String::new(),
            max_forwards: None,
            session_expires: None,
        })));
    }
    let proxied = lossy_proxy(socket);
    tokio::pin!(proxied);
    let mut odd = std::collections::HashSet::new();
    let (mut answered, mut byes, mut ends) = (0, 0, 0);
    let all = async {
        while (answered, byes, ends) != (CALLS, CALLS, CALLS) {
            let event = tokio::select! {
                event = caller.events.recv() => event.expect("a living agent"),
                event = called.events.recv() => event.expect("a living agent"),
            };
            match event {
                SipEvent::Invited { dialog, invite } => {
                    // The called side hangs up every other call. Lost INVITEs come in another order.
                    if invite.header("X-call").and_then(|call| call.parse::<u64>().ok()).expect("a number") % 2 == 1 {
                        odd.insert(dialog);
                    }
                    called.respond(dialog, 180, None);
                    called.respond(dialog, 200, Some(OFFER));
                }
                SipEvent::Response { response, .. } if response.code() == Some(180) => {}
                SipEvent::Response { dialog, response } if response.code() == Some(200) => {
                    answered += 1;
                    if matches!(dialog, DialogId::Placed(call) if call % 2 == 0) {
                        caller.hang_up(dialog, &[]);
                    }
                }
                // Where the ACK was lost and the BYE was not, there is none.
                SipEvent::Acked { dialog, .. } => {
                    if odd.contains(&dialog) {
                        called.hang_up(dialog, &[]);
                    }
                }
                SipEvent::Bye { .. } => byes += 1,
                SipEvent::InDialogResponse { method, response, .. }
                    if method == "BYE" && response.code() == Some(200) =>
                {
                    ends += 1
                }
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::select! {
        () = &mut proxied => unreachable!("it runs for ever"),
        done = timeout(PATIENCE, all) => done.expect("all calls in time"),
    }
}
