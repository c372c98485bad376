//! Addresses in SIP headers, taken apart as mod_sofia does for its `sip_from_*`, `sip_to_*` and `sip_contact_*`.

use crate::sip::{NameAddr, SipUri};

/// One address; what is missing is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    pub display: String,
    pub user: String,
    pub host: String,
    pub port: String,
    /// What follows the first semicolon of the URI.
    pub params: String,
    /// Of a From or To.
    pub tag: String,
}

impl Address {
    /// Reads a header value.
    pub fn parse(text: &str) -> Address {
        let Some(parsed) = NameAddr::parse(text) else { return Address::default() };
        let tag = parsed.tag().unwrap_or_default().to_owned();
        Address { display: parsed.display, tag, ..Address::of_uri(&parsed.uri) }
    }

    /// Takes a URI apart.
    pub fn of_uri(text: &str) -> Address {
        let Some(uri) = SipUri::parse(text) else { return Address::default() };
        Address {
            user: uri.user.unwrap_or_default(),
            host: uri.host,
            port: uri.port.map_or_else(String::new, |port| port.to_string()),
            params: text.split_once(';').map_or_else(String::new, |(_, params)| params.to_owned()),
            ..Address::default()
        }
    }

    /// `user@host:port`, without the parts that are missing.
    pub fn plain(&self) -> String {
        let user = if self.user.is_empty() { String::new() } else { format!("{}@", self.user) };
        let port = if self.port.is_empty() { String::new() } else { format!(":{}", self.port) };
        format!("{user}{}{port}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_from_the_captures_are_taken_apart() {
        let from = Address::parse("\"capture\" <sip:1112223333@127.0.0.1>;tag=S3X7mjDa91aZj");
        let parts = (from.display.as_str(), from.user.as_str(), from.tag.as_str(), from.plain());
        assert_eq!(parts, ("capture", "1112223333", "S3X7mjDa91aZj", "1112223333@127.0.0.1".to_owned()));
        let contact = Address::parse("<sip:doggy@127.0.0.1:5080;transport=udp>");
        assert_eq!((contact.plain().as_str(), contact.params.as_str()), ("doggy@127.0.0.1:5080", "transport=udp"));
        assert_eq!(Address::parse("tel:1"), Address::default());
    }
}
