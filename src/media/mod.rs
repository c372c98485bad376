//! What a leg sends and hears: RTP (RFC 3550) with G.711 (RFC 3551) in frames of 20 ms.
//!
//! [`engine`] is the pure part: commands, packets and ticks in; packets, recorded samples and events out.
//! [`thread`] is its shell: one thread that owns the sockets of all legs and ticks them.
//!
//! Left out: RTCP, SRTP, comfort noise as packets (RFC 3389: such packets are heard as silence), mixing.

pub mod clip;
mod dtmf_tones;
pub mod engine;
mod jitter_buffer;
mod latch;
mod leg;
mod ports;
mod receiver;
mod record;
pub mod rtp;
mod sender;
mod source;
pub mod stats;
pub mod telephone_event;
#[cfg(test)]
mod tests;
pub mod thread;
mod tone_watch;
mod writer;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::audio::bert;
use crate::units::{Hertz, SampleRate, Time};

/// How often a leg sends and hears.
pub const FRAME: Duration = Duration::from_millis(20);

/// Samples of one [`FRAME`] at 8 kHz; in G.711 as many bytes.
pub const FRAME_SAMPLES: usize = 160;

/// One leg's media: a local RTP port and what flows through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(pub u64);

/// One playback on a leg, named by the switch core so that it knows which one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayId(pub u64);

/// One recording of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u64);

/// An audio encoding with a static payload type (RFC 3551 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    Pcmu,
    Pcma,
}

impl Codec {
    /// The name in SDP and in FreeSWITCH's events.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    /// The static RTP payload type.
    pub const fn payload_type(self) -> u8 {
        match self {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
        }
    }
}

/// What the switch tells the media of a leg.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaCommand {
    /// Reserves a local port; answered by [`MediaEvent::Opened`] or [`MediaEvent::OpenFailed`].
    Open { leg: LegId },
    /// Starts sending and hearing. Until then packets that arrive are thrown away. May come again (re-INVITE).
    /// `telephone_event` is the payload type of RFC 4733, if both sides agreed on one.
    Connect { leg: LegId, remote: SocketAddr, codec: Codec, telephone_event: Option<u8>, ssrc: u32 },
    /// Sends a source, once the leg is connected; it takes the place of one that is playing, which ends as [`PlayEnd::Replaced`].
    Play { leg: LegId, play: PlayId, source: Source },
    /// Ends the playback, as [`PlayEnd::Stopped`].
    StopPlay { leg: LegId },
    /// Sends back what is heard, or no longer does. A source that plays goes first.
    Echo { leg: LegId, on: bool },
    /// Sends the pattern of a bit error test and judges what is heard, once the leg is connected. What plays is ended as
    /// [`PlayEnd::Replaced`]; a playback or an echo that begins later goes first, and the test rests meanwhile.
    Bert { leg: LegId, settings: bert::Settings },
    /// Ends the bit error test.
    StopBert { leg: LegId },
    /// Puts silence in the place of what is sent, or of what is heard.
    Mute { leg: LegId, said: bool, heard: bool },
    /// Sends nothing, as the other side asked for (`a=sendonly`), or sends again.
    Pause { leg: LegId, on: bool },
    /// Each of two legs sends what the other hears, unless it plays something.
    Join { leg: LegId, other: LegId },
    /// Parts the leg from the one it is joined to.
    Unjoin { leg: LegId },
    /// Listens for a tone in what the leg hears; told once by [`MediaEvent::ToneDetected`].
    DetectTone { leg: LegId, name: String, frequency: Hertz },
    /// Listens for no tones any more.
    StopDetecting { leg: LegId },
    /// Writes what the leg hears and sends, while it is connected, into a WAV file; 20 ms for each tick.
    Record { leg: LegId, record: RecordId, path: PathBuf, tracks: Tracks, rate: SampleRate, limit: Option<Duration> },
    /// Ends a recording; answered by [`MediaEvent::RecordStopped`] once the file is whole.
    StopRecord { leg: LegId, record: RecordId },
    /// Sends digits as telephone events, one after the other; each waits for those before. Without a payload type for
    /// them they are not sent.
    SendDtmf { leg: LegId, items: Vec<DtmfItem> },
    /// Listens for digits in the audio that is heard, or no longer does; told by [`MediaEvent::Dtmf`].
    DetectDtmf { leg: LegId, on: bool },
    /// Sends digits as tones in place of what the leg says, or no longer does.
    GenerateDtmf { leg: LegId, on: bool },
    /// Gives the port back and ends what plays and records; answered by [`MediaEvent::Closed`].
    Close { leg: LegId },
}

impl MediaCommand {
    /// The leg it is for.
    pub const fn leg(&self) -> LegId {
        match self {
            MediaCommand::Open { leg }
            | MediaCommand::Connect { leg, .. }
            | MediaCommand::Play { leg, .. }
            | MediaCommand::StopPlay { leg }
            | MediaCommand::Echo { leg, .. }
            | MediaCommand::Bert { leg, .. }
            | MediaCommand::StopBert { leg }
            | MediaCommand::Mute { leg, .. }
            | MediaCommand::Pause { leg, .. }
            | MediaCommand::Join { leg, .. }
            | MediaCommand::Unjoin { leg }
            | MediaCommand::DetectTone { leg, .. }
            | MediaCommand::StopDetecting { leg }
            | MediaCommand::Record { leg, .. }
            | MediaCommand::StopRecord { leg, .. }
            | MediaCommand::SendDtmf { leg, .. }
            | MediaCommand::DetectDtmf { leg, .. }
            | MediaCommand::GenerateDtmf { leg, .. }
            | MediaCommand::Close { leg } => *leg,
        }
    }
}

/// What a recording holds. "Heard" is what the leg received, "said" what it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracks {
    Heard,
    Said,
    /// One channel with both added up.
    Mixed,
    /// Two channels: heard on the left, said on the right (FreeSWITCH's `RECORD_STEREO`).
    Stereo,
}

/// A part of what [`MediaCommand::SendDtmf`] sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtmfItem {
    Digit {
        digit: char,
        duration: Duration,
    },
    /// Before the next digit, beyond what is always between two.
    Pause(Duration),
}

/// Where a digit was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtmfSource {
    /// In telephone events (RFC 4733), once it is over.
    Rtp,
    /// In the audio, once it has lasted long enough to be one.
    Inband,
}

/// What can be sent into a leg.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// `tone_stream://` and what follows it: TGML text such as `%(251,0,1004);loops=-1`.
    Tone(String),
    /// `silence_stream://`: how long (`None`: endless), and the level of its comfort noise (0: true silence).
    Silence { length: Option<Duration>, noise_divisor: u32 },
    /// A WAV file, and the sample to start at (counted at 8 kHz).
    File { path: PathBuf, start: usize },
}

/// What the media of a leg tells the switch.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    Opened {
        leg: LegId,
        local: SocketAddr,
    },
    OpenFailed {
        leg: LegId,
        reason: String,
    },
    /// A source began to sound.
    PlayStarted {
        leg: LegId,
        play: PlayId,
    },
    /// A source came to its end. `samples` of it were sent, at 8 kHz.
    PlayEnded {
        leg: LegId,
        play: PlayId,
        end: PlayEnd,
        samples: u64,
    },
    /// A bit error test found something.
    Bert {
        leg: LegId,
        report: bert::Report,
    },
    RecordStarted {
        leg: LegId,
        record: RecordId,
    },
    /// A recording was closed. `samples` are per channel, at its rate.
    RecordStopped {
        leg: LegId,
        record: RecordId,
        samples: u64,
        end: RecordEnd,
    },
    /// The tone that was listened for is there.
    ToneDetected {
        leg: LegId,
        name: String,
    },
    /// A digit came. How long one in the audio lasts is not known yet: `None`.
    Dtmf {
        leg: LegId,
        digit: char,
        duration: Option<Duration>,
        source: DtmfSource,
    },
    /// The port is free again; what was counted on the leg.
    Closed {
        leg: LegId,
        stats: Box<LegStats>,
    },
}

/// How a playback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayEnd {
    /// The source has no more.
    Done,
    Stopped,
    Replaced,
    /// The file is missing or the text does not parse.
    Failed(String),
}

/// How a recording ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordEnd {
    Stopped,
    /// Its time limit was reached.
    Limit,
    /// The leg ended first.
    LegClosed,
    Failed(String),
}

/// Counts of one leg's RTP, in packets and bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegStats {
    pub received_packets: u64,
    /// Of these, the telephone events (RFC 4733).
    pub received_telephone_events: u64,
    /// With the RTP header, as FreeSWITCH counts them.
    pub received_bytes: u64,
    pub sent_packets: u64,
    /// Of these, the telephone events.
    pub sent_telephone_events: u64,
    pub sent_bytes: u64,
    /// Ticks at which nothing was there to hear.
    pub skipped_packets: u64,
    /// Gaps in the sequence numbers received.
    pub lost_packets: u64,
    pub reordered_packets: u64,
    pub duplicate_packets: u64,
    /// Interarrival jitter (RFC 3550 A.8).
    pub jitter: Duration,
    /// Mean time between packets, in milliseconds, once the stream has settled.
    pub mean_interval: f64,
    /// Variance of that time, in squared milliseconds: the least and the greatest there was.
    pub interval_variance: (f64, f64),
    pub first_received: Option<Time>,
    /// Packets that were sent later than a whole frame after they were due.
    pub late_ticks: u64,
}
