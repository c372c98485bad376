//! `send_dtmf`: digits to the other side, as telephone events, tones or SIP INFO.

use std::fmt;
use std::time::Duration;

use super::{Begun, Facts, LONGEST, Start, Step, StepVariant, Until, boxed};
use crate::audio::dtmf::tones;
use crate::media::telephone_event::BETWEEN_DIGITS;
use crate::scenario::mapping::{default, mapping, optional, required};
use crate::scenario::scalar::{duration, level, token, word};
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;
use crate::units::{Dbm0, human};

/// Sends digits one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct SendDtmf {
    pub digits: String,
    pub mode: Mode,
    /// How long each lasts.
    pub tone: Duration,
    /// Between two, in-band. Otherwise the switch keeps its own pace.
    pub gap: Duration,
    /// Of each of the two tones, in-band.
    pub level: Dbm0,
}

/// How digits travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As telephone events in RTP (RFC 4733, formerly RFC 2833).
    Rfc4733,
    /// As tones in the audio.
    Inband,
    /// As SIP INFO, `application/dtmf-relay`.
    Info,
}

impl Mode {
    /// What `DTMF-Source` calls it.
    pub fn source(self) -> &'static str {
        match self {
            Mode::Rfc4733 => "RTP",
            Mode::Inband => "INBAND_AUDIO",
            Mode::Info => "ENDPOINT",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Rfc4733 => "rfc4733",
            Mode::Inband => "inband",
            Mode::Info => "info",
        })
    }
}

/// Length of tones and gaps where nothing is said.
const TONE: Duration = Duration::from_millis(100);
const GAP: Duration = Duration::from_millis(100);
const LEVEL: Dbm0 = Dbm0(-10.0);

/// A switch takes what is no longer than this for its default of 250 ms.
const SHORTEST_EVENT: Duration = Duration::from_millis(50);

/// Silence before tones, in which the one who listens begins to.
const LEAD: Duration = Duration::from_millis(100);

/// How long the last digit may be on its way before the step is over.
const TAIL: Duration = Duration::from_millis(100);

/// What a digit's length and its beginning are rounded to.
const A_TICK: Duration = Duration::from_millis(20);

/// The keys as they stand.
struct Keys {
    digits: String,
    mode: Mode,
    tone: Duration,
    gap: Option<Duration>,
    level: Option<Dbm0>,
}

pub(super) fn variant() -> StepVariant {
    Variant::new("send_dtmf", "Sends digits to the other side; the next step follows when the last one is sent.")
        .with(shape().map(boxed))
}

/// One digit or several.
pub(in crate::scenario) fn digits() -> Shape<String> {
    // A command takes no more than 99 characters of them, with their duration.
    token("digits, each one of 0-9, *, # and A-D", "^[0-9A-Da-d*#]{1,80}$").map(|digits| digits.to_ascii_uppercase())
}

/// How digits travel.
pub(in crate::scenario) fn mode() -> Shape<Mode> {
    word(&[("rfc4733", Mode::Rfc4733), ("inband", Mode::Inband), ("info", Mode::Info)])
}

fn shape() -> Shape<SendDtmf> {
    let bare = digits().map(SendDtmf::events);
    let full = mapping!(Keys {
        digits: required("digits", digits(), "The digits, in quotation marks: `\"0123\"`."),
        mode: default(
            "mode",
            mode(),
            Mode::Rfc4733,
            "rfc4733",
            "How they travel; `info` needs a call without telephone events: `vars: { dtmf_type: info }`."
        ),
        tone: default("tone", duration(), TONE, "100ms", "How long each lasts; more than 50ms unless in-band."),
        gap: optional(
            "gap",
            duration(),
            "Silence between two, in-band; 100ms. Otherwise the switch keeps its own pace."
        ),
        level: optional("level", level(), "Level of each of the two tones, in-band; -10dBm0."),
    })
    .and_then(|keys, node, reading| {
        let Keys { digits, mode, tone, gap, level } = keys;
        if mode != Mode::Inband {
            let mut right = true;
            for key in ["gap", "level"] {
                if let Some(given) = node.entry(key) {
                    let diagnostic = reading.error(&given.key_span, format!("`{key}` goes only with `mode: inband`"));
                    diagnostic.help = "the switch itself paces digits that are no tones".to_owned();
                    right = false;
                }
            }
            if tone <= SHORTEST_EVENT {
                let span = node.entry("tone").map_or(&node.span, |given| &given.value.span);
                let diagnostic = reading.error(span, format!("a digit of {} is too short to be sent", human(tone)));
                diagnostic.label = "more than 50ms".to_owned();
                diagnostic.help =
                    "FreeSWITCH sends its default of 250ms in its place; tones (`mode: inband`) may be shorter"
                        .to_owned();
                right = false;
            }
            if !right {
                return None;
            }
        }
        Some(SendDtmf { digits, mode, tone, gap: gap.unwrap_or(GAP), level: level.unwrap_or(LEVEL) })
    });
    bare.or(full).expects("digits such as `\"123#\"`, or a mapping with `digits`")
}

impl SendDtmf {
    /// Digits as telephone events of the usual length.
    pub fn events(digits: impl Into<String>) -> SendDtmf {
        SendDtmf { digits: digits.into(), mode: Mode::Rfc4733, tone: TONE, gap: GAP, level: LEVEL }
    }

    /// How long it takes until the last digit is sent.
    fn takes(&self) -> Duration {
        let count = u32::try_from(self.digits.len()).unwrap_or(u32::MAX);
        let row = |tone: Duration, gap: Duration| tone.saturating_mul(count).saturating_add(gap.saturating_mul(count));
        match self.mode {
            Mode::Rfc4733 => row(self.tone + A_TICK, BETWEEN_DIGITS).saturating_sub(BETWEEN_DIGITS) + TAIL,
            Mode::Inband => LEAD.saturating_add(row(self.tone, self.gap)),
            Mode::Info => Duration::ZERO,
        }
    }

    /// The same, if the switch hurries.
    fn takes_least(&self) -> Duration {
        let count = u32::try_from(self.digits.len()).unwrap_or(u32::MAX);
        let gaps = BETWEEN_DIGITS.mul_f64(0.8).saturating_mul(count.saturating_sub(1));
        self.tone.saturating_sub(A_TICK).saturating_mul(count).saturating_add(gaps)
    }

    /// What a switch plays, in FreeSWITCH's tone language.
    fn sound(&self) -> String {
        let (on, off) = (self.tone.as_millis(), self.gap.as_millis());
        let tone = |digit: char| {
            let (low, high) = tones(digit)?;
            Some(format!("%({on},{off},{},{})", low.0, high.0))
        };
        let tones: Vec<_> = self.digits.chars().filter_map(tone).collect();
        format!(
            "file_string://silence_stream://{}!tone_stream://v={};{}",
            LEAD.as_millis(),
            self.level.0.min(0.0),
            tones.join(";")
        )
    }
}

impl Step for SendDtmf {
    fn kind(&self) -> &'static str {
        "send_dtmf"
    }

    fn describe(&self) -> String {
        format!("send DTMF {} ({}, {} each)", self.digits, self.mode, human(self.tone))
    }

    fn facts(&self) -> Facts {
        Facts { takes: self.takes(), ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        match self.mode {
            Mode::Inband => {
                start.break_playing();
                let uuid = start.execute("playback", &self.sound());
                Until::Completed(uuid).within(LONGEST)
            }
            Mode::Rfc4733 | Mode::Info => {
                if self.mode == Mode::Info {
                    start.api_on_leg("uuid_setvar", "dtmf_type info");
                }
                start.api_on_leg("uuid_send_dtmf", &format!("{}@{}", self.digits, self.tone.as_millis()));
                match self.mode {
                    Mode::Info => Until::Replied.into(),
                    // Whoever has heard the last digit may hang up at once.
                    _ => Until::Sent { least: self.takes_least() }.within(self.takes()),
                }
            }
        }
    }
}
