//! What the weather took from each call, for those who must know it from elsewhere than from what was heard.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::media::rtp::Packet;
use crate::units::Time;

/// What happened to the packets and messages that were sent to one leg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toll {
    /// The leg's session, where it came to be one.
    pub session: String,
    /// The call that its tracking header names, and the app.
    pub call: String,
    pub app: String,
    /// Audio packets that arrived, each once.
    pub arrived: u64,
    /// Audio packets that were lost.
    pub lost: u64,
    /// Of these, those that were not the same octet all over: no silence.
    pub lost_sounding: u64,
    /// Audio packets that came late, and the latest of them.
    pub late: u64,
    pub latest: Duration,
    pub twice: u64,
    /// Telephone events by their timestamps: those of which nothing arrived.
    pub digits_lost: BTreeSet<u32>,
    digits_arrived: BTreeSet<u32>,
    /// Telephone event packets that were lost or late.
    pub digit_packets: u64,
    /// SIP messages to this leg that were late, by when they were sent.
    pub messages_late: Vec<(Time, &'static str)>,
    /// SIP messages to this leg that never came.
    pub messages_lost: Vec<(Time, &'static str)>,
}

/// Tolls of legs by the switch they are on and their number there.
pub(super) type Tolls = BTreeMap<(usize, u64), Toll>;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packeted {
    Lost,
    Arrived { late: Duration },
    Again,
}

impl Toll {
    /// Whether anything happened that may be heard or seen: a packet that came twice is not.
    pub fn is_touched(&self) -> bool {
        self.lost + self.late + self.digit_packets > 0 || self.is_signalling_touched()
    }

    /// Whether a SIP message was late or lost.
    pub fn is_signalling_touched(&self) -> bool {
        !self.messages_late.is_empty() || !self.messages_lost.is_empty()
    }

    pub(super) fn note(&mut self, packet: &[u8], what: Packeted) {
        let Ok(packet) = Packet::parse(packet) else { return };
        // Audio has the static payload types of RFC 3551; telephone events have a dynamic one.
        if packet.payload_type >= 96 {
            match what {
                Packeted::Lost if !self.digits_arrived.contains(&packet.timestamp) => {
                    self.digits_lost.insert(packet.timestamp);
                }
                Packeted::Arrived { .. } => {
                    self.digits_lost.remove(&packet.timestamp);
                    self.digits_arrived.insert(packet.timestamp);
                }
                Packeted::Lost | Packeted::Again => {}
            }
            let whole = matches!(what, Packeted::Again | Packeted::Arrived { late: Duration::ZERO });
            self.digit_packets += u64::from(!whole);
            return;
        }
        match what {
            Packeted::Lost => {
                self.lost += 1;
                let silent = packet.payload.iter().all(|octet| Some(octet) == packet.payload.first());
                self.lost_sounding += u64::from(!silent);
            }
            Packeted::Arrived { late } => {
                self.arrived += 1;
                self.late += u64::from(!late.is_zero());
                self.latest = self.latest.max(late);
            }
            Packeted::Again => self.twice += 1,
        }
    }
}
