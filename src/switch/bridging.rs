//! Two channels connected to each other, transfers to other extensions, and REFER.

use crate::call::HangupCause;
use crate::media::MediaCommand;
use crate::sip::{DialogId, Message, SipCommand};

use super::channel::{AnswerState, CallState, Direction, OtherRole, State, Transfer};
use super::core::{About, ChannelKey, SwitchCore};
use super::dp::Doing;
use super::events::origin;
use super::originate::{Originate, Refusal};
use super::session::NotDone;

impl SwitchCore {
    /// Runs the `bridge` application: places the call that the channel is to be connected to.
    pub(super) fn bridge(&mut self, key: ChannelKey, argument: &str) -> Doing {
        let Some(channel) = self.channel(key).filter(|c| c.is_up()) else { return Doing::Done };
        let wanted = Originate::parse_bridge(argument).map(|mut wanted| {
            let profile = channel.profile.clone().unwrap_or_default();
            wanted.caller_id_name = Some(profile.caller_id_name);
            wanted.caller_id_number = Some(profile.caller_id_number);
            wanted
        });
        let placed = match wanted {
            Ok(wanted) => self.originate_for(wanted, Some(key)),
            Err(Refusal::Cause(cause)) => Err(cause),
            Err(Refusal::Usage) => Err(HangupCause::InvalidUrl),
        };
        match placed {
            Ok(id) => {
                let leg = self.placing.get(&id).map(|placing| placing.key());
                if let Some(channel) = self.channel(key) {
                    channel.peer = leg;
                    channel.variables.set("originate_disposition", "failure");
                    channel.variables.set("DIALSTATUS", "INVALIDARGS");
                }
                Doing::Bridging
            }
            Err(cause) => {
                self.tell_bridge_failed(key, cause);
                Doing::Done
            }
        }
    }

    /// The other leg rings.
    pub(super) fn pass_ringing_on(&mut self, leg: ChannelKey) {
        if let Some(key) = self.channel(leg).and_then(|c| c.peer) {
            // One that cannot ring any more is past it.
            let _ = self.ring_ready(key);
        }
    }

    /// The other leg sounds before its answer.
    pub(super) fn pass_early_media_on(&mut self, leg: ChannelKey) {
        let Some(key) = self.channel(leg).and_then(|c| c.peer) else { return };
        if self.pre_answer(key).is_ok() {
            self.join(key, leg);
        }
    }

    /// The other leg was answered: the two are one.
    pub(super) fn bridge_answered(&mut self, leg: ChannelKey) {
        let Some(key) = self.channel(leg).and_then(|c| c.peer) else { return };
        self.tell_originated(key, leg);
        let up = self.channel(key).is_some_and(|c| c.is_up());
        if !up || (self.answer_call(key).is_err() && self.channel(key).is_some_and(|c| !c.has_media())) {
            return self.hangup(leg, HangupCause::OriginatorCancel);
        }
        let answered = self.channel(leg).map(|c| c.uuid.to_string()).unwrap_or_default();
        if let Some(channel) = self.channel(key) {
            channel.variables.set("originate_disposition", "SUCCESS");
            channel.variables.set("DIALSTATUS", "SUCCESS");
            channel.variables.set("originate_causes", format!("{answered};NONE"));
            channel.variables.set("signal_bond", answered);
            channel.variables.unset("originate_signal_bond");
        }
        self.connect_bridge(key, leg);
        let frames = self.channel(key).map(|c| c.stack.iter_mut().rev());
        if let Some(frame) = frames.and_then(|mut frames| frames.find(|f| matches!(f.doing, Doing::Bridging))) {
            frame.doing = Doing::Bridged;
        }
    }

    /// The leg that was placed for `key` is there: its events tell of it from now on.
    fn tell_originated(&mut self, key: ChannelKey, leg: ChannelKey) {
        let Some(placed) = self.channels.get(&leg) else { return };
        let uuid = placed.uuid.to_string();
        let callee = placed.profile.as_ref().map(|profile| profile.destination_number.clone()).unwrap_or_default();
        let description = placed.variables.value("switch_r_sdp").map(str::to_owned).unwrap_or_default();
        let Some(channel) = self.channel(key) else { return };
        if let Some(profile) = &mut channel.profile {
            profile.callee_id_name.clone_from(&callee);
            profile.callee_id_number.clone_from(&callee);
        }
        channel.variables.set("originate_signal_bond", uuid.as_str());
        channel.variables.set("originated_legs", format!("{uuid};Outbound Call;{callee}"));
        channel.variables.set("switch_m_sdp", description);
        if channel.answer_state == AnswerState::Ringing {
            for media in ["video", "text"] {
                channel.variables.set(&format!("{media}_media_flow"), "inactive");
            }
            channel.variables.touch("audio_media_flow");
        }
    }

    /// Connects two channels that are there (`uuid_bridge`).
    pub(super) fn bridge_channels(&mut self, one: ChannelKey, other: ChannelKey) -> Result<(), NotDone> {
        for key in [one, other] {
            self.channel(key).filter(|c| c.is_up() && c.has_media()).ok_or(NotDone)?;
        }
        for key in [one, other] {
            self.part(key);
            self.break_off(key);
        }
        if let Some(channel) = self.channel(other) {
            channel.peer = Some(one);
        }
        self.enter(one, State::ExchangeMedia);
        self.connect_bridge(one, other);
        Ok(())
    }

    fn connect_bridge(&mut self, key: ChannelKey, leg: ChannelKey) {
        let now = self.now;
        let originatee = self.channels.get(&leg).map(|leg| leg.as_other(OtherRole::Originatee));
        let uuids = [key, leg].map(|key| self.channel(key).map(|c| c.uuid.to_string()).unwrap_or_default());
        for (this, other) in [(key, leg), (leg, key)] {
            if let Some(channel) = self.channel(this) {
                channel.peer = Some(other);
                channel.times.bridged = Some(now);
            }
        }
        if let Some(channel) = self.channel(key) {
            channel.other = originatee;
        }
        let [a, b] = &uuids;
        let head = [("Bridge-A-Unique-ID", a.as_str()), ("Bridge-B-Unique-ID", b.as_str())];
        self.fire_channel(key, "CHANNEL_BRIDGE", origin::BRIDGE, &head, &[]);
        self.bond(leg, key);
        self.enter(leg, State::ExchangeMedia);
        self.bond(key, leg);
        self.join(key, leg);
    }

    /// Says of `key` that it is bridged to `other`.
    fn bond(&mut self, key: ChannelKey, other: ChannelKey) {
        let Some((uuid, name)) = self.channels.get(&other).map(|c| (c.uuid.to_string(), c.name.clone())) else {
            return;
        };
        let Some(channel) = self.channel(key) else { return };
        for variable in ["bridge_to", "last_bridge_to"] {
            channel.variables.set(variable, uuid.as_str());
        }
        channel.variables.set("bridge_channel", name);
        for variable in ["bridge_uuid", "signal_bond"] {
            channel.variables.set(variable, uuid.as_str());
        }
    }

    fn join(&mut self, key: ChannelKey, leg: ChannelKey) {
        let legs = (self.channel(key).map(|c| c.media.leg), self.channel(leg).map(|c| c.media.leg));
        if let (Some(leg), Some(other)) = legs {
            self.media(MediaCommand::Join { leg, other });
        }
    }

    /// The other leg was not answered. The channel ends with its cause, unless it may go on (`continue_on_fail`).
    pub(super) fn bridge_failed(&mut self, leg: ChannelKey, cause: HangupCause) {
        let Some(key) = self.channel(leg).and_then(|c| c.peer.take()) else { return };
        if let Some(channel) = self.channel(key) {
            channel.peer = None;
        }
        if self.channel(key).and_then(|c| c.stack.last()).is_some_and(|f| matches!(f.doing, Doing::Bridging)) {
            self.tell_bridge_failed(key, cause);
            self.complete(key);
        }
    }

    fn tell_bridge_failed(&mut self, key: ChannelKey, cause: HangupCause) {
        let Some(channel) = self.channel(key).filter(|c| c.is_up()) else { return };
        channel.variables.set("originate_disposition", cause.as_str());
        channel.variables.set("DIALSTATUS", cause.as_str());
        let goes_on = channel.variables.value("continue_on_fail").is_some_and(super::variables::is_true);
        if !goes_on {
            self.hangup(key, cause);
        }
    }

    /// One of two connected legs has ended, or the channel does: what remains goes its own way.
    pub(super) fn unbridge(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key) else { return };
        let Some(doing) = channel.stack.last().map(|frame| matches!(frame.doing, Doing::Bridging | Doing::Bridged))
        else {
            // A leg that does nothing but this ends with the other.
            let cause = HangupCause::NormalClearing;
            if channel.is_up() && channel.running == State::ExchangeMedia {
                self.tell_bridge_ended(key);
                self.part(key);
                self.hangup(key, cause);
            }
            return;
        };
        if doing {
            let (peer, uuid) = (channel.peer, channel.uuid.to_string());
            let other = channel.other.as_ref().map(|other| other.uuid.to_string()).unwrap_or_default();
            let placing = channel.stack.last().is_some_and(|frame| matches!(frame.doing, Doing::Bridging));
            // While the other leg is placed, its own end tells of it.
            if placing && channel.is_up() {
                return;
            }
            self.part(key);
            if let Some(peer) = peer {
                let cause = if placing { HangupCause::OriginatorCancel } else { HangupCause::NormalClearing };
                self.hangup(peer, cause);
            }
            if !placing {
                if let Some(channel) = self.channel(key) {
                    let cause = channel.hangup_cause.clone().unwrap_or(HangupCause::NormalClearing);
                    channel.variables.unset("bridge_to");
                    channel.variables.set("bridge_hangup_cause", cause.as_str());
                }
                let head = [("Bridge-A-Unique-ID", uuid.as_str()), ("Bridge-B-Unique-ID", other.as_str())];
                self.fire_channel(key, "CHANNEL_UNBRIDGE", origin::UNBRIDGE, &head, &[]);
            }
            self.complete(key);
        }
    }

    /// The leg that this one was placed for is gone: what it tells of that end.
    fn tell_bridge_ended(&mut self, key: ChannelKey) {
        let peer = self.channel(key).and_then(|c| c.peer).and_then(|peer| self.channels.get(&peer));
        let Some(peer) = peer else { return };
        let cause = peer.hangup_cause.as_ref().map(|cause| cause.as_str().to_owned()).unwrap_or_default();
        let told = peer.variables.value("proto_specific_hangup_cause").map(str::to_owned).unwrap_or_default();
        let Some(channel) = self.channel(key) else { return };
        channel.variables.unset("bridge_to");
        channel.variables.set("last_bridge_hangup_cause", cause);
        channel.variables.set("last_bridge_proto_specific_hangup_cause", told);
    }

    /// Parts a channel from the one it is connected to.
    pub(super) fn part(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key) else { return };
        let leg = channel.media.leg;
        if let Some(peer) = channel.peer.take() {
            self.media(MediaCommand::Unjoin { leg });
            if let Some(peer) = self.channel(peer).filter(|c| c.peer == Some(key)) {
                peer.peer = None;
            }
        }
    }

    /// Sends a channel through the dialplan again (`switch_ivr_session_transfer`).
    pub(super) fn transfer(&mut self, key: ChannelKey, extension: &str, dialplan: Option<&str>, context: Option<&str>) {
        let serves = self.serves(key);
        let Some(channel) = self.channel(key).filter(|c| c.is_up()) else { return };
        if serves {
            let [dialplan, context] = [dialplan, context].map(|word| word.map(str::to_owned));
            channel.transfer = Some(Transfer { extension: extension.to_owned(), dialplan, context });
            return;
        }
        channel.applications.clear();
        let inline = dialplan.is_some_and(is_inline);
        if let Some(profile) = &mut channel.profile {
            profile.destination_number = extension.to_owned();
            profile.dialplan = dialplan.unwrap_or("XML").to_owned();
            if let Some(context) = context {
                profile.context = context.to_owned();
            }
        }
        let rings = channel.direction == Direction::Inbound && channel.answer_state == AnswerState::Answered;
        self.part(key);
        self.break_off(key);
        if rings && !inline {
            self.set_call_state(key, CallState::Ringing);
        }
        self.enter(key, State::Routing);
        if rings && !inline {
            self.set_call_state(key, CallState::Active);
        }
        if !inline {
            return self.route(key);
        }
        self.execute_inline(key, extension);
    }

    /// Runs `APPLICATION[:ARGUMENT],...`, as the dialplan `inline` has it.
    pub(super) fn execute_inline(&mut self, key: ChannelKey, extension: &str) {
        for application in extension.split(',') {
            let (name, argument) = application.split_once(':').unwrap_or((application, ""));
            if let Some(channel) = self.channel(key) {
                channel.applications.push_back((name.to_owned(), argument.to_owned()));
            }
        }
        self.enter_execute(key);
    }

    /// REFER came in. FreeSWITCH transfers the leg that this one is bridged to; one that is parked has none.
    pub(super) fn referred(&mut self, dialog: DialogId, request: &Message) {
        let Some(&key) = self.by_dialog.get(&dialog) else { return };
        let target = request.header("Refer-To").unwrap_or_default();
        let target = target.trim().trim_start_matches('<').trim_start_matches("sip:");
        let user = target.split(['@', ';', '>']).next().unwrap_or_default().to_owned();
        let peer = self.channel(key).and_then(|c| c.peer);
        let told = match peer.filter(|_| !user.is_empty()) {
            Some(peer) => {
                self.transfer(peer, &user, None, None);
                "SIP/2.0 200 OK\r\n"
            }
            None => "SIP/2.0 403 Forbidden\r\n",
        };
        let headers = vec![
            ("Event".to_owned(), "refer".to_owned()),
            ("Subscription-State".to_owned(), "terminated;reason=noresource".to_owned()),
            ("Content-Type".to_owned(), "message/sipfrag".to_owned()),
        ];
        self.sip(SipCommand::Request { dialog, method: "NOTIFY", headers, body: told.to_owned() });
    }

    /// NOTIFY came in: what came of a REFER of ours. FreeSWITCH hangs up, whatever it says.
    pub(super) fn notified(&mut self, dialog: DialogId, request: &Message) {
        let Some(&key) = self.by_dialog.get(&dialog) else { return };
        let of_refer = request.header("Event").is_some_and(|event| event.starts_with("refer"));
        let last = request.header("Subscription-State").is_some_and(|state| state.starts_with("terminated"));
        let frames = self.channel(key).map(|c| c.stack.iter().any(|frame| matches!(frame.doing, Doing::Deflect)));
        if of_refer && last && frames == Some(true) {
            self.fire_custom("sofia::notify_refer", origin::NOTIFY_REFER, About::Nobody, &[]);
            self.hangup(key, HangupCause::BlindTransfer);
        }
    }
}

/// Whether a dialplan's extension is what to run itself.
pub(super) fn is_inline(dialplan: &str) -> bool {
    dialplan.eq_ignore_ascii_case("inline")
}
