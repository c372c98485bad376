//! What a scenario may not have a switch do unless it is allowed to: run programs and code of the host.
//!
//! The switch would do it as the account that it runs as, so a scenario from elsewhere could do there what it likes. What is
//! refused are the commands and applications of FreeSWITCH 1.10 that run something ([`RUNNERS`]), wherever a scenario could
//! name one: in a command, as an application, behind a command that runs another, in a variable that the switch acts on, in
//! `${NAME(...)}`, which the switch puts in by running NAME. Where a name is only made while the call runs, it is refused as
//! well.
//!
//! This keeps a scenario from doing more than it seems to. It is no sandbox: what modules of others run is not known here,
//! and a host that scenarios of strangers are run on should be one with which nothing is lost.

use super::node::{Content, Node, shortened};
use super::reading::Reading;
use super::step::{Start, Step};
use crate::esl::Command;
use crate::id::{Ids, SessionId};

/// Whether scenarios may have a switch run programs and code of its host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Programs {
    #[default]
    Refused,
    Allowed,
}

/// What runs something, and what that is.
const RUNNERS: &[(&[&str], &str)] = &[
    (&["system", "bg_system", "bgsystem", "spawn", "bg_spawn", "spawn_stream", "shell_stream"], PROGRAM),
    (&["lua", "luarun", "jsapi", "jsrun", "jsps", "javascript", "python", "python3", "pyrun", "pyrun3"], CODE),
    (&["perl", "perlrun", "java", "managed", "managedrun", "managedreload", "basic"], CODE),
    // They give the call to whoever listens there, with all that an event socket may do.
    (&["socket", "erlang", "erlang_sendmsg", "httapi"], CONTROL),
];

const PROGRAM: &str = "runs programs of the host";
const CODE: &str = "runs code on the host";
const CONTROL: &str = "hands the switch to another program";
const LIBRARY: &str = "loads a library into the switch";
const COMPUTED: &str = "makes what is run while the call runs, so that it cannot be looked at before";

/// API commands whose argument is only said again.
const INERT: &[&str] = &["echo", "log", "help", "show", "global_getvar", "uuid_getvar", "eval", "console_complete"];

/// Applications whose argument may name another application or command.
const CARRIERS: &[&str] = &[
    "att_xfer",
    "bind_digit_action",
    "bind_meta_app",
    "bridge",
    "broadcast",
    "conference",
    "dial",
    "endless_playback",
    "execute_extension",
    "fax_detect",
    "fifo",
    "goto",
    "limit",
    "limit_execute",
    "limit_hash",
    "limit_hash_execute",
    "loop_playback",
    "page",
    "play_and_get_digits",
    "playback",
    "sched_broadcast",
    "sched_transfer",
    "spandsp_start_fax_detect",
    "spandsp_start_tone_detect",
    "three_way",
    "tone_detect",
    "transfer",
];

/// Of those, the ones that run what stands somewhere among their arguments.
const EXECUTING: &[&str] = &[
    "bind_digit_action",
    "fax_detect",
    "limit_execute",
    "limit_hash_execute",
    "spandsp_start_tone_detect",
    "tone_detect",
];

/// Applications that set variables.
const SETTERS: &[&str] =
    &["bridge_export", "export", "multiset", "push", "set", "set_global", "set_profile_var", "unshift"];

/// Parts of the names of variables whose values the switch runs: `api_hangup_hook`, `execute_on_answer`, `loopback_app`,
/// `bridge_pre_execute_aleg_app`, `record_post_process_exec_api`, `group_confirm_file`, `campon_fallback_exten`.
const ACTED_ON: &[&str] = &["api_", "_api", "exec", "hook", "_app", "group_confirm", "fallback_exten", "after_bridge"];

/// What a text would run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    name: String,
    what: &'static str,
}

/// Tells of a step that runs programs, unless it may.
pub(super) fn refuse_step(step: Box<dyn Step>, node: &Node, reading: &mut Reading<'_>) -> Option<Box<dyn Step>> {
    if reading.folder.programs() == Programs::Refused
        && let Some(run) = of_step(&*step)
    {
        refuse(&run, node, reading);
    }
    Some(step)
}

/// Whether a step runs programs as it stands, whatever is put in for its variables.
pub(super) fn runs_programs(step: &dyn Step) -> bool {
    of_step(step).is_some_and(|run| run.what != COMPUTED)
}

fn of_step(step: &dyn Step) -> Option<Run> {
    let mut ids = Ids::seeded(0);
    let mut start = Start::new(SessionId::new("leg"), &mut ids, false);
    step.start(&mut start);
    start.commands.iter().find_map(of_command)
}

/// Tells of a value of `call` that has programs run, unless it may. Gives whether there is none.
pub(super) fn refuse_call(call: &Node, reading: &mut Reading<'_>) -> bool {
    if reading.folder.programs() == Programs::Allowed {
        return true;
    }
    let before = reading.diagnostics.len();
    for part in ["vars", "headers", "caller_id"] {
        let Some(Content::Mapping(entries)) = call.value(part).map(|part| &part.content) else { continue };
        for entry in entries {
            let Content::Scalar { text, .. } = &entry.value.content else { continue };
            let run = if part == "vars" { of_variable(&entry.key, text) } else { expanded(text) };
            if let Some(run) = run {
                refuse(&run, &entry.value, reading);
            }
        }
    }
    before == reading.diagnostics.len()
}

fn refuse(run: &Run, node: &Node, reading: &mut Reading<'_>) {
    let diagnostic = reading.error(&node.span, format!("`{}` {}", shortened(&run.name), run.what));
    diagnostic.label = "refused unless it is allowed".to_owned();
    diagnostic.help =
        "where you know what this does there, allow it: `--allow-system`, or for scenarios `allow-system = true` \
                       in callwright.toml"
            .to_owned();
}

fn of_command(command: &Command) -> Option<Run> {
    match command {
        Command::Api { name, arguments } | Command::BgApi { name, arguments, .. } => of_api(name, arguments),
        Command::SendMsg { headers, .. } => {
            let value = |name: &str| headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str());
            of_application(value("execute-app-name"), value("execute-app-arg"))
        }
        _ => None,
    }
}

fn of_api(name: &str, arguments: &str) -> Option<Run> {
    let name = name.trim();
    if name.contains('$') {
        return Some(Run { name: name.to_owned(), what: COMPUTED });
    }
    let lower = name.to_ascii_lowercase();
    if let Some(run) = runner(&lower) {
        return Some(run);
    }
    if matches!(lower.as_str(), "load" | "reload") && arguments.contains(['/', '\\']) {
        return Some(Run { name: lower, what: LIBRARY });
    }
    // JSON may write any letter as its number.
    if lower == "json" && arguments.contains("\\u") {
        return Some(Run { name: lower, what: COMPUTED });
    }
    let first = arguments.trim_start();
    if matches!(lower.as_str(), "expand" | "bgapi") {
        let (name, rest) = first.split_once(' ').unwrap_or((first, ""));
        return if name.is_empty() { None } else { of_api(name, rest) };
    }
    if INERT.contains(&lower.as_str()) { expanded(arguments) } else { named(arguments) }
}

fn of_application(name: &str, argument: &str) -> Option<Run> {
    let lower = name.to_ascii_lowercase();
    if let Some(run) = runner(&lower) {
        return Some(run);
    }
    let name = lower.as_str();
    if SETTERS.contains(&name) {
        return match ACTED_ON.iter().any(|part| argument.to_ascii_lowercase().contains(part)) {
            true => named(argument),
            false => carried(argument),
        };
    }
    let made = argument.contains("${")
        && (EXECUTING.contains(&name)
            || (matches!(name, "transfer" | "execute_extension") && argument.trim_start().starts_with('$')));
    if made {
        return Some(Run { name: lower, what: COMPUTED });
    }
    if CARRIERS.contains(&name) { named(argument) } else { expanded(argument) }
}

fn of_variable(name: &str, value: &str) -> Option<Run> {
    let name = name.to_ascii_lowercase();
    match ACTED_ON.iter().any(|part| name.contains(part)) {
        true => {
            let first = value.split([' ', '(', ':', '^']).next().unwrap_or_default();
            let made = first.contains('$').then_some(Run { name, what: COMPUTED });
            named(value).or(made)
        }
        false => carried(value),
    }
}

/// Of a text that is acted on only where it is a whole dialplan, or a call of one.
fn carried(text: &str) -> Option<Run> {
    let lower = text.to_ascii_lowercase();
    if words(&lower).any(|(word, _)| word == "inline") || lower.contains("loopback/") {
        named(text)
    } else {
        expanded(text)
    }
}

fn runner(name: &str) -> Option<Run> {
    let (_, what) = RUNNERS.iter().find(|(names, _)| names.contains(&name))?;
    Some(Run { name: name.to_owned(), what })
}

/// A runner that `text` names where a command, an application or a sound could stand.
fn named(text: &str) -> Option<Run> {
    // The switch takes quotes and backslashes away, in the middle of words too.
    let plain: String = text.chars().filter(|letter| !matches!(letter, '\'' | '"' | '\\')).collect();
    [text, &plain]
        .into_iter()
        .find_map(|text| {
            let lower = text.to_ascii_lowercase();
            words(&lower).filter(|(_, stands)| *stands == Stands::Free).find_map(|(word, _)| runner(word))
        })
        .or_else(|| expanded(text))
        .or_else(|| made(&plain))
}

/// What the switch would run to put it into `text`.
fn expanded(text: &str) -> Option<Run> {
    text.match_indices("${").find_map(|(at, _)| {
        let inside = inside_braces(&text[at + 2..]);
        let end = inside.find(['(', ' '])?;
        let (name, argument) = inside.split_at(end);
        of_api(name, argument[1..].trim_end_matches(')'))
    })
}

/// A name of an application that is made of variables: behind `&`, before `::`, or in a dialplan of its own.
fn made(text: &str) -> Option<Run> {
    let lower = text.to_ascii_lowercase();
    let computed = || Some(Run { name: text.to_owned(), what: COMPUTED });
    if lower.contains("${") && words(&lower).any(|(word, _)| word == "inline") {
        return computed();
    }
    for (at, _) in lower.match_indices("${") {
        let before = lower[..at].trim_end_matches(is_word);
        let inside = inside_braces(&lower[at + 2..]);
        let behind = lower[at + 2 + inside.len()..].trim_start_matches('}').trim_start_matches(is_word);
        if before.ends_with('&') || before.ends_with("loopback/") || behind.starts_with("::") {
            return computed();
        }
    }
    None
}

/// What stands before the brace that closes the one before `text`.
fn inside_braces(text: &str) -> &str {
    let mut depth = 1;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

/// How a word stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// As a command could.
    Free,
    /// In a path, an address, a name with dashes, or as the name of a variable.
    Joined,
}

fn words(text: &str) -> impl Iterator<Item = (&str, Stands)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(is_word)?;
        let end = text[start..].find(|letter| !is_word(letter)).map_or(text.len(), |length| start + length);
        at = end;
        let joined = text[..start].ends_with(['-', '.', '@']) || text[end..].starts_with(['/', '.', '-', '@', '=']);
        Some((&text[start..end], if joined { Stands::Joined } else { Stands::Free }))
    })
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn api(line: &str) -> Option<&'static str> {
        of_command(&Command::api(line)).map(|run| run.what)
    }

    #[rstest]
    #[case("system touch /tmp/x", PROGRAM)]
    #[case("SyStEm touch /tmp/x", PROGRAM)]
    #[case("bg_system x", PROGRAM)]
    #[case("expand system x", PROGRAM)]
    #[case("expand  system x", PROGRAM)]
    #[case("bgapi expand bgapi system x", PROGRAM)]
    #[case("expand ${x}stem y", COMPUTED)]
    #[case("expand echo ${system(touch /tmp/x)}", PROGRAM)]
    #[case("echo ${system touch /tmp/x}", PROGRAM)]
    #[case("echo ${expand(system touch /tmp/x)}", PROGRAM)]
    #[case("echo ${${x}stem(y)}", COMPUTED)]
    #[case("echo ${regex(${system(x)}|y)}", PROGRAM)]
    #[case("eval ${lua(x.lua)}", CODE)]
    #[case("sched_api +1 none system x", PROGRAM)]
    #[case("sched_api @60 none bgapi lua x.lua", CODE)]
    #[case("luarun x.lua", CODE)]
    #[case("uuid_broadcast leg system::ls", PROGRAM)]
    #[case("uuid_broadcast leg ${x}::ls", COMPUTED)]
    #[case("uuid_transfer leg 'system:ls' inline", PROGRAM)]
    #[case("uuid_transfer leg 'sys''tem:ls' inline", PROGRAM)]
    #[case("uuid_transfer leg sys\\tem:ls inline", PROGRAM)]
    #[case("uuid_transfer leg ${x} inline", COMPUTED)]
    #[case("uuid_setvar leg api_hangup_hook system ls", PROGRAM)]
    #[case("uuid_setvar_multi leg x=1;execute_on_answer=lua x", CODE)]
    #[case("originate sofia/external/1@h &system(ls)", PROGRAM)]
    #[case("originate sofia/external/1@h &sys${x}(ls)", COMPUTED)]
    #[case("originate {api_on_answer='system ls'}sofia/external/1@h &park()", PROGRAM)]
    #[case("originate loopback/system:ls/x/inline &park()", PROGRAM)]
    #[case("originate loopback/${x}/x/inline &park()", COMPUTED)]
    #[case("uuid_displace leg start shell_stream://ls", PROGRAM)]
    #[case("xml_wrap system ls", PROGRAM)]
    #[case(r#"json {"command":"fsapi","data":{"cmd":"system","arg":"ls"}}"#, PROGRAM)]
    #[case(r#"json {"command":"fsapi","data":{"cmd":"\u0073ystem"}}"#, COMPUTED)]
    #[case("load /tmp/evil.so", LIBRARY)]
    #[case("reload -f ../../evil", LIBRARY)]
    #[case("uuid_transfer leg 'socket:203.0.113.1:8084 full' inline", CONTROL)]
    #[case("an_unknown_command lua", CODE)]
    fn an_api_command_that_runs_something_is_found(#[case] line: &str, #[case] what: &str) {
        assert_eq!(api(line), Some(what));
    }

    #[rstest]
    #[case("status")]
    #[case("echo the system is up")]
    #[case("help system")]
    #[case("reload mod_sofia")]
    #[case("load mod_bert")]
    #[case("uuid_broadcast leg playback::/usr/share/sounds/system/lua.wav both")]
    #[case("uuid_broadcast leg playback::${sound_prefix}/x.wav both")]
    #[case("originate {a=b}sofia/external/system@lua.example:5080 &park()")]
    #[case("expand echo ${uuid_getvar(leg x)} ${hostname}")]
    #[case("uuid_setvar leg plan my-basic")]
    #[case("sofia status profile external")]
    #[case("module_exists mod_lua")]
    #[case("uuid_record leg start ${recordings_dir}/system.wav")]
    fn an_api_command_that_runs_nothing_is_let_through(#[case] line: &str) {
        assert_eq!(api(line), None);
    }

    #[rstest]
    #[case("system", "ls", Some(PROGRAM))]
    #[case("BgSystem", "ls", Some(PROGRAM))]
    #[case("lua", "x.lua", Some(CODE))]
    #[case("socket", "127.0.0.1:8084 async full", Some(CONTROL))]
    #[case("set", "api_hangup_hook=system ls", Some(PROGRAM))]
    #[case("set", "x=${system(ls)}", Some(PROGRAM))]
    #[case("set", "x=system:ls inline", Some(PROGRAM))]
    #[case("export", "nolocal:execute_on_answer=lua x", Some(CODE))]
    #[case("multiset", "^^:a=1:record_post_process_exec_api=system:ls", Some(PROGRAM))]
    #[case("transfer", "system:ls inline", Some(PROGRAM))]
    #[case("transfer", "${x}", Some(COMPUTED))]
    #[case("bridge", "loopback/system:ls/x/inline", Some(PROGRAM))]
    #[case("bind_meta_app", "1 a s system::ls", Some(PROGRAM))]
    #[case("bind_digit_action", "a,1,exec:${x},ls", Some(COMPUTED))]
    #[case("tone_detect", "x 1004 r +5000 system ls", Some(PROGRAM))]
    #[case("playback", "shell_stream:///bin/ls", Some(PROGRAM))]
    #[case("playback", "/srv/system/lua.wav", None)]
    #[case("playback", "tone_stream://%(1000,0,${hz})", None)]
    #[case("set", "plan=basic", None)]
    #[case("set", "ringback=${us-ring}", None)]
    #[case("bridge", "sofia/external/system@10.0.0.1:${port}", None)]
    #[case("log", "INFO the system runs java", None)]
    #[case("conference", "room@default", None)]
    fn an_application_that_runs_something_is_found(
        #[case] name: &str,
        #[case] argument: &str,
        #[case] what: Option<&str>,
    ) {
        assert_eq!(of_application(name, argument).map(|run| run.what), what);
    }

    #[rstest]
    #[case("api_on_answer", "system ls", Some(PROGRAM))]
    #[case("Execute_On_Media", "lua x", Some(CODE))]
    #[case("loopback_app", "system", Some(PROGRAM))]
    #[case("group_confirm_file", "system ls", Some(PROGRAM))]
    #[case("api_hangup_hook", "${x} ls", Some(COMPUTED))]
    #[case("api_hangup_hook", "uuid_setvar ${uuid} a b", None)]
    #[case("language", "java", None)]
    #[case("x", "${system(ls)}", Some(PROGRAM))]
    fn a_variable_that_the_switch_acts_on_is_found(
        #[case] name: &str,
        #[case] value: &str,
        #[case] what: Option<&str>,
    ) {
        assert_eq!(of_variable(name, value).map(|run| run.what), what);
    }
}
