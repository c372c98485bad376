//! `uuid_send_dtmf UUID DIGITS[@MILLISECONDS]`: sends digits to the other side of a channel.

use super::super::core::SwitchCore;
use super::super::dtmf::Taken;
use super::{ApiCommand, ApiWait, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_send_dtmf", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, digits) = uuid_and_rest(argument);
    if digits.is_empty() {
        return "-USAGE: <uuid> <dtmf_data>\n".into();
    }
    let Some(key) = core.key_of(uuid) else { return "-ERR Cannot locate session!\n".into() };
    match core.send_dtmf(key, digits) {
        Taken::Some => ApiWait::Now(format!("+OK {uuid} sent DTMF {digits}.\n")),
        Taken::None | Taken::Bad => "-ERR Operation failed\n".into(),
    }
}
