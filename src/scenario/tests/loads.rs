//! Loads as testers write them, right and wrong.

use std::sync::Arc;
use std::time::Duration;

use super::language::World;
use super::schema::{VALIDATOR, as_json};
use crate::id::Ids;
use crate::load::{Draw, Order};
use crate::scenario::{Action, LoadSpec, Machine, Pace, Scenario, Setting, Stage};
use crate::units::Time;

const S: Duration = Duration::from_secs(1);

const FILES: &[(&str, &str)] = &[
    (
        "scenarios/digits.yaml",
        "name: digits\nmatrix: { mode: [inband, info] }\ncallee: [answer, { log: '${matrix.mode}' }]\nduration: 9s\n\
         expect: { hangup_cause: NORMAL_CLEARING }\n---\nname: refused\ncallee: [{ respond: 486 }]\n\
         expect: { answered: false }\n",
    ),
    ("scenarios/hosts.yaml", "name: here\ncallee: [answer, { log: 'on ${host.name}' }]\n"),
    ("scenarios/off.yaml", "name: off\nskip: not now\ncallee: [answer]\n---\nname: on\ncallee: [answer]\n"),
    ("scenarios/all_off.yaml", "name: off\nskip: not now\ncallee: [answer]\n"),
    ("scenarios/steps.yaml", "name: clean up\nsteps: [{ log: bye }]\n"),
    ("scenarios/wrong.yaml", "name: wrong\ncallee: [anser]\n"),
    ("scenarios/load.yaml", "load: { rate: 1, for: 1s, mix: [{ scenario: case.yaml }] }\n"),
    ("scenarios/users.csv", "user,pin,name\n1001,11,Alice\n1002,22,Bob\n"),
    ("scenarios/bad.csv", "user,pin\n1001,11\n1002\n"),
    ("scenarios/odd.csv", "user,pin\n1001,11\n10 02,22\n"),
];

/// A load of everything that a load may have.
const FULL: &str = "\
name: thirty calls a second for a minute
call: { codec: PCMA }
record: { caller: both }
expect: { setup_time: \"< 1s\" }
load:
  rate: 30
  for: 60s
  limit: 300
  max_offered: 1800
  host_limit: 100
  auto_duration: true
  drain: 30s
  fields: { file: users.csv, order: random }
  host: { sps: 500, max_sessions: 5000, loglevel: warning }
  mix:
    - { app: { tone_play: { frequency: 440 } }, weight: 34 }
    - { app: { callee_ringback: { caller_hangup_after: 5s } }, weight: 33, name: rings }
    - { scenario: digits.yaml, weight: 33 }
";

fn world() -> World {
    World::with(FILES)
}

#[track_caller]
fn scenario(text: &str) -> Scenario {
    world().scenario(text)
}

#[track_caller]
fn spec(text: &str) -> LoadSpec {
    *scenario(text).load.unwrap()
}

/// Names and weights of the mix.
fn mix(load: &LoadSpec) -> Vec<(&str, u64)> {
    load.mix.iter().map(|entry| (entry.name.as_str(), entry.weight)).collect()
}

#[test]
fn a_load_has_a_scenario_for_each_of_its_calls_and_none_of_its_own() {
    let load = scenario(FULL);
    assert_eq!((load.stage, load.name.as_str()), (Stage::Load, "thirty calls a second for a minute"));
    assert!(load.caller.is_empty() && load.callee.is_empty() && load.expect.is_empty() && load.record.caller.is_none());
    let spec = load.load.as_ref().unwrap();
    // The file's three tests share its weight.
    let names =
        [("tone_play", 34), ("rings", 33), ("digits[mode=inband]", 11), ("digits[mode=info]", 11), ("refused", 11)];
    assert_eq!(mix(spec), names);
    let of = |entry: usize| spec.mix[entry].on("pbx:8021").unwrap();
    // What the document says of calls holds for its apps, and files are as they are.
    assert_eq!((of(0).call.codec.clone(), of(0).expect.len()), (vec!["PCMA".to_owned()], 1));
    assert!(of(0).record.caller.is_some() && of(2).record.caller.is_none());
    assert_eq!(
        (of(2).call.codec.len(), of(2).expect[0].kind(), of(4).expect[0].kind()),
        (0, "hangup_cause", "answered")
    );
    assert_eq!(of(2).place.to_string(), "scenarios/digits.yaml:1:1");
    // 300 calls at 30 a second take 10 s, and there are 5 s to spare.
    assert_eq!((of(0).duration, of(2).duration, of(4).duration), (Some(15 * S), Some(9 * S), None));
    assert!(load.profiles().iter().all(|profile| *profile == "external"));
    insta::assert_snapshot!(spec.describe().join("\n"), @"
    offers 30 CPS for 60s
    offers 1800 calls at most
    has 300 calls at once at most; above that a call is skipped
    has 100 calls at once on one host at most
    lets calls drain for 30s at most
    takes user, pin, name from 2 rows at random
    sets sps 500, max_sessions 5000, loglevel warning on each host, and restores it
    ");
    let limits = spec.limits();
    assert_eq!(
        (limits.calls, limits.max_offered, limits.duration, limits.drain),
        (Some(300), Some(1800), Some(60 * S), 30 * S)
    );
}

#[test]
fn the_schema_takes_a_load_too() {
    for document in as_json(FULL) {
        let errors: Vec<_> = VALIDATOR.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn without_a_mix_the_documents_own_call_is_offered() {
    let load = scenario(
        "name: one call\nload: { rate: 2, max_offered: 4 }\ncaller: [{ wait: { answered: 2s } }]\ncallee: [answer]\n\
         duration: 3s\nexpect: { answered: true }\n",
    );
    let spec = load.load.unwrap();
    assert_eq!(mix(&spec), [("one call", 1)]);
    let call = spec.mix[0].on("any").unwrap();
    assert_eq!((call.stage, call.caller.len(), call.callee.len(), call.expect.len()), (Stage::Call, 1, 1, 1));
    assert_eq!((call.duration, spec.drain, spec.duration), (Some(3 * S), 60 * S, None));
    assert_eq!(mix(&self::spec("load: { rate: 2, max_offered: 4 }\napp: bert\n")), [("bert", 1)]);
    assert_eq!(mix(&self::spec("load: { rate: 2, max_offered: 4 }\ncallee: [answer]\n")), [("case", 1)]);
}

#[test]
fn gates_are_of_all_calls_of_one_app_or_of_windows() {
    let load = scenario(
        "load: { rate: 1, for: 1s, mix: [{ app: bert }, { app: tone_play, name: tones }] }\ngates:\n  asr: '>= 99%'\n  \
         setup_time.p95: [{ bound: '< 250ms', app: tones }, { bound: '< 1s', window: 10s, abort_on_break: true }]\n",
    );
    let told: Vec<_> = load.gates.iter().map(|gate| format!("{} {}", gate.name(), gate.bound)).collect();
    assert_eq!(told, ["asr >= 99%", "setup_time.p95 of app tones < 250ms", "setup_time.p95 in every 10s < 1s"]);
    assert_eq!((load.gates[1].place.line, load.gates[2].abort_after), (4, Some(Duration::ZERO)));
    let search =
        spec("load: { find: { start: 10, step: 10, max: 500 } }\ngates: { asr: '>= 99%' }\ncallee: [answer]\n");
    assert!(matches!(search.pace, Pace::Find(_)), "{:?}", search.pace);
}

#[test]
fn stages_end_by_themselves_and_the_talk_time_is_that_of_the_highest_rate() {
    let spec = spec(
        "load:\n  stages: [{ to: 30, over: 10s }, { hold: 60s }, { to: 0, over: 5s }]\n  limit: 60\n  auto_duration: true\n\
         callee: [answer]\n",
    );
    let Pace::Profile(profile) = &spec.pace else { panic!("{:?}", spec.pace) };
    assert_eq!((profile.ends(), profile.calls()), (Some(75 * S), Some(2_025)));
    assert_eq!(spec.mix[0].scenarios[0].duration, Some(7 * S));
    assert_eq!(spec.describe()[0], "offers 0 to 30 CPS over 10s, 30 CPS for 60s, 30 to 0 CPS over 5s");
}

#[test]
fn a_load_may_go_on_until_it_is_stopped_where_it_says_so() {
    let endless = spec("load: { rate: 2, for: ever }\ncallee: [answer]\n");
    assert!(endless.is_endless() && endless.limits().duration.is_none());
    assert_eq!(endless.describe()[0], "offers 2 CPS until it is stopped");
    for bounded in ["for: ever, max_offered: 4", "for: 1s", "max_offered: 4"] {
        assert!(!spec(&format!("load: {{ rate: 2, {bounded} }}\ncallee: [answer]\n")).is_endless(), "{bounded}");
    }
}

#[test]
fn entries_without_a_name_are_numbered_and_names_that_are_given_stay() {
    let spec = spec(
        "load:\n  rate: 1\n  for: 1s\n  mix: [{ app: bert }, { app: bert }, { app: bert, name: bert 2 }, { app: tone_play }, \
         { scenario: 'digits.yaml::refused' }, { scenario: 'digits.yaml::digits', name: x, weight: 4 }]\n",
    );
    assert_eq!(
        mix(&spec),
        [
            ("bert", 1),
            ("bert 3", 1),
            ("bert 2", 1),
            ("tone_play", 1),
            ("refused", 1),
            ("x: digits[mode=inband]", 2),
            ("x: digits[mode=info]", 2)
        ]
    );
}

#[test]
fn weights_that_cannot_be_divided_are_made_greater_in_proportion() {
    let spec = spec(
        "load: { rate: 1, for: 1s, mix: [{ app: bert, weight: 2 }, { scenario: 'digits.yaml::digits', weight: 5 }] }\n",
    );
    assert_eq!(mix(&spec), [("bert", 4), ("digits[mode=inband]", 5), ("digits[mode=info]", 5)]);
}

#[test]
fn a_scenario_that_names_its_host_is_one_entry_with_a_scenario_for_each() {
    let mut world = world();
    world.hosts = vec!["pbx1:8021".into(), "pbx2:8021".into()];
    let load = world.scenario("load: { rate: 1, for: 1s, mix: [{ scenario: hosts.yaml }] }\n").load.unwrap();
    assert_eq!(mix(&load), [("here", 1)]);
    let said = |host: &str| load.mix[0].on(host).map(|scenario| scenario.callee[1].describe());
    assert_eq!(said("pbx2:8021").as_deref(), Some("log on pbx2:8021"));
    assert_eq!(said("pbx3:8021"), None);
}

#[test]
fn a_load_with_a_matrix_is_a_load_for_each_combination() {
    let loads = world().scenarios(
        "name: x\nmatrix: { rate: [1, 2] }\nload: { rate: '${matrix.rate}', for: 1s, mix: [{ scenario: digits.yaml }] }\n",
    );
    let paces: Vec<_> = loads.iter().map(|load| load.load.as_ref().unwrap().describe()[0].clone()).collect();
    assert_eq!(paces, ["offers 1 CPS for 1s", "offers 2 CPS for 1s"]);
}

#[test]
fn fields_stand_in_the_call_until_it_is_made() {
    let load = scenario(
        "vars: { where: 'pbx-${field.pin}.example' }\nload: { rate: 1, for: 1s, fields: users.csv }\n\
         call:\n  to: '${field.user}@${vars.where}'\n  proxy: 'sbc${field.pin}:5060'\n\
         \x20 caller_id: { name: '${field.name}', number: '0${field.user}' }\n\
         \x20 headers: { X-Pin: '${field.pin}', X-Switch: '$${field.pin}' }\n  vars: { user: '${field.user}' }\ncallee: [answer]\n",
    );
    let spec = load.load.unwrap();
    let fields = spec.fields.as_ref().unwrap();
    assert_eq!(fields.order, Order::InTurn);
    let call = &spec.mix[0].scenarios[0].call;
    let mut draw = Draw::new(fields.order, 0);
    let (first, second) = (call.filled(draw.row(&fields.table)), call.filled(draw.row(&fields.table)));
    assert_eq!(first.to, "1001@pbx-11.example");
    assert_eq!((second.to.as_str(), second.proxy.as_deref()), ("1002@pbx-22.example", Some("sbc22:5060")));
    assert_eq!((second.caller_id.name.as_deref(), second.caller_id.number.as_deref()), (Some("Bob"), Some("01002")));
    // A variable of the switch is left to it.
    let headers = [("X-Pin".to_owned(), "22".to_owned()), ("X-Switch".to_owned(), "${field.pin}".to_owned())];
    assert_eq!((second.headers.as_slice(), second.vars[0].1.as_str()), (&headers[..], "1002"));
    assert_eq!(call.shown(&fields.table).to, "<field.user>@pbx-<field.pin>.example");
}

#[test]
fn a_call_is_made_with_the_values_of_its_row() {
    let load = spec(
        "load: { rate: 1, for: 1s, fields: users.csv }\ncall: { to: '${field.user}@example' }\ncallee: [answer]\n",
    );
    let mut draw = Draw::new(Order::InTurn, 0);
    let table = &load.fields.as_ref().unwrap().table;
    for to in ["1001@example", "1002@example", "1001@example"] {
        let setting = Setting::of_test(["/tmp", "/tmp"].map(Into::into), 60 * S);
        let scenario = load.mix[0].on("any").unwrap();
        let mut call = Machine::new(Arc::clone(scenario), setting, Ids::seeded(0)).with_fields(draw.row(table));
        call.start(Time::from_micros(1));
        let Some(Action::Originate(dial)) = call.poll_action() else { panic!("no call is made") };
        assert_eq!(dial.call.to, to);
        assert_eq!(call.traces()[0].entries[0].text, format!("originate to {to}"));
    }
}

#[test]
fn a_skipped_scenario_is_left_out_of_the_mix_and_told() {
    let text = "load: { rate: 1, for: 1s, mix: [{ scenario: off.yaml }] }\n";
    let loaded = world().load(text);
    assert!(!loaded.has_errors());
    assert_eq!(mix(loaded.scenarios[0].load.as_ref().unwrap()), [("on", 1)]);
    insta::assert_snapshot!(world().told(text));
}

#[test]
fn a_load_knows_what_its_calls_ask_of_a_host() {
    let load = scenario("load: { rate: 1, for: 1s, mix: [{ app: bert }] }\nrequires: { module: mod_sofia }\n");
    let asks: Vec<&str> = load.asks().collect();
    assert!(asks.contains(&"mod_bert") && asks.contains(&"mod_sofia"), "{asks:?}");
}

#[test]
fn a_load_whose_environment_is_not_there_is_skipped() {
    let load = scenario(
        "load: { rate: '${env.RATE}', for: 1s }\nrequires: { env: RATE }\ncall: { to: '${env.RATE}' }\ncallee: [answer]\n",
    );
    assert_eq!(load.skip.unwrap().value, "environment variable RATE is not set");
    let files = scenario(
        "load: { rate: 1, for: 1s, fields: '${env.CSV}', mix: [{ scenario: '${env.CSV}' }] }\nrequires: { env: CSV }\n",
    );
    assert_eq!(files.skip.unwrap().value, "environment variable CSV is not set");
}

/// Compares what is told of each load with what was approved.
macro_rules! told {
    ($($name:ident: $text:expr;)*) => {
        $(#[test]
        fn $name() {
            let text: &str = $text;
            insta::with_settings!({ description => text, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), world().told(text));
            });
        })*
    };
}

told! {
    a_load_without_end: "load: { rate: 30 }\ncallee: [answer]\n";
    a_load_without_a_rate: "load: { for: 1s }\ncallee: [answer]\n";
    a_load_of_two_paces: "load: { rate: 1, for: 1s, stages: [{ to: 1, over: 1s }] }\ncallee: [answer]\n---\nload: { stages: [{ to: 1, over: 1s }], for: 5s }\ncallee: [answer]\n";
    rates_that_are_none: "load: { rate: 0, for: 1s }\ncallee: [answer]\n---\nload: { rate: 30/s, for: 1s }\ncallee: [answer]\n---\nload: { rate: fast, for: 1s }\ncallee: [answer]\n---\nload: { rate: \"30\", for: 1s }\ncallee: [answer]\n---\nload: { rate: -1, for: 1 }\ncallee: [answer]\n";
    stages_that_are_odd: "load: { stages: [{ hold: 1s }, { to: 3 }, { rate: 5, over: 1s }, { to: 1, hold: 1s }] }\ncallee: [answer]\n";
    stages_without_a_rate: "load: { stages: [{ hold: 1s }, { to: 3, over: 1s }] }\ncallee: [answer]\n";
    stages_without_a_call: "load: { stages: [{ to: 0, over: 1s }] }\ncallee: [answer]\n";
    misspelt_keys_of_a_load: "load: { rtae: 3, fro: 1s, limt: 3 }\ncallee: [answer]\n---\nload: { rate: 3, form: 1s, mix: [{ ap: bert, wieght: 3 }] }\n---\nrate: 3\ncallee: [answer]\n";
    a_load_of_nothing: "load: { rate: 1, for: 1s }\n";
    a_load_of_a_call_and_a_mix: "app: bert\nload:\n  rate: 1\n  for: 1s\n  mix: [{ app: bert }]\n";
    a_load_of_steps: "steps: [{ log: x }]\nload: { rate: 1, for: 1s }\n";
    what_holds_for_no_call: "load: { rate: 1, for: 1s, mix: [{ scenario: digits.yaml }] }\nexpect: { answered: true }\nduration: 3s\n";
    entries_that_are_none: "load:\n  rate: 1\n  for: 1s\n  mix:\n    - bert\n    - { weight: 1 }\n    - { app: bertt }\n    - { app: bert, scenario: digits.yaml }\n    - { app: bert, weight: 0 }\n    - { app: callee_block_on_invite }\n";
    names_of_entries_that_are_there_twice: "load:\n  rate: 1\n  for: 1s\n  mix:\n    - { app: bert, name: x }\n    - { app: tone_play, name: x }\n";
    a_check_that_one_app_cannot_pass: "load:\n  rate: 1\n  for: 1s\n  mix:\n    - { app: tone_play }\n    - { app: callee_ringback }\nexpect: { audio: [{ leg: callee, silence: \"< 1s\" }], bert: { caller: { sync: true } } }\n";
    files_that_cannot_be_mixed: "load:\n  rate: 1\n  for: 1s\n  mix:\n    - { scenario: gone.yaml }\n    - { scenario: wrong.yaml }\n    - { scenario: steps.yaml }\n    - { scenario: load.yaml }\n    - { scenario: case.yaml }\n    - { scenario: 'digits.yaml::refusd' }\n    - { scenario: 'digits.yaml::nothing like it' }\n    - { scenario: all_off.yaml }\n";
    a_search_without_gates: "load: { find: { start: 10, step: 10, max: 5 }, for: 3s }\ncallee: [answer]\n---\nload: { find: { start: 10, step: 10, max: 500 } }\ncallee: [answer]\n";
    a_talk_time_without_a_limit: "load: { rate: 1, for: 1s, auto_duration: true }\ncallee: [answer]\n";
    a_talk_time_beyond_the_time_limit: "load:\n  rate: 1\n  for: 1s\n  limit: 100\n  auto_duration: true\ncallee: [answer]\ntimeout: 60s\n";
    gates_that_are_none: "load: { rate: 1, for: 1s, mix: [{ app: bert }, { app: tone_play }] }\ngates: { asr: { bound: '>= 99%', app: brt }, setup_time.p95: '< 250', cause.USR_BUSY: '== 0', mos.mean: { bound: '>= 4', app: nothing } }\n---\ngates: { asr: '>= 99%' }\ncallee: [answer]\n";
    a_load_that_names_its_host: "load: { rate: 1, for: 1s }\ncall: { to: '${host.name}' }\ncallee: [answer]\n";
    what_is_set_on_hosts: "load: { rate: 1, for: 1s, host: { sps: 0, loglevel: warn } }\ncallee: [answer]\n---\nload: { rate: 1, for: 1s, host: {} }\ncallee: [answer]\n";
    fields_where_there_are_none: "call: { to: '${field.user}' }\ncallee: [answer]\n---\nload: { rate: 1, for: 1s }\ncall: { to: '${field.user}' }\ncallee: [answer]\n";
    fields_where_none_may_stand: "load: { rate: 1, for: 1s, fields: users.csv }\nname: 'x ${field.user}'\ncall: { codec: '${field.pin}', timeout: '${field.pin}s', to: '${field.usr}', headers: { A: '${fields.user}', B: '${field.user:-x}' } }\ncallee: [answer, { log: '${field.user}' }]\n";
    files_of_fields_that_are_wrong: "load: { rate: 1, for: 1s, fields: gone.csv }\ncall: { to: '${field.user}' }\ncallee: [answer]\n---\nload: { rate: 1, for: 1s, fields: { file: bad.csv, oder: random } }\ncallee: [answer]\n---\nname: x\nload: { rate: 1, for: 1s, fields: bad.csv }\ncallee: [answer]\n---\nload: { rate: 1, for: 1s, fields: [] }\ncallee: [answer]\n";
    a_value_that_a_call_cannot_be_made_with: "load: { rate: 1, for: 1s, fields: odd.csv }\ncall: { headers: { X-Pin: '${field.pin}' }, to: '${field.user}@example' }\ncallee: [answer]\n";
}

proptest::proptest! {
    #[test]
    fn no_words_of_a_load_panic_the_loader(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "rate: ", "stages: ", "find: ", "for: ", "limit: ", "fields: ", "mix: ", "auto_duration: ", "to: ", "over: ",
                "hold: ", "app: ", "scenario: ", "weight: ", "name: ", "1", "0", "30", "1s", "true", "bert", "digits.yaml",
                "digits.yaml::", "::", "users.csv", "bad.csv", "'${field.user}'", "[", "]", "{ ", " }", ", ", "\n  ", "\n    - ",
            ]),
            0..40,
        )
    ) {
        let _ = world().told(&format!("call: {{ to: '${{field.user}}' }}\ncallee: [answer]\nload:\n  {}", words.concat()));
        let _ = world().told(&format!("load: {{ {} }}", words.concat()));
    }
}
