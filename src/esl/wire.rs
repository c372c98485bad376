//! Bytes to frames and back: the only place that knows how the event socket writes things down.
//!
//! Both directions share one form: a head of `Name: value` lines (a command's first line is not one), an empty line,
//! and a body when the head has a `Content-Length`. Heads are not encoded; the values of a plain event's body are
//! percent-encoded, as FreeSWITCH's `switch_url_encode` does it.

use std::fmt::{self, Write as _};
use std::string::FromUtf8Error;

use bytes::{Buf, BytesMut};
use memchr::{memchr, memchr2};
use percent_encoding::percent_decode;
use serde::de::{MapAccess, SeqAccess, Visitor};

use super::Event;
use super::event::Header;

/// How much a peer may make us hold before we give up on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one frame's head.
    pub head: usize,
    /// Bytes of one frame's body.
    pub body: usize,
}

impl Default for Limits {
    /// 64 KiB of head; 32 MiB of body, which `show channels as json` of 20,000 calls stays below.
    fn default() -> Self {
        Limits { head: 64 * 1024, body: 32 * 1024 * 1024 }
    }
}

/// What makes a byte stream unusable. None of these can be recovered from: where the next frame starts is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("head of more than {limit} bytes without an end")]
    HeadTooLong { limit: usize },
    #[error("body of {length} bytes, more than the limit of {limit}")]
    BodyTooLong { length: u64, limit: usize },
    #[error("content length {0:?} is not a number")]
    ContentLength(String),
    #[error("NUL byte in {0}")]
    Nul(&'static str),
    #[error("{part} is not UTF-8 at byte {at}")]
    NotUtf8 { part: &'static str, at: usize },
    #[error("event line {0:?} has no colon")]
    NoColon(String),
    #[error("event body is {found} bytes long, its content length says {said}")]
    InnerLength { said: String, found: usize },
    #[error("event is not JSON: {0}")]
    Json(String),
    #[error("frame has no content type: {0:?}")]
    NoContentType(String),
}

/// One frame: the lines of its head and its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// A command's first line; empty in a frame from a server.
    pub line: String,
    /// `Name: value` lines, in order, as they stood.
    pub headers: Vec<(String, String)>,
    /// The body; `None` when the head had no `Content-Length`.
    pub body: Option<String>,
}

impl Frame {
    /// The first value of `name`, in any case: clients write `content-length` as they like.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Bytes of its texts.
    pub fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.line.len() + headers + self.body.as_ref().map_or(0, String::len)
    }
}

/// A frame as it came: text without a NUL.
#[derive(Debug, Default)]
pub(super) struct Raw {
    head: BytesMut,
    body: Option<BytesMut>,
}

impl Raw {
    /// The first value of `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        lines(self.head()).find_map(|line| match line {
            Line::Header(named, value) if named.eq_ignore_ascii_case(name) => Some(value),
            _ => None,
        })
    }

    /// The first line of its head.
    pub fn first_line(&self) -> &str {
        self.head().lines().next().unwrap_or_default()
    }

    /// Its body, which may be no text.
    pub fn into_bytes(self) -> Vec<u8> {
        self.body.unwrap_or_default().to_vec()
    }

    /// Its body.
    pub fn into_text(self) -> Result<String, WireError> {
        text_of(&self.body.unwrap_or_default())
    }

    fn into_frame(self) -> Result<Frame, WireError> {
        let mut frame = Frame::default();
        for (index, line) in lines(self.head()).enumerate() {
            match line {
                Line::Header(name, value) => frame.headers.push((name.to_owned(), value.to_owned())),
                Line::Other(line) if index == 0 => frame.line = line.to_owned(),
                // FreeSWITCH passes over lines it cannot read.
                Line::Other(_) => {}
            }
        }
        frame.body = self.body.map(|body| text_of(&body)).transpose()?;
        Ok(frame)
    }

    fn head(&self) -> &str {
        // It was looked at when it came.
        std::str::from_utf8(&self.head).unwrap_or_default()
    }
}

/// A line of a head.
enum Line<'a> {
    Header(&'a str, &'a str),
    Other(&'a str),
}

fn lines(head: &str) -> impl Iterator<Item = Line<'_>> {
    head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).map(|line| match line.split_once(':') {
        Some((name, value)) if !name.contains(' ') => Line::Header(name, value.trim_start_matches(' ')),
        _ => Line::Other(line),
    })
}

/// Cuts a byte stream into frames. Any split of the stream gives the same frames.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    limits: Limits,
    /// Bytes at the front of `buffer` known to hold no end of a head.
    searched: usize,
    /// A head that was read whole and waits for so many bytes of body.
    head: Option<(BytesMut, usize)>,
}

impl Decoder {
    pub fn new(limits: Limits) -> Self {
        Decoder { buffer: BytesMut::new(), limits, searched: 0, head: None }
    }

    /// Goes by other limits from the next frame on.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes what a socket gave.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if one has arrived. After an error the stream is of no further use.
    pub fn poll(&mut self) -> Result<Option<Frame>, WireError> {
        self.poll_raw()?.map(Raw::into_frame).transpose()
    }

    /// The same, as it came.
    pub(super) fn poll_raw(&mut self) -> Result<Option<Raw>, WireError> {
        if self.head.is_none() {
            let Some(head) = self.take_head()? else { return Ok(None) };
            match head.header("Content-Length").map(|text| self.body_length(text)).transpose()? {
                None => return Ok(Some(head)),
                Some(length) => self.head = Some((head.head, length)),
            }
        }
        let Some((head, length)) = self.head.take_if(|(_, length)| self.buffer.len() >= *length) else {
            return Ok(None);
        };
        let body = self.buffer.split_to(length);
        if memchr(0, &body).is_some() {
            return Err(WireError::Nul("body"));
        }
        Ok(Some(Raw { head, body: Some(body) }))
    }

    /// Bytes that arrived and are not part of a frame yet: after the peer closed, a truncated frame.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    fn take_head(&mut self) -> Result<Option<Raw>, WireError> {
        if self.searched == 0 {
            // Peers may put empty lines between frames.
            let blank = self.buffer.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
            self.buffer.advance(blank);
        }
        let Some((end, next)) = end_of_head(&self.buffer, self.searched) else {
            if self.buffer.len() > self.limits.head {
                return Err(WireError::HeadTooLong { limit: self.limits.head });
            }
            // An end may have begun: "\n", "\n\r".
            self.searched = self.buffer.len().saturating_sub(2);
            return Ok(None);
        };
        if end > self.limits.head {
            return Err(WireError::HeadTooLong { limit: self.limits.head });
        }
        self.searched = 0;
        let mut head = self.buffer.split_to(next);
        head.truncate(end);
        if memchr(0, &head).is_some() {
            return Err(WireError::Nul("head"));
        }
        match std::str::from_utf8(&head) {
            Ok(_) => Ok(Some(Raw { head, body: None })),
            Err(error) => Err(WireError::NotUtf8 { part: "head", at: error.valid_up_to() }),
        }
    }

    fn body_length(&self, text: &str) -> Result<usize, WireError> {
        let length: u64 = text.trim().parse().map_err(|_| WireError::ContentLength(text.to_owned()))?;
        match usize::try_from(length) {
            Ok(length) if length <= self.limits.body => Ok(length),
            _ => Err(WireError::BodyTooLong { length, limit: self.limits.body }),
        }
    }
}

/// Where a head ends and what follows it begins: behind `\n\n`, with or without carriage returns.
fn end_of_head(buffer: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        at += memchr(b'\n', &buffer[at..])?;
        match &buffer[at + 1..] {
            [b'\n', ..] => return Some((at, at + 2)),
            [b'\r', b'\n', ..] => return Some((at, at + 3)),
            _ => at += 1,
        }
    }
}

fn text_of(body: &[u8]) -> Result<String, WireError> {
    let text = std::str::from_utf8(body);
    text.map(str::to_owned).map_err(|error| WireError::NotUtf8 { part: "body", at: error.valid_up_to() })
}

/// How a listener wants its events written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    #[default]
    Plain,
    Json,
    /// Written, as a switch does, and not read.
    Xml,
}

impl Format {
    /// The format of this name, in any case.
    pub fn named(name: &str) -> Option<Format> {
        [Format::Plain, Format::Json, Format::Xml].into_iter().find(|format| name.eq_ignore_ascii_case(format.name()))
    }

    const fn name(self) -> &'static str {
        match self {
            Format::Plain => "plain",
            Format::Json => "json",
            Format::Xml => "xml",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads the body of a `text/event-plain` frame.
pub fn parse_plain(body: impl Into<Vec<u8>>) -> Result<Event, WireError> {
    // Values are decoded where they stand: they only ever become shorter.
    let mut bytes = body.into();
    let mut headers = Vec::with_capacity(bytes.len() / 40);
    let mut at = 0;
    loop {
        let start = at;
        let no_colon = |end: usize| WireError::NoColon(excerpt(&bytes[start..end]));
        let Some(length) = memchr2(b':', b'\n', &bytes[start..]) else {
            match start == bytes.len() {
                true => break,
                false => return Err(no_colon(bytes.len())),
            }
        };
        let name_end = start + length;
        if bytes[name_end] == b'\n' {
            at = name_end + 1;
            match length {
                0 => break,
                _ => return Err(no_colon(name_end)),
            }
        }
        let value = name_end + if bytes.get(name_end + 1) == Some(&b' ') { 2 } else { 1 };
        let Some(length) = memchr2(b'%', b'\n', &bytes[value..]) else { return Err(no_colon(bytes.len())) };
        let mut end = value + length;
        at = end + 1;
        if bytes[end] == b'%' {
            let Some(length) = memchr(b'\n', &bytes[end..]) else { return Err(no_colon(bytes.len())) };
            at = end + length + 1;
            end += decode(&mut bytes[end..end + length]);
        }
        // A frame's body is no longer than its limit, which a u32 holds.
        let [start, name_end, value, end] = [start, name_end, value, end].map(|at| at as u32);
        headers.push(Header { start, name_end, value, end });
    }
    let body = (at < bytes.len()).then(|| bytes.split_off(at));
    let text = |bytes| {
        let not_utf8 = |e: FromUtf8Error| WireError::NotUtf8 { part: "event", at: e.utf8_error().valid_up_to() };
        String::from_utf8(bytes).map_err(not_utf8)
    };
    let mut event = Event::of_parts(text(bytes)?, headers);
    let said = event.header("Content-Length");
    if body.is_none() && said.is_none() {
        return Ok(event);
    }
    let body = text(body.unwrap_or_default())?;
    if said.and_then(|s| s.parse().ok()) != Some(body.len()) {
        return Err(WireError::InnerLength { said: said.unwrap_or("nothing").to_owned(), found: body.len() });
    }
    event.set_body(body);
    Ok(event)
}

/// The values of hexadecimal digits.
const HEX: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value];
        values[digit as usize] = value as u8;
        values[digit.to_ascii_uppercase() as usize] = value as u8;
        value += 1;
    }
    values
};
const NO_DIGIT: u8 = 0xFF;

/// Decodes a text that begins with `%`, where it stands; gives its length. Blanks follow it.
///
/// This comes after the line was split off, so that a `%0A` cannot forge a header. As in FreeSWITCH's `switch_url_decode` a
/// `%` that begins no escape stands for itself: names of variables are written as they are, and may hold anything. So does an
/// escape that stands for no text, since FreeSWITCH does not escape a `%` that looks like one already.
fn decode(text: &mut [u8]) -> usize {
    let mut is_ascii = true;
    let (mut from, mut to) = (0, 0);
    while from < text.len() {
        let (high, low) = match text[from..] {
            [b'%', high, low, ..] => (HEX[usize::from(high)], HEX[usize::from(low)]),
            _ => (NO_DIGIT, NO_DIGIT),
        };
        if high | low == NO_DIGIT {
            text[to] = text[from];
            (from, to) = (from + 1, to + 1);
            continue;
        }
        let byte = high << 4 | low;
        // The bytes of a character may be escaped in part; what is before its first escape is whole characters.
        let is_text = match byte {
            0 => false,
            0x80.. => !std::mem::take(&mut is_ascii) || percent_decode(&text[from..]).decode_utf8().is_ok(),
            _ => true,
        };
        if !is_text {
            let rest = decode_some(&text[from..]);
            text[to..to + rest.len()].copy_from_slice(rest.as_bytes());
            to += rest.len();
            break;
        }
        text[to] = byte;
        (from, to) = (from + 3, to + 1);
    }
    // What is left of a character there would make the text none.
    text[to..].fill(b' ');
    to
}

/// Decodes a text of which some escapes stand for no text; those are left as they are.
fn decode_some(text: &[u8]) -> String {
    let decoded: Vec<u8> = percent_decode(text).collect();
    let mut some = String::with_capacity(text.len());
    for chunk in decoded.utf8_chunks() {
        some.push_str(&chunk.valid().replace('\0', "%00"));
        for byte in chunk.invalid() {
            let _ = write!(some, "%{byte:02X}");
        }
    }
    some
}

fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(80).collect()
}

/// Reads the body of a `text/event-json` frame.
pub fn parse_json(text: &str) -> Result<Event, WireError> {
    struct JsonEvent(usize);
    struct Value;

    impl<'de> Visitor<'de> for JsonEvent {
        type Value = Event;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
            let mut event = Event::with_capacity(self.0, self.0 / 40);
            while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                if memchr(0, name.as_bytes()).is_some() {
                    return Err(serde::de::Error::custom("NUL in a name"));
                }
                let value = map.next_value_seed(Value)?;
                if name == "_body" { event.set_body(value) } else { event.push(&name, value) }
            }
            Ok(event)
        }
    }

    impl<'de> serde::de::DeserializeSeed<'de> for Value {
        type Value = String;

        fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
            deserializer.deserialize_any(self)
        }
    }

    impl<'de> Visitor<'de> for Value {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
            if memchr(0, text.as_bytes()).is_some() {
                return Err(E::custom("NUL in a value"));
            }
            Ok(text.to_owned())
        }

        fn visit_bool<E>(self, value: bool) -> Result<String, E> {
            Ok(value.to_string())
        }

        fn visit_i64<E>(self, value: i64) -> Result<String, E> {
            Ok(value.to_string())
        }

        fn visit_u64<E>(self, value: u64) -> Result<String, E> {
            Ok(value.to_string())
        }

        fn visit_f64<E>(self, value: f64) -> Result<String, E> {
            Ok(value.to_string())
        }

        fn visit_unit<E>(self) -> Result<String, E> {
            Ok(String::new())
        }

        // The same list in a plain event is one text: ARRAY::a|:b.
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<String, A::Error> {
            let mut text = String::from("ARRAY::");
            let mut first = true;
            while let Some(item) = seq.next_element_seed(Value)? {
                if !std::mem::take(&mut first) {
                    text.push_str("|:");
                }
                text.push_str(&item);
            }
            Ok(text)
        }
    }

    let json = |e: serde_json::Error| WireError::Json(e.to_string());
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let event = serde::Deserializer::deserialize_map(&mut deserializer, JsonEvent(text.len())).map_err(json)?;
    deserializer.end().map_err(json)?;
    Ok(event)
}

/// Writes an event as a whole frame, as FreeSWITCH writes it: its length, its type, its body.
///
/// A body needs its `Content-Length` among the headers, as in FreeSWITCH's own events; it is added when missing.
pub fn write_event(event: &Event, format: Format, out: &mut Vec<u8>) {
    let body = match format {
        Format::Plain => plain_body(event),
        Format::Json => json_body(event),
        Format::Xml => xml_body(event),
    };
    let head = format!("Content-Length: {}\nContent-Type: text/event-{format}\n\n", body.len());
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body.as_bytes());
}

pub(super) fn plain_body(event: &Event) -> String {
    let mut text = String::with_capacity(8 * 1024);
    for (name, value) in event.headers() {
        text.push_str(name);
        text.push_str(": ");
        encode_value(value, &mut text);
        text.push('\n');
    }
    if let Some(body) = event.body() {
        if event.header("Content-Length").is_none() {
            let _ = writeln!(text, "Content-Length: {}", body.len());
        }
        text.push('\n');
        text.push_str(body);
    } else {
        text.push('\n');
    }
    text
}

fn json_body(event: &Event) -> String {
    use serde::ser::{SerializeMap, Serializer};
    let mut out = Vec::with_capacity(8 * 1024);
    let mut serializer = serde_json::Serializer::new(&mut out);
    let written = (|| {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in event.headers() {
            match value.strip_prefix("ARRAY::") {
                Some(items) => map.serialize_entry(name, &items.split("|:").collect::<Vec<_>>())?,
                None => map.serialize_entry(name, value)?,
            }
        }
        if let Some(body) = event.body() {
            if event.header("Content-Length").is_none() {
                map.serialize_entry("Content-Length", &body.len().to_string())?;
            }
            map.serialize_entry("_body", body)?;
        }
        map.end()
    })();
    // A Vec takes every write, and texts and lists of texts are always JSON.
    written.expect("texts in memory serialize");
    String::from_utf8(out).expect("serde_json writes UTF-8")
}

/// As `switch_event_xmlize` and `switch_xml_toxml` write it: values are encoded as in plain events.
fn xml_body(event: &Event) -> String {
    let mut text = String::with_capacity(12 * 1024);
    text.push_str("<event>\n  <headers>\n");
    let mut encoded = String::new();
    for (name, value) in event.headers() {
        encoded.clear();
        encode_value(value, &mut encoded);
        let _ = write!(text, "    <{name}>");
        escape_xml(&encoded, &mut text);
        let _ = writeln!(text, "</{name}>");
    }
    text.push_str("  </headers>\n");
    if let Some(body) = event.body().filter(|body| !body.is_empty()) {
        let _ = write!(text, "  <Content-Length>{}</Content-Length>\n  <body>", body.len());
        escape_xml(body, &mut text);
        // Behind a line break the end is indented as on any new line.
        text.push_str(if body.ends_with('\n') { "  </body>\n" } else { "</body>\n" });
    }
    text.push_str("</event>\n");
    text
}

/// FreeSWITCH's `switch_xml_ampencode` of a text, but for its trust in whatever follows a `<!`.
fn escape_xml(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            letter if !letter.is_ascii() => {
                let _ = write!(out, "&#x{:X};", u32::from(letter));
            }
            other => out.push(other),
        }
    }
}

/// FreeSWITCH's `switch_url_encode`: an escape that already stands in the text is left alone.
fn encode_value(value: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    let bytes = value.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !UNSAFE[usize::from(*byte)] || is_escape(&bytes[at..]) {
            continue;
        }
        // Within a character there is nothing between one escaped byte and the next.
        if from < at {
            out.push_str(&value[from..at]);
        }
        out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        from = at + 1;
    }
    if from < bytes.len() {
        out.push_str(&value[from..]);
    }
}

/// Bytes that are escaped.
const UNSAFE: [bool; 256] = {
    let mut is_unsafe = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        is_unsafe[byte] = byte < 0x20 || byte > 0x7E;
        byte += 1;
    }
    let signs = b" #%&+:;<=>?@[\\]^`{|}\"";
    let mut at = 0;
    while at < signs.len() {
        is_unsafe[signs[at] as usize] = true;
        at += 1;
    }
    is_unsafe
};

fn is_escape(text: &[u8]) -> bool {
    let upper_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    matches!(text, [b'%', high, low, ..] if upper_hex(*high) && upper_hex(*low))
}

/// Writes a frame's head: lines that must not hold a line break.
pub(super) fn write_head<'a>(lines: impl IntoIterator<Item = (&'a str, &'a str)>, out: &mut Vec<u8>) {
    for (name, value) in lines {
        debug_assert!(memchr2(b'\n', b'\r', value.as_bytes()).is_none(), "line break in {name}");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &[u8]) -> Result<Vec<Frame>, WireError> {
        let mut decoder = Decoder::new(Limits { head: 1024, body: 4096 });
        decoder.feed(bytes);
        let mut frames = Vec::new();
        while let Some(frame) = decoder.poll()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[test]
    fn every_split_point_gives_the_same_frames() {
        let stream =
            b"Content-Type: auth/request\n\n\nContent-Type: api/response\r\nContent-Length: 4\r\n\r\n+OK\nauth x\n\n";
        let whole = frames(stream).unwrap();
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[1].body.as_deref(), Some("+OK\n"));
        assert_eq!(whole[2].line, "auth x");
        for split in 0..=stream.len() {
            let mut decoder = Decoder::new(Limits::default());
            let mut got = Vec::new();
            for part in [&stream[..split], &stream[split..]] {
                decoder.feed(part);
                while let Some(frame) = decoder.poll().unwrap() {
                    got.push(frame);
                }
            }
            assert_eq!(got, whole, "split at {split}");
        }
    }

    #[test]
    fn unsafe_input_ends_in_a_named_error() {
        let cases: [(&[u8], WireError); 5] = [
            (b"Content-Length: 99999999999999\n\n", WireError::BodyTooLong { length: 99_999_999_999_999, limit: 4096 }),
            (b"Content-Length: abc\n\n", WireError::ContentLength("abc".into())),
            (b"Content-Length: -1\n\n", WireError::ContentLength("-1".into())),
            (b"Content-Type: a\0b\n\n", WireError::Nul("head")),
            (b"Content-Length: 2\n\n\xff\xfe", WireError::NotUtf8 { part: "body", at: 0 }),
        ];
        for (bytes, error) in cases {
            assert_eq!(frames(bytes), Err(error));
        }
        assert_eq!(frames(&[b'x'; 2000]), Err(WireError::HeadTooLong { limit: 1024 }));
    }

    #[test]
    fn an_escaped_line_break_does_not_forge_a_header() {
        let event = parse_plain("a: x%0Ab%3A%20y\nc: 1\n\n").unwrap();
        assert_eq!(event.headers().collect::<Vec<_>>(), [("a", "x\nb: y"), ("c", "1")]);
    }

    #[test]
    fn values_are_decoded_among_characters_of_any_length() {
        let text = "a: %20€\nb: é%20€%25\nc: %E2%82%AC x%C3%A9é\n";
        let event = parse_plain(format!("{text}d:\ne: : \nContent-Length: 3\n\né\n")).unwrap();
        let values: Vec<_> = event.headers().map(|(_, value)| value).collect();
        assert_eq!(values, [" €", "é €%", "€ xéé", "", ": ", "3"]);
        assert_eq!(event.body(), Some("é\n"));
        let mut same = Event::new();
        event.headers().for_each(|(name, value)| same.push(name, value));
        same.set_body("é\n");
        assert_eq!(event, same);
    }

    #[test]
    fn events_that_are_none_are_errors() {
        assert_eq!(parse_plain("nonsense\n\n"), Err(WireError::NoColon("nonsense".into())));
        let wrong = WireError::InnerLength { said: "9".into(), found: 3 };
        assert_eq!(parse_plain("Content-Length: 9\n\n+OK"), Err(wrong));
    }

    // As FreeSWITCH 1.10.12 wrote it.
    #[test]
    fn an_event_is_written_as_xml_with_its_values_encoded_as_in_plain_ones() {
        let mut event = Event::new();
        event.push("Event-Subclass", "test::odd");
        event.push("X-Odd", "a<b & \"c\" 'd' é");
        event.set_body("<body>&x \"é\"\n");
        let mut out = Vec::new();
        write_event(&event, Format::Xml, &mut out);
        let body = "<event>\n  <headers>\n    <Event-Subclass>test%3A%3Aodd</Event-Subclass>\n    \
                    <X-Odd>a%3Cb%20%26%20%22c%22%20'd'%20%C3%A9</X-Odd>\n  </headers>\n  \
                    <Content-Length>14</Content-Length>\n  <body>&lt;body&gt;&amp;x \"&#xE9;\"\n  </body>\n</event>\n";
        let head = format!("Content-Length: {}\nContent-Type: text/event-xml\n\n", body.len());
        assert_eq!(String::from_utf8(out).unwrap(), head + body);
        assert_eq!(Format::named("XML"), Some(Format::Xml));
    }

    /// It was taken for an event without a body, and could not be read any more once it was written.
    #[test]
    fn a_body_that_is_said_to_come_and_is_cut_off_is_an_error() {
        let wrong = |said: &str| Err(WireError::InnerLength { said: said.into(), found: 0 });
        assert_eq!(parse_plain("Content-Length: 9\n"), wrong("9"));
        assert_eq!(parse_plain("Content-Length: x\nEvent-Name: a\n"), wrong("x"));
        assert_eq!(parse_plain("Event-Name: a\n").unwrap().name(), "a");
    }

    /// FreeSWITCH leaves what looks like an escape as it is, so that a caller named `100%FF` ended the connection.
    #[test]
    fn what_is_no_escape_or_stands_for_no_text_stands_for_itself() {
        for (written, value) in [
            ("100%FF", "100%FF"),
            ("a%00b", "a%00b"),
            ("%C3%A9%20%97%33%C3", "é %973%C3"),
            ("%ff%E2%98", "%FF%E2%98"),
            ("é%80%41", "é%80A"),
            // A variable called `stream://%(2_x` comes as a header whose value was never escaped.
            ("//%(2_x: 1%", "//%(2_x: 1%"),
            ("%%41%4", "%A%4"),
            ("%zz%FF%é", "%zz%FF%é"),
        ] {
            assert_eq!(parse_plain(format!("x: {written}\n\n")).unwrap().header("x"), Some(value), "{written}");
        }
    }

    proptest::proptest! {
        #[test]
        fn values_are_decoded_as_one_would_who_looks_at_one_byte_after_the_other(
            parts in proptest::collection::vec("%[0-9A-Fa-f]{2}|[a-zA-Z0-9é ]{0,20}|%|%[0-7][0-9A-F]", 0..30)
        ) {
            let written = parts.concat();
            let naive = percent_decode(written.as_bytes()).decode_utf8().ok().filter(|text| !text.contains('\0'));
            let event = parse_plain(format!("x: {written}\nEvent-Name: y\n\n")).unwrap();
            proptest::prop_assert_eq!(event.name(), "y");
            if let Some(naive) = naive {
                proptest::prop_assert_eq!(event.header("x"), Some(naive.as_ref()));
            }
        }
    }

    #[test]
    fn json_events_that_are_no_object_of_texts_are_errors() {
        for text in ["", "{", "[]", r#"{"a":{"b":1}}"#, r#"{"a":"b"} x"#, "{\"a\":\"\\u0000\"}", "{\"\\u0000\":\"a\"}"]
        {
            assert!(matches!(parse_json(text), Err(WireError::Json(_))), "{text}");
        }
        assert_eq!(parse_json(r#"{"a":["x","y"],"n":3}"#).unwrap().header("a"), Some("ARRAY::x|:y"));
    }
}
