//! `strftime [PATTERN]`: the time.

use super::super::core::SwitchCore;
use super::super::events;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "strftime", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let pattern = if argument.is_empty() { "%Y-%m-%d %T" } else { argument };
    match events::strftime(core.now, &core.config.time_zone, pattern) {
        Some(text) => text.into(),
        None => format!("-ERR bad pattern {pattern:?}\n").into(),
    }
}
