//! Which lines are kept for another day, and where.

use std::ffi::OsString;
use std::path::PathBuf;

/// Lines that are kept.
pub const LENGTH: usize = 2_000;

/// Words that tell of a secret.
const SECRETS: [&str; 6] = ["password", "passwd", "secret", "credential", "token", "auth "];

/// Whether a line may be written to a file: one with a password in it may not, nor one that begins with a blank, as shells
/// have it. `password` is that of the switch.
pub fn is_kept(line: &str, password: &str) -> bool {
    let lower = line.to_lowercase();
    let is_secret =
        SECRETS.iter().any(|word| lower.contains(word)) || (!password.is_empty() && line.contains(password));
    !is_secret && !line.starts_with(char::is_whitespace) && !line.trim().is_empty()
}

/// The file, by the environment variables `XDG_STATE_HOME` and `HOME` (XDG Base Directory Specification 0.8): a relative
/// path counts as none.
pub fn file(state_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute(state_home).or_else(|| Some(absolute(home)?.join(".local").join("state")))?;
    Some(state.join("callwright").join("shell_history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_kept() {
        assert!(is_kept("show channels", "hunter2"));
        for line in [
            "originate {sip_auth_password=x}sofia/gateway/g/1 &park()",
            "uuid_setvar u1 PASSWD x",
            "echo hunter2",
            "auth x",
            " status",
            "",
        ] {
            assert!(!is_kept(line, "hunter2"), "{line:?}");
        }
        assert!(is_kept("status", ""));
    }

    #[test]
    fn the_file_is_in_the_folder_of_the_users_state() {
        let path = |state: Option<&str>, home: Option<&str>| {
            file(state.map(Into::into), home.map(Into::into)).map(|path| path.display().to_string())
        };
        assert_eq!(path(Some("/s"), Some("/h")).as_deref(), Some("/s/callwright/shell_history"));
        for state in [None, Some(""), Some("relative")] {
            assert_eq!(path(state, Some("/h")).as_deref(), Some("/h/.local/state/callwright/shell_history"));
        }
        assert_eq!(path(None, None), None);
    }
}
