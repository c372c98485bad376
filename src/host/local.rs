//! The machine that we run on: its processors and memory, and what of them is ours.
//!
//! A load generator that is itself out of breath measures itself. This is a shell: it reads the operating system's
//! counters, and what is worth a test is done elsewhere.

use std::time::Duration;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

use super::LocalLoad;
use crate::units::{Percent, Time};

/// Reads [`LocalLoad`]s at a bounded rate.
#[derive(Debug)]
pub struct Local {
    /// `None` on an operating system that cannot be read: nothing is told then.
    system: Option<System>,
    own: Option<Pid>,
    every: Duration,
    due: Option<Time>,
}

impl Local {
    /// The kernel's counters move in steps of 10 ms: a shorter time between readings would tell little.
    pub const SHORTEST: Duration = Duration::from_secs(1);

    /// Every so often, but no more often than [`Local::SHORTEST`].
    pub fn every(every: Duration) -> Local {
        Local {
            system: System::new().ok(),
            own: sysinfo::get_current_pid().ok(),
            every: every.max(Self::SHORTEST),
            due: None,
        }
    }

    /// When [`Local::read`] has something to tell next; `None` before its first call.
    pub fn due(&self) -> Option<Time> {
        self.due
    }

    /// The load since the last reading; `None` where it is too early for one, as at the first.
    ///
    /// Takes well under a millisecond.
    pub fn read(&mut self, now: Time) -> Option<LocalLoad> {
        if self.due.is_some_and(|due| now < due) {
            return None;
        }
        let first = self.due.is_none();
        self.due = Some(now + self.every);
        let system = self.system.as_mut()?;
        system.refresh_cpu_usage();
        system.refresh_memory();
        if let Some(own) = self.own {
            let what = ProcessRefreshKind::nothing().without_tasks().with_cpu().with_memory();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, what);
        }
        let own = self.own.and_then(|own| system.process(own));
        (!first).then(|| load(now, system, own))
    }
}

fn load(now: Time, system: &System, own: Option<&Process>) -> LocalLoad {
    let processors = system.cpus().len().max(1);
    // A process is told in percent of one processor.
    let own_cpu = own.map_or(0.0, |own| f64::from(own.cpu_usage())) / processors as f64;
    LocalLoad {
        at: now,
        idle_cpu: Percent((100.0 - f64::from(system.global_cpu_usage())).clamp(0.0, 100.0)),
        own_cpu: Percent(own_cpu.clamp(0.0, 100.0)),
        processors,
        memory: system.total_memory(),
        free_memory: system.available_memory(),
        own_memory: own.map_or(0, |own| own.memory()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_processors_and_memory_and_we_hold_some_of_it() {
        let at = |ms: u64| Time::from_micros(ms * 1_000);
        let mut local = Local::every(Duration::from_secs(2));
        assert_eq!(local.read(at(0)), None);
        assert_eq!((local.read(at(1_999)), local.due()), (None, Some(at(2_000))));
        let load = local.read(at(2_000)).unwrap();
        assert!(load.processors >= 1 && load.free_memory <= load.memory, "{load:?}");
        assert!(load.own_memory > 100_000 && load.own_memory < load.memory, "{load:?}");
        assert!((0.0..=100.0).contains(&load.idle_cpu.0) && (0.0..=100.0).contains(&load.own_cpu.0), "{load:?}");
    }
}
