//! Log lines as they are shown.

use super::look::{Look, Style, line};
use crate::esl::{LogLevel, LogLine};
use crate::id::SessionId;

/// Which log lines are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogView {
    /// Of this session, and of none.
    pub session: Option<SessionId>,
    /// With this in them.
    pub text: Option<String>,
}

impl LogView {
    pub fn shows(&self, line: &LogLine) -> bool {
        let of_session = match (&self.session, &line.session) {
            (Some(wanted), Some(session)) => wanted.as_str().eq_ignore_ascii_case(session.as_str()),
            _ => true,
        };
        of_session && self.text.as_ref().is_none_or(|text| line.text.contains(text))
    }
}

/// A log line in the colour of its level, with one line break at its end.
pub(super) fn show(log: &LogLine, look: Look) -> String {
    let text = line(&look.clean(&log.text));
    match style(log.level) {
        Style::Plain => text,
        // The line break outside, so that the colour ends with the line.
        style => look.apply(style, text.trim_end_matches('\n')) + "\n",
    }
}

/// fs_cli's colours.
fn style(level: LogLevel) -> Style {
    match level.0 {
        1..=3 => Style::Red,
        4 => Style::Magenta,
        5 => Style::Cyan,
        6 => Style::Green,
        7 => Style::Yellow,
        _ => Style::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(level: i8, session: Option<&str>, text: &str) -> LogLine {
        LogLine { level: LogLevel(level), session: session.map(SessionId::new), text: text.to_owned() }
    }

    #[test]
    fn a_line_has_the_colour_of_its_level() {
        assert_eq!(show(&of(3, None, "no\n"), Look::Coloured), "\x1b[31mno\x1b[0m\n");
        assert_eq!(show(&of(7, None, "v=0\r\no=x\r\n\n"), Look::Coloured), "\x1b[33mv=0\no=x\x1b[0m\n");
        assert_eq!(show(&of(0, None, "no"), Look::Coloured), "no\n");
        assert_eq!(show(&of(4, None, "\x1b[2J\n"), Look::Plain), "^[[2J\n");
    }

    #[test]
    fn lines_of_other_sessions_or_without_the_text_are_left_out() {
        let view = LogView { session: Some("u1".into()), text: Some("SDP".to_owned()) };
        assert!(view.shows(&of(7, Some("U1"), "Local SDP")) && view.shows(&of(7, None, "SDP")));
        assert!(!view.shows(&of(7, Some("u2"), "Local SDP")) && !view.shows(&of(7, Some("u1"), "sdp")));
        assert!(LogView::default().shows(&of(7, Some("u2"), "")));
    }
}
