//! Colours, or none.

use std::fmt::Display;

use crate::verdict::Verdict;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Plain,
    /// ANSI escape sequences (ECMA-48, SGR).
    Ansi,
}

/// What a piece of text is, and so how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Good,
    Bad,
    /// Could not find out.
    Doubt,
    /// Skipped.
    Calm,
    /// Names and headings.
    Strong,
    /// Of less importance.
    Faint,
}

impl Style {
    pub fn of(verdict: Verdict) -> Style {
        match verdict {
            Verdict::Passed => Style::Good,
            Verdict::Skipped => Style::Calm,
            Verdict::Failed => Style::Bad,
            Verdict::Error => Style::Doubt,
        }
    }

    fn sgr(self) -> &'static str {
        match self {
            Style::Good => "1;32",
            Style::Bad => "1;31",
            Style::Doubt => "1;35",
            Style::Calm => "1;33",
            Style::Strong => "1",
            Style::Faint => "2",
        }
    }
}

impl Paint {
    pub fn apply(self, style: Style, text: impl Display) -> String {
        match self {
            Paint::Plain => text.to_string(),
            Paint::Ansi => format!("\x1b[{}m{text}\x1b[0m", style.sgr()),
        }
    }
}
