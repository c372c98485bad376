//! What `dial` is asked for as a scenario document with a `load`: every rule and diagnostic is that of a file.

use std::time::Duration;

use serde_json::Value;

use super::{Arguments, CallArguments, LoadArguments, NAME, SettingArguments};
use crate::load::auto_duration;
use crate::scenario::Diagnostic;
use crate::units::Cps;

/// A document, line by line, each with the argument that it stands for.
#[derive(Debug)]
pub(super) struct Document {
    lines: Vec<(String, String)>,
}

/// A built-in app as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct App {
    written: String,
    name: String,
    options: Vec<(String, String)>,
    weight: u32,
}

/// A file of scenarios as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    written: String,
    name: String,
    weight: u32,
}

/// A gate as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gate {
    written: String,
    metric: String,
    bound: String,
}

/// How long calls may take after the last was offered, at least, and beyond their talk time.
const DRAIN: Duration = Duration::from_secs(60);
const SPARE: Duration = Duration::from_secs(30);

/// As for times in scenarios.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// What is called where nothing is said.
const APP: &str = "bert";

/// Calls a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "a rate is in calls per second, above 0, without a unit".to_owned())
}

/// `dtmf/digits=123,mode=info*3`
pub(super) fn app(text: &str) -> Result<App, String> {
    let (app, weight) = weighed(text)?;
    let (name, options) = app.split_once('/').unwrap_or((app, ""));
    let option = |option: &str| match option.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{option}` is no option such as `frequency=440`")),
    };
    let options: Result<_, _> = options.split(',').filter(|option| !option.is_empty()).map(option).collect();
    if name.is_empty() {
        return Err("an app has a name such as `bert`".to_owned());
    }
    Ok(App { written: text.to_owned(), name: name.to_owned(), options: options?, weight })
}

/// `scenarios/ring.yaml::busy*3`
pub(super) fn file(text: &str) -> Result<File, String> {
    let (name, weight) = weighed(text)?;
    Ok(File { written: text.to_owned(), name: name.to_owned(), weight })
}

/// `asr >= 99%`
pub(super) fn gate(text: &str) -> Result<Gate, String> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_whitespace() || "<>=".contains(c)).unwrap_or(text.len());
    let (metric, bound) = text.split_at(end);
    if metric.is_empty() || bound.trim().is_empty() {
        return Err("a gate is a metric and its bound, as `asr >= 99%`".to_owned());
    }
    Ok(Gate { written: text.to_owned(), metric: metric.to_owned(), bound: bound.trim().to_owned() })
}

/// What is before the last `*`, and the number behind it.
fn weighed(text: &str) -> Result<(&str, u32), String> {
    let Some((name, weight)) = text.rsplit_once('*') else { return Ok((text, 1)) };
    match weight.parse() {
        Ok(weight @ 1..) => Ok((name, weight)),
        _ => Err(format!("the weight {weight:?} behind `*` is no whole number from 1")),
    }
}

impl Document {
    pub fn of(arguments: &Arguments) -> Document {
        let mut document = Document { lines: Vec::new() };
        let Arguments { call, load, settings, gates, .. } = arguments;
        document.call(call);
        document.load(load, call.duration, settings);
        for (index, gate) in gates.iter().enumerate() {
            let argument = format!("--gate {:?}", gate.written);
            if index == 0 {
                document.line(&argument, "gates:".to_owned());
            }
            document.line(&argument, format!("  {}: {}", quoted(&gate.metric), quoted(&gate.bound)));
        }
        document
    }

    fn line(&mut self, argument: &str, text: String) {
        self.lines.push((text, argument.to_owned()));
    }

    fn call(&mut self, call: &CallArguments) {
        let CallArguments { proxy, profile, gateway, dest, codecs, duration } = call;
        let options = [
            ("proxy", "proxy", proxy),
            ("profile", "profile", profile),
            ("gateway", "gateway", gateway),
            ("dest", "to", dest),
        ];
        let mut keys: Vec<(String, String)> = Vec::new();
        for (option, key, value) in options {
            let argument = |value: &String| (format!("--{option} {value}"), format!("  {key}: {}", quoted(value)));
            keys.extend(value.as_ref().map(argument));
        }
        if !codecs.is_empty() {
            let names: Vec<String> = codecs.iter().map(|codec| quoted(codec)).collect();
            keys.push((format!("--codec {}", codecs.join(" --codec ")), format!("  codec: [{}]", names.join(", "))));
        }
        if let Some((first, _)) = keys.first() {
            self.line(&first.clone(), "call:".to_owned());
        }
        for (argument, text) in keys {
            self.line(&argument, text);
        }
        if let Some(duration) = duration {
            self.line("--duration", format!("duration: {}", time(*duration)));
        }
    }

    fn load(&mut self, load: &LoadArguments, talk_time: Option<Duration>, settings: &SettingArguments) {
        let LoadArguments { rate, limit, max_offered, time: offered, apps, scenarios } = load;
        self.line("", "load:".to_owned());
        self.line("--rate", format!("  rate: {rate}"));
        match (offered, max_offered) {
            (Some(offered), _) => self.line("--for", format!("  for: {}", time(*offered))),
            (None, None) => self.line("--for", "  for: ever".to_owned()),
            (None, Some(_)) => {}
        }
        if let Some(calls) = max_offered {
            self.line("--max-offered", format!("  max_offered: {calls}"));
        }
        let mut talks = talk_time;
        if let Some(limit) = limit {
            self.line("--limit", format!("  limit: {limit}"));
            if talk_time.is_none() {
                self.line("--limit", "  auto_duration: true".to_owned());
                talks = Some(auto_duration(*limit, Cps(*rate)));
            }
        }
        let drain = talks.map_or(DRAIN, |talks| talks.saturating_add(SPARE).clamp(DRAIN, LONGEST));
        self.line("--duration", format!("  drain: {}", time(drain)));
        self.settings(settings);
        self.line("", "  mix:".to_owned());
        for App { written, name, options, weight } in apps {
            let options: Vec<String> =
                options.iter().map(|(key, value)| format!("{}: {}", quoted(key), plain(value))).collect();
            let app = match options.is_empty() {
                true => quoted(name),
                false => format!("{{ {}: {{ {} }} }}", quoted(name), options.join(", ")),
            };
            self.line(&format!("--app {written}"), format!("    - {{ app: {app}, weight: {weight} }}"));
        }
        for File { written, name, weight } in scenarios {
            let text = format!("    - {{ scenario: {}, weight: {weight} }}", quoted(name));
            self.line(&format!("--scenario {written}"), text);
        }
        if apps.is_empty() && scenarios.is_empty() {
            self.line("", format!("    - {{ app: {APP} }}"));
        }
    }

    fn settings(&mut self, settings: &SettingArguments) {
        let SettingArguments { sps, max_sessions, loglevel } = *settings;
        let level = loglevel.map(|level| format!("{level:?}").to_lowercase());
        let set = [
            ("--sps", "sps", sps.map(|sps| sps.to_string())),
            ("--max-sessions", "max_sessions", max_sessions.map(|sessions| sessions.to_string())),
            ("--loglevel", "loglevel", level),
        ];
        let set: Vec<_> = set.into_iter().filter_map(|(argument, key, value)| Some((argument, key, value?))).collect();
        if let Some((first, ..)) = set.first() {
            self.line(first, "  host:".to_owned());
        }
        for (argument, key, value) in set {
            self.line(argument, format!("    {key}: {value}"));
        }
    }

    pub fn text(&self) -> String {
        self.lines.iter().map(|(text, _)| format!("{text}\n")).collect()
    }

    /// A mistake in the words of the argument that it is in; `None`: it is in another file.
    pub fn tell(&self, diagnostic: &Diagnostic) -> Option<String> {
        let Diagnostic { message, label, help, place, .. } = diagnostic;
        if place.file.as_os_str() != NAME {
            return None;
        }
        let argument = self.lines.get(place.line.checked_sub(1)?).map_or("", |(_, argument)| argument);
        let mut told = if argument.is_empty() { message.clone() } else { format!("{argument}: {message}") };
        if !label.is_empty() {
            told.push_str(&format!("; {label}"));
        }
        if !help.is_empty() {
            told.push_str(&format!("\n  help: {help}"));
        }
        Some(told)
    }
}

/// A text as YAML has it; JSON is YAML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value of an option: without quotation marks where it needs none, so that numbers are numbers.
fn plain(text: &str) -> String {
    let bare = text.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
    let given = text.len() > 1 && text.starts_with('"') && serde_json::from_str::<String>(text).is_ok();
    if given || bare && !text.starts_with('-') { text.to_owned() } else { quoted(text) }
}

fn time(time: Duration) -> String {
    format!("{}us", time.as_micros().max(1))
}
