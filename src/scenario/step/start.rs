//! How a step begins and what ends it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;

use super::bert;
use crate::call::State;
use crate::esl::{Command, Event, header};
use crate::id::{Ids, SessionId};
use crate::scenario::model::Recording;
use crate::scenario::step::ExpectDtmf;
use crate::scenario::wanted::Wanted;

/// What a step asks for as it begins.
#[derive(Debug)]
pub struct Start<'a> {
    pub session: SessionId,
    ids: &'a mut Ids,
    /// Whether something plays or echoes on the leg that does not end by itself.
    pub playing: bool,
    pub(in crate::scenario) commands: Vec<Command>,
    pub(in crate::scenario) record: Option<Recording>,
    pub(in crate::scenario) stop_recording: bool,
    pub(in crate::scenario) note: Option<String>,
    pub(in crate::scenario) leaves_park: bool,
}

/// What a step must find before it can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// The leg is there.
    Session,
    /// The leg is parked. A real switch answers what comes earlier with an error: its channel does not execute yet.
    Parked,
}

/// A step that began: what ends it, and within what time it must.
#[derive(Debug)]
pub struct Begun {
    pub until: Until,
    /// `None`: as soon as a switch does such things.
    pub within: Option<Duration>,
}

/// What ends a step.
#[derive(Clone, Debug)]
pub enum Until {
    Now,
    /// All its commands were answered.
    Replied,
    /// The application with this `Application-UUID` began.
    Started(String),
    /// It ended, and not with an error.
    Completed(String),
    /// It ended, not with an error, or the leg did: an application may hang up.
    Ran(String),
    /// The leg came so far.
    Reached(State),
    Elapsed(Duration),
    /// The switch, which tells nothing of it, must have sent what it was given: after its `within`, or once the leg is
    /// over and `least` has passed.
    Sent {
        least: Duration,
    },
    /// One of the detectors of this name has heard a tone; then `recorded` passes, until a recording holds it too.
    Tone {
        key: String,
        recorded: Duration,
    },
    Event {
        name: String,
        headers: Vec<(String, Regex)>,
    },
    Variables(Vec<(String, String)>),
    /// The leg is parked, again where it was before.
    Parked,
    /// The application with this `Application-UUID` connected the leg to another.
    Bridged(String),
    /// The reply tells these headers.
    Told(Vec<(String, Wanted)>),
    /// The switch closed this recording.
    RecordStopped(PathBuf),
    /// The bit error test that is the application `test` came into sync; from then on [`Until::Holding`].
    InSync {
        test: String,
        holding: Duration,
    },
    /// It kept its sync to the deadline.
    Holding {
        test: String,
    },
    /// These digits came, or others.
    Digits(Box<ExpectDtmf>),
}

/// No sync within the test's own time.
pub(in crate::scenario) const NO_SYNC: &str = "no sync within the test's timeout (mod_bert::timeout)";
/// The test ended by itself.
pub(in crate::scenario) const NOT_RUN: &str = "bert_test ended without a test";

impl From<Until> for Begun {
    fn from(until: Until) -> Self {
        Begun { until, within: None }
    }
}

impl Until {
    pub fn within(self, within: Duration) -> Begun {
        Begun { until: self, within: Some(within) }
    }

    /// Whether it can still come to pass once the leg is over.
    pub(in crate::scenario) fn outlives_the_leg(&self) -> bool {
        matches!(
            self,
            Until::Now
                | Until::Told(_)
                | Until::Replied
                | Until::Ran(_)
                | Until::Elapsed(_)
                | Until::Sent { .. }
                | Until::RecordStopped(_)
        )
    }

    /// What could explain that the leg ended first, with `cause`.
    pub(in crate::scenario) fn hint(&self, cause: Option<&str>) -> &'static str {
        match (self, cause) {
            (Until::InSync { .. }, Some("DESTINATION_OUT_OF_ORDER")) => {
                "the host may have no mod_bert; `audio` with `bit_exact` works without"
            }
            // What an unknown application does to a call.
            (Until::Tone { .. }, Some("DESTINATION_OUT_OF_ORDER")) => {
                "the host may have no tone_detect (mod_dptools); a check of a recording works without"
            }
            _ => "",
        }
    }

    /// Whether `event` ends the step, well or with the application's error. Well is what the step waits for next.
    pub(in crate::scenario) fn met_by(&self, event: &Event) -> Option<Result<Begun, String>> {
        let is = |name: &str, uuid: &str| event.name() == name && event.header(header::APPLICATION_UUID) == Some(uuid);
        match self {
            // An application may be over before its beginning was seen.
            Until::Started(uuid) if is("CHANNEL_EXECUTE", uuid) => Some(Ok(Until::Now.into())),
            Until::Started(uuid) | Until::Completed(uuid) | Until::Ran(uuid)
                if is("CHANNEL_EXECUTE_COMPLETE", uuid) =>
            {
                let response = event.header("Application-Response").unwrap_or_default();
                let failed = ["NOT FOUND", "ERROR", "-ERR", "FAILURE", "INVALID"];
                if failed.iter().any(|word| response.contains(word)) {
                    return Some(Err(response.to_owned()));
                }
                Some(Ok(Until::Now.into()))
            }
            Until::Event { name, headers } => {
                let named = event.is_called(name);
                let matches = |(header, pattern): &(String, Regex)| {
                    event.header(header).is_some_and(|value| pattern.is_match(value))
                };
                (named && headers.iter().all(matches)).then(|| Ok(Until::Now.into()))
            }
            Until::Tone { key, recorded } if event.name() == "DETECTED_TONE" => {
                let of = |name: &str| name.rsplit_once('-').is_some_and(|(name, _)| name == key);
                let ours = event.header("Detected-Tone").is_some_and(of);
                ours.then(|| Ok(Until::Elapsed(*recorded).within(*recorded)))
            }
            Until::Parked if event.name() == "CHANNEL_PARK" => Some(Ok(Until::Now.into())),
            Until::Bridged(_) if event.name() == "CHANNEL_BRIDGE" => Some(Ok(Until::Now.into())),
            // Over before it was connected: why is a variable's to tell.
            Until::Bridged(uuid) if is("CHANNEL_EXECUTE_COMPLETE", uuid) => {
                let why = event.variable("originate_disposition").unwrap_or("no reason told");
                Some(Err(format!("not connected: {why}")))
            }
            Until::RecordStopped(path) => {
                let stopped = event.name() == "RECORD_STOP" && event.header("Record-File-Path") == path.to_str();
                stopped.then(|| Ok(Until::Now.into()))
            }
            Until::InSync { test, holding } => match event.header(header::EVENT_SUBCLASS) {
                Some(bert::IN_SYNC) => Some(Ok(Until::Holding { test: test.clone() }.within(*holding))),
                Some(bert::TIMED_OUT) => Some(Err(NO_SYNC.to_owned())),
                _ if is("CHANNEL_EXECUTE_COMPLETE", test) && event.header("Hangup-Cause").is_none() => {
                    Some(Err(NOT_RUN.to_owned()))
                }
                _ => None,
            },
            Until::Holding { .. } if event.header(header::EVENT_SUBCLASS) == Some(bert::LOST_SYNC) => {
                let figure = |name| event.header(name).unwrap_or_default();
                let (percent, samples) = (figure("sync_lost_percent"), figure("err_samples"));
                Some(Err(format!(
                    "sync was lost: {percent} % of a window wrong, {samples} samples (mod_bert::lost_sync)"
                )))
            }
            Until::Holding { test }
                if is("CHANNEL_EXECUTE_COMPLETE", test) && event.header("Hangup-Cause").is_none() =>
            {
                Some(Err("bert_test ended".to_owned()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Until::Now => f.write_str("done"),
            Until::Replied => f.write_str("a reply"),
            Until::Started(_) => f.write_str("the application to begin"),
            Until::Completed(_) | Until::Ran(_) => f.write_str("the application to end"),
            Until::Reached(State::Created) => f.write_str("the leg"),
            Until::Reached(State::Ringing) => f.write_str("ringing"),
            Until::Reached(State::EarlyMedia) => f.write_str("early media"),
            Until::Reached(State::Answered) => f.write_str("the answer"),
            Until::Reached(State::HungUp) => f.write_str("the hangup"),
            Until::Elapsed(_) => f.write_str("time to pass"),
            Until::Sent { .. } => f.write_str("all to be sent"),
            Until::Tone { .. } => f.write_str("the tone to be heard"),
            Until::Event { name, headers } if headers.is_empty() => write!(f, "{name}"),
            Until::Event { name, headers } => {
                write!(f, "{name} with")?;
                headers.iter().try_for_each(|(header, pattern)| write!(f, " {header} =~ {pattern}"))
            }
            Until::Variables(wanted) => {
                let told: Vec<_> = wanted.iter().map(|(name, value)| format!("{name}={value}")).collect();
                f.write_str(&told.join(", "))
            }
            Until::Parked => f.write_str("the leg to be parked"),
            Until::Bridged(_) => f.write_str("the leg to be connected"),
            Until::Told(wanted) => {
                let told: Vec<_> = wanted.iter().map(|(name, value)| format!("{name} {value}")).collect();
                f.write_str(&told.join(", "))
            }
            Until::Digits(wanted) => write!(f, "the digits {}", wanted.digits),
            Until::RecordStopped(_) => f.write_str("the recording to be closed"),
            Until::InSync { .. } => f.write_str("a bit error test in sync"),
            Until::Holding { .. } => f.write_str("a bit error test that stays in sync"),
        }
    }
}

impl<'a> Start<'a> {
    pub(in crate::scenario) fn new(session: SessionId, ids: &'a mut Ids, playing: bool) -> Self {
        Start {
            session,
            ids,
            playing,
            commands: Vec::new(),
            record: None,
            stop_recording: false,
            note: None,
            leaves_park: false,
        }
    }

    /// Executes an application on the leg; gives the uuid by which its events are known.
    pub fn execute(&mut self, application: &str, argument: &str) -> String {
        let uuid = self.ids.uuid();
        self.commands.push(Command::execute(self.session.clone(), application, argument, &uuid));
        uuid
    }

    /// A name that nothing else has.
    pub fn name(&mut self) -> String {
        self.ids.uuid()
    }

    /// The leg is parked no more once the commands are carried out, until it is parked again.
    pub fn leave_park(&mut self) {
        self.leaves_park = true;
        self.playing = false;
    }

    /// Runs an API command.
    pub fn api(&mut self, line: &str) {
        self.commands.push(Command::api(line));
    }

    /// Runs an API command on the leg: `uuid_kill`, and what comes behind the uuid.
    pub fn api_on_leg(&mut self, name: &str, more: &str) {
        let line = format!("{name} {} {more}", self.session);
        self.commands.push(Command::api(line.trim_end()));
    }

    /// Ends what plays or echoes, so that something else can take its place: an application that is executed
    /// while another runs would only come on top of it.
    pub fn break_playing(&mut self) {
        if std::mem::take(&mut self.playing) {
            self.api_on_leg("uuid_break", "all");
        }
    }

    /// Records the leg.
    pub fn record(&mut self, recording: Recording) {
        self.record = Some(recording);
    }

    /// Ends the newest recording of the leg.
    pub fn stop_recording(&mut self) {
        self.stop_recording = true;
    }

    /// Leaves a line in the trace.
    pub fn note(&mut self, text: &str) {
        self.note = Some(text.to_owned());
    }
}
