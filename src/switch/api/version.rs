//! `version [short]`: that of the FreeSWITCH which this switch imitates.

use super::super::config::{IMITATED_COMMIT, IMITATED_FULL_VERSION, IMITATED_VERSION};
use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "version", run };

fn run(_: &mut SwitchCore, argument: &str) -> ApiWait {
    match argument.trim() {
        "short" => format!("{IMITATED_VERSION}\n").into(),
        _ => format!("FreeSWITCH Version {IMITATED_FULL_VERSION} ({IMITATED_COMMIT})\n").into(),
    }
}
