//! `callwright switch`

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;

use super::log::warn;
use super::{Exit, complain, exit};
use crate::sip::Credentials;
use crate::sip::uri::{SipUri, Transport};
use crate::switch::{
    DEFAULT_PASSWORD, Dialing, Gateway, Registering, Switch, SwitchConfig, SystemApi, loopback_networks,
};

const EXAMPLES: &str = "\
Examples:
  callwright switch
      Then, elsewhere: callwright run scenarios --fshost 127.0.0.1:8021
  callwright switch --esl 127.0.0.1:0 --sip 127.0.0.1:0
      On free ports, which are printed.
  callwright switch --gateway pbx=alice:secret@192.0.2.7:5060,register
      Registers, and calls go out through it as `originate sofia/gateway/pbx/1001 &park()`.
  CALLWRIGHT_PASSWORD=... callwright switch --esl 0.0.0.0:8021 --allow 10.0.0.0/24 --sip 10.0.0.5:5080
      For the machines of a network.
";

/// Run the embedded switch alone, until Ctrl-C
///
/// It speaks SIP and RTP as FreeSWITCH does, parks every call that comes in, and is controlled over its event socket.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// Where the event socket listens; port 0 is any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8021")]
    esl: SocketAddr,

    /// Where SIP is received, over UDP and TCP; port 0 is any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5080")]
    sip: SocketAddr,

    /// Password of the event socket: FreeSWITCH's well-known one, `ClueCon`, unless told otherwise. Where it listens to other
    /// machines one has to be given
    #[arg(long, value_name = "PASSWORD", env = "CALLWRIGHT_PASSWORD", hide_env_values = true)]
    password: Option<String>,

    /// A network whose machines may connect to the event socket, besides this one, as `10.0.0.0/24` or `10.0.0.5`; may be
    /// given several times
    #[arg(long = "allow", value_name = "CIDR", value_parser = network)]
    networks: Vec<IpNet>,

    /// A network whose machines the application `socket` may connect to, besides this one, as `10.0.0.0/24` or `10.0.0.5`; may
    /// be given several times. Who listens there controls the session, with `full` the switch
    #[arg(long = "allow-socket", value_name = "CIDR", value_parser = network)]
    sockets: Vec<IpNet>,

    /// Where recordings without a path of their own go (`recordings_dir`)
    #[arg(long, value_name = "DIR")]
    recordings: Option<PathBuf>,

    /// A server that calls may go out through: `NAME=USER:PASSWORD@HOST[:PORT][,OPTION...]`; may be given several times
    ///
    /// The name stands in `sofia/gateway/NAME/NUMBER`, user and password answer who asks for them. Options: `register`
    /// keeps the gateway told where we are, for an hour at a time or `expires=SECONDS`; `transport=tcp`; `realm=HOST` where
    /// addresses are not those of the host. The variable takes several, separated by blanks.
    #[arg(
        long = "gateway",
        value_name = "NAME=USER:PASSWORD@HOST[:PORT]",
        env = "CALLWRIGHT_GATEWAYS",
        hide_env_values = true,
        value_delimiter = ' ',
        value_parser = parse_gateway
    )]
    gateways: Vec<Gateway>,

    /// Let the API command `system` run programs
    #[arg(long)]
    allow_system: bool,
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(one).ok_or_else(|| "a network is written as `10.0.0.0/24`, or is one address".to_owned())
}

/// The password of an event socket on `esl`, unless that of everybody would open it to other machines.
fn password(given: Option<&str>, esl: SocketAddr) -> Result<&str, String> {
    match given {
        Some("") => Err("the password is empty".to_owned()),
        Some(given) => Ok(given),
        None if esl.ip().to_canonical().is_loopback() => Ok(DEFAULT_PASSWORD),
        None => Err(format!(
            "an event socket on {esl} can be reached by other machines, and everybody knows the password {DEFAULT_PASSWORD}: \
             give one in CALLWRIGHT_PASSWORD or with --password"
        )),
    }
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let Arguments { esl, networks, .. } = &arguments;
    let password = match password(arguments.password.as_deref(), *esl) {
        Ok(password) => password,
        Err(error) => {
            complain(error);
            return Exit::Usage;
        }
    };
    match esl.ip().to_canonical().is_loopback() {
        true if !networks.is_empty() => {
            warn(&format!(
                "the event socket is on {esl}, where no other machine reaches it: --esl 0.0.0.0:{}",
                esl.port()
            ));
        }
        false if password == DEFAULT_PASSWORD => {
            warn(&format!("everybody knows the password {DEFAULT_PASSWORD}, and other machines reach {esl}"));
        }
        _ => {}
    }
    match serve(&arguments, password) {
        Ok(()) => Exit::Passed,
        Err(error) => {
            complain(error);
            Exit::Unknown
        }
    }
}

fn serve(arguments: &Arguments, password: &str) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let config = SwitchConfig {
            esl: arguments.esl,
            sip: arguments.sip,
            gateways: arguments.gateways.clone(),
            password: password.to_owned(),
            acl: loopback_networks().into_iter().chain(arguments.networks.iter().copied()).collect(),
            dialing: Dialing {
                networks: loopback_networks().into_iter().chain(arguments.sockets.iter().copied()).collect(),
                ..Dialing::default()
            },
            system: if arguments.allow_system { SystemApi::Allowed } else { SystemApi::Refused },
            ..SwitchConfig::default()
        };
        let config = match &arguments.recordings {
            Some(folder) => SwitchConfig { recordings_dir: folder.clone(), ..config },
            None => config,
        };
        let switch = Switch::start(config).await.map_err(|error| error.to_string())?;
        let ready = format!("event socket on {}, SIP on {}; Ctrl-C stops\n", switch.esl_addr(), switch.sip_addr());
        super::print(&ready).map_err(|error| error.to_string())?;
        let stopped = tokio::signal::ctrl_c().await;
        switch.shutdown().await;
        stopped.map_err(|error| error.to_string())
    })
}

/// Seconds that a registration holds unless said: mod_sofia's default.
const EXPIRES: u32 = 3_600;

/// Reads `NAME=USER:PASSWORD@HOST[:PORT][,OPTION...]`. A password may hold `@`, `:` and `=`, but no comma behind its `@`.
fn parse_gateway(text: &str) -> Result<Gateway, String> {
    const SHAPE: &str = "NAME=USER:PASSWORD@HOST[:PORT][,OPTION...]";
    let (name, rest) = text.split_once('=').ok_or(format!("no name and `=`; a gateway is {SHAPE}"))?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Err(format!("name {name:?} is not of letters, digits, `-`, `_` and `.`"));
    }
    let (user, there) = rest.rsplit_once('@').ok_or(format!("no `@`; a gateway is {SHAPE}"))?;
    let (username, password) = user.split_once(':').ok_or(format!("no password; a gateway is {SHAPE}"))?;
    let mut options = there.split(',');
    let host = options.next().unwrap_or_default();
    let is_host = |host: &str| SipUri::parse(&format!("sip:{host}")).is_some_and(|uri| uri.params.is_empty());
    if !is_host(host) {
        return Err(format!("{host:?} is not HOST or HOST:PORT"));
    }
    if username.is_empty() {
        return Err("the user is empty".to_owned());
    }
    let mut gateway = Gateway {
        name: name.to_owned(),
        realm: host.to_owned(),
        proxy: None,
        credentials: Credentials { username: username.to_owned(), password: password.to_owned() },
        registering: Registering::No,
        transport: Transport::Udp,
    };
    for option in options {
        match option.split_once('=').unwrap_or((option, "")) {
            ("register", "") if gateway.registering == Registering::No => {
                gateway.registering = Registering::For(EXPIRES);
            }
            ("register", "") => {}
            ("expires", seconds) => {
                let seconds = seconds.parse().ok().filter(|seconds| *seconds >= 5);
                let seconds = seconds.ok_or(format!("{option:?} is not a number of seconds, 5 at least"))?;
                gateway.registering = Registering::For(seconds);
            }
            ("transport", "udp") => gateway.transport = Transport::Udp,
            ("transport", "tcp") => gateway.transport = Transport::Tcp,
            ("realm", realm) if is_host(realm) => {
                gateway.proxy = Some(host.to_owned());
                gateway.realm = realm.to_owned();
            }
            _ => {
                let known = "`register`, `expires=SECONDS`, `transport=udp`, `transport=tcp` or `realm=HOST`";
                return Err(format!("option {option:?} is not {known}"));
            }
        }
    }
    Ok(gateway)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_read_whole() {
        let gateway = parse_gateway("pbx=alice:s:e=c@r@192.0.2.7:5070,register,transport=tcp").unwrap();
        assert_eq!((gateway.name.as_str(), gateway.hop()), ("pbx", "192.0.2.7:5070"));
        let Credentials { username, password } = &gateway.credentials;
        assert_eq!((username.as_str(), password.as_str()), ("alice", "s:e=c@r"));
        assert_eq!((gateway.registering, gateway.transport), (Registering::For(3_600), Transport::Tcp));
        let gateway = parse_gateway("a=b:@h,expires=60,register,realm=example.com").unwrap();
        assert_eq!((gateway.realm.as_str(), gateway.hop()), ("example.com", "h"));
        assert_eq!(gateway.registering, Registering::For(60));
    }

    #[test]
    fn what_is_no_gateway_is_named() {
        for (text, said) in [
            ("pbx", "no name"),
            ("p/x=a:b@h", "\"p/x\""),
            ("pbx=a:b", "no `@`"),
            ("pbx=a@h", "no password"),
            ("pbx=:b@h", "the user is empty"),
            ("pbx=a:b@", "\"\""),
            ("pbx=a:b@h:99999", "\"h:99999\""),
            ("pbx=a:b@h,expires=2", "\"expires=2\""),
            ("pbx=a:b@h,tls", "\"tls\""),
        ] {
            let error = parse_gateway(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn the_password_that_everybody_knows_does_not_open_the_event_socket_to_other_machines() {
        let of = |given, esl: &str| password(given, esl.parse().unwrap());
        for own in ["127.0.0.1:0", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
            assert_eq!(of(None, own), Ok("ClueCon"), "{own}");
        }
        for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8021"] {
            assert!(of(None, open).unwrap_err().contains("CALLWRIGHT_PASSWORD"), "{open}");
            assert_eq!(of(Some("s3cret"), open), Ok("s3cret"));
            assert!(of(Some(""), open).is_err());
        }
    }

    #[test]
    fn a_network_is_a_block_or_an_address() {
        let inside = |text: &str, address: &str| network(text).unwrap().contains(&address.parse::<IpAddr>().unwrap());
        assert!(inside("10.0.0.0/24", "10.0.0.255") && !inside("10.0.0.0/24", "10.0.1.0"));
        assert!(inside("10.0.0.5", "10.0.0.5") && !inside("10.0.0.5", "10.0.0.6"));
        assert!(inside("fd00::/8", "fd12::1") && !inside("fd00::/8", "10.0.0.1"));
        for wrong in ["", "10.0.0.0/33", "pbx", "10.0.0"] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
    }
}
