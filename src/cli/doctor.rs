//! `callwright doctor`

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Exit, complain, print, tell};
use crate::clock::Clock;
use crate::doctor::task::{Patient, facts};
use crate::doctor::{Contact, Facts, Finding, Severity, examine};
use crate::run::task::{Files, Remote};
use crate::run::{HostAddress, Mapping};
use crate::switch::{DEFAULT_PASSWORD, Switch, SwitchConfig};

const EXAMPLES: &str = "\
Examples:
  callwright doctor --fshost 10.0.0.5
      What keeps this host from being tested on, and how to put it right.
  callwright doctor --fshost 10.0.0.5 --fshost 10.0.0.6:8022 -j 50
      Whether two hosts take 50 tests side by side each.
  callwright doctor --fshost 10.0.0.5 --format json | jq '.hosts[].findings[] | select(.severity != \"ok\")'
      For other programs.

Exit codes:
  0  nothing is wrong; there may be warnings
  1  something is wrong
  3  a host cannot be reached, or something could not be found out
  4  bad usage
";

/// Say what keeps a host from being tested on, and how to put it right
///
/// Looks at the way to the host, its modules, SIP profile, dialplan, limits, RTP ports, sounds, recordings and clock. It
/// makes one call of a second from the host to itself. Nothing is set and nothing is left behind.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Event socket of a FreeSWITCH host; may be given several times. `embedded`, or none: an embedded switch is started
    #[arg(long = "fshost", value_name = "HOST[:PORT]")]
    hosts: Vec<HostAddress>,

    /// Password of the hosts' event sockets
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "CALLWRIGHT_PASSWORD",
        hide_env_values = true,
        default_value = DEFAULT_PASSWORD
    )]
    password: String,

    /// SIP profile that scenarios use
    #[arg(long, value_name = "NAME", default_value = "external")]
    profile: String,

    /// A folder of a host's recordings and the folder here that shows it; may be given several times
    #[arg(long = "recordings", value_name = "[HOST:]REMOTE=LOCAL")]
    recordings: Vec<Mapping>,

    /// How many tests are to run side by side on each host
    #[arg(short, long, value_name = "N", default_value = "16")]
    jobs: NonZeroUsize,

    /// How to print the findings
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

const EMBEDDED: &str = "embedded";

pub(super) fn run(arguments: &Arguments) -> Exit {
    // A line break would begin a second command on the host.
    if arguments.profile.is_empty() || arguments.profile.contains(char::is_whitespace) {
        complain(format_args!("{:?} is no name of a SIP profile", arguments.profile));
        return Exit::Usage;
    }
    let examined = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(all(arguments)),
        Err(error) => Err(error.to_string()),
    };
    let examined = match examined {
        Ok(examined) => examined,
        Err(error) => {
            complain(error);
            return Exit::Unknown;
        }
    };
    let told: Vec<(Facts, Vec<Finding>)> = examined
        .into_iter()
        .map(|facts| {
            let findings = examine(&facts);
            (facts, findings)
        })
        .collect();
    let text = match arguments.format {
        Format::Text => told.iter().map(|(facts, findings)| text_of(facts, findings)).collect(),
        Format::Json => format!("{:#}\n", json!({ "hosts": told.iter().map(json_of).collect::<Vec<_>>() })),
    };
    let printed = match arguments.format {
        Format::Text => tell(&text),
        Format::Json => print(&text),
    };
    if let Err(error) = printed {
        complain(format_args!("cannot print: {error}"));
        return Exit::Unknown;
    }
    // What leaves most unknown is told.
    told.iter().map(|(facts, findings)| exit(facts, findings)).max_by_key(|exit| exit.code()).unwrap_or(Exit::Unknown)
}

fn exit(facts: &Facts, findings: &[Finding]) -> Exit {
    let in_touch = matches!(facts.contact, Contact::LoggedIn | Contact::TurnedAway(_) | Contact::WrongPassword(_));
    match findings.iter().map(|finding| finding.severity).max() {
        _ if !in_touch => Exit::Unknown,
        None | Some(Severity::Unknown) => Exit::Unknown,
        Some(Severity::Problem) => Exit::Failed,
        Some(Severity::Ok | Severity::Warning) => Exit::Passed,
    }
}

/// Examines the hosts one after the other.
async fn all(arguments: &Arguments) -> Result<Vec<Facts>, String> {
    let clock = Clock::start();
    let mut examined = Vec::new();
    // What is brought here from hosts, until it was listened to.
    let folder = std::env::temp_dir().join(format!("callwright-doctor-{}", std::process::id()));
    for host in &arguments.hosts {
        if host.host == EMBEDDED {
            examined.push(embedded(arguments, clock, &folder).await?);
            continue;
        }
        let mappings =
            arguments.recordings.iter().filter(|mapping| mapping.is_for(&host.host, host)).cloned().collect();
        let files = Files::Remote(Remote::new(mappings, folder.clone()));
        examined.push(facts(patient(arguments, host.to_string(), &arguments.password, files), clock).await);
    }
    if arguments.hosts.is_empty() {
        examined.push(embedded(arguments, clock, &folder).await?);
    }
    // It is there only where something was brought.
    let _ = std::fs::remove_dir(&folder);
    Ok(examined)
}

async fn embedded(arguments: &Arguments, clock: Clock, folder: &PathBuf) -> Result<Facts, String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
    let config = SwitchConfig { recordings_dir: folder.clone(), ..SwitchConfig::default() };
    let password = config.password.clone();
    let switch = Switch::start(config).await.map_err(|error| format!("cannot start the embedded switch: {error}"))?;
    let patient = Patient {
        name: EMBEDDED.to_owned(),
        ..patient(arguments, switch.esl_addr().to_string(), &password, Files::InPlace)
    };
    let found = facts(patient, clock).await;
    switch.shutdown().await;
    Ok(found)
}

fn patient(arguments: &Arguments, address: String, password: &str, recordings: Files) -> Patient {
    Patient {
        name: address.clone(),
        address,
        password: password.to_owned(),
        profile: arguments.profile.clone(),
        slots: arguments.jobs.get(),
        recordings,
    }
}

fn text_of(facts: &Facts, findings: &[Finding]) -> String {
    let mut text = format!("{}\n", facts.address);
    for Finding { check, severity, message, fix } in findings {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:<8} {check:<12} {message}", severity.name());
        if !fix.is_empty() {
            let _ = writeln!(text, "  {:<8} {:<12} fix: {fix}", "", "");
        }
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (problems, warnings, unknown) = (count(Severity::Problem), count(Severity::Warning), count(Severity::Unknown));
    let _ = writeln!(text, "  {problems} problems, {warnings} warnings, {unknown} unknown, {} ok", count(Severity::Ok));
    text
}

fn json_of((facts, findings): &(Facts, Vec<Finding>)) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "check": finding.check, "severity": finding.severity.name(), "message": finding.message, "fix": finding.fix,
        })
    };
    json!({
        "host": facts.address,
        "exit_code": exit(facts, findings).code(),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}
