//! `--lf`, `--ff`: which tests failed when they last ran.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The tests that did not pass when they last ran, in this run or an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastFailed {
    /// Of the form of the file.
    version: u32,
    failed: BTreeSet<Entry>,
}

/// A test on a host, as it is kept from run to run: without the number of its repetition, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub file: String,
    pub name: String,
    pub host: String,
}

/// The only one there is.
const VERSION: u32 = 1;

impl LastFailed {
    /// Reads what [`LastFailed::encode`] wrote; an error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read: LastFailed = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match read.version {
            VERSION => Ok(read),
            other => Err(format!("it has version {other}, and this callwright knows version {VERSION}")),
        }
    }

    /// As JSON. An error is a mistake of ours.
    pub fn encode(&self) -> Result<String, String> {
        let text = serde_json::to_string_pretty(&LastFailed { version: VERSION, failed: self.failed.clone() });
        text.map(|text| text + "\n").map_err(|error| error.to_string())
    }

    pub fn is_empty(&self) -> bool {
        self.failed.is_empty()
    }

    pub fn len(&self) -> usize {
        self.failed.len()
    }

    pub fn has(&self, entry: &Entry) -> bool {
        self.failed.contains(entry)
    }

    /// What holds after a run in which the tests `ended`, of which `failed` did not pass. Tests that are `gone` are
    /// dropped; of others that did not run, what was known stays.
    pub fn after(&self, ended: &BTreeSet<Entry>, failed: &BTreeSet<Entry>, gone: impl Fn(&Entry) -> bool) -> Self {
        let earlier = self.failed.iter().filter(|entry| !ended.contains(entry) && !gone(entry));
        LastFailed { version: VERSION, failed: earlier.chain(failed).cloned().collect() }
    }
}

#[cfg(test)]
impl FromIterator<Entry> for LastFailed {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        LastFailed { version: VERSION, failed: entries.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<Entry> {
        let entry = |name: &&str| Entry { file: "a.yaml".into(), name: (*name).to_owned(), host: "h".into() };
        names.iter().map(entry).collect()
    }

    #[test]
    fn a_test_that_passes_is_taken_out_one_that_fails_is_added_and_others_stay() {
        let before: LastFailed = set(&["passes", "fails", "elsewhere", "gone"]).into_iter().collect();
        let after =
            before.after(&set(&["passes", "fails", "new", "good"]), &set(&["fails", "new"]), |e| e.name == "gone");
        assert_eq!(after.failed, set(&["elsewhere", "fails", "new"]));
    }

    #[test]
    fn what_is_written_is_read_and_what_is_not_ours_is_not() {
        let state: LastFailed = set(&["a \"b\"\n", "ü"]).into_iter().collect();
        assert_eq!(LastFailed::parse(&state.encode().unwrap()), Ok(state));
        for text in ["", "{", "[]", "{\"version\":1}", "{\"version\":1,\"failed\":[1]}", "null"] {
            assert!(LastFailed::parse(text).is_err(), "{text}");
        }
        let error = LastFailed::parse("{\"version\":2,\"failed\":[]}").unwrap_err();
        assert_eq!(error, "it has version 2, and this callwright knows version 1");
    }
}
