//! The replies of the embedded switch against those of FreeSWITCH, byte for byte.

use std::time::Duration;

use callwright::esl::Event;
use callwright::esl::wire::{Decoder, Frame, Limits};
use callwright::switch::{ConnId, Rig, SwitchConfig, SystemApi};

use super::captures;

/// Replies that are another one here, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("api create_uuid", "another UUID"),
    ("api system echo hi", "a rig has no machine to run programs on"),
    ("sendevent CUSTOM\\nEvent-Subclass: a::b\\nx: y", "another UUID"),
];

/// Replies with numbers of the moment: compared without their digits.
const COUNTING: &[&str] = &[
    "api status",
    "api show status",
    "api sofia status",
    "api sofia status profile external",
    "api strftime",
    "api uptime s",
];

/// The reply without what no two runs have in common.
fn steady(command: &str, body: &str) -> String {
    if !COUNTING.contains(&command) {
        return body.to_owned();
    }
    // What of a version is behind its number tells of the build.
    let body = match body.split_once("-release ").and_then(|(before, rest)| Some((before, rest.split_once(')')?.1))) {
        Some((before, behind)) => format!("{before}-release){behind}"),
        None => body.to_owned(),
    };
    let mut out = String::new();
    for c in body.chars() {
        match c.is_ascii_digit() {
            true if out.ends_with('#') => {}
            true => out.push('#'),
            false => out.push(c),
        }
    }
    // There is no SIP over TCP here.
    out.replace("transport=udp,tcp", "transport=udp")
}

struct Reply {
    head: Vec<(String, String)>,
    body: String,
}

/// What the log says that FreeSWITCH was asked and answered.
fn captured(name: &str) -> Vec<(String, Reply)> {
    let log = captures::capture(name).log;
    let mut pairs = Vec::new();
    let mut lines = log.lines();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("C> ") else { continue };
        let reply = lines.next().and_then(|line| line.strip_prefix("C< ")).expect("a reply");
        pairs.push((command.to_owned(), python(reply)));
    }
    assert!(pairs.len() >= 69, "only {} replies in {name}", pairs.len());
    pairs
}

/// `{'Name': 'value', ...} 'body'`, as Python writes it.
fn python(text: &str) -> Reply {
    let (head, body) = text.rsplit_once("} ").unwrap();
    // A body may hold "} ", a head does not.
    let (head, body) = match text.split_once("'} ") {
        Some((head, body)) => (format!("{head}'"), body),
        None => (head.to_owned(), body),
    };
    let head = head.trim_start_matches('{').split("', '").map(|pair| {
        let (name, value) = pair.split_once("': '").unwrap();
        (name.trim_matches('\'').to_owned(), value.trim_matches('\'').to_owned())
    });
    let body = body[1..body.len() - 1].replace("\\n", "\n").replace("\\t", "\t");
    Reply { head: head.collect(), body }
}

fn ask(rig: &mut Rig, conn: ConnId, decoder: &mut Decoder, command: &str) -> Frame {
    rig.write(conn, format!("{}\n\n", command.replace("\\n", "\n")).as_bytes());
    decoder.feed(&rig.read(conn));
    decoder.poll().unwrap().unwrap_or_else(|| panic!("no reply to {command:?}"))
}

fn switch() -> Rig {
    Rig::with(
        SwitchConfig {
            sip: ([127, 0, 0, 1], 5080).into(),
            hostname: "vm".to_owned(),
            ipv4: "127.0.0.1".to_owned(),
            context: "switchy".to_owned(),
            recordings_dir: "/opt/freeswitch/fs/var/lib/freeswitch/recordings".into(),
            sounds_dir: "/opt/freeswitch/fs/share/freeswitch/sounds".into(),
            system: SystemApi::Allowed,
            ..SwitchConfig::default()
        },
        1,
    )
}

/// The names of commands whose reply is another one, and those that are in `DIFFERENT` without being so.
fn compare(capture: &str) -> (Vec<String>, Vec<String>, Rig, ConnId) {
    let mut rig = switch();
    let conn = rig.connect();
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(&rig.read(conn));
    assert_eq!(decoder.poll().unwrap().unwrap().header("Content-Type"), Some("auth/request"));
    assert_eq!(ask(&mut rig, conn, &mut decoder, "auth ClueCon").header("Reply-Text"), Some("+OK accepted"));
    let mut wrong = Vec::new();
    let mut same = Vec::new();
    for (command, theirs) in captured(capture) {
        let ours = ask(&mut rig, conn, &mut decoder, &command);
        let body = ours.body.clone().unwrap_or_default();
        let head = |head: &[(String, String)]| match COUNTING.contains(&command.as_str()) {
            true => head[..1].to_vec(),
            false => head.to_vec(),
        };
        let equal =
            head(&ours.headers) == head(&theirs.head) && steady(&command, &body) == steady(&command, &theirs.body);
        match (equal, DIFFERENT.iter().find(|(different, _)| *different == command)) {
            (true, Some(_)) => same.push(command),
            (false, None) => wrong.push(format!(
                "{command}\n  FreeSWITCH {:?} {:?}\n  here       {:?} {:?}",
                theirs.head, theirs.body, ours.headers, body
            )),
            _ => {}
        }
    }
    (wrong, same, rig, conn)
}

#[test]
fn replies_are_freeswitchs() {
    let (wrong, same, rig, conn) = compare("replies");
    assert!(wrong.is_empty(), "{} replies differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(same.is_empty(), "these replies do not differ any more: {same:?}");
    assert!(!rig.is_open(conn), "exit closes the connection");
}

#[test]
fn replies_about_limits_are_freeswitchs() {
    let (wrong, _, _, _) = compare("limits");
    assert!(wrong.is_empty(), "{} replies differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_heartbeat_is_freeswitchs() {
    let theirs = captures::capture("limits").events();
    let mut rig = switch();
    let conn = rig.connect();
    rig.write(conn, b"auth ClueCon\n\nevent plain HEARTBEAT RE_SCHEDULE\n\n");
    rig.advance(Duration::from_secs(20));
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(&rig.read(conn));
    let frames = std::iter::from_fn(|| decoder.poll().unwrap());
    let ours: Vec<Event> = frames.filter_map(|frame| captures::event_of(&frame)).collect();
    assert_eq!((ours.len(), theirs.len()), (2, 2));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let names = |event: &Event| event.headers().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(ours), names(theirs));
        let same = theirs.headers().filter(|(name, value)| ours.header(name) == Some(value));
        let same: Vec<&str> = same.map(|(name, _)| name).collect();
        let beats: &[&str] = match theirs.name() {
            "HEARTBEAT" => &[
                "Event-Info",
                "Session-Count",
                "Max-Sessions",
                "Session-Per-Sec",
                "Session-Per-Sec-Last",
                "Session-Peak-Max",
                "Session-Since-Startup",
            ],
            _ => &["Task-ID", "Task-Desc", "Task-Group"],
        };
        for name in ["Event-Name", "Event-Calling-File", "Event-Calling-Function", "Event-Calling-Line-Number"]
            .iter()
            .chain(beats)
        {
            assert!(same.contains(name), "{name}: {:?} and not {:?}", ours.header(name), theirs.header(name));
        }
    }
}
