//! One channel: what FreeSWITCH knows of a session, and what this switch needs beside it.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::call::HangupCause;
use crate::id::SessionId;
use crate::media::{Codec, LegId, RecordId};
use crate::sip::DialogId;
use crate::sip::sdp::Negotiated;
use crate::units::Time;

use super::dp::{Frame, SendMsg};
use super::dtmf::Digit;
use super::originate::OriginateId;
use super::variables::Variables;

/// State of a channel (`switch_channel_state_t`). Some are none that this switch enters: their numbers count.
#[expect(dead_code, reason = "they keep the numbers of the others right")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    New,
    Init,
    Routing,
    SoftExecute,
    Execute,
    ExchangeMedia,
    Park,
    ConsumeMedia,
    Hibernate,
    Reset,
    Hangup,
    Reporting,
    Destroy,
    None,
}

impl State {
    /// The name in `Channel-State`.
    pub const fn name(self) -> &'static str {
        match self {
            State::New => "CS_NEW",
            State::Init => "CS_INIT",
            State::Routing => "CS_ROUTING",
            State::SoftExecute => "CS_SOFT_EXECUTE",
            State::Execute => "CS_EXECUTE",
            State::ExchangeMedia => "CS_EXCHANGE_MEDIA",
            State::Park => "CS_PARK",
            State::ConsumeMedia => "CS_CONSUME_MEDIA",
            State::Hibernate => "CS_HIBERNATE",
            State::Reset => "CS_RESET",
            State::Hangup => "CS_HANGUP",
            State::Reporting => "CS_REPORTING",
            State::Destroy => "CS_DESTROY",
            State::None => "CS_NONE",
        }
    }

    /// The number in `Channel-State-Number`.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// `Channel-Call-State` (`switch_channel_callstate_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    Down = 0,
    Ringing = 2,
    Early = 3,
    Active = 4,
    Held = 5,
    Hangup = 7,
    Unheld = 8,
}

impl CallState {
    pub const fn name(self) -> &'static str {
        match self {
            CallState::Down => "DOWN",
            CallState::Ringing => "RINGING",
            CallState::Early => "EARLY",
            CallState::Active => "ACTIVE",
            CallState::Held => "HELD",
            CallState::Hangup => "HANGUP",
            CallState::Unheld => "UNHELD",
        }
    }

    /// The number in `Channel-Call-State-Number`.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// `Answer-State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswerState {
    Ringing,
    Early,
    Answered,
    Hangup,
}

impl AnswerState {
    pub const fn name(self) -> &'static str {
        match self {
            AnswerState::Ringing => "ringing",
            AnswerState::Early => "early",
            AnswerState::Answered => "answered",
            AnswerState::Hangup => "hangup",
        }
    }
}

/// Who called whom: `Call-Direction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Inbound,
    Outbound,
}

impl Direction {
    pub const fn name(self) -> &'static str {
        match self {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        }
    }
}

/// The `Caller-*` headers.
#[derive(Clone, Debug, Default)]
pub struct CallerProfile {
    pub username: String,
    pub dialplan: String,
    pub caller_id_name: String,
    pub caller_id_number: String,
    pub orig_caller_id_name: String,
    pub orig_caller_id_number: String,
    pub callee_id_name: String,
    pub callee_id_number: String,
    pub network_addr: String,
    pub ani: String,
    pub destination_number: String,
    pub source: String,
    pub context: String,
    pub created: Time,
}

/// The leg that a channel is placed for or connected to, as its own events tell of it: the `Other-Leg-*` headers.
#[derive(Clone, Debug)]
pub struct OtherLeg {
    pub role: OtherRole,
    pub uuid: SessionId,
    pub name: String,
    pub direction: Direction,
    pub profile: CallerProfile,
    pub times: Times,
}

/// `Other-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherRole {
    Originator,
    Originatee,
}

impl OtherRole {
    pub const fn name(self) -> &'static str {
        match self {
            OtherRole::Originator => "originator",
            OtherRole::Originatee => "originatee",
        }
    }
}

/// When things happened on a channel; `None` reads 0 in events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub created: Time,
    pub answered: Option<Time>,
    pub progress: Option<Time>,
    pub progress_media: Option<Time>,
    pub hungup: Option<Time>,
    pub bridged: Option<Time>,
    pub last_hold: Option<Time>,
    /// Time on hold so far.
    pub held: std::time::Duration,
}

/// How far a channel's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Still alive.
    No,
    /// Hung up; what runs on it is being ended.
    Unwinding,
    /// Its media is being closed.
    Closing,
    /// Over, but for a client that lingers.
    Held,
}

/// One recording of a channel.
#[derive(Clone, Debug)]
pub struct Recording {
    pub id: RecordId,
    pub path: String,
    /// Samples per second of the file.
    pub rate: u32,
}

/// The local side of a leg's media.
#[derive(Clone, Debug)]
pub struct MediaSide {
    pub leg: LegId,
    /// Our RTP socket; known once it is open.
    pub local: Option<SocketAddr>,
    /// Number in the `o=` line, and how often our description changed.
    pub session: u64,
    pub version: u64,
    /// Where the other side wants its RTP.
    pub remote: Option<SocketAddr>,
    pub codec: Option<Codec>,
    /// What was agreed with the other side.
    pub agreed: Option<Negotiated>,
    /// Whether RTP flows.
    pub flow: Flow,
}

/// Whether RTP flows on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Stopped,
    Connected,
}

/// How a SIP dialog of ours ended, which `sip_hangup_disposition` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogEnd {
    /// Nobody ended it yet.
    Open,
    /// The other side, or we with a final response of our own.
    Ended,
}

/// One session of this switch.
#[derive(Debug)]
pub struct Channel {
    pub uuid: SessionId,
    pub name: String,
    pub direction: Direction,
    /// The state whose handlers run (`Channel-State`).
    pub running: State,
    /// The state that comes next (`Channel-State-Number`).
    pub state: State,
    pub call_state: CallState,
    pub answer_state: AnswerState,
    pub hit_dialplan: HitDialplan,
    pub profile: Option<CallerProfile>,
    pub times: Times,
    pub variables: Variables,
    /// Whether events name a codec.
    pub codec_shown: Option<Codec>,
    pub hangup_cause: Option<HangupCause>,
    pub dialog: Option<DialogId>,
    pub dialog_end: DialogEnd,
    pub media: MediaSide,
    /// The applications that run, the newest last: one sent by `sendmsg` runs on top of what it interrupts.
    pub stack: Vec<Frame>,
    /// Applications sent by `sendmsg` that wait.
    pub queue: VecDeque<SendMsg>,
    /// What the dialplan or the originate gave it to do, in order.
    pub applications: VecDeque<(String, String)>,
    /// `last_app` and `last_arg`.
    pub last_application: Option<(String, String)>,
    pub recordings: Vec<Recording>,
    /// Digits that came and were not told of yet.
    pub digits: VecDeque<Digit>,
    /// All digits that were told of (`digits_dialed`).
    pub dialed: String,
    /// Digits that wait to be sent by INFO, each for the answer to the one before, so that none overtakes another.
    pub infos: VecDeque<String>,
    /// The media bug that listens for digits in the audio (`Media-Bug-Function`).
    pub detects: Option<&'static str>,
    /// How the digits go that it sends.
    pub digits_sent: DigitsSent,
    pub ending: Ending,
    /// The originate that waits for this channel.
    pub originate: Option<OriginateId>,
    /// Whether 180 was sent.
    pub ringing_sent: RingingSent,
    /// Who holds whom.
    pub hold: Hold,
    /// What `uuid_audio` put silence in the place of.
    pub muted: Muted,
    /// Where it goes once the client is gone that it serves.
    pub transfer: Option<Transfer>,
    /// The channel that it is bridged to, or that it is placed for.
    pub peer: Option<u64>,
    pub other: Option<Box<OtherLeg>>,
}

/// Where a channel is transferred to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub extension: String,
    pub dialplan: Option<String>,
    pub context: Option<String>,
}

/// Who put the call on hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    No,
    /// We the other side.
    Ours,
    /// The other side us.
    Theirs,
}

/// How digits go to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitsSent {
    /// As `dtmf_type` says.
    AsAgreed,
    /// As tones in what is said (`start_dtmf_generate write`).
    AsTones,
}

/// What is silenced on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muted {
    Nothing,
    Heard,
    Said,
}

/// `Channel-HIT-Dialplan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitDialplan {
    Yes,
    No,
}

/// Whether 180 was sent on a received call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingingSent {
    Yes,
    No,
}

impl Channel {
    /// A channel in CS_NEW without profile and variables.
    pub fn new(uuid: SessionId, number: u64, direction: Direction, leg: LegId, now: Time) -> Self {
        let mut variables = Variables::default();
        variables.set("direction", direction.name());
        if direction == Direction::Outbound {
            variables.set("is_outbound", "true");
        }
        variables.set("uuid", uuid.as_str());
        variables.set("call_uuid", uuid.as_str());
        variables.set("session_id", number.to_string());
        Channel {
            uuid,
            name: "N/A".to_owned(),
            direction,
            running: State::None,
            state: State::New,
            call_state: CallState::Down,
            answer_state: AnswerState::Ringing,
            hit_dialplan: HitDialplan::No,
            profile: None,
            times: Times { created: now, ..Times::default() },
            variables,
            codec_shown: None,
            hangup_cause: None,
            dialog: None,
            dialog_end: DialogEnd::Open,
            media: MediaSide {
                leg,
                local: None,
                session: 0,
                version: 1,
                remote: None,
                codec: None,
                agreed: None,
                flow: Flow::Stopped,
            },
            stack: Vec::new(),
            queue: VecDeque::new(),
            applications: VecDeque::new(),
            last_application: None,
            recordings: Vec::new(),
            digits: VecDeque::new(),
            dialed: String::new(),
            infos: VecDeque::new(),
            detects: None,
            digits_sent: DigitsSent::AsAgreed,
            ending: Ending::No,
            originate: None,
            ringing_sent: RingingSent::No,
            hold: Hold::No,
            muted: Muted::Nothing,
            transfer: None,
            peer: None,
            other: None,
        }
    }

    /// What the events of the other leg tell of this one.
    pub fn as_other(&self, role: OtherRole) -> Box<OtherLeg> {
        let profile = self.profile.clone().unwrap_or_default();
        let (profile, times) = match role {
            // FreeSWITCH copies a profile without its times.
            OtherRole::Originator => (CallerProfile { created: Time::default(), ..profile }, Times::default()),
            OtherRole::Originatee => (profile, self.times),
        };
        Box::new(OtherLeg {
            role,
            uuid: self.uuid.clone(),
            name: self.name.clone(),
            direction: self.direction,
            profile,
            times,
        })
    }

    /// Whether nothing hung it up yet (`switch_channel_ready`).
    pub fn is_up(&self) -> bool {
        self.ending == Ending::No
    }

    /// Payload type of RFC 4733, when both sides have it.
    pub fn telephone_event(&self) -> Option<u8> {
        self.media.agreed.as_ref().and_then(|agreed| agreed.telephone_event)
    }

    /// Whether audio can be sent and heard.
    pub fn has_media(&self) -> bool {
        self.media.flow == Flow::Connected
    }

    /// The value of variable `name`, or of a field of the caller profile by that name, as applications see it.
    pub fn value(&self, name: &str) -> Option<String> {
        if let Some(value) = self.variables.value(name) {
            return Some(value.to_owned());
        }
        let profile = self.profile.as_ref()?;
        let text = match name {
            "caller_id_name" => &profile.caller_id_name,
            "caller_id_number" => &profile.caller_id_number,
            "callee_id_name" => &profile.callee_id_name,
            "callee_id_number" => &profile.callee_id_number,
            "destination_number" => &profile.destination_number,
            "network_addr" => &profile.network_addr,
            "ani" => &profile.ani,
            "username" => &profile.username,
            "dialplan" => &profile.dialplan,
            "context" => &profile.context,
            "source" => &profile.source,
            "chan_name" | "channel_name" => &self.name,
            "uuid" => return Some(self.uuid.to_string()),
            _ => return None,
        };
        if text.is_empty() { None } else { Some(text.clone()) }
    }
}
