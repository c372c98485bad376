//! `callwright switch`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, complain, exit};
use crate::sip::Credentials;
use crate::sip::uri::{SipUri, Transport};
use crate::switch::{Gateway, Registering, Switch, SwitchConfig, SystemApi};

const EXAMPLES: &str = "\
Examples:
  callwright switch
      Then, elsewhere: callwright run scenarios --fshost 127.0.0.1:8021
  callwright switch --esl 127.0.0.1:0 --sip 127.0.0.1:0
      On free ports, which are printed.
  callwright switch --gateway pbx=alice:secret@192.0.2.7:5060,register
      Registers, and calls go out through it as `originate sofia/gateway/pbx/1001 &park()`.
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

    /// Password of the event socket
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "CALLWRIGHT_PASSWORD",
        hide_env_values = true,
        default_value = "ClueCon"
    )]
    password: String,

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

pub(super) fn run(arguments: Arguments) -> Exit {
    match serve(&arguments) {
        Ok(()) => Exit::Passed,
        Err(error) => {
            complain(error);
            Exit::Unknown
        }
    }
}

fn serve(arguments: &Arguments) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let config = SwitchConfig {
            esl: arguments.esl,
            sip: arguments.sip,
            password: arguments.password.clone(),
            gateways: arguments.gateways.clone(),
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
}
