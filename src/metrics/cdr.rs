//! Call detail records: one call under load as it ended, with every time that was taken of it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::serial;
use crate::units::Time;
use crate::verdict::Verdict;

/// One call under load, as it ended.
///
/// Times are of two kinds that are never subtracted from each other: `due`, `launched`, `begun`, `job_ended` and `ended`
/// by our clock, those of a leg by the clock of its host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cdr {
    /// The session of the caller, which names the call.
    pub call: String,
    /// Which of the calls that the load offered, counted from 0.
    pub index: u64,
    /// Which entry of the mix: the name of its app or scenario.
    pub app: String,
    /// The host of the caller.
    pub host: String,
    /// The host of the callee, where it is another one.
    pub callee_host: Option<String>,
    /// When the pace wanted the call.
    pub due: Time,
    /// When its originate was handed to the host's connection (the ancestor's `job_launch`).
    pub launched: Time,
    /// When the first event of the caller's session reached us (`caller_req_originate`).
    pub begun: Option<Time>,
    /// When the result of the originate reached us.
    pub job_ended: Option<Time>,
    /// When everything of the call was over.
    pub ended: Time,
    pub caller: Option<LegTimes>,
    pub callee: Option<LegTimes>,
    /// Of the caller's leg; of the originate, where there was none.
    pub hangup_cause: String,
    /// The final SIP response to the caller's INVITE.
    pub sip_code: Option<u16>,
    pub verdict: Verdict,
    /// The first check that did not hold, with what was found; empty when all held.
    pub reason: String,
    /// Calls of the load that were there when this one was launched, with this one: the Erlangs of that moment.
    pub active: u32,
    /// Sessions of the load on all hosts when this one was launched.
    pub sessions: u32,
    /// Calls of the load that had failed by the time this one ended, with this one.
    pub failed: u64,
    /// What its checks measured, by name with the unit in it: `mos`, `caller.heard.level_dbm0`, `bert.sync_lost`.
    #[serde(default, with = "serial::pairs")]
    #[schemars(with = "std::collections::BTreeMap<String, f64>")]
    pub figures: Vec<(String, f64)>,
}

/// When a leg came to its states, by the clock of its host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LegTimes {
    pub session: String,
    pub created: Time,
    /// When the switch fired CHANNEL_ORIGINATE; only the caller's leg has one.
    pub originated: Option<Time>,
    pub ringing: Option<Time>,
    pub early_media: Option<Time>,
    pub answered: Option<Time>,
    pub hung_up: Option<Time>,
    pub hangup_cause: String,
}

impl LegTimes {
    /// The first of ringing, early media and answer.
    fn progressed(&self) -> Option<Time> {
        [self.ringing, self.early_media, self.answered].into_iter().flatten().min()
    }
}

impl Cdr {
    /// The switch made a session for it.
    pub fn is_seized(&self) -> bool {
        self.caller.is_some() || self.begun.is_some()
    }

    pub fn is_answered(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.answered.is_some())
    }

    /// How much later than its due time it was launched.
    pub fn late(&self) -> Duration {
        self.launched.since(self.due)
    }

    /// Launch of the originate to the first event of the caller's session, by our clock: with the ways of both.
    pub fn originate_latency(&self) -> Option<Duration> {
        Some(self.begun?.since(self.launched))
    }

    /// Creation of the caller's session to that of the callee's: the INVITE's way. `None` for two hosts with a clock each.
    pub fn invite_latency(&self) -> Option<Duration> {
        let (caller, callee) = self.legs_of_one_clock()?;
        Some(callee.created.since(caller.created))
    }

    /// Answer of the callee to that of the caller: the way back of the 200. `None` for two hosts with a clock each.
    pub fn answer_latency(&self) -> Option<Duration> {
        let (caller, callee) = self.legs_of_one_clock()?;
        Some(caller.answered?.since(callee.answered?))
    }

    /// INVITE to the first of ringing, early media and answer: post-dial delay.
    pub fn post_dial_delay(&self) -> Option<Duration> {
        let caller = self.caller.as_ref()?;
        Some(caller.progressed()?.since(caller.created))
    }

    /// INVITE to answer: the ancestor's call setup latency.
    pub fn setup_time(&self) -> Option<Duration> {
        let caller = self.caller.as_ref()?;
        Some(caller.answered?.since(caller.created))
    }

    /// Answer to hangup.
    pub fn talk_time(&self) -> Option<Duration> {
        let caller = self.caller.as_ref()?;
        Some(caller.hung_up?.since(caller.answered?))
    }

    /// INVITE to hangup.
    pub fn duration(&self) -> Option<Duration> {
        let caller = self.caller.as_ref()?;
        Some(caller.hung_up?.since(caller.created))
    }

    fn legs_of_one_clock(&self) -> Option<(&LegTimes, &LegTimes)> {
        if self.callee_host.is_some() {
            return None;
        }
        Some((self.caller.as_ref()?, self.callee.as_ref()?))
    }
}
