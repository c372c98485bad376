//! A switch to test on.

use std::ops::Deref;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use rstest::fixture;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot};

use super::turn::Turn;
use crate::app::{App, Group};
use crate::client::{Client, ClientConfig, Notice};
use crate::run::{At, HostSpec};
use crate::switch::{Switch, SwitchConfig};

/// A switch to test on, and its [`Client`], which it derefs to.
///
/// Its sockets live on threads of their own, so it serves tests of any runtime or none. Dropped, at the end of the test
/// or when it panics, it hangs up the test's calls, takes the apps down and lets the switch go. A test whose apps failed
/// or panicked fails then, unless it has asked for their [`failures`](TestHost::failures).
#[derive(Debug)]
pub struct TestHost {
    client: Client,
    runtime: Handle,
    at: Place,
    notices: broadcast::Receiver<Notice>,
    /// Dropped, it has the host let go.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Let go behind everything else.
    _turn: Option<Turn>,
}

/// Where the switch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In this process.
    Embedded,
    Away,
}

/// How long calls may take to end behind their test.
const ENDING: Duration = Duration::from_secs(5);
/// Sessions that are remembered when they are gone.
const REMEMBERED: usize = 10_000;
/// The SIP profile that a host calls itself by.
const PROFILE: &str = "external";

/// A [`TestHost`] for one test: see [`TestHost::start`]. `#[with(|config| ...)]` changes how its client is configured.
#[fixture]
#[track_caller]
pub fn host(#[default(as_usual)] change: fn(ClientConfig) -> ClientConfig) -> TestHost {
    TestHost::start_with(change)
}

pub(super) fn as_usual(config: ClientConfig) -> ClientConfig {
    config
}

impl TestHost {
    /// An embedded switch of its own, or the FreeSWITCH that the environment names: `CALLWRIGHT_FSHOST` as
    /// `--fshost` has it (of several the first), its password in `CALLWRIGHT_PASSWORD`. Of that, tests take turns.
    ///
    /// # Panics
    /// Where there is no such host, with the reason.
    #[track_caller]
    pub fn start() -> TestHost {
        TestHost::start_with(as_usual)
    }

    /// The same, its client configured otherwise: with another call header, say.
    #[track_caller]
    pub fn start_with(change: impl FnOnce(ClientConfig) -> ClientConfig) -> TestHost {
        let named = std::env::var("CALLWRIGHT_FSHOST").unwrap_or_default();
        let Some(first) = named.split(',').map(str::trim).find(|host| !host.is_empty()) else {
            return TestHost::embedded(SwitchConfig::default(), change);
        };
        let spec: HostSpec = match first.parse() {
            Ok(spec) => spec,
            Err(error) => panic!("CALLWRIGHT_FSHOST: {error}"),
        };
        match spec.at {
            At::Embedded => TestHost::embedded(SwitchConfig::default(), change),
            At::Esl(address) => {
                let config = ClientConfig::new(address.to_string());
                let config = ClientConfig { name: spec.name.unwrap_or(config.name), ..config };
                let password = std::env::var("CALLWRIGHT_PASSWORD").unwrap_or(config.password.clone());
                TestHost::at(change(usual(config.password(password))))
            }
        }
    }

    /// An embedded switch of its own, whatever the environment says.
    #[track_caller]
    pub fn embedded(switch: SwitchConfig, change: impl FnOnce(ClientConfig) -> ClientConfig) -> TestHost {
        // Its address is known once it is started.
        let config = ClientConfig::new("").name("embedded").password(switch.password.clone());
        TestHost::launch(Place::Embedded, Some(switch), change(usual(config)), None)
    }

    /// The switch that `config` names, on which tests take turns. Calls of others are left alone.
    #[track_caller]
    pub fn at(config: impl Into<ClientConfig>) -> TestHost {
        let config = config.into();
        let turn = match Turn::take(&config.address) {
            Ok(turn) => turn,
            Err(error) => panic!("no turn on host {}: {error}", config.address),
        };
        TestHost::launch(Place::Away, None, config, Some(turn))
    }

    #[track_caller]
    fn launch(at: Place, switch: Option<SwitchConfig>, config: ClientConfig, turn: Option<Turn>) -> TestHost {
        let (to_ready, ready) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("callwright host".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            match runtime {
                Ok(runtime) => {
                    runtime.block_on(serve(switch, config, to_ready, stopped));
                    // What a flow blocks in is waited for no longer.
                    runtime.shutdown_background();
                }
                Err(error) => drop(to_ready.send(Err(error.to_string()))),
            }
        });
        let started = match &thread {
            Ok(_) => ready.recv().unwrap_or_else(|_| Err("it panicked".to_owned())),
            Err(error) => Err(error.to_string()),
        };
        match started {
            Ok((client, runtime)) => {
                let (notices, thread) = (client.notices(), thread.ok());
                TestHost { client, runtime, at, notices, stop: Some(stop), thread, _turn: turn }
            }
            Err(error) => panic!("no host to test on: {error}"),
        }
    }

    /// With an app loaded under an id, for fixtures.
    ///
    /// # Panics
    /// Where it cannot be loaded, with the reason.
    #[track_caller]
    pub fn with_app(self, id: &str, app: impl App) -> TestHost {
        self.with_group(Group::new(id).app(app))
    }

    /// With apps loaded, all of them or none.
    #[track_caller]
    pub fn with_group(self, group: Group) -> TestHost {
        let (to_done, done) = mpsc::channel();
        let client = self.client.clone();
        // On the host's threads: those of the test may be waiting here.
        self.runtime.spawn(async move { drop(to_done.send(client.load_group(group).await)) });
        match done.recv() {
            Ok(Ok(())) => self,
            Ok(Err(error)) => panic!("{error}"),
            Err(_) => panic!("a setup panicked"),
        }
    }

    /// What it is called: `embedded`, or by its address.
    pub fn name(&self) -> &str {
        self.client.name()
    }

    /// Whether it is a switch in this process.
    pub fn is_embedded(&self) -> bool {
        self.at == Place::Embedded
    }

    /// `user@host:port`: `user` at the host's own SIP profile `external`, so that it calls itself.
    ///
    /// # Panics
    /// Where the host has no such profile.
    #[track_caller]
    pub fn itself(&self, user: &str) -> String {
        match self.client.itself(PROFILE, user) {
            Some(url) => url,
            None => panic!("host {} has no SIP profile {PROFILE}, or is away", self.name()),
        }
    }

    /// Which apps failed or panicked until now, and how: a test that asks expects it, and does not fail for them.
    pub fn failures(&mut self) -> Vec<String> {
        let mut failures = Vec::new();
        loop {
            match self.notices.try_recv() {
                Ok(notice @ Notice::AppFailed { .. }) => failures.push(notice.to_string()),
                Ok(_) | Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return failures,
            }
        }
    }
}

impl Deref for TestHost {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It fails only after a panic, which was told on stderr.
            let _ = thread.join();
        }
        let failures = self.failures();
        if failures.is_empty() {
            return;
        }
        let told = failures.join("\n");
        if std::thread::panicking() {
            eprintln!("{told}");
        } else {
            panic!("{told}");
        }
    }
}

/// Keeps what a test and its expectations ask for.
fn usual(config: ClientConfig) -> ClientConfig {
    ClientConfig { remembered: REMEMBERED, events: vec!["DTMF".to_owned()], ..config }
}

async fn serve(
    switch: Option<SwitchConfig>,
    config: ClientConfig,
    ready: mpsc::Sender<Result<(Client, Handle), String>>,
    stopped: oneshot::Receiver<()>,
) {
    let (switch, client) = match begin(switch, config).await {
        Ok(begun) => begun,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let _ = ready.send(Ok((client.clone(), Handle::current())));
    // It is dropped, and never told anything.
    let _ = stopped.await;
    // Of a host that is away there is nothing left to put right.
    let _ = client.hang_up_own(ENDING).await;
    let _ = client.close().await;
    if let Some(switch) = switch {
        switch.shutdown().await;
    }
}

async fn begin(switch: Option<SwitchConfig>, config: ClientConfig) -> Result<(Option<Switch>, Client), String> {
    let Some(switch) = switch else {
        return Ok((None, Client::connect(config).await.map_err(|error| error.to_string())?));
    };
    let switch = Switch::start(switch).await.map_err(|error| error.to_string())?;
    let config = ClientConfig { address: switch.esl_addr().to_string(), ..config };
    let client = Client::connect(config).await.map_err(|error| error.to_string())?;
    Ok((Some(switch), client))
}

/// Handles of one host may be given to tasks and threads.
const _: fn() = || {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Arc<TestHost>>();
};
