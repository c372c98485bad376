//! Apps: what is done with sessions, written in Rust.
//!
//! An app is a type with callbacks ([`App`]), or an async function of a session ([`flow`]). It is loaded into a
//! [`crate::client::Client`] under an id; sessions whose header names that id are its own, and those that name none
//! belong to the id `default`. Several apps may share an id: their callbacks run in the order they were loaded,
//! measurers first, and one that fails or panics is reported and never stops the others.

use std::future::Future;
use std::pin::Pin;

use crate::call::{Change, HangupCause};
use crate::client::{Call, Client, Session};
use crate::esl::Event;

mod end;
mod flow;
mod group;
mod groups;
mod pace;
mod proxier;
mod routed;
mod router;
mod scripted;

pub use crate::scenario::routes::{Chance, DESTINATION, Next};
pub use flow::{FlowApp, flow};
pub use group::{Group, LoadError};
pub(crate) use groups::{Failure, Groups, panicked};
pub use pace::Pace;
pub use proxier::{Bridger, Proxier, Way};
pub use router::{Hit, Route, RouteError, Router};
pub use scripted::{AtEnd, Scripted};

/// Why a callback or a flow failed: any error will do.
pub type AppError = Box<dyn std::error::Error + Send + Sync>;

/// What setup and teardown come to.
pub type Setup<'a> = Pin<Box<dyn Future<Output = Result<(), AppError>> + Send + 'a>>;

/// What is done with the sessions of a group.
///
/// Callbacks are called one after the other by the owner of the host, in the order of the switch's events: they must
/// not block. What takes its time is a flow of the session ([`Session::spawn`]), or an act that is let go
/// ([`crate::client::Act::detach`]).
///
/// ```
/// use callwright::app::{App, AppError};
/// use callwright::client::Session;
///
/// /// Answers what comes in and sends back what it hears.
/// struct Echo;
///
/// impl App for Echo {
///     fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
///         if session.is_inbound() {
///             let session = session.clone();
///             session.clone().spawn(async move {
///                 session.answer().await?;
///                 Ok(session.echo().await?)
///             });
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait App: Send + 'static {
    /// What reports call it; in a group each has another name. Its type's, unless told otherwise.
    fn name(&self) -> String {
        let name = std::any::type_name::<Self>();
        let name = name.split('<').next().unwrap_or(name);
        name.rsplit("::").next().unwrap_or(name).to_owned()
    }

    /// Events it needs beyond those that tracking subscribes to: `DTMF`, `CHANNEL_BRIDGE`, a `CUSTOM` subclass.
    fn events(&self) -> Vec<String> {
        Vec::new()
    }

    /// Before it is loaded. When it fails, nothing of its group is loaded.
    fn setup<'a>(&'a mut self, _client: &'a Client) -> Setup<'a> {
        Box::pin(async { Ok(()) })
    }

    /// After it was unloaded, and when its client is closed.
    fn teardown<'a>(&'a mut self, _client: &'a Client) -> Setup<'a> {
        Box::pin(async { Ok(()) })
    }

    /// A session came to be, or was taken up.
    fn on_created(&mut self, _session: &Session) -> Result<(), AppError> {
        Ok(())
    }

    /// A session, first alone, turned out to belong to a call.
    fn on_joined(&mut self, _session: &Session) -> Result<(), AppError> {
        Ok(())
    }

    /// A session rings (180).
    fn on_ringing(&mut self, _session: &Session) -> Result<(), AppError> {
        Ok(())
    }

    /// A session has sound before its answer (183).
    fn on_early_media(&mut self, _session: &Session) -> Result<(), AppError> {
        Ok(())
    }

    fn on_answered(&mut self, _session: &Session) -> Result<(), AppError> {
        Ok(())
    }

    /// A session waits for commands: it is the app's to control.
    fn on_parked(&mut self, _session: &Session) -> Result<(), AppError> {
        Ok(())
    }

    fn on_hung_up(&mut self, _session: &Session, _cause: &HangupCause) -> Result<(), AppError> {
        Ok(())
    }

    /// A session is gone.
    fn on_destroyed(&mut self, _session: &Session) -> Result<(), AppError> {
        Ok(())
    }

    /// A callback or a flow of one of the group's apps failed with a session, or panicked: `app` is its name. What fails in
    /// this is told to no app.
    fn on_failed(&mut self, _session: &Session, _app: &str, _error: &str) -> Result<(), AppError> {
        Ok(())
    }

    /// A session is gone and its flows are over: nothing more comes of it.
    fn on_settled(&mut self, _session: &Session) -> Result<(), AppError> {
        Ok(())
    }

    /// Any other event of a session.
    fn on_event(&mut self, _session: &Session, _event: &Event) -> Result<(), AppError> {
        Ok(())
    }

    /// The last session of a call is gone.
    fn on_call_ended(&mut self, _call: &Call) -> Result<(), AppError> {
        Ok(())
    }

    /// A load that makes calls of this app begins, or its pace was changed.
    fn on_pace(&mut self, _pace: &Pace) -> Result<(), AppError> {
        Ok(())
    }

    /// Any change, before the callback that is for it alone.
    fn on_change(&mut self, _session: &Session, _change: &Change, _event: &Event) -> Result<(), AppError> {
        Ok(())
    }
}
