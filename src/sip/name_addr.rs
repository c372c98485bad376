//! `"display" <uri>;params`, the shape of From, To, Contact, Route and Remote-Party-ID (RFC 3261 20.10, 25.1).

use std::fmt;

use super::uri::{SipUri, parse_params, write_params};

/// A name-addr or addr-spec with its header parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// Without its quotes and escapes; empty when there is none.
    pub display: String,
    /// What stood between the angle brackets, or alone.
    pub uri: String,
    pub params: Vec<(String, Option<String>)>,
}

impl NameAddr {
    /// Takes one value apart; `None` when brackets or quotes are left open, or no URI is there.
    pub fn parse(text: &str) -> Option<NameAddr> {
        let text = text.trim();
        let (display, rest) = match text.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => match text.find('<') {
                Some(at) => (text[..at].trim().to_owned(), &text[at..]),
                None => (String::new(), text),
            },
        };
        let (uri, params) = match rest.trim_start().strip_prefix('<') {
            Some(bracketed) => bracketed.split_once('>')?,
            // RFC 3261 20.10: without brackets, what follows the first `;` belongs to the header.
            None if text.starts_with('"') => return None,
            None => rest.split_once(';').unwrap_or((rest, "")),
        };
        let uri = uri.trim();
        (!uri.is_empty()).then(|| NameAddr { display, uri: uri.to_owned(), params: parse_params(params) })
    }

    /// The value of header parameter `name`, in any case; `Some("")` when it has none.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(found.1.as_deref().unwrap_or(""))
    }

    /// The `tag` parameter of a From or To.
    pub fn tag(&self) -> Option<&str> {
        self.param("tag").filter(|tag| !tag.is_empty())
    }

    /// The URI in its parts.
    pub fn sip_uri(&self) -> Option<SipUri> {
        SipUri::parse(&self.uri)
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.display.is_empty() {
            write!(f, "{} ", quote(&self.display))?;
        }
        write!(f, "<{}>", self.uri)?;
        write_params(f, &self.params)
    }
}

/// Splits a header value at its commas, but not at those inside quotes or angle brackets (RFC 3261 7.3.1).
pub fn split_list(value: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut bracketed, mut escaped) = (Vec::new(), 0, false, false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            ',' if !quoted && !bracketed => {
                parts.push(value[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(value[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// `text` between double quotes, with `"` and `\` escaped (RFC 3261 25.1, quoted-string).
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// What stands before the closing quote, unescaped, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let (mut inner, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                inner.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((inner, &text[at + 1..])),
            _ => inner.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_freeswitch_writes_comes_apart() {
        let from = NameAddr::parse(r#""capture" <sip:1112223333@127.0.0.1>;tag=S3X7mjDa91aZj"#).expect("a name-addr");
        assert_eq!(
            (from.display.as_str(), from.uri.as_str(), from.tag()),
            ("capture", "sip:1112223333@127.0.0.1", Some("S3X7mjDa91aZj"))
        );
        let party = NameAddr::parse(r#""capture" <sip:1@127.0.0.1>;party=calling;screen=yes;privacy=off"#)
            .expect("a name-addr");
        assert_eq!((party.param("Screen"), party.tag()), (Some("yes"), None));
    }

    #[test]
    fn without_brackets_parameters_belong_to_the_header() {
        let to = NameAddr::parse("sip:doggy@127.0.0.1:5080;tag=x").expect("an addr-spec");
        assert_eq!((to.uri.as_str(), to.tag()), ("sip:doggy@127.0.0.1:5080", Some("x")));
    }

    #[test]
    fn a_display_name_may_hold_what_it_likes() {
        let text = format!("{} <sip:a@b>", quote(r#"<sip:x>, "Bob" \o/"#));
        assert_eq!(
            NameAddr::parse(&text).map(|n| (n.display, n.uri)),
            Some((r#"<sip:x>, "Bob" \o/"#.into(), "sip:a@b".into()))
        );
        assert_eq!(NameAddr::parse(r#""open <sip:a@b>"#), None);
    }

    #[test]
    fn a_list_is_split_only_where_its_values_end() {
        let list = r#"<sip:p1;lr>, "a, b" <sip:p2?x=1,2> , sip:p3"#;
        assert_eq!(split_list(list), ["<sip:p1;lr>", r#""a, b" <sip:p2?x=1,2>"#, "sip:p3"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[\"<>;=,\\\\ a-z:@é]*") {
            let _ = NameAddr::parse(&text);
            let _ = split_list(&text);
        }

        #[test]
        fn a_quoted_display_comes_back(display in "[^\\p{C}]*") {
            let parsed = NameAddr::parse(&format!("{} <sip:a@b>", quote(&display)));
            prop_assert_eq!(parsed.map(|n| n.display), Some(display));
        }
    }
}
