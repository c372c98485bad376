//! `sched_hangup [+]TIME UUID [CAUSE]`.

use crate::call::HangupCause;

use super::super::core::SwitchCore;
use super::super::schedule::What;
use super::super::text::separate;
use super::{ApiCommand, ApiWait, NO_CHANNEL};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "sched_hangup", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words = separate(argument, ' ', 4);
    let Some(time) = words.first() else {
        return "-USAGE: [+]<time> <uuid> [<cause>]\n".into();
    };
    let uuid = words.get(1).cloned().unwrap_or_default();
    let cause = words.get(2).map_or(HangupCause::AllottedTimeout, |cause| HangupCause::from_command(cause));
    let Some(key) = core.key_of(&uuid) else { return NO_CHANNEL.into() };
    let (at, _) = core.when(time);
    if at <= core.now {
        core.hangup(key, cause);
    } else {
        core.schedule(at, &uuid.clone(), What::Hangup { uuid, cause });
    }
    "+OK\n".into()
}
