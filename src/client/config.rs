//! How a client reaches its host and what it keeps.

use std::time::Duration;

use crate::call::TrackerConfig;
use crate::host::{HostConfig, Patience, Tracking};

/// How a client reaches its host and what it keeps. Made of an address alone (`host:port`), it is as usual.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// What the host is called.
    pub name: String,
    /// `host:port` of its event socket.
    pub address: String,
    pub password: String,
    /// SIP profiles whose address is asked for, so that the host can call itself.
    pub profiles: Vec<String>,
    /// Events to subscribe to beyond those that tracking needs.
    pub events: Vec<String>,
    /// How sessions find their call and their app.
    pub tracker: TrackerConfig,
    /// How many of its newest events each session keeps.
    pub history: usize,
    /// How many of the newest sessions that are gone are kept, so that their calls tell of them to those who ask
    /// afterwards. None, unless told otherwise: then a session is kept as long as somebody holds it.
    pub remembered: usize,
    /// How long to try for a connection.
    pub patience: Patience,
}

/// The event socket's usual port.
const PORT: u16 = 8021;
/// Longer than any service runs.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

impl ClientConfig {
    pub fn new(address: impl Into<String>) -> Self {
        let address = address.into();
        let has_port = address
            .rsplit_once(':')
            .is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')));
        ClientConfig {
            name: address.clone(),
            address: if has_port { address } else { format!("{address}:{PORT}") },
            password: "ClueCon".to_owned(),
            profiles: vec!["external".to_owned()],
            events: Vec::new(),
            tracker: TrackerConfig::default(),
            history: 1_000,
            remembered: 0,
            patience: Patience::default(),
        }
    }

    pub fn name(self, name: impl Into<String>) -> Self {
        ClientConfig { name: name.into(), ..self }
    }

    pub fn password(self, password: impl Into<String>) -> Self {
        ClientConfig { password: password.into(), ..self }
    }

    /// Joins sessions by this event header in place of the X-header that callwright's own calls carry:
    /// `Caller-Destination-Number`.
    pub fn call_header(mut self, name: impl Into<String>) -> Self {
        self.tracker.call_header = name.into();
        self
    }

    /// Finds a session's app by this event header in place of the X-header that callwright's own calls carry.
    pub fn app_header(mut self, name: impl Into<String>) -> Self {
        self.tracker.app_header = name.into();
        self
    }

    /// Tries again for ever where the connection is lost.
    pub fn for_ever(mut self) -> Self {
        self.patience.again = FOR_EVER;
        self
    }

    pub(super) fn host(&self) -> HostConfig {
        HostConfig {
            profiles: self.profiles.clone(),
            events: self.events.clone(),
            tracking: Tracking::Left,
            ..HostConfig::new(self.name.clone(), self.password.clone())
        }
    }
}

impl From<&str> for ClientConfig {
    fn from(address: &str) -> Self {
        ClientConfig::new(address)
    }
}

impl From<String> for ClientConfig {
    fn from(address: String) -> Self {
        ClientConfig::new(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_port_has_the_event_sockets() {
        let address = |text: &str| ClientConfig::new(text).address;
        assert_eq!(address("pbx"), "pbx:8021");
        assert_eq!(address("127.0.0.1:8022"), "127.0.0.1:8022");
        assert_eq!(address("[::1]:8022"), "[::1]:8022");
        assert_eq!(address("[::1]"), "[::1]:8021");
    }
}
