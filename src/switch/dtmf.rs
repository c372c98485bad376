//! Digits of a channel: what it sends and how, and what it tells of those that it gets.

use std::time::Duration;

use crate::media::{DtmfItem, DtmfSource, LegId, MediaCommand};
use crate::sip::{DialogId, Message, SipCommand};
use crate::units::SampleRate;

use super::channel::DigitsSent;
use super::core::{ChannelKey, SwitchCore};
use super::dp::{Doing, Stop};
use super::events::origin;

/// How long a digit lasts that says nothing else, and the shortest and longest that are taken
/// (`SWITCH_DEFAULT_DTMF_DURATION` and those beside it).
const DEFAULT: Duration = Duration::from_millis(250);
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(24);

/// FreeSWITCH sends no more at once.
const MOST: usize = 99;

/// `w` and `W` in what is sent.
const SHORT_PAUSE: Duration = Duration::from_millis(500);
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// A digit that came, and whence (`DTMF-Source`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit {
    pub digit: char,
    pub duration: Duration,
    pub source: &'static str,
}

/// What became of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Some,
    /// There was none to take.
    None,
    /// There was none, and what there was is none.
    Bad,
}

/// Reads `123@200+45`: parts joined by `+`, each with its duration in milliseconds behind `@`; with `~` before it all.
/// What is no digit is left out. Gives how many characters were left out as well.
fn parse(text: &str) -> (Vec<DtmfItem>, usize) {
    let mut items = Vec::new();
    let mut bad = 0;
    for part in text.strip_prefix('~').unwrap_or(text).split('+') {
        let (digits, duration) = part.split_once('@').unwrap_or((part, ""));
        let number: String = duration.trim().chars().take_while(char::is_ascii_digit).collect();
        let asked = number.parse().map(Duration::from_millis).ok().filter(|asked| *asked > SHORTEST);
        let duration = asked.unwrap_or(DEFAULT).min(LONGEST);
        for digit in digits.chars() {
            match digit {
                'w' => items.push(DtmfItem::Pause(SHORT_PAUSE)),
                'W' => items.push(DtmfItem::Pause(LONG_PAUSE)),
                '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d' => items.push(DtmfItem::Digit { digit, duration }),
                _ => bad += 1,
            }
        }
    }
    (items, bad)
}

/// A duration as FreeSWITCH counts it: samples of 8 kHz.
fn samples(duration: Duration) -> String {
    SampleRate::NARROW.samples(duration).to_string()
}

impl SwitchCore {
    /// Sends digits to the other side of a channel (`switch_core_session_send_dtmf_string`).
    pub(super) fn send_dtmf(&mut self, key: ChannelKey, text: &str) -> Taken {
        if text.is_empty() || text.len() > MOST || self.channel(key).is_none_or(|channel| !channel.is_up()) {
            return Taken::None;
        }
        // A channel without media sends nothing; FreeSWITCH tries to answer it early.
        let media = self.pre_answer(key).is_ok();
        let (items, _) = parse(text);
        if items.is_empty() {
            return Taken::None;
        }
        let Some(channel) = self.channel(key) else { return Taken::None };
        let (leg, dialog) = (channel.media.leg, channel.dialog);
        let kind = channel.variables.value("dtmf_type").unwrap_or("rfc2833").to_ascii_lowercase();
        let lasts = |item: &DtmfItem| match item {
            DtmfItem::Digit { duration, .. } => *duration + DEFAULT,
            DtmfItem::Pause(length) => *length + DEFAULT,
        };
        let total: Duration = items.iter().map(lasts).sum();
        channel.variables.set("last_dtmf_duration", total.as_millis().to_string());
        let as_tones = channel.digits_sent == DigitsSent::AsTones;
        match (kind.as_str(), dialog) {
            _ if media && as_tones => {
                for item in &items {
                    if let &DtmfItem::Digit { digit, duration } = item {
                        let (digit, duration) = (digit.to_string(), samples(duration));
                        let tail = [
                            ("DTMF-Digit", digit.as_str()),
                            ("DTMF-Duration", &duration),
                            ("DTMF-Source", "APP"),
                            ("DTMF-Conversion", "native:inband"),
                        ];
                        self.fire_channel(key, "DTMF", origin::DTMF_GENERATED, &[], &tail);
                    }
                }
                self.media(MediaCommand::SendDtmf { leg, items });
            }
            ("none", _) => {}
            ("info", Some(dialog)) => {
                let idle = channel.infos.is_empty();
                // FreeSWITCH sleeps through a pause, and all its command with it; here the digits just follow.
                for item in items {
                    if let DtmfItem::Digit { digit, duration } = item {
                        channel.infos.push_back(format!("Signal={digit}\r\nDuration={}\r\n", duration.as_millis()));
                    }
                }
                if idle {
                    self.send_info(key, dialog);
                }
            }
            _ if media => self.media(MediaCommand::SendDtmf { leg, items }),
            _ => {}
        }
        Taken::Some
    }

    /// Sends the oldest digit that waits; it stays at the front until it is answered.
    fn send_info(&mut self, key: ChannelKey, dialog: DialogId) {
        let Some(body) = self.channel(key).and_then(|channel| channel.infos.front().cloned()) else { return };
        let content_type = "application/dtmf-relay".to_owned();
        self.sip(SipCommand::Info { dialog, content_type, body });
    }

    /// An INFO of ours was answered, well or not: the next digit may follow.
    pub(super) fn info_answered(&mut self, dialog: DialogId) {
        let Some(&key) = self.by_dialog.get(&dialog) else { return };
        if let Some(channel) = self.channel(key) {
            channel.infos.pop_front();
        }
        self.send_info(key, dialog);
    }

    /// Gives a channel digits as if the other side had sent them (`switch_channel_queue_dtmf_string`).
    pub(super) fn queue_dtmf(&mut self, key: ChannelKey, text: &str) -> Taken {
        let (items, bad) = parse(text);
        let mut taken = if bad > 0 || text.is_empty() { Taken::Bad } else { Taken::None };
        for item in items {
            if let DtmfItem::Digit { digit, duration } = item {
                self.digit_came(key, Digit { digit, duration, source: "APP" });
                taken = Taken::Some;
            }
        }
        taken
    }

    /// The media heard a digit.
    pub(super) fn digit_heard(
        &mut self,
        LegId(key): LegId,
        digit: char,
        duration: Option<Duration>,
        source: DtmfSource,
    ) {
        let source = match source {
            DtmfSource::Rtp => "RTP",
            DtmfSource::Inband => "INBAND_AUDIO",
        };
        self.digit_came(key, Digit { digit, duration: duration.unwrap_or(DEFAULT), source });
    }

    /// An INFO came: `application/dtmf-relay` or `application/dtmf`. It counts only where digits were agreed to come so.
    pub(super) fn info_came(&mut self, key: ChannelKey, info: &Message) {
        let kind = info.header("Content-Type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let value = |name: &str| {
            let line = info.body.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
            Some(line.split_once('=')?.1.trim())
        };
        let (signal, duration) = match kind.as_str() {
            "application/dtmf-relay" => (value("signal"), value("duration")),
            "application/dtmf" => (Some(info.body.trim()), None),
            _ => return,
        };
        let digit = match signal {
            Some("10") => Some('*'),
            Some("11") => Some('#'),
            Some(signal) => signal.chars().next(),
            None => None,
        };
        let Some(digit @ ('0'..='9' | '*' | '#' | 'A'..='D')) = digit else { return };
        let duration = duration.and_then(|text| text.parse().ok()).map(Duration::from_millis).filter(|d| !d.is_zero());
        let Some(channel) = self.channel(key) else { return };
        let agreed = channel.variables.value("dtmf_type").is_some_and(|kind| kind.eq_ignore_ascii_case("info"));
        if agreed || channel.variables.is_true("rtp_liberal_dtmf") {
            self.digit_came(key, Digit { digit, duration: duration.unwrap_or(DEFAULT), source: "ENDPOINT" });
        }
    }

    fn digit_came(&mut self, key: ChannelKey, digit: Digit) {
        let Some(channel) = self.channel(key).filter(|channel| channel.is_up()) else { return };
        let duration = digit.duration.clamp(SHORTEST, LONGEST);
        channel.digits.push_back(Digit { duration, ..digit });
        self.tell_digits(key);
    }

    /// Tells of the digits that came, as soon as what runs on the channel looks at them: an echo never does, nor who waits
    /// for a client.
    pub(super) fn tell_digits(&mut self, key: ChannelKey) {
        loop {
            let Some(channel) = self.channel(key) else { return };
            if channel.stack.last().is_some_and(|frame| matches!(frame.doing, Doing::Echo | Doing::Controlled(_))) {
                return;
            }
            let Some(Digit { digit, duration, source }) = channel.digits.pop_front() else { return };
            channel.dialed.push(digit);
            let (digit_text, duration) = (digit.to_string(), samples(duration));
            let tail = [("DTMF-Digit", digit_text.as_str()), ("DTMF-Duration", &duration), ("DTMF-Source", source)];
            self.fire_channel(key, "DTMF", origin::DTMF, &[], &tail);
            self.end_playback_by(key, digit);
        }
    }

    /// A digit of `playback_terminators` (unless told otherwise `*`) ends a playback.
    fn end_playback_by(&mut self, key: ChannelKey, digit: char) {
        let Some(channel) = self.channel(key) else { return };
        if !channel.stack.last().is_some_and(|frame| matches!(frame.doing, Doing::Playback(_))) {
            return;
        }
        let terminators = channel.variables.value("playback_terminators").unwrap_or("*");
        let ends = match terminators.to_ascii_lowercase().as_str() {
            "any" => "1234567890*#".contains(digit),
            "none" => false,
            _ => terminators.contains(digit),
        };
        if ends {
            channel.variables.set("playback_terminator_used", digit.to_string());
            self.stop_playback(key, Stop::Digit);
        }
    }

    /// Listens for digits in what a channel hears, on behalf of `by`, or no longer does.
    pub(super) fn detect_dtmf(&mut self, key: ChannelKey, by: Option<&'static str>) {
        let Some(channel) = self.channel(key) else { return };
        let leg = channel.media.leg;
        let before = std::mem::replace(&mut channel.detects, by);
        match (before, by) {
            (None, Some(by)) => {
                self.media(MediaCommand::DetectDtmf { leg, on: true });
                let head = [("Media-Bug-Function", by), ("Media-Bug-Target", "N/A")];
                self.fire_channel(key, "MEDIA_BUG_START", origin::MEDIA_BUG_START, &head, &[]);
            }
            (Some(before), None) => {
                self.media(MediaCommand::DetectDtmf { leg, on: false });
                let head = [("Media-Bug-Function", before), ("Media-Bug-Target", "N/A")];
                self.fire_channel(key, "MEDIA_BUG_STOP", origin::MEDIA_BUG_STOP, &head, &[]);
            }
            _ => {}
        }
    }

    /// Sends digits as tones in what the channel says, or as agreed.
    pub(super) fn generate_dtmf(&mut self, key: ChannelKey, sent: DigitsSent) {
        let Some(channel) = self.channel(key) else { return };
        let leg = channel.media.leg;
        if std::mem::replace(&mut channel.digits_sent, sent) == sent {
            return;
        }
        self.media(MediaCommand::GenerateDtmf { leg, on: sent == DigitsSent::AsTones });
        let head = [("Media-Bug-Function", "inband_dtmf_generate"), ("Media-Bug-Target", "N/A")];
        let (name, from) = match sent {
            DigitsSent::AsTones => ("MEDIA_BUG_START", origin::MEDIA_BUG_START),
            DigitsSent::AsAgreed => ("MEDIA_BUG_STOP", origin::MEDIA_BUG_STOP),
        };
        self.fire_channel(key, name, from, &head, &[]);
    }

    /// How digits go, once both sides agreed: without telephone events FreeSWITCH changes over to INFO.
    pub(super) fn agree_on_dtmf(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key) else { return };
        let info =
            !channel.variables.value("rtp_info_when_no_2833").is_some_and(|value| value.eq_ignore_ascii_case("false"));
        let kind = match channel.telephone_event() {
            Some(_) => "rfc2833",
            None if info && channel.variables.value("dtmf_type") != Some("none") => "info",
            None => "none",
        };
        channel.variables.set("dtmf_type", kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(digit: char, milliseconds: u64) -> DtmfItem {
        DtmfItem::Digit { digit, duration: Duration::from_millis(milliseconds) }
    }

    #[test]
    fn digits_are_read_with_their_durations_and_pauses() {
        let pause = DtmfItem::Pause;
        assert_eq!(
            parse("12@100+w3"),
            (vec![digit('1', 100), digit('2', 100), pause(SHORT_PAUSE), digit('3', 250)], 0)
        );
        assert_eq!(parse("~#W@60"), (vec![digit('#', 60), pause(LONG_PAUSE)], 0));
        // As short as the shortest, or no number: the default.
        assert_eq!(parse("1@50"), (vec![digit('1', 250)], 0));
        assert_eq!(parse("1@x"), (vec![digit('1', 250)], 0));
        assert_eq!(parse("1@99999999"), (vec![digit('1', 24_000)], 0));
        assert_eq!(parse("xyz"), (vec![], 3));
    }
}
