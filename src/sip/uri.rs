//! SIP URIs (RFC 3261 19.1) as text, taken apart for what a switch asks of them.
//!
//! Left out: `?headers` of a URI are cut off, and nothing is unescaped.

use std::fmt;

/// A `sip:` or `sips:` URI in its parts. Parts are as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipUri {
    /// `sip` or `sips`, in lower case.
    pub scheme: String,
    pub user: Option<String>,
    /// Host name, IPv4 address, or IPv6 address with its brackets.
    pub host: String,
    pub port: Option<u16>,
    /// `;name=value` in order; a name alone has no value.
    pub params: Vec<(String, Option<String>)>,
}

/// What carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
    /// TLS, SCTP, WebSocket: not here.
    Other,
}

impl SipUri {
    /// Takes `text` apart; `None` when it is not a SIP URI with a host.
    pub fn parse(text: &str) -> Option<SipUri> {
        let text = text.trim();
        let (scheme, rest) = text.split_once(':')?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "sip" && scheme != "sips" {
            return None;
        }
        // A user part may hold `;` and `?`, so it is cut off first.
        let (user, rest) = match rest.split_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        let rest = rest.split('?').next().unwrap_or_default();
        let (host_port, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = split_host_port(host_port)?;
        // A second `@` would be the first one of what is written without an empty user.
        if user.is_some_and(has_bad_byte) || has_bad_byte(params) || rest.contains('@') {
            return None;
        }
        let user =
            user.map(|user| user.split(':').next().unwrap_or_default().to_owned()).filter(|user| !user.is_empty());
        Some(SipUri { scheme, user, host: host.to_owned(), port, params: parse_params(params) })
    }

    /// The value of parameter `name`, in any case; `Some("")` when it has none.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(found.1.as_deref().unwrap_or(""))
    }

    /// What carries a request to it (RFC 3263 4.1, without DNS): UDP where it does not say.
    pub fn transport(&self) -> Transport {
        match self.param("transport").unwrap_or("udp") {
            _ if self.scheme == "sips" => Transport::Other,
            named if named.eq_ignore_ascii_case("udp") => Transport::Udp,
            named if named.eq_ignore_ascii_case("tcp") => Transport::Tcp,
            _ => Transport::Other,
        }
    }

    /// `host:port`, or the host alone where the URI names no port.
    pub fn host_port(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme)?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host_port())?;
        write_params(f, &self.params)
    }
}

/// Each with its semicolon.
pub(super) fn write_params(f: &mut fmt::Formatter<'_>, params: &[(String, Option<String>)]) -> fmt::Result {
    for (name, value) in params {
        match value {
            Some(value) => write!(f, ";{name}={value}")?,
            None => write!(f, ";{name}")?,
        }
    }
    Ok(())
}

/// `;`-separated `name=value` pairs; empty ones are passed over.
pub(super) fn parse_params(text: &str) -> Vec<(String, Option<String>)> {
    let mut params = Vec::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some((name, value)) => params.push((name.trim().to_owned(), Some(value.trim().to_owned()))),
            None => params.push((part.to_owned(), None)),
        }
    }
    params
}

fn split_host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let text = text.trim();
    let (host, port) = if text.starts_with('[') {
        let end = text.find(']')? + 1;
        (&text[..end], text[end..].strip_prefix(':').or_else(|| text[end..].is_empty().then_some(""))?)
    } else {
        text.split_once(':').unwrap_or((text, ""))
    };
    let port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
    (!host.is_empty() && !has_bad_byte(host)).then_some((host, port))
}

/// Spaces, controls and angle brackets stand in no part of a URI.
fn has_bad_byte(text: &str) -> bool {
    text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("sip:doggy@127.0.0.1:5080", Some("doggy"), "127.0.0.1", Some(5080))]
    #[case("sip:127.0.0.1:5061;lr", None, "127.0.0.1", Some(5061))]
    #[case("SIPS:alice@example.com", Some("alice"), "example.com", None)]
    #[case("sip:bob:secret@[2001:db8::1]:5060?subject=x", Some("bob"), "[2001:db8::1]", Some(5060))]
    #[case("sip:+1-212;phone-context=x@gw.example", Some("+1-212;phone-context=x"), "gw.example", None)]
    fn a_uri_comes_apart(
        #[case] text: &str,
        #[case] user: Option<&str>,
        #[case] host: &str,
        #[case] port: Option<u16>,
    ) {
        let uri = SipUri::parse(text).expect(text);
        assert_eq!((uri.user.as_deref(), uri.host.as_str(), uri.port), (user, host, port));
    }

    #[rstest]
    #[case("tel:+1212")]
    #[case("sip:")]
    #[case("sip:a@")]
    #[case("sip:a@b:99999")]
    #[case("sip:a b@c")]
    #[case("sip:@1@h")]
    #[case("sip:@h;x=a@b")]
    #[case("sip:a@[::1")]
    #[case("doggy@127.0.0.1")]
    fn what_is_no_sip_uri_is_refused(#[case] text: &str) {
        assert_eq!(SipUri::parse(text), None);
    }

    #[test]
    fn parameters_are_found_in_any_case() {
        let uri = SipUri::parse("sip:doggy@127.0.0.1:5080;Transport=udp;lr").expect("a uri");
        assert_eq!((uri.param("transport"), uri.param("LR"), uri.param("maddr")), (Some("udp"), Some(""), None));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(sips?:)?\\PC*") {
            if let Some(uri) = SipUri::parse(&text) {
                prop_assert_eq!(SipUri::parse(&uri.to_string()), Some(uri));
            }
        }
    }
}
