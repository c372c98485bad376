//! What is to happen later: `sched_hangup`, `sched_api`, and the heartbeat.

use std::time::Duration;

use crate::call::HangupCause;
use crate::units::Time;

use super::api::Caller;
use super::config::IMITATED_FULL_VERSION;
use super::core::{SwitchCore, Task, Timer};
use super::events::origin;
use super::settings::IDLE_CPU;

/// One task of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// The heartbeat's task in FreeSWITCH, and the first one that a command gets (2 is its check of addresses).
const HEARTBEAT_TASK: u64 = 1;
const FIRST_TASK: u64 = 3;

/// Something that is to happen.
#[derive(Clone, Debug)]
pub struct Scheduled {
    /// `Task-Group`: a session, or a name of the user's.
    pub group: String,
    pub what: What,
    /// Whole seconds since the epoch.
    pub runtime: u64,
}

/// What is to happen.
#[derive(Clone, Debug)]
pub enum What {
    Hangup { uuid: String, cause: HangupCause },
    Api { command: String, every: Option<Duration> },
}

impl What {
    /// `Task-Desc`.
    fn description(&self) -> &'static str {
        match self {
            What::Hangup { .. } => "switch_ivr_schedule_hangup",
            What::Api { .. } => "sched_api_function",
        }
    }
}

impl SwitchCore {
    /// Puts a task on the list. It runs at a whole second after `at`, or now.
    pub(super) fn schedule(&mut self, at: Time, group: &str, what: What) -> TaskId {
        let id = TaskId(self.scheduled.keys().next_back().map_or(FIRST_TASK, |last| last.0 + 1));
        let runtime = at.as_micros() / 1_000_000;
        self.scheduled.insert(id, Scheduled { group: group.to_owned(), what, runtime });
        self.at(at.max(self.now), Timer::Scheduled(id));
        self.later(Task::TellScheduled(id));
        id
    }

    /// ADD_SCHEDULE, which FreeSWITCH's scheduler sends after the command is done.
    pub(super) fn tell_scheduled(&mut self, id: TaskId) {
        self.fire_schedule("ADD_SCHEDULE", origin::ADD_SCHEDULE, id);
    }

    pub(super) fn run_scheduled(&mut self, id: TaskId) {
        let Some(scheduled) = self.scheduled.get(&id).cloned() else { return };
        match &scheduled.what {
            What::Hangup { uuid, cause } => {
                if let Some(key) = self.key_of(uuid) {
                    self.hangup(key, cause.clone());
                }
            }
            What::Api { command, every } => {
                let call = self.begin_api(Caller::Scheduler, command);
                self.call_api(call);
                if let Some(every) = every {
                    let at = self.now + *every;
                    if let Some(scheduled) = self.scheduled.get_mut(&id) {
                        scheduled.runtime = at.as_micros() / 1_000_000;
                    }
                    self.at(at, Timer::Scheduled(id));
                    self.fire_schedule("RE_SCHEDULE", origin::RE_SCHEDULE, id);
                    return;
                }
            }
        }
        self.fire_schedule("DEL_SCHEDULE", origin::DEL_SCHEDULE, id);
        self.scheduled.remove(&id);
    }

    /// Takes a task, or all of a group, off the list; gives how many.
    pub(super) fn unschedule(&mut self, name: &str) -> usize {
        let number = name.parse().ok().map(TaskId);
        let named = self.scheduled.iter().filter(|(id, s)| Some(**id) == number || s.group == name);
        let named: Vec<TaskId> = named.map(|(id, _)| *id).collect();
        for id in &named {
            self.fire_schedule("DEL_SCHEDULE", origin::DEL_SCHEDULE, *id);
            self.scheduled.remove(id);
            self.forget(|timer| *timer == Timer::Scheduled(*id));
        }
        named.len()
    }

    fn fire_schedule(&mut self, name: &'static str, from: super::events::Origin, id: TaskId) {
        let Some(scheduled) = self.scheduled.get(&id) else { return };
        let (number, runtime) = (id.0.to_string(), scheduled.runtime.to_string());
        let (description, group) = (scheduled.what.description(), scheduled.group.clone());
        let headers = [
            ("Task-ID", number.as_str()),
            ("Task-Desc", description),
            ("Task-Group", group.as_str()),
            ("Task-Runtime", runtime.as_str()),
        ];
        self.fire_plain(name, from, &headers);
    }

    pub(super) fn start_heartbeat(&mut self) {
        if let Some(every) = self.config.heartbeat {
            self.after(every, Timer::Heartbeat);
        }
    }

    pub(super) fn heartbeat(&mut self) {
        let Some(every) = self.config.heartbeat else { return };
        let now = self.now;
        self.roll_rate();
        let settings = &self.settings;
        let rate = &settings.rate;
        let values = [
            ("Event-Info", "System Ready".to_owned()),
            ("Up-Time", settings.uptime(now)),
            ("FreeSWITCH-Version", IMITATED_FULL_VERSION.to_owned()),
            ("Uptime-msec", settings.up(now).as_millis().to_string()),
            ("Session-Count", self.taken().to_string()),
            ("Max-Sessions", settings.max_sessions.to_string()),
            ("Session-Per-Sec", rate.left().to_string()),
            ("Session-Per-Sec-Last", rate.last().to_string()),
            ("Session-Per-Sec-Max", rate.peak().to_string()),
            ("Session-Per-Sec-FiveMin", rate.recent_peak().to_string()),
            ("Session-Since-Startup", self.sessions.to_string()),
            ("Session-Peak-Max", rate.sessions_peak().to_string()),
            ("Session-Peak-FiveMin", rate.recent_sessions_peak().to_string()),
            ("Idle-CPU", format!("{IDLE_CPU:.6}")),
        ];
        let headers: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.fire_plain("HEARTBEAT", origin::HEARTBEAT, &headers);
        let (task, runtime) = (HEARTBEAT_TASK.to_string(), ((now + every).as_micros() / 1_000_000).to_string());
        let headers = [
            ("Task-ID", task.as_str()),
            ("Task-Desc", "heartbeat"),
            ("Task-Group", "core"),
            ("Task-Runtime", runtime.as_str()),
        ];
        self.fire_plain("RE_SCHEDULE", origin::RE_SCHEDULE, &headers);
        self.after(every, Timer::Heartbeat);
    }

    /// When `text` says: `+SECONDS` from now, `@SECONDS` again and again, or a second since the epoch.
    pub(super) fn when(&self, text: &str) -> (Time, Option<Duration>) {
        let number = |text: &str| {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u64>().unwrap_or(0)
        };
        match (text.strip_prefix('+'), text.strip_prefix('@')) {
            (Some(seconds), _) => (self.now + Duration::from_secs(number(seconds)), None),
            (_, Some(seconds)) => {
                let every = Duration::from_secs(number(seconds).max(1));
                (self.now + every, Some(every))
            }
            _ => (Time::from_micros(number(text).saturating_mul(1_000_000)), None),
        }
    }
}
