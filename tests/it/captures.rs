//! The recorded FreeSWITCH streams: what came on the event connection, and what was sent.

use std::path::{Path, PathBuf};

use callwright::esl::Event;
use callwright::esl::wire::{self, Decoder, Frame, Limits};

/// A recorded flow.
pub struct Capture {
    pub name: String,
    pub bytes: Vec<u8>,
    pub log: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures")
}

/// The flow `name`.
pub fn capture(name: &str) -> Capture {
    let read = |extension: &str| {
        let path = folder().join(format!("{name}.{extension}"));
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    Capture { name: name.to_owned(), bytes: read("esl"), log: String::from_utf8(read("log")).unwrap() }
}

/// All flows, by name.
pub fn all() -> Vec<Capture> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".esl")?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 27, "captures are missing: {names:?}");
    names.iter().map(|name| capture(name)).collect()
}

impl Capture {
    /// The stream cut into frames.
    pub fn frames(&self) -> Vec<Frame> {
        let mut decoder = Decoder::new(Limits::default());
        decoder.feed(&self.bytes);
        let frames = std::iter::from_fn(|| decoder.poll().unwrap()).collect();
        assert_eq!(decoder.pending(), 0, "{} ends in the middle of a frame", self.name);
        frames
    }

    /// The events of the stream, in order.
    pub fn events(&self) -> Vec<Event> {
        self.frames().iter().filter_map(event_of).collect()
    }
}

/// The event in a frame.
pub fn event_of(frame: &Frame) -> Option<Event> {
    let body = frame.body.as_deref()?;
    match frame.header("Content-Type")? {
        "text/event-plain" => Some(wire::parse_plain(body).unwrap()),
        "text/event-json" => Some(wire::parse_json(body).unwrap()),
        _ => None,
    }
}
