//! What handles ask of the task that owns a host.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::{HostError, Link, Stats, Waiting};
use crate::app::{App, AppError, Group, LoadError, Pace};
use crate::call::Job;
use crate::clock::Clock;
use crate::esl::{Command, Event, Reply};
use crate::id::{JobId, SessionId};

/// What a flow comes to.
pub(crate) type Flow = Pin<Box<dyn Future<Output = Result<(), AppError>> + Send>>;

pub(crate) type Answer<T> = oneshot::Sender<T>;

/// One request to the owner of a host.
pub(crate) enum Order {
    Command {
        command: Command,
        answer: Box<dyn FnOnce(Result<Reply, HostError>) + Send>,
    },
    Launch {
        job: JobId,
        name: String,
        arguments: String,
        /// The session that it makes, and who is told once it is there.
        session: Option<(SessionId, watch::Sender<Option<super::Session>>)>,
        answer: Answer<Result<Job, HostError>>,
    },
    /// Runs a flow beside everything else; one of a session ends with it.
    Spawn {
        session: Option<SessionId>,
        app: Arc<str>,
        flow: Flow,
    },
    /// A session is gone, and every flow that its end began was asked for before this.
    Settle(SessionId),
    /// Refuses sessions that come in from now on, unless they are of a call that is served.
    Drain,
    /// Has apps take up sessions that wait; gives how many.
    TakeUp {
        which: Waiting,
        answer: Answer<Result<usize, HostError>>,
    },
    /// Sessions of apps that are there, or that are gone while a flow of theirs still runs.
    Served(Answer<usize>),
    /// Whether the id can be loaded under, before anything is set up.
    CanLoad {
        group: String,
        names: Vec<String>,
        answer: Answer<Result<(), LoadError>>,
    },
    Load {
        group: Group,
        answer: Answer<Result<(), Box<(LoadError, Group)>>>,
    },
    /// Gives back what was loaded under the id, or the app of that name alone; without an id, everything.
    Unload {
        group: Option<String>,
        app: Option<String>,
        answer: Answer<Vec<Box<dyn App>>>,
    },
    Sessions(Answer<Vec<super::Session>>),
    Calls(Answer<Vec<super::Call>>),
    /// What belongs to this client: see [`Own`].
    Own(Answer<Own>),
    Stats(Answer<Stats>),
    /// Tells the apps of a group of a load's pace.
    Pace {
        group: String,
        pace: Pace,
    },
    Subscribe(String),
    /// Has every event of these names sent here as well; all where there are none.
    Tap {
        names: Vec<String>,
        to: mpsc::UnboundedSender<Arc<Event>>,
    },
    Close(Answer<()>),
}

/// What a client's own calls and apps have on its host.
pub(crate) struct Own {
    /// Sessions that it made, those of its apps, and the others of their calls.
    pub sessions: Vec<super::Session>,
    /// Sessions that are being made.
    pub coming: Vec<SessionId>,
}

/// How handles reach the owner of their host.
#[derive(Clone)]
pub(crate) struct Desk {
    pub name: Arc<str>,
    pub clock: Clock,
    pub orders: mpsc::UnboundedSender<Order>,
    pub link: watch::Receiver<Link>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Desk({})", self.name)
    }
}

impl Desk {
    /// Gives an order. One to a client that was closed is forgotten; whoever waits for its answer learns of it.
    pub fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    /// What `order` is answered with.
    pub async fn ask<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Result<T, HostError> {
        let (answer, answered) = oneshot::channel();
        self.order(order(answer));
        answered.await.map_err(|_| self.closed())
    }

    /// The host's `recordings_dir`, where it told one.
    pub fn recordings(&self) -> Option<String> {
        match &*self.link.borrow() {
            Link::Up(facts) => facts.recordings.clone(),
            Link::Connecting | Link::Away(_) => None,
        }
    }

    pub fn closed(&self) -> HostError {
        HostError::Away { host: self.name.to_string(), reason: "the client was closed".to_owned() }
    }
}
