//! Pieces of the language that stand by themselves in a program: what must hold of a call, and the gates of a load.

use std::fmt;

use super::diagnostic::{Diagnostic, Severity, Style};
use super::model::PlacedCheck;
use super::node::{self, Content};
use super::reading::{Disk, Reading};
use super::shape::Shape;
use super::{check, gates};
use crate::metrics::Gate;

/// What is wrong with a piece. Its text shows each mistake at its place, as `callwright check` does.
#[derive(Clone, Debug)]
pub struct Mistakes(Vec<Diagnostic>);

impl Mistakes {
    /// In the order of the text.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{}", diagnostic.render(Style::Plain).trim_end())?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Checks as they stand under `expect:`: `answered: true`. Files that they name are looked for from the current folder.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn checks(text: &str) -> Result<Vec<PlacedCheck>, Mistakes> {
    read("expect", text, &check::shape())
}

/// The same of calls that are not recorded.
///
/// # Errors
/// Everything that is wrong with the text, and checks that would listen to a recording.
pub fn checks_without_sound(text: &str) -> Result<Vec<PlacedCheck>, Mistakes> {
    let shape = check::shape().and_then(|checks, _, reading| {
        let listens = |check: &&PlacedCheck| {
            let facts = check.value.facts();
            facts.listens.or(facts.listens_too).is_some()
        };
        for check in checks.iter().filter(listens) {
            let kind = check.value.kind();
            let diagnostic = reading.error(&check.span, format!("`{kind}` listens to a recording, and there is none"));
            diagnostic.help = "calls of a load from a program are not recorded: a scenario with `load` and `record: \
                               { caller: heard, period: 10s }` listens to some of its calls"
                .to_owned();
        }
        Some(checks)
    });
    read("expect", text, &shape)
}

/// Gates as they stand under `gates:`: `asr: ">= 99%"`.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn load_gates(text: &str) -> Result<Vec<Gate>, Mistakes> {
    let gates = read("gates", text, &gates::shape())?;
    Ok(gates.into_iter().map(|gate| gate.value).collect())
}

fn read<T: 'static>(name: &str, text: &str, shape: &Shape<T>) -> Result<T, Mistakes> {
    let folder = Disk::default();
    let mut reading = Reading { sources: Vec::new(), folder: &folder, diagnostics: Vec::new() };
    let source = reading.add(name.as_ref(), text);
    let (documents, mistakes) = node::parse(&source);
    reading.diagnostics.extend(mistakes);
    let document = match documents.as_slice() {
        [one] if !one.is_null() => Some(one),
        [_, second, ..] => {
            reading.error(&second.span, format!("one `{name}` at a time, found a second document"));
            None
        }
        _ if reading.diagnostics.is_empty() => {
            reading.error(&(0..0), format!("nothing under `{name}`"));
            None
        }
        _ => None,
    };
    let value = document.and_then(|document| match &document.content {
        // The key that it stands under in a scenario, written by habit.
        Content::Mapping(entries) if entries.len() == 1 && entries[0].key == name => {
            shape.read(&entries[0].value, &mut reading)
        }
        _ => shape.read(document, &mut reading),
    });
    let mut mistakes = reading.diagnostics;
    mistakes.retain(|diagnostic| diagnostic.severity == Severity::Error);
    mistakes.sort_by_key(|diagnostic| diagnostic.span.start);
    match value {
        Some(value) if mistakes.is_empty() => Ok(value),
        _ => Err(Mistakes(mistakes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_read_with_or_without_their_key() {
        for text in ["answered: true\nhangup_cause: USER_BUSY", "expect:\n  answered: true\n  hangup_cause: USER_BUSY"]
        {
            let kinds: Vec<_> = checks(text).unwrap().iter().map(|check| check.value.kind()).collect();
            assert_eq!(kinds, ["answered", "hangup_cause"]);
        }
        let gates = load_gates("asr: \">= 99%\"").unwrap();
        assert_eq!(gates[0].name(), "asr");
    }

    #[test]
    fn checks_of_sound_are_refused_where_nothing_is_recorded() {
        let silent = "answered: true\nsetup_time: \"< 2s\"\nevents: { leg: caller, order: [CHANNEL_ANSWER] }";
        assert_eq!(checks_without_sound(silent).unwrap().len(), 3);
        let heard = "answered: true\naudio:\n- { leg: caller, heard: { tone: 1004Hz +-4Hz } }\n";
        assert_eq!(checks(heard).unwrap().len(), 2);
        let told = checks_without_sound(heard).unwrap_err().to_string();
        assert!(told.contains("`audio` listens to a recording, and there is none\n --> expect:3:3"), "{told}");
    }

    #[test]
    fn mistakes_are_told_at_their_places() {
        let told = checks("answered: maybe\nhangup_couse: X").unwrap_err().to_string();
        for part in ["--> expect:1:11", "--> expect:2:1", "did you mean `hangup_cause`?"] {
            assert!(told.contains(part), "{told}");
        }
        for (text, part) in [("", "nothing under"), ("a: 1\n---\nb: 2", "a second document"), ("[", "")] {
            assert!(checks(text).unwrap_err().diagnostics().len() == 1, "{text}");
            let told = checks(text).unwrap_err().to_string();
            assert!(told.contains(part), "{told}");
        }
    }
}
