//! What stands around calls: matrix, variables, includes, defaults, conditions.

use std::path::Path;

use crate::scenario::load::{Loaded, load_beside};
use crate::scenario::reading::Folder;
use crate::scenario::{HostKind, Scenario, Style};

/// Files, an environment and hosts that are not there.
#[derive(Clone, Default)]
pub(super) struct World {
    files: Vec<(&'static str, &'static str)>,
    env: Vec<(&'static str, &'static str)>,
    pub hosts: Vec<String>,
}

impl Folder for World {
    fn has_file(&self, path: &Path) -> bool {
        path == Path::new("scenarios/_parts/clip.wav")
    }

    fn text(&self, path: &Path) -> Result<Option<String>, String> {
        Ok(self.files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned()))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn hosts(&self) -> &[String] {
        &self.hosts
    }
}

impl World {
    pub fn with(files: &[(&'static str, &'static str)]) -> Self {
        World { files: files.to_vec(), ..World::default() }
    }

    pub fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    pub fn load(&self, text: &str) -> Loaded {
        load_beside(Path::new("scenarios/case.yaml"), text, self)
    }

    pub fn told(&self, text: &str) -> String {
        let loaded = self.load(text);
        let rendered: Vec<_> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.render(Style::Plain)).collect();
        rendered.join("\n\n")
    }

    #[track_caller]
    pub fn scenarios(&self, text: &str) -> Vec<Scenario> {
        let loaded = self.load(text);
        assert!(loaded.diagnostics.is_empty(), "{}", self.told(text));
        loaded.scenarios
    }

    #[track_caller]
    pub fn scenario(&self, text: &str) -> Scenario {
        let mut scenarios = self.scenarios(text);
        assert_eq!(scenarios.len(), 1);
        scenarios.remove(0)
    }
}

fn names(scenarios: &[Scenario]) -> Vec<&str> {
    scenarios.iter().map(|scenario| scenario.name.as_str()).collect()
}

fn steps(scenario: &Scenario) -> Vec<String> {
    scenario.callee.iter().map(|step| step.describe()).collect()
}

#[test]
fn a_matrix_is_one_test_for_each_combination_and_the_last_name_changes_fastest() {
    let scenarios = World::default().scenarios(
        "name: digits\nmatrix: { codec: [PCMU, PCMA], mode: [rfc4733, inband, 0123] }\n\
         call: { codec: \"${matrix.codec}\" }\ncallee: [answer, { log: \"${matrix.mode} of ${matrix.codec}\" }]\n",
    );
    assert_eq!(
        names(&scenarios),
        [
            "digits[codec=PCMU,mode=rfc4733]",
            "digits[codec=PCMU,mode=inband]",
            "digits[codec=PCMU,mode=0123]",
            "digits[codec=PCMA,mode=rfc4733]",
            "digits[codec=PCMA,mode=inband]",
            "digits[codec=PCMA,mode=0123]",
        ]
    );
    assert_eq!(scenarios[4].call.codec, ["PCMA"]);
    assert_eq!(steps(&scenarios[4])[1], "log inband of PCMA");
    assert!(scenarios.iter().all(|scenario| scenario.base == "digits"));
}

#[test]
fn combinations_are_left_out_and_added() {
    let scenarios = World::default().scenarios(
        "name: x\nmatrix:\n  a: [1, 2]\n  b: [3, 4]\n  exclude: [{ a: 1, b: 4 }, { a: 2 }]\n  include: [{ b: 9, a: 7 }]\n\
         callee: [answer]\n",
    );
    assert_eq!(names(&scenarios), ["x[a=1,b=3]", "x[a=7,b=9]"]);
}

#[test]
fn a_variable_is_read_as_if_its_value_stood_there() {
    let world = World::default().env("TALK", "3s").env("EMPTY", "");
    let scenario = world.scenario(
        "vars: { yes: true, least: 5, who: '${env.USER_NAME:-bob}', whole: 'to ${vars.who}' }\n\
         call: { to: '${vars.who}-${vars.least}', timeout: '${vars.least}s' }\nduration: ${env.TALK}\n\
         callee: [answer, { play: { tone: 1004Hz, for: 1s, wait: '${vars.yes}' } }, { log: '${vars.whole} ${env.EMPTY:-no one}' }]\n\
         retries: ${vars.least}\nexpect: { answered: \"${vars.yes}\" }\n",
    );
    assert_eq!((scenario.call.to.as_str(), scenario.call.timeout.as_secs()), ("bob-5", 5));
    assert_eq!((scenario.duration.unwrap().as_secs(), scenario.retries), (3, Some(5)));
    assert_eq!(steps(&scenario)[2], "log to bob no one");
}

#[test]
fn two_dollars_leave_a_variable_to_the_switch() {
    let scenario = World::default().scenario("callee: [answer, { log: 'I am $${uuid}, $5 {x}' }]\n");
    assert_eq!(steps(&scenario)[1], "log I am ${uuid}, $5 {x}");
}

#[test]
fn a_scenario_that_names_its_host_is_made_for_each_and_others_for_all() {
    let world = World { hosts: vec!["pbx1:8021".into(), "pbx2:8021".into()], ..World::default() };
    let scenarios =
        world.scenarios("name: a\ncallee: [answer, { log: 'on ${host.name}' }]\n---\nname: b\ncallee: [answer]\n");
    let on: Vec<_> = scenarios.iter().map(|scenario| (scenario.name.as_str(), scenario.on.as_deref())).collect();
    assert_eq!(on, [("a", Some("pbx1:8021")), ("a", Some("pbx2:8021")), ("b", None)]);
    assert_eq!(steps(&scenarios[1])[1], "log on pbx2:8021");
}

#[test]
fn steps_of_another_file_stand_where_they_are_included() {
    let world = World::with(&[
        ("scenarios/_parts/greet.yaml", "- answer\n- include: inner.yaml\n- log: bye ${with.name:-nobody}\n"),
        ("scenarios/_parts/inner.yaml", "- play: { file: clip.wav }\n- log: ${vars.who} is here\n"),
    ]);
    let scenario = world.scenario(
        "vars: { who: bob }\ncallee:\n  - ring\n  - include: { file: _parts/greet.yaml, with: { name: '${vars.who}' } }\n  \
         - include: _parts/inner.yaml\n",
    );
    assert_eq!(
        steps(&scenario),
        [
            "ring",
            "answer",
            "play file scenarios/_parts/clip.wav",
            "log bob is here",
            "log bye bob",
            "play file scenarios/_parts/clip.wav",
            "log bob is here",
        ]
    );
    assert_eq!(scenario.callee[2].place.to_string(), "scenarios/_parts/inner.yaml:1:3");
}

#[test]
fn defaults_of_folders_hold_where_the_scenario_says_nothing_else_and_the_innermost_wins() {
    let world = World::with(&[
        (
            "scenarios/_defaults.yaml",
            "tags: [inner, both]\ncall: { codec: PCMA, headers: { X-A: inner } }\nexpect: { answered: true }\n",
        ),
        (
            "_defaults.yaml",
            "tags: outer\ntimeout: 9s\nretries: 2\ncall: { codec: G722, profile: internal, headers: { X-A: outer, X-B: outer } }\n\
             vars: { who: bob }\nrecord: { caller: both }\nexpect: { setup_time: \"< 1s\", answered: false }\n",
        ),
    ]);
    let scenario = world.scenario(
        "tags: [own, both]\ncall: { to: '${vars.who}' }\ncallee: [answer]\nexpect: { setup_time: \"< 2s\" }\n",
    );
    assert_eq!(scenario.tags, ["own", "both", "inner", "outer"]);
    let call = &scenario.call;
    assert_eq!(
        (call.to.as_str(), call.profile.as_str(), &call.codec[..]),
        ("bob", "internal", &["PCMA".to_owned()][..])
    );
    assert_eq!(call.headers, [("X-A".to_owned(), "inner".to_owned()), ("X-B".to_owned(), "outer".to_owned())]);
    assert_eq!((scenario.timeout.unwrap().as_secs(), scenario.retries), (9, Some(2)));
    assert!(scenario.record.caller.is_some());
    let expected: Vec<_> = scenario.expect.iter().map(|check| check.describe()).collect();
    assert_eq!(expected, ["setup time < 2s", "answered"]);
    assert_eq!(scenario.defaults, [Path::new("scenarios/_defaults.yaml"), Path::new("_defaults.yaml")]);
}

#[test]
fn a_root_ends_the_search_for_defaults() {
    let world = World::with(&[("scenarios/_defaults.yaml", "root: true\ntags: a\n"), ("_defaults.yaml", "tags: b\n")]);
    assert_eq!(world.scenario("callee: [answer]\n").tags, ["a"]);
}

#[test]
fn what_a_test_requires_and_why_it_is_skipped_or_expected_to_fail() {
    let world = World::default().env("SBC", "10.0.0.5").env("CI", "true");
    let scenarios = world.scenarios(
        "matrix: { codec: [PCMU, PCMA] }\ncallee: [answer]\n\
         requires: { host: freeswitch, module: [mod_bert, mod_spandsp], version: '>= 1.10', env: SBC }\n\
         skip: { if: '${matrix.codec} == PCMA', reason: no A-law here }\nxfail: { if: '${env.CI:-}', reason: slow there }\n",
    );
    assert_eq!(scenarios[0].skip.as_ref().map(|skip| skip.value.as_str()), None);
    assert_eq!(scenarios[1].skip.as_ref().map(|skip| skip.value.as_str()), Some("no A-law here"));
    assert_eq!(scenarios[0].xfail.as_ref().map(|xfail| xfail.value.as_str()), Some("slow there"));
    assert_eq!(scenarios[0].requires.host, Some(HostKind::FreeSwitch));
    assert_eq!(scenarios[0].requires.asks().collect::<Vec<_>>(), ["mod_bert", "mod_spandsp", "mod_callwright"]);
}

#[test]
fn conditions_hold_or_not() {
    let holds = |text: &str| {
        let text = format!("callee: [answer]\nskip: {{ if: {text}, reason: x }}\n");
        World::default().env("EMPTY", "").scenario(&text).skip.is_some()
    };
    for text in ["true", "yes", "1", "a == a", "'${env.UNSET:-} == '", "'a != ${env.UNSET:-b}'", "some words"] {
        assert!(holds(text), "{text}");
    }
    for text in ["false", "no", "0", "''", "'${env.UNSET:-}'", "a == b", "a != a", "'${env.UNSET:-} != '"] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn a_required_environment_variable_that_is_not_set_skips_the_test_and_is_no_mistake() {
    let text =
        "name: x\nrequires: { env: SBC }\ncall: { proxy: '${env.SBC}', timeout: '${env.SBC}' }\ncallee: [answer]\n";
    let skipped = World::default().scenario(text);
    assert_eq!(skipped.skip.unwrap().value, "environment variable SBC is not set");
    assert_eq!(skipped.name, "x");
    assert!(World::default().env("SBC", "1s").scenario(text).skip.is_none());
    // What else is wrong is told all the same.
    let told = World::default().told(&text.replace("answer", "anser"));
    assert!(told.contains("unknown step `anser`") && !told.contains("SBC` is not set"), "{told}");
}

/// Compares what is told of each file in a small world with what was approved.
macro_rules! told {
    ($($name:ident: $text:expr;)*) => {
        $(#[test]
        fn $name() {
            let text: &str = $text;
            let world = World::with(PARTS).env("SECRET", "hunter 2&3").env("EMPTY", "").env("WORD", "soon");
            insta::with_settings!({ description => text, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), world.told(text));
            });
        })*
    };
}

const PARTS: &[(&str, &str)] = &[
    ("scenarios/_parts/wrong.yaml", "- answer\n- anser\n- play: { file: gone.wav }\n"),
    ("scenarios/_parts/self.yaml", "- log: again\n- include: other.yaml\n"),
    ("scenarios/_parts/other.yaml", "- include: self.yaml\n"),
    ("scenarios/_parts/mapping.yaml", "callee: [answer]\n"),
    ("scenarios/_parts/two.yaml", "- answer\n---\n- hangup\n"),
    ("scenarios/_parts/empty.yaml", "# nothing\n"),
    ("scenarios/_parts/broken.yaml", "- [answer\n"),
    ("scenarios/_parts/needs.yaml", "- log: ${with.nmae} ${with.name}\n"),
    ("scenarios/_parts/ends.yaml", "- answer\n- hangup\n"),
];

told! {
    a_misspelt_variable: "vars: { codec: PCMU }\nmatrix: { mode: [a, b] }\ncallee: [answer, { log: 'x ${vars.codek} ${matrx.mode} ${var.codec} ${matrix.nothing} ${uuid} ${host.port}' }]\n";
    a_variable_that_is_not_closed: "callee: [answer, { log: 'x ${vars.y' }]\n";
    a_variable_that_is_not_set: "call: { proxy: '${env.SBC}' }\ncallee: [answer]\n";
    a_default_where_there_can_be_none: "vars: { a: b }\ncallee: [answer, { log: '${vars.a:-c}' }]\n";
    variables_made_of_themselves: "vars: { a: 'x${vars.b}', b: 'y${vars.a}' }\ncallee: [answer, { log: '${vars.a}' }]\n";
    a_wrong_value_of_the_matrix: "matrix:\n  codec: [PCMU, ulaw]\n  wait: [2s, soon]\ncall: { codec: '${matrix.codec}' }\ncallee:\n  - answer\n  - sleep: ${matrix.wait}\n";
    a_wrong_value_of_the_environment: "callee:\n  - answer\n  - sleep: ${env.WORD}\n  - sleep: ${env.EMPTY}\n";
    a_wrong_value_of_a_secret: "secrets: SECRET\nvars: { key: 'a ${env.SECRET}' }\ncallee:\n  - answer\n  - sleep: ${env.SECRET}\n  - hangup: ${vars.key}\n";
    a_matrix_that_is_none: "matrix: { codec: PCMU, 'a b': [1], mode: [], twice: [x, x] }\ncallee: [anser]\n";
    values_that_are_there_twice: "matrix: { codec: [PCMU, PCMA, PCMU] }\ncallee: [answer]\n";
    combinations_that_are_wrong: "matrix:\n  codec: [PCMU, PCMA]\n  mode: [a]\n  exclude: [{ codek: PCMU }, { codec: G722 }]\n  include: [{ codec: PCMU }, { codec: PCMU, mode: a }]\ncallee: [answer]\n";
    a_matrix_of_nothing: "matrix: { codec: [PCMU], exclude: [{ codec: PCMU }] }\ncallee: [answer]\n";
    a_matrix_without_end: "matrix: { a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], b: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], c: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }\ncallee: [answer]\n";
    mistakes_in_an_included_file: "name: x\ncallee:\n  - include: _parts/wrong.yaml\n";
    a_file_that_includes_itself: "callee:\n  - include: _parts/self.yaml\n";
    files_that_cannot_be_included: "callee:\n  - include: _parts/gone.yaml\n  - include: _parts/mapping.yaml\n  - include: _parts/two.yaml\n  - include: _parts/empty.yaml\n  - include: _parts/broken.yaml\n  - include:\n  - include: { fiel: x }\n";
    what_an_include_is_given: "callee:\n  - include: { file: _parts/needs.yaml, with: { name: a, other: b } }\n  - log: ${with.name}\n";
    steps_after_the_end_of_an_included_file: "callee:\n  - include: _parts/ends.yaml\n  - log: too late\n";
    an_include_where_no_step_stands: "include: _parts/ends.yaml\ncallee: [answer]\nexpect: { audio: [{ include: _parts/ends.yaml }] }\n";
    requirements_that_are_none: "requires: { host: freeswitsh, module: bert, version: 1.10, env: a b }\ncallee: [answer]\nretries: 11\n";
    nothing_required: "requires: {}\nskip: { if: 'a = b', reason: x }\nxfail: { reason: x }\ncallee: [answer]\n";
    a_misspelt_key_around_the_call: "matirx: { a: [1] }\nxfial: x\nincldue: y\ncallee: [answer, { inclde: x }]\n";
}

#[test]
fn mistakes_in_defaults_are_told_with_their_place_and_what_they_clash_with() {
    let world = World::with(&[(
        "scenarios/_defaults.yaml",
        "name: x\nexepct: {}\ncall: { profile: internal, timeout: soon }\nexpect: { answered: true }\n",
    )]);
    insta::assert_snapshot!(
        world.told("callee: [{ respond: 486 }]\ncall: { gateway: sbc }\nexpect: { answered: true, sip_code: 486 }\n")
    );
}

#[test]
fn a_check_of_the_defaults_that_contradicts_one_of_the_scenario_is_told_in_both_files() {
    let world = World::with(&[("scenarios/_defaults.yaml", "expect: { setup_time: \"< 1s\" }\n")]);
    insta::assert_snapshot!(world.told("callee: [{ respond: 486 }]\nexpect: { answered: false }\n"));
}

#[test]
fn the_defaults_are_no_scenario() {
    let text = "callee: [answer]\n";
    let loaded = load_beside(Path::new("scenarios/_defaults.yaml"), text, &World::default());
    assert_eq!(loaded.diagnostics[0].message, "this file holds defaults, and no scenario");
}

#[test]
fn includes_that_double_at_each_level_are_refused_before_they_grow() {
    let mut world = World::default();
    let names: Vec<&'static str> = (0..9).map(|level| &*format!("scenarios/_{level}.yaml").leak()).collect();
    for (level, name) in names.iter().enumerate() {
        let step = if level == 8 { "- answer\n".to_owned() } else { format!("- include: _{}.yaml\n", level + 1) };
        world.files.push((name, step.repeat(100).leak()));
    }
    let told = world.told("callee: [{ include: _0.yaml }]\n");
    assert!(told.contains("more than 2000000 values") || told.contains("more than 8 includes"), "{told}");
}

#[test]
fn a_secret_is_in_nothing_that_is_told_of_a_scenario() {
    let world = World::default().env("KEY", "hunter 2");
    let loaded = world.load("name: 'x ${env.KEY}'\nsecrets: [KEY]\ncallee: [{ hangup: '${env.KEY}' }]\n---\nname: 'y ${env.KEY}'\nsecrets: [KEY]\ncallee: [answer]\n");
    assert_eq!(names(&loaded.scenarios), ["y ***"]);
    assert_eq!(loaded.redactor.redact("a hunter%202 b"), "a *** b");
    let told: String = loaded.diagnostics.iter().map(|diagnostic| diagnostic.render(Style::Plain)).collect();
    assert!(told.contains("unknown hangup cause `***`") && !told.contains("hunter"), "{told}");
}

proptest::proptest! {
    #[test]
    fn no_variable_panics_the_loader(text in "[${}a-c.:\\-vars mtix\"'\\[\\]\n]{0,60}") {
        let world = World::default();
        let quoted = text.replace('\'', "''");
        let _ = world.told(&format!("vars: {{ a: '{quoted}' }}\nmatrix: {{ b: ['{quoted}', x] }}\ncallee: [answer, {{ log: '{quoted}' }}]\n"));
        let _ = world.told(&format!("name: ${{vars.x}}\n{text}"));
    }
}
