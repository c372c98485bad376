//! `uuid_hold [off|toggle] UUID`: puts the other side of a channel on hold.

use super::super::channel::Hold;
use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_hold", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words: Vec<&str> = argument.split_whitespace().collect();
    let (what, uuid) = match words.as_slice() {
        ["off", uuid, ..] => ("off", uuid),
        ["toggle", uuid, ..] => ("toggle", uuid),
        [uuid, ..] => ("on", uuid),
        [] => return "-USAGE: [off|toggle] <uuid> [<display>]\n".into(),
    };
    let Some(key) = core.key_of(uuid) else { return "-ERR Operation failed\n".into() };
    let holds = core.channel(key).is_some_and(|c| c.hold == Hold::Ours);
    let done = if what == "off" || (what == "toggle" && holds) { core.unhold(key) } else { core.hold(key) };
    match done {
        Ok(()) => "+OK Success\n".into(),
        Err(_) => "-ERR Operation failed\n".into(),
    }
}
