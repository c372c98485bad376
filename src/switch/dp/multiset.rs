//! `multiset NAME=VALUE NAME=VALUE`; `^^;` in front has another separator.

use super::super::core::{ChannelKey, SwitchCore};
use super::super::text::separate;
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "multiset", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    for pair in separate(argument, ' ', 256) {
        super::set::set(core, key, &pair);
    }
    Doing::Done
}
