//! A recording against what was played: where it is in there, how loud, how like it, and what is missing or wrong.
//!
//! Cross-correlation finds the reference in the recording. Then the reference is followed in segments of 100 ms: one
//! that no longer fits is searched around its place, so that an inserted pause or a skipped passage moves what follows
//! instead of spoiling it. Level and delay are taken out before likeness is measured. Parts of the reference 30 dB below
//! its own level count as its pauses and are not looked at.
//!
//! Left out: drifting clocks (they show as a step now and then), and more than one play of the reference (the first one
//! is looked at).

use std::ops::Range;
use std::time::Duration;

use realfft::RealFftPlanner;

use crate::audio::level;
use crate::units::{Db, Dbm0, SampleRate};

mod correlate;
#[cfg(test)]
mod tests;

use correlate::{best_lag, normalised};

/// How a recording stands to its reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Where the reference begins in the recording, in samples; negative when its beginning came before.
    pub offset: i64,
    /// The recording's level against the reference's, where they are alike.
    pub gain: Db,
    /// Mean correlation of the segments, 0 to 1, where level and delay are taken out; a missing one counts as 0.
    pub likeness: f64,
    pub polarity: Polarity,
    /// How much of the reference's sound is missing at its start, to 5 ms.
    pub missing_start: Duration,
    /// And at its end.
    pub missing_end: Duration,
    /// What went wrong between them, in order.
    pub faults: Vec<Fault>,
    rate: SampleRate,
}

/// Whether the signal came out upside down: harmless to the ear, but somewhere the wires are crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    Kept,
    Inverted,
}

/// Something that went wrong within the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// From the beginning of the recording.
    pub at: Duration,
    pub length: Duration,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Silence in place of sound, or between sounds.
    Gap,
    /// A passage was left out, and what follows comes earlier.
    Skip,
    /// What was heard just before came again.
    Repeat,
}

/// Nothing in the recording is like the reference.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unlike {
    #[error("the reference is silent")]
    SilentReference,
    #[error("silence ({0}) throughout")]
    Silent(Dbm0),
    #[error("nothing in it is like the clip: likeness {0:.2}")]
    Unlike(f64),
}

impl Comparison {
    /// From the beginning of the recording to the beginning of the reference; zero when that came before.
    pub fn delay(&self) -> Duration {
        self.rate.duration(usize::try_from(self.offset).unwrap_or(0))
    }

    /// The samples of a recording of `length` samples in which the reference is.
    pub fn range(&self, reference: usize, length: usize) -> Range<usize> {
        let clamp = |at: i64| usize::try_from(at).unwrap_or(0).min(length);
        // Lengths in memory fit.
        clamp(self.offset)..clamp(self.offset + reference as i64)
    }
}

/// A segment that is followed.
const SEGMENT: Duration = Duration::from_millis(100);
/// Part of a segment for which a delay is chosen.
const BLOCK: Duration = Duration::from_millis(20);
/// Part of a block whose level is looked at.
const SLICE: Duration = Duration::from_millis(5);
/// How far a segment may be from where the one before it was.
const STRAY: Duration = Duration::from_millis(500);
/// A segment that is so much like the reference is in its place.
const FITS: f64 = 0.8;
/// Below this mean nothing of the reference is there. What speech correlates with other speech by chance, searched over
/// all delays, stays below.
const LEAST: f64 = 0.35;
/// Slices that are so much quieter than they should be are missing, in dB.
const MISSING: f64 = 15.0;
/// A missing stretch within the reference is a gap from here on.
const SHORTEST_GAP: Duration = Duration::from_millis(10);
/// Parts of the reference so much quieter than all of it are its pauses, in dB.
const PAUSE: f64 = 30.0;
/// And so are those quieter than this.
const QUIET: Dbm0 = Dbm0(-50.0);

/// Holds `recording` against `reference`, both at `rate`.
pub fn compare(reference: &[i16], recording: &[i16], rate: SampleRate) -> Result<Comparison, Unlike> {
    let level_of = |pcm: &[i16]| level::level(pcm).unwrap_or(Dbm0(f64::NEG_INFINITY));
    let (said, got) = (level_of(reference), level_of(recording));
    if said < QUIET {
        return Err(Unlike::SilentReference);
    }
    if got.0 < QUIET.0 - PAUSE {
        return Err(Unlike::Silent(got));
    }
    let pair = Pair::new(reference, recording, rate, Dbm0((said.0 - PAUSE).max(QUIET.0)));
    let (offset, polarity) = pair.locate();
    let segments = pair.follow(offset, polarity.sign());
    let fitting: Vec<&Segment> = segments.iter().filter(|segment| segment.likeness >= FITS).collect();
    let likeness = segments.iter().map(|segment| segment.likeness).sum::<f64>() / segments.len().max(1) as f64;
    let Some(first) = fitting.first().filter(|_| likeness >= LEAST) else {
        return Err(if got < QUIET { Unlike::Silent(got) } else { Unlike::Unlike(likeness) });
    };
    let gain = pair.gain(&fitting);
    let blocks = pair.blocks(&segments, polarity.sign());
    let missing = pair.missing(&blocks, gain);
    let mut faults = pair.moves(&blocks, gain);
    faults.extend(
        missing.gaps.iter().filter(|gap| !faults.iter().any(|fault| overlap(fault, gap))).copied().collect::<Vec<_>>(),
    );
    faults.extend(pair.repeats(&blocks, polarity.sign()));
    faults.sort_by_key(|fault| fault.at);
    Ok(Comparison {
        offset: first.offset,
        gain: Db(20.0 * gain.log10()),
        likeness: likeness.clamp(0.0, 1.0),
        polarity,
        missing_start: missing.start,
        missing_end: missing.end,
        faults,
        rate,
    })
}

/// How strongly `said` is in `heard`: the gain of the likeliest path from one to the other, and its delay.
///
/// `None` where nothing was said. What was said and heard at the same time correlates a little by chance: beneath loud
/// speech of somebody else less than some -25 dB cannot be told from nothing.
pub fn coupling(said: &[i16], heard: &[i16], rate: SampleRate) -> Option<(Db, Duration)> {
    if level::level(said).is_none_or(|level| level < QUIET) {
        return None;
    }
    // Nothing can come back before it was said, but a recording may begin with a crack.
    let active = Pair::new(said, heard, rate, QUIET);
    let begin = active.active.iter().position(|active| *active).unwrap_or(0) * active.slice;
    let (said, heard) = (&said[begin..], heard.get(begin..).unwrap_or_default());
    // And no telephone's path takes longer than a second.
    let pair = Pair::new(said, heard, rate, QUIET);
    let correlation = pair.correlation();
    let longest = (rate.0 as usize).min(heard.len().saturating_sub(1));
    let (delay, strongest) =
        correlation[..=longest].iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    let energy = level::power(said)? * said.len() as f64;
    // The inverse transform is not scaled.
    let gain = strongest.abs() / correlation.len() as f64 / energy;
    Some((Db(20.0 * gain.max(1e-6).log10()), rate.duration(delay)))
}

impl Polarity {
    const fn sign(self) -> f64 {
        match self {
            Polarity::Kept => 1.0,
            Polarity::Inverted => -1.0,
        }
    }
}

fn overlap(a: &Fault, b: &Fault) -> bool {
    a.at < b.at + b.length && b.at < a.at + a.length
}

/// A passage of the reference and where in the recording it lies.
#[derive(Clone, Debug)]
struct Segment {
    /// In samples of the reference.
    range: Range<usize>,
    /// What to add for the recording's.
    offset: i64,
    likeness: f64,
}

/// What is missing of the reference's sound.
#[derive(Debug, Default)]
struct Missing {
    start: Duration,
    end: Duration,
    gaps: Vec<Fault>,
}

struct Pair<'a> {
    reference: &'a [i16],
    recording: &'a [i16],
    rate: SampleRate,
    /// Slices of the reference that are louder than its pauses.
    active: Vec<bool>,
    slice: usize,
}

impl<'a> Pair<'a> {
    fn new(reference: &'a [i16], recording: &'a [i16], rate: SampleRate, pause: Dbm0) -> Self {
        let slice = rate.samples(SLICE).max(1);
        let limit = level::to_power(pause);
        let active = reference.chunks(slice).map(|pcm| level::power(pcm).is_some_and(|power| power >= limit)).collect();
        Pair { reference, recording, rate, active, slice }
    }

    /// The cross-correlation at each offset, times its length; negative offsets stand at the end.
    fn correlation(&self) -> Vec<f64> {
        let length = (self.reference.len() + self.recording.len()).next_power_of_two();
        let mut planner = RealFftPlanner::<f64>::new();
        let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
        let spectrum = |pcm: &[i16]| {
            let mean = pcm.iter().map(|&sample| f64::from(sample)).sum::<f64>() / pcm.len().max(1) as f64;
            let mut input: Vec<f64> = pcm.iter().map(|&sample| f64::from(sample) - mean).collect();
            input.resize(length, 0.0);
            let mut output = forward.make_output_vec();
            // Both buffers have the lengths that the plan asks for.
            forward.process(&mut input, &mut output).expect("the buffers fit the plan");
            output
        };
        let (reference, mut product) = (spectrum(self.reference), spectrum(self.recording));
        product.iter_mut().zip(&reference).for_each(|(a, b)| *a *= b.conj());
        // The ends of a real signal's spectrum are real but for rounding, and must be.
        for end in [0, product.len() - 1] {
            product[end].im = 0.0;
        }
        let mut correlation = inverse.make_output_vec();
        inverse.process(&mut product, &mut correlation).expect("the buffers fit the plan");
        correlation
    }

    /// Where all of the reference fits best. Of several plays the first.
    fn locate(&self) -> (i64, Polarity) {
        let correlation = self.correlation();
        let length = correlation.len();
        let (before, after) = (self.reference.len() as i64, self.recording.len() as i64);
        let at = |offset: i64| correlation[offset.rem_euclid(length as i64) as usize];
        let peak = |range: Range<i64>| range.max_by(|&a, &b| at(a).abs().total_cmp(&at(b).abs()));
        let mut best = peak(1 - before..after).unwrap_or(0);
        // An earlier play of the same reference correlates nearly as well.
        while let Some(earlier) =
            peak(1 - before..best - before / 2).filter(|&at_| at(at_).abs() >= 0.9 * at(best).abs())
        {
            best = earlier;
        }
        (best, if at(best) < 0.0 { Polarity::Inverted } else { Polarity::Kept })
    }

    /// The passage of the recording that `range` of the reference comes to, zeros where there is none.
    fn heard(&self, range: &Range<usize>, offset: i64) -> Vec<i16> {
        range.clone().map(|at| self.sample(at as i64 + offset)).collect()
    }

    fn sample(&self, at: i64) -> i16 {
        usize::try_from(at).ok().and_then(|at| self.recording.get(at)).copied().unwrap_or(0)
    }

    fn likeness(&self, range: &Range<usize>, offset: i64, sign: f64) -> f64 {
        (sign * normalised(&self.reference[range.clone()], &self.heard(range, offset))).max(0.0)
    }

    /// Whether there is sound in `range` of the reference, for a third of it at least.
    fn is_active(&self, range: &Range<usize>) -> bool {
        let slices = &self.active[range.start / self.slice..range.end.div_ceil(self.slice).min(self.active.len())];
        3 * slices.iter().filter(|active| **active).count() >= slices.len().max(1)
    }

    /// The reference in segments, each where it fits best near the one before it.
    fn follow(&self, offset: i64, sign: f64) -> Vec<Segment> {
        let (length, stray) = (self.rate.samples(SEGMENT).max(1), self.rate.samples(STRAY));
        let ranges: Vec<Range<usize>> = (0..self.reference.len() / length)
            .map(|index| index * length..(index + 1) * length)
            .filter(|range| self.is_active(range))
            .collect();
        let mut segments: Vec<Segment> = Vec::with_capacity(ranges.len());
        let mut last = offset;
        for (index, range) in ranges.iter().enumerate() {
            let mut here = (last, self.likeness(range, last, sign));
            if here.1 < FITS && last != offset {
                let back = self.likeness(range, offset, sign);
                here = if back >= FITS { (offset, back) } else { here };
            }
            if here.1 < FITS {
                let from = range.start as i64 + last - stray as i64;
                let window: Vec<i16> = (from..from + (length + 2 * stray) as i64).map(|at| self.sample(at)).collect();
                let found = best_lag(&self.reference[range.clone()], &window, sign);
                let moved = last - stray as i64 + found.0 as i64;
                // One segment may be like another by chance; two in a row are not.
                let confirmed = |next: &Range<usize>| self.likeness(next, moved, sign) >= FITS;
                if found.1 >= FITS && ranges.get(index + 1).or(ranges.get(index.wrapping_sub(1))).is_none_or(confirmed)
                {
                    here = (moved, found.1);
                }
            }
            last = here.0;
            segments.push(Segment { range: range.clone(), offset: here.0, likeness: here.1 });
        }
        segments
    }

    /// By what factor the recording is louder: the least squares of what fits.
    fn gain(&self, segments: &[&Segment]) -> f64 {
        let (mut both, mut alone) = (0.0, f64::MIN_POSITIVE);
        for segment in segments {
            let heard = self.heard(&segment.range, segment.offset);
            for (&said, heard) in self.reference[segment.range.clone()].iter().zip(heard) {
                both += f64::from(said) * f64::from(heard);
                alone += f64::from(said) * f64::from(said);
            }
        }
        (both / alone).abs().max(1e-6)
    }

    /// The reference in blocks, each at the offset of its segment or of a neighbour, whichever fits it better.
    fn blocks(&self, segments: &[Segment], sign: f64) -> Vec<Segment> {
        let length = self.rate.samples(BLOCK).max(1);
        let mut blocks = Vec::new();
        let mut near = 0;
        for start in (0..self.reference.len()).step_by(length) {
            let range = start..(start + length).min(self.reference.len());
            while near + 1 < segments.len() && segments[near + 1].range.start <= start {
                near += 1;
            }
            let around = &segments[near.saturating_sub(1)..(near + 2).min(segments.len())];
            let own = segments[near].offset;
            let mut best = (own, self.likeness(&range, own, sign));
            for segment in around.iter().filter(|segment| segment.offset != own && self.is_active(&range)) {
                let likeness = self.likeness(&range, segment.offset, sign);
                // Where both fit alike, as in a pause, nothing moves.
                if likeness > best.1 + 0.1 {
                    best = (segment.offset, likeness);
                }
            }
            blocks.push(Segment { range, offset: best.0, likeness: best.1 });
        }
        blocks
    }

    /// What of the reference's sound is not to be heard.
    fn missing(&self, blocks: &[Segment], gain: f64) -> Missing {
        let factor = gain * gain * 10f64.powf(-MISSING / 10.0);
        // Each active slice, where it is in the recording, and whether there is anything.
        let mut slices: Vec<(Range<usize>, i64, bool)> = Vec::new();
        for block in blocks {
            for start in block.range.clone().step_by(self.slice) {
                let range = start..(start + self.slice).min(self.reference.len());
                if !self.active[start / self.slice] {
                    continue;
                }
                let wanted = level::power(&self.reference[range.clone()]).unwrap_or(0.0) * factor;
                let there = level::power(&self.heard(&range, block.offset)).unwrap_or(0.0) >= wanted;
                slices.push((range, block.offset, there));
            }
        }
        let (Some(first), Some(last)) =
            (slices.iter().position(|slice| slice.2), slices.iter().rposition(|slice| slice.2))
        else {
            return Missing::default();
        };
        let mut missing = Missing {
            start: self.rate.duration(slices[first].0.start - slices[0].0.start),
            end: self.rate.duration(slices[slices.len() - 1].0.end - slices[last].0.end),
            gaps: Vec::new(),
        };
        for run in slices[first..=last].chunk_by(|a, b| a.2 == b.2).filter(|run| !run[0].2) {
            let (from, to) = (run[0].0.start, run[run.len() - 1].0.end);
            let sound = self.rate.duration(run.iter().map(|slice| slice.0.len()).sum());
            if sound >= SHORTEST_GAP {
                let at = self.rate.duration(usize::try_from(from as i64 + run[0].1).unwrap_or(0));
                missing.gaps.push(Fault { kind: FaultKind::Gap, at, length: self.rate.duration(to - from) });
            }
        }
        missing
    }

    /// Where what follows comes later or earlier than what went before.
    fn moves(&self, blocks: &[Segment], gain: f64) -> Vec<Fault> {
        let limit = self.rate.samples(SHORTEST_GAP) as i64;
        let mut faults = Vec::new();
        let mut fitting = blocks.iter().filter(|block| block.likeness >= FITS && self.is_active(&block.range));
        let Some(mut last) = fitting.next() else { return faults };
        for block in fitting {
            let moved = block.offset - last.offset;
            if moved.abs() >= limit {
                // It happened somewhere between the two; in the reference they may be a pause apart.
                let at = last.range.end as i64 + last.offset;
                let length = self.rate.duration(moved.unsigned_abs() as usize);
                let inserted: Vec<i16> = (at..at + moved.max(0)).map(|at| self.sample(at)).collect();
                let kind = if moved < 0 {
                    FaultKind::Skip
                } else if level::level(&inserted).is_none_or(|level| level.0 < QUIET.0 + 20.0 * gain.log10().min(0.0)) {
                    FaultKind::Gap
                } else {
                    FaultKind::Repeat
                };
                let at = self.rate.duration(usize::try_from(at).unwrap_or(0));
                faults.push(Fault { kind, at, length });
            }
            last = block;
        }
        faults
    }

    /// Blocks that are like what comes shortly before them in the reference instead of like their own place: a lost
    /// packet that was filled with the one before it.
    fn repeats(&self, blocks: &[Segment], sign: f64) -> Vec<Fault> {
        let block = self.rate.samples(BLOCK).max(1);
        let mut faults: Vec<Fault> = Vec::new();
        for (index, here) in
            blocks.iter().enumerate().filter(|(_, here)| here.likeness < 0.7 && self.is_active(&here.range))
        {
            let heard = self.heard(&here.range, here.offset);
            let again = (1..=3.min(index)).any(|back| {
                let from = here.range.start - back * block;
                let before = &self.reference[from..from + heard.len()];
                sign * normalised(before, &heard) >= 0.95
            });
            if !again {
                continue;
            }
            let at = self.rate.duration(usize::try_from(here.range.start as i64 + here.offset).unwrap_or(0));
            let length = self.rate.duration(here.range.len());
            match faults.last_mut().filter(|last| last.at + last.length >= at) {
                Some(last) => last.length += length,
                None => faults.push(Fault { kind: FaultKind::Repeat, at, length }),
            }
        }
        faults
    }
}
