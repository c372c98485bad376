//! Dialplan applications: one file each, [`APPLICATIONS`] lists them.

mod answer;
mod bert_test;
mod r#break;
mod bridge;
mod deflect;
mod echo;
mod endless_playback;
mod export;
mod gentones;
mod hangup;
mod info;
mod log;
mod multiset;
mod park;
pub(super) mod playback;
mod pre_answer;
mod queue_dtmf;
pub(super) mod record_session;
mod respond;
mod ring_ready;
mod send_dtmf;
mod set;
mod sleep;
pub(super) mod socket;
mod start_dtmf;
mod start_dtmf_generate;
mod stop_record_session;
mod stop_tone_detect;
mod tone_detect;
mod transfer;
mod unset;

use crate::esl::wire;
use crate::media::{PlayId, RecordId, Source as Sound};
use crate::units::Time;

use super::core::{ChannelKey, ConnId, SwitchCore};
use socket::Dial;

use std::collections::VecDeque;

/// One application of the dialplan.
pub struct Application {
    pub name: &'static str,
    run: fn(&mut SwitchCore, ChannelKey, &str) -> Doing,
}

/// Every application that this switch has.
pub static APPLICATIONS: &[Application] = &[
    answer::APPLICATION,
    bert_test::APPLICATION,
    r#break::APPLICATION,
    bridge::APPLICATION,
    deflect::APPLICATION,
    echo::APPLICATION,
    endless_playback::APPLICATION,
    export::APPLICATION,
    gentones::APPLICATION,
    hangup::APPLICATION,
    info::APPLICATION,
    log::APPLICATION,
    multiset::APPLICATION,
    park::APPLICATION,
    playback::APPLICATION,
    pre_answer::APPLICATION,
    queue_dtmf::APPLICATION,
    record_session::APPLICATION,
    respond::APPLICATION,
    ring_ready::APPLICATION,
    send_dtmf::APPLICATION,
    set::APPLICATION,
    sleep::APPLICATION,
    socket::APPLICATION,
    start_dtmf::SPANDSP_START,
    start_dtmf::SPANDSP_STOP,
    start_dtmf::START,
    start_dtmf::STOP,
    start_dtmf_generate::START,
    start_dtmf_generate::STOP,
    stop_record_session::APPLICATION,
    stop_tone_detect::APPLICATION,
    tone_detect::APPLICATION,
    transfer::APPLICATION,
    unset::APPLICATION,
];

impl Application {
    /// The application called `name`, in any case.
    pub fn named(name: &str) -> Option<&'static Application> {
        APPLICATIONS.iter().find(|application| application.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn run(&self, core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
        (self.run)(core, key, argument)
    }
}

/// What a running application waits for.
#[derive(Debug)]
pub enum Doing {
    /// Nothing: it is done.
    Done,
    /// Until the channel is hung up or taken elsewhere.
    Park,
    /// Until the channel is hung up or a break.
    Echo,
    /// Until a time; `nap` names the timer.
    Sleep {
        nap: u64,
        until: Time,
    },
    Playback(Box<Playback>),
    /// Until the channel is hung up or taken elsewhere.
    Bert(OnError),
    /// Until the call that it placed is answered.
    Bridging,
    /// Until one of the two legs ends.
    Bridged,
    /// Until the other side tells what came of a REFER.
    Deflect,
    /// Until a recording has begun, or could not.
    RecordStart(RecordId),
    /// Until these recordings are closed.
    RecordStop(Vec<RecordId>),
    /// Until a connection is there, or cannot be.
    Dialing(Box<Dial>),
    /// Until the client that controls the session goes away: what it has the session do runs on top.
    Controlled(ConnId),
    /// Until the client that will control the session says `connect`; then it is parked.
    Awaiting(ConnId),
    /// Was parked, until what runs on top is done.
    Unparked,
}

/// What a bit error test does when there is no sync in time, or sync is lost (`bert_hangup_on_error`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    GoOn,
    HangUp,
}

/// One run of an application.
#[derive(Debug)]
pub struct Frame {
    pub application: &'static str,
    /// The argument with its variables expanded.
    pub argument: String,
    /// `Application-UUID`.
    pub uuid: String,
    /// `Application-UUID-Name`.
    pub uuid_name: String,
    pub from: Source,
    pub doing: Doing,
}

/// Who had an application run.
#[derive(Debug)]
pub enum Source {
    /// The dialplan, or the originate.
    Dialplan,
    /// The state of the channel: no EXECUTE events tell of it.
    State,
    /// A `sendmsg`.
    Message(Box<Sent>),
}

/// A `sendmsg` whose application runs.
#[derive(Debug)]
pub struct Sent {
    pub message: SendMsg,
    /// How often it ran, with this time.
    pub turn: i64,
    pub announce: Announce,
    pub begun: Time,
    /// A break ends all loops.
    pub broken: Broken,
    /// The client that waits for its end.
    pub awaited_by: Option<ConnId>,
}

/// Whether PRIVATE_COMMAND tells of a `sendmsg` once it is done: not when a parked channel without media took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announce {
    Yes,
    No,
}

/// Whether something broke an application off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    Yes,
    No,
}

/// What a `sendmsg` says.
#[derive(Clone, Debug)]
pub struct SendMsg {
    /// `call-command`.
    pub command: String,
    /// `execute-app-name`.
    pub application: String,
    /// `execute-app-arg`.
    pub argument: String,
    /// `loops`; below 0: for ever.
    pub loops: i64,
    /// `Event-UUID`, which becomes `Application-UUID`.
    pub event_uuid: Option<String>,
    pub event_uuid_name: Option<String>,
    /// Whether nothing else may run before this is done.
    pub event_lock: bool,
    pub hangup_cause: Option<String>,
    /// As it came, which PRIVATE_COMMAND repeats.
    pub request: wire::Frame,
}

/// A playback that runs: one track or several.
#[derive(Debug)]
pub struct Playback {
    pub play: PlayId,
    pub track: Track,
    pub rest: VecDeque<Track>,
    pub phase: Phase,
    pub repeat: Repeat,
}

impl Playback {
    /// Whether it was told to end and its end is awaited.
    pub fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping(_) | Phase::Unheard)
    }
}

/// One thing to play.
#[derive(Clone, Debug)]
pub struct Track {
    /// `Playback-File-Path`.
    pub path: String,
    /// `Playback-File-Type`, for what is no file.
    pub kind: &'static str,
    pub sound: Sound,
}

/// How far a playback is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Stopped before it sounded.
    Unheard,
    Starting,
    Playing,
    /// Another playback runs on top of it.
    Suspended,
    /// Goes on after it was suspended.
    Resuming,
    /// Has ended below another application, and is done when that is.
    Finished,
    Stopping(Stop),
}

/// Why a playback was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Break,
    /// A digit of `playback_terminators` came.
    Digit,
    Hangup,
}

/// Whether a playback begins again at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Once,
    Endless,
}
