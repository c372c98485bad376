//! A host of a run in virtual time: what `host::task` is over sockets.

use std::collections::VecDeque;
use std::time::Duration;

use super::wire::Wire;
use crate::host::{Attempts, HostConfig, HostCore, HostEvent, Line, Lost, Next, Patience, Request};
use crate::id::Ids;
use crate::switch::rig::Dice;
use crate::switch::{ConnId, Rig};
use crate::units::Time;

/// See the module.
#[derive(Debug)]
pub(super) struct SimHost {
    /// The switch that it is.
    switch: usize,
    config: HostConfig,
    patience: Patience,
    attempts: Attempts,
    ids: Ids,
    link: Link,
    /// Until then no connection can be made.
    away_until: Time,
    /// What comes is late by up to so much.
    drizzle: Duration,
    dice: Dice,
    outbox: VecDeque<HostEvent>,
}

#[derive(Debug)]
enum Link {
    /// The next attempt is due then.
    Waiting(Time),
    Made(Box<Made>),
    /// There will be no other attempt.
    Gone,
}

/// A pair of connections.
#[derive(Debug)]
struct Made {
    core: HostCore,
    lines: [Socket; 2],
    /// When it is lost, unless it has told of itself.
    login_by: Time,
    is_up: bool,
}

#[derive(Debug)]
struct Socket {
    line: Line,
    conn: ConnId,
    to_switch: Wire,
    from_switch: Wire,
    ended: bool,
}

impl SimHost {
    pub fn new(now: Time, switch: usize, config: HostConfig, mut ids: Ids) -> SimHost {
        let patience = Patience::default();
        SimHost {
            switch,
            attempts: Attempts::new(now, config.name.clone(), patience),
            config,
            patience,
            dice: Dice::seeded(ids.long()),
            ids,
            link: Link::Waiting(now),
            away_until: Time::default(),
            drizzle: Duration::ZERO,
            outbox: VecDeque::new(),
        }
    }

    /// The core, while there is one.
    pub fn core(&self) -> Option<&HostCore> {
        match &self.link {
            Link::Made(made) => Some(&made.core),
            Link::Waiting(_) | Link::Gone => None,
        }
    }

    /// Whether it will not be tried again.
    pub fn is_gone(&self) -> bool {
        matches!(self.link, Link::Gone)
    }

    /// Hands a request over. What is asked of a lost host is forgotten.
    pub fn handle_request(&mut self, now: Time, request: Request) {
        if let Link::Made(made) = &mut self.link {
            made.core.handle_request(now, request);
        }
    }

    pub fn poll_event(&mut self) -> Option<HostEvent> {
        self.outbox.pop_front()
    }

    pub fn next_due(&self) -> Option<Time> {
        match &self.link {
            Link::Gone => None,
            Link::Waiting(at) => Some(*at),
            Link::Made(made) => {
                let wires = made.lines.iter().flat_map(|socket| [&socket.to_switch, &socket.from_switch]);
                let login = (!made.is_up).then_some(made.login_by);
                wires.filter_map(Wire::next_due).chain(login).min()
            }
        }
    }

    /// Carries what can be carried now; whether anything was.
    pub fn turn(&mut self, now: Time, rig: &mut Rig) -> bool {
        let lost = match &mut self.link {
            Link::Gone => return false,
            Link::Waiting(at) if *at > now => return false,
            Link::Waiting(_) => return self.connect(now, rig),
            Link::Made(made) => {
                let mut moved = made.carry(now, rig, self.drizzle, &mut self.dice);
                let mut lost = None;
                while let Some(event) = made.core.poll_event() {
                    moved = true;
                    made.is_up |= matches!(event, HostEvent::Up(_));
                    match event {
                        // It is the last there is.
                        HostEvent::Lost(why) => lost = Some(why),
                        event => self.outbox.push_back(event),
                    }
                }
                if lost.is_none() && !made.is_up && now >= made.login_by {
                    lost = Some(Lost::Silent(self.patience.login));
                }
                let Some(lost) = lost else { return moved };
                if made.is_up {
                    self.attempts.handle_up();
                }
                self.config.events = made.core.subscribed().to_vec();
                for socket in &made.lines {
                    rig.close(socket.conn);
                    rig.forget(socket.conn);
                }
                lost
            }
        };
        let next = self.attempts.handle_ended(now, lost);
        self.go_on(now, next);
        true
    }

    /// Has both connections break, and none be made before `until`.
    pub fn cut(&mut self, now: Time, until: Time) {
        self.away_until = self.away_until.max(until);
        for line in [Line::Events, Line::Commands] {
            self.drop_line(now, line);
        }
    }

    /// Has one connection break.
    pub fn drop_line(&mut self, now: Time, line: Line) {
        if let Link::Made(made) = &mut self.link {
            made.socket(line).break_off();
            made.core.handle_eof(now, line);
        }
    }

    /// Has nothing come over `line` before `until`.
    pub fn stall(&mut self, line: Line, until: Time) {
        if let Link::Made(made) = &mut self.link {
            made.socket(line).from_switch.stall(until);
        }
    }

    /// Has `bytes` come in the midst of what comes over `line`.
    pub fn babble(&mut self, now: Time, line: Line, bytes: Vec<u8>) {
        if let Link::Made(made) = &mut self.link {
            made.socket(line).from_switch.put(now, bytes);
        }
    }

    pub fn drizzle(&mut self, most: Duration) {
        self.drizzle = most;
    }

    fn connect(&mut self, now: Time, rig: &mut Rig) -> bool {
        if now < self.away_until {
            let next = self.attempts.handle_refused(now, "connection refused".to_owned());
            self.go_on(now, next);
            return true;
        }
        let lines = [Line::Events, Line::Commands].map(|line| Socket {
            line,
            conn: rig.connect_to(self.switch),
            to_switch: Wire::default(),
            from_switch: Wire::default(),
            ended: false,
        });
        let core = HostCore::new(self.config.clone(), Ids::seeded(self.ids.long()));
        let login_by = now + self.patience.login;
        self.link = Link::Made(Box::new(Made { core, lines, login_by, is_up: false }));
        true
    }

    fn go_on(&mut self, now: Time, next: Next) {
        self.link = match next {
            Next::Again(at) => Link::Waiting(at),
            Next::Tell(lost) => {
                let over = lost.is_over();
                self.outbox.push_back(HostEvent::Lost(lost));
                self.attempts.begin_again(now);
                if over { Link::Gone } else { Link::Waiting(now) }
            }
        };
    }
}

impl Made {
    fn socket(&mut self, line: Line) -> &mut Socket {
        &mut self.lines[line as usize]
    }

    fn carry(&mut self, now: Time, rig: &mut Rig, drizzle: Duration, dice: &mut Dice) -> bool {
        let mut moved = false;
        let put = |wire: &mut Wire, bytes: Vec<u8>, dice: &mut Dice| match (bytes.is_empty(), drizzle.is_zero()) {
            (true, _) => {}
            (false, true) => wire.put(now, bytes),
            (false, false) => wire.put_split(now, &bytes, drizzle, dice),
        };
        for socket in &mut self.lines {
            put(&mut socket.to_switch, self.core.poll_transmit(socket.line), dice);
            while let Some(bytes) = socket.to_switch.take(now) {
                moved = true;
                rig.write(socket.conn, &bytes);
            }
        }
        for socket in self.lines.iter_mut().filter(|socket| !socket.ended) {
            put(&mut socket.from_switch, rig.read(socket.conn), dice);
            while let Some(bytes) = socket.from_switch.take(now) {
                moved = true;
                self.core.handle_bytes(now, socket.line, &bytes);
            }
            if !rig.is_open(socket.conn) && socket.from_switch.is_empty() {
                socket.ended = true;
                self.core.handle_eof(now, socket.line);
                moved = true;
            }
        }
        moved
    }
}

impl Socket {
    /// What is on its way is lost.
    fn break_off(&mut self) {
        self.to_switch = Wire::default();
        self.from_switch = Wire::default();
        self.ended = true;
    }
}
