//! What an embedded switch is started with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;

use crate::esl::LogLevel;
use crate::esl::wire::Limits;
use crate::media::Codec;

use super::gateway::Gateway;

/// Settings of an embedded switch. [`SwitchConfig::default`] binds loopback and free ports.
#[derive(Clone, Debug)]
pub struct SwitchConfig {
    /// Where event sockets are accepted; port 0 is any free one.
    pub esl: SocketAddr,
    /// Where SIP is received, over UDP and TCP; port 0 is any that is free for both.
    pub sip: SocketAddr,
    /// Ports for RTP; `None` is any free one.
    pub rtp_ports: Option<RangeInclusive<u16>>,
    /// What `auth` must say.
    pub password: String,
    /// Networks whose machines may connect to the event socket; others are told to go away. This machine alone, unless told
    /// otherwise (FreeSWITCH's `loopback.auto`).
    pub acl: Vec<IpNet>,
    /// What a client of the event socket may ask of the switch.
    pub clients: ClientLimits,
    /// Where the application `socket` may connect to.
    pub dialing: Dialing,
    /// `FreeSWITCH-Hostname` and `FreeSWITCH-Switchname`.
    pub hostname: String,
    /// `FreeSWITCH-IPv4`.
    pub ipv4: String,
    /// `FreeSWITCH-IPv6`.
    pub ipv6: String,
    /// Names of SIP profiles, as in `sofia/NAME/...`. All share the one user agent.
    pub profiles: Vec<String>,
    /// Servers that calls may go out through, all of the first profile.
    pub gateways: Vec<Gateway>,
    /// Dialplan context of inbound calls.
    pub context: String,
    /// Codecs that are offered and accepted, best first.
    pub codecs: Vec<Codec>,
    /// `recordings_dir`, where a recording without a path of its own goes.
    pub recordings_dir: PathBuf,
    /// `sounds_dir`; `sound_prefix` is `en/us/callie` under it.
    pub sounds_dir: PathBuf,
    /// `max_sessions`: more are refused.
    pub max_sessions: u32,
    /// `sps`: new sessions in one second, with which more are refused: FreeSWITCH takes one less.
    pub sessions_per_second: u32,
    /// `loglevel`: lines of the log beyond it are sent to nobody.
    pub log_level: LogLevel,
    /// Whether the `system` command runs programs, or is refused.
    pub system: SystemApi,
    /// How often the originate looks at its leg: FreeSWITCH does so every 20 ms, so a job ends up to that much after
    /// the answer. Zero ends it at once.
    pub originate_poll: Duration,
    /// Time between HEARTBEAT events, `event-heartbeat-interval`; `None` sends none.
    pub heartbeat: Option<Duration>,
    /// Zone of `Event-Date-Local` and of stamps.
    pub time_zone: TimeZone,
    /// Events that may wait for a client that does not read, before it is dropped.
    pub event_queue: usize,
}

/// Whether the `system` command runs programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemApi {
    Refused,
    Allowed,
}

/// What clients of the event socket may ask of the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// At once; more are closed as they come.
    pub connections: usize,
    /// How long a client may take to log in: FreeSWITCH's 25 s.
    pub login: Duration,
    /// Of a request before the login, which has nothing to say but a password.
    pub stranger: Limits,
    /// Of a request after it.
    pub known: Limits,
    /// Requests that may wait behind one that is not done, before the client is dropped.
    pub waiting: usize,
    /// Bytes of those requests.
    pub waiting_bytes: usize,
}

/// Where the application `socket` may connect to, and how often.
///
/// Who listens there has the session without a password, and with `full` the whole switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialing {
    /// Networks whose machines may be connected to: this machine alone, unless told otherwise.
    pub networks: Vec<IpNet>,
    /// Connections at once, with those that are not there yet; with more the application fails.
    pub connections: usize,
    /// How long a connection may take to be there.
    pub patience: Duration,
}

impl Dialing {
    /// Whether `address` may be connected to.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether `host` may be connected to, or asked for where it is a name. This machine's own needs nobody to be asked.
    pub fn permits_host(&self, host: &str) -> bool {
        match host.parse() {
            Ok(address) => self.permits(address),
            Err(_) => host.eq_ignore_ascii_case("localhost") || self.networks.iter().any(|n| !n.addr().is_loopback()),
        }
    }
}

impl Default for Dialing {
    fn default() -> Self {
        let networks = loopback_networks().to_vec();
        Dialing { networks, connections: 1_000, patience: Duration::from_secs(10) }
    }
}

impl Default for ClientLimits {
    fn default() -> Self {
        ClientLimits {
            connections: 256,
            login: Duration::from_secs(25),
            stranger: Limits { head: 1024, body: 0 },
            known: Limits { head: 256 * 1024, body: 4 * 1024 * 1024 },
            waiting: 100_000,
            waiting_bytes: 32 * 1024 * 1024,
        }
    }
}

impl Default for SwitchConfig {
    fn default() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        SwitchConfig {
            esl: SocketAddr::new(loopback, 0),
            sip: SocketAddr::new(loopback, 0),
            rtp_ports: None,
            password: DEFAULT_PASSWORD.to_owned(),
            acl: loopback_networks().to_vec(),
            clients: ClientLimits::default(),
            dialing: Dialing::default(),
            hostname: "callwright".to_owned(),
            ipv4: "127.0.0.1".to_owned(),
            ipv6: "::1".to_owned(),
            profiles: vec!["external".to_owned(), "internal".to_owned()],
            gateways: Vec::new(),
            context: "default".to_owned(),
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            recordings_dir: std::env::temp_dir().join("callwright").join("recordings"),
            sounds_dir: std::env::temp_dir().join("callwright").join("sounds"),
            max_sessions: 20_000,
            sessions_per_second: 1_000,
            log_level: LogLevel::DEBUG,
            system: SystemApi::Refused,
            originate_poll: Duration::ZERO,
            heartbeat: Some(Duration::from_secs(20)),
            time_zone: TimeZone::UTC,
            event_queue: 100_000,
        }
    }
}

/// The password that every FreeSWITCH comes with.
pub const DEFAULT_PASSWORD: &str = "ClueCon";

/// The addresses of this machine alone.
pub fn loopback_networks() -> [IpNet; 2] {
    // 127.0.0.0/8: a prefix of 8 is none that is too long.
    let v4 = ipnet::Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    [v4.into(), IpAddr::V6(Ipv6Addr::LOCALHOST).into()]
}

/// What `FreeSWITCH-Version` and `version` say: the version that this switch imitates.
pub const IMITATED_VERSION: &str = "1.10.12-release";
/// Its commit, as `version` prints it.
pub const IMITATED_COMMIT: &str = "git a88d069 2024-08-02 21:02:27Z 64bit";
/// Its long form, as in HEARTBEAT events and the `User-Agent` of its SIP.
pub const IMITATED_FULL_VERSION: &str = "1.10.12-release+git~20240802T210227Z~a88d069d6f~64bit";
