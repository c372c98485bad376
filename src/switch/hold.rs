//! Hold: re-INVITEs that change the direction of the audio (RFC 3264 8.4), ours and the other side's.

use crate::media::MediaCommand;
use crate::sip::sdp::{Description, Direction};
use crate::sip::{DialogId, Message, SipCommand};

use super::channel::{AnswerState, CallState, Channel, Hold};
use super::core::{About, ChannelKey, SwitchCore};
use super::events::origin;
use super::session::NotDone;

impl SwitchCore {
    /// Puts the other side on hold (`switch_ivr_hold`).
    pub(super) fn hold(&mut self, key: ChannelKey) -> Result<(), NotDone> {
        let now = self.now;
        let channel = self.channel(key).filter(|c| c.is_up() && c.hold == Hold::No).ok_or(NotDone)?;
        if channel.answer_state != AnswerState::Answered {
            return Err(NotDone);
        }
        let offer = offer(channel, Direction::SendOnly).ok_or(NotDone)?;
        channel.hold = Hold::Ours;
        self.set_call_state(key, CallState::Held);
        if let Some(channel) = self.channel(key) {
            channel.times.last_hold = Some(now);
        }
        self.fire_channel(key, "CHANNEL_HOLD", origin::HOLD, &[], &[]);
        self.sip(offer);
        Ok(())
    }

    /// Takes the other side back (`switch_ivr_unhold`).
    pub(super) fn unhold(&mut self, key: ChannelKey) -> Result<(), NotDone> {
        let now = self.now;
        let channel = self.channel(key).filter(|c| c.is_up() && c.hold == Hold::Ours).ok_or(NotDone)?;
        let offer = offer(channel, Direction::SendRecv).ok_or(NotDone)?;
        channel.hold = Hold::No;
        if let Some(since) = channel.times.last_hold {
            channel.times.held += now.since(since);
        }
        self.set_call_state(key, CallState::Unheld);
        self.fire_channel(key, "CHANNEL_UNHOLD", origin::UNHOLD, &[], &[]);
        self.sip(offer);
        Ok(())
    }

    /// The other side answered a request of ours inside the dialog.
    pub(super) fn answered_inside(&mut self, dialog: DialogId, method: &str, response: &Message) {
        let Some(&key) = self.by_dialog.get(&dialog) else { return };
        let Some(channel) = self.channel(key).filter(|c| c.is_up()) else { return };
        if method != "INVITE" || !response.code().is_some_and(|code| (200..300).contains(&code)) {
            return;
        }
        let way = Description::parse(&response.body).map(|described| described.direction).unwrap_or_default();
        channel.variables.set("remote_audio_media_flow", way.name());
        if channel.call_state == CallState::Unheld {
            self.set_call_state(key, CallState::Active);
        }
    }

    /// The other side offered audio in this direction.
    pub(super) fn offered_way(&mut self, key: ChannelKey, way: Direction) {
        let now = self.now;
        let Some(channel) = self.channel(key) else { return };
        let held = matches!(way, Direction::SendOnly | Direction::Inactive);
        let leg = channel.media.leg;
        channel.variables.set("remote_audio_media_flow", way.name());
        channel.variables.set("audio_media_flow", way.reversed().name());
        match (channel.hold, held) {
            (Hold::Theirs, false) => {
                self.held_no_more(key);
                self.reinvited(key);
                self.set_call_state(key, CallState::Active);
            }
            (Hold::No, true) => {
                channel.hold = Hold::Theirs;
                self.set_call_state(key, CallState::Held);
                if let Some(channel) = self.channel(key) {
                    channel.times.last_hold = Some(now);
                }
                self.fire_channel(key, "CHANNEL_HOLD", origin::MARK_HOLD, &[], &[]);
                self.reinvited(key);
            }
            _ => self.reinvited(key),
        }
        self.media(MediaCommand::Pause { leg, on: held });
    }

    /// The other side holds this channel no more, or is gone.
    pub(super) fn held_no_more(&mut self, key: ChannelKey) {
        let now = self.now;
        let Some(channel) = self.channel(key).filter(|c| c.hold == Hold::Theirs) else { return };
        channel.hold = Hold::No;
        self.set_call_state(key, CallState::Unheld);
        if let Some(channel) = self.channel(key)
            && let Some(since) = channel.times.last_hold
        {
            channel.times.held += now.since(since);
        }
        self.fire_channel(key, "CHANNEL_UNHOLD", origin::MARK_HOLD, &[], &[]);
    }

    /// sofia::reinvite names the session and nothing else of it.
    fn reinvited(&mut self, key: ChannelKey) {
        self.fire_custom("sofia::reinvite", origin::REINVITE, About::Named(key), &[]);
    }
}

/// A re-INVITE that offers what was agreed, in this direction.
fn offer(channel: &mut Channel, way: Direction) -> Option<SipCommand> {
    let (dialog, local) = (channel.dialog?, channel.media.local?);
    // The version of our description counts up: RFC 3264 8.
    channel.media.version += 1;
    let (session, version) = (channel.media.session, channel.media.session + channel.media.version);
    let description = channel.media.agreed.as_ref()?.answer(session, version, local).redirected(Direction::SendRecv);
    // What FreeSWITCH keeps does not tell of the hold.
    channel.variables.set("rtp_local_sdp_str", description.to_variable());
    Some(SipCommand::Reinvite { dialog, sdp: description.redirected(way).to_sdp() })
}
