//! `callwright list-apps`

use std::fmt::Write;

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, complain, exit, print};
use crate::scenario::app::{AppAbout, OptionAbout, catalogue};

const EXAMPLES: &str = "\
Examples:
  callwright list-apps
      Every app with its options, and how it is asked for.
  callwright list-apps dtmf
      One of them.
  callwright list-apps --json | jq '.apps[].name'
      For other programs.
";

/// Tell of the built-in apps: what they do, their options, and how they are asked for
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// Names of apps; all, unless some are given
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let mut apps = catalogue();
    if let Some(unknown) = arguments.names.iter().find(|name| apps.iter().all(|app| app.name != **name)) {
        let names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
        complain(format_args!("unknown app `{unknown}`; known: {}", names.join(", ")));
        return Exit::Usage;
    }
    apps.retain(|app| arguments.names.is_empty() || arguments.names.contains(&app.name));
    let text = if arguments.json {
        format!("{:#}\n", json!({ "apps": apps.iter().map(json_of).collect::<Vec<_>>() }))
    } else {
        let told: Vec<String> = apps.iter().map(told).collect();
        told.join("\n")
    };
    match print(&text) {
        Ok(()) => Exit::Passed,
        Err(error) => {
            complain(format_args!("cannot print: {error}"));
            Exit::Unknown
        }
    }
}

/// An app as a person reads it.
fn told(app: &AppAbout) -> String {
    let mut text = format!("{}\n  {}\n", app.name, app.doc);
    // Writing to a String cannot fail.
    for (who, steps) in [("caller", &app.caller), ("callee", &app.callee)] {
        if !steps.is_empty() {
            let _ = writeln!(text, "  {who}: {}", steps.join(", "));
        }
    }
    if !app.options.is_empty() {
        text.push_str("  options:\n");
    }
    for option in &app.options {
        let _ = writeln!(text, "    {}: {}", option.name, option.doc);
        let _ = writeln!(text, "      {}", what(option));
    }
    for (subcommand, line) in examples(app) {
        let _ = writeln!(text, "  {subcommand:<6} {line}");
    }
    text
}

/// A value that an option takes, and what holds without one.
fn what(OptionAbout { takes, default, required, example, .. }: &OptionAbout) -> String {
    let without = match (default, required) {
        (Some(default), _) => format!("default {}", plain(default)),
        (None, true) => "required".to_owned(),
        (None, false) => "optional".to_owned(),
    };
    let example = example.as_ref().map(|example| format!("; such as {}", plain(example))).unwrap_or_default();
    format!("{takes}; {without}{example}")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// How it is asked for, by subcommand: a line of a scenario, and command lines.
fn examples(app: &AppAbout) -> Vec<(&'static str, String)> {
    let flow = app.example_flow();
    let mut lines = Vec::new();
    if app.in_scenarios {
        lines
            .push(("run", format!("app: {}", if flow.contains(':') { format!("{{ {flow} }}") } else { flow.clone() })));
        lines.push(("dial", format!("callwright dial --app {}", app.example_dial())));
    }
    let quoted = if flow.contains(' ') { format!("'{flow}'") } else { flow };
    lines.push(("serve", format!("callwright serve --app {quoted}")));
    lines
}

fn json_of(app: &AppAbout) -> Value {
    let option = |option: &OptionAbout| {
        let OptionAbout { name, doc, takes, default, required, example, schema } = option;
        json!({
            "name": name, "description": doc, "takes": takes, "default": default, "required": required,
            "example": example, "schema": schema,
        })
    };
    let examples: serde_json::Map<String, Value> =
        examples(app).into_iter().map(|(name, line)| (name.to_owned(), json!(line))).collect();
    let places: &[&str] = if app.in_scenarios { &["run", "dial", "serve"] } else { &["serve"] };
    json!({
        "name": app.name, "description": app.doc, "caller": app.caller, "callee": app.callee,
        "options": app.options.iter().map(option).collect::<Vec<_>>(), "used_in": places, "examples": examples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_app_is_told_with_its_options_and_how_it_is_asked_for() {
        insta::assert_snapshot!(catalogue().iter().map(told).collect::<Vec<_>>().join("\n"));
    }
}
