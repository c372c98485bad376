//! `sched_del TASK|GROUP`: takes tasks off the list.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "sched_del", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    match argument.trim() {
        "" => "-ERR Invalid syntax\n".into(),
        name => format!("+OK Deleted: {}\n", core.unschedule(name)).into(),
    }
}
