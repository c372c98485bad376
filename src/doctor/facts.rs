//! What is known of a host before anybody judges it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::wav::Wav;
use crate::host::HostFacts;
use crate::units::Time;

/// All that an [`super::Exam`] found out.
#[derive(Debug, Default)]
pub struct Facts {
    /// As the user named the host.
    pub address: String,
    /// Whether its event socket is on this machine; `None` where its name tells no address.
    pub loopback: Option<bool>,
    /// Whether the password is the one that every FreeSWITCH comes with.
    pub default_password: bool,
    /// Tests that are to run side by side.
    pub slots: usize,
    /// The SIP profile that scenarios use.
    pub profile: String,
    pub contact: Contact,
    pub host: Option<Arc<HostFacts>>,
    pub answers: BTreeMap<Question, String>,
    /// The quickest reply to a command.
    pub round_trip: Option<Duration>,
    /// How much later than the fastest event the slowest came.
    pub lag: Duration,
    pub skew: Option<Skew>,
    pub call: Option<Call>,
}

/// How far we came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Contact {
    #[default]
    NotYet,
    /// Nobody answers at the address.
    Unreachable(String),
    /// Somebody answers, but not as an event socket does.
    Strange(String),
    /// The access list turned us away before a password was asked for.
    TurnedAway(String),
    WrongPassword(String),
    LoggedIn,
    /// It was lost in the middle of the examination.
    Lost(String),
}

/// What a host is asked; the answer is kept as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    Profile,
    Sessions,
    SessionRate,
    MaxSessions,
    SoundsFolder,
    SoundsThere,
    SwitchConf,
    /// Asked at the end.
    CallerLeft,
    CalleeLeft,
    RecordingLeft,
}

/// The host's clock against ours, in microseconds: positive where it is ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    pub ahead: i64,
    /// Half of the time in which the host could have set its stamp.
    pub uncertainty: Duration,
}

impl Skew {
    /// From a stamp that the host set after `before` and before `after`, both by our clock.
    pub fn between(before: Time, stamp: Time, after: Time) -> Skew {
        let middle = before + after.since(before) / 2;
        let ahead = stamp.as_micros().cast_signed().wrapping_sub(middle.as_micros().cast_signed());
        Skew { ahead, uncertainty: after.since(before) / 2 }
    }
}

/// What became of the probe call.
#[derive(Debug, Default)]
pub struct Call {
    /// Whom it called: `doctor-1a2b3c4d@127.0.0.1:5080`.
    pub to: String,
    /// The originate's error, if it failed.
    pub failed: Option<String>,
    /// The leg that came in, if one did.
    pub arrived: Option<Arrival>,
    /// Whether it did not end by itself in time.
    pub hung: bool,
    /// Where it was recorded on the host; `None` where the host does not tell its folder.
    pub path: Option<String>,
    /// What the host refused to record, in its words.
    pub record_refused: Option<String>,
    /// The recording as it was brought here.
    pub recording: Option<Result<Wav, String>>,
}

/// The leg of the probe call that came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    pub context: String,
    /// Whether it carried our tracking header.
    pub tracked: bool,
    /// Applications that the dialplan ran before it was parked.
    pub applications: Vec<String>,
    pub parked: bool,
    /// Whether it was answered before we did so.
    pub answered_by_other: bool,
    /// Why it ended before it was parked.
    pub ended: Option<String>,
}

impl Facts {
    pub fn is_embedded(&self) -> bool {
        self.has_module(crate::scenario::EMBEDDED_MODULE)
    }

    pub fn has_module(&self, module: &str) -> bool {
        self.host.as_ref().is_some_and(|host| host.modules.get(module) == Some(&true))
    }

    /// The answer to a question, unless it is an error.
    pub fn answer(&self, question: Question) -> Option<&str> {
        let text = self.answers.get(&question)?.trim();
        (!text.is_empty() && !text.starts_with("-ERR") && !text.starts_with("-USAGE")).then_some(text)
    }

    /// The leg of the probe call that came in, where that was parked.
    pub fn parked(&self) -> Option<&Arrival> {
        self.call.as_ref()?.arrived.as_ref().filter(|arrival| arrival.parked)
    }
}
