//! The client half of the event socket: bytes in, events and replies out.

use std::collections::VecDeque;

use super::command::{Command, CommandError, Reply};
use super::wire::{self, Decoder, Limits, Raw, WireError};
use super::{Event, LogLevel, header};
use crate::id::SessionId;

/// One connection to a switch, from its first byte to its last, without IO.
///
/// Feed it with [`Client::handle_bytes`] and [`Client::handle_eof`]; write out what [`Client::poll_transmit`] gives;
/// take what came of it from [`Client::poll_event`]. Replies come in the order of the commands, so the oldest command
/// is the one a reply answers.
#[derive(Debug)]
pub struct Client {
    decoder: Decoder,
    password: String,
    state: State,
    unanswered: VecDeque<Waiting>,
    next_id: u64,
    transmit: Vec<u8>,
    events: VecDeque<ClientEvent>,
}

/// Names a command until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting for the switch to ask for a password.
    Connecting,
    Authenticating,
    Ready,
    Closed,
}

#[derive(Clone, Copy, Debug)]
enum Waiting {
    Login,
    Command(CommandId),
}

/// What came of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// Logged in: commands may be sent.
    Ready,
    Reply {
        command: CommandId,
        reply: Reply,
    },
    Event(Event),
    /// A log line.
    Log(LogLine),
    /// The last event: the connection is over, and commands without a reply never get one.
    Closed(CloseReason),
}

/// A line of a switch's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub level: LogLevel,
    /// The session that it is about, where there is one (`User-Data`).
    pub session: Option<SessionId>,
    /// With its line break; some have several lines.
    pub text: String,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    #[error("login refused: {0}")]
    LoginRefused(String),
    /// `text/rude-rejection`: the switch's access list does not name us.
    #[error("turned away by the access list: {0}")]
    Rejected(String),
    /// `text/disconnect-notice`: after `exit`, or the switch shuts down.
    #[error("the switch said goodbye: {0}")]
    Disconnected(String),
    #[error("connection closed")]
    Eof,
    #[error("connection closed in the middle of a frame of which {0} bytes had come")]
    Truncated(usize),
    #[error("bad input: {0}")]
    Wire(#[from] WireError),
    #[error("a reply came to no command: {0}")]
    UnexpectedReply(String),
    #[error("connection failed: {0}")]
    Io(String),
}

impl Client {
    pub fn new(password: impl Into<String>, limits: Limits) -> Self {
        Client {
            decoder: Decoder::new(limits),
            password: password.into(),
            state: State::Connecting,
            unanswered: VecDeque::new(),
            next_id: 0,
            transmit: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Puts a command behind those already sent. It may be sent before the others were answered.
    pub fn send(&mut self, command: &Command) -> Result<CommandId, CommandError> {
        let bytes = command.encode()?;
        let id = CommandId(self.next_id);
        self.next_id += 1;
        self.unanswered.push_back(Waiting::Command(id));
        self.transmit.extend_from_slice(&bytes);
        Ok(id)
    }

    /// Whether commands may be sent.
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Commands that wait for their reply.
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Takes what the socket gave.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if self.state == State::Closed {
            return;
        }
        self.decoder.feed(bytes);
        while self.state != State::Closed {
            match self.decoder.poll_raw().and_then(|frame| frame.map(|frame| self.handle_frame(frame)).transpose()) {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(error) => self.close(error.into()),
            }
        }
    }

    /// The peer closed the connection.
    pub fn handle_eof(&mut self) {
        let reason = match self.decoder.pending() {
            0 => CloseReason::Eof,
            bytes => CloseReason::Truncated(bytes),
        };
        self.close(reason);
    }

    /// The connection broke.
    pub fn handle_io_error(&mut self, error: &std::io::Error) {
        self.close(CloseReason::Io(error.to_string()));
    }

    /// Bytes to write to the socket; empty when there are none.
    pub fn poll_transmit(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.transmit)
    }

    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    fn close(&mut self, reason: CloseReason) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.events.push_back(ClientEvent::Closed(reason));
        }
    }

    fn handle_frame(&mut self, frame: Raw) -> Result<(), WireError> {
        let Some(kind) = frame.header("Content-Type") else {
            return Err(WireError::NoContentType(frame.first_line().to_owned()));
        };
        match kind {
            "auth/request" if self.state == State::Connecting => self.log_in(),
            "command/reply" => {
                let text = frame.header("Reply-Text").unwrap_or_default().to_owned();
                self.handle_reply(Reply { text, api: false });
            }
            "api/response" => self.handle_reply(Reply { text: frame.into_text()?, api: true }),
            "text/event-plain" => {
                self.events.push_back(ClientEvent::Event(wire::parse_plain(frame.into_bytes())?));
            }
            "text/event-json" => {
                self.events.push_back(ClientEvent::Event(wire::parse_json(&frame.into_text()?)?));
            }
            "log/data" => {
                // A level that is none is that of a line which nobody is to miss.
                let level = frame.header("Log-Level").and_then(LogLevel::parse).unwrap_or(LogLevel::CONSOLE);
                let session = frame.header("User-Data").filter(|session| !session.is_empty()).map(SessionId::new);
                let line = LogLine { level, session, text: frame.into_text()? };
                self.events.push_back(ClientEvent::Log(line));
            }
            // With `linger` the switch still sends events of the session before it closes.
            "text/disconnect-notice" if frame.header("Content-Disposition") == Some("linger") => {}
            "text/disconnect-notice" => self.close(CloseReason::Disconnected(first_line(&frame.into_text()?))),
            "text/rude-rejection" => self.close(CloseReason::Rejected(first_line(&frame.into_text()?))),
            // A content type of a newer switch is no reason to lose the connection.
            _ => {}
        }
        Ok(())
    }

    fn log_in(&mut self) {
        let command = Command::Auth { password: self.password.clone() };
        match command.encode() {
            Ok(bytes) => {
                self.state = State::Authenticating;
                // The login goes before anything that was sent early.
                self.transmit.splice(0..0, bytes);
                self.unanswered.push_front(Waiting::Login);
            }
            Err(error) => self.close(CloseReason::LoginRefused(error.to_string())),
        }
    }

    fn handle_reply(&mut self, reply: Reply) {
        match self.unanswered.pop_front() {
            Some(Waiting::Login) => match reply.result() {
                Ok(_) => {
                    self.state = State::Ready;
                    self.events.push_back(ClientEvent::Ready);
                }
                Err(text) => {
                    let text = text.to_owned();
                    self.close(CloseReason::LoginRefused(text));
                }
            },
            Some(Waiting::Command(command)) => self.events.push_back(ClientEvent::Reply { command, reply }),
            None => self.close(CloseReason::UnexpectedReply(reply.text)),
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The result of a `BACKGROUND_JOB` event: the job and its text.
pub fn job_result(event: &Event) -> Option<(&str, &str)> {
    (event.name() == "BACKGROUND_JOB")
        .then(|| event.header(header::JOB_UUID).map(|job| (job, event.body().unwrap_or_default())))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &[u8] = b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n";

    fn drain(client: &mut Client) -> Vec<ClientEvent> {
        std::iter::from_fn(|| client.poll_event()).collect()
    }

    fn ready() -> Client {
        let mut client = Client::new("ClueCon", Limits::default());
        client.handle_bytes(LOGIN);
        assert_eq!(drain(&mut client), [ClientEvent::Ready]);
        assert_eq!(client.poll_transmit(), b"auth ClueCon\n\n");
        client
    }

    #[test]
    fn replies_answer_commands_in_order_with_events_between() {
        let mut client = ready();
        let first = client.send(&Command::api("status")).unwrap();
        let second = client.send(&Command::NoEvents).unwrap();
        client.handle_bytes(b"Content-Length: 15\nContent-Type: text/event-plain\n\nEvent-Name: X\n\n");
        client.handle_bytes(b"Content-Type: api/response\nContent-Length: 3\n\n+OK");
        client.handle_bytes(b"Content-Type: command/reply\nReply-Text: -ERR no\n\n");
        let events = drain(&mut client);
        assert!(matches!(&events[0], ClientEvent::Event(e) if e.name() == "X"));
        assert!(matches!(&events[1], ClientEvent::Reply { command, reply } if *command == first && reply.api));
        let refused = Reply { text: "-ERR no".into(), api: false };
        assert_eq!(events[2], ClientEvent::Reply { command: second, reply: refused.clone() });
        assert_eq!(refused.result(), Err("no"));
    }

    #[test]
    fn each_end_of_a_connection_has_its_own_name() {
        let cases: [(&[u8], CloseReason); 5] = [
            (
                b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n",
                CloseReason::Rejected("Access Denied, go away.".into()),
            ),
            (
                b"Content-Type: text/disconnect-notice\nContent-Length: 5\n\nbye.\n",
                CloseReason::Disconnected("bye.".into()),
            ),
            (b"Content-Type: command/reply\nReply-Text: +OK\n\n", CloseReason::UnexpectedReply("+OK".into())),
            (b"x: y\n\n", CloseReason::Wire(WireError::NoContentType("x: y".into()))),
            (
                b"Content-Length: 6\nContent-Type: text/event-plain\n\na = F\n",
                CloseReason::Wire(WireError::NoColon("a = F".into())),
            ),
        ];
        for (bytes, reason) in cases {
            let mut client = ready();
            client.handle_bytes(bytes);
            client.handle_eof();
            assert_eq!(drain(&mut client), [ClientEvent::Closed(reason)]);
        }
        let mut client = ready();
        client.handle_bytes(b"Content-Length: 10\n\nabc");
        client.handle_eof();
        assert_eq!(drain(&mut client), [ClientEvent::Closed(CloseReason::Truncated(3))]);
    }

    #[test]
    fn a_log_line_comes_with_its_level_and_session() {
        let mut client = ready();
        client.handle_bytes(b"Content-Type: log/data\nContent-Length: 3\nLog-Level: 3\nUser-Data: u1\n\na\n\n");
        client.handle_bytes(b"Content-Type: log/data\nContent-Length: 2\nLog-Level: 7\nUser-Data: \n\nb\n");
        let line = |level, session: Option<&str>, text: &str| {
            ClientEvent::Log(LogLine { level, session: session.map(SessionId::new), text: text.to_owned() })
        };
        let lines = [line(LogLevel(3), Some("u1"), "a\n\n"), line(LogLevel::DEBUG, None, "b\n")];
        assert_eq!(drain(&mut client), lines);
    }

    #[test]
    fn a_wrong_password_is_told() {
        let mut client = Client::new("wrong", Limits::default());
        client.handle_bytes(b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: -ERR invalid\n\n");
        assert_eq!(drain(&mut client), [ClientEvent::Closed(CloseReason::LoginRefused("invalid".into()))]);
    }

    #[test]
    fn a_lingering_disconnect_notice_is_not_yet_the_end() {
        let mut client = ready();
        client.handle_bytes(
            b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 2\n\nx\n",
        );
        assert_eq!(drain(&mut client), []);
        client.handle_eof();
        assert_eq!(drain(&mut client), [ClientEvent::Closed(CloseReason::Eof)]);
    }
}
