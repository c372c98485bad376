//! `reloadxml`: there is no XML here that could have changed.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "reloadxml", run };

fn run(_: &mut SwitchCore, _: &str) -> ApiWait {
    "+OK [Success]\n".into()
}
