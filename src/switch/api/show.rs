//! `show channels|calls [count] [as json]`.

use super::super::channel::Channel;
use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "show", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words: Vec<&str> = argument.split_whitespace().collect();
    match words.as_slice() {
        ["channels" | "calls" | "detailed_calls", rest @ ..] => {
            let json = rest.ends_with(&["as", "json"]);
            let channels: Vec<&Channel> = core.channels.values().collect();
            match rest.first() {
                Some(&"count") if json => format!("{{\"row_count\":{}}}\n", channels.len()).into(),
                Some(&"count") => format!("\n{} total.\n", channels.len()).into(),
                _ if json => as_json(core, &channels).into(),
                _ => as_list(core, &channels).into(),
            }
        }
        ["bridged_calls" | "detailed_bridged_calls", ..] => "\n0 total.\n".into(),
        ["tasks", ..] => format!("\n{} total.\n", core.scheduled.len()).into(),
        ["api", ..] => names("api", super::APIS.iter().map(|command| command.name)).into(),
        ["application", ..] => {
            names("application", super::super::dp::APPLICATIONS.iter().map(|application| application.name)).into()
        }
        _ => "-USAGE: codec|endpoint|application|api|dialplan|file|timer|calls [count]|channels [count|like <match \
              string>]|calls|detailed_calls|bridged_calls|detailed_bridged_calls|aliases|complete|chat|management|\
              modules|nat_map|say|interfaces|interface_types|tasks|limits|status\n"
            .into(),
    }
}

fn names<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let lines: String = names.iter().map(|name| format!("{kind},{name}\n")).collect();
    format!("type,name\n{lines}\n{} total.\n", names.len())
}

/// Columns of FreeSWITCH's `channels` table.
fn row(core: &SwitchCore, channel: &Channel) -> [(&'static str, String); 38] {
    let profile = channel.profile.clone().unwrap_or_default();
    let created = channel.times.created;
    let codec = channel.codec_shown;
    let rate = || codec.map_or(String::new(), |_| "8000".to_owned());
    let bits = || codec.map_or(String::new(), |_| "64000".to_owned());
    let name = || codec.map_or(String::new(), |codec| codec.name().to_owned());
    let running = channel.stack.last().map(|frame| (frame.application.to_owned(), frame.argument.clone()));
    let (application, data) = running.unwrap_or_default();
    // FreeSWITCH fills this in for a leg that it placed, or once calls are joined.
    let call_uuid = match channel.direction {
        super::super::channel::Direction::Outbound => channel.uuid.to_string(),
        super::super::channel::Direction::Inbound => String::new(),
    };
    let empty = String::new;
    [
        ("uuid", channel.uuid.to_string()),
        ("direction", channel.direction.name().to_owned()),
        ("created", core.source.local(created)),
        ("created_epoch", (created.as_micros() / 1_000_000).to_string()),
        ("name", channel.name.clone()),
        ("state", channel.running.name().to_owned()),
        ("cid_name", profile.caller_id_name),
        ("cid_num", profile.caller_id_number),
        ("ip_addr", profile.network_addr.clone()),
        ("dest", profile.destination_number.clone()),
        ("application", application),
        ("application_data", data),
        ("dialplan", profile.dialplan.clone()),
        ("context", profile.context.clone()),
        ("read_codec", name()),
        ("read_rate", rate()),
        ("read_bit_rate", bits()),
        ("write_codec", name()),
        ("write_rate", rate()),
        ("write_bit_rate", bits()),
        ("secure", empty()),
        ("hostname", core.config.hostname.clone()),
        ("presence_id", empty()),
        ("presence_data", empty()),
        ("accountcode", channel.variables.value("accountcode").unwrap_or_default().to_owned()),
        ("callstate", channel.call_state.name().to_owned()),
        ("callee_name", profile.callee_id_name),
        ("callee_num", profile.callee_id_number),
        ("callee_direction", empty()),
        ("call_uuid", call_uuid),
        ("sent_callee_name", empty()),
        ("sent_callee_num", empty()),
        ("initial_cid_name", profile.orig_caller_id_name),
        ("initial_cid_num", profile.orig_caller_id_number),
        ("initial_ip_addr", profile.network_addr),
        ("initial_dest", profile.destination_number),
        ("initial_dialplan", profile.dialplan),
        ("initial_context", profile.context),
    ]
}

fn as_json(core: &SwitchCore, channels: &[&Channel]) -> String {
    if channels.is_empty() {
        return "{\"row_count\": 0}\n".to_owned();
    }
    let rows = channels.iter().map(|channel| {
        let row = row(core, channel);
        let fields = row.iter().filter(|(name, _)| !name.is_empty());
        let fields = fields.map(|(name, value)| format!("\"{name}\":{}", serde_json::Value::from(value.as_str())));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    });
    let rows: Vec<String> = rows.collect();
    format!("{{\"row_count\":{},\"rows\":[{}]}}", channels.len(), rows.join(","))
}

fn as_list(core: &SwitchCore, channels: &[&Channel]) -> String {
    let mut text = String::new();
    for channel in channels {
        let row = row(core, channel);
        let fields = || row.iter().filter(|(name, _)| !name.is_empty());
        if text.is_empty() {
            text = fields().map(|(name, _)| *name).collect::<Vec<_>>().join(",") + "\n";
        }
        // A comma would begin another column.
        let values =
            fields().map(|(_, value)| if value.contains(',') { format!("\"{value}\"") } else { value.clone() });
        text.push_str(&(values.collect::<Vec<_>>().join(",") + "\n"));
    }
    format!("{text}\n{} total.\n", channels.len())
}
