//! The keys of a routes file.

use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::{Value, json};

use super::chance::{self, Chance};
use super::hours::{self, Hours, Weekdays};
use super::table::Next;
use crate::scenario::app::{self, App};
use crate::scenario::mapping::{default, mapping, optional};
use crate::scenario::matrix::raw;
use crate::scenario::node::{Content, Node};
use crate::scenario::programs;
use crate::scenario::reading::Reading;
use crate::scenario::scalar::{line, pattern, sip_code, token, word};
use crate::scenario::shape::{Accepts, Placed, Schema, Shape};
use crate::scenario::step::{self, Step};
use crate::scenario::tagged::{Variant, tagged};
use crate::scenario::variables;

/// A router as it was written. Steps and parameters are read once it is known what may stand in them.
pub(super) struct RouterKeys {
    pub guards: Vec<(String, String)>,
    pub reject: Option<u16>,
    pub params: Vec<(String, Node)>,
    pub zone: Option<TimeZone>,
    pub routes: Vec<Placed<RouteKeys>>,
    pub otherwise: Option<Node>,
}

/// A route as it was written.
#[derive(Clone)]
pub(super) struct RouteKeys {
    pub pattern: Option<Placed<Regex>>,
    pub on: Option<String>,
    pub all: Patterns,
    pub any: Patterns,
    pub unless: Patterns,
    pub weekdays: Option<Weekdays>,
    pub hours: Option<Vec<Hours>>,
    pub zone: Option<TimeZone>,
    pub chance: Option<Chance>,
    pub params: Vec<(String, Node)>,
    pub steps: Option<Node>,
    pub routes: Vec<Placed<RouteKeys>>,
    pub then: Next,
}

/// Headers, each with the patterns for it.
type Patterns = Vec<(String, Vec<Regex>)>;

/// One item of a list of steps.
#[derive(Debug)]
pub(super) enum Item {
    Step(Box<dyn Step>),
    App(Box<dyn App>),
}

thread_local! {
    /// The language, which never changes.
    static ROUTER: Shape<RouterKeys> = router();
    static ROUTE: Shape<RouteKeys> = route();
    static ITEM: Shape<Placed<Item>> = item().placed();
}

pub(super) fn with_router<T>(read: impl FnOnce(&Shape<RouterKeys>) -> T) -> T {
    ROUTER.with(read)
}

pub(super) fn with_item<T>(read: impl FnOnce(&Shape<Placed<Item>>) -> T) -> T {
    ITEM.with(read)
}

/// JSON Schema (draft 2020-12) of a document of a routes file.
pub fn json_schema() -> Value {
    let mut shape = router();
    // Written out, since a shape that holds itself cannot be built.
    shape.schema.parts.insert(ROUTE_PART.to_owned(), route().schema.json);
    let mut parts = route().schema.parts;
    parts.append(&mut shape.schema.parts);
    parts.insert(variables::PART.to_owned(), variables::schema_of_calls());
    shape.schema.parts = parts;
    shape.json_schema()
}

/// Name of a route among the parts of the schema.
const ROUTE_PART: &str = "route";

/// A document.
fn router() -> Shape<RouterKeys> {
    mapping!(RouterKeys {
        guards: default(
            "guards",
            line().by_name("headers and their values"),
            Vec::new(),
            json!({}),
            "Event headers and the values they must have for a call to come to the routes. Unless `Call-Direction` is among \
             them only calls that come in do."
        ),
        reject: optional(
            "reject",
            sip_code(300..=699),
            "The SIP response to calls that a guard keeps out; without it they are left alone, or to the next router."
        ),
        params: default("params", params(), Vec::new(), json!({}), "Values for `${params.NAME}` in all routes."),
        zone: optional(
            "time_zone",
            hours::zone(),
            "Where `weekdays` and `hours` are: `Europe/Berlin`. That of this machine, unless told otherwise."
        ),
        routes: default("routes", routes(), Vec::new(), json!([]), "Routes, tried in order."),
        otherwise: optional(
            "otherwise",
            steps(),
            "What is done with a call that no route of any router took; refused with 404, unless told otherwise."
        ),
    })
    .at_least_one(&["routes", "otherwise"], "this router does nothing")
    .expects("a router: a mapping with `guards`, `routes`, `otherwise`")
}

/// A route.
fn route() -> Shape<RouteKeys> {
    mapping!(RouteKeys {
        pattern: optional(
            "match",
            pattern().placed(),
            "A regular expression that the header must match from its beginning; `$` matches its end. Without it the route \
             takes every call, with what the route around it matched."
        ),
        on: optional(
            "on",
            token("the name of an event header", "^[A-Za-z0-9_.:-]+$"),
            "The event header that is matched; `Caller-Destination-Number`, unless told otherwise."
        ),
        all: default("all", patterns(), Vec::new(), json!({}), "Further headers, which must all match."),
        any: default("any", patterns(), Vec::new(), json!({}), "Further headers, of which one must match."),
        unless: default("unless", patterns(), Vec::new(), json!({}), "Further headers, of which none may match."),
        weekdays: optional("weekdays", hours::weekdays(), "Days on which the route holds: `sun`, `mon-fri`."),
        hours: optional(
            "hours",
            hours::hours(),
            "Times of the day at which the route holds, from the first up to the last: `09:00-17:00`, `22:00-06:00`."
        ),
        zone: optional("time_zone", hours::zone(), "Where `weekdays` and `hours` are; the router's, unless told otherwise."),
        chance: optional(
            "chance",
            chance::shape(),
            "The share of the calls that the route takes at random, of those that all else lets through: `1/6`, `25%`."
        ),
        params: default(
            "params",
            params(),
            Vec::new(),
            json!({}),
            "Values for `${params.NAME}` in this route and those within it."
        ),
        steps: optional("steps", steps(), "What is done with the call, in order; also `app: NAME`."),
        routes: default("routes", nested(), Vec::new(), json!([]), "Routes within this one, tried once its steps are done."),
        then: default(
            "then",
            word(&[("stop", Next::Stop), ("go_on", Next::GoOn)]),
            Next::Stop,
            "stop",
            "What follows: `stop`, or `go_on` with the routes behind it."
        ),
    })
    .needs("on", &["match"])
    .needs("time_zone", &["weekdays", "hours"])
    .at_least_one(&["steps", "routes"], "this route does nothing")
    .expects("a route: a mapping with `match`, `steps`, `then`")
}

fn params() -> Shape<Vec<(String, Node)>> {
    raw().by_name("values")
}

fn patterns() -> Shape<Patterns> {
    Shape::one_or_list(pattern).by_name("headers and patterns")
}

fn route_reference() -> Value {
    json!({ "$ref": format!("#/$defs/{ROUTE_PART}") })
}

fn routes() -> Shape<Vec<Placed<RouteKeys>>> {
    let read = |node: &Node, reading: &mut crate::scenario::reading::Reading<'_>| {
        ROUTE.with(|shape| {
            let value = shape.read(node, reading)?;
            Some(Placed { value, place: reading.place(node), span: node.span.clone() })
        })
    };
    Shape {
        schema: Schema { json: route_reference(), ..Schema::default() },
        expects: "a route such as `{ match: 1(.*), steps: [answer] }`".to_owned(),
        accepts: Accepts { mapping: true, ..Accepts::default() },
        read: Box::new(move |node, _, reading| read(node, reading)),
    }
    .list()
    .expects("a list of routes")
}

/// The same within a route.
fn nested() -> Shape<Vec<Placed<RouteKeys>>> {
    routes()
}

/// A list of steps as it was written.
fn steps() -> Shape<Node> {
    let list = item().list().not_empty();
    Shape {
        schema: list.schema,
        expects: "a list of steps".to_owned(),
        accepts: list.accepts,
        read: Box::new(|node, expects, reading| match &node.content {
            Content::List(nodes) if !nodes.is_empty() => Some(node.clone()),
            Content::List(_) => {
                reading.error(&node.span, "expected a list of steps, found an empty list");
                None
            }
            _ => {
                let diagnostic = reading.unexpected(node, expects);
                if !node.is_null() {
                    diagnostic.help = "each item of a list stands in its own line after `- `".to_owned();
                }
                None
            }
        }),
    }
}

/// A step of the scenario language, or an app.
fn item() -> Shape<Item> {
    let mut variants: Vec<Variant<Item>> =
        step::variants().into_iter().map(|variant| variant.map(Item::Step)).collect();
    let doc = "What a built-in app does with a session: the callee's part of it with one that came in, the caller's with another.";
    variants.push(Variant::new("app", doc).with(app::shape().map(Item::App)));
    let allowed = |item, node: &Node, reading: &mut Reading<'_>| match item {
        Item::Step(step) => programs::refuse_step(step, node, reading).map(Item::Step),
        app => Some(app),
    };
    tagged("step", variants).and_then(allowed).named("routes_step")
}
