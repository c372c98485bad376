//! Calls for tests.

use std::time::Duration;

use proptest::prelude::*;

use super::{Cdr, LegTimes};
use crate::units::Time;
use crate::verdict::Verdict;

/// Ten calls a second begin here.
pub const START: Time = Time::from_micros(1_767_323_045_000_000);

const MS: Duration = Duration::from_millis(1);

/// The `index`th call, launched 2 ms late, set up in 100 ms, hung up 2 s later.
pub fn answered(index: u64) -> Cdr {
    let due = START + 100 * MS * u32::try_from(index).unwrap();
    let created = due + 5 * MS;
    let leg = |session: String, by: Duration| LegTimes {
        session,
        created: created + by,
        originated: None,
        ringing: Some(created + by + 10 * MS),
        early_media: None,
        answered: Some(created + 100 * MS - by),
        hung_up: Some(created + 2_100 * MS),
        hangup_cause: "NORMAL_CLEARING".to_owned(),
    };
    Cdr {
        call: format!("call-{index}"),
        index,
        app: "bert".to_owned(),
        host: "local".to_owned(),
        callee_host: None,
        due,
        launched: due + 2 * MS,
        begun: Some(due + 6 * MS),
        job_ended: Some(due + 106 * MS),
        ended: due + 2_110 * MS,
        caller: Some(leg(format!("call-{index}"), Duration::ZERO)),
        callee: Some(leg(format!("callee-{index}"), 3 * MS)),
        hangup_cause: "NORMAL_CLEARING".to_owned(),
        sip_code: Some(200),
        verdict: Verdict::Passed,
        reason: String::new(),
        active: 1,
        sessions: 2,
        failed: 0,
        figures: vec![("caller.like.mos".to_owned(), 4.25), ("caller.bert.sync_lost_count".to_owned(), 0.0)],
    }
}

/// The `index`th call, refused 20 ms after it was begun.
pub fn refused(index: u64, cause: &str) -> Cdr {
    let mut cdr = answered(index);
    cdr.callee = None;
    if let Some(caller) = &mut cdr.caller {
        (caller.ringing, caller.answered, caller.hung_up) = (None, None, Some(caller.created + 20 * MS));
        caller.hangup_cause = cause.to_owned();
    }
    cdr.ended = cdr.due + 30 * MS;
    cdr.hangup_cause = cause.to_owned();
    cdr.sip_code = Some(486);
    cdr.verdict = Verdict::Failed;
    cdr.reason = "answered: not answered".to_owned();
    cdr.figures.clear();
    cdr
}

/// Calls as they might end, sorted by the time they were due.
pub fn cdrs() -> impl Strategy<Value = Vec<Cdr>> {
    let call = (0u8..6, 0u64..25_000, 0u64..3, -70_000i32..4_500);
    proptest::collection::vec(call, 0..60).prop_map(|calls| {
        let made = calls.into_iter().enumerate().map(|(index, (kind, late, app, figure))| {
            let index = index as u64;
            let mut cdr = match kind {
                0 => refused(index, "USER_BUSY"),
                1 => refused(index, "CALL_REJECTED"),
                2 => Cdr {
                    caller: None,
                    begun: None,
                    verdict: Verdict::Error,
                    ..refused(index, "DESTINATION_OUT_OF_ORDER")
                },
                _ => answered(index),
            };
            cdr.launched = cdr.due + Duration::from_micros(late);
            cdr.app = format!("app{app}");
            cdr.host = format!("host{}", index % 2);
            cdr.figures.push(("level_dbm0".to_owned(), f64::from(figure) / 1e3));
            cdr
        });
        made.collect()
    })
}
