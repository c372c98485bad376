//! `console_complete [c=CURSOR;]LINE`: what a line may go on with, as fs_cli asks for it.

use std::fmt::Write;

use super::super::core::SwitchCore;
use super::{APIS, ApiCommand, ApiWait};
use crate::esl::LogLevel;

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "console_complete", run };

/// Words that commands take (`switch_console_set_complete`); the first argument of every `uuid_*` is a uuid besides.
const WORDS: &[&str] = &[
    "console loglevel ::level",
    "fsctl debug_level",
    "fsctl hupall",
    "fsctl last_sps",
    "fsctl loglevel ::level",
    "fsctl max_sessions",
    "fsctl min_idle_cpu",
    "fsctl pause inbound",
    "fsctl pause outbound",
    "fsctl pause_check inbound",
    "fsctl pause_check outbound",
    "fsctl ready_check",
    "fsctl resume inbound",
    "fsctl resume outbound",
    "fsctl shutdown_check",
    "fsctl sps",
    "fsctl verbose_events",
    "show api",
    "show application",
    "show bridged_calls",
    "show calls",
    "show channels count",
    "show detailed_calls",
    "show status",
    "show tasks",
    "sofia status profile ::profile",
    "uuid_audio ::uuid start read mute",
    "uuid_audio ::uuid start write mute",
    "uuid_audio ::uuid stop",
    "uuid_break ::uuid all",
    "uuid_break ::uuid both",
    "uuid_bridge ::uuid ::uuid",
    "uuid_hold off ::uuid",
    "uuid_hold toggle ::uuid",
    "uuid_record ::uuid start",
    "uuid_record ::uuid stop",
];

/// How many are told in a row.
const ROW: usize = 4;

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let line = up_to_cursor(argument).trim_start_matches(' ');
    // Several blanks at the end count once.
    let blanks = line.len() - line.trim_end_matches(' ').len();
    let line = &line[..line.len() - blanks.saturating_sub(1)];
    let before: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let (before, word) = match before.split_last() {
        Some((last, before)) if blanks == 0 => (before, *last),
        _ => (before.as_slice(), ""),
    };
    // FreeSWITCH writes over what is behind the first blank before the word, however many there are.
    let blank = line.rfind(' ').map(|last| line[..last].trim_end_matches(' ').len());
    let over = blank.map_or(line.len(), |blank| line.len() - blank - 1);
    answer(&candidates(core, before, word), over).into()
}

/// The line as far as it was typed.
fn up_to_cursor(argument: &str) -> &str {
    let told = argument.split_once("c=").and_then(|(_, rest)| rest.split_once(';'));
    let Some((cursor, line)) = told else { return argument };
    match cursor.parse() {
        Ok(at @ 1..) => line.get(..at).unwrap_or(line),
        _ => line,
    }
}

/// What the word behind `before` may be.
fn candidates(core: &SwitchCore, before: &[&str], word: &str) -> Vec<String> {
    let mut found = match before {
        [] => APIS.iter().map(|command| command.name.to_owned()).collect(),
        [command] if command.starts_with("uuid_") && ApiCommand::named(command).is_some() => uuids(core),
        _ => Vec::new(),
    };
    for path in WORDS {
        let path: Vec<&str> = path.split(' ').collect();
        let Some(next) = path.get(before.len()).filter(|_| !before.is_empty()) else { continue };
        if path.iter().zip(before).all(|(told, typed)| told.starts_with("::") || told == typed) {
            match *next {
                "::uuid" => found.extend(uuids(core)),
                "::profile" => found.extend(core.config.profiles.iter().cloned()),
                "::level" => found.extend(LogLevel::names()),
                next => found.push(next.to_owned()),
            }
        }
    }
    found.retain(|candidate| candidate.starts_with(word));
    found.sort();
    found.dedup();
    found
}

fn uuids(core: &SwitchCore) -> Vec<String> {
    core.channels.values().map(|channel| channel.uuid.to_string()).collect()
}

/// A table, and what to put in place of the last `over` bytes: the one there is, or what all have in common.
fn answer(candidates: &[String], over: usize) -> String {
    let mut text = "\n\n".to_owned();
    for row in candidates.chunks(ROW) {
        for candidate in row {
            // Writing to a String cannot fail.
            let _ = write!(text, "[{candidate:>20}]\t");
        }
        if row.len() == ROW {
            text.push('\n');
        }
    }
    text.push_str("\n\n");
    let common = match candidates {
        [] => String::new(),
        [only] => format!("{only} "),
        [first, others @ ..] => {
            let same = |other: &String| first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
            let length = others.iter().map(same).min().unwrap_or(first.len());
            first.get(..length).unwrap_or_default().to_owned()
        }
    };
    if !common.is_empty() {
        let _ = write!(text, "write={over}:{common}");
    }
    text
}
