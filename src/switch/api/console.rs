//! `console loglevel LEVEL`.

use super::super::core::SwitchCore;
use super::super::settings::LogLevel;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "console", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words: Vec<&str> = argument.split_whitespace().collect();
    match words.as_slice() {
        ["loglevel"] => format!("+OK console log level is {}\n", core.settings.console_log_level.name()).into(),
        ["loglevel", level] => match LogLevel::parse(level) {
            Some(level) => {
                core.settings.console_log_level = level;
                format!("+OK console log level set to {}\n", level.name()).into()
            }
            None => "-ERR Invalid console loglevel!\n".into(),
        },
        _ => "-USAGE: help | loglevel [[0-7] | <loglevel_string>] | colorize [on|off|toggle]\n".into(),
    }
}
