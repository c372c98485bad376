//! The event socket: frames, events, both halves.

use std::time::Duration;

use callwright::esl::wire::{self, Decoder, Format, Frame, Limits, WireError};
use callwright::esl::{Client, ClientEvent, Command};
use callwright::switch::{Rig, SwitchConfig};

use super::cuts;

/// Small, so that inputs come to them.
const LIMITS: Limits = Limits { head: 4_096, body: 8_192 };

/// Frames do not depend on how the stream was cut, and hold no more than it.
pub fn frames(bytes: &[u8]) {
    let decoded = |pieces: &[&[u8]]| {
        let mut decoder = Decoder::new(LIMITS);
        let mut frames = Vec::new();
        for piece in pieces {
            decoder.feed(piece);
            loop {
                match decoder.poll() {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(error) => return (frames, Err(error)),
                }
            }
        }
        (frames, Ok(decoder.pending()))
    };
    let [whole, some, single] = cuts(bytes).map(|pieces| decoded(&pieces));
    for other in [some, single] {
        assert_eq!(other.0, whole.0, "frames depend on where the stream is cut");
        match (&other.1, &whole.1) {
            // What is too long is told as soon as it is seen to be.
            (Err(WireError::HeadTooLong { .. }), _) | (_, Err(WireError::HeadTooLong { .. })) => {}
            (cut, whole) => assert_eq!(cut, whole, "the end depends on where the stream is cut"),
        }
    }
    let held: usize = whole.0.iter().map(Frame::bytes).sum();
    assert!(held <= bytes.len(), "{held} bytes of frames in {}", bytes.len());
    for frame in &whole.0 {
        assert!(
            !frame.line.contains('\n')
                && frame.headers.iter().all(|(name, value)| !format!("{name}{value}").contains('\n'))
        );
    }
}

/// An event that was read is written and read again as the same.
pub fn events(bytes: &[u8]) {
    // A frame is a text without NUL, and so is what stands in it.
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')) else { return };
    if let Ok(event) = wire::parse_plain(text) {
        // FreeSWITCH writes what looks like an escape as it is, so that it is read as one.
        if !event.headers().any(|(_, value)| looks_escaped(value)) {
            assert_eq!(again(&event, Format::Plain, |body| wire::parse_plain(body)), event, "{text:?}");
        }
        // The same in JSON, unless one name is there twice: there they are one list.
        let mut names: Vec<&str> = event.headers().map(|(name, _)| name).collect();
        names.sort_unstable();
        if names.windows(2).all(|pair| pair[0] != pair[1]) && !names.contains(&"_body") {
            assert_eq!(again(&event, Format::Json, wire::parse_json), event, "{text:?}");
        }
    }
    if let Ok(event) = wire::parse_json(text) {
        let once = again(&event, Format::Json, wire::parse_json);
        assert_eq!(again(&once, Format::Json, wire::parse_json), once, "{text:?}");
    }
}

fn looks_escaped(value: &str) -> bool {
    let digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    value.as_bytes().windows(3).any(|window| window[0] == b'%' && window[1..].iter().all(digit))
}

fn again(
    event: &callwright::esl::Event,
    format: Format,
    parse: fn(&str) -> Result<callwright::esl::Event, WireError>,
) -> callwright::esl::Event {
    let mut written = Vec::new();
    wire::write_event(event, format, &mut written);
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(&written);
    let frame = decoder.poll().expect("a frame of ours").expect("it is whole");
    assert_eq!(decoder.pending(), 0, "more than a frame was written");
    parse(&frame.body.expect("an event is a body")).expect("what we write can be read")
}

/// What a client makes of a stream does not depend on how it was cut; after its end nothing comes.
pub fn client(bytes: &[u8]) {
    let commands = bytes.first().map_or(0, |byte| byte % 8);
    let heard = |pieces: &[&[u8]]| {
        let mut client = Client::new("ClueCon", LIMITS);
        for _ in 0..commands {
            client.send(&Command::NoEvents).expect("a command of ours");
        }
        for piece in pieces {
            client.handle_bytes(piece);
        }
        client.handle_eof();
        client.handle_bytes(b"Content-Type: auth/request\n\n");
        let events: Vec<ClientEvent> = std::iter::from_fn(|| client.poll_event()).collect();
        let over = events.iter().position(|event| matches!(event, ClientEvent::Closed(_)));
        assert_eq!(over, events.len().checked_sub(1), "something after the end, or no end");
        events
    };
    let [whole, some, single] = cuts(bytes.get(1..).unwrap_or_default()).map(|pieces| heard(&pieces));
    for other in [some, single] {
        assert_eq!(other.len(), whole.len());
        assert_eq!(other[..other.len() - 1], whole[..whole.len() - 1], "a reply or an event depends on the cut");
    }
}

/// The embedded switch answers whatever a client that is logged in says with frames.
pub fn switch(bytes: &[u8]) {
    let sip = ([127, 0, 0, 1], 5080).into();
    let mut rig = Rig::with(SwitchConfig { sip, ..SwitchConfig::default() }, 1);
    let conn = rig.connect();
    rig.write(conn, b"auth ClueCon\n\nevent plain ALL\n\n");
    rig.write(conn, bytes);
    // A request that is not whole is one now.
    rig.write(conn, b"\n\nevent json ALL\n\n");
    rig.advance(Duration::from_secs(2));
    let said = rig.read(conn);
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(&said);
    while let Some(frame) = decoder.poll().expect("the switch writes frames") {
        let kind = frame.header("Content-Type").expect("a frame of a switch has a type");
        match (kind, &frame.body) {
            ("text/event-plain", Some(body)) => drop(wire::parse_plain(body.as_str()).expect("its events can be read")),
            ("text/event-json", Some(body)) => drop(wire::parse_json(body).expect("its events can be read")),
            _ => {}
        }
    }
    assert_eq!(decoder.pending(), 0, "the switch wrote half a frame");
}
