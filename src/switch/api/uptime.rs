//! `uptime [UNIT]`.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uptime", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let micros = match argument.trim() {
        "us" | "microseconds" => 1,
        "ms" | "milliseconds" => 1_000,
        "" | "s" | "seconds" => 1_000_000,
        "m" | "minutes" => 60_000_000,
        "h" | "hours" => 3_600_000_000,
        "d" | "days" => 86_400_000_000,
        _ => {
            return "-USAGE: [us|ms|s|m|h|d|microseconds|milliseconds|seconds|minutes|hours|days]\n".into();
        }
    };
    format!("{}\n", core.settings.up(core.now).as_micros() / micros).into()
}
