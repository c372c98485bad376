//! Compares two streams of events, session by session.

use std::collections::BTreeMap;

use callwright::esl::Event;

/// What came of a comparison.
pub struct Compared {
    pub differences: Vec<String>,
    /// Headers that were held against each other.
    pub headers: usize,
}

/// What FreeSWITCH's own clock makes and no call has anything to do with.
const OF_THE_CLOCK: &[&str] = &["HEARTBEAT", "RE_SCHEDULE"];

/// Compares what came with what FreeSWITCH sent.
pub fn compare(captured: &[Event], ours: &[Event]) -> Compared {
    let mut compared = Compared { differences: Vec::new(), headers: 0 };
    let (captured, ours) = (by_session(captured), by_session(ours));
    let mut sessions: Vec<&String> = captured.keys().chain(ours.keys()).collect();
    sessions.sort();
    sessions.dedup();
    let nothing = Vec::new();
    for session in sessions {
        let (captured, ours) = (captured.get(session).unwrap_or(&nothing), ours.get(session).unwrap_or(&nothing));
        let side = captured.first().or(ours.first()).and_then(|e| e.header("Call-Direction")).unwrap_or("switch");
        compare_session(side, captured, ours, &mut compared);
    }
    compared
}

fn by_session(events: &[Event]) -> BTreeMap<String, Vec<&Event>> {
    let mut sessions: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| !OF_THE_CLOCK.contains(&event.name())) {
        // Events about no session come in an order that depends on threads: each command and job by itself.
        let session = event.header("Unique-ID").or(event.header("Job-UUID"));
        let session = session.or(event.header("API-Command-Argument")).unwrap_or("switch");
        sessions.entry(session.to_owned()).or_default().push(event);
    }
    sessions
}

/// Lines two streams up by the names of their events, then compares pair by pair.
fn compare_session(side: &str, captured: &[&Event], ours: &[&Event], compared: &mut Compared) {
    let kinds = |events: &[&Event]| events.iter().map(|event| kind(event)).collect::<Vec<_>>();
    let mut count = BTreeMap::new();
    for step in align(&kinds(captured), &kinds(ours)) {
        match step {
            Step::Missing(at) => compared.differences.push(format!("{side}: {} is missing", kind(captured[at]))),
            Step::Extra(at) => compared.differences.push(format!("{side}: {} is too many", kind(ours[at]))),
            Step::Both(theirs, own) => {
                let kind = kind(captured[theirs]);
                let number = count.entry(kind.clone()).and_modify(|n| *n += 1).or_insert(1);
                compare_events(&format!("{side}: {kind} {number}"), captured[theirs], ours[own], compared);
            }
        }
    }
}

/// The name, with the state or application it tells of.
fn kind(event: &Event) -> String {
    let detail = match event.name() {
        "CHANNEL_STATE" => event.header("Channel-State"),
        "CHANNEL_CALLSTATE" => event.header("Channel-Call-State"),
        "CHANNEL_EXECUTE" | "CHANNEL_EXECUTE_COMPLETE" => event.header("Application"),
        "PRIVATE_COMMAND" => event.header("execute-app-name"),
        "API" => event.header("API-Command"),
        _ => None,
    };
    detail.map_or_else(|| event.name().to_owned(), |detail| format!("{} {detail}", event.name()))
}

fn compare_events(place: &str, captured: &Event, ours: &Event, compared: &mut Compared) {
    let names = |event: &Event| event.headers().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    let (theirs, own) = (names(captured), names(ours));
    let mut common = (Vec::new(), Vec::new());
    for step in align(&sorted(&theirs), &sorted(&own)) {
        match step {
            Step::Missing(at) => compared.differences.push(format!("{place}: no {}", sorted(&theirs)[at])),
            Step::Extra(at) => compared.differences.push(format!("{place}: has {}", sorted(&own)[at])),
            Step::Both(..) => {}
        }
    }
    common.0.extend(theirs.iter().filter(|name| own.contains(name)));
    common.1.extend(own.iter().filter(|name| theirs.contains(name)));
    if common.0 != common.1 {
        let at = common.0.iter().zip(&common.1).position(|(a, b)| a != b).unwrap_or(0);
        let (theirs, ours) = (common.0.get(at).map_or("", |n| n), common.1.get(at).map_or("", |n| n));
        compared.differences.push(format!("{place}: order, {ours} where FreeSWITCH has {theirs}"));
    }
    compared.headers += theirs.len();
    for name in own.iter().filter(|name| theirs.contains(name)) {
        let (theirs, own) = (steady(name, captured.header(name)), steady(name, ours.header(name)));
        if theirs != own {
            compared.differences.push(format!("{place}: {name} is {own:?}, not {theirs:?}"));
        }
    }
    if captured.body() != ours.body() {
        compared.differences.push(format!("{place}: body is {:?}, not {:?}", ours.body(), captured.body()));
    }
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

/// The value without what no two runs have in common.
fn steady(name: &str, value: Option<&str>) -> String {
    let value = value.unwrap_or_default();
    let plain = name.strip_prefix("variable_").unwrap_or(name);
    let whether = || if value == "0" { "0".to_owned() } else { "some".to_owned() };
    match plain {
        "Core-UUID" | "Event-Sequence" | "Event-Date-Local" | "Event-Date-GMT" | "Event-Date-Timestamp" => {
            String::new()
        }
        "Application-UUID" | "Task-ID" | "Task-Runtime" | "session_id" | "rtp_use_ssrc" | "sip_cseq"
        | "sip_call_id" => String::new(),
        "sip_from_tag" | "sip_to_tag" | "local_media_port" | "remote_media_port" | "sip_invite_stamp" => String::new(),
        "sip_full_via" | "sip_recover_via" => value.split("branch=").next().unwrap_or_default().to_owned(),
        "sip_full_from" | "sip_full_to" => value.split("tag=").next().unwrap_or_default().to_owned(),
        "rtp_local_sdp_str" | "switch_r_sdp" | "switch_m_sdp" => without_numbers_of_a_session(value),
        _ if plain.starts_with("Caller-") && plain.ends_with("-Time") => whether(),
        _ if plain.starts_with("Other-Leg-") && plain.ends_with("-Time") => whether(),
        "Caller-Channel-Last-Hold" | "Caller-Channel-Hold-Accum" => whether(),
        _ if plain.ends_with("_epoch") || plain.ends_with("_uepoch") || plain.ends_with("_stamp") => whether(),
        // How long a call lasted differs by the ticks of two clocks.
        _ if plain.starts_with("hold_accum_") => String::new(),
        _ if plain.ends_with("sec") || plain.ends_with("duration") => String::new(),
        "rtp_audio_in_dtmf_packet_count" | "rtp_audio_out_dtmf_packet_count" => value.to_owned(),
        _ if plain.starts_with("rtp_audio_in_") || plain.starts_with("rtp_audio_out_") => String::new(),
        // Where in a sound the break came.
        _ if plain.starts_with("playback_") || plain.starts_with("record_file") => String::new(),
        "record_samples" | "record_seconds" | "record_ms" => String::new(),
        _ => value.to_owned(),
    }
}

/// Without the numbers in the `o=` line, and the port.
fn without_numbers_of_a_session(sdp: &str) -> String {
    let lines = sdp.lines().map(|line| match line.split_once('=') {
        Some(("o", origin)) => {
            let mut words: Vec<&str> = origin.split(' ').collect();
            if words.len() > 2 {
                (words[1], words[2]) = ("N", "N+1");
            }
            format!("o={}", words.join(" "))
        }
        Some(("m", media)) => {
            let mut words: Vec<&str> = media.split(' ').collect();
            if words.len() > 1 {
                words[1] = "PORT";
            }
            format!("m={}", words.join(" "))
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

enum Step {
    Both(usize, usize),
    Missing(usize),
    Extra(usize),
}

/// The longest common subsequence.
fn align(theirs: &[String], ours: &[String]) -> Vec<Step> {
    let (n, m) = (theirs.len(), ours.len());
    let mut longest = vec![vec![0_u32; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            longest[i][j] = match theirs[i] == ours[j] {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::new();
    while i < n || j < m {
        if i < n && j < m && theirs[i] == ours[j] {
            steps.push(Step::Both(i, j));
            (i, j) = (i + 1, j + 1);
        } else if j == m || (i < n && longest[i + 1][j] >= longest[i][j + 1]) {
            steps.push(Step::Missing(i));
            i += 1;
        } else {
            steps.push(Step::Extra(j));
            j += 1;
        }
    }
    steps
}
