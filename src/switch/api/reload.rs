//! `reload MODULE`: nothing can be unloaded here, so a known module is as good as loaded again.

use super::super::core::SwitchCore;
use super::module_exists::MODULES;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "reload", run };

fn run(_: &mut SwitchCore, argument: &str) -> ApiWait {
    match argument.split(' ').rfind(|word| !word.is_empty()) {
        None => "-USAGE: [-f] <mod_name>\n".into(),
        Some(name) if MODULES.contains(&name) => "+OK Reloading XML\n+OK module unloaded\n+OK module loaded\n".into(),
        Some(_) => {
            "+OK Reloading XML\n-ERR unloading module [No such module!]\n-ERR loading module [No such module!]\n".into()
        }
    }
}
