//! Calls that come in: from INVITE to the parked channel, and what SIP says on any call's end.

use std::net::SocketAddr;
use std::time::Duration;

use crate::call::HangupCause;
use crate::id::SessionId;
use crate::media::{Codec, LegId, MediaCommand};
use crate::sip::sdp::{Description, Negotiated};
use crate::sip::{DialogId, Message, SipCommand, StartLine};

use super::address::Address;
use super::channel::{CallState, CallerProfile, Channel, DialogEnd, Direction, HitDialplan, State};
use super::core::{ChannelKey, SwitchCore, Task, Timer};
use super::events::origin;
use super::log::line;
use super::offer::{agree, as_kept, codecs_of};

/// How long a session may stay without a state.
const ABANDONED: Duration = Duration::from_secs(10);

impl SwitchCore {
    /// An INVITE: a media port is opened before anything else.
    pub(super) fn invited(&mut self, dialog: DialogId, invite: Box<Message>) {
        // mod_sofia looks at `max_sessions` before it asks for a session, so this does not count as one a second.
        let full = self.taken() >= self.settings.max_sessions as usize;
        match (!full).then(|| self.admit(Direction::Inbound)).flatten() {
            None => self.refuse_busy(dialog),
            Some(key) => {
                self.by_dialog.insert(dialog, key);
                self.arriving.insert(key, (dialog, invite));
                self.media(MediaCommand::Open { leg: LegId(key) });
            }
        }
    }

    /// Refuses a call that the switch does not take.
    pub(super) fn refuse_busy(&mut self, dialog: DialogId) {
        self.by_dialog.remove(&dialog);
        let reason = Some("Maximum Calls In Progress".to_owned());
        let headers = vec![("Retry-After".to_owned(), "300".to_owned())];
        self.sip(SipCommand::Respond { dialog, code: 503, reason, headers, sdp: None });
    }

    /// Makes the channel of a call that came in, and parks it.
    pub(super) fn arrived(&mut self, key: ChannelKey, dialog: DialogId, invite: &Message, local: SocketAddr) {
        let now = self.now;
        let uuid = SessionId::new(self.ids.uuid());
        let session = sdp_session(self.ids.number());
        let from = Address::parse(invite.header("From").unwrap_or_default());
        let request = match &invite.start {
            StartLine::Request { uri, .. } => Address::of_uri(uri),
            StartLine::Response { .. } => Address::default(),
        };
        let profile_name = self.config.profiles.first().cloned().unwrap_or_default();
        let name = format!("sofia/{profile_name}/{}@{}", from.user, from.host);
        let call_id = invite.header("Call-ID").unwrap_or_default().to_owned();
        let facts = InviteFacts {
            local_ip: self.config.sip.ip().to_string(),
            profile_url: self.profile_url(),
            profile: profile_name,
            stamp: now.as_micros(),
        };
        let context = self.config.context.clone();
        let allowed = self.config.codecs.clone();

        let channel = self.add_channel(uuid, key, Direction::Inbound);
        channel.hit_dialplan = HitDialplan::Yes;
        channel.running = State::New;
        channel.dialog = Some(dialog);
        channel.media.local = Some(local);
        channel.media.session = session;
        channel.name = name.clone();
        let variables = &mut channel.variables;
        variables.set("sip_from_user", from.user.as_str());
        variables.set("sip_from_uri", from.plain());
        variables.set("sip_from_host", from.host.as_str());
        for media in ["video", "audio", "text"] {
            variables.set(&format!("{media}_media_flow"), "disabled");
        }
        variables.set("channel_name", name);
        variables.set("sip_call_id", call_id);
        self.log(key, line::NEW_CHANNEL, |channel| format!("New Channel {} [{}]", channel.name, channel.uuid));
        self.fire_channel(key, "CHANNEL_STATE", origin::STATE, &[], &[]);

        // mod_sofia looks at `max_sessions` again, and now this session is one of them. It refuses the call, but the
        // session stays until FreeSWITCH finds that nobody does anything with it.
        if self.taken() >= self.settings.max_sessions as usize {
            self.refuse_busy(dialog);
            if let Some(channel) = self.channel(key) {
                channel.dialog = None;
            }
            return self.after(ABANDONED, Timer::Abandoned(key));
        }

        let Some(channel) = self.channel(key) else { return };
        set_invite_variables(channel, invite, &from, &request, &facts);
        channel.profile = Some(profile_of(invite, &from, &request, &context, now));
        // A gateway calls the Contact that we gave it.
        let gateway = request.params.split(';').find_map(|parameter| parameter.strip_prefix("gw="));
        if let Some(trunk) = gateway.and_then(|name| self.trunk(name)) {
            trunk.calls_in += 1;
            let name = trunk.gateway.name.clone();
            if let Some(channel) = self.channel(key) {
                channel.variables.set("sip_gateway", name);
            }
        }
        let Some(channel) = self.channel(key) else { return };
        if invite.body.trim().is_empty() {
            // FreeSWITCH offers nothing itself, unless it is told to (3PCC).
            return self.hangup(key, HangupCause::MandatoryIeMissing);
        }
        let Some((codec, agreed)) = agree(&invite.body, &allowed) else {
            return self.hangup(key, HangupCause::IncompatibleDestination);
        };
        channel.variables.set("switch_r_sdp", as_kept(&invite.body));
        let offered = Description::parse(&invite.body).map(|offer| codecs_of(&offer)).unwrap_or_default();
        let common: Vec<Codec> = offered.into_iter().filter(|c| allowed.contains(c)).collect();
        channel.variables.set("ep_codec_string", endpoint_codecs(&common));
        channel.variables.set("rtp_use_codec_string", codec_list(&allowed));
        set_flow_variables(channel, FlowOf::Offer);
        set_remote(channel, agreed, codec);
        self.set_codec(key, codec);

        if let Some(channel) = self.channel(key) {
            channel.variables.set("endpoint_disposition", "RECEIVED");
        }
        self.enter(key, State::Init);
        if let Some(channel) = self.channel(key) {
            channel.state = State::Routing;
        }
        self.fire_channel(key, "CHANNEL_CREATE", origin::CREATE, &[], &[]);
        if let Some(channel) = self.channel(key) {
            channel.running = State::Routing;
        }
        self.set_call_state(key, CallState::Ringing);
        self.enter(key, State::Routing);
        self.route(key);
    }

    /// The dialplan: every call is parked.
    pub(super) fn route(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key) else { return };
        let number = channel.profile.as_ref().map(|p| p.destination_number.clone()).unwrap_or_default();
        channel.variables.touch("call_uuid");
        channel.variables.set("DP_MATCH", format!("ARRAY::{number}|:{number}"));
        channel.applications.push_back(("park".to_owned(), String::new()));
        self.enter_execute(key);
    }

    /// Enters CS_EXECUTE, in which a channel does what it was given.
    pub(super) fn enter_execute(&mut self, key: ChannelKey) {
        self.enter(key, State::Execute);
        // What holds is not what executes.
        if let Some(channel) = self.channel(key).filter(|c| c.call_state == CallState::Held) {
            channel.hold = super::channel::Hold::No;
            self.set_call_state(key, CallState::Unheld);
        }
        if let Some(channel) = self.channel(key) {
            channel.variables.touch("call_uuid");
        }
        self.later(Task::Advance(key));
    }

    /// `sip:mod_sofia@127.0.0.1:5080`
    pub(super) fn profile_url(&self) -> String {
        format!("sip:mod_sofia@{}", self.config.sip)
    }

    /// Our 200 was acknowledged.
    pub(super) fn acked(&mut self, dialog: DialogId, ack: &Message) {
        let Some(channel) = self.by_dialog.get(&dialog).and_then(|key| self.channels.get_mut(key)) else { return };
        if !channel.is_up() {
            return;
        }
        let variables = &mut channel.variables;
        let (from_text, to_text) = (ack.header("From").unwrap_or_default(), ack.header("To").unwrap_or_default());
        let (from, to) = (Address::parse(from_text), Address::parse(to_text));
        variables.set("sip_to_tag", to.tag.as_str());
        variables.set("sip_from_tag", from.tag.as_str());
        variables.set("sip_cseq", cseq(ack));
        variables.set("sip_call_id", ack.header("Call-ID").unwrap_or_default());
        variables.set("sip_full_via", ack.header("Via").unwrap_or_default());
        variables.set("sip_from_display", from.display.as_str());
        variables.set("sip_full_from", from_text);
        variables.set("sip_full_to", to_text);
    }

    /// The caller gave up before we answered.
    pub(super) fn cancelled(&mut self, dialog: DialogId, cancel: &Message) {
        let Some(&key) = self.by_dialog.get(&dialog) else { return };
        if self.arriving.remove(&key).is_some() {
            self.by_dialog.remove(&dialog);
            self.media(MediaCommand::Close { leg: LegId(key) });
            return;
        }
        let Some(channel) = self.channel(key).filter(|c| c.is_up()) else { return };
        channel.dialog_end = DialogEnd::Ended;
        let variables = &mut channel.variables;
        variables.set("sip_hangup_disposition", "recv_cancel");
        variables.set("sip_invite_failure_status", "487");
        variables.set("sip_invite_failure_phrase", "CANCEL");
        variables.set("sip_reason", cancel.header("Reason").unwrap_or_default());
        set_term_status(channel, 487, 487);
        self.hangup(key, HangupCause::OriginatorCancel);
    }

    /// The other side hung up.
    pub(super) fn bye(&mut self, dialog: DialogId, bye: &Message) {
        let Some(&key) = self.by_dialog.get(&dialog) else { return };
        let Some(channel) = self.channel(key) else { return };
        channel.dialog_end = DialogEnd::Ended;
        if !channel.is_up() {
            return;
        }
        let reason = bye.header("Reason").unwrap_or_default().to_owned();
        let cause = cause_of(&reason).unwrap_or(HangupCause::NormalClearing);
        channel.variables.set("sip_reason", reason);
        set_term_status(channel, 200, cause.number().unwrap_or(16));
        self.held_no_more(key);
        self.hangup(key, cause);
        if let Some(channel) = self.channel(key) {
            let agent = bye.header("User-Agent").unwrap_or_default();
            if !agent.is_empty() {
                channel.variables.set("sip_user_agent", agent);
            }
            channel.variables.set("sip_hangup_disposition", "recv_bye");
        }
    }

    /// A request inside a dialog. A new offer is answered with what was agreed before, in its direction.
    pub(super) fn requested(&mut self, dialog: DialogId, request: &Message) {
        let StartLine::Request { method, .. } = &request.start else { return };
        match method.as_str() {
            "INVITE" if request.body.trim().is_empty() => return self.offer_ours(dialog),
            "INVITE" | "UPDATE" => {}
            "REFER" => return self.referred(dialog, request),
            "NOTIFY" => return self.notified(dialog, request),
            _ => {
                if let Some(&key) = self.by_dialog.get(&dialog) {
                    self.info_came(key, request);
                }
                return;
            }
        }
        let key = self.by_dialog.get(&dialog).copied();
        let Some(channel) = key.and_then(|key| self.channels.get_mut(&key)) else {
            self.sip(SipCommand::Respond { dialog, code: 481, reason: None, headers: Vec::new(), sdp: None });
            return;
        };
        let used = channel.media.codec.map(|codec| vec![codec]).unwrap_or_default();
        let (Some((codec, agreed)), Some(local)) = (agree(&request.body, &used), channel.media.local) else {
            self.sip(SipCommand::Respond { dialog, code: 488, reason: None, headers: Vec::new(), sdp: None });
            return;
        };
        // The version of our description counts up: RFC 3264 8.
        channel.media.version += 1;
        let answer = agreed.answer(channel.media.session, channel.media.session + channel.media.version, local);
        let (sdp, kept) = (answer.to_sdp(), answer.to_variable());
        let way = agreed.direction.reversed();
        let (leg, remote, telephone_event) = (channel.media.leg, agreed.remote, agreed.telephone_event);
        channel.media.remote = Some(remote);
        channel.media.agreed = Some(agreed);
        channel.variables.set("switch_r_sdp", as_kept(&request.body));
        channel.variables.set("remote_media_ip", remote.ip().to_string());
        channel.variables.set("remote_media_port", remote.port().to_string());
        let ssrc = channel.variables.value("rtp_use_ssrc").and_then(|s| s.parse().ok()).unwrap_or(0);
        self.sip(SipCommand::Respond { dialog, code: 200, reason: None, headers: Vec::new(), sdp: Some(sdp) });
        self.media(MediaCommand::Connect { leg, remote, codec, telephone_event, ssrc });
        if let Some(key) = key {
            self.offered_way(key, way);
            if let Some(channel) = self.channel(key) {
                channel.variables.set("rtp_local_sdp_str", kept);
            }
        }
    }
}

impl SwitchCore {
    /// A re-INVITE without an offer is answered with one of ours: what was agreed.
    fn offer_ours(&mut self, dialog: DialogId) {
        let channel = self.by_dialog.get(&dialog).and_then(|key| self.channels.get(key));
        let offer = channel.and_then(|channel| {
            let media = &channel.media;
            Some(media.agreed.as_ref()?.answer(media.session, media.session + media.version, media.local?))
        });
        let (code, sdp) = if offer.is_some() { (200, offer.map(|offer| offer.to_sdp())) } else { (481, None) };
        self.sip(SipCommand::Respond { dialog, code, reason: None, headers: Vec::new(), sdp });
    }
}

/// What an INVITE does not say itself.
struct InviteFacts {
    local_ip: String,
    profile: String,
    profile_url: String,
    stamp: u64,
}

/// Variables about the INVITE, in mod_sofia's order.
fn set_invite_variables(
    channel: &mut Channel,
    invite: &Message,
    from: &Address,
    request: &Address,
    facts: &InviteFacts,
) {
    let header = |name: &str| invite.header(name).unwrap_or_default();
    let peer = invite.peer;
    let to = Address::parse(header("To"));
    let contact = Address::parse(header("Contact"));
    let via = Via::parse(header("Via"));
    let variables = &mut channel.variables;
    let mut set = |name: &str, value: &str| {
        if !value.is_empty() {
            variables.set(name, value);
        }
    };
    let (ip, port) = (peer.ip().to_string(), peer.port().to_string());
    set("sip_local_network_addr", &facts.local_ip);
    set("sip_network_ip", &ip);
    set("sip_network_port", &port);
    set("sip_invite_stamp", &facts.stamp.to_string());
    set("sip_received_ip", &ip);
    set("sip_received_port", &port);
    set("sip_via_protocol", &via.protocol.to_ascii_lowercase());
    set("sip_from_user_stripped", from.user.trim_start_matches('+'));
    set("sip_from_tag", &from.tag);
    set("sofia_profile_name", &facts.profile);
    set("sofia_profile_url", &facts.profile_url);
    set("recovery_profile_name", &facts.profile);
    set("sip_Remote-Party-ID", header("Remote-Party-ID"));
    set("sip_cid_type", if header("Remote-Party-ID").is_empty() { "" } else { "rpid" });
    set("sip_full_via", header("Via"));
    set("sip_from_display", &from.display);
    set("sip_full_from", header("From"));
    set("sip_full_to", header("To"));
    set("sip_allow", header("Allow"));
    for (kind, uri) in [("req", request), ("to", &to), ("contact", &contact)] {
        if kind == "contact" {
            set("sip_contact_params", &uri.params);
        }
        set(&format!("sip_{kind}_user"), &uri.user);
        set(&format!("sip_{kind}_port"), &uri.port);
        set(&format!("sip_{kind}_uri"), &uri.plain());
        set(&format!("sip_{kind}_host"), &uri.host);
    }
    set("endpoint_disposition", "INBOUND CALL");
    set("sip_user_agent", header("User-Agent"));
    set("sip_via_host", via.host);
    set("sip_via_port", via.port);
    set("sip_via_rport", via.rport);
    set("max_forwards", header("Max-Forwards"));
    for (name, value) in &invite.headers {
        // mod_sofia keeps X-headers and P-headers, but for its own.
        let own = name.eq_ignore_ascii_case("X-FS-Support");
        if !own && name.get(..2).is_some_and(|start| matches!(start, "X-" | "x-" | "P-" | "p-")) {
            set(&format!("sip_h_{name}"), value);
        }
    }
}

fn profile_of(
    invite: &Message,
    from: &Address,
    request: &Address,
    context: &str,
    now: crate::units::Time,
) -> CallerProfile {
    let identity = invite.header("Remote-Party-ID").map(Address::parse);
    let named = identity.as_ref().unwrap_or(from);
    let number = named.user.clone();
    let name = if named.display.is_empty() { number.clone() } else { named.display.clone() };
    CallerProfile {
        username: from.user.clone(),
        dialplan: "XML".to_owned(),
        caller_id_name: name.clone(),
        caller_id_number: number.clone(),
        orig_caller_id_name: name,
        orig_caller_id_number: number,
        network_addr: invite.peer.ip().to_string(),
        ani: from.user.clone(),
        destination_number: request.user.clone(),
        source: "mod_sofia".to_owned(),
        context: context.to_owned(),
        created: now,
        ..CallerProfile::default()
    }
}

/// Which description a flow is told from: FreeSWITCH sets `audio_media_flow` again for all but a plain answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlowOf {
    Offer,
    Answer,
}

pub(super) fn set_flow_variables(channel: &mut Channel, of: FlowOf) {
    let variables = &mut channel.variables;
    variables.set("remote_video_media_flow", "inactive");
    variables.set("remote_text_media_flow", "inactive");
    variables.set("remote_audio_media_flow", "sendrecv");
    if of == FlowOf::Offer {
        variables.set("audio_media_flow", "sendrecv");
    }
}

/// Notes where the other side wants its audio, and in which codec.
pub(super) fn set_remote(channel: &mut Channel, agreed: Negotiated, codec: Codec) {
    let remote = agreed.remote;
    channel.media.remote = Some(remote);
    channel.media.codec = Some(codec);
    channel.media.agreed = Some(agreed);
    let variables = &mut channel.variables;
    variables.set("remote_media_ip", remote.ip().to_string());
    variables.set("remote_media_port", remote.port().to_string());
    variables.set("rtp_audio_recv_pt", codec.payload_type().to_string());
    variables.set("rtp_use_codec_name", codec.name());
    variables.set("rtp_use_codec_rate", "8000");
    variables.set("rtp_use_codec_ptime", "20");
    variables.set("rtp_use_codec_channels", "1");
    variables.set("rtp_last_audio_codec_string", format!("{}@8000h@20i@1c", codec.name()));
}

/// `CORE_PCM_MODULE.PCMU@8000h@20i@64000b`
pub(super) fn endpoint_codecs(codecs: &[Codec]) -> String {
    let named: Vec<String> =
        codecs.iter().map(|codec| format!("CORE_PCM_MODULE.{}@8000h@20i@64000b", codec.name())).collect();
    named.join(",")
}

/// `PCMU,PCMA`
pub(super) fn codec_list(codecs: &[Codec]) -> String {
    let named: Vec<&str> = codecs.iter().map(|codec| codec.name()).collect();
    named.join(",")
}

/// The three variables that tell how SIP ended a call.
pub(super) fn set_term_status(channel: &mut Channel, code: u16, cause: u16) {
    channel.variables.set("sip_term_status", code.to_string());
    channel.variables.set("proto_specific_hangup_cause", format!("sip:{code}"));
    channel.variables.set("sip_term_cause", cause.to_string());
}

/// Number in the `o=` line of a new description.
pub(super) fn sdp_session(random: u32) -> u64 {
    1_795_000_000 + u64::from(random % 1_000_000)
}

/// The number of a message's CSeq.
pub(super) fn cseq(message: &Message) -> &str {
    message.header("CSeq").and_then(|value| value.split(' ').next()).unwrap_or_default()
}

/// The cause that a `Reason` header (RFC 3326) gives: only Q.850 says one.
fn cause_of(reason: &str) -> Option<HangupCause> {
    let (protocol, parameters) = reason.split_once(';')?;
    if !["Q.850", "FreeSWITCH"].iter().any(|p| protocol.trim().eq_ignore_ascii_case(p)) {
        return None;
    }
    let value = parameters.split(';').find_map(|p| p.trim().strip_prefix("cause="))?;
    HangupCause::from_number(value.parse().ok()?)
}

/// Protocol, host, port and `rport` of a Via (RFC 3581).
#[derive(Debug, Default)]
struct Via<'a> {
    protocol: &'a str,
    host: &'a str,
    port: &'a str,
    rport: &'a str,
}

impl<'a> Via<'a> {
    fn parse(text: &'a str) -> Via<'a> {
        let (name, rest) = text.split_once(' ').unwrap_or(("", text));
        let protocol = name.rsplit('/').next().unwrap_or_default();
        let (sent_by, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = sent_by.trim().rsplit_once(':').unwrap_or((sent_by.trim(), ""));
        let rport = params.split(';').find_map(|p| p.trim().strip_prefix("rport=")).unwrap_or_default();
        Via { protocol, host, port, rport }
    }
}
