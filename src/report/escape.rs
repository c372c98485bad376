//! Text from outside, made fit to be shown.

use std::fmt::Write;

/// `text` on one line, with every character that could move a cursor, colour a terminal, turn the direction of reading
/// or break an XML document written as `\n`, `\t`, `\u{1b}`.
pub fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if hidden(c) => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// As [`line()`], but line breaks stay and tabs become four spaces.
pub fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\t', "    ");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// `text` as a terminal may show it: line breaks, tabs and colours (ECMA-48 SGR) stay as they are, and what else could act on
/// it is written as by [`line()`].
pub fn screen(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\n' | '\t' => 1,
            '\x1b' => colour(rest).unwrap_or(0),
            _ => 0,
        };
        if length > 0 {
            shown.push_str(&rest[..length]);
        } else {
            shown.push_str(&line(&rest[..c.len_utf8()]));
        }
        rest = &rest[length.max(c.len_utf8())..];
    }
    shown
}

/// The length of the colour that `text` begins with.
fn colour(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("\x1b[")?;
    let end = inside.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    inside[end..].starts_with('m').then_some(2 + end + 1)
}

/// `text` as a cell of a Markdown table, at most `columns` wide: on one line, and nothing in it is Markdown or HTML.
pub fn cell(text: &str, columns: usize) -> String {
    super::explain::clip(&line(text), columns).chars().fold(String::new(), |mut cell, c| {
        match c {
            '&' | '<' | '>' | '|' | '*' | '_' | '`' | '[' | ']' | '~' | '\\' | '#' | '@' | '!' => {
                // As above.
                let _ = write!(cell, "&#{};", u32::from(c));
            }
            c => cell.push(c),
        }
        cell
    })
}

fn hidden(c: char) -> bool {
    c.is_control()
        // Line and paragraph separators; marks, embeddings and isolates of bidirectional text (Unicode UAX 9).
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_switch_sends_cannot_command_the_terminal() {
        assert_eq!(line("a\x1b[2Jb\r\n\tc\u{7}\u{9b}"), "a\\u{1b}[2Jb\\r\\n\\tc\\u{7}\\u{9b}");
        assert_eq!(line("invoice\u{202e}fdp.wav"), "invoice\\u{202e}fdp.wav");
        assert_eq!(line("Zoë 電話 \u{ffff}"), "Zoë 電話 \\u{ffff}");
    }

    #[test]
    fn a_screen_gets_lines_and_colours_and_nothing_else() {
        let ours = "\x1b[1;31merror\x1b[0m: a\n\tb Zoë 電話";
        assert_eq!(screen(ours), ours);
        assert_eq!(
            screen("\x1b[2J\x1b]0;x\x07\x1b[31\r\u{9b}m\u{202e}"),
            "\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{1b}[31\\r\\u{9b}m\\u{202e}"
        );
    }

    #[test]
    fn no_text_ends_its_cell_or_is_markup() {
        assert_eq!(cell("a|b\n<i> *x* @me", 80), "a&#124;b&#92;n&#60;i&#62; &#42;x&#42; &#64;me");
    }

    #[test]
    fn text_of_several_lines_keeps_them() {
        assert_eq!(lines("one\r\ntwo\n\tthree\x08"), "one\ntwo\n    three\\u{8}");
    }
}
