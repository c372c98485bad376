//! `uuid_deflect UUID URI`: asks the other side to call somebody else.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, NO_CHANNEL, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_deflect", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, uri) = uuid_and_rest(argument);
    if uri.is_empty() {
        return "-USAGE: <uuid> <uri>\n".into();
    }
    let Some(key) = core.key_of(uuid) else { return NO_CHANNEL.into() };
    core.broadcast(key, "deflect", uri, None);
    "+OK\n".into()
}
