//! Lines of the log, which go to event sockets that asked for them (`log LEVEL`), as mod_event_socket sends them.
//!
//! FreeSWITCH writes hundreds of lines a call; here are those that tell what becomes of a channel.

use crate::esl::LogLevel;
use crate::esl::server::Answer;

use super::channel::Channel;
use super::core::{ChannelKey, Output, SwitchCore};
use super::events::Origin;
use super::settings::IDLE_CPU;

/// A line of FreeSWITCH's source that writes to the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub level: LogLevel,
    pub kind: TextChannel,
    pub from: Origin,
}

/// `Text-Channel` (`switch_text_channel_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextChannel {
    Log = 0,
    /// Without time, level and place before it.
    Clean = 1,
    Session = 3,
}

/// The lines of version 1.10.12.
pub(super) mod line {
    use super::{Line, LogLevel, Origin, TextChannel};

    const fn line(level: LogLevel, kind: TextChannel, from: Origin) -> Line {
        Line { level, kind, from }
    }

    pub const NEW_CHANNEL: Line =
        line(LogLevel::NOTICE, TextChannel::Session, Origin("switch_channel.c", "switch_channel_set_name", 1142));
    pub const RUNNING_STATE: Line =
        line(LogLevel::DEBUG, TextChannel::Log, Origin("switch_core_state_machine.c", "switch_core_session_run", 581));
    pub const CALL_STATE: Line = line(
        LogLevel::DEBUG,
        TextChannel::Log,
        Origin("switch_channel.c", "switch_channel_perform_set_running_state", 2399),
    );
    pub const EXECUTE: Line =
        line(LogLevel::INFO, TextChannel::Clean, Origin("switch_core_session.c", "switch_core_session_exec", 2902));
    pub const ANSWERED: Line =
        line(LogLevel::NOTICE, TextChannel::Log, Origin("sofia.c", "sofia_handle_sip_i_state", 8681));
    pub const HANGUP: Line =
        line(LogLevel::NOTICE, TextChannel::Log, Origin("switch_ivr.c", "switch_ivr_kill_uuid", 4412));
    pub const ENDED: Line = line(
        LogLevel::NOTICE,
        TextChannel::Session,
        Origin("switch_core_session.c", "switch_core_session_thread", 1762),
    );
    pub const CLOSED: Line =
        line(LogLevel::NOTICE, TextChannel::Log, Origin("switch_core_session.c", "switch_core_session_thread", 1766));

    const fn of_socket(level: LogLevel, at: u32) -> Line {
        line(level, TextChannel::Session, Origin("mod_event_socket.c", "socket_function", at))
    }
    pub const SOCKET_ARGUMENT: Line = of_socket(LogLevel::ERR, 438);
    pub const SOCKET_MISSING: Line = of_socket(LogLevel::ERR, 448);
    pub const SOCKET_TRYING: Line = of_socket(LogLevel::NOTICE, 452);
    pub const SOCKET_ERROR: Line = of_socket(LogLevel::ERR, 486);
    pub const SOCKET_FAILED: Line = of_socket(LogLevel::ERR, 490);

    /// The dialplan application `log`.
    pub const fn by_application(level: LogLevel) -> Line {
        line(level, TextChannel::Session, Origin("mod_dptools.c", "log_function", 1865))
    }
}

impl SwitchCore {
    /// Writes a line about a channel. `text` is asked only where somebody listens.
    pub(super) fn log(&mut self, key: ChannelKey, line: Line, text: impl FnOnce(&Channel) -> String) {
        let Line { level, kind, from } = line;
        let listening = |core: &SwitchCore| core.connections.values().any(|connection| connection.logs(level));
        // What `fsctl loglevel` keeps back nobody is sent.
        if level > self.settings.log_level || !listening(self) {
            return;
        }
        let Some(channel) = self.channels.get(&key) else { return };
        let text = match kind {
            TextChannel::Clean => text(channel) + "\n",
            TextChannel::Log | TextChannel::Session => format!(
                "{}.{:06} {IDLE_CPU:.2}% [{level}] {}:{} {}\n",
                self.source.local(self.now),
                self.now.as_micros() % 1_000_000,
                from.0,
                from.2,
                text(channel)
            ),
        };
        let headers: Vec<(String, String)> = [
            ("Log-Level", level.0.to_string()),
            ("Text-Channel", (kind as u8).to_string()),
            ("Log-File", from.0.to_owned()),
            ("Log-Func", from.1.to_owned()),
            ("Log-Line", from.2.to_string()),
            ("User-Data", channel.uuid.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let listeners = self.connections.iter_mut().filter(|(_, connection)| connection.logs(level));
        let told = listeners.filter_map(|(conn, connection)| {
            let answer = Answer::Log { headers: headers.clone(), text: text.clone() };
            connection.hold(Output::Esl { conn: *conn, answer })
        });
        for output in told.collect::<Vec<_>>() {
            self.output(output);
        }
    }
}
