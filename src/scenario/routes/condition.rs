//! What must hold of a call for a route to take it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use regex::Regex;

use super::chance::Chance;
use super::hours::{Hours, Weekdays, local};
use crate::units::Time;

/// The event header that is matched where a route names none.
pub const DESTINATION: &str = "Caller-Destination-Number";

/// What must hold of a call for a route to take it. All of it must; what is not said holds.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// A header, and what it must match from its beginning.
    pub pattern: Option<(String, Regex)>,
    /// Headers that must match, each from its beginning.
    pub all: Vec<(String, Regex)>,
    /// Of these at least one must, where there are any.
    pub any: Vec<(String, Regex)>,
    /// None of these may.
    pub unless: Vec<(String, Regex)>,
    pub weekdays: Option<Weekdays>,
    /// Of several, one must hold.
    pub hours: Vec<Hours>,
    /// Where weekdays and hours are; without one, UTC.
    pub zone: Option<TimeZone>,
    /// Judged last, so that it is a share of the calls that everything else lets through.
    pub chance: Option<Chance>,
}

/// What routes may ask of a call and of the moment.
pub struct Asked<'a> {
    /// The newest value of an event header.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    pub now: Time,
    /// A new number each time, from 0 to below 1.
    pub roll: &'a mut dyn FnMut() -> f64,
}

/// What a route matched of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// The value that matched.
    pub value: String,
    /// What each group of the expression matched, the whole first; by their names too, in [`Matched::named`].
    pub groups: Vec<Option<String>>,
    /// Groups that have names and took part.
    pub named: BTreeMap<String, String>,
    /// Parameters of the router and of the routes around, and the route's own.
    pub params: BTreeMap<String, String>,
}

impl Matched {
    /// A value that is taken as it is.
    pub fn whole(value: String) -> Matched {
        Matched { groups: vec![Some(value.clone())], value, ..Matched::default() }
    }

    /// What group `number` matched; empty where it took no part.
    pub fn group(&self, number: usize) -> &str {
        self.groups.get(number).and_then(Option::as_deref).unwrap_or_default()
    }
}

impl Condition {
    /// What it matches of a call; `None` where it does not hold. One without a pattern of its own has what the route
    /// `around` it matched.
    pub fn matched(&self, asked: &mut Asked<'_>, around: &Matched) -> Option<Matched> {
        let matched = match &self.pattern {
            Some((header, pattern)) => captured(pattern, (asked.header)(header)?, around)?,
            None => around.clone(),
        };
        let holds = |(header, pattern): &(String, Regex)| {
            (asked.header)(header).is_some_and(|value| from_beginning(pattern, &value).is_some())
        };
        let headers = self.all.iter().all(holds)
            && (self.any.is_empty() || self.any.iter().any(holds))
            && !self.unless.iter().any(holds);
        let in_time = || {
            let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
            let local = local(asked.now, zone);
            self.weekdays.is_none_or(|days| days.has(local.weekday()))
                && (self.hours.is_empty() || self.hours.iter().any(|hours| hours.has(local.time())))
        };
        let timed = self.weekdays.is_some() || !self.hours.is_empty();
        let fits = headers && (!timed || in_time());
        (fits && self.chance.is_none_or(|chance| chance.takes((asked.roll)()))).then_some(matched)
    }
}

/// The match that begins where the text does. The first match from the left is that one, where there is one.
fn from_beginning<'t>(pattern: &Regex, text: &'t str) -> Option<regex::Captures<'t>> {
    pattern.captures(text).filter(|captures| captures.get(0).is_some_and(|whole| whole.start() == 0))
}

fn captured(pattern: &Regex, value: String, around: &Matched) -> Option<Matched> {
    let captures = from_beginning(pattern, &value)?;
    let text = |group: Option<regex::Match<'_>>| group.map(|group| group.as_str().to_owned());
    let named = pattern.capture_names().flatten();
    let named = named.filter_map(|name| Some((name.to_owned(), captures.name(name)?.as_str().to_owned()))).collect();
    let groups = captures.iter().map(text).collect();
    Some(Matched { value, groups, named, params: around.params.clone() })
}
