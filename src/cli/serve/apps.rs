//! What is served: apps as they are asked for on the command line, and routes files.

use std::path::PathBuf;

use crate::app::{AtEnd, Bridger, Group, Proxier, Router, Scripted};
use crate::scenario::app::{Served, read_served, steps_of};
use crate::scenario::reading::Disk;
use crate::scenario::routes::{self, Routes};
use crate::scenario::{Diagnostic, Programs, Severity};

/// What is done with each call that comes in.
#[derive(Clone)]
pub(super) struct Apps {
    apps: Vec<Ready>,
    describe: String,
    /// Whether it is only for calls that come in.
    inbound: bool,
}

#[derive(Clone)]
enum Ready {
    Steps(Scripted),
    Proxier(Proxier),
    Bridger(Bridger),
    Routes(Router),
}

/// Reads apps and routes files, which may have the hosts run programs or not.
///
/// # Errors
/// All that is wrong with them.
pub(super) fn read(apps: &[String], files: &[PathBuf], programs: Programs) -> Result<Apps, Vec<Diagnostic>> {
    let folder = Disk { programs, ..Disk::default() };
    let mut ready = Vec::new();
    let mut wrong = Vec::new();
    for text in apps {
        match read_served(text, &folder) {
            Ok((name, app)) => ready.push(of(name, app, ready.len())),
            Err(diagnostics) => wrong.extend(diagnostics),
        }
    }
    let loaded = files.iter().map(|path| routes::load(path, &folder)).reduce(Routes::and);
    let mut names: Vec<String> = apps.to_vec();
    let inbound = loaded.as_ref().is_none_or(Routes::is_inbound);
    if let Some(mut loaded) = loaded {
        wrong.append(&mut loaded.diagnostics);
        let paths: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        ready.push(Ready::Routes(Router::of_routes(paths.join(" "), loaded)));
        names.extend(paths);
    }
    if wrong.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(wrong);
    }
    Ok(Apps { apps: ready, describe: names.join(", "), inbound })
}

fn of(name: String, app: Served, before: usize) -> Ready {
    match app {
        Served::App(app) => {
            // Several of one name are told apart by their number. Only what comes in is served: the callee's part.
            let name = if before == 0 { name } else { format!("{name} {}", before + 1) };
            let [_, callee] = steps_of(&*app);
            Ready::Steps(Scripted::of_steps(name, Vec::new(), callee).at_end(AtEnd::HangUp))
        }
        Served::Proxier(way) => Ready::Proxier(Proxier { way }),
        Served::Bridger(ways) => Ready::Bridger(Bridger { ways }),
    }
}

impl Apps {
    /// As they were asked for.
    pub fn describe(&self) -> &str {
        &self.describe
    }

    pub fn load_into(&self, group: Group) -> Group {
        let group = if self.inbound { group.inbound() } else { group };
        self.apps.iter().cloned().fold(group, |group, app| match app {
            Ready::Steps(app) => group.app(app),
            Ready::Proxier(app) => group.app(app),
            Ready::Bridger(app) => group.app(app),
            Ready::Routes(app) => group.app(app),
        })
    }
}
