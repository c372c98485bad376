//! What a service has come to, in lines for people and in records.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::Arc;

use super::amount;
use super::watch::Seen;
use crate::client::Notice;
use crate::metrics::{Cdr, LegTimes};
use crate::service::Served;
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
    /// Calls that ended, and of which an app may still tell something.
    ended: HashMap<String, Ended>,
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
    failure: Option<(String, String)>,
}

/// A call that ended.
struct Ended {
    at: Time,
    there: There,
    leg: LegTimes,
    sip_code: Option<u16>,
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
            ended: HashMap::new(),
        }
    }

    /// Whether an app failed, with a call or without.
    pub fn has_failed(&self) -> bool {
        self.failures + self.failed > 0
    }

    pub fn handle_notice(&mut self, host: &str, notice: &Notice) -> Vec<String> {
        match notice {
            // What is told of a host that comes back says more.
            Notice::Up(_) => return Vec::new(),
            Notice::Refused { .. } if self.verbosity == Verbosity::Hosts => return Vec::new(),
            // What it means for each call is told of that call.
            Notice::AppFailed { .. } => self.failures += 1,
            Notice::Lost { .. } | Notice::Back(_) | Notice::TookUp { .. } | Notice::Refused { .. } => {}
        }
        vec![format!("{host}: {notice}")]
    }

    /// What is said of it, and the record of a call of which nothing more comes.
    pub fn handle_seen(&mut self, now: Time, seen: Seen) -> (Vec<String>, Option<Cdr>) {
        let line = match seen {
            Seen::Began { host, session, from, to } => {
                let line = format!("{host}: call {session} began: from {} to {}", named(&from), named(&to));
                let active = u32::try_from(self.there.len() + 1).unwrap_or(u32::MAX);
                let there = There { index: self.calls, host, begun: now, active, failure: None };
                self.calls += 1;
                self.there.insert(session, there);
                Some(line)
            }
            Seen::Failed { session, app, error } => {
                let there = self.there.get_mut(&session);
                if let Some(there) = there.or(self.ended.get_mut(&session).map(|ended| &mut ended.there)) {
                    there.failure.get_or_insert((app, error));
                }
                None
            }
            Seen::Ended { session, leg, sip_code } => {
                let Some(there) = self.there.remove(&session) else { return (Vec::new(), None) };
                let line = self.count_end(&there, &leg);
                self.ended.insert(session, Ended { at: now, there, leg, sip_code });
                line
            }
            Seen::Settled { session } => {
                let record = self.ended.remove(&session).map(|ended| self.record(ended));
                return (Vec::new(), record);
            }
        };
        (line.into_iter().filter(|_| self.verbosity == Verbosity::Calls).collect(), None)
    }

    /// The records of calls that ended, and of which nobody could tell that nothing more comes of them.
    pub fn rest(&mut self) -> Vec<Cdr> {
        let mut rest: Vec<Ended> = std::mem::take(&mut self.ended).into_values().collect();
        rest.sort_by_key(|ended| ended.there.index);
        rest.into_iter().map(|ended| self.record(ended)).collect()
    }

    /// Counts the end of a call; gives what is said of it.
    fn count_end(&mut self, there: &There, leg: &LegTimes) -> Option<String> {
        // The switch that knew why is gone, which is told of all its calls at once.
        if leg.hangup_cause.is_empty() {
            self.lost += 1;
            return None;
        }
        *self.causes.entry(leg.hangup_cause.clone()).or_default() += 1;
        self.answered += u64::from(leg.answered.is_some());
        let talked = leg.answered.map(|answered| leg.hung_up.unwrap_or(answered).since(answered));
        let talked = talked.map(|time| format!(", {} after its answer", human(time)));
        let talked = talked.unwrap_or_else(|| ", not answered".to_owned());
        Some(format!("{}: call {} ended: {}{talked}", there.host, leg.session, leg.hangup_cause))
    }

    /// A call that came in has neither originate nor pace: it was due, launched and begun as it came.
    fn record(&mut self, ended: Ended) -> Cdr {
        let Ended { at, there, leg, sip_code } = ended;
        self.failed += u64::from(there.failure.is_some());
        let (verdict, app, reason) = match there.failure {
            Some((app, error)) => (Verdict::Failed, app, error),
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
            ended: at,
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

    /// What it all came to, with what the service tells of its end.
    pub fn summary(&self, now: Time, served: &Served) -> String {
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
        if served.refused > 0 {
            let _ = write!(text, ", {} refused at the end", served.refused);
        }
        if served.cut_off > 0 {
            let _ = write!(text, ", {} hung up at the end", amount(served.cut_off, "session"));
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
    use crate::call::HangupCause;
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

    fn settled(session: &str) -> Seen {
        Seen::Settled { session: session.to_owned() }
    }

    #[test]
    fn calls_causes_failures_and_losses_are_counted_and_told() {
        let start = Time::default() + SECOND;
        let mut tally = Tally::new(start, Verbosity::Calls);
        let mut told = Vec::new();
        for session in ["x", "y", "z"] {
            told.extend(tally.handle_seen(start, began(session)).0);
        }
        let (line, cdr) = tally.handle_seen(start + SECOND, ended("x", Some(start), "NORMAL_CLEARING"));
        told.extend(line);
        assert!(cdr.is_none(), "an app may still fail with it");
        let (_, cdr) = tally.handle_seen(start + SECOND * 2, settled("x"));
        let cdr = cdr.map(|cdr| (cdr.verdict, cdr.index, cdr.active, cdr.ended));
        assert_eq!(cdr, Some((Verdict::Passed, 0, 1, start + SECOND)));
        told.extend(tally.handle_seen(start + SECOND, ended("y", None, "NORMAL_TEMPORARY_FAILURE")).0);
        // Its app fails behind its end.
        let (app, error) = ("pbx.yaml", "bridge to b (pbx.yaml:3:5): expected this, found that".to_owned());
        let failure = Seen::Failed { session: "y".to_owned(), app: app.to_owned(), error: error.clone() };
        tally.handle_seen(start + SECOND, failure);
        let failed = Notice::AppFailed { app: Arc::from(app), session: Some(SessionId::new("y")), error };
        told.extend(tally.handle_notice("a", &failed));
        let (_, cdr) = tally.handle_seen(start + SECOND, settled("y"));
        let cdr = cdr.unwrap();
        assert_eq!((cdr.verdict, cdr.app.as_str(), cdr.failed, cdr.active), (Verdict::Failed, "pbx.yaml", 1, 2));
        assert!(cdr.reason.contains("pbx.yaml:3:5"));
        assert!(tally.handle_seen(start + SECOND, ended("z", None, "")).0.is_empty());
        let back =
            Recovery { away: SECOND, lost: vec![SessionId::new("z"), SessionId::new("other")], ..Recovery::default() };
        told.extend(tally.handle_notice("a", &Notice::Back(back)));
        let refused = Notice::Refused { session: SessionId::new("w"), cause: HangupCause::NormalTemporaryFailure };
        told.extend(tally.handle_notice("a", &refused));
        let rest: Vec<_> = tally.rest().into_iter().map(|cdr| (cdr.call, cdr.verdict)).collect();
        assert_eq!(rest, [("z".to_owned(), Verdict::Error)]);
        told.push(tally.summary(start + SECOND * 2, &Served { cut_off: 1, refused: 1, ..Served::default() }));
        insta::assert_snapshot!(told.join("\n"), @r"
        a: call x began: from 1001 to nobody
        a: call y began: from 1001 to nobody
        a: call z began: from 1001 to nobody
        a: call x ended: NORMAL_CLEARING, 1s after its answer
        a: call y ended: NORMAL_TEMPORARY_FAILURE, not answered
        a: app pbx.yaml failed with session y: bridge to b (pbx.yaml:3:5): expected this, found that
        a: back after 1s: 0 sessions kept, 2 lost, 0 new
        a: refused session w with NORMAL_TEMPORARY_FAILURE
        served 3 calls in 2s: 1 answered, 1 failure, 1 lost with a host, 1 refused at the end, 1 session hung up at the end
                1  NORMAL_CLEARING
                1  NORMAL_TEMPORARY_FAILURE
        ");
        assert!(tally.has_failed());
    }
}
