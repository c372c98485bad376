//! The media engine of a rig: ports that are only numbers, packets that arrive at once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::media::engine::{Engine, MediaOutput};
use crate::media::{LegId, MediaCommand, MediaEvent};
use crate::units::Time;

use super::disk::Disk;

/// A leg sends and hears this often (RFC 3551 4.2).
const FRAME: Duration = Duration::from_millis(20);
const FIRST_PORT: u16 = 16_384;
const LAST_PORT: u16 = 65_534;

#[derive(Debug)]
pub(super) struct Lines {
    engine: Engine,
    ip: IpAddr,
    next_port: u16,
    ports: HashMap<SocketAddr, LegId>,
    addresses: HashMap<LegId, SocketAddr>,
    /// When each leg's next 20 ms are over.
    ticks: BTreeSet<(Time, LegId)>,
    /// Events that came up while legs were ticked.
    held: VecDeque<MediaEvent>,
}

impl Lines {
    pub fn new(ip: IpAddr) -> Lines {
        Lines {
            engine: Engine::new(),
            ip,
            next_port: FIRST_PORT,
            ports: HashMap::new(),
            addresses: HashMap::new(),
            ticks: BTreeSet::new(),
            held: VecDeque::new(),
        }
    }

    pub fn handle_command(&mut self, now: Time, command: MediaCommand) {
        self.engine.handle_command(now, command);
    }

    pub fn next_tick(&self) -> Option<Time> {
        self.ticks.first().map(|(time, _)| *time)
    }

    /// Ticks the legs that are due, and carries what they send.
    pub fn tick(&mut self, now: Time, disk: &mut Disk) {
        while let Some((due, leg)) = self.ticks.first().copied().filter(|(due, _)| *due <= now) {
            self.ticks.remove(&(due, leg));
            self.ticks.insert((due + FRAME, leg));
            self.engine.handle_tick(now, due, leg);
            // Packets are on their way before the next leg ticks; events wait for the switch.
            while let Some(output) = self.engine.poll_output() {
                if let Some(event) = self.carry(now, output, disk) {
                    self.held.push_back(event);
                }
            }
        }
    }

    pub fn poll_event(&mut self, now: Time, disk: &mut Disk) -> Option<MediaEvent> {
        if let Some(event) = self.held.pop_front() {
            return Some(event);
        }
        while let Some(output) = self.engine.poll_output() {
            if let Some(event) = self.carry(now, output, disk) {
                return Some(event);
            }
        }
        None
    }

    fn carry(&mut self, now: Time, output: MediaOutput, disk: &mut Disk) -> Option<MediaEvent> {
        match output {
            MediaOutput::Open { leg } => {
                let local = self.open(leg, now);
                self.engine.handle_opened(now, leg, local);
            }
            MediaOutput::Close { leg } => {
                if let Some(address) = self.addresses.remove(&leg) {
                    self.ports.remove(&address);
                }
                self.ticks.retain(|(_, l)| *l != leg);
            }
            MediaOutput::Send { leg, to, packet } => {
                if let (Some(receiver), Some(from)) = (self.ports.get(&to), self.addresses.get(&leg)) {
                    self.engine.handle_packet(now, *receiver, *from, &packet);
                }
            }
            MediaOutput::Load { leg, play, path } => self.engine.handle_clip(now, leg, play, disk.load(&path)),
            MediaOutput::Record { leg, record, output } => {
                if let Some(report) = disk.record(record, output) {
                    self.engine.handle_report(now, leg, record, report);
                }
            }
            MediaOutput::Event(event) => return Some(event),
        }
        None
    }

    fn open(&mut self, leg: LegId, now: Time) -> Result<SocketAddr, String> {
        let ports = usize::from((LAST_PORT - FIRST_PORT) / 2 + 1);
        for _ in 0..ports {
            let address = SocketAddr::new(self.ip, self.next_port);
            self.next_port = if self.next_port >= LAST_PORT { FIRST_PORT } else { self.next_port + 2 };
            if let Entry::Vacant(free) = self.ports.entry(address) {
                free.insert(leg);
                self.addresses.insert(leg, address);
                self.ticks.insert((now + FRAME, leg));
                return Ok(address);
            }
        }
        Err(format!("all {ports} ports are taken"))
    }
}
