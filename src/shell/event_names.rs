//! Which events: names, and subclasses of `CUSTOM`.

use super::input::{InputError, closest};
use crate::switch::{EVENTS, event_name};

/// Names of events, none of them twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventNames {
    pub(super) plain: Vec<&'static str>,
    /// Subclasses of `CUSTOM`.
    pub(super) custom: Vec<String>,
}

/// Stands for every event.
pub(super) const ALL: &str = "ALL";

impl EventNames {
    /// Names with blanks or commas between them. What has `::` in it, or stands behind `CUSTOM`, is a subclass.
    pub fn parse(text: &str) -> Result<EventNames, InputError> {
        let mut names = EventNames::default();
        let mut behind_custom = false;
        for word in text.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
            match event_name(word) {
                Some("CUSTOM") => behind_custom = true,
                Some(name) if !behind_custom => names.add_plain(name),
                _ if behind_custom || word.contains("::") => names.add_custom(word),
                _ => {
                    let meant = closest(&word.to_ascii_uppercase(), EVENTS.iter().copied());
                    return Err(InputError::Event { name: word.to_owned(), meant });
                }
            }
        }
        if behind_custom && names.custom.is_empty() {
            return Err(InputError::NoSubclass);
        }
        Ok(names)
    }

    pub(super) fn all() -> EventNames {
        EventNames { plain: vec![ALL], custom: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.custom.is_empty()
    }

    pub(super) fn extend(&mut self, other: &EventNames) {
        other.plain.iter().for_each(|name| self.add_plain(name));
        other.custom.iter().for_each(|name| self.add_custom(name));
    }

    pub(super) fn remove(&mut self, other: &EventNames) {
        self.plain.retain(|name| !other.plain.contains(name));
        self.custom.retain(|name| !other.custom.contains(name));
    }

    pub(super) fn has_all(&self) -> bool {
        self.plain.contains(&ALL)
    }

    /// As commands of the event socket take them.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.plain.iter().map(|name| (*name).to_owned()).collect();
        if !self.custom.is_empty() {
            words.push("CUSTOM".to_owned());
            words.extend(self.custom.iter().cloned());
        }
        words
    }

    fn add_plain(&mut self, name: &'static str) {
        if !self.plain.contains(&name) {
            self.plain.push(name);
        }
    }

    fn add_custom(&mut self, name: &str) {
        if !self.custom.iter().any(|known| known == name) {
            self.custom.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subclasses_are_told_from_events() {
        let names = EventNames::parse("channel_answer, sofia::register CUSTOM foo CHANNEL_ANSWER").unwrap();
        assert_eq!(names.words(), ["CHANNEL_ANSWER", "CUSTOM", "sofia::register", "foo", "CHANNEL_ANSWER"]);
        let mut all = EventNames::parse("DTMF").unwrap();
        all.extend(&names);
        all.extend(&names);
        assert_eq!(all.words()[..3], ["DTMF", "CHANNEL_ANSWER", "CUSTOM"]);
        all.remove(&EventNames::parse("CHANNEL_ANSWER CUSTOM foo").unwrap());
        assert_eq!(all.words(), ["DTMF", "CUSTOM", "sofia::register", "CHANNEL_ANSWER"]);
    }
}
