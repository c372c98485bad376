//! Steps done on a session: a script, driven by what is seen of the session.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::orders::Order;
use super::seen::{Over, Seen};
use super::session::ended;
use super::{HostError, Session, SessionError};
use crate::esl::Reply;
use crate::id::Ids;
use crate::scenario::{Leg, PlacedStep, Script, StepFailed};

/// Commands' replies with the numbers of their commands.
type Replies = mpsc::UnboundedSender<(u64, Result<Reply, HostError>)>;

/// A script on its session.
pub(super) struct Performance {
    session: Session,
    script: Script,
    /// The entry of the session's history that the script is told next.
    next: usize,
    /// How many recordings of the script the session knows of.
    recordings: usize,
    replies: mpsc::UnboundedReceiver<(u64, Result<Reply, HostError>)>,
    to_replies: Replies,
}

/// What a switch says of a session that it does not have: to messages for it, and to API commands.
const GONE: [&str; 2] = ["invalid session id", "No such channel"];
/// How long the event that tells of a session's end may take when the switch does not know the session any more.
const TOLD: Duration = Duration::from_secs(2);

/// Longer than any script waits without a time limit of its own.
const NO_LIMIT: Duration = Duration::from_secs(3_600);

impl Performance {
    /// Begins: the first step's commands are given before this returns.
    pub fn begin(session: &Session, steps: Arc<[PlacedStep]>) -> Performance {
        for event in steps.iter().flat_map(|step| step.value.events()) {
            session.desk().order(Order::Subscribe(event));
        }
        let (script, next) = session.read(|seen| {
            let mut script = Script::new(leg(seen), session.id().clone(), steps, &stem(session), Ids::random());
            script.resume(&seen.session, seen.waiting);
            (script, seen.end())
        });
        let (to_replies, replies) = mpsc::unbounded_channel();
        let mut performance =
            Performance { session: session.clone(), script, next, recordings: 0, replies, to_replies };
        performance.script.advance(session.desk().clock.now());
        performance.give_commands();
        performance
    }

    /// Goes on to the end.
    pub async fn end(mut self) -> Result<(), SessionError> {
        let clock = self.session.desk().clock;
        let mut watch = self.session.watch();
        loop {
            let lost = {
                let seen = watch.borrow_and_update();
                let from = self.next;
                for (at, entry) in seen.entries(from) {
                    self.script.handle_change(clock.now(), &entry.change, &entry.event);
                    self.next = at + 1;
                }
                matches!(seen.over, Some(Over::Lost(_))).then(|| ended(&seen, "outcome"))
            };
            self.give_commands();
            if let Some(result) = self.script.result() {
                return Ok(self.explained(result).await?);
            }
            if let Some(lost) = lost {
                return Err(lost);
            }
            let due = self.script.poll_timeout().map_or(NO_LIMIT, |at| clock.until(at));
            tokio::select! {
                changed = watch.changed() => changed.expect("the session's handle keeps the sender"),
                Some((number, reply)) = self.replies.recv() => {
                    self.script.handle_reply(clock.now(), number, &reply?);
                }
                () = tokio::time::sleep(due) => self.script.advance(clock.now()),
            }
        }
    }

    /// A command to a session that is gone may be refused before the event that tells of its end is here.
    async fn explained(&self, result: Result<(), Box<StepFailed>>) -> Result<(), Box<StepFailed>> {
        let Err(mut failed) = result else { return Ok(()) };
        if GONE.iter().any(|reply| failed.actual.contains(reply)) {
            let ended = tokio::time::timeout(TOLD, self.session.until_hung_up()).await;
            failed.ended = failed.ended.or(ended.ok().and_then(Result::ok));
        }
        Err(failed)
    }

    fn give_commands(&mut self) {
        let known = self.recordings;
        if self.script.recordings().len() > known {
            let begun = self.script.recordings()[known..].to_vec();
            self.recordings += begun.len();
            self.session.change(|seen| seen.recordings.extend(begun));
        }
        while let Some((number, command)) = self.script.poll_command() {
            let replies = self.to_replies.clone();
            // Nobody waits where the act was dropped.
            let answer = Box::new(move |reply| drop(replies.send((number, reply))));
            self.session.desk().order(Order::Command { command, answer });
        }
    }
}

/// Whose words are used: the one that calls is outbound.
fn leg(seen: &Seen) -> Leg {
    match seen.session.direction {
        crate::call::Direction::Outbound => Leg::Caller,
        crate::call::Direction::Inbound => Leg::Callee,
    }
}

/// Where a recording goes that has no path of its own: the host's `recordings_dir`, where it told one.
fn stem(session: &Session) -> PathBuf {
    let folder = session.desk().recordings().unwrap_or_else(|| "/tmp".to_owned());
    Path::new(&folder).join(format!("callwright-{}", session.id()))
}
