//! Whether a track holds the tone asked for, and what to say when it does not.

use std::time::Duration;

use super::{Listened, Outcome};
use crate::audio::level;
use crate::audio::span::{Content, Span};
use crate::bound::{Bound, Within};
use crate::units::{Dbm0, Hertz, human};

/// How long a tone must last to be heard, where a check does not say.
pub const HEARD: Duration = Duration::from_millis(100);

/// How far `level` is off what was asked for, in dB; below it is negative.
fn beyond(asked: Bound<Dbm0>, level: Dbm0) -> f64 {
    let nearest = match asked {
        Bound::AtLeast(bound) | Bound::AtMost(bound) | Bound::MoreThan(bound) | Bound::LessThan(bound) => bound,
        Bound::Exactly(bound) => bound,
        Bound::Between(least, _) if level.0 < least.0 => least,
        Bound::Between(_, most) => most,
        Bound::Within(within) => within.centre,
    };
    level.0 - nearest.0
}

pub(super) fn verify(
    track: &Listened<'_>,
    frequency: Within<Hertz>,
    level: Option<Bound<Dbm0>>,
    lasting: Option<Bound<Duration>>,
) -> Outcome {
    let of_frequency = Tones::of(track, |hertz, _| frequency.holds(hertz));
    let right = match level {
        Some(level) => Tones::of(track, |hertz, dbm0| frequency.holds(hertz) && level.holds(dbm0)),
        None => of_frequency.clone(),
    };
    let long_enough = |tones: &Tones| match lasting {
        Some(bound) => bound.holds(tones.total),
        None => tones.longest >= HEARD,
    };
    let holds = long_enough(&right);
    if of_frequency.parts.is_empty() {
        return (holds, instead(track), other_than(track, frequency));
    }

    let mut actual = of_frequency.to_string();
    if right.total != of_frequency.total {
        actual += &format!(", {} of it at the level asked for", human(right.total));
    }
    let gap = of_frequency.longest_gap(track);
    if let Some((at, length)) = &gap {
        actual +=
            &format!("; {} of {} at {}", if at.silent { "a gap" } else { "other sound" }, human(*length), at.time);
    }
    let off = level.map_or(0.0, |level| beyond(level, of_frequency.level));
    let more = lasting.is_none_or(|bound| bound.wants_more_than(right.total));
    let help = if !more {
        "the tone lasts longer than asked for: it was not stopped in time, or should not be there at all".to_owned()
    } else if right.total < of_frequency.total && long_enough(&of_frequency) {
        let (size, way) = if off < 0.0 { ("quiet", "an attenuation") } else { ("loud", "a gain") };
        format!("the tone is right but {:.1} dB too {size}: {way} stands in the path, or it was played so", off.abs())
    } else if lasting.is_some_and(|bound| bound.wants_more_than(track.length())) {
        format!("the recording lasts only {}: it began late, or the call ended early", track.at(track.pcm.len()))
    } else if gap.is_some() {
        format!(
            "the tone is right but interrupted {}: packets were lost, or its playback stopped and began again",
            of_frequency.interruptions(),
        )
    } else {
        format!(
            "the tone is right but does not last: it is there from {} to {} of {}",
            track.at(of_frequency.start()),
            track.at(of_frequency.end()),
            track.at(track.pcm.len()),
        )
    };
    (holds, actual, help)
}

/// Frequency, level and length of the tone, whatever its level; nothing where there is none.
pub(super) fn figures(track: &Listened<'_>, frequency: Within<Hertz>) -> Vec<(&'static str, f64)> {
    let tones = Tones::of(track, |hertz, _| frequency.holds(hertz));
    if tones.parts.is_empty() {
        return Vec::new();
    }
    vec![("tone_hz", tones.frequency.0), ("level_dbm0", tones.level.0), ("tone_s", tones.total.as_secs_f64())]
}

/// Spans of one tone.
#[derive(Clone, Debug)]
struct Tones {
    parts: Vec<Span>,
    /// Time with sound in it, to 10 ms.
    total: Duration,
    /// The same of the longest part, neighbours taken together.
    longest: Duration,
    frequency: Hertz,
    level: Dbm0,
}

/// Where a tone was interrupted, and whether by silence.
#[derive(Clone, Debug)]
struct Break {
    time: String,
    silent: bool,
}

impl Tones {
    fn of(track: &Listened<'_>, wanted: impl Fn(Hertz, Dbm0) -> bool) -> Tones {
        let (mut parts, mut total, mut run, mut longest) = (Vec::new(), 0, 0, 0);
        let (mut hertz, mut power) = (0.0, 0.0);
        for span in &track.spans {
            match span.content {
                Content::Tone { frequency, level } if wanted(frequency, level) => {
                    let sounding = track.sounding(&span.range);
                    total += sounding;
                    run += sounding;
                    longest = longest.max(run);
                    hertz += frequency.0 * sounding as f64;
                    power += level::to_power(level) * sounding as f64;
                    parts.push(span.clone());
                }
                _ => run = 0,
            }
        }
        let weight = total.max(1) as f64;
        Tones {
            parts,
            total: track.rounded(total),
            longest: track.rounded(longest),
            frequency: Hertz(hertz / weight),
            level: level::of_power(power / weight),
        }
    }

    fn start(&self) -> usize {
        self.parts.first().map_or(0, |span| span.range.start)
    }

    fn end(&self) -> usize {
        self.parts.last().map_or(0, |span| span.range.end)
    }

    /// How often the tone stops and comes back: `once`, `4 times`.
    fn interruptions(&self) -> String {
        match self.parts.windows(2).filter(|pair| pair[0].range.end < pair[1].range.start).count() {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        }
    }

    /// The longest break between two parts.
    fn longest_gap(&self, track: &Listened<'_>) -> Option<(Break, Duration)> {
        let breaks = self.parts.windows(2).map(|pair| pair[0].range.end..pair[1].range.start);
        let longest = breaks.filter(|range| !range.is_empty()).max_by_key(ExactSizeIterator::len)?;
        // Silence is known to the sample; frames are not.
        let inside = track.silences.spans().iter().filter(|span| span.end > longest.start && span.start < longest.end);
        let (range, silent) = match inside.max_by_key(|span| span.len()) {
            Some(silence) => (silence.clone(), true),
            None => (longest, false),
        };
        let length = super::round(track.rate.duration(range.len()), Duration::from_millis(1));
        Some((Break { time: track.at(range.start), silent }, length))
    }
}

impl std::fmt::Display for Tones {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (total, longest) = (human(self.total), human(self.longest));
        write!(f, "{} at {} for {total} (longest run {longest})", self.frequency, self.level)
    }
}

/// The tone that lasts longest.
fn main_tone(track: &Listened<'_>) -> Option<Hertz> {
    let tones = track.spans.iter().filter_map(|span| match span.content {
        Content::Tone { frequency, .. } => Some((frequency, track.sounding(&span.range))),
        _ => None,
    });
    tones.max_by_key(|&(_, samples)| samples).map(|(frequency, _)| frequency)
}

/// What is there in place of the tone asked for.
fn instead(track: &Listened<'_>) -> String {
    if track.silences.throughout() {
        return track.silence_throughout();
    }
    match main_tone(track) {
        Some(main) => Tones::of(track, |hertz, _| (hertz.0 - main.0).abs() <= 5.0).to_string(),
        None => {
            let (level, samples) = track.active();
            format!("no steady tone, but other sound at {level} for {}", human(track.rounded(samples)))
        }
    }
}

/// What may have put it there.
fn other_than(track: &Listened<'_>, asked: Within<Hertz>) -> String {
    if track.silences.throughout() {
        return track.nothing_there();
    }
    let Some(found) = main_tone(track) else {
        return "no single tone: speech, noise, several tones at once, or too many packets lost".to_owned();
    };
    let ratio = found.0 / asked.centre.0;
    for (factor, name) in [(2.0, "twice"), (0.5, "half")] {
        if (ratio / factor - 1.0).abs() < 0.01 {
            return format!("another tone, at {name} the frequency: one side takes the sample rate for another");
        }
    }
    format!(
        "another tone, {:+.1} Hz off: something else is played, or it comes from another call",
        found.0 - asked.centre.0
    )
}
