//! One call of a load, from its launch to its record.

use std::path::PathBuf;

use crate::call::Session;
use crate::esl::Event;
use crate::metrics::{Cdr, LegTimes};
use crate::scenario::{Judgement, Leg, Outcome};
use crate::units::Time;
use crate::verdict::{CheckReport, Verdict};

/// What is known of a call of a load beside its machine.
#[derive(Debug)]
pub(crate) struct Launched {
    /// Which entry of the mix.
    pub entry: usize,
    /// Where it is made, as the run counts hosts.
    pub host: usize,
    pub due: Time,
    pub at: Time,
    /// When the first event of the caller's session reached us.
    pub begun: Option<Time>,
    /// When the switch fired CHANNEL_ORIGINATE.
    pub originated: Option<Time>,
    pub job_ended: Option<Time>,
    /// Calls and sessions of the load when it was launched, with it.
    pub active: u32,
    pub sessions: u32,
    /// Its sessions that are there.
    pub live: u32,
    /// Its recordings are being read.
    pub reading: bool,
    /// Where its recordings are kept.
    pub kept: Vec<PathBuf>,
    /// It was hung up before its end, as the load was told to.
    pub cut_off: bool,
    /// Belongs to the step of a search that is measured.
    pub measured: bool,
    /// Once it is over: what its legs came to.
    pub legs: Legs,
}

/// What the legs of a call came to.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    caller: Option<LegTimes>,
    callee: Option<LegTimes>,
    hangup_cause: String,
    sip_code: Option<u16>,
}

impl Legs {
    pub fn of(outcome: &Outcome, originated: Option<Time>) -> Legs {
        let times = |leg: Leg| outcome.leg(leg).session.as_ref().map(times);
        let caller = times(Leg::Caller).map(|caller| LegTimes { originated, ..caller });
        let code = outcome.leg(Leg::Caller).session.as_ref().and_then(Session::sip_code);
        let hangup_cause = outcome.cause(Leg::Caller).unwrap_or_default();
        Legs { caller, callee: times(Leg::Callee), hangup_cause, sip_code: code }
    }
}

fn times(session: &Session) -> LegTimes {
    LegTimes {
        session: session.id.to_string(),
        created: session.created,
        originated: None,
        ringing: session.ringing,
        early_media: session.early_media,
        answered: session.answered,
        hung_up: session.hung_up,
        hangup_cause: session.hangup_cause.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// Names that a record says of a call beside those of its own.
pub(crate) struct Named<'a> {
    pub call: &'a str,
    pub index: u64,
    pub app: &'a str,
    pub host: &'a str,
    pub callee_host: Option<&'a str>,
}

impl Launched {
    /// A call of entry `entry` on `host`, launched `now`; `active` calls are there with it, and `sessions` sessions.
    pub fn new(entry: usize, host: usize, [due, at]: [Time; 2], active: u32, sessions: u32) -> Launched {
        Launched {
            entry,
            host,
            due,
            at,
            begun: None,
            originated: None,
            job_ended: None,
            active,
            sessions,
            live: 0,
            reading: false,
            kept: Vec::new(),
            cut_off: false,
            measured: false,
            legs: Legs::default(),
        }
    }

    /// An event of the caller's session reached us.
    pub fn note_caller(&mut self, now: Time, event: &Event) {
        self.begun.get_or_insert(now);
        if event.name() == "CHANNEL_ORIGINATE" {
            self.originated = self.originated.or(event.fired());
        }
    }

    /// The record of the call, which ended now; `failed` calls had failed before it.
    pub fn record(self, now: Time, named: &Named<'_>, judgement: &Judgement, failed: u64) -> Cdr {
        let Legs { caller, callee, hangup_cause, sip_code } = self.legs;
        let failed_too = matches!(judgement.verdict, Verdict::Failed | Verdict::Error);
        Cdr {
            call: named.call.to_owned(),
            index: named.index,
            app: named.app.to_owned(),
            host: named.host.to_owned(),
            callee_host: named.callee_host.map(str::to_owned),
            due: self.due,
            launched: self.at,
            begun: self.begun,
            job_ended: self.job_ended,
            ended: now,
            caller,
            callee,
            hangup_cause,
            sip_code,
            verdict: judgement.verdict,
            reason: match judgement.verdict {
                Verdict::Skipped => "hung up, as the load was told to".to_owned(),
                _ => decisive(judgement).map(reason).unwrap_or_default(),
            },
            active: self.active,
            sessions: self.sessions,
            failed: failed + u64::from(failed_too),
            figures: figures(&judgement.properties),
        }
    }
}

/// The check that decided, where not all held.
pub(crate) fn decisive(judgement: &Judgement) -> Option<&CheckReport> {
    let verdict = judgement.verdict;
    judgement.checks.iter().find(|check| verdict != Verdict::Passed && check.verdict == verdict)
}

fn reason(check: &CheckReport) -> String {
    format!("{}: {}", check.name, check.actual)
}

/// What checks measured; what the record has in its own fields is left out.
fn figures(properties: &[(String, String)]) -> Vec<(String, f64)> {
    const KNOWN: [&str; 4] = ["setup_time_ms", "pdd_ms", "talk_time_ms", "sip_code"];
    let figure = |(name, value): &(String, String)| Some((name.clone(), value.parse::<f64>().ok()?));
    let known = |(name, _): &(String, f64)| !KNOWN.contains(&name.as_str());
    properties.iter().filter_map(figure).filter(known).collect()
}
