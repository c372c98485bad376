//! What one channel holds, from one moment to the next: a tone, other sound, or silence.
//!
//! The channel is looked at in frames of 10 ms. A frame that is not silent belongs to a tone when the best of the three
//! windows of 30 ms that cover it holds a tone 12 dB above all else; frames with one frequency (to 5 Hz) and one level
//! (to 3 dB) join. A single frame between tone and silence, or within a tone, is the edge of its samples or a jump of
//! phase, and belongs to the tone. A silence that fills no frame is not seen here.
//!
//! Left out: two tones at once (dial tone, ringback, DTMF) are sound.

use std::ops::Range;
use std::time::Duration;

use crate::audio::level;
use crate::audio::silence::Silences;
use crate::audio::tone_detect::{Tone, ToneDetector};
use crate::units::{Dbm0, Hertz, SampleRate};

/// What is heard from one moment to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// In samples.
    pub range: Range<usize>,
    pub content: Content,
    /// Level of all that is in it.
    pub level: Dbm0,
}

/// What a span is filled with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content {
    Silence,
    /// One steady tone. The level is the tone's alone.
    Tone {
        frequency: Hertz,
        level: Dbm0,
    },
    /// Speech, noise, music, several tones at once.
    Other,
}

/// Length of a frame.
pub const FRAME: Duration = Duration::from_millis(10);
/// How many frames a window covers.
const WINDOW: usize = 3;
/// A tone stands so far above all else in its window. Speech rarely reaches it for 30 ms, and never on one frequency.
const PURE: f64 = 12.0;
/// Frames that differ by more are of different tones.
const SAME_FREQUENCY: f64 = 5.0;
const SAME_LEVEL: f64 = 3.0;
/// A shorter tone is just sound.
const SHORTEST_TONE: usize = 3;

/// The spans of `pcm`, in order and without a hole between them. `silences` are those of `pcm`.
pub fn spans(pcm: &[i16], rate: SampleRate, silences: &Silences) -> Vec<Span> {
    let frame = rate.samples(FRAME).max(1);
    let frames: Vec<Frame> = classify(pcm, rate, frame, silences);
    let mut runs = join(&frames);
    forget_short_tones(&mut runs);
    absorb_single_frames(&mut runs);
    let mut spans: Vec<Span> = Vec::with_capacity(runs.len());
    for run in runs {
        let range = run.frames.start * frame..(run.frames.end * frame).min(pcm.len());
        let level = level::level(&pcm[range.clone()]).unwrap_or(Dbm0(f64::NEG_INFINITY));
        spans.push(Span { range, content: run.content(), level });
    }
    spans
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    Silence,
    Tone(Tone),
    Other,
}

fn classify(pcm: &[i16], rate: SampleRate, frame: usize, silences: &Silences) -> Vec<Frame> {
    let mut detector = ToneDetector::new(rate, WINDOW * frame);
    let window = detector.window();
    let frames = pcm.len().div_ceil(frame);
    let mut hushed = silences.spans().iter().peekable();
    let tones: Vec<Option<Tone>> = (0..frames)
        .map(|index| {
            let range = index * frame..index * frame + window;
            while hushed.next_if(|span| span.end < range.end).is_some() {}
            // Nobody asks for the tone of silence.
            let silent = hushed.peek().is_some_and(|span| span.start <= range.start && range.end <= span.end);
            pcm.get(range).filter(|_| !silent).and_then(|pcm| detector.dominant(pcm))
        })
        .collect();
    let purest = |index: usize| {
        let covering = tones.iter().take(index + 1).skip((index + 1).saturating_sub(WINDOW)).flatten();
        covering.copied().filter(|tone| tone.snr.0 >= PURE).max_by(|a, b| a.snr.0.total_cmp(&b.snr.0))
    };
    let mut silent = silences.spans().iter().peekable();
    (0..frames)
        .map(|index| {
            let range = index * frame..((index + 1) * frame).min(pcm.len());
            while silent.next_if(|span| span.end <= range.start).is_some() {}
            let quiet = silent.clone().take_while(|span| span.start < range.end);
            let quiet: usize = quiet.map(|span| span.end.min(range.end) - span.start.max(range.start)).sum();
            match purest(index) {
                _ if quiet == range.len() => Frame::Silence,
                Some(tone) => Frame::Tone(tone),
                None => Frame::Other,
            }
        })
        .collect()
}

/// Frames of one kind.
#[derive(Clone, Debug)]
struct Run {
    frames: Range<usize>,
    kind: RunKind,
}

#[derive(Clone, Copy, Debug)]
enum RunKind {
    Silence,
    Other,
    /// Sums over the frames that were measured: their number, their frequencies, their mean squares.
    Tone {
        count: f64,
        hertz: f64,
        power: f64,
    },
}

impl Run {
    fn content(&self) -> Content {
        match self.kind {
            RunKind::Silence => Content::Silence,
            RunKind::Other => Content::Other,
            RunKind::Tone { count, hertz, power } => {
                Content::Tone { frequency: Hertz(hertz / count), level: level::of_power(power / count) }
            }
        }
    }

    /// Takes in the frame that follows, if it is of the same kind.
    fn takes(&mut self, frame: &Frame) -> bool {
        let same = match (&mut self.kind, frame) {
            (RunKind::Silence, Frame::Silence) | (RunKind::Other, Frame::Other) => true,
            (RunKind::Tone { count, hertz, power }, Frame::Tone(tone)) => {
                let same = like(*hertz / *count, level::of_power(*power / *count), tone.frequency.0, tone.level);
                if same {
                    *count += 1.0;
                    *hertz += tone.frequency.0;
                    *power += level::to_power(tone.level);
                }
                same
            }
            _ => false,
        };
        self.frames.end += usize::from(same);
        same
    }
}

/// Whether two measurements are of one tone.
fn like(hertz: f64, level: Dbm0, other_hertz: f64, other_level: Dbm0) -> bool {
    (hertz - other_hertz).abs() <= SAME_FREQUENCY && (level.0 - other_level.0).abs() <= SAME_LEVEL
}

fn join(frames: &[Frame]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        if runs.last_mut().is_some_and(|last| last.takes(frame)) {
            continue;
        }
        let kind = match frame {
            Frame::Silence => RunKind::Silence,
            Frame::Other => RunKind::Other,
            Frame::Tone(tone) => {
                RunKind::Tone { count: 1.0, hertz: tone.frequency.0, power: level::to_power(tone.level) }
            }
        };
        runs.push(Run { frames: index..index + 1, kind });
    }
    runs
}

/// Makes other sound of tones too short to be one, and joins it with what stands beside it.
fn forget_short_tones(runs: &mut Vec<Run>) {
    for run in runs.iter_mut() {
        if matches!(run.kind, RunKind::Tone { .. }) && run.frames.len() < SHORTEST_TONE {
            run.kind = RunKind::Other;
        }
    }
    runs.dedup_by(|next, last| {
        let both = matches!((&next.kind, &last.kind), (RunKind::Other, RunKind::Other));
        if both {
            last.frames.end = next.frames.end;
        }
        both
    });
}

/// Gives single frames of other sound to the tone beside them, and joins a tone that such a frame divided.
fn absorb_single_frames(runs: &mut Vec<Run>) {
    let mut out: Vec<Run> = Vec::with_capacity(runs.len());
    let mut rest = runs.drain(..).peekable();
    while let Some(run) = rest.next() {
        let single = matches!(run.kind, RunKind::Other) && run.frames.len() == 1;
        let last = out.last_mut();
        let next = rest.peek_mut();
        let is_tone = |run: &Run| matches!(run.kind, RunKind::Tone { .. });
        match (last, next) {
            (Some(last), next) if single && is_tone(last) => {
                last.frames.end = run.frames.end;
                if let Some(joined) = next.and_then(|next| one_tone(last, next)) {
                    *last = joined;
                    rest.next();
                }
            }
            (_, Some(next)) if single && is_tone(next) => next.frames.start = run.frames.start,
            (Some(last), _) => match one_tone(last, &run) {
                Some(joined) => *last = joined,
                None => out.push(run),
            },
            (None, _) => out.push(run),
        }
    }
    drop(rest);
    *runs = out;
}

/// Two neighbours as one run, if they are the same tone.
fn one_tone(a: &Run, b: &Run) -> Option<Run> {
    match (a.content(), b.content(), a.kind, b.kind) {
        (
            Content::Tone { frequency, level },
            Content::Tone { frequency: other, level: other_level },
            RunKind::Tone { count, hertz, power },
            RunKind::Tone { count: more, hertz: more_hertz, power: more_power },
        ) if like(frequency.0, level, other.0, other_level) => {
            let kind = RunKind::Tone { count: count + more, hertz: hertz + more_hertz, power: power + more_power };
            Some(Run { frames: a.frames.start..b.frames.end, kind })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::g711::{self, Law};
    use crate::audio::silence::DEFAULT_THRESHOLD;
    use crate::audio::sine::sine;

    const RATE: SampleRate = SampleRate::NARROW;

    fn tone(frequency: f64, level: f64, ms: usize) -> Vec<i16> {
        sine(Hertz(frequency), Dbm0(level), RATE, 8 * ms)
    }

    /// The spans as text: milliseconds and what fills them.
    fn told(pcm: &[i16]) -> Vec<String> {
        let spans = spans(pcm, RATE, &Silences::find(pcm, RATE, DEFAULT_THRESHOLD));
        assert_eq!(spans.iter().map(|span| span.range.len()).sum::<usize>(), pcm.len());
        assert!(spans.windows(2).all(|pair| pair[0].range.end == pair[1].range.start));
        let told = |span: &Span| {
            let content = match span.content {
                Content::Silence => "silence".to_owned(),
                Content::Other => "other".to_owned(),
                Content::Tone { frequency, level } => format!("{:.0} Hz {} dBm0", frequency.0, level.0.round() as i64),
            };
            format!("{}-{} {content}", span.range.start / 8, span.range.end / 8)
        };
        spans.iter().map(told).collect()
    }

    #[test]
    fn tones_and_silences_follow_each_other() {
        let pcm = [tone(1004.0, 0.0, 500), vec![0; 800], tone(440.0, -20.0, 300), tone(440.0, -10.0, 300)].concat();
        for law in [Law::Mu, Law::A] {
            let spans = told(&g711::through(law, &pcm));
            assert_eq!(
                spans,
                ["0-500 1004 Hz 0 dBm0", "500-600 silence", "600-900 440 Hz -20 dBm0", "900-1200 440 Hz -10 dBm0"]
            );
        }
    }

    #[test]
    fn edges_anywhere_in_a_frame_belong_to_the_tone() {
        for shift in 0..80 {
            let pcm = [vec![0; 800 + shift], tone(1004.0, -10.0, 500), vec![0; 800 - shift]].concat();
            let spans = spans(&pcm, RATE, &Silences::find(&pcm, RATE, DEFAULT_THRESHOLD));
            let kinds: Vec<bool> = spans.iter().map(|span| matches!(span.content, Content::Tone { .. })).collect();
            assert_eq!(kinds, [false, true, false], "{shift}: {spans:?}");
        }
    }

    #[test]
    fn a_jump_of_phase_does_not_end_a_tone() {
        let pcm = [tone(1004.0, 0.0, 255), tone(1004.0, 0.0, 333), tone(1004.0, 0.0, 212)].concat();
        assert_eq!(told(&pcm), ["0-800 1004 Hz 0 dBm0"]);
    }

    #[test]
    fn a_lost_packet_ends_a_tone() {
        let mut pcm = tone(1004.0, 0.0, 600);
        pcm[1640..1800].fill(0);
        let spans = told(&pcm);
        assert!(
            spans.len() >= 3 && spans[0].contains("1004 Hz") && spans.last().unwrap().contains("1004 Hz"),
            "{spans:?}"
        );
    }

    #[test]
    fn two_tones_at_once_are_other_sound() {
        let pcm: Vec<i16> = tone(440.0, -10.0, 400).iter().zip(tone(480.0, -10.0, 400)).map(|(a, b)| a + b).collect();
        assert!(told(&pcm).iter().all(|span| !span.contains("Hz")), "{:?}", told(&pcm));
    }

    #[test]
    fn nothing_has_no_spans_and_a_moment_has_one() {
        assert_eq!(told(&[]), [""; 0]);
        assert_eq!(told(&[1000, -1000, 1000]), ["0-0 other"]);
    }
}
