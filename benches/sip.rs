#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
//! Calls per second of one user agent that calls itself (INVITE, 200, ACK, BYE, 200), and the memory they leave behind.
//!
//! `cargo bench --bench sip -- CALLS AT_ONCE`

use std::time::{Duration, Instant};

use callwright::sip::{Agent, AgentConfig, DialogId, OutgoingInvite, SipCommand, SipEvent, SipTimers};

const SDP: &str = "v=0\r\no=FreeSWITCH 1 2 IN IP4 127.0.0.1\r\ns=FreeSWITCH\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 27028 RTP/AVP 0 101 13\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtpmap:13 CN/8000\r\na=ptime:20\r\n";

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let (calls, at_once) = (numbers.next().unwrap_or(20_000), numbers.next().unwrap_or(64));
    let linger = Duration::from_secs(numbers.next().unwrap_or(600));
    let listen = "127.0.0.1:0".parse().expect("an address");
    let config = AgentConfig { timers: SipTimers { linger, ..SipTimers::default() }, ..AgentConfig::new(listen) };
    let (agent, mut events) = Agent::bind(config).await.expect("a free port");
    let uri = format!("sip:doggy@{}", agent.local_addr());
    let place = |call| {
        agent.send(SipCommand::Invite(Box::new(OutgoingInvite {
            dialog: DialogId::Placed(call),
            uri: uri.clone(),
            proxy: None,
            from_user: "1112223333".into(),
            from_display: "bench".into(),
            from_host: "127.0.0.1".into(),
            headers: vec![("X-call".into(), call.to_string())],
            sdp: SDP.into(),
            credentials: None,
            contact_user: None,
            contact_parameters: String::new(),
            max_forwards: None,
            session_expires: None,
        })));
    };
    let (started, before) = (Instant::now(), resident());
    let (mut placed, mut ended) = (at_once.min(calls), 0);
    (0..placed).for_each(place);
    while ended < calls {
        match events.recv().await.expect("a living agent") {
            SipEvent::Invited { dialog, .. } => agent.send(SipCommand::Respond {
                dialog,
                code: 200,
                reason: None,
                headers: vec![],
                sdp: Some(SDP.into()),
            }),
            SipEvent::Acked { dialog, .. } => agent.send(SipCommand::Hangup { dialog, headers: vec![] }),
            SipEvent::InDialogResponse { .. } => {
                ended += 1;
                if placed < calls {
                    place(placed);
                    placed += 1;
                }
            }
            SipEvent::Response { .. } | SipEvent::Bye { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let (took, left) = (started.elapsed(), resident().saturating_sub(before));
    println!("{calls} calls, {at_once} at once: {:.0} calls/s", calls as f64 / took.as_secs_f64());
    println!(
        "left in memory: {:.1} MB, {:.1} KB a call that ended less than {linger:?} ago",
        left as f64 / 1e6,
        left as f64 / 1e3 / calls as f64
    );
    agent.shutdown().await;
}

/// Resident memory in bytes (Linux); 0 elsewhere.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok().and_then(|s| s.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
