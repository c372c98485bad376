//! Whether a recording holds a reference without one sample changed, and if not, what became of it.
//!
//! A reference that went through G.711 once comes out as the samples that its octets stand for, so it is looked for as
//! it is, and as each law leaves it. Sampling rates must be the same. Left out: a reference that comes more than once.

use std::collections::HashMap;
use std::time::Duration;

use super::g711::{self, Law};
use crate::units::{SampleRate, human};

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// All of the reference stands `delay` samples into the recording.
    Exact { delay: usize },
    /// It is there, but not as it was.
    Changed(Changed),
    /// Nothing of the recording is like it.
    Absent,
}

/// How a reference was changed on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Where it begins, in samples of the recording; below 0 when its beginning is not in it.
    pub delay: isize,
    /// Samples of the reference that differ or are missing.
    pub differing: usize,
    /// The first of them, as a sample of the reference.
    pub first: usize,
    pub why: Why,
}

/// What likely changed a reference.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// It was coded by one law and then by the other.
    Transcoded { first: Law, then: Law },
    /// Louder or quieter throughout, in decibels.
    Gain(f64),
    /// Coded again, by something lossy.
    Recoded,
    /// From `at` on, a sample of the reference, it comes later (or earlier, below 0) by so many samples.
    Slipped { at: usize, by: isize },
    /// What differs is silence.
    Silenced,
    /// The recording does not hold it to its end, or from its beginning.
    Cut,
    /// What differs is something else.
    Overwritten,
}

/// Samples that are looked for at once.
const BLOCK: usize = 16;
/// Blocks that must agree on a delay.
const VOTES: usize = 3;
/// What is compared for likeness: 100 ms at 8 kHz.
const PROBE: usize = 800;
/// Likeness (normalised correlation) above which a sound is the same one.
const ALIKE: f64 = 0.9;
/// A gain that no coding makes.
const GAIN_DB: f64 = 0.3;
/// Amplitude up to which a sample is silent, under both laws.
const SILENT: u16 = 8;

/// Looks for `reference` in `recording`.
pub fn compare(reference: &[i16], recording: &[i16]) -> Comparison {
    if reference.is_empty() {
        return Comparison::Absent;
    }
    let coded = [reference.to_vec(), g711::through(Law::Mu, reference), g711::through(Law::A, reference)];
    if let Some(delay) = coded.iter().find_map(|coded| position(coded, recording)) {
        return Comparison::Exact { delay };
    }
    for (first, then) in [(Law::A, Law::Mu), (Law::Mu, Law::A)] {
        let twice = g711::through(then, &g711::through(first, reference));
        if let Some(delay) = position(&twice, recording) {
            let coded = if then == Law::Mu { &coded[1] } else { &coded[2] };
            return changed(coded, recording, delay as isize, Why::Transcoded { first, then });
        }
    }
    let voted = coded.iter().map(|coded| (votes(coded, recording), coded));
    let best = voted.max_by_key(|(votes, _)| votes.first().map_or(0, |vote| vote.count));
    if let Some((votes, coded)) = best
        && let Some(delay) = votes.iter().filter(|vote| vote.count >= VOTES).min_by_key(|vote| vote.earliest)
    {
        let slip = votes
            .iter()
            .filter(|vote| vote.count >= VOTES && vote.delay != delay.delay && vote.earliest > delay.earliest)
            .min_by_key(|vote| vote.earliest);
        let why = match slip {
            Some(slip) => Why::Slipped { at: slip.earliest, by: slip.delay - delay.delay },
            None => difference(coded, recording, delay.delay),
        };
        return changed(coded, recording, delay.delay, why);
    }
    alike(reference, &coded, recording)
}

/// Where all of `reference` stands.
fn position(reference: &[i16], recording: &[i16]) -> Option<usize> {
    recording.windows(reference.len()).position(|window| window == reference)
}

/// A delay that blocks of the reference agree on.
struct Vote {
    delay: isize,
    count: usize,
    /// The first of them, as a sample of the reference.
    earliest: usize,
}

/// Delays at which blocks of `reference` stand in `recording`, the most common first. Blocks that repeat, as silence
/// does, say nothing.
fn votes(reference: &[i16], recording: &[i16]) -> Vec<Vote> {
    let mut places: HashMap<&[i16], Option<usize>> = HashMap::new();
    for (at, block) in recording.windows(BLOCK).enumerate() {
        places.entry(block).and_modify(|place| *place = None).or_insert(Some(at));
    }
    let mut votes: HashMap<isize, (usize, usize)> = HashMap::new();
    for (n, block) in reference.chunks_exact(BLOCK).enumerate() {
        if let Some(Some(at)) = places.get(block) {
            let delay = *at as isize - (n * BLOCK) as isize;
            votes.entry(delay).or_insert((0, n * BLOCK)).0 += 1;
        }
    }
    let mut votes: Vec<Vote> =
        votes.into_iter().map(|(delay, (count, earliest))| Vote { delay, count, earliest }).collect();
    votes.sort_by_key(|vote| (std::cmp::Reverse(vote.count), vote.delay));
    votes
}

/// The sample of `recording` where sample `n` of a reference that begins at `delay` should be.
fn at(recording: &[i16], delay: isize, n: usize) -> Option<i16> {
    let place = usize::try_from(delay + n as isize).ok()?;
    recording.get(place).copied()
}

fn changed(reference: &[i16], recording: &[i16], delay: isize, why: Why) -> Comparison {
    let differs = |&(n, sample): &(usize, &i16)| at(recording, delay, n) != Some(*sample);
    let mut differing = reference.iter().enumerate().filter(differs);
    let first = differing.next().map(|(n, _)| n);
    Comparison::Changed(Changed {
        delay,
        differing: differing.count() + usize::from(first.is_some()),
        first: first.unwrap_or(0),
        why,
    })
}

/// What the samples that differ are.
fn difference(reference: &[i16], recording: &[i16], delay: isize) -> Why {
    let (mut missing, mut silent, mut other) = (0, 0, 0);
    for (n, sample) in reference.iter().enumerate() {
        match at(recording, delay, n) {
            None => missing += 1,
            Some(found) if found == *sample => {}
            Some(found) if found.unsigned_abs() <= SILENT => silent += 1,
            Some(_) => other += 1,
        }
    }
    match (missing, silent, other) {
        (_, 0, 0) => Why::Cut,
        (_, silent, other) if silent > 9 * other => Why::Silenced,
        _ => Why::Overwritten,
    }
}

/// A reference of which no block is left, by its likeness.
fn alike(reference: &[i16], coded: &[Vec<i16>], recording: &[i16]) -> Comparison {
    let middle = reference.len() / 2;
    let start = middle.saturating_sub(PROBE / 2);
    let probe = &reference[start..reference.len().min(start + PROBE)];
    let best = recording
        .windows(probe.len())
        .enumerate()
        .map(|(place, window)| (likeness(probe, window).0, place))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((likeness_found, place)) = best.filter(|(found, _)| *found > ALIKE) else { return Comparison::Absent };
    let delay = place as isize - start as isize;
    let gain = likeness(probe, &recording[place..place + probe.len()]).1;
    let gain_db = 20.0 * gain.log10();
    let why = if gain_db.abs() > GAIN_DB && likeness_found.is_finite() { Why::Gain(gain_db) } else { Why::Recoded };
    let nearest = coded.iter().map(|coded| changed(coded, recording, delay, why.clone()));
    let differing = |comparison: &Comparison| match comparison {
        Comparison::Changed(changed) => changed.differing,
        Comparison::Exact { .. } | Comparison::Absent => usize::MAX,
    };
    nearest.min_by_key(differing).unwrap_or(Comparison::Absent)
}

/// Normalised correlation of two stretches of one length, and the gain from the first to the second.
fn likeness(first: &[i16], second: &[i16]) -> (f64, f64) {
    let (mut both, mut of_first, mut of_second) = (0.0, 0.0, 0.0);
    for (a, b) in first.iter().zip(second) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        both += a * b;
        of_first += a * a;
        of_second += b * b;
    }
    if of_first == 0.0 || of_second == 0.0 {
        (0.0, 0.0)
    } else {
        (both / (of_first * of_second).sqrt(), both / of_first)
    }
}

impl Comparison {
    /// Whether it is exact, what was found in `reference` samples at `rate`, and what may have caused it.
    pub fn told(&self, reference: usize, rate: SampleRate) -> (bool, String, String) {
        let time = |samples: usize| human(Duration::from_millis(rate.duration(samples).as_millis() as u64));
        match self {
            Comparison::Exact { delay } => {
                (true, format!("all {reference} samples the same, {} into the recording", time(*delay)), String::new())
            }
            Comparison::Absent => (
                false,
                "nothing like it in the recording".to_owned(),
                "it was not played, not recorded, or went through a codec that is no G.711".to_owned(),
            ),
            Comparison::Changed(Changed { delay, differing, first, why }) => {
                let place = usize::try_from(delay + *first as isize).unwrap_or(0);
                let actual = format!(
                    "{differing} of {reference} samples differ, the first at {} ({} into it)",
                    time(place),
                    time(*first),
                );
                (false, actual, why.told(rate))
            }
        }
    }
}

impl Why {
    fn told(&self, rate: SampleRate) -> String {
        let time = |samples: usize| human(Duration::from_millis(rate.duration(samples).as_millis() as u64));
        let name = |law: &Law| if *law == Law::Mu { "PCMU" } else { "PCMA" };
        match self {
            Why::Transcoded { first, then } => {
                format!("transcoding: exactly what {} and then {} leave of it", name(first), name(then))
            }
            Why::Gain(db) => format!("a gain of {db:+.1} dB in the path"),
            Why::Recoded => "coded again on its way: transcoding, or an echo canceller or noise gate".to_owned(),
            Why::Slipped { at, by } => {
                let (samples, what) = (by.unsigned_abs(), if *by < 0 { "missing" } else { "inserted" });
                format!(
                    "packet loss or a slip: from {} into it on, {samples} samples ({}) are {what}",
                    time(*at),
                    time(samples)
                )
            }
            Why::Silenced => {
                "packet loss: silence stands where samples differ; if packets are only late, a jitter buffer \
                              mends it (`set: { jitterbuffer_msec: 100 }` in front of the listener's `answer`)"
                    .to_owned()
            }
            Why::Cut => "the recording does not hold all of it: it began late or ended early".to_owned(),
            Why::Overwritten => {
                "something else sounds where samples differ: concealment of lost packets, or mixing".to_owned()
            }
        }
    }
}

/// The pseudo-random sequence of 2^15 - 1 bits (ITU-T O.150, 5.3), eight bits to an octet, the first bit highest: four
/// seconds in which no stretch of two octets or more comes twice.
pub fn pattern(octets: usize) -> Vec<u8> {
    let mut register: u16 = 0x7fff;
    let mut bit = || {
        let out = (register >> 14) & 1;
        register = ((register << 1) | (((register >> 14) ^ (register >> 13)) & 1)) & 0x7fff;
        out as u8
    };
    (0..octets).map(|_| (0..8).fold(0, |octet, _| (octet << 1) | bit())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: SampleRate = SampleRate::NARROW;

    fn sound(law: Law) -> Vec<i16> {
        let mut pcm = Vec::new();
        g711::decode(law, &pattern(8_000), &mut pcm);
        pcm
    }

    /// `sound` behind 300 ms of silence and in front of 200 ms.
    fn recorded(sound: &[i16]) -> Vec<i16> {
        [&[0; 2_400], sound, &[0; 1_600]].concat()
    }

    #[track_caller]
    fn why(reference: &[i16], recording: &[i16]) -> Changed {
        match compare(reference, recording) {
            Comparison::Changed(changed) => changed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_pattern_has_the_period_and_balance_of_the_recommendation() {
        const PERIOD: usize = (1 << 15) - 1;
        let octets = pattern(2 * PERIOD);
        assert_eq!(octets[..PERIOD], octets[PERIOD..]);
        let ones: u32 = octets[..PERIOD].iter().map(|octet| octet.count_ones()).sum();
        // 2^14 ones in a period of bits, eight times over.
        assert_eq!(ones, 8 << 14);
        let mut pairs: Vec<_> = octets[..=PERIOD].windows(2).collect();
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs.len(), PERIOD);
    }

    #[test]
    fn what_went_through_either_law_once_is_exact() {
        for (reference, law) in [(sound(Law::Mu), Law::Mu), (sound(Law::Mu), Law::A), (sound(Law::A), Law::Mu)] {
            let heard = recorded(&g711::through(law, &reference));
            assert_eq!(compare(&reference, &heard), Comparison::Exact { delay: 2_400 });
        }
    }

    #[test]
    fn one_bit_is_found_where_it_is() {
        let reference = sound(Law::Mu);
        let mut heard = recorded(&reference);
        heard[2_400 + 4_321] ^= 0x100;
        let found = why(&reference, &heard);
        assert_eq!(found, Changed { delay: 2_400, differing: 1, first: 4_321, why: Why::Overwritten });
        let (holds, actual, _) = compare(&reference, &heard).told(reference.len(), RATE);
        assert!(!holds);
        assert_eq!(actual, "1 of 8000 samples differ, the first at 840ms (540ms into it)");
    }

    #[test]
    fn what_changed_it_is_named() {
        let reference = sound(Law::Mu);
        let found = |sound: &[i16]| why(&reference, &recorded(sound)).why;
        let twice = g711::through(Law::Mu, &g711::through(Law::A, &reference));
        assert_eq!(found(&twice), Why::Transcoded { first: Law::A, then: Law::Mu });
        let quiet: Vec<i16> = reference.iter().map(|sample| sample / 2).collect();
        match found(&g711::through(Law::Mu, &quiet)) {
            Why::Gain(db) => assert!((db + 6.02).abs() < 0.1, "{db} dB"),
            other => panic!("{other:?}"),
        }
        let noisy: Vec<i16> =
            reference.iter().enumerate().map(|(n, s)| s.saturating_add(40 + (n % 7) as i16)).collect();
        assert_eq!(found(&noisy), Why::Recoded);
    }

    #[test]
    fn lost_packets_are_told_by_what_stands_in_their_place() {
        let reference = sound(Law::A);
        let mut silenced = reference.clone();
        silenced[3_200..3_360].fill(0);
        let found = why(&reference, &recorded(&silenced));
        assert_eq!((found.first, &found.why), (3_200, &Why::Silenced));
        assert_eq!(found.differing, 160);
        let mut skipped = reference.clone();
        skipped.drain(3_200..3_360);
        let found = why(&reference, &recorded(&skipped));
        assert_eq!((found.first, found.why), (3_200, Why::Slipped { at: 3_360, by: -160 }));
        let found = why(&reference, &recorded(&reference[..6_000]));
        assert_eq!((found.first, found.differing), (6_000, 2_000));
        let found = why(&reference, &reference[800..]);
        assert_eq!((found.delay, found.why), (-800, Why::Cut));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let reference = sound(Law::Mu);
        assert_eq!(compare(&reference, &vec![0; 20_000]), Comparison::Absent);
        assert_eq!(compare(&reference, &[]), Comparison::Absent);
        assert_eq!(compare(&[], &reference), Comparison::Absent);
        let tone = crate::audio::sine::sine(crate::units::Hertz(440.0), crate::units::Dbm0(-3.0), RATE, 20_000);
        assert_eq!(compare(&reference, &tone), Comparison::Absent);
    }

    /// The shipped sounds are what this makes: `UPDATE_SOUNDS=1 cargo test --lib the_shipped_patterns`.
    #[test]
    fn the_shipped_patterns_are_the_sequence_in_the_octets_of_each_law() {
        for (law, name) in [(Law::Mu, "pattern-pcmu.wav"), (Law::A, "pattern-pcma.wav")] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/sounds").join(name);
            if std::env::var_os("UPDATE_SOUNDS").is_some() {
                let mut writer = crate::audio::wav::Writer::create(&path, RATE, 1).unwrap();
                writer.write(&sound(law)).unwrap();
                writer.finish().unwrap();
            }
            let wav = crate::audio::wav::read(&path).unwrap();
            assert_eq!((wav.rate, wav.channels), (RATE, vec![sound(law)]), "{name}");
        }
    }
}
