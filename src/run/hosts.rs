//! The hosts of a run: how a user names them, one by one or in a file, and what they are called.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{HostAddress, HostAddressError};

/// A host as a user names it: `10.0.0.5`, `pbx1=10.0.0.5:8022`, `embedded`, `b=embedded`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSpec {
    /// What it is to be called; `None`: as its address.
    pub name: Option<String>,
    pub at: At,
    /// How many tests may run on it side by side, where that is said of this host alone.
    pub slots: Option<NonZeroUsize>,
    /// The environment variable that has the password of its event socket, where it is not that of all.
    pub password_env: Option<String>,
}

/// Where a host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// A switch of the run's own.
    Embedded,
    Esl(HostAddress),
}

/// What calls are made on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Tests run on it; it calls itself, or a [`Role::Callee`].
    Caller,
    /// It is called by hosts of the other kind.
    Callee,
}

/// A host with the name that the run has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHost {
    pub name: String,
    pub spec: HostSpec,
    /// The place of the host that is called from it; its own where it calls itself.
    pub callee: usize,
    pub role: Role,
}

impl NamedHost {
    /// Its event socket, where it is none of the run's own.
    pub fn address(&self) -> Option<&HostAddress> {
        match &self.spec.at {
            At::Esl(address) => Some(address),
            At::Embedded => None,
        }
    }
}

/// The word for a switch of the run's own.
const EMBEDDED: &str = "embedded";

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostSpecError {
    #[error("{0:?} cannot be a host's name: letters, digits and `.` `_` `-` can")]
    Name(String),
    #[error(transparent)]
    Address(#[from] HostAddressError),
    #[error("{0:?} is none of `callee`, `slots=N`, `password-env=NAME`")]
    Word(String),
    #[error("slots are a number from 1, not {0:?}")]
    Slots(String),
    #[error("two hosts are called {0:?}: name one of them, as in `--fshost NAME={0}`")]
    Twice(String),
    #[error("{}: {error}", path.display())]
    Unreadable { path: PathBuf, error: String },
    #[error("{}:{line}: {error}", path.display())]
    Line { path: PathBuf, line: usize, error: Box<HostSpecError> },
    #[error("{} names no host", .0.display())]
    Empty(PathBuf),
}

impl FromStr for HostSpec {
    type Err = HostSpecError;

    fn from_str(text: &str) -> Result<Self, HostSpecError> {
        let (name, address) = match text.split_once('=') {
            Some((name, address)) => (Some(name), address),
            None => (None, text),
        };
        let fits = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
        if let Some(name) = name.filter(|name| !fits(name)) {
            return Err(HostSpecError::Name(name.to_owned()));
        }
        let at = if address == EMBEDDED { At::Embedded } else { At::Esl(address.parse()?) };
        Ok(HostSpec { name: name.map(str::to_owned), at, slots: None, password_env: None })
    }
}

impl fmt::Display for HostSpec {
    /// As it is given on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}=")?;
        }
        match &self.at {
            At::Embedded => f.write_str(EMBEDDED),
            At::Esl(address) => address.fmt(f),
        }
    }
}

/// Reads a file of hosts: one a line, as on the command line, with `callee`, `slots=N` and `password-env=NAME` behind it;
/// `#` begins a comment.
///
/// # Errors
/// With the line that is wrong. A file without a host is one, too.
pub fn read_hosts(path: &Path) -> Result<Vec<(Role, HostSpec)>, HostSpecError> {
    let unreadable = |error: std::io::Error| HostSpecError::Unreadable { path: path.into(), error: error.to_string() };
    parse_hosts(path, &std::fs::read_to_string(path).map_err(unreadable)?)
}

/// Reads what a file of hosts holds; errors call it `path`.
pub fn parse_hosts(path: &Path, text: &str) -> Result<Vec<(Role, HostSpec)>, HostSpecError> {
    let mut hosts = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(first) = words.next() else { continue };
        let host = parse_line(first, words).map_err(|error| {
            let line = index + 1;
            HostSpecError::Line { path: path.to_owned(), line, error: Box::new(error) }
        })?;
        hosts.push(host);
    }
    if hosts.is_empty() { Err(HostSpecError::Empty(path.to_owned())) } else { Ok(hosts) }
}

fn parse_line<'a>(host: &str, words: impl Iterator<Item = &'a str>) -> Result<(Role, HostSpec), HostSpecError> {
    let mut spec: HostSpec = host.parse()?;
    let mut role = Role::Caller;
    for word in words {
        match word.split_once('=') {
            None if word == "callee" => role = Role::Callee,
            Some(("slots", number)) => {
                spec.slots = Some(number.parse().map_err(|_| HostSpecError::Slots(number.to_owned()))?);
            }
            Some(("password-env", name)) if !name.is_empty() => spec.password_env = Some(name.to_owned()),
            _ => return Err(HostSpecError::Word(word.to_owned())),
        }
    }
    Ok((role, spec))
}

/// The hosts that are named and those of `files`, callers first, each with the host that it calls.
///
/// # Errors
/// When a file cannot be read, or two hosts would have one name.
pub fn named_hosts_of(
    callers: &[HostSpec],
    callees: &[HostSpec],
    files: &[PathBuf],
) -> Result<Vec<NamedHost>, HostSpecError> {
    let (mut callers, mut callees) = (callers.to_vec(), callees.to_vec());
    for file in files {
        for (role, spec) in read_hosts(file)? {
            match role {
                Role::Caller => callers.push(spec),
                Role::Callee => callees.push(spec),
            }
        }
    }
    named_hosts(&callers, &callees)
}

/// What the hosts that tests run on are called.
pub fn caller_names(hosts: &[NamedHost]) -> Vec<String> {
    hosts.iter().filter(|host| host.role == Role::Caller).map(|host| host.name.clone()).collect()
}

/// The hosts of a run in their order, callers first. Without a caller that is a switch of the run's own.
///
/// Each caller calls one of the callees, dealt out in turn, or itself where there is none. A callee that is a caller as
/// well is one host.
///
/// # Errors
/// When two of them would have one name.
pub fn named_hosts(callers: &[HostSpec], callees: &[HostSpec]) -> Result<Vec<NamedHost>, HostSpecError> {
    let own = [HostSpec { name: None, at: At::Embedded, slots: None, password_env: None }];
    let callers = if callers.is_empty() { &own } else { callers };
    let is_caller = |callee: &HostSpec| {
        let same = |caller: &HostSpec| match (&caller.at, &callee.at) {
            (At::Esl(caller), At::Esl(callee)) => caller == callee,
            _ => caller.name.is_some() && caller.name == callee.name,
        };
        callers.iter().position(same)
    };
    let others: Vec<&HostSpec> = callees.iter().filter(|callee| is_caller(callee).is_none()).collect();
    let mut other = callers.len()..;
    let places: Vec<usize> =
        callees.iter().map(|callee| is_caller(callee).or_else(|| other.next()).unwrap_or_default()).collect();
    let all =
        callers.iter().map(|spec| (Role::Caller, spec)).chain(others.into_iter().map(|spec| (Role::Callee, spec)));
    let all: Vec<(Role, &HostSpec)> = all.collect();
    let nameless = all.iter().filter(|(_, spec)| spec.name.is_none() && spec.at == At::Embedded).count();
    let mut number = 1..;
    let mut taken = HashSet::new();
    let mut named = Vec::new();
    for (index, (role, spec)) in all.into_iter().enumerate() {
        let name = match (&spec.name, &spec.at) {
            (Some(name), _) => name.clone(),
            (None, At::Esl(address)) => address.to_string(),
            (None, At::Embedded) if nameless == 1 => EMBEDDED.to_owned(),
            (None, At::Embedded) => format!("{EMBEDDED}-{}", number.next().unwrap_or_default()),
        };
        if !taken.insert(name.clone()) {
            return Err(HostSpecError::Twice(name));
        }
        let callee = match role {
            Role::Caller if !places.is_empty() => places[index % places.len()],
            Role::Caller | Role::Callee => index,
        };
        named.push(NamedHost { name, spec: spec.clone(), callee, role });
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn specs(texts: &[&str]) -> Vec<HostSpec> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn named(callers: &[&str], callees: &[&str]) -> Vec<(String, usize)> {
        let hosts = named_hosts(&specs(callers), &specs(callees)).unwrap();
        hosts.into_iter().map(|host| (host.name, host.callee)).collect()
    }

    fn hosts(hosts: &[(&str, usize)]) -> Vec<(String, usize)> {
        hosts.iter().map(|(name, callee)| ((*name).to_owned(), *callee)).collect()
    }

    #[test]
    fn hosts_are_called_by_name_by_address_or_by_number() {
        assert_eq!(named(&[], &[]), hosts(&[("embedded", 0)]));
        assert_eq!(named(&["a=10.0.0.5", "10.0.0.6"], &[]), hosts(&[("a", 0), ("10.0.0.6:8021", 1)]));
        assert_eq!(named(&["embedded", "embedded"], &[]), hosts(&[("embedded-1", 0), ("embedded-2", 1)]));
        assert_eq!(named(&["b=embedded", "embedded"], &[]), hosts(&[("b", 0), ("embedded", 1)]));
    }

    #[test]
    fn callees_are_dealt_out_to_the_callers_and_a_host_that_is_both_is_one() {
        assert_eq!(named(&[], &["pbx"]), hosts(&[("embedded", 1), ("pbx:8021", 1)]));
        assert_eq!(
            named(&["a=x", "b=y", "c=z"], &["d=v", "e=w"]),
            hosts(&[("a", 3), ("b", 4), ("c", 3), ("d", 3), ("e", 4)])
        );
        assert_eq!(named(&["a=x", "b=y"], &["y", "z"]), hosts(&[("a", 1), ("b", 2), ("z:8021", 2)]));
        assert_eq!(named(&["embedded"], &["embedded"]), hosts(&[("embedded-1", 1), ("embedded-2", 1)]));
    }

    #[test]
    fn two_hosts_of_one_name_are_refused() {
        let twice = |callers: &[&str]| named_hosts(&specs(callers), &[]).unwrap_err().to_string();
        assert!(twice(&["x", "x:8021"]).starts_with("two hosts are called \"x:8021\""));
        assert!(twice(&["a=x", "a=y"]).starts_with("two hosts are called \"a\""));
    }

    #[test]
    fn a_file_has_a_host_a_line_with_what_is_said_of_it_alone() {
        let text = "# ours\n\nfs1=10.0.0.5  slots=4 # small\nfs2=[::1]:8022 callee password-env=PBX\n";
        let read = parse_hosts(Path::new("hosts"), text).unwrap();
        let told: Vec<_> = read.iter().map(|(role, spec)| (*role, spec.to_string(), spec.slots)).collect();
        let slots = NonZeroUsize::new(4);
        assert_eq!(
            told,
            [(Role::Caller, "fs1=10.0.0.5:8021".to_owned(), slots), (Role::Callee, "fs2=[::1]:8022".to_owned(), None)]
        );
        assert_eq!(read[1].1.password_env.as_deref(), Some("PBX"));
    }

    #[rstest]
    #[case("a b", "hosts:1: \"b\" is none of `callee`, `slots=N`, `password-env=NAME`")]
    #[case("a\nb slots=0", "hosts:2: slots are a number from 1, not \"0\"")]
    #[case("x y=a", "hosts:1: \"y=a\" is none of `callee`, `slots=N`, `password-env=NAME`")]
    #[case("@=a", "hosts:1: \"@\" cannot be a host's name: letters, digits and `.` `_` `-` can")]
    #[case("a=:1", "hosts:1: the host is empty")]
    #[case("# nothing", "hosts names no host")]
    fn what_is_wrong_in_a_file_is_told_with_its_line(#[case] text: &str, #[case] error: &str) {
        assert_eq!(parse_hosts(Path::new("hosts"), text).unwrap_err().to_string(), error);
    }
}
