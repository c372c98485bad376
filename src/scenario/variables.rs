//! `${...}` in a text: where it stands and what it names.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Value, json};

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// As it stands; `$${` is `${` already.
    Text(Cow<'a, str>),
    Variable(Variable<'a>),
    /// A `${` without its `}`.
    Open(Range<usize>),
}

/// `${vars.x}`, `${env.NAME:-default}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable<'a> {
    /// What stands before the first dot: `vars`.
    pub family: &'a str,
    /// What stands after it; `None` without a dot.
    pub name: Option<&'a str>,
    pub default: Option<&'a str>,
    /// Bytes of the text, with the braces.
    pub range: Range<usize>,
}

/// What begins a variable.
const OPEN: &str = "${";

/// Whether `text` has anything for [`pieces`] to find.
pub(super) fn has_variables(text: &str) -> bool {
    text.contains(OPEN)
}

/// The pieces of `text` in order.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(found) = text[from..].find(OPEN) {
        let at = from + found;
        if text[from..at].ends_with('$') {
            pieces.push(Piece::Text(Cow::Owned(format!("{}{OPEN}", &text[from..at - 1]))));
            from = at + OPEN.len();
            continue;
        }
        if at > from {
            pieces.push(Piece::Text(Cow::Borrowed(&text[from..at])));
        }
        let inside = at + OPEN.len();
        let Some(length) = text[inside..].find('}') else {
            pieces.push(Piece::Open(at..inside));
            return pieces;
        };
        let end = inside + length;
        let (name, default) = match text[inside..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&text[inside..end], None),
        };
        let (family, name) = match name.split_once('.') {
            Some((family, name)) => (family, Some(name)),
            None => (name, None),
        };
        pieces.push(Piece::Variable(Variable { family, name, default, range: at..end + 1 }));
        from = end + 1;
    }
    if from < text.len() || pieces.is_empty() {
        pieces.push(Piece::Text(Cow::Borrowed(&text[from..])));
    }
    pieces
}

/// Name of [`schema`] among the parts of the language's JSON Schema.
pub(super) const PART: &str = "substitution";

/// A text with a variable in it, which may stand wherever a single value does.
pub(super) fn schema() -> Value {
    json!({
        "type": "string",
        "pattern": "\\$\\{",
        "description": "A text with variables: `${vars.x}`, `${matrix.x}`, `${env.NAME:-default}`, `${host.name}`, \
            and under `call` of a load `${field.NAME}`; `$${` stands for `${`. What comes of it is read as if it stood here.",
    })
}

/// The same in a routes file.
pub(super) fn schema_of_calls() -> Value {
    json!({
        "type": "string",
        "pattern": "\\$\\{",
        "description": "A text with variables: `${env.NAME:-default}`, and in steps and parameters what the call has: \
            `${match.1}`, `${match.NAME}`, `${params.NAME}`, `${header.NAME}`; `$${` stands for `${`. What comes of it is \
            read as if it stood here.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |piece| match piece {
            Piece::Text(text) => format!("'{text}'"),
            Piece::Variable(Variable { family, name, default, range }) => {
                format!("{family}/{}/{} {range:?}", name.unwrap_or("-"), default.unwrap_or("-"))
            }
            Piece::Open(range) => format!("open {range:?}"),
        };
        pieces(text).into_iter().map(show).collect()
    }

    #[test]
    fn a_text_falls_into_its_variables_and_what_stands_between_them() {
        assert_eq!(shown("a${vars.x}b"), ["'a'", "vars/x/- 1..10", "'b'"]);
        assert_eq!(shown("${env.A:-}${env.B:-c:-d}"), ["env/A/ 0..10", "env/B/c:-d 10..24"]);
        assert_eq!(shown("${uuid}"), ["uuid/-/- 0..7"]);
        assert_eq!(shown("${vars.a.b}"), ["vars/a.b/- 0..11"]);
        assert_eq!(shown("${}"), ["/-/- 0..3"]);
        assert_eq!(shown("x ${vars.y"), ["'x '", "open 2..4"]);
        assert_eq!(shown(""), ["''"]);
    }

    #[test]
    fn two_dollars_are_the_switch_s_own() {
        assert_eq!(shown("$${uuid}"), ["'${'", "'uuid}'"]);
        assert_eq!(shown("5$ $$${a} $"), ["'5$ $${'", "'a} $'"]);
        assert_eq!(shown("$a {b} $"), ["'$a {b} $'"]);
    }
}
