//! The switch without IO: what comes in from event sockets, SIP and media, and what goes out to them.
//!
//! One owner drives it: `handle_*` takes an input and the time, `poll_output` gives what is to be done, `poll_timeout`
//! says when to call `handle_timeout`. Ids come from a seed, so the same inputs give the same outputs.
//!
//! What FreeSWITCH does in the thread of a session is a [`Task`] here: it runs after the command that caused it, so
//! events keep the order in which FreeSWITCH sends them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::call::HangupCause;
use crate::esl::Event;
use crate::esl::server::Answer;
use crate::esl::wire::Format;
use crate::id::{Ids, SessionId};
use crate::media::{LegId, MediaCommand, MediaEvent, RecordId};
use crate::sip::{DialogId, Message, RegistrationId, SipCommand, SipEvent};
use crate::units::Time;

use super::api::ApiCall;
use super::channel::{Channel, Direction};
use super::config::SwitchConfig;
use super::esl::Connection;
use super::events::{EventSource, Origin, origin, push_basic_data, push_channel};
use super::gateway::Trunk;
use super::originate::OriginateId;
use super::outbound::Placing;
use super::rig::Named;
use super::schedule::{Scheduled, TaskId};
use super::settings::{IDLE_CPU, OnOff, Settings};

/// One event socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// A question to the machine that the shell answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// A connection that the shell is to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub u64);

/// One channel, by its number.
pub type ChannelKey = u64;

/// What an event of a module tells of a channel.
#[derive(Clone, Copy, Debug)]
pub(super) enum About {
    Nobody,
    /// Its name and nothing else.
    Named(ChannelKey),
    /// All but its variables.
    Channel(ChannelKey),
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Writes an answer to a socket.
    Esl {
        conn: ConnId,
        answer: Answer,
    },
    /// Writes an event to a socket.
    Event {
        conn: ConnId,
        format: Format,
        event: Arc<Event>,
    },
    /// Closes a socket once what was written is sent.
    CloseEsl(ConnId),
    /// Connects to an event socket's client that listens; told by [`SwitchCore::handle_dialed`]. A name may stand for
    /// addresses that [`SwitchConfig::dialing`] does not permit.
    Dial {
        dial: DialId,
        host: String,
        port: u16,
    },
    Sip(SipCommand),
    Media(MediaCommand),
    /// Asks the machine; answered by [`SwitchCore::handle_answer`].
    Ask {
        id: AskId,
        question: Question,
    },
}

/// What only the machine knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What a shell command prints.
    System(String),
    /// `true` or `false`.
    FileExists(String),
}

/// Work that FreeSWITCH does in the thread of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Looks for applications sent by `sendmsg`.
    Pump(ChannelKey),
    /// Runs the next application that the dialplan or the originate gave.
    Advance(ChannelKey),
    /// Ends what runs on a channel that was hung up, and then the channel.
    Unwind(ChannelKey),
    /// Ends the bridge of a channel whose other leg ended.
    Unbridge(ChannelKey),
    /// Tells the one who waits that a leg was answered.
    Originated(OriginateId),
    /// Runs the oldest job that was not begun.
    Job,
    /// Tells of a new task of the scheduler.
    TellScheduled(TaskId),
    /// Serves what a client sent while a command of it was under way.
    Serve(ConnId),
    /// Tells those who control a channel that it was hung up.
    Part(ChannelKey),
    /// Has a channel wait for a client that has heard of it.
    Control(ChannelKey, ConnId),
    /// Lets go a channel whose client is gone.
    Release(ChannelKey, ConnId),
}

/// What waits for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    OriginateTimeout(OriginateId),
    OriginatePoll(OriginateId),
    /// A `sleep` of a channel ends.
    Wake(ChannelKey, u64),
    Scheduled(TaskId),
    Heartbeat,
    /// Something is due for a gateway.
    Gateway(RegistrationId),
    /// Nobody takes up a channel that was refused.
    Abandoned(ChannelKey),
    /// A client must have logged in, or said its first word.
    Login(ConnId),
    /// A client has lingered long enough.
    Linger(ConnId),
}

/// The switch.
#[derive(Debug)]
pub struct SwitchCore {
    pub(super) config: SwitchConfig,
    pub(super) settings: Settings,
    pub(super) ids: Ids,
    pub(super) now: Time,
    pub(super) source: EventSource,
    pub(super) channels: BTreeMap<ChannelKey, Channel>,
    pub(super) by_uuid: HashMap<SessionId, ChannelKey>,
    pub(super) by_dialog: HashMap<DialogId, ChannelKey>,
    /// Calls that came in and wait for a media port.
    pub(super) arriving: BTreeMap<ChannelKey, (DialogId, Box<Message>)>,
    pub(super) trunks: Vec<Trunk>,
    pub(super) placing: BTreeMap<OriginateId, Placing>,
    pub(super) scheduled: BTreeMap<TaskId, Scheduled>,
    pub(super) connections: BTreeMap<ConnId, Connection>,
    /// Connections that are being made, for which channel.
    pub(super) dials: BTreeMap<DialId, ChannelKey>,
    /// API calls whose reply waits for something else.
    pub(super) asked: BTreeMap<AskId, ApiCall>,
    pub(super) jobs: VecDeque<ApiCall>,
    pub(super) recording_calls: BTreeMap<RecordId, ApiCall>,
    /// Channels made since the start.
    pub(super) sessions: u64,
    pub(super) last_id: u64,
    tasks: VecDeque<Task>,
    timers: BTreeMap<(Time, u64), Timer>,
    outputs: VecDeque<Output>,
}

impl SwitchCore {
    /// A switch that starts at `now`. The addresses in `config` are those that are really bound.
    pub fn new(config: SwitchConfig, ids: Ids, now: Time) -> Self {
        let mut ids = ids;
        let source = EventSource::new(&config, ids.uuid());
        let settings = Settings::new(&config, now);
        let mut core = SwitchCore {
            settings,
            ids,
            now,
            source,
            channels: BTreeMap::new(),
            by_uuid: HashMap::new(),
            by_dialog: HashMap::new(),
            arriving: BTreeMap::new(),
            trunks: Vec::new(),
            placing: BTreeMap::new(),
            scheduled: BTreeMap::new(),
            connections: BTreeMap::new(),
            dials: BTreeMap::new(),
            asked: BTreeMap::new(),
            jobs: VecDeque::new(),
            recording_calls: BTreeMap::new(),
            sessions: 0,
            last_id: 0,
            tasks: VecDeque::new(),
            timers: BTreeMap::new(),
            outputs: VecDeque::new(),
            config,
        };
        core.start_heartbeat();
        core.start_gateways();
        core
    }

    /// Takes an event of the user agent.
    pub fn handle_sip(&mut self, now: Time, event: SipEvent) {
        self.advance_clock(now);
        match event {
            SipEvent::Invited { dialog, invite } => self.invited(dialog, invite),
            SipEvent::Response { dialog, response } => self.responded(dialog, &response),
            SipEvent::Acked { dialog, ack } => self.acked(dialog, &ack),
            SipEvent::Cancelled { dialog, cancel } => self.cancelled(dialog, &cancel),
            SipEvent::Bye { dialog, bye } => self.bye(dialog, &bye),
            SipEvent::Request { dialog, request } => self.requested(dialog, &request),
            SipEvent::InDialogResponse { dialog, method, .. } if method == "INFO" => self.info_answered(dialog),
            SipEvent::InDialogResponse { dialog, method, response } => {
                self.answered_inside(dialog, &method, &response);
            }
            SipEvent::Failed { dialog, failure } => self.failed(dialog, &failure),
            SipEvent::Registered { id, response } => self.registered(id, &response),
            SipEvent::RegisterFailed { id, failure } => self.register_failed(id, &failure),
        }
        self.run();
    }

    /// Takes an event of the media.
    pub fn handle_media(&mut self, now: Time, event: MediaEvent) {
        self.advance_clock(now);
        match event {
            MediaEvent::Opened { leg: LegId(key), local } => match self.arriving.remove(&key) {
                Some((dialog, invite)) => self.arrived(key, dialog, &invite, local),
                None => self.place(key, local),
            },
            MediaEvent::OpenFailed { leg: LegId(key), .. } => match self.arriving.remove(&key) {
                Some((dialog, _)) => self.refuse_busy(dialog),
                None => self.hangup(key, HangupCause::DestinationOutOfOrder),
            },
            MediaEvent::PlayStarted { leg: LegId(key), play } => self.play_started(key, play),
            MediaEvent::PlayEnded { leg: LegId(key), play, end, samples } => self.play_ended(key, play, &end, samples),
            MediaEvent::Bert { leg: LegId(key), report } => self.bert_reported(key, report),
            MediaEvent::RecordStarted { leg: LegId(key), record } => self.record_started(key, record),
            MediaEvent::RecordStopped { leg: LegId(key), record, samples, end } => {
                self.record_stopped(key, record, samples, &end);
            }
            MediaEvent::ToneDetected { leg: LegId(key), name } => self.tone_detected(key, &name),
            MediaEvent::Dtmf { leg, digit, duration, source } => self.digit_heard(leg, digit, duration, source),
            MediaEvent::Closed { leg: LegId(key), stats } => self.media_closed(key, &stats),
        }
        self.run();
    }

    /// Takes the answer to an [`Output::Ask`].
    pub fn handle_answer(&mut self, now: Time, id: AskId, answer: String) {
        self.advance_clock(now);
        if let Some(call) = self.asked.remove(&id) {
            self.finish_api(call, answer);
        }
        self.run();
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Time) {
        self.advance_clock(now);
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let timer = entry.remove();
            match timer {
                Timer::OriginateTimeout(id) => self.originate_timed_out(id),
                Timer::OriginatePoll(id) => self.tasks.push_back(Task::Originated(id)),
                Timer::Wake(key, nap) => self.wake(key, nap),
                Timer::Scheduled(id) => self.run_scheduled(id),
                Timer::Heartbeat => self.heartbeat(),
                Timer::Gateway(id) => self.look_at_gateway(id),
                Timer::Login(conn) => self.login_due(conn),
                Timer::Linger(conn) => self.say_goodbye(conn),
                Timer::Abandoned(key) => self.hangup(key, HangupCause::WrongCallState),
            }
            self.run();
        }
    }

    /// Hangs everything up and unregisters, as FreeSWITCH does when it is shut down.
    pub fn hang_up_all(&mut self, now: Time) {
        self.advance_clock(now);
        self.forbid_lingering();
        for key in self.channels.keys().copied().collect::<Vec<_>>() {
            self.hangup(key, HangupCause::SystemShutdown);
        }
        self.leave_gateways();
        self.run();
    }

    /// The next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When `handle_timeout` is next due.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.keys().next().map(|(time, _)| *time)
    }

    /// Sessions that exist.
    pub fn session_count(&self) -> usize {
        self.channels.len()
    }

    /// The sessions that exist.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionId> {
        self.channels.values().map(|channel| &channel.uuid)
    }

    /// What it holds of calls, in words; `None`: nothing, as it must be once there is none.
    pub fn left(&self) -> Option<String> {
        let timers = self.timers.values().filter(|timer| !matches!(timer, Timer::Heartbeat)).count();
        let held = [
            ("channels", self.channels.len()),
            ("names", self.by_uuid.len()),
            ("dialogs", self.by_dialog.len()),
            ("calls arriving", self.arriving.len()),
            ("originates", self.placing.len()),
            ("scheduled tasks", self.scheduled.len()),
            ("connections being made", self.dials.len()),
            ("questions", self.asked.len()),
            ("jobs", self.jobs.len()),
            ("recordings", self.recording_calls.len()),
            ("timers", timers),
        ];
        let held: Vec<String> =
            held.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
        (!held.is_empty()).then(|| held.join(", "))
    }

    /// Whose leg of the media this is: the session, and the call and app that its tracking headers name.
    pub(super) fn named(&self, leg: LegId) -> Option<Named> {
        let channel = self.channels.get(&leg.0)?;
        let header = |name: &str| channel.variables.value(name).unwrap_or_default().to_owned();
        let (call, app) = (header("sip_h_X-Callwright-Call"), header("sip_h_X-Callwright-App"));
        Some(Named { session: channel.uuid.to_string(), call, app })
    }

    // What the rest of the switch uses.

    pub(super) fn advance_clock(&mut self, now: Time) {
        self.now = self.now.max(now);
    }

    pub(super) fn run(&mut self) {
        while let Some(task) = self.tasks.pop_front() {
            match task {
                Task::Pump(key) => self.pump(key),
                Task::Advance(key) => self.advance(key),
                Task::Unwind(key) => self.unwind(key),
                Task::Unbridge(key) => self.unbridge(key),
                Task::Originated(id) => self.originated(id),
                Task::Job => self.run_job(),
                Task::TellScheduled(id) => self.tell_scheduled(id),
                Task::Serve(conn) => self.serve(conn),
                Task::Part(key) => self.part_clients(key),
                Task::Control(key, conn) => self.begin_control(key, conn),
                Task::Release(key, conn) => self.release(key, conn),
            }
        }
    }

    pub(super) fn later(&mut self, task: Task) {
        self.tasks.push_back(task);
    }

    pub(super) fn after(&mut self, delay: Duration, timer: Timer) {
        self.at(self.now + delay, timer);
    }

    pub(super) fn at(&mut self, time: Time, timer: Timer) {
        let id = self.next_id();
        self.timers.insert((time, id), timer);
    }

    pub(super) fn forget(&mut self, unwanted: impl Fn(&Timer) -> bool) {
        self.timers.retain(|_, timer| !unwanted(timer));
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn sip(&mut self, command: SipCommand) {
        self.output(Output::Sip(command));
    }

    pub(super) fn media(&mut self, command: MediaCommand) {
        self.output(Output::Media(command));
    }

    pub(super) fn channel(&mut self, key: ChannelKey) -> Option<&mut Channel> {
        self.channels.get_mut(&key)
    }

    /// What a channel is called.
    pub(super) fn uuid_of(&self, key: ChannelKey) -> &str {
        self.channels.get(&key).map_or("", |channel| channel.uuid.as_str())
    }

    /// The channel called `uuid`.
    pub(super) fn key_of(&self, uuid: &str) -> Option<ChannelKey> {
        self.by_uuid.get(uuid).copied()
    }

    /// Sessions that exist, and those that wait for a media port.
    pub(super) fn taken(&self) -> usize {
        self.channels.len() + self.arriving.len()
    }

    /// Brings the counters of `status` up to now.
    pub(super) fn roll_rate(&mut self) {
        let sessions = self.taken();
        self.settings.rate.roll(self.now, sessions);
    }

    /// Lets a session begin, or `None`: paused, too little idle CPU, too many a second (`sps`), too many
    /// (`max_sessions`). In FreeSWITCH's order: what one refuses, the next does not count.
    pub(super) fn admit(&mut self, direction: Direction) -> Option<ChannelKey> {
        self.roll_rate();
        let taken = self.taken();
        let settings = &mut self.settings;
        if settings.paused.of(direction) == OnOff::On
            || settings.min_idle_cpu > IDLE_CPU
            || !settings.rate.admit()
            || taken >= settings.max_sessions as usize
        {
            return None;
        }
        settings.rate.note(taken + 1);
        self.sessions += 1;
        Some(self.sessions)
    }

    pub(super) fn add_channel(&mut self, uuid: SessionId, key: ChannelKey, direction: Direction) -> &mut Channel {
        self.by_uuid.insert(uuid.clone(), key);
        let channel = Channel::new(uuid, key, direction, LegId(key), self.now);
        self.settings.calls.count(direction);
        self.channels.entry(key).or_insert(channel)
    }

    /// Fires an event about a channel: `head` before FreeSWITCH's channel data, `tail` behind it.
    pub(super) fn fire_channel(
        &mut self,
        key: ChannelKey,
        name: &'static str,
        from: Origin,
        head: &[(&str, &str)],
        tail: &[(&str, &str)],
    ) {
        let Some(channel) = self.channels.get(&key) else { return };
        if !self.connections.values().any(|c| c.wants(name)) {
            self.source.skip();
            return;
        }
        let mut event = self.source.event(self.now, name, from);
        for (name, value) in head {
            event.push(name, value);
        }
        push_channel(&mut event, channel);
        for (name, value) in tail {
            // FreeSWITCH leaves out headers without a value.
            if !value.is_empty() {
                event.push(name, value);
            }
        }
        self.fire(event);
    }

    /// Fires a custom event of a module.
    pub(super) fn fire_custom(&mut self, subclass: &str, from: Origin, about: About, tail: &[(&str, &str)]) {
        if !self.connections.values().any(|c| c.wants("CUSTOM")) {
            return self.source.skip();
        }
        let mut event = Event::new();
        event.push("Event-Subclass", subclass);
        self.source.stamp(&mut event, self.now, "CUSTOM", from);
        match about {
            About::Nobody => {}
            About::Named(key) => {
                if let Some(channel) = self.channels.get(&key) {
                    event.push("Unique-ID", &channel.uuid);
                }
            }
            About::Channel(key) => {
                if let Some(channel) = self.channels.get(&key) {
                    push_basic_data(&mut event, channel);
                }
            }
        }
        for (name, value) in tail {
            event.push(name, value);
        }
        self.fire(event);
    }

    /// Fires an event about no channel.
    pub(super) fn fire_plain(&mut self, name: &'static str, from: Origin, headers: &[(&str, &str)]) {
        if !self.connections.values().any(|c| c.wants(name)) {
            self.source.skip();
            return;
        }
        let mut event = self.source.event(self.now, name, from);
        for (name, value) in headers {
            event.push(name, value);
        }
        self.fire(event);
    }

    /// An event with everything about a channel (CHANNEL_DATA), which is sent to nobody.
    pub(super) fn channel_data(&mut self, key: ChannelKey) -> Option<Event> {
        let channel = self.channels.get(&key)?;
        let mut event = self.source.event(self.now, "CHANNEL_DATA", origin::INFO);
        push_channel(&mut event, channel);
        Some(event)
    }

    /// The same as lines of text, values as they are.
    pub(super) fn dump(&mut self, key: ChannelKey) -> String {
        let event = self.channel_data(key).unwrap_or_default();
        event.headers().fold(String::new(), |text, (name, value)| text + name + ": " + value + "\n")
    }

    /// Gives an event to everyone who asked for it.
    pub(super) fn fire(&mut self, event: Event) {
        let event = Arc::new(event);
        for (conn, connection) in &mut self.connections {
            if connection.takes(&event) {
                let format = connection.format;
                let output = Output::Event { conn: *conn, format, event: Arc::clone(&event) };
                self.outputs.extend(connection.hold(output));
            }
        }
    }
}
