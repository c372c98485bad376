//! Bounds as text.

use std::str::FromStr;

use super::{Bound, Unit, Within};

/// Why a text is no bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} at byte {at}: expected {expected}")]
pub struct BoundError {
    /// Bytes from the start of the text.
    pub at: usize,
    /// Length in bytes of what is wrong; 0 where something is missing.
    pub length: usize,
    /// What stands there, in words: `` `apples` `` or `the end`.
    pub found: String,
    pub expected: String,
}

impl<T: Unit> FromStr for Bound<T> {
    type Err = BoundError;

    fn from_str(text: &str) -> Result<Self, BoundError> {
        let mut cursor = Cursor { text, at: 0 };
        cursor.blanks();
        for (mark, make) in [
            // Longer marks first.
            (">=", Bound::AtLeast as fn(T) -> Bound<T>),
            ("<=", Bound::AtMost),
            ("==", Bound::Exactly),
            (">", Bound::MoreThan),
            ("<", Bound::LessThan),
        ] {
            if cursor.takes(mark) {
                let limit = cursor.quantity()?;
                cursor.end("nothing more")?;
                return Ok(make(limit));
            }
        }
        if !cursor.rest().starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
            return Err(cursor.expected(
                "one of `>=`, `<=`, `>`, `<`, `==`, or a value as in `VALUE..VALUE` and `VALUE +-TOLERANCE`",
            ));
        }
        let low = cursor.quantity()?;
        if cursor.takes("..") {
            cursor.blanks();
            let at = cursor.at;
            let high: T = cursor.quantity()?;
            if high < low {
                cursor.at = at;
                return Err(cursor.expected("a value that is not below the first one"));
            }
            cursor.end("nothing more")?;
            return Ok(Bound::Between(low, high));
        }
        match cursor.tolerance::<T>()? {
            Some(tolerance) => Ok(Bound::Within(Within { centre: low, tolerance })),
            None => Err(cursor.expected("`..` or `+-` (or `==` in front of the value)")),
        }
    }
}

impl<T: Unit> FromStr for Within<T> {
    type Err = BoundError;

    fn from_str(text: &str) -> Result<Self, BoundError> {
        let mut cursor = Cursor { text, at: 0 };
        let centre = cursor.quantity()?;
        match cursor.tolerance::<T>()? {
            Some(tolerance) => Ok(Within { centre, tolerance }),
            None => Err(cursor.expected("`+-` and a tolerance")),
        }
    }
}

/// Reads one value and nothing else: `200ms`, `1004Hz`, `99%`.
pub fn parse_value<T: Unit>(text: &str) -> Result<T, BoundError> {
    let mut cursor = Cursor { text, at: 0 };
    let value = cursor.quantity()?;
    cursor.end("nothing more")?;
    Ok(value)
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn takes(&mut self, mark: &str) -> bool {
        self.blanks();
        let taken = self.rest().starts_with(mark);
        self.at += if taken { mark.len() } else { 0 };
        taken
    }

    /// The bytes for which `belongs` says so.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let run = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.at += run.len();
        run
    }

    /// An error at this place, naming the word that stands here.
    fn expected(&self, expected: impl Into<String>) -> BoundError {
        let rest = self.rest();
        let at = self.at + rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        let found = if word.is_empty() { "the end".to_owned() } else { format!("`{word}`") };
        BoundError { at, length: word.len(), found, expected: expected.into() }
    }

    fn quantity<T: Unit>(&mut self) -> Result<T, BoundError> {
        self.blanks();
        let start = self.at;
        if self.rest().starts_with(['+', '-']) {
            self.at += 1;
        }
        let digits = self.run(|c| c.is_ascii_digit()).len();
        let mut fraction = 0;
        // The `..` of a range is no decimal point.
        if self.rest().starts_with('.') && !self.rest().starts_with("..") {
            self.at += 1;
            fraction = self.run(|c| c.is_ascii_digit()).len();
        }
        let number = self.text[start..self.at].parse::<f64>().ok().filter(|_| digits + fraction > 0);
        let back = |cursor: &Cursor<'_>, expected: &str| Cursor { text: cursor.text, at: start }.expected(expected);
        let number = number.ok_or_else(|| back(self, "a number"))?;
        if !T::SIGNED && number.is_sign_negative() {
            return Err(back(self, "a number that is not below 0"));
        }
        if !T::FRACTIONS && number.fract() != 0.0 {
            return Err(back(self, "a whole number"));
        }
        let after_number = self.at;
        self.blanks();
        let unit_at = self.at;
        let suffix = self.run(|c| c.is_alphanumeric() || c == '%');
        if suffix.is_empty() {
            self.at = after_number;
        }
        T::read(number, suffix).ok_or_else(|| {
            let expected = format!("{} behind the number", T::FORMS);
            let at = if suffix.is_empty() { after_number } else { unit_at };
            let found = if suffix.is_empty() { None } else { Some(suffix) };
            BoundError {
                at,
                length: suffix.len(),
                found: found
                    .map_or_else(|| Cursor { text: self.text, at }.expected("").found, |unit| format!("`{unit}`")),
                expected,
            }
        })
    }

    /// `+-` and a tolerance, and then the end; `None` when something else stands here.
    fn tolerance<T: Unit>(&mut self) -> Result<Option<T::Tolerance>, BoundError> {
        if !["+-", "±", "+/-"].iter().any(|mark| self.takes(mark)) {
            return Ok(None);
        }
        if self.rest().trim_start().starts_with('-') {
            return Err(self.expected("a tolerance that is not below 0"));
        }
        let tolerance = self.quantity()?;
        self.end("nothing more")?;
        Ok(Some(tolerance))
    }

    fn end(&mut self, expected: &str) -> Result<(), BoundError> {
        self.blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected(expected)) }
    }
}
