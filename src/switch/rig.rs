//! Switches in virtual time: their cores, a SIP network and media engines joined in memory.
//!
//! Clients are byte pipes that speak the event socket. Nothing here reads a clock or opens a socket, so a run of hours
//! takes moments and comes out the same way twice. Sounds are read from disk unless the rig was given them; recordings
//! stay in memory. One switch is usual; several reach each other over the network, whose [`Weather`] may be bad.

mod disk;
mod network;
mod rtp;
mod toll;
mod weather;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use crate::esl::server::{Requests, write_event};
use crate::id::Ids;
use crate::media::clip::Clip;
use crate::media::{LegId, MediaEvent};
use crate::sip::Registration;
use crate::units::Time;

pub use disk::{Recorded, RecordedState};
pub use toll::Toll;
pub use weather::{Dice, Share, Weather};

use self::disk::Disk;
use self::network::Network;
use self::rtp::Lines;
use self::toll::Tolls;
use super::config::SwitchConfig;
use super::core::{ConnId, Output, Question, SwitchCore};

/// See the module.
#[derive(Debug)]
pub struct Rig {
    now: Time,
    switches: Vec<SwitchCore>,
    configs: Vec<SwitchConfig>,
    network: Network,
    lines: Lines,
    disk: Disk,
    pipes: BTreeMap<ConnId, Pipe>,
    last_pipe: u64,
    /// Where clients listen, and what was connected to them.
    listening: BTreeSet<SocketAddr>,
    accepted: VecDeque<ConnId>,
    watch: Option<Watch>,
}

/// What is kept of calls while the weather may be bad.
#[derive(Debug, Default)]
struct Watch {
    legs: BTreeMap<(usize, u64), Named>,
    /// Of legs whose switch began anew.
    tolls: Vec<Toll>,
}

/// Whose leg it is.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub session: String,
    pub call: String,
    pub app: String,
}

/// One event socket.
#[derive(Debug)]
struct Pipe {
    /// The switch it goes to.
    on: usize,
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
        Rig::of(vec![config], seed)
    }

    /// A rig of several switches, each with its own SIP address.
    pub fn of(configs: Vec<SwitchConfig>, seed: u64) -> Rig {
        let addresses: Vec<_> = configs.iter().map(|config| config.sip).collect();
        let mut seeds = Ids::seeded(seed);
        let switch = |(index, config): (usize, &SwitchConfig)| {
            let ids = if index == 0 { seed } else { seeds.long() };
            SwitchCore::new(config.clone(), Ids::seeded(ids), START)
        };
        Rig {
            now: START,
            network: Network::new(addresses.clone(), Ids::seeded(seed.wrapping_add(1))),
            lines: Lines::new(addresses.iter().map(|address| address.ip())),
            disk: Disk::default(),
            switches: configs.iter().enumerate().map(switch).collect(),
            configs,
            pipes: BTreeMap::new(),
            last_pipe: 0,
            listening: BTreeSet::new(),
            accepted: VecDeque::new(),
            watch: None,
        }
    }

    /// What time it is in the rig.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The switch, or the first.
    pub fn core(&self) -> &SwitchCore {
        &self.switches[0]
    }

    /// All of them.
    pub fn switches(&self) -> &[SwitchCore] {
        &self.switches
    }

    /// Changes the weather; `seed` is what draws come from that follow. From then on [`Rig::tolls`] are kept.
    pub fn set_weather(&mut self, weather: Weather, seed: Option<u64>) {
        self.network.set_weather(weather, seed);
        self.lines.set_weather(weather, seed.map(|seed| seed.wrapping_add(1)));
        self.watch.get_or_insert_default();
    }

    /// What the weather took from legs.
    pub fn tolls(&self) -> Vec<Toll> {
        let Some(watch) = &self.watch else { return Vec::new() };
        let there = watch.legs.iter().map(|(leg, named)| joined(*leg, named, &self.network.tolls, &self.lines.tolls));
        watch.tolls.iter().cloned().chain(there).collect()
    }

    /// Has a switch end and begin anew: its calls, jobs and connections are gone without a word.
    pub fn restart(&mut self, switch: usize, seed: u64) {
        self.network.forget(switch);
        self.lines.forget(switch);
        self.disk.forget(switch);
        for pipe in self.pipes.values_mut().filter(|pipe| pipe.on == switch) {
            pipe.state = PipeState::Closed;
        }
        for leg in self.watch.iter().flat_map(|watch| watch.legs.keys().copied()).collect::<Vec<_>>() {
            if leg.0 == switch {
                self.leave(leg);
            }
        }
        self.switches[switch] = SwitchCore::new(self.configs[switch].clone(), Ids::seeded(seed), self.now);
        self.settle();
    }

    /// What is left of calls: dialogs, media ports, recordings being written.
    pub fn left(&self) -> [usize; 3] {
        [self.network.calls(), self.lines.legs(), self.disk.open()]
    }

    /// Connects a client to the switch, or the first. What the switch says first can be read at once.
    pub fn connect(&mut self) -> ConnId {
        self.connect_to(0)
    }

    /// Connects a client to one of the switches.
    pub fn connect_to(&mut self, switch: usize) -> ConnId {
        self.connect_from_to(Ipv4Addr::LOCALHOST.into(), switch)
    }

    /// Connects a client of another machine to the switch, or the first.
    pub fn connect_from(&mut self, peer: IpAddr) -> ConnId {
        self.connect_from_to(peer, 0)
    }

    fn connect_from_to(&mut self, peer: IpAddr, switch: usize) -> ConnId {
        let conn = self.lay_pipe(switch);
        self.switches[switch].handle_esl_connected(self.now, conn, peer);
        self.settle();
        conn
    }

    fn lay_pipe(&mut self, switch: usize) -> ConnId {
        self.last_pipe += 1;
        let conn = ConnId(self.last_pipe);
        let requests = Requests::new(self.switches[switch].esl_limits(conn));
        self.pipes.insert(conn, Pipe { on: switch, requests, unread: Vec::new(), state: PipeState::Open });
        conn
    }

    /// Has a client listen on `address` for what the application `socket` connects to it; elsewhere nobody does.
    pub fn listen(&mut self, address: SocketAddr) {
        self.listening.insert(address);
    }

    /// The oldest connection of a switch to a client that listens, unless it was taken.
    pub fn accept(&mut self) -> Option<ConnId> {
        self.accepted.pop_front()
    }

    /// Has a client send bytes. Everything that follows from them at this instant is done.
    pub fn write(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(pipe) = self.pipes.get_mut(&conn).filter(|pipe| pipe.state == PipeState::Open) else { return };
        let on = pipe.on;
        pipe.requests.feed(bytes);
        while let Some(pipe) = self.pipes.get_mut(&conn) {
            match pipe.requests.poll() {
                Ok(Some(request)) => {
                    self.switches[on].handle_esl_command(self.now, conn, request);
                    self.settle();
                    let limits = self.switches[on].esl_limits(conn);
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
        if let Some(pipe) = self.pipes.get_mut(&conn).filter(|pipe| pipe.state == PipeState::Open) {
            pipe.state = PipeState::Closed;
            let on = pipe.on;
            self.switches[on].handle_esl_closed(self.now, conn);
            self.settle();
        }
    }

    /// Forgets a connection that is closed, with what was not read of it.
    pub fn forget(&mut self, conn: ConnId) {
        if !self.is_open(conn) {
            self.pipes.remove(&conn);
        }
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<Time> {
        let switches = self.switches.iter().filter_map(SwitchCore::poll_timeout);
        switches.chain(self.lines.next_due()).chain(self.network.next_due()).min()
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

    /// Deletes what was recorded into `path`.
    pub fn discard(&mut self, path: impl AsRef<Path>) {
        self.disk.remove(path.as_ref());
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
        self.lines.handle_due(self.now, &mut self.disk);
        for switch in &mut self.switches {
            if switch.poll_timeout().is_some_and(|at| at <= self.now) {
                switch.handle_timeout(self.now);
            }
        }
        self.settle();
    }

    /// Carries outputs until there are none.
    fn settle(&mut self) {
        loop {
            let output =
                self.switches.iter_mut().enumerate().find_map(|(on, switch)| Some((on, switch.poll_output()?)));
            if let Some((on, output)) = output {
                self.carry(on, output);
            } else if let Some((on, event)) = self.network.poll_event() {
                self.switches[on].handle_sip(self.now, event);
            } else if let Some((on, event)) = self.lines.poll_event(self.now, &mut self.disk) {
                self.hear(on, event);
            } else {
                return;
            }
        }
    }

    /// Hands an event of the media on, and keeps whose leg it is.
    fn hear(&mut self, on: usize, event: MediaEvent) {
        let opened = if let MediaEvent::Opened { leg, .. } = &event { Some(*leg) } else { None };
        self.switches[on].handle_media(self.now, event);
        if let (Some(watch), Some(leg)) = (&mut self.watch, opened) {
            let LegId(number) = leg;
            watch.legs.extend(self.switches[on].named(leg).map(|named| ((on, number), named)));
        }
    }

    /// A leg is gone whose number another will have.
    fn leave(&mut self, leg: (usize, u64)) {
        let Some(watch) = &mut self.watch else { return };
        let Some(named) = watch.legs.remove(&leg) else { return };
        watch.tolls.push(joined(leg, &named, &self.network.tolls, &self.lines.tolls));
        self.network.tolls.remove(&leg);
        self.lines.tolls.remove(&leg);
    }

    fn carry(&mut self, on: usize, output: Output) {
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
                self.switches[on].handle_esl_closed(self.now, conn);
            }
            Output::Dial { dial, host, port } => {
                let ip =
                    if host.eq_ignore_ascii_case("localhost") { Ok(Ipv4Addr::LOCALHOST.into()) } else { host.parse() };
                let outcome = match ip.map(|ip| SocketAddr::new(ip, port)) {
                    Ok(address) if self.listening.contains(&address) => {
                        let conn = self.lay_pipe(on);
                        self.accepted.push_back(conn);
                        Ok(conn)
                    }
                    _ => Err("Connection refused".to_owned()),
                };
                let conn = outcome.clone().ok();
                self.switches[on].handle_dialed(self.now, dial, outcome);
                if let Some(conn) = conn {
                    let limits = self.switches[on].esl_limits(conn);
                    self.pipes.entry(conn).and_modify(|pipe| pipe.requests.limit(limits));
                }
            }
            Output::Sip(command) => self.network.handle_command(self.now, on, command),
            Output::Media(command) => self.lines.handle_command(self.now, on, command),
            Output::Ask { id, question } => {
                let answer = match question {
                    // There is no machine.
                    Question::System(_) => String::new(),
                    Question::FileExists(path) => self.disk.exists(Path::new(&path)).to_string(),
                };
                self.switches[on].handle_answer(self.now, id, answer);
            }
        }
    }
}

/// What was taken from a leg by the network and on the lines together.
fn joined(leg: (usize, u64), named: &Named, network: &Tolls, lines: &Tolls) -> Toll {
    let mut toll = lines.get(&leg).cloned().unwrap_or_default();
    if let Some(said) = network.get(&leg) {
        toll.messages_late.clone_from(&said.messages_late);
        toll.messages_lost.clone_from(&said.messages_lost);
    }
    (toll.session, toll.call, toll.app) = (named.session.clone(), named.call.clone(), named.app.clone());
    toll
}
