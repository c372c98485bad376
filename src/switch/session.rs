//! The life of a session: its states, answering, and its end.

use crate::call::HangupCause;
use crate::media::{Codec, LegStats, MediaCommand};
use crate::sip::SipCommand;

use super::channel::{
    AnswerState, CallState, Channel, DialogEnd, DigitsSent, Direction, Ending, Flow, OtherRole, RingingSent, State,
};
use super::core::{ChannelKey, SwitchCore, Task};
use super::events::origin;
use super::log::line;
use super::stamps::set_stamps;

/// Why a command about a channel did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDone;

impl SwitchCore {
    /// Enters a state, which fires CHANNEL_STATE.
    pub(super) fn enter(&mut self, key: ChannelKey, state: State) {
        if let Some(channel) = self.channel(key) {
            channel.running = state;
            channel.state = state;
        }
        let (now, ever) = (self.channels.len(), self.sessions);
        self.log(key, line::RUNNING_STATE, |channel| {
            format!("({}) Running State Change {} (Cur {now} Tot {ever})", channel.name, state.name())
        });
        self.fire_channel(key, "CHANNEL_STATE", origin::STATE, &[], &[]);
    }

    /// Sets the call state, which fires CHANNEL_CALLSTATE unless it was so.
    pub(super) fn set_call_state(&mut self, key: ChannelKey, state: CallState) {
        let Some(channel) = self.channel(key) else { return };
        let before = std::mem::replace(&mut channel.call_state, state);
        if before != state {
            self.log(key, line::CALL_STATE, |channel| {
                format!("({}) Callstate Change {} -> {}", channel.name, before.name(), state.name())
            });
            let number = state.number().to_string();
            let head = [("Original-Channel-Call-State", before.name()), ("Channel-Call-State-Number", number.as_str())];
            self.fire_channel(key, "CHANNEL_CALLSTATE", origin::CALL_STATE, &head, &[]);
        }
    }

    /// Fires the two CODEC events of a channel that agreed on `codec`.
    pub(super) fn set_codec(&mut self, key: ChannelKey, codec: Codec) {
        let Some(channel) = self.channel(key) else { return };
        channel.codec_shown = Some(codec);
        let read = [
            ("channel-read-codec-name", codec.name()),
            ("channel-read-codec-rate", "8000"),
            ("channel-read-codec-bit-rate", "64000"),
        ];
        self.fire_channel(key, "CODEC", origin::READ_CODEC, &[], &read);
        let Some(channel) = self.channel(key) else { return };
        for name in ["read_codec", "original_read_codec"] {
            channel.variables.set(name, codec.name());
        }
        for name in ["read_rate", "original_read_rate"] {
            channel.variables.set(name, "8000");
        }
        let write = [
            ("Channel-Write-Codec-Name", codec.name()),
            ("Channel-Write-Codec-Rate", "8000"),
            ("Channel-Write-codec-bit-rate", "64000"),
        ];
        self.fire_channel(key, "CODEC", origin::WRITE_CODEC, &[], &write);
        let Some(channel) = self.channel(key) else { return };
        channel.variables.set("write_codec", codec.name());
        channel.variables.set("write_rate", "8000");
        self.agree_on_dtmf(key);
    }

    /// Sends 180 on a call that came in.
    pub(super) fn ring_ready(&mut self, key: ChannelKey) -> Result<(), NotDone> {
        let now = self.now;
        let channel = self.channel(key).filter(|c| c.is_up()).ok_or(NotDone)?;
        if channel.direction == Direction::Outbound
            || channel.answer_state != AnswerState::Ringing
            || channel.ringing_sent == RingingSent::Yes
        {
            return Ok(());
        }
        channel.ringing_sent = RingingSent::Yes;
        channel.times.progress = Some(now);
        let dialog = channel.dialog.ok_or(NotDone)?;
        self.sip(SipCommand::Respond { dialog, code: 180, reason: None, headers: Vec::new(), sdp: None });
        self.fire_channel(key, "CHANNEL_PROGRESS", origin::PROGRESS, &[], &[]);
        self.set_call_state(key, CallState::Ringing);
        Ok(())
    }

    /// Sends 183 with a description on a call that came in, and connects its media.
    pub(super) fn pre_answer(&mut self, key: ChannelKey) -> Result<(), NotDone> {
        let now = self.now;
        let channel = self.channel(key).filter(|c| c.is_up()).ok_or(NotDone)?;
        if channel.direction == Direction::Outbound || channel.answer_state != AnswerState::Ringing {
            return if channel.has_media() { Ok(()) } else { Err(NotDone) };
        }
        let dialog = channel.dialog.ok_or(NotDone)?;
        let sdp = self.describe_answer(key)?;
        self.sip(SipCommand::Respond { dialog, code: 183, reason: None, headers: Vec::new(), sdp: Some(sdp) });
        self.connect(key);
        if let Some(channel) = self.channel(key) {
            channel.answer_state = AnswerState::Early;
            channel.times.progress_media = Some(now);
            channel.variables.set("endpoint_disposition", "EARLY MEDIA");
        }
        self.fire_channel(key, "CHANNEL_PROGRESS_MEDIA", origin::PROGRESS_MEDIA, &[], &[]);
        self.set_call_state(key, CallState::Early);
        Ok(())
    }

    /// Sends 200 with a description on a call that came in, and connects its media.
    pub(super) fn answer_call(&mut self, key: ChannelKey) -> Result<(), NotDone> {
        let channel = self.channel(key).filter(|c| c.is_up()).ok_or(NotDone)?;
        if channel.answer_state == AnswerState::Answered {
            return Ok(());
        }
        // The other side answers a call that we placed.
        if channel.direction == Direction::Outbound {
            return Err(NotDone);
        }
        let dialog = channel.dialog.ok_or(NotDone)?;
        let sdp = self.describe_answer(key)?;
        self.sip(SipCommand::Respond { dialog, code: 200, reason: None, headers: Vec::new(), sdp: Some(sdp) });
        self.connect(key);
        self.mark_answered(key);
        Ok(())
    }

    pub(super) fn mark_answered(&mut self, key: ChannelKey) {
        let now = self.now;
        if let Some(channel) = self.channel(key) {
            channel.answer_state = AnswerState::Answered;
            channel.times.answered = Some(now);
        }
        self.log(key, line::ANSWERED, |channel| format!("Channel [{}] has been answered", channel.name));
        self.fire_channel(key, "CHANNEL_ANSWER", origin::ANSWER, &[], &[]);
        if let Some(channel) = self.channel(key) {
            channel.variables.set("endpoint_disposition", "ANSWER");
        }
        self.set_call_state(key, CallState::Active);
    }

    /// The answer to the offer of a call that came in. Variables about it are set once, with the first answer.
    fn describe_answer(&mut self, key: ChannelKey) -> Result<String, NotDone> {
        let channel = self.channel(key).ok_or(NotDone)?;
        let (Some(local), Some(agreed)) = (channel.media.local, &channel.media.agreed) else { return Err(NotDone) };
        let session = channel.media.session;
        let answer = agreed.answer(session, session + 1, local);
        let sdp = answer.to_sdp();
        if channel.variables.value("rtp_local_sdp_str").is_some() {
            return Ok(sdp);
        }
        channel.variables.set("rtp_local_sdp_str", answer.to_variable());
        let ip = local.ip().to_string();
        channel.variables.set("local_media_ip", ip.as_str());
        channel.variables.set("local_media_port", local.port().to_string());
        channel.variables.set("advertised_media_ip", ip);
        Ok(sdp)
    }

    /// Lets RTP flow, and sets the variables that FreeSWITCH sets when it does.
    pub(super) fn connect(&mut self, key: ChannelKey) {
        let ssrc = self.ids.number();
        let Some(channel) = self.channel(key) else { return };
        let telephone_event = channel.telephone_event();
        let media = &mut channel.media;
        let (Some(remote), Some(codec)) = (media.remote, media.codec) else { return };
        if media.flow == Flow::Connected {
            return;
        }
        media.flow = Flow::Connected;
        let leg = media.leg;
        set_rtp_variables(channel, codec, ssrc);
        self.media(MediaCommand::Connect { leg, remote, codec, telephone_event, ssrc });
    }

    /// Hangs up: fires CHANNEL_HANGUP, and ends what runs on the channel after the command that did it.
    pub(super) fn hangup(&mut self, key: ChannelKey, cause: HangupCause) {
        let Some(channel) = self.channel(key).filter(|c| c.is_up()) else { return };
        channel.ending = Ending::Unwinding;
        let before = std::mem::replace(&mut channel.state, State::Hangup);
        channel.answer_state = AnswerState::Hangup;
        channel.hangup_cause = Some(cause);
        channel.queue.clear();
        channel.applications.clear();
        let peer = channel.peer;
        if channel.other.as_ref().is_some_and(|other| other.role == OtherRole::Originatee) {
            channel.variables.set("last_bridge_role", OtherRole::Originator.name());
        }
        self.log(key, line::HANGUP, |channel| {
            let cause = channel.hangup_cause.as_ref().map_or("", HangupCause::as_str);
            format!("Hangup {} [{}] [{cause}]", channel.name, before.name())
        });
        self.fire_channel(key, "CHANNEL_HANGUP", origin::HANGUP, &[], &[]);
        if let Some(peer) = peer {
            self.later(Task::Unbridge(peer));
        }
        self.later(Task::Part(key));
        self.later(Task::Unwind(key));
    }

    /// Ends the session once nothing runs on it (`switch_core_session_hangup_state`).
    pub(super) fn end_session(&mut self, key: ChannelKey) {
        let now = self.now;
        let Some(channel) = self.channels.get_mut(&key) else { return };
        if channel.running < State::Hangup || channel.running == State::None {
            self.enter(key, State::Hangup);
            if let Some(channel) = self.channel(key) {
                channel.times.hungup = Some(now);
            }
        }
        if self.stop_recordings(key) {
            return;
        }
        let Some(channel) = self.channels.get_mut(&key) else { return };
        if channel.ending != Ending::Unwinding {
            return;
        }
        channel.ending = Ending::Closing;
        self.detect_dtmf(key, None);
        self.generate_dtmf(key, DigitsSent::AsAgreed);
        let Some(channel) = self.channels.get_mut(&key) else { return };
        if channel.times.answered.is_none() {
            self.settings.calls.count_failed(channel.direction);
        }
        let cause = channel.hangup_cause.clone().unwrap_or(HangupCause::None);
        channel.variables.set("hangup_cause", cause.as_str());
        channel.variables.set("hangup_cause_q850", cause.q850().to_string());
        set_stamps(channel, &self.source);
        self.set_call_state(key, CallState::Hangup);
        self.end_dialog(key, &cause);
        let Some(channel) = self.channel(key) else { return };
        let leg = channel.media.leg;
        self.media(MediaCommand::Close { leg });
    }

    /// Says goodbye in SIP, unless the other side did (mod_sofia's `sofia_on_hangup`).
    fn end_dialog(&mut self, key: ChannelKey, cause: &HangupCause) {
        let Some(channel) = self.channel(key) else { return };
        let Some(dialog) = channel.dialog else { return };
        let headers = vec![("Reason".to_owned(), reason(cause))];
        let open = channel.dialog_end == DialogEnd::Open;
        channel.dialog_end = DialogEnd::Ended;
        let answered = channel.times.answered.is_some();
        let variables = &mut channel.variables;
        let heard = variables.value("sip_hangup_disposition").is_some();
        let command = match (channel.direction, answered) {
            (_, true) => ("send_bye", SipCommand::Hangup { dialog, headers }),
            (Direction::Outbound, false) => ("send_cancel", SipCommand::Hangup { dialog, headers }),
            (Direction::Inbound, false) => {
                let code = cause.sip_code();
                ("send_refuse", SipCommand::Respond { dialog, code, reason: None, headers, sdp: None })
            }
        };
        let (disposition, command) = command;
        if !heard {
            variables.set("sip_hangup_disposition", disposition);
            if disposition == "send_cancel" {
                variables.set("sip_invite_failure_status", "487");
                variables.set("sip_invite_failure_phrase", "CANCEL");
            }
        }
        if open {
            self.sip(command);
        }
    }

    /// The media of a session that ended is closed: reports it and lets it go.
    pub(super) fn media_closed(&mut self, key: ChannelKey, stats: &LegStats) {
        let Some(channel) = self.channel(key) else { return };
        if channel.ending != Ending::Closing {
            return;
        }
        if channel.has_media() {
            super::media::set_statistics(channel, stats);
        }
        self.enter(key, State::Reporting);
        let cause = self.channel(key).and_then(|c| c.hangup_cause.clone()).unwrap_or(HangupCause::None);
        let head = [("Hangup-Cause", cause.as_str())];
        self.fire_channel(key, "CHANNEL_HANGUP_COMPLETE", origin::HANGUP_COMPLETE, &head, &[]);
        if let Some(id) = self.channel(key).and_then(|c| c.originate.take()) {
            self.originate_ended(id);
        }
        if self.clients_of(key).is_empty() {
            return self.destroy(key);
        }
        if let Some(channel) = self.channels.get_mut(&key) {
            channel.ending = Ending::Held;
        }
        self.forget_name(key);
    }

    /// Takes the channel away.
    pub(super) fn destroy(&mut self, key: ChannelKey) {
        self.roll_rate();
        // One that never ran keeps the number of its state.
        if let Some(channel) = self.channel(key).filter(|c| c.running != State::None) {
            channel.state = State::Destroy;
            self.log(key, line::ENDED, |channel| format!("Session {key} ({}) Ended", channel.name));
        }
        self.log(key, line::CLOSED, |channel| format!("Close Channel {} [{}]", channel.name, channel.state.name()));
        self.fire_channel(key, "CHANNEL_DESTROY", origin::DESTROY, &[], &[]);
        if let Some(channel) = self.channel(key) {
            channel.running = State::Destroy;
        }
        self.fire_channel(key, "CHANNEL_STATE", origin::STATE, &[], &[]);
        self.forget_name(key);
        if let Some(dialog) = self.channels.remove(&key).and_then(|channel| channel.dialog) {
            self.by_dialog.remove(&dialog);
        }
    }
}

impl SwitchCore {
    /// The channel is not found by its name any more, which another may have by now.
    fn forget_name(&mut self, key: ChannelKey) {
        if let Some(channel) = self.channels.get(&key)
            && self.by_uuid.get(&channel.uuid) == Some(&key)
        {
            self.by_uuid.remove(&channel.uuid);
        }
    }
}

/// What follows when RTP begins to flow.
fn set_rtp_variables(channel: &mut Channel, codec: Codec, ssrc: u32) {
    let telephone_event = channel.telephone_event();
    let variables = &mut channel.variables;
    for name in ["local_media_ip", "local_media_port", "advertised_media_ip"] {
        variables.touch(name);
    }
    variables.set("rtp_use_timer_name", "soft");
    variables.set("rtp_use_pt", codec.payload_type().to_string());
    variables.set("rtp_use_ssrc", ssrc.to_string());
    if let Some(payload) = telephone_event {
        variables.set("rtp_2833_send_payload", payload.to_string());
        variables.set("rtp_2833_recv_payload", payload.to_string());
    }
    variables.touch("remote_media_ip");
    variables.touch("remote_media_port");
}

/// The `Reason` header (RFC 3326) that mod_sofia sends with `cause`.
fn reason(cause: &HangupCause) -> String {
    match cause.number() {
        Some(_) if matches!(cause, HangupCause::PickedOff | HangupCause::LoseRace) => {
            "SIP;cause=200;text=\"Call completed elsewhere\"".to_owned()
        }
        Some(number @ 1..=127) => format!("Q.850;cause={number};text=\"{cause}\""),
        number => format!("SIP;cause={};text=\"{cause}\"", number.unwrap_or(0)),
    }
}
