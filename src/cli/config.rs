//! `callwright config`

use clap::Args;

use super::configure::Resolved;
use super::{Exit, complain, exit, run, tell};
use crate::config::{Key, Kind, Origin};
use crate::redact::REDACTED;

const EXAMPLES: &str = "\
Examples:
  callwright config
      What `callwright run` would go by here.
  callwright config --profile ci -j 4
      What `callwright run --profile ci -j 4` would.
";

const FORM: &str = "\
callwright.toml, in the current folder or above it (no further than the root of a Git work tree):

  [profile.default]               # holds always
  paths = [\"scenarios\"]
  fshost = [\"pbx1\", \"pbx2:8022\"]
  password-env = \"PBX_PASSWORD\"   # the variable that has the password

  [profile.ci]                    # with --profile ci or CALLWRIGHT_PROFILE=ci; what it says wins
  junit = \"out/junit.xml\"
  jobs = 32

A key is the long name of an option of `callwright run`. Paths are from the folder of the file. The environment has
the same as CALLWRIGHT_JOBS, CALLWRIGHT_FSHOST (several with commas between them). The command line wins over the
environment, that over the file.
";

const ABOUT: &str = "Print the options that a run would have here, and where each comes from";

const LONG_ABOUT: &str = "\
Print the options that a run would have here, and where each comes from

Prints a callwright.toml with the origin of each value behind it: default, FILE:LINE, env NAME or command line. Secrets are
not shown.";

// As attributes these win over what is said of the options of `run` below.
#[derive(Debug, Args)]
#[group(skip)]
#[command(about = ABOUT, long_about = LONG_ABOUT, after_help = EXAMPLES, after_long_help = format!("{FORM}\n{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    #[command(flatten)]
    run: run::Arguments,
}

pub(super) fn run(resolved: &Resolved) -> Exit {
    let options = resolved.options();
    let lines: Vec<(String, &Origin)> =
        options.iter().map(|(key, values, origin)| (line(key, values), origin)).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= 48).max().unwrap_or(0);
    let mut text = format!("# {}\n", resolved.about);
    for (line, origin) in &lines {
        text.push_str(&match line.starts_with('#') {
            true => format!("{line}\n"),
            false => format!("{line:<width$}  # {origin}\n"),
        });
    }
    match tell(&text) {
        Ok(()) => Exit::Passed,
        Err(error) => {
            complain(format_args!("cannot print: {error}"));
            Exit::Unknown
        }
    }
}

/// An option as TOML.
fn line(key: &Key, values: &[String]) -> String {
    let Key { name, kind, is_secret, .. } = key;
    let text = |value: &String| {
        let value = if *is_secret { REDACTED } else { value };
        // A text alone, which cannot fail. JSON's escapes are TOML's.
        serde_json::to_string(value).unwrap_or_default()
    };
    match (kind, values) {
        (_, []) => format!("# {name} is not set"),
        (Kind::Flag, [flag, ..]) => format!("{name} = {flag}"),
        (Kind::One, [value, ..]) if !is_secret && value.parse::<i64>().is_ok() => format!("{name} = {value}"),
        (Kind::One, [value, ..]) => format!("{name} = {}", text(value)),
        (Kind::List, values) => format!("{name} = [{}]", values.iter().map(text).collect::<Vec<_>>().join(", ")),
    }
}
