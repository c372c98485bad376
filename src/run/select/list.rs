//! `--list`: the tests that were selected, for people and for programs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Selected, Selection};

/// How tests are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// One node id a line.
    Text,
    /// One JSON document, whose schema is `conf/list.schema.json`.
    Json,
}

impl ListFormat {
    /// The list, without secrets.
    pub fn list(self, selection: &Selection, hosts: &[String]) -> String {
        let text = match self {
            ListFormat::Text => selection.tests.iter().map(|test| format!("{}\n", test.name)).collect(),
            ListFormat::Json => {
                let tests = selection.tests.iter().map(|test| ListedTest::new(test, hosts)).collect();
                let shard = selection.picked.shard.map(|shard| shard.to_string());
                let list = List { version: 1, seed: selection.picked.seed, shard, tests };
                // Strings and numbers alone, which cannot fail.
                serde_json::to_string_pretty(&list).unwrap_or_default() + "\n"
            }
        };
        selection.redactor.redact(&text).into_owned()
    }
}

/// The JSON Schema of what [`ListFormat::Json`] gives.
pub fn list_schema() -> serde_json::Value {
    schemars::schema_for!(List).to_value()
}

/// What `callwright run --list=json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "callwright run --list=json")]
struct List {
    /// Of the form of this document: 1. It changes when something is taken out, not when something is added.
    version: u32,
    /// The seed of `--random-order`.
    seed: Option<u64>,
    /// The part of `--shard`, as `1/3`.
    shard: Option<String>,
    /// In the order in which they would be begun.
    tests: Vec<ListedTest>,
}

/// A test on a host.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedTest {
    /// Its node id, which `callwright run` takes.
    id: String,
    /// The scenario's file.
    file: String,
    /// The line of the file in which the scenario begins, counted from 1.
    line: usize,
    /// Its name, with the values of its matrix.
    name: String,
    /// The scenario's name.
    scenario: String,
    tags: Vec<String>,
    /// The values of its matrix by their names.
    matrix: BTreeMap<String, String>,
    /// The host it runs on.
    host: String,
    /// Which one it is of `--repeat`, counted from 1.
    repetition: Option<u32>,
    /// Milliseconds, beside its talk time, after which it has failed, where the scenario says so.
    timeout_ms: Option<u64>,
    /// How often it is tried again when it does not pass, where the scenario says so.
    retries: Option<u32>,
    /// Why it is not run, where the scenario says so.
    skip: Option<String>,
    /// Why it is expected to fail.
    xfail: Option<String>,
}

impl ListedTest {
    fn new(test: &Selected, hosts: &[String]) -> Self {
        let scenario = &test.scenario;
        ListedTest {
            id: test.name.clone(),
            file: test.id.file.display().to_string(),
            line: scenario.place.line,
            name: scenario.name.clone(),
            scenario: scenario.base.clone(),
            tags: scenario.tags.clone(),
            matrix: scenario.cell.iter().cloned().collect(),
            host: test.host_name(hosts),
            repetition: test.repetition,
            timeout_ms: scenario.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            retries: scenario.retries,
            skip: scenario.skip.as_ref().map(|reason| reason.value.clone()),
            xfail: scenario.xfail.as_ref().map(|reason| reason.value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conf/list.schema.json");

    #[test]
    fn the_schema_in_the_repository_is_the_one_of_the_list() {
        let schema = format!("{:#}\n", list_schema());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(FILE, &schema).unwrap();
        }
        let kept = std::fs::read_to_string(FILE).unwrap_or_default();
        assert!(kept == schema, "conf/list.schema.json is out of date: run this test with UPDATE_SCHEMA=1");
    }
}
