//! `callwright.toml`: options of `callwright run` that a project sets once, in profiles.
//!
//! A key is the long name of an option and means the same. `[profile.default]` holds always, another profile where it is
//! chosen, and what that says wins. The command line wins over the environment, that over the file.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::place::Place;
use crate::scenario::Diagnostic;
use crate::scenario::diagnostic::{Source, did_you_mean};

/// The file's name.
pub const FILE: &str = "callwright.toml";

/// The profile that always holds.
pub const DEFAULT: &str = "default";

/// An option that may be set in the file and in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `slow-after` for `--slow-after`.
    pub name: String,
    pub kind: Kind,
    /// Its values are paths here, which the file gives from its own folder.
    pub is_path: bool,
    /// Its value is not shown; the file may name an environment variable that has it as `NAME-env`.
    pub is_secret: bool,
}

/// How many values a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    One,
    List,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(Place),
    /// The name of the variable.
    Env(String),
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(place) => write!(f, "{}:{}", place.file.display(), place.line),
            Origin::Env(name) => write!(f, "env {name}"),
            Origin::CommandLine => f.write_str("command line"),
        }
    }
}

/// A key with its values, as texts of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub key: String,
    pub values: Vec<String>,
    pub origin: Origin,
}

/// What there is to be read, and what it is held against.
pub struct World<'a> {
    pub keys: &'a [Key],
    /// The value of an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Why a key cannot have a value.
    pub check: &'a dyn Fn(&Key, &str) -> Result<(), String>,
    /// Keys that the command line sets, whose values elsewhere do not matter.
    pub given: &'a [String],
}

/// The name of the environment variable of a key: `CALLWRIGHT_SLOW_AFTER`.
pub fn variable(key: &str) -> String {
    format!("CALLWRIGHT_{}", key.to_uppercase().replace('-', "_"))
}

/// The file that holds for `folder`: in it or in the nearest above, no further than the root of a Git work tree.
pub fn find(folder: &Path) -> Option<PathBuf> {
    let mut name = PathBuf::from(FILE);
    for folder in folder.ancestors() {
        if folder.join(FILE).is_file() {
            return Some(name);
        }
        if folder.join(".git").exists() {
            return None;
        }
        name = Path::new("..").join(name);
    }
    None
}

/// The settings of the environment.
pub fn from_env(world: &World<'_>) -> Result<Vec<Setting>, Vec<Diagnostic>> {
    let mut settings = Vec::new();
    let mut diagnostics = Vec::new();
    for key in world.keys {
        let name = variable(&key.name);
        let Some(value) = (world.variable)(&name).filter(|value| !value.is_empty()) else { continue };
        let values = match key.kind {
            Kind::Flag => match value.to_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Ok(vec!["true".to_owned()]),
                "0" | "false" | "no" | "off" => Ok(vec!["false".to_owned()]),
                _ => Err("expected `true` or `false`".to_owned()),
            },
            Kind::One => (world.check)(key, &value).map(|()| vec![value.clone()]),
            Kind::List => {
                let values = split(&value);
                values.iter().try_for_each(|value| (world.check)(key, value)).map(|()| values)
            }
        };
        match values {
            Ok(values) => settings.push(Setting { key: key.name.clone(), values, origin: Origin::Env(name) }),
            Err(why) => {
                let shown = if key.is_secret { crate::redact::REDACTED } else { &value };
                let source = Arc::new(Source::new(name, shown));
                diagnostics.push(Diagnostic::error(&source, 0..shown.len(), why));
            }
        }
    }
    if diagnostics.is_empty() { Ok(settings) } else { Err(diagnostics) }
}

/// Values with commas between them; commas in brackets belong to a value: `a.yaml::x[codec=PCMA,mode=a],b.yaml`.
fn split(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let at_comma = |c: char| {
        depth = match c {
            '[' => depth + 1,
            ']' => depth.saturating_sub(1),
            _ => depth,
        };
        c == ',' && depth == 0
    };
    text.split(at_comma).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
}

/// The settings of the profile called `profile` by the file at `path` with this `text`, or all that is wrong with it, in
/// other profiles too.
pub fn from_file(path: &Path, text: &str, profile: &str, world: &World<'_>) -> Result<Vec<Setting>, Vec<Diagnostic>> {
    let source = Arc::new(Source::new(path, text));
    let text = source.text();
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let at = |error: &toml::de::Error| error.span().unwrap_or(0..0);
        return Err(errors.iter().map(|error| Diagnostic::error(&source, at(error), error.message())).collect());
    }
    let mut file =
        File { source: Arc::clone(&source), folder: source.folder(), world, profile, diagnostics: Vec::new() };
    let profiles = file.profiles(table.get_ref());
    let mut settings: Vec<Setting> = Vec::new();
    // The chosen one comes last, and wins.
    for wanted in [DEFAULT, profile] {
        for (_, found) in profiles.iter().filter(|(name, _)| name == wanted) {
            settings.retain(|setting| found.iter().all(|other| other.key != setting.key));
            settings.extend(found.iter().cloned());
        }
    }
    if file.diagnostics.is_empty() && profile != DEFAULT && profiles.iter().all(|(name, _)| name != profile) {
        let names: Vec<&str> = profiles.iter().map(|(name, _)| name.as_str()).collect();
        let mut diagnostic = Diagnostic::error(&source, 0..0, format!("there is no profile `{profile}`"));
        diagnostic.help = match did_you_mean(profile, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.is_empty() => format!("it would be called `[profile.{profile}]`"),
            None => format!("there is {}", names.join(", ")),
        };
        file.diagnostics.push(diagnostic);
    }
    if file.diagnostics.is_empty() { Ok(settings) } else { Err(file.diagnostics) }
}

type Name<'i> = Spanned<std::borrow::Cow<'i, str>>;
type Value<'i> = Spanned<DeValue<'i>>;

/// The file as it is read.
struct File<'a> {
    source: Arc<Source>,
    folder: &'a Path,
    world: &'a World<'a>,
    /// The chosen one.
    profile: &'a str,
    diagnostics: Vec<Diagnostic>,
}

impl File<'_> {
    fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::error(&self.source, span, message));
        self.diagnostics.last_mut().expect("one was pushed in the line above")
    }

    fn profiles(&mut self, table: &DeTable<'_>) -> Vec<(String, Vec<Setting>)> {
        let mut profiles = Vec::new();
        for (name, value) in table {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("profile", DeValue::Table(found)) => {
                    for (name, value) in found {
                        match value.get_ref() {
                            DeValue::Table(settings) => {
                                let settings = self.settings(name.get_ref(), settings);
                                profiles.push((name.get_ref().to_string(), settings));
                            }
                            other => {
                                let what = format!("expected the table of a profile, found {}", found_kind(other));
                                self.error(name.span(), what).help =
                                    "a profile begins with `[profile.NAME]`".to_owned();
                            }
                        }
                    }
                }
                (other, _) => {
                    let is_key = self.world.keys.iter().any(|key| key.name == other);
                    let help = if is_key {
                        "it belongs under `[profile.default]`"
                    } else {
                        "a profile begins with `[profile.NAME]`"
                    };
                    let message = match is_key {
                        true => format!("`{other}` stands outside a profile"),
                        false => format!("unknown key `{other}`"),
                    };
                    self.error(name.span(), message).help = help.to_owned();
                }
            }
        }
        profiles
    }

    fn settings(&mut self, profile: &str, table: &DeTable<'_>) -> Vec<Setting> {
        let mut settings: Vec<Setting> = Vec::new();
        for (name, value) in table {
            let setting = self.setting(profile, name, value);
            if let Some(twice) = setting.as_ref().filter(|new| settings.iter().any(|old| old.key == new.key)) {
                let message = format!("both `{0}` and `{0}-env` are given", twice.key);
                self.error(name.span(), message);
            }
            settings.extend(setting);
        }
        settings
    }

    fn setting(&mut self, profile: &str, name: &Name<'_>, value: &Value<'_>) -> Option<Setting> {
        let keys = self.world.keys;
        let word = name.get_ref().as_ref();
        if let Some(key) = keys.iter().find(|key| key.name == word) {
            let values = self.values(key, value)?;
            let origin = Origin::File(self.source.place(name.span().start));
            return Some(Setting { key: key.name.clone(), values, origin });
        }
        if let Some(key) = keys.iter().find(|key| key.is_secret && word.strip_suffix("-env") == Some(key.name.as_str()))
        {
            return self.secret(profile, key, name, value);
        }
        let secret: Vec<String> =
            keys.iter().filter(|key| key.is_secret).map(|key| format!("{}-env", key.name)).collect();
        let names = || keys.iter().map(|key| key.name.as_str()).chain(secret.iter().map(String::as_str));
        let meant = did_you_mean(word, names()).map(str::to_owned);
        let help = format!("the keys are {}", names().collect::<Vec<_>>().join(", "));
        let diagnostic = self.error(name.span(), format!("unknown key `{word}`"));
        match meant {
            Some(meant) => diagnostic.label = format!("did you mean `{meant}`?"),
            None => diagnostic.help = help,
        }
        None
    }

    /// `password-env = "NAME"`
    fn secret(&mut self, profile: &str, key: &Key, name: &Name<'_>, value: &Value<'_>) -> Option<Setting> {
        let variable = match value.get_ref() {
            DeValue::String(variable) => variable.to_string(),
            other => {
                let what = format!("expected the name of an environment variable, found {}", found_kind(other));
                self.error(value.span(), what);
                return None;
            }
        };
        let matters = [DEFAULT, self.profile].contains(&profile) && !self.world.given.contains(&key.name);
        match (self.world.variable)(&variable) {
            Some(secret) => {
                let origin =
                    Origin::Env(format!("{variable} by {}", Origin::File(self.source.place(name.span().start))));
                Some(Setting { key: key.name.clone(), values: vec![secret], origin })
            }
            None => {
                if matters {
                    self.error(value.span(), format!("the environment variable {variable} is not set"));
                }
                None
            }
        }
    }

    /// The values as texts of the command line.
    fn values(&mut self, key: &Key, value: &Value<'_>) -> Option<Vec<String>> {
        match (key.kind, value.get_ref()) {
            (Kind::Flag, DeValue::Boolean(flag)) => Some(vec![flag.to_string()]),
            (Kind::List, DeValue::Array(items)) => {
                let read: Vec<Option<String>> = items.iter().map(|item| self.text(key, item)).collect();
                read.into_iter().collect()
            }
            (Kind::One | Kind::List, DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_)) => {
                self.text(key, value).map(|text| vec![text])
            }
            (kind, other) => {
                let expected = match kind {
                    Kind::Flag => "`true` or `false`",
                    Kind::One => "a text or a number",
                    Kind::List => "a text or a list of them",
                };
                self.error(value.span(), format!("expected {expected}, found {}", found_kind(other)));
                None
            }
        }
    }

    fn text(&mut self, key: &Key, value: &Value<'_>) -> Option<String> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            other => {
                self.error(value.span(), format!("expected a text or a number, found {}", found_kind(other)));
                return None;
            }
        };
        if let Err(why) = (self.world.check)(key, &text) {
            self.error(value.span(), format!("`{}`: {why}", key.name));
            return None;
        }
        Some(if key.is_path { self.folder.join(text).to_string_lossy().into_owned() } else { text })
    }
}

fn found_kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(number) if number.radix() == 10 => "a number",
        DeValue::Integer(_) => "a number that is not decimal",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Style;

    fn keys() -> Vec<Key> {
        let key = |name: &str, kind| Key { name: name.to_owned(), kind, is_path: false, is_secret: false };
        vec![
            Key { is_path: true, ..key("paths", Kind::List) },
            key("fshost", Kind::List),
            Key { is_secret: true, ..key("password", Kind::One) },
            Key { is_path: true, ..key("junit", Kind::One) },
            key("jobs", Kind::One),
            key("ff", Kind::Flag),
        ]
    }

    fn check(key: &Key, text: &str) -> Result<(), String> {
        match key.name.as_str() {
            "jobs" => text.parse::<u32>().map(|_| ()).map_err(|error| error.to_string()),
            _ => Ok(()),
        }
    }

    fn variable_of(name: &str) -> Option<String> {
        let value = match name {
            "PBX_PASSWORD" => "hunter2",
            "CALLWRIGHT_JOBS" => "7",
            "CALLWRIGHT_FSHOST" => "a, [::1]:1,",
            "CALLWRIGHT_PATHS" => "a.yaml::x[codec=PCMA,mode=a],b.yaml",
            "CALLWRIGHT_FF" => "yes",
            "CALLWRIGHT_JUNIT" => "",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn read(path: &str, profile: &str, text: &str) -> Result<Vec<String>, String> {
        let world = World { keys: &keys(), variable: &variable_of, check: &check, given: &[] };
        match from_file(Path::new(path), text, profile, &world) {
            Ok(settings) => Ok(settings.iter().map(|s| format!("{} = {:?} # {}", s.key, s.values, s.origin)).collect()),
            Err(diagnostics) => {
                let told: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.render(Style::Plain)).collect();
                Err(told.join("\n\n"))
            }
        }
    }

    const PROJECT: &str = "\
[profile.default]
paths = 'tests/calls'
fshost = ['a:1', 'b']
junit = 'out/j.xml'
jobs = 4

[profile.ci]
jobs = 16
ff = true
password-env = 'PBX_PASSWORD'
";

    #[test]
    fn a_profile_has_what_the_default_one_has_and_its_own_wins() {
        let default = [
            "paths = [\"tests/calls\"] # callwright.toml:2",
            "fshost = [\"a:1\", \"b\"] # callwright.toml:3",
            "junit = [\"out/j.xml\"] # callwright.toml:4",
            "jobs = [\"4\"] # callwright.toml:5",
        ];
        let sorted = |result: Result<Vec<String>, String>| {
            let mut lines = result.unwrap();
            lines.sort();
            lines
        };
        assert_eq!(sorted(read(FILE, "default", PROJECT)), sorted(Ok(default.map(str::to_owned).to_vec())));
        let ci = sorted(read(FILE, "ci", PROJECT));
        assert_eq!(ci.len(), 6, "{ci:?}");
        assert!(ci.contains(&"jobs = [\"16\"] # callwright.toml:8".to_owned()), "{ci:?}");
        let password = "password = [\"hunter2\"] # env PBX_PASSWORD by callwright.toml:10";
        assert!(ci.contains(&password.to_owned()), "{ci:?}");
    }

    #[test]
    fn paths_are_from_the_folder_of_the_file() {
        let settings = read("../../callwright.toml", "default", PROJECT).unwrap().join("\n");
        assert!(settings.contains("../../tests/calls") && settings.contains("../../out/j.xml"), "{settings}");
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let text = "\
jobs = 1
colour = 'red'
[profile.default]
jbos = 4
zebra = 1
jobs = 'many'
ff = 'yes'
fshost = [1.5, true, { }]
junit = ['a', 'b']
[profile.ci]
password = 'a'
password-env = 'NOT_SET_ANYWHERE'
jobs = 0x10
[profile]
x = 1
";
        insta::assert_snapshot!(read(FILE, "ci", text).unwrap_err());
    }

    #[test]
    fn what_is_no_toml_and_a_profile_that_is_not_there_are_told() {
        let told = [("default", "[profile.default\njobs = "), ("cii", PROJECT), ("x", "")]
            .map(|(profile, text)| read(FILE, profile, text).unwrap_err());
        insta::assert_snapshot!(told.join("\n\n"));
        assert_eq!(read(FILE, "default", ""), Ok(Vec::new()));
    }

    #[test]
    fn a_secret_of_the_environment_matters_only_where_it_is_used() {
        let text = "[profile.ci]\npassword-env = 'NOT_SET_ANYWHERE'\n";
        assert_eq!(read(FILE, "default", text), Ok(Vec::new()));
        assert!(read(FILE, "ci", text).unwrap_err().contains("NOT_SET_ANYWHERE is not set"));
        let given = ["password".to_owned()];
        let world = World { keys: &keys(), variable: &variable_of, check: &check, given: &given };
        assert!(from_file(Path::new(FILE), text, "ci", &world).is_ok());
    }

    #[test]
    fn the_environment_has_lists_with_commas_and_an_empty_variable_is_none() {
        let world = World { keys: &keys(), variable: &variable_of, check: &check, given: &[] };
        let settings: Vec<_> = from_env(&world).unwrap().into_iter().map(|s| (s.key, s.values)).collect();
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            settings,
            [
                ("paths".to_owned(), list(&["a.yaml::x[codec=PCMA,mode=a]", "b.yaml"])),
                ("fshost".to_owned(), list(&["a", "[::1]:1"])),
                ("jobs".to_owned(), list(&["7"])),
                ("ff".to_owned(), list(&["true"])),
            ]
        );
        let bad = |name: &str| (name == "CALLWRIGHT_JOBS").then(|| "x".to_owned());
        let errors = from_env(&World { variable: &bad, ..world }).unwrap_err();
        assert_eq!(errors[0].place.to_string(), "CALLWRIGHT_JOBS:1:1");
    }

    #[test]
    fn the_file_is_looked_for_upwards_no_further_than_the_work_tree() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(folder.path().join(FILE), "").unwrap();
        assert_eq!(find(&deep), Some("../../../callwright.toml".into()));
        assert_eq!(find(folder.path()), Some(FILE.into()));
        std::fs::create_dir(folder.path().join("a/.git")).unwrap();
        assert_eq!(find(&deep), None);
        std::fs::write(folder.path().join("a").join(FILE), "").unwrap();
        assert_eq!(find(&deep), Some("../../callwright.toml".into()));
    }
}
