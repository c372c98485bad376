//! Records of calls for tests.

use std::time::Duration;

use crate::metrics::{Cdr, LegTimes};
use crate::units::Time;
use crate::verdict::Verdict;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A call of a load of 20 calls/s, answered after `setup`.
pub fn answered(index: u64, setup: Duration) -> Cdr {
    let due = Time::from_micros(1_700_000_000_000_000) + ms(50 * index);
    let (launched, created) = (due + ms(2), due + ms(12));
    let leg = |created: Time, answered: Time| LegTimes {
        session: format!("s{index}"),
        created,
        ringing: Some(created + setup / 2),
        answered: Some(answered),
        hung_up: Some(created + setup + ms(1000)),
        hangup_cause: "NORMAL_CLEARING".to_owned(),
        ..LegTimes::default()
    };
    Cdr {
        call: format!("c{index}"),
        index,
        app: "bert".to_owned(),
        host: "pbx".to_owned(),
        callee_host: None,
        due,
        launched,
        begun: Some(launched + ms(7)),
        job_ended: Some(created + setup),
        ended: created + setup + ms(1010),
        caller: Some(leg(created, created + setup)),
        callee: Some(leg(created + ms(3), created + setup - ms(4))),
        hangup_cause: "NORMAL_CLEARING".to_owned(),
        sip_code: Some(200),
        verdict: Verdict::Passed,
        reason: String::new(),
        active: 20,
        sessions: 40,
        failed: 0,
        figures: Vec::new(),
    }
}

/// One that was refused.
pub fn refused(index: u64, cause: &str, code: u16) -> Cdr {
    let mut cdr = answered(index, ms(100));
    (cdr.callee, cdr.verdict, cdr.sip_code) = (None, Verdict::Failed, Some(code));
    (cdr.hangup_cause, cdr.reason) = (cause.to_owned(), "answered: it was refused".to_owned());
    cdr.caller.iter_mut().for_each(|caller| (caller.ringing, caller.answered) = (None, None));
    cdr
}
