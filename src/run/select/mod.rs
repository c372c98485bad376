//! From the arguments of a run to its tests, in this order: paths, `-k`, `-m`, `--lf`, `--repeat`, `--shard`, order.
//!
//! Only [`paths`] and the loading of scenarios touch the disk; everything behind them is decided on what they found.

mod expression;
mod last_failed;
mod list;
mod node_id;
mod order;
mod paths;
mod shard;

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::redact::Redactor;
use crate::scenario::diagnostic::{Diagnostic, did_you_mean};
use crate::scenario::reading::{Disk, Folder};
use crate::scenario::{Loaded, Programs, Scenario, Stage, Style, load_beside, load_file_with};

use super::{Picked, TestId};

pub use expression::Expression;
pub use last_failed::{Entry, LastFailed};
pub use list::{ListFormat, list_schema};
pub use order::Seed;
pub use shard::{Shard, ShardError};

/// Which tests are wanted, how often and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Scenario files, folders to look for them in, globs, and single tests as `FILE::NAME[VALUES]`.
    pub paths: Vec<String>,
    /// A document that is in no file.
    pub written: Option<Written>,
    /// `-k`: an expression on the node id.
    pub keyword: Option<String>,
    /// `-m`: an expression on the tags.
    pub tags: Option<String>,
    pub last: Option<Last>,
    /// How often each test is run.
    pub repeat: NonZeroU32,
    pub shard: Option<Shard>,
    /// The seed of a random order; `None`: as they were found.
    pub seed: Option<u64>,
    /// Whether they may have a switch run programs.
    pub programs: Programs,
}

impl Choice {
    /// All tests of `paths`, once.
    pub fn of(paths: Vec<String>) -> Self {
        Choice {
            paths,
            written: None,
            keyword: None,
            tags: None,
            last: None,
            repeat: NonZeroU32::MIN,
            shard: None,
            seed: None,
            programs: Programs::Refused,
        }
    }
}

/// A scenario document that was made from something else than a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What reports call its file.
    pub name: String,
    /// In YAML. Files that it names are looked for from the current folder; no `_defaults.yaml` holds for it.
    pub text: String,
    /// The command that makes it again.
    pub rerun: String,
}

impl Written {
    /// The scenarios of the document for `hosts`.
    pub fn load(&self, hosts: &[String], programs: Programs) -> Loaded {
        let path = Path::new(&self.name);
        load_beside(path, &self.text, &Alone { path, disk: Disk { hosts, programs } })
    }
}

/// The disk, with nothing above the document `path`.
struct Alone<'a> {
    path: &'a Path,
    disk: Disk<'a>,
}

impl Folder for Alone<'_> {
    fn has_file(&self, path: &Path) -> bool {
        self.disk.has_file(path)
    }

    fn text(&self, path: &Path) -> Result<Option<String>, String> {
        self.disk.text(path)
    }

    fn above(&self, path: &Path) -> Vec<PathBuf> {
        if path == self.path { Vec::new() } else { self.disk.above(path) }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.disk.variable(name)
    }

    fn hosts(&self) -> &[String] {
        self.disk.hosts()
    }

    fn programs(&self) -> Programs {
        self.disk.programs()
    }
}

/// What becomes of the tests that failed last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// `--lf`: only they are run.
    Only,
    /// `--ff`: they are run first.
    First,
}

/// What the arguments came to.
#[derive(Debug, Default)]
pub struct Selection {
    /// Takes the secrets of all scenarios out of what is told.
    pub redactor: Redactor,
    /// In the order in which they are begun.
    pub tests: Vec<Selected>,
    /// Of every file, so that all can be put right at once.
    pub diagnostics: Vec<Diagnostic>,
    /// How many tests the paths named, before anything chose among them.
    pub found: usize,
    /// What reports tell of it.
    pub picked: Picked,
    /// Probable slips, each a sentence.
    pub warnings: Vec<String>,
    /// Why there is no test, where there is none.
    pub why_none: String,
    /// Every test of the files that were read, whether it was chosen or not.
    pub known: HashSet<Entry>,
}

/// A test: a scenario on one of the hosts.
#[derive(Clone, Debug)]
pub struct Selected {
    /// As reports have it: with `#2` behind the name where tests are repeated.
    pub id: TestId,
    /// The node id that names this test alone; with its host where there are several.
    pub name: String,
    pub scenario: Arc<Scenario>,
    /// Which of the hosts.
    pub host: usize,
    /// Which one it is of several, counted from 1; `None` where tests are run once.
    pub repetition: Option<u32>,
}

impl Selected {
    /// Its name from run to run.
    pub fn entry(&self, hosts: &[String], redactor: &Redactor) -> Entry {
        Entry {
            file: self.id.file.display().to_string(),
            name: redactor.redact(&self.scenario.name).into_owned(),
            host: self.host_name(hosts),
        }
    }

    /// What reports call its host; of a load, its hosts.
    pub fn host_name(&self, hosts: &[String]) -> String {
        match self.scenario.stage {
            Stage::Load => hosts.join("+"),
            Stage::Call | Stage::Host => hosts[self.host].clone(),
        }
    }
}

/// An argument that names nothing, or that is none.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    #[error("{}: no such file or folder{}", .path.display(), .meant.as_ref().map_or(String::new(), |meant| format!("; did you mean {}?", meant.display())))]
    Missing { path: PathBuf, meant: Option<PathBuf> },
    #[error("{path}: {error}")]
    Unreadable { path: PathBuf, error: String },
    #[error("{0}: no scenario file matches")]
    NoMatch(String),
    #[error("{pattern} is no pattern of file names: {error}")]
    Glob { pattern: String, error: String },
    /// The part of the path before `::`, and what is there in place of what was named.
    #[error("{path} {what}")]
    NoScenario { path: String, what: String },
    #[error("{}", .0.message)]
    Expression(Box<Diagnostic>),
}

impl SelectError {
    /// As a person reads it, beginning with `error:`.
    pub fn told(&self, style: Style) -> String {
        match self {
            SelectError::Expression(diagnostic) => diagnostic.render(style),
            error => format!("error: {error}"),
        }
    }
}

/// Finds the tests that `choice` wants on `hosts`; `last` is what `--lf` and `--ff` go by.
///
/// Where a file has errors, [`Selection::diagnostics`] has them, and the tests are not all there are.
pub fn select(choice: &Choice, hosts: &[String], last: &LastFailed) -> Result<Selection, SelectError> {
    let expression =
        |option, text: &Option<String>| text.as_deref().map(|text| Expression::parse(option, text)).transpose();
    let keyword = expression("-k", &choice.keyword).map_err(SelectError::Expression)?;
    let tags = expression("-m", &choice.tags).map_err(SelectError::Expression)?;
    let mut selection = find(choice, hosts)?;
    selection.found = selection.tests.len();
    if selection.found == 0 {
        let names: Vec<&str> = choice
            .written
            .iter()
            .map(|written| &*written.name)
            .chain(choice.paths.iter().map(|path| &**path))
            .collect();
        selection.why_none = format!("no scenario in {}", names.join(", "));
    }
    if let Some(keyword) = &keyword {
        selection.keep("-k", choice.keyword.as_deref(), |test| by_name(test, keyword));
    }
    if let Some(tags) = &tags {
        selection.warnings.extend(unknown_tags(tags, &selection.tests));
        selection.keep("-m", choice.tags.as_deref(), |test| {
            tags.holds(&|word| test.scenario.tags.iter().any(|t| t == word))
        });
    }
    if choice.last == Some(Last::Only) {
        selection.only_last(last, hosts);
    }
    selection.repeat(choice.repeat);
    selection.deal(choice.shard);
    selection.order(choice.seed);
    if choice.last == Some(Last::First) {
        selection.last_first(last, hosts);
    }
    let all = selection.found * choice.repeat.get() as usize;
    selection.picked.left_out = all.saturating_sub(selection.tests.len());
    Ok(selection)
}

/// `-k`: words are parts of the node id, in capitals or not.
fn by_name(test: &Selected, keyword: &Expression) -> bool {
    let name = test.name.to_lowercase();
    keyword.holds(&|word| name.contains(&word.to_lowercase()))
}

/// Tags that an expression names and no test has: `not slwo` would otherwise keep all in silence.
fn unknown_tags(expression: &Expression, tests: &[Selected]) -> Vec<String> {
    let known: BTreeSet<&str> = tests.iter().flat_map(|test| &test.scenario.tags).map(String::as_str).collect();
    let unknown = expression.words().into_iter().filter(|word| !known.contains(word));
    unknown
        .map(|word| match did_you_mean(word, known.iter().copied()) {
            Some(meant) => format!("no test here has the tag `{word}`; did you mean `{meant}`?"),
            None => format!("no test here has the tag `{word}`"),
        })
        .collect()
}

/// The tests that the document and the paths name: in the order of the arguments, files of a folder by name, scenarios by
/// their place in the file, hosts last.
fn find(choice: &Choice, hosts: &[String]) -> Result<Selection, SelectError> {
    let disk = Disk { hosts, programs: choice.programs };
    let mut found = Found { hosts, selection: Selection::default(), told: HashSet::new(), taken: HashSet::new() };
    if let Some(written) = &choice.written {
        found.take(Path::new(&written.name), written.load(hosts, choice.programs), None);
    }
    for argument in &choice.paths {
        let (path, named) = match argument.split_once("::") {
            Some((path, named)) => (path, Some(named)),
            None => (argument.as_str(), None),
        };
        let mut broken = false;
        let mut any = named.is_none();
        let mut scenarios = Vec::new();
        for file in paths::files(path)? {
            let loaded = load_file_with(&file, &disk);
            broken |= loaded.has_errors();
            let (there, fits) = found.take(&file, loaded, named);
            any |= fits;
            scenarios.extend(there);
        }
        if let (Some(named), false, false) = (named, any, broken) {
            let scenarios: Vec<&Scenario> = scenarios.iter().map(Arc::as_ref).collect();
            let what = node_id::explain(named, &scenarios, hosts);
            return Err(SelectError::NoScenario { path: path.to_owned(), what });
        }
    }
    Ok(found.selection)
}

/// A selection as files are read for it.
struct Found<'a> {
    hosts: &'a [String],
    selection: Selection,
    /// Diagnostics, by place and message.
    told: HashSet<(String, String)>,
    taken: HashSet<(TestId, usize)>,
}

impl Found<'_> {
    /// Takes what was loaded of `file`, or the one that is `named`. Gives the scenarios that are there, and whether any
    /// fits the name.
    fn take(&mut self, file: &Path, loaded: Loaded, named: Option<&str>) -> (Vec<Arc<Scenario>>, bool) {
        let Found { hosts, selection, told, taken } = self;
        let mut any = false;
        selection.redactor.extend(&loaded.redactor);
        let scenarios: Vec<Arc<Scenario>> = loaded.scenarios.into_iter().map(Arc::new).collect();
        for scenario in &scenarios {
            // A load is one test on all hosts together.
            let load = scenario.stage == Stage::Load;
            let on = |host: &String| load || scenario.on.as_ref().is_none_or(|on| on == host);
            let there = if load { 1 } else { hosts.len() };
            for (host, host_name) in hosts.iter().take(there).enumerate().filter(|(_, host)| on(host)) {
                let id = TestId { file: file.to_owned(), name: scenario.name.clone() };
                let name = match there {
                    1 => id.to_string(),
                    _ => node_id::with_host(&id, scenario, host_name),
                };
                let test = Selected { id, name, scenario: Arc::clone(scenario), host, repetition: None };
                selection.known.insert(test.entry(hosts, &selection.redactor));
                if named.is_some_and(|named| !node_id::names(named, scenario, host_name)) {
                    continue;
                }
                any = true;
                if taken.insert((test.id.clone(), host)) {
                    selection.tests.push(test);
                }
            }
        }
        // Defaults and included steps have their mistakes in every file that uses them.
        for diagnostic in loaded.diagnostics {
            if told.insert((diagnostic.place.to_string(), diagnostic.message.clone())) {
                selection.diagnostics.push(diagnostic);
            }
        }
        (scenarios, any)
    }
}

impl Selection {
    fn keep(&mut self, option: &str, text: Option<&str>, fits: impl Fn(&Selected) -> bool) {
        let before = self.tests.len();
        self.tests.retain(fits);
        if before > 0 && self.tests.is_empty() {
            self.why_none = format!("none of {before} tests fits {option} {:?}", text.unwrap_or_default());
        }
    }

    /// Keeps those that failed last time, if there are any, as pytest does.
    fn only_last(&mut self, last: &LastFailed, hosts: &[String]) {
        let failed = |test: &Selected, redactor: &Redactor| last.has(&test.entry(hosts, redactor));
        let again = self.tests.iter().filter(|test| failed(test, &self.redactor)).count();
        let note = match (last.len(), again) {
            (0, _) => "no test failed last time: all are run".to_owned(),
            (all, 0) => format!("of the {} that failed last time none is here: all are run", count(all)),
            (_, again) => format!("the {} that failed last time", count(again)),
        };
        self.picked.notes.push(note);
        if again > 0 {
            let redactor = &self.redactor;
            self.tests.retain(|test| failed(test, redactor));
        }
    }

    fn repeat(&mut self, times: NonZeroU32) {
        if times == NonZeroU32::MIN {
            return;
        }
        let numbered = |test: &Selected, number: u32| {
            let id = TestId { name: format!("{}#{number}", test.id.name), ..test.id.clone() };
            Selected { id, name: format!("{}#{number}", test.name), repetition: Some(number), ..test.clone() }
        };
        // All once, then all again: a fault that comes with time is not mistaken for one of a test.
        let rounds = (1..=times.get()).flat_map(|number| self.tests.iter().map(move |test| numbered(test, number)));
        self.tests = rounds.collect();
    }

    fn deal(&mut self, shard: Option<Shard>) {
        let Some(shard) = shard else { return };
        self.picked.shard = Some(shard);
        let before = self.tests.len();
        let mut sorted: Vec<_> = self.tests.iter().map(key).collect();
        sorted.sort_unstable();
        let mine: HashSet<_> =
            sorted.into_iter().enumerate().filter(|(at, _)| shard.has(*at)).map(|(_, key)| key).collect();
        let keep: Vec<bool> = self.tests.iter().map(|test| mine.contains(&key(test))).collect();
        let mut keep = keep.into_iter();
        self.tests.retain(|_| keep.next().unwrap_or_default());
        if before > 0 && self.tests.is_empty() {
            self.why_none = format!("part {shard} has none of the {}", count(before));
        }
    }

    fn order(&mut self, seed: Option<u64>) {
        let Some(seed) = seed else { return };
        self.picked.seed = Some(seed);
        // From an order that does not depend on the arguments.
        self.tests.sort_by(|a, b| key(a).cmp(&key(b)));
        order::shuffle(&mut self.tests, seed);
    }

    fn last_first(&mut self, last: &LastFailed, hosts: &[String]) {
        let redactor = &self.redactor;
        // Stable: apart from that the order stays.
        self.tests.sort_by_cached_key(|test| !last.has(&test.entry(hosts, redactor)));
        let again = self.tests.iter().filter(|test| last.has(&test.entry(hosts, redactor))).count();
        let note = match again {
            0 => "no test of these failed last time".to_owned(),
            _ => format!("the {} that failed last time first", count(again)),
        };
        self.picked.notes.push(note);
    }
}

/// By what tests are sorted.
fn key(test: &Selected) -> (&TestId, usize) {
    (&test.id, test.host)
}

fn count(tests: usize) -> String {
    if tests == 1 { "1 test".to_owned() } else { format!("{tests} tests") }
}

#[cfg(test)]
mod tests;
