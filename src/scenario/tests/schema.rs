//! The JSON Schema and the loader agree.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::load;
use super::right::RIGHT;
use crate::scenario::diagnostic::Source;
use crate::scenario::json_schema;
use crate::scenario::node::{self, Content, Node, Plain, plain};

/// Where editors find the schema.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conf/scenario.schema.json");

/// The schema, built once.
pub(super) static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft202012::options().build(&json_schema()).unwrap());

/// The documents of a file as an editor sees them, by the YAML 1.2 core schema.
pub(in crate::scenario) fn as_json(text: &str) -> Vec<Value> {
    let (documents, _) = node::parse(&std::sync::Arc::new(Source::new("case.yaml", text)));
    documents.iter().filter(|document| !document.is_null()).map(json_of).collect()
}

fn json_of(node: &Node) -> Value {
    match &node.content {
        Content::Scalar { text, quoted: true } => json!(text),
        Content::Scalar { text, quoted: false } => match plain(text) {
            Plain::Null => Value::Null,
            Plain::Boolean => json!(text.eq_ignore_ascii_case("true")),
            Plain::Number => {
                text.parse::<i64>().map_or_else(|_| json!(text.parse::<f64>().unwrap_or(0.0)), |n| json!(n))
            }
            Plain::Text => json!(text),
        },
        Content::List(nodes) => nodes.iter().map(json_of).collect(),
        Content::Mapping(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.value))).collect::<Map<_, _>>())
        }
    }
}

#[test]
fn the_schema_in_the_repository_is_the_one_of_the_language() {
    let schema = format!("{:#}\n", json_schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(FILE, &schema).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(kept == schema, "conf/scenario.schema.json is out of date: run this test with UPDATE_SCHEMA=1");
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::draft202012::meta::is_valid(&json_schema()));
}

#[test]
fn what_the_loader_takes_the_schema_takes() {
    for text in RIGHT {
        assert!(!load(text).has_errors(), "{}", super::told(text));
        for document in as_json(text) {
            let errors: Vec<_> =
                VALIDATOR.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{document:#}\n{errors:#?}");
        }
    }
}

#[test]
fn what_is_wrong_in_its_shape_both_refuse() {
    let wrong = [
        "name: x",
        "- callee: [answer]",
        "callee: answer",
        "callee:",
        "callee: [anser]",
        "callee: [answer: {}]",
        "callee: [{ ring: , answer: }]",
        "callee: [respond]",
        "callee: [{ respond: 99 }]",
        "callee: [{ respond: { reason: x } }]",
        "callee: [{ hangup: BUSY }]",
        "callee: [{ sleep: 2 }]",
        "callee: [{ sleep: 2x }]",
        "callee: [{ sleep: \"\" }]",
        "callee: [{ play: { tone: 1004Hz, file: clip.wav } }]",
        "callee: [{ play: { level: -3dBm0, silence: 1s } }]",
        "callee: [{ play: { tone: 1004Hz, for: 1s, loops: 0 } }]",
        "callee: [{ play: { tone: 1004Hz, for: 1s, loops: often } }]",
        "callee: [{ play: { tone: 1004Hz, wait: yes } }]",
        "callee: [{ play: [] }]",
        "callee: [{ record: stereo }]",
        "callee: [{ record: { rate: 44100 } }]",
        "callee: [{ set: {} }]",
        "callee: [{ set: { a b: c } }]",
        "callee: [{ execute: playback }]",
        "callee: [{ execute: { arg: x } }]",
        "callee: [{ api: \"a\\nb\" }]",
        "caller: [{ wait: { answered: 2s, hungup: 2s } }]",
        "caller: [{ wait: { answered: 2s, within: 2s } }]",
        "caller: [{ wait: { answered: 2s, headers: { a: b } } }]",
        "caller: [{ wait: {} }]",
        "callee: [answer]\nunknown: 1",
        "callee: [answer]\napp: tone_play",
        "app: tone_player",
        "app: play_rec",
        "app: { callee_block_on_invite: {} }",
        "callee: [answer]\ncall: { gateway: a, profile: b }",
        "callee: [answer]\ncall: { codec: [] }",
        "callee: [answer]\ncall: { timeout: 5 }",
        "callee: [answer]\ncall: { to: a b }",
        "callee: [answer]\nrecord: {}",
        "callee: [answer]\ntags: a b",
        "callee: [answer]\nexpect: { answered: yes }",
        "callee: [answer]\nexpect: { answered: \"true\" }",
        "callee: [answer]\nexpect: { sip_code: 4xx }",
        "callee: [answer]\nexpect: { sip_code: 99 }",
        "callee: [answer]\nexpect: { setup_time: 1s }",
        "callee: [answer]\nexpect: { setup_time: \"=> 1s\" }",
        "callee: [answer]\nexpect: { hangup_cause: [] }",
        "callee: [answer]\nexpect: { audio: { leg: caller } }",
        "callee: [answer]\nexpect: { audio: [{ leg: caller, like: { likeness: \"> 0.9\" } }] }",
        "callee: [answer]\nexpect: { audio: [{ leg: caller, like: { file: clip.wav, gain: 1dBm0 } }] }",
        "callee: [answer]\nexpect: { audio: [{ leg: caller, clipping: \"< 1\" }] }",
        "callee: [answer]\nexpect: { rtp: { leg: caller } }",
        "callee: [answer]\nexpect: { rtp: { loss: \"< 1%\" } }",
        "callee: [answer]\nexpect: { one_way: no }",
        "app: { play_rec: { file: clip.wav, iterations: 0 } }",
        "callee: [answer]\nexpect: { audio: [{ silence: \"< 1s\" }] }",
        "callee: [answer]\nexpect: { audio: [{ leg: caller, heard: { tone: 1004Hz } }] }",
        "callee: [answer]\nexpect: { audio: [{ leg: caller, heard: { for: \"> 1s\" } }] }",
        "callee: [answer]\nexpect: { audio: [{ leg: caller, heard: { tone: 1Hz +-1Hz, silence: \"< 1s\" } }] }",
        "callee: [answer]\nmatrix: { a: b }",
        "callee: [answer]\nmatrix: {}",
        "callee: [answer]\nmatrix: { a b: [c] }",
        "callee: [answer]\nmatrix: { a: [] }",
        "callee: [answer]\nmatrix: { a: [b], exclude: { a: b } }",
        "callee: [answer]\nvars: { a: [b] }",
        "callee: [answer]\nvars: [a]",
        "callee: [answer]\nsecrets: [a b]",
        "callee: [answer]\nrequires: { hots: embedded }",
        "callee: [answer]\nrequires: { version: 1.10 }",
        "callee: [answer]\nrequires: { version: \">= 1.10.x\" }",
        "callee: [answer]\nrequires: {}",
        "callee: [answer]\nskip: { if: a }",
        "callee: [answer]\nxfail: { reason: a }",
        "callee: [answer]\nretries: 11",
        "callee: [answer]\nretries: often",
        "load: { rate: 1 }\ncallee: [answer]",
        "load: { for: 1s }\ncallee: [answer]",
        "load: { rate: 0, for: 1s }\ncallee: [answer]",
        "load: { rate: 30/s, for: 1s }\ncallee: [answer]",
        "load: { rate: \"30\", for: 1s }\ncallee: [answer]",
        "load: { rate: 1, stages: [{ to: 1, over: 1s }] }\ncallee: [answer]",
        "load: { stages: [{ to: 1, over: 1s }], for: 1s }\ncallee: [answer]",
        "load: { stages: [] }\ncallee: [answer]",
        "load: { stages: [{ to: 1 }] }\ncallee: [answer]",
        "load: { stages: [{ to: 1, hold: 1s }] }\ncallee: [answer]",
        "load: { stages: [{ to: 1, over: 1s, rate: 2 }] }\ncallee: [answer]",
        "load: { rate: 1, for: 1s, auto_duration: true }\ncallee: [answer]",
        "load: { rate: 1, for: 1s, limit: 0 }\ncallee: [answer]",
        "load: { rate: 1, for: 1s, host: {} }\ncallee: [answer]",
        "load: { rate: 1, for: 1s, host: { loglevel: loud } }\ncallee: [answer]",
        "load: { rate: 1, for: 1s, fields: { order: random } }\ncallee: [answer]",
        "load: { rate: 1, for: 1s, fields: { file: a.csv, order: sorted } }\ncallee: [answer]",
        "load: { rate: 1, for: 1s, mix: [] }",
        "load: { rate: 1, for: 1s, mix: [{ weight: 1 }] }",
        "load: { rate: 1, for: 1s, mix: [{ app: bert, scenario: a.yaml }] }",
        "load: { rate: 1, for: 1s, mix: [{ app: bert, weight: 0 }] }",
        "load: { find: { start: 1, step: 1 } }\ncallee: [answer]",
        "load: { rate: 1, for: 1s }\nsteps: [{ log: x }]",
        "callee: [include]",
        "callee: [{ include: { with: { a: b } } }]",
    ];
    for text in wrong {
        assert!(load(text).has_errors(), "the loader takes {text}");
        for document in as_json(text) {
            assert!(!VALIDATOR.is_valid(&document), "the schema takes {text}");
        }
    }
}

#[test]
fn every_part_of_the_schema_says_what_it_is_for() {
    let schema = json_schema();
    let mut bare = Vec::new();
    undocumented(&schema, "", &mut bare);
    assert!(bare.is_empty(), "{bare:#?}");
}

/// Properties without a description.
fn undocumented(json: &Value, path: &str, bare: &mut Vec<String>) {
    match json {
        Value::Object(object) => {
            for (key, value) in object {
                let path = format!("{path}/{key}");
                if key == "properties" {
                    for (name, property) in value.as_object().into_iter().flatten() {
                        if property["description"].as_str().is_none_or(str::is_empty) {
                            bare.push(format!("{path}/{name}"));
                        }
                    }
                }
                undocumented(value, &path, bare);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| undocumented(value, path, bare)),
        _ => {}
    }
}

proptest::proptest! {
    /// The patterns of the schema and the parsers of the loader read the same quantities.
    #[test]
    fn both_read_the_same_quantities(
        mark in "(>=|<=|==|>|<|=>|)",
        number in "[+-]?[0-9]{0,3}[.]?[0-9]{0,2}",
        unit in "(| )(us|ms|s|m|min|h|Hz|kHz|dBm0|dB|x)",
        rest in "(|[.][.]9s|[.][.]9dBm0| [+]-1s|[+]-1dB| ± 2s| \\+/- 2Hz|[+]-1)",
    ) {
            let value = format!("{mark}{number}{unit}{rest}");
        for key in ["setup_time", "audio"] {
            let text = match key {
                "audio" => format!("callee: [answer]\nrecord: {{ callee: both }}\nexpect: {{ audio: [{{ leg: callee, level: '{value}' }}] }}"),
                _ => format!("callee: [answer]\nexpect: {{ {key}: '{value}' }}"),
            };
            // Which of two ends is the higher one is beyond a schema.
            if load(&text).diagnostics.iter().any(|diagnostic| diagnostic.label.contains("not below the first")) {
                continue;
            }
            let document = as_json(&text).remove(0);
            proptest::prop_assert_eq!(!load(&text).has_errors(), VALIDATOR.is_valid(&document), "{}", text);
        }
    }
}
