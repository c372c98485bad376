//! What a host does, without IO.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{HostStats, Lag, Originate};
use crate::call::{Change, Job, Jobs, Tracker, TrackerConfig};
use crate::esl::wire::{Format, Limits};
use crate::esl::{
    Client, ClientEvent, CloseReason, Command, CommandError, CommandId, Event, Reply, header, job_result,
};
use crate::id::{Ids, JobId, SessionId};
use crate::units::Time;

/// Events that tracking and the built-in steps need, and no others.
const EVENTS: [&str; 16] = [
    "BACKGROUND_JOB",
    "CHANNEL_CREATE",
    "CHANNEL_ORIGINATE",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_ANSWER",
    "CHANNEL_PARK",
    "CHANNEL_EXECUTE",
    "CHANNEL_EXECUTE_COMPLETE",
    "CHANNEL_HANGUP",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_DESTROY",
    "PLAYBACK_START",
    "PLAYBACK_STOP",
    "RECORD_START",
    "RECORD_STOP",
];

/// Whether every host is subscribed to events of this name, whatever is wanted beyond.
pub fn is_tracked(name: &str) -> bool {
    EVENTS.contains(&name)
}

/// How a host is spoken to.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// What reports call it: `127.0.0.1:8021`, `embedded`.
    pub name: String,
    pub password: String,
    /// SIP profiles whose address is asked for, so that the host can call itself.
    pub profiles: Vec<String>,
    /// Modules that it is asked for.
    pub modules: Vec<String>,
    /// Events wanted beyond those that tracking needs; a `CUSTOM` subclass by its own name.
    pub events: Vec<String>,
    pub tracker: TrackerConfig,
    pub tracking: Tracking,
    /// How many commands may wait for their reply on the wire; the others wait here.
    pub window: usize,
}

impl HostConfig {
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        HostConfig {
            name: name.into(),
            password: password.into(),
            profiles: vec!["external".to_owned()],
            modules: Vec::new(),
            events: Vec::new(),
            tracker: TrackerConfig::default(),
            tracking: Tracking::Here,
            window: 32,
        }
    }
}

/// Who makes changes of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tracking {
    /// The host: [`HostEvent::Changed`] tells of sessions.
    #[default]
    Here,
    /// Whoever listens to it: every event comes as [`HostEvent::Event`].
    Left,
}

/// One of a host's two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    Events,
    Commands,
}

/// Names a command until it is answered. The one who gives the command chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// What a host is asked to do.
#[derive(Debug)]
pub enum Request {
    Originate(Box<Originate>),
    /// Runs an API command as a job, whose name the one who asks chooses. Its result comes as [`HostEvent::JobEnded`].
    Launch {
        job: JobId,
        name: String,
        arguments: String,
        /// The session that it makes, where it makes one.
        session: Option<SessionId>,
    },
    Command {
        token: Token,
        command: Command,
    },
    /// Adds an event to those subscribed to.
    Subscribe(String),
}

/// What a host tells.
#[derive(Clone, Debug)]
pub enum HostEvent {
    /// Both connections are logged in, events are subscribed, and the switch told who it is.
    Up(Arc<HostFacts>),
    /// A session or call changed; `event` made it so, and came `lag` later than the fastest event of this host.
    Changed {
        change: Change,
        event: Arc<Event>,
        lag: Duration,
    },
    /// An event that belongs to no session: a custom one, a heartbeat.
    Event(Arc<Event>),
    Replied {
        token: Token,
        reply: Reply,
    },
    JobEnded(Job),
    /// The last event. What was under way will not be answered.
    Lost(Lost),
}

/// What a switch told about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    pub version: String,
    /// SIP address of each profile asked for, `127.0.0.1:5080`; none for a profile it does not have.
    pub profiles: BTreeMap<String, Option<String>>,
    /// `recordings_dir`: where it writes recordings.
    pub recordings: Option<String>,
    /// Whether each module asked for is loaded.
    pub modules: BTreeMap<String, bool>,
    /// How many sessions it takes, where it tells.
    pub limits: Option<SessionLimits>,
    /// Sessions that look like those of another run, or of one that was killed.
    pub strays: usize,
}

/// How many sessions a host takes, its own and those that call it alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// One less than this may begin in a second.
    pub per_second: u32,
    /// One less than this may be there at once, of which one is called.
    pub at_once: u32,
}

/// Why a host cannot be used any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    #[error("{reason}")]
    Connection { line: Line, reason: CloseReason },
    /// The switch refused something that everything stands on.
    #[error("`{command}` was refused: {reply}")]
    Refused { command: String, reply: String },
    #[error("cannot connect to {address}: {error}")]
    Unreachable { address: String, error: String },
    /// Something listens there, and never was a switch.
    #[error("what listens at {address} is no switch: {error}")]
    NoSwitch { address: String, error: String },
    #[error("{0} of its events wait to be taken: this program cannot keep up")]
    TooSlow(usize),
    #[error("did not tell about itself within {0:?} of connecting")]
    Silent(Duration),
    /// A run that is played again asks for what was not recorded.
    #[error("{0}")]
    NotRecorded(String),
}

impl Lost {
    /// Whether the host's task gave up: nothing further comes.
    pub fn is_over(&self) -> bool {
        self.is_final() || matches!(self, Lost::Unreachable { .. } | Lost::NoSwitch { .. } | Lost::NotRecorded(_))
    }

    /// Whether trying again cannot help: a wrong password stays wrong.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Lost::Connection { reason: CloseReason::LoginRefused(_) | CloseReason::Rejected(_), .. }
                | Lost::Refused { .. }
        )
    }
}

/// What a reply is for.
#[derive(Debug)]
enum Purpose {
    /// A caller's command.
    Token(Token),
    /// A `bgapi` of ours, which only its refusal ends here.
    Launch(JobId),
    Version,
    Profile(String),
    Module(String),
    Recordings,
    Status,
    Strays,
}

/// One host: two connections, the sessions, calls and jobs on it.
///
/// Bytes go in by [`HostCore::handle_bytes`] and out by [`HostCore::poll_transmit`]; what came of them is taken by
/// [`HostCore::poll_event`].
#[derive(Debug)]
pub struct HostCore {
    config: HostConfig,
    events: Client,
    commands: Client,
    tracker: Tracker,
    jobs: Jobs,
    ids: Ids,
    lag: Lag,
    facts: HostFacts,
    phase: Phase,
    /// Commands that the window keeps back.
    queue: VecDeque<(Command, Purpose)>,
    answers: HashMap<CommandId, Purpose>,
    subscription: Option<CommandId>,
    outbox: VecDeque<HostEvent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Up,
    Lost,
}

impl HostCore {
    pub fn new(config: HostConfig, ids: Ids) -> Self {
        let client = || Client::new(config.password.clone(), Limits::default());
        HostCore {
            events: client(),
            commands: client(),
            tracker: Tracker::new(config.tracker.clone()),
            jobs: Jobs::default(),
            ids,
            lag: Lag::default(),
            facts: HostFacts::default(),
            phase: Phase::Connecting,
            queue: VecDeque::new(),
            answers: HashMap::new(),
            subscription: None,
            outbox: VecDeque::new(),
            config,
        }
    }

    pub fn name(&self) -> &str {
        &self.config.name
    }

    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    pub fn lag(&self) -> Lag {
        self.lag
    }

    /// Jobs under way.
    pub fn jobs_running(&self) -> usize {
        self.jobs.running()
    }

    /// Makes a call. Its result comes as [`HostEvent::JobEnded`] of the job given back.
    pub fn originate(&mut self, now: Time, originate: &Originate) -> Result<JobId, CommandError> {
        let job = JobId::new(self.ids.uuid());
        self.launch(now, job.clone(), "originate", &originate.arguments(), Some(originate.session.clone()))?;
        Ok(job)
    }

    /// Runs an API command as `job`; `session` is what it makes. Its result comes as [`HostEvent::JobEnded`].
    pub fn launch(
        &mut self,
        now: Time,
        job: JobId,
        name: &str,
        arguments: &str,
        session: Option<SessionId>,
    ) -> Result<(), CommandError> {
        let command = Command::BgApi { name: name.to_owned(), arguments: arguments.to_owned(), job: job.clone() };
        command.encode()?;
        self.jobs.launch(job.clone(), session, now);
        self.put(command, Purpose::Launch(job));
        Ok(())
    }

    /// Gives a command to the switch. Its reply comes as [`HostEvent::Replied`] with the same `token`.
    pub fn command(&mut self, token: Token, command: Command) -> Result<(), CommandError> {
        command.encode()?;
        self.put(command, Purpose::Token(token));
        Ok(())
    }

    /// Does what is asked. What may not be put on the wire ends at once, as if the switch had refused it.
    pub fn handle_request(&mut self, now: Time, request: Request) {
        let ended = |id: JobId, session: Option<SessionId>, error: CommandError| {
            let finished = Some((now, format!("-ERR {error}")));
            HostEvent::JobEnded(Job { id, launched: now, session, finished })
        };
        let refused = match request {
            Request::Originate(originate) => {
                let result = self.originate(now, &originate);
                result.map_err(|error| ended(JobId::new(""), Some(originate.session), error)).err()
            }
            Request::Launch { job, name, arguments, session } => {
                let result = self.launch(now, job.clone(), &name, &arguments, session.clone());
                result.map_err(|error| ended(job, session, error)).err()
            }
            Request::Command { token, command } => self.command(token, command).err().map(|error| {
                let reply = Reply { text: format!("-ERR {error}"), api: false };
                HostEvent::Replied { token, reply }
            }),
            Request::Subscribe(event) => {
                self.subscribe(&event);
                None
            }
        };
        self.outbox.extend(refused);
    }

    /// Events subscribed to beyond those that tracking needs.
    pub fn subscribed(&self) -> &[String] {
        &self.config.events
    }

    /// Adds an event to those subscribed to.
    pub fn subscribe(&mut self, event: &str) {
        let known = EVENTS.contains(&event) || self.config.events.iter().any(|e| e == event);
        if !known {
            self.config.events.push(event.to_owned());
            if self.subscription.is_some() {
                self.send_subscription(subscription(&[event.to_owned()]));
            }
        }
    }

    /// Takes what the socket of `line` gave.
    pub fn handle_bytes(&mut self, now: Time, line: Line, bytes: &[u8]) {
        self.client(line).handle_bytes(bytes);
        self.drain(now, line);
    }

    /// The switch closed `line`.
    pub fn handle_eof(&mut self, now: Time, line: Line) {
        self.client(line).handle_eof();
        self.drain(now, line);
    }

    /// `line` broke.
    pub fn handle_io_error(&mut self, now: Time, line: Line, error: &std::io::Error) {
        self.client(line).handle_io_error(error);
        self.drain(now, line);
    }

    /// Bytes to write to the socket of `line`; empty when there are none.
    pub fn poll_transmit(&mut self, line: Line) -> Vec<u8> {
        self.client(line).poll_transmit()
    }

    pub fn poll_event(&mut self) -> Option<HostEvent> {
        self.outbox.pop_front()
    }

    /// The next events, `most` of them at most.
    pub fn poll_events(&mut self, most: usize) -> VecDeque<HostEvent> {
        match self.outbox.len() > most {
            true => self.outbox.drain(..most).collect(),
            false => std::mem::take(&mut self.outbox),
        }
    }

    /// What waits to be taken by [`HostCore::poll_event`].
    pub fn backlog(&self) -> usize {
        self.outbox.len()
    }

    /// Gives the host up for a reason from outside its connections.
    pub fn abandon(&mut self, lost: Lost) {
        self.lose(lost);
    }

    fn client(&mut self, line: Line) -> &mut Client {
        match line {
            Line::Events => &mut self.events,
            Line::Commands => &mut self.commands,
        }
    }

    fn drain(&mut self, now: Time, line: Line) {
        while let Some(event) = self.client(line).poll_event() {
            if self.phase == Phase::Lost {
                return;
            }
            match event {
                ClientEvent::Ready => self.handle_ready(line),
                ClientEvent::Reply { command, reply } => self.handle_reply(now, command, reply, line),
                ClientEvent::Event(event) => self.handle_event(now, event),
                ClientEvent::Log(_) => {}
                ClientEvent::Closed(reason) => self.lose(Lost::Connection { line, reason }),
            }
        }
        self.fill_window();
    }

    fn handle_ready(&mut self, line: Line) {
        match line {
            Line::Events => {
                let mut wanted: Vec<String> = EVENTS.iter().map(|&name| name.to_owned()).collect();
                wanted.extend(self.config.events.iter().cloned());
                self.send_subscription(subscription(&wanted));
            }
            Line::Commands => {
                self.put(Command::api("version short"), Purpose::Version);
                self.put(Command::api("global_getvar recordings_dir"), Purpose::Recordings);
                self.put(HostStats::command(), Purpose::Status);
                for profile in self.config.profiles.clone() {
                    let ask = Command::api(&format!("sofia status profile {profile}"));
                    self.put(ask, Purpose::Profile(profile));
                }
                for module in self.config.modules.clone() {
                    self.put(Command::api(&format!("module_exists {module}")), Purpose::Module(module));
                }
            }
        }
    }

    fn send_subscription(&mut self, command: Command) {
        match self.events.send(&command) {
            Ok(id) => self.subscription = Some(id),
            Err(error) => self.lose(Lost::Refused { command: command.to_string(), reply: error.to_string() }),
        }
    }

    fn handle_reply(&mut self, now: Time, id: CommandId, reply: Reply, line: Line) {
        if line == Line::Events {
            if let Err(text) = reply.result() {
                let command = subscription(&self.config.events).to_string();
                self.lose(Lost::Refused { command, reply: text.to_owned() });
            } else if self.subscription == Some(id) {
                self.rise();
            }
            return;
        }
        match self.answers.remove(&id) {
            Some(Purpose::Token(token)) => self.outbox.push_back(HostEvent::Replied { token, reply }),
            Some(Purpose::Launch(job)) => {
                if reply.result().is_err()
                    && let Some(job) = self.jobs.finish(job.as_str(), &reply.text, now)
                {
                    self.outbox.push_back(HostEvent::JobEnded(job));
                }
            }
            Some(Purpose::Version) => self.facts.version = reply.text.trim().to_owned(),
            Some(Purpose::Recordings) => {
                self.facts.recordings = reply.result().ok().filter(|path| !path.is_empty()).map(str::to_owned);
            }
            Some(Purpose::Status) => {
                let limits =
                    |stats: HostStats| SessionLimits { per_second: stats.sps_limit, at_once: stats.max_sessions };
                let stats = HostStats::parse(now, &reply.text).ok();
                // A long list is that of a host at work, which is nobody's stray.
                if stats.is_some_and(|stats| (1..=MOST_STRAYS).contains(&stats.sessions)) {
                    self.put(Command::api("show channels like callwright"), Purpose::Strays);
                }
                self.facts.limits = stats.map(limits);
            }
            Some(Purpose::Strays) => {
                let total = reply.text.lines().rev().find_map(|line| line.strip_suffix(" total."));
                self.facts.strays = total.and_then(|total| total.trim().parse().ok()).unwrap_or_default();
            }
            Some(Purpose::Profile(profile)) => {
                self.facts.profiles.insert(profile, profile_address(&reply.text));
            }
            Some(Purpose::Module(module)) => {
                // A host that may not be asked says something else.
                if let Ok(there) = reply.text.trim().parse() {
                    self.facts.modules.insert(module, there);
                }
            }
            None => {}
        }
        self.rise();
    }

    /// Up once the events are subscribed and every question about the host was answered.
    fn rise(&mut self) {
        let asked = self.queue.iter().map(|(_, purpose)| purpose).chain(self.answers.values());
        let waiting = asked.filter(|purpose| !matches!(purpose, Purpose::Token(_) | Purpose::Launch(_))).count();
        let ready = self.subscription.is_some() && self.events.unanswered() == 0 && self.commands.is_ready();
        if self.phase == Phase::Connecting && ready && waiting == 0 && !self.facts.version.is_empty() {
            self.phase = Phase::Up;
            self.outbox.push_back(HostEvent::Up(Arc::new(self.facts.clone())));
        }
    }

    fn handle_event(&mut self, now: Time, event: Event) {
        if let Some(fired) = event.fired() {
            self.lag.record(fired, now);
        }
        if let Some((job, text)) = job_result(&event) {
            if let Some(job) = self.jobs.finish(job, text, now) {
                self.outbox.push_back(HostEvent::JobEnded(job));
            }
            return;
        }
        let event = Arc::new(event);
        if self.config.tracking == Tracking::Left || event.header(header::UNIQUE_ID).is_none() {
            self.outbox.push_back(HostEvent::Event(event));
            return;
        }
        for change in self.tracker.handle(&event) {
            self.outbox.push_back(HostEvent::Changed { change, event: Arc::clone(&event), lag: self.lag.latest() });
        }
    }

    fn lose(&mut self, lost: Lost) {
        if self.phase != Phase::Lost {
            self.phase = Phase::Lost;
            self.queue.clear();
            self.answers.clear();
            self.outbox.push_back(HostEvent::Lost(lost));
        }
    }

    fn put(&mut self, command: Command, purpose: Purpose) {
        self.queue.push_back((command, purpose));
        self.fill_window();
    }

    fn fill_window(&mut self) {
        while self.commands.is_ready() && self.commands.unanswered() < self.config.window {
            let Some((command, purpose)) = self.queue.pop_front() else { return };
            // It was encoded once before it was queued, so it can be again.
            let Ok(id) = self.commands.send(&command) else { continue };
            self.answers.insert(id, purpose);
        }
    }
}

/// Sessions of a host among which those of callwright are looked for.
const MOST_STRAYS: u32 = 500;

fn subscription(events: &[String]) -> Command {
    let (plain, custom): (Vec<_>, Vec<_>) = events.iter().cloned().partition(|name| !name.contains("::"));
    let mut events = plain;
    if !custom.is_empty() {
        events.push("CUSTOM".to_owned());
        events.extend(custom);
    }
    Command::Subscribe { format: Format::Plain, events }
}

/// Host and port in the `URL` line of `sofia status profile`: `sip:mod_sofia@127.0.0.1:5080`.
fn profile_address(status: &str) -> Option<String> {
    let line = status.lines().find(|line| line.starts_with("URL"))?;
    let uri = line.split_whitespace().nth(1)?.strip_prefix("sip:")?;
    let address = uri.rsplit_once('@').map_or(uri, |(_, address)| address);
    Some(address.split(';').next().unwrap_or(address).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: &[u8] = b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n";

    fn reply(text: &str) -> Vec<u8> {
        format!("Content-Type: command/reply\nReply-Text: {text}\n\n").into_bytes()
    }

    fn api(text: &str) -> Vec<u8> {
        format!("Content-Type: api/response\nContent-Length: {}\n\n{text}", text.len()).into_bytes()
    }

    fn drain(host: &mut HostCore) -> Vec<HostEvent> {
        std::iter::from_fn(|| host.poll_event()).collect()
    }

    fn up() -> HostCore {
        let mut host = HostCore::new(HostConfig::new("h", "ClueCon"), Ids::seeded(1));
        let now = Time::default();
        host.handle_bytes(now, Line::Commands, GREETING);
        host.handle_bytes(now, Line::Events, GREETING);
        host.handle_bytes(now, Line::Commands, &api("1.10.12-release\n"));
        host.handle_bytes(now, Line::Commands, &api("/var/rec"));
        host.handle_bytes(now, Line::Commands, &api("-ERR status Command not found!\n"));
        host.handle_bytes(now, Line::Events, &reply("+OK event listener enabled plain"));
        assert!(drain(&mut host).is_empty(), "not up before the profile is known");
        let status = "Name \texternal\nURL             \tsip:mod_sofia@127.0.0.1:5080\nBIND-URL \tsip:x@1.2.3.4:9\n";
        host.handle_bytes(now, Line::Commands, &api(status));
        let events = drain(&mut host);
        let [HostEvent::Up(facts)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(facts.profiles["external"].as_deref(), Some("127.0.0.1:5080"));
        assert_eq!((facts.version.as_str(), facts.recordings.as_deref()), ("1.10.12-release", Some("/var/rec")));
        host.poll_transmit(Line::Commands);
        host
    }

    #[test]
    fn a_host_with_sessions_is_asked_whether_they_are_those_of_another_run() {
        let mut host = HostCore::new(HostConfig::new("h", "ClueCon"), Ids::seeded(1));
        let now = Time::default();
        host.handle_bytes(now, Line::Commands, GREETING);
        host.handle_bytes(now, Line::Events, GREETING);
        host.handle_bytes(now, Line::Events, &reply("+OK event listener enabled plain"));
        let status = "UP 0 years, 0 days, 0 hours, 0 minutes, 1 second, 0 milliseconds, 0 microseconds\nFreeSWITCH is \
                      ready\n9 session(s) since startup\n3 session(s) - peak 8, last 5min 7 \n2 session(s) per Sec out of \
                      max 30, peak 4, last 5min 3 \n1000 session(s) max\nmin idle cpu 0.00/86.87\n";
        let profile = "URL \tsip:mod_sofia@127.0.0.1:5080\n";
        for told in ["1.10.12", "/rec", status, profile] {
            host.handle_bytes(now, Line::Commands, &api(told));
        }
        assert!(drain(&mut host).is_empty(), "it waits for the list");
        host.handle_bytes(now, Line::Commands, &api("uuid,direction\na,inbound\nb,outbound\n\n2 total.\n"));
        let events = drain(&mut host);
        let [HostEvent::Up(facts)] = events.as_slice() else { panic!("{events:?}") };
        let limits = SessionLimits { per_second: 30, at_once: 1_000 };
        assert_eq!((facts.strays, facts.limits), (2, Some(limits)));
    }

    #[test]
    fn commands_beyond_the_window_wait_for_replies() {
        let mut host = up();
        for number in 0..40 {
            host.command(Token(number), Command::api("status")).unwrap();
        }
        let sent = host.poll_transmit(Line::Commands);
        assert_eq!(sent.len(), 32 * b"api status\n\n".len());
        host.handle_bytes(Time::default(), Line::Commands, &api("UP"));
        assert_eq!(host.poll_transmit(Line::Commands), b"api status\n\n");
        let events = drain(&mut host);
        assert!(matches!(&events[..], [HostEvent::Replied { token, .. }] if *token == Token(0)));
    }

    #[test]
    fn either_connection_lost_is_the_host_lost_and_only_once() {
        for line in [Line::Events, Line::Commands] {
            let mut host = up();
            host.handle_eof(Time::default(), line);
            host.handle_eof(Time::default(), Line::Commands);
            let events = drain(&mut host);
            let [HostEvent::Lost(lost)] = events.as_slice() else { panic!("{events:?}") };
            assert_eq!(*lost, Lost::Connection { line, reason: CloseReason::Eof });
            assert!(!lost.is_final());
        }
    }

    #[test]
    fn a_refused_login_is_final() {
        let mut host = HostCore::new(HostConfig::new("h", "wrong"), Ids::seeded(1));
        host.handle_bytes(Time::default(), Line::Events, b"Content-Type: auth/request\n\n");
        host.handle_bytes(Time::default(), Line::Events, &reply("-ERR invalid"));
        let events = drain(&mut host);
        assert!(matches!(&events[..], [HostEvent::Lost(lost)] if lost.is_final()), "{events:?}");
    }

    #[test]
    fn a_refused_job_ends_like_a_failed_one() {
        let mut host = up();
        let originate = Originate {
            session: "s".into(),
            target: crate::host::Target::Gateway { gateway: "g".into(), user: "1".into() },
            timeout: std::time::Duration::from_secs(5),
            caller_id_name: String::new(),
            caller_id_number: String::new(),
            codecs: vec![],
            ignore_early_media: true,
            app: "a".into(),
            headers: vec![],
            variables: vec![],
            then: crate::host::Then::park(),
        };
        let job = host.originate(Time::default(), &originate).unwrap();
        host.handle_bytes(Time::default(), Line::Commands, &reply("-ERR command not found"));
        let events = drain(&mut host);
        let [HostEvent::JobEnded(ended)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((ended.id.clone(), ended.result()), (job, Some(Err("command not found"))));
        let evil = Originate { caller_id_name: "a\n\napi fsctl shutdown".into(), ..originate };
        assert!(host.originate(Time::default(), &evil).is_err());
        assert_eq!(host.jobs_running(), 0);
    }
}
