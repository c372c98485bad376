//! Applications: what runs on top of what, and how it ends.

use std::time::Duration;

use super::{Bench, CALLER, stamp};
use crate::switch::rig::RecordedState;

#[test]
fn a_playback_sent_during_another_runs_on_top_of_it_and_then_the_first_goes_on() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "playback", "tone_stream://%(100,0,440);loops=-1");
    bench.wait(200);
    bench.execute(&callee, "playback", "tone_stream://%(300,0,1004)");
    bench.wait(1_000);
    let story = bench.story(&callee);
    let wanted = [
        "CHANNEL_EXECUTE playback",
        "PLAYBACK_START",
        "CHANNEL_EXECUTE playback",
        "PLAYBACK_START",
        "PLAYBACK_STOP",
        "CHANNEL_EXECUTE_COMPLETE playback",
        "PRIVATE_COMMAND",
    ];
    assert_eq!(story, wanted);
    bench.events.clear();
    bench.ask(&format!("api uuid_break {callee}"));
    bench.wait(100);
    let stopped = bench.last("PLAYBACK_STOP");
    assert_eq!(stopped.header("Playback-Status"), Some("break"));
    assert_eq!(stopped.header("Playback-File-Path"), Some("tone_stream://%(100,0,440);loops=-1"));
}

#[test]
fn a_playback_that_ends_below_another_application_is_done_when_that_is() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "playback", "silence_stream://300");
    bench.wait(100);
    bench.execute(&callee, "sleep", "1000");
    bench.wait(2_000);
    let wanted = [
        "CHANNEL_EXECUTE playback",
        "PLAYBACK_START",
        "CHANNEL_EXECUTE sleep",
        "PLAYBACK_STOP",
        "CHANNEL_EXECUTE_COMPLETE sleep",
        "PRIVATE_COMMAND",
        "CHANNEL_EXECUTE_COMPLETE playback",
        "PRIVATE_COMMAND",
    ];
    assert_eq!(bench.story(&callee), wanted);
}

#[test]
fn an_event_lock_has_the_next_one_wait() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    let locked = "call-command: execute\nexecute-app-name: sleep\nexecute-app-arg: 700\nevent-lock: true";
    bench.ask(&format!("sendmsg {callee}\n{locked}"));
    bench.execute(&callee, "set", "late=yes");
    bench.wait(300);
    assert_eq!(bench.ask(&format!("api uuid_getvar {callee} late")), "_undef_");
    bench.wait(500);
    assert_eq!(bench.ask(&format!("api uuid_getvar {callee} late")), "yes");
}

#[test]
fn an_event_uuid_names_the_run() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    let named = "call-command: execute\nexecute-app-name: set\nexecute-app-arg: a=b\nEvent-UUID: my-run";
    bench.ask(&format!("sendmsg {callee}\n{named}"));
    assert_eq!(bench.last("CHANNEL_EXECUTE").header("Application-UUID"), Some("my-run"));
    assert_eq!(bench.last("CHANNEL_EXECUTE_COMPLETE").header("Application-UUID"), Some("my-run"));
}

#[test]
fn loops_run_an_application_so_often_and_a_break_ends_them() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    let played = |bench: &Bench| bench.names().iter().filter(|name| *name == "PLAYBACK_STOP").count();
    let looped = "call-command: execute\nexecute-app-name: playback\nexecute-app-arg: silence_stream://600\nloops: 3";
    bench.ask(&format!("sendmsg {callee}\n{looped}"));
    bench.wait(5_000);
    assert_eq!(played(&bench), 3);
    assert_eq!(bench.names().iter().filter(|name| *name == "PRIVATE_COMMAND").count(), 1);
    bench.events.clear();
    bench.ask(&format!("sendmsg {callee}\n{}", looped.replace("loops: 3", "loops: -1")));
    bench.wait(1_000);
    bench.ask(&format!("api uuid_break {callee}"));
    bench.wait(3_000);
    assert_eq!(played(&bench), 2);
}

#[test]
fn a_list_plays_one_after_the_other() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.rig.add_sound("/sounds/a.wav", &[1_000; 1_600]);
    bench.execute(&callee, "playback", "file_string://silence_stream://200!/sounds/a.wav");
    bench.wait(1_000);
    let paths: Vec<_> =
        bench.events.iter().filter(|e| e.name() == "PLAYBACK_START").map(|e| e.header("Playback-File-Path")).collect();
    assert_eq!(paths, [Some("silence_stream://200"), Some("/sounds/a.wav")]);
    assert_eq!(bench.last("CHANNEL_EXECUTE_COMPLETE").header("Application-Response"), Some("FILE PLAYED"));
    assert_eq!(bench.last("PLAYBACK_STOP").variable("playback_ms"), Some("200"));
}

#[test]
fn a_sound_that_is_not_there_is_not_played() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    for sound in ["/nowhere/x.wav", "silence_stream://0", "nonsense://x", ""] {
        bench.events.clear();
        bench.execute(&callee, "playback", sound);
        bench.wait(100);
        let done = bench.last("CHANNEL_EXECUTE_COMPLETE");
        assert_eq!(done.header("Application-Response"), Some("FILE NOT FOUND"), "{sound}");
        assert!(!bench.names().contains(&"PLAYBACK_START".to_owned()), "{sound}");
    }
}

#[test]
fn sleep_lasts_as_long_as_it_says() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "sleep", "1500");
    bench.wait(3_000);
    let length = stamp(bench.last("CHANNEL_EXECUTE_COMPLETE")).since(stamp(bench.last("CHANNEL_EXECUTE")));
    assert_eq!(length, Duration::from_millis(1_500));
}

#[test]
fn an_unknown_application_hangs_up() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "no_such_thing", "");
    bench.wait(100);
    let hangup = bench.event(|e| e.name() == "CHANNEL_HANGUP" && e.header("Unique-ID") == Some(&callee));
    assert_eq!(hangup.header("Hangup-Cause"), Some("DESTINATION_OUT_OF_ORDER"));
}

#[test]
fn variables_are_set_taken_away_and_put_into_arguments() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "multiset", "a=1 b='two words'");
    bench.execute(&callee, "set", "c=${a}-${b:4}-${caller_id_number}-$${hostname}");
    bench.execute(&callee, "unset", "a");
    bench.execute(&callee, "export", "d=4");
    let mut value = |name: &str| bench.ask(&format!("api uuid_getvar {callee} {name}"));
    assert_eq!((value("a").as_str(), value("b").as_str()), ("_undef_", "two words"));
    assert_eq!(value("c"), "1-words-0000000000-callwright");
    assert_eq!((value("d").as_str(), value("export_vars").as_str()), ("4", "d"));
}

#[test]
fn a_recording_holds_what_was_heard_until_its_limit() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "set", "RECORD_READ_ONLY=true");
    bench.execute(&callee, "record_session", "/r/heard.wav +1");
    bench.execute(CALLER, "playback", "tone_stream://%(3000,0,1004)");
    bench.wait(3_000);
    let stopped = bench.last("RECORD_STOP");
    assert_eq!(stopped.header("Record-File-Path"), Some("/r/heard.wav"));
    assert_eq!(stopped.variable("record_samples"), Some("8000"));
    let recorded = bench.rig.recorded("/r/heard.wav").unwrap();
    assert_eq!((recorded.state, recorded.channels, recorded.samples.len()), (RecordedState::Closed, 1, 8_000));
    assert!(recorded.samples[4_000..].iter().any(|s| s.unsigned_abs() > 10_000), "nothing was heard");
}

#[test]
fn a_recording_ends_with_its_session_and_is_told_before_the_hangup_state() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    assert_eq!(bench.ask(&format!("api uuid_record {callee} start /r/a.wav")), "+OK Success\n");
    bench.wait(500);
    bench.events.clear();
    bench.ask(&format!("api uuid_kill {callee}"));
    bench.wait(100);
    let story = bench.story(&callee);
    let at = |name: &str| story.iter().position(|event| event == name).unwrap_or_else(|| panic!("{name}: {story:?}"));
    assert!(at("RECORD_STOP") < at("MEDIA_BUG_STOP") && at("MEDIA_BUG_STOP") < at("CHANNEL_CALLSTATE"));
    assert_eq!(bench.rig.recorded("/r/a.wav").unwrap().state, RecordedState::Closed);
}

#[test]
fn echo_gives_back_what_is_heard() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "echo", "");
    bench.execute(CALLER, "set", "RECORD_READ_ONLY=true");
    assert_eq!(bench.ask(&format!("api uuid_record {CALLER} start /r/back.wav")), "+OK Success\n");
    bench.execute(CALLER, "playback", "tone_stream://%(1000,0,1004)");
    bench.wait(2_000);
    assert_eq!(bench.ask(&format!("api uuid_record {CALLER} stop all")), "+OK Success\n");
    let samples = &bench.rig.recorded("/r/back.wav").unwrap().samples;
    let loud = samples.iter().filter(|s| s.unsigned_abs() > 1_000).count();
    assert!(loud > 6_000, "{loud} of {} samples are loud", samples.len());
}

#[test]
fn uuid_park_takes_a_channel_away_from_what_it_does() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.execute(&callee, "playback", "silence_stream://-1");
    bench.wait(100);
    assert_eq!(bench.ask(&format!("api uuid_park {callee}")), "+OK\n");
    assert!(bench.story(&callee).ends_with(&["CHANNEL_STATE".into(), "CHANNEL_PARK".into()]));
    bench.execute(&callee, "set", "still=here");
    assert_eq!(bench.ask(&format!("api uuid_getvar {callee} still")), "here");
}

#[test]
fn a_broadcast_runs_an_application_and_then_hangs_up() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    let sent = bench.ask(&format!("api uuid_broadcast {callee} playback!USER_BUSY::silence_stream://500"));
    assert_eq!(sent, "+OK Message sent\n");
    bench.wait(300);
    assert_eq!(bench.names(), ["API", "CHANNEL_EXECUTE", "PLAYBACK_START"]);
    bench.wait(1_000);
    let hangup = bench.event(|e| e.name() == "CHANNEL_HANGUP" && e.header("Unique-ID") == Some(&callee));
    assert_eq!(hangup.header("Hangup-Cause"), Some("USER_BUSY"));
}

#[test]
fn a_hangup_by_sendmsg_has_its_cause() {
    let mut bench = Bench::new();
    let callee = bench.ringing();
    bench.ask(&format!("sendmsg {callee}\ncall-command: hangup\nhangup-cause: USER_BUSY"));
    bench.wait(100);
    let job = bench.last("BACKGROUND_JOB");
    assert_eq!(job.body(), Some("-ERR USER_BUSY\n"));
}

#[test]
fn a_bit_error_test_rests_while_something_plays_on_top_of_it_and_then_goes_on() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.ask(&format!("api uuid_setvar {CALLER} bert_timer_name soft"));
    for uuid in [callee.as_str(), CALLER] {
        bench.execute(uuid, "bert_test", "");
    }
    bench.wait(2_000);
    bench.execute(&callee, "playback", "tone_stream://%(1500,0,440)");
    bench.wait(6_000);
    let of = |bench: &Bench, uuid: &str| -> Vec<String> {
        let custom = bench.events.iter().filter(|e| e.name() == "CUSTOM" && e.header("Unique-ID") == Some(uuid));
        custom.map(|event| event.header("Event-Subclass").unwrap().to_owned()).collect()
    };
    // Who plays does not test meanwhile, so it loses nothing.
    assert_eq!(of(&bench, &callee), ["mod_bert::in_sync"]);
    assert_eq!(of(&bench, CALLER), ["mod_bert::in_sync", "mod_bert::lost_sync", "mod_bert::in_sync"]);
    assert_eq!(bench.ask(&format!("api uuid_getvar {CALLER} bert_stats_sync_lost_count")), "1");
    assert_eq!(bench.ask(&format!("api uuid_getvar {callee} bert_stats_sync_lost")), "false");
    assert_eq!(bench.ask(&format!("api uuid_exists {CALLER}")), "true");
}

#[test]
fn what_is_sent_right_behind_a_break_comes_in_place_of_what_is_broken() {
    let mut bench = Bench::new();
    let callee = bench.answered();
    bench.rig.add_sound("/sounds/a.wav", &[1_000; 16_000]);
    bench.execute(&callee, "endless_playback", "/sounds/a.wav");
    bench.wait(200);
    bench.events.clear();
    let execute = "call-command: execute\nexecute-app-name: endless_playback\nexecute-app-arg: silence_stream://60000";
    bench.tell(&format!("api uuid_break {callee} all\n\nsendmsg {callee}\n{execute}"));
    bench.wait(200);
    let story = bench.story(&callee);
    assert_eq!(
        story[..4],
        [
            "PLAYBACK_STOP",
            "CHANNEL_EXECUTE_COMPLETE endless_playback",
            "PRIVATE_COMMAND",
            "CHANNEL_EXECUTE endless_playback",
        ],
        "{story:?}"
    );
    // And the channel can still be hung up.
    bench.ask(&format!("api uuid_kill {callee}"));
    bench.wait(200);
    assert!(bench.names().iter().any(|name| name == "CHANNEL_HANGUP_COMPLETE"));
}
