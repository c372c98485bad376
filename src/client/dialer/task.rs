#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The task that owns a load under way.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::dialing::{Dialing, Fault, Input, Output};
use super::handle::Progress;
use super::load::Offer;
use super::measurer::NAME;
use crate::client::{Client, HostError, Link};
use crate::clock::Clock;
use crate::units::Time;

/// Everything that belongs to one load.
pub(super) struct Task {
    pub dialing: Dialing,
    pub offers: Vec<Offer>,
    pub clients: Arc<[Client]>,
    pub apps: BTreeSet<String>,
    pub clock: Clock,
    pub inbox: mpsc::UnboundedReceiver<(Time, Input)>,
    pub inputs: mpsc::UnboundedSender<(Time, Input)>,
    pub progress: watch::Sender<Progress>,
}

/// Runs to the end of the load.
pub(super) async fn run(mut task: Task) {
    let mut watching = JoinSet::new();
    for (host, client) in task.clients.iter().enumerate() {
        // Those that are up are so from the first call on.
        if client.is_up() {
            task.dialing.handle(task.clock.now(), Input::HostUp(host));
        }
        watching.spawn(watch_link(host, client.links(), task.clock, task.inputs.clone()));
    }
    task.dialing.start(task.clock.now());
    loop {
        while let Some(output) = task.dialing.poll_output() {
            task.put_out(output);
        }
        let state = task.dialing.state();
        task.progress.send_if_modified(|progress| std::mem::replace(&mut progress.state, state) != state);
        if task.dialing.is_over() {
            break;
        }
        let due = task.clock.until(task.dialing.poll_timeout());
        tokio::select! {
            // It holds a sender itself.
            Some((at, input)) = task.inbox.recv() => task.dialing.handle(at, input),
            () = tokio::time::sleep(due) => task.dialing.advance(task.clock.now()),
        }
    }
    for client in task.clients.iter() {
        for app in &task.apps {
            // One that is away has nothing loaded.
            let _ = client.unload_app(app, NAME).await;
        }
    }
    let dialed = Arc::new(task.dialing.conclude());
    task.progress.send_modify(|progress| progress.dialed = Some(dialed));
}

async fn watch_link(
    host: usize,
    mut links: watch::Receiver<Link>,
    clock: Clock,
    inputs: mpsc::UnboundedSender<(Time, Input)>,
) {
    while links.changed().await.is_ok() {
        let input = match &*links.borrow_and_update() {
            Link::Up(_) => Input::HostUp(host),
            Link::Away(reason) => Input::HostLost { host, reason: reason.clone() },
            Link::Connecting => continue,
        };
        let _ = inputs.send((clock.now(), input));
    }
}

impl Task {
    fn put_out(&mut self, output: Output) {
        match output {
            Output::Launch { index, offer, host } => self.launch(index, offer, host),
            Output::HangUp(session) => session.hangup().detach(),
            Output::Kill { host, session } => {
                let client = self.clients[host].clone();
                tokio::spawn(async move {
                    // One that never came to be is refused.
                    let _ = client.api(&format!("uuid_kill {session}")).await;
                });
            }
            Output::Pace(pace) => {
                for client in self.clients.iter() {
                    self.apps.iter().for_each(|app| client.tell_pace(app, pace));
                }
            }
            Output::Told(snapshot) => self.progress.send_modify(|progress| progress.snapshot = Some(snapshot)),
        }
    }

    fn launch(&mut self, index: u64, offer: usize, host: usize) {
        let client = &self.clients[host];
        let Offer { app, originate, .. } = &self.offers[offer];
        let originate = originate(client).app(app);
        self.dialing.launched(index, originate.session.clone());
        let job = client.originate(&originate);
        let (inputs, clock) = (self.inputs.clone(), self.clock);
        tokio::spawn(async move {
            let ended = match job.result().await {
                Ok(_) => Ok(()),
                Err(HostError::Refused { reply, .. }) => Err(Fault::Refused(reply)),
                Err(error) => Err(Fault::Unknown(error.to_string())),
            };
            let _ = inputs.send((clock.now(), Input::JobEnded { index, ended }));
        });
    }
}
