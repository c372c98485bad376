//! `file_exists PATH`.

use super::super::core::{Question, SwitchCore};
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "file_exists", run };

fn run(_: &mut SwitchCore, argument: &str) -> ApiWait {
    match argument.trim() {
        "" => "false".into(),
        path => ApiWait::Ask(Question::FileExists(path.to_owned())),
    }
}
