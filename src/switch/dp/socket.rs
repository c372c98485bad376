//! `socket HOST[:PORT][|HOST[:PORT]...] [async] [full]`: connects to a client, who then controls the session
//! (`super::super::controlled`).
//!
//! Hosts are tried in turn, on port 8084 unless one before said another. When none answers, the application is done.

use std::collections::VecDeque;

use super::super::controlled::{Control, Mode};
use super::super::core::{ChannelKey, DialId, Output, SwitchCore};
use super::super::log::line;
use super::super::text::{integer, separate};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "socket", run };

/// A connection on its way, and where to go if it fails.
#[derive(Debug)]
pub struct Dial {
    pub(in super::super) id: DialId,
    pub(in super::super) mode: Mode,
    pub(in super::super) control: Control,
    rest: VecDeque<String>,
    port: u16,
}

/// mod_event_socket's, for hosts without one.
const PORT: u16 = 8084;
/// Words and hosts that FreeSWITCH takes.
const WORDS: usize = 80;
const HOSTS: usize = 50;

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let words = separate(argument, ' ', WORDS);
    let Some((hosts, options)) = words.split_first() else {
        core.log(key, line::SOCKET_ARGUMENT, |_| "Parse Error!".to_owned());
        return Doing::Done;
    };
    let has = |option: &str| options.iter().any(|word| word.eq_ignore_ascii_case(option));
    let dial = Dial {
        id: DialId(0),
        mode: if has("async") { Mode::Async } else { Mode::Static },
        control: if has("full") { Control::Full } else { Control::SingleChannel },
        rest: hosts.splitn(HOSTS, '|').map(str::to_owned).collect(),
        port: PORT,
    };
    core.dial_next(key, Box::new(dial))
}

impl SwitchCore {
    /// Connects to the next host that may be connected to.
    fn dial_next(&mut self, key: ChannelKey, mut dial: Box<Dial>) -> Doing {
        while let Some(host) = dial.rest.pop_front() {
            if host.is_empty() {
                self.log(key, line::SOCKET_MISSING, |_| "Missing Host!".to_owned());
                continue;
            }
            self.log(key, line::SOCKET_TRYING, |_| format!("Trying host: {host}"));
            let (name, port, path) = split(&host);
            dial.port = port.unwrap_or(dial.port);
            let Some(channel) = self.channel(key) else { return Doing::Done };
            if let Some(path) = path {
                channel.variables.set("socket_path", path);
            }
            channel.variables.set("socket_host", name);
            let Err(error) = self.may_dial(name) else {
                dial.id = DialId(self.next_id());
                self.dials.insert(dial.id, key);
                self.output(Output::Dial { dial: dial.id, host: name.to_owned(), port: dial.port });
                return Doing::Dialing(dial);
            };
            self.dial_failed(key, error);
        }
        self.log(key, line::SOCKET_FAILED, |_| "Socket Error!".to_owned());
        Doing::Done
    }

    /// Whether `host` may be connected to now.
    fn may_dial(&self, host: &str) -> Result<(), &'static str> {
        let there = self.dials.len() + self.connections.values().filter(|connection| connection.was_dialed()).count();
        if !self.config.dialing.permits_host(host) {
            return Err("Permission denied");
        }
        if there >= self.config.dialing.connections { Err("Too many connections") } else { Ok(()) }
    }

    fn dial_failed(&mut self, key: ChannelKey, error: &str) {
        tracing::warn!(target: "callwright::switch", session = %self.uuid_of(key), error, "application socket");
        self.log(key, line::SOCKET_ERROR, |_| format!("Socket Error: {error}"));
    }

    /// There is no connection to the host that a channel waits for: the next one is tried.
    pub(in super::super) fn not_dialed(&mut self, key: ChannelKey, error: &str) {
        let Some(frame) = self.channel(key).and_then(|channel| channel.stack.last_mut()) else { return };
        let doing = std::mem::replace(&mut frame.doing, Doing::Done);
        let Doing::Dialing(dial) = doing else {
            frame.doing = doing;
            return;
        };
        self.dial_failed(key, error);
        let doing = self.dial_next(key, dial);
        if matches!(doing, Doing::Done) {
            return self.complete(key);
        }
        if let Some(frame) = self.channel(key).and_then(|channel| channel.stack.last_mut()) {
            frame.doing = doing;
        }
    }
}

/// Name, port and path of `HOST[:PORT][/PATH]`.
fn split(host: &str) -> (&str, Option<u16>, Option<&str>) {
    let (name, rest) = host.rsplit_once(':').map_or((host, None), |(name, rest)| (name, Some(rest)));
    let last = rest.unwrap_or(name);
    let (before, path) = last.split_once('/').map_or((last, None), |(before, path)| (before, Some(path)));
    match rest {
        Some(_) => (name, Some(integer(before) as u16), path),
        None => (before, None, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_have_a_port_and_a_path() {
        assert_eq!(split("127.0.0.1:8040"), ("127.0.0.1", Some(8040), None));
        assert_eq!(split("localhost"), ("localhost", None, None));
        assert_eq!(split("localhost/a/b"), ("localhost", None, Some("a/b")));
        assert_eq!(split("127.0.0.1:8040/a/b"), ("127.0.0.1", Some(8040), Some("a/b")));
        // It splits at the last colon, so that an address of IPv6 is none.
        assert_eq!(split("::1"), (":", Some(1), None));
        assert_eq!(split(""), ("", None, None));
    }
}
