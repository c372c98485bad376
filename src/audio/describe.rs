//! What is in a recording, for the report of a check that failed.

use std::time::Duration;

use crate::audio::silence::{DEFAULT_THRESHOLD, Silences};
use crate::audio::span::{self, Content, Span};
use crate::audio::wav::Wav;
use crate::units::{SampleRate, human};

/// As many spans of a channel are told.
const MOST: usize = 20;

/// A line on the recording, one on its repair if it needed one, and a line for each span of each channel:
/// `heard 0s..1.24s: tone 1004.0 Hz at -0.1 dBm0`.
pub fn describe(wav: &Wav) -> Vec<String> {
    let names: &[&str] = match wav.channels.len() {
        1 => &["heard"],
        2 => &["heard", "said"],
        _ => &[],
    };
    let plural = if wav.channels.len() == 1 { "" } else { "s" };
    let mut lines =
        vec![format!("{} channel{plural} of {} at {}", wav.channels.len(), human(tidy(wav.duration())), wav.rate)];
    lines.extend(wav.repaired.iter().map(|repaired| format!("the file was repaired: {repaired}")));
    for (index, pcm) in wav.channels.iter().enumerate() {
        let name = names.get(index).map_or_else(|| format!("channel {}", index + 1), |name| (*name).to_owned());
        let spans = span::spans(pcm, wav.rate, &Silences::find(pcm, wav.rate, DEFAULT_THRESHOLD));
        lines.extend(spans.iter().take(MOST).map(|span| format!("{name} {}", line(span, wav.rate))));
        if let Some(more) = spans.len().checked_sub(MOST).filter(|&more| more > 0) {
            lines.push(format!("{name} and {more} more"));
        }
    }
    lines
}

fn line(span: &Span, rate: SampleRate) -> String {
    let time = |sample: usize| human(tidy(rate.duration(sample)));
    let content = match span.content {
        Content::Silence => format!("silence ({})", span.level),
        Content::Tone { frequency, level } => format!("tone {frequency} at {level}"),
        Content::Other => format!("sound at {}", span.level),
    };
    format!("{}..{}: {content}", time(span.range.start), time(span.range.end))
}

/// Whole milliseconds.
fn tidy(time: Duration) -> Duration {
    Duration::from_millis(((time.as_micros() + 500) / 1000) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::sine::sine;
    use crate::units::{Dbm0, Hertz};

    #[test]
    fn a_recording_is_told_span_by_span() {
        let rate = SampleRate::NARROW;
        let left = [vec![0; 800], sine(Hertz(1004.0), Dbm0(-10.0), rate, 8000), vec![0; 800]].concat();
        let wav = Wav { rate, channels: vec![left, vec![0; 9600]], repaired: Some("its header was wrong".into()) };
        assert_eq!(
            describe(&wav),
            [
                "2 channels of 1.2s at 8000 Hz",
                "the file was repaired: its header was wrong",
                "heard 0s..100ms: silence (-inf dBm0)",
                "heard 100ms..1.1s: tone 1004.0 Hz at -10.0 dBm0",
                "heard 1.1s..1.2s: silence (-inf dBm0)",
                "said 0s..1.2s: silence (-inf dBm0)",
            ]
        );
    }

    #[test]
    fn a_long_list_is_cut_short() {
        let beep = [sine(Hertz(440.0), Dbm0(-10.0), SampleRate::NARROW, 800), vec![0; 800]].concat();
        let wav = Wav { rate: SampleRate::NARROW, channels: vec![beep.repeat(15)], repaired: None };
        let lines = describe(&wav);
        assert_eq!((lines.len(), lines.last().map(String::as_str)), (1 + MOST + 1, Some("heard and 10 more")));
    }
}
