//! `transfer EXTENSION [DIALPLAN] [CONTEXT]`.

use super::super::core::{ChannelKey, SwitchCore};
use super::super::text::separate;
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "transfer", run };

/// Words that FreeSWITCH takes; quotes keep blanks in one.
const WORDS: usize = 4;

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let words = separate(argument, ' ', WORDS);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let [extension, rest @ ..] = words.as_slice() {
        let (dialplan, context) = (rest.first().copied(), rest.get(1).copied());
        core.transfer(key, extension, dialplan, context);
    }
    Doing::Done
}
