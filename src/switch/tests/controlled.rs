//! Clients that control a session: the application `socket`, `myevents`, `linger`. What FreeSWITCH 1.10.12 sent to a program
//! that listened and said the same.

use super::Bench;
use crate::switch::{ConnId, Dialing, SwitchConfig};

const AT: &str = "127.0.0.1:8040";

/// A call whose caller, answered, runs `socket` on a client that listens.
struct Controlled {
    bench: Bench,
    conn: ConnId,
}

impl Controlled {
    /// With what stands behind the address.
    fn by(options: &str) -> Controlled {
        Controlled::then(&format!("&socket('{AT}{options}')"))
    }

    /// With the rest of the originate.
    fn then(tail: &str) -> Controlled {
        let mut bench = Bench::new();
        bench.rig.listen(AT.parse().unwrap());
        place(&mut bench, tail);
        let conn = bench.rig.accept().expect("nobody connected");
        Controlled { bench, conn }
    }

    /// Says something; gives what came, event by event as its name with what the test is about.
    fn say(&mut self, command: &str) -> Vec<String> {
        self.bench.rig.write(self.conn, format!("{command}\n\n").as_bytes());
        self.hear()
    }

    fn wait(&mut self, milliseconds: u64) -> Vec<String> {
        self.bench.wait(milliseconds);
        self.hear()
    }

    fn hear(&mut self) -> Vec<String> {
        self.bench.listen();
        let bytes = self.bench.rig.read(self.conn);
        let mut rest = std::str::from_utf8(&bytes).unwrap();
        let mut heard = Vec::new();
        while let Some((head, behind)) = rest.split_once("\n\n") {
            let header = |text: &str, name: &str| {
                text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
            };
            let length = header(head, "Content-Length").map_or(0, |length| length.parse().unwrap());
            let (body, behind) = behind.split_at(length);
            heard.push(match (header(body, "Event-Name"), header(head, "Reply-Text"), header(head, "Event-Name")) {
                (Some(name), ..) => match header(body, "Application") {
                    Some(application) => format!("{name} {application}"),
                    None => name,
                },
                (_, Some(reply), None) => reply,
                (_, _, Some(data)) => data,
                (None, None, None) => format!("{head}\n\n{body}"),
            });
            rest = behind;
        }
        assert_eq!(rest, "");
        heard
    }

    fn is_open(&self) -> bool {
        self.bench.rig.is_open(self.conn)
    }

    fn caller_exists(&mut self) -> bool {
        self.bench.ask("api uuid_exists caller") == "true"
    }
}

/// Calls, and has the callee answer.
fn place(bench: &mut Bench, tail: &str) {
    bench.tell(&format!("bgapi originate {{origination_uuid=caller}}sofia/external/dog@127.0.0.1:5080 {tail}"));
    let callee = bench.event(|e| e.name() == "CHANNEL_PARK").header("Unique-ID").unwrap().to_owned();
    bench.events.clear();
    assert_eq!(bench.ask(&format!("api uuid_answer {callee}")), "+OK\n");
    bench.wait(100);
}

fn execute(application: &str, argument: &str) -> String {
    format!("sendmsg\ncall-command: execute\nexecute-app-name: {application}\nexecute-app-arg: {argument}")
}

const PARTED: &str = "Content-Type: text/disconnect-notice\nControlled-Session-UUID: caller\nContent-Disposition: \
                      disconnect\nContent-Length: 67\n\nDisconnected, goodbye.\nSee you at ClueCon! \
                      http://www.cluecon.com/\n";

/// `seconds` of it.
fn lingers(seconds: &str) -> String {
    format!(
        "Content-Type: text/disconnect-notice\nControlled-Session-UUID: caller\nContent-Disposition: linger\n\
         Channel-Name: sofia/external/dog@127.0.0.1:5080\nLinger-Time: {seconds}\nContent-Length: 0\n\n"
    )
}

#[test]
fn connect_is_told_all_of_the_channel_and_what_the_client_may_do() {
    for (options, mode, control) in [
        ("", "static", "single-channel"),
        (" async", "async", "single-channel"),
        (" full", "static", "full"),
        (" async full", "async", "full"),
    ] {
        let mut call = Controlled::by(options);
        call.bench.rig.write(call.conn, b"connect\n\n");
        let data = String::from_utf8(call.bench.rig.read(call.conn)).unwrap();
        let lines: Vec<&str> = data.lines().collect();
        assert_eq!(lines[0], "Event-Name: CHANNEL_DATA");
        assert_eq!(
            lines[9..12],
            [
                "Event-Calling-File: mod_event_socket.c",
                "Event-Calling-Function: parse_command",
                "Event-Calling-Line-Number: 2021"
            ]
        );
        // The caller profile comes twice.
        assert_eq!(lines[13..15], ["Channel-Direction: outbound", "Channel-Logical-Direction: outbound"]);
        for line in ["Channel-Unique-ID: caller", "Channel-Profile-Index: 1", "Channel-Channel-Hold-Accum: 0"] {
            assert!(lines.contains(&line), "{line} in {data}");
        }
        let at = |line: &str| lines.iter().position(|l| *l == line).unwrap_or_else(|| panic!("{line} in {data}"));
        assert!(at("Channel-Privacy-Hide-Number: false") + 1 == at("Channel-State: CS_EXECUTE"));
        let tail = [
            format!("variable_current_application_data: 127.0.0.1%3A8040{}", options.replace(' ', "%20")),
            "variable_current_application: socket".to_owned(),
            "variable_socket_host: 127.0.0.1".to_owned(),
            "Content-Type: command/reply".to_owned(),
            "Reply-Text: %2BOK%0A".to_owned(),
            format!("Socket-Mode: {mode}"),
            format!("Control: {control}"),
            String::new(),
        ];
        assert_eq!(lines[lines.len() - tail.len()..], tail);
    }
}

#[test]
fn a_client_has_its_session_play_and_hang_up_and_lingers() {
    let mut call = Controlled::by(" async full");
    assert_eq!(call.say("connect"), ["CHANNEL_DATA"]);
    assert_eq!(call.say("myevents"), ["+OK Events Enabled"]);
    assert_eq!(call.say("myevents"), ["-ERR aready enabled."]);
    assert_eq!(call.say("linger 3"), ["+OK will linger 3 seconds"]);
    assert_eq!(call.say("getvar origination_uuid"), ["caller"]);
    assert_eq!(call.say("getvar nothing"), ["-ERR command not found"]);
    assert_eq!(call.say("divert_events on"), ["+OK events diverted"]);
    assert_eq!(call.say("divert_events"), ["-ERR missing value."]);
    assert_eq!(call.say("divert_events off"), ["+OK events not diverted"]);
    assert_eq!(call.say(&execute("playback", "tone_stream://%(200,0,500)")), ["+OK", "CHANNEL_EXECUTE playback"]);
    assert_eq!(call.wait(300), ["CHANNEL_EXECUTE_COMPLETE playback"]);
    // Without the call, it is still told what the call was.
    let ended = call.say("sendmsg\ncall-command: hangup\nhangup-cause: USER_BUSY");
    assert_eq!(ended[..3], ["+OK".to_owned(), "CHANNEL_HANGUP".to_owned(), lingers("3")]);
    assert_eq!(
        ended[3..],
        [
            "CHANNEL_UNPARK",
            "CHANNEL_EXECUTE_COMPLETE socket",
            "CHANNEL_STATE",
            "CHANNEL_STATE",
            "CHANNEL_HANGUP_COMPLETE"
        ]
    );
    assert_eq!(call.say("getvar hangup_cause"), ["USER_BUSY"]);
    assert!(!call.caller_exists());
    assert!(!call.bench.story("caller").contains(&"CHANNEL_DESTROY".to_owned()));
    assert_eq!(call.wait(2_900), [""; 0]);
    assert_eq!(call.wait(1_100), [PARTED]);
    assert!(!call.is_open());
    assert_eq!(call.bench.story("caller").last().unwrap(), "CHANNEL_STATE");
    assert!(call.bench.story("caller").contains(&"CHANNEL_DESTROY".to_owned()));
    assert_eq!(call.bench.rig.core().session_count(), 0);
}

#[test]
fn a_client_of_one_channel_may_do_nothing_else() {
    let mut call = Controlled::by(" async");
    assert_eq!(call.say("connect"), ["CHANNEL_DATA"]);
    for command in ["api status", "bgapi status", "event plain ALL", "nixevent ALL", "noevents", "linger", "nolinger"] {
        assert_eq!(call.say(command), ["-ERR command not found"], "{command}");
    }
    for command in ["log 7", "nolog", "sendevent CUSTOM", "auth ClueCon"] {
        assert_eq!(call.say(command), ["-ERR command not found"], "{command}");
    }
    assert_eq!(call.say("filter Event-Name DTMF"), ["+OK filter added. [Event-Name]=[DTMF]"]);
    assert_eq!(call.say("resume"), ["+OK"]);
    assert_eq!(call.say("sendmsg nobody\ncall-command: hangup"), ["-ERR invalid session id [nobody]"]);
    assert_eq!(call.say("exit"), ["+OK bye", PARTED]);
    assert!(!call.is_open());
}

/// Replies come before the events that the commands caused, and these once no command waits.
#[test]
fn without_async_the_client_waits_for_the_end_of_what_it_sends() {
    let mut call = Controlled::by(" full");
    call.say("connect");
    call.say("myevents");
    assert_eq!(call.say(&execute("playback", "tone_stream://%(500,0,500)")), [""; 0]);
    assert_eq!(call.wait(600), ["+OK", "CHANNEL_EXECUTE playback", "CHANNEL_EXECUTE_COMPLETE playback"]);
    let two = format!("{}\n\n{}", execute("sleep", "400"), execute("set", "x=y"));
    assert_eq!(call.say(&two), [""; 0]);
    assert_eq!(
        call.wait(500),
        [
            "+OK",
            "+OK",
            "CHANNEL_EXECUTE sleep",
            "CHANNEL_EXECUTE_COMPLETE sleep",
            "CHANNEL_EXECUTE set",
            "CHANNEL_EXECUTE_COMPLETE set"
        ]
    );
    // What others send waits until something looks for it, and what is to be done meanwhile as well.
    assert_eq!(
        call.say("sendmsg\nasync: true\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: q=r"),
        ["+OK"]
    );
    assert_eq!(call.wait(500), [""; 0]);
    assert_eq!(call.say("linger"), ["+OK will linger"]);
    assert_eq!(call.say("sendmsg\ncall-command: hangup"), ["+OK", "CHANNEL_HANGUP", &lingers("-1")]);
    // The session itself waits for the client.
    assert_eq!(call.wait(60_000), [""; 0]);
    assert!(!call.bench.story("caller").contains(&"CHANNEL_HANGUP_COMPLETE".to_owned()));
    assert_eq!(call.say("exit"), ["+OK bye", PARTED]);
    call.wait(100);
    assert_eq!(call.bench.rig.core().session_count(), 0);
}

#[test]
fn what_a_dialplan_has_behind_it_follows_when_the_client_goes() {
    let rest = ["CHANNEL_EXECUTE_COMPLETE socket", "CHANNEL_EXECUTE set", "CHANNEL_EXECUTE_COMPLETE set"];
    for (options, said) in [(" async full", "exit"), (" async full", "resume\n\nexit"), (" full", "exit"), ("", "exit")]
    {
        let mut call = Controlled::then(&format!("'socket:{AT}{options},set:a=b,park' inline"));
        call.say("connect");
        call.bench.events.clear();
        call.say(said);
        call.wait(100);
        let story = call.bench.story("caller");
        let story: Vec<&str> = story.iter().map(String::as_str).filter(|name| *name != "CHANNEL_UNPARK").collect();
        assert_eq!(story[..3], rest, "{options} {said}");
        assert_eq!(call.bench.story("caller").contains(&"CHANNEL_UNPARK".to_owned()), options.contains("async"));
        assert!(call.caller_exists());
    }
}

#[test]
fn a_session_that_is_told_to_resume_by_a_client_without_async_rests() {
    let mut call = Controlled::then(&format!("'socket:{AT} full,set:a=b' inline"));
    call.say("connect");
    call.bench.events.clear();
    assert_eq!(call.say("resume\n\nexit"), ["+OK", "+OK bye", PARTED]);
    call.wait(1_000);
    assert_eq!(call.bench.story("caller"), ["CHANNEL_EXECUTE_COMPLETE socket", "CHANNEL_STATE"]);
    assert_eq!(call.bench.last("CHANNEL_STATE").header("Channel-State"), Some("CS_RESET"));
    assert!(call.caller_exists());
}

#[test]
fn a_connection_that_breaks_ends_the_application_once_what_runs_is_done() {
    for options in [" async full", " full"] {
        let mut call = Controlled::by(options);
        call.say("connect");
        call.say(&execute("playback", "tone_stream://%(1500,0,500)"));
        call.bench.rig.close(call.conn);
        call.bench.wait(500);
        assert!(call.caller_exists());
        call.bench.events.clear();
        call.bench.wait(1_500);
        let story = call.bench.story("caller");
        assert!(story.iter().any(|line| line == "CHANNEL_EXECUTE_COMPLETE socket"), "{options}: {story:?}");
        assert!(!call.caller_exists());
        assert_eq!(call.bench.rig.core().session_count(), 0);
    }
}

/// Nobody will say `connect` any more, and it waits for that.
#[test]
fn a_session_whose_client_goes_before_a_word_is_parked_with_async_and_goes_on_without() {
    let mut call = Controlled::by(" async full");
    call.bench.rig.close(call.conn);
    call.bench.wait(1_000);
    assert_eq!(call.bench.last("CHANNEL_PARK").header("Unique-ID"), Some("caller"));
    assert!(call.caller_exists());
    let mut call = Controlled::by(" full");
    call.bench.rig.close(call.conn);
    call.bench.wait(1_000);
    assert!(!call.caller_exists());
}

#[test]
fn a_client_that_says_nothing_is_told_goodbye_after_25_seconds() {
    let mut call = Controlled::by(" full");
    assert_eq!(call.wait(24_000), [""; 0]);
    assert_eq!(call.wait(1_500), [PARTED]);
    assert!(!call.caller_exists());
}

#[test]
fn the_first_word_is_answered_only_if_it_asks_for_data() {
    for (first, heard) in [("myevents", vec![]), ("getvar a", vec![]), ("exit", vec![PARTED])] {
        let mut call = Controlled::by(" async full");
        assert_eq!(call.say(first), heard, "{first}");
    }
    let mut call = Controlled::by(" async full");
    assert_eq!(call.say("api echo x"), ["Content-Type: api/response\nContent-Length: 1\n\nx"]);
    call.say("myevents");
    // It is parked only now.
    assert_eq!(call.say("connect"), ["CHANNEL_DATA", "CHANNEL_PARK"]);
}

#[test]
fn a_client_without_linger_goes_with_its_session() {
    for options in [" async full", " full"] {
        let mut call = Controlled::by(options);
        call.say("connect");
        call.say("myevents");
        call.say("linger 5");
        assert_eq!(call.say("nolinger"), ["+OK will not linger"]);
        let ended = call.say("api uuid_kill caller");
        assert_eq!(ended, ["Content-Type: api/response\nContent-Length: 4\n\n+OK\n", "CHANNEL_HANGUP", PARTED]);
        call.wait(100);
        assert_eq!(call.bench.rig.core().session_count(), 0);
    }
}

#[test]
fn how_long_a_client_lingers_is_a_number_of_whole_seconds() {
    for (command, reply, told) in [
        ("linger", "+OK will linger", "-1"),
        ("lingerx", "+OK will linger", "-1"),
        ("linger 0", "+OK will linger 0 seconds", "0"),
        ("linger abc", "+OK will linger 0 seconds", "0"),
        ("linger  2", "+OK will linger 2 seconds", "2"),
    ] {
        let mut call = Controlled::by(" async full");
        call.say("connect");
        assert_eq!(call.say(command), [reply]);
        assert_eq!(call.say("api uuid_kill caller")[1..], [lingers(told)]);
        let seconds: i64 = told.parse().unwrap();
        call.wait(u64::try_from(seconds + 1).unwrap() * 1_000);
        assert_eq!(call.is_open(), seconds < 0, "{command}");
        if seconds < 0 {
            // FreeSWITCH takes them for a time since 1970.
            assert_eq!(call.say("linger 5"), ["+OK will linger 5 seconds"]);
            assert_eq!(call.wait(20), [PARTED]);
        }
    }
}

#[test]
fn a_client_keeps_a_session_that_is_taken_elsewhere() {
    let mut call = Controlled::by(" async full");
    call.say("connect");
    call.say("myevents");
    call.bench.ask("api uuid_transfer caller park: inline");
    let went = ["CHANNEL_UNPARK", "CHANNEL_EXECUTE_COMPLETE socket", "CHANNEL_STATE", "CHANNEL_STATE"];
    assert_eq!(call.hear(), [&went[..], &["CHANNEL_EXECUTE park", "CHANNEL_PARK"]].concat());
    assert_eq!(call.say(&execute("set", "a=b")), ["+OK", "CHANNEL_EXECUTE set", "CHANNEL_EXECUTE_COMPLETE set"]);
    // With its client the park of a session ends, whoever began it.
    call.bench.events.clear();
    call.say("exit");
    call.wait(100);
    assert_eq!(call.bench.story("caller")[..3], ["CHANNEL_UNPARK", "CHANNEL_EXECUTE_COMPLETE park", "CHANNEL_HANGUP"]);
}

#[test]
fn a_session_that_is_parked_has_no_second_park() {
    let mut bench = Bench::new();
    bench.rig.listen(AT.parse().unwrap());
    place(&mut bench, "&park()");
    bench.events.clear();
    bench.execute("caller", "socket", &format!("{AT} async full"));
    let conn = bench.rig.accept().unwrap();
    bench.rig.write(conn, b"connect\n\nexit\n\n");
    bench.wait(100);
    assert_eq!(
        bench.story("caller")[..6],
        [
            "CHANNEL_EXECUTE socket",
            "CHANNEL_EXECUTE_COMPLETE socket",
            "PRIVATE_COMMAND",
            "CHANNEL_UNPARK",
            "CHANNEL_EXECUTE_COMPLETE park",
            "CHANNEL_HANGUP"
        ]
    );
}

#[test]
fn a_client_that_named_a_session_goes_with_it_and_takes_its_park_along() {
    let mut bench = Bench::new();
    place(&mut bench, "&park()");
    bench.ask("noevents");
    assert_eq!(bench.ask("resume"), "-ERR command not found");
    assert_eq!(bench.ask("myevents caller"), "+OK Events Enabled");
    assert_eq!(bench.ask("getvar origination_uuid"), "caller");
    assert_eq!(bench.ask("myevents caller"), "-ERR aready enabled.");
    bench.tell("exit");
    bench.wait(100);
    assert_eq!(bench.rig.core().session_count(), 0);
    assert!(!bench.rig.is_open(bench.conn));
}

#[test]
fn jobs_of_a_client_are_among_the_events_of_its_session() {
    let mut call = Controlled::by(" async full");
    call.say("connect");
    call.say("myevents");
    call.say("event plain BACKGROUND_JOB");
    let heard = call.say("bgapi echo y\nJob-UUID: j");
    assert_eq!(heard, ["+OK Job-UUID: j", "BACKGROUND_JOB"]);
    assert_eq!(call.bench.last("BACKGROUND_JOB").header("Job-Owner-UUID"), Some("caller"));
}

#[test]
fn where_nobody_listens_the_next_host_is_tried_and_then_the_next_application() {
    let mut bench = Bench::new();
    bench.rig.listen(AT.parse().unwrap());
    bench.ask("log err");
    place(&mut bench, "'socket:127.0.0.1:1|127.0.0.1:2 async,set:a=b,park' inline");
    let story = bench.story("caller");
    let from = story.iter().position(|line| line == "CHANNEL_EXECUTE socket").unwrap();
    assert_eq!(story[from + 1..from + 3], ["CHANNEL_EXECUTE_COMPLETE socket", "CHANNEL_EXECUTE set"]);
    let said: Vec<_> = bench.log.iter().map(|line| line.body.as_deref().unwrap()).collect();
    assert!(said[0].ends_with("mod_event_socket.c:486 Socket Error: Connection refused\n"), "{said:?}");
    assert_eq!(said.len(), 3);
    let mut call = Controlled::then(&format!("'&socket(127.0.0.1:1||{AT}/a/path async full)'"));
    call.say("connect");
    assert_eq!(call.say("getvar socket_path"), ["a/path"]);
    assert_eq!(call.say("getvar socket_host"), ["127.0.0.1"]);
}

#[test]
fn no_other_machine_is_connected_to_unless_that_is_allowed() {
    let there = "192.0.2.7:8040";
    let connects = |dialing: Dialing| {
        let mut bench = Bench::configured(SwitchConfig { dialing, ..SwitchConfig::default() });
        bench.rig.listen(there.parse().unwrap());
        bench.ask("log err");
        place(&mut bench, &format!("&socket({there})"));
        let refused = bench.log.iter().any(|line| line.body.as_deref().unwrap().contains("Permission denied"));
        (bench.rig.accept().is_some(), refused)
    };
    assert_eq!(connects(Dialing::default()), (false, true));
    let networks = vec!["192.0.2.0/24".parse().unwrap()];
    assert_eq!(connects(Dialing { networks: networks.clone(), ..Dialing::default() }), (true, false));
    assert_eq!(connects(Dialing { networks, connections: 0, ..Dialing::default() }), (false, false));
    let dialing = Dialing::default();
    assert!(dialing.permits_host("localhost") && dialing.permits_host("127.9.9.9") && dialing.permits_host("::1"));
    assert!(!dialing.permits_host("example.com") && !dialing.permits_host("10.0.0.1"));
}

#[test]
fn a_session_that_ends_before_a_word_is_parked_for_a_moment() {
    let mut call = Controlled::by(" async full");
    call.bench.ask("api uuid_kill caller");
    assert_eq!(call.hear(), [PARTED]);
    let story = call.bench.story("caller");
    let from = story.iter().position(|line| line == "CHANNEL_HANGUP").unwrap();
    assert_eq!(story[from + 1..from + 4], ["CHANNEL_PARK", "CHANNEL_UNPARK", "CHANNEL_EXECUTE_COMPLETE socket"]);
    assert_eq!(call.bench.rig.core().session_count(), 0);
}

/// Who waits for a client looks at no digits.
#[test]
fn digits_are_told_of_while_a_session_is_parked_for_a_client_and_not_while_it_waits_without_async() {
    for (options, told) in [(" async", 2), ("", 0)] {
        let mut bench = Bench::new();
        bench.rig.listen(AT.parse().unwrap());
        let callee = bench.ringing();
        let socket = format!("api uuid_transfer {callee} 'socket:{AT}{options}' inline");
        assert_eq!(bench.ask(&socket), "+OK\n");
        let conn = bench.rig.accept().unwrap();
        bench.rig.write(conn, format!("connect\n\nmyevents\n\n{}\n\n", execute("answer", "")).as_bytes());
        bench.wait(500);
        bench.events.clear();
        bench.ask("api uuid_send_dtmf caller 12");
        bench.wait(2_000);
        let digits = bench.events.iter().filter(|event| event.name() == "DTMF").count();
        assert_eq!(digits, told, "{options:?}");
        bench.rig.write(conn, format!("{}\n\n", execute("hangup", "USER_BUSY")).as_bytes());
        bench.wait(100);
        assert_eq!(bench.last("CHANNEL_HANGUP_COMPLETE").header("Hangup-Cause"), Some("USER_BUSY"));
        assert!(!bench.rig.is_open(conn));
    }
}

#[test]
fn a_session_that_serves_a_client_is_transferred_when_the_client_goes() {
    let mut call = Controlled::by(" full");
    call.say("connect");
    call.say("myevents");
    assert_eq!(call.bench.ask("api uuid_transfer caller park: inline"), "+OK\n");
    assert_eq!(call.wait(500), [""; 0]);
    let set = ["+OK", "CHANNEL_EXECUTE set", "CHANNEL_EXECUTE_COMPLETE set"];
    assert_eq!(call.say(&execute("set", "a=b")), set);
    call.bench.events.clear();
    call.say("exit");
    call.wait(100);
    let went = ["CHANNEL_EXECUTE_COMPLETE socket", "CHANNEL_STATE", "CHANNEL_STATE", "CHANNEL_EXECUTE park"];
    assert_eq!(call.bench.story("caller")[..4], went);
    assert!(call.caller_exists());
}
