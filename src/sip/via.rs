//! Via (RFC 3261 20.42, 25.1): who sent a request, and over what.

use std::fmt;

use super::intake::is_token;
use super::name_addr::split_list;
use super::uri::{SipUri, parse_params, write_params};

/// One hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Via {
    /// `UDP`, `TCP`: as it was written.
    pub transport: String,
    pub host: String,
    pub port: Option<u16>,
    pub params: Vec<(String, Option<String>)>,
}

impl Via {
    /// All hops of one field; `None` when one of them is none.
    pub fn list(value: &str) -> Option<Vec<Via>> {
        // An empty element between commas, or a parameter without a name, is no grammar's.
        let empty = |part: &str| part.split(';').skip(1).any(|param| param.trim().is_empty());
        if value.split(',').any(|part| part.trim().is_empty()) || value.split(',').any(empty) {
            return None;
        }
        split_list(value).into_iter().map(Via::parse).collect()
    }

    /// The topmost hop of one field.
    pub fn first(value: &str) -> Option<Via> {
        Via::parse(split_list(value).first()?)
    }

    fn parse(text: &str) -> Option<Via> {
        // Blanks may stand around the slashes: `SIP / 2.0 / UDP host`.
        let mut parts = text.splitn(3, '/');
        let (name, version, rest) = (parts.next()?.trim(), parts.next()?.trim(), parts.next()?.trim_start());
        if !name.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return None;
        }
        let (transport, rest) = rest.split_once(|c: char| c.is_ascii_whitespace())?;
        let (sent_by, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = match sent_by.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host.trim(), Some(port.trim().parse().ok()?)),
            _ => (sent_by.trim(), None),
        };
        // The same grammar as that of a URI's host.
        SipUri::parse(&format!("sip:{host}"))?;
        let params = parse_params(params);
        is_token(transport).then(|| Via { transport: transport.to_owned(), host: host.to_owned(), port, params })
    }

    /// What names the transaction; `None` when it is missing or empty.
    pub fn branch(&self) -> Option<&str> {
        let branch = self.params.iter().find(|(name, _)| name.eq_ignore_ascii_case("branch"))?;
        branch.1.as_deref().filter(|branch| !branch.is_empty())
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write_params(f, &self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_read_whatever_blanks_they_have() {
        let hops = Via::list(
            "SIP  / 2.0\t/ UDP  192.0.2.2;branch=390skdjuw, SIP/2.0/TCP  spindle.example.com ;branch = z9hG4bK9, \
             SIP/2.0/TLS [2001:db8::9:1]:5061;rport",
        );
        let hops = hops.unwrap();
        let said: Vec<_> =
            hops.iter().map(|hop| (hop.transport.as_str(), hop.host.as_str(), hop.port, hop.branch())).collect();
        assert_eq!(
            said,
            [
                ("UDP", "192.0.2.2", None, Some("390skdjuw")),
                ("TCP", "spindle.example.com", None, Some("z9hG4bK9")),
                ("TLS", "[2001:db8::9:1]", Some(5061), None)
            ]
        );
    }

    #[test]
    fn separators_around_nothing_are_refused() {
        for bad in
            ["SIP/2.0/UDP 192.0.2.15;;,;,,", "SIP/2.0/UDP a;;branch=x", "SIP/3.0/UDP a", "SIP/2.0/UDP", "", "a, b"]
        {
            assert_eq!(Via::list(bad), None, "{bad}");
        }
    }
}
