//! Routes files, right and wrong, and what calls come to in them. No switch is here.

use std::path::Path;

use jsonschema::Validator;

use super::load::load_text;
use super::*;
use crate::scenario::reading::Folder;
use crate::scenario::tests::as_json;
use crate::scenario::{Leg, Programs, Style};
use crate::units::Time;

/// A folder with two files in it, where routes run no programs.
struct Files;

/// The same, where they may.
struct Allowing;

impl Folder for Allowing {
    fn has_file(&self, path: &Path) -> bool {
        Files.has_file(path)
    }

    fn programs(&self) -> Programs {
        Programs::Allowed
    }
}

impl Folder for Files {
    fn has_file(&self, path: &Path) -> bool {
        path == Path::new("conf/clip.wav")
    }

    fn text(&self, path: &Path) -> Result<Option<String>, String> {
        let bridge = "- bridge: { to: \"${with.user}@example.com\" }\n- log: \"$${uuid} is over\"\n";
        Ok((path == Path::new("conf/_bridge.yaml")).then(|| bridge.to_owned()))
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "TRUNK").then(|| "carrier".to_owned())
    }
}

fn load(text: &str) -> Routes {
    load_text(Path::new("conf/routes.yaml"), text, &Files)
}

#[track_caller]
fn routes(text: &str) -> Routes {
    let routes = load(text);
    assert!(routes.diagnostics.is_empty(), "{}", told(text));
    routes
}

fn told(text: &str) -> String {
    let rendered: Vec<_> = load(text).diagnostics.iter().map(|diagnostic| diagnostic.render(Style::Plain)).collect();
    rendered.join("\n\n")
}

/// Thursday, 2026-01-01 12:00 UTC.
const NOON: Time = Time::from_micros(1_767_268_800_000_000);
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// What becomes of a call to `number`.
fn way(routes: &Routes, number: &str) -> Vec<String> {
    way_of(routes, &[(DESTINATION, number)], NOON, &[0.5])
}

/// What becomes of a call to `number` by routes that may run programs: the last step, or what does not fit.
fn allowed(text: &str, number: &str) -> String {
    let routes = load_text(Path::new("conf/routes.yaml"), text, &Allowing);
    assert!(routes.diagnostics.is_empty(), "{:?}", routes.diagnostics);
    way(&routes, number).pop().unwrap()
}

/// What becomes of a call with these headers, one that came in unless they say otherwise: steps, rejections, and what does
/// not fit.
fn way_of(routes: &Routes, headers: &[(&str, &str)], now: Time, rolls: &[f64]) -> Vec<String> {
    let header = |name: &str| {
        let found = headers.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        found.or_else(|| (name == "Call-Direction").then(|| "inbound".to_owned()))
    };
    let mut rolls = rolls.iter().copied().cycle();
    let mut roll = || rolls.next().unwrap();
    let mut walk = Walk::default();
    let mut done = Vec::new();
    loop {
        let decision = walk.next(&routes.table, &mut Asked { header: &header, now, roll: &mut roll });
        let (play, matched) = match decision {
            Decision::Do(play, matched) | Decision::Otherwise(play, matched) => (play, matched),
            Decision::Reject(code) => {
                done.push(format!("reject {code}"));
                continue;
            }
            Decision::Unfit(unfit) => {
                done.push(unfit.to_string());
                continue;
            }
            Decision::Over => return done,
        };
        for part in play.parts() {
            let folder: &dyn Folder = match part.programs() {
                Programs::Allowed => &Allowing,
                Programs::Refused => &Files,
            };
            match play.steps(part, Leg::Callee, &Values { matched: &matched, header: &header }, folder) {
                Ok(steps) => done.extend(steps.iter().map(|step| step.value.describe())),
                Err(unfit) => {
                    done.push(unfit.to_string());
                    return done;
                }
            }
        }
    }
}

#[test]
fn the_first_route_that_matches_from_the_beginning_is_taken_and_nowhere_is_404() {
    let routes = routes(
        "routes:\n- { match: '00(.*)|011(.*)', steps: [{ respond: 407 }] }\n- { match: '4[1-9]{3}$', steps: [answer, echo] }\n- { match: '4', steps: [ring] }\n",
    );
    assert_eq!(way(&routes, "00441"), ["respond 407"]);
    assert_eq!(way(&routes, "4123"), ["answer", "echo"]);
    assert_eq!(way(&routes, "41234"), ["ring"]);
    assert_eq!(way(&routes, "100"), ["respond 404"]);
}

#[test]
fn routes_go_on_where_they_say_so_and_nested_ones_come_before_those_behind() {
    let routes = routes(
        "routes:\n- match: '1.*(\\d)$'\n  then: go_on\n  steps: [{ log: first }]\n  routes:\n  - { match: '.*3$', then: go_on, steps: [{ log: three }] }\n  - { match: '.*33$', steps: [{ log: over }] }\n- { match: '1', steps: [{ log: second }] }\n- { match: '1', steps: [{ log: never }] }\n",
    );
    assert_eq!(way(&routes, "1002"), ["log first", "log second"]);
    assert_eq!(way(&routes, "1003"), ["log first", "log three", "log second"]);
    assert_eq!(way(&routes, "1033"), ["log first", "log three", "log over"]);
}

#[test]
fn a_route_that_stops_has_those_within_it_tried_before() {
    let text = "routes:\n- match: '1'\n  steps: [{ log: a }]\n  routes:\n  - { match: '12', then: go_on, routes: [{ match: '123', steps: [{ log: c }], then: go_on }] }\n  - { steps: [{ log: d }] }\n- { match: '1', steps: [{ log: never }] }\n";
    let routes = routes(text);
    assert_eq!(way(&routes, "1"), ["log a", "log d"]);
    assert_eq!(way(&routes, "123"), ["log a", "log c", "log d"]);
}

#[test]
fn groups_parameters_and_headers_stand_in_steps_and_two_dollars_are_the_switch_s() {
    let text = "params: { domain: example.com }\nroutes:\n- match: '\\*67(?<did>\\d+)(x)?'\n  params: { to: '${match.did}@${params.domain}', by: '${header.variable_sofia_profile_name:-internal}' }\n  steps:\n  - set: { effective_caller_id_name: '$${caller_id_name}' }\n  - log: '${match.1} ${match.0} <${match.2}> ${params.to} ${env.TRUNK} $${uuid}'\n  - bridge: { to: '${params.to}', gateway: '${env.TRUNK}' }\n  - bridge: { to: '${match.1}', profile: '${params.by}' }\n";
    let steps = way(&routes(text), "*675551");
    assert_eq!(steps[1], "log 5551 *675551 <> 5551@example.com carrier ${uuid}");
    assert_eq!(steps[2..], ["bridge to 5551@example.com", "bridge to 5551"]);
}

#[test]
fn a_route_without_a_pattern_has_what_the_one_around_it_matched() {
    let text = "routes:\n- match: '1(.)'\n  params: { first: '${match.1}' }\n  routes:\n  - all: { X: y }\n    steps: [{ log: 'inner ${match.1}' }]\n  - match: '(..)'\n    steps: [{ log: '${match.1} ${params.first}' }]\n";
    let routes = routes(text);
    assert_eq!(way(&routes, "12"), ["log 12 2"]);
    assert_eq!(way_of(&routes, &[(DESTINATION, "12"), ("X", "yes")], NOON, &[0.0]), ["log inner 2"]);
}

#[test]
fn further_headers_are_and_or_and_not() {
    let text = "routes:\n- match: '500$'\n  all: { A: [one, '.*e$'], B: two }\n  any: { C: [x, y], D: z }\n  unless: { E: no }\n  steps: [answer]\n";
    let routes = routes(text);
    let takes = |headers: &[(&str, &str)]| {
        let all: Vec<_> = [(DESTINATION, "500")].into_iter().chain(headers.iter().copied()).collect();
        way_of(&routes, &all, NOON, &[0.0]) == ["answer"]
    };
    assert!(takes(&[("A", "one"), ("B", "two"), ("C", "y")]));
    assert!(takes(&[("A", "one"), ("B", "two"), ("D", "zz"), ("E", "yes, no")]));
    assert!(!takes(&[("A", "ones"), ("B", "two"), ("C", "y")]));
    assert!(!takes(&[("A", "one"), ("C", "y")]));
    assert!(!takes(&[("A", "one"), ("B", "two")]));
    assert!(!takes(&[("A", "one"), ("B", "two"), ("C", "y"), ("E", "no")]));
}

#[test]
fn days_and_hours_are_those_of_the_zone() {
    let text = "time_zone: America/New_York\nroutes:\n- { weekdays: sun, hours: '22:00-02:00', steps: [answer] }\n- { weekdays: [mon-wed, thursday], hours: ['08:00-12:00'], time_zone: UTC, steps: [ring] }\n";
    let routes = routes(text);
    let at = |now| way_of(&routes, &[(DESTINATION, "1")], now, &[0.0]).join(" ");
    assert_eq!(at(NOON), "respond 404");
    assert_eq!(at(NOON - std::time::Duration::from_secs(1)), "ring");
    // Sunday 22:30 in New York is Monday 03:30 UTC.
    assert_eq!(at(NOON + DAY * 3 + std::time::Duration::from_secs(15 * 3_600 + 1_800)), "answer");
}

#[test]
fn chance_takes_its_share_of_what_all_else_lets_through() {
    for (share, below) in [("1/6", 1.0 / 6.0), ("25%", 0.25), ("0.25", 0.25)] {
        let text = format!(
            "routes:\n- {{ match: '1', chance: {share}, then: go_on, steps: [{{ record: both }}] }}\n- {{ steps: [answer] }}\n"
        );
        let routes = routes(&text);
        let of = |number, roll| way_of(&routes, &[(DESTINATION, number)], NOON, &[roll, 0.0]);
        assert_eq!(of("1", below - 0.001).len(), 2, "{share}");
        assert_eq!(of("1", below), ["answer"], "{share}");
        assert_eq!(of("2", 0.0), ["answer"], "{share}");
    }
}

#[test]
fn guards_keep_out_and_routers_are_tried_in_their_order() {
    let text = "guards: { variable_sofia_profile: external }\nreject: 403\nroutes: [{ match: '1', steps: [answer] }]\n---\nguards: { X: y }\nroutes: [{ match: '2', steps: [ring] }]\notherwise: [{ log: '${match.0} is nobody' }, { respond: 486 }]\n";
    let routes = routes(text);
    let of = |headers: &[(&str, &str)]| way_of(&routes, headers, NOON, &[0.0]);
    let external = ("variable_sofia_profile", "external");
    assert_eq!(of(&[(DESTINATION, "1")]), ["reject 403"]);
    assert_eq!(of(&[(DESTINATION, "1"), external]), ["answer"]);
    assert_eq!(of(&[(DESTINATION, "2"), external]), ["respond 404"]);
    assert_eq!(of(&[(DESTINATION, "2"), external, ("X", "y")]), ["ring"]);
    assert_eq!(of(&[(DESTINATION, "3"), external, ("X", "y")]), ["log 3 is nobody", "respond 486"]);
}

#[test]
fn calls_that_go_out_are_routed_only_by_a_router_that_names_them_and_never_rejected_by_another() {
    let out = [(DESTINATION, "1"), ("Call-Direction", "outbound")];
    let incoming = routes("guards: { X: y }\nreject: 403\nroutes: [{ steps: [answer] }]\n");
    assert!(way_of(&incoming, &out, NOON, &[0.0]).is_empty());
    let outgoing = routes("guards: { Call-Direction: outbound }\nroutes: [{ steps: [{ log: out }] }]\n");
    assert_eq!(way_of(&outgoing, &out, NOON, &[0.0]), ["log out"]);
    assert!(way(&outgoing, "1").is_empty());
}

#[test]
fn steps_of_other_files_and_aliases_have_the_parameters_of_where_they_are_used() {
    let text = "routes:\n- match: '1(.*)'\n  steps:\n  - include: { file: _bridge.yaml, with: { user: '${match.1}' } }\n- match: '2(.*)'\n  params: { by: internal }\n  steps: &onward [{ bridge: { to: '${match.1}', profile: '${params.by}' } }]\n- match: '3(.*)'\n  params: { by: external }\n  steps: *onward\n";
    let routes = routes(text);
    assert_eq!(way(&routes, "1001"), ["bridge to 001@example.com", "log ${uuid} is over"]);
    assert_eq!(way(&routes, "3002"), ["bridge to 002"]);
}

#[test]
fn an_app_is_a_step_that_does_its_part_of_the_call() {
    let routes = routes(
        "routes:\n- { match: '1', steps: [{ app: tone_play }] }\n- { match: '(4..)', steps: [{ app: { callee_block_on_invite: { sip_code: '${match.1}' } } }] }\n",
    );
    assert_eq!(way(&routes, "1"), ["answer", "echo"]);
    assert_eq!(way(&routes, "486"), ["respond 486"]);
    assert_eq!(way(&routes, "4xx").len(), 1);
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_place() {
    let text = "routes:\n- match: '(.*)'\n  steps:\n  - bridge: { to: '${match.1}' }\n  - log: '${header.X-Tenant}'\n";
    let routes = routes(text);
    let place = "conf/routes.yaml:4:19: expected a user or `user@host`, found `a b`";
    assert_eq!(way(&routes, "a b"), [place]);
    assert_eq!(way(&routes, "a"), ["bridge to a", "conf/routes.yaml:5:10: the call has no header X-Tenant"]);
    assert_eq!(way(&routes, ""), ["conf/routes.yaml:4:19: expected a user or `user@host`, found an empty text"]);
    let text = "params: { t: '${header.X}' }\nroutes: [{ steps: [answer] }]\n";
    assert_eq!(way(&self::routes(text), "1"), ["conf/routes.yaml:1:14: the call has no header X"]);
}

/// A switch runs programs for `${system(...)}` in what it executes, and whoever calls chooses whom.
#[test]
fn what_a_caller_dials_is_never_a_variable_of_the_switch() {
    let routes = routes("routes: [{ match: '(.*)', steps: [{ execute: { app: bridge, arg: 'user/${match.1}' } }] }]\n");
    let done = way(&routes, "${system(reboot)}");
    assert_eq!(done.len(), 1);
    assert!(done[0].contains("`${match.1}` is `${system(reboot)}`, in which the switch would look"), "{done:?}");
}

#[test]
fn routes_run_programs_only_where_they_may_and_callers_choose_none() {
    let notify = "routes: [{ match: '(.*)', steps: [{ api: 'system notify ${match.1}' }] }]\n";
    assert!(told(notify).contains("`system` runs programs of the host") && told(notify).contains("--allow-system"));
    assert_eq!(allowed(notify, "+49.30"), "api system notify +49.30");
    for dialled in ["1; reboot", "-o", "`reboot`", "a b"] {
        let unfit = allowed(notify, dialled);
        assert!(unfit.contains("which is no plain word for a program of the host"), "{unfit}");
    }
    // What the routes do not run by themselves nobody can have them run.
    let inline = "routes: [{ match: '(.*)', steps: [{ transfer: { to: '${match.1}', dialplan: inline } }] }]\n";
    let unfit = allowed(inline, "system:reboot");
    assert!(unfit.contains("`system` runs programs of the host"), "{unfit}");
    let any = "routes: [{ match: '(.*)', steps: [{ execute: { app: '${match.1}', arg: reboot } }] }]\n";
    assert!(allowed(any, "system").contains("`system` runs programs of the host"));
}

/// Compares what is told of each file with what was approved.
macro_rules! told {
    ($($name:ident: $text:expr;)*) => {
        $(#[test]
        fn $name() {
            let text: &str = $text;
            insta::with_settings!({ description => text, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), told(text));
            });
        })*
    };
}

told! {
    a_router_of_nothing: "guards: { a: b }\n---\n- match: 1\n";
    a_file_of_nothing: "# nothing\n";
    misspelt_keys: "route: []\notherwize: [answer]\nroutes:\n- { mach: 1, steps: [answer] }\n- { match: 1, stepz: [answer] }\n";
    wrong_steps: "routes:\n- match: 1(.*)\n  steps:\n  - anser\n  - bridge: { to: '${match.1}', profle: x }\n  - { app: tone_player }\n  - { answer: '${match.1}' }\notherwise: [{ respond: 404 }, answer]\n";
    wrong_values: "reject: 200\ntime_zone: Europe/Berln\nroutes:\n- match: '(1'\n  weekdays: [sunn, 7]\n  hours: [9-17, '09:00-25:00', '10:00-10:00']\n  chance: 2/1\n  then: goon\n  steps: []\n";
    unknown_variables: "params: { domain: a.b }\nroutes:\n- match: '1(?<did>.*)'\n  params: { x: '${match.dud}' }\n  steps:\n  - log: '${match.3} ${match.dud} ${params.domian} ${vars.a} ${uuid} ${env.NOPE} ${header.a b} ${match.1'\n  - log: '${params.x} ${match.did} ${env.TRUNK}'\n";
    variables_of_calls_where_none_can_stand: "guards: { X: '${match.1}' }\nroutes:\n- { match: '${header.Y}', steps: [answer] }\n";
    keys_that_go_with_others: "routes:\n- { on: X, steps: [answer] }\n- { match: 1, time_zone: UTC, steps: [answer] }\n- { match: 1 }\n";
    an_alias_that_lacks_a_parameter: "routes:\n- { match: '1(.*)', params: { by: a }, steps: &on [{ log: '${params.by} ${match.1}' }] }\n- { match: '2', steps: *on }\n";
}

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conf/routes.schema.json");

fn validator() -> Validator {
    jsonschema::draft202012::options().build(&json_schema()).unwrap()
}

#[test]
fn the_schema_in_the_repository_is_the_one_of_routes() {
    let schema = format!("{:#}\n", json_schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(SCHEMA, &schema).unwrap();
    }
    let kept = std::fs::read_to_string(SCHEMA).unwrap_or_default();
    assert!(kept == schema, "conf/routes.schema.json is out of date: run this test with UPDATE_SCHEMA=1");
    assert!(jsonschema::draft202012::meta::is_valid(&json_schema()));
}

#[test]
fn loader_and_schema_take_and_refuse_the_same() {
    let validator = validator();
    let right = [
        "routes: [{ match: 1, steps: [answer, { app: tone_play }] }]",
        "routes: [{ match: 1, on: X, all: { A: b }, any: { A: [b, c] }, unless: { A: b }, weekdays: mon-fri, hours: 09:00-24:00, time_zone: UTC, chance: 1/6, params: { a: 1 }, then: go_on, routes: [{ steps: [answer] }] }]",
        "otherwise: [{ respond: 404 }]",
        "guards: { A: b }\nreject: 403\nparams: { a: 2s }\ntime_zone: UTC\nroutes: [{ steps: [{ sleep: '${params.a}' }], chance: 0.5 }]",
    ];
    for text in right {
        assert!(!load(text).has_errors(), "{}", told(text));
        for document in as_json(text) {
            let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{document:#}\n{errors:#?}");
        }
    }
    let wrong = [
        "guards: { a: b }",
        "routes: { match: 1 }",
        "routes: [{ match: 1 }]",
        "routes: [{ steps: [] }]",
        "routes: [{ steps: answer }]",
        "routes: [{ steps: [anser] }]",
        "routes: [{ steps: [answer], on: X }]",
        "routes: [{ steps: [answer], time_zone: UTC }]",
        "routes: [{ steps: [answer], weekdays: noday }]",
        "routes: [{ steps: [answer], hours: 9-17 }]",
        "routes: [{ steps: [answer], chance: 1.5 }]",
        "routes: [{ steps: [answer], then: on }]",
        "routes: [{ steps: [answer], routes: [{ match: 1 }] }]",
        "routes: [{ steps: [{ app: tone_player }] }]",
        "routes: [{ steps: [answer] }]\nreject: 200",
        "routes: [{ steps: [answer] }]\nguards: {}",
        "otherwise: answer",
    ];
    for text in wrong {
        assert!(load(text).has_errors(), "the loader takes {text}");
        assert!(as_json(text).iter().any(|document| !validator.is_valid(document)), "the schema takes {text}");
    }
}
