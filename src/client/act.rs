#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! Something that a session was told to do, and what comes of it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::{Session, SessionError};

/// Something that a session does: the command was given when this was made.
///
/// Awaited, it gives what came of it: [`Session::answer`] is done when the session is answered, not when the switch has
/// read the command. [`Act::detach`] lets it go on by itself; dropped, it is done all the same and nobody hears of its
/// failure.
#[must_use = "await it for its outcome, or `detach` it"]
pub struct Act<T = ()> {
    session: Session,
    what: String,
    outcome: Pin<Box<dyn Future<Output = Result<T, SessionError>> + Send>>,
    limit: Option<(Pin<Box<Sleep>>, Duration)>,
}

impl<T: Send + 'static> Act<T> {
    pub(super) fn new(
        session: Session,
        what: impl Into<String>,
        outcome: impl Future<Output = Result<T, SessionError>> + Send + 'static,
    ) -> Self {
        Act { session, what: what.into(), outcome: Box::pin(outcome), limit: None }
    }

    /// Waits no longer than `within` from now.
    pub fn within(mut self, within: Duration) -> Self {
        let at = Instant::now() + within;
        self.limit = Some((Box::pin(sleep_until(at)), within));
        self
    }

    /// Lets it go on by itself. Its failure is reported as one of the app that the session's handle was given to.
    pub fn detach(self) {
        let session = self.session.clone();
        session.spawn(async move { Ok(self.await.map(drop)?) });
    }
}

impl<T> Future for Act<T> {
    type Output = Result<T, SessionError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(outcome) = self.outcome.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        let Act { session, what, limit, .. } = &mut *self;
        let Some((sleep, within)) = limit else { return Poll::Pending };
        match sleep.as_mut().poll(context) {
            Poll::Ready(()) => {
                let (session, waited_for) = (session.id().to_string(), format!("end of {what}"));
                Poll::Ready(Err(SessionError::Late { session, waited_for, within: *within }))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
