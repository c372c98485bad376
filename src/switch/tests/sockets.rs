//! Event sockets: logins, subscriptions, filters, schedules.

use super::{Bench, CALLER};
use crate::switch::Rig;

#[test]
fn nothing_is_done_before_the_login() {
    let mut rig = Rig::new(1);
    let conn = rig.connect();
    rig.read(conn);
    for command in ["api status", "event plain ALL", "nonsense"] {
        rig.write(conn, format!("{command}\n\n").as_bytes());
        let said = String::from_utf8(rig.read(conn)).unwrap();
        assert_eq!(said, "Content-Type: command/reply\nReply-Text: -ERR command not found\n\n");
    }
    rig.write(conn, b"auth ClueCo\n\n");
    let said = String::from_utf8(rig.read(conn)).unwrap();
    assert!(said.contains("-ERR invalid") && said.contains("text/disconnect-notice"), "{said}");
    assert!(!rig.is_open(conn));
}

#[test]
fn only_what_was_asked_for_comes() {
    let mut bench = Bench::new();
    bench.ask("noevents");
    assert_eq!(bench.ask("event plain CHANNEL_PARK BACKGROUND_JOB"), "+OK event listener enabled plain");
    bench.ringing();
    bench.ask("api hupall");
    bench.wait(100);
    assert_eq!(bench.names(), ["CHANNEL_PARK", "BACKGROUND_JOB"]);
}

/// genesis says `events plain ALL`. What FreeSWITCH says to each.
#[test]
fn a_command_is_known_by_how_its_line_begins() {
    let mut bench = Bench::new();
    for (command, reply) in [
        ("events plain CHANNEL_PARK", "+OK event listener enabled plain"),
        ("eventplain HEARTBEAT", "+OK event listener enabled plain"),
        ("nixevents CHANNEL_PARK", "+OK events nixed"),
        ("log7", "+OK log level 7 [7]"),
        ("logout", "-ERR invalid log level"),
        ("nologs", "+OK no longer logging"),
        ("noevents_now", "+OK no longer listening for events"),
        ("sendmsgabc", "-ERR invalid session id [abc]"),
        ("lingering", "-ERR not controlling a session"),
        ("filters a b", "-ERR command not found"),
        ("myeventsx", "-ERR command not found"),
        ("apix status", "-ERR command not found"),
    ] {
        assert_eq!(bench.ask(command), reply, "{command}");
    }
    assert!(bench.ask("sendeventHEARTBEAT").starts_with("+OK "));
}

#[test]
fn nixevent_takes_one_out_of_all() {
    let mut bench = Bench::new();
    bench.ask("nixevent API CHANNEL_STATE");
    bench.ringing();
    assert!(bench.names().iter().all(|name| name != "API" && name != "CHANNEL_STATE"));
    assert!(bench.names().contains(&"CODEC".to_owned()));
}

#[test]
fn filters_keep_and_drop() {
    let mut bench = Bench::new();
    bench.ask("filter Event-Name CHANNEL_PARK");
    bench.ask("filter Event-Name /^CHANNEL_CREATE$/");
    let callee = bench.ringing();
    assert_eq!(bench.names(), ["CHANNEL_CREATE", "CHANNEL_CREATE", "CHANNEL_PARK"]);
    bench.events.clear();
    bench.ask("filter delete all");
    assert_eq!(bench.ask("filter Unique-ID"), "-ERR invalid syntax");
    bench.ask(&format!("filter Unique-ID {callee}"));
    bench.ask("filter Event-Name -CHANNEL_ANSWER");
    bench.ask(&format!("api uuid_answer {callee}"));
    assert_eq!(bench.names(), ["CHANNEL_CALLSTATE"]);
}

#[test]
fn custom_events_come_by_subclass() {
    let mut bench = Bench::new();
    bench.ask("noevents");
    bench.ask("event json CUSTOM a::b");
    bench.ask("sendevent CUSTOM\nEvent-Subclass: a::c\nx: 1");
    bench.ask("sendevent CUSTOM\nEvent-Subclass: a::b\nx: 2");
    assert_eq!(bench.names(), ["CUSTOM"]);
    assert_eq!(
        (bench.last("CUSTOM").header("x"), bench.last("CUSTOM").header("Event-Subclass")),
        (Some("2"), Some("a::b"))
    );
}

#[test]
fn myevents_are_those_of_one_session() {
    let mut bench = Bench::new();
    let callee = bench.ringing();
    bench.ask("noevents");
    bench.events.clear();
    assert_eq!(bench.ask(&format!("myevents {callee}")), "+OK Events Enabled");
    assert_eq!(bench.ask("linger"), "+OK will linger");
    bench.ask(&format!("api uuid_answer {callee}"));
    bench.wait(100);
    assert_eq!(bench.names(), ["CHANNEL_ANSWER"]);
    // Without a name it is the session that was named.
    bench.replies.clear();
    bench.tell("sendmsg\ncall-command: hangup");
    assert_eq!(bench.replies[0].header("Reply-Text"), Some("+OK"));
    assert_eq!(bench.replies[1].header("Content-Disposition"), Some("linger"));
}

#[test]
fn jobs_go_on_when_their_client_is_gone() {
    let mut bench = Bench::new();
    let other = bench.rig.connect();
    bench.rig.write(other, b"auth ClueCon\n\n");
    let originate = format!(
        "bgapi originate {{origination_uuid={CALLER},originate_timeout=1}}sofia/external/d@127.0.0.1:5080 &park()\n\n"
    );
    bench.rig.write(other, originate.as_bytes());
    bench.rig.close(other);
    bench.wait(1_500);
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR NO_ANSWER\n"));
}

#[test]
fn an_api_command_can_be_scheduled_again_and_again_and_taken_off() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask("api sched_api @2 mine echo hello"), "+OK Added: 3\n");
    assert_eq!(bench.last("ADD_SCHEDULE").header("Task-Group"), Some("mine"));
    bench.wait(7_000);
    let ran = bench.events.iter().filter(|e| e.header("API-Command") == Some("echo")).count();
    assert_eq!(ran, 3);
    assert_eq!(bench.ask("api sched_del mine"), "+OK Deleted: 1\n");
    bench.events.clear();
    bench.wait(7_000);
    assert!(bench.events.is_empty());
}

#[test]
fn a_heart_beats_every_twenty_seconds() {
    let mut bench = Bench::new();
    bench.wait(61_000);
    let beats: Vec<_> = bench.events.iter().filter(|e| e.name() == "HEARTBEAT").collect();
    assert_eq!(beats.len(), 3);
    assert_eq!(beats[0].header("Uptime-msec"), Some("20000"));
}

#[test]
fn hupall_ends_only_what_matches() {
    let mut bench = Bench::new();
    bench.ringing();
    let other = "bgapi originate {ignore_early_media=true,sip_h_X-app=mine}sofia/external/cat@127.0.0.1:5080 &park()";
    bench.tell(other);
    assert_eq!(bench.rig.core().session_count(), 4);
    let said = bench.ask("api hupall USER_BUSY sip_h_X-app mine");
    assert_eq!(said, "+OK hangup all channels matching [sip_h_X-app]=[mine] with cause: USER_BUSY\n");
    bench.wait(100);
    assert_eq!(bench.rig.core().session_count(), 2);
}

#[test]
fn what_is_not_done_is_never_said_to_be_done() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    for command in [format!("uuid_record {callee} mask /r/a.wav"), "system echo hi".to_owned()] {
        let said = bench.ask(&format!("api {command}"));
        assert!(said.starts_with("-ERR"), "{command}: {said}");
    }
}

#[test]
fn bridged_legs_part_when_one_is_transferred() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    assert_eq!(bench.ask(&format!("api uuid_bridge {callee} {CALLER}")), format!("+OK {CALLER}\n"));
    assert_eq!(bench.last("CHANNEL_BRIDGE").header("Bridge-B-Unique-ID"), Some(CALLER));
    assert_eq!(bench.ask(&format!("api uuid_transfer {callee} 9198")), "+OK\n");
    assert_eq!(bench.last("CHANNEL_PARK").header("Caller-Destination-Number"), Some("9198"));
}

#[test]
fn two_legs_are_two_calls_until_they_are_bridged() {
    // FreeSWITCH's columns.
    const CALLS: &str = "uuid,direction,created,created_epoch,name,state,cid_name,cid_num,ip_addr,dest,presence_id,presence_data,accountcode,callstate,callee_name,callee_num,callee_direction,call_uuid,hostname,sent_callee_name,sent_callee_num,b_uuid,b_direction,b_created,b_created_epoch,b_name,b_state,b_cid_name,b_cid_num,b_ip_addr,b_dest,b_presence_id,b_presence_data,b_accountcode,b_callstate,b_callee_name,b_callee_num,b_callee_direction,b_sent_callee_name,b_sent_callee_num,call_created_epoch";
    let mut bench = Bench::new();
    let callee = bench.answered();
    let counts = |bench: &mut Bench| ["channels", "calls"].map(|of| bench.ask(&format!("api show {of} count")));
    assert_eq!(counts(&mut bench), ["\n2 total.\n", "\n2 total.\n"]);
    assert_eq!(bench.ask("api show bridged_calls"), "\n0 total.\n");
    bench.ask(&format!("api uuid_bridge {callee} {CALLER}"));
    assert_eq!(counts(&mut bench), ["\n2 total.\n", "\n1 total.\n"]);
    assert_eq!(bench.ask("api show calls count as json"), "{\"row_count\":1,\"rows\":[]}");
    let told = bench.ask("api show bridged_calls");
    assert_eq!(told.lines().next(), Some(CALLS));
    assert!(told.lines().nth(1).unwrap().starts_with(&format!("{callee},inbound,")), "{told}");
    assert!(told.contains(&format!(",{CALLER},outbound,")) && told.ends_with("\n\n1 total.\n"), "{told}");
}

#[test]
fn commands_without_their_arguments_say_how_they_are_used() {
    let mut bench = Bench::new();
    for command in [
        "uuid_kill",
        "uuid_setvar",
        "uuid_getvar",
        "uuid_dump",
        "uuid_broadcast",
        "uuid_park",
        "fsctl",
        "uuid_record x",
    ] {
        assert!(bench.ask(&format!("api {command}")).starts_with("-USAGE"), "{command}");
    }
}

#[test]
fn a_dump_is_the_channel_as_text_and_as_json() {
    let mut bench = Bench::new();
    let callee = bench.ringing();
    let text = bench.ask(&format!("api uuid_dump {callee}"));
    assert!(
        text.contains("\nChannel-State: CS_EXECUTE\n") && text.contains(&format!("\nvariable_uuid: {callee}\n")),
        "{text}"
    );
    assert!(text.contains("\nvariable_sip_req_uri: dog%40127.0.0.1%3A5080\n") && text.ends_with("\n\n"), "{text}");
    let plain = bench.ask(&format!("api uuid_dump {callee} plain"));
    assert!(plain.contains("\nvariable_sip_req_uri: [dog@127.0.0.1:5080]\n") && plain.ends_with("]\n\n"), "{plain}");
    let json: serde_json::Value = serde_json::from_str(&bench.ask(&format!("api uuid_dump {callee} json"))).unwrap();
    assert_eq!(json["Unique-ID"], callee.as_str());
}
