//! The commands of the shell itself.

use std::fmt::Write;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slash {
    pub name: &'static str,
    pub arguments: &'static str,
    about: &'static str,
    /// Other names, as fs_cli has them.
    pub aliases: &'static [&'static str],
}

const fn slash(
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    aliases: &'static [&'static str],
) -> Slash {
    Slash { name, arguments, about, aliases }
}

/// All of them, as the help tells them.
pub(super) static SLASHES: [Slash; 10] = [
    slash("log", "[LEVEL]", "log lines from LEVEL on: console, alert, crit, err, warning, notice, info, debug", &[]),
    slash("nolog", "", "no log lines", &[]),
    slash("uuid", "[UUID]", "log lines of one session alone; of all again", &[]),
    slash("logfilter", "[TEXT]", "log lines with TEXT in them alone; all again", &[]),
    slash(
        "events",
        "NAME... | all | off | short | full",
        "events as they happen, on a line each or in full; what is shown",
        &["event"],
    ),
    slash("nixevent", "NAME...", "these events no longer; /noevents: none", &[]),
    slash("filter", "HEADER VALUE | delete HEADER [VALUE] | off", "events alone whose HEADER is VALUE", &[]),
    slash("bgapi", "COMMAND", "runs it as a job, whose result is shown when it ends", &[]),
    slash("help", "", "this", &[]),
    slash("quit", "", "leaves, as /exit, /bye, ... and Ctrl-D do", &["exit", "bye"]),
];

/// Another name of `/events off`.
pub(super) const NOEVENTS: &str = "noevents";

impl Slash {
    /// The command called `name`, in any case.
    pub fn named(name: &str) -> Option<&'static Slash> {
        let is = |other: &str| other.eq_ignore_ascii_case(name);
        SLASHES.iter().find(|slash| is(slash.name) || slash.aliases.iter().any(|alias| is(alias)))
    }

    /// Every name that may be typed, without the slash.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let of = |slash: &'static Slash| std::iter::once(slash.name).chain(slash.aliases.iter().copied());
        SLASHES.iter().flat_map(of).chain([NOEVENTS])
    }

    pub fn usage(&self) -> String {
        format!("/{} {}", self.name, self.arguments).trim_end().to_owned()
    }
}

/// What `/help` shows.
pub(super) fn help() -> String {
    let mut text =
        "Any command of the switch, as `status`, `show channels` or `uuid_kill UUID`; TAB completes it.\n".to_owned();
    for slash in &SLASHES {
        // Writing to a String cannot fail.
        let _ = match slash.usage() {
            usage if usage.len() > WIDTH => writeln!(text, "  {usage}\n  {:WIDTH$}  {}", "", slash.about),
            usage => writeln!(text, "  {usage:WIDTH$}  {}", slash.about),
        };
    }
    text
}

const WIDTH: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_command_is_found_and_the_help_fits_a_terminal() {
        for name in Slash::names().filter(|name| *name != NOEVENTS) {
            assert!(Slash::named(name).is_some(), "{name}");
        }
        assert_eq!(Slash::named("EXIT").map(|slash| slash.name), Some("quit"));
        assert!(help().lines().all(|line| line.len() <= 110), "{}", help());
        assert_eq!(SLASHES.iter().filter(|slash| help().contains(&slash.usage())).count(), SLASHES.len());
    }
}
