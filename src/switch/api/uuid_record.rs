//! `uuid_record UUID start|stop PATH [SECONDS]`.

use std::time::Duration;

use super::super::core::SwitchCore;
use super::super::text::separate;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_record", run };

const USAGE: &str = "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n";

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words = separate(argument, ' ', 5);
    let [uuid, action, path, ..] = words.as_slice() else { return USAGE.into() };
    let Some(key) = core.key_of(uuid) else { return "-ERR Cannot locate session!\n".into() };
    let limit = words.get(3).and_then(|s| s.parse().ok()).filter(|s| *s > 0).map(Duration::from_secs);
    match action.to_ascii_lowercase().as_str() {
        "start" => match core.start_recording(key, path, limit) {
            Ok(record) => ApiWait::Record(record),
            Err(_) => "-ERR Cannot record session!\n".into(),
        },
        "stop" => match core.stop_recording(key, path).last() {
            Some(last) => ApiWait::Record(*last),
            None => "-ERR Cannot stop record session!\n".into(),
        },
        // Masking comes with the media that does it.
        "mask" | "unmask" => format!("-ERR Cannot {action} recording session!\n").into(),
        "pause" | "resume" => format!("-ERR Cannot {action} recording session!\n").into(),
        _ => USAGE.into(),
    }
}
