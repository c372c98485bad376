//! How text looks on a terminal.

use std::borrow::Cow;
use std::fmt::{Display, Write};

/// How text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it is, for programs.
    Raw,
    /// For a terminal: control characters are made visible.
    Plain,
    /// The same with colours, by ANSI escape sequences (ECMA-48, SGR).
    Coloured,
}

/// What a text is, and so how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Red,
    Green,
    Yellow,
    Magenta,
    Cyan,
    Bold,
    Faint,
}

impl Style {
    fn sgr(self) -> Option<&'static str> {
        match self {
            Style::Plain => None,
            Style::Red => Some("31"),
            Style::Green => Some("32"),
            Style::Yellow => Some("33"),
            Style::Magenta => Some("35"),
            Style::Cyan => Some("36"),
            Style::Bold => Some("1"),
            Style::Faint => Some("2"),
        }
    }
}

impl Look {
    pub(super) fn apply(self, style: Style, text: impl Display) -> String {
        match style.sgr().filter(|_| self == Look::Coloured) {
            Some(sgr) => format!("\x1b[{sgr}m{text}\x1b[0m"),
            None => text.to_string(),
        }
    }

    /// `text` as it may be written.
    pub(super) fn clean(self, text: &str) -> Cow<'_, str> {
        match self {
            Look::Raw => Cow::Borrowed(text),
            Look::Plain | Look::Coloured => visible(text),
        }
    }
}

/// `text` with its control characters made visible: what a caller calls himself must not write to this terminal.
/// Line breaks and tabs stay, and a carriage return before a line break goes.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let is_odd = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(is_odd) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // As terminals show them: ^[ for escape.
            '\0'..='\x1f' | '\x7f' if is_odd(c) => {
                shown.push('^');
                shown.push(char::from(c as u8 ^ 0x40));
            }
            c if is_odd(c) => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "{}", c.escape_unicode());
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// `text` with exactly one line break at its end.
pub(super) fn line(text: &str) -> String {
    text.trim_end_matches(['\n', '\r']).to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_write_to_the_terminal_is_made_visible() {
        assert_eq!(visible("a\x1b[2Jb\x07\x7f\u{9b}c"), "a^[[2Jb^G^?\\u{9b}c");
        assert_eq!(visible("v=0\r\no=x\r\n\tü\n"), "v=0\no=x\n\tü\n");
        assert!(matches!(visible("nothing odd\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn only_what_is_to_be_coloured_is() {
        assert_eq!(Look::Coloured.apply(Style::Red, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(Look::Coloured.apply(Style::Plain, "x"), "x");
        assert_eq!(Look::Plain.apply(Style::Red, "x"), "x");
        assert_eq!((Look::Raw.clean("\x1b"), Look::Plain.clean("\x1b")), ("\x1b".into(), "^[".into()));
    }
}
