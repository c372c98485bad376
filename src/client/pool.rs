//! Several hosts at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CallError, Client, ClientConfig, HostError, Session, Stats, Whose};
use crate::app::{Group, LoadError};
use crate::host::Originate;

/// Several clients at once. A handle, cheap to copy.
///
/// ```
/// use callwright::client::Pool;
/// # use callwright::switch::{Switch, SwitchConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let a = Switch::start(SwitchConfig::default()).await?;
/// # let b = Switch::start(SwitchConfig::default()).await?;
/// # let addresses = [a.esl_addr().to_string(), b.esl_addr().to_string()];
/// let pool = Pool::connect(addresses).await?;
/// // What came of each, or of all together.
/// for (host, reply) in pool.api("show channels count").await.all().map_err(|(_, error)| error)?.iter() {
///     println!("{host}: {reply}");
/// }
/// assert_eq!(pool.total().await.sessions, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pool {
    clients: Arc<[Client]>,
    next: Arc<AtomicUsize>,
}

/// What came of each host, in the order of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerHost<T>(Vec<(String, T)>);

impl<T> PerHost<T> {
    /// Name of the host, and what came of it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(host, value)| (host.as_str(), value))
    }

    /// What came of the host called `name`.
    pub fn of(&self, name: &str) -> Option<&T> {
        self.iter().find(|(host, _)| *host == name).map(|(_, value)| value)
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    /// Puts all into one, host by host.
    pub fn fold<A>(self, first: A, mut fold: impl FnMut(A, T) -> A) -> A {
        self.0.into_iter().fold(first, |sum, (_, value)| fold(sum, value))
    }
}

impl<T, E> PerHost<Result<T, E>> {
    /// What came of each, where none failed; else the first failure with its host.
    pub fn all(self) -> Result<PerHost<T>, (String, E)> {
        let each = self.0.into_iter().map(|(host, result)| match result {
            Ok(value) => Ok((host, value)),
            Err(error) => Err((host, error)),
        });
        Ok(PerHost(each.collect::<Result<_, _>>()?))
    }
}

impl Pool {
    /// Connects to all; done when all are up.
    ///
    /// # Errors
    /// The first host, in their order, that cannot be had.
    pub async fn connect<C: Into<ClientConfig>>(hosts: impl IntoIterator<Item = C>) -> Result<Pool, HostError> {
        let pool = Pool::of(hosts.into_iter().map(Client::begin));
        for client in pool.clients() {
            client.until_up().await?;
        }
        Ok(pool)
    }

    /// These clients.
    pub fn of(clients: impl IntoIterator<Item = Client>) -> Pool {
        Pool { clients: clients.into_iter().collect(), next: Arc::default() }
    }

    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// The clients one after the other, again and again; `None` of an empty pool.
    pub fn next(&self) -> Option<&Client> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        self.clients.get(at.checked_rem(self.clients.len())?)
    }

    /// Does the same on all hosts, at once; gives what came of each.
    pub async fn each<T: Send + 'static, R>(&self, ask: impl Fn(Client) -> R) -> PerHost<T>
    where
        R: Future<Output = T>,
    {
        let mut waiting: Vec<_> = self.clients.iter().map(|client| Box::pin(ask(client.clone()))).collect();
        let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
        std::future::poll_fn(|context| {
            for (future, done) in waiting.iter_mut().zip(&mut done) {
                if done.is_none()
                    && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
                {
                    *done = Some(value);
                }
            }
            if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        let names = self.clients.iter().map(|client| client.name().to_owned());
        PerHost(names.zip(done.into_iter().flatten()).collect())
    }

    /// Runs an API command on all hosts.
    pub async fn api(&self, line: &str) -> PerHost<Result<String, HostError>> {
        self.each(|client| async move { client.api(line).await }).await
    }

    /// What is there on each host, and what was counted.
    pub async fn stats(&self) -> PerHost<Result<Stats, HostError>> {
        self.each(|client| async move { client.stats().await }).await
    }

    /// The sum of all hosts that can be asked: sessions, calls, hangup causes.
    pub async fn total(&self) -> Stats {
        self.stats().await.values().flatten().sum()
    }

    /// Makes a call on the next host.
    pub async fn call(&self, originate: Originate) -> Result<Session, CallError> {
        let nobody = || HostError::Away { host: "pool".to_owned(), reason: "it has no hosts".to_owned() };
        self.next().ok_or_else(nobody)?.call(originate).await
    }

    /// Loads apps on all hosts, or on none: `group` makes them for each.
    pub async fn load(&self, group: impl Fn(&Client) -> Group) -> Result<(), (String, LoadError)> {
        for (at, client) in self.clients.iter().enumerate() {
            let apps = group(client);
            let (id, names) = (apps.id().to_owned(), apps.names());
            if let Err(error) = client.load_group(apps).await {
                for before in &self.clients[..at] {
                    for name in &names {
                        // One that went away meanwhile has nothing loaded.
                        let _ = before.unload_app(&id, name).await;
                    }
                }
                return Err((client.name().to_owned(), error));
            }
        }
        Ok(())
    }

    /// Unloads everything of an id on all hosts.
    pub async fn unload(&self, id: &str) -> PerHost<Result<(), HostError>> {
        self.each(|client| async move { client.unload(id).await }).await
    }

    /// Hangs up these sessions on all hosts; gives how many on each.
    pub async fn hang_up_all(&self, whose: Whose<'_>) -> PerHost<Result<usize, HostError>> {
        self.each(|client| async move { client.hang_up_all(whose).await }).await
    }

    /// Closes all clients.
    pub async fn close(self) -> PerHost<Result<(), HostError>> {
        self.each(Client::close).await
    }
}
