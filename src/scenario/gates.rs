//! `gates`: what must hold of a load as a whole, each a metric with a bound, a mapping, or a list of those.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::diagnostic::did_you_mean;
use super::mapping::{mapping, optional, required};
use super::node::{Content, shortened};
use super::reading::Reading;
use super::scalar::{Quantity as Bounded, boolean, bound, duration, line, word};
use super::shape::{Accepts, Placed, Schema, Shape};
use crate::bound::Bound;
use crate::call::HangupCause;
use crate::metrics::{COUNTING, Gate, GateBound, Metric, MetricError, Over, PLAIN, Quantity, Statistic, Timing};

/// `gates`: in the order of the file.
///
/// Names of apps and hosts are taken as they stand: which there are the rest of the load knows.
pub fn shape() -> Shape<Vec<Placed<Gate>>> {
    let kinds = Kinds {
        count: conditions("gate_count", GateBound::Count),
        ratio: conditions("gate_ratio", GateBound::Ratio),
        time: conditions("gate_time", GateBound::Time),
        number: conditions("gate_number", GateBound::Number),
    };
    Shape {
        schema: kinds.schema(),
        expects: "a mapping of metrics such as `{ asr: \">= 99%\" }`".to_owned(),
        accepts: Accepts { mapping: true, ..Accepts::default() },
        read: Box::new(move |node, expects, reading| {
            let entries = match &node.content {
                Content::Mapping(entries) if !entries.is_empty() => entries,
                _ => {
                    reading.unexpected(node, expects);
                    return None;
                }
            };
            let read = entries.iter().map(|entry| {
                let metric = metric(&entry.key, &entry.key_span, reading);
                // What is wrong with a bound of a metric that we do not know cannot be told.
                let metric = metric?;
                let conditions = kinds.of(metric.quantity()).read(&entry.value, reading)?;
                let gates: Vec<_> = conditions.into_iter().map(|condition| gate(&metric, condition, reading)).collect();
                gates.into_iter().collect::<Option<Vec<_>>>()
            });
            let read: Vec<_> = read.collect();
            Some(read.into_iter().collect::<Option<Vec<_>>>()?.concat())
        }),
    }
}

/// A gate but for its metric.
#[derive(Clone, Debug)]
struct Condition {
    bound: GateBound,
    app: Option<String>,
    host: Option<String>,
    each: Option<Over>,
    window: Option<Duration>,
    abort_on_break: Option<Option<Duration>>,
}

type Conditions = Shape<Vec<Placed<Condition>>>;

/// What may stand behind a metric, by the unit of its bound.
struct Kinds {
    count: Conditions,
    ratio: Conditions,
    time: Conditions,
    number: Conditions,
}

/// The longest window: a second more costs memory for each gate.
const MAX_WINDOW: Duration = Duration::from_secs(3_600);

fn conditions<T: Bounded>(name: &'static str, make: fn(Bound<T>) -> GateBound) -> Conditions
where
    T::Tolerance: Bounded,
{
    let condition = move || {
        let alone = bound::<T>().map(make).map(|bound| Condition {
            bound,
            app: None,
            host: None,
            each: None,
            window: None,
            abort_on_break: None,
        });
        let whole = mapping!(Condition {
            bound: required("bound", bound::<T>().map(make), "What the metric must be."),
            app: optional("app", line(), "Only calls of this app or scenario of the mix."),
            host: optional("host", line(), "Only calls of this host."),
            each: optional("each", each(), "The calls of each app, or of each host, by themselves."),
            window: optional("window", window(), "It must hold in every window of so many whole seconds."),
            abort_on_break: optional(
                "abort_on_break",
                abort(),
                "Whether the load is stopped when it does not hold, at once or after a time."
            ),
        })
        .excludes("app", &["host", "each"], "a gate is over one app, one host, or each of them")
        .excludes("host", &["each"], "a gate is over one app, one host, or each of them");
        alone.or(whole).placed()
    };
    Shape::one_or_list(condition).named(name)
}

/// The words behind `each`.
fn each() -> Shape<Over> {
    #[derive(Clone, Copy)]
    enum Each {
        App,
        Host,
    }
    word(&[("app", Each::App), ("host", Each::Host)]).map(|each| match each {
        Each::App => Over::EachApp,
        Each::Host => Over::EachHost,
    })
}

fn window() -> Shape<Duration> {
    duration().and_then(|window, node, reading| {
        if window.subsec_nanos() != 0 {
            reading.error(&node.span, format!("window `{}` has no whole seconds", crate::units::human(window)));
            return None;
        }
        if window > MAX_WINDOW {
            reading.error(&node.span, "window of more than an hour").help =
                "without `window` a gate is over the whole load".to_owned();
            return None;
        }
        Some(window)
    })
}

/// `None`: it is not stopped.
fn abort() -> Shape<Option<Duration>> {
    struct Grace {
        after: Duration,
    }
    let after = mapping!(Grace { after: required("after", duration(), "For how long it may be broken.") });
    boolean().map(|stops| stops.then_some(Duration::ZERO)).or(after.map(|Grace { after }| Some(after)))
}

fn metric(name: &str, span: &Range<usize>, reading: &mut Reading<'_>) -> Option<Metric> {
    let names = Metric::names();
    let known = names.iter().map(String::as_str);
    match Metric::parse(name) {
        Ok(Metric::Cause(cause)) => {
            let causes = HangupCause::KNOWN.iter().map(HangupCause::as_str);
            if causes.clone().any(|known| known == cause) {
                return Some(Metric::Cause(cause));
            }
            let diagnostic = reading.error(span, format!("unknown hangup cause `{}`", shortened(&cause)));
            if let Some(meant) = did_you_mean(&cause, causes) {
                diagnostic.label = format!("did you mean `cause.{meant}`?");
            }
            None
        }
        // Figures have any name, but this one was meant to be another.
        Ok(Metric::Figure(figure, _)) if misspelt_timing(&figure).is_some() => {
            let diagnostic = reading.error(span, format!("unknown metric `{}`", shortened(name)));
            if let Some(meant) = did_you_mean(name, known) {
                diagnostic.label = format!("did you mean `{meant}`?");
            }
            None
        }
        Ok(metric) => Some(metric),
        Err(error) => {
            let diagnostic = reading.error(span, error.to_string());
            match error {
                MetricError::NoStatistic(of) => {
                    diagnostic.label = format!("for example `{of}.p95`");
                    let sum = format!(", {}", Statistic::Sum.name());
                    diagnostic.help = format!("one of {}", statistics().replace(&sum, ""));
                }
                _ => match did_you_mean(name, known) {
                    Some(meant) => diagnostic.label = format!("did you mean `{meant}`?"),
                    None => {
                        let plain: Vec<_> = PLAIN.iter().map(|plain| plain.name).collect();
                        let times: Vec<_> =
                            Timing::ALL.into_iter().map(|timing| format!("{}.p95", timing.name())).collect();
                        diagnostic.help = format!(
                            "known are {}, times such as {}, `cause.USER_BUSY`, and what checks measure with one of {} \
                             behind it, as `mos.mean`",
                            plain.join(", "),
                            times.join(", "),
                            statistics()
                        );
                    }
                },
            }
            None
        }
    }
}

/// The time that a figure's name was probably meant to be.
fn misspelt_timing(figure: &str) -> Option<&'static str> {
    did_you_mean(figure, Timing::ALL.into_iter().map(Timing::name))
}

fn statistics() -> String {
    let words: Vec<_> = Statistic::ALL.into_iter().map(|(word, _)| word).collect();
    words.join(", ")
}

fn gate(metric: &Metric, condition: Placed<Condition>, reading: &mut Reading<'_>) -> Option<Placed<Gate>> {
    let Placed { value: Condition { bound, app, host, each, window, abort_on_break }, place, span } = condition;
    let over = app.map(Over::App).or(host.map(Over::Host)).or(each).unwrap_or_default();
    let gate = Gate { metric: metric.clone(), bound, over, window, abort_after: abort_on_break.flatten() };
    if let Some(contradiction) = gate.contradiction() {
        reading.error(&span, contradiction);
        return None;
    }
    Some(Placed { value: gate, place, span })
}

impl Kinds {
    fn of(&self, quantity: Quantity) -> &Conditions {
        match quantity {
            Quantity::Count => &self.count,
            Quantity::Ratio => &self.ratio,
            Quantity::Time => &self.time,
            Quantity::Number => &self.number,
        }
    }

    /// Known metrics by name, causes and figures by pattern.
    fn schema(&self) -> Schema {
        let mut parts = BTreeMap::new();
        for kind in [&self.count, &self.ratio, &self.time, &self.number] {
            parts.extend(kind.schema.parts.clone());
        }
        let of = |quantity, doc: String| {
            let mut json = self.of(quantity).schema.json.clone();
            json["description"] = json!(doc);
            json
        };
        let known = Metric::names().into_iter().filter_map(|name| {
            let metric = Metric::parse(&name).ok()?;
            Some((name, of(metric.quantity(), metric.doc())))
        });
        let known: Map<String, Value> = known.collect();
        let causes: Vec<_> = HangupCause::KNOWN.iter().map(HangupCause::as_str).collect();
        let own: Vec<_> = PLAIN.iter().map(|plain| plain.name.replace('.', "\\.") + "$").collect();
        let times: Vec<_> = Timing::ALL.into_iter().map(|timing| format!("{}\\.", timing.name())).collect();
        let statistics: Vec<_> = Statistic::ALL.into_iter().map(|(word, _)| word.replace('.', "\\.")).collect();
        let word = "[A-Za-z][A-Za-z0-9_]*";
        let figure = format!(
            "^(?!{}|{}|cause\\.){word}(\\.{word})*\\.({})$",
            own.join("|"),
            times.join("|"),
            statistics.join("|")
        );
        let counting = format!("^(?!cause\\.)({word}\\.)*({}|{word}_count)$", COUNTING.join("|"));
        let json = json!({
            "type": "object",
            "minProperties": 1,
            "properties": known,
            "patternProperties": {
                (format!("^cause\\.({})$", causes.join("|"))):
                    of(Quantity::Count, "Calls that ended with this hangup cause.".to_owned()),
                (figure): of(Quantity::Number, "What checks measured: one figure of all their values.".to_owned()),
                (counting): of(Quantity::Number, "What checks counted: the sum of all calls.".to_owned()),
            },
            "additionalProperties": false,
        });
        Schema { json, parts, ..Schema::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::scenario::Style;
    use crate::scenario::diagnostic::Source;
    use crate::scenario::node;
    use crate::scenario::reading::Folder;

    struct Nothing;

    impl Folder for Nothing {
        fn has_file(&self, _: &Path) -> bool {
            false
        }
    }

    /// The gates of a document that has only them, or what is told of it.
    fn read(text: &str) -> Result<Vec<Placed<Gate>>, String> {
        let source = Arc::new(Source::new("load.yaml", text));
        let (documents, mut diagnostics) = node::parse(&source);
        let mut reading = Reading { sources: vec![source], folder: &Nothing, diagnostics: Vec::new() };
        let gates = documents.first().and_then(|document| shape().read(document, &mut reading));
        diagnostics.append(&mut reading.diagnostics);
        let told: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.render(Style::Plain)).collect();
        match gates {
            Some(gates) if told.is_empty() => Ok(gates),
            _ => Err(told.join("\n\n")),
        }
    }

    #[test]
    fn gates_are_read_in_every_form() {
        let gates = read(
            r#"
asr: ">= 99%"
setup_time.p95: "< 250ms"
setup_time.p99: { bound: "< 400ms", app: bert, window: 10s }
seizure_fail_rate:
  - "< 1%"
  - { bound: "< 5%", each: host, window: 1m, abort_on_break: { after: 5s } }
  - { bound: "< 2%", host: west, abort_on_break: true }
cause.USER_BUSY: "== 0"
bert.sync_lost: "== 0"
mos.p5: ">= 3.8"
rate: 29..31
late_starts.p99.9: { bound: "< 20ms", abort_on_break: false }
"#,
        )
        .unwrap_or_else(|told| panic!("{told}"));
        let told: Vec<_> = gates
            .iter()
            .map(|gate| format!("{} {} {:?} {}", gate.name(), gate.bound, gate.abort_after, gate.place.line))
            .collect();
        assert_eq!(
            told,
            [
                "asr >= 99% None 2",
                "setup_time.p95 < 250ms None 3",
                "setup_time.p99 of app bert in every 10s < 400ms None 4",
                "seizure_fail_rate < 1% None 6",
                "seizure_fail_rate of each host in every 60s < 5% Some(5s) 7",
                "seizure_fail_rate of host west < 2% Some(0ns) 8",
                "cause.USER_BUSY == 0 None 9",
                "bert.sync_lost == 0 None 10",
                "mos.p5 >= 3.8 None 11",
                "rate 29..31 None 12",
                "late_starts.p99.9 < 20ms None 13",
            ]
        );
    }

    #[test]
    fn every_mistake_is_told_with_its_place_and_what_was_meant() {
        let told = read(
            r#"
asrr: ">= 99%"
setup_tim.p95: "< 250ms"
pdd: "< 1s"
asr: ">= 99"
acd: 10s
answered: ">= 1.5"
mos: "> 3"
cause.USER_BUSSY: "== 0"
passed: [">= 99%", { bound: ">= 9s", window: 1500ms }]
rate: { bound: "> 1", app: a, each: host }
event_lag.max: { bound: "< 1s", app: a }
active.max: { bound: "< 9", each: host }
errors: { windw: 10s, bound: "== 0" }
"#,
        )
        .unwrap_err();
        insta::assert_snapshot!(told);
    }

    #[test]
    fn no_gates_at_all_are_a_mistake() {
        for text in ["{}", "[]", "asr", "asr:", "asr: []"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_schema_and_the_reader_agree() {
        let schema = shape().json_schema();
        assert!(jsonschema::draft202012::meta::is_valid(&schema));
        // Variables are a part that a whole scenario has.
        let validator = jsonschema::draft202012::options().build(&schema).unwrap();
        let right = [
            r#"{ "asr": ">= 99%", "active.max": "< 300", "mos.mean": ">= 4", "x.y_count": "== 0" }"#,
            r#"{ "setup_time.p99.9": { "bound": "< 1s", "each": "app", "window": "10s" } }"#,
            r#"{ "cause.NO_ANSWER": ["== 0", { "bound": "< 3", "abort_on_break": { "after": "5s" } }] }"#,
            r#"{ "caller.heard.level_dbm0.min": { "bound": "> -40", "abort_on_break": true } }"#,
        ];
        let wrong = [
            "{}",
            "[]",
            r#"{ "asr": ">= 99" }"#,
            r#"{ "asr": ">= 99ms" }"#,
            r#"{ "asrr": ">= 99%" }"#,
            r#"{ "setup_time.p95": "< 250" }"#,
            r#"{ "setup_time.sum": "< 250ms" }"#,
            r#"{ "setup_time": "< 250ms" }"#,
            r#"{ "mos": "> 3" }"#,
            r#"{ "cause.SOMETHING": "== 0" }"#,
            r#"{ "asr": [] }"#,
            r#"{ "asr": { "window": "10s" } }"#,
            r#"{ "asr": { "bound": "> 1%", "app": "a", "host": "b" } }"#,
            r#"{ "asr": { "bound": "> 1%", "each": "call" } }"#,
        ];
        for (texts, is_right) in [(&right[..], true), (&wrong[..], false)] {
            for text in texts {
                let document: Value = serde_json::from_str(text).unwrap();
                assert_eq!(read(text).is_ok(), is_right, "{text}: {:?}", read(text).err());
                assert_eq!(validator.is_valid(&document), is_right, "{text}");
            }
        }
    }
}
