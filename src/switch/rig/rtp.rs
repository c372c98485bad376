//! The media engines of a rig: ports that are only numbers, packets that arrive at once unless the weather is bad.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::media::engine::{Engine, MediaOutput};
use crate::media::{LegId, MediaCommand, MediaEvent};
use crate::units::Time;

use super::disk::Disk;
use super::toll::{Packeted, Tolls};
use super::weather::{Dice, Fate, Weather};

/// A leg sends and hears this often (RFC 3551 4.2).
const FRAME: Duration = Duration::from_millis(20);
const FIRST_PORT: u16 = 16_384;
const LAST_PORT: u16 = 65_534;

/// A leg, by its switch.
type Key = (usize, LegId);

#[derive(Debug)]
pub(super) struct Lines {
    machines: Vec<Machine>,
    ports: HashMap<SocketAddr, Key>,
    addresses: HashMap<Key, SocketAddr>,
    /// When each leg's next 20 ms are over.
    ticks: BTreeSet<(Time, Key)>,
    due: HashMap<Key, Time>,
    /// Events that came up while legs were ticked.
    held: VecDeque<(usize, MediaEvent)>,
    weather: Weather,
    /// Whether tolls are kept.
    watched: bool,
    dice: Dice,
    /// What was taken from the packets to each leg.
    pub tolls: Tolls,
    in_flight: BTreeMap<(Time, u64), Packet>,
    last_packet: u64,
}

/// Where the media of one switch is.
#[derive(Debug)]
struct Machine {
    engine: Engine,
    ip: IpAddr,
    next_port: u16,
}

/// A packet on its way.
#[derive(Debug)]
struct Packet {
    to: SocketAddr,
    from: SocketAddr,
    bytes: Vec<u8>,
}

impl Machine {
    fn new(ip: IpAddr) -> Machine {
        Machine { engine: Engine::new(), ip, next_port: FIRST_PORT }
    }
}

impl Lines {
    pub fn new(ips: impl Iterator<Item = IpAddr>) -> Lines {
        Lines {
            machines: ips.map(Machine::new).collect(),
            ports: HashMap::new(),
            addresses: HashMap::new(),
            ticks: BTreeSet::new(),
            due: HashMap::new(),
            held: VecDeque::new(),
            weather: Weather::default(),
            watched: false,
            dice: Dice::seeded(0),
            tolls: Tolls::new(),
            in_flight: BTreeMap::new(),
            last_packet: 0,
        }
    }

    pub fn set_weather(&mut self, weather: Weather, seed: Option<u64>) {
        self.weather = weather;
        self.watched = true;
        if let Some(seed) = seed {
            self.dice = Dice::seeded(seed);
        }
    }

    pub fn handle_command(&mut self, now: Time, on: usize, command: MediaCommand) {
        self.machines[on].engine.handle_command(now, command);
    }

    /// Legs that have a port.
    pub fn legs(&self) -> usize {
        self.addresses.len()
    }

    /// A switch is there anew, and has no legs.
    pub fn forget(&mut self, switch: usize) {
        self.machines[switch] = Machine::new(self.machines[switch].ip);
        for key in self.addresses.keys().copied().filter(|(on, _)| *on == switch).collect::<Vec<_>>() {
            self.close(key);
        }
        self.held.retain(|(on, _)| *on != switch);
    }

    pub fn next_due(&self) -> Option<Time> {
        let tick = self.ticks.first().map(|(time, _)| *time);
        let packet = self.in_flight.keys().next().map(|(time, _)| *time);
        tick.into_iter().chain(packet).min()
    }

    /// Lets packets arrive that are due, ticks the legs that are, and carries what they send.
    pub fn handle_due(&mut self, now: Time, disk: &mut Disk) {
        loop {
            let tick = self.ticks.first().copied().filter(|(due, _)| *due <= now);
            let packet = self.in_flight.first_entry().filter(|entry| entry.key().0 <= now);
            match (packet, tick) {
                (Some(packet), tick) if tick.is_none_or(|(due, _)| packet.key().0 <= due) => {
                    let packet = packet.remove();
                    self.deliver(now, &packet);
                }
                (_, Some((due, key))) => self.tick(now, due, key, disk),
                (_, None) => return,
            }
        }
    }

    fn tick(&mut self, now: Time, due: Time, key: Key, disk: &mut Disk) {
        self.ticks.remove(&(due, key));
        self.ticks.insert((due + FRAME, key));
        self.due.insert(key, due + FRAME);
        let (on, leg) = key;
        self.machines[on].engine.handle_tick(now, due, leg);
        // Packets are on their way before the next leg ticks; events wait for the switch.
        while let Some(output) = self.machines[on].engine.poll_output() {
            if let Some(event) = self.carry(now, on, output, disk) {
                self.held.push_back((on, event));
            }
        }
    }

    pub fn poll_event(&mut self, now: Time, disk: &mut Disk) -> Option<(usize, MediaEvent)> {
        if let Some(event) = self.held.pop_front() {
            return Some(event);
        }
        for on in 0..self.machines.len() {
            while let Some(output) = self.machines[on].engine.poll_output() {
                if let Some(event) = self.carry(now, on, output, disk) {
                    return Some((on, event));
                }
            }
        }
        None
    }

    fn carry(&mut self, now: Time, on: usize, output: MediaOutput, disk: &mut Disk) -> Option<MediaEvent> {
        match output {
            MediaOutput::Open { leg } => {
                let local = self.open(on, leg, now);
                self.machines[on].engine.handle_opened(now, leg, local);
            }
            MediaOutput::Close { leg } => self.close((on, leg)),
            MediaOutput::Send { leg, to, packet } => {
                if let Some(from) = self.addresses.get(&(on, leg)).copied() {
                    self.send(now, Packet { to, from, bytes: packet });
                }
            }
            MediaOutput::Load { leg, play, path } => {
                self.machines[on].engine.handle_clip(now, leg, play, disk.load(&path));
            }
            MediaOutput::Record { leg, record, output } => {
                if let Some(report) = disk.record((on, record), output) {
                    self.machines[on].engine.handle_report(now, leg, record, report);
                }
            }
            MediaOutput::Event(event) => return Some(event),
        }
        None
    }

    fn send(&mut self, now: Time, packet: Packet) {
        if !self.watched {
            return self.deliver(now, &packet);
        }
        let Some((on, LegId(leg))) = self.ports.get(&packet.to).copied() else { return };
        let fate = self.dice.packet(&self.weather);
        let toll = self.tolls.entry((on, leg)).or_default();
        match fate {
            Fate::Lost => toll.note(&packet.bytes, Packeted::Lost),
            Fate::Once(late) => {
                toll.note(&packet.bytes, Packeted::Arrived { late });
                self.arrives(now, late, packet);
            }
            Fate::Twice(late, again) => {
                toll.note(&packet.bytes, Packeted::Arrived { late });
                toll.note(&packet.bytes, Packeted::Again);
                let copy = Packet { bytes: packet.bytes.clone(), ..packet };
                self.arrives(now, late, packet);
                self.arrives(now, again, copy);
            }
        }
    }

    fn arrives(&mut self, now: Time, late: Duration, packet: Packet) {
        if late.is_zero() {
            return self.deliver(now, &packet);
        }
        self.last_packet += 1;
        self.in_flight.insert((now + late, self.last_packet), packet);
    }

    fn deliver(&mut self, now: Time, packet: &Packet) {
        if let Some((on, leg)) = self.ports.get(&packet.to).copied() {
            self.machines[on].engine.handle_packet(now, leg, packet.from, &packet.bytes);
        }
    }

    fn open(&mut self, on: usize, leg: LegId, now: Time) -> Result<SocketAddr, String> {
        let ports = usize::from((LAST_PORT - FIRST_PORT) / 2 + 1);
        let machine = &mut self.machines[on];
        for _ in 0..ports {
            let address = SocketAddr::new(machine.ip, machine.next_port);
            machine.next_port = if machine.next_port >= LAST_PORT { FIRST_PORT } else { machine.next_port + 2 };
            if let Entry::Vacant(free) = self.ports.entry(address) {
                let key = (on, leg);
                free.insert(key);
                self.addresses.insert(key, address);
                self.ticks.insert((now + FRAME, key));
                self.due.insert(key, now + FRAME);
                return Ok(address);
            }
        }
        Err(format!("all {ports} ports are taken"))
    }

    fn close(&mut self, key: Key) {
        if let Some(address) = self.addresses.remove(&key) {
            self.ports.remove(&address);
        }
        if let Some(due) = self.due.remove(&key) {
            self.ticks.remove(&(due, key));
        }
    }
}
