//! `console loglevel LEVEL`.

use super::super::core::SwitchCore;
use super::fsctl::log_level;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "console", run };

const RULE: &str = "--------------------------------------------------------------------------------\n";

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words: Vec<&str> = argument.split_whitespace().collect();
    match words.as_slice() {
        ["loglevel", "help", ..] => format!(
            "USAGE:\n{RULE}console loglevel [[0-7] | <loglevel_string>]\n\n\
             Set the logging verbosity of the console from 0 (least verbose) to\n\
             7 (debugging), or specify the loglevel as a string:\n\n  0 console\n  1 alert\n  2 crit\n  3 err\n  \
             4 warning\n  5 notice\n  6 info\n  7 debug\n{RULE}"
        ),
        ["loglevel", level @ ..] => {
            // Without one it is set to what it is.
            let wanted = level.first().map_or(Some(core.settings.console_log_level), |level| log_level(level));
            match wanted {
                Some(level) => {
                    core.settings.console_log_level = level;
                    format!("+OK console log level set to {level}\n")
                }
                None => format!("-ERR Invalid console loglevel ({})!\n\n", level.first().unwrap_or(&"")),
            }
        }
        _ => format!(
            "USAGE:\n{RULE}console help\nconsole loglevel [[0-7] | <loglevel_string>]\nconsole uuid [on|off|toggle]\n\
             console json [on|off|toggle]\nconsole colorize [on|off|toggle]\n{RULE}"
        ),
    }
    .into()
}
