//! A switch in virtual time: its core, a SIP network and the media engine joined in memory.
//!
//! Clients are byte pipes that speak the event socket. Nothing here reads a clock or opens a socket, so a run of hours
//! takes moments and comes out the same way twice. Sounds are read from disk unless the rig was given them; recordings
//! stay in memory.

mod disk;
mod network;
mod rtp;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use crate::esl::server::{Requests, write_event};
use crate::id::Ids;
use crate::media::clip::Clip;
use crate::sip::Registration;
use crate::units::Time;

pub use disk::{Recorded, RecordedState};

use self::disk::Disk;
use self::network::Network;
use self::rtp::Lines;
use super::config::SwitchConfig;
use super::core::{ConnId, Output, Question, SwitchCore};

/// See the module.
#[derive(Debug)]
pub struct Rig {
    now: Time,
    core: SwitchCore,
    network: Network,
    lines: Lines,
    disk: Disk,
    pipes: BTreeMap<ConnId, Pipe>,
    last_pipe: u64,
}

/// One event socket.
#[derive(Debug)]
struct Pipe {
    requests: Requests,
    /// What the client has not read.
    unread: Vec<u8>,
    state: PipeState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PipeState {
    Open,
    Closed,
}

/// When a rig starts: 2026-11-22 19:00:00 UTC.
const START: Time = Time::from_micros(1_795_374_000_000_000);

impl Rig {
    /// A rig of a switch with default settings, on 127.0.0.1:5080.
    pub fn new(seed: u64) -> Rig {
        let sip = ([127, 0, 0, 1], 5080).into();
        Rig::with(SwitchConfig { sip, ..SwitchConfig::default() }, seed)
    }

    /// A rig of a switch with these settings.
    pub fn with(config: SwitchConfig, seed: u64) -> Rig {
        Rig {
            now: START,
            network: Network::new(config.sip, Ids::seeded(seed.wrapping_add(1))),
            lines: Lines::new(config.sip.ip()),
            disk: Disk::default(),
            core: SwitchCore::new(config, Ids::seeded(seed), START),
            pipes: BTreeMap::new(),
            last_pipe: 0,
        }
    }

    /// What time it is in the rig.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The switch.
    pub fn core(&self) -> &SwitchCore {
        &self.core
    }

    /// Connects a client. What the switch says first can be read at once.
    pub fn connect(&mut self) -> ConnId {
        self.connect_from(Ipv4Addr::LOCALHOST.into())
    }

    /// Connects a client of another machine.
    pub fn connect_from(&mut self, peer: IpAddr) -> ConnId {
        self.last_pipe += 1;
        let conn = ConnId(self.last_pipe);
        let requests = Requests::new(self.core.esl_limits(conn));
        self.pipes.insert(conn, Pipe { requests, unread: Vec::new(), state: PipeState::Open });
        self.core.handle_esl_connected(self.now, conn, peer);
        self.settle();
        conn
    }

    /// Has a client send bytes. Everything that follows from them at this instant is done.
    pub fn write(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(pipe) = self.pipes.get_mut(&conn).filter(|pipe| pipe.state == PipeState::Open) else { return };
        pipe.requests.feed(bytes);
        while let Some(pipe) = self.pipes.get_mut(&conn) {
            match pipe.requests.poll() {
                Ok(Some(request)) => {
                    self.core.handle_esl_command(self.now, conn, request);
                    self.settle();
                    let limits = self.core.esl_limits(conn);
                    self.pipes.entry(conn).and_modify(|pipe| pipe.requests.limit(limits));
                }
                Ok(None) => break,
                Err(_) => {
                    self.close(conn);
                    break;
                }
            }
        }
    }

    /// Takes what the switch has sent to a client.
    pub fn read(&mut self, conn: ConnId) -> Vec<u8> {
        self.pipes.get_mut(&conn).map(|pipe| std::mem::take(&mut pipe.unread)).unwrap_or_default()
    }

    /// Whether the switch still holds the connection.
    pub fn is_open(&self, conn: ConnId) -> bool {
        self.pipes.get(&conn).is_some_and(|pipe| pipe.state == PipeState::Open)
    }

    /// Has a client close its connection.
    pub fn close(&mut self, conn: ConnId) {
        if let Some(pipe) = self.pipes.get_mut(&conn) {
            pipe.state = PipeState::Closed;
        }
        self.core.handle_esl_closed(self.now, conn);
        self.settle();
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<Time> {
        [self.core.poll_timeout(), self.lines.next_tick(), self.network.next_due()].into_iter().flatten().min()
    }

    /// Lets the time go on to `time`.
    pub fn advance_to(&mut self, time: Time) {
        while let Some(due) = self.next_due().filter(|due| *due <= time) {
            self.step(due);
        }
        self.now = self.now.max(time);
    }

    /// Lets the time go on by `duration`.
    pub fn advance(&mut self, duration: Duration) {
        self.advance_to(self.now + duration);
    }

    /// Lets the time go on until `done` says so, at most for `limit`; false when it never did.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Rig) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            match self.next_due().filter(|due| *due <= end) {
                Some(due) => self.step(due),
                None => {
                    self.now = end;
                    return done(self);
                }
            }
        }
    }

    /// Has `path` be a sound of these samples (8 kHz).
    pub fn add_sound(&mut self, path: impl AsRef<Path>, samples: &[i16]) {
        self.disk.add(path.as_ref(), Clip::new(samples));
    }

    /// What was recorded into `path`, as far as it is.
    pub fn recorded(&self, path: impl AsRef<Path>) -> Option<&Recorded> {
        self.disk.recorded(path.as_ref())
    }

    /// Has `host:port` answer no SIP at all.
    pub fn silence(&mut self, host_port: &str) {
        self.network.silence(host_port);
    }

    /// Has `host:port` answer REGISTERs with these codes, the last one for ever; a 200 grants what was asked for.
    pub fn registrar(&mut self, host_port: &str, codes: &[u16]) {
        self.network.registrar(host_port, codes);
    }

    /// The REGISTERs that were sent, in order.
    pub fn registrations(&self) -> &[Registration] {
        self.network.registrations()
    }

    fn step(&mut self, due: Time) {
        self.now = self.now.max(due);
        self.network.handle_due(self.now);
        self.lines.tick(self.now, &mut self.disk);
        if self.core.poll_timeout().is_some_and(|at| at <= self.now) {
            self.core.handle_timeout(self.now);
        }
        self.settle();
    }

    /// Carries outputs until there are none.
    fn settle(&mut self) {
        loop {
            if let Some(output) = self.core.poll_output() {
                self.carry(output);
            } else if let Some(event) = self.network.poll_event() {
                self.core.handle_sip(self.now, event);
            } else if let Some(event) = self.lines.poll_event(self.now, &mut self.disk) {
                self.core.handle_media(self.now, event);
            } else {
                return;
            }
        }
    }

    fn carry(&mut self, output: Output) {
        match output {
            Output::Esl { conn, answer } => {
                if let Some(pipe) = self.pipes.get_mut(&conn) {
                    answer.write(&mut pipe.unread);
                }
            }
            Output::Event { conn, format, event } => {
                if let Some(pipe) = self.pipes.get_mut(&conn) {
                    write_event(&event, format, &mut pipe.unread);
                }
            }
            Output::CloseEsl(conn) => {
                if let Some(pipe) = self.pipes.get_mut(&conn) {
                    pipe.state = PipeState::Closed;
                }
                self.core.handle_esl_closed(self.now, conn);
            }
            Output::Sip(command) => self.network.handle_command(self.now, command),
            Output::Media(command) => self.lines.handle_command(self.now, command),
            Output::Ask { id, question } => {
                let answer = match question {
                    // There is no machine.
                    Question::System(_) => String::new(),
                    Question::FileExists(path) => self.disk.exists(Path::new(&path)).to_string(),
                };
                self.core.handle_answer(self.now, id, answer);
            }
        }
    }
}
