//! The variables that a hung up channel gets: stamps, epochs and durations (`switch_channel_set_timestamps`).

use crate::units::Time;

use super::channel::Channel;
use super::events::EventSource;

/// Sets `digits_dialed`, `start_stamp` and the others, in FreeSWITCH's order.
pub fn set_stamps(channel: &mut Channel, source: &EventSource) {
    let Some(profile) = &channel.profile else { return };
    let caller_id = if profile.caller_id_name.is_empty() {
        profile.caller_id_number.clone()
    } else {
        format!("\"{}\" <{}>", profile.caller_id_name, profile.caller_id_number)
    };
    let (times, profile_created) = (channel.times, profile.created);
    let hungup = times.hungup.unwrap_or(times.created);
    let dialed = if channel.dialed.is_empty() { "none" } else { &channel.dialed };
    let variables = &mut channel.variables;

    variables.set("digits_dialed", dialed);
    let stamps = [
        ("start_stamp", Some(times.created)),
        ("profile_start_stamp", Some(profile_created)),
        ("answer_stamp", times.answered),
        ("bridge_stamp", times.bridged),
        ("progress_stamp", times.progress),
        ("progress_media_stamp", times.progress_media),
        ("end_stamp", Some(hungup)),
    ];
    for (name, time) in stamps {
        if let Some(time) = time {
            variables.set(name, source.local(time));
        }
    }

    let held = times.held.as_micros();
    let never = None;
    let epochs = [
        ("start", Some(times.created)),
        ("profile_start", Some(profile_created)),
        ("answer", times.answered),
        ("bridge", times.bridged),
        ("last_hold", times.last_hold),
    ];
    for (name, time) in epochs {
        set_epochs(variables, name, time);
    }
    variables.set("hold_accum_seconds", (held / 1_000_000).to_string());
    variables.set("hold_accum_usec", held.to_string());
    variables.set("hold_accum_ms", (held / 1_000).to_string());
    let epochs = [
        ("resurrect", never),
        ("progress", times.progress),
        ("progress_media", times.progress_media),
        ("end", Some(hungup)),
    ];
    for (name, time) in epochs {
        set_epochs(variables, name, time);
    }

    if let Some((application, argument)) = &channel.last_application {
        variables.set("last_app", application.as_str());
        variables.set("last_arg", argument.as_str());
    }
    variables.set("caller_id", caller_id);

    // Each in whole seconds, milliseconds and microseconds; the first two are differences of rounded stamps.
    let since_start = |time: Option<Time>| time.map(|time| (times.created, time));
    let spans = [
        ("duration", Some((times.created, hungup))),
        ("bill", times.answered.map(|answered| (answered, hungup))),
        ("progress", since_start(times.progress)),
        ("answer", since_start(times.answered)),
        ("wait", None),
        ("progress_media", since_start(times.progress_media)),
        ("flow_bill", times.answered.map(|_| (times.created, hungup))),
    ];
    for (unit, micros) in [("", 1_000_000), ("m", 1_000), ("u", 1)] {
        for (name, span) in spans {
            let length =
                span.map_or(0, |(from, to)| (to.as_micros() / micros).saturating_sub(from.as_micros() / micros));
            let name = match name {
                "duration" => format!("{unit}duration"),
                _ => format!("{name}{unit}sec"),
            };
            variables.set(&name, length.to_string());
        }
    }
}

fn set_epochs(variables: &mut super::variables::Variables, name: &str, time: Option<Time>) {
    let micros = time.map_or(0, Time::as_micros);
    variables.set(&format!("{name}_epoch"), (micros / 1_000_000).to_string());
    variables.set(&format!("{name}_uepoch"), micros.to_string());
}
