//! A load from a program: more than a hundred calls on a switch, its rate changed while it runs, judged by gates.
//!
//! Run it with `cargo run --release --example load`: it starts a switch of its own. With addresses of FreeSWITCH event
//! sockets behind it (`-- 10.0.0.5:8021 10.0.0.6:8021`) the calls are spread over those.

use std::time::Duration;

use callwright::app::{App, AppError, Group, Pace, Scripted, flow};
use callwright::client::{Client, Load, Pool};
use callwright::host::Originate;
use callwright::scenario::app::TonePlay;
use callwright::switch::{Switch, SwitchConfig};
use callwright::units::Cps;
use callwright::verdict::Verdict;

/// Tells at which pace its calls are made.
struct Told;

impl App for Told {
    fn on_pace(&mut self, pace: &Pace) -> Result<(), AppError> {
        println!(
            "{}, {} calls at once",
            pace.rate,
            pace.limit.map_or("any number of".to_owned(), |limit| limit.to_string())
        );
        Ok(())
    }
}

/// A call that the host makes to its own SIP profile.
fn to_itself(host: &Client) -> Originate {
    Originate::to(host.itself("external", "load").unwrap_or_default()).timeout(Duration::from_secs(10))
}

#[tokio::main]
async fn main() -> Result<(), AppError> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let switch = match given.is_empty() {
        true => Some(Switch::start(SwitchConfig { sessions_per_second: 1_000, ..SwitchConfig::default() }).await?),
        false => None,
    };
    let own = switch.iter().map(|switch| switch.esl_addr().to_string());
    let pool = Pool::connect(own.chain(given)).await?;

    // Three of four calls have a tone sent back to them; the others are refused, as is told of them.
    let loaded = pool.load(|_| Group::new("tone").app(Scripted::of("tone", &TonePlay::default())).app(Told)).await;
    loaded.map_err(|(host, error)| format!("{host}: {error}"))?;
    let busy =
        |_: &Client| Group::new("busy").app(flow("busy", |session| async move { Ok(session.respond(486).await?) }));
    pool.load(busy).await.map_err(|(host, error)| format!("{host}: {error}"))?;

    let load = Load::at(Cps(20.0))
        .offer_weighted(3, "tone", to_itself)
        .offer_weighted(1, "busy", to_itself)
        .limit(60)
        .max_offered(120)
        .duration(Duration::from_secs(1))
        // Under `gates:` of a scenario they would be written so as well.
        .gates(
            "
            asr: { bound: '== 100%', app: tone }
            offered: '== 120'
            cause.USER_BUSY: '== 30'
            setup_time.p95: '< 10s'
            late_starts.p99: '< 5s'",
        )?;
    let dialer = load.start(&pool).await?;
    dialer.until(|snapshot| snapshot.counts.offered >= 10).await;
    dialer.set_rate(Cps(60.0));
    let dialed = dialer.wait().await;

    println!("{dialed}");
    let stats = pool.total().await;
    assert_eq!((stats.calls, stats.sessions), (0, 0), "calls are left");
    if dialed.verdict() != Verdict::Passed {
        return Err("the load did not pass".into());
    }
    for (host, closed) in pool.close().await.iter() {
        if let Err(error) = closed {
            println!("{host}: {error}");
        }
    }
    if let Some(switch) = switch {
        switch.shutdown().await;
    }
    Ok(())
}
