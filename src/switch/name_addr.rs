//! Parts of SIP header values (RFC 3261 20.10, 25.1) that FreeSWITCH copies into variables.

/// `"display" <uri>;params`, or a bare URI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameAddr<'a> {
    pub display: String,
    pub uri: Uri<'a>,
    /// Value of the `tag` parameter behind the brackets.
    pub tag: Option<&'a str>,
}

/// `sip:user@host:port;params`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uri<'a> {
    pub user: &'a str,
    pub host: &'a str,
    pub port: Option<&'a str>,
    /// What follows the first semicolon.
    pub params: &'a str,
}

impl<'a> NameAddr<'a> {
    /// Reads a header value. Nothing is an error: what is missing stays empty.
    pub fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let (display, rest) = match text.strip_prefix('"').and_then(|rest| Some((rest, end_of_quoted(rest)?))) {
            Some((rest, end)) => (unquote(&rest[..end]), &rest[end + 1..]),
            None => match text.split_once('<') {
                Some((display, _)) => (display.trim().to_owned(), &text[display.len()..]),
                None => (String::new(), text),
            },
        };
        let (uri, params) = match rest.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
            Some((uri, params)) => (uri, params),
            // Without brackets, parameters belong to the header (20.10).
            None => rest.split_once(';').unwrap_or((rest, "")),
        };
        let tag = params.split(';').find_map(|p| p.trim().strip_prefix("tag="));
        NameAddr { display, uri: Uri::parse(uri), tag }
    }
}

impl<'a> Uri<'a> {
    pub fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let text =
            text.split_once(':').filter(|(scheme, _)| matches!(*scheme, "sip" | "sips")).map_or(text, |(_, t)| t);
        let (plain, params) = text.split_once(';').unwrap_or((text, ""));
        let (user, host) = plain.rsplit_once('@').unwrap_or(("", plain));
        let (host, port) = match host.strip_prefix('[').and_then(|h| h.split_once(']')) {
            Some((_, behind)) => (&host[..host.len() - behind.len()], behind.strip_prefix(':')),
            None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
        };
        Uri { user, host, port, params }
    }

    /// `user@host:port`, or without the parts that are missing.
    pub fn plain(&self) -> String {
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        if self.user.is_empty() { format!("{}{port}", self.host) } else { format!("{}@{}{port}", self.user, self.host) }
    }
}

fn end_of_quoted(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

fn unquote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_from_the_captures_are_taken_apart() {
        let from = NameAddr::parse("\"capture\" <sip:1112223333@127.0.0.1>;tag=S3X7mjDa91aZj");
        assert_eq!((from.display.as_str(), from.uri.user, from.tag), ("capture", "1112223333", Some("S3X7mjDa91aZj")));
        let to = NameAddr::parse("<sip:doggy@127.0.0.1:5080;transport=udp>");
        assert_eq!((to.uri.plain().as_str(), to.uri.params, to.tag), ("doggy@127.0.0.1:5080", "transport=udp", None));
    }

    #[test]
    fn odd_values_are_taken_apart_as_far_as_they_go() {
        let quoted = NameAddr::parse(r#""a \"b\" <c>" <sip:[::1]:5060>"#);
        assert_eq!((quoted.display.as_str(), quoted.uri.host, quoted.uri.port), ("a \"b\" <c>", "[::1]", Some("5060")));
        let bare = NameAddr::parse("sip:x@y;tag=1");
        assert_eq!((bare.uri.user, bare.tag), ("x", Some("1")));
        for text in ["", "\"", "<", "\"a\\", "sip:", "<>", "[", "sip:[", "@", ";;tag="] {
            NameAddr::parse(text);
        }
    }
}
