//! `uuid_transfer UUID [-bleg|-both] EXTENSION [DIALPLAN] [CONTEXT]`.

use super::super::core::SwitchCore;
use super::super::text::separate;
use super::{ApiCommand, ApiWait, NO_CHANNEL};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_transfer", run };

/// Words that FreeSWITCH takes; quotes keep blanks in one.
const WORDS: usize = 5;

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words = separate(argument, ' ', WORDS);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (uuid, which, words) = match words.as_slice() {
        [uuid, which @ ("-bleg" | "-both"), extension, rest @ ..] => (uuid, *which, (extension, rest)),
        [uuid, extension, rest @ ..] if !extension.starts_with('-') => (uuid, "", (extension, rest)),
        _ => return "-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n".into(),
    };
    let Some(key) = core.key_of(uuid).filter(|key| core.channel(*key).is_some_and(|c| c.is_up())) else {
        return NO_CHANNEL.into();
    };
    let other = core.channel(key).and_then(|c| c.peer);
    let (extension, rest) = words;
    let (dialplan, context) = (rest.first().copied(), rest.get(1).copied());
    if let Some(other) = other.filter(|_| !which.is_empty()) {
        core.transfer(other, extension, dialplan, context);
    }
    if which != "-bleg" {
        core.transfer(key, extension, dialplan, context);
    }
    "+OK\n".into()
}
