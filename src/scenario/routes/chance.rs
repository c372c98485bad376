//! A random share of the calls.

use std::fmt;

use serde_json::json;

use crate::scenario::node::{Plain, plain, shortened};
use crate::scenario::shape::{Quoted, Shape, Wrong};

/// A share of the calls, above 0 and at most 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance(f64);

impl Chance {
    /// `share` of the calls; `None` unless it is above 0 and at most 1.
    pub fn new(share: f64) -> Option<Chance> {
        (share > 0.0 && share <= 1.0).then_some(Chance(share))
    }

    /// Whether a call with the number `roll`, from 0 to below 1, is one of them.
    pub fn takes(self, roll: f64) -> bool {
        roll < self.0
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of the calls", self.0)
    }
}

/// `1/6`, `25%`, `0.25`.
pub(super) fn shape() -> Shape<Chance> {
    let json = json!({ "anyOf": [
        { "type": "number", "exclusiveMinimum": 0, "maximum": 1 },
        { "type": "string", "pattern": "^([0-9]+/[0-9]+|[0-9]+(\\.[0-9]+)?%)$" },
    ] });
    Shape::scalar("a share of the calls such as `1/6`, `25%` or `0.25`", json, |text, quoted| {
        let share = match (text.split_once('/'), text.strip_suffix('%')) {
            (Some((part, whole)), _) => ratio(part, whole),
            (None, Some(percent)) if is_decimal(percent) => percent.parse::<f64>().ok().map(|percent| percent / 100.0),
            (None, None) if plain(text) == Plain::Number && quoted == Quoted::No => text.parse().ok(),
            _ => None,
        };
        let share = share.ok_or_else(Wrong::kind)?;
        Chance::new(share).ok_or_else(|| {
            Wrong::message(format!("`{}` is no share of the calls", shortened(text))).label("above 0 and at most 1")
        })
    })
}

fn ratio(part: &str, whole: &str) -> Option<f64> {
    let [part, whole] = [part.parse::<u32>().ok()?, whole.parse::<u32>().ok()?];
    Some(f64::from(part) / f64::from(whole))
}

fn is_decimal(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}
