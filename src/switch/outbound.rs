//! Calls that an originate places: from its text to the answered channel, or to the reason why not.

use std::net::SocketAddr;
use std::time::Duration;

use crate::call::HangupCause;
use crate::id::SessionId;
use crate::media::{Codec, LegId, MediaCommand};
use crate::sip::sdp::{Description, Negotiated};
use crate::sip::{Credentials, DialogId, Message, OutgoingInvite, SipCommand, SipFailure};

use super::address::Address;
use super::api::{ApiCall, ApiWait};
use super::channel::{
    AnswerState, CallState, CallerProfile, Channel, DialogEnd, Direction, HitDialplan, OtherLeg, OtherRole, State,
};
use super::core::{ChannelKey, SwitchCore, Task, Timer};
use super::events::origin;
use super::gateway::Gateway;
use super::inbound::{
    FlowOf, codec_list, cseq, endpoint_codecs, sdp_session, set_flow_variables, set_remote, set_term_status,
};
use super::log::line;
use super::offer::{agree, as_kept, codecs_in_list, payloads};
use super::originate::{Endpoint, Originate, OriginateId, Refusal, Then, USAGE, sanitize};
use super::variables::is_true;

/// An originate that has no result yet.
#[derive(Debug)]
pub struct Placing {
    key: ChannelKey,
    endpoint: Endpoint,
    gateway: Option<Gateway>,
    then: Then,
    early_media: EarlyMedia,
    /// Who asked; set once the command that began it returned.
    pub call: Option<ApiCall>,
    polling: Polling,
}

impl Placing {
    /// The channel that is placed.
    pub fn key(&self) -> ChannelKey {
        self.key
    }
}

/// Whether early media counts as an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EarlyMedia {
    Counts,
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polling {
    No,
    Yes,
}

/// FreeSWITCH's names for who does not say who calls.
const NO_NAME: &str = "";
const NO_NUMBER: &str = "0000000000";

/// What a call that is placed for a leg takes from it.
struct Originator {
    leg: Box<OtherLeg>,
    call_uuid: String,
    /// Set before CHANNEL_OUTGOING, in order.
    variables: Vec<(String, String)>,
}

impl Originator {
    fn of(channel: &Channel) -> Originator {
        let value = |name: &str| channel.variables.value(name).map(str::to_owned);
        // mod_sofia hands on the X-headers that it received.
        let headers = channel.variables.iter().filter(|(name, _)| name.starts_with("sip_h_"));
        let mut variables: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut set = |name: &str, value: Option<String>| {
            variables.extend(value.map(|value| (name.to_owned(), value)));
        };
        set("sip_cid_type", value("sip_cid_type"));
        let hops = value("max_forwards").and_then(|hops| hops.parse::<u8>().ok());
        set("max_forwards", hops.map(|hops| hops.saturating_sub(1).to_string()));
        set("originator_codec", channel.media.codec.map(|codec| format!("{}@8000h@20i", codec.name())));
        set("originator", Some(channel.uuid.to_string()));
        set("signal_bond", Some(channel.uuid.to_string()));
        set("switch_m_sdp", value("switch_r_sdp"));
        let call_uuid = value("call_uuid").unwrap_or_else(|| channel.uuid.to_string());
        Originator { leg: channel.as_other(OtherRole::Originator), call_uuid, variables }
    }
}

impl SwitchCore {
    /// Begins an originate: makes the channel and asks for its media port.
    pub(super) fn originate(&mut self, text: &str) -> ApiWait {
        let refused = |cause: HangupCause| ApiWait::Now(format!("-ERR {cause}\n"));
        let wanted = match Originate::parse(text) {
            Ok(wanted) => wanted,
            Err(Refusal::Usage) => return ApiWait::from(USAGE),
            Err(Refusal::Cause(cause)) => return refused(cause),
        };
        match self.originate_for(wanted, None) {
            Ok(id) => ApiWait::Originate(id),
            Err(cause) => refused(cause),
        }
    }

    /// Begins an originate, of the channel `by` where it is a bridge's.
    pub(super) fn originate_for(
        &mut self,
        mut wanted: Originate,
        by: Option<ChannelKey>,
    ) -> Result<OriginateId, HangupCause> {
        self.expand_globals(&mut wanted.variables);
        // A call that goes in circles has to end (RFC 3261 16.3).
        let hops = by.and_then(|by| self.channels.get(&by)?.variables.value("max_forwards")?.parse::<u32>().ok());
        if hops.is_some_and(|hops| hops <= 1) {
            return Err(HangupCause::ExchangeRoutingError);
        }
        let uuid = match wanted.variable("origination_uuid") {
            Some(uuid) if self.key_of(uuid).is_some() => return Err(HangupCause::DestinationOutOfOrder),
            Some(uuid) => SessionId::new(uuid),
            None => SessionId::new(self.ids.uuid()),
        };
        let key = self.admit(Direction::Outbound).ok_or(HangupCause::DestinationOutOfOrder)?;
        self.add_channel(uuid, key, Direction::Outbound).peer = by;
        let gateway = match &wanted.endpoint.gateway {
            Some(name) => self.gateway_for_call(name).map(Some),
            None if self.config.profiles.contains(&wanted.endpoint.profile) => Ok(None),
            None => Err(HangupCause::InvalidProfile),
        };
        let gateway = match gateway {
            Ok(gateway) => gateway,
            Err(cause) => {
                self.destroy(key);
                return Err(cause);
            }
        };
        if gateway.is_some() {
            wanted.endpoint.profile = self.config.profiles.first().cloned().unwrap_or_default();
        }
        let id = OriginateId(self.next_id());
        self.make_outgoing(key, &wanted, gateway.as_ref(), by);
        if let Some(gateway) = &gateway {
            wanted.endpoint.through(gateway);
        }
        if let Some(channel) = self.channel(key) {
            channel.originate = Some(id);
        }
        let ignored = wanted.variable("ignore_early_media").is_some_and(is_true);
        let timeout = wanted
            .variable("originate_timeout")
            .or(wanted.variable("call_timeout"))
            .or(wanted.variable("leg_timeout"))
            .and_then(|seconds| seconds.parse().ok())
            .map_or(wanted.timeout, Duration::from_secs);
        let placing = Placing {
            key,
            endpoint: wanted.endpoint,
            gateway,
            then: wanted.then,
            early_media: if ignored { EarlyMedia::Ignored } else { EarlyMedia::Counts },
            call: None,
            polling: Polling::No,
        };
        self.placing.insert(id, placing);
        self.after(timeout, Timer::OriginateTimeout(id));
        self.media(MediaCommand::Open { leg: LegId(key) });
        Ok(id)
    }

    /// CHANNEL_OUTGOING and CS_INIT.
    fn make_outgoing(
        &mut self,
        key: ChannelKey,
        wanted: &Originate,
        gateway: Option<&Gateway>,
        by: Option<ChannelKey>,
    ) {
        let originator = by.and_then(|by| self.channels.get(&by)).map(Originator::of);
        let now = self.now;
        let local_ip = self.config.sip.ip().to_string();
        let endpoint = &wanted.endpoint;
        let plain = endpoint.plain();
        let caller_name = wanted.variable("origination_caller_id_name").or(wanted.caller_id_name.as_deref());
        let caller_number = wanted.variable("origination_caller_id_number").or(wanted.caller_id_number.as_deref());
        let (caller_name, caller_number) = (caller_name.unwrap_or(NO_NAME), caller_number.unwrap_or(NO_NUMBER));
        let callee_name = wanted.variable("origination_callee_id_name").unwrap_or("Outbound Call");
        let callee_number = wanted.variable("origination_callee_id_number").unwrap_or(endpoint.user());
        let Some(channel) = self.channel(key) else { return };
        channel.state = State::Init;
        channel.name = format!("sofia/{}/{plain}", endpoint.profile);
        channel.profile = Some(CallerProfile {
            caller_id_name: sanitize(caller_name).to_owned(),
            caller_id_number: sanitize(caller_number).to_owned(),
            orig_caller_id_name: caller_name.to_owned(),
            orig_caller_id_number: caller_number.to_owned(),
            callee_id_name: callee_name.to_owned(),
            callee_id_number: callee_number.to_owned(),
            ani: caller_number.to_owned(),
            destination_number: endpoint.user().to_owned(),
            source: "src/switch_ivr_originate.c".to_owned(),
            context: "default".to_owned(),
            created: now,
            ..CallerProfile::default()
        });
        if let (Some(originator), Some(profile)) = (&originator, &mut channel.profile) {
            let of = &originator.leg.profile;
            profile.username.clone_from(&of.username);
            profile.dialplan.clone_from(&of.dialplan);
            profile.network_addr.clone_from(&of.network_addr);
            profile.ani.clone_from(&of.ani);
            profile.source.clone_from(&of.source);
            profile.context.clone_from(&of.context);
            channel.other = Some(originator.leg.clone());
        }
        let name = channel.name.clone();
        let variables = &mut channel.variables;
        variables.set("sip_local_network_addr", local_ip);
        variables.set("sip_profile_name", endpoint.profile.as_str());
        for media in ["video", "audio", "text"] {
            variables.set(&format!("{media}_media_flow"), "disabled");
        }
        variables.set("channel_name", name);
        if let Some(gateway) = &endpoint.gateway {
            variables.set("sip_gateway_name", gateway.as_str());
        }
        let mut whole = endpoint.clone();
        if let Some(gateway) = gateway {
            whole.through(gateway);
        }
        variables.set("sip_destination_url", format!("sip:{}", whole.address));
        for (name, value) in originator.iter().flat_map(|originator| &originator.variables) {
            variables.set(name, value.as_str());
        }
        self.log(key, line::NEW_CHANNEL, |channel| format!("New Channel {} [{}]", channel.name, channel.uuid));
        self.fire_channel(key, "CHANNEL_OUTGOING", origin::OUTGOING, &[], &[]);
        let ignored = wanted.variable("ignore_early_media").is_some_and(is_true);
        if let Some(channel) = self.channel(key) {
            if let Some(originator) = &originator {
                channel.variables.set("call_uuid", originator.call_uuid.as_str());
            }
            for (name, value) in &wanted.variables {
                channel.variables.set(name, value.as_str());
            }
            channel.variables.set("originate_early_media", if ignored { "false" } else { "true" });
            if let Some(originator) = &originator {
                channel.variables.set("originating_leg_uuid", originator.leg.uuid.as_str());
            }
            channel.variables.set("originate_endpoint", endpoint.kind.as_str());
        }
        self.enter(key, State::Init);
    }

    /// The media port of a placed call is open: the INVITE goes out.
    pub(super) fn place(&mut self, key: ChannelKey, local: SocketAddr) {
        let Some(channel) = self.channels.get_mut(&key).filter(|c| c.is_up()) else { return };
        let Some(placing) = channel.originate.and_then(|id| self.placing.get(&id)) else { return };
        let (endpoint, gateway) = (placing.endpoint.clone(), placing.gateway.clone());
        let session = sdp_session(self.ids.number());
        let (ip, url, contact_ip) =
            (local.ip().to_string(), format!("sip:mod_sofia@{}", self.config.sip), self.config.sip.ip().to_string());
        channel.media.local = Some(local);
        channel.media.session = session;
        let variables = &mut channel.variables;
        let codecs = match variables.value("absolute_codec_string").or(variables.value("codec_string")) {
            Some(list) => codecs_in_list(list),
            None => match variables.value("originator_codec").map(codecs_in_list) {
                Some(codecs) if !codecs.is_empty() => codecs,
                _ => self.config.codecs.clone(),
            },
        };
        if codecs.is_empty() {
            self.hangup(key, HangupCause::IncompatibleDestination);
            return;
        }
        let wants_events = match variables.value("dtmf_type") {
            Some(kind) => kind.eq_ignore_ascii_case("rfc2833"),
            None => !variables.is_true("rtp_disable_rfc2833"),
        };
        let mut offer = Description::offer(session, local, &payloads(&codecs));
        if !wants_events {
            offer.payloads.retain(|payload| payload.name != "telephone-event");
        }
        let sdp = offer.to_sdp();
        let as_given =
            variables.value("originator_codec").filter(|_| variables.value("absolute_codec_string").is_none());
        let used = as_given.map_or_else(|| codec_list(&codecs), str::to_owned);
        variables.set("rtp_use_codec_string", used);
        variables.set("local_media_ip", ip.as_str());
        variables.set("local_media_port", local.port().to_string());
        variables.set("advertised_media_ip", ip);
        variables.set("audio_media_flow", "sendrecv");
        if variables.value("switch_m_sdp").is_some() {
            variables.set("video_media_flow", "inactive");
        }
        variables.set("rtp_local_sdp_str", offer.to_variable());
        let contact = match &gateway {
            Some(gateway) => {
                format!("<sip:{}@{}{}>", gateway.contact_user(), self.config.sip, gateway.contact_parameters())
            }
            None => format!("<{url}{}>", if endpoint.is_over_tcp() { ";transport=tcp" } else { "" }),
        };
        variables.set("sip_outgoing_contact_uri", contact);
        variables.set("sip_req_uri", endpoint.plain());
        variables.set("sip_to_host", endpoint.host_port());
        variables.set("sip_from_host", contact_ip.as_str());
        variables.set("sofia_profile_name", endpoint.profile.as_str());
        variables.set("recovery_profile_name", endpoint.profile.as_str());
        variables.set("sofia_profile_url", url);
        let dialog = DialogId::Placed(key);
        channel.dialog = Some(dialog);
        let invite = invite_of(channel, dialog, &endpoint, gateway.as_ref(), contact_ip, sdp);
        self.by_dialog.insert(dialog, key);
        if let Some(channel) = self.channel(key) {
            channel.state = State::Routing;
        }
        self.fire_channel(key, "CHANNEL_CREATE", origin::CREATE, &[], &[]);
        self.fire_channel(key, "CHANNEL_ORIGINATE", origin::ORIGINATE, &[], &[]);
        self.enter(key, State::Routing);
        self.enter(key, State::ConsumeMedia);
        self.sip(SipCommand::Invite(Box::new(invite)));
        self.later(Task::Pump(key));
    }

    /// A response to our INVITE.
    pub(super) fn responded(&mut self, dialog: DialogId, response: &Message) {
        let Some(&key) = self.by_dialog.get(&dialog) else { return };
        let Some(channel) = self.channel(key) else { return };
        let code = response.code().unwrap_or(0);
        if code >= 300 {
            channel.dialog_end = DialogEnd::Ended;
        }
        if !channel.is_up() {
            return;
        }
        match code {
            100 => {}
            101..=299 => self.progressed(key, code, response),
            _ => self.refused(key, code, response),
        }
    }

    fn progressed(&mut self, key: ChannelKey, code: u16, response: &Message) {
        let local_ip = self.config.sip.ip().to_string();
        let Some(channel) = self.channel(key) else { return };
        let agreed = agreed(channel, response);
        let early = code < 200 && agreed.is_some();
        note_reply(channel, response, &local_ip, early.then_some(agreed.as_ref()).flatten());
        if code < 200 && agreed.is_none() {
            return self.rang(key);
        }
        let first_media = !channel.has_media();
        let Some((codec, negotiated)) = agreed else {
            if first_media {
                return self.hangup(key, HangupCause::IncompatibleDestination);
            }
            return self.was_answered(key);
        };
        channel.variables.set("switch_r_sdp", as_kept(&response.body));
        if early {
            if channel.answer_state != AnswerState::Ringing {
                return;
            }
            let now = self.now;
            if let Some(channel) = self.channel(key) {
                channel.variables.set("endpoint_disposition", "EARLY MEDIA");
                channel.answer_state = AnswerState::Early;
                channel.times.progress_media = Some(now);
            }
            self.fire_channel(key, "CHANNEL_PROGRESS_MEDIA", origin::PROGRESS_MEDIA, &[], &[]);
            self.set_call_state(key, CallState::Early);
        }
        if first_media && let Some(channel) = self.channel(key) {
            channel.variables.set("ep_codec_string", endpoint_codecs(&[codec]));
            channel.variables.touch("rtp_use_codec_string");
            set_flow_variables(channel, if early { FlowOf::Offer } else { FlowOf::Answer });
            set_remote(channel, negotiated, codec);
            self.set_codec(key, codec);
            self.connect(key);
        }
        if early {
            if let Some(channel) = self.channel(key) {
                channel.variables.touch("endpoint_disposition");
            }
            self.early_media_began(key);
        } else {
            self.was_answered(key);
        }
    }

    /// 180, or 183 without a description.
    fn rang(&mut self, key: ChannelKey) {
        let now = self.now;
        let Some(channel) = self.channel(key) else { return };
        if channel.times.progress.is_some() || channel.answer_state != AnswerState::Ringing {
            return;
        }
        channel.times.progress = Some(now);
        self.fire_channel(key, "CHANNEL_PROGRESS", origin::PROGRESS, &[], &[]);
        self.set_call_state(key, CallState::Ringing);
        self.pass_ringing_on(key);
    }

    fn was_answered(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key) else { return };
        if channel.answer_state == AnswerState::Answered {
            return;
        }
        self.mark_answered(key);
        self.poll_originate(key);
    }

    fn early_media_began(&mut self, key: ChannelKey) {
        let Some(id) = self.channel(key).and_then(|c| c.originate) else { return };
        if self.placing.get(&id).is_some_and(|p| p.then == Then::Bridge) {
            return self.pass_early_media_on(key);
        }
        if self.placing.get(&id).is_some_and(|p| p.early_media == EarlyMedia::Counts) {
            self.poll_originate(key);
        }
    }

    /// Has the originate look at its leg, when it next does.
    fn poll_originate(&mut self, key: ChannelKey) {
        let Some(id) = self.channel(key).and_then(|c| c.originate) else { return };
        let Some(placing) = self.placing.get_mut(&id).filter(|p| p.polling == Polling::No) else { return };
        placing.polling = Polling::Yes;
        let every = self.config.originate_poll;
        if every.is_zero() {
            self.later(Task::Originated(id));
        } else {
            self.after(every, Timer::OriginatePoll(id));
        }
    }

    /// The leg of an originate was answered: it has its result, and the leg something to do.
    pub(super) fn originated(&mut self, id: OriginateId) {
        let Some(key) = self.placing.get(&id).map(|p| p.key) else { return };
        // A leg that was hung up meanwhile is told by its end.
        let Some(channel) = self.channel(key).filter(|c| c.is_up()) else { return };
        channel.originate = None;
        let uuid = channel.uuid.clone();
        if self.placing.get(&id).is_some_and(|p| p.then == Then::Bridge) {
            self.take_placing(id);
            return self.bridge_answered(key);
        }
        let Some(channel) = self.channel(key) else { return };
        flip_caller_id(channel);
        self.fire_channel(key, "CALL_UPDATE", origin::CALL_UPDATE, &[("Direction", "RECV")], &[]);
        let Some(placing) = self.take_placing(id) else { return };
        if let Some(call) = placing.call {
            self.finish_api(call, format!("+OK {uuid}\n"));
        }
        match placing.then {
            Then::Bridge => {}
            Then::Application { name, argument } => {
                if let Some(channel) = self.channel(key) {
                    channel.applications.push_back((name, argument));
                }
                self.break_off(key);
                self.enter_execute(key);
            }
            Then::Extension { number, dialplan, context } => {
                let inline = super::bridging::is_inline(&dialplan).then(|| number.clone());
                if let Some(profile) = self.channel(key).and_then(|c| c.profile.as_mut()) {
                    (profile.destination_number, profile.dialplan, profile.context) = (number, dialplan, context);
                }
                self.break_off(key);
                self.enter(key, State::Routing);
                match inline {
                    Some(applications) => self.execute_inline(key, &applications),
                    None => self.route(key),
                }
            }
        }
    }

    /// The leg of an originate ended before it had a result.
    pub(super) fn originate_ended(&mut self, id: OriginateId) {
        let Some(placing) = self.take_placing(id) else { return };
        let cause = self.channel(placing.key).and_then(|c| c.hangup_cause.clone()).unwrap_or(HangupCause::None);
        if placing.then == Then::Bridge {
            self.bridge_failed(placing.key, cause.clone());
        }
        if let Some(call) = placing.call {
            self.finish_api(call, format!("-ERR {cause}\n"));
        }
    }

    /// Nobody answered in time.
    pub(super) fn originate_timed_out(&mut self, id: OriginateId) {
        let Some(placing) = self.take_placing(id) else { return };
        let cause = match self.channel(placing.key) {
            Some(channel) if channel.is_up() => {
                channel.originate = None;
                HangupCause::NoAnswer
            }
            Some(channel) => {
                channel.originate = None;
                channel.hangup_cause.clone().unwrap_or(HangupCause::NoAnswer)
            }
            None => HangupCause::NoAnswer,
        };
        self.hangup(placing.key, cause.clone());
        if placing.then == Then::Bridge {
            self.bridge_failed(placing.key, cause.clone());
        }
        if let Some(call) = placing.call {
            self.finish_api(call, format!("-ERR {cause}\n"));
        }
    }

    fn take_placing(&mut self, id: OriginateId) -> Option<Placing> {
        self.forget(|timer| matches!(timer, Timer::OriginateTimeout(i) | Timer::OriginatePoll(i) if *i == id));
        self.placing.remove(&id)
    }

    /// The other side refused.
    fn refused(&mut self, key: ChannelKey, code: u16, response: &Message) {
        let phrase = match &response.start {
            crate::sip::StartLine::Response { reason, .. } => reason.clone(),
            crate::sip::StartLine::Request { .. } => String::new(),
        };
        let call_id = response.header("Call-ID").unwrap_or_default();
        self.invite_failed(key, code, &phrase, call_id, Some(response.peer));
    }

    /// Our INVITE came to no response; or our 200 to a received one was never acknowledged.
    pub(super) fn failed(&mut self, dialog: DialogId, failure: &SipFailure) {
        let Some(&key) = self.by_dialog.get(&dialog) else { return };
        let Some(channel) = self.channel(key) else { return };
        channel.dialog_end = DialogEnd::Ended;
        if !channel.is_up() {
            return;
        }
        if channel.direction == Direction::Inbound {
            return self.hangup(key, HangupCause::RecoveryOnTimerExpire);
        }
        // mod_sofia sees an ICMP refusal as 503 and the end of timer B as 408.
        let (code, phrase) = match failure {
            SipFailure::NoResponse(_) => (408, "Request Timeout"),
            SipFailure::Transport(..) => (503, "Service Unavailable"),
            SipFailure::BadUri(_) => (400, "Bad Request"),
            SipFailure::NotRefreshed => return self.hangup(key, HangupCause::RecoveryOnTimerExpire),
        };
        self.invite_failed(key, code, phrase, "", None);
    }

    fn invite_failed(&mut self, key: ChannelKey, code: u16, phrase: &str, call_id: &str, peer: Option<SocketAddr>) {
        let cause = HangupCause::from_sip_code(code);
        let Some(channel) = self.channel(key) else { return };
        if let (Some(profile), Some(peer)) = (&mut channel.profile, peer) {
            profile.network_addr = peer.ip().to_string();
        }
        let variables = &mut channel.variables;
        variables.set("sip_call_id", call_id);
        variables.touch("sip_local_network_addr");
        let ip = peer.map(|p| p.ip().to_string()).unwrap_or_default();
        let port = peer.map_or(0, |p| p.port()).to_string();
        variables.set("sip_reply_host", ip.as_str());
        variables.set("sip_reply_port", port.as_str());
        variables.set("sip_network_ip", ip);
        variables.set("sip_network_port", port);
        variables.set("sip_hangup_disposition", "recv_refuse");
        variables.set("sip_invite_failure_status", code.to_string());
        variables.set("sip_invite_failure_phrase", phrase);
        set_term_status(channel, code, cause.number().unwrap_or(31));
        self.hangup(key, cause);
    }
}

fn invite_of(
    channel: &Channel,
    dialog: DialogId,
    endpoint: &Endpoint,
    gateway: Option<&Gateway>,
    host: String,
    sdp: String,
) -> OutgoingInvite {
    let profile = channel.profile.clone().unwrap_or_default();
    let host = gateway.map_or(host, |gateway| gateway.hop().to_owned());
    // A gateway knows us by its own name; who calls stands in Remote-Party-ID.
    let (from_user, from_display) = match gateway {
        Some(gateway) => (gateway.credentials.username.clone(), String::new()),
        None => (profile.caller_id_number.clone(), profile.caller_id_name.clone()),
    };
    let mut headers = Vec::new();
    for (name, value) in channel.variables.iter() {
        let named = name.get(..6).filter(|start| start.eq_ignore_ascii_case("sip_h_")).map(|_| &name[6..]);
        // A line break would be another header.
        if let Some(header) = named.filter(|h| !h.is_empty()) {
            headers.push((header.to_owned(), value.replace(['\r', '\n'], " ")));
        }
    }
    headers.push(("X-FS-Support".to_owned(), "update_display,send_info".to_owned()));
    if channel.variables.value("sip_cid_type") != Some("none") {
        let (name, number) = (profile.caller_id_name.replace('"', ""), &profile.caller_id_number);
        let identity = format!("\"{name}\" <sip:{number}@{host}>;party=calling;screen=yes;privacy=off");
        headers.push(("Remote-Party-ID".to_owned(), identity));
    }
    OutgoingInvite {
        dialog,
        uri: format!("sip:{}", endpoint.address),
        proxy: endpoint.proxy.clone(),
        from_user,
        from_display,
        from_host: host,
        headers,
        sdp,
        credentials: credentials(channel).or(gateway.map(|gateway| gateway.credentials.clone())),
        contact_user: gateway.map(Gateway::contact_user),
        contact_parameters: gateway.map(Gateway::contact_parameters).unwrap_or_default(),
        max_forwards: channel.variables.value("max_forwards").and_then(|hops| hops.parse().ok()),
        session_expires: channel
            .variables
            .value("sofia_session_timeout")
            .and_then(|seconds| seconds.parse().ok())
            .filter(|seconds| *seconds > 0),
    }
}

/// The credentials that a channel was given (`sip_auth_username`, `sip_auth_password`).
fn credentials(channel: &Channel) -> Option<Credentials> {
    let value = |name: &str| channel.variables.value(name).map(str::to_owned);
    Some(Credentials { username: value("sip_auth_username")?, password: value("sip_auth_password")? })
}

/// What an answer has in common with our offer.
fn agreed(channel: &Channel, response: &Message) -> Option<(Codec, Negotiated)> {
    let offered = channel.variables.value("rtp_use_codec_string").map(codecs_in_list).unwrap_or_default();
    agree(&response.body, &offered)
}

/// Variables about a response, in mod_sofia's order.
fn note_reply(channel: &mut Channel, response: &Message, local_ip: &str, early: Option<&(Codec, Negotiated)>) {
    let header = |name: &str| response.header(name).unwrap_or_default();
    let (from, to) = (Address::parse(header("From")), Address::parse(header("To")));
    let contact = Address::parse(header("Contact"));
    let (ip, port) = (response.peer.ip().to_string(), response.peer.port().to_string());
    if let Some(profile) = &mut channel.profile {
        profile.network_addr = ip.clone();
        if profile.callee_id_name == "Outbound Call" {
            profile.callee_id_name = profile.callee_id_number.clone();
        }
    }
    let variables = &mut channel.variables;
    let mut set = |name: &str, value: &str| {
        if !value.is_empty() {
            variables.set(name, value);
        }
    };
    set("sip_local_network_addr", local_ip);
    set("sip_reply_host", &ip);
    set("sip_reply_port", &port);
    set("sip_network_ip", &ip);
    set("sip_network_port", &port);
    if let Some((codec, _)) = early {
        set("ep_codec_string", &endpoint_codecs(&[*codec]));
    }
    set("sip_user_agent", header("User-Agent"));
    set("sip_allow", header("Allow"));
    set("sip_recover_contact", header("Contact"));
    set("sip_full_via", header("Via"));
    set("sip_recover_via", header("Via"));
    set("sip_from_display", &from.display);
    set("sip_full_from", header("From"));
    set("sip_full_to", header("To"));
    set("sip_from_user", &from.user);
    set("sip_from_uri", &from.plain());
    set("sip_from_host", &from.host);
    set("sip_to_user", &to.user);
    set("sip_to_port", &to.port);
    set("sip_to_uri", &to.plain());
    set("sip_to_host", &to.host);
    set("sip_contact_params", &contact.params);
    set("sip_contact_user", &contact.user);
    set("sip_contact_port", &contact.port);
    set("sip_contact_uri", &contact.plain());
    set("sip_contact_host", &contact.host);
    set("sip_to_tag", &to.tag);
    set("sip_from_tag", &from.tag);
    set("sip_cseq", cseq(response));
    set("sip_call_id", header("Call-ID"));
}

/// Caller and callee change places once the leg belongs to the switch (`switch_channel_flip_cid`).
fn flip_caller_id(channel: &mut Channel) {
    channel.hit_dialplan = HitDialplan::Yes;
    let Some(profile) = &mut channel.profile else { return };
    let variables = &mut channel.variables;
    variables.set("pre_transfer_caller_id_name", profile.caller_id_name.as_str());
    variables.set("pre_transfer_caller_id_number", profile.caller_id_number.as_str());
    variables.set("channel_cid_flipped", "yes");
    std::mem::swap(&mut profile.caller_id_name, &mut profile.callee_id_name);
    std::mem::swap(&mut profile.caller_id_number, &mut profile.callee_id_number);
}
