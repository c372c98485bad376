//! Originates: their ends, their options, and who waits for them.

use super::{Bench, CALLER};
use crate::media::Codec;
use crate::switch::SwitchConfig;

#[test]
fn an_api_originate_has_its_client_wait_and_then_serves_it() {
    let mut bench = Bench::new();
    bench.ask("noevents");
    let originate = format!(
        "api originate {{origination_uuid={CALLER},ignore_early_media=true,originate_timeout=3}}sofia/external/dog@127.0.0.1:5080 &park()"
    );
    bench.tell(&originate);
    bench.tell("api echo behind it");
    bench.tell("api echo and behind that");
    bench.wait(2_900);
    assert!(bench.replies.is_empty());
    bench.wait(200);
    let bodies: Vec<_> = bench.replies.iter().filter_map(|reply| reply.body.as_deref()).collect();
    assert_eq!(bodies, ["-ERR NO_ANSWER\n", "behind it", "and behind that"]);
}

#[test]
fn thousands_of_commands_may_wait_behind_one() {
    let mut bench = Bench::new();
    bench.tell("api originate {originate_timeout=1,ignore_early_media=true}sofia/external/dog@127.0.0.1:5080 &park()");
    for number in 0..20_000 {
        bench.tell(&format!("api echo {number}"));
    }
    bench.wait(1_100);
    assert_eq!(bench.replies.len(), 20_001);
}

#[test]
fn early_media_is_an_answer_unless_it_is_ignored() {
    let mut bench = Bench::new();
    bench.tell(&format!("bgapi originate {{origination_uuid={CALLER}}}sofia/external/dog@127.0.0.1:5080 &echo()"));
    let callee = bench.event(|e| e.name() == "CHANNEL_PARK").header("Unique-ID").unwrap().to_owned();
    bench.execute(&callee, "pre_answer", "");
    bench.wait(100);
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some(format!("+OK {CALLER}\n").as_str()));
    assert_eq!(bench.last("CHANNEL_EXECUTE").header("Application"), Some("echo"));
}

#[test]
fn an_extension_goes_through_the_dialplan_which_parks() {
    let mut bench = Bench::new();
    bench.tell(&format!(
        "bgapi originate {{origination_uuid={CALLER},ignore_early_media=true}}sofia/external/dog@127.0.0.1:5080 9198 XML features"
    ));
    let callee = bench.event(|e| e.name() == "CHANNEL_PARK").header("Unique-ID").unwrap().to_owned();
    bench.ask(&format!("api uuid_answer {callee}"));
    bench.wait(100);
    let parked = bench.event(|e| e.name() == "CHANNEL_PARK" && e.header("Unique-ID") == Some(CALLER));
    assert_eq!(parked.header("Caller-Destination-Number"), Some("9198"));
    assert_eq!(parked.header("Caller-Context"), Some("features"));
}

#[test]
fn nobody_answering_sip_at_all_is_a_recovery_on_timer_expire() {
    let mut bench = Bench::new();
    bench.rig.silence("127.0.0.1:9");
    bench.tell("bgapi originate sofia/external/dog@127.0.0.1:9 &park()");
    bench.wait(31_900);
    assert!(!bench.names().contains(&"BACKGROUND_JOB".to_owned()));
    bench.wait(200);
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR RECOVERY_ON_TIMER_EXPIRE\n"));
}

#[test]
fn a_proxy_is_where_the_invite_goes() {
    let mut bench = Bench::new();
    bench.tell(
        "bgapi originate {ignore_early_media=true}sofia/external/dog@example.org;fs_path=sip:127.0.0.1:5080 &park()",
    );
    let parked = bench.last("CHANNEL_PARK");
    assert_eq!(parked.variable("sip_req_uri"), Some("dog@example.org"));
    assert_eq!(parked.header("Caller-Destination-Number"), Some("dog"));
}

#[test]
fn the_codec_asked_for_is_the_one_used() {
    let mut bench = Bench::new();
    bench.tell(
        "bgapi originate {absolute_codec_string=PCMA,ignore_early_media=true}sofia/external/dog@127.0.0.1:5080 &park()",
    );
    assert_eq!(bench.last("CHANNEL_PARK").header("Channel-Read-Codec-Name"), Some("PCMA"));
    assert!(bench.last("CHANNEL_PARK").variable("switch_r_sdp").unwrap().contains("RTP/AVP 8 101 13"));
}

#[test]
fn codecs_in_which_the_sides_differ_are_an_incompatible_destination() {
    let mut bench = Bench::configured(SwitchConfig { codecs: vec![Codec::Pcmu], ..SwitchConfig::default() });
    bench.tell("bgapi originate {absolute_codec_string=PCMA}sofia/external/dog@127.0.0.1:5080 &park()");
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR INCOMPATIBLE_DESTINATION\n"));
    bench.tell("bgapi originate {absolute_codec_string=G722}sofia/external/dog@127.0.0.1:5080 &park()");
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR INCOMPATIBLE_DESTINATION\n"));
    assert_eq!(bench.rig.core().session_count(), 0);
}

#[test]
fn telephone_events_can_be_left_out() {
    let mut bench = Bench::new();
    bench.tell("bgapi originate {dtmf_type=none,ignore_early_media=true}sofia/external/dog@127.0.0.1:5080 &park()");
    assert!(!bench.last("CHANNEL_PARK").variable("switch_r_sdp").unwrap().contains("telephone-event"));
}

#[test]
fn an_uuid_that_is_taken_is_refused() {
    let mut bench = Bench::new();
    bench.ringing();
    bench.tell(&format!("bgapi originate {{origination_uuid={CALLER}}}sofia/external/dog@127.0.0.1:5080 &park()"));
    assert_eq!(bench.last("BACKGROUND_JOB").body(), Some("-ERR DESTINATION_OUT_OF_ORDER\n"));
}

#[test]
fn a_leg_that_has_done_everything_hangs_up() {
    let mut bench = Bench::new();
    bench.tell(&format!(
        "bgapi originate {{origination_uuid={CALLER},ignore_early_media=true}}sofia/external/dog@127.0.0.1:5080 &sleep(500)"
    ));
    let callee = bench.event(|e| e.name() == "CHANNEL_PARK").header("Unique-ID").unwrap().to_owned();
    bench.ask(&format!("api uuid_answer {callee}"));
    bench.wait(1_000);
    let hangup = bench.event(|e| e.name() == "CHANNEL_HANGUP" && e.header("Unique-ID") == Some(CALLER));
    assert_eq!(hangup.header("Hangup-Cause"), Some("NORMAL_CLEARING"));
    assert_eq!(bench.rig.core().session_count(), 0);
}

#[test]
fn a_header_that_would_forge_another_stays_one_header() {
    let mut bench = Bench::new();
    bench.tell(r"bgapi originate {ignore_early_media=true,sip_h_X-a='one\r\nX-b: two'}sofia/external/dog@127.0.0.1:5080 &park()");
    let parked = bench.last("CHANNEL_PARK");
    assert_eq!((parked.variable("sip_h_X-a"), parked.variable("sip_h_X-b")), (Some("one  X-b: two"), None));
}

#[test]
fn a_thousand_calls_leave_nothing_behind() {
    let mut bench = Bench::new();
    bench.ask("noevents");
    for call in 0..1_000 {
        bench.tell(&format!("bgapi originate {{ignore_early_media=true,originate_timeout=1}}sofia/external/d{call}@127.0.0.1:5080 &park()"));
        bench.rig.advance(std::time::Duration::from_millis(5));
    }
    assert!(bench.rig.core().session_count() > 300);
    bench.wait(2_000);
    assert_eq!(bench.rig.core().session_count(), 0);
    assert!(bench.ask("api status").contains("2000 session(s) since startup\n"));
    // Nothing ticks but the heartbeat.
    assert!(bench.rig.next_due().unwrap().since(bench.rig.now()) > std::time::Duration::from_millis(20));
}
