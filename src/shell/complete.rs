//! What a line may go on with, of which the switch knows most.

use super::event_names::ALL;
use super::slash::Slash;
use crate::esl::{Command, LogLevel};
use crate::switch::EVENTS;

/// A word that may stand in place of the one that is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is shown of it.
    pub display: String,
    /// What is written.
    pub word: String,
}

/// A line that is being completed: what the switch is asked, and what came of it.
#[derive(Debug)]
pub(super) struct Completion {
    /// Where the word begins, in bytes.
    pub start: usize,
    word: String,
    candidates: Vec<Candidate>,
    sessions: Sessions,
    known: Vec<Session>,
}

/// What a line asks the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    /// `console_complete`
    Words,
    /// `show channels as json`
    Sessions,
}

/// Whether the word may be the name of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sessions {
    No,
    /// It is offered.
    Offered,
    /// It is described, where the switch offers it.
    Described,
}

#[derive(Debug)]
struct Session {
    uuid: String,
    about: String,
}

/// Headers that people filter by.
const HEADERS: [&str; 10] = [
    "Caller-Caller-ID-Number",
    "Caller-Context",
    "Caller-Destination-Number",
    "Call-Direction",
    "Channel-Call-UUID",
    "Channel-Name",
    "Event-Name",
    "Event-Subclass",
    "Hangup-Cause",
    "Unique-ID",
];

impl Completion {
    /// Begins with the line as far as it is typed; gives what to ask the switch.
    pub fn of(typed: &str) -> (Completion, Vec<(Question, Command)>) {
        let start = typed.rfind(char::is_whitespace).map_or(0, |at| at + next_char(typed, at));
        let word = &typed[start..];
        let mut completion = Completion {
            start,
            word: word.to_owned(),
            candidates: Vec::new(),
            sessions: Sessions::No,
            known: Vec::new(),
        };
        let before: Vec<&str> = typed[..start].split_whitespace().collect();
        let line = match before.as_slice() {
            [] if word.starts_with('/') => {
                completion.offer(Slash::names().map(|name| format!("/{name}")));
                None
            }
            [first, arguments @ ..] if first.starts_with('/') => completion.of_shell(&first[1..], arguments, typed),
            _ => Some(typed.trim_start()),
        };
        if let Some(line) = line {
            let words: Vec<&str> = line[..line.len() - word.len()].split_whitespace().collect();
            completion.sessions = match words.as_slice() {
                [command] if command.starts_with("uuid_") => Sessions::Offered,
                [command, ..] if command.starts_with("uuid_") => Sessions::Described,
                _ => Sessions::No,
            };
        }
        let mut questions = Vec::new();
        questions.extend(line.map(|line| {
            let command = Command::Api { name: "console_complete".to_owned(), arguments: line.to_owned() };
            (Question::Words, command)
        }));
        if completion.sessions != Sessions::No {
            questions.push((Question::Sessions, show_channels(word)));
        }
        (completion, questions)
    }

    /// Offers the arguments of a command of the shell; gives the line that the switch is to complete, if any.
    fn of_shell<'a>(&mut self, name: &str, arguments: &[&str], typed: &'a str) -> Option<&'a str> {
        let slash = Slash::named(name)?;
        match (slash.name, arguments) {
            ("bgapi", _) => {
                return typed.trim_start().split_once(char::is_whitespace).map(|(_, line)| line.trim_start());
            }
            ("log", []) => self.offer(LogLevel::names()),
            ("uuid", []) => self.sessions = Sessions::Offered,
            ("events" | "nixevent", arguments) => {
                self.offer(EVENTS.iter().filter(|name| **name != ALL).map(|name| (*name).to_owned()));
                if arguments.is_empty() && slash.name == "events" {
                    self.offer(["all", "off", "short", "full"].map(str::to_owned));
                }
            }
            ("filter", []) => {
                self.offer(HEADERS.map(str::to_owned));
                self.offer(["delete", "off"].map(str::to_owned));
            }
            ("filter", ["delete" | "add"]) => self.offer(HEADERS.map(str::to_owned)),
            ("filter", [.., header]) if header.eq_ignore_ascii_case("Unique-ID") => self.sessions = Sessions::Offered,
            _ => {}
        }
        None
    }

    /// Takes an answer of the switch.
    pub fn answer(&mut self, question: Question, text: &str) {
        match question {
            Question::Words => self.offer(words(text)),
            Question::Sessions => self.known = sessions(text),
        }
    }

    /// What may be written, in order.
    pub fn finish(mut self) -> Vec<Candidate> {
        if self.sessions == Sessions::Offered {
            let uuids: Vec<String> = self.known.iter().map(|session| session.uuid.clone()).collect();
            self.offer(uuids);
        }
        for candidate in &mut self.candidates {
            if let Some(session) = self.known.iter().find(|session| session.uuid == candidate.word) {
                candidate.display = format!("{} {}", session.uuid, session.about);
            }
        }
        self.candidates.sort_by(|a, b| a.word.cmp(&b.word));
        self.candidates.dedup_by(|a, b| a.word == b.word);
        // Nothing else it can be: the next word may begin.
        if let [only] = self.candidates.as_mut_slice() {
            only.word.push(' ');
        }
        self.candidates
    }

    fn offer(&mut self, words: impl IntoIterator<Item = String>) {
        let typed = self.word.to_ascii_lowercase();
        let fits = |word: &String| word.to_ascii_lowercase().starts_with(&typed);
        self.candidates.extend(words.into_iter().filter(fits).map(|word| Candidate { display: word.clone(), word }));
    }
}

/// Bytes of the character at `at`.
fn next_char(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// Asks for all sessions, or for those that look like the word, of which there may be far less.
fn show_channels(word: &str) -> Command {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let like = if plain { format!("like {word} ") } else { String::new() };
    Command::Api { name: "show".to_owned(), arguments: format!("channels {like}as json") }
}

/// The words in the table of `console_complete`: `[             uuid_kill]`, with tabs and line breaks between.
fn words(text: &str) -> Vec<String> {
    let table = text.split("\n\nwrite=").next().unwrap_or_default();
    let cells = table.split("]\t").filter_map(|cell| cell.split_once('['));
    cells.map(|(_, word)| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

/// The rows of `show channels as json`.
fn sessions(text: &str) -> Vec<Session> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let rows = value.get("rows").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let session = |row: serde_json::Value| {
        let text = |name: &str| row.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let about = ["direction", "name", "callstate"].map(text).join(" ");
        Session { uuid: text("uuid"), about: super::look::visible(&about).into_owned() }
    };
    rows.into_iter().map(session).filter(|session| !session.uuid.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(typed: &str) -> Vec<String> {
        Completion::of(typed).1.iter().map(|(_, command)| format!("{command}|")).collect()
    }

    fn offered(typed: &str) -> Vec<String> {
        let (completion, questions) = Completion::of(typed);
        assert!(questions.is_empty(), "{questions:?}");
        completion.finish().into_iter().map(|candidate| candidate.word).collect()
    }

    // Answers of FreeSWITCH 1.10.12.
    const WORDS: &str = "\n\n[479ffd10-e024-4bb7-9721-2f23a8347333]\t[               aa-bb]\t[                 off]\t[              \
                         toggle]\t\n\n\n";
    const SESSIONS: &str = r#"{"row_count":1,"rows":[{"uuid":"aa-bb","direction":"outbound","created":"2026-11-28 06:34:52","name":"sofia/external/test@127.0.0.1:5093","state":"CS_CONSUME_MEDIA","callstate":"DOWN"}]}"#;

    #[test]
    fn the_switch_completes_its_own_commands_and_describes_its_sessions() {
        assert_eq!(asked("uuid_k"), ["api console_complete uuid_k|"]);
        assert_eq!(asked("  sofia status "), ["api console_complete sofia status |"]);
        assert_eq!(asked("uuid_hold "), ["api console_complete uuid_hold |", "api show channels as json|"]);
        assert_eq!(
            asked("/bgapi uuid_kill aa"),
            ["api console_complete uuid_kill aa|", "api show channels like aa as json|"]
        );
        let (mut completion, _) = Completion::of("uuid_hold ");
        completion.answer(Question::Words, WORDS);
        completion.answer(Question::Sessions, SESSIONS);
        assert_eq!(completion.start, 10);
        let candidates = completion.finish();
        let words: Vec<&str> = candidates.iter().map(|candidate| candidate.word.as_str()).collect();
        assert_eq!(words, ["479ffd10-e024-4bb7-9721-2f23a8347333", "aa-bb", "off", "toggle"]);
        assert_eq!(candidates[1].display, "aa-bb outbound sofia/external/test@127.0.0.1:5093 DOWN");
    }

    #[test]
    fn sessions_are_offered_though_the_switch_does_not() {
        let (mut completion, _) = Completion::of("uuid_getvar a");
        completion.answer(Question::Words, "\n\n\n\n");
        completion.answer(Question::Sessions, SESSIONS);
        assert_eq!(completion.finish()[0].word, "aa-bb ");
        let (mut completion, _) = Completion::of("uuid_getvar aa-bb ");
        completion.answer(Question::Sessions, SESSIONS);
        assert_eq!(completion.finish(), []);
    }

    #[test]
    fn the_shell_completes_its_own_commands() {
        assert_eq!(offered("/nol"), ["/nolog "]);
        assert_eq!(offered("/log n"), ["notice "]);
        assert_eq!(offered("/events channel_ans"), ["CHANNEL_ANSWER "]);
        assert_eq!(offered("/events CHANNEL_ANSWER fu"), [""; 0]);
        assert_eq!(offered("/events fu"), ["full "]);
        assert_eq!(offered("/filter unique"), ["Unique-ID "]);
        assert_eq!(offered("/help x"), [""; 0]);
        assert_eq!(offered("/nosuch x"), [""; 0]);
        assert_eq!(asked("/filter Unique-ID a"), ["api show channels like a as json|"]);
        assert_eq!(asked("/uuid '"), ["api show channels as json|"]);
    }

    #[test]
    fn what_is_no_table_and_no_json_offers_nothing() {
        assert_eq!(words("-ERR console_complete Command not found!\n"), [""; 0]);
        for text in ["-ERR permission denied", "{\"row_count\": 0}\n", "[]", "{\"rows\":[{}]}"] {
            assert!(sessions(text).is_empty(), "{text}");
        }
        for typed in ["é ", "\u{3000}é", "/", "/ ", "/bgapi ", " "] {
            Completion::of(typed);
        }
    }
}
