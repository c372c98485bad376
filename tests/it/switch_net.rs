//! The embedded switch over real sockets: one call to itself, from originate to hangup.

use std::time::Duration;

use callwright::esl::Event;
use callwright::esl::wire::{Decoder, Frame, Limits};
use callwright::switch::{Switch, SwitchConfig, SwitchError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::captures::event_of;

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Client {
    stream: TcpStream,
    decoder: Decoder,
    events: Vec<Event>,
}

impl Client {
    pub async fn login(switch: &Switch) -> Client {
        let stream = TcpStream::connect(switch.esl_addr()).await.unwrap();
        let mut client = Client { stream, decoder: Decoder::new(Limits::default()), events: Vec::new() };
        assert_eq!(client.frame().await.header("Content-Type"), Some("auth/request"));
        assert_eq!(client.ask("auth ClueCon").await.header("Reply-Text"), Some("+OK accepted"));
        client
    }

    /// The next frame that is no event; events are kept.
    async fn frame(&mut self) -> Frame {
        loop {
            match self.any().await {
                frame if event_of(&frame).is_some() => self.events.extend(event_of(&frame)),
                frame => return frame,
            }
        }
    }

    async fn any(&mut self) -> Frame {
        let mut bytes = [0; 4096];
        loop {
            if let Some(frame) = self.decoder.poll().unwrap() {
                return frame;
            }
            let count = tokio::time::timeout(PATIENCE, self.stream.read(&mut bytes)).await.unwrap().unwrap();
            assert!(count > 0, "the switch closed the connection");
            self.decoder.feed(&bytes[..count]);
        }
    }

    pub async fn ask(&mut self, command: &str) -> Frame {
        self.stream.write_all(format!("{command}\n\n").as_bytes()).await.unwrap();
        self.frame().await
    }

    /// What was heard and not asked for, until the switch closes the connection.
    pub async fn rest(mut self) -> Vec<Event> {
        let mut bytes = [0; 4096];
        loop {
            while let Some(frame) = self.decoder.poll().unwrap() {
                self.events.extend(event_of(&frame));
            }
            let count = tokio::time::timeout(PATIENCE, self.stream.read(&mut bytes)).await.unwrap().unwrap();
            if count == 0 {
                return self.events;
            }
            self.decoder.feed(&bytes[..count]);
        }
    }

    /// The next event that `is` the one.
    pub async fn event(&mut self, is: impl Fn(&Event) -> bool) -> Event {
        loop {
            if let Some(at) = self.events.iter().position(&is) {
                return self.events.remove(at);
            }
            let frame = self.any().await;
            self.events.extend(event_of(&frame));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_to_itself_is_answered_heard_recorded_and_hung_up() {
    let folder = tempfile::tempdir().unwrap();
    let config = SwitchConfig { recordings_dir: folder.path().to_owned(), ..SwitchConfig::default() };
    let switch = Switch::start(config).await.unwrap();
    let mut client = Client::login(&switch).await;
    client.ask("event plain ALL").await;
    let sip = switch.sip_addr();
    let caller = "11111111-2222-3333-4444-555555555555";
    let reply = client
        .ask(&format!(
            "bgapi originate {{origination_uuid={caller},ignore_early_media=true,sip_h_X-call={caller}}}sofia/external/dog@{sip} &park()"
        ))
        .await;
    assert!(reply.header("Job-UUID").is_some(), "{reply:?}");
    let parked = client.event(|e| e.name() == "CHANNEL_PARK" && e.header("Call-Direction") == Some("inbound")).await;
    assert_eq!(parked.variable("sip_h_X-call"), Some(caller));
    let callee = parked.header("Unique-ID").unwrap().to_owned();
    assert_eq!(client.ask(&format!("api uuid_answer {callee}")).await.body.as_deref(), Some("+OK\n"));
    let job = client.event(|e| e.name() == "BACKGROUND_JOB").await;
    assert_eq!(job.body(), Some(format!("+OK {caller}\n").as_str()));
    let is = |name: &'static str, uuid: &str| {
        let uuid = uuid.to_owned();
        move |e: &Event| e.name() == name && e.header("Unique-ID") == Some(&uuid)
    };
    client.event(is("CHANNEL_PARK", caller)).await;

    client.ask(&format!("api uuid_record {callee} start heard.wav")).await;
    let tone = "playback\nexecute-app-arg: tone_stream://%(600,0,1004)";
    client.ask(&format!("sendmsg {caller}\ncall-command: execute\nexecute-app-name: {tone}")).await;
    let stopped = client.event(is("PLAYBACK_STOP", caller)).await;
    assert_eq!(stopped.header("Playback-Status"), Some("done"));
    let told = client.ask(&format!("api uuid_record {callee} stop all")).await;
    assert_eq!(told.body.as_deref(), Some("+OK Success\n"));
    client.ask(&format!("api uuid_kill {caller}")).await;
    let gone = client.event(is("CHANNEL_HANGUP_COMPLETE", &callee)).await;
    assert_eq!(gone.header("Hangup-Cause"), Some("NORMAL_CLEARING"));
    let received: u64 = gone.variable("rtp_audio_in_packet_count").unwrap().parse().unwrap();
    assert!(received >= 25, "only {received} packets were heard of a tone of 600 ms");
    let mut heard = hound::WavReader::open(folder.path().join("heard.wav")).unwrap();
    let loudest = heard.samples::<i16>().map(|s| s.unwrap().unsigned_abs()).max();
    assert!(loudest > Some(1_000), "the recording is silent: {loudest:?}");

    assert_eq!(client.ask("exit").await.header("Reply-Text"), Some("+OK bye"));
    assert_eq!(client.any().await.header("Content-Type"), Some("text/disconnect-notice"));
    assert_eq!(client.stream.read(&mut [0; 8]).await.unwrap(), 0);
    switch.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_to_itself_goes_over_tcp_where_it_is_told_to() {
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let mut client = Client::login(&switch).await;
    client.ask("event plain ALL").await;
    let sip = switch.sip_addr();
    client
        .ask(&format!("bgapi originate {{ignore_early_media=true}}sofia/external/dog@{sip};transport=tcp &park()"))
        .await;
    let parked = client.event(|e| e.name() == "CHANNEL_PARK" && e.header("Call-Direction") == Some("inbound")).await;
    assert_eq!(parked.variable("sip_via_protocol"), Some("tcp"));
    assert_eq!(parked.variable("sip_contact_params"), Some("transport=tcp"));
    let callee = parked.header("Unique-ID").unwrap().to_owned();
    client.ask(&format!("api uuid_answer {callee}")).await;
    let caller = client.event(|e| e.name() == "CHANNEL_PARK" && e.header("Call-Direction") == Some("outbound")).await;
    client.ask(&format!("api uuid_kill {callee}")).await;
    let uuid = caller.header("Unique-ID").unwrap().to_owned();
    let gone =
        client.event(|e| e.name() == "CHANNEL_HANGUP_COMPLETE" && e.header("Unique-ID") == Some(uuid.as_str())).await;
    assert_eq!(gone.variable("sip_hangup_disposition"), Some("recv_bye"));
    switch.shutdown().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = Switch::start(SwitchConfig { esl: address, ..SwitchConfig::default() }).await.unwrap_err();
    assert!(matches!(error, SwitchError::EventSocket { .. }), "{error}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Switch::start(SwitchConfig { sip: address, ..SwitchConfig::default() }).await.unwrap_err();
    assert!(matches!(error, SwitchError::Sip { .. }) && error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_the_connection_closed() {
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let stream = TcpStream::connect(switch.esl_addr()).await.unwrap();
    let mut client = Client { stream, decoder: Decoder::new(Limits::default()), events: Vec::new() };
    client.frame().await;
    assert_eq!(client.ask("auth cluecon").await.header("Reply-Text"), Some("-ERR invalid"));
    assert_eq!(client.any().await.header("Content-Type"), Some("text/disconnect-notice"));
    assert_eq!(client.stream.read(&mut [0; 8]).await.unwrap(), 0);
    switch.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_dropped() {
    let switch = Switch::start(SwitchConfig { event_queue: 8, ..SwitchConfig::default() }).await.unwrap();
    let mut idle = Client::login(&switch).await;
    idle.ask("event plain ALL").await;
    let mut busy = Client::login(&switch).await;
    let text = "x".repeat(60_000);
    let mut dropped = false;
    // Whatever the kernel holds for the idle one fills up first.
    for _ in 0..2_000 {
        busy.ask(&format!("sendevent CUSTOM\nx: {text}")).await;
        dropped = idle.stream.try_write(b"\n").is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock);
        if dropped {
            break;
        }
    }
    assert!(dropped, "a client that reads nothing is still there");
    assert_eq!(busy.ask("api echo alive").await.body.as_deref(), Some("alive"));
    switch.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_heard_for_no_more_than_a_password_and_who_logs_in_for_more_at_once() {
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let mut stranger = TcpStream::connect(switch.esl_addr()).await.unwrap();
    stranger.write_all(&[b'a'; 4_000]).await.unwrap();
    let mut said = Vec::new();
    // Whether it reads the end or a reset is the system's to say.
    let _ = tokio::time::timeout(PATIENCE, stranger.read_to_end(&mut said)).await.expect("it is closed");
    assert!(said.is_empty() || said.starts_with(b"Content-Type: auth/request"), "{said:?}");

    let mut client = TcpStream::connect(switch.esl_addr()).await.unwrap();
    let long = "x".repeat(100_000);
    client.write_all(format!("auth ClueCon\n\napi echo {long}\n\nexit\n\n").as_bytes()).await.unwrap();
    let mut said = String::new();
    tokio::time::timeout(PATIENCE, client.read_to_string(&mut said)).await.unwrap().unwrap();
    assert!(said.contains("+OK accepted") && said.contains(&long) && said.contains("+OK bye"), "{} bytes", said.len());
    switch.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_socket_gives_a_call_to_who_listens() {
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (sip, port) = (switch.sip_addr(), listener.local_addr().unwrap().port());
    let mut client = Client::login(&switch).await;
    client.ask("event plain CHANNEL_PARK CHANNEL_HANGUP").await;
    // Nobody listens at the first.
    let then = format!("'&socket(127.0.0.1:1|localhost:{port} async full)'");
    client.ask(&format!("bgapi originate {{origination_uuid=caller}}sofia/external/peer@{sip} {then}")).await;
    let callee = client.event(|event| event.name() == "CHANNEL_PARK").await;
    client.ask(&format!("api uuid_answer {}", callee.header("Unique-ID").unwrap())).await;
    let (stream, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut program = Client { stream, decoder: Decoder::new(Limits::default()), events: Vec::new() };
    let data = program.ask("connect").await;
    assert_eq!([data.header("Unique-ID"), data.header("Control")], [Some("caller"), Some("full")]);
    // It may say as much as who logged in.
    let long = "x".repeat(100_000);
    let set = format!("sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a={long}");
    assert_eq!(program.ask(&set).await.header("Reply-Text"), Some("+OK"));
    client.event(|event| event.name() == "CHANNEL_PARK" && event.header("Unique-ID") == Some("caller")).await;
    assert_eq!(program.ask("exit").await.header("Reply-Text"), Some("+OK bye"));
    let notice = program.frame().await;
    assert_eq!(notice.header("Content-Disposition"), Some("disconnect"));
    client.event(|event| event.name() == "CHANNEL_HANGUP" && event.header("Unique-ID") == Some("caller")).await;
    switch.shutdown().await;
}
