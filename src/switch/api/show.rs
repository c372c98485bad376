//! `show channels|calls|bridged_calls [count] [as json]`.

use super::super::channel::{Channel, OtherRole};
use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "show", run };

/// One line of a table: names of columns and values.
type Row = Vec<(String, String)>;

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words: Vec<&str> = argument.split_whitespace().collect();
    let as_wanted = |rows: Vec<Row>, rest: &[&str]| match rest.ends_with(&["as", "json"]) {
        true => as_json(&rows),
        false => as_list(&rows),
    };
    match words.as_slice() {
        ["channels", "count", rest @ ..] => count(core.channels.len(), rest),
        ["calls", "count", rest @ ..] => count(calls(core).len(), rest),
        ["channels", "like", pattern, rest @ ..] => {
            let rows = core.channels.values().map(|channel| row(core, channel));
            as_wanted(rows.filter(|row| is_like(row, pattern)).collect(), rest)
        }
        ["channels" | "detailed_calls", rest @ ..] => {
            as_wanted(core.channels.values().map(|channel| row(core, channel)).collect(), rest)
        }
        ["calls", rest @ ..] => as_wanted(calls(core).into_iter().map(|call| call_row(core, call)).collect(), rest),
        // FreeSWITCH counts no bridged calls: it lists them.
        ["bridged_calls", rest @ ..] => {
            let bridged = calls(core).into_iter().filter(|(_, other)| other.is_some());
            as_wanted(bridged.map(|call| call_row(core, call)).collect(), rest)
        }
        ["status", ..] => return super::status::run(core, ""),
        ["tasks", ..] => format!("\n{} total.\n", core.scheduled.len()),
        ["api", ..] => names("api", super::APIS.iter().map(|command| command.name)),
        ["application", ..] => {
            names("application", super::super::dp::APPLICATIONS.iter().map(|application| application.name))
        }
        _ => "-USAGE: codec|endpoint|application|api|dialplan|file|timer|calls [count]|channels [count|like <match \
              string>]|calls|detailed_calls|bridged_calls|detailed_bridged_calls|aliases|complete|chat|management|\
              modules|nat_map|say|interfaces|interface_types|tasks|limits|status\n"
            .to_owned(),
    }
    .into()
}

/// Whether one of the columns that FreeSWITCH looks into has `pattern` in it, in capitals or not as SQLite's LIKE.
fn is_like(row: &Row, pattern: &str) -> bool {
    const LOOKED_INTO: [&str; 6] = ["uuid", "name", "cid_name", "cid_num", "presence_data", "accountcode"];
    let pattern = pattern.to_lowercase();
    row.iter().any(|(name, value)| LOOKED_INTO.contains(&name.as_str()) && value.to_lowercase().contains(&pattern))
}

fn count(count: usize, rest: &[&str]) -> String {
    match rest.ends_with(&["as", "json"]) {
        true => format!("{{\"row_count\":{count},\"rows\":[]}}"),
        false => format!("\n{count} total.\n"),
    }
}

/// Two channels that are bridged are one call, and any other is one by itself.
fn calls(core: &SwitchCore) -> Vec<(&Channel, Option<&Channel>)> {
    let of = |channel| {
        let other = bridged(core, channel);
        let first = channel.other.as_ref().is_some_and(|other| other.role == OtherRole::Originatee);
        (first || other.is_none()).then_some((channel, other))
    };
    core.channels.values().filter_map(of).collect()
}

fn bridged<'a>(core: &'a SwitchCore, channel: &Channel) -> Option<&'a Channel> {
    let other = core.channels.get(&channel.peer?)?;
    (channel.times.bridged.or(other.times.bridged).is_some()).then_some(other)
}

fn names<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let lines: String = names.iter().map(|name| format!("{kind},{name}\n")).collect();
    format!("type,name\n{lines}\n{} total.\n", names.len())
}

/// Columns of FreeSWITCH's `channels` table.
fn row(core: &SwitchCore, channel: &Channel) -> Row {
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
    let turned = channel.variables.value("channel_cid_flipped").is_some();
    let callee_direction = if turned { "RECV".to_owned() } else { String::new() };
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
        ("callee_direction", callee_direction),
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
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Columns of FreeSWITCH's `basic_calls`: some of the first leg's, and of the second's with `b_` before them.
fn call_row(core: &SwitchCore, (first, second): (&Channel, Option<&Channel>)) -> Row {
    const LEG: [&str; 19] = [
        "uuid",
        "direction",
        "created",
        "created_epoch",
        "name",
        "state",
        "cid_name",
        "cid_num",
        "ip_addr",
        "dest",
        "presence_id",
        "presence_data",
        "accountcode",
        "callstate",
        "callee_name",
        "callee_num",
        "callee_direction",
        "sent_callee_name",
        "sent_callee_num",
    ];
    const FIRST: [&str; 2] = ["call_uuid", "hostname"];
    let value = |row: &Row, name: &str| {
        row.iter().find(|(column, _)| column == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let row_of_first = row(core, first);
    let (named, sent) = LEG.split_at(17);
    let columns = named.iter().chain(&FIRST).chain(sent);
    let mut call: Row = columns.map(|name| ((*name).to_owned(), value(&row_of_first, name))).collect();
    let row_of_second = second.map(|second| row(core, second)).unwrap_or_default();
    call.extend(LEG.iter().map(|name| (format!("b_{name}"), value(&row_of_second, name))));
    let since = second.and_then(|second| first.times.bridged.or(second.times.bridged));
    let since = since.map_or(String::new(), |since| (since.as_micros() / 1_000_000).to_string());
    call.push(("call_created_epoch".to_owned(), since));
    call
}

fn as_json(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "{\"row_count\": 0}\n".to_owned();
    }
    let told = rows.iter().map(|row| {
        let fields = row.iter().map(|(name, value)| format!("\"{name}\":{}", serde_json::Value::from(value.as_str())));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    });
    let told: Vec<String> = told.collect();
    format!("{{\"row_count\":{},\"rows\":[{}]}}", rows.len(), told.join(","))
}

fn as_list(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        if text.is_empty() {
            text = row.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",") + "\n";
        }
        // A comma would begin another column.
        let values =
            row.iter().map(|(_, value)| if value.contains(',') { format!("\"{value}\"") } else { value.clone() });
        text.push_str(&(values.collect::<Vec<_>>().join(",") + "\n"));
    }
    format!("{text}\n{} total.\n", rows.len())
}
