//! `status`.

use super::super::config::{IMITATED_COMMIT, IMITATED_VERSION};
use super::super::core::SwitchCore;
use super::super::settings::IDLE_CPU;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "status", run };

pub(super) fn run(core: &mut SwitchCore, _: &str) -> ApiWait {
    core.roll_rate();
    let settings = &core.settings;
    let rate = &settings.rate;
    // The stack reads as on an idle machine.
    format!(
        "UP {}\nFreeSWITCH (Version {IMITATED_VERSION} {IMITATED_COMMIT}) is {}\n{} session(s) since startup\n\
         {} session(s) - peak {}, last 5min {} \n\
         {} session(s) per Sec out of max {}, peak {}, last 5min {} \n\
         {} session(s) max\nmin idle cpu {:.2}/{IDLE_CPU:.2}\nCurrent Stack Size/Max 240K/8192K\n",
        settings.uptime(core.now),
        if settings.paused.is_whole() { "not ready" } else { "ready" },
        core.sessions,
        core.taken(),
        rate.sessions_peak(),
        rate.recent_sessions_peak(),
        rate.last(),
        rate.limit(),
        rate.peak(),
        rate.recent_peak(),
        settings.max_sessions.cast_signed(),
        settings.min_idle_cpu,
    )
    .into()
}
