//! Events as they are shown: on a line, or in full.

use super::input::Form;
use super::look::{Look, Style, line, visible};
use crate::esl::Event;

/// An event in this form, with line breaks at its end.
pub(super) fn show(event: &Event, form: Form, look: Look) -> String {
    match form {
        Form::Short => short(event, look) + "\n",
        // An empty line parts it from the next.
        Form::Full => full(event, look) + "\n",
    }
}

/// When, which, of whom, and what makes it another than others of its name.
fn short(event: &Event, look: Look) -> String {
    let name = match event.header("Event-Subclass") {
        Some(subclass) => format!("{} {subclass}", event.name()),
        None => event.name().to_owned(),
    };
    let mut text = format!("{} {}", look.apply(Style::Faint, time(event)), look.apply(Style::Bold, on_a_line(&name)));
    let said = said(event);
    let of = [event.header("Unique-ID"), event.header("Channel-Name")];
    for word in of.into_iter().flatten().chain(said.iter().map(String::as_str)) {
        if !word.is_empty() {
            text.push(' ');
            text.push_str(&on_a_line(word));
        }
    }
    text
}

fn full(event: &Event, look: Look) -> String {
    let mut text = String::new();
    for (name, value) in event.headers() {
        text.push_str(&format!("{}: {}\n", look.apply(Style::Cyan, look.clean(name)), look.clean(value)));
    }
    if let Some(body) = event.body() {
        text.push('\n');
        text.push_str(&line(&look.clean(body)));
    }
    text
}

/// `19:47:20.083`, by the switch's clock and in its zone.
fn time(event: &Event) -> String {
    let local = event.header("Event-Date-Local").and_then(|local| local.split(' ').nth(1)).unwrap_or_default();
    match event.fired() {
        Some(fired) => format!("{}.{:03}", visible(local), fired.as_micros() / 1_000 % 1_000),
        None => visible(local).into_owned(),
    }
}

/// What sets an event apart: chosen headers of those that are known, and of others what not every event has.
fn said(event: &Event) -> Vec<String> {
    let header = |name: &str| event.header(name).unwrap_or_default();
    let of = |names: &[&str]| names.iter().map(|name| header(name).to_owned()).collect();
    match event.name() {
        "CHANNEL_CREATE" | "CHANNEL_ORIGINATE" | "CHANNEL_OUTGOING" => {
            let number = |name| Some(header(name)).filter(|number| !number.is_empty()).unwrap_or("?");
            let (from, to) = (number("Caller-Caller-ID-Number"), number("Caller-Destination-Number"));
            vec![header("Call-Direction").to_owned(), format!("{from} -> {to}")]
        }
        "CHANNEL_CALLSTATE" => {
            vec![format!("{} -> {}", header("Original-Channel-Call-State"), header("Channel-Call-State"))]
        }
        "CHANNEL_STATE" => of(&["Channel-State"]),
        "CHANNEL_HANGUP" | "CHANNEL_HANGUP_COMPLETE" | "CHANNEL_DESTROY" => of(&["Hangup-Cause"]),
        "CHANNEL_EXECUTE" => vec![application(event)],
        "CHANNEL_EXECUTE_COMPLETE" => {
            vec![application(event), format!("= {}", header("Application-Response"))]
        }
        "CHANNEL_BRIDGE" | "CHANNEL_UNBRIDGE" => {
            vec![format!("with {}", header("Other-Leg-Unique-ID")), header("Other-Leg-Channel-Name").to_owned()]
        }
        "CODEC" => vec![match event.header("channel-read-codec-name") {
            Some(codec) => format!("read {codec}"),
            None => format!("write {}", header("Channel-Write-Codec-Name")),
        }],
        "API" => of(&["API-Command", "API-Command-Argument"]),
        "BACKGROUND_JOB" => {
            let result = event.body().unwrap_or_default().lines().next().unwrap_or_default();
            let job = of(&["Job-UUID", "Job-Command", "Job-Command-Arg"]);
            job.into_iter().chain([format!("= {result}")]).collect()
        }
        "HEARTBEAT" => vec![
            format!("{} sessions", header("Session-Count")),
            format!("{} a second", header("Session-Per-Sec")),
            format!("{}% idle", header("Idle-CPU")),
        ],
        name if name.starts_with("CHANNEL_") => of(&["Answer-State"]),
        _ => own(event),
    }
}

fn application(event: &Event) -> String {
    let header = |name: &str| event.header(name).unwrap_or_default();
    format!("{}({})", header("Application"), header("Application-Data"))
}

/// Headers that neither every event nor every event of a channel has.
fn own(event: &Event) -> Vec<String> {
    const OF_ALL: [&str; 8] =
        ["Event-", "Core-", "FreeSWITCH-", "Channel-", "Caller-", "Other-", "variable_", "Presence-"];
    const NAMED: [&str; 4] = ["Unique-ID", "Call-Direction", "Answer-State", "Hangup-Cause"];
    let is_own = |name: &str| !OF_ALL.iter().any(|start| name.starts_with(start)) && !NAMED.contains(&name);
    let own = event.headers().filter(|(name, value)| is_own(name) && !value.is_empty());
    own.take(MOST).map(|(name, value)| format!("{name}={value}")).collect()
}

/// Headers of an event that is not known, on its line.
const MOST: usize = 8;
/// Characters of a value on a line.
const LONGEST: usize = 120;

/// A text that keeps to a line.
fn on_a_line(text: &str) -> String {
    let text = visible(text).replace('\n', "\\n").replace('\t', " ");
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::esl::wire::{Decoder, Limits, parse_plain};

    /// What FreeSWITCH 1.10.12 sent.
    fn captured(bytes: &[u8]) -> Vec<Event> {
        let mut decoder = Decoder::new(Limits::default());
        decoder.feed(bytes);
        let frames = std::iter::from_fn(|| decoder.poll().unwrap());
        let events = frames.filter(|frame| frame.header("Content-Type") == Some("text/event-plain"));
        events.map(|frame| parse_plain(frame.body.unwrap()).unwrap()).collect()
    }

    #[test]
    fn a_call_reads_well_line_by_line() {
        let events = captured(include_bytes!("../../tests/captures/dtmf-rfc4733.esl"));
        let lines: String = events.iter().map(|event| show(event, Form::Short, Look::Plain)).collect();
        assert_eq!(lines.lines().count(), events.len());
        insta::assert_snapshot!(lines);
    }

    #[test]
    fn in_full_nothing_is_left_out() {
        let events = captured(include_bytes!("../../tests/captures/tone-echo.esl"));
        let event = events.iter().find(|event| event.body().is_some()).unwrap();
        let told = show(event, Form::Full, Look::Plain);
        for (name, value) in event.headers() {
            assert!(told.contains(&format!("{name}: {value}\n")), "{name} is not in {told}");
        }
        assert!(told.ends_with(&format!("\n\n{}\n\n", event.body().unwrap().trim_end())), "{told}");
    }

    #[test]
    fn nothing_that_a_caller_says_leaves_the_line_or_reaches_the_terminal() {
        let mut event = Event::new();
        event.push("Event-Name", "CUSTOM");
        event.push("Event-Subclass", "a::b");
        event.push("odd", "x\ny\x1b[2J");
        event.push("long", "é".repeat(500));
        event.push("empty", "");
        let told = show(&event, Form::Short, Look::Plain);
        assert_eq!(told, format!(" CUSTOM a::b odd=x\\ny^[[2J long={}...\n", "é".repeat(115)));
        assert_eq!(show(&Event::new(), Form::Short, Look::Plain), " \n");
        assert!(!show(&event, Form::Full, Look::Plain).contains('\x1b'));
    }
}
