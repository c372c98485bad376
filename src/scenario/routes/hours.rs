//! Days of the week and times of the day.

use jiff::civil::{DateTime, Time as TimeOfDay, Weekday};
use jiff::tz::TimeZone;
use serde_json::json;

use crate::scenario::diagnostic::did_you_mean;
use crate::scenario::node::shortened;
use crate::scenario::shape::{Shape, Wrong};
use crate::units::Time;

/// Days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weekdays([bool; 7]);

/// A time of the day, from `from` up to but without `to`. Where `from` is not the earlier one it goes over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: TimeOfDay,
    to: TimeOfDay,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const LONG_DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Weekdays {
    pub fn has(self, day: Weekday) -> bool {
        self.0[usize::from(day.to_monday_zero_offset().unsigned_abs())]
    }

    fn with(self, other: Weekdays) -> Weekdays {
        Weekdays(std::array::from_fn(|day| self.0[day] || other.0[day]))
    }

    /// The days from the one to the other, over Sunday if need be.
    fn between(first: usize, last: usize) -> Weekdays {
        let length = (last + 7 - first) % 7;
        Weekdays(std::array::from_fn(|day| (day + 7 - first) % 7 <= length))
    }
}

impl Hours {
    pub fn has(self, time: TimeOfDay) -> bool {
        if self.from < self.to { (self.from..self.to).contains(&time) } else { time >= self.from || time < self.to }
    }
}

/// What calendar and clock show in `zone`.
pub(super) fn local(now: Time, zone: TimeZone) -> DateTime {
    // Beyond the year 9999 it stays that.
    let micros = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX).to_zoned(zone).datetime()
}

/// `sun`, `mon-fri`, or a list of such.
pub(super) fn weekdays() -> Shape<Weekdays> {
    Shape::one_or_list(days)
        .expects("days such as `sun`, `mon-fri` or `[sat, sun]`")
        .map(|days| days.into_iter().fold(Weekdays::default(), Weekdays::with))
}

fn days() -> Shape<Weekdays> {
    let day = format!("({}|{})", DAYS.join("|"), LONG_DAYS.join("|"));
    let json = json!({ "type": "string", "pattern": format!("^{day}(-{day})?$") });
    Shape::scalar("a day such as `sun`, or days such as `mon-fri`", json, |text, _| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Ok(Weekdays::between(day_of(first)?, day_of(last)?))
    })
}

fn day_of(text: &str) -> Result<usize, Wrong> {
    let named = |names: [&str; 7]| names.iter().position(|name| *name == text);
    named(DAYS).or_else(|| named(LONG_DAYS)).ok_or_else(|| {
        let wrong = Wrong::message(format!("`{}` is no day of the week", shortened(text)));
        match did_you_mean(text, LONG_DAYS.iter().chain(&DAYS).copied()) {
            Some(meant) => wrong.label(format!("did you mean `{meant}`?")),
            None => wrong.help(format!("days are {}", DAYS.join(", "))),
        }
    })
}

/// `09:00-17:00`, or a list of such.
pub(super) fn hours() -> Shape<Vec<Hours>> {
    let time = "([01][0-9]|2[0-3]):[0-5][0-9]";
    let json = move || json!({ "type": "string", "pattern": format!("^{time}-({time}|24:00)$") });
    Shape::one_or_list(move || {
        Shape::scalar("a time of the day such as `09:00-17:00`", json(), |text, _| {
            let (from, to) = text.split_once('-').ok_or_else(Wrong::kind)?;
            let hours = Hours { from: time_of(from)?, to: if to == "24:00" { TimeOfDay::MIN } else { time_of(to)? } };
            if from == to {
                return Err(Wrong::message(format!("`{}` is no time at all", shortened(text)))
                    .help("without `hours` a route holds all day"));
            }
            Ok(hours)
        })
    })
}

/// `17:05`
fn time_of(text: &str) -> Result<TimeOfDay, Wrong> {
    let wrong = || {
        Wrong::message(format!("`{}` is no time of the day", shortened(text))).label("from 00:00 to 23:59, as `09:30`")
    };
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number =
        |text: &str| (text.len() == 2).then(|| text.parse::<i8>().ok()).flatten().filter(|number| *number >= 0);
    let (hour, minute) = number(hour).zip(number(minute)).ok_or_else(wrong)?;
    TimeOfDay::new(hour, minute, 0, 0).map_err(|_| wrong())
}

/// The name of a zone: `Europe/Berlin`.
pub(super) fn zone() -> Shape<TimeZone> {
    let json = json!({ "type": "string", "minLength": 1 });
    Shape::scalar("a time zone such as `Europe/Berlin` or `UTC`", json, |text, _| {
        TimeZone::get(text).map_err(|_| {
            let wrong = Wrong::message(format!("unknown time zone `{}`", shortened(text)));
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            match did_you_mean(text, known.iter().map(String::as_str)) {
                Some(meant) => wrong.label(format!("did you mean `{meant}`?")),
                None => wrong.help("zones are those of the IANA database: `Europe/Berlin`, `America/New_York`, `UTC`"),
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(first: usize, last: usize) -> String {
        let days = Weekdays::between(first, last);
        DAYS.iter().zip(days.0).filter(|(_, has)| *has).map(|(day, _)| *day).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn days_go_over_sunday_where_the_last_comes_first() {
        assert_eq!(days(0, 4), "mon tue wed thu fri");
        assert_eq!(days(5, 0), "mon sat sun");
        assert_eq!(days(6, 6), "sun");
    }

    #[test]
    fn hours_go_over_midnight_and_end_before_their_end() {
        let at = |hour, minute| TimeOfDay::new(hour, minute, 0, 0).unwrap();
        let day = Hours { from: at(9, 0), to: at(17, 0) };
        assert!(day.has(at(9, 0)) && day.has(at(16, 59)) && !day.has(at(17, 0)) && !day.has(at(8, 59)));
        let night = Hours { from: at(22, 0), to: at(6, 0) };
        assert!(night.has(at(23, 0)) && night.has(at(0, 0)) && !night.has(at(6, 0)) && !night.has(at(12, 0)));
        let late = Hours { from: at(22, 0), to: at(0, 0) };
        assert!(late.has(at(23, 59)) && !late.has(at(0, 0)));
    }

    #[test]
    fn a_moment_is_another_day_elsewhere() {
        // 2026-01-04, a Sunday, 23:30 UTC.
        let now = Time::from_micros(1_767_569_400_000_000);
        assert_eq!(local(now, TimeZone::UTC).weekday(), Weekday::Sunday);
        assert_eq!(local(now, TimeZone::get("Europe/Berlin").unwrap()).weekday(), Weekday::Monday);
    }
}
