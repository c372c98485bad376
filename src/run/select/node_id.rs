//! Names of tests: `scenarios/dtmf.yaml::digits arrive in order[codec=PCMA,host=fs1:8021]#2`.

use std::collections::BTreeSet;

use crate::run::{HostAddress, TestId};
use crate::scenario::Scenario;
use crate::scenario::diagnostic::did_you_mean;

/// The key that names the host.
const HOST: &str = "host";

/// Names that are told where one was not found.
const TOLD: usize = 12;

/// A test's name among those of a run on several hosts: its own, with the host it runs on.
pub(super) fn with_host(id: &TestId, scenario: &Scenario, host: &str) -> String {
    format!("{}::{}", id.file.display(), hosted(scenario, host))
}

fn hosted(scenario: &Scenario, host: &str) -> String {
    let name = &scenario.name;
    match name.strip_suffix(']') {
        Some(open) if !scenario.cell.is_empty() => format!("{open},{HOST}={host}]"),
        _ => format!("{name}[{HOST}={host}]"),
    }
}

/// Whether `named`, what stands behind `FILE::`, is this scenario on the host called `host`.
///
/// It is the scenario's name, or that with some of the values of its matrix and the host; `#2` behind it, which a report
/// puts there when tests are repeated, says nothing more.
pub(super) fn names(named: &str, scenario: &Scenario, host: &str) -> bool {
    let one = |named: &str| {
        named == scenario.name
            || named == scenario.base
            // As it is printed, whatever signs the values have in them.
            || named == hosted(scenario, host)
            || given(named, scenario).is_some_and(|pairs| pairs.iter().all(|pair| fits(*pair, scenario, host)))
    };
    one(named) || without_repetition(named).is_some_and(one)
}

fn without_repetition(named: &str) -> Option<&str> {
    let (named, number) = named.rsplit_once('#')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(named)
}

/// The values that `named` gives for the scenario; `None` if it names another.
fn given<'a>(named: &'a str, scenario: &'a Scenario) -> Option<Vec<(&'a str, &'a str)>> {
    let text = values(named, &scenario.base)?;
    let mut keys: Vec<&str> = scenario.cell.iter().map(|(name, _)| name.as_str()).collect();
    keys.push(HOST);
    pairs(text, &keys)
}

/// What `named` has between the brackets behind `base`.
fn values<'a>(named: &'a str, base: &str) -> Option<&'a str> {
    named.strip_prefix(base)?.strip_prefix('[')?.strip_suffix(']')
}

/// `a=1,b=2`. Values may have commas: a pair ends where the name of another begins.
fn pairs<'a>(text: &'a str, keys: &[&'a str]) -> Option<Vec<(&'a str, &'a str)>> {
    let key_at = |at: usize| {
        let is_key = |key: &&&str| text[at..].strip_prefix(**key).is_some_and(|rest| rest.starts_with('='));
        keys.iter().find(is_key).copied()
    };
    let mut pairs = Vec::new();
    let mut at = 0;
    loop {
        let key = key_at(at)?;
        let start = at + key.len() + 1;
        let commas = text[start..].match_indices(',').map(|(comma, _)| start + comma);
        let end = commas.into_iter().find(|comma| key_at(comma + 1).is_some()).unwrap_or(text.len());
        pairs.push((key, &text[start..end]));
        if end == text.len() {
            return Some(pairs);
        }
        at = end + 1;
    }
}

fn fits((key, value): (&str, &str), scenario: &Scenario, host: &str) -> bool {
    // The name of a test has long values cut short.
    let same = |full: &str| full == value || crate::scenario::shortened(full) == value;
    scenario.cell.iter().any(|(name, full)| name == key && same(full)) || (key == HOST && is_host(value, host))
}

/// A host may be named without its port.
fn is_host(value: &str, host: &str) -> bool {
    value == host || value.parse::<HostAddress>().is_ok_and(|address| address.to_string() == host)
}

/// Says what there is in place of `named`, which none of `scenarios` is.
pub(super) fn explain(named: &str, scenarios: &[&Scenario], hosts: &[String]) -> String {
    let named = without_repetition(named).unwrap_or(named);
    let same: Vec<&&Scenario> = scenarios.iter().filter(|scenario| values(named, &scenario.base).is_some()).collect();
    if let Some(scenario) = same.first() {
        return explain_values(named, scenario, &same, hosts);
    }
    let mut names: Vec<&str> = scenarios.iter().map(|scenario| scenario.base.as_str()).collect();
    names.dedup();
    // The part before the values is what can be misspelt.
    let word = named.split_once('[').map_or(named, |(word, _)| word);
    let meant = did_you_mean(word, names.iter().copied());
    let meant = meant.map_or(String::new(), |name| format!("; did you mean {name:?}?"));
    let there: Vec<String> = names.iter().take(TOLD).map(|name| format!("{name:?}")).collect();
    let there = match names.len() {
        0 => "it has none".to_owned(),
        all if all > TOLD => format!("it has {} and {} more", there.join(", "), all - TOLD),
        _ => format!("it has {}", there.join(", ")),
    };
    format!("has no scenario called {named:?}; {there}{meant}")
}

/// The scenario is there, but not with these values.
fn explain_values(named: &str, scenario: &Scenario, cells: &[&&Scenario], hosts: &[String]) -> String {
    let base = &scenario.base;
    let axes: Vec<&str> = scenario.cell.iter().map(|(name, _)| name.as_str()).collect();
    let of = |axis: &str| -> BTreeSet<&str> {
        let cells = cells.iter().flat_map(|scenario| &scenario.cell);
        let mut values: BTreeSet<&str> =
            cells.filter(|(name, _)| name == axis).map(|(_, value)| value.as_str()).collect();
        if axis == HOST && values.is_empty() {
            values.extend(hosts.iter().map(String::as_str));
        }
        values
    };
    let list = |values: &BTreeSet<&str>| values.iter().copied().collect::<Vec<_>>().join(", ");
    let meant = |word: &str, known: &[&str]| {
        did_you_mean(word, known.iter().copied()).map_or(String::new(), |meant| format!("; did you mean {meant:?}?"))
    };
    let keys: Vec<&str> = axes.iter().copied().chain([HOST]).collect();
    let text = values(named, base).unwrap_or_default();
    let Some(pairs) = pairs(text, &keys) else {
        let known = |part: &&str| part.split_once('=').is_none_or(|(key, _)| !keys.contains(&key));
        let wrong = text.split(',').find(known).unwrap_or(text);
        return match wrong.split_once('=') {
            Some((key, _)) => {
                format!("has no value {key:?} of {base:?}; it has {}{}", keys.join(", "), meant(key, &keys))
            }
            None => {
                format!("has no test called {named:?}: {wrong:?} is not NAME=VALUE; the names are {}", keys.join(", "))
            }
        };
    };
    for (key, value) in &pairs {
        let there = of(key);
        let known = there.contains(value) || (*key == HOST && there.iter().any(|host| is_host(value, host)));
        if !known {
            let known: Vec<&str> = there.iter().copied().collect();
            return format!(
                "has no {base:?} with {key} {value:?}; {key} is one of {}{}",
                list(&there),
                meant(value, &known)
            );
        }
    }
    format!("has no {base:?} with this combination of values: {text}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::*;
    use crate::scenario::load;

    const FILE: &str = "\
name: digits
matrix: { codec: [PCMU, PCMA], note: ['x', 'x,codec=y', 'a,b'], exclude: [{ codec: PCMA, note: x }] }
caller: []
---
name: plain [old]
caller: []
";

    fn scenarios() -> Vec<Scenario> {
        let loaded = load(Path::new("a.yaml"), FILE);
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        loaded.scenarios
    }

    fn named(named: &str) -> usize {
        let hosts = ["fs1:8021", "fs2:8022"];
        let scenarios = scenarios();
        let all = scenarios.iter().flat_map(|scenario| hosts.map(|host| names(named, scenario, host)));
        all.filter(|is| *is).count()
    }

    #[rstest]
    #[case("digits", 10)]
    #[case("digits[codec=PCMU,note=x]", 2)]
    #[case("digits[note=x]", 2)]
    #[case("digits[note=a,b]", 4)]
    #[case("digits[note=a,b,codec=PCMA]", 2)]
    #[case("digits[codec=PCMA,host=fs1]", 2)]
    #[case("digits[host=fs2:8022,codec=PCMA]", 2)]
    #[case("digits[host=fs2]", 0)]
    #[case("digits[codec=PCMU,note=x,host=fs1]#12", 1)]
    #[case("plain [old]", 2)]
    #[case("plain [old][host=fs1]", 1)]
    #[case("plain [old]#1", 2)]
    #[case("digits[codec=PCMA,note=x]", 0)]
    #[case("digits[]", 0)]
    #[case("digits#", 0)]
    #[case("Digits", 0)]
    fn a_name_with_some_of_the_values_is_all_tests_that_have_them(#[case] text: &str, #[case] tests: usize) {
        assert_eq!(named(text), tests);
    }

    #[test]
    fn the_name_of_every_test_on_a_host_names_it_alone() {
        let hosts = ["fs1:8021", "fs2:8022"];
        for (at, scenario) in scenarios().iter().enumerate() {
            let id = TestId { file: "a.yaml".into(), name: scenario.name.clone() };
            for host in hosts {
                let full = with_host(&id, scenario, host);
                let text = full.strip_prefix("a.yaml::").unwrap();
                let found: Vec<_> = scenarios()
                    .iter()
                    .enumerate()
                    .flat_map(|(at, scenario)| hosts.map(|host| (at, host, names(text, scenario, host))))
                    .filter(|(_, _, is)| *is)
                    .map(|(at, host, _)| (at, host))
                    .collect();
                assert_eq!(found, [(at, host)], "{full}");
            }
        }
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let scenarios = scenarios();
        let scenarios: Vec<&Scenario> = scenarios.iter().collect();
        let hosts = ["fs1:8021".to_owned(), "fs2:8022".to_owned()];
        let told = [
            "digit",
            "nothing like it",
            "digits[codec=PCMB]",
            "digits[codecs=PCMA]",
            "digits[PCMA]",
            "digits[host=fs3]",
            "digits[codec=PCMA,note=x]",
            "dgits[codec=PCMA]",
        ]
        .map(|named| format!("a.yaml {}", explain(named, &scenarios, &hosts)));
        insta::assert_snapshot!(told.join("\n"));
    }
}
