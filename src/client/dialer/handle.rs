//! A load under way, as a program holds it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::Dialed;
use super::dialing::{Input, Order};
use crate::clock::Clock;
use crate::load::State;
use crate::metrics::Snapshot;
use crate::run::Control;
use crate::units::{Cps, Time};

/// A load under way. Dropped before its end, it offers no more and hangs its calls up.
///
/// Its [`State`] goes from `Initial` to `Originating` to `Stopped`. What is changed holds at once: rate, limit and weights
/// for the next call that is due, the talk time for calls that are answered from then on. Apps are told of it
/// ([`crate::app::App::on_pace`]).
#[derive(Debug)]
pub struct Dialer {
    inputs: mpsc::UnboundedSender<(Time, Input)>,
    progress: watch::Receiver<Progress>,
    clock: Clock,
}

/// How far a load has come.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub state: State,
    pub snapshot: Option<Box<Snapshot>>,
    pub dialed: Option<Arc<Dialed>>,
}

impl Default for Progress {
    fn default() -> Self {
        Progress { state: State::Initial, snapshot: None, dialed: None }
    }
}

impl Dialer {
    pub(super) fn new(
        inputs: mpsc::UnboundedSender<(Time, Input)>,
        progress: watch::Receiver<Progress>,
        clock: Clock,
    ) -> Dialer {
        Dialer { inputs, progress, clock }
    }

    pub fn state(&self) -> State {
        self.progress.borrow().state
    }

    /// How it fared a second ago at most; `None` in its first second.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.progress.borrow().snapshot.as_deref().cloned()
    }

    /// Waits until `holds` of a snapshot, of which there is one a second; gives it. `None` where the load ended before.
    pub async fn until(&self, holds: impl Fn(&Snapshot) -> bool) -> Option<Snapshot> {
        let mut progress = self.progress.clone();
        let fits = |progress: &Progress| progress.snapshot.as_deref().is_some_and(&holds);
        let seen = progress.wait_for(|progress| fits(progress) || progress.dialed.is_some()).await.ok()?;
        seen.snapshot.as_deref().filter(|snapshot| holds(snapshot)).cloned()
    }

    /// Offers calls at this rate from now on, in place of the profile.
    pub fn set_rate(&self, rate: Cps) {
        self.order(Order::Load(Control::SetRate(rate)));
    }

    /// Calls at once; `None`: any number. Those above a lower limit go on.
    pub fn set_limit(&self, calls: Option<u32>) {
        self.order(Order::Load(Control::SetLimit(calls)));
    }

    /// Calls in all; `None`: any number.
    pub fn set_max_offered(&self, calls: Option<u64>) {
        self.order(Order::Load(Control::SetMaxOffered(calls)));
    }

    /// How long calls are offered in all, pauses apart; `None`: as long as its profile has it.
    pub fn set_offer_for(&self, time: Option<Duration>) {
        self.order(Order::Load(Control::SetDuration(time)));
    }

    /// Time from its answer after which a call is hung up; `None`: by limit and rate.
    pub fn set_duration(&self, time: Option<Duration>) {
        self.order(Order::SetTalkTime(time));
    }

    /// What the calls of the app id `app` weigh among all that is offered.
    pub fn set_weight(&self, app: &str, weight: u64) {
        self.order(Order::SetWeight { app: app.to_owned(), weight });
    }

    /// Offers nothing until [`Dialer::resume`]. The time to offer calls stands still.
    pub fn pause(&self) {
        self.order(Order::Load(Control::Pause));
    }

    pub fn resume(&self) {
        self.order(Order::Load(Control::Resume));
    }

    /// Offers no more; calls that are up come to their end, as far as their time to drain allows.
    pub fn stop(&self) {
        self.order(Order::Load(Control::Stop));
    }

    /// Offers no more and hangs up the calls of the load. Those count as cut off, and are not judged.
    pub fn hang_up_all(&self) {
        self.order(Order::Load(Control::HangUp));
    }

    /// Waits until no call is up and none will be offered; gives what it came to.
    pub async fn wait(&self) -> Arc<Dialed> {
        let mut progress = self.progress.clone();
        let over = progress.wait_for(|progress| progress.dialed.is_some()).await;
        let dialed = over.ok().and_then(|progress| progress.dialed.clone());
        dialed.expect("the task of a load ends with its outcome, and panics only by our own mistake")
    }

    fn order(&self, order: Order) {
        // A load that is over is not changed any more.
        let _ = self.inputs.send((self.clock.now(), Input::Control(order)));
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.hang_up_all();
    }
}
