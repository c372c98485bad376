//! The event socket as a server: login, subscriptions, filters and the commands of mod_event_socket.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use regex::Regex;
use subtle::ConstantTimeEq;

use crate::call::HangupCause;
use crate::esl::server::Answer;
use crate::esl::wire::{Format, Frame, Limits};
use crate::esl::{Event, LogLevel};
use crate::units::Time;

use super::api::Caller;
use super::channel::Channel;
use super::config::ClientLimits;
use super::controlled::{Came, Controlled, OfEvents};
use super::core::{ChannelKey, ConnId, Output, SwitchCore, Task, Timer};
use super::dp::SendMsg;
use super::event_names::event_name;
use super::events::origin;
use super::variables::is_true;

/// `sendmsg`s that may wait on one channel (FreeSWITCH's SWITCH_EVENT_QUEUE_LEN).
const MESSAGES: usize = 5_000;

/// One client.
#[derive(Debug, Default)]
pub struct Connection {
    login: Login,
    pub(super) format: Format,
    /// Event names; `ALL` stands for every one.
    subscribed: BTreeSet<&'static str>,
    listening: Listening,
    subclasses: BTreeSet<String>,
    filters: Vec<(String, Filter)>,
    log_level: Option<LogLevel>,
    /// The session that it controls.
    pub(super) session: Option<Controlled>,
    /// Requests behind an `api` command that is not done.
    waiting: VecDeque<Frame>,
    /// Bytes of those.
    waiting_bytes: usize,
    busy: Busy,
    /// Events and lines of the log that came meanwhile: FreeSWITCH sends them behind the reply.
    held: VecDeque<Output>,
}

/// Events that may wait behind a command that is not done, before the client is dropped (FreeSWITCH's MAX_QUEUE_LEN).
const HELD: usize = 100_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Login {
    #[default]
    Asked,
    Accepted,
    /// Said goodbye; what still comes is not read.
    Left,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Listening {
    #[default]
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Busy {
    #[default]
    No,
    Yes,
}

/// What a header must say.
#[derive(Debug)]
struct Filter {
    text: String,
    sense: Sense,
    test: Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    Keeps,
    Drops,
}

#[derive(Debug)]
enum Test {
    Is(String),
    Matches(Regex),
}

impl Filter {
    /// `text` as after the header name: `+` or `-`, then a word or `/pattern/`.
    fn parse(text: &str) -> Filter {
        let mut sense = Sense::Keeps;
        let mut rest = text;
        while let Some(first) = rest.chars().next().filter(|c| matches!(c, '+' | '-' | ' ')) {
            match first {
                '-' => sense = Sense::Drops,
                '+' => sense = Sense::Keeps,
                _ => {}
            }
            rest = &rest[1..];
        }
        let pattern = rest.strip_prefix('/').map(|p| p.strip_suffix('/').unwrap_or(p));
        let test = match pattern.and_then(|pattern| Regex::new(pattern).ok()) {
            Some(pattern) => Test::Matches(pattern),
            None => Test::Is(rest.to_owned()),
        };
        Filter { text: text.to_owned(), sense, test }
    }

    fn matches(&self, value: &str) -> bool {
        match &self.test {
            Test::Is(text) => value.eq_ignore_ascii_case(text),
            Test::Matches(pattern) => pattern.is_match(value),
        }
    }
}

impl Connection {
    /// One that the switch made for a session.
    pub(super) fn of_session(session: Controlled) -> Connection {
        Connection { login: Login::Accepted, session: Some(session), ..Connection::default() }
    }

    /// Whether the switch made it.
    pub(super) fn was_dialed(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.came != Came::In)
    }

    /// Whether the client waits for the end of a command.
    pub(super) fn is_waiting(&self) -> bool {
        self.busy == Busy::Yes
    }

    /// What is to be sent now: all, unless a command is not done, or another one waits to be read.
    pub(super) fn hold(&mut self, output: Output) -> Option<Output> {
        if self.busy == Busy::No && self.waiting.is_empty() && self.held.is_empty() {
            return Some(output);
        }
        if self.held.len() <= HELD {
            self.held.push_back(output);
        }
        None
    }

    /// Has events of these names come.
    pub(super) fn subscribe(&mut self, names: impl Iterator<Item = &'static &'static str>) {
        self.subscribed.extend(names.copied());
        self.listening = Listening::Yes;
    }

    /// Whether it is the first word of a client that the switch connected to: it is not answered unless it asks for data.
    fn says_first_word(&mut self) -> bool {
        match &mut self.session {
            Some(session) if session.came == Came::OutSilent => {
                session.came = Came::Out;
                true
            }
            _ => false,
        }
    }

    /// Whether lines of this level go out here.
    pub(super) fn logs(&self, level: LogLevel) -> bool {
        self.log_level.is_some_and(|wanted| wanted >= level)
    }

    /// Whether an event of this name may go out here.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.listening == Listening::Yes && (self.subscribed.contains("ALL") || self.subscribed.contains(name))
    }

    /// Whether `event` goes out here.
    pub(super) fn takes(&self, event: &Event) -> bool {
        let name = event.name();
        if !self.wants(name) {
            return false;
        }
        if name == "CUSTOM" && !self.subscribed.contains("ALL") {
            let subclass = event.header("Event-Subclass");
            if !subclass.is_some_and(|subclass| self.subclasses.contains(subclass)) {
                return false;
            }
        }
        self.session.as_ref().is_none_or(|session| session.takes(event)) && self.passes(event)
    }

    /// FreeSWITCH's filters: one that keeps must match, none that drops may.
    fn passes(&self, event: &Event) -> bool {
        if self.filters.is_empty() {
            return true;
        }
        let mut keep = false;
        for (name, filter) in &self.filters {
            if (keep && filter.sense == Sense::Keeps) || !event.header(name).is_some_and(|v| filter.matches(v)) {
                continue;
            }
            match filter.sense {
                Sense::Keeps => keep = true,
                Sense::Drops => return false,
            }
        }
        keep
    }
}

impl SwitchCore {
    /// A client connected from `peer`: it is asked for the password, or told to go away.
    pub fn handle_esl_connected(&mut self, now: Time, conn: ConnId, peer: IpAddr) {
        self.advance_clock(now);
        // A socket for both kinds of addresses sees those of IPv4 as `::ffff:127.0.0.1`.
        let peer = peer.to_canonical();
        if !self.config.acl.iter().any(|network| network.contains(&peer)) {
            self.answer(conn, Answer::Rejection);
            self.answer(conn, Answer::Disconnect { session: None });
            self.output(Output::CloseEsl(conn));
            return;
        }
        let came = self.connections.values().filter(|connection| !connection.was_dialed()).count();
        if came >= self.config.clients.connections {
            self.output(Output::CloseEsl(conn));
            return;
        }
        self.connections.insert(conn, Connection::default());
        self.answer(conn, Answer::AuthRequest);
        self.after(self.config.clients.login, Timer::Login(conn));
    }

    /// How large the next request of a client may be.
    pub fn esl_limits(&self, conn: ConnId) -> Limits {
        let is_known = self.connections.get(&conn).is_some_and(|connection| connection.login == Login::Accepted);
        if is_known { self.config.clients.known } else { self.config.clients.stranger }
    }

    /// A client that has not logged in by now, or said nothing, is told goodbye.
    pub(super) fn login_due(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let is_silent = connection.session.as_ref().is_some_and(|session| session.came == Came::OutSilent);
        if is_silent || connection.login == Login::Asked {
            self.say_goodbye(conn);
        }
    }

    /// Takes a request of a client.
    pub fn handle_esl_command(&mut self, now: Time, conn: ConnId, request: Frame) {
        self.advance_clock(now);
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let ClientLimits { waiting, waiting_bytes, .. } = self.config.clients;
        connection.waiting_bytes += request.bytes();
        connection.waiting.push_back(request);
        if connection.waiting.len() > waiting || connection.waiting_bytes > waiting_bytes {
            self.output(Output::CloseEsl(conn));
            self.remove_connection(conn);
            return self.run();
        }
        self.serve(conn);
        self.run();
    }

    /// A client is gone. Jobs it began go on.
    pub fn handle_esl_closed(&mut self, now: Time, conn: ConnId) {
        self.advance_clock(now);
        self.remove_connection(conn);
        self.run();
    }

    /// Serves what waits, until a command does not finish at once.
    pub(super) fn serve(&mut self, conn: ConnId) {
        while let Some(connection) = self.connections.get_mut(&conn) {
            if connection.busy == Busy::Yes || connection.login == Login::Left {
                return;
            }
            let Some(request) = connection.waiting.pop_front() else { return self.send_held(conn) };
            connection.waiting_bytes -= request.bytes();
            let is_first = connection.says_first_word();
            connection.busy = Busy::Yes;
            if is_first {
                self.forget(|timer| *timer == Timer::Login(conn));
            }
            // Without an answer it is given by `command_done`, or was.
            if let Some(answer) = self.request(conn, &request) {
                if let Some(connection) = self.connections.get_mut(&conn) {
                    connection.busy = Busy::No;
                }
                if !is_first || matches!(answer, Answer::Connected(_)) {
                    self.answer(conn, answer);
                }
                if self.connections.get(&conn).is_some_and(|c| c.login == Login::Left) {
                    self.say_goodbye(conn);
                }
            }
        }
    }

    fn request(&mut self, conn: ConnId, request: &Frame) -> Option<Answer> {
        let line = request.line.trim_end();
        let (command, argument) = command_of(line);
        let connection = self.connections.get_mut(&conn)?;
        if starts_with(line, "exit") || line.starts_with("...") {
            connection.login = Login::Left;
            return Some(Answer::reply("+OK bye"));
        }
        if connection.login == Login::Asked {
            return Some(Answer::reply(match command.eq_ignore_ascii_case("auth") {
                // Its time does not tell how much of it was right.
                true if bool::from(argument.as_bytes().ct_eq(self.config.password.as_bytes())) => {
                    connection.login = Login::Accepted;
                    "+OK accepted"
                }
                true => {
                    connection.login = Login::Left;
                    "-ERR invalid"
                }
                false => "-ERR command not found",
            }));
        }
        let command = command.to_ascii_lowercase();
        if command == "filter" && !argument.is_empty() {
            return Some(Answer::reply(connection.filter(argument)));
        }
        if let Some(answer) = self.session_request(conn, line) {
            return Some(answer);
        }
        let connection = self.connections.get_mut(&conn)?;
        let refuses_others = connection.session.as_ref().is_some_and(Controlled::refuses_others);
        let reply = match command.as_str() {
            "myevents" if !argument.is_empty() => return Some(Answer::reply(self.myevents(conn, argument))),
            "divert_events" => "-ERR not controlling a session.".to_owned(),
            "sendmsg" => self.sendmsg(conn, argument, request)?,
            _ if refuses_others => "-ERR command not found".to_owned(),
            "sendevent" => self.sendevent(argument, request),
            "api" if !argument.is_empty() => {
                let whole = request.line.split_once(' ').map_or("", |(_, whole)| whole);
                return self.api_request(conn, whole);
            }
            "bgapi" if !argument.is_empty() => return Some(self.bgapi_request(conn, argument, request)),
            "log" => connection.log(argument),
            "linger" | "nolinger" => match &mut connection.session {
                None => "-ERR not controlling a session".to_owned(),
                Some(session) if command == "linger" => {
                    let reply = session.linger(&line["linger".len()..]);
                    self.linger_again(conn);
                    reply
                }
                Some(session) => {
                    session.linger = None;
                    "+OK will not linger".to_owned()
                }
            },
            "nolog" => match connection.log_level.take() {
                Some(_) => "+OK no longer logging".to_owned(),
                None => "-ERR not loging".to_owned(),
            },
            "event" => connection.event(argument),
            "nixevent" => connection.nixevent(argument),
            "noevents" => connection.noevents(),
            _ => "-ERR command not found".to_owned(),
        };
        Some(Answer::reply(reply))
    }

    fn myevents(&mut self, conn: ConnId, argument: &str) -> String {
        let (uuid, format) = argument.split_once(' ').unwrap_or((argument, ""));
        let key = self.key_of(uuid).filter(|key| self.channels.get(key).is_some_and(Channel::is_up));
        let Some(connection) = self.connections.get_mut(&conn) else { return String::new() };
        match key {
            Some(key) => {
                let events = OfEvents::OfSession;
                connection.session = Some(Controlled { events, ..Controlled::named(key, uuid) });
            }
            None if !format.is_empty() => return "-ERR invalid uuid".to_owned(),
            None => {}
        }
        connection.listen_to_session(Format::named(format))
    }

    /// `sendmsg [UUID]`; `None` where the reply waits for the end of what is sent.
    fn sendmsg(&mut self, conn: ConnId, argument: &str, request: &Frame) -> Option<String> {
        let own = self.connections.get(&conn).and_then(|connection| connection.session.as_ref());
        let named = Some(argument.trim()).filter(|a| !a.is_empty()).or_else(|| request.header("session-id"));
        if own.is_some_and(|own| named.is_none_or(|named| named == own.uuid)) {
            return self.message_to_own(conn, request);
        }
        let uuid = named.unwrap_or_default();
        Some(match self.key_of(uuid) {
            Some(key) => self.queue_message(key, SendMsg::new(request)),
            None => format!("-ERR invalid session id [{uuid}]"),
        })
    }

    /// Has a message wait for its session.
    pub(super) fn queue_message(&mut self, key: ChannelKey, message: SendMsg) -> String {
        match self.channel(key) {
            Some(channel) if channel.queue.len() < MESSAGES => channel.queue.push_back(message),
            _ => return "-ERR memory error".to_owned(),
        }
        self.later(Task::Pump(key));
        "+OK".to_owned()
    }

    fn sendevent(&mut self, name: &str, request: &Frame) -> String {
        let uuid = self.ids.uuid();
        let mut event = Event::new();
        event.push("Command", &request.line);
        for (header, value) in &request.headers {
            event.push(header, value);
        }
        event.push("Event-UUID", &uuid);
        let name = event_name(name.trim()).unwrap_or("COMMAND");
        self.source.stamp(&mut event, self.now, name, origin::SENDEVENT);
        if let Some(body) = &request.body {
            event.set_body(body.as_str());
        }
        self.fire(event);
        format!("+OK {uuid}")
    }

    fn api_request(&mut self, conn: ConnId, argument: &str) -> Option<Answer> {
        let call = self.begin_api(Caller::Connection(conn), argument);
        self.call_api(call);
        None
    }

    fn bgapi_request(&mut self, conn: ConnId, argument: &str, request: &Frame) -> Answer {
        let session = self.connections.get(&conn).and_then(|connection| connection.session.as_ref());
        let owner = session.map(|session| session.uuid.clone());
        let job = match request.header("job-uuid").filter(|job| !job.is_empty()) {
            Some(job) => job.to_owned(),
            None => self.ids.uuid(),
        };
        // The reply goes first: what the job does comes behind it.
        self.begin_job(job.clone(), owner, argument);
        Answer::Reply { text: format!("+OK Job-UUID: {job}"), headers: vec![("Job-UUID".to_owned(), job)] }
    }

    /// Gives the reply of an `api` command to its client, and serves what waited behind it.
    pub(super) fn api_done(&mut self, conn: ConnId, reply: String) {
        let body = if reply.is_empty() { "-ERR no reply\n".to_owned() } else { reply };
        self.command_done(conn, Answer::Api { body });
    }

    /// Sends what came while a client's commands were under way.
    fn send_held(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        let held = std::mem::take(&mut connection.held);
        if held.len() > HELD {
            self.output(Output::CloseEsl(conn));
            return self.remove_connection(conn);
        }
        for output in held {
            self.output(output);
        }
    }

    /// Gives the answer of a command that a client waited for, and serves what waited behind it.
    pub(super) fn command_done(&mut self, conn: ConnId, answer: Answer) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.busy = Busy::No;
        let session = connection.session.as_ref().map(|session| session.key);
        self.answer(conn, answer);
        self.later(Task::Serve(conn));
        if let Some(key) = session.filter(|key| !self.channels.get(key).is_some_and(Channel::is_up)) {
            self.later(Task::Part(key));
        }
    }

    pub(super) fn answer(&mut self, conn: ConnId, answer: Answer) {
        self.output(Output::Esl { conn, answer });
    }
}

impl Connection {
    fn filter(&mut self, argument: &str) -> String {
        let (name, rest) = argument.trim_start().split_once(' ').unwrap_or((argument.trim(), ""));
        if name.eq_ignore_ascii_case("delete") && !rest.is_empty() {
            let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
            if name.eq_ignore_ascii_case("all") {
                self.filters.clear();
            } else {
                self.filters
                    .retain(|(n, filter)| !n.eq_ignore_ascii_case(name) || (!value.is_empty() && filter.text != value));
            }
            return format!("+OK filter deleted. [{name}][{value}]");
        }
        let (name, value) = match name.eq_ignore_ascii_case("add") {
            true => rest.split_once(' ').unwrap_or((rest, "")),
            false => (name, rest),
        };
        if value.is_empty() {
            return "-ERR invalid syntax".to_owned();
        }
        self.filters.push((name.to_owned(), Filter::parse(value)));
        format!("+OK filter added. [{name}]=[{value}]")
    }

    fn log(&mut self, argument: &str) -> String {
        let word = argument.split(' ').next().unwrap_or_default();
        let level = if word.is_empty() { Some(LogLevel(7)) } else { LogLevel::parse(word) };
        match level {
            Some(level) => {
                self.log_level = Some(level);
                format!("+OK log level {word} [{}]", level.0)
            }
            None => "-ERR invalid log level".to_owned(),
        }
    }

    fn event(&mut self, argument: &str) -> String {
        let mut keys = 0;
        let mut custom = false;
        for (at, word) in argument.split(' ').enumerate() {
            match Format::named(word).filter(|_| at == 0) {
                Some(format) => self.format = format,
                None if custom => {
                    self.subclasses.insert(word.to_owned());
                }
                None => {
                    if let Some(name) = event_name(word) {
                        keys += 1;
                        custom |= name == "CUSTOM";
                        self.subscribed.insert(name);
                    }
                }
            }
        }
        if keys == 0 {
            return "-ERR no keywords supplied".to_owned();
        }
        self.listening = Listening::Yes;
        format!("+OK event listener enabled {}", self.format)
    }

    fn nixevent(&mut self, argument: &str) -> String {
        let mut keys = 0;
        let mut custom = false;
        for word in argument.split(' ') {
            if custom {
                self.subclasses.remove(word);
                continue;
            }
            let Some(name) = event_name(word) else { continue };
            keys += 1;
            match name {
                "CUSTOM" => custom = true,
                "ALL" => self.subscribed.clear(),
                _ => {
                    if self.subscribed.remove("ALL") {
                        self.subscribed.extend(super::event_names::EVENTS.iter().filter(|n| **n != "ALL"));
                    }
                    self.subscribed.remove(name);
                }
            }
        }
        if keys == 0 {
            return "-ERR no keywords supplied".to_owned();
        }
        self.listening = Listening::Yes;
        "+OK events nixed".to_owned()
    }

    fn noevents(&mut self) -> String {
        if self.listening == Listening::No {
            return "-ERR not listening for events".to_owned();
        }
        self.listening = Listening::No;
        self.subscribed.clear();
        self.subclasses.clear();
        "+OK no longer listening for events".to_owned()
    }
}

impl SendMsg {
    /// The cause of a hangup.
    pub(super) fn cause(&self) -> HangupCause {
        self.hangup_cause.as_deref().map_or(HangupCause::NormalClearing, HangupCause::from_command)
    }

    /// What a `sendmsg` says.
    pub(super) fn new(request: &Frame) -> SendMsg {
        let header = |name: &str| request.header(name).map(str::to_owned);
        let argument = match header("execute-app-arg").filter(|a| !a.is_empty()) {
            Some(argument) => Some(argument),
            None if request.header("content-type").is_some_and(|t| t.eq_ignore_ascii_case("text/plain")) => {
                request.body.clone()
            }
            None => None,
        };
        SendMsg {
            command: header("call-command").unwrap_or_default(),
            application: header("execute-app-name").unwrap_or_default(),
            argument: argument.unwrap_or_default(),
            loops: header("loops").map_or(1, |loops| loops.trim().parse().unwrap_or(0)),
            event_uuid: header("event-uuid"),
            event_uuid_name: header("event-uuid-name"),
            event_lock: header("event-lock").is_some_and(|lock| is_true(&lock)),
            hangup_cause: header("hangup-cause"),
            request: request.clone(),
        }
    }
}

/// The command of a line, and what it is about.
///
/// FreeSWITCH knows most commands by how a line begins: `events` is `event`, and `log7` is `log 7`.
fn command_of(line: &str) -> (&str, &str) {
    /// `sendmsg`, with what stands right behind it.
    const BY_BEGINNING: [&str; 8] =
        ["divert_events", "sendmsg", "sendevent", "log", "linger", "nolinger", "nolog", "noevents"];
    /// `event`, with what stands behind the next space.
    const BY_BEGINNING_OF_WORD: [&str; 2] = ["event", "nixevent"];
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    if let Some(command) = BY_BEGINNING_OF_WORD.into_iter().find(|command| starts_with(word, command)) {
        return (command, rest);
    }
    match BY_BEGINNING.into_iter().find(|command| starts_with(line, command)) {
        Some(command) => (command, line[command.len()..].trim_start_matches(' ')),
        None => (word, rest),
    }
}

fn starts_with(line: &str, word: &str) -> bool {
    line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}
