//! `uuid_dump UUID [txt|plain|json]`: everything about a channel.

use crate::esl::server::write_event;
use crate::esl::wire::Format;

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, NO_CHANNEL, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_dump", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, format) = uuid_and_rest(argument);
    if uuid.is_empty() {
        return "-USAGE: <uuid> [format]\n".into();
    }
    let Some(key) = core.key_of(uuid) else { return NO_CHANNEL.into() };
    let format = match format {
        "json" => Format::Json,
        "plain" => Format::Plain,
        "xml" => return "-ERR Unable to create xml!\n".into(),
        _ => return core.dump(key).into(),
    };
    let Some(event) = core.channel_data(key) else { return NO_CHANNEL.into() };
    let mut bytes = Vec::new();
    write_event(&event, format, &mut bytes);
    let frame = String::from_utf8_lossy(&bytes);
    // Only the body: a reply has its own head.
    frame.split_once("\n\n").map_or("", |(_, body)| body).into()
}
