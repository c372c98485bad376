//! Scenarios and what goes wrong with them, drawn from a seed.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use super::mix::{LOADS, Needs, PIECES};
use super::{Fault, Setup, Sim};
use crate::host::Line;
use crate::run::Conduct;
use crate::switch::SwitchConfig;
use crate::switch::rig::{Dice, Weather};

/// A run to be made, with all that goes wrong in it.
#[derive(Debug)]
pub struct Storm {
    pub seed: u64,
    /// Its scenarios, as a file of `scenarios/`.
    pub yaml: String,
    pub faults: Vec<Fault>,
    pub switches: Vec<SwitchConfig>,
    /// How often a test is tried again.
    pub retries: u32,
    /// After so many that failed no more are begun.
    pub max_fail: Option<NonZeroUsize>,
    /// About so many calls are made, if nothing stops the run.
    pub calls: usize,
    pub(super) tests: Vec<Planned>,
}

/// A scenario of a storm.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub name: String,
    /// `None`: a load.
    pub needs: Option<Needs>,
}

/// Faults begin within this time: what is run takes some seconds.
const HORIZON: Duration = Duration::from_secs(5);

impl Storm {
    /// The same seed gives the same storm.
    pub fn of_seed(seed: u64) -> Storm {
        let mut dice = Dice::seeded(seed);
        let (mut documents, mut tests, mut calls) = (Vec::new(), Vec::new(), 0);
        for number in 1..=1 + dice.below(4) {
            let piece = dice.one(&PIECES);
            let name = format!("{number} {}", piece.kind);
            documents.push(format!("name: {name}\n{}", piece.text));
            tests.push(Planned { name, needs: Some(piece.needs) });
            calls += 1;
        }
        if dice.happens(7_000) {
            let load = dice.one(&LOADS);
            documents.push(format!("name: load\n{}", load.text));
            tests.push(Planned { name: "load".to_owned(), needs: None });
            calls += load.calls;
        }
        let two = dice.happens(2_500);
        let faults = faults(&mut dice, if two { 2 } else { 1 });
        let poll = if dice.happens(5_000) { Duration::from_millis(20) } else { Duration::ZERO };
        let switches = switches(if two { 2 } else { 1 }, poll);
        let retries = u32::from(dice.happens(2_500));
        let max_fail = NonZeroUsize::new(1).filter(|_| dice.happens(1_000));
        Storm { seed, yaml: documents.join("---\n"), faults, switches, retries, max_fail, calls, tests }
    }

    /// A storm without a storm: the scenario or load of that number, on one switch or two.
    #[cfg(test)]
    pub(super) fn calm(number: usize, two: bool) -> Storm {
        let text = PIECES.iter().map(|piece| piece.text).chain(LOADS.iter().map(|load| load.text)).nth(number);
        let yaml = format!("name: calm\n{}", text.unwrap_or_default());
        let switches = switches(if two { 2 } else { 1 }, Duration::ZERO);
        let (faults, tests) = (Vec::new(), Vec::new());
        Storm { seed: 1, yaml, faults, switches, retries: 0, max_fail: None, calls: 0, tests }
    }

    /// The run, which is to be made in the folder that has `scenarios/`.
    ///
    /// # Panics
    /// When its scenarios are wrong: a mistake of ours.
    pub fn sim(&self) -> Sim {
        let (file, yaml) = (Path::new("scenarios/storm.yaml"), self.yaml.as_str());
        let setup = Setup { file, yaml, seed: self.seed, switches: self.switches.clone() };
        let conduct = Conduct { retries: self.retries, max_fail: self.max_fail, ..Conduct::default() };
        let sim = Sim::of(setup, |_| conduct).unwrap_or_else(|wrong| panic!("{wrong}\n{yaml}"));
        // Weather that is always fair, so that it is watched what becomes of each packet.
        let watched = sim.fault(Fault::Turn { at: Duration::ZERO, weather: Weather::default() });
        self.faults.iter().fold(watched, |sim, fault| sim.fault(*fault))
    }
}

fn switches(number: u8, originate_poll: Duration) -> Vec<SwitchConfig> {
    let switch = |number: u8| SwitchConfig {
        sip: ([127, 0, 0, 1 + number], 5080).into(),
        sessions_per_second: 10_000,
        originate_poll,
        ..SwitchConfig::default()
    };
    (0..number).map(switch).collect()
}

fn faults(dice: &mut Dice, hosts: usize) -> Vec<Fault> {
    let mut faults = Vec::new();
    let ms = Duration::from_millis;
    if dice.happens(5_000) {
        faults.push(Fault::Drizzle(dice.between(ms(1), ms(12))));
    }
    if dice.happens(3_000) {
        faults.push(Fault::Recordings { unreadable: 2_500, torn: 2_500 });
    }
    if dice.happens(5_000) {
        let from = dice.up_to(HORIZON / 2);
        let weather = weather(dice);
        faults.push(Fault::Turn { at: from, weather });
        faults.push(Fault::Turn { at: from + dice.up_to(HORIZON), weather: Weather::default() });
    }
    for _ in 0..dice.below(4) {
        let (at, host) = (dice.up_to(HORIZON), dice.below(hosts));
        let line = *dice.one(&[Line::Events, Line::Commands]);
        let seconds = Duration::from_secs;
        faults.push(match dice.below(10) {
            0 | 1 => Fault::Cut { host, at, away: dice.up_to(seconds(8)) },
            2 => Fault::Cut { host, at, away: dice.between(seconds(8), seconds(20)) },
            3 => Fault::Stall { host, line, at, lasts: dice.up_to(seconds(4)) },
            4 => Fault::Stall { host, line, at, lasts: dice.up_to(seconds(90)) },
            5 => Fault::Restart { host, at, down: dice.up_to(seconds(6)) },
            6 => Fault::Noise { host, line, at, bytes: 1 + dice.below(300) },
            7 => Fault::Drop { host, line, at },
            8 => Fault::Interrupt(at),
            _ => *dice.one(&[Fault::HostDies(at), Fault::EventsStall(at)]),
        });
    }
    faults
}

fn weather(dice: &mut Dice) -> Weather {
    let ms = Duration::from_millis;
    let mut weather = Weather::default();
    if dice.happens(6_000) {
        weather.packets_lost = *dice.one(&[50, 500, 3_000, 10_000]);
    }
    if dice.happens(5_000) {
        weather.packets_twice = 1_000;
    }
    if dice.happens(5_000) {
        weather.packets_late = *dice.one(&[500, 10_000]);
        weather.packet_delay = dice.between(ms(1), ms(120));
    }
    if dice.happens(5_000) {
        weather.messages_late = *dice.one(&[1_000, 10_000]);
        weather.message_delay = dice.between(ms(1), ms(900));
    }
    if dice.happens(4_000) {
        weather.messages_lost = *dice.one(&[50, 500, 3_000]);
    }
    weather
}
