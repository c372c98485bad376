//! `callwright init`

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, complain, exit, tell};

const EXAMPLES: &str = "\
Examples:
  callwright init && callwright run
      A project in the current folder, and its first test.
  callwright init tests/telephony
      In a folder that is made for it.
";

/// Write a starter project: a first scenario, a CI workflow, an entry for .gitignore
///
/// What is there already stays as it is.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// The project's folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// The files of the project, with what is in them.
const FILES: [(&str, &str); 2] = [
    ("scenarios/first.yaml", include_str!("init/first.yaml")),
    (".github/workflows/callwright.yml", include_str!("init/workflow.yml")),
];

/// What a run leaves behind.
const IGNORED: &str = "callwright-out/";

pub(super) fn run(arguments: &Arguments) -> Exit {
    let mut exit = Exit::Passed;
    let mut text = String::new();
    let written = FILES.iter().map(|(name, content)| (*name, create(&arguments.folder.join(name), content)));
    let ignored = (".gitignore", ignore(&arguments.folder.join(".gitignore")));
    for (name, result) in written.chain([ignored]) {
        let path = arguments.folder.join(name);
        match result {
            Ok(what) => text.push_str(&format!("{what:>9} {}\n", path.display())),
            Err(error) => {
                complain(format_args!("{}: {error}", path.display()));
                exit = Exit::Unknown;
            }
        }
    }
    if exit == Exit::Passed {
        let enter = match arguments.folder.as_path() {
            here if here == Path::new(".") => String::new(),
            folder => format!("cd {} && ", folder.display()),
        };
        text.push_str(&format!("Next: {enter}callwright run\n"));
    }
    if let Err(error) = tell(&text) {
        complain(format_args!("cannot print: {error}"));
        return Exit::Unknown;
    }
    exit
}

/// Creates a file, unless it is there.
fn create(path: &Path, content: &str) -> io::Result<&'static str> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(content.as_bytes()).map(|()| "wrote"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok("kept"),
        Err(error) => Err(error),
    }
}

/// Adds our line to a `.gitignore`, unless it has it.
fn ignore(path: &Path) -> io::Result<&'static str> {
    let there = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return create(path, &format!("{IGNORED}\n")),
        Err(error) => return Err(error),
    };
    if there.lines().any(|line| line.trim().trim_start_matches('/').trim_end_matches('/') == "callwright-out") {
        return Ok("kept");
    }
    let line_break = if there.is_empty() || there.ends_with('\n') { "" } else { "\n" };
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(format!("{line_break}{IGNORED}\n").as_bytes())?;
    Ok("added to")
}
