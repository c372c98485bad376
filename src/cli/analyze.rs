//! `callwright analyze`

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, complain, exit, print};
use crate::audio::analysis::{Analysis, Channel, analyze};
use crate::audio::dtmf::DtmfDigit;
use crate::audio::picture::Picture;
use crate::audio::span::{Content, Span};
use crate::audio::wav::{self, Opened};
use crate::units::{SampleRate, human};

const EXAMPLES: &str = "\
Examples:
  callwright analyze callwright-out/recordings/*.wav
      What is in the recordings that failed tests left behind.
  callwright analyze call.wav --image call.png
      And a picture: waveform and spectrogram of each channel. `call.svg` for SVG.
  callwright analyze --json call.wav | jq '.[0].channels[0].spans[] | select(.content == \"tone\")'
      For other programs.
";

/// Say what is in recordings: format, levels, tones, silences, clipping
///
/// Reads WAV files of PCM, float, mu-law and A-law, unfinished and truncated ones too. Levels are in dBm0: a full-scale
/// mu-law sine has +3.17. A file that cannot be read is told, the others are analysed, and the exit code is 3.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// WAV files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Print JSON: a list with all that was found in each file
    #[arg(long)]
    json: bool,

    /// Draw waveform and spectrogram of the one FILE; the name ends in `.svg` or `.png`
    #[arg(long, value_name = "PICTURE", value_parser = picture_path)]
    image: Option<PathBuf>,
}

/// Spans of a channel that are told in text.
const MOST: usize = 60;

pub(super) fn run(arguments: &Arguments) -> Exit {
    if arguments.image.is_some() && arguments.files.len() > 1 {
        complain("one picture is of one FILE");
        return Exit::Usage;
    }
    let mut exit = Exit::Passed;
    let mut values = Vec::new();
    for file in &arguments.files {
        let wav = match wav::open(file) {
            Ok(wav) => wav,
            Err(error) => {
                complain(error);
                exit = Exit::Unknown;
                continue;
            }
        };
        let analysis = analyze(&wav);
        if arguments.json {
            values.push(to_json(file, &analysis));
        } else if let Err(error) = super::tell(&told(file, &analysis)) {
            complain(format_args!("cannot print: {error}"));
            return Exit::Unknown;
        }
        if let Some(image) = &arguments.image
            && let Err(error) = draw(&wav, file, image)
        {
            complain(error);
            exit = Exit::Unknown;
        }
    }
    if arguments.json
        && let Err(error) = print(&format!("{:#}\n", Value::Array(values)))
    {
        complain(format_args!("cannot print: {error}"));
        return Exit::Unknown;
    }
    exit
}

fn picture_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(OsStr::to_str) {
        Some("svg" | "png") => Ok(path),
        _ => Err("a picture's name ends in `.svg` or `.png`".to_owned()),
    }
}

fn draw(wav: &Opened, file: &Path, image: &Path) -> Result<(), String> {
    let title = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let picture = Picture::of(wav, &title);
    let bytes = match image.extension().and_then(OsStr::to_str) {
        Some("svg") => picture.svg().map(String::into_bytes),
        _ => picture.png(),
    };
    let bytes = bytes.map_err(|error| format!("{}: {error}", image.display()))?;
    std::fs::write(image, bytes).map_err(|error| format!("{}: {error}", image.display()))
}

/// An analysis as a person reads it.
fn told(file: &Path, analysis: &Analysis) -> String {
    let channels = match analysis.channels.len() {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        several => format!("{several} channels"),
    };
    let length = analysis.rate.duration(analysis.samples);
    let mut text = format!(
        "{}: {}, {channels}, {}, {:.3}s\n",
        file.display(),
        analysis.coding,
        analysis.rate,
        length.as_secs_f64()
    );
    // Writing to a String cannot fail.
    if let Some(repaired) = &analysis.repaired {
        let _ = writeln!(text, "  repaired: {repaired}");
    }
    for (index, channel) in analysis.channels.iter().enumerate() {
        let _ = writeln!(
            text,
            "  {}: level {}, peak {:.1} dBFS, DC offset {:.1} ({:.2} %), {}",
            analysis.name(index),
            channel.level,
            channel.peak_dbfs(),
            channel.offset,
            channel.offset / 327.68,
            clipping(channel)
        );
        if !channel.digits.is_empty() {
            let digits: String = channel.digits.iter().map(|digit| digit.digit).collect();
            let first = channel.digits[0].start.as_secs_f64();
            let _ = writeln!(text, "    DTMF {digits}, from {first:.3}s on");
        }
        for span in channel.spans.iter().take(MOST) {
            let _ = writeln!(text, "    {}", line(span, analysis.rate));
        }
        if channel.spans.len() > MOST {
            let _ = writeln!(text, "    and {} more; `--json` tells all", channel.spans.len() - MOST);
        }
    }
    text
}

fn clipping(channel: &Channel) -> String {
    match channel.clipping.peaks {
        0 => "not clipped".to_owned(),
        peaks => format!("clipped {peaks} times ({} samples)", channel.clipping.samples),
    }
}

fn line(span: &Span, rate: SampleRate) -> String {
    let content = match span.content {
        Content::Silence => format!("silence  {}", span.level),
        Content::Tone { frequency, level } => format!("tone     {frequency} at {level}"),
        Content::Other => format!("sound    {}", span.level),
    };
    let time = |sample: usize| rate.duration(sample).as_secs_f64();
    let length = human(rate.duration(span.range.len()));
    format!("{:9.3}s ..{:9.3}s {length:>8}  {content}", time(span.range.start), time(span.range.end))
}

fn to_json(file: &Path, analysis: &Analysis) -> Value {
    let seconds = |sample: usize| sample as f64 / f64::from(analysis.rate.0);
    // JSON has no infinity: digital silence is `null`.
    let finite = |value: f64| if value.is_finite() { json!(value) } else { Value::Null };
    let span = |span: &Span| {
        let (content, frequency, level) = match span.content {
            Content::Silence => ("silence", Value::Null, span.level),
            Content::Tone { frequency, level } => ("tone", json!(frequency.0), level),
            Content::Other => ("sound", Value::Null, span.level),
        };
        json!({
            "from_s": seconds(span.range.start), "to_s": seconds(span.range.end),
            "content": content, "frequency_hz": frequency, "level_dbm0": finite(level.0),
        })
    };
    let digit = |digit: &DtmfDigit| {
        json!({
            "digit": digit.digit.to_string(), "from_s": digit.start.as_secs_f64(),
            "length_s": digit.duration.as_secs_f64(),
        })
    };
    let channel = |channel: &Channel| {
        json!({
            "level_dbm0": finite(channel.level.0),
            "peak": channel.peak,
            "peak_dbfs": finite(channel.peak_dbfs()),
            "dc_offset": channel.offset,
            "clipped_runs": channel.clipping.peaks,
            "clipped_samples": channel.clipping.samples,
            "dtmf": channel.digits.iter().map(digit).collect::<Vec<_>>(),
            "spans": channel.spans.iter().map(span).collect::<Vec<_>>(),
        })
    };
    json!({
        "file": file.display().to_string(),
        "coding": analysis.coding,
        "rate_hz": analysis.rate.0,
        "samples": analysis.samples,
        "length_s": seconds(analysis.samples),
        "repaired": analysis.repaired,
        "channels": analysis.channels.iter().map(channel).collect::<Vec<_>>(),
    })
}
