//! `callwright man`

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory, ValueHint};
use clap_mangen::Man;

use super::{Cli, Exit, complain, exit, print};

const EXAMPLES: &str = "\
Examples:
  callwright man | man -l -
      Shows the manual.
  callwright man ~/.local/share/man/man1
      Writes callwright.1, callwright-run.1 and so on; then `man callwright-run`.
";

/// Print the manual, or write it as man pages
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// The folder for the man pages, one for each subcommand; without, the main one is printed
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    folder: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let mut command = Cli::command();
    command.build();
    let result = match &arguments.folder {
        None => page(command)
            .and_then(|page| print(&String::from_utf8_lossy(&page)))
            .map_err(|error| format!("cannot print: {error}")),
        Some(folder) => write(command, folder).map_err(|error| format!("{}: {error}", folder.display())),
    };
    match result {
        Ok(()) => Exit::Passed,
        Err(error) => {
            complain(error);
            Exit::Unknown
        }
    }
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}

fn write(command: Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let name = format!("callwright-{}", subcommand.get_name());
        let page = page(subcommand.clone().name(name.clone()).display_name(name.clone()))?;
        fs::write(folder.join(format!("{name}.1")), page)?;
    }
    fs::write(folder.join("callwright.1"), page(command)?)
}
