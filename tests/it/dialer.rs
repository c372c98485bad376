//! Loads from a program: changed while they run, ended in every way, and what they come to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callwright::app::{App, AppError, Group, Pace, flow};
use callwright::client::{Client, ClientConfig, DialError, Load, Pool, Session};
use callwright::host::Originate;
use callwright::load::{Draining, State};
use callwright::switch::{Switch, SwitchConfig};
use callwright::testing::{TestHost, host};
use callwright::units::Cps;
use callwright::verdict::Verdict;
use rstest::rstest;

async fn answer(session: Session) -> Result<(), AppError> {
    if session.is_inbound() {
        session.answer().await?;
    }
    Ok(())
}

fn to_itself(host: &Client) -> Originate {
    Originate::to(host.itself("external", "load").unwrap()).timeout(Duration::from_secs(10))
}

fn pool(host: &TestHost) -> Pool {
    Pool::of([Client::clone(host)])
}

/// A machine that has other things to do is late, which is not what is tested here.
const LATE: &str = "late_starts.p99: '< 30s'";

/// Keeps the paces that it is told.
struct Paces(Arc<Mutex<Vec<Pace>>>);

impl App for Paces {
    fn on_pace(&mut self, pace: &Pace) -> Result<(), AppError> {
        self.0.lock().unwrap().push(*pace);
        Ok(())
    }
}

#[rstest]
#[tokio::test]
async fn apps_are_told_of_each_pace_and_calls_are_up_as_long_as_it_says(host: TestHost) {
    let paces = Arc::default();
    let host = host.with_group(Group::new("a").app(flow("answer", answer)).app(Paces(Arc::clone(&paces))));
    let load =
        Load::at(Cps(5.0)).offer("a", to_itself).limit(10).gates(&format!("{{ asr: '== 100%', {LATE} }}")).unwrap();
    let dialer = load.start(&pool(&host)).await.unwrap();
    assert!(matches!(dialer.state(), State::Initial | State::Originating));
    dialer.set_rate(Cps(10.0));
    dialer.set_duration(Some(Duration::from_millis(100)));
    let snapshot = dialer.until(|snapshot| snapshot.counts.ended >= 3).await.unwrap();
    assert_eq!(snapshot.asked.rate, 10.0);
    dialer.stop();
    let dialed = dialer.wait().await;
    assert_eq!(dialer.state(), State::Stopped(Draining::Over));
    assert_eq!(dialed.verdict(), Verdict::Passed, "{dialed}");
    let counts = &dialed.report().all.tally.counts;
    assert_eq!((counts.offered, counts.cut_off), (counts.answered, 0));
    assert_eq!(host.stats().await.unwrap().sessions, 0);
    let pace =
        |rate, duration| Pace { rate: Cps(rate), limit: Some(10), duration: Some(Duration::from_millis(duration)) };
    // By limit and rate, and 5 s to spare, until it is set.
    assert_eq!(*paces.lock().unwrap(), [pace(5.0, 7_000), pace(10.0, 6_000), pace(10.0, 100)]);
}

#[rstest]
#[tokio::test]
async fn calls_that_are_hung_up_on_demand_are_counted_and_not_judged(host: TestHost) {
    let host = host.with_app("a", flow("answer", answer));
    let dialer = Load::at(Cps(20.0)).offer("a", to_itself).start(&pool(&host)).await.unwrap();
    dialer.until(|snapshot| snapshot.active_calls >= 3).await.unwrap();
    dialer.hang_up_all();
    let dialed = dialer.wait().await;
    let counts = &dialed.report().all.tally.counts;
    assert_eq!((counts.cut_off, counts.ended), (counts.offered, 0));
    // That nothing could be judged is no pass.
    assert_eq!(dialed.verdict(), Verdict::Error, "{dialed}");
    assert_eq!(host.stats().await.unwrap().sessions, 0);
}

#[rstest]
#[tokio::test]
async fn refused_calls_fail_the_load_and_the_first_is_shown_whole(host: TestHost) {
    let host = host.with_app("b", flow("busy", |session| async move { Ok(session.respond(486).await?) }));
    let load = Load::at(Cps(50.0)).offer("b", to_itself).max_offered(5).gates(&format!("{{ {LATE} }}")).unwrap();
    let dialed = load.start(&pool(&host)).await.unwrap().wait().await;
    assert_eq!(dialed.verdict(), Verdict::Failed);
    let counts = &dialed.report().all.tally.counts;
    assert_eq!((counts.offered, counts.ended, counts.answered), (5, 5, 0));
    let cdr = &dialed.outcome.examples[0].cdr;
    assert_eq!((cdr.hangup_cause.as_str(), cdr.sip_code, cdr.is_seized()), ("USER_BUSY", Some(486), true));
    let told = dialed.to_string();
    for part in ["FAIL calls come to their answer", "5 USER_BUSY", "example b on", "CHANNEL_HANGUP"] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    // Where a gate expects them and each call says so, they are what was asked for.
    let load = Load::at(Cps(50.0)).offer("b", to_itself).max_offered(5);
    let load = load.expect("sip_code: 486").unwrap().gates(&format!("{{ asr: '== 0%', {LATE} }}")).unwrap();
    let dialed = load.start(&pool(&host)).await.unwrap().wait().await;
    assert_eq!(dialed.verdict(), Verdict::Passed, "{dialed}");
}

#[rstest]
#[tokio::test]
async fn weights_share_the_calls_and_a_load_measures_an_app_alone(host: TestHost) {
    let busy = || flow("busy", |session: Session| async move { Ok(session.respond(486).await?) });
    let host = host.with_app("a", busy()).with_app("b", busy());
    let load = || Load::at(Cps(100.0)).offer_weighted(3, "a", to_itself).offer_weighted(1, "b", to_itself);
    let dialer = load().max_offered(16).start(&pool(&host)).await.unwrap();
    let error = load().start(&pool(&host)).await.unwrap_err();
    assert!(matches!(error, DialError::Measurer { .. }), "{error}");
    let dialed = dialer.wait().await;
    let offered = |app: &str| dialed.report().apps[app].tally.counts.offered;
    assert_eq!((offered("a"), offered("b")), (12, 4));
    // Now that it is over there is place for another.
    load().max_offered(1).start(&pool(&host)).await.unwrap().wait().await;
    assert!(matches!(Load::at(Cps(1.0)).start(&pool(&host)).await, Err(DialError::Nothing)));
    assert!(matches!(load().start(&Pool::of([])).await, Err(DialError::NoHost)));
    let mistakes = Load::at(Cps(1.0)).gates("asr: 99").unwrap_err().to_string();
    assert!(mistakes.contains("--> gates:1:"), "{mistakes}");
    let heard = "audio: [{ leg: caller, heard: { tone: 1004Hz +-4Hz } }]";
    let mistakes = Load::at(Cps(1.0)).expect(heard).unwrap_err().to_string();
    assert!(mistakes.contains("calls of a load from a program are not recorded"), "{mistakes}");
}

#[tokio::test]
async fn calls_of_a_lost_host_are_in_error_and_without_any_host_the_load_ends() {
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let mut config = ClientConfig::new(switch.esl_addr().to_string());
    config.patience.again = Duration::ZERO;
    let client = Client::connect(config).await.unwrap();
    client.load("a", flow("answer", answer)).await.unwrap();
    let dialer = Load::at(Cps(20.0)).offer("a", to_itself).start(&Pool::of([client])).await.unwrap();
    dialer.until(|snapshot| snapshot.active_calls >= 3).await.unwrap();
    drop(switch);
    let dialed = dialer.wait().await;
    assert_eq!(dialed.verdict(), Verdict::Error);
    let counts = &dialed.report().all.tally.counts;
    assert_eq!(counts.ended, counts.offered);
    assert!(counts.errors >= 3, "{counts:?}");
    assert!(dialed.to_string().contains("no host is left"), "{dialed}");
}
