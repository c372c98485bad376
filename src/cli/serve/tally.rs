//! What a service has come to, in lines for people and in records.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use super::amount;
use super::watch::Seen;
use crate::client::Notice;
use crate::metrics::{Cdr, LegTimes};
use crate::units::{Time, human};
use crate::verdict::Verdict;

/// Counts calls and failures.
pub(super) struct Tally {
    began: Time,
    verbosity: Verbosity,
    calls: u64,
    answered: u64,
    causes: BTreeMap<String, u64>,
    failures: u64,
    /// Calls that an app failed with.
    failed: u64,
    /// Calls that were lost with their host.
    lost: u64,
    there: HashMap<String, There>,
}

/// What is told beside failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verbosity {
    Hosts,
    Calls,
}

/// A call that is there.
struct There {
    index: u64,
    host: Arc<str>,
    begun: Time,
    active: u32,
    /// The first failure of an app with it.
    failure: Option<(Arc<str>, String)>,
}

impl Tally {
    pub fn new(began: Time, verbosity: Verbosity) -> Tally {
        Tally {
            began,
            verbosity,
            calls: 0,
            answered: 0,
            causes: BTreeMap::new(),
            failures: 0,
            failed: 0,
            lost: 0,
            there: HashMap::new(),
        }
    }

    pub fn failures(&self) -> u64 {
        self.failures
    }

    pub fn handle_notice(&mut self, host: &str, notice: &Notice) -> Vec<String> {
        match notice {
            // What is told of a host that comes back says more.
            Notice::Up(_) => return Vec::new(),
            Notice::Lost { .. } => {}
            Notice::Back(recovery) => {
                let gone: HashSet<&str> = recovery.lost.iter().map(|id| id.as_str()).collect();
                let before = self.there.len();
                self.there.retain(|session, _| !gone.contains(session.as_str()));
                self.lost += (before - self.there.len()) as u64;
            }
            Notice::AppFailed { app, session, error } => {
                self.failures += 1;
                let there = session.as_ref().and_then(|session| self.there.get_mut(session.as_str()));
                if let Some(there) = there {
                    there.failure.get_or_insert((Arc::clone(app), error.clone()));
                }
            }
        }
        vec![format!("{host}: {notice}")]
    }

    /// What is said of it, and the record of a call that ended.
    pub fn handle_seen(&mut self, now: Time, seen: Seen) -> (Vec<String>, Option<Cdr>) {
        let (line, cdr) = match seen {
            Seen::Began { host, session, from, to } => {
                let line = format!("{host}: call {session} began: from {} to {}", named(&from), named(&to));
                let active = u32::try_from(self.there.len() + 1).unwrap_or(u32::MAX);
                let there = There { index: self.calls, host, begun: now, active, failure: None };
                self.calls += 1;
                self.there.insert(session, there);
                (line, None)
            }
            Seen::Ended { session, leg, sip_code } => {
                // One that was lost and told so.
                let Some(there) = self.there.remove(&session) else { return (Vec::new(), None) };
                // The switch that knew why is gone.
                if leg.hangup_cause.is_empty() {
                    self.lost += 1;
                    return (Vec::new(), Some(self.record(now, there, leg, sip_code)));
                }
                *self.causes.entry(leg.hangup_cause.clone()).or_default() += 1;
                self.answered += u64::from(leg.answered.is_some());
                self.failed += u64::from(there.failure.is_some());
                let talked = leg.answered.map(|answered| leg.hung_up.unwrap_or(answered).since(answered));
                let talked = talked.map(|time| format!(", {} after its answer", human(time)));
                let line = format!(
                    "{}: call {session} ended: {}{}",
                    there.host,
                    leg.hangup_cause,
                    talked.unwrap_or_else(|| ", not answered".to_owned())
                );
                (line, Some(self.record(now, there, leg, sip_code)))
            }
        };
        let lines = if self.verbosity == Verbosity::Calls { vec![line] } else { Vec::new() };
        (lines, cdr)
    }

    /// A call that came in has neither originate nor pace: it was due, launched and begun as it came.
    fn record(&self, now: Time, there: There, leg: LegTimes, sip_code: Option<u16>) -> Cdr {
        let (verdict, app, reason) = match there.failure {
            Some((app, error)) => (Verdict::Failed, app.to_string(), error),
            None if leg.hangup_cause.is_empty() => (Verdict::Error, String::new(), "lost with its host".to_owned()),
            None => (Verdict::Passed, String::new(), String::new()),
        };
        Cdr {
            call: leg.session.clone(),
            index: there.index,
            app,
            host: there.host.to_string(),
            callee_host: None,
            due: there.begun,
            launched: there.begun,
            begun: Some(there.begun),
            job_ended: None,
            ended: now,
            hangup_cause: leg.hangup_cause.clone(),
            caller: Some(leg),
            callee: None,
            sip_code,
            verdict,
            reason,
            active: there.active,
            sessions: there.active,
            failed: self.failed,
            figures: Vec::new(),
        }
    }

    /// What it all came to; `cut_off` sessions had to be hung up at the end.
    pub fn summary(&self, now: Time, cut_off: usize) -> String {
        let count = |count: u64, word: &str| amount(usize::try_from(count).unwrap_or(usize::MAX), word);
        let mut text = format!(
            "served {} in {}: {} answered, {}",
            count(self.calls, "call"),
            human(now.since(self.began)),
            self.answered,
            count(self.failures, "failure")
        );
        if self.lost > 0 {
            let _ = write!(text, ", {} lost with a host", self.lost);
        }
        if cut_off > 0 {
            let _ = write!(text, ", {} hung up at the end", amount(cut_off, "session"));
        }
        text.push('\n');
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by_key(|(cause, count)| (std::cmp::Reverse(**count), (*cause).clone()));
        for (cause, count) in causes {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {count:>7}  {cause}");
        }
        text
    }
}

fn named(number: &str) -> &str {
    if number.is_empty() { "nobody" } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Recovery;
    use crate::id::SessionId;

    const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

    fn began(session: &str) -> Seen {
        Seen::Began { host: Arc::from("a"), session: session.to_owned(), from: "1001".to_owned(), to: String::new() }
    }

    fn ended(session: &str, answered: Option<Time>, cause: &str) -> Seen {
        let leg = LegTimes {
            session: session.to_owned(),
            answered,
            hung_up: answered.map(|time| time + SECOND),
            hangup_cause: cause.to_owned(),
            ..LegTimes::default()
        };
        Seen::Ended { session: session.to_owned(), leg, sip_code: None }
    }

    #[test]
    fn calls_causes_failures_and_losses_are_counted_and_told() {
        let start = Time::default() + SECOND;
        let mut tally = Tally::new(start, Verbosity::Calls);
        let mut told = Vec::new();
        for session in ["x", "y", "z"] {
            told.extend(tally.handle_seen(start, began(session)).0);
        }
        let failed = Notice::AppFailed {
            app: Arc::from("pbx.yaml"),
            session: Some(SessionId::new("y")),
            error: "bridge to b (pbx.yaml:3:5): expected this, found that".to_owned(),
        };
        told.extend(tally.handle_notice("a", &failed));
        let (line, cdr) = tally.handle_seen(start + SECOND, ended("x", Some(start), "NORMAL_CLEARING"));
        told.extend(line);
        assert_eq!(cdr.map(|cdr| (cdr.verdict, cdr.index, cdr.active)), Some((Verdict::Passed, 0, 1)));
        let (line, cdr) = tally.handle_seen(start + SECOND, ended("y", None, "NORMAL_TEMPORARY_FAILURE"));
        told.extend(line);
        let cdr = cdr.unwrap();
        assert_eq!((cdr.verdict, cdr.app.as_str(), cdr.failed, cdr.active), (Verdict::Failed, "pbx.yaml", 1, 2));
        assert!(cdr.reason.contains("pbx.yaml:3:5"));
        let back =
            Recovery { away: SECOND, lost: vec![SessionId::new("z"), SessionId::new("other")], ..Recovery::default() };
        told.extend(tally.handle_notice("a", &Notice::Back(back)));
        told.push(tally.summary(start + SECOND * 2, 1));
        insta::assert_snapshot!(told.join("\n"), @r"
        a: call x began: from 1001 to nobody
        a: call y began: from 1001 to nobody
        a: call z began: from 1001 to nobody
        a: app pbx.yaml failed with session y: bridge to b (pbx.yaml:3:5): expected this, found that
        a: call x ended: NORMAL_CLEARING, 1s after its answer
        a: call y ended: NORMAL_TEMPORARY_FAILURE, not answered
        a: back after 1s: 0 sessions kept, 2 lost, 0 new
        served 3 calls in 2s: 1 answered, 1 failure, 1 lost with a host, 1 session hung up at the end
                1  NORMAL_CLEARING
                1  NORMAL_TEMPORARY_FAILURE
        ");
        assert_eq!(tally.failures(), 1);
    }
}
