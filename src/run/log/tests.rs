use super::*;
use crate::run::Picked;
use crate::units::Time;

fn started() -> RunEvent {
    RunEvent::Started {
        tests: 2,
        hosts: vec!["embedded".into()],
        picked: Picked { shard: "1/2".parse().ok(), ..Picked::default() },
        at: Time::from_micros(7),
    }
}

fn up() -> RunEvent {
    RunEvent::HostUp { host: "embedded".into(), version: "1.10".into(), about: Vec::new(), at: Time::from_micros(8) }
}

fn two() -> String {
    [started(), up()].iter().map(|event| encode(event).unwrap()).collect()
}

#[test]
fn a_line_names_version_event_and_time() {
    assert_eq!(
        encode(&up()).unwrap(),
        "{\"format_version\":1,\"event\":\"host_up\",\"host\":\"embedded\",\"version\":\"1.10\",\"about\":{},\"at\":\"1970-01-01T00:00:00.000008Z\"}\n"
    );
}

#[test]
fn every_cut_of_the_last_line_is_a_warning_and_loses_that_line_alone() {
    let text = two();
    let first = text.find('\n').unwrap() + 1;
    for cut in first + 1..text.len() - 1 {
        let log = parse(&text[..cut]).unwrap();
        assert_eq!(log.events, [started()], "{}", &text[..cut]);
        assert!(log.warnings[0].starts_with("line 2 is not whole"), "{:?}", log.warnings);
    }
    // Only the line break is missing.
    assert_eq!(parse(text.trim_end()).unwrap(), Log { events: vec![started(), up()], warnings: Vec::new() });
}

#[test]
fn garbage_is_named_with_its_line() {
    let text = two();
    let told = |text: &str| parse(text).unwrap_err().to_string();
    assert!(told(&format!("{text}{{\"format_version\":1,\n")).starts_with("line 3: not JSON: "));
    assert!(told(&text.replacen('{', "x", 1)).starts_with("line 1: not JSON: "));
    assert!(told("{\"a\":1}\n").starts_with("line 1: no event of a callwright run"));
    assert!(told("[]\n").starts_with("line 1: no event of a callwright run"));
    assert!(told(&text.replace("host_up", "host_sideways")).starts_with("line 2: no event that is known"));
    assert_eq!(
        told(&text.replace("_version\":1,", "_version\":2,")),
        "line 1: version 2 of the format; this callwright reads version 1"
    );
    assert_eq!(told("\n \n"), "it holds no event");
    assert!(told(&format!("{text}{text}")).starts_with("line 3: a second run begins"));
    assert!(told(&encode(&up()).unwrap()).starts_with("line 1: a run begins with"));
}

#[test]
fn fields_of_later_versions_are_left_alone() {
    let text = two().replace("\"hosts\"", "\"moon\":\"full\",\"hosts\"");
    assert_eq!(parse(&text).unwrap().events, [started(), up()]);
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conf/events.schema.json");

#[test]
fn the_schema_in_the_repository_is_the_one_of_the_events() {
    let schema = format!("{:#}\n", json_schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(FILE, &schema).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(kept == schema, "conf/events.schema.json is out of date: run this test with UPDATE_SCHEMA=1");
    assert!(jsonschema::draft202012::meta::is_valid(&json_schema()));
}
