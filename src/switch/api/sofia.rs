//! `sofia status [profile NAME|gateway NAME]`, `sofia profile NAME register|unregister|killgw GATEWAY`.

use super::super::channel::Direction;
use super::super::core::SwitchCore;
use super::super::gateway::{Kept, RegState, Status, Trunk};
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "sofia", run };

const LINE: &str = "=================================================================================================";
const USAGE: &str = "-USAGE: sofia status [profile <name> | gateway <name>]\n\
                     sofia profile <name> [register <gateway>|all] [unregister <gateway>|all] [killgw <gateway>|_all_]\n";

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words: Vec<&str> = argument.split_whitespace().collect();
    match words.as_slice() {
        ["status"] => list(core).into(),
        ["status", "profile", name, ..] if core.config.profiles.iter().any(|p| p == name) => profile(core, name).into(),
        ["status", "profile", ..] => "Invalid Profile!\n".into(),
        ["status", "gateway"] => gateways(core).into(),
        ["status", "gateway", name, ..] => match core.trunk(name) {
            Some(_) => gateway(core, name).into(),
            None => "Invalid Gateway!\n".into(),
        },
        ["profile", name, ..] if !core.config.profiles.iter().any(|p| p == name) => {
            format!("Invalid Profile [{name}]").into()
        }
        ["profile", _, "register" | "unregister"] => "No gateway name provided!\n".into(),
        ["profile", _, "register", name, ..] => order(core, name, RegState::Unreged, "registered").into(),
        ["profile", _, "unregister", name, ..] => order(core, name, RegState::Unregister, "unregistered").into(),
        ["profile", _, "killgw"] => "-ERR missing gw name\n".into(),
        ["profile", _, "killgw", "_all_", ..] => {
            core.kill_gateway("_all_");
            "+OK every gateway marked for deletion.\n".into()
        }
        ["profile", _, "killgw", name, ..] if core.kill_gateway(name) => "+OK gateway marked for deletion.\n".into(),
        ["profile", _, "killgw", ..] => "-ERR no such gateway.\n".into(),
        _ => USAGE.into(),
    }
}

fn order(core: &mut SwitchCore, name: &str, state: RegState, done: &str) -> String {
    match (name == "all" || core.trunk(name).is_some(), core.order_gateway(name, state)) {
        (false, _) => "Invalid gateway!\n".to_owned(),
        (true, Ok(())) => "+OK\n".to_owned(),
        (true, Err(_)) => format!("-ERR NOREG gateway [{name}] can't be {done}!\n"),
    }
}

fn list(core: &SwitchCore) -> String {
    let url = core.profile_url();
    let mut text = format!("{:>25}\t{:>7}\t{:>42}\t{}\n{LINE}\n", "Name", "Type", "Data", "State");
    for (at, name) in core.config.profiles.iter().enumerate() {
        text.push_str(&format!("{name:>25}\tprofile\t{url:>42}\tRUNNING ({})\n", core.channels.len()));
        // All gateways are the first profile's.
        for trunk in core.trunks.iter().filter(|_| at == 0) {
            let (key, to) = (format!("{name}::{}", trunk.gateway.name), trunk.gateway.address());
            text.push_str(&format!("{key:>25}\tgateway\t{to:>42}\t{}{}\n", trunk.state.name(), retry(core, trunk)));
        }
    }
    let count = core.config.profiles.len();
    text.push_str(&format!("{LINE}\n{count} profile{} 0 aliases\n", if count == 1 { "" } else { "s" }));
    text
}

/// When one that failed is tried again.
fn retry(core: &SwitchCore, trunk: &Trunk) -> String {
    match (trunk.state, trunk.retry) {
        (RegState::FailWait, Some(at)) => format!(" (retry: {}s)", at.since(core.now).as_secs()),
        (RegState::Failed | RegState::FailWait | RegState::Trying, _) => " (retry: NEVER)".to_owned(),
        _ => String::new(),
    }
}

/// `sofia status gateway`.
fn gateways(core: &SwitchCore) -> String {
    let columns = ("Profile::Gateway-Name", "    Data    ", "State", "Ping Time", "IB Calls(F/T)", "OB Calls(F/T)");
    let (name, data, state, ping, inbound, outbound) = columns;
    let mut text = format!("{name:>25}\t{data:>32}\t{state}\t{ping:>9}\t{inbound}\t{outbound}\n{LINE}\n");
    let profile = core.config.profiles.first().cloned().unwrap_or_default();
    let (mut calls_in, mut calls_out, mut failed_out) = (0, 0, 0);
    for trunk in &core.trunks {
        let (key, to) = (format!("{profile}::{}", trunk.gateway.name), trunk.gateway.address());
        let (state, wait) = (trunk.state.name(), retry(core, trunk));
        let (ins, outs, failed) = (trunk.calls_in, trunk.calls_out, trunk.failed_calls_out);
        text.push_str(&format!("{key:>25}\t{to:>32}\t{state}\t{:>6.2}\t0/{ins}\t{failed}/{outs}{wait}\n", 0.0));
        (calls_in, calls_out, failed_out) = (calls_in + ins, calls_out + outs, failed_out + failed);
    }
    let (count, plural) = (core.trunks.len(), if core.trunks.len() == 1 { "" } else { "s" });
    text + &format!(
        "{LINE}\n{count} gateway{plural}: Inbound(Failed/Total): 0/{calls_in},Outbound(Failed/Total):{failed_out}/{calls_out}\n"
    )
}

fn gateway(core: &SwitchCore, name: &str) -> String {
    let name = name.rsplit("::").next().unwrap_or_default();
    let found = core.trunks.iter().find(|trunk| trunk.kept == Kept::Yes && trunk.gateway.name == name);
    let Some(trunk) = found else { return String::new() };
    let gateway = &trunk.gateway;
    let profile = core.config.profiles.first().cloned().unwrap_or_default();
    let local = core.config.sip;
    let uptime = match trunk.status {
        Status::Up(since) => core.now.since(since).as_secs(),
        Status::Down => 0,
    };
    let password = if gateway.credentials.password.is_empty() { "no" } else { "yes" };
    let expires = trunk.expires().to_string();
    let rows = [
        ("Name    ", gateway.name.clone()),
        ("Profile ", profile),
        ("Scheme  ", "Digest".to_owned()),
        ("Realm   ", gateway.realm.clone()),
        ("Username", gateway.credentials.username.clone()),
        ("Password", password.to_owned()),
        ("From    ", format!("<{}>", gateway.address())),
        ("Contact ", format!("<sip:{}@{local}{}>", gateway.contact_user(), gateway.contact_parameters())),
        ("Exten   ", gateway.credentials.username.clone()),
        ("To      ", gateway.address()),
        ("Proxy   ", format!("sip:{}", gateway.hop())),
        ("Context ", core.config.context.clone()),
        ("Expires ", expires.clone()),
        ("Freq    ", expires),
        ("Ping    ", "0".to_owned()),
        ("PingFreq", "0".to_owned()),
        ("PingTime", "0.00".to_owned()),
        ("PingState", "0/0/0".to_owned()),
        ("State   ", trunk.state.name().to_owned()),
        ("Status  ", trunk.status.name().to_owned()),
        ("Uptime  ", format!("{uptime}s")),
        ("CallsIN ", trunk.calls_in.to_string()),
        ("CallsOUT", trunk.calls_out.to_string()),
        ("FailedCallsIN", "0".to_owned()),
        ("FailedCallsOUT", trunk.failed_calls_out.to_string()),
    ];
    let rows = rows.iter().fold(String::new(), |text, (label, value)| text + label + "\t" + value + "\n");
    format!("{LINE}\n{rows}{LINE}\n")
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
