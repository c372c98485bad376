//! Sessions that are gone, of which a flow may still tell something.

use std::collections::HashMap;

use super::Kept;
use crate::id::SessionId;

/// Flows of sessions, and the sessions that are gone while some of theirs still run.
#[derive(Default)]
pub(super) struct Settling {
    flows: HashMap<SessionId, usize>,
    /// Of these the flows that their end began may not have been heard of.
    gone: HashMap<SessionId, Kept>,
    /// These wait for flows that are known.
    waiting: HashMap<SessionId, Kept>,
}

impl Settling {
    /// A flow of `session` begins.
    pub fn begun(&mut self, session: &SessionId) {
        *self.flows.entry(session.clone()).or_default() += 1;
    }

    /// A flow of `session` ended; gives the session where it is settled by that.
    pub fn ended(&mut self, session: &SessionId) -> Option<Kept> {
        let flows = self.flows.get_mut(session)?;
        *flows = flows.saturating_sub(1);
        if *flows > 0 {
            return None;
        }
        self.flows.remove(session);
        self.waiting.remove(session)
    }

    /// A session is gone. [`Settling::settle`] follows, behind the flows that this began.
    pub fn gone(&mut self, kept: Kept) {
        self.gone.insert(kept.session.id().clone(), kept);
    }

    /// All flows of a session that is gone have begun; gives it where it is settled.
    pub fn settle(&mut self, session: &SessionId) -> Option<Kept> {
        let kept = self.gone.remove(session)?;
        if !self.flows.contains_key(session) {
            return Some(kept);
        }
        self.waiting.insert(session.clone(), kept);
        None
    }

    /// A session that is gone and not settled.
    pub fn gone_of(&self, session: &SessionId) -> Option<&Kept> {
        self.gone.get(session).or_else(|| self.waiting.get(session))
    }

    /// Sessions of apps that are gone and not settled.
    pub fn count(&self) -> usize {
        self.gone.values().chain(self.waiting.values()).filter(|kept| kept.group.is_some()).count()
    }
}
