//! Scenarios of other files, as a load mixes them in.

use std::path::Path;
use std::sync::Arc;

use super::{FileLoad, Purpose, load_for};
use crate::scenario::diagnostic::did_you_mean;
use crate::scenario::model::{Scenario, Stage};
use crate::scenario::node::shortened;
use crate::scenario::shape::Placed;

/// Tests by their names, each with its scenario for all hosts or one for each.
pub(super) type Tests = Vec<(String, Vec<Arc<Scenario>>)>;

impl FileLoad<'_> {
    /// The tests that `FILE` or `FILE::NAME` names.
    pub(super) fn tests_of(&mut self, file: &Placed<String>) -> Option<Tests> {
        let (named_file, named) = match file.value.split_once("::") {
            Some((path, name)) => (path, Some(name)),
            None => (file.value.as_str(), None),
        };
        let path = self.reading.source_of(file.span.start).folder().join(named_file);
        let scenarios = self.file_of(&path, file, named_file)?;
        let is_named =
            |scenario: &&Arc<Scenario>| named.is_none_or(|named| scenario.name == named || scenario.base == named);
        let chosen: Vec<_> = scenarios.iter().filter(is_named).cloned().collect();
        if let (Some(named), true) = (named, chosen.is_empty()) {
            let message = format!("{} has no scenario `{}`", shortened(named_file), shortened(named));
            let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
            let diagnostic = self.reading.error(&file.span, message);
            match did_you_mean(named, names.iter().copied()) {
                Some(meant) => diagnostic.label = format!("did you mean `{meant}`?"),
                None => diagnostic.help = format!("it has {}", names.join(", ")),
            }
            return None;
        }
        let mut fine = true;
        let mut tests = Tests::new();
        for scenario in chosen {
            let told = shortened(&scenario.name);
            if scenario.stage != Stage::Call {
                let diagnostic = self.reading.error(&file.span, format!("`{told}` makes no call"));
                diagnostic.help = format!("it has only `steps` of a host, at {}", scenario.place);
                fine = false;
            } else if let Some(skip) = &scenario.skip {
                let warning = self.reading.warning(&file.span, format!("`{told}` is left out: it is skipped"));
                warning.help = format!("{}, says {}", shortened(&skip.value), skip.place);
            } else if let Some((_, there)) = tests.iter_mut().find(|(name, _)| *name == scenario.name) {
                there.push(scenario);
            } else {
                tests.push((scenario.name.clone(), vec![scenario]));
            }
        }
        if tests.is_empty() && fine {
            self.reading.error(&file.span, "no scenario of this entry can be called: all are skipped");
            fine = false;
        }
        fine.then_some(tests)
    }

    /// The scenarios of the file `path`, which `file` names.
    fn file_of(&mut self, path: &Path, file: &Placed<String>, name: &str) -> Option<Vec<Arc<Scenario>>> {
        if self.reading.source_of(file.span.start).path() == path {
            let diagnostic = self.reading.error(&file.span, format!("`{}` mixes itself", shortened(name)));
            diagnostic.help = "keep what is mixed in a file of its own".to_owned();
            return None;
        }
        if let Some(there) = self.mixed.get(path) {
            return there.clone();
        }
        let named = Placed { value: name.to_owned(), place: file.place.clone(), span: file.span.clone() };
        let read = self.text(path, &named).and_then(|text| {
            let loaded = load_for(Purpose::Mix, path, &text, self.reading.folder);
            let fine = !loaded.has_errors();
            self.redactor.extend(&loaded.redactor);
            self.elsewhere.extend(loaded.diagnostics.into_iter().map(|mut diagnostic| {
                diagnostic.related.get_or_insert_with(|| (file.span.clone(), "mixed in here".to_owned()));
                diagnostic
            }));
            fine.then(|| loaded.scenarios.into_iter().map(Arc::new).collect::<Vec<_>>())
        });
        self.mixed.insert(path.to_owned(), read.clone());
        read
    }

    /// The text of the file `path`, which `file` names.
    pub(super) fn text(&mut self, path: &Path, file: &Placed<String>) -> Option<String> {
        match self.reading.folder.text(path) {
            Ok(Some(text)) => return Some(text),
            Ok(None) => {
                let message = format!("file `{}` is not there", shortened(&file.value));
                let diagnostic = self.reading.error(&file.span, message);
                diagnostic.label = format!("looked for {}", path.display());
                diagnostic.help = "file names are relative to the folder of the file that they are written in".into();
            }
            Err(error) => {
                self.reading.error(&file.span, format!("cannot read `{}`: {error}", shortened(&file.value)));
            }
        }
        None
    }
}
