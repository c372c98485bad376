//! `callwright switch`

use std::net::SocketAddr;

use clap::Args;

use super::{Exit, complain};

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
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Where the event socket listens; port 0 is any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8021")]
    esl: SocketAddr,

    /// Where SIP over UDP is received; port 0 is any free one
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

/// Starts the switch, tells its addresses, and comes back at Ctrl-C.
fn serve(Arguments { esl, sip, password: _ }: &Arguments) -> Result<(), String> {
    Err(format!("the switch for {esl} and {sip} is not wired yet"))
}
