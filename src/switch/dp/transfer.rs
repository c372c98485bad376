//! `transfer EXTENSION [DIALPLAN] [CONTEXT]`.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "transfer", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let words: Vec<&str> = argument.split_whitespace().collect();
    if let [extension, rest @ ..] = words.as_slice() {
        let (dialplan, context) = (rest.first().copied(), rest.get(1).copied());
        core.transfer(key, extension, dialplan, context);
    }
    Doing::Done
}
