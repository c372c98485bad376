//! What a run is asked to do.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{Choice, HostSpec, ListFormat, Mapping, Shard};
use crate::bound::parse_value;
use crate::units::{Time, human};

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
    /// Which part of the calls of a load is made.
    pub load_shard: Option<Shard>,
    /// When a load begins.
    pub start_at: Option<StartAt>,
}

/// When a load begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    At(Time),
    /// So long after the run began.
    In(Duration),
}

impl StartAt {
    /// The time that is meant by a run that began at `began`; an error where that is past.
    pub fn time(self, began: Time) -> Result<Time, StartAtError> {
        match self {
            StartAt::At(time) if time <= began => Err(StartAtError::Past(human(began.since(time)))),
            StartAt::At(time) => Ok(time),
            StartAt::In(after) => Ok(began + after),
        }
    }
}

/// Why a load cannot begin then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartAtError {
    #[error("a time has a date and a zone, as `2026-01-02T03:04:05Z`, or is `+30s` from now")]
    Form,
    #[error("that time is past, by {0}")]
    Past(String),
}

impl FromStr for StartAt {
    type Err = StartAtError;

    /// RFC 3339, or `+` and a time with its unit.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(after) = text.strip_prefix('+') {
            let after = parse_value::<Duration>(after).map_err(|_| StartAtError::Form)?;
            // Nobody waits longer, and times stay within what can be told.
            let waits = after <= Duration::from_secs(366 * 86_400);
            return waits.then_some(StartAt::In(after)).ok_or(StartAtError::Form);
        }
        let stamp: jiff::Timestamp = text.parse().map_err(|_| StartAtError::Form)?;
        let micros = u64::try_from(stamp.as_microsecond()).map_err(|_| StartAtError::Form)?;
        Ok(StartAt::At(Time::from_micros(micros)))
    }
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
    #[case("2026-01-02T03:04:05Z", Some(1_767_323_045_000_000))]
    #[case("2026-01-02T04:04:05.25+01:00", Some(1_767_323_045_250_000))]
    #[case("+30s", Some(1_700_000_030_000_000))]
    #[case("+0.5m", Some(1_700_000_030_000_000))]
    #[case("2023-01-02T03:04:05Z", None)]
    fn a_load_begins_at_a_time_or_after_a_time(#[case] text: &str, #[case] micros: Option<u64>) {
        let began = Time::from_micros(1_700_000_000_000_000);
        let time = text.parse::<StartAt>().unwrap().time(began);
        assert_eq!(time.as_ref().ok().map(|time| time.as_micros()), micros);
        assert!(time.is_ok() || time.unwrap_err().to_string().starts_with("that time is past, by "));
    }

    #[test]
    fn what_is_no_time_of_a_load_is_refused() {
        for wrong in
            ["", "+", "+30", "30s", "noon", "2026-01-02", "2026-01-02T03:04:05", "+-3s", "1960-01-02T03:04:05Z"]
        {
            assert_eq!(wrong.parse::<StartAt>(), Err(StartAtError::Form), "{wrong}");
        }
    }

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
