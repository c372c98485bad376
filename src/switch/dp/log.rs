//! `log LEVEL TEXT`: a line in the log.

use crate::esl::LogLevel;

use super::super::core::{ChannelKey, SwitchCore};
use super::super::log::line;
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "log", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    // A text of one word, or behind a level that is none, is for debugging.
    let (level, text) = argument.split_once(' ').unwrap_or(("", argument));
    let level = LogLevel::parse(level).unwrap_or(LogLevel::DEBUG);
    let name = core.channel(key).map(|c| c.name.clone()).unwrap_or_default();
    tracing::info!(target: "callwright::switch", channel = name, "{argument}");
    core.log(key, line::by_application(level), |_| text.to_owned());
    Doing::Done
}
