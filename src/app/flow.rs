//! Apps that are async functions.

use std::future::Future;

use super::{App, AppError};
use crate::client::Session;

/// An app whose sessions each run an async function. See [`flow`].
pub struct FlowApp<F> {
    name: String,
    begins: Begins,
    events: Vec<String>,
    run: F,
}

/// When a flow begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    Parked,
    Created,
}

/// An app called `name` that runs `run` for each of its sessions, from when the session is first parked and so can be
/// controlled, to its hangup, which cancels what `run` still waits for.
///
/// ```
/// use callwright::app::flow;
///
/// let echo = flow("echo", |session| async move {
///     session.answer().await?;
///     session.echo().await?;
///     Ok(())
/// });
/// # let _ = echo;
/// ```
pub fn flow<F, R>(name: impl Into<String>, run: F) -> FlowApp<F>
where
    F: Fn(Session) -> R + Send + 'static,
    R: Future<Output = Result<(), AppError>> + Send + 'static,
{
    FlowApp { name: name.into(), begins: Begins::Parked, events: Vec::new(), run }
}

impl<F> FlowApp<F> {
    /// Begins the flow of a session as soon as the session is there.
    pub fn from_creation(self) -> Self {
        FlowApp { begins: Begins::Created, ..self }
    }

    /// Subscribes to events that the flow waits for beyond those of tracking: `DTMF`.
    pub fn with_events<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.events.extend(names.into_iter().map(Into::into));
        self
    }
}

/// What tells that a session's flow has begun: a session may be parked again.
const BEGUN: &str = "flow begun: ";

impl<F, R> FlowApp<F>
where
    F: Fn(Session) -> R + Send + 'static,
    R: Future<Output = Result<(), AppError>> + Send + 'static,
{
    fn begin(&mut self, session: &Session) {
        let mark = format!("{BEGUN}{}", self.name);
        if session.note(&mark).is_none() {
            session.set_note(mark, "");
            session.spawn((self.run)(session.clone()));
        }
    }
}

impl<F, R> App for FlowApp<F>
where
    F: Fn(Session) -> R + Send + 'static,
    R: Future<Output = Result<(), AppError>> + Send + 'static,
{
    fn name(&self) -> String {
        self.name.clone()
    }

    fn events(&self) -> Vec<String> {
        self.events.clone()
    }

    fn on_created(&mut self, session: &Session) -> Result<(), AppError> {
        if self.begins == Begins::Created {
            self.begin(session);
        }
        Ok(())
    }

    fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
        if self.begins == Begins::Parked {
            self.begin(session);
        }
        Ok(())
    }
}
