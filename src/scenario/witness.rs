//! What was seen of a leg's events: their names and what checks ask for of them, not the events.

use std::collections::BTreeSet;

use crate::esl::{Event, header};

/// Events of a leg that are kept; beyond that the record is not whole.
const KEPT: usize = 2_000;

/// A bounded record of the events of a leg.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// Headers that checks ask for.
    asked: BTreeSet<String>,
    events: Vec<Witnessed>,
    left_out: usize,
}

/// One event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Its name; of a CUSTOM event the subclass.
    pub name: String,
    pub headers: Vec<(String, String)>,
}

impl Witness {
    /// A record that keeps these headers.
    pub fn asking(headers: impl IntoIterator<Item = String>) -> Witness {
        Witness { asked: headers.into_iter().collect(), ..Witness::default() }
    }

    pub fn handle(&mut self, event: &Event) {
        if self.events.len() >= KEPT {
            self.left_out += 1;
            return;
        }
        let headers =
            self.asked.iter().filter_map(|name| Some((name.clone(), event.header(name)?.to_owned()))).collect();
        let name = event.header(header::EVENT_SUBCLASS).unwrap_or_else(|| event.name()).to_owned();
        self.events.push(Witnessed { name, headers });
    }

    /// So many events are not told.
    pub(super) fn leave_out(&mut self, events: usize) {
        self.left_out += events;
    }

    /// In the order in which they came.
    pub fn events(&self) -> &[Witnessed] {
        &self.events
    }

    /// Whether none had to be left out.
    pub fn is_whole(&self) -> bool {
        self.left_out == 0
    }
}

impl Witnessed {
    /// The value of a header that a check asks for.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is a CUSTOM event: FreeSWITCH's own names are upper case, and subclasses are not.
    pub(super) fn is_custom(&self) -> bool {
        self.name.contains(|c: char| c.is_ascii_lowercase())
    }

    /// The values of the headers that a pattern asks for.
    pub(super) fn told<T>(&self, asked: &[(String, T)]) -> String {
        let told = asked.iter().map(|(name, _)| match self.header(name) {
            Some(value) => format!("{name} = {value}"),
            None => format!("no {name}"),
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_what_was_asked_for_and_says_when_it_is_not_whole() {
        let mut witness = Witness::asking(["H".to_owned()]);
        let mut event = Event::new();
        event.push("Event-Name", "CHANNEL_ANSWER");
        event.push("H", "1");
        event.push("Other", "2");
        witness.handle(&event);
        assert_eq!(witness.events()[0].headers, [("H".to_owned(), "1".to_owned())]);
        for _ in 0..KEPT {
            witness.handle(&event);
        }
        assert_eq!((witness.events().len(), witness.is_whole()), (KEPT, false));
    }
}
