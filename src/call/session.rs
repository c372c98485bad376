//! One session: one channel on one switch.

use std::sync::Arc;
use std::time::Duration;

use super::HangupCause;
use crate::esl::{Event, header};
use crate::id::{CallId, SessionId};
use crate::units::Time;

/// Which way a session's INVITE went, seen from the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The switch received the INVITE: the callee's leg of a call to itself.
    Inbound,
    /// The switch sent the INVITE: the caller's leg.
    Outbound,
}

/// How far a session has come. It only ever moves down this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Created,
    /// 180 was sent or received.
    Ringing,
    /// 183 with a session description.
    EarlyMedia,
    Answered,
    HungUp,
}

/// A session and what is known of it. Times are the switch's own, so they subtract from each other and from no others.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    /// The call it belongs to; by itself where no tracking header names one.
    pub call: CallId,
    pub direction: Direction,
    pub state: State,
    /// The app group it carries the id of.
    pub app: Option<Arc<str>>,
    pub created: Time,
    pub ringing: Option<Time>,
    pub early_media: Option<Time>,
    pub answered: Option<Time>,
    pub hung_up: Option<Time>,
    pub hangup_cause: Option<HangupCause>,
    latest: Arc<Event>,
}

impl Session {
    pub(super) fn new(id: SessionId, call: CallId, event: &Arc<Event>) -> Self {
        let direction = match event.header(header::CALL_DIRECTION) {
            Some("outbound") => Direction::Outbound,
            _ => Direction::Inbound,
        };
        let created = event.header("Caller-Channel-Created-Time").and_then(time).or(event.fired()).unwrap_or_default();
        Session {
            id,
            call,
            direction,
            state: State::Created,
            app: None,
            created,
            ringing: None,
            early_media: None,
            answered: None,
            hung_up: None,
            hangup_cause: None,
            latest: Arc::clone(event),
        }
    }

    /// Takes over what `event` says of the session, and tells whether its state moved on.
    pub(super) fn update(&mut self, event: &Arc<Event>) -> Option<State> {
        self.latest = Arc::clone(event);
        let [ringing, early_media, answered, hung_up, cause] = event.values([
            "Caller-Channel-Progress-Time",
            "Caller-Channel-Progress-Media-Time",
            "Caller-Channel-Answered-Time",
            "Caller-Channel-Hangup-Time",
            header::HANGUP_CAUSE,
        ]);
        self.ringing = ringing.and_then(time).or(self.ringing);
        self.early_media = early_media.and_then(time).or(self.early_media);
        self.answered = answered.and_then(time).or(self.answered);
        self.hung_up = hung_up.and_then(time).or(self.hung_up);
        if let Some(cause) = cause {
            self.hangup_cause = Some(HangupCause::parse(cause));
        }
        let now = event.fired().unwrap_or_default();
        let (state, since) = match event.name() {
            "CHANNEL_PROGRESS" => (State::Ringing, &mut self.ringing),
            "CHANNEL_PROGRESS_MEDIA" => (State::EarlyMedia, &mut self.early_media),
            "CHANNEL_ANSWER" => (State::Answered, &mut self.answered),
            // Where CHANNEL_HANGUP was not subscribed, the later ones tell it.
            "CHANNEL_HANGUP" | "CHANNEL_HANGUP_COMPLETE" | "CHANNEL_DESTROY" => (State::HungUp, &mut self.hung_up),
            _ => return None,
        };
        since.get_or_insert(now);
        if state <= self.state {
            return None;
        }
        self.state = state;
        Some(state)
    }

    /// The newest value of event header `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.latest.header(name)
    }

    /// The newest value of channel variable `name`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.latest.variable(name)
    }

    /// The newest event of the session.
    pub fn latest(&self) -> &Arc<Event> {
        &self.latest
    }

    pub fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// INVITE to answer.
    pub fn setup_time(&self) -> Option<Duration> {
        Some(self.answered?.since(self.created))
    }

    /// Post-dial delay: INVITE to the first of ringing, early media and answer.
    pub fn post_dial_delay(&self) -> Option<Duration> {
        let first = [self.ringing, self.early_media, self.answered].into_iter().flatten().min()?;
        Some(first.since(self.created))
    }

    /// Answer to hangup.
    pub fn talk_time(&self) -> Option<Duration> {
        Some(self.hung_up?.since(self.answered?))
    }

    /// The final SIP response to the session's INVITE: 200 when answered, the refusal otherwise.
    ///
    /// Only the side that received a refusal knows its code; a switch tells the other side's as the cause alone.
    pub fn sip_code(&self) -> Option<u16> {
        if self.is_answered() {
            return Some(200);
        }
        ["sip_invite_failure_status", "sip_term_status"].iter().find_map(|name| self.variable(name)?.parse().ok())
    }
}

/// A time as a channel's events carry it; `0` is none.
fn time(text: &str) -> Option<Time> {
    text.parse().ok().filter(|&micros| micros != 0).map(Time::from_micros)
}
