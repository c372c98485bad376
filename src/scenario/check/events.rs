//! `events`: an ordered pattern of the events of a leg, and events that must not be among them.

use regex::Regex;

use super::{Check, CheckKey};
use crate::scenario::mapping::{default, mapping, optional, required};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::{boolean, pattern, token, word};
use crate::scenario::shape::Shape;
use crate::scenario::witness::Witnessed;

/// The events of a leg come in this order. Others may come between them, unless that is `Strictness::Strict`.
#[derive(Clone, Debug)]
pub struct Events {
    pub leg: Leg,
    pub order: Vec<Item>,
    /// None of these, anywhere.
    pub never: Vec<EventPattern>,
    pub between: Between,
}

/// One line of the pattern.
#[derive(Clone, Debug)]
pub enum Item {
    Comes(EventPattern),
    /// It must not come between the event before and the event behind.
    Not(EventPattern),
}

/// An event by its name and headers.
#[derive(Clone, Debug)]
pub struct EventPattern {
    /// `CHANNEL_ANSWER`; of a CUSTOM event the subclass.
    pub name: String,
    /// Each is found anywhere in its header's value.
    pub headers: Vec<(String, Regex)>,
}

/// What may come between two events of the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    Anything,
    /// Nothing that callwright listens for.
    Nothing,
}

struct EventKeys {
    event: Option<String>,
    not: Option<String>,
    headers: Option<Vec<(String, Regex)>>,
}

struct Keys {
    leg: Leg,
    order: Option<Vec<Item>>,
    never: Option<Vec<EventPattern>>,
    strict: bool,
}

fn name() -> Shape<String> {
    token("the name of an event such as `CHANNEL_ANSWER`", "^[A-Za-z0-9_:.-]+$")
}

fn item() -> Shape<Item> {
    let bare = name().map(|name| Item::Comes(EventPattern { name, headers: Vec::new() }));
    let full = mapping!(EventKeys {
        event: optional("event", name(), "The name of the event; of a CUSTOM one its subclass."),
        not: optional("not", name(), "An event that must not come between the one before and the one behind."),
        headers: optional("headers", pattern().by_name("headers"), "Headers and patterns for their values."),
    })
    .exactly_one(&["event", "not"])
    .and_then(|keys, _, _| {
        let headers = keys.headers.unwrap_or_default();
        match (keys.event, keys.not) {
            (Some(name), _) => Some(Item::Comes(EventPattern { name, headers })),
            (None, name) => Some(Item::Not(EventPattern { name: name?, headers })),
        }
    });
    bare.or(full)
}

fn one() -> Shape<Events> {
    let never = || name().map(|name| EventPattern { name, headers: Vec::new() });
    mapping!(Keys {
        leg: required("leg", word(&[("caller", Leg::Caller), ("callee", Leg::Callee)]), "Whose events."),
        order: optional("order", Shape::list(item()), "Events in the order in which they must come."),
        never: optional("never", Shape::one_or_list(never), "Events that must not come at all."),
        strict: default("strict", boolean(), false, false, "Whether nothing else may come between those of `order`."),
    })
    .at_least_one(&["order", "never"], "no event is named")
    .needs("strict", &["order"])
    .map(|keys| Events {
        leg: keys.leg,
        order: keys.order.unwrap_or_default(),
        never: keys.never.unwrap_or_default(),
        between: if keys.strict { Between::Nothing } else { Between::Anything },
    })
}

pub(super) fn key() -> CheckKey {
    let one = || one().map(|check| Box::new(check) as Box<dyn Check>).placed();
    optional("events", Shape::one_or_list(one), "The events of a leg: their order, and what must not be among them.")
}

impl EventPattern {
    fn is(&self, event: &Witnessed) -> bool {
        let value = |name: &str| event.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        event.name == self.name
            && self.headers.iter().all(|(name, pattern)| value(name).is_some_and(|value| pattern.is_match(value)))
    }

    fn told(&self) -> String {
        let headers = self.headers.iter().map(|(name, pattern)| format!(" {name} =~ {pattern}"));
        headers.fold(self.name.clone(), |text, header| text + &header)
    }
}

impl Events {
    fn patterns(&self) -> impl Iterator<Item = &EventPattern> {
        let order = self.order.iter().map(|item| match item {
            Item::Comes(pattern) | Item::Not(pattern) => pattern,
        });
        order.chain(&self.never)
    }

    /// Holds what came against the pattern: what was expected, and what came instead.
    ///
    /// Each event of the pattern is the first one that is like it behind the one before.
    pub fn unmet(&self, events: &[Witnessed]) -> Option<(String, String)> {
        for pattern in &self.never {
            if let Some(at) = events.iter().position(|event| pattern.is(event)) {
                return Some((
                    format!("no {}", pattern.told()),
                    format!("{} came {}", pattern.told(), behind(events, at)),
                ));
            }
        }
        let (mut next, mut barred) = (0, Vec::new());
        let mut begun = false;
        for item in &self.order {
            let pattern = match item {
                Item::Not(pattern) => {
                    barred.push(pattern);
                    continue;
                }
                Item::Comes(pattern) => pattern,
            };
            let rest = &events[next..];
            let Some(offset) = rest.iter().position(|event| pattern.is(event)) else {
                let named = rest.iter().find(|event| event.name == pattern.name);
                let actual = match (named, rest) {
                    (Some(event), _) => format!("{} came, but with {}", event.name, event.told(&pattern.headers)),
                    (None, []) => format!("nothing more came {}", behind(events, next)),
                    (None, rest) => format!("{} came {}", names(rest), behind(events, next)),
                };
                return Some((format!("{} {}", pattern.told(), behind(events, next)), actual));
            };
            if self.between == Between::Nothing && begun && offset > 0 {
                let expected = format!("{} at once {}", pattern.told(), behind(events, next));
                return Some((expected, format!("{} came before it", names(&rest[..offset]))));
            }
            for barred in barred.drain(..) {
                if rest[..offset].iter().any(|event| barred.is(event)) {
                    let expected = format!("no {} before {}", barred.told(), pattern.told());
                    return Some((expected, format!("{} came", barred.told())));
                }
            }
            begun = true;
            next += offset + 1;
        }
        let barred = barred.into_iter().find(|barred| events[next..].iter().any(|event| barred.is(event)));
        barred
            .map(|barred| (format!("no {} {}", barred.told(), behind(events, next)), format!("{} came", barred.told())))
    }
}

fn behind(events: &[Witnessed], at: usize) -> String {
    match at.checked_sub(1).and_then(|before| events.get(before)) {
        Some(before) => format!("behind {}", before.name),
        None => "first".to_owned(),
    }
}

/// The names of some events; the first few are enough to see what went on.
fn names(events: &[Witnessed]) -> String {
    let told: Vec<_> = events.iter().take(6).map(|event| event.name.as_str()).collect();
    let more =
        if events.len() > told.len() { format!(" and {} more", events.len() - told.len()) } else { String::new() };
    told.join(", ") + &more
}

impl Check for Events {
    fn kind(&self) -> &'static str {
        "events"
    }

    fn describe(&self) -> String {
        format!("events of the {}", self.leg)
    }

    fn events(&self) -> Vec<String> {
        self.patterns().map(|pattern| pattern.name.clone()).collect()
    }

    fn headers(&self) -> Vec<String> {
        self.patterns().flat_map(|pattern| &pattern.headers).map(|(name, _)| name.clone()).collect()
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let leg = outcome.leg(self.leg);
        if !leg.witness.is_whole() {
            return Found::unknown("every event of the leg", "too many events came to keep them all");
        }
        let events = leg.witness.events();
        match self.unmet(events) {
            None => Found::new(true, "the events as written", names(events)),
            Some((expected, actual)) => Found::new(false, expected, actual),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes(name: &str) -> Item {
        Item::Comes(EventPattern { name: name.to_owned(), headers: Vec::new() })
    }

    fn not(name: &str) -> Item {
        Item::Not(EventPattern { name: name.to_owned(), headers: Vec::new() })
    }

    fn events(order: Vec<Item>, between: Between) -> Events {
        Events { leg: Leg::Caller, order, never: Vec::new(), between }
    }

    fn came(names: &[&str]) -> Vec<Witnessed> {
        names.iter().map(|name| Witnessed { name: (*name).to_owned(), headers: Vec::new() }).collect()
    }

    #[test]
    fn gaps_are_allowed_unless_it_is_strict() {
        let came = came(&["A", "B", "C"]);
        assert_eq!(events(vec![comes("A"), comes("C")], Between::Anything).unmet(&came), None);
        let unmet = events(vec![comes("A"), comes("C")], Between::Nothing).unmet(&came).unwrap();
        assert_eq!(unmet, ("C at once behind A".to_owned(), "B came before it".to_owned()));
    }

    #[test]
    fn what_is_in_the_wrong_order_is_told_with_what_came_instead() {
        let unmet = events(vec![comes("B"), comes("A")], Between::Anything).unmet(&came(&["A", "B", "C"])).unwrap();
        assert_eq!(unmet, ("A behind B".to_owned(), "C came behind B".to_owned()));
        let unmet = events(vec![comes("C"), comes("D")], Between::Anything).unmet(&came(&["A", "C"])).unwrap();
        assert_eq!(unmet.1, "nothing more came behind C");
    }

    #[test]
    fn a_barred_event_counts_only_in_its_gap() {
        let pattern = events(vec![comes("A"), not("X"), comes("B")], Between::Anything);
        assert_eq!(pattern.unmet(&came(&["X", "A", "B", "X"])), None);
        assert!(pattern.unmet(&came(&["A", "X", "B"])).is_some());
        let last = events(vec![comes("A"), not("X")], Between::Anything);
        assert!(last.unmet(&came(&["A", "B", "X"])).is_some());
    }

    #[test]
    fn a_header_that_differs_is_shown() {
        let headers = vec![("H".to_owned(), Regex::new("^blue$").unwrap())];
        let pattern = events(vec![Item::Comes(EventPattern { name: "A".into(), headers })], Between::Anything);
        let event = Witnessed { name: "A".into(), headers: vec![("H".into(), "red".into())] };
        assert_eq!(pattern.unmet(&[event]).unwrap().1, "A came, but with H = red");
    }
}
