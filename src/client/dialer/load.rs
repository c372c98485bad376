#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! What a load offers.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::Dialer;
use super::dialing::Dialing;
use super::handle::Progress;
use super::measurer::{Measurer, NAME};
use super::task::{Task, run};
use crate::app::{Group, LoadError};
use crate::client::{Client, Pool};
use crate::clock::Clock;
use crate::host::Originate;
use crate::load::{Limits, Mix, Originator, Profile};
use crate::metrics::Gate;
use crate::place::Place;
use crate::scenario::piece::{self, Mistakes};
use crate::scenario::{PlacedCheck, Review};
use crate::units::Cps;

/// What a load offers: at which pace, which calls, and what must hold of them.
///
/// ```
/// use callwright::app::Scripted;
/// use callwright::client::{Load, Pool};
/// use callwright::host::Originate;
/// use callwright::scenario::app::TonePlay;
/// # use callwright::testing::{TestHost, host};
/// use callwright::units::Cps;
/// use callwright::verdict::Verdict;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let host = TestHost::start().with_app("tone", Scripted::of("tone", &TonePlay::default()));
/// # let pool = Pool::of([callwright::client::Client::clone(&host)]);
/// let load = Load::at(Cps(20.0))
///     .offer("tone", |host| Originate::to(host.itself("external", "doggy").unwrap_or_default()))
///     .limit(10)
///     .max_offered(5)
///     .duration(std::time::Duration::from_millis(200))
///     .gates("{ asr: '== 100%', late_starts.p99: '< 5s' }")?;
/// let dialed = load.start(&pool).await?.wait().await;
/// assert_eq!(dialed.verdict(), Verdict::Passed, "{dialed}");
/// # Ok(())
/// # }
/// ```
#[must_use = "no call is made until it is started"]
pub struct Load {
    profile: Profile,
    pub(super) offers: Vec<Offer>,
    limits: Limits,
    pub(super) duration: Option<Duration>,
    gates: Vec<Gate>,
    checks: Vec<PlacedCheck>,
    place: Place,
}

/// One kind of call of a load.
pub(super) struct Offer {
    /// The id of the apps that handle it, by which it is called in figures.
    pub app: String,
    pub weight: u64,
    pub originate: Arc<dyn Fn(&Client) -> Originate + Send + Sync>,
}

/// Why a load was not begun.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("no host to make calls on")]
    NoHost,
    #[error("no call to make: nothing was offered")]
    Nothing,
    #[error("host {host}: {error}")]
    Measurer { host: String, error: LoadError },
}

/// How long calls may take to end once no more are offered.
const DRAIN: Duration = Duration::from_secs(60);

impl Load {
    /// The same rate until the load is stopped, or has offered enough.
    #[track_caller]
    pub fn at(rate: Cps) -> Load {
        Load::of(Profile::constant(rate))
    }

    /// A rate over time.
    #[track_caller]
    pub fn of(profile: Profile) -> Load {
        let at = Location::caller();
        Load {
            profile,
            offers: Vec::new(),
            limits: Limits::draining(DRAIN),
            duration: None,
            gates: Vec::new(),
            checks: Vec::new(),
            place: Place { file: at.file().into(), line: at.line() as usize, column: at.column() as usize },
        }
    }

    /// Offers calls that the apps of the id `app` handle; `originate` makes each of them, for the host that it is made on.
    pub fn offer(self, app: &str, originate: impl Fn(&Client) -> Originate + Send + Sync + 'static) -> Load {
        self.offer_weighted(1, app, originate)
    }

    /// The same with a share of the calls that is `weight` of the weights of all that is offered.
    pub fn offer_weighted(
        mut self,
        weight: u64,
        app: &str,
        originate: impl Fn(&Client) -> Originate + Send + Sync + 'static,
    ) -> Load {
        self.offers.push(Offer { app: app.to_owned(), weight, originate: Arc::new(originate) });
        self
    }

    /// Calls at once (Erlangs) on all hosts together. A call that is due at the limit is skipped and counted.
    pub fn limit(mut self, calls: u32) -> Load {
        self.limits.calls = Some(calls);
        self
    }

    /// Calls in all; those that were skipped do not count.
    pub fn max_offered(mut self, calls: u64) -> Load {
        self.limits.max_offered = Some(calls);
        self
    }

    /// How long calls are offered, pauses apart.
    pub fn offer_for(mut self, time: Duration) -> Load {
        self.limits.duration = Some(time);
        self
    }

    /// Time from its answer after which a call is hung up. Where nothing is said it is what brings the limit up at the
    /// rate, and 5 s to spare ([`crate::load::auto_duration`]); without a limit the apps end their calls.
    pub fn duration(mut self, time: Duration) -> Load {
        self.duration = Some(time);
        self
    }

    /// How long calls may take to end once no more are offered; what is there then is hung up, and in error. 60 s,
    /// unless told otherwise.
    pub fn drain(mut self, time: Duration) -> Load {
        self.limits.drain = time;
        self
    }

    /// Gates, as they stand under `gates:` in a scenario: `{ asr: ">= 99%", setup_time.p95: "< 250ms" }`.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    pub fn gates(mut self, gates: &str) -> Result<Load, Mistakes> {
        self.gates.extend(piece::load_gates(gates)?);
        Ok(self)
    }

    /// What must hold of each call, as it stands under `expect:` in a scenario. Without any, a call must be answered and
    /// end normally.
    ///
    /// # Errors
    /// Everything that is wrong with the text; and checks of sound, as these calls are not recorded.
    pub fn expect(mut self, checks: &str) -> Result<Load, Mistakes> {
        self.checks.extend(piece::checks_without_sound(checks)?);
        Ok(self)
    }

    /// Begins. The apps of the calls must be loaded on the pool's hosts; beside them goes an app that measures.
    ///
    /// # Errors
    /// Where there is nothing to offer or no host to offer it on, or an id is measured by another load already.
    pub async fn start(self, pool: &Pool) -> Result<Dialer, DialError> {
        let clients: Arc<[Client]> = pool.clients().into();
        if clients.is_empty() {
            return Err(DialError::NoHost);
        }
        if self.offers.is_empty() {
            return Err(DialError::Nothing);
        }
        let clock = Clock::start();
        let (inputs, inbox) = mpsc::unbounded_channel();
        let apps: BTreeSet<String> = self.offers.iter().map(|offer| offer.app.clone()).collect();
        let mut measured: Vec<(Client, String)> = Vec::new();
        for (host, client) in clients.iter().enumerate() {
            self.checks.iter().flat_map(|check| check.events()).for_each(|event| client.subscribe(event));
            for app in &apps {
                let group = Group::new(app).measurer(Measurer::new(host, clock, inputs.clone()));
                if let Err(error) = client.load_group(group).await {
                    for (client, app) in &measured {
                        // One that is away has nothing loaded.
                        let _ = client.unload_app(app, NAME).await;
                    }
                    return Err(DialError::Measurer { host: client.name().to_owned(), error });
                }
                measured.push((client.clone(), app.clone()));
            }
        }
        let (to_progress, progress) = watch::channel(Progress::default());
        let hosts = clients.iter().map(|client| client.name().to_owned()).collect();
        let Load { profile, offers, limits, duration, gates, checks, place } = self;
        let mix = Mix::new(offers.iter().map(|offer| offer.weight).collect::<Vec<_>>());
        let originator = Originator::new(profile, mix, limits);
        let expected = Arc::clone(Review::new("call", place.clone(), checks).scenario());
        let names = offers.iter().map(|offer| offer.app.clone()).collect();
        let dialing = Dialing::new(clock.now(), originator, gates, names, hosts, expected, duration);
        let task = Task { dialing, offers, clients, apps, clock, inbox, inputs: inputs.clone(), progress: to_progress };
        tokio::spawn(run(task));
        Ok(Dialer::new(inputs, progress, clock))
    }
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apps: Vec<_> = self.offers.iter().map(|offer| (&offer.app, offer.weight)).collect();
        write!(f, "Load({:?} of {apps:?}, {:?})", self.profile, self.limits)
    }
}
