//! `eval [uuid:UUID] TEXT`: the text with its variables put in.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "eval", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    if argument.is_empty() {
        return "-USAGE: [uuid:<uuid> ]<expression>\n".into();
    }
    expanded(core, argument).map_or_else(|| ApiWait::from("-ERR No such channel!\n"), ApiWait::from)
}

/// `TEXT`, or `uuid:UUID TEXT`, with its variables put in; `None` when there is no such channel.
pub(super) fn expanded(core: &mut SwitchCore, argument: &str) -> Option<String> {
    match argument.strip_prefix("uuid:") {
        None => Some(core.expand_global(argument)),
        Some(rest) => {
            let (uuid, text) = super::uuid_and_rest(rest);
            let key = core.key_of(uuid)?;
            Some(core.expand_for(key, text))
        }
    }
}
