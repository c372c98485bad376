//! Folders of hosts that are folders of ours as well: `--recordings REMOTE=LOCAL`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{HostAddress, HostAddressError};

/// A folder of a host, and where that is on our disk: `/var/spool/rec=/mnt/pbx`, `10.0.0.5:/var/spool/rec=/mnt/pbx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The host it holds for; `None`: every host.
    pub host: Option<HostAddress>,
    pub remote: PathBuf,
    pub local: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    #[error("{0:?} has no `=` between the host's folder and ours")]
    NoLocal(String),
    #[error("{0:?} names no folder of the host's: it begins with `/`")]
    Remote(String),
    #[error("{0:?} names no folder of ours")]
    Local(String),
    #[error(transparent)]
    Host(#[from] HostAddressError),
}

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (left, local) = text.split_once('=').ok_or_else(|| MappingError::NoLocal(text.to_owned()))?;
        if local.is_empty() {
            return Err(MappingError::Local(text.to_owned()));
        }
        let (host, remote) = match left.find(":/") {
            _ if left.starts_with('/') => (None, left),
            Some(colon) => (Some(left[..colon].parse()?), &left[colon + 1..]),
            None => return Err(MappingError::Remote(left.to_owned())),
        };
        Ok(Mapping { host, remote: remote.into(), local: local.into() })
    }
}

impl Mapping {
    /// Whether it holds for this host, which may be named or addressed.
    pub fn is_for(&self, name: &str, address: &HostAddress) -> bool {
        self.host.as_ref().is_none_or(|of| of == address || of.host == name)
    }

    /// Where a file of the host's is here, if it lies in the mapped folder.
    pub fn local(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(&self.remote).ok().map(|rest| self.local.join(rest))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_mapping_is_for_every_host_or_for_one() {
        let all: Mapping = "/rec=/mnt/pbx".parse().unwrap();
        let one: Mapping = "[::1]:8022:/rec/x=/mnt/a=b".parse().unwrap();
        let named: Mapping = "fs2:/rec=/mnt".parse().unwrap();
        let (a, b) = ("10.0.0.5".parse().unwrap(), "[::1]:8022".parse().unwrap());
        assert_eq!((named.is_for("fs1", &a), named.is_for("fs2", &b)), (false, true));
        let is_for = |mapping: &Mapping| (mapping.is_for("x", &a), mapping.is_for("y", &b));
        assert_eq!((is_for(&all), is_for(&one)), ((true, true), (false, true)));
        assert_eq!(all.local(Path::new("/rec/t/u.wav")), Some("/mnt/pbx/t/u.wav".into()));
        assert_eq!(one.local(Path::new("/rec/x/u.wav")), Some("/mnt/a=b/u.wav".into()));
        // A folder whose name only begins alike is another.
        assert_eq!(all.local(Path::new("/recordings/u.wav")), None);
    }

    #[rstest]
    #[case("/rec", "\"/rec\" has no `=` between the host's folder and ours")]
    #[case("/rec=", "\"/rec=\" names no folder of ours")]
    #[case("rec=/mnt", "\"rec\" names no folder of the host's: it begins with `/`")]
    #[case("pbx:nan:/rec=/mnt", "the port \"nan\" is not a number from 1 to 65535")]
    fn what_is_no_mapping_is_refused_with_the_reason(#[case] text: &str, #[case] error: &str) {
        assert_eq!(text.parse::<Mapping>().unwrap_err().to_string(), error);
    }
}
