//! `callwright schema`

use clap::Args;

use super::{Exit, complain, exit, print};
use crate::scenario;

const EXAMPLES: &str = "\
Examples:
  callwright schema > conf/scenario.schema.json
      Then, at the top of a scenario, for editors that speak the YAML language server's protocol:
      # yaml-language-server: $schema=../conf/scenario.schema.json
";

/// Print the JSON Schema of the scenario language
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {}

pub(super) fn run(Arguments {}: Arguments) -> Exit {
    let result = schema().and_then(|schema| print(&format!("{schema}\n")).map_err(|error| error.to_string()));
    match result {
        Ok(()) => Exit::Passed,
        Err(error) => {
            complain(format_args!("cannot print the schema: {error}"));
            Exit::Unknown
        }
    }
}

/// The schema, indented.
fn schema() -> Result<String, String> {
    serde_json::to_string_pretty(&scenario::json_schema()).map_err(|error| error.to_string())
}
