//! `sofia status [profile NAME]`.

use super::super::channel::Direction;
use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "sofia", run };

const LINE: &str = "=================================================================================================";

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words: Vec<&str> = argument.split_whitespace().collect();
    match words.as_slice() {
        ["status"] => list(core).into(),
        ["status", "profile", name, ..] if core.config.profiles.iter().any(|p| p == name) => profile(core, name).into(),
        ["status", "profile", ..] => "Invalid Profile!\n".into(),
        ["status", "gateway", ..] => "Invalid Gateway!\n".into(),
        _ => "-USAGE: sofia status [profile <name>]\n".into(),
    }
}

fn list(core: &SwitchCore) -> String {
    let url = core.profile_url();
    let mut text = format!("{:>25}\t{:>7}\t{:>42}\t{}\n{LINE}\n", "Name", "Type", "Data", "State");
    for name in &core.config.profiles {
        text.push_str(&format!("{name:>25}\tprofile\t{url:>42}\tRUNNING ({})\n", core.channels.len()));
    }
    let count = core.config.profiles.len();
    text.push_str(&format!("{LINE}\n{count} profile{} 0 aliases\n", if count == 1 { "" } else { "s" }));
    text
}

fn profile(core: &SwitchCore, name: &str) -> String {
    let ip = core.config.sip.ip().to_string();
    let url = core.profile_url();
    let codecs: Vec<&str> = core.config.codecs.iter().map(|codec| codec.name()).collect();
    let codecs = codecs.join(",");
    let counts = &core.settings.calls;
    let count = |direction| counts.of(direction);
    let (calls_in, failed_in) = count(Direction::Inbound);
    let (calls_out, failed_out) = count(Direction::Outbound);
    let (bind, payload) = (format!("{url};transport=udp"), "101");
    let (registry, context) = (format!("sofia_reg_{name}"), core.config.context.clone());
    let numbers = [calls_in, failed_in, calls_out, failed_out].map(|n| n.to_string());
    let rows = [
        ("Name", name),
        ("Domain Name", "N/A"),
        ("Auto-NAT", "false"),
        ("DBName", &registry),
        ("Pres Hosts", ""),
        ("Dialplan", "XML"),
        ("Context", &context),
        ("Challenge Realm", "auto_to"),
        ("RTP-IP", &ip),
        ("SIP-IP", &ip),
        ("URL", &url),
        ("BIND-URL", &bind),
        ("HOLD-MUSIC", "N/A"),
        ("OUTBOUND-PROXY", "N/A"),
        ("CODECS IN", &codecs),
        ("CODECS OUT", &codecs),
        ("TEL-EVENT", payload),
        ("DTMF-MODE", "rfc2833"),
        ("CNG", "13"),
        ("SESSION-TO", "0"),
        ("MAX-DIALOG", "0"),
        ("MAX-RECV-RPS", "0"),
        ("NOMEDIA", "false"),
        ("LATE-NEG", "false"),
        ("PROXY-MEDIA", "false"),
        ("AGGRESSIVENAT", "false"),
        ("CALLS-IN", &numbers[0]),
        ("FAILED-CALLS-IN", &numbers[1]),
        ("CALLS-OUT", &numbers[2]),
        ("FAILED-CALLS-OUT", &numbers[3]),
        ("REGISTRATIONS", "0"),
    ];
    let mut text = format!("{LINE}\n");
    for (label, value) in rows {
        text.push_str(&format!("{label:<17}\t{value}\n"));
    }
    text
}
