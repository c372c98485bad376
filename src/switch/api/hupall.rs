//! `hupall [CAUSE [NAME VALUE]...]`: hangs up all channels, or those whose variables have these values.

use crate::call::HangupCause;

use super::super::core::{ChannelKey, SwitchCore};
use super::super::text::separate;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "hupall", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words = separate(argument, ' ', 11);
    let cause = match words.first().map(|word| HangupCause::from_command(word)) {
        None | Some(HangupCause::None) => HangupCause::ManagerRequest,
        Some(cause) => cause,
    };
    let pairs = words.get(1..).unwrap_or_default().chunks_exact(2);
    let wanted: Vec<&[String]> = pairs.filter(|pair| !pair[0].is_empty() && !pair[1].is_empty()).collect();
    let matches = |core: &SwitchCore, key: &ChannelKey| {
        let variables = core.channels.get(key).map(|c| &c.variables);
        wanted.iter().all(|pair| variables.is_some_and(|v| v.value(&pair[0]) == Some(&pair[1])))
    };
    let keys: Vec<ChannelKey> = core.channels.keys().filter(|key| matches(core, key)).copied().collect();
    for key in keys {
        core.hangup(key, cause.clone());
    }
    match wanted.as_slice() {
        [] => format!("+OK hangup all channels with cause {cause}\n").into(),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { "" } else { "..." };
            let (name, value) = (&first[0], &first[1]);
            format!("+OK hangup all channels matching [{name}]=[{value}]{more} with cause: {cause}\n").into()
        }
    }
}
