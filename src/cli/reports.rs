//! The reports that a command line asks for: one option a kind, each as often as one likes.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::report::{Cdrs, Github, Html, Jsonl, Junit, Markdown, Report, Stream, Tap, Term};

/// Options of `run` and `merge`.
#[derive(Debug, Default, Args)]
pub(super) struct ReportArguments {
    /// Tell the N slowest tests at the end; 0 tells all
    #[arg(long, value_name = "N")]
    pub durations: Option<usize>,

    /// Write a JUnit XML report to FILE
    #[arg(long, value_name = "FILE")]
    pub junit: Vec<PathBuf>,

    /// Write an HTML report to FILE: one page with pictures and sound of what failed, that needs no network
    #[arg(long, value_name = "FILE")]
    pub html: Vec<PathBuf>,

    /// Write each event as a line of JSON to FILE as it happens, for `compare`, `merge` and other programs; `-` is the
    /// standard output. `callwright schema --events` tells the format
    #[arg(long, value_name = "FILE")]
    pub json: Vec<PathBuf>,

    /// Write TAP 14 to FILE as the tests end; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    pub tap: Vec<PathBuf>,

    /// Write a record of each call of a load to FILE as it ends: CSV, or JSON lines where FILE ends in `.jsonl`; for
    /// `callwright plot` and other programs
    #[arg(long, value_name = "FILE")]
    pub cdr: Vec<PathBuf>,

    /// Print annotations for GitHub Actions, and append a summary to the file that GITHUB_STEP_SUMMARY names; always on
    /// where GITHUB_ACTIONS is `true`
    #[arg(long)]
    pub github: bool,
}

/// The standard output, where a file is asked for.
const STDOUT: &str = "-";

impl ReportArguments {
    /// The reports, the one for people first. What has the standard output sends that one to the standard error.
    pub fn reports(&self) -> Result<Vec<Box<dyn Report>>, String> {
        let stdout = self.takes_stdout()?;
        let term = if stdout { Term::stderr() } else { Term::stdout() };
        let mut reports: Vec<Box<dyn Report>> = vec![Box::new(term.durations(self.durations))];
        let project = env::var_os("CI_PROJECT_DIR").filter(|_| env::var_os("GITLAB_CI").is_some()).map(PathBuf::from);
        for path in &self.junit {
            reports.push(Box::new(Junit::new(path).attached_from(project.clone())));
        }
        for path in &self.html {
            reports.push(Box::new(Html::new(path)));
        }
        for path in &self.json {
            reports.push(Box::new(Jsonl::new(stream(path))));
        }
        for path in &self.tap {
            reports.push(Box::new(Tap::new(stream(path))));
        }
        for path in &self.cdr {
            reports.push(Box::new(Cdrs::new(path)));
        }
        if self.github || env::var_os("GITHUB_ACTIONS").is_some_and(|on| on == "true") {
            // GitHub reads workflow commands from both.
            let out = if stdout { Stream::new(std::io::stderr()) } else { Stream::stdout() };
            reports.push(Box::new(Github::new(out, env::var_os("GITHUB_WORKSPACE").map(PathBuf::from))));
            if let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) {
                reports.push(Box::new(Markdown::new(path)));
            }
        }
        Ok(reports)
    }

    /// Whether one of them has the standard output; an error where two would have one file.
    pub fn takes_stdout(&self) -> Result<bool, String> {
        let mut files = BTreeSet::new();
        for path in self.junit.iter().chain(&self.html).chain(&self.json).chain(&self.tap).chain(&self.cdr) {
            let regular = std::fs::metadata(path).map_or(true, |metadata| metadata.is_file());
            let same = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            if regular && !files.insert(same) {
                return Err(format!("two reports cannot both be written to {}", path.display()));
            }
        }
        if self.junit.iter().chain(&self.html).chain(&self.cdr).any(|path| path == Path::new(STDOUT)) {
            return Err(
                "JUnit and HTML reports and call records go to files; `-` is for `--json` and `--tap`".to_owned()
            );
        }
        Ok(self.json.iter().chain(&self.tap).any(|path| path == Path::new(STDOUT)))
    }
}

fn stream(path: &Path) -> Stream {
    if path == Path::new(STDOUT) { Stream::stdout() } else { Stream::file(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reports_never_share_a_file_and_one_may_have_the_standard_output() {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        let asked =
            |junit, json, tap| ReportArguments { junit, json, tap, ..ReportArguments::default() }.takes_stdout();
        assert_eq!(asked(paths(&["a", "b"]), paths(&["c", "d"]), paths(&["e"])), Ok(false));
        assert_eq!(asked(paths(&[]), paths(&["-", "d"]), paths(&[])), Ok(true));
        assert_eq!(asked(paths(&[]), paths(&[]), paths(&["-"])), Ok(true));
        assert!(asked(paths(&[]), paths(&["-"]), paths(&["-"])).is_err());
        assert!(asked(paths(&["a"]), paths(&["./a"]), paths(&[])).is_err());
        assert!(asked(paths(&["-"]), paths(&[]), paths(&[])).is_err());
        let both = ReportArguments { cdr: paths(&["a"]), json: paths(&["a"]), ..ReportArguments::default() };
        assert!(both.takes_stdout().is_err());
        let piped = ReportArguments { cdr: paths(&["-"]), ..ReportArguments::default() };
        assert!(piped.takes_stdout().is_err());
        assert_eq!(asked(paths(&["/dev/null"]), paths(&["/dev/null"]), paths(&[])), Ok(false));
    }
}
