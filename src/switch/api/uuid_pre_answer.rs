//! `uuid_pre_answer UUID`.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_pre_answer", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    match core.key_of(argument.trim()).map(|key| core.pre_answer(key)) {
        Some(Ok(())) => "+OK\n".into(),
        Some(Err(_)) | None => "-ERROR\n".into(),
    }
}
