//! `play`: tones, files and silence, one after the other.

use std::path::PathBuf;
use std::time::Duration;

use super::{Begun, Facts, LONGEST, Start, Step, StepVariant, Until, boxed};
use crate::scenario::mapping::{mapping, optional};
use crate::scenario::node::{Content, Node};
use crate::scenario::reading::Reading;
use crate::scenario::scalar::{boolean, duration, file, frequency, level, line};
use crate::scenario::shape::{Quoted, Shape, Wrong};
use crate::scenario::tagged::Variant;
use crate::units::{Dbm0, Hertz, human};

/// Plays sources one after the other, in place of what is playing.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    /// At least one; only the last may be endless.
    pub sources: Vec<Source>,
    /// How often all of them are played.
    pub loops: Loops,
    /// Whether the next step follows only when the play has ended.
    pub wait: bool,
}

/// Something that can be heard.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A sine; without `length` it is endless. Without `level`, at the tone generator's own.
    Tone {
        frequency: Hertz,
        level: Option<Dbm0>,
        length: Option<Duration>,
    },
    /// FreeSWITCH's tone language (TGML) as it stands: `%(251,0,1004);loops=-1`.
    Tones(String),
    /// A sound file, its path from the current folder.
    File(PathBuf),
    Silence(Duration),
}

/// How often something is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loops {
    Times(u32),
    Forever,
}

/// The keys of one source as they stand.
struct SourceKeys {
    tone: Option<Hertz>,
    level: Option<Dbm0>,
    length: Option<Duration>,
    tones: Option<String>,
    file: Option<PathBuf>,
    silence: Option<Duration>,
}

/// The keys of the full form as they stand.
struct PlayKeys {
    tone: Option<Hertz>,
    level: Option<Dbm0>,
    length: Option<Duration>,
    tones: Option<String>,
    file: Option<PathBuf>,
    silence: Option<Duration>,
    list: Option<Vec<Source>>,
    loops: Option<Loops>,
    wait: Option<bool>,
}

pub(super) fn variant() -> StepVariant {
    Variant::new(
        "play",
        "Plays tones, files or silence into this leg, one after the other, in place of what is playing.",
    )
    .with(shape().map(boxed))
}

/// A whole play: a source with its loops, or a list of sources.
pub(in crate::scenario) fn shape() -> Shape<Play> {
    let full = mapping!(PlayKeys {
        tone: optional("tone", frequency(), TONE),
        level: optional("level", level(), LEVEL),
        length: optional("for", duration(), FOR),
        tones: optional("tones", tones(), TONES),
        file: optional("file", file(), FILE),
        silence: optional("silence", duration(), SILENCE),
        list: optional("list", list(), "Several of these, one after the other."),
        loops: optional("loops", loops(), "How often all of it is played; once, unless told otherwise."),
        wait: optional(
            "wait",
            boolean(),
            "Whether the next step follows only at the end; so it does unless the play is endless."
        ),
    })
    .exactly_one(&["tone", "tones", "file", "silence", "list"])
    .needs("level", &["tone"])
    .needs("for", &["tone"])
    .and_then(|keys, node, reading| {
        let PlayKeys { tone, level, length, tones, file, silence, list, loops, wait } = keys;
        let one = SourceKeys { tone, level, length, tones, file, silence };
        let sources = list.or_else(|| Some(vec![one.source()?]))?;
        play(sources, loops, wait, node, reading)
    });
    full.or(list().map(|sources| Play { sources, loops: Loops::Times(1), wait: true }).and_then(|play, _, _| {
        let wait = !play.endless();
        Some(Play { wait, ..play })
    }))
    .expects("what to play, such as `{ tone: 1004Hz }` or `{ file: clip.wav }`")
}

const TONE: &str = "A sine of this frequency; endless without `for`.";
const LEVEL: &str = "The tone's level.";
const FOR: &str = "How long the tone lasts.";
const TONES: &str = "FreeSWITCH's tone language (TGML) as it stands: `%(251,0,1004);loops=-1`.";
const FILE: &str = "A sound file; its path is relative to the scenario's folder.";
const SILENCE: &str = "Silence of this length.";

/// One source of a list.
fn source() -> Shape<Source> {
    mapping!(SourceKeys {
        tone: optional("tone", frequency(), TONE),
        level: optional("level", level(), LEVEL),
        length: optional("for", duration(), FOR),
        tones: optional("tones", tones(), TONES),
        file: optional("file", file(), FILE),
        silence: optional("silence", duration(), SILENCE),
    })
    .exactly_one(&["tone", "tones", "file", "silence"])
    .needs("level", &["tone"])
    .needs("for", &["tone"])
    .and_then(|keys, _, _| keys.source())
    .expects("a sound such as `{ tone: 1004Hz, for: 2s }`")
    .named("play_source")
}

fn list() -> Shape<Vec<Source>> {
    source().list().not_empty().and_then(|sources, node, reading| {
        let endless = sources.iter().take(sources.len() - 1).position(Source::endless);
        let Some((at, Content::List(nodes))) = endless.map(|at| (at, &node.content)) else { return Some(sources) };
        let diagnostic = reading.error(&nodes[at].span, "this never ends, so what follows is never heard");
        diagnostic.help = "give the tone a length: `for: 2s`".to_owned();
        None
    })
}

/// TGML: commands and tones, separated by `;`.
fn tones() -> Shape<String> {
    line().and_then(|text, node, reading| {
        if text.contains("%(") {
            return Some(text);
        }
        let diagnostic = reading.error(&node.span, format!("no tone in `{text}`"));
        diagnostic.help = "a tone is `%(on-ms,off-ms,frequency)`, for example `%(1000,0,440)`".to_owned();
        None
    })
}

fn loops() -> Shape<Loops> {
    let json = serde_json::json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "const": "forever" }] });
    Shape::scalar("a whole number of at least 1, or `forever`", json, |text, quoted| match text.parse::<u32>() {
        _ if text == "forever" => Ok(Loops::Forever),
        Ok(times @ 1..) if quoted == Quoted::No && !text.starts_with('+') => Ok(Loops::Times(times)),
        _ if text == "-1" => Err(Wrong::kind().label("did you mean `forever`?")),
        _ => Err(Wrong::kind()),
    })
}

/// A play of `sources`, unless it would never come to an end that something waits for.
fn play(
    sources: Vec<Source>,
    loops: Option<Loops>,
    wait: Option<bool>,
    node: &Node,
    reading: &mut Reading<'_>,
) -> Option<Play> {
    let again = loops.is_some_and(|loops| loops != Loops::Times(1));
    if again && sources.last().is_some_and(Source::endless) {
        let span = node.entry("loops").map_or(&node.span, |entry| &entry.key_span);
        let diagnostic = reading.error(span, "what never ends cannot be played again");
        diagnostic.help = "leave `loops` out, or give the tone a length: `for: 2s`".to_owned();
        return None;
    }
    let mut play = Play { sources, loops: loops.unwrap_or(Loops::Times(1)), wait: false };
    play.wait = wait.unwrap_or(!play.endless());
    if play.wait && play.endless() {
        let span = node.entry("wait").map_or(&node.span, |entry| &entry.key_span);
        let diagnostic = reading.error(span, "this play is endless, and would be waited for without end");
        diagnostic.help = "leave `wait` out, or limit the play with `for` or `loops`".to_owned();
        return None;
    }
    Some(play)
}

impl SourceKeys {
    /// The one source that is given.
    fn source(self) -> Option<Source> {
        let SourceKeys { tone, level, length, tones, file, silence } = self;
        let tone = tone.map(|frequency| Source::Tone { frequency, level, length });
        tone.or(tones.map(Source::Tones)).or(file.map(Source::File)).or(silence.map(Source::Silence))
    }
}

impl Source {
    /// Whether it goes on until something stops it.
    pub fn endless(&self) -> bool {
        match self {
            Source::Tone { length, .. } => length.is_none(),
            Source::Tones(text) => {
                text.split(';').any(|part| matches!(part.trim().split_once('='), Some(("loops" | "l" | "L", "-1"))))
            }
            Source::File(_) | Source::Silence(_) => false,
        }
    }

    /// How long it sounds at least, as far as that can be told without opening anything.
    fn takes(&self) -> Duration {
        match self {
            Source::Tone { length, .. } => length.unwrap_or_default(),
            Source::Silence(length) => *length,
            Source::Tones(_) | Source::File(_) => Duration::ZERO,
        }
    }

    fn describe(&self) -> String {
        match self {
            Source::Tone { frequency, level, length } => {
                let level = level.map_or(String::new(), |level| format!(" at {} dBm0", level.0));
                let length = length.map_or(String::new(), |length| format!(" for {}", human(length)));
                format!("tone {} Hz{level}{length}", frequency.0)
            }
            Source::Tones(text) => format!("tones {text}"),
            Source::File(path) => format!("file {}", path.display()),
            Source::Silence(length) => format!("silence {}", human(*length)),
        }
    }
}

impl Play {
    /// Whether it goes on until something stops it.
    pub fn endless(&self) -> bool {
        self.loops == Loops::Forever || self.sources.last().is_some_and(Source::endless)
    }
}

impl Play {
    /// The dialplan application that plays this, and its argument.
    fn application(&self) -> (&'static str, String) {
        let sources: Vec<_> = self.sources.iter().map(Source::path).collect();
        let (application, times) = match self.loops {
            Loops::Times(times) => ("playback", times as usize),
            Loops::Forever => ("endless_playback", 1),
        };
        let sources: Vec<_> = std::iter::repeat_n(sources, times).flatten().collect();
        match sources.as_slice() {
            [source] => (application, source.clone()),
            several => (application, format!("file_string://{}", several.join("!"))),
        }
    }
}

impl Source {
    /// What the switch calls it.
    fn path(&self) -> String {
        match self {
            Source::Tone { frequency, level, length } => {
                // The generator gives a tone of one frequency 0.06 dB more than its volume says.
                let volume = level.map_or(String::new(), |level| format!("v={};", (level.0 - 0.06).min(0.0)));
                match length {
                    Some(length) => format!("tone_stream://{volume}%({},0,{})", length.as_millis(), frequency.0),
                    // A second holds whole periods of any whole number of hertz, so that its repetition is seamless.
                    None => format!("tone_stream://{volume}%(1000,0,{});loops=-1", frequency.0),
                }
            }
            Source::Tones(text) => format!("tone_stream://{text}"),
            // The switch looks from its own folder, not from ours.
            Source::File(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
            Source::Silence(length) => format!("silence_stream://{}", length.as_millis()),
        }
    }
}

impl Step for Play {
    fn kind(&self) -> &'static str {
        "play"
    }

    fn describe(&self) -> String {
        let told: Vec<_> = self.sources.iter().map(Source::describe).collect();
        let loops = match self.loops {
            Loops::Times(1) => String::new(),
            Loops::Times(times) => format!(", {times} times"),
            Loops::Forever => ", for ever".to_owned(),
        };
        format!("play {}{loops}", told.join(", "))
    }

    fn facts(&self) -> Facts {
        let once: Duration = self.sources.iter().map(Source::takes).fold(Duration::ZERO, Duration::saturating_add);
        let takes = match self.loops {
            Loops::Times(times) if self.wait => once.saturating_mul(times),
            _ => Duration::ZERO,
        };
        Facts { takes, ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.break_playing();
        let endless = self.endless();
        start.playing = endless;
        let (application, argument) = self.application();
        let uuid = start.execute(application, &argument);
        if self.wait && !endless {
            // A file's length is known to the switch alone.
            return Until::Completed(uuid).within(LONGEST);
        }
        start.playing = true;
        Until::Started(uuid).into()
    }
}
