//! `fsctl`: settings of the switch, read without and changed with a value.

use super::super::core::SwitchCore;
use super::super::settings::{OnOff, Paused};
use super::super::text::{decimal, integer};
use super::super::variables::is_true;
use super::{ApiCommand, ApiWait};
use crate::esl::LogLevel;

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "fsctl", run };

const USAGE: &str = "[api_expansion [on|off]|recover|send_sighup|hupall|pause [inbound|outbound]|resume \
    [inbound|outbound]|shutdown [cancel|elegant|asap|now|restart]|sps|sps_peak_reset|sync_clock|sync_clock_when_idle|\
    reclaim_mem|max_sessions|min_dtmf_duration [num]|max_dtmf_duration [num]|default_dtmf_duration [num]|min_idle_cpu|\
    loglevel [level]|debug_level [level]|mdns_resolve [enable|disable]]";

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let mut words = argument.split_whitespace();
    let Some(what) = words.next() else { return format!("-USAGE: {USAGE}\n").into() };
    let value = words.next();
    core.roll_rate();
    let settings = &mut core.settings;
    match what.to_ascii_lowercase().as_str() {
        "sps" => {
            settings.rate.set_limit(value.map_or(0, integer));
            format!("+OK sessions per second: {}\n", settings.rate.limit())
        }
        "max_sessions" => {
            // A number below zero is a very great one, and is told as it was given.
            if let Some(most) = value.map(integer).filter(|most| *most != 0) {
                settings.max_sessions = most.cast_unsigned();
            }
            format!("+OK max sessions: {}\n", settings.max_sessions.cast_signed())
        }
        "min_idle_cpu" => {
            if let Some(least) = value.map(decimal).filter(|least| *least >= 0.0) {
                settings.min_idle_cpu = least;
            }
            // FreeSWITCH sends neither the percent sign nor the line break that it means to.
            match settings.min_idle_cpu {
                0.0 => "+OK min idle cpu: DISABLED\n".to_owned(),
                least => format!("+OK min idle cpu: {least:.2}"),
            }
        }
        "loglevel" => match value.map_or(Some(LogLevel::DISABLED), log_level) {
            None => "-ERR syntax error, log level not set!\n".to_owned(),
            // FreeSWITCH takes the question for a level: who asks for it switches the log off.
            Some(level) => {
                settings.log_level = level;
                format!("+OK log level: {level} [{}]\n", level.0)
            }
        },
        "debug_level" => {
            if let Some(level @ 0..) = value.map(integer) {
                settings.debug_level = level.min(10);
            }
            format!("+OK DEBUG level: {}\n", settings.debug_level)
        }
        "verbose_events" => {
            if let Some(value) = value {
                settings.verbose_events = if is_true(value) { OnOff::On } else { OnOff::Off };
            }
            let told = if settings.verbose_events == OnOff::On { "on" } else { "off" };
            format!("+OK verbose_events is {told} \n")
        }
        "last_sps" => format!("+OK last sessions per second: {}\n", settings.rate.last()),
        "sps_peak_reset" => {
            settings.rate.reset_peak();
            "+OK max sessions per second counter reset\n".to_owned()
        }
        "pause" => {
            pause(&mut settings.paused, value, OnOff::On);
            "+OK\n".to_owned()
        }
        "resume" => {
            pause(&mut settings.paused, value, OnOff::Off);
            "+OK\n".to_owned()
        }
        "pause_check" => match value.map(str::to_ascii_lowercase).as_deref() {
            Some("inbound") => settings.paused.inbound == OnOff::On,
            Some("outbound") => settings.paused.outbound == OnOff::On,
            _ => settings.paused.is_whole(),
        }
        .to_string(),
        "ready_check" => (!settings.paused.is_whole()).to_string(),
        "shutdown_check" => "false".to_owned(),
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

fn pause(paused: &mut Paused, which: Option<&str>, to: OnOff) {
    match which.map(str::to_ascii_lowercase).as_deref() {
        Some("inbound") => paused.inbound = to,
        Some("outbound") => paused.outbound = to,
        _ => *paused = Paused { inbound: to, outbound: to },
    }
}

/// A level as `fsctl` and `console` read it: a number beyond the last is the last, one below zero is 0.
pub(super) fn log_level(text: &str) -> Option<LogLevel> {
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Some(LogLevel(0)),
        _ if text.starts_with(|c: char| c.is_ascii_digit()) => {
            let highest = LogLevel::DEBUG.0;
            Some(LogLevel(i8::try_from(integer(text)).unwrap_or(highest).clamp(LogLevel::DISABLED.0, highest)))
        }
        _ => LogLevel::parse(text),
    }
}
