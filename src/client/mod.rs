//! Hosts, sessions and calls for Rust programs.
//!
//! A [`Client`] holds one host: it gives commands, makes calls, follows every session and call there, and runs apps
//! ([`crate::app`]). [`Session`] and [`Call`] are handles that always tell the newest state; what a session is told to
//! do is an [`Act`], whose outcome can be awaited. A [`Pool`] is several clients at once.
//!
//! One task owns a host with everything that is known of it; handles talk to it by channels, and read what it writes
//! down of each session and call. A connection that is lost is made again: subscriptions are restored, the channels of
//! the host are read, and [`Notice::Back`] tells what was lost meanwhile.

#![expect(clippy::disallowed_methods, reason = "IO shell")]

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};

mod act;
mod acts;
mod call;
mod config;
mod dialer;
mod error;
mod job;
mod listener;
mod notice;
mod orders;
mod performance;
mod playback;
mod pool;
mod recovery;
mod seen;
mod session;
mod stats;
mod task;

pub use act::Act;
pub use acts::Bypass;
pub use call::Call;
pub use config::ClientConfig;
pub use dialer::{DialError, Dialed, Dialer, Load};
pub use error::{CallError, HostError, SessionError};
pub use job::Job;
pub use notice::{Link, Notice, Recovery};
pub use playback::Playback;
pub use pool::{PerHost, Pool};
pub use session::Session;
pub use stats::Stats;

use crate::app::{App, Group, LoadError, Pace};
use crate::clock::Clock;
use crate::esl::{Command, Event, Reply};
use crate::host::task::Host;
use crate::host::{HostFacts, Originate};
use crate::id::{Ids, JobId, SessionId};

use listener::Listener;
use orders::{Desk, Order, Own};
use task::Owner;

/// How long the events of a call may come behind its result.
const EVENT_DELAY: std::time::Duration = std::time::Duration::from_secs(10);
/// Notices that wait for whoever listens to them; older ones are dropped.
const NOTICES: usize = 1_024;

/// One host, from a program. A handle, cheap to copy; the host is let go with the last copy, or by [`Client::close`].
///
/// ```
/// use callwright::app::Scripted;
/// use callwright::client::{Client, Whose};
/// use callwright::host::Originate;
/// use callwright::scenario::app::TonePlay;
/// # use callwright::switch::{Switch, SwitchConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let switch = Switch::start(SwitchConfig::default()).await?;
/// # let address = switch.esl_addr().to_string();
/// let client = Client::connect(address).await?;
/// client.load("tone", Scripted::of("tone", &TonePlay::default())).await?;
///
/// let doggy = client.itself("external", "doggy").ok_or("no such profile")?;
/// let caller = client.call(Originate::to(doggy).app("tone")).await?;
/// assert!(caller.is_answered());
/// assert_eq!(client.stats().await?.calls, 1);
///
/// client.hang_up_all(Whose::App("tone")).await?;
/// client.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    desk: Desk,
    notices: broadcast::Sender<Notice>,
    _closer: Arc<Closer>,
}

/// Whose sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'a> {
    /// Those of the apps of this id.
    App(&'a str),
    /// Those of all apps that are loaded.
    Apps,
    /// All on the host that this client has seen come.
    Anybody,
}

/// Which of the sessions that are parked on a host already, and that came in, are taken up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// Those that nobody has answered yet.
    #[default]
    Unanswered,
    /// Those that were answered as well: whoever did so has left them.
    All,
}

/// Closes the owner with the last handle.
#[derive(Debug)]
struct Closer(Desk);

impl Drop for Closer {
    fn drop(&mut self) {
        let (answer, _) = oneshot::channel();
        self.0.order(Order::Close(answer));
    }
}

impl Client {
    /// Connects; done when the host is logged in to, subscribed to and known. `config` may be its address alone,
    /// `host:port`.
    ///
    /// # Errors
    /// Why the host cannot be had, once [`ClientConfig::patience`] is at its end.
    pub async fn connect(config: impl Into<ClientConfig>) -> Result<Client, HostError> {
        let client = Client::begin(config);
        client.until_up().await?;
        Ok(client)
    }

    /// The same, without waiting for it: what is asked of it before it is up is refused.
    pub fn begin(config: impl Into<ClientConfig>) -> Client {
        let config = config.into();
        let clock = Clock::start();
        let (orders, inbox) = mpsc::unbounded_channel();
        let (to_link, link) = watch::channel(Link::Connecting);
        let (notices, _) = broadcast::channel(NOTICES);
        let desk = Desk { name: Arc::from(&*config.name), clock, orders, link };
        let host = Host::connect(config.host(), config.address.clone(), config.patience, clock);
        let listener = Listener::new(desk.clone(), config);
        tokio::spawn(Owner::new(host, listener, clock, inbox, to_link, notices.clone()).run());
        Client { _closer: Arc::new(Closer(desk.clone())), desk, notices }
    }

    /// Waits until the host is up.
    pub async fn until_up(&self) -> Result<Arc<HostFacts>, HostError> {
        let mut link = self.desk.link.clone();
        let state = link.wait_for(|link| !matches!(link, Link::Connecting)).await.map_err(|_| self.desk.closed())?;
        match &*state {
            Link::Up(facts) => Ok(Arc::clone(facts)),
            Link::Away(reason) => Err(HostError::Away { host: self.desk.name.to_string(), reason: reason.clone() }),
            Link::Connecting => Err(self.desk.closed()),
        }
    }

    /// What the host is called.
    pub fn name(&self) -> &str {
        &self.desk.name
    }

    /// Whether it is up, coming up or away.
    pub fn link(&self) -> Link {
        self.desk.link.borrow().clone()
    }

    pub fn is_up(&self) -> bool {
        matches!(&*self.desk.link.borrow(), Link::Up(_))
    }

    /// What the host told about itself; `None` while it is away.
    pub fn facts(&self) -> Option<Arc<HostFacts>> {
        match &*self.desk.link.borrow() {
            Link::Up(facts) => Some(Arc::clone(facts)),
            Link::Connecting | Link::Away(_) => None,
        }
    }

    /// `user@host:port`: `user` at the address of the host's own SIP profile, so that the host calls itself.
    pub fn itself(&self, profile: &str, user: &str) -> Option<String> {
        let address = self.facts()?.profiles.get(profile).cloned().flatten()?;
        Some(format!("{user}@{address}"))
    }

    /// Gives a command of the event socket; gives its reply as it came, an `-ERR` one too.
    pub async fn command(&self, command: Command) -> Result<Reply, HostError> {
        give(&self.desk, command).await
    }

    /// Runs an API command: `status`, `uuid_kill UUID`; gives what stands behind `+OK`, or all of a reply without.
    ///
    /// # Errors
    /// An `-ERR` reply is [`HostError::Refused`].
    pub async fn api(&self, line: &str) -> Result<String, HostError> {
        reply_of(&self.desk, Command::api(line)).await
    }

    /// Runs an API command as a job.
    pub fn bgapi(&self, line: &str) -> Job {
        let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
        self.launch(name, arguments.to_owned(), None)
    }

    /// Makes a call, as a job that ends when the call is up or has failed.
    pub fn originate(&self, originate: &Originate) -> Job {
        self.launch("originate", originate.arguments(), Some(originate.session.clone()))
    }

    fn launch(&self, name: &str, arguments: String, session: Option<SessionId>) -> Job {
        let id = JobId::new(Ids::random().uuid());
        let (to_state, state) = watch::channel(None);
        let (answer, answered) = oneshot::channel();
        let (job, name) = (id.clone(), name.to_owned());
        let (to_made, made) = watch::channel(None);
        let told = session.clone().map(|session| (session, to_made));
        self.desk.order(Order::Launch { job, name, arguments, session: told, answer });
        tokio::spawn(async move {
            // Without an answer the owner is gone, which the dropped sender tells.
            if let Ok(ended) = answered.await {
                to_state.send_replace(Some(ended));
            }
        });
        Job { id, session, desk: self.desk.clone(), made, state }
    }

    /// Makes a call and waits until it is up; gives the caller's session.
    pub async fn call(&self, originate: Originate) -> Result<Session, CallError> {
        let id = originate.session.clone();
        let job = self.originate(&originate);
        match job.result().await {
            Ok(_) => {}
            Err(HostError::Refused { reply, .. }) => return Err(CallError::Failed(reply)),
            Err(error) => return Err(error.into()),
        }
        // Events come on another connection than the result.
        match tokio::time::timeout(EVENT_DELAY, job.until_session()).await {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err(self.desk.closed().into()),
            Err(_) => Err(CallError::Untold(id.to_string())),
        }
    }

    /// The sessions that are there.
    pub async fn sessions(&self) -> Result<Vec<Session>, HostError> {
        self.desk.ask(Order::Sessions).await
    }

    /// The session of this id, if it is there.
    pub async fn session(&self, id: &str) -> Result<Option<Session>, HostError> {
        Ok(self.sessions().await?.into_iter().find(|session| session.id().as_str() == id))
    }

    /// The calls that are there.
    pub async fn calls(&self) -> Result<Vec<Call>, HostError> {
        self.desk.ask(Order::Calls).await
    }

    /// The call of this id, if it is there.
    pub async fn call_of(&self, id: &str) -> Result<Option<Call>, HostError> {
        Ok(self.calls().await?.into_iter().find(|call| call.id().as_str() == id))
    }

    /// What is there, and what was counted since the client began.
    pub async fn stats(&self) -> Result<Stats, HostError> {
        self.desk.ask(Order::Stats).await
    }

    /// Has the host send events of this name as well; a `CUSTOM` one by its subclass.
    pub fn subscribe(&self, name: impl Into<String>) {
        self.desk.order(Order::Subscribe(name.into()));
    }

    /// Events of these names as they come, of sessions or not; all that are subscribed to where no name is given.
    pub fn events<N: Into<String>>(&self, names: impl IntoIterator<Item = N>) -> mpsc::UnboundedReceiver<Arc<Event>> {
        let (to, events) = mpsc::unbounded_channel();
        self.desk.order(Order::Tap { names: names.into_iter().map(Into::into).collect(), to });
        events
    }

    /// Tells the apps of an id of the pace at which their calls are made.
    pub(crate) fn tell_pace(&self, id: &str, pace: Pace) {
        self.desk.order(Order::Pace { group: id.to_owned(), pace });
    }

    /// Whether it is up or away, each time that changes.
    pub(crate) fn links(&self) -> watch::Receiver<Link> {
        self.desk.link.clone()
    }

    /// What becomes of the host and of apps, from here on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Loads an app under an id.
    ///
    /// # Errors
    /// Nothing is loaded where the id has an app of the same name, or the app's setup fails.
    pub async fn load(&self, id: impl Into<String>, app: impl App) -> Result<(), LoadError> {
        self.load_group(Group::new(id).app(app)).await
    }

    /// Loads apps under one id, all of them or none.
    pub async fn load_group(&self, mut group: Group) -> Result<(), LoadError> {
        let (id, names) = (group.id().to_owned(), group.names());
        self.desk.ask(|answer| Order::CanLoad { group: id, names, answer }).await??;
        let mut ready = 0;
        let mut failed = None;
        for (name, app) in group.apps_mut() {
            if let Err(error) = app.setup(self).await {
                failed = Some(LoadError::Setup { name: name.to_owned(), error });
                break;
            }
            ready += 1;
        }
        if failed.is_none() {
            group.events().into_iter().for_each(|event| self.subscribe(event));
            match self.desk.ask(|answer| Order::Load { group, answer }).await? {
                Ok(()) => return Ok(()),
                Err(back) => {
                    let (error, back) = *back;
                    (failed, group) = (Some(error), back);
                }
            }
        }
        // What was set up is taken down in the opposite order.
        let set_up: Vec<_> = group.apps_mut().take(ready).collect();
        for (_, app) in set_up.into_iter().rev() {
            self.tear_down(&mut **app).await;
        }
        Err(failed.unwrap_or_else(|| LoadError::Host(self.desk.closed())))
    }

    /// Unloads everything of an id, while it runs: its sessions are nobody's from then on, its flows are cancelled.
    pub async fn unload(&self, id: &str) -> Result<(), HostError> {
        self.take_out(Some(id.to_owned()), None).await
    }

    /// Unloads the app called `name` alone.
    pub async fn unload_app(&self, id: &str, name: &str) -> Result<(), HostError> {
        self.take_out(Some(id.to_owned()), Some(name.to_owned())).await
    }

    async fn take_out(&self, group: Option<String>, app: Option<String>) -> Result<(), HostError> {
        let apps = self.desk.ask(|answer| Order::Unload { group, app, answer }).await?;
        for mut app in apps.into_iter().rev() {
            self.tear_down(&mut *app).await;
        }
        Ok(())
    }

    async fn tear_down(&self, app: &mut dyn App) {
        if let Err(error) = app.teardown(self).await {
            let app = Arc::from(app.name());
            // Nobody may listen.
            let _ = self.notices.send(Notice::AppFailed { app, session: None, error: format!("teardown: {error}") });
        }
    }

    /// Gives sessions that are parked on the host already to the apps that are loaded for them, as if they came now. Those
    /// that were there before the client was are left alone otherwise. Gives how many.
    pub async fn take_up(&self, which: Waiting) -> Result<usize, HostError> {
        self.desk.ask(|answer| Order::TakeUp { which, answer }).await?
    }

    /// Has sessions that come in from now on, and that would be of an app, refused with `NORMAL_TEMPORARY_FAILURE`, which
    /// a switch tells as 503, so that a proxy tries another host. Those that are there are served on, and so are those
    /// that join a call of theirs. There is no way back.
    pub fn drain(&self) {
        self.desk.order(Order::Drain);
    }

    /// Sessions of apps that are there, or that are gone while a flow of theirs still runs.
    pub(crate) async fn served(&self) -> Result<usize, HostError> {
        self.desk.ask(Order::Served).await
    }

    /// Hangs up these sessions; done when they are hung up. Gives how many.
    pub async fn hang_up_all(&self, whose: Whose<'_>) -> Result<usize, HostError> {
        let mut sessions = self.sessions().await?;
        sessions.retain(|session| match whose {
            Whose::App(id) => session.group().as_deref() == Some(id),
            Whose::Apps => session.group().is_some(),
            Whose::Anybody => true,
        });
        let acts: Vec<_> = sessions.iter().map(Session::hangup).collect();
        let count = acts.len();
        for (act, session) in acts.into_iter().zip(&sessions) {
            match act.await {
                Err(SessionError::Host(error)) if !session.is_hung_up() => return Err(error),
                Err(error) if !session.is_hung_up() => {
                    return Err(HostError::Refused {
                        command: format!("hangup of {}", session.id()),
                        reply: error.to_string(),
                    });
                }
                // Done, or the other leg's end was quicker.
                _ => {}
            }
        }
        Ok(count)
    }

    /// Hangs up the calls that it made and those that its apps are in, and leaves those of others alone; done when they
    /// are gone, or `within` is over.
    pub async fn hang_up_own(&self, within: Duration) -> Result<usize, HostError> {
        let Own { sessions, coming } = self.desk.ask(Order::Own).await?;
        for id in coming {
            // One that is not there yet is refused, and so is one that is gone by now.
            let _ = self.api(&format!("uuid_kill {id}")).await;
        }
        sessions.iter().map(Session::hangup).for_each(Act::detach);
        let gone = async {
            for session in &sessions {
                // One that was lost with its host is as gone as can be told.
                let _ = session.until_gone().await;
            }
        };
        let late = |_| HostError::Late { what: "end of the calls that were hung up".to_owned(), within };
        tokio::time::timeout(within, gone).await.map_err(late)?;
        Ok(sessions.len())
    }

    /// Takes all apps down and lets the host go. Calls stay as they are on the host.
    pub async fn close(self) -> Result<(), HostError> {
        self.take_out(None, None).await?;
        self.desk.ask(Order::Close).await
    }
}

/// Gives a command; gives its reply as it came.
async fn give(desk: &Desk, command: Command) -> Result<Reply, HostError> {
    command.encode()?;
    let reply = desk.ask(|answer| Order::Command { command, answer: Box::new(move |reply| drop(answer.send(reply))) });
    reply.await?
}

/// Gives a command; gives its reply's text, without what FreeSWITCH puts before it.
async fn reply_of(desk: &Desk, command: Command) -> Result<String, HostError> {
    let text = command.to_string();
    let reply = give(desk, command).await?;
    match reply.result() {
        Ok(reply) => Ok(reply.to_owned()),
        Err(reply) => Err(HostError::Refused { command: text, reply: reply.to_owned() }),
    }
}
