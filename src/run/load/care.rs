//! The hosts of a load beside its calls: limits raised before it and put back after it, and how they fare meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use super::super::core::RunOutput;
use super::Around;
use crate::esl::{Command, Reply};
use crate::host::settings::{Change, Restore, Setting, Value};
use crate::host::{HostStats, Request, Settings, StatsPace, Token};
use crate::place::Place;
use crate::units::Time;
use crate::verdict::{CheckReport, Verdict};

/// The hosts of a load, by their places in the run.
#[derive(Debug)]
pub(super) struct Care {
    wanted: Settings,
    hosts: HashMap<usize, HostCare>,
    asked: HashMap<Token, (usize, Ask)>,
    /// Until when the beginning, or the end, waits for hosts.
    wait: Option<Time>,
    /// From when calls may be offered, once every host is as wanted.
    settled: Time,
    ready: bool,
    problems: Vec<(usize, String)>,
}

#[derive(Debug, Default)]
struct HostCare {
    present: Vec<Value>,
    /// Questions and commands that were not answered.
    open: usize,
    restore: Restore,
    pace: StatsPace,
}

/// What a command was for.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Question(Setting),
    Set(Value),
    Restore(Value),
    Stats,
}

/// How long a host may take to tell and to change its settings.
const PATIENCE: Duration = Duration::from_secs(5);

/// FreeSWITCH counts sessions in beats of a second, and a limit holds from the next beat.
const BEAT: Duration = Duration::from_millis(1_100);

impl Care {
    pub fn new(wanted: Settings, hosts: &[usize]) -> Care {
        Care {
            wanted,
            hosts: hosts.iter().map(|host| (*host, HostCare::default())).collect(),
            asked: HashMap::new(),
            wait: None,
            settled: Time::default(),
            ready: false,
            problems: Vec::new(),
        }
    }

    /// Asks each host what it is set to, where something is to be changed.
    pub fn begin(&mut self, now: Time, around: &mut Around<'_>) {
        self.wait = Some(now + PATIENCE);
        for host in self.places() {
            for setting in self.wanted.questions() {
                self.ask(host, setting.question(), Ask::Question(setting), around);
            }
        }
    }

    /// Whether calls may be offered: every host is as wanted, or will not become so.
    pub fn is_ready(&mut self, now: Time) -> bool {
        self.ready = self.ready || self.has_no_more_to_wait_for(now) && self.settled <= now;
        self.ready
    }

    /// Puts everything back that was changed.
    pub fn restore(&mut self, now: Time, around: &mut Around<'_>) {
        self.wait = Some(now + PATIENCE);
        for host in self.places() {
            let Some(care) = self.hosts.get_mut(&host) else { continue };
            let restore = std::mem::take(&mut care.restore);
            if !around.hosts[host].is_up() && !restore.is_empty() {
                self.problems.push((host, format!("it is away and was left with {}", self.wanted)));
                continue;
            }
            for value in restore.values() {
                self.ask(host, value.command(), Ask::Restore(*value), around);
            }
        }
    }

    /// Whether everything was put back, or cannot be.
    pub fn is_restored(&mut self, now: Time) -> bool {
        self.has_no_more_to_wait_for(now)
    }

    /// Whether all was answered. What was not within the time there is for it counts as lost, and is told.
    fn has_no_more_to_wait_for(&mut self, now: Time) -> bool {
        let late = self.wait.is_some_and(|until| now >= until);
        for host in self.places().into_iter().filter(|_| late) {
            let Some(care) = self.hosts.get_mut(&host).filter(|care| care.open > 0) else { continue };
            care.open = 0;
            self.problems.push((host, "it does not answer".to_owned()));
        }
        self.hosts.values().all(|care| care.open == 0)
    }

    pub fn host_lost(&mut self, host: usize) {
        self.asked.retain(|_, (of, _)| *of != host);
        if let Some(care) = self.hosts.get_mut(&host) {
            if std::mem::take(&mut care.open) > 0 {
                self.problems.push((host, "it was lost before it answered".to_owned()));
            }
            care.pace.handle_lost();
        }
    }

    /// When time alone makes a difference to settings.
    pub fn poll_timeout(&self) -> Option<Time> {
        let open = self.hosts.values().any(|care| care.open > 0);
        let settled = (!self.ready && !open).then_some(self.settled);
        settled.into_iter().chain(self.wait.filter(|_| open)).min()
    }

    /// When [`Care::look`] is due.
    pub fn next_look(&self) -> Option<Time> {
        self.hosts.values().filter_map(|care| care.pace.poll_timeout()).min()
    }

    /// Asks the hosts that are there how they fare, as far as it is time.
    pub fn look(&mut self, now: Time, around: &mut Around<'_>) {
        let is_due = |care: &HostCare| care.pace.poll_timeout().is_some_and(|at| at <= now);
        if !self.hosts.values().any(is_due) {
            return;
        }
        for host in self.places() {
            let Some(command) = self.hosts.get_mut(&host).and_then(|care| care.pace.handle_timeout(now)) else {
                continue;
            };
            match around.hosts[host].is_up() {
                true => self.ask(host, command, Ask::Stats, around),
                // It may be back the next time.
                false => self.host_lost(host),
            }
        }
    }

    /// Takes the reply to a command, if it is one of these; gives what a host told of itself.
    pub fn handle_reply(
        &mut self,
        now: Time,
        token: Token,
        reply: &Reply,
        around: &mut Around<'_>,
    ) -> Option<(usize, HostStats)> {
        let (host, ask) = self.asked.remove(&token)?;
        let care = self.hosts.get_mut(&host)?;
        let text = reply.text.as_str();
        match ask {
            Ask::Stats => {
                care.pace.handle_answer();
                return Some((host, HostStats::parse(now, text).ok()?));
            }
            Ask::Question(setting) => {
                care.open = care.open.saturating_sub(1);
                match setting.parse(text) {
                    Ok(value) => care.present.push(value),
                    Err(error) => self.problems.push((host, error.to_string())),
                }
                if self.hosts.get(&host).is_some_and(|care| care.open == 0) {
                    self.change(host, around);
                }
            }
            Ask::Set(value) | Ask::Restore(value) => {
                care.open = care.open.saturating_sub(1);
                if let Err(error) = value.confirm(text) {
                    self.problems.push((host, error.to_string()));
                }
                self.settled = self.settled.max(now + BEAT);
            }
        }
        None
    }

    /// What could not be set or put back: errors, as the load was not what was asked for, or the host is not as it was.
    pub fn checks(&self, place: &Place, name: impl Fn(usize) -> String) -> Vec<CheckReport> {
        let check = |(host, problem): &(usize, String)| CheckReport {
            name: format!("settings of {}", name(*host)),
            place: Some(place.clone()),
            verdict: Verdict::Error,
            expected: format!("{} for the load, and what it was after it", self.wanted),
            actual: problem.clone(),
            help: "`load: { host }` sets them; `fsctl` on the host shows and changes them by hand".to_owned(),
            passages: Vec::new(),
        };
        self.problems.iter().map(check).collect()
    }

    /// Sets what is not as wanted on a host that has told what it is.
    fn change(&mut self, host: usize, around: &mut Around<'_>) {
        let Some(care) = self.hosts.get_mut(&host) else { return };
        let Change { set, restore, unknown } = self.wanted.change(&care.present);
        care.restore = restore;
        for setting in unknown {
            self.problems.push((host, format!("{setting} was left alone: what it is could not be found out")));
        }
        for value in set {
            self.ask(host, value.command(), Ask::Set(value), around);
        }
    }

    fn ask(&mut self, host: usize, command: Command, ask: Ask, around: &mut Around<'_>) {
        let token = around.calls.token();
        if let (Some(care), false) = (self.hosts.get_mut(&host), matches!(ask, Ask::Stats)) {
            care.open += 1;
        }
        self.asked.insert(token, (host, ask));
        around.outputs.push_back(RunOutput::Request { host, request: Request::Command { token, command } });
    }

    fn places(&self) -> Vec<usize> {
        let mut places: Vec<usize> = self.hosts.keys().copied().collect();
        places.sort_unstable();
        places
    }
}
