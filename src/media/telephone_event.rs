//! Digits as telephone events (RFC 4733): how they are sent and how they are understood.
//!
//! Left out: events other than DTMF (flash, tones of RFC 4733 3.3), redundancy (RFC 2198).

use std::collections::VecDeque;
use std::time::Duration;

use super::rtp::Packet;
use super::{DtmfItem, FRAME, FRAME_SAMPLES};
use crate::units::{SampleRate, Time};

/// The digits in the order of their event codes (RFC 4733 3.2).
const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

/// From the end of a digit to the next: FreeSWITCH leaves so much, as the captured streams show.
pub const BETWEEN_DIGITS: Duration = Duration::from_millis(360);

/// How loud a gateway should make the tone, in dB below 0 dBm0 (RFC 4733 2.3); FreeSWITCH says the same.
const VOLUME: u8 = 13;

/// Silence of the sender that ends a digit whose end packets are lost: three updates (RFC 4733 2.5.2.2), and one more
/// for the network's jitter.
const GIVEN_UP: Duration = Duration::from_millis(80);

/// The end of an event is sent so often (RFC 4733 2.5.1.4).
const ENDS: usize = 3;

/// The longest duration of one segment of an event, in samples (RFC 4733 2.5.1.3).
const LONGEST: u32 = 0xffff;

/// Bit that marks the last packets of an event, beside the volume.
const END: u8 = 0x80;

/// Event code of `digit`.
fn code(digit: char) -> Option<u8> {
    let digit = u8::try_from(digit.to_ascii_uppercase()).ok()?;
    DIGITS.iter().position(|known| *known == digit).map(|code| code as u8)
}

/// Sends digits one after the other, each as a row of packets.
#[derive(Debug, Default)]
pub(super) struct EventSender {
    queue: VecDeque<DtmfItem>,
    current: Option<Sending>,
    /// Frames to wait before the next digit.
    pause: u32,
}

#[derive(Debug)]
struct Sending {
    code: u8,
    /// In samples.
    total: u32,
    sent: u32,
    /// Where the segment began: its timestamp, and how much of the digit was sent before it.
    timestamp: u32,
    before: u32,
}

/// A packet of an event. All have a sequence number of their own and the timestamp of the segment's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventPacket {
    pub(super) marker: bool,
    pub(super) timestamp: u32,
    pub(super) payload: [u8; 4],
}

impl EventSender {
    pub(super) fn queue(&mut self, items: impl IntoIterator<Item = DtmfItem>) {
        self.queue.extend(items);
    }

    /// The packets of this tick, `timestamp` being that of its audio, which they take the place of; none when no digit
    /// is being sent.
    pub(super) fn frame(&mut self, timestamp: u32) -> Vec<EventPacket> {
        let samples = FRAME_SAMPLES as u32;
        let mut first = false;
        if self.current.is_none() {
            if self.pause > 0 {
                self.pause -= 1;
                return Vec::new();
            }
            let (code, length) = loop {
                match self.queue.pop_front() {
                    None => return Vec::new(),
                    Some(DtmfItem::Pause(length)) => {
                        self.pause = frames(length).saturating_sub(1);
                        return Vec::new();
                    }
                    // What has no event code cannot be sent.
                    Some(DtmfItem::Digit { digit, duration }) => {
                        if let Some(code) = code(digit) {
                            break (code, duration);
                        }
                    }
                }
            };
            let total = u32::try_from(SampleRate::NARROW.samples(length)).unwrap_or(u32::MAX);
            self.current = Some(Sending { code, total, sent: 0, timestamp, before: 0 });
            first = true;
        }
        let Some(sending) = &mut self.current else { return Vec::new() };
        sending.sent = sending.sent.saturating_add(samples);
        if sending.sent - sending.before > LONGEST {
            sending.before += LONGEST;
            sending.timestamp = sending.timestamp.wrapping_add(LONGEST);
        }
        // A digit of one packet would have no beginning.
        let over = sending.sent >= sending.total && !first;
        let duration = ((sending.sent - sending.before) as u16).to_be_bytes();
        let end = if over { END } else { 0 };
        let payload = [sending.code, VOLUME | end, duration[0], duration[1]];
        let packet = EventPacket { marker: first, timestamp: sending.timestamp, payload };
        if over {
            self.current = None;
            self.pause = frames(BETWEEN_DIGITS).saturating_sub(1);
        }
        vec![packet; if over { ENDS } else { 1 }]
    }
}

fn frames(length: Duration) -> u32 {
    u32::try_from(length.as_micros().div_ceil(FRAME.as_micros())).unwrap_or(u32::MAX)
}

/// A digit that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReceivedDigit {
    pub(super) digit: char,
    pub(super) duration: Duration,
}

/// Understands the events of a stream. An event is known by its source and its timestamp: whatever else is lost, comes
/// twice or in another order, two timestamps are two digits and one is one.
#[derive(Debug, Default)]
pub(super) struct EventReceiver {
    current: Option<Receiving>,
    /// Source and timestamp of events that were told, so that what comes late of them is not told again.
    told: VecDeque<(u32, u32)>,
}

/// How many told events are remembered: more than could be overtaken.
const REMEMBERED: usize = 16;

#[derive(Debug)]
struct Receiving {
    code: u8,
    ssrc: u32,
    timestamp: u32,
    /// In samples: of the segments before this one, and of this one so far.
    before: u32,
    duration: u32,
    last: Time,
}

impl EventReceiver {
    /// Takes a packet; gives the digits that are over.
    pub(super) fn handle(&mut self, now: Time, packet: &Packet<'_>) -> Vec<ReceivedDigit> {
        let &[code, volume, high, low, ..] = packet.payload else { return Vec::new() };
        let key = (packet.ssrc, packet.timestamp);
        if usize::from(code) >= DIGITS.len() || self.told.contains(&key) {
            return Vec::new();
        }
        let mut over = Vec::new();
        let duration = u32::from(u16::from_be_bytes([high, low]));
        match &mut self.current {
            Some(current) if (current.ssrc, current.timestamp) == key => {
                current.duration = current.duration.max(duration);
                current.last = now;
            }
            // The next segment of a long event (RFC 4733 2.5.1.3) begins where the one before ended.
            Some(current) if current.is_continued_by(code, packet) => {
                current.before += LONGEST;
                let segment = (current.ssrc, std::mem::replace(&mut current.timestamp, packet.timestamp));
                (current.duration, current.last) = (duration, now);
                self.remember(segment);
            }
            _ => {
                over.extend(self.end());
                let (ssrc, timestamp) = key;
                self.current = Some(Receiving { code, ssrc, timestamp, before: 0, duration, last: now });
            }
        }
        if volume & END != 0 {
            over.extend(self.end());
        }
        over
    }

    /// Time has passed: a digit whose end was lost is over when nothing more comes of it.
    pub(super) fn tick(&mut self, now: Time) -> Option<ReceivedDigit> {
        self.current.as_ref().filter(|current| now.since(current.last) >= GIVEN_UP)?;
        self.end()
    }

    fn end(&mut self) -> Option<ReceivedDigit> {
        let ended = self.current.take()?;
        self.remember((ended.ssrc, ended.timestamp));
        let digit = char::from(*DIGITS.get(usize::from(ended.code))?);
        let samples = ended.before.saturating_add(ended.duration);
        Some(ReceivedDigit { digit, duration: SampleRate::NARROW.duration(samples as usize) })
    }

    fn remember(&mut self, key: (u32, u32)) {
        if self.told.len() == REMEMBERED {
            self.told.pop_front();
        }
        self.told.push_back(key);
    }
}

impl Receiving {
    fn is_continued_by(&self, code: u8, packet: &Packet<'_>) -> bool {
        // Four updates may be lost at the seam.
        let full = self.duration + 5 * FRAME_SAMPLES as u32 > LONGEST;
        let follows = packet.timestamp == self.timestamp.wrapping_add(LONGEST);
        full && follows && !packet.marker && (code, packet.ssrc) == (self.code, self.ssrc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSRC: u32 = 77;

    fn digit(digit: char, milliseconds: u64) -> DtmfItem {
        DtmfItem::Digit { digit, duration: Duration::from_millis(milliseconds) }
    }

    /// Each packet that is sent, with the tick it is sent in.
    fn sent(items: &[DtmfItem], ticks: u32) -> Vec<(u32, EventPacket)> {
        let mut sender = EventSender::default();
        sender.queue(items.iter().copied());
        (0..ticks).flat_map(|tick| sender.frame(1_000 + tick * 160).into_iter().map(move |p| (tick, p))).collect()
    }

    /// What a receiver understands of packets, each with its tick.
    fn understood(packets: &[(u32, EventPacket)]) -> String {
        let mut receiver = EventReceiver::default();
        let mut told = Vec::new();
        let last = packets.iter().map(|(tick, _)| *tick).max().unwrap_or(0) + 10;
        for now in 0..=last {
            let time = Time::from_micros(u64::from(now) * 20_000);
            for (_, packet) in packets.iter().filter(|(tick, _)| *tick == now) {
                let EventPacket { marker, timestamp, payload } = packet;
                let packet = Packet {
                    marker: *marker,
                    payload_type: 101,
                    sequence: 0,
                    timestamp: *timestamp,
                    ssrc: SSRC,
                    payload,
                };
                told.extend(receiver.handle(time, &packet));
            }
            told.extend(receiver.tick(time));
        }
        let told: Vec<_> = told.iter().map(|told| format!("{} {}", told.digit, told.duration.as_millis())).collect();
        told.join(", ")
    }

    fn is_end(packet: &EventPacket) -> bool {
        packet.payload[1] & END != 0
    }

    #[test]
    fn a_digit_is_a_row_of_growing_durations_with_one_timestamp_and_three_ends() {
        let packets = sent(&[digit('5', 100)], 40);
        let told: Vec<_> = packets
            .iter()
            .map(|(tick, p)| {
                (
                    *tick,
                    p.marker,
                    p.timestamp,
                    p.payload[0],
                    is_end(p),
                    u16::from_be_bytes([p.payload[2], p.payload[3]]),
                )
            })
            .collect();
        let wanted = [
            (0, true, 1_000, 5, false, 160),
            (1, false, 1_000, 5, false, 320),
            (2, false, 1_000, 5, false, 480),
            (3, false, 1_000, 5, false, 640),
            (4, false, 1_000, 5, true, 800),
            (4, false, 1_000, 5, true, 800),
            (4, false, 1_000, 5, true, 800),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn the_payload_is_laid_out_as_rfc_4733_draws_it() {
        // Event 11 is #; volume 13; 320 samples.
        assert_eq!(sent(&[digit('#', 40)], 2)[1].1.payload, [11, 0x80 | 13, 0x01, 0x40]);
    }

    #[test]
    fn digits_come_as_far_apart_as_freeswitchs_and_pauses_add_to_it() {
        let starts = |items: &[DtmfItem]| -> Vec<u32> {
            sent(items, 200).iter().filter(|(_, p)| p.marker).map(|(tick, _)| tick * 20).collect()
        };
        // In the capture dtmf-rfc4733 digits of 100 ms come every 440 ms.
        assert_eq!(starts(&[digit('1', 100), digit('2', 100), digit('3', 100)]), [0, 440, 880]);
        let paused = [digit('1', 100), DtmfItem::Pause(Duration::from_millis(500)), digit('2', 100)];
        assert_eq!(starts(&paused), [0, 940]);
    }

    #[test]
    fn all_sixteen_digits_are_understood() {
        let items: Vec<_> = "0123456789*#ABCD".chars().map(|key| digit(key, 60)).collect();
        let told = understood(&sent(&items, 1_000));
        assert_eq!(
            told,
            "0 60, 1 60, 2 60, 3 60, 4 60, 5 60, 6 60, 7 60, 8 60, 9 60, * 60, # 60, A 60, B 60, C 60, D 60"
        );
    }

    #[test]
    fn two_presses_with_lost_end_packets_are_two_digits() {
        let mut packets = sent(&[digit('7', 100), digit('7', 100)], 100);
        packets.retain(|(_, packet)| !is_end(packet));
        assert_eq!(understood(&packets), "7 80, 7 80");
    }

    #[test]
    fn one_press_that_holds_no_packet_but_an_end_is_one_digit() {
        let packets = sent(&[digit('7', 100)], 100);
        let last = packets.last().copied().unwrap();
        assert_eq!(understood(&[last]), "7 100");
    }

    #[test]
    fn lost_starts_duplicates_and_disorder_change_nothing() {
        let whole = sent(&[digit('1', 100), digit('1', 100), digit('2', 100)], 100);
        let doubled: Vec<_> = whole.iter().flat_map(|packet| [*packet, *packet]).collect();
        assert_eq!(understood(&doubled), "1 100, 1 100, 2 100");
        let without_starts: Vec<_> = whole.iter().filter(|(_, packet)| !packet.marker).copied().collect();
        assert_eq!(understood(&without_starts), "1 100, 1 100, 2 100");
        let mut swapped = whole.clone();
        for at in (1..swapped.len()).step_by(2).filter(|&at| whole[at].0 <= whole[at - 1].0 + 1) {
            let tick = swapped[at].0;
            (swapped[at].0, swapped[at - 1].0) = (swapped[at - 1].0, tick);
        }
        assert_eq!(understood(&swapped), "1 100, 1 100, 2 100");
    }

    #[test]
    fn an_end_that_comes_after_the_next_digit_began_is_not_told_again() {
        let mut packets = sent(&[digit('1', 60), digit('2', 60)], 60);
        let late: Vec<_> = packets.iter().filter(|(tick, p)| *tick < 10 && is_end(p)).map(|(_, p)| (22, *p)).collect();
        packets.retain(|(tick, packet)| *tick >= 10 || !is_end(packet));
        packets.extend(late);
        packets.sort_by_key(|(tick, _)| *tick);
        assert_eq!(understood(&packets), "1 40, 2 60");
    }

    #[test]
    fn any_loss_that_leaves_one_packet_of_each_digit_leaves_the_digits_in_order() {
        let whole = sent(&[digit('4', 80), digit('4', 80), digit('5', 80)], 100);
        for pattern in 1u32..1 << 6 {
            let mut of_digit = 0;
            let mut kept = Vec::new();
            for (tick, packet) in &whole {
                of_digit = if packet.marker { 0 } else { of_digit + 1 };
                if pattern >> of_digit & 1 == 1 {
                    kept.push((*tick, *packet));
                }
            }
            let told = understood(&kept);
            let digits: String = told.split(", ").map(|digit| &digit[..1]).collect();
            assert_eq!(digits, "445", "{pattern:b}: {told}");
        }
    }

    #[test]
    fn a_digit_longer_than_a_segment_is_one_digit() {
        let packets = sent(&[digit('9', 20_000)], 1_100);
        assert_eq!(packets.iter().filter(|(_, packet)| packet.marker).count(), 1);
        assert_eq!(understood(&packets), "9 20000");
    }

    #[test]
    fn what_is_no_digit_is_ignored() {
        let mut receiver = EventReceiver::default();
        for payload in [&[][..], &[1, 2, 3], &[16, 0x8d, 1, 0], &[255, 255, 255, 255]] {
            let packet = Packet { marker: true, payload_type: 101, sequence: 1, timestamp: 1, ssrc: 1, payload };
            assert_eq!(receiver.handle(Time::default(), &packet), []);
        }
    }
}
