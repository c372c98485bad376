//! Secrets taken out of texts before anybody sees them.

use std::borrow::Cow;
use std::fmt::{self, Write};

use regex::Regex;

/// What stands in place of a secret.
pub const REDACTED: &str = "***";

/// The longest secret whose encoded forms are looked for; a longer one only as it stands.
const MAX_ENCODED: usize = 4_096;

/// Characters after which messages cut a value short.
const SHORTENED: usize = 60;

/// Takes secrets out of texts, however they were written on the way: as they are, percent-encoded (once or several
/// times, all of it or some of its characters), with backslashes before what needs them, as XML or Rust escapes, or cut
/// short in a message; and as switches do, with quotation marks dropped.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The longest first, so that a secret within another leaves nothing of it behind.
    secrets: Vec<Secret>,
}

#[derive(Clone)]
struct Secret {
    value: String,
    /// `None` when the value is too long for one.
    forms: Option<Regex>,
}

impl Redactor {
    /// Takes `value` out from now on, and each line of it. An empty value hides nothing.
    pub fn add(&mut self, value: &str) {
        let mut values = vec![value];
        values.extend(value.lines());
        if let Some((at, _)) = value.char_indices().nth(SHORTENED) {
            values.push(&value[..at]);
        }
        for value in values.into_iter().map(str::trim) {
            if !value.is_empty() && self.secrets.iter().all(|secret| secret.value != value) {
                self.secrets.push(Secret { value: value.to_owned(), forms: forms(value) });
            }
        }
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.value.len()));
    }

    /// Takes out what `other` takes out as well.
    pub fn extend(&mut self, other: &Redactor) {
        for secret in &other.secrets {
            if self.secrets.iter().all(|known| known.value != secret.value) {
                self.secrets.push(secret.clone());
            }
        }
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.value.len()));
    }

    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// `text` with [`REDACTED`] in place of every secret.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.secrets {
            let redacted = match &secret.forms {
                Some(forms) if forms.is_match(&text) => forms.replace_all(&text, REDACTED).into_owned(),
                None if text.contains(&secret.value) => text.replace(&secret.value, REDACTED),
                _ => continue,
            };
            text = Cow::Owned(redacted);
        }
        text
    }

    /// [`Redactor::redact`] in place.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.redact(text) {
            *text = redacted;
        }
    }
}

impl fmt::Debug for Redactor {
    /// Tells how many secrets there are, and none of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("secrets", &self.secrets.len()).finish()
    }
}

/// Every way to write `value`, character by character.
fn forms(value: &str) -> Option<Regex> {
    if value.len() > MAX_ENCODED {
        return None;
    }
    let mut pattern = String::with_capacity(value.len() * 24);
    let is_quote = |letter| matches!(letter, '\'' | '"' | '\\');
    let bare = value.chars().any(|letter| !is_quote(letter));
    for letter in value.chars() {
        pattern.push_str("(?:");
        // RFC 3986 2.1; `%25` is the percent sign of one that was encoded again. First, as `%` begins it too.
        for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
            // Writing to a String cannot fail.
            let _ = write!(pattern, "%(?:25)*(?i:{byte:02x})");
        }
        pattern.push('|');
        // A backslash before what is no letter or digit, several where it was quoted twice.
        if !letter.is_alphanumeric() {
            pattern.push_str(r"\\{0,7}");
        }
        pattern.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
        match letter {
            ' ' => pattern.push_str(r"|\+"),
            '&' => pattern.push_str("|&(?:amp;)+"),
            '<' => pattern.push_str("|&(?:amp;)*lt;"),
            '>' => pattern.push_str("|&(?:amp;)*gt;"),
            '"' => pattern.push_str("|&(?:amp;)*quot;"),
            // As a shell takes it between quotation marks, too.
            '\'' => pattern.push_str(r"|&(?:amp;)*apos;|'\\+''"),
            '\t' => pattern.push_str(r"|\\+t"),
            _ if !letter.is_ascii() || letter.is_control() => {
                let _ = write!(pattern, r"|\\+u\{{?(?i:0*{:x})\}}?", u32::from(letter));
            }
            _ => {}
        }
        // A switch drops quotation marks and backslashes where it takes them for its own.
        pattern.push_str(if bare && is_quote(letter) { ")?" } else { ")" });
    }
    regex::RegexBuilder::new(&pattern).size_limit(64 << 20).build().ok()
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;

    const SECRET: &str = r#"pä'ss, "w<o>rd" \&100%"#;

    fn redactor(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        secrets.iter().for_each(|secret| redactor.add(secret));
        redactor
    }

    #[test]
    fn a_secret_is_found_however_it_was_written() {
        let encoded = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
        let twice = utf8_percent_encode(&encoded, NON_ALPHANUMERIC).to_string();
        let written = [
            SECRET.to_owned(),
            encoded.to_lowercase(),
            encoded,
            twice,
            SECRET.replace(' ', "%20"),
            SECRET.replace(['\'', '"', '\\'], ""),
            SECRET.replace('\\', r"\\").replace('\'', r"\'").replace(',', r"\,"),
            SECRET.replace('\'', r"'\''"),
            format!("{SECRET:?}").trim_matches('"').to_owned(),
            SECRET.escape_default().to_string(),
            SECRET.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        ];
        let redactor = redactor(&[SECRET]);
        for form in written {
            let text = format!("sip_h_X-Key='{form}',a=b");
            assert_eq!(redactor.redact(&text), "sip_h_X-Key='***',a=b", "{form}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let redactor = redactor(&["hunter2", ""]);
        for text in ["hunter", "hunter 2", "Hunter2", "", "%68unter3"] {
            assert_eq!(redactor.redact(text), text);
        }
        assert!(matches!(redactor.redact("nothing here"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_secret_inside_another_a_line_of_one_and_one_that_is_cut_short_leave_nothing_behind() {
        let long = "k".repeat(70);
        let redactor = redactor(&["abc", "abcdef", "first line\nsecond line", &long]);
        assert_eq!(redactor.redact("abcdef abc"), "*** ***");
        assert_eq!(redactor.redact("> second line <"), "> *** <");
        assert_eq!(redactor.redact(&format!("found `{}...`", &long[..60])), "found `***...`");
    }

    #[test]
    fn a_redactor_that_is_printed_tells_no_secret() {
        assert_eq!(format!("{:?}", redactor(&["hunter2"])), "Redactor { secrets: 1 }");
    }
}
