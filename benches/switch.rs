#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
//! How many calls the embedded switch carries: without IO, and over real sockets.
//!
//! `cargo bench --bench switch`

use std::time::{Duration, Instant};

use callwright::esl::wire::{Decoder, Limits, parse_plain};
use callwright::switch::{Rig, Switch, SwitchConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CALLS: usize = 2_000;
const AT_ONCE: usize = 100;

fn main() {
    let started = Instant::now();
    let events = in_memory();
    report("in memory, all events as text", CALLS, events, started.elapsed());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let started = Instant::now();
    let events = runtime.block_on(over_sockets());
    report("over sockets, all events as text", CALLS, events, started.elapsed());
}

fn report(what: &str, calls: usize, events: usize, took: Duration) {
    let (calls, events, seconds) = (calls as f64, events as f64, took.as_secs_f64());
    println!("{what}: {:.0} calls/s, {:.0} events/s", calls / seconds, events / seconds);
}

/// Originate, park, answer and hang up, one call after the other.
fn in_memory() -> usize {
    let mut rig = Rig::with(SwitchConfig { sip: ([127, 0, 0, 1], 5080).into(), ..SwitchConfig::default() }, 1);
    let conn = rig.connect();
    rig.write(conn, b"auth ClueCon\n\nevent plain ALL\n\n");
    let mut events = 0;
    let mut decoder = Decoder::new(Limits::default());
    for call in 0..CALLS {
        let originate = format!(
            "bgapi originate {{origination_uuid=c{call},ignore_early_media=true}}sofia/external/d@127.0.0.1:5080 &park()\n\n"
        );
        rig.write(conn, originate.as_bytes());
        let mut callee = String::new();
        let mut read = |rig: &mut Rig, callee: &mut String| {
            decoder.feed(&rig.read(conn));
            while let Some(frame) = decoder.poll().expect("frames") {
                let Some(event) = frame.body.as_deref().and_then(|body| parse_plain(body).ok()) else { continue };
                events += 1;
                if event.name() == "CHANNEL_PARK" && event.header("Call-Direction") == Some("inbound") {
                    *callee = event.header("Unique-ID").unwrap_or_default().to_owned();
                }
            }
        };
        read(&mut rig, &mut callee);
        rig.write(conn, format!("api uuid_answer {callee}\n\napi uuid_kill c{call}\n\n").as_bytes());
        rig.advance(Duration::from_millis(1));
        read(&mut rig, &mut callee);
    }
    assert_eq!(rig.core().session_count(), 0, "calls are left");
    events
}

/// The same with so many calls at once over TCP, UDP and the media thread.
async fn over_sockets() -> usize {
    let config = SwitchConfig { sessions_per_second: 1_000_000, ..SwitchConfig::default() };
    let switch = Switch::start(config).await.expect("a switch");
    let sip = switch.sip_addr();
    let mut stream = TcpStream::connect(switch.esl_addr()).await.expect("a connection");
    stream.write_all(b"auth ClueCon\n\nevent plain ALL\n\n").await.expect("written");
    let mut decoder = Decoder::new(Limits::default());
    let (mut events, mut placed, mut done) = (0, 0, 0);
    let mut bytes = vec![0; 256 * 1024];
    let mut commands = String::new();
    while done < CALLS {
        while placed < CALLS && placed - done < AT_ONCE {
            commands.push_str(&format!(
                "bgapi originate {{origination_uuid=c{placed},ignore_early_media=true}}sofia/external/d@{sip} &park()\n\n"
            ));
            placed += 1;
        }
        stream.write_all(commands.as_bytes()).await.expect("written");
        commands.clear();
        let count = stream.read(&mut bytes).await.expect("read");
        decoder.feed(&bytes[..count]);
        while let Some(frame) = decoder.poll().expect("frames") {
            let Some(event) = frame.body.as_deref().and_then(|body| parse_plain(body).ok()) else { continue };
            events += 1;
            let uuid = event.header("Unique-ID").unwrap_or_default();
            match (event.name(), event.header("Call-Direction")) {
                ("CHANNEL_PARK", Some("inbound")) => commands.push_str(&format!("api uuid_answer {uuid}\n\n")),
                ("CHANNEL_PARK", Some("outbound")) => commands.push_str(&format!("api uuid_kill {uuid}\n\n")),
                ("CHANNEL_DESTROY", Some("inbound")) => done += 1,
                _ => {}
            }
        }
    }
    switch.shutdown().await;
    events
}
