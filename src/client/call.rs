//! A call as a program holds it: the sessions that belong together.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::session::WeakSession;
use super::{Session, SessionError};
use crate::call::HangupCause;
use crate::id::CallId;

/// A call. A handle, cheap to copy; what it tells is always the newest. Sessions that are gone belong to it as long as
/// somebody holds them.
///
/// ```
/// # use callwright::app::Scripted;
/// # use callwright::scenario::app::TonePlay;
/// # use callwright::testing::{Caller, TestHost};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let caller = Caller::on(TestHost::start()).with_app("tone", Scripted::of("tone", &TonePlay::default()));
/// # let session = caller.call("doggy", "tone").await;
/// let call = session.call();
/// let callee = call.peer(&session).ok_or("a call of one leg")?;
/// assert_eq!((call.first(), call.last()), (Some(session), Some(callee)));
/// call.hangup().await?;
/// call.until_ended().await;
/// assert!(call.is_ended());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Call(Arc<Inner>);

struct Inner {
    id: CallId,
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    sessions: Vec<WeakSession>,
    ended: bool,
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Call {}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({}, {:?})", self.0.id, self.sessions())
    }
}

impl From<&Call> for Call {
    fn from(call: &Call) -> Call {
        call.clone()
    }
}

/// The call that a session belongs to.
impl From<&Session> for Call {
    fn from(session: &Session) -> Call {
        session.call()
    }
}

impl Call {
    pub(super) fn new(id: CallId) -> Call {
        Call(Arc::new(Inner { id, state: watch::Sender::new(State::default()) }))
    }

    pub(super) fn enter(&self, session: &Session) {
        self.0.state.send_modify(|state| state.sessions.push(session.weak()));
    }

    pub(super) fn leave(&self, session: &Session) {
        self.0.state.send_modify(|state| state.sessions.retain(|other| other.upgrade().as_ref() != Some(session)));
    }

    pub(super) fn end(&self) {
        self.0.state.send_modify(|state| state.ended = true);
    }

    /// What joins its sessions: the value of the tracking header, or the id of the only session.
    pub fn id(&self) -> &CallId {
        &self.0.id
    }

    /// Its sessions in the order they came.
    pub fn sessions(&self) -> Vec<Session> {
        self.0.state.borrow().sessions.iter().filter_map(WeakSession::upgrade).collect()
    }

    /// The session that came first: the caller's, usually.
    pub fn first(&self) -> Option<Session> {
        self.sessions().into_iter().next()
    }

    /// The session that came last.
    pub fn last(&self) -> Option<Session> {
        self.sessions().pop()
    }

    /// The other end of a call of two: the first for the last, the last for any other.
    pub fn peer(&self, of: &Session) -> Option<Session> {
        let (first, last) = (self.first()?, self.last()?);
        let peer = if last == *of { first } else { last };
        (peer != *of).then_some(peer)
    }

    /// Whether all its sessions are gone.
    pub fn is_ended(&self) -> bool {
        self.0.state.borrow().ended
    }

    /// Waits until all its sessions are gone.
    pub async fn until_ended(&self) {
        let mut state = self.0.state.subscribe();
        // The sender is in this handle, so it does not end before.
        let _ = state.wait_for(|state| state.ended).await;
    }

    /// Waits until it has so many sessions; `None` where it ended before.
    pub async fn until_sessions(&self, count: usize) -> Option<Vec<Session>> {
        let mut state = self.0.state.subscribe();
        let enough = |state: &State| state.sessions.len() >= count;
        let state = state.wait_for(|state| enough(state) || state.ended).await.ok()?;
        enough(&state).then(|| state.sessions.iter().filter_map(WeakSession::upgrade).collect())
    }

    /// Hangs all its sessions up; done when each is.
    pub async fn hangup(&self) -> Result<(), SessionError> {
        self.hangup_with(HangupCause::parse("NORMAL_CLEARING")).await
    }

    /// Hangs all its sessions up with a cause; done when each is.
    pub async fn hangup_with(&self, cause: HangupCause) -> Result<(), SessionError> {
        let acts: Vec<_> = self.sessions().iter().map(|session| session.hangup_with(cause.clone())).collect();
        for (act, session) in acts.into_iter().zip(self.sessions()) {
            match act.await {
                // The end of one leg takes the other with it.
                Err(_) if session.is_hung_up() => {}
                outcome => outcome?,
            }
        }
        Ok(())
    }
}
