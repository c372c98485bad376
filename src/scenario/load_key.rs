//! The key `load` of a document as it is written.

use std::time::Duration;

use serde_json::json;

use super::app;
use super::load_spec::{Find, HostSettings};
use super::mapping::{default, mapping, optional, required};
use super::node::{Node, Plain, plain, shortened};
use super::scalar::{boolean, duration, duration_or_ever, integer, line, word};
use super::shape::{Placed, Quoted, Shape, Wrong};
use crate::load::{Order, Stage};
use crate::units::Cps;

/// `load` before its parts are held against each other and the rest of the document.
#[derive(Clone, Debug)]
pub(super) struct LoadKeys {
    pub rate: Option<Cps>,
    pub stages: Option<Placed<Vec<Placed<Stage>>>>,
    pub find: Option<Find>,
    /// `Some(None)`: until it is stopped.
    pub duration: Option<Option<Duration>>,
    pub limit: Option<u32>,
    pub max_offered: Option<u32>,
    pub host_limit: Option<u32>,
    pub auto_duration: Option<Placed<bool>>,
    pub drain: Duration,
    pub fields: Option<FieldsKeys>,
    pub host: HostSettings,
    pub mix: Option<Vec<Placed<MixKeys>>>,
}

/// The file that replacement fields come from.
#[derive(Clone, Debug)]
pub(super) struct FieldsKeys {
    pub file: Placed<String>,
    pub order: Order,
}

/// An entry of a mix.
#[derive(Clone, Debug)]
pub(super) struct MixKeys {
    /// As it was written; found right.
    pub app: Option<Node>,
    /// `FILE` or `FILE::NAME`.
    pub scenario: Option<Placed<String>>,
    pub weight: u32,
    pub name: Option<Placed<String>>,
}

/// How long calls may take after the last was offered, where the load does not say.
const DRAIN: Duration = Duration::from_secs(60);

/// How long a search for capacity looks at each rate, and before that lets it settle, where it does not say.
const HOLD: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(5);

/// The greatest weight; shares finer than a millionth are none.
pub(super) const MAX_WEIGHT: u32 = 1_000_000;

/// `load`
pub(super) fn shape() -> Shape<LoadKeys> {
    let stages = stage().placed().list().not_empty().expects("a list of stages such as `{ to: 30, over: 10s }`");
    let mix = entry().placed().list().not_empty().expects("a list of entries such as `{ app: bert, weight: 1 }`");
    mapping!(LoadKeys {
        rate: optional("rate", rate(Least::Above), "Calls offered per second."),
        stages: optional("stages", stages.placed(), "Rates over time, from 0, one stage after the other."),
        find: optional("find", find(), "Look for the highest rate at which the `gates` hold."),
        duration: optional(
            "for",
            duration_or_ever(),
            "How long calls are offered; `ever`: until somebody stops it. Stages end by themselves."
        ),
        limit: optional(
            "limit",
            integer(1..=u32::MAX),
            "Calls at once (Erlangs). A call that is due at the limit is skipped and counted."
        ),
        max_offered: optional("max_offered", integer(1..=u32::MAX), "Calls offered in all."),
        host_limit: optional("host_limit", integer(1..=u32::MAX), "Calls at once of each host."),
        auto_duration: optional(
            "auto_duration",
            boolean().placed(),
            "Whether calls without a talk time of their own get one that fills `limit` at the highest rate, and 5s more."
        ),
        drain: default("drain", duration(), DRAIN, "60s", "How long calls may take after the last one was offered."),
        fields: optional("fields", fields(), "A CSV file of values for `${field.NAME}` under `call`, a row for each call."),
        host: default(
            "host",
            host(),
            HostSettings::default(),
            json!({}),
            "What is set on each host while the load lasts, and restored after it."
        ),
        mix: optional("mix", mix, "What is called, by weight, in place of the document's own call."),
    })
    .exactly_one(&["rate", "stages", "find"])
    .excludes("stages", &["for"], "stages end by themselves")
    .excludes("find", &["for"], "a search for capacity ends by itself")
    .bounded("rate", &["for", "max_offered"], "this load would never end")
    .needs("auto_duration", &["limit"])
    .expects("a load: a mapping with `rate`, `for`, `limit`, `mix`")
    .named("load")
}

/// Whether a rate may be 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Least {
    Zero,
    Above,
}

/// Calls per second.
fn rate(least: Least) -> Shape<Cps> {
    let (expects, json) = match least {
        Least::Zero => ("a rate in calls per second such as `30`", json!({ "type": "number", "minimum": 0 })),
        Least::Above => {
            ("a rate above 0, in calls per second, such as `30`", json!({ "type": "number", "exclusiveMinimum": 0 }))
        }
    };
    Shape::scalar(expects, json, move |text, quoted| {
        let number = text.parse::<f64>().ok().filter(|number| plain(text) == Plain::Number && number.is_finite());
        match number {
            Some(_) if quoted == Quoted::Yes => Err(Wrong::kind().help("without quotation marks")),
            Some(number) if number > 0.0 || number == 0.0 && least == Least::Zero => Ok(Cps(number)),
            Some(_) => Err(Wrong::kind()),
            None => {
                let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
                let meant = !digits.is_empty() && plain(digits) == Plain::Number;
                Err(if meant {
                    Wrong::message(format!("`{}` is no plain number", shortened(text)))
                        .label(format!("did you mean `{digits}`?"))
                        .help("a rate is in calls per second, and has no unit")
                } else {
                    Wrong::kind()
                })
            }
        }
    })
}

fn stage() -> Shape<Stage> {
    struct Keys {
        to: Option<Cps>,
        over: Option<Duration>,
        rate: Option<Cps>,
        hold: Option<Duration>,
    }
    mapping!(Keys {
        to: optional(
            "to",
            rate(Least::Zero),
            "The rate at the end of the stage; it changes evenly from the rate before."
        ),
        over: optional("over", duration(), "How long it takes to come to the rate `to`."),
        rate: optional("rate", rate(Least::Zero), "The rate that is held; the rate before, unless told otherwise."),
        hold: optional("hold", duration(), "How long the rate is held."),
    })
    .exactly_one(&["to", "hold"])
    .needs("to", &["over"])
    .needs("over", &["to"])
    .needs("rate", &["hold"])
    .expects("a stage such as `{ to: 30, over: 10s }` or `{ hold: 60s }`")
    .and_then(|keys, _, _| match (keys.to, keys.over, keys.hold) {
        (Some(to), Some(over), _) => Some(Stage::Ramp { to, over }),
        (_, _, Some(time)) => Some(Stage::Hold { rate: keys.rate, time }),
        // Told by the rules above.
        _ => None,
    })
}

fn find() -> Shape<Find> {
    mapping!(Find {
        start: required("start", rate(Least::Above), "The first rate."),
        step: required("step", rate(Least::Above), "By how much the rate grows while the gates hold."),
        max: required("max", rate(Least::Above), "The highest rate that is tried."),
        hold: default("hold", duration(), HOLD, "20s", "How long the gates are to hold at each rate."),
        settle: default("settle", duration(), SETTLE, "5s", "How long a new rate is offered before the gates count."),
    })
    .and_then(|find, node, reading| {
        if find.start <= find.max {
            return Some(find);
        }
        let spans = node.value("max").zip(node.value("start"));
        let (max, start) =
            spans.map_or((node.span.clone(), node.span.clone()), |(max, start)| (max.span.clone(), start.span.clone()));
        let diagnostic = reading.error(&max, format!("the highest rate, {}, is below the first", find.max));
        diagnostic.related = Some((start, "the first rate".to_owned()));
        None
    })
}

/// `fields: FILE` or `fields: { file: FILE, order: ... }`
pub(super) fn fields() -> Shape<FieldsKeys> {
    const ORDERS: &[(&str, Order)] = &[("in_turn", Order::InTurn), ("random", Order::Random)];
    let file = || line().placed().expects("the name of a CSV file");
    let full = mapping!(FieldsKeys {
        file: required("file", file(), "The CSV file, from the folder of this one; its first line names the fields."),
        order: default("order", word(ORDERS), Order::InTurn, "in_turn", "In which order rows are taken."),
    });
    let bare = file().map(|file| FieldsKeys { file, order: Order::InTurn });
    bare.or(full).expects("a CSV file, or `{ file: ..., order: ... }`")
}

fn host() -> Shape<HostSettings> {
    /// As `fsctl loglevel` names them.
    const LEVELS: &[(&str, &str)] = &[
        ("console", "console"),
        ("alert", "alert"),
        ("crit", "crit"),
        ("err", "err"),
        ("warning", "warning"),
        ("notice", "notice"),
        ("info", "info"),
        ("debug", "debug"),
    ];
    mapping!(HostSettings {
        sps: optional("sps", integer(1..=u32::MAX), "Sessions a second that the host takes (`fsctl sps`)."),
        max_sessions: optional(
            "max_sessions",
            integer(1..=u32::MAX),
            "Sessions at once that the host takes (`fsctl max_sessions`)."
        ),
        loglevel: optional("loglevel", word(LEVELS), "How much the host logs (`fsctl loglevel`)."),
    })
    .at_least_one(&["sps", "max_sessions", "loglevel"], "nothing is set")
}

fn entry() -> Shape<MixKeys> {
    let app = app::shape().and_then(|_, node, _| Some(node.clone()));
    mapping!(MixKeys {
        app: optional(
            "app",
            app,
            "A built-in app; the document's `call`, `record`, `duration` and `expect` hold for it."
        ),
        scenario: optional(
            "scenario",
            line().placed(),
            "Scenarios of another file, as they are: `FILE`, or one of them as `FILE::NAME`."
        ),
        weight: default(
            "weight",
            integer(1..=MAX_WEIGHT),
            1,
            1,
            "Its share of the calls; several tests of a file share it."
        ),
        name: optional("name", line().placed(), "What reports call it; its app or scenario, unless told otherwise."),
    })
    .exactly_one(&["app", "scenario"])
    .expects("an entry such as `{ app: bert, weight: 1 }`")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::node;
    use crate::scenario::reading::{Disk, Reading};

    fn read(text: &str) -> Option<LoadKeys> {
        let disk = Disk::default();
        let mut reading = Reading { sources: Vec::new(), folder: &disk, diagnostics: Vec::new() };
        let source = reading.add(Path::new("case.yaml"), text);
        let (documents, _) = node::parse(&source);
        shape().read(&documents[0], &mut reading)
    }

    #[test]
    fn a_search_for_capacity_holds_and_settles_for_its_usual_times_unless_told_otherwise() {
        let seconds = Duration::from_secs;
        let find = read("find: { start: 10, step: 2.5, max: 500 }").unwrap().find.unwrap();
        assert_eq!((find.start, find.step, find.max), (Cps(10.0), Cps(2.5), Cps(500.0)));
        assert_eq!((find.hold, find.settle), (seconds(20), seconds(5)));
        let find = read("find: { start: 1, step: 1, max: 1, hold: 2s, settle: 3s }").unwrap().find.unwrap();
        assert_eq!((find.hold, find.settle), (seconds(2), seconds(3)));
        assert!(read("find: { start: 2, step: 1, max: 1 }").is_none());
    }
}
