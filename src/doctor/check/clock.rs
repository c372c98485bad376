//! The host's clock against ours.

use std::time::Duration;

use super::super::{Facts, Finding};
use crate::units::human;

const NAME: &str = "clock";
/// What makes logs of two machines hard to read side by side.
const APART: Duration = Duration::from_secs(1);

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(skew) = facts.skew else { return Vec::new() };
    let by = Duration::from_micros(skew.ahead.unsigned_abs());
    let uncertainty = human(skew.uncertainty);
    vec![if by <= skew.uncertainty {
        Finding::ok(NAME, format!("its clock and ours agree, to within {uncertainty}"))
    } else {
        let way = if skew.ahead > 0 { "ahead of" } else { "behind" };
        let told = format!("its clock is {} {way} ours, to within {uncertainty}", human(by));
        // Times of one host are only ever subtracted from each other, so verdicts do not suffer.
        if by > APART + skew.uncertainty {
            Finding::warning(NAME, told, "let both machines keep time by NTP: logs cannot be held side by side")
        } else {
            Finding::ok(NAME, told)
        }
    }]
}
