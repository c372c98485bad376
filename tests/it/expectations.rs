#![expect(clippy::disallowed_methods, reason = "starts tasks as a program does")]
//! Expectations and fixtures where something is wrong: what they say, and what they leave behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use callwright::app::{AppError, flow};
use callwright::client::{Client, ClientConfig, Notice, Session};
use callwright::host::Originate;
use callwright::scenario::{Leg, Recording};
use callwright::switch::{Switch, SwitchConfig};
use callwright::testing::{Caller, Expectation, TestHost, caller, expect, host};
use rstest::{fixture, rstest};

async fn answer(session: Session) -> Result<(), AppError> {
    if session.is_inbound() {
        session.answer().await?;
        session.echo().await?;
    }
    Ok(())
}

/// What a failing expectation says.
async fn fails(expectation: Expectation) -> String {
    let judged = tokio::spawn(expectation.into_future()).await;
    *judged.unwrap_err().into_panic().downcast::<String>().unwrap()
}

fn panics(what: impl FnOnce()) -> String {
    *catch_unwind(AssertUnwindSafe(what)).unwrap_err().downcast::<String>().unwrap()
}

/// One whose calls are answered by the app `answer`.
#[fixture]
fn answered(caller: Caller) -> Caller {
    caller.with_app("answer", flow("answer", answer))
}

#[rstest]
#[tokio::test]
async fn what_does_not_hold_is_told_as_the_terminal_tells_it(answered: Caller) {
    let session = answered.call("doggy", "answer").await;
    session.start_record(format!("/tmp/callwright {}.wav", session.id()), Recording::BOTH).await.unwrap();
    session.playback("silence_stream://400").await.unwrap();
    session.playback("tone_stream://%(600,0,440)").await.unwrap();
    session.hangup().await.unwrap();
    expect(&session).heard_tone(Leg::Caller, 440.0).await;
    let told = fails(expect(&session).heard_tone(Leg::Caller, 1_004.0).hung_up_with("USER_BUSY")).await;
    for part in [
        "tests/it/expectations.rs:",
        ": FAIL call ",
        "    failed caller heard tone 1004Hz +-4Hz",
        "    actual 440",
        "    failed hangup cause caller USER_BUSY",
        "  expected hangup cause caller USER_BUSY",
        "    actual caller NORMAL_CLEARING",
        "CHANNEL_ANSWER",
        "RECORD_START",
        "  recorded /",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    // What it could hear stays for whoever looks into it.
    let kept = told.lines().find_map(|line| line.trim().strip_prefix("recorded ")).unwrap();
    std::fs::remove_dir_all(std::path::Path::new(kept).parent().unwrap()).unwrap();
    std::fs::remove_file(&session.recordings()[0].path).unwrap();
}

#[rstest]
#[tokio::test]
async fn a_refused_call_is_judged_by_its_cause_and_code(caller: Caller) {
    caller.load("busy", flow("busy", |session| async move { Ok(session.respond(486).await?) })).await.unwrap();
    let session = caller.call("doggy", "busy").refused().await;
    expect(&session).unanswered().hung_up_with("USER_BUSY").sip_code(486).await;
    let told = fails(expect(&session)).await;
    assert!(told.contains("a call must be answered unless `expect` says otherwise"), "{told}");
    let error = caller.call("doggy", "busy").result().await.unwrap_err();
    assert_eq!(error.to_string(), "the call failed: USER_BUSY");
}

#[rstest]
#[tokio::test]
#[should_panic(expected = "the call failed: USER_BUSY")]
async fn a_call_that_does_not_come_up_fails_the_test(caller: Caller) {
    caller.load("busy", flow("busy", |session| async move { Ok(session.respond(486).await?) })).await.unwrap();
    caller.call("doggy", "busy").await;
}

#[rstest]
#[tokio::test]
async fn digits_and_events_are_held_against_all_that_came(caller: Caller) {
    let listen = |session: Session| async move {
        if session.is_inbound() {
            session.answer().await?;
        }
        Ok(())
    };
    let caller = caller.with_app("listen", flow("listen", listen));
    let session = caller.call("doggy", "listen").await;
    session.send_dtmf("12#", Duration::from_millis(100)).await.unwrap();
    let callee = session.peer().unwrap();
    assert_eq!(callee.collect_digits(3, Duration::from_secs(5)).await.unwrap(), "12#");
    session.hangup().await.unwrap();
    expect(&session).digits(Leg::Callee, "12#").events(Leg::Callee, ["CHANNEL_ANSWER", "DTMF", "CHANNEL_HANGUP"]).await;
    for (wanted, found) in [("13#", "received 1 2 #, expected 1 3 #"), ("12#0", "received 1 2 #"), ("12", "as well")] {
        let told = fails(expect(&session).digits(Leg::Callee, wanted)).await;
        assert!(told.contains(found), "{wanted}: {told}");
    }
    let told = fails(expect(&session).events(Leg::Callee, ["DTMF", "CHANNEL_ANSWER"])).await;
    assert!(told.contains("CHANNEL_ANSWER behind DTMF"), "{told}");
    // What nobody listened for is not taken for missing, nor for absent.
    let told = fails(expect(&session).holds("events: { leg: caller, never: CHANNEL_BRIDGE }")).await;
    assert!(told.contains("ERROR") && told.contains("`host.subscribe(\"CHANNEL_BRIDGE\")` before the call"), "{told}");
}

#[rstest]
#[tokio::test]
async fn a_call_that_goes_on_is_told_and_nothing_else_of_it(answered: Caller) {
    let session = answered.call("doggy", "answer").await;
    let told = fails(expect(&session).hung_up_with("USER_BUSY").within(Duration::ZERO)).await;
    assert!(told.contains("the caller's leg is answered and up, the callee's leg is answered and up"), "{told}");
    assert!(!told.contains("USER_BUSY"), "{told}");
}

#[rstest]
#[tokio::test]
async fn mistakes_in_the_text_have_carets_and_an_expectation_must_be_awaited(answered: Caller) {
    let session = answered.call("doggy", "answer").await;
    let told = panics(|| drop(expect(&session).holds("answered: true\nhangup_couse: NORMAL_CLEARING")));
    for part in ["expectations.rs:", "--> expect:2:1", "^^^^^^^^^^^^", "did you mean `hangup_cause`?"] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let told = panics(|| drop(expect(&session).answered()));
    assert!(told.ends_with("an expectation was never awaited, so nothing was judged"), "{told}");
}

#[rstest]
#[tokio::test]
async fn an_app_that_fails_fails_the_test_unless_it_asks(mut host: TestHost) {
    let mut notices = host.notices();
    host.load("default", flow("broken", |_| async { Err("no".into()) })).await.unwrap();
    let call = Originate::to(host.itself("x")).timeout(Duration::from_secs(1));
    host.call(call).await.unwrap_err();
    // Of the callee: the caller never comes so far as to be controlled.
    while !matches!(notices.recv().await.unwrap(), Notice::AppFailed { .. }) {}
    let told = host.failures();
    assert!(told.len() == 1 && told[0].starts_with("app broken failed with session"), "{told:?}");
    assert_eq!(host.failures(), Vec::<String>::new());
}

#[tokio::test]
async fn calls_of_a_test_are_hung_up_when_it_panics_and_those_of_others_are_not() {
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let address = switch.esl_addr().to_string();
    let others = Client::connect(address.clone()).await.unwrap();
    let url = others.itself("external", "x").unwrap();
    others.load("theirs", flow("theirs", answer)).await.unwrap();
    let kept = others.call(Originate::to(url).app("theirs")).await.unwrap();
    let test = tokio::task::spawn_blocking(move || {
        let caller = Caller::on(TestHost::at(ClientConfig::new(address)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            caller.load("ours", flow("ours", answer)).await.unwrap();
            let session = caller.call("doggy", "ours").await;
            assert!(!session.is_answered(), "on purpose: {}", session.id());
        });
    });
    let panic = *test.await.unwrap_err().into_panic().downcast::<String>().unwrap();
    let id = panic.strip_prefix("on purpose: ").unwrap();
    if let Some(session) = others.session(id).await.unwrap() {
        // Its last event is on its way.
        assert!(session.is_hung_up());
        session.until_gone().await.unwrap();
    }
    assert!(kept.is_answered() && !kept.is_hung_up());
    // Of the turns on this switch, which nobody will take again.
    let lock = format!("callwright-127.0.0.1-{}.lock", switch.esl_addr().port());
    std::fs::remove_file(std::env::temp_dir().join(lock)).unwrap();
    others.close().await.unwrap();
    switch.shutdown().await;
}
