//! The questions and the probe call, without IO.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use super::facts::{Arrival, Call, Contact, Facts, Question, Skew};
use crate::audio::wav::Wav;
use crate::call::ChangeKind;
use crate::esl::{CloseReason, Command, Event, Reply, header};
use crate::host::{HostEvent, Lost, Originate, Request, Token};
use crate::id::{Ids, SessionId};
use crate::units::Time;

/// Commands whose reply is timed.
const PINGS: u32 = 5;
/// For the host to answer all questions.
const ANSWERS: Duration = Duration::from_secs(10);
/// For the probe call to be answered.
const SETUP: Duration = Duration::from_secs(5);
/// How much of it is recorded.
const RECORDED: Duration = Duration::from_secs(1);
/// For all of the probe call.
const PROBE: Duration = Duration::from_secs(12);
/// For the call to be gone once it was hung up.
const ENDING: Duration = Duration::from_secs(3);
/// The digital milliwatt of 1004 Hz, for longer than it is recorded.
const TONE: &str = "tone_stream://v=-0.06;%(4000,0,1004)";

/// An examination of one host: events in, requests out.
///
/// Once [`Exam::poll_read`] gives a path, the recording there is to be brought and handed to
/// [`Exam::handle_recording`].
#[derive(Debug)]
pub struct Exam {
    facts: Facts,
    ids: Ids,
    phase: Phase,
    deadline: Option<Time>,
    asked: HashMap<Token, Asked>,
    next_token: u64,
    requests: VecDeque<Request>,
    read: Option<PathBuf>,
    probe: Probe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    /// Timing the replies, of which so many are to come.
    Pinging(u32),
    Asking,
    Calling,
    /// The recording is due to be stopped at the deadline.
    Recording,
    Ending,
    Reading,
    /// Asking what was left behind.
    Sweeping,
    Done,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Ping(Time),
    Question(Question),
    Record,
    /// Of no interest.
    Other,
}

/// The sessions of the probe call.
#[derive(Debug, Default)]
struct Probe {
    caller: Option<SessionId>,
    callee: Option<SessionId>,
    /// The user part that nobody else dials.
    user: String,
    begun: Time,
    answered_by_us: bool,
    caller_parked: bool,
    gone: Vec<SessionId>,
}

impl Exam {
    /// An examination of the host that `facts` name so far: address, password, slots, profile.
    pub fn new(facts: Facts, ids: Ids) -> Exam {
        Exam {
            facts,
            ids,
            phase: Phase::Connecting,
            deadline: None,
            asked: HashMap::new(),
            next_token: 0,
            requests: VecDeque::new(),
            read: None,
            probe: Probe::default(),
        }
    }

    /// What was found out, once [`Exam::is_done`].
    pub fn into_facts(self) -> Facts {
        self.facts
    }

    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    pub fn poll_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// A recording to be brought.
    pub fn poll_read(&mut self) -> Option<PathBuf> {
        self.read.take()
    }

    /// When [`Exam::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.deadline
    }

    pub fn handle_timeout(&mut self, now: Time) {
        if self.deadline.is_none_or(|at| at > now) {
            return;
        }
        self.deadline = None;
        match self.phase {
            Phase::Pinging(_) | Phase::Asking => {
                self.facts.contact = Contact::Lost(format!("no reply within {ANSWERS:?}"));
                self.phase = Phase::Done;
            }
            Phase::Calling => {
                if let Some(call) = &mut self.facts.call {
                    call.hung = true;
                }
                self.end_call(now);
            }
            Phase::Recording => {
                let path = self.facts.call.as_ref().and_then(|call| call.path.clone()).unwrap_or_default();
                if let Some(caller) = self.probe.caller.clone() {
                    self.api(&format!("uuid_record {caller} stop {path}"), Asked::Other);
                }
                self.end_call(now);
            }
            Phase::Ending => self.read_recording(now),
            Phase::Connecting | Phase::Reading | Phase::Done => {}
            Phase::Sweeping => self.phase = Phase::Done,
        }
    }

    /// Takes what the host told.
    pub fn handle(&mut self, now: Time, event: &HostEvent) {
        match event {
            HostEvent::Up(host) => {
                self.facts.contact = Contact::LoggedIn;
                self.facts.host = Some(host.clone());
                self.phase = Phase::Pinging(PINGS);
                self.deadline = Some(now + ANSWERS);
                self.api("version short", Asked::Ping(now));
            }
            HostEvent::Replied { token, reply } => {
                if let Some(asked) = self.asked.remove(token) {
                    self.handle_reply(now, asked, reply);
                }
            }
            HostEvent::Changed { change, event, lag } => {
                self.handle_change(now, &change.session, &change.kind, event, *lag);
            }
            HostEvent::JobEnded(job) => {
                let ours = job.session.is_some() && job.session == self.probe.caller;
                if let (true, Some(Err(why)), Some(call)) = (ours, job.result(), &mut self.facts.call) {
                    call.failed = Some(why.trim().to_owned());
                    self.end_call(now);
                }
            }
            HostEvent::Lost(lost) => {
                self.facts.contact = contact(lost, &self.facts.contact);
                self.phase = Phase::Done;
            }
            HostEvent::Event(_) => {}
        }
    }

    /// Takes the recording that [`Exam::poll_read`] asked for.
    pub fn handle_recording(&mut self, now: Time, recording: Result<Wav, String>) {
        if let Some(call) = &mut self.facts.call {
            call.recording = Some(recording);
        }
        self.sweep(now);
    }

    fn handle_reply(&mut self, now: Time, asked: Asked, reply: &Reply) {
        match asked {
            Asked::Ping(sent) => {
                let took = now.since(sent);
                self.facts.round_trip = Some(self.facts.round_trip.map_or(took, |least| least.min(took)));
                match self.phase {
                    Phase::Pinging(2..) => {
                        if let Phase::Pinging(left) = &mut self.phase {
                            *left -= 1;
                        }
                        self.api("version short", Asked::Ping(now));
                    }
                    _ => self.ask_questions(now),
                }
            }
            Asked::Question(question) => {
                self.facts.answers.insert(question, reply.text.clone());
                if question == Question::SoundsFolder
                    && let Some(folder) = self.facts.answer(question).map(str::to_owned)
                {
                    self.api(&format!("file_exists {folder}"), Asked::Question(Question::SoundsThere));
                }
                let waits = self.asked.values().any(|asked| matches!(asked, Asked::Question(_)));
                match self.phase {
                    Phase::Asking if !waits => self.call(now),
                    Phase::Sweeping if !waits => self.phase = Phase::Done,
                    _ => {}
                }
            }
            Asked::Record => {
                if let (Err(why), Some(call)) = (reply.result(), &mut self.facts.call) {
                    call.record_refused = Some(why.trim().to_owned());
                    self.end_call(now);
                }
            }
            Asked::Other => {}
        }
    }

    fn ask_questions(&mut self, now: Time) {
        self.phase = Phase::Asking;
        self.deadline = Some(now + ANSWERS);
        let profile = format!("sofia status profile {}", self.facts.profile);
        let questions = [
            (Question::Profile, profile.as_str()),
            (Question::Sessions, "show channels count"),
            (Question::SessionRate, "fsctl sps"),
            (Question::MaxSessions, "fsctl max_sessions"),
            (Question::SoundsFolder, "global_getvar sounds_dir"),
            (Question::SwitchConf, "xml_locate configuration configuration name switch.conf"),
        ];
        for (question, line) in questions {
            self.api(line, Asked::Question(question));
        }
    }

    /// Makes the probe call, if there is a profile to make it from.
    fn call(&mut self, now: Time) {
        let host = self.facts.host.clone().unwrap_or_default();
        let Some(address) = host.profiles.get(&self.facts.profile).cloned().flatten() else {
            self.phase = Phase::Done;
            return;
        };
        let session = SessionId::new(self.ids.uuid());
        let user = format!("doctor-{:08x}", self.ids.number());
        let url = format!("{user}@{address}");
        let path = host.recordings.as_ref().map(|folder| format!("{folder}/callwright-doctor-{session}.wav"));
        self.facts.call = Some(Call { to: url.clone(), path, ..Call::default() });
        self.probe = Probe { caller: Some(session.clone()), user, begun: now, ..Probe::default() };
        self.phase = Phase::Calling;
        self.deadline = Some(now + PROBE);
        self.requests.push_back(Request::Originate(Box::new(Originate {
            session,
            timeout: SETUP,
            caller_id_name: "callwright doctor".to_owned(),
            ..Originate::to(url).profile(self.facts.profile.clone()).app("doctor")
        })));
    }

    fn handle_change(&mut self, now: Time, session: &SessionId, kind: &ChangeKind, event: &Event, lag: Duration) {
        if self.probe.caller.as_ref() == Some(session) {
            self.facts.lag = self.facts.lag.max(lag);
            self.handle_caller(now, kind, event);
        } else if self.is_callee(session, event) {
            self.facts.lag = self.facts.lag.max(lag);
            self.handle_callee(now, session, kind, event);
        }
        if matches!(kind, ChangeKind::Destroyed(_)) && self.is_ours(session) {
            self.probe.gone.push(session.clone());
            let all =
                self.probe.caller.iter().chain(&self.probe.callee).all(|session| self.probe.gone.contains(session));
            if all && self.phase == Phase::Ending {
                self.read_recording(now);
            }
        }
    }

    fn is_ours(&self, session: &SessionId) -> bool {
        self.probe.caller.as_ref() == Some(session) || self.probe.callee.as_ref() == Some(session)
    }

    /// The leg that was called, even where our tracking header did not arrive.
    fn is_callee(&self, session: &SessionId, event: &Event) -> bool {
        match &self.probe.callee {
            Some(callee) => callee == session,
            None => {
                self.phase == Phase::Calling
                    && event.header(header::CALL_DIRECTION) == Some("inbound")
                    && event.header("Caller-Destination-Number") == Some(&self.probe.user)
            }
        }
    }

    fn handle_caller(&mut self, now: Time, kind: &ChangeKind, event: &Event) {
        match kind {
            ChangeKind::Created if self.facts.skew.is_none() => {
                self.facts.skew = event.fired().map(|fired| Skew::between(self.probe.begun, fired, now));
            }
            ChangeKind::Parked => {
                self.probe.caller_parked = true;
                self.record(now);
            }
            ChangeKind::HungUp { .. } if matches!(self.phase, Phase::Calling | Phase::Recording) => self.end_call(now),
            _ => {}
        }
    }

    fn handle_callee(&mut self, now: Time, session: &SessionId, kind: &ChangeKind, event: &Event) {
        self.probe.callee = Some(session.clone());
        let ours = self.probe.caller.as_ref().map_or("", SessionId::as_str);
        let Some(call) = &mut self.facts.call else { return };
        let arrival = call.arrived.get_or_insert_with(|| Arrival {
            context: event.header("Caller-Context").unwrap_or_default().to_owned(),
            tracked: event.variable("sip_h_X-Callwright-Call") == Some(ours),
            ..Arrival::default()
        });
        match kind {
            ChangeKind::Parked if !arrival.parked => {
                arrival.parked = true;
                self.probe.answered_by_us = true;
                self.api(&format!("uuid_answer {session}"), Asked::Other);
            }
            ChangeKind::Answered if !self.probe.answered_by_us => arrival.answered_by_other = true,
            ChangeKind::HungUp { cause } if !arrival.parked => {
                arrival.ended = Some(cause.to_string());
                self.end_call(now);
            }
            ChangeKind::Event if event.name() == "CHANNEL_EXECUTE" && !arrival.parked => {
                let application = event.header(header::APPLICATION).unwrap_or_default();
                if application != "park" && arrival.applications.len() < 20 {
                    arrival.applications.push(application.to_owned());
                }
            }
            _ => {}
        }
        self.record(now);
    }

    /// Begins to record once both legs are up and parked.
    fn record(&mut self, now: Time) {
        let callee_parked = self.facts.parked().is_some();
        let (Some(caller), Some(callee)) = (self.probe.caller.clone(), self.probe.callee.clone()) else { return };
        if self.phase != Phase::Calling || !self.probe.caller_parked || !callee_parked {
            return;
        }
        let Some(path) = self.facts.call.as_ref().and_then(|call| call.path.clone()) else {
            return self.end_call(now);
        };
        self.phase = Phase::Recording;
        self.deadline = Some(now + RECORDED);
        let play = Command::execute(callee, "playback", TONE, &self.ids.uuid());
        self.ask(play, Asked::Other);
        self.api(&format!("uuid_record {caller} start {path}"), Asked::Record);
    }

    fn end_call(&mut self, now: Time) {
        if !matches!(self.phase, Phase::Calling | Phase::Recording) {
            return;
        }
        for session in self.probe.caller.iter().chain(&self.probe.callee).cloned().collect::<Vec<_>>() {
            self.api(&format!("uuid_kill {session}"), Asked::Other);
        }
        self.phase = Phase::Ending;
        self.deadline = Some(now + ENDING);
        if self.facts.call.as_ref().is_some_and(|call| call.failed.is_some()) && self.probe.callee.is_none() {
            self.read_recording(now);
        }
    }

    /// Asks for the recording, if there should be one.
    fn read_recording(&mut self, now: Time) {
        let Some(call) = &self.facts.call else { return };
        self.deadline = None;
        let recorded = call.record_refused.is_none() && self.probe.caller_parked && self.facts.parked().is_some();
        match call.path.clone().filter(|_| recorded) {
            Some(path) => {
                self.phase = Phase::Reading;
                self.read = Some(PathBuf::from(path));
            }
            None => self.sweep(now),
        }
    }

    /// Asks what is left of the probe call.
    fn sweep(&mut self, now: Time) {
        self.phase = Phase::Sweeping;
        self.deadline = Some(now + ENDING);
        let path = self.facts.call.as_ref().and_then(|call| call.path.clone());
        let questions = [
            (Question::CallerLeft, self.probe.caller.as_ref().map(|session| format!("uuid_exists {session}"))),
            (Question::CalleeLeft, self.probe.callee.as_ref().map(|session| format!("uuid_exists {session}"))),
            (Question::RecordingLeft, path.map(|path| format!("file_exists {path}"))),
        ];
        for (question, line) in questions {
            if let Some(line) = line {
                self.api(&line, Asked::Question(question));
            }
        }
    }

    fn api(&mut self, line: &str, asked: Asked) {
        self.ask(Command::api(line), asked);
    }

    fn ask(&mut self, command: Command, asked: Asked) {
        let token = Token(self.next_token);
        self.next_token += 1;
        self.asked.insert(token, asked);
        self.requests.push_back(Request::Command { token, command });
    }
}

/// What the loss of a host tells about the way to it.
fn contact(lost: &Lost, before: &Contact) -> Contact {
    match lost {
        Lost::Unreachable { error, .. } => Contact::Unreachable(error.clone()),
        Lost::Connection { reason: CloseReason::Rejected(text), .. } => Contact::TurnedAway(text.clone()),
        Lost::Connection { reason: CloseReason::LoginRefused(text), .. } => Contact::WrongPassword(text.clone()),
        other if *before == Contact::LoggedIn => Contact::Lost(other.to_string()),
        other => Contact::Strange(other.to_string()),
    }
}
