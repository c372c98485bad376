//! `echo TEXT`: the text.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "echo", run };

fn run(_: &mut SwitchCore, argument: &str) -> ApiWait {
    argument.into()
}
