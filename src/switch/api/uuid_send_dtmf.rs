//! `uuid_send_dtmf UUID DIGITS`: digits are not sent yet, so this never claims that they were.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_send_dtmf", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, digits) = uuid_and_rest(argument);
    if digits.is_empty() {
        return "-USAGE: <uuid> <dtmf_data>\n".into();
    }
    match core.key_of(uuid) {
        Some(_) => "-ERR Operation failed\n".into(),
        None => "-ERR Cannot locate session!\n".into(),
    }
}
