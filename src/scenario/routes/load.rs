//! From a routes file to routers, or to everything that is wrong with it.

use std::path::Path;

use jiff::tz::TimeZone;

use super::condition::{Condition, DESTINATION};
use super::document::{self, Item, RouteKeys, RouterKeys};
use super::play::{self, Part, Play};
use super::table::{Entry, Section, Table};
use super::template::{Parameter, ParameterValue};
use crate::scenario::diagnostic::{Diagnostic, Severity};
use crate::scenario::expand::{
    ANY_GROUP, CallScope, Expander, FieldScope, Files, MAX_NODES, Param, Scope, Substituted, later_within, tell_origins,
};
use crate::scenario::load::{read_text, settle};
use crate::scenario::model::{Leg, PlacedStep};
use crate::scenario::node::{self, Content, Entry as NodeEntry, Node};
use crate::scenario::programs::{self, Programs};
use crate::scenario::reading::{Folder, Reading};
use crate::scenario::rules;
use crate::scenario::shape::Placed;
use crate::scenario::step::Respond;

/// What routes files came to.
#[derive(Debug)]
pub struct Routes {
    /// Use none of it while there is an error.
    pub table: Table<Play>,
    /// In the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

impl Routes {
    /// Whether something must be put right before anything is routed.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The routers of `other` behind these.
    pub fn and(mut self, other: Routes) -> Routes {
        self.table.sections.extend(other.table.sections);
        self.diagnostics.extend(other.diagnostics);
        self
    }

    /// Whether it looks only at calls that come in.
    pub fn is_inbound(&self) -> bool {
        let inbound = |(name, value): &(String, String)| name == DIRECTION && value == INBOUND;
        self.table.sections.iter().all(|section| section.scope.iter().chain(&section.guards).any(inbound))
    }

    /// Events that its steps wait for, as far as they are known before a call.
    pub fn events(&self) -> Vec<String> {
        let sections = self.table.sections.iter();
        let plays = sections
            .flat_map(|section| section.entries().iter().map(|entry| &entry.does).chain(section.otherwise.as_ref()));
        plays.flat_map(Play::events).collect()
    }
}

/// Reads the routes file `path`. A file that cannot be read is a diagnostic. `folder` tells what is around it.
pub fn load(path: &Path, folder: &dyn Folder) -> Routes {
    match read_text(path) {
        Ok(text) => load_text(path, &text, folder),
        Err(diagnostic) => Routes { table: empty(), diagnostics: vec![*diagnostic] },
    }
}

fn empty() -> Table<Play> {
    Table { sections: Vec::new(), otherwise: None }
}

/// Reads the routers of `text`, the content of the file `path`.
pub(super) fn load_text(path: &Path, text: &str, folder: &dyn Folder) -> Routes {
    let mut reading = Reading { sources: Vec::new(), folder, diagnostics: Vec::new() };
    let source = reading.add(path, text);
    let (documents, diagnostics) = node::parse(&source);
    reading.diagnostics.extend(diagnostics);
    let documents: Vec<_> = documents.iter().filter(|document| !document.is_null()).collect();
    if documents.is_empty() && reading.diagnostics.is_empty() {
        reading.error(&(0..0), "no router in this file").help =
            "a router is a mapping such as `{ routes: [{ match: 1(.*), steps: [answer, echo] }] }`".to_owned();
    }
    let mut file = FileLoad { reading, files: Files::default(), budget: MAX_NODES };
    let mut sections: Vec<Section<Play>> = documents.into_iter().filter_map(|document| file.router(document)).collect();
    let FileLoad { mut reading, files, .. } = file;
    files.tell_includes(&mut reading);
    let Reading { sources, mut diagnostics, .. } = reading;
    settle(&sources, &mut diagnostics);
    // Steps that are read for each call tell their place in these.
    for section in &mut sections {
        section.for_each(|play| play.read_from(&sources));
    }
    Routes { table: Table { sections, otherwise: None }, diagnostics }
}

/// A file that is being loaded.
struct FileLoad<'a> {
    reading: Reading<'a>,
    files: Files,
    /// Nodes that all of it may still come to.
    budget: usize,
}

/// What is around a route.
#[derive(Clone)]
struct Around {
    groups: usize,
    names: Vec<String>,
    pattern: Option<(usize, usize)>,
    params: Vec<(String, Param)>,
    zone: TimeZone,
}

/// Keys whose values are made whole where it is known what may stand in them.
const LATER: [&str; 3] = ["steps", "otherwise", "params"];

impl FileLoad<'_> {
    fn router(&mut self, document: &Node) -> Option<Section<Play>> {
        let (whole, substituted) = self.expand(&ANYTHING, |expander| outer(document, expander));
        for span in later_within(&substituted, &whole.span) {
            self.reading.error(span, "what a call has cannot stand here").help =
                "it may stand under `steps`, `otherwise` and `params`; `${env.NAME}` may stand everywhere".to_owned();
        }
        let from = self.reading.diagnostics.len();
        let keys = document::with_router(|shape| shape.read(&whole, &mut self.reading));
        tell_origins(&substituted, &mut self.reading.diagnostics, from);
        let Some(keys) = keys else {
            self.look_through(document);
            return None;
        };
        let RouterKeys { guards, reject, params, zone, routes, otherwise } = keys;
        let mut section = Section::default();
        section.reject = reject;
        if !guards.iter().any(|(name, _)| name == DIRECTION) {
            section.scope.push((DIRECTION.to_owned(), INBOUND.to_owned()));
        }
        section.guards = guards;
        let mut around = Around {
            groups: 1,
            names: Vec::new(),
            pattern: None,
            params: Vec::new(),
            zone: zone.unwrap_or_else(|| self.reading.folder.time_zone()),
        };
        section.params = self.params(params, &mut around);
        let mut entries = Vec::new();
        for route in routes {
            self.route(route, &around, &mut entries);
        }
        entries.into_iter().for_each(|entry| section.push(entry));
        section.otherwise = Some(match otherwise {
            Some(steps) => self.play(&steps, &around),
            None => nowhere(document, &self.reading),
        });
        Some(section)
    }

    /// Tells what is wrong with the steps of a router that is wrong elsewhere; variables are not looked at.
    fn look_through(&mut self, node: &Node) {
        let around =
            Around { groups: ANY_GROUP, names: Vec::new(), pattern: None, params: Vec::new(), zone: TimeZone::UTC };
        let Content::Mapping(entries) = &node.content else { return };
        for NodeEntry { key, value, .. } in entries {
            match (key.as_str(), &value.content) {
                ("steps" | "otherwise", Content::List(_)) => drop(self.play(value, &around)),
                ("routes", Content::List(routes)) => routes.iter().for_each(|route| self.look_through(route)),
                _ => {}
            }
        }
    }

    /// A route and those within it.
    fn route(&mut self, keys: Placed<RouteKeys>, around: &Around, entries: &mut Vec<Entry<Play>>) {
        let RouteKeys { pattern, on, all, any, unless, weekdays, hours, zone, chance, params, steps, routes, then } =
            keys.value;
        let mut around = around.clone();
        if let Some(pattern) = &pattern {
            around.groups = pattern.value.captures_len();
            around.names = pattern.value.capture_names().flatten().map(str::to_owned).collect();
            around.pattern = Some((pattern.span.start, pattern.span.end));
        }
        around.zone = zone.unwrap_or(around.zone);
        let on = on.unwrap_or_else(|| DESTINATION.to_owned());
        let flat = |patterns: Vec<(String, Vec<_>)>| {
            let each = |(name, patterns): (String, Vec<_>)| patterns.into_iter().map(move |one| (name.clone(), one));
            patterns.into_iter().flat_map(each).collect()
        };
        let condition = Condition {
            pattern: pattern.map(|pattern| (on, pattern.value)),
            all: flat(all),
            any: flat(any),
            unless: flat(unless),
            weekdays,
            hours: hours.unwrap_or_default(),
            zone: Some(around.zone.clone()),
            chance,
        };
        let params = self.params(params, &mut around);
        let does = steps.map(|steps| self.play(&steps, &around)).unwrap_or_default();
        let at = entries.len();
        entries.push(Entry { condition, params, does, within: 0, then });
        for route in routes {
            self.route(route, &around, entries);
        }
        entries[at].within = entries.len() - at - 1;
    }

    /// Parameters, which are added to those of `around` as well.
    fn params(&mut self, params: Vec<(String, Node)>, around: &mut Around) -> Vec<Parameter> {
        let mut own = Vec::new();
        for (name, node) in params {
            let (value, substituted) = self.expand(&around.calls(), |expander| expander.node(&node));
            let later = later_within(&substituted, &value.span).next().is_some();
            let text = match &value.content {
                Content::Scalar { text, .. } => text.clone(),
                _ => String::new(),
            };
            let kept = if later {
                ParameterValue::PerCall(text, self.reading.place(&value))
            } else {
                ParameterValue::Plain(text)
            };
            around.params.retain(|(known, _)| *known != name);
            around.params.push((name.clone(), Param { value, later }));
            own.push(Parameter { name, value: kept });
        }
        own
    }

    /// A list of steps.
    fn play(&mut self, steps: &Node, around: &Around) -> Play {
        let (whole, substituted) = self.expand(&around.calls(), |expander| expander.steps(steps));
        let from = self.reading.diagnostics.len();
        let Content::List(items) = &whole.content else { return Play::default() };
        let mut parts: Vec<Part> = Vec::new();
        // Steps that follow one another are read together, so that what comes between two is not missed.
        let mut together: Vec<PlacedStep> = Vec::new();
        for node in items {
            let item = document::with_item(|shape| shape.read(node, &mut self.reading));
            let later = later_within(&substituted, &node.span).next().is_some();
            match item {
                _ if later => {
                    end_part(&mut together, &mut parts, &mut self.reading);
                    // A step that runs none as it stands must not run any with what a caller chose.
                    let runs = |item: Placed<Item>| match item.value {
                        Item::Step(step) => programs::runs_programs(&*step),
                        Item::App(_) => false,
                    };
                    let allowed =
                        if item.is_some_and(runs) { self.reading.folder.programs() } else { Programs::Refused };
                    parts.push(Part::PerCall(node.clone(), allowed));
                }
                Some(Placed { value: Item::Step(value), place, span }) => {
                    // The last one is done another way.
                    if value.kind() == "transfer" {
                        end_part(&mut together, &mut parts, &mut self.reading);
                    }
                    together.push(Placed { value, place, span });
                }
                Some(app) => {
                    end_part(&mut together, &mut parts, &mut self.reading);
                    parts.push(play::read(app));
                }
                // Told.
                None => {}
            }
        }
        end_part(&mut together, &mut parts, &mut self.reading);
        tell_origins(&substituted, &mut self.reading.diagnostics, from);
        Play::new(parts)
    }

    /// What `make` makes of a node with variables in it.
    fn expand(
        &mut self,
        calls: &CallScope<'_>,
        make: impl FnOnce(&mut Expander<'_, '_, '_>) -> Node,
    ) -> (Node, Vec<Substituted>) {
        let scope = Scope {
            matrix: &[],
            vars: &[],
            secrets: &[],
            required: &[],
            host: "",
            fields: FieldScope::NoLoad,
            calls: Some(*calls),
            unknown: false,
        };
        let mut expander = Expander::new(scope, &mut self.reading, &mut self.files, self.budget);
        let node = make(&mut expander);
        let (substituted, budget) = (std::mem::take(&mut expander.substituted), expander.budget);
        if budget == 0 && self.budget > 0 {
            let at = node.span.start;
            self.reading.error(&(at..at), "this file comes to more than 2000000 values, with all includes");
        }
        self.budget = budget;
        (node, substituted)
    }
}

/// The header that says which way a call came.
const DIRECTION: &str = "Call-Direction";
const INBOUND: &str = "inbound";

/// Where nothing of a call may stand.
const ANYTHING: CallScope<'_> = CallScope { groups: ANY_GROUP, names: &[], pattern: None, params: &[] };

impl Around {
    fn calls(&self) -> CallScope<'_> {
        CallScope { groups: self.groups, names: &self.names, pattern: self.pattern, params: &self.params }
    }
}

/// `node` with its variables put in, but for what is made whole later.
fn outer(node: &Node, expander: &mut Expander<'_, '_, '_>) -> Node {
    let Content::Mapping(entries) = &node.content else { return expander.node(node) };
    let whole = |entry: &NodeEntry| {
        let value = match (entry.key.as_str(), &entry.value.content) {
            (key, _) if LATER.contains(&key) => entry.value.clone(),
            ("routes", Content::List(routes)) => {
                entry.value.with(Content::List(routes.iter().map(|route| outer(route, expander)).collect()))
            }
            _ => expander.node(&entry.value),
        };
        NodeEntry { value, ..entry.clone() }
    };
    node.with(Content::Mapping(entries.iter().map(whole).collect()))
}

/// Ends the steps that are read together, and tells what contradicts itself among them.
fn end_part(together: &mut Vec<PlacedStep>, parts: &mut Vec<Part>, reading: &mut Reading<'_>) {
    if !together.is_empty() {
        rules::order(Leg::Callee, together, reading);
        parts.push(Part::Steps(std::mem::take(together).into()));
    }
}

/// What is done with calls of a router that says nothing: there is nobody of that number.
fn nowhere(document: &Node, reading: &Reading<'_>) -> Play {
    let refuse = Box::new(Respond { code: 404, reason: None });
    let step = Placed { value: refuse as _, place: reading.place(document), span: document.span.clone() };
    Play::new(vec![Part::Steps([step].into())])
}
