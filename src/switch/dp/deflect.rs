//! `deflect URI`: asks the other side to call somebody else (REFER, RFC 3515).
//!
//! Before the answer nothing can be sent, and FreeSWITCH waits to the end of the call; so does this.

use crate::sip::SipCommand;

use super::super::channel::AnswerState;
use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "deflect", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let url = core.profile_url();
    let Some(channel) = core.channel(key).filter(|c| c.is_up()) else { return Doing::Done };
    if argument.trim().is_empty() {
        return Doing::Done;
    }
    if channel.answer_state == AnswerState::Answered
        && let Some(dialog) = channel.dialog
    {
        let headers = vec![
            ("Refer-To".to_owned(), format!("<{}>", argument.trim())),
            ("Referred-By".to_owned(), format!("<{url}>")),
        ];
        core.sip(SipCommand::Request { dialog, method: "REFER", headers, body: String::new() });
    }
    Doing::Deflect
}
