//! `uuid_broadcast UUID SOUND|APPLICATION[!CAUSE]::ARGUMENT [aleg|bleg|both]`: plays or runs something on a channel.

use crate::call::HangupCause;

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};
use crate::switch::text::separate;

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_broadcast", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words = separate(argument, ' ', 5);
    let [uuid, path, ..] = words.as_slice() else {
        return "-USAGE: <uuid> <path> [aleg|bleg|holdb|both]\n".into();
    };
    let Some(key) = core.key_of(uuid) else { return "-ERR invalid uuid\n".into() };
    let (application, argument) = path.split_once("::").unwrap_or(("playback", path));
    let (application, cause) = match application.split_once('!') {
        Some((application, cause)) => (application, Some(HangupCause::from_command(cause))),
        None => (application, None),
    };
    core.broadcast(key, application, argument, cause);
    "+OK Message sent\n".into()
}
