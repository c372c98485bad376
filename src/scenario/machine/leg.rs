//! One leg of a scenario at work.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::digits::{Digits, WrongDigits};
use crate::audio::wav::Wav;
use crate::call::{Change, ChangeKind, HangupCause, Session, State};
use crate::esl::{Command, Event, header};
use crate::id::{Ids, SessionId};
use crate::media::Tracks;
use crate::scenario::model::{Leg, PlacedStep, Recording, Stage};
use crate::scenario::outcome::LegOutcome;
use crate::scenario::script::{StepFailed, Waiting};
use crate::scenario::step::{Begun, ExpectDtmf, NO_SYNC, NOT_RUN, Needs, Start, Until};
use crate::scenario::wanted::Wanted;
use crate::scenario::witness::Witness;
use crate::units::{Time, human};
use crate::verdict::{LegTrace, TraceEntry, TraceKind};

/// Entries of the trace that are kept.
const TRACE: usize = 200;

/// How long a step may take that names no time itself: the switch has to do it at once.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A recording that was begun on a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// On the host's disk.
    pub path: PathBuf,
    pub recording: Recording,
}

/// Why a step failed.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Refused {
        command: String,
        reply: String,
    },
    /// The application ran and says that it could not do it.
    Response {
        response: String,
    },
    Late {
        until: String,
        within: Duration,
    },
    /// The leg ended while the step waited for something else.
    HungUp {
        until: String,
        help: &'static str,
    },
    /// What the switch told of the leg is not what was expected.
    Unmet {
        expected: String,
        actual: String,
    },
    Digits(WrongDigits),
}

impl Fault {
    /// Expected, actual, help.
    pub(super) fn told(&self, which: Leg, leg: &LegRun) -> (String, String, String) {
        let cause = || leg.cause.clone().unwrap_or_else(|| "no cause".to_owned());
        match self {
            Fault::Refused { command, reply } => {
                (format!("`{command}` accepted"), format!("the switch refused it: {reply}"), String::new())
            }
            Fault::Response { response } => {
                let help = match response.as_str() {
                    "FILE NOT FOUND" => "the path is looked up on the host, not here",
                    NO_SYNC => "the other side must send the pattern or echo it, and nothing between may change a bit",
                    NOT_RUN => {
                        "bert_test works on a PCMU leg with media alone; `audio` with `bit_exact` works with any"
                    }
                    "PLAYBACK ERROR" => "the switch could not send it: no media yet, or a source it does not know",
                    _ => "",
                };
                ("the application to do it".to_owned(), response.clone(), help.to_owned())
            }
            Fault::Late { until, within } => (
                format!("{until} within {}", human(*within)),
                match leg.state {
                    None if leg.stage == Stage::Host => "no reply".to_owned(),
                    None => format!("no {which}'s leg came to be"),
                    Some(State::HungUp) => format!("the leg ended with {}", cause()),
                    Some(state) => format!("the leg is {}", state_word(state)),
                },
                leg.hint(),
            ),
            Fault::Unmet { expected, actual } => (expected.clone(), actual.clone(), String::new()),
            Fault::Digits(WrongDigits { expected, actual, help }) => (expected.clone(), actual.clone(), help.clone()),
            Fault::HungUp { until, help } => {
                (until.clone(), format!("the leg ended with {} before", cause()), (*help).to_owned())
            }
        }
    }
}

pub(super) const fn state_word(state: State) -> &'static str {
    match state {
        State::Created => "not answered",
        State::Ringing => "ringing",
        State::EarlyMedia => "in early media",
        State::Answered => "answered",
        State::HungUp => "hung up",
    }
}

/// Whether a refusal says that there is no such session: it ended, and its end is on its way.
fn is_gone(reply: &str) -> bool {
    let reply = reply.to_ascii_lowercase();
    reply.contains("invalid session id") || reply.contains("no such channel")
}

/// A step as it would be done.
#[derive(Debug)]
pub(super) struct Rehearsed {
    pub(super) commands: Vec<Command>,
    pub(super) until: Until,
    pub(super) within: Duration,
}

/// A step under way.
#[derive(Debug)]
struct Current {
    until: Until,
    deadline: Time,
    within: Duration,
}

/// One leg: how far its session and its steps have come.
#[derive(Debug)]
pub(in crate::scenario) struct LegRun {
    pub(super) leg: Leg,
    stage: Stage,
    pub(in crate::scenario) session: Option<SessionId>,
    pub(in crate::scenario) state: Option<State>,
    /// Our clock, when we learned of the answer.
    pub(super) answered: Option<Time>,
    /// The switch's clock, at the answer.
    answered_at: Option<Time>,
    pub(super) ended: Option<Box<Session>>,
    pub(super) cause: Option<String>,
    pub(in crate::scenario) recordings: Vec<Recorded>,
    /// Recording, and listening for tones, was asked for.
    pub(super) recording_asked: bool,
    pub(super) digits: Digits,
    pub(super) fault: Option<Fault>,
    /// Commands without a reply, by number.
    pub(super) unanswered: Vec<u64>,
    /// The newest command of a step: a reply that the step looks into is the one to this.
    pub(super) question: Option<u64>,
    /// The states that it was in, by [`State`].
    seen: [bool; 5],
    parked: bool,
    playing: bool,
    latest: Option<Arc<Event>>,
    pub(in crate::scenario) witness: Witness,
    /// The step that is next, or under way.
    next: usize,
    current: Option<Current>,
    /// Where recordings go; a number and `.wav` are added.
    stem: PathBuf,
    trace: VecDeque<TraceEntry>,
}

impl LegRun {
    pub(in crate::scenario) fn new(leg: Leg, stage: Stage, stem: &Path, witness: Witness) -> Self {
        LegRun {
            leg,
            stage,
            session: None,
            state: None,
            answered: None,
            answered_at: None,
            ended: None,
            cause: None,
            recordings: Vec::new(),
            recording_asked: false,
            digits: Digits::default(),
            fault: None,
            unanswered: Vec::new(),
            question: None,
            seen: [false; 5],
            parked: false,
            playing: false,
            latest: None,
            witness,
            next: 0,
            current: None,
            stem: stem.to_owned(),
            trace: VecDeque::new(),
        }
    }

    /// `caller`, `callee`; `host` without a call.
    pub(super) fn name(&self) -> &'static str {
        self.stage.actor(self.leg)
    }

    pub(in crate::scenario) fn note(&mut self, at: Time, kind: TraceKind, text: impl Into<String>) {
        if self.trace.len() == TRACE {
            self.trace.pop_front();
        }
        self.trace.push_back(TraceEntry { at, kind, text: text.into() });
    }

    pub(in crate::scenario) fn trace(&self) -> LegTrace {
        LegTrace {
            leg: self.name().to_owned(),
            uuid: self.session.as_ref().map(SessionId::to_string).unwrap_or_default(),
            entries: self.trace.iter().cloned().collect(),
        }
    }

    /// What there is to judge, with the recordings as they could be read.
    pub(in crate::scenario) fn outcome(&mut self, read: &mut BTreeMap<PathBuf, Result<Wav, String>>) -> LegOutcome {
        let mut recording = |recorded: &Recorded| {
            let missing = || Err(format!("{} was not read", recorded.path.display()));
            let wav = read.remove(&recorded.path).unwrap_or_else(missing);
            (recorded.clone(), wav)
        };
        LegOutcome {
            leg: self.leg,
            session: self.ended.take().map(|session| *session),
            was_there: self.session.is_some(),
            witness: std::mem::take(&mut self.witness),
            recordings: self.recordings.iter().map(&mut recording).collect(),
        }
    }

    /// Takes over how far `session` has come already.
    pub(in crate::scenario) fn resume(&mut self, session: &Session, waiting: Waiting) {
        self.state = Some(session.state);
        let since = [
            (State::Created, Some(session.created)),
            (State::Ringing, session.ringing),
            (State::EarlyMedia, session.early_media),
            (State::Answered, session.answered),
            (State::HungUp, session.hung_up),
        ];
        for (state, at) in since {
            self.seen[state as usize] |= at.is_some();
        }
        self.answered_at = session.answered;
        self.cause = session.hangup_cause.as_ref().map(ToString::to_string);
        self.latest = Some(Arc::clone(session.latest()));
        self.parked = waiting.parked;
        self.playing = waiting.playing;
    }

    /// A command of the step under way was given.
    pub(in crate::scenario) fn asked(&mut self, number: u64) {
        self.unanswered.push(number);
        self.question = Some(number);
    }

    /// The switch refused a command of the step under way.
    pub(in crate::scenario) fn refused(&mut self, command: String, reply: &str) {
        // A leg that hung up meanwhile refuses everything; that it did is told elsewhere.
        if self.state < Some(State::HungUp) {
            self.fault = Some(Fault::Refused { command, reply: reply.to_owned() });
        }
    }

    pub(in crate::scenario) fn has_failed(&self) -> bool {
        self.fault.is_some()
    }

    /// Why the step under way failed, if it did.
    pub(in crate::scenario) fn failure(&mut self, steps: &[PlacedStep]) -> Option<StepFailed> {
        let fault = self.fault.take()?;
        let (expected, actual, help) = fault.told(self.leg, self);
        let ended = match &fault {
            Fault::HungUp { .. } => self.end(),
            Fault::Refused { reply, .. } if is_gone(reply) => self.end(),
            _ => None,
        };
        Some(StepFailed { ended, ..self.failed(steps, expected, actual, help) })
    }

    /// The leg ended before its next step could begin.
    pub(in crate::scenario) fn too_late(&self, steps: &[PlacedStep]) -> StepFailed {
        let cause = self.cause.as_deref().unwrap_or("no cause");
        let actual = format!("the leg ended with {cause} before");
        StepFailed { ended: self.end(), ..self.failed(steps, "done".to_owned(), actual, String::new()) }
    }

    /// Why it ended, as far as that is known.
    fn end(&self) -> Option<HangupCause> {
        Some(HangupCause::parse(self.cause.as_deref().unwrap_or("NONE")))
    }

    fn failed(&self, steps: &[PlacedStep], expected: String, actual: String, help: String) -> StepFailed {
        let step = &steps[self.next.min(steps.len() - 1)];
        StepFailed { step: step.value.describe(), place: step.place.clone(), expected, actual, help, ended: None }
    }

    /// Whether sound can flow: a recording of a leg before that would answer it with early media.
    pub(super) fn has_media(&self) -> bool {
        self.parked && matches!(self.state, Some(State::EarlyMedia | State::Answered))
    }

    /// Whether the recording that was asked for runs.
    pub(super) fn recording_runs(&self) -> bool {
        self.recording_asked && self.unanswered.is_empty()
    }

    pub(super) fn step_in_question(&self) -> usize {
        self.next
    }

    pub(in crate::scenario) fn is_finished(&self, steps: usize) -> bool {
        self.next >= steps
    }

    /// The first step that was not done.
    pub(super) fn undone(&self, steps: usize) -> Option<usize> {
        (self.next < steps).then_some(self.next)
    }

    pub(in crate::scenario) fn deadline(&self) -> Option<Time> {
        self.current.as_ref().map(|current| current.deadline)
    }

    /// A command was answered, with `body` where it was no error.
    pub(in crate::scenario) fn handle_reply(&mut self, now: Time, number: u64, body: Option<&str>) {
        self.unanswered.retain(|&waiting| waiting != number);
        if self.question != Some(number) {
            return;
        }
        let (Some(Current { until: Until::Told(wanted), .. }), Some(body)) = (&self.current, body) else { return };
        match unmet(wanted, body) {
            None => self.current = Some(Current { until: Until::Now, deadline: now, within: Duration::ZERO }),
            Some((expected, actual)) => self.fault = Some(Fault::Unmet { expected, actual }),
        }
    }

    pub(in crate::scenario) fn handle_change(&mut self, now: Time, change: &Change, event: &Arc<Event>) {
        let before = self.state;
        match &change.kind {
            ChangeKind::Created | ChangeKind::Joined { .. } => self.state = self.state.max(Some(State::Created)),
            ChangeKind::Ringing => self.state = self.state.max(Some(State::Ringing)),
            ChangeKind::EarlyMedia => self.state = self.state.max(Some(State::EarlyMedia)),
            ChangeKind::Answered => {
                self.state = self.state.max(Some(State::Answered));
                self.answered = Some(now);
                self.answered_at = event.fired();
            }
            ChangeKind::Parked => self.parked = true,
            ChangeKind::HungUp { cause } => {
                self.state = Some(State::HungUp);
                self.cause = Some(cause.to_string());
            }
            ChangeKind::Destroyed(session) => {
                self.state = Some(State::HungUp);
                self.ended = Some(session.clone());
                if !self.latest.as_ref().is_some_and(|latest| Arc::ptr_eq(latest, event)) {
                    self.witness.handle(event);
                }
                // The event was noted with the change before this one.
                return;
            }
            ChangeKind::CallEnded => return,
            ChangeKind::Event => {}
        }
        if let Some(state) = self.state {
            self.seen[state as usize] = true;
        }
        // After a 183, a 180 is no step on; it is ringing all the same.
        self.seen[State::Ringing as usize] |= event.name() == "CHANNEL_PROGRESS";
        let repeated = self.latest.as_ref().is_some_and(|latest| Arc::ptr_eq(latest, event));
        if !repeated || before != self.state {
            self.note(now, TraceKind::Event, told(event));
        }
        if !repeated {
            self.witness.handle(event);
            self.digits.handle(now, event);
        }
        self.latest = Some(Arc::clone(event));
        if let Some(Current { until, .. }) = &self.current
            && let Some(ended) = until.met_by(event)
        {
            match ended {
                Ok(Begun { until, within }) => {
                    let within = within.unwrap_or_default();
                    self.current = Some(Current { until, deadline: now + within, within });
                }
                Err(response) => self.fault = Some(Fault::Response { response }),
            }
        }
    }

    /// Whether the step under way came to its end, or to its failure.
    pub(in crate::scenario) fn finish_step(&mut self, now: Time) -> bool {
        let Some(current) = self.current.as_ref().filter(|_| self.fault.is_none()) else { return false };
        let met = match &current.until {
            Until::Now => true,
            Until::Replied => self.unanswered.is_empty(),
            Until::Elapsed(_) | Until::Holding { .. } => now >= current.deadline,
            Until::Sent { least } => {
                let earliest = current.deadline - current.within.saturating_sub(*least);
                now >= current.deadline || (self.state == Some(State::HungUp) && now >= earliest)
            }
            Until::Reached(state) => self.seen[*state as usize],
            Until::Variables(wanted) => {
                let value = |name: &str| self.latest.as_ref().and_then(|event| event.variable(name));
                wanted.iter().all(|(name, wanted)| value(name) == Some(wanted))
            }
            Until::Digits(wanted) => match self.digits.take(wanted, self.answered_at) {
                Some(Ok(())) => true,
                Some(Err(wrong)) => {
                    self.fault.get_or_insert(Fault::Digits(wrong));
                    return false;
                }
                None => false,
            },
            Until::Ran(_) => self.state == Some(State::HungUp),
            Until::Started(_)
            | Until::Completed(_)
            | Until::Parked
            | Until::Bridged(_)
            | Until::Told(_)
            | Until::Tone { .. }
            | Until::Event { .. }
            | Until::InSync { .. }
            | Until::RecordStopped(_) => false,
        };
        if met {
            self.current = None;
            self.next += 1;
            return true;
        }
        if let Until::Digits(wanted) = &current.until
            && (self.state == Some(State::HungUp) || now >= current.deadline)
        {
            let mut wrong = self.digits.missing(wanted, self.answered_at);
            if self.state == Some(State::HungUp) {
                wrong.actual.push_str(" before the leg ended");
            }
            self.fault.get_or_insert(Fault::Digits(wrong));
            return false;
        }
        let until = current.until.to_string();
        if self.state == Some(State::HungUp) && !current.until.outlives_the_leg() {
            let help = current.until.hint(self.cause.as_deref());
            self.fault.get_or_insert(Fault::HungUp { until, help });
        } else if now >= current.deadline {
            self.fault.get_or_insert(Fault::Late { until, within: current.within });
        }
        false
    }

    /// Begins the next step if it can begin, and gives its commands, each with whether its refusal fails the step.
    pub(in crate::scenario) fn begin_step(
        &mut self,
        now: Time,
        steps: &[PlacedStep],
        gate: bool,
        ids: &mut Ids,
    ) -> Option<Vec<(Command, bool)>> {
        if self.current.is_some() {
            return None;
        }
        let step = steps.get(self.next)?;
        let needs = step.value.needs();
        let ready = match needs {
            Needs::Nothing => true,
            _ if self.stage == Stage::Host => true,
            Needs::Session => self.session.is_some() && self.state < Some(State::HungUp),
            Needs::Parked => {
                let recording = self.recording_asked && !self.recording_runs();
                self.parked && self.state < Some(State::HungUp) && !recording && !gate
            }
        };
        if !ready {
            return None;
        }
        let session = self.session.clone().unwrap_or_else(|| SessionId::new(""));
        let mut start = Start::new(session, ids, self.playing);
        let Begun { until, within } = step.value.start(&mut start);
        let Start { commands, playing, record, stop_recording, note, leaves_park, .. } = start;
        self.playing = playing;
        self.parked &= !leaves_park;
        let mut told: Vec<_> = commands.into_iter().map(|command| (command, true)).collect();
        if let Some(recording) = record {
            told.extend(self.record_commands(recording).into_iter().map(|command| (command, true)));
        }
        let mut until = until;
        if stop_recording {
            let (command, path) = self.stop_command()?;
            told.push((command, true));
            until = Until::RecordStopped(path);
        }
        if let Some(note) = note {
            self.note(now, TraceKind::Command, format!("log {note}"));
        }
        let within = match &until {
            Until::Elapsed(time) => *time,
            _ => within.unwrap_or(AT_ONCE),
        };
        self.current = Some(Current { until, deadline: now + within, within });
        Some(told)
    }

    /// Goes through `steps` as if all that they wait for came to pass, and gives what each sends and what ends it.
    pub(super) fn rehearse(&mut self, session: SessionId, steps: &[PlacedStep], ids: &mut Ids) -> Vec<Rehearsed> {
        self.session = Some(session);
        self.parked = true;
        let mut rehearsed = Vec::new();
        while let Some(commands) = self.begin_step(Time::default(), steps, false, ids) {
            let Some(Current { until, within, .. }) = self.current.take() else { break };
            self.next += 1;
            rehearsed.push(Rehearsed {
                commands: commands.into_iter().map(|(command, _)| command).collect(),
                until,
                within,
            });
        }
        rehearsed
    }

    /// The commands that record this leg into its next file.
    pub(super) fn record_commands(&mut self, recording: Recording) -> Vec<Command> {
        let Some(session) = self.session.clone() else { return Vec::new() };
        let number = self.recordings.len() + 1;
        let mut path = self.stem.clone().into_os_string();
        path.push(format!("-{}-{number}.wav", self.leg.name()));
        let path = PathBuf::from(path);
        let set = |name: &str, on: bool| Command::api(&format!("uuid_setvar {session} {name} {on}"));
        let commands = vec![
            set("RECORD_STEREO", recording.tracks == Tracks::Stereo),
            set("RECORD_READ_ONLY", recording.tracks == Tracks::Heard),
            set("RECORD_WRITE_ONLY", recording.tracks == Tracks::Said),
            Command::api(&format!("uuid_setvar {session} record_sample_rate {}", recording.rate.0)),
            Command::api(&format!("uuid_record {session} start {}", one_word(&path))),
        ];
        self.recordings.push(Recorded { path, recording });
        commands
    }

    /// Has the switch listen for tones on this leg.
    pub(super) fn listen_command(&self, ids: &mut Ids) -> Option<Command> {
        let session = self.session.clone()?;
        Some(Command::execute(session, "spandsp_start_dtmf", "", &ids.uuid()))
    }

    /// Digits that came behind all that was expected of this leg.
    pub(super) fn digits_left(&self, steps: &[PlacedStep]) -> Option<String> {
        let mode = steps.iter().rev().find_map(|step| step.value.facts().dtmf)?;
        self.digits.left(mode, self.answered_at)
    }

    /// Whether the digits that came are `wanted` and no others, when nothing more will come: those that came, or what was
    /// expected, what came, and what may be the cause.
    pub(in crate::scenario) fn judge_digits(
        &mut self,
        wanted: &ExpectDtmf,
    ) -> Result<String, (String, String, String)> {
        let told = |wrong: WrongDigits| (wanted.digits.clone(), wrong.actual, wrong.help);
        match self.digits.take(wanted, self.answered_at) {
            Some(Ok(())) => {}
            Some(Err(wrong)) => return Err(told(wrong)),
            None => return Err(told(self.digits.missing(wanted, self.answered_at))),
        }
        match self.digits.left(wanted.mode, self.answered_at) {
            Some(left) => {
                Err((format!("{} and no more", wanted.digits), format!("received {left} as well"), String::new()))
            }
            None => Ok(wanted.digits.clone()),
        }
    }

    fn stop_command(&self) -> Option<(Command, PathBuf)> {
        let session = self.session.as_ref()?;
        let path = self.recordings.last()?.path.clone();
        Some((Command::api(&format!("uuid_record {session} stop {}", one_word(&path))), path))
    }

    /// What could help a step that waited in vain.
    fn hint(&self) -> String {
        match (self.state, self.parked) {
            (Some(State::Answered), false) => {
                "the leg was answered but never parked: does the dialplan do something else with it?".to_owned()
            }
            _ => String::new(),
        }
    }
}

/// A path as one word of a command: `switch_separate_string` splits at blanks and takes quotation marks away. A quoted
/// path would do, but for one with an apostrophe in it.
pub(crate) fn one_word(path: &Path) -> String {
    let mut word = String::new();
    for c in path.to_string_lossy().chars() {
        match c {
            ' ' => word.push_str("\\s"),
            '\'' | '"' | '\\' => word.extend(['\\', c]),
            _ => word.push(c),
        }
    }
    word
}

/// The first of `wanted` that a dump of a channel does not tell, and what it tells instead. A dump is written as an
/// event is, its values percent-encoded.
fn unmet(wanted: &[(String, Wanted)], dump: &str) -> Option<(String, String)> {
    wanted.iter().find_map(|(name, wanted)| {
        let told = dump.lines().find_map(|line| line.split_once(": ").filter(|(key, _)| key == name));
        let value = told.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy());
        if wanted.holds(value.as_deref()) {
            return None;
        }
        Some((
            format!("{name} {wanted}"),
            value.map_or_else(|| format!("no {name}"), |value| format!("{name} = {value}")),
        ))
    })
}

/// An event on one line: its name and what makes it different from others of that name.
fn told(event: &Event) -> String {
    let mut text = event.name().to_owned();
    if let Some(subclass) = event.header(header::EVENT_SUBCLASS) {
        text = subclass.to_owned();
    }
    let more = event.values([
        "Application",
        "Application-Data",
        "Application-Response",
        "Playback-File-Path",
        "Record-File-Path",
        "Hangup-Cause",
        "variable_sip_term_status",
        "DTMF-Digit",
    ]);
    for value in more.into_iter().flatten().filter(|value| !value.is_empty() && *value != "_none_") {
        text.push(' ');
        text.push_str(value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_command() {
        // The forms that a FreeSWITCH 1.10 took, both to begin and to end a recording.
        assert_eq!(one_word(Path::new("/r/my calls/it's.wav")), r"/r/my\scalls/it\'s.wav");
        assert_eq!(one_word(Path::new(r#"/r/a\b"c.wav"#)), r#"/r/a\\b\"c.wav"#);
    }

    // As FreeSWITCH 1.10.12 writes it. The escapes were compared as they stand.
    #[test]
    fn a_dump_tells_values_without_their_escapes() {
        let dump = "Answer-State: answered\nvariable_sip_req_uri: callwright%40127.0.0.1%3A5080";
        let wanted = |value| [("variable_sip_req_uri".to_owned(), Wanted::exactly(value))];
        assert_eq!(unmet(&wanted("callwright@127.0.0.1:5080"), dump), None);
        let (_, found) = unmet(&wanted("callwright"), dump).unwrap();
        assert_eq!(found, "variable_sip_req_uri = callwright@127.0.0.1:5080");
    }
}
