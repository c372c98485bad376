//! One event of a switch: named values and an optional body.

use std::fmt;

use crate::units::Time;

/// Header names that FreeSWITCH puts into events and that this crate reads.
pub mod header {
    pub const EVENT_NAME: &str = "Event-Name";
    pub const EVENT_SUBCLASS: &str = "Event-Subclass";
    pub const EVENT_SEQUENCE: &str = "Event-Sequence";
    pub const TIMESTAMP: &str = "Event-Date-Timestamp";
    pub const UNIQUE_ID: &str = "Unique-ID";
    pub const CHANNEL_CALL_UUID: &str = "Channel-Call-UUID";
    pub const CALL_DIRECTION: &str = "Call-Direction";
    pub const HANGUP_CAUSE: &str = "Hangup-Cause";
    pub const JOB_UUID: &str = "Job-UUID";
    pub const APPLICATION: &str = "Application";
    pub const APPLICATION_UUID: &str = "Application-UUID";
}

/// An event: header names and values in the order they came, decoded, and the body.
///
/// All text lies in one buffer, so an event costs two allocations however many headers it has. Events are equal where
/// their headers and bodies are.
#[derive(Clone, Default)]
pub struct Event {
    text: String,
    headers: Vec<Header>,
    body: Option<String>,
}

/// Where a header lies in `Event::text`: the name from `start` and the value from `value`; there may be something between.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub start: u32,
    pub name_end: u32,
    pub value: u32,
    pub end: u32,
}

impl Event {
    /// An event with no headers.
    pub fn new() -> Self {
        Event::default()
    }

    pub(crate) fn with_capacity(bytes: usize, headers: usize) -> Self {
        Event { text: String::with_capacity(bytes), headers: Vec::with_capacity(headers), body: None }
    }

    /// An event whose headers lie in `text`, within it and at the boundaries of its characters.
    pub(super) fn of_parts(text: String, headers: Vec<Header>) -> Self {
        Event { text, headers, body: None }
    }

    /// Adds a header behind the others. A name may occur twice: [`Event::header`] then finds the first.
    pub fn push(&mut self, name: &str, value: impl fmt::Display) {
        use fmt::Write;
        self.append(name, |text| {
            write!(text, "{value}").expect("writing to a String does not fail");
        });
    }

    /// Adds a header whose value `fill` writes at the end of the buffer.
    pub(crate) fn append(&mut self, name: &str, fill: impl FnOnce(&mut String)) {
        let start = self.text.len() as u32;
        self.text.push_str(name);
        let name_end = self.text.len() as u32;
        fill(&mut self.text);
        self.headers.push(Header { start, name_end, value: name_end, end: self.text.len() as u32 });
    }

    /// The first value of header `name`, which is case-sensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|h| (h.name_end - h.start) as usize == name.len() && self.name_of(h) == name)
            .map(|h| self.value_of(h))
    }

    /// The first value of each of these headers, in one go through all that there are.
    pub fn values<const N: usize>(&self, names: [&str; N]) -> [Option<&str>; N] {
        let bit = |length: usize| 1_u64 << length.min(63);
        let lengths = names.iter().fold(0, |lengths, name| lengths | bit(name.len()));
        let mut values = [None; N];
        for header in &self.headers {
            // Most headers are not as long as any of them.
            if lengths & bit((header.name_end - header.start) as usize) == 0 {
                continue;
            }
            let name = self.name_of(header);
            if let Some(at) = names.iter().position(|wanted| *wanted == name) {
                values[at].get_or_insert(self.value_of(header));
            }
        }
        values
    }

    /// The channel variable `name`, which events carry as `variable_NAME`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.headers().find(|(n, _)| n.strip_prefix("variable_") == Some(name)).map(|(_, v)| v)
    }

    /// All headers, in the order they came.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.headers.iter().map(|h| (self.name_of(h), self.value_of(h)))
    }

    /// The body: the result of a job, the text of a log line.
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    pub fn set_body(&mut self, body: impl Into<String>) {
        self.body = Some(body.into());
    }

    /// `Event-Name`, or an empty text where it is missing.
    pub fn name(&self) -> &str {
        self.header(header::EVENT_NAME).unwrap_or_default()
    }

    /// Whether `name` is its name; of a `CUSTOM` event also where it is its subclass.
    pub fn is_called(&self, name: &str) -> bool {
        self.name() == name || self.header(header::EVENT_SUBCLASS) == Some(name)
    }

    /// When the switch fired it, by the switch's clock (`Event-Date-Timestamp`).
    pub fn fired(&self) -> Option<Time> {
        self.header(header::TIMESTAMP)?.parse().ok().map(Time::from_micros)
    }

    fn name_of(&self, h: &Header) -> &str {
        &self.text[h.start as usize..h.name_end as usize]
    }

    fn value_of(&self, h: &Header) -> &str {
        &self.text[h.value as usize..h.end as usize]
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.headers().eq(other.headers()) && self.body == other.body
    }
}

impl Eq for Event {}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.headers()).finish()?;
        match &self.body {
            Some(body) => write!(f, " body {body:?}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_order_and_the_first_of_a_name_is_found() {
        let mut event = Event::new();
        event.push("Event-Name", "CODEC");
        event.push("x", 1);
        event.push("x", 2);
        assert_eq!((event.name(), event.header("x"), event.header("X")), ("CODEC", Some("1"), None));
        assert_eq!(event.headers().collect::<Vec<_>>(), [("Event-Name", "CODEC"), ("x", "1"), ("x", "2")]);
        assert_eq!(event.values(["y", "x", "Event-Name"]), [None, Some("1"), Some("CODEC")]);
    }
}
