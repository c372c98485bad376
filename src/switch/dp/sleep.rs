//! `sleep MILLISECONDS`.

use std::time::Duration;

use super::super::core::{ChannelKey, SwitchCore, Task, Timer};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "sleep", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let length = Duration::from_millis(argument.trim().parse::<u32>().unwrap_or(0).into());
    if length.is_zero() {
        return Doing::Done;
    }
    let nap = core.next_id();
    core.after(length, Timer::Wake(key, nap));
    core.later(Task::Pump(key));
    Doing::Sleep { nap, until: core.now + length }
}
