//! Whether the SIP profile of the scenarios is up.

use super::super::{Facts, Finding, Question};

const NAME: &str = "profile";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(host) = &facts.host else { return Vec::new() };
    let profile = &facts.profile;
    vec![match host.profiles.get(profile).cloned().flatten() {
        Some(address) => {
            let status = facts.answer(Question::Profile).unwrap_or_default();
            let context = row(status, "Context").map_or(String::new(), |context| format!(", context {context}"));
            Finding::ok(NAME, format!("{profile} is up at {address}{context}"))
        }
        None => Finding::problem(
            NAME,
            format!("there is no SIP profile {profile:?}, or it is not up"),
            format!(
                "copy conf/sip_profiles/external.xml into the host's sip_profiles, then `sofia profile {profile} \
                 rescan` or `sofia profile {profile} start`; `sofia status` lists what is up, `--profile NAME` and \
                 `call: {{ profile: NAME }}` name another"
            ),
        ),
    }]
}

/// A row of `sofia status profile NAME`.
pub(super) fn row<'a>(status: &'a str, label: &str) -> Option<&'a str> {
    status
        .lines()
        .find_map(|line| line.split_once('\t').filter(|(name, _)| name.trim() == label))
        .map(|(_, v)| v.trim())
}
