//! What a tester is told of a file that is wrong.

use std::io::Write;

use super::{load, told};
use crate::scenario::{Severity, Style, load_file};

/// Compares what is told of each file with what was approved.
macro_rules! told {
    ($($name:ident: $text:expr;)*) => {
        $(#[test]
        fn $name() {
            let text: &str = $text;
            let shown = text.replace('\t', "<TAB>");
            insta::with_settings!({ description => shown, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), told(text));
            });
        })*
    };
}

told! {
    a_misspelt_step: "callee:\n  - ring\n  - anser\n";
    a_misspelt_key: "name: x\ncallee: [answer]\nexepct: { answered: true }\n";
    a_key_that_belongs_elsewhere: "codec: PCMU\ncallee: [answer]\n";
    a_key_that_belongs_to_two_others: "host: embedded\ncallee: [answer]\n";
    a_step_that_does_not_exist: "callee: [dance]\n";
    a_step_with_what_should_be_indented: "caller:\n  - play: { tone: 1004Hz }\n    loops: 3\n";
    two_steps_in_one_item: "callee:\n  - ring:\n    answer:\n";
    steps_that_are_no_list: "callee: answer\ncaller:\n  hangup:\n";
    nothing_after_the_colon: "callee:\nexpect:\n";
    wrong_types: "name: [a]\ntags: { a: b }\ncallee: [answer]\nexpect: { answered: yes, sip_code: ok, hangup_cause: { caller: 16 } }\n";
    bad_units: "callee: [answer, { sleep: 2 }, { sleep: 2x }, { sleep: soon }]\ncaller:\n  - play: { tone: 1004dB, level: -10 }\nduration: 0s\n";
    bad_quantities: "callee: [answer]\nrecord: { callee: both }\nexpect:\n  setup_time: 1s\n  pdd: \"=> 1s\"\n  duration: \"< 3 apples\"\n  audio:\n    - { leg: callee, heard: { tone: 1004Hz, for: \">= 2Hz\" } }\n";
    values_out_of_range: "callee: [{ respond: 200 }]\ncaller: [{ play: { tone: 5kHz, level: 10dBm0, for: 1s, loops: 0 } }]\nexpect: { sip_code: 99 }\n";
    programs_of_the_host: "call: { vars: { api_hangup_hook: system ls, language: java }, headers: { X-a: \"$${system ls}\" } }\ncallee:\n  - answer\n  - api: system touch /tmp/x\n  - execute: { app: lua, arg: x.lua }\n  - set: { x: \"$${expand(bg_system ls)}\" }\n  - broadcast: { app: system, arg: ls }\n  - transfer: { to: \"system:ls\", dialplan: inline }\n";
    a_missing_file: "callee: [answer, { play: { file: clp.wav } }]\n";
    an_unknown_cause: "callee: [{ hangup: USER_BUZY }]\nexpect: { hangup_cause: [NORMAL_CLEARING, nonsense] }\n";
    a_tab: "callee:\n\t- answer\n";
    a_tab_deeper: "name: x\ncall:\n  codec: PCMU\n\tto: y\ncallee: [answer]\n";
    an_unclosed_bracket: "callee: [answer, hangup\nexpect: { answered: true }\n";
    an_unclosed_quote: "name: \"half\ncallee: [answer]\n";
    a_bound_without_quotes: "callee: [answer]\nexpect:\n  duration: > 2s\n";
    tones_without_quotes: "callee:\n  - answer\n  - play: { tones: %(251,0,1004) }\n";
    a_colon_in_a_text: "name: busy: the callee refuses\ncallee: [answer]\n";
    a_key_that_is_there_twice: "callee: [answer]\nduration: 3s\ncallee: [ring]\n";
    a_merge_key: "callee: [answer]\ncall:\n  <<: { codec: PCMU }\n";
    a_tag: "callee: !!set [answer]\ncaller: !mine [hangup]\n";
    an_unknown_alias: "callee: *steps\n";
    a_key_that_is_no_word: "callee: [answer]\n? [a, b]\n: c\n";
    no_scenario: "# nothing but a comment\n";
    nothing_at_all: "";
    a_list_of_scenarios: "- name: x\n  callee: [answer]\n";
    no_steps: "name: nothing happens\nexpect: { answered: false }\n";
    an_app_and_steps: "app: tone_play\ncallee:\n  - answer\n";
    an_unknown_app: "app: tone_player\n";
    an_app_that_needs_more: "app: play_rec\n";
    an_app_with_two_refusals: "app: { callee_block_on_invite: { sip_code: 404, hangup_cause: USER_BUSY } }\n";
    a_caller_that_answers: "caller:\n  - answer\n  - respond: 486\n";
    steps_after_the_end: "callee:\n  - respond: 486\n  - log: done\ncaller:\n  - wait: { hungup: 5s }\n  - hangup\n";
    early_states_after_the_answer: "callee:\n  - answer\n  - ring\n  - answer\n  - respond: 404\n";
    a_check_that_hears_nothing: "callee: [answer, echo]\ncaller: [{ play: { tone: 1004Hz } }]\nduration: 3s\nexpect:\n  audio:\n    - { leg: caller, heard: { tone: 1004Hz +-4Hz } }\n    - leg: callee\n      length: \">= 2s\"\n";
    a_check_of_the_other_side: "callee: [answer]\nrecord: { caller: said, callee: mix }\nexpect:\n  audio:\n    - { leg: caller, heard: { level: \"> -20dBm0\" } }\n    - { leg: callee, said: { silence: \"< 1s\" } }\n    - { leg: callee, silence: \"< 1s\" }\n";
    a_check_of_no_bit_error_test: "callee: [answer, echo]\ncaller: [{ wait: { answered: 2s } }, bert]\nexpect:\n  bert:\n    caller: { sync: true }\n    callee: { sync: true }\n";
    bit_error_tests_that_are_odd: "callee: [answer, { bert: { max_err: 0, jitter_buffer: 100ms } }, { bert: { hangup_on_error: yes } }]\nexpect: { bert: { callee: {}, caler: {} } }\n";
    an_audio_check_of_no_leg: "callee: [answer]\nexpect: { audio: [{ heard: { tone: 1004Hz +-4Hz, silence: \"< 1s\" }, said: { for: \"> 1s\" } }, {}] }\n";
    recordings_that_clash: "callee: [answer, record, record, stop_record, stop_record]\ncaller: [record]\nrecord: { caller: both }\n";
    a_recording_of_nothing: "callee: [answer]\nrecord: {}\n";
    an_odd_recording: "callee: [answer]\nrecord: { caller: { tracks: stereo, rate: 44100 }, calle: both }\n";
    endless_plays: "callee:\n  - answer\n  - play: { tone: 440Hz, wait: true }\n  - play: [{ tone: 440Hz }, { silence: 1s }]\n  - play: { tones: \"%(100,0,440);loops=-1\", loops: 2 }\n  - play: { file: clip.wav, loops: -1 }\n";
    plays_of_nothing: "callee:\n  - play\n  - play: []\n  - play: {}\n  - play: { level: -3dBm0 }\n  - play: clip.wav\n  - play: { tone: 440Hz, file: clip.wav }\n  - play: { tones: beep }\n";
    waits_for_nothing: "caller:\n  - wait: {}\n  - wait: 2s\n  - wait: { answerd: 2s }\n  - wait: { answered: 2s, within: 3s }\n  - wait: { event: DTMF, headers: { DTMF-Digit: \"[1\" } }\n  - wait: { answered: 2s, hungup: 3s }\n";
    a_time_limit_too_short: "callee: [answer]\nduration: 10s\ntimeout: 5s\n";
    steps_longer_than_the_time_limit: "callee: [answer, { sleep: 40s }, { play: { silence: 10s, loops: 3 } }, hangup]\n";
    steps_longer_than_the_call: "callee: [answer, { sleep: 5s }, { play: { tone: 440Hz } }]\nduration: 3s\n";
    a_caller_that_waits_in_vain: "callee: [ring]\ncaller: [{ wait: { answered: 5s } }, hangup]\n";
    checks_that_contradict: "callee: [{ respond: 404 }]\nduration: 3s\nexpect:\n  answered: true\n  sip_code: 404\n";
    two_routes: "call: { profile: internal, gateway: carrier, codec: ulaw, to: \"a b\", timeout: 10 }\ncallee: [answer]\n";
    what_the_call_sets_itself: "call:\n  headers: { Via: x, X-Mine: \"a\\nb\", \"bad name\": x }\n  vars: { originate_timeout: 5, sip_h_X-Foo: bar, ok: fine }\ncallee: [answer]\n";
    names_that_are_not_unique: "name: one\ncallee: [answer]\n---\nname: one\ncallee: [ring]\n---\nname: two\ncallee: [rang]\n";
    mistakes_of_two_documents_before_a_broken_one: "callee: [anser]\n---\ncallee: [answer, { sleep: 1 }]\n---\ncallee: [answer\n";
    characters_of_several_bytes: "name: größe 漢字\ncallee: [{ log: äöü }, { slep: 1s }] # ü\n";
    carriage_returns: "name: x\r\ncallee:\r\n  - anser\r\n";
    a_byte_order_mark: "\u{feff}callee: [anser]\n";
    mistakes_inside_an_alias: "callee: &steps [answer, hagnup]\ncaller: *steps\n";
}

#[test]
fn mistakes_are_told_in_the_order_of_the_file() {
    let loaded = load("expect: { answerd: true }\ncallee: [anser]\nname: []\n");
    let lines: Vec<_> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.place.line).collect();
    assert_eq!(lines, [1, 2, 3]);
    assert!(loaded.has_errors() && loaded.scenarios.is_empty());
}

#[test]
fn a_warning_lets_the_scenario_run() {
    let loaded = load("callee: [ring]\ncaller: [{ wait: { answered: 5s } }, hangup]\n");
    assert_eq!(loaded.diagnostics[0].severity, Severity::Warning);
    assert!(!loaded.has_errors());
    assert_eq!(loaded.scenarios.len(), 1);
}

#[test]
fn right_documents_survive_wrong_ones() {
    let loaded = load("name: a\ncallee: [answer]\n---\nname: b\ncallee: [anser]\n---\nname: c\ncallee: [answer]\n");
    let names: Vec<_> = loaded.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
}

#[test]
fn a_yaml_bomb_is_refused_before_it_grows() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let refs = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{refs}]\n");
    }
    let told = told(&text);
    assert!(told.contains("more than 250000 values"), "{told}");
}

#[test]
fn nesting_deeper_than_any_scenario_is_refused() {
    for levels in [65, 100, 100_000] {
        let told = told(&"[".repeat(levels));
        assert!(told.contains("more than 64 levels of nesting"), "{told}");
    }
    assert!(!told(&("[".repeat(64) + &"]".repeat(64))).contains("nesting"));
}

#[test]
fn a_long_file_with_a_mistake_in_every_line_is_told_in_time_that_grows_with_it() {
    let text: String = (0..20_000).map(|line| format!("k{line}: 1\n")).collect();
    // All the keys, and that nothing happens.
    assert_eq!(load(&text).diagnostics.len(), 20_001);
    let told = told(&text);
    assert!(told.contains("scenarios/case.yaml:20000:1"));
}

/// What is told of a file with these bytes, its folder taken away.
fn told_of_bytes(bytes: &[u8]) -> String {
    let mut file = tempfile::Builder::new().prefix("case").suffix(".yaml").tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let loaded = load_file(file.path());
    assert!(loaded.has_errors());
    let rendered: Vec<_> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.render(Style::Plain)).collect();
    rendered.join("\n").replace(&*file.path().to_string_lossy(), "case.yaml")
}

#[test]
fn bytes_that_are_no_text_are_told_with_their_place() {
    insta::assert_snapshot!(told_of_bytes(b"name: caf\xe9\ncallee: [answer]\n"));
}

#[test]
fn utf16_is_told() {
    let utf16: Vec<u8> = "\u{feff}callee: [answer]\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(told_of_bytes(&utf16).contains("this file is UTF-16"));
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let loaded = load_file("scenarios/nowhere.yaml".as_ref());
    insta::assert_snapshot!(loaded.diagnostics[0].render(Style::Plain));
}

#[test]
fn colours_change_nothing_but_colours() {
    let loaded = load("callee: [anser]\n");
    let (plain, coloured) = (loaded.diagnostics[0].render(Style::Plain), loaded.diagnostics[0].render(Style::Coloured));
    let stripped = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap().replace_all(&coloured, "").into_owned();
    assert_ne!(plain, coloured);
    assert_eq!(plain, stripped);
}

proptest::proptest! {
    #[test]
    fn no_text_panics_the_loader(text in "\\PC{0,200}") {
        let _ = told(&text);
    }

    #[test]
    fn no_text_of_yaml_signs_panics_the_loader(text in "[-:,\\[\\]{}#&*!|>'\"%@`?~<=. \t\r\na-c0-9é漢\u{feff}]{0,120}") {
        let _ = told(&text);
    }

    #[test]
    fn no_words_of_the_language_panic_the_loader(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "name", "callee", "caller", "expect", "audio", "play", "answer", "hangup", "tone", "leg", "heard", "for",
                "1004Hz", "+-4Hz", ">= 2s", "2s", "record", "both", "wait", "answered", "app", "tone_play", ": ", ":\n",
                "\n", "\n  ", "\n    ", "- ", "{ ", " }", "[", "]", ", ", "\"", "'", "&a ", "*a ", "---\n", "\t", "true",
            ]),
            0..60,
        )
    ) {
        let _ = told(&words.concat());
    }
}
