//! What a client may tell a switch, and how it is written.

use std::fmt;

use super::wire::Format;
use crate::id::{JobId, SessionId};

/// One command of the event socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Logs in with the switch's password.
    Auth {
        password: String,
    },
    /// Runs an API command and waits: `uuid_kill`, `<uuid> NORMAL_CLEARING`.
    Api {
        name: String,
        arguments: String,
    },
    /// Runs a line that a person typed, as the switch's console does: with its aliases, and several commands with `;;`
    /// between them.
    Console {
        line: String,
    },
    /// Runs an API command as a job, whose result comes as a `BACKGROUND_JOB` event.
    BgApi {
        name: String,
        arguments: String,
        job: JobId,
    },
    /// Adds events to those sent to us. A subclass of `CUSTOM` is written as its own word behind it.
    Subscribe {
        format: Format,
        events: Vec<String>,
    },
    /// Takes events out again.
    NixEvent {
        events: Vec<String>,
    },
    /// Takes all events out.
    NoEvents,
    /// Lets only events through whose `header` is `value`; several filters add up.
    Filter {
        header: String,
        value: String,
    },
    /// Takes a filter back; without a value, all on that header; `all` takes all.
    FilterDelete {
        header: String,
        value: Option<String>,
    },
    /// Sends a message to a session. The first header is usually `call-command`.
    SendMsg {
        session: SessionId,
        headers: Vec<(String, String)>,
        body: Option<String>,
    },
    /// Fires an event on the switch.
    SendEvent {
        name: String,
        headers: Vec<(String, String)>,
        body: Option<String>,
    },
    /// Log lines from this level on (0 console to 7 debug).
    Log {
        level: u8,
    },
    NoLog,
    /// Events of one session only, from here on.
    MyEvents {
        format: Format,
        session: SessionId,
    },
    /// Events that the switch's own scripts would take come to us instead, or no longer.
    DivertEvents(Switched),
    /// Keeps the connection for the last events of its session, for so many seconds or until they are sent.
    Linger {
        seconds: Option<u32>,
    },
    NoLinger,
    Exit,
}

/// Whether something is switched on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Switched {
    On,
    Off,
}

/// A command that must not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A line break would begin a second command.
    #[error("line break in {argument}: {value:?}")]
    LineBreak { argument: &'static str, value: String },
    #[error("NUL byte in {argument}: {value:?}")]
    Nul { argument: &'static str, value: String },
    #[error("{argument} is empty")]
    Empty { argument: &'static str },
}

impl Command {
    /// `api` with its arguments in one text: `uuid_answer 6ec4d2c8-...`.
    pub fn api(line: &str) -> Self {
        let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
        Command::Api { name: name.to_owned(), arguments: arguments.to_owned() }
    }

    /// Runs a dialplan application on a session; `uuid` comes back as the `Application-UUID` of its events.
    pub fn execute(session: SessionId, application: &str, argument: &str, uuid: &str) -> Self {
        let mut headers = vec![
            ("call-command".to_owned(), "execute".to_owned()),
            ("execute-app-name".to_owned(), application.to_owned()),
        ];
        if !argument.is_empty() {
            headers.push(("execute-app-arg".to_owned(), argument.to_owned()));
        }
        headers.push(("Event-UUID".to_owned(), uuid.to_owned()));
        Command::SendMsg { session, headers, body: None }
    }

    /// The bytes of the command, or why they must not be sent.
    pub fn encode(&self) -> Result<Vec<u8>, CommandError> {
        let mut text = String::new();
        let mut tail = None;
        match self {
            Command::Auth { password } => line(&mut text, "auth", "password", password)?,
            Command::Api { name, arguments } => api(&mut text, "api", name, arguments)?,
            Command::Console { line: typed } => {
                line(&mut text, "api", "API command", typed)?;
                text.push_str("\nconsole_execute: true");
            }
            Command::BgApi { name, arguments, job } => {
                api(&mut text, "bgapi", name, arguments)?;
                text.push_str("\nJob-UUID: ");
                argument(&mut text, "job uuid", job.as_str())?;
            }
            Command::Subscribe { format, events } => {
                line(&mut text, &format!("event {format}"), "event", &events.join(" "))?;
            }
            Command::NixEvent { events } => line(&mut text, "nixevent", "event", &events.join(" "))?,
            Command::NoEvents => text.push_str("noevents"),
            Command::Filter { header, value } => {
                line(&mut text, "filter", "filter header", header)?;
                text.push(' ');
                argument(&mut text, "filter value", value)?;
            }
            Command::FilterDelete { header, value } => {
                line(&mut text, "filter delete", "filter header", header)?;
                if let Some(value) = value {
                    text.push(' ');
                    argument(&mut text, "filter value", value)?;
                }
            }
            Command::SendMsg { session, headers, body } => {
                line(&mut text, "sendmsg", "session", session.as_str())?;
                tail = with_body(&mut text, headers, body.as_deref())?;
            }
            Command::SendEvent { name, headers, body } => {
                line(&mut text, "sendevent", "event name", name)?;
                tail = with_body(&mut text, headers, body.as_deref())?;
            }
            Command::Log { level } => text.push_str(&format!("log {level}")),
            Command::NoLog => text.push_str("nolog"),
            Command::MyEvents { format, session } => {
                line(&mut text, "myevents", "session", session.as_str())?;
                text.push_str(&format!(" {format}"));
            }
            Command::DivertEvents(Switched::On) => text.push_str("divert_events on"),
            Command::DivertEvents(Switched::Off) => text.push_str("divert_events off"),
            Command::Linger { seconds: None } => text.push_str("linger"),
            Command::Linger { seconds: Some(seconds) } => text.push_str(&format!("linger {seconds}")),
            Command::NoLinger => text.push_str("nolinger"),
            Command::Exit => text.push_str("exit"),
        }
        text.push_str("\n\n");
        if let Some(body) = tail {
            text.push_str(body);
        }
        Ok(text.into_bytes())
    }
}

impl fmt::Display for Command {
    /// The command as a person would type it, on one line and without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Auth { .. } => f.write_str("auth ***"),
            Command::Api { name, arguments } => write!(f, "api {name} {arguments}"),
            Command::Console { line } => write!(f, "api {line}"),
            Command::BgApi { name, arguments, .. } => write!(f, "bgapi {name} {arguments}"),
            Command::SendMsg { session, headers, .. } => {
                let value = |name: &str| headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
                match value("call-command") {
                    "execute" => write!(f, "execute {} {}", value("execute-app-name"), value("execute-app-arg")),
                    other => write!(f, "sendmsg {session} {other}"),
                }
            }
            Command::SendEvent { name, .. } => write!(f, "sendevent {name}"),
            other => {
                let bytes = other.encode().unwrap_or_else(|e| e.to_string().into_bytes());
                f.write_str(String::from_utf8_lossy(&bytes).trim_end())
            }
        }
    }
}

fn line(text: &mut String, verb: &str, name: &'static str, value: &str) -> Result<(), CommandError> {
    if value.is_empty() {
        return Err(CommandError::Empty { argument: name });
    }
    text.push_str(verb);
    text.push(' ');
    argument(text, name, value)
}

fn api(text: &mut String, verb: &str, name: &str, arguments: &str) -> Result<(), CommandError> {
    line(text, verb, "API command", name)?;
    if !arguments.is_empty() {
        text.push(' ');
        argument(text, "API arguments", arguments)?;
    }
    Ok(())
}

fn with_body<'a>(
    text: &mut String,
    headers: &[(String, String)],
    body: Option<&'a str>,
) -> Result<Option<&'a str>, CommandError> {
    for (name, value) in headers {
        text.push('\n');
        argument(text, "header name", name)?;
        text.push_str(": ");
        argument(text, "header value", value)?;
    }
    if let Some(body) = body {
        text.push_str(&format!("\ncontent-length: {}", body.len()));
    }
    Ok(body)
}

fn argument(text: &mut String, argument: &'static str, value: &str) -> Result<(), CommandError> {
    if value.contains(['\n', '\r']) {
        return Err(CommandError::LineBreak { argument, value: value.to_owned() });
    }
    if value.contains('\0') {
        return Err(CommandError::Nul { argument, value: value.to_owned() });
    }
    text.push_str(value);
    Ok(())
}

/// What a switch answered to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `Reply-Text`, or the whole body of an API response.
    pub text: String,
    /// Whether it answers an API command, whose text is the command's own.
    pub api: bool,
}

impl Reply {
    /// The text behind `+OK`, or the text behind `-ERR` as the error.
    ///
    /// An API command that answers neither (`status`, `show channels`) has succeeded with all of its text.
    pub fn result(&self) -> Result<&str, &str> {
        outcome(&self.text)
    }
}

/// Splits the words of a reply or a job's result from the mark before them. Nothing but the mark is taken off:
/// `-ERR NO_ANSWER` is the error `NO_ANSWER`.
pub fn outcome(text: &str) -> Result<&str, &str> {
    let text = text.trim_end_matches('\n');
    if let Some(rest) = text.strip_prefix("+OK") {
        return Ok(rest.trim_start());
    }
    for mark in ["-ERROR", "-ERR", "-USAGE:"] {
        if let Some(rest) = text.strip_prefix(mark) {
            let rest = rest.trim_start();
            return Err(if mark == "-USAGE:" || rest.is_empty() { text } else { rest });
        }
    }
    // `api expand` with nothing to run answers this in front of its -ERR.
    if text.starts_with("INVALID COMMAND!") {
        return Err(text);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(command: Command) -> String {
        String::from_utf8(command.encode().unwrap()).unwrap()
    }

    #[test]
    fn commands_are_written_as_the_switch_reads_them() {
        let session = SessionId::new("u1");
        let job = JobId::new("j1");
        let events = vec!["CHANNEL_PARK".to_owned(), "CUSTOM".to_owned(), "mod_bert::in_sync".to_owned()];
        let told = [
            text(Command::Auth { password: "ClueCon".into() }),
            text(Command::api("uuid_kill u1 USER_BUSY")),
            text(Command::api("status")),
            text(Command::Console { line: "status;;version".into() }),
            text(Command::BgApi { name: "originate".into(), arguments: "{a=b}x &park()".into(), job }),
            text(Command::Subscribe { format: Format::Json, events }),
            text(Command::Filter { header: "Unique-ID".into(), value: "u1".into() }),
            text(Command::execute(session.clone(), "playback", "tone_stream://%(1,0,1)", "e1")),
            text(Command::SendEvent { name: "CUSTOM".into(), headers: vec![], body: Some("hé".into()) }),
            text(Command::MyEvents { format: Format::Plain, session }),
            text(Command::DivertEvents(Switched::On)),
            text(Command::Linger { seconds: Some(5) }),
        ];
        assert_eq!(
            told,
            [
                "auth ClueCon\n\n",
                "api uuid_kill u1 USER_BUSY\n\n",
                "api status\n\n",
                "api status;;version\nconsole_execute: true\n\n",
                "bgapi originate {a=b}x &park()\nJob-UUID: j1\n\n",
                "event json CHANNEL_PARK CUSTOM mod_bert::in_sync\n\n",
                "filter Unique-ID u1\n\n",
                "sendmsg u1\ncall-command: execute\nexecute-app-name: playback\n\
                 execute-app-arg: tone_stream://%(1,0,1)\nEvent-UUID: e1\n\n",
                "sendevent CUSTOM\ncontent-length: 3\n\nhé",
                "myevents u1 plain\n\n",
                "divert_events on\n\n",
                "linger 5\n\n",
            ]
        );
    }

    #[test]
    fn a_line_break_in_any_argument_is_an_error_and_never_text_on_the_wire() {
        let evil = "x\n\napi fsctl shutdown".to_owned();
        let session = SessionId::new(&evil);
        let pairs = vec![("a".to_owned(), evil.clone())];
        let commands = [
            Command::Auth { password: evil.clone() },
            Command::Api { name: "echo".into(), arguments: evil.clone() },
            Command::Api { name: evil.clone(), arguments: String::new() },
            Command::Console { line: evil.clone() },
            Command::BgApi { name: "echo".into(), arguments: String::new(), job: JobId::new(&evil) },
            Command::Subscribe { format: Format::Plain, events: vec![evil.clone()] },
            Command::NixEvent { events: vec![evil.clone()] },
            Command::Filter { header: evil.clone(), value: "x".into() },
            Command::Filter { header: "x".into(), value: "a\rb".into() },
            Command::FilterDelete { header: "x".into(), value: Some(evil.clone()) },
            Command::SendMsg { session, headers: vec![], body: None },
            Command::SendMsg { session: SessionId::new("u"), headers: pairs.clone(), body: None },
            Command::SendMsg { session: SessionId::new("u"), headers: vec![(evil.clone(), "x".into())], body: None },
            Command::SendEvent { name: evil.clone(), headers: vec![], body: None },
            Command::SendEvent { name: "X".into(), headers: pairs, body: None },
        ];
        for command in commands {
            assert!(matches!(command.encode(), Err(CommandError::LineBreak { .. })), "{command:?}");
        }
    }

    #[test]
    fn an_error_keeps_all_of_its_text() {
        assert_eq!(outcome("-ERR NO_ANSWER\n"), Err("NO_ANSWER"));
        assert_eq!(outcome("-ERR RECOVERY_ON_TIMER_EXPIRE\n"), Err("RECOVERY_ON_TIMER_EXPIRE"));
        assert_eq!(outcome("-ERROR\n"), Err("-ERROR"));
        assert_eq!(outcome("-USAGE: <uuid>\n"), Err("-USAGE: <uuid>"));
        assert_eq!(outcome("+OK 28c8\n"), Ok("28c8"));
        assert_eq!(outcome("+OK\n"), Ok(""));
        assert_eq!(outcome("UP 0 years\n"), Ok("UP 0 years"));
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(Command::Auth { password: "secret".into() }.to_string(), "auth ***");
    }
}
