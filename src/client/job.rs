//! A job as a program holds it.

use std::time::Duration;

use tokio::sync::watch;

use super::orders::Desk;
use super::{HostError, Session};
use crate::call;
use crate::id::{JobId, SessionId};

/// One `bgapi` command under way. A handle, cheap to copy.
#[derive(Clone, Debug)]
pub struct Job {
    pub(super) id: JobId,
    /// The session that an originate makes.
    pub(super) session: Option<SessionId>,
    pub(super) desk: Desk,
    /// That session, once it is there.
    pub(super) made: watch::Receiver<Option<Session>>,
    pub(super) state: watch::Receiver<Option<Result<call::Job, HostError>>>,
}

impl Job {
    pub fn id(&self) -> &JobId {
        &self.id
    }

    /// The session that an originate makes.
    pub fn session(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// Waits for the session that an originate makes, which is there before the call is up; `None` where it ends without
    /// one.
    pub async fn until_session(&self) -> Option<Session> {
        let mut made = self.made.clone();
        made.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Whether its result is there.
    pub fn is_ready(&self) -> bool {
        self.state.borrow().is_some()
    }

    /// Whether it ended well, once it has.
    pub fn is_successful(&self) -> Option<bool> {
        let state = self.state.borrow();
        state.as_ref().map(|ended| ended.as_ref().is_ok_and(|job| matches!(job.result(), Some(Ok(_)))))
    }

    /// Waits for its end; gives it with its times.
    pub async fn ended(&self) -> Result<call::Job, HostError> {
        let mut state = self.state.clone();
        match state.wait_for(Option::is_some).await {
            Ok(state) => state.clone().unwrap_or_else(|| Err(self.desk.closed())),
            Err(_) => Err(self.desk.closed()),
        }
    }

    /// Waits for its result: the text behind `+OK`; a refusal is an error.
    pub async fn result(&self) -> Result<String, HostError> {
        let job = self.ended().await?;
        match job.result() {
            Some(Ok(text)) => Ok(text.to_owned()),
            Some(Err(reply)) => {
                Err(HostError::Refused { command: format!("bgapi job {}", self.id), reply: reply.to_owned() })
            }
            None => Err(self.desk.closed()),
        }
    }

    /// The same, if it ends within `within`.
    pub async fn result_within(&self, within: Duration) -> Result<String, HostError> {
        match tokio::time::timeout(within, self.result()).await {
            Ok(result) => result,
            Err(_) => Err(HostError::Late { what: format!("end of job {}", self.id), within }),
        }
    }
}
