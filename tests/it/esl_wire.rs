//! The codec against what a real FreeSWITCH sent.

use std::collections::HashSet;

use callwright::esl::wire::{self, Decoder, Format, Limits};
use callwright::esl::{Client, ClientEvent, CloseReason, Command};

use crate::captures::{all, capture, event_of};

#[test]
fn one_byte_at_a_time_gives_the_frames_of_the_whole() {
    for capture in all() {
        let whole = capture.frames();
        let mut decoder = Decoder::new(Limits::default());
        let mut got = Vec::new();
        for byte in &capture.bytes {
            decoder.feed(std::slice::from_ref(byte));
            got.extend(decoder.poll().unwrap());
        }
        assert_eq!(got.len(), whole.len(), "{}", capture.name);
        assert!(got == whole, "{}", capture.name);
    }
}

/// Between frames a decoder holds nothing, so splitting each frame everywhere is splitting the stream everywhere.
/// The first frame of each kind of event, in each format, stands for its like.
#[test]
fn every_split_point_of_a_frame_gives_the_same_event() {
    let mut seen = HashSet::new();
    for capture in all() {
        let mut decoder = Decoder::new(Limits::default());
        let mut rest = capture.bytes.as_slice();
        for frame in capture.frames() {
            let mut length = 0;
            while decoder.poll().unwrap().is_none() {
                length += 1;
                decoder.feed(&rest[length - 1..length]);
            }
            let (bytes, after) = rest.split_at(length);
            rest = after;
            let event = event_of(&frame);
            let kind = frame.header("Content-Type").map(str::to_owned);
            if !seen.insert((kind, event.map(|e| e.name().to_owned()))) {
                continue;
            }
            for split in 0..length {
                let mut decoder = Decoder::new(Limits::default());
                decoder.feed(&bytes[..split]);
                assert_eq!(decoder.poll(), Ok(None), "{} split at {split}", capture.name);
                decoder.feed(&bytes[split..]);
                let again = decoder.poll().unwrap().expect("the frame is whole");
                assert!(again == frame, "{} split at {split}", capture.name);
                assert_eq!(decoder.pending(), 0);
            }
        }
    }
    assert!(seen.len() > 40, "only {} different frames were split", seen.len());
}

#[test]
fn every_event_is_written_back_as_freeswitch_wrote_it() {
    let mut written = 0;
    for capture in all() {
        for frame in capture.frames() {
            let Some(event) = event_of(&frame) else { continue };
            let json = frame.header("Content-Type") == Some("text/event-json");
            let mut out = Vec::new();
            wire::write_event(&event, if json { Format::Json } else { Format::Plain }, &mut out);
            let mut decoder = Decoder::new(Limits::default());
            decoder.feed(&out);
            let again = decoder.poll().unwrap().unwrap();
            assert_eq!(again, frame, "{}: {}", capture.name, event.name());
            written += 1;
        }
    }
    assert!(written > 1_500, "{written}");
}

#[test]
fn a_plain_and_a_json_event_have_the_same_headers() {
    let created = |name: &str| {
        let events = capture(name).events();
        let created =
            events.iter().find(|e| e.name() == "CHANNEL_CREATE" && e.header("Call-Direction") == Some("inbound"));
        created.unwrap().headers().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(created("tone-echo"), created("tone-echo-json"));
}

#[test]
fn a_client_takes_every_stream_from_login_to_goodbye() {
    for capture in all() {
        let mut client = Client::new("ClueCon", Limits::default());
        // `event ...` and `exit` are what a recording sent; `replies` recorded other commands on its other connection.
        let sent = capture.log.lines().filter(|line| line.starts_with("E>")).count();
        for _ in 0..sent {
            client.send(&Command::NoEvents).unwrap();
        }
        client.handle_bytes(&capture.bytes);
        client.handle_eof();
        let events: Vec<ClientEvent> = std::iter::from_fn(|| client.poll_event()).collect();
        assert_eq!(events.first(), Some(&ClientEvent::Ready), "{}", capture.name);
        let goodbye = ClientEvent::Closed(CloseReason::Disconnected("Disconnected, goodbye.".into()));
        assert_eq!(events.last(), Some(&goodbye), "{}", capture.name);
        let got = events.iter().filter_map(|e| if let ClientEvent::Event(e) = e { Some(e.clone()) } else { None });
        assert!(got.eq(capture.events()), "{}", capture.name);
    }
}

#[test]
fn odd_values_come_through() {
    let events = capture("utf8-and-odd-values").events();
    let value = |name: &str| events.iter().rev().find_map(|e| e.variable(name)).map(str::to_owned);
    assert_eq!(value("origination_caller_id_name").as_deref(), Some("Zoë ☎ 100% a: b"));
    assert_eq!(value("my_var").as_deref(), Some("line one\nline\ntwo"));
    assert_eq!(value("note").as_deref(), Some("déjà vu & more=1"));
}
