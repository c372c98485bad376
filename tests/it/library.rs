#![expect(clippy::disallowed_methods, reason = "starts tasks as a program does")]
//! Clients, sessions, calls and apps on the embedded switch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callwright::app::{App, AppError, Group, Hit, LoadError, Next, Proxier, Route, Router, Scripted, Way, flow};
use callwright::call::{HangupCause, State};
use callwright::client::{
    CallError, Client, ClientConfig, HostError, Notice, Playback, Pool, Session, SessionError, Whose,
};
use callwright::host::Originate;
use callwright::scenario::app::TonePlay;
use callwright::service::Service;
use callwright::switch::{Switch, SwitchConfig};
use callwright::testing::{Caller, TestHost, caller, host};
use rstest::rstest;

fn to_itself(client: &Client, user: &str, app: &str) -> Originate {
    Originate::to(client.itself("external", user).unwrap()).app(app).timeout(Duration::from_secs(5))
}

/// Answers and echoes; the caller plays a tone.
async fn tone_play(session: Session) -> Result<(), AppError> {
    if session.is_inbound() {
        session.answer().await?;
        session.echo().await?;
    } else {
        session.playback(Playback::tone(1_004)).await?;
    }
    Ok(())
}

#[rstest]
#[tokio::test]
async fn a_call_is_up_when_call_returns_and_its_sessions_find_each_other(caller: Caller) {
    let client = caller.with_app("tone", flow("tone", tone_play));
    let caller = client.call("doggy", "tone").await;
    assert!(caller.is_outbound() && caller.is_answered());
    let callee = caller.peer().unwrap();
    assert!(callee.is_inbound());
    assert_eq!((callee.peer().unwrap(), callee.call()), (caller.clone(), caller.call()));
    assert_eq!(callee.header("Caller-Destination-Number").as_deref(), Some("doggy"));
    assert_eq!(callee.app().as_deref(), Some("tone"));
    caller.recv("PLAYBACK_START").await.unwrap();
    let first = caller.events()[0].name().to_owned();
    assert_eq!(first, "CHANNEL_CREATE");
    assert_eq!(caller.getvar("no_such_thing").await.unwrap(), None);
    caller.setvar("who", "it's me").await.unwrap();
    assert_eq!(caller.getvar("who").await.unwrap().as_deref(), Some("it's me"));
    caller.call().hangup().await.unwrap();
    assert_eq!(callee.until_gone().await.unwrap(), HangupCause::parse("NORMAL_CLEARING"));
    caller.until_gone().await.unwrap();
    assert_eq!(caller.state(), State::HungUp);
    let stats = client.stats().await.unwrap();
    assert_eq!((stats.sessions, stats.calls, stats.counts.calls, stats.failed()), (0, 0, 1, 0));
}

#[rstest]
#[tokio::test]
async fn what_a_session_cannot_do_says_what_was_found_and_where_it_was_asked(caller: Caller) {
    let client = caller.with_app("tone", flow("tone", tone_play));
    let caller = client.call("doggy", "tone").await;
    // What the app plays would otherwise come behind what is played here, which then waits for its end.
    caller.recv("PLAYBACK_START").await.unwrap();
    let error = caller.playback("/no/such/file.wav").await.unwrap_err();
    let SessionError::Step(failed) = &error else { panic!("{error}") };
    assert_eq!(failed.actual, "FILE NOT FOUND");
    assert!(failed.place.file.ends_with("library.rs"), "{error}");
    assert_eq!(failed.help, "the path is looked up on the host, not here");
    let error = caller.api("uuid_exists_not").await.unwrap_err();
    assert!(matches!(error, SessionError::Host(HostError::Refused { .. })), "{error}");
    caller.hangup().await.unwrap();
    let error = caller.answer().await.unwrap_err();
    assert!(error.to_string().contains("NORMAL_CLEARING"), "{error}");
    let error = caller.recv("DTMF").await.unwrap_err();
    assert!(matches!(error, SessionError::Ended { .. }), "{error}");
    let error = client.call("x", "tone").with(|call| call.profile("nowhere")).result().await.unwrap_err();
    assert!(matches!(error, CallError::Failed(_)), "{error}");
}

/// Fails and panics where it can.
struct Broken;

impl App for Broken {
    fn on_answered(&mut self, _: &Session) -> Result<(), AppError> {
        Err("no".into())
    }

    fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
        session.spawn(async { panic!("a flow of Broken") });
        panic!("a callback of Broken")
    }
}

/// Counts what it is told, in order.
struct Counter {
    name: &'static str,
    told: Arc<std::sync::Mutex<Vec<String>>>,
}

impl App for Counter {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
        if session.is_inbound() {
            self.told.lock().unwrap().push(self.name.to_owned());
        }
        Ok(())
    }
}

#[rstest]
#[tokio::test]
async fn measurers_come_first_and_an_app_that_fails_or_panics_stops_nobody(mut caller: Caller) {
    let told = Arc::default();
    let counter = |name| Counter { name, told: Arc::clone(&told) };
    let group = Group::new("g").app(Broken).app(counter("b")).app(flow("tone", tone_play)).measurer(counter("m"));
    let mut notices = caller.notices();
    caller.load_group(group).await.unwrap();
    let session = caller.call("x", "g").await;
    assert_eq!(*told.lock().unwrap(), ["m", "b"]);
    let mut errors = Vec::new();
    while errors.len() < 6 {
        if let Notice::AppFailed { app, error, .. } = notices.recv().await.unwrap() {
            assert_eq!(&*app, "Broken");
            errors.push(error);
        }
    }
    errors.sort();
    errors.dedup();
    assert_eq!(errors, ["no", "panicked: a callback of Broken", "panicked: a flow of Broken"]);
    session.hangup().await.unwrap();
    assert_eq!(caller.failures().len(), 6);
}

/// Fails once its session is gone, by a flow that began with it and by one that its end begins.
struct Late;

impl App for Late {
    fn on_created(&mut self, session: &Session) -> Result<(), AppError> {
        let waits = session.clone();
        session.spawn(async move {
            waits.until_gone().await?;
            Err("late".into())
        });
        Ok(())
    }

    fn on_destroyed(&mut self, session: &Session) -> Result<(), AppError> {
        session.spawn(async { Err("later".into()) });
        Ok(())
    }
}

/// Tells of the end of a session.
struct Ends(tokio::sync::mpsc::UnboundedSender<String>);

impl App for Ends {
    fn on_destroyed(&mut self, _: &Session) -> Result<(), AppError> {
        Ok(self.0.send("gone".to_owned())?)
    }

    fn on_failed(&mut self, _: &Session, app: &str, error: &str) -> Result<(), AppError> {
        Ok(self.0.send(format!("{app}: {error}"))?)
    }

    fn on_settled(&mut self, _: &Session) -> Result<(), AppError> {
        Ok(self.0.send("settled".to_owned())?)
    }
}

#[rstest]
#[tokio::test]
async fn a_session_is_settled_once_its_last_flow_told_how_it_failed(mut caller: Caller) {
    let (to, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut notices = caller.notices();
    let busy = flow("busy", |session| async move { Ok(session.respond(486).await?) });
    caller.load_group(Group::new("g").inbound().app(Late).app(busy).measurer(Ends(to))).await.unwrap();
    caller.call("x", "g").result().await.unwrap_err();
    let mut all = Vec::new();
    while all.last().is_none_or(|last| last != "settled") {
        all.push(told.recv().await.unwrap());
    }
    all[1..3].sort();
    assert_eq!(all, ["gone", "Late: late", "Late: later", "settled"]);
    // Others are told behind the apps of the session.
    let mut failed = 0;
    while failed < 2 {
        failed += usize::from(matches!(notices.recv().await.unwrap(), Notice::AppFailed { .. }));
    }
    assert_eq!(caller.failures().len(), 2);
}

/// Counts setups and teardowns; the setup fails if told so.
struct Set {
    name: &'static str,
    fails: bool,
    up: Arc<AtomicUsize>,
}

impl App for Set {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn setup<'a>(&'a mut self, client: &'a Client) -> callwright::app::Setup<'a> {
        Box::pin(async {
            client.api("status").await?;
            if self.fails {
                return Err("not today".into());
            }
            self.up.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }

    fn teardown<'a>(&'a mut self, _: &'a Client) -> callwright::app::Setup<'a> {
        Box::pin(async {
            self.up.fetch_sub(1, Ordering::Relaxed);
            Ok(())
        })
    }
}

#[rstest]
#[tokio::test]
async fn loading_is_all_or_nothing_and_unloading_takes_down(host: TestHost) {
    let client = &host;
    let up = Arc::new(AtomicUsize::new(0));
    let set = |name, fails| Set { name, fails, up: Arc::clone(&up) };
    let error = client.load_group(Group::new("g").app(set("a", false)).app(set("b", true))).await.unwrap_err();
    assert_eq!(error.to_string(), "the setup of b failed: not today");
    assert_eq!(up.load(Ordering::Relaxed), 0);
    client.load("g", set("a", false)).await.unwrap();
    let error = client.load("g", set("a", false)).await.unwrap_err();
    assert!(matches!(error, LoadError::Taken { .. }), "{error}");
    client.load("h", set("a", false)).await.unwrap();
    client.load("g", set("c", false)).await.unwrap();
    assert_eq!(up.load(Ordering::Relaxed), 3);
    client.unload_app("g", "a").await.unwrap();
    assert_eq!(up.load(Ordering::Relaxed), 2);
    drop(host);
    assert_eq!(up.load(Ordering::Relaxed), 0);
}

#[rstest]
#[tokio::test]
async fn an_app_is_found_by_any_header_and_default_has_the_rest(caller: Caller) {
    caller
        .load_group(Group::new("doggy").app(flow("dog", tone_play)).by_header("Caller-Destination-Number"))
        .await
        .unwrap();
    caller.load("default", flow("rest", |session| async move { Ok(session.respond(486).await?) })).await.unwrap();
    caller.call("doggy", "nothing").await.hangup().await.unwrap();
    let error = caller.call("kitty", "nothing").result().await.unwrap_err();
    assert_eq!(error, CallError::Failed("USER_BUSY".to_owned()));
}

#[tokio::test]
async fn a_restarted_switch_is_found_again_and_what_it_lost_is_told() {
    let config = SwitchConfig::default();
    let switch = Switch::start(config.clone()).await.unwrap();
    let (esl, sip) = (switch.esl_addr(), switch.sip_addr());
    let client = Client::connect(ClientConfig::new(esl.to_string()).for_ever()).await.unwrap();
    client.load("default", flow("tone", tone_play)).await.unwrap();
    let mut notices = client.notices();
    let caller = client.call(to_itself(&client, "doggy", "default")).await.unwrap();
    let id = caller.id().clone();
    let waiting = tokio::spawn(async move { caller.recv("DTMF").await });
    drop(switch);
    let config = SwitchConfig { esl, sip, ..config };
    let switch = loop {
        match Switch::start(config.clone()).await {
            Ok(switch) => break switch,
            // The old one has not let go yet.
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let recovery = loop {
        if let Notice::Back(recovery) = notices.recv().await.unwrap() {
            break recovery;
        }
    };
    assert_eq!((recovery.lost.len(), recovery.kept, recovery.found.len()), (2, 0, 0));
    assert!(recovery.lost.contains(&id));
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, SessionError::Lost { .. }), "{error}");
    let stats = client.stats().await.unwrap();
    assert_eq!((stats.sessions, stats.calls, stats.lost), (0, 0, 2));
    // Apps and subscriptions are still there.
    let caller = client.call(to_itself(&client, "doggy", "default")).await.unwrap();
    caller.recv("PLAYBACK_START").await.unwrap();
    switch.shutdown().await;
}

#[tokio::test]
async fn a_pool_asks_all_its_hosts_and_sums_them() {
    let switches =
        [Switch::start(SwitchConfig::default()).await.unwrap(), Switch::start(SwitchConfig::default()).await.unwrap()];
    let pool = Pool::connect(switches.iter().map(|switch| switch.esl_addr().to_string())).await.unwrap();
    pool.load(|_| Group::new("tone").app(flow("tone", tone_play))).await.unwrap();
    for _ in 0..4 {
        let client = pool.next().unwrap();
        client.call(to_itself(client, "doggy", "tone")).await.unwrap();
    }
    let stats = pool.stats().await.all().unwrap();
    assert_eq!(stats.values().map(|stats| stats.calls).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(pool.total().await.sessions, 8);
    let hung_up = pool.hang_up_all(Whose::App("tone")).await.all().unwrap();
    assert_eq!(hung_up.fold(0, |sum, count| sum + count), 8);
    for answer in pool.api("nonsense").await.values() {
        assert!(matches!(answer, Err(HostError::Refused { .. })), "{answer:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_router_takes_the_first_route_that_stops_and_guards_keep_out(caller: Caller) {
    let answer = |hit: Hit| async move {
        hit.session.set_note("route", format!("{} {}", hit.params["name"], hit.group(1)));
        hit.session.answer().await?;
        Ok(Next::GoOn)
    };
    let refuse = |hit: Hit| async move {
        hit.session.respond(hit.params["code"].parse()?).await?;
        Ok(Next::Stop)
    };
    let router = Router::new("inbound")
        .guard("Call-Direction", "inbound")
        .route(Route::new("00(.*)|011(.*)").unwrap().param("code", "403").to(refuse))
        .route(Route::new("1(.*)").unwrap().param("name", "long distance").to(answer))
        .route(Route::new("1(.*)").unwrap().to(|_| async { Ok(Next::Stop) }))
        .route(Route::new(".*").unwrap().param("code", "500").to(refuse))
        .and(Router::new("named").guard("Caller-Destination-Number", "nobody").reject_on_guard(403))
        .otherwise(refuse);
    caller.load("default", router).await.unwrap();
    let failed = async |user: &str| caller.call(user, "default").result().await.unwrap_err();
    assert_eq!(failed("00441").await, CallError::Failed("CALL_REJECTED".to_owned()));
    assert_eq!(failed("500").await, CallError::Failed("NORMAL_TEMPORARY_FAILURE".to_owned()));
    let session = caller.call("1234", "default").await;
    assert_eq!(session.peer().unwrap().until_noted("route").await.unwrap(), "long distance 234");
    session.hangup().await.unwrap();
    assert!(Route::new("(").unwrap_err().to_string().starts_with("route \"(\": "));
}

#[rstest]
#[tokio::test]
async fn built_in_apps_are_loaded_like_any_other(caller: Caller) {
    caller.load("tone", Scripted::lasting("tone", &TonePlay::default(), Some(Duration::ZERO))).await.unwrap();
    let session = caller.call("doggy", "tone").await;
    // Its talk time is over as it begins.
    assert_eq!(session.until_gone().await.unwrap(), HangupCause::parse("NORMAL_CLEARING"));
    assert!(session.is_answered());
}

/// A proxy between caller and callee, each on a switch of its own.
#[tokio::test]
async fn a_proxied_call_reaches_whom_it_was_for_and_ends_with_them() {
    let embedded = || TestHost::embedded(SwitchConfig::default(), |config| config);
    let (client, callee) = (embedded(), embedded());
    callee
        .load(
            "default",
            flow("echo", |session| async move {
                session.answer().await?;
                Ok(session.echo().await?)
            }),
        )
        .await
        .unwrap();
    let target = callee.itself("bob");
    let proxier = Proxier { way: Way { to: Some(target), ..Way::default() } };
    client.load_group(Group::new("proxy").app(proxier).by_header("Caller-Destination-Number")).await.unwrap();
    let caller = client.call(to_itself(&client, "proxy", "none")).await.unwrap();
    let bob = callee.sessions().await.unwrap().pop().unwrap();
    assert_eq!(bob.header("Caller-Destination-Number").as_deref(), Some("bob"));
    bob.hangup().await.unwrap();
    assert_eq!(caller.until_gone().await.unwrap(), HangupCause::parse("NORMAL_CLEARING"));
    callee.unload("default").await.unwrap();
    callee.load("default", flow("busy", |session| async move { Ok(session.respond(486).await?) })).await.unwrap();
    let error = client.call(to_itself(&client, "proxy", "none")).await.unwrap_err();
    assert_eq!(error, CallError::Failed("USER_BUSY".to_owned()));
}

#[tokio::test]
async fn a_service_serves_until_it_is_stopped_and_leaves_nothing_behind() {
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let service = Service::start([switch.esl_addr().to_string()], |_| {
        Group::new(Group::DEFAULT).app(Scripted::of("tone", &TonePlay::default()))
    });
    let service = service.await.unwrap().drain(Duration::ZERO);
    let client = service.pool().clients()[0].clone();
    let caller = client.call(to_itself(&client, "doggy", "default")).await.unwrap();
    let served = service.stop().await;
    assert_eq!((served.sessions, served.calls, served.failures, served.cut_off), (2, 1, 0, 2));
    assert!(caller.is_hung_up());
}
