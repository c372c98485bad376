//! Texts with `${match.1}`, `${params.NAME}` and `${header.NAME}` in them, which are known once a call is routed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::condition::Matched;
use crate::place::Place;
use crate::scenario::node::{Content, Entry, Node, Plain, plain, shortened};
use crate::scenario::variables::{Piece, Variable, has_variables, pieces};

/// What variables stand for in one call.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    pub matched: &'a Matched,
    /// The newest value of an event header.
    pub header: &'a dyn Fn(&str) -> Option<String>,
}

/// What a value of a call may be, where it is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Anything but what the switch would look for variables in.
    Text,
    /// A word: it is given to a program of the host, and a shell reads it.
    Word,
}

/// A parameter of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub value: ParameterValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterValue {
    /// The same for every call.
    Plain(String),
    /// A text with variables, and where it stands.
    PerCall(String, Place),
}

/// A value of a call that does not fit where the routes put it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unfit {
    pub place: Place,
    /// What is wrong, with the value found.
    pub message: String,
}

impl fmt::Display for Unfit {
    /// `routes.yaml:12:13: the call has no header X-Tenant`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl Parameter {
    /// One whose value is `value` as it stands.
    pub fn plain(name: impl Into<String>, value: impl Into<String>) -> Parameter {
        Parameter { name: name.into(), value: ParameterValue::Plain(value.into()) }
    }
}

/// What parameters come to in one call.
pub(super) fn fill_params(params: &[Parameter], values: &Values<'_>) -> Result<BTreeMap<String, String>, Unfit> {
    let filled = params.iter().map(|param| {
        let value = match &param.value {
            ParameterValue::Plain(text) => text.clone(),
            ParameterValue::PerCall(text, place) => {
                fill(text, values, Fit::Text).map_err(|message| Unfit { place: place.clone(), message })?
            }
        };
        Ok((param.name.clone(), value))
    });
    filled.collect()
}

/// `text` with its variables put in.
///
/// # Errors
/// What is wrong with a value: there is none, or it holds what the switch would take for a variable of its own.
fn fill(text: &str, values: &Values<'_>, fit: Fit) -> Result<String, String> {
    pieces(text).into_iter().map(|piece| of_piece(piece, values, fit)).collect()
}

fn of_piece(piece: Piece<'_>, values: &Values<'_>, fit: Fit) -> Result<String, String> {
    match piece {
        Piece::Text(text) => Ok(text.into_owned()),
        // The loader lets none through.
        Piece::Open(_) => Err("a `${` without its `}`".to_owned()),
        Piece::Variable(variable) => {
            let value = value_of(&variable, values).filter(|value| !value.is_empty() || variable.default.is_none());
            let Some(value) = value.or_else(|| variable.default.map(str::to_owned)) else {
                return Err(match (variable.family, variable.name) {
                    ("header", Some(name)) => format!("the call has no header {name}"),
                    (family, name) => format!("there is no `{family}.{}`", name.unwrap_or_default()),
                });
            };
            // Whoever calls chooses what stands here, and a switch runs commands for `${system(...)}`.
            if value.contains("${") {
                let name = format!("{}.{}", variable.family, variable.name.unwrap_or_default());
                return Err(format!(
                    "`${{{name}}}` is `{}`, in which the switch would look for a variable of its own",
                    shortened(&value)
                ));
            }
            if fit == Fit::Word && !is_word(&value) {
                let name = format!("{}.{}", variable.family, variable.name.unwrap_or_default());
                return Err(format!(
                    "`${{{name}}}` is `{}`, which is no plain word for a program of the host",
                    shortened(&value)
                ));
            }
            Ok(value)
        }
    }
}

/// Whether a shell and a program take `value` as one word, and none as an option.
fn is_word(value: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || "+-_.:@".contains(letter);
    !value.starts_with('-') && value.chars().all(plain)
}

fn value_of(variable: &Variable<'_>, Values { matched, header }: &Values<'_>) -> Option<String> {
    let name = variable.name.unwrap_or_default();
    match variable.family {
        "match" => match name.parse::<usize>() {
            Ok(number) => Some(matched.group(number).to_owned()),
            // The loader has looked whether there is such a group; this one took no part.
            Err(_) => Some(matched.named.get(name).cloned().unwrap_or_default()),
        },
        "params" => matched.params.get(name).cloned(),
        "header" => header(name),
        _ => None,
    }
}

/// `node` with its variables put in. What is wrong is told with its place among the bytes that were read.
pub(super) fn fill_node(node: &Node, values: &Values<'_>, fit: Fit) -> Result<Node, (Range<usize>, String)> {
    let content = match &node.content {
        Content::Scalar { text, .. } if has_variables(text) => {
            // What the caller chooses is never nothing, even where it is spelt `null`.
            let text = fill(text, values, fit).map_err(|message| (node.span.clone(), message))?;
            let quoted = plain(&text) == Plain::Null;
            Content::Scalar { text, quoted }
        }
        Content::Scalar { .. } => return Ok(node.clone()),
        Content::List(nodes) => {
            Content::List(nodes.iter().map(|node| fill_node(node, values, fit)).collect::<Result<_, _>>()?)
        }
        Content::Mapping(entries) => {
            let filled = |entry: &Entry| Ok(Entry { value: fill_node(&entry.value, values, fit)?, ..entry.clone() });
            Content::Mapping(entries.iter().map(filled).collect::<Result<_, _>>()?)
        }
    };
    Ok(node.with(content))
}
