//! What the sequence numbers and arrival times of received packets tell: RFC 3550 A.1 (validity, extended sequence
//! numbers), A.3 (loss) and A.8 (jitter).
//!
//! Unlike A.1 the first packet of a source is believed at once: a leg's peer was named by its SDP, and a probation of
//! two packets would cut the first 20 ms off every recording.

use std::time::Duration;

use crate::units::Time;

/// A jump of more than this many sequence numbers forward is another stream, not loss (RFC 3550 A.1).
const MAX_DROPOUT: u16 = 3_000;

/// A packet that is later than this many sequence numbers is from another stream (RFC 3550 A.1).
const MAX_MISORDER: u16 = 100;

/// RTP timestamp units per second of G.711 (RFC 3551 4.5.14).
const TIMESTAMP_RATE: u64 = 8_000;

/// How a packet stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first of a stream, or of one that started over.
    First,
    /// Newer than all before it; between them `lost` are missing for now.
    Next { lost: u16 },
    /// Older than one that has come already.
    Reordered,
    /// Has come already.
    Duplicate,
    /// Far from what was awaited. The stream starts over if the packet after this one continues it.
    Stray,
}

/// Follows the sequence numbers of one synchronization source, and counts.
#[derive(Debug, Default)]
pub struct Sequence {
    stream: Option<Stream>,
    /// Of streams that ended.
    lost_before: u64,
    reordered: u64,
    duplicates: u64,
}

#[derive(Debug)]
struct Stream {
    /// The highest so far, with the times it wrapped in the high bits.
    highest: u64,
    first: u64,
    /// Different packets that came.
    unique: u64,
    /// Bit `n` is set when `highest - n` has come.
    seen: u128,
    /// What a packet must carry to confirm that the stream started over.
    awaited_after_stray: Option<u16>,
}

impl Stream {
    fn starting_with(sequence: u16) -> Stream {
        // As if it had wrapped once: a packet may yet come from before the first.
        let first = u64::from(sequence) + (1 << 16);
        Stream { highest: first, first, unique: 1, seen: 1, awaited_after_stray: None }
    }

    fn lost(&self) -> u64 {
        // RFC 3550 A.3, where duplicates do not make up for loss.
        (self.highest - self.first + 1).saturating_sub(self.unique)
    }
}

impl Sequence {
    /// Takes the sequence number of a packet that came.
    pub fn handle(&mut self, sequence: u16) -> Arrival {
        let Some(stream) = &mut self.stream else {
            self.stream = Some(Stream::starting_with(sequence));
            return Arrival::First;
        };
        let ahead = sequence.wrapping_sub(stream.highest as u16);
        let behind = ahead.wrapping_neg();
        if ahead != 0 && ahead < MAX_DROPOUT {
            stream.highest += u64::from(ahead);
            stream.seen = stream.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            stream.unique += 1;
            stream.awaited_after_stray = None;
            return Arrival::Next { lost: ahead - 1 };
        }
        if behind < MAX_MISORDER {
            let bit = 1 << behind;
            if stream.seen & bit != 0 {
                self.duplicates += 1;
                return Arrival::Duplicate;
            }
            stream.seen |= bit;
            // One from before the first that came: the stream began earlier than it seemed.
            stream.first = stream.first.min(stream.highest.saturating_sub(u64::from(behind)));
            stream.unique += 1;
            self.reordered += 1;
            return Arrival::Reordered;
        }
        if stream.awaited_after_stray == Some(sequence) {
            self.lost_before += stream.lost();
            self.stream = Some(Stream::starting_with(sequence));
            return Arrival::First;
        }
        stream.awaited_after_stray = Some(sequence.wrapping_add(1));
        Arrival::Stray
    }

    /// Another source takes over: what was counted stays.
    pub fn restart(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.lost_before += stream.lost();
        }
    }

    /// Packets missing up to the highest sequence number.
    pub fn lost(&self) -> u64 {
        self.lost_before + self.stream.as_ref().map_or(0, Stream::lost)
    }

    /// Packets that came after a later one.
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    /// Packets that came again.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }
}

/// Interarrival jitter (RFC 3550 6.4.1 and A.8).
#[derive(Debug, Default)]
pub struct Jitter {
    /// Arrival less timestamp of the packet before, in timestamp units modulo 2^32.
    transit: Option<u32>,
    /// In timestamp units.
    estimate: f64,
}

impl Jitter {
    /// Takes the timestamp of a packet and when it arrived.
    pub fn handle(&mut self, arrived: Time, timestamp: u32) {
        let arrived = (u128::from(arrived.as_micros()) * u128::from(TIMESTAMP_RATE) / 1_000_000) as u32;
        let transit = arrived.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // RFC 3550 A.8: the gain of 1/16 smooths noise yet converges quickly.
            self.estimate += (f64::from(difference) - self.estimate) / 16.0;
        }
    }

    /// Another source takes over, with timestamps of its own: the estimate stays.
    pub fn restart(&mut self) {
        self.transit = None;
    }

    /// The estimate so far.
    pub fn estimate(&self) -> Duration {
        Duration::from_secs_f64(self.estimate / TIMESTAMP_RATE as f64)
    }
}

/// The time between packets as FreeSWITCH sums it up (`check_jitter` of `switch_rtp.c`), in milliseconds.
///
/// Its variance is about a mean that is still settling, and the first packets are left out.
#[derive(Debug, Default)]
pub struct Intervals {
    before: Option<Time>,
    seen: u64,
    counted: u64,
    sum: f64,
    squares: f64,
    /// Least variance so far that is not zero, and greatest.
    min_variance: f64,
    max_variance: f64,
}

/// Packets until the stream has settled (`JITTER_LEAD_FRAMES`).
const LEAD: u64 = 10;

impl Intervals {
    /// Takes the arrival of a packet.
    pub fn handle(&mut self, arrived: Time) {
        let before = self.before.replace(arrived);
        self.seen += 1;
        let Some(before) = before.filter(|_| self.seen >= LEAD) else { return };
        let mean = self.mean();
        let interval = (arrived.as_micros() / 1_000).abs_diff(before.as_micros() / 1_000) as f64;
        self.counted += 1;
        self.sum += interval;
        // It takes whole milliseconds of the difference.
        self.squares += if mean > 0.0 { (interval - mean).trunc().powi(2) } else { 0.0 };
        let variance = self.squares / self.counted as f64;
        if variance < self.min_variance || self.min_variance == 0.0 {
            self.min_variance = variance;
        }
        self.max_variance = self.max_variance.max(variance);
    }

    /// Mean time between packets; 0 before there was any.
    pub fn mean(&self) -> f64 {
        if self.counted == 0 { 0.0 } else { self.sum / self.counted as f64 }
    }

    /// The least and the greatest variance so far, in squared milliseconds.
    pub fn variances(&self) -> (f64, f64) {
        (self.min_variance, self.max_variance)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn follow(sequences: impl IntoIterator<Item = u16>) -> (Sequence, Vec<Arrival>) {
        let mut sequence = Sequence::default();
        let arrivals = sequences.into_iter().map(|number| sequence.handle(number)).collect();
        (sequence, arrivals)
    }

    #[test]
    fn a_gap_is_loss_until_the_missing_packet_comes() {
        let (mut sequence, arrivals) = follow([10, 11, 14]);
        assert_eq!(arrivals[2], Arrival::Next { lost: 2 });
        assert_eq!(sequence.lost(), 2);
        assert_eq!(sequence.handle(12), Arrival::Reordered);
        assert_eq!((sequence.lost(), sequence.reordered()), (1, 1));
        assert_eq!(sequence.handle(12), Arrival::Duplicate);
        assert_eq!((sequence.lost(), sequence.duplicates()), (1, 1));
    }

    #[test]
    fn sequence_numbers_wrap_without_loss() {
        let (sequence, arrivals) = follow((0..70_000u32).map(|n| (65_000 + n) as u16));
        assert_eq!(sequence.lost(), 0);
        assert!(arrivals[1..].iter().all(|arrival| *arrival == Arrival::Next { lost: 0 }));
    }

    #[test]
    fn one_stray_packet_does_not_move_a_stream_but_two_in_a_row_do() {
        let (mut sequence, arrivals) = follow([10, 11, 30_000, 12, 13]);
        assert_eq!(arrivals[2..], [Arrival::Stray, Arrival::Next { lost: 0 }, Arrival::Next { lost: 0 }]);
        assert_eq!(sequence.handle(40_000), Arrival::Stray);
        assert_eq!(sequence.handle(40_001), Arrival::First);
        assert_eq!(sequence.handle(40_002), Arrival::Next { lost: 0 });
        assert_eq!(sequence.lost(), 0);
    }

    #[test]
    fn the_first_two_packets_may_come_the_wrong_way_round() {
        let (sequence, arrivals) = follow([1, 0, 2]);
        assert_eq!(arrivals, [Arrival::First, Arrival::Reordered, Arrival::Next { lost: 0 }]);
        assert_eq!(sequence.lost(), 0);
        assert_eq!(follow([0, 65_535, 1]).0.lost(), 0);
    }

    proptest! {
        /// Every packet is counted once: as it was sent, what did not come is lost, what came twice a duplicate.
        #[test]
        fn loss_and_duplication_are_counted_exactly(fate in proptest::collection::vec(0..5u8, 2..400), first: u16) {
            let sent = fate.iter().enumerate().flat_map(|(n, fate)| {
                let times = match fate { 0 => 0, 1 => 2, _ => 1 };
                std::iter::repeat_n(first.wrapping_add(n as u16), times)
            });
            let (sequence, _) = follow(sent);
            let arrived = |fate: &&u8| **fate != 0;
            let (from, to) = (fate.iter().position(|fate| *fate != 0), fate.iter().rposition(|fate| *fate != 0));
            let lost = from.zip(to).map_or(0, |(from, to)| to - from + 1 - fate.iter().filter(arrived).count());
            prop_assert_eq!(sequence.lost(), lost as u64);
            prop_assert_eq!(sequence.duplicates(), fate.iter().filter(|fate| **fate == 1).count() as u64);
            prop_assert_eq!(sequence.reordered(), 0);
        }
    }

    #[test]
    fn jitter_of_an_even_stream_is_zero_and_of_an_uneven_one_goes_to_its_mean_deviation() {
        let (mut even, mut uneven) = (Jitter::default(), Jitter::default());
        for n in 0..1_000u32 {
            let due = Time::from_micros(1_700_000_000_000_000 + u64::from(n) * 20_000);
            let timestamp = (u32::MAX - 80_000).wrapping_add(n * 160);
            even.handle(due, timestamp);
            // Every second packet is 5 ms late: every transit differs by 5 ms from the one before.
            uneven.handle(due + Duration::from_millis(u64::from(n % 2) * 5), timestamp);
        }
        assert_eq!(even.estimate(), Duration::ZERO);
        assert!((uneven.estimate().as_secs_f64() - 0.005).abs() < 1e-4, "{:?}", uneven.estimate());
    }

    #[test]
    fn the_variance_of_even_packets_is_zero_and_of_uneven_ones_the_square_of_their_deviation() {
        let (mut even, mut uneven) = (Intervals::default(), Intervals::default());
        for n in 0..1_000u64 {
            let due = Time::from_micros(1_700_000_000_000_000 + n * 20_000);
            even.handle(due);
            // Intervals of 15 and 25 ms in turn.
            uneven.handle(due + Duration::from_millis(n % 2 * 5));
        }
        assert_eq!((even.mean(), even.variances()), (20.0, (0.0, 0.0)));
        assert!((uneven.mean() - 20.0).abs() < 0.1, "{}", uneven.mean());
        let greatest = uneven.variances().1;
        // While the mean settles the first differences are of up to 10 ms.
        assert!((20.0..60.0).contains(&greatest), "{greatest}");
    }

    #[test]
    fn the_first_packets_do_not_count() {
        let mut intervals = Intervals::default();
        for n in 0..LEAD - 1 {
            intervals.handle(Time::from_micros(n * n * 10_000));
        }
        assert_eq!((intervals.mean(), intervals.variances()), (0.0, (0.0, 0.0)));
    }
}
