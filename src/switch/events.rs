//! Events as FreeSWITCH builds them: its header names in its order.

use jiff::tz::TimeZone;

use crate::esl::Event;
use crate::units::Time;

use super::channel::{CallerProfile, Channel, Direction, OtherLeg, Times};
use super::config::SwitchConfig;
use crate::id::SessionId;

/// Where in FreeSWITCH's source an event is fired: `Event-Calling-File`, `-Function`, `-Line-Number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin(pub &'static str, pub &'static str, pub u32);

/// The places of version 1.10.12 that the captured streams name.
pub mod origin {
    use super::Origin;

    pub const OUTGOING: Origin = Origin("switch_core_session.c", "switch_core_session_outgoing_channel", 768);
    pub const STATE: Origin = Origin("switch_channel.c", "switch_channel_perform_set_running_state", 2408);
    pub const CREATE: Origin = Origin("switch_core_state_machine.c", "switch_core_session_run", 626);
    pub const ORIGINATE: Origin = Origin("switch_core_state_machine.c", "switch_core_session_run", 632);
    pub const READ_CODEC: Origin = Origin("switch_core_codec.c", "switch_core_session_set_real_read_codec", 168);
    pub const WRITE_CODEC: Origin = Origin("switch_core_codec.c", "switch_core_session_set_write_codec", 450);
    pub const CALL_STATE: Origin = Origin("switch_channel.c", "switch_channel_perform_set_callstate", 301);
    pub const EXECUTE: Origin = Origin("switch_core_session.c", "switch_core_session_exec", 2944);
    pub const EXECUTE_COMPLETE: Origin = Origin("switch_core_session.c", "switch_core_session_exec", 2967);
    pub const PARK: Origin = Origin("switch_ivr.c", "switch_ivr_park", 1002);
    pub const UNPARK: Origin = Origin("switch_ivr.c", "switch_ivr_park", 1213);
    pub const ANSWER: Origin = Origin("switch_channel.c", "switch_channel_perform_mark_answered", 3846);
    pub const PROGRESS: Origin = Origin("switch_channel.c", "switch_channel_perform_mark_ring_ready_value", 3505);
    pub const PROGRESS_MEDIA: Origin = Origin("switch_channel.c", "switch_channel_perform_mark_pre_answered", 3560);
    pub const CALL_UPDATE: Origin = Origin("switch_channel.c", "switch_channel_flip_cid", 3277);
    pub const PRIVATE_COMMAND: Origin = Origin("switch_ivr.c", "switch_ivr_parse_next_event", 804);
    pub const HANGUP: Origin = Origin("switch_channel.c", "switch_channel_perform_hangup", 3445);
    pub const HANGUP_COMPLETE: Origin =
        Origin("switch_core_state_machine.c", "switch_core_session_reporting_state", 943);
    pub const DESTROY: Origin = Origin("switch_core_session.c", "switch_core_session_perform_destroy", 1584);
    pub const PLAYBACK_START: Origin = Origin("switch_ivr_play_say.c", "switch_ivr_play_file", 1646);
    pub const PLAYBACK_STOP: Origin = Origin("switch_ivr_play_say.c", "switch_ivr_play_file", 2020);
    pub const DTMF: Origin = Origin("switch_channel.c", "switch_channel_dequeue_dtmf", 677);
    pub const DTMF_GENERATED: Origin = Origin("switch_ivr_async.c", "generate_on_dtmf", 3930);
    pub const BROADCAST: Origin = Origin("switch_ivr_async.c", "switch_ivr_broadcast", 5731);
    pub const RECORD_START: Origin = Origin("switch_ivr_async.c", "record_callback", 1481);
    pub const RECORD_STOP: Origin = Origin("switch_ivr_async.c", "send_record_stop_event", 1240);
    pub const MEDIA_BUG_START: Origin = Origin("switch_core_media_bug.c", "switch_core_media_bug_add", 1014);
    pub const MEDIA_BUG_STOP: Origin = Origin("switch_core_media_bug.c", "switch_core_media_bug_destroy", 84);
    pub const HOLD: Origin = Origin("switch_ivr.c", "switch_ivr_hold", 1558);
    pub const UNHOLD: Origin = Origin("switch_ivr.c", "switch_ivr_unhold", 1638);
    pub const MARK_HOLD: Origin = Origin("switch_channel.c", "switch_channel_mark_hold", 875);
    pub const REINVITE: Origin = Origin("sofia.c", "sofia_handle_sip_i_state", 8489);
    pub const NOTIFY_REFER: Origin = Origin("sofia.c", "sofia_handle_sip_i_notify", 630);
    pub const GATEWAY_STATE: Origin = Origin("sofia_reg.c", "sofia_reg_fire_custom_gateway_state_event", 171);
    pub const GATEWAY_DELETE: Origin = Origin("sofia_reg.c", "sofia_reg_check_gateway", 348);
    pub const BRIDGE: Origin = Origin("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", 1689);
    pub const UNBRIDGE: Origin = Origin("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", 1879);
    pub const DETECTED_TONE: Origin = Origin("switch_ivr_async.c", "tone_detect_callback", 4270);
    pub const API: Origin = Origin("switch_loadable_module.c", "switch_api_execute", 2954);
    pub const BACKGROUND_JOB: Origin = Origin("mod_event_socket.c", "api_exec", 1572);
    pub const ADD_SCHEDULE: Origin = Origin("switch_scheduler.c", "switch_scheduler_add_task_ex", 266);
    pub const DEL_SCHEDULE: Origin = Origin("switch_scheduler.c", "task_thread_loop", 151);
    pub const RE_SCHEDULE: Origin = Origin("switch_scheduler.c", "switch_scheduler_execute", 73);
    pub const HEARTBEAT: Origin = Origin("switch_core.c", "send_heartbeat", 95);
    pub const SENDEVENT: Origin = Origin("mod_event_socket.c", "parse_command", 2306);
    pub const BERT_TIMEOUT: Origin = Origin("mod_bert.c", "bert_test_function", 246);
    pub const BERT_LOST_SYNC: Origin = Origin("mod_bert.c", "bert_test_function", 294);
    pub const BERT_IN_SYNC: Origin = Origin("mod_bert.c", "bert_test_function", 313);
    pub const CONNECT: Origin = Origin("mod_event_socket.c", "parse_command", 2021);
    pub const INFO: Origin = Origin("mod_dptools.c", "info_function", 2143);
}

/// What an event about a channel takes, so that its buffers are made once.
const EVENT_BYTES: usize = 8 * 1024;
const EVENT_HEADERS: usize = 256;

/// Makes events: knows who the switch is and counts.
#[derive(Debug)]
pub struct EventSource {
    core_uuid: String,
    hostname: String,
    ipv4: String,
    ipv6: String,
    sequence: u64,
    zone: TimeZone,
    /// The last second that was formatted: most events share theirs.
    stamped: (u64, String, String),
}

impl EventSource {
    pub fn new(config: &SwitchConfig, core_uuid: String) -> Self {
        EventSource {
            core_uuid,
            hostname: config.hostname.clone(),
            ipv4: config.ipv4.clone(),
            ipv6: config.ipv6.clone(),
            sequence: 0,
            zone: config.time_zone.clone(),
            stamped: (u64::MAX, String::new(), String::new()),
        }
    }

    pub fn core_uuid(&self) -> &str {
        &self.core_uuid
    }

    /// Counts an event that nobody listens for.
    pub fn skip(&mut self) {
        self.sequence += 1;
    }

    /// An event with the headers that every event has.
    pub fn event(&mut self, now: Time, name: &str, from: Origin) -> Event {
        let mut event = Event::with_capacity(EVENT_BYTES, EVENT_HEADERS);
        self.stamp(&mut event, now, name, from);
        event
    }

    /// Adds the headers that every event has behind those that `event` has.
    pub fn stamp(&mut self, event: &mut Event, now: Time, name: &str, from: Origin) {
        self.sequence += 1;
        let seconds = now.as_micros() / 1_000_000;
        if self.stamped.0 != seconds {
            self.stamped = (seconds, local(now, &self.zone), gmt(now));
        }
        event.push("Event-Name", name);
        event.push("Core-UUID", &self.core_uuid);
        event.push("FreeSWITCH-Hostname", &self.hostname);
        event.push("FreeSWITCH-Switchname", &self.hostname);
        event.push("FreeSWITCH-IPv4", &self.ipv4);
        event.push("FreeSWITCH-IPv6", &self.ipv6);
        event.push("Event-Date-Local", &self.stamped.1);
        event.push("Event-Date-GMT", &self.stamped.2);
        event.push("Event-Date-Timestamp", now.as_micros());
        event.push("Event-Calling-File", from.0);
        event.push("Event-Calling-Function", from.1);
        event.push("Event-Calling-Line-Number", from.2);
        event.push("Event-Sequence", self.sequence);
    }

    /// `2026-11-22 19:47:20` in the switch's zone.
    pub fn local(&self, time: Time) -> String {
        local(time, &self.zone)
    }
}

/// Adds what FreeSWITCH adds about a channel (`switch_channel_event_set_data`): basic data, caller profile, variables.
pub fn push_channel(event: &mut Event, channel: &Channel) {
    push_basic_data(event, channel);
    for (name, value) in channel.variables.headers() {
        event.append(name, |text| text.push_str(value));
    }
}

/// The same without variables (`switch_channel_event_set_basic_data`).
pub fn push_basic_data(event: &mut Event, channel: &Channel) {
    push_basic(event, channel);
    if let Some(profile) = &channel.profile {
        let (direction, uuid, name, times) = (channel.direction, &channel.uuid, &channel.name, &channel.times);
        push_profile(event, &Described { prefix: CALLER, direction, logical: direction, uuid, name, profile, times });
    }
    if let Some(other) = &channel.other {
        let OtherLeg { role, uuid, name, direction, profile, times } = &**other;
        event.push("Other-Type", role.name());
        let (direction, logical) = (*direction, Direction::Inbound);
        push_profile(event, &Described { prefix: "Other-Leg", direction, logical, uuid, name, profile, times });
    }
}

/// Adds the caller profile of a channel once more, as the reply to `connect` has it in front of everything else.
pub fn push_own_profile(event: &mut Event, channel: &Channel) {
    if let Some(profile) = &channel.profile {
        let (direction, uuid, name, times) = (channel.direction, &channel.uuid, &channel.name, &channel.times);
        push_profile(event, &Described { prefix: CHANNEL, direction, logical: direction, uuid, name, profile, times });
    }
}

/// What the headers of a channel itself begin with.
const CALLER: &str = "Caller";
/// The same, to who controls it.
const CHANNEL: &str = "Channel";

fn push_basic(event: &mut Event, channel: &Channel) {
    event.push("Channel-State", channel.running.name());
    event.push("Channel-Call-State", channel.call_state.name());
    event.push("Channel-State-Number", channel.state.number());
    event.push("Channel-Name", &channel.name);
    event.push("Unique-ID", &channel.uuid);
    event.push("Call-Direction", channel.direction.name());
    event.push("Presence-Call-Direction", channel.direction.name());
    event.push("Channel-HIT-Dialplan", channel.hit_dialplan == super::channel::HitDialplan::Yes);
    event.push("Channel-Call-UUID", channel.variables.value("call_uuid").unwrap_or(channel.uuid.as_str()));
    event.push("Answer-State", channel.answer_state.name());
    if let Some(cause) = &channel.hangup_cause {
        event.push("Hangup-Cause", cause);
    }
    if let Some(codec) = channel.codec_shown {
        let read = ["Channel-Read-Codec-Name", "Channel-Read-Codec-Rate", "Channel-Read-Codec-Bit-Rate"];
        let write = ["Channel-Write-Codec-Name", "Channel-Write-Codec-Rate", "Channel-Write-Codec-Bit-Rate"];
        for [name, rate, bits] in [read, write] {
            event.push(name, codec.name());
            event.push(rate, "8000");
            event.push(bits, "64000");
        }
    }
}

/// Whose `Caller-*` or `Other-Leg-*` headers they are.
struct Described<'a> {
    prefix: &'a str,
    direction: Direction,
    /// Of an originatee it is its originator's.
    logical: Direction,
    uuid: &'a SessionId,
    name: &'a str,
    profile: &'a CallerProfile,
    times: &'a Times,
}

fn push_profile(event: &mut Event, described: &Described<'_>) {
    let Described { prefix, direction, logical, uuid, name, profile, times } = described;
    let mut push = |name: &str, value: &str| {
        event.push(&format!("{prefix}-{name}"), value);
    };
    push("Direction", direction.name());
    push("Logical-Direction", logical.name());
    let texts = [
        ("Username", &profile.username),
        ("Dialplan", &profile.dialplan),
        ("Caller-ID-Name", &profile.caller_id_name),
        ("Caller-ID-Number", &profile.caller_id_number),
        ("Orig-Caller-ID-Name", &profile.orig_caller_id_name),
        ("Orig-Caller-ID-Number", &profile.orig_caller_id_number),
        ("Callee-ID-Name", &profile.callee_id_name),
        ("Callee-ID-Number", &profile.callee_id_number),
        ("Network-Addr", &profile.network_addr),
        ("ANI", &profile.ani),
        ("Destination-Number", &profile.destination_number),
    ];
    for (name, text) in texts {
        if !text.is_empty() {
            push(name, text);
        }
    }
    push("Unique-ID", uuid.as_str());
    push("Source", &profile.source);
    push("Context", &profile.context);
    push("Channel-Name", name);
    if matches!(*prefix, CALLER | CHANNEL) {
        push("Profile-Index", "1");
    }
    let stamp = |time: Option<Time>| time.map_or(0, Time::as_micros);
    let stamps = [
        ("Profile-Created-Time", profile.created.as_micros()),
        ("Channel-Created-Time", times.created.as_micros()),
        ("Channel-Answered-Time", stamp(times.answered)),
        ("Channel-Progress-Time", stamp(times.progress)),
        ("Channel-Progress-Media-Time", stamp(times.progress_media)),
        ("Channel-Hangup-Time", stamp(times.hungup)),
        ("Channel-Transfer-Time", 0),
        ("Channel-Resurrect-Time", 0),
        ("Channel-Bridged-Time", stamp(times.bridged)),
        ("Channel-Last-Hold", stamp(times.last_hold)),
        ("Channel-Hold-Accum", u64::try_from(times.held.as_micros()).unwrap_or(u64::MAX)),
    ];
    for (name, micros) in stamps {
        push(name, &micros.to_string());
    }
    push("Screen-Bit", "true");
    push("Privacy-Hide-Name", "false");
    push("Privacy-Hide-Number", "false");
}

/// `2026-11-22 19:47:20` in `zone`.
fn local(time: Time, zone: &TimeZone) -> String {
    moment(time).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `Sun, 22 Nov 2026 19:47:20 GMT` (RFC 7231 7.1.1.1).
fn gmt(time: Time) -> String {
    moment(time).to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn moment(time: Time) -> jiff::Timestamp {
    i64::try_from(time.as_micros())
        .ok()
        .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
        .unwrap_or(jiff::Timestamp::MAX)
}

/// `time` in `zone` by a `strftime` pattern; `None` where the pattern is none.
pub fn strftime(time: Time, zone: &TimeZone, pattern: &str) -> Option<String> {
    let zoned = moment(time).to_zoned(zone.clone());
    jiff::fmt::strtime::format(pattern, &zoned).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_read_as_in_the_captures() {
        let mut source = EventSource::new(&SwitchConfig::default(), "c".to_owned());
        let event = source.event(Time::from_micros(1_795_376_840_083_646), "API", origin::API);
        assert_eq!(event.header("Event-Date-Local"), Some("2026-11-22 19:47:20"));
        assert_eq!(event.header("Event-Date-GMT"), Some("Sun, 22 Nov 2026 19:47:20 GMT"));
        assert_eq!(event.header("Event-Date-Timestamp"), Some("1795376840083646"));
        assert_eq!(event.header("Event-Sequence"), Some("1"));
    }

    #[test]
    fn a_time_beyond_the_calendar_does_not_panic() {
        assert!(gmt(Time::from_micros(u64::MAX)).ends_with("GMT"));
    }
}
