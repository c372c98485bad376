//! `callwright shell`

use std::io::IsTerminal;

use clap::Args;

use super::{Exit, complain};
use crate::clock::Clock;
use crate::esl::LogLevel;
use crate::run::HostAddress;
use crate::shell::task::{self, Source, is_at_terminal};
use crate::shell::{Ending, EventNames, Look, Manner, ShellConfig, Wanted, history};

const EXAMPLES: &str = "\
Examples:
  callwright shell 10.0.0.5
      A prompt. TAB completes commands and the names of sessions; /help tells the rest.
  callwright shell 10.0.0.5 --log notice --events CHANNEL_ANSWER,CHANNEL_HANGUP
      With what happens there above it.
  callwright shell 10.0.0.5 -x 'show channels count'
      One command, for a script.
  printf 'status\\nsofia status\\n' | callwright shell 10.0.0.5
      A command a line.

Lines that were typed are kept in callwright/shell_history of $XDG_STATE_HOME or ~/.local/state, but
for those that begin with a blank or tell of a password.

Exit codes:
  0  done; at a prompt whatever was answered
  1  a command of a script, or of -x, was answered with an error
  2  interrupted
  3  the host cannot be reached, refuses the password, or was lost before a script was done
  4  bad usage, or a line of a script that means nothing
";

/// Talk to a host: commands, events and log lines at a prompt, as fs_cli has them
///
/// Commands go to the host as its own console takes them; those of the shell begin with a slash. A host that is lost is waited
/// for. Where the standard input is no terminal, its lines are commands, and their replies go to the standard output.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Event socket of a FreeSWITCH host, or of `callwright switch`
    #[arg(value_name = "HOST[:PORT]", default_value = "127.0.0.1:8021")]
    host: HostAddress,

    /// Password of the host's event socket
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "CALLWRIGHT_PASSWORD",
        hide_env_values = true,
        default_value = "ClueCon"
    )]
    password: String,

    /// Run one command, print its reply, and leave
    #[arg(short = 'x', long, value_name = "COMMAND")]
    execute: Option<String>,

    /// Log lines from this level on: console, alert, crit, err, warning, notice, info or debug
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    log: Option<LogLevel>,

    /// Events from the start: names, `all`, or subclasses of CUSTOM such as `sofia::register`
    #[arg(long, value_name = "NAME", value_delimiter = ',', num_args = 1.., value_parser = names)]
    events: Vec<EventNames>,
}

fn level(text: &str) -> Result<LogLevel, String> {
    LogLevel::parse(text).filter(|level| *level != LogLevel::DISABLED).ok_or_else(|| "no log level".to_owned())
}

fn names(text: &str) -> Result<EventNames, String> {
    EventNames::parse(text).map_err(|error| error.to_string())
}

const EMBEDDED: &str = "embedded";

pub(super) fn run(arguments: Arguments) -> Exit {
    let Arguments { host, password, execute, log, events } = arguments;
    if host.host == EMBEDDED {
        complain("the embedded switch of a run cannot be reached; `callwright switch` runs one that can");
        return Exit::Usage;
    }
    let variable = |name| std::env::var_os(name);
    let (manner, source) = match execute {
        Some(command) => (Manner::Script, Source::Lines(vec![command])),
        None if is_at_terminal() => {
            let history = history::file(variable("XDG_STATE_HOME"), variable("HOME"));
            (Manner::Prompt, Source::Terminal { history })
        }
        None => (Manner::Script, Source::Input),
    };
    let config =
        ShellConfig { name: host.to_string(), password, manner, look: look(), wanted: Wanted::new(log, &events) };
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(task::run(config, host.to_string(), source, Clock::start())),
        Err(error) => Ending::Lost(error.to_string()),
    };
    match ended {
        Ending::Well => Exit::Passed,
        Ending::Refused => Exit::Failed,
        Ending::BadLine => Exit::Usage,
        Ending::Interrupted => Exit::Interrupted,
        Ending::Lost(reason) => {
            complain(reason);
            Exit::Unknown
        }
    }
}

/// As the standard output is written.
fn look() -> Look {
    match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never if std::io::stdout().is_terminal() => Look::Plain,
        anstream::ColorChoice::Never => Look::Raw,
        _ => Look::Coloured,
    }
}
