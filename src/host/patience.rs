//! How long a host is tried for, and when it is tried again.

use std::time::Duration;

use super::Lost;
use crate::units::Time;

/// How long to try for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the first connection: a switch may still be starting.
    pub first: Duration,
    /// After the connection was lost.
    pub again: Duration,
    /// For the switch to log us in and tell about itself.
    pub login: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Patience { first: seconds(5), again: seconds(10), login: seconds(10) }
    }
}

/// Attempts to connect to one host: they come ever more slowly until there is no more patience.
#[derive(Clone, Debug)]
pub struct Attempts {
    address: String,
    patience: Patience,
    /// Until when it is tried.
    deadline: Time,
    /// Before the next attempt.
    pause: Duration,
    /// What answered the last attempt was a switch.
    is_up: bool,
}

/// What follows when an attempt failed or a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next attempt is due then.
    Again(Time),
    /// The host is lost. Unless that [is over](Lost::is_over), [`Attempts::begin_again`] once it was told.
    Tell(Lost),
}

/// First pause between two attempts; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Attempts {
    /// The first attempts, from now on.
    pub fn new(now: Time, address: impl Into<String>, patience: Patience) -> Attempts {
        let deadline = now + patience.first;
        Attempts { address: address.into(), patience, deadline, pause: FIRST_PAUSE, is_up: false }
    }

    /// Until when an attempt may take.
    pub fn deadline(&self) -> Time {
        self.deadline
    }

    /// What answered is a switch, and told of itself.
    pub fn handle_up(&mut self) {
        self.is_up = true;
    }

    /// No connection could be made.
    pub fn handle_refused(&mut self, now: Time, error: String) -> Next {
        let address = &self.address;
        let lost = Lost::Unreachable { address: address.clone(), error };
        self.pause(now).map_or(Next::Tell(lost), Next::Again)
    }

    /// A connection ended.
    pub fn handle_ended(&mut self, now: Time, lost: Lost) -> Next {
        if std::mem::take(&mut self.is_up) || lost.is_over() {
            return Next::Tell(lost);
        }
        // Something listens there, and is no switch: trying goes on no longer than for one that does not.
        let lost = Lost::NoSwitch { address: self.address.clone(), error: lost.to_string() };
        self.pause(now).map_or(Next::Tell(lost), Next::Again)
    }

    /// A connection was lost and that was told: the host is tried for anew.
    pub fn begin_again(&mut self, now: Time) {
        self.deadline = now + self.patience.again;
        self.pause = FIRST_PAUSE;
    }

    /// When the next attempt is due; `None` when there is no more patience.
    fn pause(&mut self, now: Time) -> Option<Time> {
        let next = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        (next <= self.deadline).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::esl::CloseReason;
    use crate::host::Line;

    const MS: Duration = Duration::from_millis(1);

    fn eof() -> Lost {
        Lost::Connection { line: Line::Events, reason: CloseReason::Eof }
    }

    fn attempts() -> Attempts {
        Attempts::new(Time::default(), "h:8021", Patience { first: 500 * MS, again: 300 * MS, login: 1_000 * MS })
    }

    #[test]
    fn attempts_come_ever_more_slowly_until_there_is_no_more_patience() {
        let mut attempts = attempts();
        let mut now = Time::default();
        let mut pauses = Vec::new();
        let lost = loop {
            match attempts.handle_refused(now, "refused".to_owned()) {
                Next::Again(at) => {
                    pauses.push(at.since(now).as_millis());
                    now = at;
                }
                Next::Tell(lost) => break lost,
            }
        };
        assert_eq!(pauses, [50, 100, 200]);
        assert_eq!(lost, Lost::Unreachable { address: "h:8021".to_owned(), error: "refused".to_owned() });
    }

    #[test]
    fn a_switch_that_is_lost_is_told_and_tried_for_anew() {
        let mut attempts = attempts();
        let later = Time::default() + 60_000 * MS;
        attempts.handle_up();
        assert_eq!(attempts.handle_ended(later, eof()), Next::Tell(eof()));
        attempts.begin_again(later);
        assert_eq!(attempts.handle_refused(later, String::new()), Next::Again(later + 50 * MS));
        assert_eq!(attempts.deadline(), later + 300 * MS);
    }

    #[test]
    fn what_never_was_a_switch_is_tried_again_and_told_in_the_end() {
        let mut attempts = attempts();
        let soon = Time::default() + 50 * MS;
        assert_eq!(attempts.handle_ended(Time::default(), eof()), Next::Again(soon));
        let Next::Tell(lost) = attempts.handle_ended(soon + 600 * MS, eof()) else { panic!("it has no more patience") };
        assert!(matches!(lost, Lost::NoSwitch { .. }) && lost.is_over());
    }
}
