//! `proxier` and `bridger`: calls that go on to where they were for. They work on what comes in, so only services have them.

use std::collections::BTreeMap;

use super::{App, Served};
use crate::scenario::mapping::{mapping, optional};
use crate::scenario::scalar::token;
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;

/// By which way calls go on. What is not said stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// `user@host:port`; the INVITE's own, unless told otherwise.
    pub to: Option<String>,
    pub profile: Option<String>,
    pub gateway: Option<String>,
    /// `host:port`.
    pub proxy: Option<String>,
}

fn way() -> Shape<Way> {
    let name = |expects| token(expects, "^[A-Za-z0-9_.:-]+$");
    mapping!(Way {
        to: optional(
            "to",
            token("a user or `user@host`", "^[^\\s,'\"{}\\[\\]|^]+$"),
            "Who is called: `user@host`; whom the INVITE was for (its Request-URI), unless told otherwise."
        ),
        profile: optional(
            "profile",
            name("the name of a SIP profile"),
            "The SIP profile that sends the INVITE; the one that received it, unless told otherwise."
        ),
        gateway: optional("gateway", name("the name of a gateway"), "The gateway, in place of a profile."),
        proxy: optional(
            "proxy",
            token("a proxy: `host` or `host:port`", "^[A-Za-z0-9_.:\\[\\]-]+$"),
            "A proxy that the INVITE is routed through: `host` or `host:port`."
        ),
    })
    .excludes("gateway", &["profile"], "a gateway belongs to a profile already")
}

pub(super) fn proxier() -> Variant<Served> {
    let doc = "Connects each call that comes in to whom its INVITE was for, as a proxy does, or by another way. A call that cannot be connected ends with the cause of that.";
    Variant::new("proxier", doc).bare(|| Served::Proxier(Way::default())).with(way().map(Served::Proxier))
}

pub(super) fn bridger() -> Variant<Served> {
    let doc = "Connects sessions of a call so many times: each that comes in by the way for its number in the call, from 1 as they come. One without a way is left alone.";
    let ways = way().named("way").by_name("ways, by number").and_then(|ways, node, reading| {
        let mut numbered = BTreeMap::new();
        for (name, way) in ways {
            match name.parse::<usize>() {
                Ok(number @ 1..) => drop(numbered.insert(number, way)),
                _ => {
                    let span = node.entry(&name).map_or(node.span.clone(), |entry| entry.key_span.clone());
                    reading.error(&span, format!("`{name}` is no number of a session")).label = "from 1".to_owned();
                    return None;
                }
            }
        }
        Some(Served::Bridger(numbered))
    });
    Variant::new("bridger", doc).with(ways.example(serde_json::json!({ "1": { "proxy": "10.0.0.9" } })))
}

/// An app of scenarios, which services have as well.
pub(super) fn of_scenarios(variant: Variant<Box<dyn App>>) -> Variant<Served> {
    variant.map(Served::App)
}
