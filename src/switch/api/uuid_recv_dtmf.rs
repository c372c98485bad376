//! `uuid_recv_dtmf UUID DIGITS[@MILLISECONDS]`: digits as if the other side of a channel had sent them.

use super::super::core::SwitchCore;
use super::super::dtmf::Taken;
use super::{ApiCommand, ApiWait, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_recv_dtmf", run };

const USAGE: &str = "-USAGE: <uuid> <dtmf_data>\n";

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, digits) = uuid_and_rest(argument);
    if digits.is_empty() {
        return USAGE.into();
    }
    let Some(key) = core.key_of(uuid) else { return "-ERR Cannot locate session!\n".into() };
    match core.queue_dtmf(key, digits) {
        Taken::Bad => USAGE.into(),
        Taken::Some | Taken::None => ApiWait::Now(format!("+OK {uuid} received DTMF {digits}.\n")),
    }
}
