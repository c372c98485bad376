//! The command line: one file a subcommand.

mod analyze;
mod check;
mod compare;
mod completions;
mod config;
mod configure;
mod dial;
mod doctor;
mod exit;
mod host_arguments;
mod init;
mod log;
mod man;
mod merge;
mod metrics_listen;
mod plot;
mod replay;
mod reports;
mod run;
mod schema;
mod selection;
mod shell;
mod switch;

use std::borrow::Cow;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use clap::{Parser, Subcommand};

pub use exit::Exit;

use crate::redact::Redactor;
use crate::report::escape::screen;

/// Functional and load tests for telephone switches.
///
/// A tester writes a call as YAML; callwright makes it happen on FreeSWITCH hosts or on a switch of its own, listens to
/// what was really heard, and says pass or fail.
#[derive(Debug, Parser)]
#[command(name = "callwright", version, after_long_help = exit::help(), after_help = "Exit codes: see --help")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Arguments>),
    Dial(Box<dial::Arguments>),
    Check(check::Arguments),
    Compare(compare::Arguments),
    Merge(merge::Arguments),
    Plot(plot::Arguments),
    Config(Box<config::Arguments>),
    Doctor(doctor::Arguments),
    Analyze(analyze::Arguments),
    Init(init::Arguments),
    Replay(replay::Arguments),
    Switch(switch::Arguments),
    Shell(shell::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Environment variable that names what is logged, as `debug` or `callwright::esl=trace`.
const LOG: &str = "CALLWRIGHT_LOG";

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    guarded(|| match configure::parse(std::env::args_os().collect()) {
        Ok(parsed) => {
            let secrets = Arc::new(OnceLock::new());
            log(&secrets);
            match parsed.cli.command {
                Command::Run(arguments) => run::run(*arguments, &secrets),
                Command::Dial(arguments) => dial::run(*arguments, &secrets),
                Command::Check(arguments) => check::run(arguments),
                Command::Compare(arguments) => compare::run(&arguments),
                Command::Merge(arguments) => merge::run(arguments),
                Command::Plot(arguments) => plot::run(&arguments),
                Command::Doctor(arguments) => doctor::run(&arguments),
                Command::Analyze(arguments) => analyze::run(&arguments),
                Command::Init(arguments) => init::run(&arguments),
                Command::Replay(arguments) => replay::run(arguments),
                Command::Switch(arguments) => switch::run(arguments),
                Command::Shell(arguments) => shell::run(arguments),
                Command::Schema(arguments) => schema::run(arguments),
                Command::Completions(arguments) => completions::run(&arguments),
                Command::Man(arguments) => man::run(&arguments),
                Command::Config(_) => config::run(&parsed.resolved),
            }
        }
        Err(exit) => exit,
    })
    .into()
}

/// A panic is our own mistake: its message is on the standard error already, and nothing was found out.
fn guarded(command: impl FnOnce() -> Exit) -> Exit {
    catch_unwind(AssertUnwindSafe(command)).unwrap_or(Exit::Unknown)
}

/// Sets the log up, which leaves out `secrets` once they are known.
fn log(secrets: &Arc<OnceLock<Redactor>>) {
    if std::env::var_os(LOG).is_some() {
        let filter = tracing_subscriber::EnvFilter::from_env(LOG);
        // Fails only where a log is set up already.
        let secrets = Arc::clone(secrets);
        let writer = move || LogLine { secrets: Arc::clone(&secrets) };
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).try_init();
    }
}

/// Writes lines of the log, each of which comes in one piece, to the standard error.
struct LogLine {
    secrets: Arc<OnceLock<Redactor>>,
}

impl Write for LogLine {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let clean = self.secrets.get().map_or(Cow::Borrowed(&*text), |secrets| secrets.redact(&text));
        io::stderr().write_all(screen(&clean).as_bytes()).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Tells an error on the standard error.
fn complain(error: impl std::fmt::Display) {
    // Nobody is left to tell where the standard error is closed.
    let _ = writeln!(anstream::stderr(), "\x1b[1;31merror\x1b[0m: {}", screen(&error.to_string()));
}

/// Writes diagnostics to the standard error, with the colours they have where those are wanted.
fn show(diagnostics: &str) {
    // As above.
    let _ = writeln!(anstream::stderr(), "{}", screen(diagnostics.trim_end()));
}

/// Writes to the standard error what would go to the standard output if no report were there.
fn show_text(text: &str) -> io::Result<()> {
    io::stderr().lock().write_all(screen(text).as_bytes())
}

/// Writes what people read to the standard output: what others wrote in it does not act on their terminal.
fn tell(text: &str) -> io::Result<()> {
    print(&screen(text))
}

/// Writes what programs read to the standard output. A reader that goes away (`| head`) has seen what it wanted.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_panic_is_never_green() {
        assert_eq!(guarded(|| panic!("a mistake of ours")), Exit::Unknown);
    }
}
