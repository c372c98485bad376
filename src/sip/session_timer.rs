//! Session timers (RFC 4028): who keeps a call alive by asking again, and how long it lives without.
//!
//! The numbers are those of mod_sofia's stack: it asks again after half the interval, and gives up a tenth of it, 32 s at
//! most, before its end.

use std::time::Duration;

use super::Message;
use super::dialog::list;

/// What both sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionTimer {
    /// Seconds that the session lives after a refresh.
    pub interval: u32,
    pub refresher: Refresher,
}

/// Who asks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresher {
    Us,
    Them,
}

/// The shortest interval that we take (`Min-SE`), in seconds: sofia's default; RFC 4028 5 has at least 90.
pub(super) const MIN_SE: u32 = 120;
/// The shortest that there is (RFC 4028 4), in seconds.
const SHORTEST: u32 = 90;
/// The option tag.
pub(super) const TIMER: &str = "timer";
/// At most so long before its end a session that they did not refresh is given up.
const LAST_CALL: u32 = 32;

impl SessionTimer {
    /// What comes of their INVITE or UPDATE, which we answer with 2xx (RFC 4028 9); `None` when it asks for no timer.
    pub fn taken(request: &Message) -> Option<SessionTimer> {
        let (asked, refresher) = session_expires(request)?;
        let refresher = match refresher {
            Some("uas") => Refresher::Us,
            // Who does not know of timers cannot refresh: a proxy put the field in.
            None if !supports(request) => Refresher::Us,
            _ => Refresher::Them,
        };
        Some(SessionTimer { interval: asked.max(MIN_SE).max(min_se(request).unwrap_or(0)), refresher })
    }

    /// What comes of the 2xx to our INVITE or UPDATE, which asked for `asked` seconds (RFC 4028 7.2).
    pub fn given(response: &Message, asked: Option<u32>) -> Option<SessionTimer> {
        match session_expires(response) {
            Some((interval, named)) => {
                let refresher = if named == Some("uas") { Refresher::Them } else { Refresher::Us };
                Some(SessionTimer { interval: interval.max(SHORTEST), refresher })
            }
            // The other side knows nothing of timers, and so does not count.
            None => asked.map(|interval| SessionTimer { interval, refresher: Refresher::Us }),
        }
    }

    /// Fields of our 2xx.
    pub fn answer(self) -> Vec<(String, String)> {
        let (refresher, require) = match self.refresher {
            Refresher::Us => ("uas", None),
            Refresher::Them => ("uac", Some(("Require".to_owned(), TIMER.to_owned()))),
        };
        let expires = ("Session-Expires".to_owned(), format!("{};refresher={refresher}", self.interval));
        std::iter::once(expires).chain(require).collect()
    }

    /// Fields of our refresh.
    pub fn refresh(self) -> Vec<(String, String)> {
        let refresher = match self.refresher {
            Refresher::Us => "uac",
            Refresher::Them => "uas",
        };
        vec![
            ("Session-Expires".to_owned(), format!("{};refresher={refresher}", self.interval)),
            ("Min-SE".to_owned(), MIN_SE.to_string()),
        ]
    }

    /// How long after a refresh something is to be done: the next refresh, or the end of the call.
    pub fn patience(self) -> Duration {
        let seconds = match self.refresher {
            Refresher::Us => self.interval / 2,
            Refresher::Them => self.interval - LAST_CALL.min(self.interval / 10),
        };
        Duration::from_secs(seconds.into())
    }

    /// How long after a refresh the session is over.
    pub fn life(self) -> Duration {
        Duration::from_secs((self.interval - LAST_CALL.min(self.interval / 10)).into())
    }
}

/// Whether a request asks for less than we take (RFC 4028 9: 422).
pub(super) fn is_too_small(request: &Message) -> bool {
    supports(request) && session_expires(request).is_some_and(|(interval, _)| interval < MIN_SE)
}

/// The `Min-SE` of a message, in seconds.
pub(super) fn min_se(message: &Message) -> Option<u32> {
    message.header("Min-SE")?.split(';').next()?.trim().parse().ok()
}

fn session_expires(message: &Message) -> Option<(u32, Option<&str>)> {
    let value = message.header("Session-Expires")?;
    let (interval, parameters) = value.split_once(';').unwrap_or((value, ""));
    let refresher = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("refresher").then(|| value.trim())
    });
    let known = ["uac", "uas"].into_iter().find(|known| refresher.is_some_and(|r| r.eq_ignore_ascii_case(known)));
    Some((interval.trim().parse().ok()?, known))
}

fn supports(message: &Message) -> bool {
    ["Supported", "Require"].iter().any(|name| list(&message.headers, name).iter().any(|tag| tag == TIMER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::StartLine;
    use rstest::rstest;

    fn message(fields: &[(&str, &str)]) -> Message {
        Message {
            start: StartLine::default(),
            headers: fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: String::new(),
            peer: ([127, 0, 0, 1], 5060).into(),
        }
    }

    #[rstest]
    #[case("1800;refresher=uac", "timer", 1_800, Refresher::Them)]
    #[case("1800 ; refresher = UAS", "timer", 1_800, Refresher::Us)]
    #[case("1800", "path, timer", 1_800, Refresher::Them)]
    #[case("1800", "path", 1_800, Refresher::Us)]
    #[case("30", "path", MIN_SE, Refresher::Us)]
    fn who_refreshes_is_what_the_request_says(
        #[case] expires: &str,
        #[case] supported: &str,
        #[case] interval: u32,
        #[case] refresher: Refresher,
    ) {
        let request = message(&[("Session-Expires", expires), ("Supported", supported)]);
        assert_eq!(SessionTimer::taken(&request), Some(SessionTimer { interval, refresher }));
    }

    #[test]
    fn the_compact_form_counts_too() {
        let request = message(&[("x", "1800;refresher=uas"), ("k", "timer")]);
        assert_eq!(SessionTimer::taken(&request).map(|timer| timer.refresher), Some(Refresher::Us));
        assert!(is_too_small(&message(&[("x", "119"), ("k", "timer")])));
        assert!(!is_too_small(&message(&[("x", "119")])), "who knows no 422 is not told one");
    }

    #[test]
    fn an_answer_decides_and_without_one_we_refresh_alone() {
        let given = |expires: &str| SessionTimer::given(&message(&[("Session-Expires", expires)]), Some(600));
        let timer = |interval, refresher| Some(SessionTimer { interval, refresher });
        assert_eq!(given("500;refresher=uas"), timer(500, Refresher::Them));
        assert_eq!(given("500;refresher=uac"), timer(500, Refresher::Us));
        assert_eq!(SessionTimer::given(&message(&[]), Some(600)), timer(600, Refresher::Us));
        assert_eq!(SessionTimer::given(&message(&[]), None), None);
        assert_eq!(given("0"), timer(SHORTEST, Refresher::Us), "nor does nonsense make us ask without end"); // RFC 4028 4
    }

    #[test]
    fn half_of_it_for_us_and_nearly_all_of_it_for_them() {
        let patience = |interval, refresher| SessionTimer { interval, refresher }.patience().as_secs();
        assert_eq!((patience(1_800, Refresher::Us), patience(1_800, Refresher::Them)), (900, 1_768));
        assert_eq!((patience(120, Refresher::Us), patience(120, Refresher::Them)), (60, 108));
        assert_eq!(patience(0, Refresher::Them), 0);
    }
}
