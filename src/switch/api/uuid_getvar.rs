//! `uuid_getvar UUID NAME`.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, NO_CHANNEL, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_getvar", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, name) = uuid_and_rest(argument);
    if name.is_empty() {
        return "-USAGE: <uuid> <var>\n".into();
    }
    let Some(key) = core.key_of(uuid) else { return NO_CHANNEL.into() };
    core.channel(key).and_then(|c| c.value(name)).unwrap_or_else(|| "_undef_".to_owned()).into()
}
