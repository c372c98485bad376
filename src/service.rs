#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! Apps served on hosts for ever.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use crate::app::{Group, LoadError};
use crate::client::{Client, ClientConfig, HostError, Notice, PerHost, Pool, Waiting, Whose};

/// Apps that are served on one host or several until the service is told to stop.
///
/// A host that is lost is tried again for ever; its apps go on once it is back, with the sessions that are still there and
/// those that came meanwhile. What was parked and not answered on a host as the service began is taken up; see
/// [`Service::take_up`] for more.
///
/// ```no_run
/// use callwright::app::{Group, Proxier};
/// use callwright::service::Service;
///
/// # async fn serve() -> Result<(), callwright::service::ServiceError> {
/// let service = Service::start(["fs1.example.com", "fs2.example.com"], |_| {
///     Group::new(Group::DEFAULT).app(Proxier::default())
/// })
/// .await?;
/// service.run(async { drop(tokio::signal::ctrl_c().await) }).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Service {
    pool: Pool,
    told: mpsc::UnboundedReceiver<Told>,
    /// How long sessions may go on once the service is told to stop.
    drain: Duration,
}

/// What a host of the service tells.
#[derive(Clone, Debug)]
pub struct Told {
    pub host: String,
    pub notice: Notice,
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("host {host}: {error}")]
    Load { host: String, error: LoadError },
}

/// What a service comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    pub sessions: u64,
    pub calls: u64,
    /// Callbacks and flows that failed.
    pub failures: u64,
    /// Sessions that were hung up as the service ended, because they would not end by themselves.
    pub cut_off: usize,
    /// Sessions that came in while the service ended, and were refused.
    pub refused: u64,
}

impl Service {
    /// Connects to all hosts and loads what `group` makes for each.
    pub async fn start<C: Into<ClientConfig>>(
        hosts: impl IntoIterator<Item = C>,
        group: impl Fn(&Client) -> Group,
    ) -> Result<Service, ServiceError> {
        Service::start_groups(hosts, |client| vec![group(client)]).await
    }

    /// The same with several groups, each under its own id.
    pub async fn start_groups<C: Into<ClientConfig>>(
        hosts: impl IntoIterator<Item = C>,
        groups: impl Fn(&Client) -> Vec<Group>,
    ) -> Result<Service, ServiceError> {
        let pool = Pool::connect(hosts.into_iter().map(|config| config.into().for_ever())).await?;
        let told = listen(&pool);
        for client in pool.clients() {
            for group in groups(client) {
                let load = client.load_group(group).await;
                load.map_err(|error| ServiceError::Load { host: client.name().to_owned(), error })?;
            }
            client.take_up(Waiting::Unanswered).await?;
        }
        Ok(Service { pool, told, drain: Duration::from_secs(10) })
    }

    /// How long sessions may go on once the service is told to stop; 10 s, unless told otherwise.
    pub fn drain(self, drain: Duration) -> Service {
        Service { drain, ..self }
    }

    /// Has apps take up sessions that are parked on the hosts and that nobody sees to: [`Client::take_up`]. Gives how many.
    pub async fn take_up(&self, which: Waiting) -> PerHost<Result<usize, HostError>> {
        self.pool.each(|client| async move { client.take_up(which).await }).await
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What the hosts tell, one by one.
    pub async fn told(&mut self) -> Option<Told> {
        self.told.recv().await
    }

    /// Takes over what the hosts tell; [`Service::told`] has nothing to give from then on, and failures are not counted.
    pub fn take_told(&mut self) -> mpsc::UnboundedReceiver<Told> {
        let (_, nothing) = mpsc::unbounded_channel();
        std::mem::replace(&mut self.told, nothing)
    }

    /// Serves until `stop` is done, then stops.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Served {
        tokio::pin!(stop);
        let mut failures = 0;
        loop {
            tokio::select! {
                () = &mut stop => break,
                told = self.told.recv() => match told {
                    Some(Told { notice: Notice::AppFailed { .. }, .. }) => failures += 1,
                    Some(_) => {}
                    None => break,
                },
            }
        }
        let served = self.stop().await;
        Served { failures: failures + served.failures, ..served }
    }

    /// Stops: waits until the sessions that are there have ended, hangs up what has not by then, takes the apps down and
    /// lets the hosts go. Sessions that come in meanwhile are refused: [`Client::drain`].
    pub async fn stop(self) -> Served {
        self.stop_early(std::future::pending()).await
    }

    /// The same, but sessions are waited for no longer once `at_once` is done.
    pub async fn stop_early(mut self, at_once: impl Future<Output = ()>) -> Served {
        tokio::pin!(at_once);
        self.pool.clients().iter().for_each(Client::drain);
        // The apps still serve, so that what is under way ends as it should.
        let over = tokio::time::sleep(self.drain);
        tokio::pin!(over);
        loop {
            if self.served_now().await == 0 {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = &mut over => break,
                () = &mut at_once => break,
            }
        }
        let hung_up = self.pool.hang_up_all(Whose::Apps).await;
        let cut_off = hung_up.values().flatten().sum();
        // Apps hear how those ended, and what their flows come to.
        let gone = async {
            while self.served_now().await > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        // What is not gone by then its host has not told of.
        let _ = tokio::time::timeout(GONE, gone).await;
        let total = self.pool.total().await;
        let mut failures = 0;
        while let Ok(told) = self.told.try_recv() {
            failures += u64::from(matches!(told.notice, Notice::AppFailed { .. }));
        }
        self.pool.close().await;
        let counts = total.counts;
        Served { sessions: counts.sessions, calls: counts.calls, failures, cut_off, refused: total.refused }
    }
}

impl Service {
    /// Sessions of the apps that are there, or of which flows still run.
    async fn served_now(&self) -> usize {
        self.pool.each(|client| async move { client.served().await }).await.values().flatten().sum()
    }
}

/// How long sessions that were hung up may take to be gone.
const GONE: Duration = Duration::from_secs(2);
/// Between two looks at whether sessions are left.
const LOOK: Duration = Duration::from_millis(50);

/// Puts what all hosts tell in line.
fn listen(pool: &Pool) -> mpsc::UnboundedReceiver<Told> {
    let (line, told) = mpsc::unbounded_channel();
    for client in pool.clients() {
        let (host, mut notices, line) = (client.name().to_owned(), client.notices(), line.clone());
        tokio::spawn(async move {
            loop {
                match notices.recv().await {
                    Ok(notice) => {
                        if line.send(Told { host: host.clone(), notice }).is_err() {
                            return;
                        }
                    }
                    // What came too fast was logged.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }
    told
}
