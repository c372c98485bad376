//! `log LEVEL TEXT`: a line in the log.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "log", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let name = core.channel(key).map(|c| c.name.clone()).unwrap_or_default();
    tracing::info!(target: "callwright::switch", channel = name, "{argument}");
    Doing::Done
}
