//! `respond CODE [REASON]`: answers an INVITE with a SIP response of one's own.

use crate::call::HangupCause;
use crate::sip::SipCommand;

use super::super::channel::{DialogEnd, Direction};
use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "respond", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let (code, reason) = argument.trim().split_once(' ').unwrap_or((argument.trim(), ""));
    let Ok(code @ 300..=699) = code.parse::<u16>() else {
        // Provisional and good responses have applications of their own; FreeSWITCH takes what is no code for 488.
        match code.parse::<u16>() {
            Ok(180..=182) => drop(core.ring_ready(key)),
            Ok(183) => drop(core.pre_answer(key)),
            Ok(200..=299) => drop(core.answer_call(key)),
            _ => core.hangup(key, HangupCause::from_sip_code(488)),
        }
        return Doing::Done;
    };
    let Some(channel) = core.channel(key).filter(|c| c.is_up()) else { return Doing::Done };
    if channel.direction == Direction::Inbound
        && channel.times.answered.is_none()
        && let Some(dialog) = channel.dialog
    {
        channel.dialog_end = DialogEnd::Ended;
        let reason = Some(reason.trim().to_owned()).filter(|r| !r.is_empty());
        core.sip(SipCommand::Respond { dialog, code, reason, headers: Vec::new(), sdp: None });
    }
    core.hangup(key, HangupCause::from_sip_code(code));
    Doing::Done
}
