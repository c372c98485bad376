//! Replays a captured flow on a switch in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use callwright::esl::Event;
use callwright::esl::wire::{Decoder, Limits};
use callwright::switch::{ConnId, Rig, SwitchConfig};
use callwright::units::Time;

use super::super::captures::{Capture, event_of};

/// How long FreeSWITCH lets pass between two looks of an originate at its leg.
const ORIGINATE_POLL: Duration = Duration::from_millis(20);
/// The same where it came too late for the first command on the leg, which then ran before the leg was parked.
const LATE_POLL: Duration = Duration::from_millis(65);
/// Calls end within this after the last command of a flow.
const AFTERMATH: Duration = Duration::from_secs(10);

/// From the command to the event of its first digit of 100 ms, in microseconds.
const A_DIGIT: u64 = 120_000;

/// One command of a flow, and when FreeSWITCH ran it.
struct Command {
    text: String,
    at: Time,
    /// FreeSWITCH's reply, as the log has it.
    reply: String,
}

/// What came of a replay.
#[derive(Debug, PartialEq)]
pub struct Replayed {
    pub events: Vec<Event>,
    /// Replies that are not FreeSWITCH's.
    pub wrong_replies: Vec<String>,
}

/// What the switch says when it gets the commands of `capture`.
pub fn replay(capture: &Capture) -> Replayed {
    let captured = capture.events();
    let commands = commands(capture, &captured);
    let mut rig = Rig::with(SwitchConfig { originate_poll: originate_poll(&capture.name), ..config() }, 7);
    rig.add_sound(
        "/opt/freeswitch/fs/share/freeswitch/sounds/en/us/callie/ivr/8000/ivr-founder_of_freesource.wav",
        &vec![1_000; 34_000],
    );
    let listener = login(&mut rig);
    let subscribe = capture.log.lines().next().and_then(|line| line.strip_prefix("E> ")).unwrap();
    rig.write(listener, format!("{subscribe}\n\n").as_bytes());
    let controller = login(&mut rig);
    let mut decoder = Decoder::new(Limits::default());
    let mut events: Vec<Event> = Vec::new();
    let mut listen = |rig: &mut Rig, events: &mut Vec<Event>| {
        decoder.feed(&rig.read(listener));
        events.extend(std::iter::from_fn(|| decoder.poll().unwrap()).filter_map(|frame| event_of(&frame)));
    };
    let mut replies = Decoder::new(Limits::default());
    replies.feed(&rig.read(controller));
    while replies.poll().unwrap().is_some() {}
    let mut wrong_replies = Vec::new();
    let (start, origin) = (rig.now(), commands.first().map_or(rig.now(), |c| c.at));
    for command in &commands {
        rig.advance_to(start + command.at.since(origin));
        listen(&mut rig, &mut events);
        let names = names(&captured, &events);
        let text = names.iter().fold(command.text.clone(), |text, (theirs, ours)| text.replace(theirs, ours));
        rig.write(controller, format!("{text}\n\n").as_bytes());
        replies.feed(&rig.read(controller));
        let reply = replies.poll().unwrap().unwrap_or_else(|| panic!("{}: no reply to {text:?}", capture.name));
        let said = reply.header("Reply-Text").map(str::to_owned).or(reply.body).unwrap_or_default();
        let said = names.iter().fold(said, |said, (theirs, ours)| said.replace(ours, theirs));
        // As Python writes it; what a moment's clock says is left out.
        if !steady(&command.reply).contains(&format!("'{}'", steady(&said.replace('\n', "\\n")))) {
            wrong_replies.push(format!("{}: {text}: {said:?}, not {}", capture.name, command.reply));
        }
    }
    rig.advance(AFTERMATH);
    listen(&mut rig, &mut events);
    assert_eq!(rig.core().session_count(), 0, "{} leaves sessions behind", capture.name);
    let names = names(&captured, &events);
    Replayed { events: events.iter().map(|event| renamed(event, &names)).collect(), wrong_replies }
}

/// Without when a channel was made, and how many tasks the scheduler had before.
fn steady(reply: &str) -> String {
    let tasks = |c: char| c.is_ascii_digit();
    let reply = match reply.split_once("+OK Added: ") {
        Some((before, number)) => format!("{before}+OK Added: {}", number.trim_start_matches(tasks)),
        None => reply.to_owned(),
    };
    let mut out = String::new();
    for (at, part) in reply.split("\"created").enumerate() {
        out.push_str(if at == 0 { part } else { part.split_once(',').map_or("", |(_, rest)| rest) });
    }
    out
}

/// The settings of the FreeSWITCH that was recorded.
fn config() -> SwitchConfig {
    SwitchConfig {
        sip: ([127, 0, 0, 1], 5080).into(),
        hostname: "vm".to_owned(),
        ipv4: "192.0.2.2".to_owned(),
        ipv6: "fd00::2".to_owned(),
        context: "switchy".to_owned(),
        recordings_dir: "/opt/freeswitch/fs/var/lib/freeswitch/recordings".into(),
        sounds_dir: "/opt/freeswitch/fs/share/freeswitch/sounds".into(),
        heartbeat: None,
        ..SwitchConfig::default()
    }
}

/// When FreeSWITCH's originate looked in `flow`, as its events tell.
fn originate_poll(flow: &str) -> Duration {
    match flow {
        "bert-in-sync" | "bert-against-echo" | "bert-timeout" => LATE_POLL,
        _ => ORIGINATE_POLL,
    }
}

fn login(rig: &mut Rig) -> ConnId {
    let conn = rig.connect();
    rig.write(conn, b"auth ClueCon\n\n");
    conn
}

/// The commands of the log. FreeSWITCH's events tell when it ran each.
fn commands(capture: &Capture, captured: &[Event]) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut unseen: Vec<&Event> = captured.iter().collect();
    let mut lines = capture.log.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(text) = line.strip_prefix("C> ") else { continue };
        let mut text = text.replace("\\ncall-command", "\ncall-command");
        for header in ["execute-app-name", "execute-app-arg", "loops"] {
            text = text.replace(&format!("\\n{header}"), &format!("\n{header}"));
        }
        let is_it = |event: &Event| match text.split(' ').next() {
            Some("api" | "bgapi") => {
                let said = text.split_once(' ').map_or("", |(_, rest)| rest).trim_end();
                let (command, argument) = said.split_once(' ').unwrap_or((said, ""));
                event.name() == "API"
                    && event.header("API-Command") == Some(command)
                    && event.header("API-Command-Argument").unwrap_or_default() == argument.replace("%0A", "\n")
            }
            _ => {
                let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                event.name() == "CHANNEL_EXECUTE"
                    && event.header("Application") == Some(value("execute-app-name: "))
                    && text.starts_with(&format!("sendmsg {}", event.header("Unique-ID").unwrap_or_default()))
            }
        };
        // Where API events were not subscribed to, what a command did tells when it ran.
        let told = captured.iter().any(|event| event.name() == "API");
        let found = unseen.iter().position(|event| if told { is_it(event) } else { is_done_by(event, &text) });
        let found = found.unwrap_or_else(|| panic!("{}: nothing tells when {text:?} ran", capture.name));
        let event = unseen.remove(found);
        let stamp: u64 = event.header("Event-Date-Timestamp").unwrap().parse().unwrap();
        let stamp = if event.name() == "DTMF" { stamp - A_DIGIT } else { stamp };
        // The client sends one after the other.
        let at = Time::from_micros(stamp).max(commands.last().map_or(Time::default(), |last| last.at));
        if text.starts_with("bgapi") {
            let job = lines.peek().and_then(|reply| reply.split("Job-UUID: ").nth(1)).unwrap();
            text.push_str(&format!("\nJob-UUID: {}", &job[..36]));
        }
        let reply = lines.peek().map(|reply| (*reply).to_owned()).unwrap_or_default();
        commands.push(Command { text, at, reply });
    }
    commands
}

/// Whether `event` is the first that comes of a command.
fn is_done_by(event: &Event, text: &str) -> bool {
    let effect = [
        ("originate", "CHANNEL_CREATE"),
        ("uuid_answer", "CHANNEL_ANSWER"),
        ("uuid_send_dtmf", "DTMF"),
        ("uuid_kill", "CHANNEL_DESTROY"),
    ];
    let ours = |uuid: &str| text.contains(uuid);
    let of = if event.name() == "DTMF" { Some("") } else { event.header("Unique-ID") };
    effect.iter().any(|(command, name)| text.contains(command) && event.name() == *name) && of.is_some_and(ours)
}

/// FreeSWITCH's names of sessions and ours: those that the same call made, or that came in the same place.
fn names(captured: &[Event], ours: &[Event]) -> Vec<(String, String)> {
    let (theirs, ours) = (sessions(captured), sessions(ours));
    let mut pairs = Vec::new();
    for (key, their_uuids) in theirs {
        for (their, our) in their_uuids.iter().zip(ours.get(&key).into_iter().flatten()) {
            pairs.push((their.clone(), our.clone()));
        }
    }
    pairs
}

/// Sessions by direction and tracking header.
fn sessions(events: &[Event]) -> BTreeMap<(String, String), Vec<String>> {
    let mut sessions: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for event in events {
        let Some(uuid) = event.header("Unique-ID") else { continue };
        if event.name() != "CHANNEL_CREATE"
            && !(event.name() == "CHANNEL_DESTROY" && event.variable("sip_call_id").is_none())
        {
            continue;
        }
        let direction = event.header("Call-Direction").unwrap_or_default().to_owned();
        let call = event.variable("sip_h_X-call").unwrap_or_default().to_owned();
        let known = sessions.entry((direction, call)).or_default();
        if !known.iter().any(|name| name == uuid) {
            known.push(uuid.to_owned());
        }
    }
    sessions
}

/// The event with FreeSWITCH's names of sessions.
fn renamed(event: &Event, names: &[(String, String)]) -> Event {
    let mut out = Event::new();
    for (name, value) in event.headers() {
        let value = names.iter().fold(value.to_owned(), |value, (theirs, ours)| value.replace(ours, theirs));
        out.push(name, value);
    }
    if let Some(body) = event.body() {
        out.set_body(names.iter().fold(body.to_owned(), |body, (theirs, ours)| body.replace(ours, theirs)));
    }
    out
}
