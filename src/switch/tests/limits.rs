//! What happens at the limits, as seen on FreeSWITCH.

use std::time::Duration;

use super::Bench;
use crate::switch::{ClientLimits, Rig, SwitchConfig, loopback_networks};

const CALL: &str = "bgapi originate {ignore_early_media=true}sofia/external/dog@127.0.0.1:5080 &park()";

/// Lines of `status` about sessions.
fn counts(bench: &mut Bench) -> [String; 3] {
    let status = bench.ask("api status");
    let mut lines = status.lines().skip(2).map(str::to_owned);
    std::array::from_fn(|_| lines.next().unwrap())
}

#[test]
fn five_a_second_let_four_begin_and_count_those_they_refuse() {
    let mut bench = Bench::new();
    bench.rig.silence("127.0.0.1:9");
    assert_eq!(bench.ask("api fsctl sps 5"), "+OK sessions per second: 5\n");
    bench.wait(2_100);
    bench.ask("api fsctl sps_peak_reset");
    bench.events.clear();
    for _ in 0..8 {
        bench.tell("bgapi originate {originate_timeout=1,ignore_early_media=true}sofia/external/d@127.0.0.1:9 &park()");
    }
    let refused: Vec<_> = bench.events.iter().filter(|e| e.name() == "BACKGROUND_JOB").map(|e| e.body()).collect();
    assert_eq!(refused, [Some("-ERR DESTINATION_OUT_OF_ORDER\n"); 4]);
    // A session that was refused shows no channel.
    assert_eq!(bench.names().iter().filter(|name| *name == "CHANNEL_CREATE").count(), 4);
    bench.wait(1_000);
    assert_eq!(bench.ask("api fsctl last_sps"), "+OK last sessions per second: 8\n");
    let told = counts(&mut bench);
    assert_eq!(told[0], "4 session(s) since startup");
    assert!(told[1].contains("peak 4, last 5min 4 "), "{told:?}");
    assert_eq!(told[2], "8 session(s) per Sec out of max 5, peak 8, last 5min 8 ");
}

#[test]
fn a_limit_that_is_raised_looks_like_a_second_of_many_sessions() {
    let mut bench = Bench::new();
    bench.ask("api fsctl sps 20");
    bench.wait(1_200);
    assert_eq!(bench.ask("api fsctl last_sps"), "+OK last sessions per second: -980\n");
    bench.ask("api fsctl sps 200");
    bench.wait(1_000);
    assert_eq!(counts(&mut bench)[2], "180 session(s) per Sec out of max 200, peak 180, last 5min 180 ");
}

#[test]
fn a_callee_over_the_rate_is_refused_as_a_temporary_failure() {
    let mut bench = Bench::new();
    bench.ask("api fsctl sps 2");
    bench.wait(1_000);
    bench.tell(CALL);
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR NORMAL_TEMPORARY_FAILURE\n"));
    let hangup = bench.last("CHANNEL_HANGUP");
    assert_eq!(hangup.variable("sip_term_status"), Some("503"));
    assert_eq!(hangup.variable("sip_invite_failure_phrase"), Some("Maximum Calls In Progress"));
    assert_eq!(bench.rig.core().session_count(), 0);
}

#[test]
fn the_last_session_is_refused_to_those_who_call_in_and_stays_ten_seconds() {
    let mut bench = Bench::new();
    bench.ask("api fsctl max_sessions 2");
    bench.tell(CALL);
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR NORMAL_TEMPORARY_FAILURE\n"));
    assert_eq!(counts(&mut bench)[1], "1 session(s) - peak 2, last 5min 2 ");
    bench.wait(9_900);
    let inbound = |event: &&crate::esl::Event| event.header("Call-Direction") == Some("inbound");
    assert_eq!(bench.events.iter().filter(inbound).map(|e| e.name()).collect::<Vec<_>>(), ["CHANNEL_STATE"]);
    bench.events.clear();
    bench.wait(200);
    let names: Vec<_> = bench.events.iter().filter(inbound).map(|e| e.name()).collect();
    let ending = [
        "CHANNEL_HANGUP",
        "CHANNEL_STATE",
        "CHANNEL_CALLSTATE",
        "CHANNEL_STATE",
        "CHANNEL_HANGUP_COMPLETE",
        "CHANNEL_DESTROY",
        "CHANNEL_STATE",
    ];
    assert_eq!(names, ending);
    let hangup = bench.last("CHANNEL_HANGUP");
    assert_eq!(
        (hangup.header("Channel-State"), hangup.header("Hangup-Cause")),
        (Some("CS_NEW"), Some("WRONG_CALL_STATE"))
    );
    let complete = bench.last("CHANNEL_HANGUP_COMPLETE");
    assert_eq!(complete.variable("hangup_cause_q850"), Some("101"));
    assert_eq!(complete.variable("sip_hangup_disposition"), None);
    assert_eq!(bench.rig.core().session_count(), 0);
}

#[test]
fn a_full_switch_refuses_a_call_without_counting_it() {
    let mut bench = Bench::new();
    bench.ringing();
    bench.ask("api fsctl max_sessions 3");
    bench.tell(CALL);
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR NORMAL_TEMPORARY_FAILURE\n"));
    bench.wait(1_000);
    // The two that ring and the caller, but not the callee.
    assert_eq!(bench.ask("api fsctl last_sps"), "+OK last sessions per second: 3\n");
    bench.ask("api fsctl max_sessions 2");
    bench.tell(CALL);
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR DESTINATION_OUT_OF_ORDER\n"));
    assert_eq!(bench.rig.core().session_count(), 2);
}

#[test]
fn a_paused_switch_begins_nothing() {
    let mut bench = Bench::new();
    bench.ask("api fsctl pause inbound");
    bench.tell(CALL);
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR NORMAL_TEMPORARY_FAILURE\n"));
    bench.ask("api fsctl pause");
    bench.tell(CALL);
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR DESTINATION_OUT_OF_ORDER\n"));
    bench.ask("api fsctl resume");
    bench.tell(CALL);
    assert_eq!(bench.rig.core().session_count(), 2);
}

/// What mod_event_socket 1.10.12 sends to an address that its list does not name, before it closes.
const REJECTION: &str = "Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n\
    Content-Type: text/disconnect-notice\nContent-Length: 67\n\nDisconnected, goodbye.\nSee you at ClueCon! \
    http://www.cluecon.com/\n";

#[test]
fn who_is_not_on_the_list_is_told_to_go_away_as_freeswitch_does() {
    let mut rig = Rig::new(1);
    for stranger in ["192.0.2.1", "::2", "::ffff:192.0.2.1"] {
        let conn = rig.connect_from(stranger.parse().unwrap());
        assert_eq!(String::from_utf8(rig.read(conn)).unwrap(), REJECTION, "{stranger}");
        assert!(!rig.is_open(conn), "{stranger}");
        rig.write(conn, b"auth ClueCon\n\napi status\n\n");
        assert!(rig.read(conn).is_empty(), "{stranger}");
    }
    for own in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        let conn = rig.connect_from(own.parse().unwrap());
        assert!(rig.read(conn).starts_with(b"Content-Type: auth/request"), "{own}");
    }
    let acl = loopback_networks().into_iter().chain(["192.0.2.0/24".parse().unwrap()]).collect();
    let mut rig = Rig::with(SwitchConfig { acl, ..SwitchConfig::default() }, 1);
    let (near, far) =
        (rig.connect_from("192.0.2.255".parse().unwrap()), rig.connect_from("192.0.3.0".parse().unwrap()));
    assert!(rig.is_open(near) && !rig.is_open(far));
}

#[test]
fn who_does_not_log_in_in_time_is_told_goodbye_and_who_did_stays() {
    let mut rig = Rig::new(1);
    let (known, stranger) = (rig.connect(), rig.connect());
    rig.write(known, b"auth ClueCon\n\n");
    rig.write(stranger, b"api status\n\n");
    rig.read(stranger);
    rig.advance(Duration::from_secs(24));
    assert!(rig.is_open(stranger) && rig.read(stranger).is_empty());
    rig.advance(Duration::from_secs(1));
    assert!(String::from_utf8(rig.read(stranger)).unwrap().contains("text/disconnect-notice"));
    assert!(!rig.is_open(stranger) && rig.is_open(known));
}

#[test]
fn more_clients_than_may_be_there_at_once_are_closed_until_one_goes() {
    let clients = ClientLimits { connections: 2, ..ClientLimits::default() };
    let mut rig = Rig::with(SwitchConfig { clients, ..SwitchConfig::default() }, 1);
    let (first, _second, third) = (rig.connect(), rig.connect(), rig.connect());
    assert!(rig.is_open(first) && !rig.is_open(third) && rig.read(third).is_empty());
    rig.close(first);
    let fourth = rig.connect();
    assert!(rig.is_open(fourth));
}

#[test]
fn a_stranger_may_say_no_more_than_a_password() {
    let bodied = b"sendevent x\ncontent-length: 1\n\n".to_vec();
    for too_much in [vec![b'a'; 1025], [b"auth ".to_vec(), vec![b'a'; 1024], b"\n\n".to_vec()].concat(), bodied] {
        let mut rig = Rig::new(1);
        let conn = rig.connect();
        rig.write(conn, &too_much);
        assert!(!rig.is_open(conn));
        // All in one go, as a client may that does not wait for replies.
        let conn = rig.connect();
        rig.write(conn, &[b"auth ClueCon\n\n".as_slice(), &too_much, b"\n\n"].concat());
        assert!(rig.is_open(conn));
    }
}

#[test]
fn a_client_that_heaps_up_requests_is_dropped() {
    let clients = ClientLimits { waiting_bytes: 1_000, ..ClientLimits::default() };
    let mut bench = Bench::configured(SwitchConfig { clients, ..SwitchConfig::default() });
    bench.rig.silence("127.0.0.1:9");
    bench.tell("api originate {originate_timeout=9,ignore_early_media=true}sofia/external/d@127.0.0.1:9 &park()");
    let long = "x".repeat(300);
    for _ in 0..3 {
        bench.tell(&format!("api echo {long}"));
        assert!(bench.rig.is_open(bench.conn));
    }
    bench.tell(&format!("api echo {long}"));
    assert!(!bench.rig.is_open(bench.conn));
}
