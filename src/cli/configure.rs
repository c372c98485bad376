//! The command line over the environment over `callwright.toml`.
//!
//! Every option of `run` is a key of the file and an environment variable by itself; [`NOT_IN_FILES`] are those that are
//! not. What is found becomes the option's default, so that one parser reads all of it.

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, ValueHint};

use super::{Cli, Exit, complain, show};
use crate::config::{self, Key, Kind, Origin, Setting, World};
use crate::scenario::{Diagnostic, Style};

/// Options that make no sense in every run.
const NOT_IN_FILES: [&str; 3] = ["list", "lf", "profile"];

/// What `check` takes of the options of `run`.
const OF_CHECK: [&str; 2] = ["paths", "allow-system"];

/// A command line as it is meant.
pub(super) struct Parsed {
    pub cli: Cli,
    pub resolved: Resolved,
}

/// Where the values of the options come from.
pub(super) struct Resolved {
    /// Of the subcommand.
    matches: ArgMatches,
    settings: Vec<Setting>,
    /// The options of `run`, with their defaults as callwright has them.
    run: Command,
    /// What tells the file and the profile.
    pub about: String,
}

/// Reads the command line `arguments`. What is wrong with it or with the file is told, and is an exit code.
pub(super) fn parse(arguments: Vec<OsString>) -> Result<Parsed, Exit> {
    let mut command = Cli::command();
    let mut matches = matched(command.clone(), &arguments)?;
    let name = matches.subcommand_name().unwrap_or_default().to_owned();
    let run = command.find_subcommand("run").cloned().unwrap_or_default();
    let mut settings = Vec::new();
    let mut about = String::new();
    if ["run", "config", "check"].contains(&name.as_str()) {
        let given = matches.subcommand_matches(&name).cloned().unwrap_or_default();
        (settings, about) = read(&run, &given)?;
        if name == "check" {
            settings.retain(|setting| OF_CHECK.contains(&setting.key.as_str()));
        }
        command = command.mut_subcommand(&name, |subcommand| {
            subcommand.mut_args(|arg| match settings.iter().rev().find(|setting| setting.key == key_name(&arg)) {
                Some(setting) => arg.default_values(setting.values.clone()),
                None => arg,
            })
        });
        matches = matched(command, &arguments)?;
    }
    let cli = Cli::from_arg_matches(&matches).map_err(told)?;
    let matches = matches.subcommand_matches(&name).cloned().unwrap_or_default();
    Ok(Parsed { cli, resolved: Resolved { matches, settings, run, about } })
}

fn matched(command: Command, arguments: &[OsString]) -> Result<ArgMatches, Exit> {
    command.try_get_matches_from(arguments).map_err(told)
}

fn told(error: clap::Error) -> Exit {
    // A reader that goes away, as in `callwright --help | head -1`, is no reason to complain.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Passed }
}

/// The settings of the file, then those of the environment; and what tells of the file.
fn read(run: &Command, given: &ArgMatches) -> Result<(Vec<Setting>, String), Exit> {
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let keys: Vec<Key> = configurable(run).map(key).collect();
    let is_given = |arg: &&Arg| source(given, arg).is_some_and(|source| source != ValueSource::DefaultValue);
    let given_keys: Vec<String> = configurable(run).filter(is_given).map(key_name).collect();
    let check = |key: &Key, text: &str| check(run, key, text);
    let profile =
        given.get_one::<String>("profile").filter(|name| !name.is_empty()).map_or(config::DEFAULT, String::as_str);
    let world = World { keys: &keys, variable: &variable, check: &check, given: &given_keys };
    let here = std::env::current_dir().unwrap_or_default();
    let (mut settings, about) = match config::find(&here) {
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                complain(format_args!("{}: {error}", path.display()));
                Exit::Usage
            })?;
            let settings = config::from_file(&path, &text, profile, &world).map_err(wrong)?;
            (settings, format!("{}, profile {profile}", path.display()))
        }
        None if profile != config::DEFAULT => {
            let file = Path::new(config::FILE).display();
            complain(format_args!("there is no profile `{profile}`: there is no {file} here or above"));
            return Err(Exit::Usage);
        }
        None => (Vec::new(), format!("no {}", config::FILE)),
    };
    // Those with a variable of their own are read where they are parsed.
    let own: Vec<Key> = configurable(run).filter(|arg| arg.get_env().is_none()).map(key).collect();
    let env = config::from_env(&World { keys: &own, ..world }).map_err(wrong)?;
    settings.retain(|setting| env.iter().all(|other| other.key != setting.key));
    settings.extend(env);
    Ok((settings, about))
}

fn wrong(diagnostics: Vec<Diagnostic>) -> Exit {
    diagnostics.iter().for_each(|diagnostic| show(&format!("{}\n", diagnostic.render(Style::Coloured))));
    Exit::Usage
}

/// The options that may stand in a file.
fn configurable(run: &Command) -> impl Iterator<Item = &Arg> {
    run.get_arguments().filter(|arg| !NOT_IN_FILES.contains(&arg.get_id().as_str()))
}

/// The long name of an option; the positional ones go by their ids.
fn key_name(arg: &Arg) -> String {
    arg.get_long().unwrap_or(arg.get_id().as_str()).to_owned()
}

fn key(arg: &Arg) -> Key {
    let kind = match arg.get_action() {
        ArgAction::SetTrue => Kind::Flag,
        ArgAction::Append => Kind::List,
        _ => Kind::One,
    };
    let is_path = matches!(arg.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath);
    Key { name: key_name(arg), kind, is_path, is_secret: arg.is_hide_env_values_set() }
}

/// Has the option itself read the value.
fn check(run: &Command, key: &Key, text: &str) -> Result<(), String> {
    let is_positional = run.get_arguments().any(|arg| arg.is_positional() && key_name(arg) == key.name);
    let line =
        if is_positional { vec!["--".to_owned(), text.to_owned()] } else { vec![format!("--{}={text}", key.name)] };
    let Err(error) = run.clone().no_binary_name(true).try_get_matches_from(line) else { return Ok(()) };
    Err(match error.source() {
        Some(source) => source.to_string(),
        None => {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

fn source(matches: &ArgMatches, arg: &Arg) -> Option<ValueSource> {
    let id = arg.get_id().as_str();
    // `check` does not have all options of `run`, and to ask for one that is not there is a panic.
    matches.try_contains_id(id).ok()?;
    matches.value_source(id)
}

impl Resolved {
    /// Each option that may stand in a file, its values and where they come from; no values where it is not set.
    pub fn options(&self) -> Vec<(Key, Vec<String>, Origin)> {
        configurable(&self.run).map(|arg| self.option(arg)).collect()
    }

    fn option(&self, arg: &Arg) -> (Key, Vec<String>, Origin) {
        let key = key(arg);
        let raw = self.matches.get_raw(arg.get_id().as_str());
        let values = raw.into_iter().flatten().map(|value| value.to_string_lossy().into_owned()).collect();
        let setting = self.settings.iter().rev().find(|setting| setting.key == key.name);
        let origin = match (source(&self.matches, arg), setting) {
            (Some(ValueSource::CommandLine), _) => Origin::CommandLine,
            (Some(ValueSource::EnvVariable), _) => {
                Origin::Env(arg.get_env().unwrap_or_default().to_string_lossy().into_owned())
            }
            (_, Some(setting)) => setting.origin.clone(),
            _ => Origin::Default,
        };
        // A flag has no text on the command line.
        let flag = (key.kind == Kind::Flag).then(|| self.matches.get_flag(arg.get_id().as_str()).to_string());
        let values = flag.map_or(values, |flag| vec![flag]);
        (key, values, origin)
    }
}
