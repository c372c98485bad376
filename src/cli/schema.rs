//! `callwright schema`

use clap::Args;

use super::{Exit, complain, exit, print};
use crate::{run, scenario};

const EXAMPLES: &str = "\
Examples:
  callwright schema > conf/scenario.schema.json
      Then, at the top of a scenario, for editors that speak the YAML language server's protocol:
      # yaml-language-server: $schema=../conf/scenario.schema.json
  callwright schema --routes > conf/routes.schema.json
      The same for routes files, as `callwright serve` takes them.
  callwright schema --events
      What a line of `callwright run --json` holds.
";

/// Print the JSON Schema of the scenario language, of routes files, or of the events of a run
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// The schema of a line of the JSON lines report
    #[arg(long)]
    events: bool,

    /// The schema of a document of a routes file
    #[arg(long, conflicts_with = "events")]
    routes: bool,
}

pub(super) fn run(Arguments { events, routes }: Arguments) -> Exit {
    let schema = match (events, routes) {
        (true, _) => run::log::json_schema(),
        (false, true) => scenario::routes::json_schema(),
        (false, false) => scenario::json_schema(),
    };
    let result = indented(&schema).and_then(|schema| print(&format!("{schema}\n")).map_err(|error| error.to_string()));
    match result {
        Ok(()) => Exit::Passed,
        Err(error) => {
            complain(format_args!("cannot print the schema: {error}"));
            Exit::Unknown
        }
    }
}

fn indented(schema: &serde_json::Value) -> Result<String, String> {
    serde_json::to_string_pretty(schema).map_err(|error| error.to_string())
}
