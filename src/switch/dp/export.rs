//! `export NAME=VALUE`: sets a variable, also on legs that are bridged to later.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "export", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let plain = argument.strip_prefix("nolocal:");
    if plain.is_none() {
        super::set::set(core, key, argument);
    }
    // FreeSWITCH notes the names for the bridge.
    let name = plain.unwrap_or(argument).split('=').next().unwrap_or_default().trim();
    if let Some(channel) = core.channel(key) {
        let exported = match channel.variables.value("export_vars") {
            Some(others) if others.split(',').any(|other| other == name) => others.to_owned(),
            Some(others) => format!("{others},{name}"),
            None => name.to_owned(),
        };
        channel.variables.set("export_vars", exported);
        if plain.is_some() {
            let value = argument.split_once('=').map_or("", |(_, value)| value).to_owned();
            channel.variables.set(&format!("nolocal:{name}"), value);
        }
    }
    Doing::Done
}
