//! A value that something must have: exactly a text, or a pattern between slashes.

use std::fmt;

use regex::Regex;
use serde_json::json;

use super::shape::{Shape, Wrong};

/// What a header or variable must be.
#[derive(Clone, Debug)]
pub struct Wanted {
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Exactly(String),
    Not(String),
    Matches(Regex),
}

impl Wanted {
    pub fn exactly(value: &str) -> Wanted {
        Wanted { test: Test::Exactly(value.to_owned()) }
    }

    /// Anything but `value`.
    pub fn not(value: &str) -> Wanted {
        Wanted { test: Test::Not(value.to_owned()) }
    }

    /// Whether `value` is so. What is not there is only ever right as the empty text.
    pub fn holds(&self, value: Option<&str>) -> bool {
        match (&self.test, value) {
            (Test::Exactly(wanted), value) => value.unwrap_or_default() == wanted,
            (Test::Not(barred), value) => value != Some(barred.as_str()),
            (Test::Matches(pattern), Some(value)) => pattern.is_match(value),
            (Test::Matches(_), None) => false,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.test {
            Test::Exactly(value) => write!(f, "= {value}"),
            Test::Not(value) => write!(f, "not {value}"),
            Test::Matches(pattern) => write!(f, "=~ /{pattern}/"),
        }
    }
}

/// A text, or a regular expression between slashes; an empty text is for what must not be there.
pub fn wanted() -> Shape<Wanted> {
    let json = json!({ "type": ["string", "number", "boolean"] });
    Shape::scalar("a value, or a pattern between slashes such as `/^10/`", json, |text, _| {
        let pattern = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|p| !p.is_empty());
        let Some(pattern) = pattern else { return Ok(Wanted::exactly(text)) };
        match Regex::new(pattern) {
            Ok(pattern) => Ok(Wanted { test: Test::Matches(pattern) }),
            Err(error) => {
                let told = error.to_string();
                let why = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Err(Wrong::message(format!("`{text}` is not a regular expression: {why}")))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_right_only_as_the_empty_text() {
        assert!(Wanted::exactly("").holds(None) && !Wanted::exactly("blue").holds(None));
        assert!(Wanted::not("answered").holds(None) && !Wanted::not("answered").holds(Some("answered")));
        let pattern = Wanted { test: Test::Matches(Regex::new("^$").unwrap()) };
        assert!(pattern.holds(Some("")) && !pattern.holds(None));
    }
}
