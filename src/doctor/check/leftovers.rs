//! Whether the examination left anything behind.

use super::super::{Facts, Finding, Question};

const NAME: &str = "left behind";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(call) = &facts.call else { return Vec::new() };
    let there = |question| facts.answer(question) == Some("true");
    let mut findings = Vec::new();
    if there(Question::CallerLeft) || there(Question::CalleeLeft) {
        findings.push(Finding::problem(
            NAME,
            "the probe call does not end",
            "`show channels` and `uuid_kill UUID`; see freeswitch.log on the host",
        ));
    }
    if let (true, Some(path)) = (there(Question::RecordingLeft), &call.path) {
        findings.push(Finding::warning(
            NAME,
            format!("the recording of the probe call is still at {path}: callwright may not remove it"),
            format!("rm {path}; recordings of tests will be left there likewise, unless the host's user is ours"),
        ));
    }
    findings
}
