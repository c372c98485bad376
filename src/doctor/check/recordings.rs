//! Whether the host records, whether we get at it, and whether it is what was played.

use std::time::Duration;

use super::super::{Facts, Finding};
use crate::audio::level::level;
use crate::audio::wav::Wav;
use crate::units::human;

const NAME: &str = "recordings";
/// Of the second that is recorded, at least so much must be there: FreeSWITCH loses some 300 ms at the start.
const LEAST: Duration = Duration::from_millis(400);
/// The probe's tone has 0 dBm0.
const QUIET: f64 = -40.0;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let (Some(call), Some(_)) = (&facts.call, facts.parked()) else { return Vec::new() };
    let Some(path) = &call.path else {
        return vec![Finding::problem(
            NAME,
            "it does not tell where it puts recordings",
            "<X-PRE-PROCESS cmd=\"set\" data=\"recordings_dir=/var/lib/freeswitch/recordings\"/> in vars.xml",
        )];
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if let Some(why) = &call.record_refused {
        return vec![Finding::problem(
            NAME,
            format!("it cannot record into {folder}: {why}"),
            format!("let the user that FreeSWITCH runs as write there: `chown freeswitch {folder}`; load mod_sndfile"),
        )];
    }
    match &call.recording {
        Some(Ok(wav)) => vec![of_wav(wav, folder)],
        Some(Err(why)) => vec![Finding::problem(
            NAME,
            why.clone(),
            format!(
                "three ways lead to a recording: run callwright on the host's machine as a user that may read {folder}; \
                 or share the folder and give --recordings {folder}=FOLDER; or let the event socket run `system` (no \
                 <param name=\"disable-system-api-commands\" value=\"true\"/> in switch.conf.xml)"
            ),
        )],
        None => Vec::new(),
    }
}

fn of_wav(wav: &Wav, folder: &str) -> Finding {
    let length = human(wav.duration());
    let heard = wav.channels.iter().filter_map(|pcm| level(pcm)).map(|level| level.0).fold(f64::NEG_INFINITY, f64::max);
    if let Some(repaired) = &wav.repaired {
        Finding::problem(
            NAME,
            format!("the recording came here broken: {repaired}"),
            "see that the host's disk is not full",
        )
    } else if wav.duration() < LEAST {
        Finding::problem(
            NAME,
            format!("of 1s that was recorded, {length} came here"),
            "see whether the host keeps up (`status`: idle CPU) and its disk is not full",
        )
    } else if heard < QUIET {
        Finding::problem(
            NAME,
            format!("the recording holds silence ({heard:.1} dBm0) where a tone was played: RTP does not get through"),
            "see rtp-ip of the profile, and open the RTP ports in the firewall",
        )
    } else {
        Finding::ok(NAME, format!("{length} recorded into {folder} came here, with the tone at {heard:.1} dBm0"))
    }
}
