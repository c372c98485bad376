//! A run as JSON lines: one [`RunEvent`] a line, with the version of the format.
//!
//! The schema ([`json_schema`], `conf/events.schema.json`) is made from the types that are written. Fields that a reader
//! does not know it leaves alone, so fields may be added within a version; what changes its meaning raises [`VERSION`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RunEvent;

/// Version of the lines that are written.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "An event of a callwright run, one a line of a JSON lines report")]
struct Line {
    /// Version of the format; a later one may mean other things by the same names.
    format_version: u32,
    #[serde(flatten)]
    event: RunEvent,
}

/// `event` as one line, with its line break.
pub fn encode(event: &RunEvent) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Borrowed<'a> {
        format_version: u32,
        #[serde(flatten)]
        event: &'a RunEvent,
    }
    serde_json::to_string(&Borrowed { format_version: VERSION, event }).map(|line| line + "\n")
}

/// The JSON Schema of a line.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Line).to_value()
}

/// What was read back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    pub events: Vec<RunEvent>,
    /// What is odd about it, and does no harm.
    pub warnings: Vec<String>,
}

/// Why a log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("it holds no event")]
    Empty,
    #[error("line {line}: {reason}")]
    Line { line: usize, reason: String },
    #[error("line {line}: version {version} of the format; this callwright reads version {VERSION}")]
    Version { line: usize, version: u64 },
    #[error("line {line}: a second run begins; give each run a file of its own")]
    SecondRun { line: usize },
    #[error("line {line}: a run begins with the event `started`")]
    NotStarted { line: usize },
}

/// Reads a log back. A last line that is not whole, as a killed run leaves it, is left out with a warning.
pub fn parse(text: &str) -> Result<Log, LogError> {
    let mut log = Log::default();
    let whole = text.ends_with('\n');
    let lines: Vec<_> = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    let last = lines.last().map(|(index, _)| *index);
    for (index, line) in lines {
        let number = index + 1;
        match event(line.trim_start_matches('\u{feff}'), number) {
            Ok(event) => {
                match (&event, log.events.is_empty()) {
                    (RunEvent::Started { .. }, true) => {}
                    (RunEvent::Started { .. }, false) => return Err(LogError::SecondRun { line: number }),
                    (_, true) => return Err(LogError::NotStarted { line: number }),
                    (_, false) => {}
                }
                log.events.push(event);
            }
            Err(LogError::Line { .. }) if Some(index) == last && !whole && !log.events.is_empty() => {
                log.warnings.push(format!("line {number} is not whole and was left out: the run was stopped there"));
            }
            Err(error) => return Err(error),
        }
    }
    if log.events.is_empty() { Err(LogError::Empty) } else { Ok(log) }
}

fn event(line: &str, number: usize) -> Result<RunEvent, LogError> {
    let wrong = |reason: String| LogError::Line { line: number, reason };
    let value: serde_json::Value = serde_json::from_str(line).map_err(|error| wrong(format!("not JSON: {error}")))?;
    match value["format_version"].as_u64() {
        Some(version) if version == u64::from(VERSION) => {}
        Some(version) => return Err(LogError::Version { line: number, version }),
        None => return Err(wrong("no event of a callwright run: it has no `format_version`".to_owned())),
    }
    // From the text once more: numbers and names keep their order and places.
    let line: Line = serde_json::from_str(line).map_err(|error| wrong(format!("no event that is known: {error}")))?;
    Ok(line.event)
}

#[cfg(test)]
mod tests;
