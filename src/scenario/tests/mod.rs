//! Scenario files as testers write them, right and wrong.

mod broken;
mod language;
mod loads;
mod right;
mod schema;

use std::path::Path;

pub(in crate::scenario) use schema::as_json;

use super::load::{Loaded, load_beside};
use super::reading::Folder;
use super::{Scenario, Style};

/// A folder with a clip in it, and nothing else.
struct Clips;

impl Folder for Clips {
    fn has_file(&self, path: &Path) -> bool {
        path == Path::new("scenarios/clip.wav")
    }
}

/// What the file `scenarios/case.yaml` with this text comes to.
fn load(text: &str) -> Loaded {
    load_beside(Path::new("scenarios/case.yaml"), text, &Clips)
}

/// All that is told of a file.
fn told(text: &str) -> String {
    let rendered: Vec<_> = load(text).diagnostics.iter().map(|diagnostic| diagnostic.render(Style::Plain)).collect();
    rendered.join("\n\n")
}

/// The scenarios of a file that is right.
#[track_caller]
fn scenarios(text: &str) -> Vec<Scenario> {
    let loaded = load(text);
    assert!(loaded.diagnostics.is_empty(), "{}", told(text));
    loaded.scenarios
}

/// The scenario of a file that is right and has one.
#[track_caller]
fn scenario(text: &str) -> Scenario {
    let mut scenarios = scenarios(text);
    assert_eq!(scenarios.len(), 1);
    scenarios.remove(0)
}
