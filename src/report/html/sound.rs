//! A recording: picture of each channel with what failed marked in it, and the sound itself.

use std::io::Cursor;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::page::seconds;
use super::test::Left;
use crate::audio::picture::Sketch;
use crate::audio::wav::{self, Opened};
use crate::canvas::ticks::{number, step};
use crate::report::escape::line;
use crate::verdict::{CheckReport, Passage};

/// Pixels of a picture, of which the page makes what room there is.
const WIDTH: usize = 600;
const BANDS: usize = 64;
/// Heights on the page: of a waveform, and of what is below one another.
const WAVE: usize = 64;
const SPECTRUM: usize = 88;
const AXIS: usize = 20;
const HEIGHT: usize = WAVE + SPECTRUM + AXIS;

pub(super) fn recording(path: &Path, checks: &[CheckReport], left: &mut Left) -> Markup {
    let marks: Vec<(&CheckReport, &Passage)> = checks
        .iter()
        .flat_map(|check| check.passages.iter().map(move |passage| (check, passage)))
        .filter(|(_, passage)| passage.recording == path)
        .collect();
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
    let opened = wav::open(path);
    html! {
        figure {
            figcaption {
                b { (line(&name)) }
                @if let Ok(wav) = &opened {
                    " " span.fine {
                        (wav.coding()) ", " (wav.rate()) ", " (if wav.channels() == 1 { "mono" } else { "stereo" }) ", "
                        (seconds(wav.rate().duration(wav.samples())))
                    }
                }
            }
            @match &opened {
                Ok(wav) => {
                    (pictures(wav, &name, &marks, left))
                    (audio(wav, &name, left))
                }
                Err(error) => { p.note { "It cannot be shown: " (line(&error.to_string())) } }
            }
            @if !marks.is_empty() {
                ul.marks {
                    @for (check, passage) in &marks {
                        li {
                            span.seek data-from=(format!("{:.3}", passage.from.as_secs_f64())) { (passage.times()) }
                            @if opened.as_ref().is_ok_and(|wav| wav.channels() > 1) { ", " (channel(passage.channel)) }
                            ": " (line(&check.name))
                        }
                    }
                }
            }
            p.path { code { (line(&path.display().to_string())) } }
        }
    }
}

/// Of a recording of both directions.
fn channel(channel: usize) -> String {
    match channel {
        0 => "heard".to_owned(),
        1 => "said".to_owned(),
        other => format!("channel {}", other + 1),
    }
}

fn pictures(wav: &Opened, name: &str, marks: &[(&CheckReport, &Passage)], left: &mut Left) -> Markup {
    if left.pictures == 0 {
        left.without_picture += 1;
        return html! { p.note { "The picture is left out to keep this file small." } };
    }
    let sketches = match Sketch::of(wav, WIDTH, BANDS) {
        Ok(sketches) => sketches,
        Err(error) => return html! { p.note { (line(&error.to_string())) } },
    };
    let drawn = html! {
        @for (index, sketch) in sketches.iter().enumerate() {
            @if sketches.len() > 1 { p.channel { (channel(index)) } }
            (picture(wav, name, index, sketch, marks))
        }
    };
    left.pictures = left.pictures.saturating_sub(drawn.0.len());
    drawn
}

fn picture(wav: &Opened, name: &str, index: usize, sketch: &Sketch, marks: &[(&CheckReport, &Passage)]) -> Markup {
    let length = wav.rate().duration(wav.samples()).as_secs_f64().max(1e-9);
    let percent = |seconds: f64| (seconds / length * 100.0).clamp(0.0, 100.0);
    let marks: Vec<_> = marks.iter().filter(|(_, passage)| passage.channel == index).collect();
    let times: Vec<String> = marks.iter().map(|(_, passage)| passage.times()).collect();
    let what = if wav.channels() > 1 { format!(", {}", channel(index)) } else { String::new() };
    let marked = if times.is_empty() { String::new() } else { format!("; marked: {}", times.join(", ")) };
    let label = format!("Waveform and spectrogram of {}{what}{marked}", line(name));
    let step = step(length, 6.0);
    let ticks = (0..).map(|tick| f64::from(tick) * step).take_while(|tick| *tick <= length * 1.0001).take(20);
    html! {
        svg.sound role="img" aria-label=(label) width="100%" height=(HEIGHT) {
            svg width="100%" height=(WAVE) viewBox={ "0 0 " (WIDTH - 1) " 100" } preserveAspectRatio="none" {
                path d=(sketch.waveform) {}
            }
            image y=(WAVE) width="100%" height=(SPECTRUM) preserveAspectRatio="none" href={ "data:image/png;base64," (STANDARD.encode(&sketch.spectrogram)) } {}
            text.over x="4" y=(WAVE + 12) { (number(f64::from(wav.rate().0) / 2_000.0)) " kHz" }
            text.over x="4" y=(WAVE + SPECTRUM - 5) { "0" }
            @for (_, passage) in &marks {
                @let (from, to) = (percent(passage.from.as_secs_f64()), percent(passage.to.as_secs_f64()));
                rect.mark x=(format!("{from:.2}%")) width=(format!("{:.2}%", (to - from).max(0.3))) height=(WAVE + SPECTRUM) {}
            }
            @for tick in ticks {
                @let at = format!("{:.2}%", percent(tick));
                line.tick x1=(at) x2=(at) y1=(WAVE + SPECTRUM) y2=(WAVE + SPECTRUM + 4) {}
                // What would stick out is left out.
                @if percent(tick) < 95.0 { text x=(at) y=(HEIGHT - 3) dx=(if tick == 0.0 { "0" } else { "-4" }) { (number(tick)) @if tick == 0.0 { " s" } } }
            }
            line.now x1="0" x2="0" y1="0" y2=(WAVE + SPECTRUM) {}
        }
    }
}

fn audio(wav: &Opened, name: &str, left: &mut Left) -> Markup {
    // A header and 16 bits a sample, and four characters for each three bytes.
    let size = (44 + wav.samples().saturating_mul(wav.channels() * 2)).div_ceil(3).saturating_mul(4);
    let played = if size > left.sound { None } else { playable(wav) };
    match played {
        Some(bytes) => {
            left.sound -= size;
            html! {
                audio controls preload="metadata" aria-label={ "Play " (line(name)) } src={ "data:audio/wav;base64," (STANDARD.encode(bytes)) } {}
            }
        }
        None => {
            left.without_sound += 1;
            html! { p.note { "The sound is left out to keep this file small; the recording is where the path says." } }
        }
    }
}

/// The recording as every browser plays it, whatever its coding and however its header was left.
fn playable(wav: &Opened) -> Option<Vec<u8>> {
    let spec = hound::WavSpec {
        channels: u16::try_from(wav.channels()).ok()?,
        sample_rate: wav.rate().0,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).ok()?;
    let channels = wav.decode(0..wav.samples());
    for sample in 0..wav.samples() {
        for channel in &channels {
            writer.write_sample(*channel.get(sample)?).ok()?;
        }
    }
    writer.finalize().ok()?;
    Some(bytes.into_inner())
}
