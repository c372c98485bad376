//! `xml_locate configuration configuration name switch.conf`: the settings that the switch started with.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "xml_locate", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words: Vec<&str> = argument.split_whitespace().collect();
    let ["configuration", "configuration", "name", "switch.conf"] = words.as_slice() else {
        // There is no other configuration.
        return if words.is_empty() { "-ERR bad args\n" } else { "can't find anything\n" }.into();
    };
    let config = &core.config;
    let mut params = vec![
        ("sessions-per-second", config.sessions_per_second.to_string()),
        ("max-sessions", config.max_sessions.to_string()),
        ("loglevel", config.log_level.name().to_ascii_lowercase()),
    ];
    if let Some(ports) = &config.rtp_ports {
        params.push(("rtp-start-port", ports.start().to_string()));
        params.push(("rtp-end-port", ports.end().to_string()));
    }
    if let Some(every) = config.heartbeat {
        params.push(("event-heartbeat-interval", every.as_secs().to_string()));
    }
    let params: String =
        params.iter().map(|(name, value)| format!("    <param name=\"{name}\" value=\"{value}\"></param>\n")).collect();
    format!("<configuration name=\"switch.conf\">\n  <settings>\n{params}  </settings>\n</configuration>\n").into()
}
