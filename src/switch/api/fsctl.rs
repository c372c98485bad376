//! `fsctl`: settings of the switch, read without and changed with a value.

use super::super::core::SwitchCore;
use super::super::settings::{LogLevel, OnOff};
use super::super::variables::is_true;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "fsctl", run };

const USAGE: &str = "[api_expansion [on|off]|recover|send_sighup|hupall|pause [inbound|outbound]|resume \
    [inbound|outbound]|shutdown [cancel|elegant|asap|now|restart]|sps|sps_peak_reset|sync_clock|sync_clock_when_idle|\
    reclaim_mem|max_sessions|min_dtmf_duration [num]|max_dtmf_duration [num]|default_dtmf_duration [num]|min_idle_cpu|\
    loglevel [level]|debug_level [level]|mdns_resolve [enable|disable]]";

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let mut words = argument.split_whitespace();
    let Some(what) = words.next() else { return format!("-USAGE: {USAGE}\n").into() };
    let value = words.next();
    let number = value.and_then(|value| value.parse().ok()).filter(|number| *number > 0);
    let now = core.now;
    let settings = &mut core.settings;
    match what.to_ascii_lowercase().as_str() {
        "sps" => {
            settings.sessions_per_second = number.unwrap_or(settings.sessions_per_second);
            format!("+OK sessions per second: {}\n", settings.sessions_per_second)
        }
        "max_sessions" => {
            settings.max_sessions = number.unwrap_or(settings.max_sessions);
            format!("+OK max sessions: {}\n", settings.max_sessions)
        }
        "loglevel" => {
            match value.map(LogLevel::parse) {
                Some(None) => return "-ERR syntax error, log level not set!\n".into(),
                Some(Some(level)) => settings.log_level = level,
                None => {}
            }
            format!("+OK log level: {} [{}]\n", settings.log_level.name(), settings.log_level.0)
        }
        "verbose_events" => {
            if let Some(value) = value {
                settings.verbose_events = if is_true(value) { OnOff::On } else { OnOff::Off };
            }
            let told = if settings.verbose_events == OnOff::On { "on" } else { "off" };
            format!("+OK verbose_events is {told} \n")
        }
        "last_sps" => format!("+OK last sessions per second: {}\n", settings.rate(now)),
        "sps_peak_reset" => {
            settings.peak_rate = 0;
            "+OK max sessions per second counter reset\n".to_owned()
        }
        "ready_check" => "true".to_owned(),
        "hupall" => {
            let cause = crate::call::HangupCause::ManagerRequest;
            for key in core.channels.keys().copied().collect::<Vec<_>>() {
                core.hangup(key, cause.clone());
            }
            "+OK\n".to_owned()
        }
        _ => format!("-ERR Invalid command\nUSAGE: fsctl {USAGE}\n"),
    }
    .into()
}
