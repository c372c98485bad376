//! The single values of the language: texts, numbers, times, frequencies, levels, files, codes, causes.

use std::cell::OnceCell;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;
use serde_json::json;

use super::diagnostic::did_you_mean;
use super::node::{Plain, plain, shortened};
use super::shape::{Quoted, Shape, Wrong, words};
use crate::bound::{Bound, BoundError, Unit, Within, parse_value};
use crate::call::HangupCause;
use crate::load::fields;
use crate::units::{Db, Dbm0, Hertz, Percent};

/// Any text. Numbers and booleans are taken as they are written: `0123` keeps its zero.
pub fn text() -> Shape<String> {
    Shape::scalar("a text", json!({ "type": ["string", "number", "boolean"] }), |text, _| Ok(text.to_owned()))
}

/// A text of one line that is not empty: a line break would be a second command or header on the wire.
pub fn line() -> Shape<String> {
    // C0 and C1 controls and DEL: nothing of them belongs into a command or a header.
    let json = json!({ "type": ["string", "number", "boolean"], "minLength": 1,
        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$" });
    Shape::scalar("a text of one line", json, |text, _| {
        if text.is_empty() {
            return Err(Wrong::kind());
        }
        match text.chars().find(|c| c.is_control()) {
            Some('\n' | '\r') => Err(Wrong::message("a line break inside a text that must be one line")
                .help("it would be a second command or header on the wire")),
            Some(control) => {
                Err(Wrong::message(format!("control character U+{:04X} inside a text", u32::from(control))))
            }
            None => Ok(text.to_owned()),
        }
    })
}

/// A text that matches `pattern`, an ECMA 262 regular expression that the `regex` crate reads alike. What stands for a
/// replacement field of a load is taken for a digit; its values are read once they are known.
pub fn token(expects: &'static str, pattern: &'static str) -> Shape<String> {
    // Most files need few of these.
    let regex = OnceCell::new();
    let json = json!({ "type": ["string", "number", "boolean"], "pattern": pattern });
    Shape::scalar(expects, json, move |text, _| {
        // The pattern is a literal of ours, and a test reads every shape.
        let regex = regex.get_or_init(|| Regex::new(pattern).expect("a pattern of the language compiles"));
        if regex.is_match(&fields::example(text)) { Ok(text.to_owned()) } else { Err(Wrong::kind()) }
    })
}

/// A regular expression.
pub fn pattern() -> Shape<Regex> {
    let json = json!({ "type": ["string", "number", "boolean"], "format": "regex" });
    Shape::scalar("a regular expression", json, |text, _| {
        Regex::new(text).map_err(|error| {
            // The last line says what is wrong; those before it draw the expression.
            let told = error.to_string();
            let why = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Wrong::message(format!("`{}` is not a regular expression: {why}", shortened(text)))
        })
    })
}

/// `true` or `false`, as YAML 1.2 has them.
pub fn boolean() -> Shape<bool> {
    Shape::scalar("`true` or `false`", json!({ "type": "boolean" }), |text, quoted| {
        if quoted == Quoted::No && plain(text) == Plain::Boolean {
            return Ok(text.eq_ignore_ascii_case("true"));
        }
        let meant = match text.to_ascii_lowercase().as_str() {
            "yes" | "y" | "on" | "true" => "did you mean `true`?",
            "no" | "n" | "off" | "false" => "did you mean `false`?",
            _ => "",
        };
        let wrong = Wrong::kind().label(meant);
        Err(if quoted == Quoted::Yes && !meant.is_empty() { wrong.help("without quotation marks") } else { wrong })
    })
}

/// A whole number of `range`.
pub fn integer(range: RangeInclusive<u32>) -> Shape<u32> {
    let json = json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() });
    let expects = match (range.start(), range.end()) {
        (least, &u32::MAX) => format!("a whole number of at least {least}"),
        (least, most) => format!("a whole number from {least} to {most}"),
    };
    Shape::scalar(expects, json, move |text, quoted| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(_) if quoted == Quoted::Yes => Err(Wrong::kind().help("without quotation marks")),
            Ok(number) if digits && range.contains(&number) => Ok(number),
            _ => Err(Wrong::kind()),
        }
    })
}

/// A time longer than zero with its unit: `10s`, `200ms`, `1.5m`.
pub fn duration() -> Shape<Duration> {
    let expects = "a time such as `2s` or `200ms`";
    Shape::scalar(expects, json!({ "type": "string", "pattern": value_pattern::<Duration>() }), |text, _| time(text))
}

/// [`duration`], or the word `ever`, which is `None`.
pub fn duration_or_ever() -> Shape<Option<Duration>> {
    let expects = "a time such as `60s`, or `ever`";
    let json = json!({ "anyOf": [{ "type": "string", "pattern": value_pattern::<Duration>() }, { "const": EVER }] });
    Shape::scalar(expects, json, |text, _| if text == EVER { Ok(None) } else { time(text).map(Some) })
}

/// No end.
const EVER: &str = "ever";

fn time(text: &str) -> Result<Duration, Wrong> {
    let duration: Duration = parse_value(text).map_err(|error| unreadable(text, &error, "s"))?;
    match duration {
        Duration::ZERO => Err(Wrong::message(format!("`{}` is no time at all", shortened(text)))),
        _ if duration > Duration::from_secs(366 * 86_400) => {
            Err(Wrong::message(format!("`{}` is longer than a year", shortened(text))))
        }
        _ => Ok(duration),
    }
}

/// A tone's frequency, which narrow-band telephony can carry: `1004Hz`, `1.004kHz` or plain `1004`.
pub fn frequency() -> Shape<Hertz> {
    let json = json!({ "anyOf": [
        { "type": "string", "pattern": value_pattern::<Hertz>() },
        { "type": "number", "minimum": 1, "exclusiveMaximum": 4000 },
    ] });
    Shape::scalar("a frequency such as `1004Hz`", json, frequency_of)
}

fn frequency_of(text: &str, quoted: Quoted) -> Result<Hertz, Wrong> {
    let bare = text.parse().ok().filter(|_| quoted == Quoted::No && plain(text) == Plain::Number);
    let frequency = match bare {
        Some(hertz) => Hertz(hertz),
        None => parse_value(text).map_err(|error| unreadable(text, &error, "Hz"))?,
    };
    on_a_telephone(frequency, text)
}

fn on_a_telephone(frequency: Hertz, text: &str) -> Result<Hertz, Wrong> {
    // Half the sample rate of narrow-band telephony.
    if (1.0..4_000.0).contains(&frequency.0) {
        return Ok(frequency);
    }
    Err(Wrong::message(format!("`{}` cannot be heard on a telephone", shortened(text)))
        .label("from 1Hz to below 4000Hz, half the sample rate"))
}

/// A tone and, where it is given, how far off it may be: `1004Hz`, plain `1004`, `1004Hz +-4Hz`.
pub fn tone() -> Shape<(Hertz, Option<Hertz>)> {
    let json = json!({ "anyOf": [
        { "type": "string", "pattern": value_pattern::<Hertz>() },
        { "type": "string", "pattern": within_pattern::<Hertz>() },
        { "type": "number", "minimum": 1, "exclusiveMaximum": 4000 },
    ] });
    Shape::scalar("a frequency such as `1004Hz` or `1004Hz +-4Hz`", json, |text, quoted| {
        if let Ok(Within { centre, tolerance }) = text.parse() {
            return Ok((on_a_telephone(centre, text)?, Some(tolerance)));
        }
        Ok((frequency_of(text, quoted)?, None))
    })
}

/// A level to send at: `-10dBm0`. Full scale of mu-law is +3.17 dBm0 (ITU-T G.711).
pub fn level() -> Shape<Dbm0> {
    let json = json!({ "type": "string", "pattern": value_pattern::<Dbm0>() });
    Shape::scalar("a level such as `-10dBm0`", json, |text, _| {
        let level: Dbm0 = parse_value(text).map_err(|error| unreadable(text, &error, "dBm0"))?;
        if (-70.0..=3.17).contains(&level.0) {
            Ok(level)
        } else {
            Err(Wrong::message(format!("level `{}` cannot be sent", shortened(text)))
                .label("from -70dBm0 to 3.17dBm0, full scale of mu-law"))
        }
    })
}

/// What a quantity must be: `"< 1s"`, `2s..5s`.
pub fn bound<T: Quantity>() -> Shape<Bound<T>>
where
    T::Tolerance: Quantity,
{
    let example = T::EXAMPLE;
    let expects = format!("a bound such as `\"< {example}\"` or `\">= {example}\"`");
    let json = json!({ "type": "string", "pattern": bound_pattern::<T>() });
    Shape::scalar(expects, json, |text, _| {
        text.parse().map_err(|error| match parse_value::<T>(text) {
            Ok(_) => Wrong::message(format!("`{text}` alone is no bound"))
                .label(format!("for example `\"< {text}\"`, `\">= {text}\"` or `== {text}`")),
            Err(_) => wrong(text, &error),
        })
    })
}

/// A quantity and how far off it may be: `1004Hz +-4Hz`.
pub fn within<T: Quantity>() -> Shape<Within<T>>
where
    T::Tolerance: Quantity,
{
    let pattern = within_pattern::<T>();
    let (example, off) = (T::EXAMPLE, T::TOLERANCE);
    let expects = format!("a value and its tolerance such as `{example} +-{off}`");
    Shape::scalar(expects, json!({ "type": "string", "pattern": pattern }), move |text, _| {
        text.parse().map_err(|error| match parse_value::<T>(text) {
            Ok(_) => {
                Wrong::message(format!("`{text}` has no tolerance")).label(format!("for example `{text} +-{off}`"))
            }
            Err(_) => wrong(text, &error),
        })
    })
}

/// A count that must be exactly this, or a bound on it: `404`, `">= 400"`.
pub fn count(expects: &'static str, range: RangeInclusive<u32>) -> Shape<Bound<u64>> {
    let json = json!({ "anyOf": [
        { "type": "integer", "minimum": range.start(), "maximum": range.end() },
        { "type": "string", "pattern": bound_pattern::<u64>() },
    ] });
    Shape::scalar(expects, json, move |text, quoted| {
        if quoted == Quoted::Yes || !text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().map_err(|error| wrong(text, &error));
        }
        match text.parse::<u32>() {
            Ok(number) if range.contains(&number) => Ok(Bound::Exactly(u64::from(number))),
            _ => Err(Wrong::kind()),
        }
    })
}

/// A quantity as the JSON Schema can describe it.
pub trait Quantity: Unit + 'static {
    /// Its units, as a regular expression.
    const UNITS: &'static str;
    /// A value, for messages.
    const EXAMPLE: &'static str;
    /// A tolerance, for messages.
    const TOLERANCE: &'static str;
}

impl Quantity for Duration {
    const UNITS: &'static str = "(us|\u{b5}s|ms|s|m|min|h)";
    const EXAMPLE: &'static str = "2s";
    const TOLERANCE: &'static str = "100ms";
}

impl Quantity for Hertz {
    const UNITS: &'static str = "[kK]?[hH][zZ]";
    const EXAMPLE: &'static str = "1004Hz";
    const TOLERANCE: &'static str = "4Hz";
}

impl Quantity for Dbm0 {
    const UNITS: &'static str = "[dD][bB][mM]0";
    const EXAMPLE: &'static str = "-10dBm0";
    const TOLERANCE: &'static str = "3dB";
}

impl Quantity for Percent {
    const UNITS: &'static str = "%";
    const EXAMPLE: &'static str = "1%";
    const TOLERANCE: &'static str = "1%";
}

impl Quantity for Db {
    const UNITS: &'static str = "[dD][bB]";
    const EXAMPLE: &'static str = "3dB";
    const TOLERANCE: &'static str = "1dB";
}

impl Quantity for f64 {
    const UNITS: &'static str = "";
    const EXAMPLE: &'static str = "0.9";
    const TOLERANCE: &'static str = "0.1";
}

impl Quantity for u64 {
    const UNITS: &'static str = "";
    const EXAMPLE: &'static str = "400";
    const TOLERANCE: &'static str = "99";
}

/// A number with a unit, as [`parse_value`] reads it.
fn quantity_pattern<T: Quantity>() -> String {
    let sign = if T::SIGNED { "[+-]?" } else { "\\+?" };
    format!("\\s*{sign}([0-9]+(\\.[0-9]*)?|\\.[0-9]+)\\s*{}", T::UNITS)
}

fn value_pattern<T: Quantity>() -> String {
    format!("^{}\\s*$", quantity_pattern::<T>())
}

fn within_pattern<T: Quantity>() -> String
where
    T::Tolerance: Quantity,
{
    let (value, tolerance) = (quantity_pattern::<T>(), quantity_pattern::<T::Tolerance>());
    format!("^{value}\\s*(\\+-|\u{b1}|\\+/-){tolerance}\\s*$")
}

fn bound_pattern<T: Quantity>() -> String
where
    T::Tolerance: Quantity,
{
    let (value, tolerance) = (quantity_pattern::<T>(), quantity_pattern::<T::Tolerance>());
    format!("^(\\s*(>=|<=|==|>|<){value}|{value}\\s*(\\.\\.{value}|(\\+-|\u{b1}|\\+/-){tolerance}))\\s*$")
}

/// A quantity that did not parse; `unit` is the one that was probably forgotten.
fn unreadable(text: &str, error: &BoundError, unit: &str) -> Wrong {
    if plain(text) == Plain::Number {
        return Wrong::message(format!("`{}` has no unit", shortened(text)))
            .label(format!("did you mean `{text}{unit}`?"));
    }
    // What does not even begin with a number is something else altogether.
    if error.at == 0 { Wrong::kind() } else { wrong(text, error) }
}

fn wrong(text: &str, error: &BoundError) -> Wrong {
    if !text.trim_start().starts_with(|c: char| c.is_ascii_digit() || "<>=+-.".contains(c)) {
        return Wrong::kind();
    }
    let expected = &error.expected;
    Wrong::message(format!("`{}` goes wrong at {}", shortened(text), error.found))
        .label(format!("expected {expected}"))
        .part(error.at..error.at + error.length)
}

/// A file beside the scenario, which must be there. Gives its path from the current folder.
pub fn file() -> Shape<PathBuf> {
    line().expects("a file name").example(json!("clip.wav")).and_then(|name, node, reading| {
        let path = reading.path(node, &name);
        if reading.folder.has_file(&path) {
            return Some(path);
        }
        let diagnostic = reading.error(&node.span, format!("file `{}` is not there", shortened(&name)));
        diagnostic.label = format!("looked for {}", path.display());
        diagnostic.help = "file names are relative to the folder of the file that they are written in".to_owned();
        None
    })
}

/// A SIP response code (RFC 3261 7.2).
pub fn sip_code(range: RangeInclusive<u32>) -> Shape<u16> {
    let expects = format!("a SIP response code from {} to {}", range.start(), range.end());
    // No code needs more than 16 bits.
    integer(range).expects(expects).map(|code| u16::try_from(code).unwrap_or(u16::MAX))
}

/// The name of a hangup cause.
pub fn cause() -> Shape<String> {
    let expects = "a hangup cause such as `NORMAL_CLEARING`";
    let causes: Vec<&str> = HangupCause::KNOWN.iter().map(HangupCause::as_str).collect();
    Shape::scalar(expects, json!({ "type": "string", "enum": causes }), move |text, _| {
        if causes.contains(&text) {
            return Ok(text.to_owned());
        }
        let wrong = Wrong::message(format!("unknown hangup cause `{}`", shortened(text)));
        Err(match did_you_mean(text, causes.iter().copied()) {
            Some(meant) => wrong.label(format!("did you mean `{meant}`?")),
            None => wrong.help("causes are those of FreeSWITCH, such as NORMAL_CLEARING, USER_BUSY, NO_ANSWER"),
        })
    })
    .named("hangup_cause")
}

/// One of a few words, each of which stands for something.
pub fn word<T: Copy + 'static>(choices: &'static [(&'static str, T)]) -> Shape<T> {
    let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
    let json = json!({ "type": "string", "enum": names });
    Shape::scalar(words(&names), json, move |text, _| {
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Ok(*value);
        }
        let wrong = Wrong::kind();
        Err(match did_you_mean(text, names.iter().copied()) {
            Some(meant) => wrong.label(format!("did you mean `{meant}`?")),
            None => wrong,
        })
    })
}
