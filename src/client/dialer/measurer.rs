//! The app that tells a load of its calls.

use tokio::sync::mpsc;

use super::dialing::Input;
use crate::app::{App, AppError};
use crate::call::Change;
use crate::client::Session;
use crate::clock::Clock;
use crate::esl::Event;
use crate::units::Time;

/// What the app is called, once in each group.
pub(super) const NAME: &str = "load";

/// Tells a load what becomes of the sessions of its apps on one host.
pub(super) struct Measurer {
    host: usize,
    clock: Clock,
    inputs: mpsc::UnboundedSender<(Time, Input)>,
}

impl Measurer {
    pub fn new(host: usize, clock: Clock, inputs: mpsc::UnboundedSender<(Time, Input)>) -> Measurer {
        Measurer { host, clock, inputs }
    }

    fn tell(&self, input: Input) {
        // A load that is over wants to know nothing more.
        let _ = self.inputs.send((self.clock.now(), input));
    }
}

impl App for Measurer {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn on_change(&mut self, session: &Session, change: &Change, _: &Event) -> Result<(), AppError> {
        // The newest event of the session is the one that made the change.
        self.tell(Input::Changed { host: self.host, session: session.clone(), change: change.clone() });
        Ok(())
    }

    fn on_destroyed(&mut self, session: &Session) -> Result<(), AppError> {
        // Of any other end the event has told.
        if session.lost().is_some() {
            self.tell(Input::Lost(session.id().clone()));
        }
        Ok(())
    }
}
