//! What the network of a rig does to what is sent over it.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How often something happens, in parts of ten thousand.
pub type Share = u32;

/// What happens to SIP messages and RTP packets. The default is a network that loses nothing and takes no time.
///
/// SIP is told as a user agent sees it, above its retransmissions: a message is late, or it is lost for good and comes to
/// nothing when RFC 3261's timers B, F and H run out. What was sent twice was absorbed below, and what belongs to one
/// dialog keeps its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// SIP messages that are late, and by how much at most.
    pub messages_late: Share,
    pub message_delay: Duration,
    /// SIP messages that are lost for good.
    pub messages_lost: Share,
    /// RTP packets that are lost.
    pub packets_lost: Share,
    /// RTP packets that come twice.
    pub packets_twice: Share,
    /// RTP packets that are late, and by how much at most: beyond 20 ms others overtake them.
    pub packets_late: Share,
    pub packet_delay: Duration,
}

/// Draws from a seed.
#[derive(Debug)]
pub struct Dice {
    rng: StdRng,
}

/// What becomes of something that was sent: when each of its copies arrives, from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Lost,
    Once(Duration),
    Twice(Duration, Duration),
}

impl Dice {
    pub fn seeded(seed: u64) -> Dice {
        Dice { rng: StdRng::seed_from_u64(seed) }
    }

    /// Whether something happens that happens so often.
    pub fn happens(&mut self, share: Share) -> bool {
        share > 0 && self.rng.random_range(0..10_000) < share
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    /// A time up to `most`, in whole microseconds.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.rng.random_range(0..=most.as_micros() as u64))
    }

    /// A time between two.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        least + self.up_to(most.saturating_sub(least))
    }

    /// One of several.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A seed for others.
    pub fn seed(&mut self) -> u64 {
        self.rng.random()
    }

    pub(super) fn message(&mut self, weather: &Weather) -> Fate {
        if self.happens(weather.messages_lost) {
            return Fate::Lost;
        }
        let late = self.happens(weather.messages_late);
        Fate::Once(if late { self.up_to(weather.message_delay) } else { Duration::ZERO })
    }

    pub(super) fn packet(&mut self, weather: &Weather) -> Fate {
        if self.happens(weather.packets_lost) {
            return Fate::Lost;
        }
        let late = self.happens(weather.packets_late);
        let delay = if late { self.up_to(weather.packet_delay) } else { Duration::ZERO };
        match self.happens(weather.packets_twice) {
            true => Fate::Twice(delay, delay + self.up_to(Duration::from_millis(30))),
            false => Fate::Once(delay),
        }
    }
}
