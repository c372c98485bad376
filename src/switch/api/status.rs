//! `status`.

use super::super::config::{IMITATED_COMMIT, IMITATED_VERSION};
use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "status", run };

fn run(core: &mut SwitchCore, _: &str) -> ApiWait {
    let now = core.now;
    let (recent_rate, recent_sessions) = core.settings.recent_peaks(now);
    let settings = &mut core.settings;
    let rate = settings.rate(now);
    // Idle CPU and stack are not measured here: they read as on an idle machine.
    format!(
        "UP {}\nFreeSWITCH (Version {IMITATED_VERSION} {IMITATED_COMMIT}) is ready\n{} session(s) since startup\n\
         {} session(s) - peak {}, last 5min {recent_sessions} \n\
         {rate} session(s) per Sec out of max {}, peak {}, last 5min {recent_rate} \n\
         {} session(s) max\nmin idle cpu 0.00/100.00\nCurrent Stack Size/Max 240K/8192K\n",
        settings.uptime(now),
        core.sessions,
        core.channels.len(),
        settings.peak,
        settings.sessions_per_second,
        settings.peak_rate,
        settings.max_sessions,
    )
    .into()
}
