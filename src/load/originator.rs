//! Offers calls: when, which, and on which host; and ends.

use std::time::Duration;

use super::hosts::Hosts;
use super::mix::Mix;
use super::pacer::{Due, Pacer};
use super::profile::Profile;
use super::slice::Slice;
use crate::units::{Cps, Time};

/// Offers calls as its profile and mix say, within limits, until its time is over or enough were offered. Calls that
/// are up then may come to their end; what is left after that is to be hung up.
///
/// Polled until there is no step, after each input and whenever [`poll_timeout`](Originator::poll_timeout) is over.
#[derive(Clone, Debug)]
pub struct Originator {
    state: State,
    profile: Profile,
    /// Which of the calls it offers.
    slice: Slice,
    limits: Limits,
    mix: Mix,
    hosts: Hosts,
    /// From [`start`](Originator::start) on.
    pacer: Option<Pacer>,
    /// A rate that was set before.
    rate: Option<Cps>,
    tally: Tally,
}

/// Where an [`Originator`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not started.
    Initial,
    /// Offers calls, or is paused.
    Originating,
    /// Offers no more.
    Stopped(Draining),
}

/// What becomes of the calls that are up when no more are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draining {
    /// They have time until then.
    Until(Time),
    /// That is over: what is left was to be hung up.
    HungUp,
    /// None is left.
    Over,
}

/// Limits of an [`Originator`]; without one there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Calls at once (Erlangs). At the limit a call that is due is skipped.
    pub calls: Option<u32>,
    /// Calls in all; those that were skipped do not count.
    pub max_offered: Option<u64>,
    /// How long calls are offered, pauses apart. A profile of stages ends by itself.
    pub duration: Option<Duration>,
    /// How long the calls that are up may take after that.
    pub drain: Duration,
}

/// What an [`Originator`] wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A call is to be made: entry `entry` of the mix on host `host`. Its end is told by [`Originator::ended`].
    Offer { index: u64, due: Time, entry: usize, host: usize },
    /// A call that was due is not made.
    Skip { index: u64, due: Time, why: Skip },
    /// The calls that are still up had their time: they are to be hung up. Told once.
    HangUp,
    /// No call is up, and none will be offered. Told once, and last.
    Stopped,
}

/// Why a call that was due is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// As many calls as there may be are up.
    AtLimit,
    /// No host is there, or none has room.
    NoHost,
}

/// What an [`Originator`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub offered: u64,
    /// Skipped because of [`Skip::AtLimit`].
    pub at_limit: u64,
    /// Skipped because of [`Skip::NoHost`].
    pub no_host: u64,
    /// The longest time from when a call was due to when it was offered or skipped.
    pub latest: Duration,
    /// Those times together; by the number of calls it is their mean.
    pub late: Duration,
}

impl Tally {
    pub fn skipped(&self) -> u64 {
        self.at_limit + self.no_host
    }
}

impl Limits {
    /// No limit but `drain`.
    pub fn draining(drain: Duration) -> Self {
        Limits { calls: None, max_offered: None, duration: None, drain }
    }
}

/// The talk time with which `rate` brings `limit` calls up at once, and 5 s to spare.
///
/// By Little's law as many calls are up as are offered in the time that one takes.
pub fn auto_duration(limit: u32, rate: Cps) -> Duration {
    let time = Duration::try_from_secs_f64(f64::from(limit) / rate.0).unwrap_or(Duration::MAX);
    time.saturating_add(Duration::from_secs(5))
}

impl Originator {
    pub fn new(profile: Profile, mix: Mix, limits: Limits) -> Self {
        Originator {
            state: State::Initial,
            profile,
            slice: Slice::WHOLE,
            limits,
            mix,
            hosts: Hosts::default(),
            pacer: None,
            rate: None,
            tally: Tally::default(),
        }
    }

    /// The same for one slice of the calls. The limits are what they are for all slices together, and each has its share.
    pub fn sliced(mut self, slice: Slice) -> Self {
        let share = |limit: u32| u32::try_from(slice.share(u64::from(limit))).unwrap_or(limit);
        self.limits.calls = self.limits.calls.map(share);
        self.limits.max_offered = self.limits.max_offered.map(|calls| slice.share(calls));
        self.mix.advance(slice.first());
        Originator { slice, ..self }
    }

    /// The first call is due at `now`. A second start is none.
    pub fn start(&mut self, now: Time) {
        if self.state == State::Initial {
            let profile = self.rate.map_or_else(|| self.profile.clone(), Profile::constant);
            self.pacer = Some(Pacer::of(self.slice, profile, now));
            self.state = State::Originating;
        }
    }

    /// What is to be done next at `now`; `None`: nothing until the next input or timeout.
    pub fn poll(&mut self, now: Time) -> Option<Step> {
        match self.state {
            State::Initial | State::Stopped(Draining::Over) => None,
            State::Originating => match self.due(now) {
                Some(Due { index, due }) => Some(self.offer(now, index, due)),
                None if self.is_enough(now) => {
                    self.stop(now);
                    self.poll(now)
                }
                None => None,
            },
            State::Stopped(_) if self.hosts.active() == 0 => {
                self.state = State::Stopped(Draining::Over);
                Some(Step::Stopped)
            }
            State::Stopped(Draining::Until(until)) if until <= now => {
                self.state = State::Stopped(Draining::HungUp);
                Some(Step::HangUp)
            }
            State::Stopped(Draining::Until(_) | Draining::HungUp) => None,
        }
    }

    /// When to poll again without an input; `None`: not before one.
    pub fn poll_timeout(&self) -> Option<Time> {
        match self.state {
            State::Originating => {
                let pacer = self.pacer.as_ref()?;
                let next = pacer.next_due();
                let end = self.length().and_then(|length| pacer.time_of(length));
                next.into_iter().chain(end).min()
            }
            State::Stopped(Draining::Until(until)) if self.hosts.active() > 0 => Some(until),
            State::Initial | State::Stopped(_) => None,
        }
    }

    /// A call that was offered to `host` is over, or never came to be.
    pub fn ended(&mut self, host: usize) {
        self.hosts.ended(host);
    }

    /// `host` may be offered calls, `capacity` at once; `None`: any number.
    pub fn host_up(&mut self, host: usize, capacity: Option<u32>) {
        self.hosts.up(host, capacity);
    }

    /// `host` is offered no more calls. Those it had are up until they are told to have [`ended`](Originator::ended).
    pub fn host_lost(&mut self, host: usize) {
        self.hosts.lost(host);
    }

    /// From `now` on this rate, in place of the profile. The time to offer calls stays as it was.
    pub fn set_rate(&mut self, now: Time, rate: Cps) {
        match &mut self.pacer {
            Some(pacer) => pacer.set_rate(now, rate),
            None => self.rate = Some(rate),
        }
    }

    /// Calls at once. Those above a lower limit go on.
    pub fn set_limit(&mut self, calls: Option<u32>) {
        self.limits.calls = calls;
    }

    /// Calls in all.
    pub fn set_max_offered(&mut self, calls: Option<u64>) {
        self.limits.max_offered = calls;
    }

    /// How long calls are offered in all, from the start, pauses apart.
    pub fn set_duration(&mut self, duration: Option<Duration>) {
        self.limits.duration = duration;
    }

    /// What entry `entry` of the mix weighs.
    pub fn set_weight(&mut self, entry: usize, weight: u64) {
        self.mix.set_weight(entry, weight);
    }

    /// Offers nothing until [`resume`](Originator::resume). The time to offer calls stands still.
    pub fn pause(&mut self, now: Time) {
        if let Some(pacer) = &mut self.pacer {
            pacer.pause(now);
        }
    }

    pub fn resume(&mut self, now: Time) {
        if let Some(pacer) = &mut self.pacer {
            pacer.resume(now);
        }
    }

    /// Offers no more; calls that are up may come to their end.
    pub fn stop(&mut self, now: Time) {
        if !matches!(self.state, State::Stopped(_)) {
            self.state = State::Stopped(Draining::Until(now + self.limits.drain));
        }
    }

    /// Offers no more, and the calls that are up have no more time.
    pub fn hang_up(&mut self, now: Time) {
        if !matches!(self.state, State::Stopped(Draining::HungUp | Draining::Over)) {
            self.state = State::Stopped(Draining::Until(now));
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn is_paused(&self) -> bool {
        self.pacer.as_ref().is_some_and(Pacer::is_paused)
    }

    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Calls at once, of all hosts.
    pub fn active(&self) -> u64 {
        self.hosts.active()
    }

    /// Calls at once of `host`.
    pub fn active_on(&self, host: usize) -> u64 {
        self.hosts.active_on(host)
    }

    /// Calls that `host` was offered.
    pub fn offered_to(&self, host: usize) -> u64 {
        self.hosts.offered_to(host)
    }

    /// The rate that is asked for at `now`; 0 before the start and after the end.
    pub fn rate(&self, now: Time) -> Cps {
        match (&self.pacer, self.state) {
            (Some(pacer), State::Originating) => pacer.rate(now),
            _ => Cps(0.0),
        }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How long calls are offered.
    fn length(&self) -> Option<Duration> {
        self.limits.duration.or(self.profile.ends())
    }

    /// The next call, if it is due at `now` and falls into the time to offer calls.
    fn due(&mut self, now: Time) -> Option<Due> {
        if self.limits.max_offered.is_some_and(|most| self.tally.offered >= most) {
            return None;
        }
        let end = self.length();
        let pacer = self.pacer.as_mut()?;
        let next = pacer.next_due()?;
        // A call of the very end belongs to the time after it.
        if end.is_some_and(|end| pacer.clock(next) >= end) {
            return None;
        }
        pacer.take(now)
    }

    /// Whether no more calls are to be offered.
    fn is_enough(&self, now: Time) -> bool {
        let Some(pacer) = &self.pacer else { return false };
        self.limits.max_offered.is_some_and(|most| self.tally.offered >= most)
            || self.length().is_some_and(|length| !pacer.is_paused() && pacer.clock(now) >= length)
    }

    fn offer(&mut self, now: Time, index: u64, due: Time) -> Step {
        let late = now.since(due);
        self.tally.latest = self.tally.latest.max(late);
        self.tally.late = self.tally.late.saturating_add(late);
        if self.limits.calls.is_some_and(|most| self.hosts.active() >= u64::from(most)) {
            self.tally.at_limit += 1;
            return Step::Skip { index, due, why: Skip::AtLimit };
        }
        // A mix in which nothing weighs anything has no call for any host.
        let Some((host, entry)) = self.hosts.choose().and_then(|host| Some((host, self.mix.pick()?))) else {
            self.tally.no_host += 1;
            return Step::Skip { index, due, why: Skip::NoHost };
        };
        // Those of the calls between, which other slices make.
        self.mix.advance(self.slice.step() - 1);
        self.hosts.offer(host);
        self.tally.offered += 1;
        Step::Offer { index, due, entry, host }
    }
}

#[cfg(test)]
mod tests;
