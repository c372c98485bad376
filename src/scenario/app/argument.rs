//! An app as it is asked for on a command line: `NAME` or `NAME: { KEY: VALUE }`.

use std::path::Path;

use super::{App, Served, parts, served};
use crate::place::Place;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::model::PlacedStep;
use crate::scenario::node::{self, Content};
use crate::scenario::reading::{Folder, Reading};

/// What its diagnostics have in place of a file's name.
const ARGUMENT: &str = "--app";

/// Reads an app that is to be served; gives its name as well. Files that it names are looked for in `folder`.
///
/// # Errors
/// All that is wrong with it.
pub fn read_served(text: &str, folder: &dyn Folder) -> Result<(String, Served), Vec<Diagnostic>> {
    let mut reading = Reading { sources: Vec::new(), folder, diagnostics: Vec::new() };
    let source = reading.add(Path::new(ARGUMENT), text);
    let (documents, diagnostics) = node::parse(&source);
    reading.diagnostics.extend(diagnostics);
    let node = match &documents[..] {
        [node] => node,
        [] => {
            if reading.diagnostics.is_empty() {
                reading.error(&(0..0), "expected an app, found nothing");
            }
            return Err(reading.diagnostics);
        }
        [_, second, ..] => {
            reading.error(&second.span, "expected one app, found a second document");
            return Err(reading.diagnostics);
        }
    };
    let name = match &node.content {
        Content::Scalar { text, .. } => text.clone(),
        Content::Mapping(entries) => entries.first().map(|entry| entry.key.clone()).unwrap_or_default(),
        Content::List(_) => String::new(),
    };
    let app = served().read(node, &mut reading);
    match app {
        Some(app) if reading.diagnostics.is_empty() => Ok((name, app)),
        _ => Err(reading.diagnostics),
    }
}

/// The steps of an app that was asked for so, by [`crate::scenario::Leg`].
pub fn steps_of(app: &dyn App) -> [Vec<PlacedStep>; 2] {
    let place = Place { file: ARGUMENT.into(), line: 1, column: 1 };
    parts(app, None).map(|steps| {
        let placed = |value| PlacedStep { value, place: place.clone(), span: 0..0 };
        steps.into_iter().map(placed).collect()
    })
}
