//! `callwright switch`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, complain, exit};
use crate::switch::{Switch, SwitchConfig, SystemApi};

const EXAMPLES: &str = "\
Examples:
  callwright switch
      Then, elsewhere: callwright run scenarios --fshost 127.0.0.1:8021
  callwright switch --esl 127.0.0.1:0 --sip 127.0.0.1:0
      On free ports, which are printed.
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
