//! What a dashboard knows, and what its keys do.

use std::collections::VecDeque;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::metrics::{Phase, Snapshot};
use crate::report::escape;
use crate::run::{Control, Order, RunEvent};
use crate::units::Cps;

/// What a dashboard shows.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The load, once it has begun.
    pub load: Option<String>,
    pub last: Option<Box<Snapshot>>,
    /// Of each snapshot: calls at once, and calls offered a second.
    pub active: VecDeque<u64>,
    pub rates: VecDeque<f64>,
    /// Hosts that are up, and what went wrong last.
    pub hosts: Vec<String>,
    pub trouble: Option<String>,
    pub mode: Mode,
    /// What was set here. Snapshots tell of it only later.
    set: Set,
    ending: Ending,
}

/// What keys are for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Watch,
    Help,
    /// A number is typed; empty: none.
    Enter(Field, String),
    /// Whether all calls on the hosts are to be hung up.
    Confirm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Rate,
    Limit,
    MaxOffered,
}

impl Field {
    pub fn name(self) -> &'static str {
        match self {
            Field::Rate => "calls a second",
            Field::Limit => "calls at once (empty: no limit)",
            Field::MaxOffered => "calls in all (empty: no limit)",
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Set {
    rate: Option<f64>,
    limit: Option<Option<u32>>,
    max_offered: Option<Option<u64>>,
    paused: Option<Paused>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paused {
    Yes,
    No,
}

/// What was asked for here so that the load ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    #[default]
    Not,
    Stop,
    HangUp,
    Interrupt,
}

/// What a key wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wish {
    Order(Order),
    /// Not to wait for the end of the run.
    Leave,
}

/// Snapshots of which sparklines are made: of one a second, ten minutes.
const HISTORY: usize = 600;

/// Digits that are typed at most.
const DIGITS: usize = 9;

impl View {
    pub fn handle_event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::HostUp { host, .. } => {
                self.hosts.push(host.clone());
                self.trouble = None;
            }
            RunEvent::HostLost { host, reason, .. } => {
                self.hosts.retain(|up| up != host);
                self.trouble = Some(format!("{} is lost: {}", escape::line(host), escape::line(reason)));
            }
            RunEvent::TestStarted { test, .. } => {
                *self = View { hosts: std::mem::take(&mut self.hosts), ..View::default() };
                self.load = Some(escape::line(&test.name).to_string());
            }
            RunEvent::LoadTold { snapshot, .. } => {
                push(&mut self.active, u64::from(snapshot.active_calls));
                push(&mut self.rates, snapshot.rates.offered);
                self.last = Some(snapshot.clone());
            }
            _ => {}
        }
    }

    pub fn rate(&self) -> f64 {
        self.set.rate.or(self.last.as_ref().map(|last| last.asked.rate)).unwrap_or_default()
    }

    pub fn limit(&self) -> Option<u32> {
        self.set.limit.unwrap_or_else(|| self.last.as_ref()?.asked.limit)
    }

    pub fn max_offered(&self) -> Option<u64> {
        self.set.max_offered.unwrap_or_else(|| self.last.as_ref()?.asked.max_offered)
    }

    /// Where the load stands, in a word.
    pub fn phase(&self) -> &'static str {
        let Some(told) = self.last.as_ref().map(|last| last.asked.phase) else {
            return if self.load.is_some() { "starting" } else { "waiting for hosts" };
        };
        match (self.ending, told) {
            (Ending::HangUp | Ending::Interrupt, _) | (_, Phase::HangingUp) => "hanging up",
            (Ending::Stop, _) | (_, Phase::Draining) => "draining",
            (Ending::Not, _) if self.is_paused() => "paused",
            (Ending::Not, Phase::Offering | Phase::Paused) => "offering",
        }
    }

    fn is_paused(&self) -> bool {
        let told = self.last.as_ref().is_some_and(|last| last.asked.phase == Phase::Paused);
        self.set.paused.map_or(told, |paused| paused == Paused::Yes)
    }

    pub fn handle_key(&mut self, key: KeyEvent) -> Option<Wish> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { self.interrupt() } else { None };
        }
        match std::mem::take(&mut self.mode) {
            Mode::Watch => self.watch(key.code),
            // Any key leaves it.
            Mode::Help => None,
            Mode::Enter(field, text) => self.enter(field, text, key.code),
            Mode::Confirm if matches!(key.code, KeyCode::Char('y' | 'Y')) => {
                self.ending = self.ending.max(Ending::HangUp);
                Some(Wish::Order(Order::Control(Control::HangUpHosts)))
            }
            Mode::Confirm => None,
        }
    }

    fn watch(&mut self, key: KeyCode) -> Option<Wish> {
        match key {
            KeyCode::Char('?') => self.mode = Mode::Help,
            KeyCode::Char('q') if self.load.is_none() => return self.interrupt(),
            _ if self.load.is_none() => {}
            KeyCode::Char('r') => self.mode = Mode::Enter(Field::Rate, String::new()),
            KeyCode::Char('l') => self.mode = Mode::Enter(Field::Limit, String::new()),
            KeyCode::Char('m') => self.mode = Mode::Enter(Field::MaxOffered, String::new()),
            KeyCode::Char('H') => self.mode = Mode::Confirm,
            KeyCode::Char('+' | '=') => return self.set_rate(self.rate() * 1.1),
            KeyCode::Char('-') => return self.set_rate(self.rate() / 1.1),
            KeyCode::Char('p') => {
                let (paused, control) = match self.is_paused() {
                    true => (Paused::No, Control::Resume),
                    false => (Paused::Yes, Control::Pause),
                };
                self.set.paused = Some(paused);
                return control_of(control);
            }
            KeyCode::Char('s') => {
                self.ending = self.ending.max(Ending::Stop);
                return control_of(Control::Stop);
            }
            KeyCode::Char('h' | 'q') => {
                self.ending = self.ending.max(Ending::HangUp);
                return control_of(Control::HangUp);
            }
            _ => {}
        }
        None
    }

    /// A key while a number is typed.
    fn enter(&mut self, field: Field, mut text: String, key: KeyCode) -> Option<Wish> {
        let fits = |c: char| c.is_ascii_digit() || c == '.' && field == Field::Rate && !text.contains('.');
        match key {
            KeyCode::Enter => return self.entered(field, &text),
            KeyCode::Esc => return None,
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Char(c) if fits(c) && text.len() < DIGITS => text.push(c),
            _ => {}
        }
        self.mode = Mode::Enter(field, text);
        None
    }

    fn entered(&mut self, field: Field, text: &str) -> Option<Wish> {
        match field {
            Field::Rate => self.set_rate(text.parse().ok()?),
            // A limit of 0 is a pause, for which there is a key.
            Field::Limit => {
                let limit = if text.is_empty() { None } else { Some(text.parse().ok().filter(|limit| *limit > 0)?) };
                self.set.limit = Some(limit);
                control_of(Control::SetLimit(limit))
            }
            Field::MaxOffered => {
                let calls = if text.is_empty() { None } else { Some(text.parse().ok()?) };
                self.set.max_offered = Some(calls);
                control_of(Control::SetMaxOffered(calls))
            }
        }
    }

    fn set_rate(&mut self, rate: f64) -> Option<Wish> {
        // Thousandths are enough for anybody.
        let rate = (rate * 1e3).round() / 1e3;
        self.set.rate = Some(rate);
        control_of(Control::SetRate(Cps(rate)))
    }

    fn interrupt(&mut self) -> Option<Wish> {
        match std::mem::replace(&mut self.ending, Ending::Interrupt) {
            Ending::Interrupt => Some(Wish::Leave),
            Ending::Not | Ending::Stop | Ending::HangUp => Some(Wish::Order(Order::Interrupt)),
        }
    }
}

fn control_of(control: Control) -> Option<Wish> {
    Some(Wish::Order(Order::Control(control)))
}

fn push<T>(history: &mut VecDeque<T>, value: T) {
    if history.len() == HISTORY {
        history.pop_front();
    }
    history.push_back(value);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::sample;
    use crate::run::TestId;
    use crate::units::Time;

    /// A view of a load that runs.
    pub fn running() -> View {
        let mut view = View::default();
        let test = TestId { file: "dial".into(), name: "dial".into() };
        view.handle_event(&RunEvent::HostUp {
            host: "local".to_owned(),
            version: String::new(),
            about: Vec::new(),
            at: Time::default(),
        });
        view.handle_event(&RunEvent::TestStarted { test, host: "local".to_owned(), at: Time::default() });
        view.handle_event(&sample::load_told("dial"));
        view
    }

    pub fn press(view: &mut View, keys: &str) -> Vec<Wish> {
        let key = |c| KeyEvent::new(if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) }, KeyModifiers::NONE);
        keys.chars().filter_map(|c| view.handle_key(key(c))).collect()
    }

    fn controls(keys: &str) -> Vec<Control> {
        let wishes = press(&mut running(), keys).into_iter();
        wishes
            .map(|wish| match wish {
                Wish::Order(Order::Control(control)) => control,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn each_key_gives_its_order() {
        use Control::*;
        assert_eq!(controls("++"), [SetRate(Cps(11.0)), SetRate(Cps(12.1))]);
        assert_eq!(controls("-"), [SetRate(Cps(9.091))]);
        assert_eq!(controls("r2.5.5\n"), [SetRate(Cps(2.55))]);
        assert_eq!(controls("l30\nl\n"), [SetLimit(Some(30)), SetLimit(None)]);
        assert_eq!(controls("m700\nm\n"), [SetMaxOffered(Some(700)), SetMaxOffered(None)]);
        assert_eq!(controls("ppp"), [Pause, Resume, Pause]);
        assert_eq!(controls("shq"), [Stop, HangUp, HangUp]);
        assert_eq!(controls("HnHy"), [HangUpHosts]);
        // Neither help nor what is no number does anything.
        assert_eq!(controls("?+r\nrx\nl0\nz"), []);
    }

    #[test]
    fn what_was_set_is_shown_before_a_snapshot_tells_of_it() {
        let mut view = running();
        assert_eq!(
            (view.rate(), view.limit(), view.max_offered(), view.phase()),
            (10.0, Some(25), Some(500), "offering")
        );
        press(&mut view, "+l7\nm\np");
        view.handle_event(&sample::load_told("dial"));
        assert_eq!((view.rate(), view.limit(), view.max_offered(), view.phase()), (11.0, Some(7), None, "paused"));
        press(&mut view, "ps");
        assert_eq!(view.phase(), "draining");
        press(&mut view, "q");
        assert_eq!(view.phase(), "hanging up");
    }

    #[test]
    fn control_c_interrupts_and_the_second_one_does_not_wait() {
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        let mut view = running();
        press(&mut view, "r1");
        assert_eq!(view.handle_key(control_c), Some(Wish::Order(Order::Interrupt)));
        assert_eq!(view.handle_key(control_c), Some(Wish::Leave));
        // Before there is a load, there is nothing else to be told.
        assert_eq!(press(&mut View::default(), "+pshq"), [Wish::Order(Order::Interrupt)]);
    }
}
