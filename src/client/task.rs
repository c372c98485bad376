#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The task that owns a client's host, listener and flows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::listener::{Listener, Output};
use super::orders::{Flow, Order};
use super::{HostError, Link, Notice, SessionError};
use crate::app::{AppError, panicked};
use crate::call::HangupCause;
use crate::clock::Clock;
use crate::host::task::Host;
use crate::id::SessionId;

/// How long a flow may go on behind the end of its session.
const GRACE: Duration = Duration::from_secs(5);

/// A flow under way: whose it is, and how it is stopped.
struct Running {
    session: Option<SessionId>,
    app: Arc<str>,
    stop: AbortHandle,
}

/// Everything that belongs to one client.
pub(super) struct Owner {
    pub host: Host,
    pub listener: Listener,
    pub clock: Clock,
    pub orders: mpsc::UnboundedReceiver<Order>,
    pub link: watch::Sender<Link>,
    pub notices: broadcast::Sender<Notice>,
    flows: JoinSet<Result<(), AppError>>,
    running: HashMap<Id, Running>,
}

impl Owner {
    pub fn new(
        host: Host,
        listener: Listener,
        clock: Clock,
        orders: mpsc::UnboundedReceiver<Order>,
        link: watch::Sender<Link>,
        notices: broadcast::Sender<Notice>,
    ) -> Owner {
        Owner { host, listener, clock, orders, link, notices, flows: JoinSet::new(), running: HashMap::new() }
    }

    /// Runs until the client is closed.
    pub async fn run(mut self) {
        let mut is_there = true;
        loop {
            self.put_out();
            tokio::select! {
                event = self.host.events.recv(), if is_there => match event {
                    Some(event) => self.listener.handle_event(self.clock.now(), event),
                    // Its last word was why.
                    None => is_there = false,
                },
                order = self.orders.recv() => match order {
                    Some(Order::Close(answer)) => {
                        self.listener.close("the client was closed");
                        self.put_out();
                        self.flows.shutdown().await;
                        // Its sockets are closed as it is dropped.
                        drop(self.host);
                        let _ = answer.send(());
                        return;
                    }
                    Some(order) => self.listener.handle_order(order),
                    None => return,
                },
                Some(ended) = self.flows.join_next_with_id(), if !self.flows.is_empty() => self.handle_ended(ended),
            }
        }
    }

    fn put_out(&mut self) {
        while let Some(output) = self.listener.poll_output() {
            match output {
                Output::Request(request) => self.host.request(request),
                Output::Spawn { session, app, flow } => self.spawn(session, app, flow),
                Output::Gone(session) => self.stop_later(&session),
                Output::Unloaded(apps) => {
                    self.running.values().filter(|flow| apps.contains(&flow.app)).for_each(|flow| flow.stop.abort());
                }
                Output::Link(link) => drop(self.link.send_replace(link)),
                Output::Notice(notice) => self.tell(notice),
            }
        }
    }

    fn tell(&self, notice: Notice) {
        match &notice {
            Notice::AppFailed { app, session, error } => {
                let session = session.as_ref().map(SessionId::as_str).unwrap_or_default();
                tracing::error!(host = self.host.name, %app, session, "{error}");
            }
            other => tracing::info!(host = self.host.name, "{other}"),
        }
        // Nobody may listen.
        let _ = self.notices.send(notice);
    }

    fn spawn(&mut self, session: Option<SessionId>, app: Arc<str>, flow: Flow) {
        let stop = self.flows.spawn(flow);
        self.running.insert(stop.id(), Running { session, app, stop });
    }

    fn stop_later(&self, session: &SessionId) {
        for flow in self.running.values().filter(|flow| flow.session.as_ref() == Some(session)) {
            let stop = flow.stop.clone();
            tokio::spawn(async move {
                tokio::time::sleep(GRACE).await;
                stop.abort();
            });
        }
    }

    fn handle_ended(&mut self, ended: Result<(Id, Result<(), AppError>), JoinError>) {
        let (id, error) = match ended {
            Ok((id, Ok(()))) => (id, None),
            // A flow that waited for something of a session that ended is done with it.
            Ok((id, Err(error))) => (id, Some(error.to_string()).filter(|_| !is_end_of_session(&error))),
            Err(error) if error.is_panic() => (error.id(), Some(panicked(&*error.into_panic()))),
            Err(error) => (error.id(), None),
        };
        let Some(flow) = self.running.remove(&id) else { return };
        self.listener.handle_flow_ended(flow.session, flow.app, error);
    }
}

/// Whether a flow's error only says that its session is over: that somebody hung up while it did something is no failure.
fn is_end_of_session(error: &AppError) -> bool {
    use HangupCause::{NormalClearing, OriginatorCancel};
    // Without a cause it is not told yet.
    let of_caller = |cause: &HangupCause| matches!(cause, HangupCause::None | NormalClearing | OriginatorCancel);
    match error.downcast_ref() {
        Some(SessionError::Ended { .. } | SessionError::Lost { .. }) => true,
        Some(SessionError::Step(failed)) => failed.ended.as_ref().is_some_and(of_caller),
        // That the host is away is told by itself.
        Some(SessionError::Host(HostError::Away { .. })) => true,
        _ => false,
    }
}
