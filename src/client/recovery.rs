//! What a host that came back tells of the channels it has, and what was missed of them.

use serde::Deserialize;

use crate::call::State;
use crate::esl::{Event, header, wire};
use crate::id::SessionId;

/// A channel in `show channels as json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub id: SessionId,
    /// It waits in `park`.
    pub parked: bool,
}

#[derive(Deserialize)]
struct Table {
    #[serde(default)]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    uuid: String,
    #[serde(default)]
    application: String,
}

/// The channels of `show channels as json`; none where the reply is no such table.
pub(super) fn listed(reply: &str) -> Vec<Listed> {
    let table: Table = serde_json::from_str(reply).unwrap_or(Table { rows: Vec::new() });
    let listed = |row: Row| Listed { id: SessionId::new(&row.uuid), parked: row.application == "park" };
    table.rows.into_iter().map(listed).collect()
}

/// The events that were missed of a channel that is there, made of its dump (`uuid_dump UUID json`): nothing where it is
/// gone by now. `known` is the state that it was last seen in.
pub(super) fn missed(dump: &str, known: Option<State>, listed: &Listed, known_as_parked: bool) -> Vec<Event> {
    let Some(dump) = dumped(dump, listed) else { return Vec::new() };
    let is_set = |name: &str| is_set(&dump, name);
    let steps = [
        ("CHANNEL_CREATE", State::Created, true),
        ("CHANNEL_PROGRESS", State::Ringing, is_set("Caller-Channel-Progress-Time")),
        ("CHANNEL_PROGRESS_MEDIA", State::EarlyMedia, is_set("Caller-Channel-Progress-Media-Time")),
        ("CHANNEL_ANSWER", State::Answered, is_answered(&dump)),
    ];
    let missed = steps.into_iter().filter(|(_, state, is_so)| *is_so && known < Some(*state));
    let mut names: Vec<&str> = missed.map(|(name, ..)| name).collect();
    if listed.parked && !known_as_parked {
        names.push("CHANNEL_PARK");
    }
    names.into_iter().map(|name| renamed(&dump, name)).collect()
}

/// A channel's dump; `None` where it is gone by now.
pub(super) fn dumped(dump: &str, listed: &Listed) -> Option<Event> {
    let dump = wire::parse_json(dump).ok()?;
    (dump.header(header::UNIQUE_ID) == Some(listed.id.as_str())).then_some(dump)
}

/// Whether the channel of a dump is answered.
pub(super) fn is_answered(dump: &Event) -> bool {
    is_set(dump, "Caller-Channel-Answered-Time")
}

fn is_set(dump: &Event, name: &str) -> bool {
    dump.header(name).is_some_and(|value| !matches!(value, "" | "0"))
}

/// The same headers under another name.
pub(super) fn renamed(event: &Event, name: &str) -> Event {
    let mut copy = Event::new();
    for (header, value) in event.headers() {
        let value = if header == header::EVENT_NAME { name } else { value };
        copy.push(header, value);
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = r#"{"Event-Name":"CHANNEL_DATA","Unique-ID":"a","Call-Direction":"inbound",
        "Caller-Channel-Answered-Time":"1700000000000000","Caller-Channel-Progress-Time":"0"}"#;

    fn names(events: &[Event]) -> Vec<&str> {
        events.iter().map(Event::name).collect()
    }

    #[test]
    fn a_list_of_channels_is_read_and_nonsense_is_none() {
        let list = r#"{"row_count":2,"rows":[{"uuid":"a","application":"park"},{"uuid":"b","application":"echo"}]}"#;
        let found = listed(list);
        assert_eq!(found.iter().map(|l| (l.id.as_str(), l.parked)).collect::<Vec<_>>(), [("a", true), ("b", false)]);
        assert!(listed("{\"row_count\": 0}\n").is_empty());
        assert!(listed("-ERR no").is_empty());
    }

    #[test]
    fn what_was_missed_of_a_channel_is_made_up_for() {
        let listed = Listed { id: "a".into(), parked: true };
        assert_eq!(names(&missed(DUMP, None, &listed, false)), ["CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_PARK"]);
        assert_eq!(names(&missed(DUMP, Some(State::Created), &listed, true)), ["CHANNEL_ANSWER"]);
        assert!(missed(DUMP, Some(State::Answered), &listed, true).is_empty());
        assert!(missed("-ERR No such channel!\n", None, &listed, false).is_empty());
    }
}
