//! One direction of an event socket in virtual time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::switch::rig::Dice;
use crate::units::Time;

/// Bytes on their way. They keep their order, however they are split and held up.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// With the time from which each part can be read.
    parts: VecDeque<(Time, Vec<u8>)>,
    latest: Time,
    stalled_until: Time,
}

/// What is read at once of a wire in a drizzle is at most this often split.
const SPLITS: usize = 3;

impl Wire {
    /// Takes bytes that arrive at once.
    pub fn put(&mut self, now: Time, bytes: Vec<u8>) {
        self.latest = self.latest.max(now);
        self.parts.push_back((self.latest, bytes));
    }

    /// Takes bytes that are split anywhere, each part late by up to `most`.
    pub fn put_split(&mut self, now: Time, bytes: &[u8], most: Duration, dice: &mut Dice) {
        let mut rest = bytes;
        for _ in 0..dice.below(SPLITS + 1) {
            if rest.len() < 2 {
                break;
            }
            let (part, behind) = rest.split_at(1 + dice.below(rest.len() - 1));
            self.put(now + dice.up_to(most), part.to_vec());
            rest = behind;
        }
        self.put(now + dice.up_to(most), rest.to_vec());
    }

    /// Lets nothing be read before `until`.
    pub fn stall(&mut self, until: Time) {
        self.stalled_until = self.stalled_until.max(until);
    }

    pub fn next_due(&self) -> Option<Time> {
        self.parts.front().map(|(at, _)| (*at).max(self.stalled_until))
    }

    /// The next part that can be read by now.
    pub fn take(&mut self, now: Time) -> Option<Vec<u8>> {
        if self.next_due().is_none_or(|due| due > now) {
            return None;
        }
        self.parts.pop_front().map(|(_, bytes)| bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_their_order_however_they_are_split_and_held_up() {
        let mut dice = Dice::seeded(3);
        let mut wire = Wire::default();
        let sent: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        let mut now = Time::default();
        let mut read = Vec::new();
        let mut parts = 0;
        for bytes in sent.chunks(97) {
            wire.put_split(now, bytes, Duration::from_millis(30), &mut dice);
            now += Duration::from_millis(5);
            while let Some(part) = wire.take(now) {
                read.extend(part);
                parts += 1;
            }
        }
        while let Some(due) = wire.next_due() {
            read.extend(wire.take(due).unwrap());
        }
        assert_eq!(read, sent);
        assert!(parts > sent.len() / 97, "{parts}");
    }
}
