//! What a test needs to be run at all: `requires`, `skip`, `xfail`.

use std::fmt;

use serde_json::json;

use super::mapping::{default, mapping, optional, required};
use super::node::shortened;
use super::scalar::{line, token, word};
use super::shape::{Placed, Shape, Wrong};

/// What a host must have for a test to be run there; otherwise the test is skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requires {
    pub host: Option<HostKind>,
    /// FreeSWITCH modules that must be loaded.
    pub modules: Vec<String>,
    pub version: Option<VersionBound>,
    /// Environment variables that must be set.
    pub env: Vec<String>,
}

/// What kind of switch a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostKind {
    FreeSwitch,
    /// Callwright's own.
    Embedded,
}

/// The module that the embedded switch has and no FreeSWITCH does.
pub const EMBEDDED_MODULE: &str = "mod_callwright";

/// What a switch's version must be: `>= 1.10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionBound {
    relation: Relation,
    parts: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Below,
    UpTo,
    Exactly,
    From,
    Above,
}

/// How the relations are written, the longer of two that begin alike first.
const RELATIONS: [(&str, Relation); 5] = [
    (">=", Relation::From),
    ("<=", Relation::UpTo),
    ("==", Relation::Exactly),
    (">", Relation::Above),
    ("<", Relation::Below),
];

impl Requires {
    /// Modules that a host has to be asked for.
    pub fn asks(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(String::as_str).chain(self.host.map(|_| EMBEDDED_MODULE))
    }
}

impl VersionBound {
    /// Whether `version` is as it must be, compared in as many places as the bound has: `1.10.12-release` is
    /// `== 1.10` and not `> 1.10`. `None` when it does not begin with a number.
    pub fn holds(&self, version: &str) -> Option<bool> {
        let numbers = version.trim().split(|c: char| c != '.' && !c.is_ascii_digit()).next()?;
        let mut parts = numbers.split('.').map_while(|part| part.parse::<u32>().ok()).collect::<Vec<_>>();
        if parts.is_empty() {
            return None;
        }
        parts.resize(self.parts.len(), 0);
        let order = parts.cmp(&self.parts);
        Some(match self.relation {
            Relation::Below => order.is_lt(),
            Relation::UpTo => order.is_le(),
            Relation::Exactly => order.is_eq(),
            Relation::From => order.is_ge(),
            Relation::Above => order.is_gt(),
        })
    }

    fn parse(text: &str) -> Option<VersionBound> {
        let (mark, relation) = RELATIONS.into_iter().find(|(mark, _)| text.trim_start().starts_with(mark))?;
        let numbers = text.trim_start().strip_prefix(mark)?.trim();
        let digits =
            |part: &str| (part.len() < 10 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?;
        Some(VersionBound { relation, parts: numbers.split('.').map(digits).collect::<Option<_>>()? })
    }
}

impl fmt::Display for VersionBound {
    /// `>= 1.10`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = RELATIONS.into_iter().find(|(_, relation)| *relation == self.relation).map_or("", |(mark, _)| mark);
        let parts: Vec<_> = self.parts.iter().map(u32::to_string).collect();
        write!(f, "{mark} {}", parts.join("."))
    }
}

/// `requires`
pub(super) fn requires() -> Shape<Requires> {
    let module = || token("the name of a module such as `mod_bert`", "^mod_[A-Za-z0-9_]+$");
    const KINDS: &[(&str, HostKind)] = &[("freeswitch", HostKind::FreeSwitch), ("embedded", HostKind::Embedded)];
    let none = Vec::<String>::new;
    mapping!(Requires {
        host: optional("host", word(KINDS), "What kind of switch: a FreeSWITCH, or the embedded one."),
        modules: default("module", Shape::one_or_list(module), none(), none(), "Modules that must be loaded."),
        version: optional("version", version(), "The switch's version, as `>= 1.10`."),
        env: default("env", Shape::one_or_list(env_name), none(), none(), "Environment variables that must be set."),
    })
    .at_least_one(&["host", "module", "version", "env"], "nothing is required")
}

/// The name of an environment variable.
pub(super) fn env_name() -> Shape<String> {
    token("the name of an environment variable", "^[A-Za-z_][A-Za-z0-9_]*$")
}

fn version() -> Shape<VersionBound> {
    let json = json!({ "type": "string", "pattern": "^\\s*(>=|<=|==|>|<)\\s*[0-9]{1,9}(\\.[0-9]{1,9})*\\s*$" });
    Shape::scalar("a bound on a version such as `\">= 1.10\"`", json, |text, _| {
        VersionBound::parse(text).ok_or_else(|| {
            let wrong = Wrong::kind();
            match VersionBound::parse(&format!(">= {text}")) {
                Some(meant) => wrong.label(format!("did you mean `\"{meant}\"`?")),
                None => wrong,
            }
        })
    })
}

/// `skip` and `xfail`: a reason, or a reason that counts only `if` something holds. `None`: it does not.
pub(super) fn mark() -> Shape<Option<Placed<String>>> {
    struct When {
        condition: bool,
        reason: String,
    }
    let when = mapping!(When {
        condition: required(
            "if",
            condition(),
            "`A == B`, `A != B`, or a text that is neither empty, `false`, `no` nor `0`."
        ),
        reason: required("reason", line(), "Why, in a sentence."),
    });
    let always = line().map(|reason| When { condition: true, reason });
    always.or(when).expects("a reason, or `{ if: ..., reason: ... }`").and_then(|when, node, reading| {
        let placed = |value| Placed { value, place: reading.place(node), span: node.span.clone() };
        Some(when.condition.then(|| placed(when.reason)))
    })
}

/// A condition, its variables substituted already.
fn condition() -> Shape<bool> {
    let json = json!({ "type": ["string", "number", "boolean"] });
    Shape::scalar("a condition such as `\"${matrix.codec} == PCMA\"`", json, |text, _| {
        for wrong in [" = ", " === "] {
            if text.contains(wrong) {
                let message = format!("`{}` is no condition", shortened(text));
                return Err(Wrong::message(message).label("did you mean `==`?"));
            }
        }
        // An empty side leaves the mark at an end of the text.
        let padded = format!(" {text} ");
        if let Some((left, right)) = padded.split_once(" == ") {
            return Ok(left.trim() == right.trim());
        }
        if let Some((left, right)) = padded.split_once(" != ") {
            return Ok(left.trim() != right.trim());
        }
        Ok(!matches!(text.trim().to_ascii_lowercase().as_str(), "" | "false" | "no" | "0"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_in_as_many_places_as_the_bound_has() {
        let holds = |bound: &str, version: &str| VersionBound::parse(bound).unwrap().holds(version);
        assert_eq!(holds(">= 1.10", "1.10.12-release"), Some(true));
        assert_eq!(holds("> 1.10", "1.10.12-release"), Some(false));
        assert_eq!(holds("== 1.10", "1.10.12"), Some(true));
        assert_eq!(holds("< 1.10.12", "1.10.9-dev~64bit"), Some(true));
        assert_eq!(holds("<= 1.9", "1.10"), Some(false));
        assert_eq!(holds(">=2", "1.10.12"), Some(false));
        assert_eq!(holds(">= 1.10.1", "1.10"), Some(false));
        assert_eq!(holds(">= 1", "-ERR no reply"), None);
        assert_eq!(VersionBound::parse("1.10"), None);
        assert_eq!(VersionBound::parse(">= 1.x"), None);
        assert_eq!(VersionBound::parse(">=1.10").unwrap().to_string(), ">= 1.10");
    }
}
