//! What a run is asked to do.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{Choice, HostSpec, ListFormat, Mapping};

/// What a run is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which tests are run.
    pub choice: Choice,
    /// The hosts to run on; without any, there or in a file, an embedded switch of the run's own.
    pub hosts: Vec<HostSpec>,
    /// The hosts that are called from those; empty: each calls itself.
    pub callee_hosts: Vec<HostSpec>,
    /// Files of more hosts of both kinds.
    pub host_files: Vec<PathBuf>,
    /// Of the hosts' event sockets.
    pub password: String,
    /// Folders of hosts that are folders of ours as well.
    pub recordings: Vec<Mapping>,
    pub purpose: Purpose,
    /// How many tests run side by side; `None`: as many as the run thinks fit.
    pub jobs: Option<NonZeroUsize>,
    /// Where every byte of the event sockets is written down.
    pub record_esl: Option<PathBuf>,
    /// No more tests are begun after so many that failed or ended in error.
    pub max_fail: Option<NonZeroUsize>,
    /// Of scenarios that do not say themselves.
    pub retries: u32,
    /// Of scenarios that do not say themselves, beside their talk time.
    pub timeout: Duration,
    /// A test is slow after this time.
    pub slow: Duration,
}

/// What is done with the tests that were selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Run,
    /// Print their names.
    List(ListFormat),
}

/// Where FreeSWITCH's event socket listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 8021;

/// A host's event socket, as a user names it: `pbx.example`, `10.0.0.5:8022`, `[::1]:8021`, `::1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostAddress {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostAddressError {
    #[error("the host is empty")]
    Empty,
    #[error("the port {0:?} is not a number from 1 to 65535")]
    Port(String),
    #[error("{0:?} is neither a host name nor an address")]
    Host(String),
}

impl FromStr for HostAddress {
    type Err = HostAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or_else(|| HostAddressError::Host(text.to_owned()))?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(HostAddressError::Host(text.to_owned())),
            }
        } else if text.matches(':').count() > 1 {
            // An IPv6 address without brackets has no port.
            (text, None)
        } else {
            text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
        };
        if host.is_empty() {
            return Err(HostAddressError::Empty);
        }
        let is_v6 = host.parse::<std::net::Ipv6Addr>().is_ok();
        let is_name = host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if !is_v6 && !is_name {
            return Err(HostAddressError::Host(host.to_owned()));
        }
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => {
                port.parse().ok().filter(|port| *port != 0).ok_or_else(|| HostAddressError::Port(port.to_owned()))?
            }
        };
        Ok(HostAddress { host: host.to_owned(), port })
    }
}

impl fmt::Display for HostAddress {
    /// `pbx.example:8021`, `[::1]:8021`: as `TcpStream::connect` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("pbx.example", "pbx.example:8021")]
    #[case("10.0.0.5:8022", "10.0.0.5:8022")]
    #[case("[::1]:8022", "[::1]:8022")]
    #[case("[::1]", "[::1]:8021")]
    #[case("fe80::1", "[fe80::1]:8021")]
    fn a_host_is_named_with_or_without_its_port(#[case] text: &str, #[case] address: &str) {
        assert_eq!(text.parse::<HostAddress>().unwrap().to_string(), address);
    }

    #[rstest]
    #[case("", "the host is empty")]
    #[case(":8021", "the host is empty")]
    #[case("pbx:", "the port \"\" is not a number from 1 to 65535")]
    #[case("pbx:0", "the port \"0\" is not a number from 1 to 65535")]
    #[case("pbx:70000", "the port \"70000\" is not a number from 1 to 65535")]
    #[case("[::1", "\"[::1\" is neither a host name nor an address")]
    #[case("[::1]8021", "\"[::1]8021\" is neither a host name nor an address")]
    #[case("a:b:c", "\"a:b:c\" is neither a host name nor an address")]
    #[case("sip user@pbx", "\"sip user@pbx\" is neither a host name nor an address")]
    fn what_is_no_host_is_refused_with_the_reason(#[case] text: &str, #[case] error: &str) {
        assert_eq!(text.parse::<HostAddress>().unwrap_err().to_string(), error);
    }
}
