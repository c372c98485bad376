//! Apps that are steps of the scenario language: the built-in ones, and any other list of steps.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::end::{STAYS, end, end_failed, judged};
use super::{App, AppError};
use crate::call::Direction;
use crate::client::Session;
use crate::scenario::app::{App as Steps, parts};
use crate::scenario::step::Step;
use crate::scenario::{Leg, PlacedStep, placed};

/// An app that has each session do steps: the calling one (outbound) the caller's, one that is called the callee's.
///
/// ```
/// use callwright::app::Scripted;
/// use callwright::scenario::app::TonePlay;
///
/// let app = Scripted::of("tone", &TonePlay::default());
/// # let _ = app;
/// ```
#[derive(Clone, Debug)]
pub struct Scripted {
    name: String,
    legs: [Arc<[PlacedStep]>; 2],
    at_end: AtEnd,
}

/// What becomes of a session when its steps are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtEnd {
    /// It stays as it is.
    #[default]
    Stay,
    /// It is hung up, once nothing plays, echoes or connects it to another any more; unless its last step parked it. One of
    /// which a step failed is hung up with a cause that says so.
    HangUp,
}

impl Scripted {
    /// A built-in app of the scenario language, with what it records and the talk time after which its caller hangs up.
    #[track_caller]
    pub fn of(name: impl Into<String>, app: &dyn Steps) -> Scripted {
        Scripted::lasting(name, app, None)
    }

    /// The same with another talk time.
    #[track_caller]
    pub fn lasting(name: impl Into<String>, app: &dyn Steps, duration: Option<Duration>) -> Scripted {
        let at = Location::caller();
        let placed = |steps: Vec<Box<dyn Step>>| steps.into_iter().map(|step| placed(step, at)).collect();
        let [caller, callee] = parts(app, duration).map(placed);
        Scripted::of_steps(name, caller, callee)
    }

    /// These steps of the session that calls and of the one that is called.
    pub fn of_steps(name: impl Into<String>, caller: Vec<PlacedStep>, callee: Vec<PlacedStep>) -> Scripted {
        Scripted { name: name.into(), legs: [caller.into(), callee.into()], at_end: AtEnd::default() }
    }

    pub fn at_end(self, at_end: AtEnd) -> Scripted {
        Scripted { at_end, ..self }
    }
}

impl App for Scripted {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn events(&self) -> Vec<String> {
        self.legs.iter().flat_map(|steps| steps.iter()).flat_map(|step| step.value.events()).collect()
    }

    fn on_created(&mut self, session: &Session) -> Result<(), AppError> {
        let leg = match session.direction() {
            Direction::Outbound => Leg::Caller,
            Direction::Inbound => Leg::Callee,
        };
        let steps = Arc::clone(&self.legs[leg as usize]);
        let at_end = self.at_end;
        // A leg without steps is somebody else's.
        if steps.is_empty() && at_end == AtEnd::HangUp {
            return Ok(());
        }
        let session = session.clone();
        session.clone().spawn(async move {
            match (play(&session, steps).await, at_end) {
                (outcome, AtEnd::Stay) => outcome,
                (Ok(()), AtEnd::HangUp) => end(&session).await,
                (Err(error), AtEnd::HangUp) => end_failed(&session, error).await,
            }
        });
        Ok(())
    }
}

/// Does steps; notes whether the session stays as they leave it.
pub(super) async fn play(session: &Session, steps: Arc<[PlacedStep]>) -> Result<(), AppError> {
    let parks = steps.last().is_some_and(|step| step.value.kind() == "park");
    let outcome = session.perform(Arc::clone(&steps)).await;
    if parks && outcome.is_ok() {
        session.set_note(STAYS, "parked");
    }
    outcome.map_err(|error| judged(session, &steps, error))
}
