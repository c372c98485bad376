//! Jobs: `bgapi` commands under way.

use std::collections::HashMap;
use std::time::Duration;

use crate::id::{JobId, SessionId};
use crate::units::Time;

/// One `bgapi` command, from its launch to its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    /// Our clock, when the command was given to the connection.
    pub launched: Time,
    /// The session that an `originate` makes.
    pub session: Option<SessionId>,
    /// When its result came, by our clock, and its text as the switch sent it (`-ERR NO_ANSWER\n`).
    pub finished: Option<(Time, String)>,
}

impl Job {
    /// The text behind `+OK`, or that behind `-ERR` as the error; `None` while it runs.
    pub fn result(&self) -> Option<Result<&str, &str>> {
        self.finished.as_ref().map(|(_, text)| crate::esl::outcome(text))
    }

    pub fn took(&self) -> Option<Duration> {
        self.finished.as_ref().map(|(at, _)| at.since(self.launched))
    }
}

/// The jobs under way on one host.
#[derive(Debug, Default)]
pub struct Jobs {
    running: HashMap<JobId, Job>,
}

impl Jobs {
    /// Registers a job. Done before its command is sent, so its result cannot come too early to be known.
    pub fn launch(&mut self, id: JobId, session: Option<SessionId>, now: Time) {
        self.running.insert(id.clone(), Job { id, launched: now, session, finished: None });
    }

    /// Ends a job; `None` for one that is not ours.
    pub fn finish(&mut self, id: &str, text: &str, now: Time) -> Option<Job> {
        let mut job = self.running.remove(id)?;
        job.finished = Some((now, text.to_owned()));
        Some(job)
    }

    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Takes all that run: their results will never come.
    pub fn abandon(&mut self) -> Vec<Job> {
        self.running.drain().map(|(_, job)| job).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_ends_once_and_knows_what_it_took() {
        let mut jobs = Jobs::default();
        let start = Time::from_micros(1_000);
        jobs.launch(JobId::new("j"), Some(SessionId::new("s")), start);
        let job = jobs.finish("j", "-ERR NO_ANSWER\n", start + Duration::from_secs(1)).unwrap();
        assert_eq!(job.result(), Some(Err("NO_ANSWER")));
        assert_eq!(job.took(), Some(Duration::from_secs(1)));
        assert_eq!(jobs.finish("j", "+OK", start), None);
    }
}
