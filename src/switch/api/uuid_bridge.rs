//! `uuid_bridge UUID UUID`: this switch does not bridge yet, so it never claims to have done it.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_bridge", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (first, second) = uuid_and_rest(argument);
    if second.is_empty() {
        return "-USAGE: <uuid> <other_uuid>\n".into();
    }
    match (core.key_of(first), core.key_of(second)) {
        (Some(_), Some(_)) => "-ERR bridging is not done by this switch\n".into(),
        _ => "-ERR Invalid uuid\n".into(),
    }
}
