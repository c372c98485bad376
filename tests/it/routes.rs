//! The routes files that are shipped: what becomes of calls in them, by the clock and by chance. Some of it happens again
//! in `serve.rs` on a switch.

use std::path::Path;
use std::time::Duration;

use callwright::scenario::Leg;
use callwright::scenario::reading::Folder;
use callwright::scenario::routes::{Asked, Decision, Routes, Values, Walk, load};
use callwright::units::Time;

/// Nothing is set and nothing is there.
struct Nowhere;

impl Folder for Nowhere {
    fn has_file(&self, _: &Path) -> bool {
        false
    }
}

fn shipped(name: &str) -> Routes {
    let routes = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/routes").join(name), &Nowhere);
    assert!(routes.diagnostics.is_empty(), "{:?}", routes.diagnostics);
    routes
}

/// Thursday, 2026-01-01 12:00 UTC, which is seven in the morning in New York.
const MORNING: Time = Time::from_micros(1_767_268_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// Steps that are done with a call to `number` with these headers.
fn way(routes: &Routes, number: &str, headers: &[(&str, &str)], now: Time, roll: f64) -> Vec<String> {
    let header = |name: &str| match name {
        "Caller-Destination-Number" => Some(number.to_owned()),
        "Call-Direction" => Some("inbound".to_owned()),
        _ => headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    };
    let mut walk = Walk::default();
    let mut done = Vec::new();
    loop {
        let mut roll = || roll;
        match walk.next(&routes.table, &mut Asked { header: &header, now, roll: &mut roll }) {
            Decision::Do(play, matched) | Decision::Otherwise(play, matched) => {
                for part in play.parts() {
                    let values = Values { matched: &matched, header: &header };
                    let steps = play.steps(part, Leg::Callee, &values, &Nowhere).unwrap();
                    done.extend(steps.iter().map(|step| step.value.describe()));
                }
            }
            Decision::Over => return done,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_pbx_bars_numbers_and_sends_others_on_by_trunk_or_proxy() {
    let routes = shipped("pbx.yaml");
    let uri = [("variable_sip_req_uri", "2345@10.0.0.1:5080")];
    let way = |number: &str| way(&routes, number, &uri, MORNING, 0.0);
    assert_eq!(way("011449"), ["log rejecting a call abroad to 011449", "respond 407"]);
    assert_eq!(way("15551234"), ["bridge to 5551234"]);
    assert_eq!(way("2345"), ["bridge to 2345@10.0.0.1:5080"]);
    assert_eq!(way("5551234567"), ["bridge to 2345@10.0.0.1:5080"]);
    assert_eq!(way("30"), ["log nobody has the number 30", "respond 404 Nobody Here"]);
}

#[test]
fn on_sunday_no_one_works_in_support() {
    let routes = shipped("dialplan.yaml");
    let at = |now| way(&routes, "500", &[], now, 0.0);
    assert_eq!(at(MORNING), ["bridge to 599@example.com"]);
    assert_eq!(at(MORNING + HOUR), ["bridge to 500@example.com"]);
    assert_eq!(at(MORNING + HOUR * 11), ["bridge to 599@example.com"]);
    assert_eq!(at(MORNING + HOUR * (3 * 24 + 1)), ["bridge to 531@example.com"]);
}

#[test]
fn one_of_several_headers_is_enough_or_none_must_match() {
    let routes = shipped("dialplan.yaml");
    let from = |name, number| {
        let headers = [("Caller-Caller-ID-Name", name), ("Caller-Caller-ID-Number", number)];
        way(&routes, "600", &headers, MORNING, 0.0)
    };
    assert_eq!(from("Michael S Collins", "5"), ["respond 486"]);
    assert_eq!(from("Anybody", "3757"), ["respond 486"]);
    assert_eq!(from("Anybody", "hidden"), ["respond 433"]);
    assert_eq!(from("Anybody", "5"), ["respond 404"]);
}

#[test]
fn routes_within_a_route_and_breaks() {
    let routes = shipped("dialplan.yaml");
    let way = |number: &str| way(&routes, number, &[], MORNING, 0.0);
    let played =
        |tones: &[&str]| -> Vec<String> { ["answer"].iter().chain(tones).map(|step| (*step).to_owned()).collect() };
    let usual = ["play tone 440 Hz for 100ms", "set last_digit"];
    let told = ["log nothing more for 1203"];
    let extra = ["play tone 600 Hz for 100ms", "set extra"];
    assert_eq!(way("1203"), played(&[&extra[..], &usual, &told].concat()));
    assert_eq!(way("1100"), played(&[&usual[..], &["set went_on"]].concat()));
}

#[test]
fn one_hidden_agent_in_six_is_recorded() {
    let routes = shipped("dialplan.yaml");
    let at = |roll| way(&routes, "*675551", &[], MORNING, roll);
    assert_eq!(at(0.17), ["set privacy, sip_h_Privacy", "bridge to 5551@example.com"]);
    let recorded = at(0.16);
    assert_eq!(recorded[2], "execute record_session(/tmp/agents/${uuid}_to_5551.wav)");
    assert_eq!((recorded.len(), recorded[3].as_str()), (4, "bridge to 5551@example.com"));
}
