//! `callwright completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit, complain, exit, print};

const EXAMPLES: &str = "\
Examples:
  callwright completions bash > ~/.local/share/bash-completion/completions/callwright
  callwright completions zsh > ~/.zfunc/_callwright
      With `fpath+=~/.zfunc` before `compinit` in .zshrc.
  callwright completions fish > ~/.config/fish/completions/callwright.fish
";

/// Print a script with which a shell completes the options of callwright
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "callwright", &mut script);
    match print(&String::from_utf8_lossy(&script)) {
        Ok(()) => Exit::Passed,
        Err(error) => {
            complain(format_args!("cannot print: {error}"));
            Exit::Unknown
        }
    }
}
