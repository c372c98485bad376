//! Every report of a run in which every text is hostile: no text becomes markup, a command or an escape sequence.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::compare::compare;
use crate::compare::measure::Tolerances;
use crate::report::sample;
use crate::run::log;

/// Ends what it stands in, whatever that is, and begins something else.
const HOSTILE: &str = "\"'`-->]]></td></script></style></textarea></title><script>pwned()</script>\
    <img src=x onerror=pwned()>&lt;javascript:pwned()|[x](javascript:pwned())\u{1b}[2J\u{1b}]0;pwned\u{7}\u{9b}31m\u{8}\
    \r\n::error::pwned\nnot ok 99 - pwned\nBail out!\u{202e}\u{2028}\u{0}\u{ffff}";

/// `events` with that behind each text that may be any.
fn hostile(events: &[RunEvent]) -> Vec<RunEvent> {
    events.iter().map(|event| spoiled(&serde_json::to_value(event).unwrap())).collect()
}

fn spoiled(event: &Value) -> RunEvent {
    let mut event = event.clone();
    let mut paths = Vec::new();
    texts(&event, String::new(), &mut paths);
    assert!(!paths.is_empty());
    for path in paths {
        let text = event.pointer(&path).unwrap().as_str().unwrap().to_owned();
        *event.pointer_mut(&path).unwrap() = Value::String(format!("{text}{HOSTILE}"));
        // Some texts are words of ours, and others are none then.
        if RunEvent::deserialize(&event).is_err() {
            *event.pointer_mut(&path).unwrap() = Value::String(text);
        }
    }
    RunEvent::deserialize(&event).unwrap()
}

fn texts(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::String(_) => paths.push(path),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| texts(item, format!("{path}/{at}"), paths));
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                texts(value, format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), paths);
            }
        }
        _ => {}
    }
}

fn runs() -> [Vec<RunEvent>; 3] {
    [sample::events(), sample::marked(), sample::load_events()].map(|events| hostile(&events))
}

/// What a report writes, which is made by `of` for the file it writes.
fn written<R: Report>(events: &[RunEvent], of: impl Fn(&Path) -> R) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report");
    let mut report = of(&path);
    events.iter().for_each(|event| report.handle(event).unwrap());
    report.finish().unwrap();
    drop(report);
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Nothing that a terminal would act on, and nothing that turns the direction of reading.
#[track_caller]
fn plain(text: &str) {
    let odd = text.char_indices().find(|(_, c)| *c != '\n' && escape::line(&c.to_string()) != c.to_string());
    if let Some((at, c)) = odd {
        panic!(
            "{c:?} after {:?}",
            text[..at].chars().rev().take(80).collect::<Vec<_>>().iter().rev().collect::<String>()
        );
    }
}

#[test]
fn the_samples_are_spoilt() {
    let [events, ..] = runs();
    let told = serde_json::to_string(&events).unwrap();
    assert!(told.matches("pwned()</script>").count() > 60, "{}", told.matches("pwned()</script>").count());
}

#[test]
fn nothing_reaches_a_terminal_but_text_and_our_own_colours() {
    let ours = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    for events in runs() {
        for (paint, live) in
            [(Paint::Plain, Live::Off), (Paint::Ansi, Live::Off), (Paint::Ansi, Live::On { columns: || 80 })]
        {
            let told = written(&events, |path| {
                Term::new(std::fs::File::create(path).unwrap(), paint, live).durations(Some(0))
            });
            // What we write ourselves: colours, and a status line that is written over.
            let told = told.replace("\r\x1b[2K", "");
            plain(&ours.replace_all(&told, ""));
        }
    }
}

#[test]
fn no_text_becomes_a_line_of_tap_or_a_workflow_command() {
    for events in runs() {
        let tap = written(&events, |path| Tap::new(Stream::file(path)));
        plain(&tap);
        assert!(!tap.lines().any(|line| line.starts_with("not ok 99") || line.starts_with("::error::")), "{tap}");
        assert!(!tap.lines().any(|line| line == "Bail out!"), "{tap}");
        let github = written(&events, |path| Github::new(Stream::file(path), None));
        plain(&github);
        let ours = |line: &str| line.starts_with("::error file=") || line.starts_with("::warning file=");
        assert!(github.lines().all(ours), "{github}");
    }
}

#[test]
fn no_text_becomes_markup_of_a_summary_or_a_comparison() {
    let preformatted = regex::Regex::new("(?s)\n<pre>.*?</pre>").unwrap();
    for events in runs() {
        let summary = written(&events, |path| Markdown::new(path));
        let changed = compare(&sample::events(), &events, &Tolerances::default());
        let gone = compare(&events, &sample::events(), &Tolerances::default());
        plain(&comparison::text(&changed));
        plain(&comparison::text(&gone));
        for markdown in [summary, comparison::markdown(&changed), comparison::markdown(&gone)] {
            plain(&markdown);
            assert!(!markdown.contains("<img") && !markdown.contains("<script"), "{markdown}");
            // A line that begins with `<pre>` begins HTML, in which nothing is Markdown, to `</pre>` (CommonMark 4.6).
            let outside = preformatted.replace_all(&markdown, "");
            assert!(!outside.contains("](javascript:"), "{outside}");
        }
    }
}

#[test]
fn no_text_ends_its_element_of_xml() {
    for events in runs() {
        let xml = written(&events, |path| Junit::new(path));
        plain(&xml);
        let mut reader = quick_xml::Reader::from_str(&xml);
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{error}: {xml}")) {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                    assert!(!["img", "script"].contains(&String::from_utf8_lossy(tag.name().as_ref()).as_ref()));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn no_text_becomes_markup_or_script_of_a_page() {
    for events in runs() {
        let page = written(&events, |path| Html::new(path));
        plain(&page);
        assert!(page.contains("pwned()"), "the page tells none of it");
        assert!(!page.contains("<img src=x") && !page.contains("<script>pwned"), "markup in the page");
        assert_eq!(page.matches("<script").count(), page.matches("</script").count());
        assert_eq!(page.matches("</script").count(), 1, "a text ends the script");
        assert!(!page.contains("href=\"javascript:") && !page.contains("src=\"javascript:"));
    }
}

#[test]
fn a_log_gives_back_what_was_told() {
    for events in runs() {
        let lines: String = events.iter().map(|event| log::encode(event).unwrap()).collect();
        assert_eq!(lines.lines().count(), events.len());
        let read: Vec<RunEvent> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&events).unwrap());
    }
}
