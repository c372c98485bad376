//! JSON lines reports read back, for the subcommands that take them.

use std::path::Path;

use super::complain;
use crate::run::log::{self, Log};

/// Reads `path`, or says on the standard error why it cannot be read. Warnings are left to the caller.
pub(super) fn read(path: &Path) -> Option<Log> {
    let text = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            complain(format_args!("cannot read {}: {error}", path.display()));
            return None;
        }
    };
    match log::parse(&String::from_utf8_lossy(&text)) {
        Ok(log) => Some(log),
        Err(error) => {
            complain(format_args!(
                "{}: {error}\nhelp: `callwright run --json FILE` writes such a file",
                path.display()
            ));
            None
        }
    }
}

/// Says `warning` on the standard error.
pub(super) fn warn(warning: &str) {
    super::show(&format!("warning: {warning}"));
}
