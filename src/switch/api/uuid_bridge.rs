//! `uuid_bridge UUID UUID`: connects two channels to each other.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_bridge", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (first, second) = uuid_and_rest(argument);
    if second.is_empty() {
        return "-USAGE: <uuid> <other_uuid>\n".into();
    }
    match (core.key_of(first), core.key_of(second)) {
        (Some(one), Some(other)) if one != other && core.bridge_channels(one, other).is_ok() => {
            format!("+OK {second}\n").into()
        }
        _ => "-ERR Invalid uuid\n".into(),
    }
}
