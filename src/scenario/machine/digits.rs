//! The digits that came on a leg, and what a step expected of them.

use std::time::Duration;

use crate::esl::Event;
use crate::scenario::step::{ExpectDtmf, Mode};
use crate::units::{SampleRate, Time, human};

/// One digit as the switch told of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrived {
    digit: char,
    duration: Duration,
    /// `DTMF-Source`.
    source: String,
    at: Time,
}

/// Digits that no step took yet, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Digits {
    waiting: Vec<Arrived>,
}

/// Digits are not as expected: what was wanted, what came, and what may be the cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WrongDigits {
    pub(super) expected: String,
    pub(super) actual: String,
    pub(super) help: String,
}

impl Digits {
    /// Takes a DTMF event; others are let be.
    pub(super) fn handle(&mut self, now: Time, event: &Event) {
        // Digits that a switch changes into tones are told of on the leg that sends them.
        if event.name() != "DTMF" || event.header("DTMF-Conversion").is_some() {
            return;
        }
        let Some(digit) = event.header("DTMF-Digit").and_then(|digit| digit.chars().next()) else { return };
        let samples = event.header("DTMF-Duration").and_then(|text| text.parse().ok()).unwrap_or(0);
        self.waiting.push(Arrived {
            digit: digit.to_ascii_uppercase(),
            duration: SampleRate::NARROW.duration(samples),
            source: event.header("DTMF-Source").unwrap_or_default().to_owned(),
            at: event.fired().unwrap_or(now),
        });
    }

    /// Whether what `wanted` waits for has come; those digits are taken. `since` is when the leg was answered.
    pub(super) fn take(&mut self, wanted: &ExpectDtmf, since: Option<Time>) -> Option<Result<(), WrongDigits>> {
        let places = self.places(wanted.mode);
        let count = wanted.digits.len();
        if places.len() < count {
            return None;
        }
        let came: Vec<Arrived> = places[..count].iter().map(|&at| self.waiting[at].clone()).collect();
        let found = match difference(&wanted.digits, &came, since).or_else(|| lengths(wanted, &came, since)) {
            Some(difference) => Err(self.wrong(wanted, &difference)),
            None => {
                for &at in places[..count].iter().rev() {
                    self.waiting.remove(at);
                }
                Ok(())
            }
        };
        Some(found)
    }

    /// What is missing when nothing more will come.
    pub(super) fn missing(&self, wanted: &ExpectDtmf, since: Option<Time>) -> WrongDigits {
        let came: Vec<Arrived> = self.places(wanted.mode).into_iter().map(|at| self.waiting[at].clone()).collect();
        let difference = difference(&wanted.digits, &came, since).unwrap_or_default();
        self.wrong(wanted, &difference)
    }

    /// Digits that came behind all that was expected, in a way that is expected.
    pub(super) fn left(&self, mode: Option<Mode>, since: Option<Time>) -> Option<String> {
        let left: Vec<_> = self.places(mode).into_iter().map(|at| told(&self.waiting[at], since)).collect();
        (!left.is_empty()).then(|| left.join(", "))
    }

    fn places(&self, mode: Option<Mode>) -> Vec<usize> {
        let counts = |arrived: &Arrived| mode.is_none_or(|mode| arrived.source == mode.source());
        (0..self.waiting.len()).filter(|&at| counts(&self.waiting[at])).collect()
    }

    fn wrong(&self, wanted: &ExpectDtmf, difference: &str) -> WrongDigits {
        let places = self.places(wanted.mode);
        let came = spaced(places.iter().map(|&at| self.waiting[at].digit));
        let came = if came.is_empty() { "nothing".to_owned() } else { came };
        let mode = wanted.mode.map_or(String::new(), |mode| format!(" by {mode}"));
        let mut others: Vec<&str> = self.waiting.iter().map(|arrived| arrived.source.as_str()).collect();
        others.retain(|source| wanted.mode.is_some_and(|mode| *source != mode.source()));
        others.dedup();
        let help = match others.is_empty() {
            true => String::new(),
            false => format!("digits came another way: {} ({})", self.all(), others.join(", ")),
        };
        let expected = spaced(wanted.digits.chars());
        WrongDigits {
            expected: format!("{expected}{mode} within {}", human(wanted.within)),
            actual: format!("received {came}, expected {expected}: {difference}"),
            help,
        }
    }

    fn all(&self) -> String {
        spaced(self.waiting.iter().map(|arrived| arrived.digit))
    }
}

/// `1 2 3`
fn spaced(digits: impl Iterator<Item = char>) -> String {
    digits.map(String::from).collect::<Vec<_>>().join(" ")
}

/// `` `2` at +1.2s ``
fn told(arrived: &Arrived, since: Option<Time>) -> String {
    let at = since.map_or(String::new(), |since| format!(" at +{}", human(rounded(arrived.at.since(since)))));
    format!("`{}`{at}", arrived.digit)
}

/// To a hundredth of a second.
fn rounded(time: Duration) -> Duration {
    Duration::from_millis((time.as_millis() as u64 + 5) / 10 * 10)
}

/// `third`
fn ordinal(number: usize) -> String {
    const WORDS: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    WORDS.get(number).map_or_else(|| format!("{}th", number + 1), |&word| word.to_owned())
}

/// The first digit that is not as expected, and what happened to it.
fn difference(expected: &str, came: &[Arrived], since: Option<Time>) -> Option<String> {
    let expected: Vec<char> = expected.chars().collect();
    let at = (0..expected.len()).find(|&at| came.get(at).is_none_or(|arrived| arrived.digit != expected[at]))?;
    let place = ordinal(at);
    let Some(arrived) = came.get(at) else {
        return Some(format!("{place} digit `{}` did not come", expected[at]));
    };
    let found = format!("{place} digit {}", told(arrived, since));
    let repeats = at > 0 && came[at - 1].digit == arrived.digit;
    let later = expected[at..].contains(&arrived.digit) && came[at..].iter().any(|other| other.digit == expected[at]);
    Some(match () {
        () if repeats => format!("{found} repeats the {} one", ordinal(at - 1)),
        () if later => format!("{found} came before `{}`: the order is wrong", expected[at]),
        () if expected.get(at + 1) == Some(&arrived.digit) => {
            format!("{found} came, and `{}` before it is missing", expected[at])
        }
        () => format!("{found} came instead of `{}`", expected[at]),
    })
}

/// The first digit whose length, or distance from the one before, is not as expected.
fn lengths(wanted: &ExpectDtmf, came: &[Arrived], since: Option<Time>) -> Option<String> {
    for (at, arrived) in came.iter().enumerate() {
        let place = format!("{} digit {}", ordinal(at), told(arrived, since));
        if let Some(bound) = wanted.tone.filter(|bound| !bound.holds(arrived.duration)) {
            return Some(format!("{place} lasted {}, not {bound}", human(arrived.duration)));
        }
        let before = at.checked_sub(1).map(|before| &came[before]);
        if let (Some(bound), Some(before)) = (wanted.gap, before) {
            // Told at its end, each.
            let gap = arrived.at.since(before.at).saturating_sub(arrived.duration);
            if !bound.holds(gap) {
                return Some(format!("{place} came {} after the one before, not {bound}", human(rounded(gap))));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(digit: char, source: &str, milliseconds: u64, at: u64) -> Event {
        let mut event = Event::new();
        event.push("Event-Name", "DTMF");
        event.push("Event-Date-Timestamp", at * 1_000);
        event.push("DTMF-Digit", digit);
        event.push("DTMF-Duration", milliseconds * 8);
        event.push("DTMF-Source", source);
        event
    }

    /// Digits of 100 ms by RFC 4733, one every 400 ms.
    fn came(digits: &str) -> Digits {
        let mut came = Digits::default();
        for (number, digit) in digits.chars().enumerate() {
            came.handle(Time::default(), &event(digit, "RTP", 100, 400 * (number as u64 + 1)));
        }
        came
    }

    fn expect(digits: &str) -> ExpectDtmf {
        let within = Duration::from_secs(2);
        ExpectDtmf { digits: digits.to_owned(), mode: None, within, tone: None, gap: None }
    }

    fn told(digits: &str, wanted: &ExpectDtmf) -> String {
        let mut digits = came(digits);
        match digits.take(wanted, Some(Time::default())) {
            None => digits.missing(wanted, Some(Time::default())).actual,
            Some(Ok(())) => "as expected".to_owned(),
            Some(Err(wrong)) => wrong.actual,
        }
    }

    #[test]
    fn what_is_wrong_with_digits_is_told_with_its_time() {
        let wanted = expect("1234");
        let expected = [
            ("1234", "as expected"),
            ("1224", "received 1 2 2 4, expected 1 2 3 4: third digit `2` at +1.2s repeats the second one"),
            (
                "1324",
                "received 1 3 2 4, expected 1 2 3 4: second digit `3` at +800ms came before `2`: the order is wrong",
            ),
            (
                "1345",
                "received 1 3 4 5, expected 1 2 3 4: second digit `3` at +800ms came, and `2` before it is missing",
            ),
            ("1294", "received 1 2 9 4, expected 1 2 3 4: third digit `9` at +1.2s came instead of `3`"),
            ("123", "received 1 2 3, expected 1 2 3 4: fourth digit `4` did not come"),
            ("", "received nothing, expected 1 2 3 4: first digit `1` did not come"),
        ];
        for (digits, actual) in expected {
            assert_eq!(told(digits, &wanted), actual);
        }
    }

    #[test]
    fn lengths_and_gaps_are_held_to_their_bounds() {
        let wanted = ExpectDtmf { tone: Some("> 150ms".parse().unwrap()), ..expect("12") };
        assert_eq!(
            told("12", &wanted),
            "received 1 2, expected 1 2: first digit `1` at +400ms lasted 100ms, not > 150ms"
        );
        let wanted = ExpectDtmf { gap: Some("< 200ms".parse().unwrap()), ..expect("12") };
        let actual =
            "received 1 2, expected 1 2: second digit `2` at +800ms came 300ms after the one before, not < 200ms";
        assert_eq!(told("12", &wanted), actual);
    }

    #[test]
    fn what_one_step_took_is_not_there_for_the_next_and_the_rest_is() {
        let mut digits = came("12345");
        assert_eq!(digits.take(&expect("12"), None), Some(Ok(())));
        assert_eq!(digits.take(&expect("34"), None), Some(Ok(())));
        assert_eq!(digits.left(None, Some(Time::default())).as_deref(), Some("`5` at +2s"));
    }

    #[test]
    fn digits_of_another_way_do_not_count_but_are_told() {
        let mut digits = came("12");
        digits.handle(Time::default(), &event('1', "INBAND_AUDIO", 250, 100));
        let wanted = ExpectDtmf { mode: Some(Mode::Inband), ..expect("12") };
        assert_eq!(digits.take(&wanted, None), None);
        let wrong = digits.missing(&wanted, None);
        assert_eq!(wrong.actual, "received 1, expected 1 2: second digit `2` did not come");
        assert_eq!(wrong.help, "digits came another way: 1 2 1 (RTP)");
        assert_eq!(digits.left(Some(Mode::Info), None), None);
    }
}
