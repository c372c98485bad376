//! `uuid_dump UUID [txt|plain|json]`: everything about a channel, values percent-encoded unless `plain` or JSON.

use crate::esl::Event;
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
    let Some(event) = core.channel_data(key) else { return NO_CHANNEL.into() };
    let format = match format {
        "json" => Format::Json,
        "xml" => return "-ERR Unable to create xml!\n".into(),
        // FreeSWITCH's word for values as they are, in brackets.
        "plain" => return (bracketed(&event) + "\n").into(),
        _ => Format::Plain,
    };
    let mut bytes = Vec::new();
    write_event(&event, format, &mut bytes);
    let frame = String::from_utf8_lossy(&bytes);
    // Only the body: a reply has its own head.
    frame.split_once("\n\n").map_or("", |(_, body)| body).into()
}

fn bracketed(event: &Event) -> String {
    event.headers().fold(String::new(), |text, (name, value)| text + name + ": [" + value + "]\n")
}
