//! The sending side of a leg's RTP stream.

use super::FRAME_SAMPLES;
use super::rtp::Packet;
use super::telephone_event::EventPacket;

/// Numbers what is sent: sequence numbers without gaps, timestamps that go on through silences.
#[derive(Debug)]
pub(super) struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    talking: bool,
}

impl Sender {
    /// RFC 3550 5.1 wants the first sequence number and timestamp to be random: they are drawn from `ssrc`, which is.
    pub(super) fn new(ssrc: u32) -> Sender {
        let drawn = scramble(ssrc);
        Sender { ssrc, sequence: (drawn >> 32) as u16, timestamp: drawn as u32, talking: false }
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The packet for this tick. The first after a silence carries the marker bit (RFC 3551 4.1).
    pub(super) fn packet(&mut self, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        let packet = Packet {
            marker: !self.talking,
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            payload,
        };
        self.talking = true;
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME_SAMPLES as u32);
        packet.encode()
    }

    /// The timestamp of this tick.
    pub(super) fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// A packet of a telephone event. Its timestamp is that of the event's beginning; the tick's own passes by
    /// [`Sender::pause`], once for all packets of the tick.
    pub(super) fn event(&mut self, payload_type: u8, event: &EventPacket) -> Vec<u8> {
        let packet = Packet {
            marker: event.marker,
            payload_type,
            sequence: self.sequence,
            timestamp: event.timestamp,
            ssrc: self.ssrc,
            payload: &event.payload,
        };
        self.sequence = self.sequence.wrapping_add(1);
        packet.encode()
    }

    /// No audio is sent in this tick.
    pub(super) fn pause(&mut self) {
        self.talking = false;
        self.timestamp = self.timestamp.wrapping_add(FRAME_SAMPLES as u32);
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit in moves every bit out.
fn scramble(number: u32) -> u64 {
    let mut mixed = u64::from(number).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
