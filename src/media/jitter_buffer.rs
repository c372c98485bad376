//! Puts received audio back in order and evens out its arrival.
//!
//! Audio is kept as it came, G.711 bytes, so that an echo returns the very same ones. Playing out begins a little after
//! the first packet of a talkspurt; that little grows, up to a bound, when packets turn out to come later. A packet may
//! hold any number of samples.

use std::collections::VecDeque;
use std::time::Duration;

use super::stats::Arrival;
use super::{FRAME, FRAME_SAMPLES};
use crate::units::{SampleRate, Time};

/// How long after the first packet of a talkspurt it is played, unless packets came late before.
const SHORTEST_DELAY: Duration = FRAME;

/// The most that this delay grows to.
const LONGEST_DELAY: Duration = Duration::from_millis(60);

/// Frames with nothing to play after which the talkspurt is over.
const TALKSPURT_GAP_FRAMES: u32 = 3;

/// A timestamp further off than this is of another clock: one second.
const MAX_JUMP: i32 = 8_000;

/// More than this waiting after a frame was played (in samples), for [`EXCESS_FRAMES`], means that the sender's clock
/// runs faster or that packets were held up and came all at once.
const EXCESS: usize = 6 * FRAME_SAMPLES;
const EXCESS_FRAMES: u32 = 100;

/// More packets than this never wait: two seconds of the shortest usual ones.
const MAX_CHUNKS: usize = 200;

#[derive(Debug)]
pub(super) struct JitterBuffer {
    state: State,
    /// Sorted by timestamp.
    chunks: VecDeque<Chunk>,
    /// The timestamp of the next sample to play.
    position: u32,
    delay: Duration,
    /// What stands for a missing sample.
    silence: u8,
    /// Frames in a row that too much was waiting for.
    excess: u32,
}

#[derive(Debug, PartialEq)]
enum State {
    Idle,
    Filling { until: Time },
    Playing { empty_frames: u32 },
}

#[derive(Debug)]
struct Chunk {
    timestamp: u32,
    samples: Vec<u8>,
}

impl JitterBuffer {
    pub(super) fn new(silence: u8) -> JitterBuffer {
        JitterBuffer {
            state: State::Idle,
            chunks: VecDeque::new(),
            position: 0,
            delay: SHORTEST_DELAY,
            silence,
            excess: 0,
        }
    }

    /// Takes a packet that was not a duplicate.
    pub(super) fn insert(&mut self, now: Time, arrival: Arrival, timestamp: u32, samples: &[u8]) {
        if samples.is_empty() || self.chunks.len() >= MAX_CHUNKS {
            return;
        }
        let ahead = timestamp.wrapping_sub(self.position) as i32;
        let newest = matches!(arrival, Arrival::First | Arrival::Next { .. });
        match self.state {
            State::Idle if newest => self.fill(now, timestamp),
            State::Idle => return,
            // The first two packets came the wrong way round.
            State::Filling { .. } if ahead < 0 && ahead > -MAX_JUMP => self.position = timestamp,
            State::Filling { .. } | State::Playing { .. } if ahead.unsigned_abs() > MAX_JUMP.unsigned_abs() => {
                if !newest {
                    return;
                }
                self.fill(now, timestamp);
            }
            State::Playing { empty_frames } if ahead < 0 && newest && empty_frames > 0 && self.chunks.is_empty() => {
                // It was to be played already: wait longer from now on, rather than cut what comes.
                self.delay = (self.delay + FRAME).min(LONGEST_DELAY);
                self.fill(now, timestamp);
            }
            // Only its last samples, if any, can still be played.
            State::Playing { .. } if ahead < 0 && ahead.unsigned_abs() as usize >= samples.len() => return,
            State::Filling { .. } | State::Playing { .. } => {}
        }
        let place = self
            .chunks
            .iter()
            .rposition(|chunk| (chunk.timestamp.wrapping_sub(timestamp) as i32) <= 0)
            .map_or(0, |before| before + 1);
        self.chunks.insert(place, Chunk { timestamp, samples: samples.to_vec() });
    }

    fn fill(&mut self, now: Time, timestamp: u32) {
        self.chunks.clear();
        self.position = timestamp;
        self.excess = 0;
        self.state = State::Filling { until: now + self.delay };
    }

    /// Forgets what waits: another source or another encoding follows.
    pub(super) fn restart(&mut self, silence: u8) {
        self.chunks.clear();
        self.state = State::Idle;
        self.silence = silence;
        self.excess = 0;
    }

    /// The next frame, or `None` when nothing of it came. Missing samples within it are silence.
    pub(super) fn frame(&mut self, now: Time) -> Option<[u8; FRAME_SAMPLES]> {
        match self.state {
            State::Idle => return None,
            State::Filling { until } if now < until => return None,
            State::Filling { .. } => self.state = State::Playing { empty_frames: 0 },
            State::Playing { .. } => {}
        }
        let mut frame = [self.silence; FRAME_SAMPLES];
        let mut heard = false;
        while let Some(chunk) = self.chunks.front() {
            let from = chunk.timestamp.wrapping_sub(self.position) as i32;
            if from >= FRAME_SAMPLES as i32 {
                break;
            }
            let end = from + chunk.samples.len() as i32;
            let (at, skip) = (from.max(0) as usize, from.min(0).unsigned_abs() as usize);
            if let Some(rest) = chunk.samples.get(skip..) {
                let length = rest.len().min(FRAME_SAMPLES - at);
                frame[at..at + length].copy_from_slice(&rest[..length]);
                heard |= length > 0;
            }
            if end > FRAME_SAMPLES as i32 {
                break;
            }
            self.chunks.pop_front();
        }
        self.position = self.position.wrapping_add(FRAME_SAMPLES as u32);
        self.count_empty(heard);
        self.drop_excess();
        heard.then_some(frame)
    }

    fn count_empty(&mut self, heard: bool) {
        if let State::Playing { empty_frames } = &mut self.state {
            *empty_frames = if heard { 0 } else { *empty_frames + 1 };
            if *empty_frames >= TALKSPURT_GAP_FRAMES && self.chunks.is_empty() {
                self.state = State::Idle;
            }
        }
    }

    fn drop_excess(&mut self) {
        let Some(last) = self.chunks.back() else {
            self.excess = 0;
            return;
        };
        let end = last.timestamp.wrapping_add(last.samples.len() as u32);
        let waiting = (end.wrapping_sub(self.position) as i32).max(0) as usize;
        if waiting <= EXCESS.max(2 * last.samples.len()) {
            self.excess = 0;
            return;
        }
        self.excess += 1;
        if self.excess >= EXCESS_FRAMES {
            let keep = SampleRate::NARROW.samples(self.delay).max(last.samples.len());
            self.position = end.wrapping_sub(keep as u32);
            self.excess = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEXT: Arrival = Arrival::Next { lost: 0 };

    fn at(ms: u64) -> Time {
        Time::from_micros(1_000_000_000 + ms * 1_000)
    }

    /// 20 ms of audio whose every sample is `mark`.
    fn frame(mark: u8) -> [u8; FRAME_SAMPLES] {
        [mark; FRAME_SAMPLES]
    }

    #[test]
    fn a_stream_without_loss_comes_out_whole_whatever_its_packet_time() {
        for packet_time in [10, 20, 30, 40, 60] {
            let mut buffer = JitterBuffer::new(0);
            let audio: Vec<u8> = (0..24_000u32).map(|n| (n % 251 + 1) as u8).collect();
            let mut heard = Vec::new();
            let mut packets = audio.chunks(packet_time * 8).zip((0..).step_by(packet_time)).peekable();
            let mut timestamp = u32::MAX - 5_000;
            for ms in 0..3_200 {
                while let Some((samples, _)) = packets.next_if(|(_, due)| *due <= ms) {
                    buffer.insert(at(ms as u64), NEXT, timestamp, samples);
                    timestamp = timestamp.wrapping_add(samples.len() as u32);
                }
                if ms % 20 == 7 {
                    heard.extend(buffer.frame(at(ms as u64)).into_iter().flatten());
                }
            }
            assert_eq!(heard, audio, "packets of {packet_time} ms");
        }
    }

    #[test]
    fn packets_out_of_order_are_played_in_order() {
        let mut buffer = JitterBuffer::new(0);
        buffer.insert(at(0), Arrival::First, 160, &frame(2));
        buffer.insert(at(1), Arrival::Reordered, 0, &frame(1));
        buffer.insert(at(2), NEXT, 480, &frame(4));
        buffer.insert(at(3), Arrival::Reordered, 320, &frame(3));
        let heard: Vec<_> = (1..=5).map(|n| buffer.frame(at(n * 20))).collect();
        assert_eq!(heard, [Some(frame(1)), Some(frame(2)), Some(frame(3)), Some(frame(4)), None]);
    }

    #[test]
    fn a_lost_packet_leaves_its_own_time_silent() {
        let mut buffer = JitterBuffer::new(0xff);
        buffer.insert(at(0), Arrival::First, 0, &frame(1));
        buffer.insert(at(40), Arrival::Next { lost: 1 }, 320, &frame(3));
        let heard: Vec<_> = [20, 40, 60].map(|ms| buffer.frame(at(ms))).into();
        assert_eq!(heard, [Some(frame(1)), None, Some(frame(3))]);
    }

    #[test]
    fn half_a_frame_is_filled_up_with_silence() {
        let mut buffer = JitterBuffer::new(0xff);
        buffer.insert(at(0), Arrival::First, 0, &[7; 80]);
        let heard = buffer.frame(at(20)).unwrap();
        assert_eq!((heard[79], heard[80]), (7, 0xff));
    }

    #[test]
    fn a_packet_that_is_late_moves_playing_rather_than_being_lost() {
        let mut buffer = JitterBuffer::new(0);
        buffer.insert(at(0), Arrival::First, 0, &frame(1));
        assert_eq!(buffer.frame(at(20)), Some(frame(1)));
        assert_eq!(buffer.frame(at(40)), None);
        buffer.insert(at(45), NEXT, 160, &frame(2));
        buffer.insert(at(46), NEXT, 320, &frame(3));
        let heard: Vec<_> = (3..8).filter_map(|n| buffer.frame(at(n * 20))).collect();
        assert_eq!(heard, [frame(2), frame(3)]);
        assert_eq!(buffer.delay, Duration::from_millis(40));
    }

    #[test]
    fn a_reordered_packet_that_is_too_late_is_not_played_after_what_followed_it() {
        let mut buffer = JitterBuffer::new(0);
        buffer.insert(at(0), Arrival::First, 0, &frame(1));
        buffer.insert(at(1), Arrival::Next { lost: 1 }, 320, &frame(3));
        assert_eq!([20, 40, 60, 80].map(|ms| buffer.frame(at(ms))), [Some(frame(1)), None, Some(frame(3)), None]);
        buffer.insert(at(85), Arrival::Reordered, 160, &frame(2));
        assert_eq!(buffer.frame(at(100)), None);
    }

    #[test]
    fn a_new_talkspurt_is_delayed_anew() {
        let mut buffer = JitterBuffer::new(0);
        buffer.insert(at(0), Arrival::First, 0, &frame(1));
        assert_eq!(buffer.frame(at(20)), Some(frame(1)));
        for n in 2..10 {
            assert_eq!(buffer.frame(at(n * 20)), None);
        }
        buffer.insert(at(199), NEXT, 1_600, &frame(2));
        assert_eq!(buffer.frame(at(200)), None);
        assert_eq!(buffer.frame(at(220)), Some(frame(2)));
    }

    #[test]
    fn a_jump_of_the_timestamps_starts_over() {
        let mut buffer = JitterBuffer::new(0);
        buffer.insert(at(0), Arrival::First, 0, &frame(1));
        assert_eq!(buffer.frame(at(20)), Some(frame(1)));
        buffer.insert(at(21), NEXT, 0x8000_00a0, &frame(2));
        assert_eq!(buffer.frame(at(60)), Some(frame(2)));
    }

    proptest! {
        /// Any timestamps and lengths in any order: nothing panics, and no more waits than may.
        #[test]
        fn a_sender_without_any_sense_does_no_harm(
            packets in proptest::collection::vec((any::<bool>(), -20_000..20_000i32, 0..700usize, any::<bool>()), 0..300),
        ) {
            let mut buffer = JitterBuffer::new(0);
            let mut timestamp = 0u32;
            for (n, (newest, step, length, tick)) in packets.into_iter().enumerate() {
                timestamp = timestamp.wrapping_add_signed(step);
                let arrival = if newest { NEXT } else { Arrival::Reordered };
                buffer.insert(at(n as u64 * 20), arrival, timestamp, &vec![1; length]);
                if tick {
                    buffer.frame(at(n as u64 * 20));
                }
                prop_assert!(buffer.chunks.len() <= MAX_CHUNKS);
            }
            for n in 300..3_000 {
                buffer.frame(at(n * 20));
            }
            prop_assert!(buffer.state == State::Idle, "{:?} after all", buffer.state);
        }
    }

    #[test]
    fn a_sender_whose_clock_runs_fast_does_not_delay_what_is_heard_for_ever() {
        let mut buffer = JitterBuffer::new(0);
        for n in 0..10 {
            buffer.insert(at(0), NEXT, n * 160, &frame(1));
        }
        for n in 1..200 {
            buffer.frame(at(u64::from(n) * 20));
            buffer.insert(at(u64::from(n) * 20), NEXT, 1_600 + (n - 1) * 160, &frame(2));
        }
        assert!(buffer.chunks.len() <= 3, "{} packets wait", buffer.chunks.len());
    }
}
