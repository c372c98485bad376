//! How many sessions the host takes, and how many it has.

use super::super::{Facts, Finding, Question};

const NAME: &str = "limits";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    if facts.host.is_none() {
        return Vec::new();
    }
    let number = |question| {
        let digits = |text: &str| text.split(|c: char| !c.is_ascii_digit()).find_map(|word| word.parse::<usize>().ok());
        facts.answer(question).and_then(digits)
    };
    let all = (number(Question::Sessions), number(Question::SessionRate), number(Question::MaxSessions));
    let (Some(there), Some(rate), Some(most)) = all else {
        let told =
            "it does not tell its sessions and limits (`show channels count`, `fsctl sps`, `fsctl max_sessions`)";
        return vec![Finding::unknown(NAME, told, "load mod_commands")];
    };
    // A host that calls itself has both legs of a call.
    let wanted = 2 * facts.slots;
    let mut findings = Vec::new();
    if there > 0 {
        findings.push(Finding::warning(
            NAME,
            format!("there are {there} sessions already: they take from what is measured"),
            "see `show channels`; let tests have the host to themselves",
        ));
    }
    // FreeSWITCH lets one less begin than its limit says.
    let begin = rate.saturating_sub(1);
    if begin < wanted {
        findings.push(Finding::warning(
            NAME,
            format!(
                "it takes {begin} new sessions a second, and {} tests side by side may begin {wanted}",
                facts.slots
            ),
            format!(
                "<param name=\"sessions-per-second\" value=\"1000\"/> in switch.conf.xml, and `fsctl sps 1000` now; or \
                 run with -j {}",
                (begin / 2).max(1)
            ),
        ));
    }
    // mod_sofia refuses the call whose session would be the last.
    if most <= there + wanted {
        findings.push(Finding::problem(
            NAME,
            format!("it takes {most} sessions, has {there}, and {} tests side by side need {wanted}", facts.slots),
            "<param name=\"max-sessions\" value=\"8000\"/> in switch.conf.xml, and `fsctl max_sessions 8000` now",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(NAME, format!("{begin} new sessions a second, {most} in all, {there} now")));
    }
    findings
}
