//! `callwright check`

use std::fmt::Write;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, complain, exit, print, selection, show, tell};
use crate::esl::Command;
use crate::run::{self, LastFailed, Planned, PlannedEntry, PlannedLoad, Selection};
use crate::scenario::reading::Disk;
use crate::scenario::step::Needs;
use crate::scenario::{Diagnostic, LegPlan, Severity, Stage, StepPlan, Style};
use crate::units::human;

const EXAMPLES: &str = "\
Examples:
  callwright check
      Reads every scenario in the folder `scenarios` and tells all mistakes; prints what each test would do.
  callwright check 'scenarios/tone.yaml::the milliwatt survives the loop'
      The commands and events of one test.
  callwright check --quiet && git commit
      Only the mistakes.
  callwright check --json | jq '.tests[].legs[].events'
      For other programs.
";

/// Say what is wrong with scenarios, and what they would do, without a call
///
/// Prints the commands that each test would give a switch, in order, with placeholders for what only the switch knows, and
/// the events that each leg should then have.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: selection::Arguments,

    /// Print JSON: `tests` with their plans, and `diagnostics`
    #[arg(long, conflicts_with = "quiet")]
    json: bool,

    /// Print no plans, only what is wrong
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let choice = arguments.selection.choice();
    let hosts = ["embedded".to_owned()];
    let selection = match run::select(&choice, &hosts, &LastFailed::default()) {
        Ok(selection) => selection,
        Err(error) => {
            show(&error.told(Style::Coloured));
            return Exit::Usage;
        }
    };
    let Selection { tests, mut diagnostics, mut redactor, why_none, .. } = selection;
    // What is run around the tests is to be right as well.
    let folders = run::Folders::around(
        tests.iter().map(|test| &*test.scenario),
        &Disk { hosts: &hosts, programs: choice.programs },
    );
    diagnostics.extend(folders.diagnostics);
    redactor.extend(&folders.redactor);
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let planned: Vec<Planned> = tests.iter().map(|test| run::plan(&test.id, &test.scenario)).collect();
    let text = if arguments.json {
        let tests: Vec<Value> = planned.iter().map(test_json).collect();
        let diagnostics: Vec<Value> = diagnostics.iter().map(diagnostic_json).collect();
        format!("{:#}\n", json!({ "tests": tests, "diagnostics": diagnostics }))
    } else {
        for diagnostic in &diagnostics {
            show(&redactor.redact(&format!("{}\n", diagnostic.render(Style::Coloured))));
        }
        let plans = if arguments.quiet || errors > 0 { String::new() } else { planned.iter().map(told).collect() };
        let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        format!("{plans}{}, {}\n", plural(planned.len(), "test"), plural(errors, "error"))
    };
    let text = redactor.redact(&text);
    if let Err(error) = if arguments.json { print(&text) } else { tell(&text) } {
        complain(format_args!("cannot print: {error}"));
        return Exit::Unknown;
    }
    match (errors, planned.len()) {
        (1.., _) => Exit::Usage,
        (0, 0) => {
            complain(why_none);
            Exit::NothingSelected
        }
        (0, _) => Exit::Passed,
    }
}

/// Of a step that may take so long only the switch knows the length.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// A plan as a person reads it.
fn told(planned: &Planned) -> String {
    let mut text = format!("{}\n", planned.test);
    match &planned.load {
        Some(load) => load_told(load, &mut text),
        None => call_told(planned, &mut text),
    }
    text.push('\n');
    text
}

/// A load in words, then the plan of each of its calls.
fn load_told(load: &PlannedLoad, text: &mut String) {
    text.extend(load.describe.iter().map(|line| format!("  {line}\n")));
    let all: u64 = load.entries.iter().map(|entry| entry.weight).sum();
    for PlannedEntry { weight, duration, planned } in &load.entries {
        let talk_time = duration.map(|time| format!(", talk time {}", human(time))).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  entry {}: {weight} of {all} calls{talk_time}", planned.test.name);
        let mut call = String::new();
        call_told(planned, &mut call);
        text.extend(call.lines().map(|line| format!("  {line}\n")));
    }
}

fn call_told(planned: &Planned, text: &mut String) {
    // Writing to a String cannot fail.
    if let Some(originate) = &planned.originate {
        let _ = write!(text, "  originate\n{}", indented(originate));
    }
    for leg in &planned.plan.legs {
        if !leg.record.is_empty() {
            let _ = writeln!(text, "  {} records, as soon as it has sound", leg.leg);
            text.extend(leg.record.iter().map(indented));
        }
        for (index, step) in leg.steps.iter().enumerate() {
            let _ = writeln!(
                text,
                "  {} step {}: {} ({}{})",
                planned.stage.actor(leg.leg),
                index + 1,
                step.describe,
                begins(step),
                ends(step)
            );
            text.extend(step.commands.iter().map(indented));
        }
    }
    if !planned.plan.end.is_empty() {
        let _ = writeln!(text, "  end");
        text.extend(planned.plan.end.iter().map(indented));
    }
    for leg in planned.plan.legs.iter().filter(|leg| planned.stage == Stage::Call && is_ours(leg)) {
        let _ = writeln!(text, "  events of the {}: {}", leg.leg, leg.events.join(", "));
    }
}

/// A leg of which nothing is asked may be somebody else's.
fn is_ours(leg: &LegPlan) -> bool {
    leg.leg == crate::scenario::Leg::Caller || !leg.steps.is_empty() || !leg.record.is_empty()
}

fn begins(step: &StepPlan) -> &'static str {
    match step.needs {
        Needs::Nothing => "",
        Needs::Session => "once the leg is there; ",
        Needs::Parked => "once it is parked; ",
    }
}

fn ends(step: &StepPlan) -> String {
    match step.until.as_str() {
        "done" => "ends at once".to_owned(),
        "time to pass" => format!("ends after {}", human(step.within)),
        until if step.within >= LONG => format!("ends with {until}"),
        until => format!("ends with {until}, within {}", human(step.within)),
    }
}

/// The command as it goes over the wire, without the empty line behind it.
fn wire(command: &Command) -> String {
    match command.encode() {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
        Err(error) => format!("{command} (not sent: {error})"),
    }
}

fn indented(command: &Command) -> String {
    wire(command).lines().map(|line| format!("      {line}\n")).collect()
}

fn test_json(planned: &Planned) -> Value {
    let wires = |commands: &[Command]| commands.iter().map(wire).collect::<Vec<_>>();
    let step = |step: &StepPlan| {
        json!({
            "step": step.describe,
            "at": step.place.to_string(),
            "begins": begins(step).trim_end_matches("; "),
            "commands": wires(&step.commands),
            "until": step.until,
            "within_ms": u64::try_from(step.within.as_millis()).unwrap_or(u64::MAX),
            "events": step.events,
        })
    };
    let leg = |leg: &LegPlan| {
        json!({
            "leg": planned.stage.actor(leg.leg),
            "record": wires(&leg.record),
            "steps": leg.steps.iter().map(step).collect::<Vec<_>>(),
            "events": leg.events,
        })
    };
    if let Some(PlannedLoad { describe, entries }) = &planned.load {
        let entry = |PlannedEntry { weight, duration, planned }: &PlannedEntry| {
            let mut call = test_json(planned);
            call["duration_ms"] = json!(duration.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
            call["entry"] = json!(planned.test.name);
            call["weight"] = json!(weight);
            call
        };
        let entries: Vec<Value> = entries.iter().map(entry).collect();
        return json!({ "test": planned.test.to_string(), "load": { "describe": describe, "entries": entries } });
    }
    json!({
        "test": planned.test.to_string(),
        "originate": planned.originate.as_ref().map(wire),
        "legs": planned.plan.legs.iter().filter(|leg| is_ours(leg)).map(leg).collect::<Vec<_>>(),
        "end": wires(&planned.plan.end),
    })
}

fn diagnostic_json(diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let Diagnostic { message, label, help, place, .. } = diagnostic;
    json!({
        "severity": severity, "message": message, "label": label, "help": help,
        "file": place.file.display().to_string(), "line": place.line, "column": place.column,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::load::load;

    /// The plan of the only test of a file that is right.
    fn plan(text: &str) -> Planned {
        let loaded = load(Path::new("scenarios/case.yaml"), text);
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        let id = run::TestId { file: "scenarios/case.yaml".into(), name: loaded.scenarios[0].name.clone() };
        run::plan(&id, &loaded.scenarios[0])
    }

    const LOAD: &str = "\
name: busy hour
load:
  stages: [{ to: 30, over: 10s }, { hold: 60s }]
  limit: 300
  mix:
    - { app: { callee_block_on_invite: { sip_code: 486 } }, weight: 3 }
    - { app: callee_ringback, name: rings }
duration: 9s
";

    #[test]
    fn a_load_is_told_in_words_and_then_each_of_its_calls() {
        insta::assert_snapshot!(told(&plan(LOAD)));
    }

    #[test]
    fn a_load_in_json_has_a_plan_for_each_of_its_calls() {
        let json = test_json(&plan(LOAD));
        assert_eq!(json["load"]["describe"][0], "offers 0 to 30 CPS over 10s, 30 CPS for 60s");
        let entries = json["load"]["entries"].as_array().unwrap();
        let names: Vec<_> = entries.iter().map(|entry| (&entry["entry"], &entry["weight"])).collect();
        assert_eq!(names, [(&json!("callee_block_on_invite"), &json!(3)), (&json!("rings"), &json!(1))]);
        assert_eq!(entries[1]["duration_ms"], 9_000);
        assert!(entries[0]["originate"].as_str().unwrap().starts_with("bgapi originate"), "{json:#}");
    }
}
