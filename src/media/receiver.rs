//! The receiving side of a leg's RTP stream: order, counts, and what is heard in each tick.

use super::jitter_buffer::JitterBuffer;
use super::rtp::{COMFORT_NOISE, Packet};
use super::stats::{Arrival, Intervals, Jitter, Sequence};
use super::telephone_event::{EventReceiver, ReceivedDigit};
use super::{Codec, FRAME_SAMPLES, LegStats};
use crate::units::Time;

#[derive(Debug)]
pub(super) struct Receiver {
    codec: Codec,
    /// The payload type of telephone events (RFC 4733), if agreed on.
    telephone_event: Option<u8>,
    ssrc: Option<u32>,
    sequence: Sequence,
    jitter: Jitter,
    intervals: Intervals,
    buffer: JitterBuffer,
    packets: u64,
    bytes: u64,
    telephone_events: u64,
    events: EventReceiver,
    /// Digits that were understood and not told yet.
    digits: Vec<ReceivedDigit>,
    skipped: u64,
    first_received: Option<Time>,
}

impl Receiver {
    pub(super) fn new(codec: Codec, telephone_event: Option<u8>) -> Receiver {
        Receiver {
            codec,
            telephone_event,
            ssrc: None,
            sequence: Sequence::default(),
            jitter: Jitter::default(),
            intervals: Intervals::default(),
            buffer: JitterBuffer::new(codec.silence()),
            packets: 0,
            bytes: 0,
            telephone_events: 0,
            events: EventReceiver::default(),
            digits: Vec::new(),
            skipped: 0,
            first_received: None,
        }
    }

    /// Both sides agreed anew.
    pub(super) fn reconnect(&mut self, codec: Codec, telephone_event: Option<u8>) {
        self.telephone_event = telephone_event;
        if codec != self.codec {
            self.codec = codec;
            self.buffer.restart(codec.silence());
        }
    }

    /// Whether packets of this payload type were agreed on. Others are ignored.
    pub(super) fn knows(&self, payload_type: u8) -> bool {
        payload_type == self.codec.payload_type()
            || Some(payload_type) == self.telephone_event
            || payload_type == COMFORT_NOISE
    }

    /// Takes a packet of `size` bytes from the peer, whose payload type is known.
    pub(super) fn handle_packet(&mut self, now: Time, packet: &Packet<'_>, size: usize) {
        let audio = packet.payload_type == self.codec.payload_type();
        let event = Some(packet.payload_type) == self.telephone_event;
        self.packets += 1;
        self.bytes += size as u64;
        self.first_received.get_or_insert(now);
        if self.ssrc.replace(packet.ssrc).is_some_and(|before| before != packet.ssrc) {
            self.sequence.restart();
            self.jitter.restart();
            self.buffer.restart(self.codec.silence());
        }
        let arrival = self.sequence.handle(packet.sequence);
        if event {
            self.telephone_events += 1;
            self.digits.extend(self.events.handle(now, packet));
        } else if audio && !matches!(arrival, Arrival::Duplicate | Arrival::Stray) {
            self.jitter.handle(now, packet.timestamp);
            self.intervals.handle(now);
            self.buffer.insert(now, arrival, packet.timestamp, packet.payload);
        }
    }

    /// The digits that were understood since the last call.
    pub(super) fn digits(&mut self, now: Time) -> Vec<ReceivedDigit> {
        self.digits.extend(self.events.tick(now));
        std::mem::take(&mut self.digits)
    }

    /// What is heard in this tick, in the leg's encoding.
    pub(super) fn frame(&mut self, now: Time) -> Option<[u8; FRAME_SAMPLES]> {
        let frame = self.buffer.frame(now);
        self.skipped += u64::from(frame.is_none());
        frame
    }

    /// Writes what was counted here into `stats`.
    pub(super) fn fill_stats(&self, stats: &mut LegStats) {
        stats.received_packets = self.packets;
        stats.received_bytes = self.bytes;
        stats.received_telephone_events = self.telephone_events;
        stats.skipped_packets = self.skipped;
        stats.lost_packets = self.sequence.lost();
        stats.reordered_packets = self.sequence.reordered();
        stats.duplicate_packets = self.sequence.duplicates();
        stats.jitter = self.jitter.estimate();
        stats.mean_interval = self.intervals.mean();
        stats.interval_variance = self.intervals.variances();
        stats.first_received = self.first_received;
    }
}
