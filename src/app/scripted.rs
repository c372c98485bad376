//! Apps that are steps of the scenario language: the built-in ones, and any other list of steps.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::{App, AppError};
use crate::call::Direction;
use crate::client::Session;
use crate::scenario::app::{App as Steps, AppSteps};
use crate::scenario::step::{self, Signal, Step};
use crate::scenario::{Leg, PlacedStep, Recording, placed};

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
    /// It is hung up, unless something plays on or echoes; one that is connected to another when that is over.
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
        let AppSteps { mut caller, callee, record, duration, .. } = app.steps(duration);
        if let Some(time) = duration {
            caller.push(Box::new(step::Sleep { time }));
            caller.push(Box::new(step::Hangup { cause: None }));
        }
        let at = Location::caller();
        let placed = |leg: Leg, steps: Vec<Box<dyn Step>>| {
            recorded(steps, record.of(leg)).into_iter().map(|step| placed(step, at)).collect()
        };
        Scripted::of_steps(name, placed(Leg::Caller, caller), placed(Leg::Callee, callee))
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
        let (session, at_end) = (session.clone(), self.at_end);
        session.clone().spawn(async move {
            let bridges = steps.last().is_some_and(|step| step.value.kind() == "bridge");
            let outcome = session.perform(steps).await;
            if at_end == AtEnd::HangUp && !session.is_hung_up() {
                end(&session, bridges && outcome.is_ok()).await?;
            }
            Ok(outcome?)
        });
        Ok(())
    }
}

/// `steps` with a recording from when sound can flow.
fn recorded(mut steps: Vec<Box<dyn Step>>, recording: Option<Recording>) -> Vec<Box<dyn Step>> {
    let answered = |step: &dyn Step| {
        let facts = step.facts();
        facts.awaits_answer || facts.signal == Some(Signal::Answer)
    };
    if let (Some(recording), Some(at)) = (recording, steps.iter().position(|step| answered(&**step))) {
        steps.insert(at + 1, Box::new(step::Record { recording }));
    }
    steps
}

/// Hangs a session up that has nothing more to do.
async fn end(session: &Session, bridged: bool) -> Result<(), AppError> {
    if bridged {
        session.until_application_ends("bridge").await?;
    }
    if !session.is_playing() {
        session.hangup().await?;
    }
    Ok(())
}
