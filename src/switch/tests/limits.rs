//! What happens at the limits, as seen on FreeSWITCH.

use super::Bench;

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
