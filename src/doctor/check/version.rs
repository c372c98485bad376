//! Which switch it is.

use super::super::{Facts, Finding};

const NAME: &str = "version";
/// The oldest that callwright is used with.
const OLDEST: (u32, u32) = (1, 10);

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(host) = &facts.host else { return Vec::new() };
    let version = host.version.as_str();
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    let number = numbers.next().flatten().zip(numbers.next().flatten());
    vec![match number {
        _ if facts.is_embedded() => Finding::ok(NAME, format!("the embedded switch, as FreeSWITCH {version}")),
        Some(number) if number >= OLDEST => Finding::ok(NAME, format!("FreeSWITCH {version}")),
        Some(_) => Finding::warning(
            NAME,
            format!("FreeSWITCH {version} is older than callwright is tested with"),
            "take FreeSWITCH 1.10",
        ),
        None => Finding::unknown(NAME, format!("it says that its version is {version:?}"), "load mod_commands"),
    }]
}
