//! Clients that control a session: those that the application `socket` connected to, and those that named a session by
//! `myevents`. What they may ask beside the commands of every client, and how they part from their session.
//!
//! As mod_event_socket of a FreeSWITCH 1.10.12 was seen to do it. Left out: that `divert_events` diverts anything, and that a
//! session which is hung up still runs what a client without `async` sends.

use crate::esl::Event;
use crate::esl::server::Answer;
use crate::esl::wire::{Format, Frame};
use crate::units::Time;

use super::channel::{Ending, State, Transfer};
use super::core::{ChannelKey, ConnId, DialId, Output, SwitchCore, Task, Timer};
use super::dp::socket::Dial;
use super::dp::{Announce, Broken, Doing, SendMsg, Sent, Source};
use super::esl::Connection;
use super::event_names::is_event_of_a_session;
use super::events::{origin, push_channel, push_own_profile};
use super::text::integer;
use super::variables::is_true;

/// The session of a client.
#[derive(Debug)]
pub(super) struct Controlled {
    pub key: ChannelKey,
    pub uuid: String,
    pub came: Came,
    pub mode: Mode,
    pub control: Control,
    /// Whether only events of the session come (`myevents`).
    pub events: OfEvents,
    /// Whether the connection outlives its session, by how many seconds; -1: until the client goes.
    pub linger: Option<i32>,
    pub notice: Notice,
}

/// Who made the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The client; it named a session.
    In,
    /// The switch; the client has said nothing yet.
    OutSilent,
    Out,
}

/// How messages to the own session are taken (`Socket-Mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// They wait for the session, and the client does not.
    Async,
    /// The client waits until they are done.
    Static,
}

/// What a client may do (`Control`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Full,
    SingleChannel,
}

/// Which events come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfEvents {
    AsSubscribed,
    OfSession,
}

/// Whether a client was told that its session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    Due,
    Given,
}

impl Controlled {
    /// A session that a client named.
    pub fn named(key: ChannelKey, uuid: &str) -> Controlled {
        Controlled {
            key,
            uuid: uuid.to_owned(),
            came: Came::In,
            mode: Mode::Async,
            control: Control::SingleChannel,
            events: OfEvents::AsSubscribed,
            linger: None,
            notice: Notice::Due,
        }
    }

    /// A session that had the switch connect to a client.
    fn dialed(key: ChannelKey, uuid: &str, dial: &Dial) -> Controlled {
        let (mode, control) = (dial.mode, dial.control);
        Controlled { came: Came::OutSilent, mode, control, ..Controlled::named(key, uuid) }
    }

    /// Whether `event` is one of the session.
    pub fn takes(&self, event: &Event) -> bool {
        let is_own = |header: &str| event.header(header) == Some(self.uuid.as_str());
        self.events == OfEvents::AsSubscribed || is_own("Unique-ID") || is_own("Job-Owner-UUID")
    }

    /// Whether a command is refused that no client of one channel may use.
    pub fn refuses_others(&self) -> bool {
        self.came != Came::In && self.control == Control::SingleChannel
    }

    /// `linger [SECONDS]`, of which `behind` is what stands behind the word.
    pub fn linger(&mut self, behind: &str) -> String {
        let seconds = if behind.starts_with(' ') { integer(behind) } else { -1 };
        self.linger = Some(seconds);
        match seconds {
            -1 => "+OK will linger".to_owned(),
            seconds => format!("+OK will linger {seconds} seconds"),
        }
    }
}

// How a session gets a client.
impl SwitchCore {
    /// Takes the outcome of an [`Output::Dial`]: the connection, or why there is none.
    pub fn handle_dialed(&mut self, now: Time, dial: DialId, outcome: Result<ConnId, String>) {
        self.advance_clock(now);
        match (self.dials.remove(&dial), outcome) {
            (Some(key), Ok(conn)) => self.dialed(key, dial, conn),
            (Some(key), Err(error)) => self.not_dialed(key, &error),
            // Its session is gone.
            (None, Ok(conn)) => self.output(Output::CloseEsl(conn)),
            (None, Err(_)) => {}
        }
        self.run();
    }

    fn dialed(&mut self, key: ChannelKey, id: DialId, conn: ConnId) {
        let Some(channel) = self.channels.get_mut(&key) else { return self.output(Output::CloseEsl(conn)) };
        let frame =
            channel.stack.iter_mut().find(|frame| matches!(&frame.doing, Doing::Dialing(dial) if dial.id == id));
        let Some(frame) = frame else { return self.output(Output::CloseEsl(conn)) };
        let doing = std::mem::replace(&mut frame.doing, Doing::Done);
        let Doing::Dialing(dial) = doing else { return };
        frame.doing = match dial.mode {
            Mode::Async => Doing::Awaiting(conn),
            Mode::Static => Doing::Controlled(conn),
        };
        let session = Controlled::dialed(key, channel.uuid.as_str(), &dial);
        self.connections.insert(conn, Connection::of_session(session));
        self.after(self.config.clients.login, Timer::Login(conn));
    }

    /// The client said `connect`: its session waits for what it sends, unless it waited already.
    pub(super) fn begin_control(&mut self, key: ChannelKey, conn: ConnId) {
        let Some(channel) = self.channels.get_mut(&key) else { return };
        let is_parked = channel.stack.iter().any(|frame| matches!(frame.doing, Doing::Park));
        let Some(frame) = channel.stack.last_mut() else { return };
        if !matches!(frame.doing, Doing::Awaiting(awaited) if awaited == conn) {
            return;
        }
        if is_parked {
            return self.complete(key);
        }
        frame.doing = Doing::Park;
        self.fire_channel(key, "CHANNEL_PARK", origin::PARK, &[], &[]);
        self.later(Task::Pump(key));
    }
}

// What a client asks of its session.
impl SwitchCore {
    /// The answer to a command that only a client with a session has; `None` of any other.
    pub(super) fn session_request(&mut self, conn: ConnId, line: &str) -> Option<Answer> {
        let session = self.connections.get_mut(&conn)?.session.as_mut()?;
        let key = session.key;
        let said = |word: &str| line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if said("resume") {
            if let Some(channel) = self.channel(key) {
                channel.variables.set("socket_resume", "true");
            }
            return Some(Answer::reply("+OK"));
        }
        if said("connect") {
            return self.connected(conn, key);
        }
        if said("getvar") {
            let name = line.split_once(' ').map_or("", |(_, name)| name);
            let value = self.channels.get(&key).and_then(|channel| channel.value(name)).or_else(|| self.global(name));
            return Some(Answer::reply(reply_of(&value.unwrap_or_default())));
        }
        if said("myevents") {
            if session.events == OfEvents::OfSession {
                // FreeSWITCH spells it so.
                return Some(Answer::reply("-ERR aready enabled."));
            }
            session.events = OfEvents::OfSession;
            let format = [Format::Json, Format::Xml].into_iter().find(|format| {
                let name = format.to_string();
                line.contains(&name) || line.contains(&name.to_ascii_uppercase())
            });
            let connection = self.connections.get_mut(&conn)?;
            return Some(Answer::reply(connection.listen_to_session(format)));
        }
        if said("divert_events") {
            return Some(Answer::reply(match line["divert_events".len()..].trim_start_matches(' ') {
                "" => "-ERR missing value.",
                word if word.eq_ignore_ascii_case("on") => "+OK events diverted",
                _ => "+OK events not diverted",
            }));
        }
        None
    }

    /// The answer to `connect`.
    fn connected(&mut self, conn: ConnId, key: ChannelKey) -> Option<Answer> {
        let mut event = self.source.event(self.now, "CHANNEL_DATA", origin::CONNECT);
        if let Some(channel) = self.channels.get(&key) {
            push_own_profile(&mut event, channel);
            push_channel(&mut event, channel);
        }
        let session = self.connections.get(&conn)?.session.as_ref()?;
        event.push("Content-Type", "command/reply");
        event.push("Reply-Text", "+OK\n");
        event.push("Socket-Mode", if session.mode == Mode::Async { "async" } else { "static" });
        event.push("Control", if session.control == Control::Full { "full" } else { "single-channel" });
        self.later(Task::Control(key, conn));
        Some(Answer::Connected(Box::new(event)))
    }

    /// `sendmsg` to the own session; `None` where the reply waits for its end.
    pub(super) fn message_to_own(&mut self, conn: ConnId, request: &Frame) -> Option<String> {
        let session = self.connections.get(&conn)?.session.as_ref()?;
        let key = session.key;
        // What waits is what the session does itself.
        let waits = session.mode == Mode::Static && !request.header("async").is_some_and(is_true);
        let top = self.channels.get(&key).and_then(|channel| channel.stack.last()).map(|frame| &frame.doing);
        let message = SendMsg::new(request);
        if !waits || !matches!(top, Some(Doing::Controlled(own)) if *own == conn) {
            return Some(self.queue_message(key, message));
        }
        let is_up = self.channels.get(&key).is_some_and(super::channel::Channel::is_up);
        match message.command.as_str() {
            "execute" if is_up && !message.application.is_empty() => {
                let (begun, awaited_by) = (self.now, Some(conn));
                let sent = Sent { message, turn: 1, announce: Announce::No, begun, broken: Broken::No, awaited_by };
                self.run_message(key, Box::new(sent));
                return None;
            }
            "hangup" => self.hangup(key, message.cause()),
            _ => {}
        }
        Some("+OK".to_owned())
    }
}

// How they part.
impl SwitchCore {
    /// Tells those who control a channel that it was hung up, as soon as they wait for nothing: they linger, or go.
    pub(super) fn part_clients(&mut self, key: ChannelKey) {
        for conn in self.clients_of(key) {
            let Some(connection) = self.connections.get_mut(&conn) else { continue };
            if connection.is_waiting() {
                continue;
            }
            let Some(session) = connection.session.as_mut().filter(|session| session.notice == Notice::Due) else {
                continue;
            };
            let Some(seconds) = session.linger else {
                self.say_goodbye(conn);
                continue;
            };
            session.notice = Notice::Given;
            let uuid = session.uuid.clone();
            let channel = self.channels.get(&key).map(|channel| channel.name.clone()).unwrap_or_default();
            self.answer(conn, Answer::Linger { session: uuid, channel, seconds });
            if seconds != -1 {
                let now = i64::try_from(self.now.as_micros() / 1_000_000).unwrap_or(i64::MAX);
                self.leave_after(conn, now.saturating_add(seconds.into()));
            }
        }
    }

    /// The client said `linger` when its session was gone: FreeSWITCH takes the seconds for a time, which is long over.
    pub(super) fn linger_again(&mut self, conn: ConnId) {
        let session = self.connections.get(&conn).and_then(|connection| connection.session.as_ref());
        let Some(session) = session.filter(|session| session.notice == Notice::Given) else { return };
        let seconds = session.linger.unwrap_or(-1);
        self.forget(|timer| *timer == Timer::Linger(conn));
        if seconds != -1 {
            self.leave_after(conn, seconds.into());
        }
    }

    /// Says goodbye to a client once the second `last`, since 1970, is over.
    fn leave_after(&mut self, conn: ConnId, last: i64) {
        let end = u64::try_from(last.saturating_add(1)).unwrap_or(0).saturating_mul(1_000_000);
        self.at(Time::from_micros(end).max(self.now), Timer::Linger(conn));
    }

    /// A switch that is shut down waits for nobody.
    pub(super) fn forbid_lingering(&mut self) {
        let given = |connection: &Connection| {
            connection.session.as_ref().is_some_and(|session| session.notice == Notice::Given)
        };
        for connection in self.connections.values_mut() {
            if let Some(session) = &mut connection.session {
                session.linger = None;
            }
        }
        let lingering = self.connections.iter().filter(|(_, connection)| given(connection)).map(|(conn, _)| *conn);
        for conn in lingering.collect::<Vec<_>>() {
            self.say_goodbye(conn);
        }
    }

    /// Says goodbye to a client and closes its connection.
    pub(super) fn say_goodbye(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let session = connection.session.as_ref().map(|session| session.uuid.clone());
        self.output(Output::Esl { conn, answer: Answer::Disconnect { session } });
        self.output(Output::CloseEsl(conn));
        self.remove_connection(conn);
    }

    /// Forgets a client, and lets go the session that it controlled.
    pub(super) fn remove_connection(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.remove(&conn) else { return };
        self.forget(|timer| matches!(timer, Timer::Login(of) | Timer::Linger(of) if *of == conn));
        if let Some(session) = connection.session {
            self.later(Task::Release(session.key, conn));
        }
    }

    /// A client is gone that controlled a channel.
    pub(super) fn release(&mut self, key: ChannelKey, conn: ConnId) {
        let Some(channel) = self.channels.get_mut(&key) else { return };
        if channel.ending == Ending::Held {
            if self.clients_of(key).is_empty() {
                self.destroy(key);
            }
            return;
        }
        let resumes = channel.variables.value("socket_resume").is_some_and(is_true);
        let is_of = |doing: &Doing| matches!(doing, Doing::Awaiting(of) | Doing::Controlled(of) if *of == conn);
        let is_up = channel.is_up();
        let at = channel.stack.iter().position(|frame| is_of(&frame.doing));
        let is_top = at.is_some_and(|at| at + 1 == channel.stack.len());
        let was_static = match at.map(|at| &channel.stack[at].doing) {
            // Nobody will take it up, and it waits for that.
            Some(Doing::Awaiting(_)) if is_up => return self.begin_control(key, conn),
            Some(Doing::Controlled(_)) if is_top => true,
            // Its end shows that the client is gone.
            Some(Doing::Controlled(_)) => return,
            _ => false,
        };
        let transfer = channel.transfer.take().filter(|_| is_up);
        if was_static {
            let rests = is_up && resumes && transfer.is_none();
            if rests {
                channel.applications.clear();
            }
            self.complete(key);
            if let Some(Transfer { extension, dialplan, context }) = transfer {
                return self.transfer(key, &extension, dialplan.as_deref(), context.as_deref());
            }
            if rests {
                // FreeSWITCH means it to go on, and has it rest.
                self.enter(key, State::Reset);
            }
        }
        self.unpark(key);
    }

    /// Ends the park of a channel, now or as soon as what runs on top of it is done.
    fn unpark(&mut self, key: ChannelKey) {
        let Some(channel) = self.channels.get_mut(&key).filter(|channel| channel.is_up()) else { return };
        let by_state = |source: &Source| matches!(source, Source::State);
        let parked = channel.stack.iter().rposition(|f| matches!(f.doing, Doing::Park) && !by_state(&f.from));
        let Some(at) = parked else { return };
        channel.stack[at].doing = Doing::Unparked;
        if at + 1 == channel.stack.len() {
            self.end_park(key);
        }
    }

    /// The park on top is over.
    pub(super) fn end_park(&mut self, key: ChannelKey) {
        self.fire_channel(key, "CHANNEL_UNPARK", origin::UNPARK, &[], &[]);
        self.complete(key);
    }

    /// Whether a channel serves a client without `async`, which it does until that client goes.
    pub(super) fn serves(&self, key: ChannelKey) -> bool {
        let serves = |doing: &Doing| matches!(doing, Doing::Controlled(conn) if self.connections.contains_key(conn));
        self.channels.get(&key).is_some_and(|channel| channel.stack.iter().any(|frame| serves(&frame.doing)))
    }

    /// Whether what runs on top of a channel waits for a client that is gone.
    pub(super) fn is_forsaken(&self, key: ChannelKey) -> Option<ConnId> {
        match self.channels.get(&key)?.stack.last()?.doing {
            Doing::Controlled(conn) if !self.connections.contains_key(&conn) => Some(conn),
            _ => None,
        }
    }

    /// The clients that hold on to a channel: while there is one it is not destroyed.
    pub(super) fn clients_of(&self, key: ChannelKey) -> Vec<ConnId> {
        let of = |connection: &Connection| connection.session.as_ref().is_some_and(|session| session.key == key);
        self.connections.iter().filter(|(_, connection)| of(connection)).map(|(conn, _)| *conn).collect()
    }
}

impl Connection {
    /// Has the events of its session come, in another format if one is named.
    pub(super) fn listen_to_session(&mut self, format: Option<Format>) -> String {
        self.format = format.unwrap_or(self.format);
        self.subscribe(super::event_names::EVENTS.iter().filter(|name| is_event_of_a_session(name)));
        "+OK Events Enabled".to_owned()
    }
}

/// A value as a reply's text: FreeSWITCH gives at most 511 bytes. Its line breaks, which would end the reply, end the value.
fn reply_of(value: &str) -> String {
    const LONGEST: usize = 511;
    let line = value.split(['\r', '\n']).next().unwrap_or_default();
    match &line[..line.floor_char_boundary(LONGEST)] {
        "" => "-ERR command not found".to_owned(),
        text => text.to_owned(),
    }
}
