//! The server half of the event socket: requests in, replies and events out.

use super::Event;
use super::wire::{self, Decoder, Format, Frame, Limits, WireError};

/// Reads a client's requests.
///
/// A request is a [`Frame`]: its `line` is the command with its arguments, its `headers` and `body` what came with it.
#[derive(Debug)]
pub struct Requests {
    decoder: Decoder,
}

impl Requests {
    pub fn new(limits: Limits) -> Self {
        Requests { decoder: Decoder::new(limits) }
    }

    /// Goes by other limits from the next request on.
    pub fn limit(&mut self, limits: Limits) {
        self.decoder.limit(limits);
    }

    /// Takes what the socket gave.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
    }

    /// The next whole request. After an error the connection is of no further use.
    ///
    /// A carriage return ends a line, wherever it stands (mod_event_socket's `strip_cr`): replies say again what was asked.
    pub fn poll(&mut self) -> Result<Option<Frame>, WireError> {
        let mut request = self.decoder.poll()?;
        if let Some(Frame { line, headers, .. }) = &mut request {
            for text in headers.iter_mut().flat_map(|(name, value)| [name, value]).chain([line]) {
                text.truncate(text.find('\r').unwrap_or(text.len()));
            }
        }
        Ok(request)
    }
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The greeting that asks for a password.
    AuthRequest,
    /// `command/reply`, with headers behind its text (`Job-UUID`).
    Reply { text: String, headers: Vec<(String, String)> },
    /// `api/response`.
    Api { body: String },
    /// A log line of a level.
    Log { headers: Vec<(String, String)>, text: String },
    /// The reply to `connect`: everything about a channel, and what the client may do with it.
    Connected(Box<Event>),
    /// The goodbye after `exit`, and to a client whose session ended.
    Disconnect { session: Option<String> },
    /// Tells that a session ended whose connection lingers, for so many seconds or (-1) until the client goes.
    Linger { session: String, channel: String, seconds: i32 },
    /// The refusal of a peer that the access list does not name.
    Rejection,
}

const GOODBYE: &str = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n";
const REJECTION: &str = "Access Denied, go away.\n";

impl Answer {
    /// A reply without further headers.
    pub fn reply(text: impl Into<String>) -> Self {
        Answer::Reply { text: text.into(), headers: Vec::new() }
    }

    /// Writes the answer behind what is in `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Answer::AuthRequest => wire::write_head([("Content-Type", "auth/request")], out),
            Answer::Reply { text, headers } => {
                let first = [("Content-Type", "command/reply"), ("Reply-Text", text.as_str())];
                let rest = headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
                wire::write_head(first.into_iter().chain(rest), out);
            }
            Answer::Api { body } => with_body("api/response", &[], body, out),
            Answer::Log { headers, text } => {
                let length = text.len().to_string();
                let first = [("Content-Type", "log/data"), ("Content-Length", length.as_str())];
                let rest = headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
                wire::write_head(first.into_iter().chain(rest), out);
                out.extend_from_slice(text.as_bytes());
            }
            Answer::Connected(event) => out.extend_from_slice(wire::plain_body(event).as_bytes()),
            Answer::Disconnect { session: None } => with_body("text/disconnect-notice", &[], GOODBYE, out),
            Answer::Disconnect { session: Some(session) } => {
                let of = [("Controlled-Session-UUID", session.as_str()), ("Content-Disposition", "disconnect")];
                with_body("text/disconnect-notice", &of, GOODBYE, out);
            }
            Answer::Linger { session, channel, seconds } => {
                let seconds = seconds.to_string();
                let of = [
                    ("Controlled-Session-UUID", session.as_str()),
                    ("Content-Disposition", "linger"),
                    ("Channel-Name", channel.as_str()),
                    ("Linger-Time", seconds.as_str()),
                ];
                with_body("text/disconnect-notice", &of, "", out);
            }
            Answer::Rejection => with_body("text/rude-rejection", &[], REJECTION, out),
        }
    }
}

/// Writes an event in the format a client asked for.
pub fn write_event(event: &Event, format: Format, out: &mut Vec<u8>) {
    wire::write_event(event, format, out);
}

fn with_body(kind: &str, extra: &[(&str, &str)], body: &str, out: &mut Vec<u8>) {
    let length = body.len().to_string();
    let mut lines = vec![("Content-Type", kind)];
    lines.extend_from_slice(extra);
    lines.push(("Content-Length", &length));
    wire::write_head(lines, out);
    out.extend_from_slice(body.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_with_their_headers_and_body() {
        let mut requests = Requests::new(Limits::default());
        requests
            .feed(b"sendmsg u1\ncall-command: execute\nexecute-app-name: echo\ncontent-length: 3\n\nabcexit\r\n\r\n");
        let first = requests.poll().unwrap().unwrap();
        assert_eq!((first.line.as_str(), first.header("Call-Command")), ("sendmsg u1", Some("execute")));
        assert_eq!(first.body.as_deref(), Some("abc"));
        assert_eq!(requests.poll().unwrap().unwrap().line, "exit");
        assert_eq!(requests.poll(), Ok(None));
    }

    /// It was said again in the reply, whose head it would have broken.
    #[test]
    fn a_carriage_return_in_a_request_comes_in_no_reply() {
        let mut requests = Requests::new(Limits::default());
        requests.feed(b"filter a\rb c\nJob-UUID: u\rv\n\n");
        let request = requests.poll().unwrap().unwrap();
        assert_eq!((request.line.as_str(), request.header("Job-UUID")), ("filter a", Some("u")));
    }

    #[test]
    fn a_command_with_a_colon_is_a_command() {
        let mut requests = Requests::new(Limits::default());
        requests.feed(b"api uuid_broadcast u1 playback::x\n\nfilter Unique-ID a:b\n\n");
        assert_eq!(requests.poll().unwrap().unwrap().line, "api uuid_broadcast u1 playback::x");
        assert_eq!(requests.poll().unwrap().unwrap().line, "filter Unique-ID a:b");
    }
}
