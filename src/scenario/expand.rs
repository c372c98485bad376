//! A document made whole: its `${...}` substituted and its includes put in, before any shape reads it.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::diagnostic::{Diagnostic, did_you_mean};
use super::mapping::{default, mapping, required};
use super::matrix::{Cell, raw};
use super::node::{self, Content, Entry, Node, shortened};
use super::reading::Reading;
use super::scalar::line;
use super::shape::{Placed, Shape, words};
use super::variables::{Piece, Variable, has_variables, pieces};
use crate::load::Table;

/// Files within files.
const MAX_DEPTH: usize = 8;

/// Nodes that one file may come to, with all its tests and includes.
pub(super) const MAX_NODES: usize = 2_000_000;

/// Values that variables stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub matrix: &'a [(String, Node)],
    pub vars: &'a [(String, Node)],
    /// Environment variables whose values are not shown.
    pub secrets: &'a [String],
    /// Environment variables that the scenario requires: without them it is skipped, so that they are no mistake.
    pub required: &'a [String],
    pub host: &'a str,
    pub fields: FieldScope<'a>,
    /// What is known once a call is routed; of scenarios nothing.
    pub calls: Option<CallScope<'a>>,
    /// What variables there are is not known, so nothing is told of them.
    pub unknown: bool,
}

/// What routes know of a call before there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallScope<'a> {
    /// Groups of the expression that matches: how many, with the whole, and their names. [`ANY_GROUP`]: nothing is told.
    pub groups: usize,
    pub names: &'a [String],
    /// Where that expression is written.
    pub pattern: Option<(usize, usize)>,
    /// Parameters that the route has.
    pub params: &'a [(String, Param)],
}

/// Where a value of a call is a mistake in any case.
pub(super) const ANY_GROUP: usize = usize::MAX;

/// A parameter of a route.
#[derive(Clone, Debug)]
pub(super) struct Param {
    pub value: Node,
    /// Its value is known once a call is routed.
    pub later: bool,
}

/// Fields that there are in a document.
#[derive(Clone, Copy, Debug)]
pub(super) enum FieldScope<'a> {
    /// It is no load.
    NoLoad,
    /// It is a load without fields.
    NoFields,
    /// What is wrong with them was told.
    Broken,
    Fields(&'a Table),
}

/// Where a variable was put in, and what it was.
#[derive(Clone, Debug)]
pub(super) struct Substituted {
    /// The value that was made of it.
    span: Range<usize>,
    /// `None`: it could not be put in, which was told, or is put in later.
    origin: Option<Origin>,
    /// It is put in once a call is routed.
    later: bool,
}

#[derive(Clone, Debug)]
struct Origin {
    /// `matrix.codec`
    name: String,
    /// What it is, for a message.
    shown: String,
    /// Where that is written.
    span: Option<Range<usize>>,
}

/// A value that stands for a variable.
struct Value {
    text: String,
    quoted: bool,
    origin: Option<Origin>,
    /// It is a text with variables that are put in once a call is routed.
    later: bool,
}

impl Value {
    fn later(text: String) -> Value {
        Value { text, quoted: false, origin: None, later: true }
    }
}

/// `include` as it was written.
#[derive(Debug)]
pub(super) struct Include {
    file: Placed<String>,
    with: Vec<(String, Node)>,
}

/// The files that were included, by path; `None` for one with mistakes, which were told.
#[derive(Debug, Default)]
pub(super) struct Files {
    steps: HashMap<PathBuf, Option<Vec<Node>>>,
    /// Where each file begins to count its bytes, and where it was included first.
    included: Vec<(usize, Range<usize>)>,
}

/// Values given to the file that is being included.
#[derive(Debug)]
struct With {
    path: PathBuf,
    /// Where the include stands.
    span: Range<usize>,
    values: Vec<(String, Node)>,
    used: Vec<String>,
}

/// Makes one document whole, for one test.
pub(super) struct Expander<'a, 'r, 'f> {
    scope: Scope<'a>,
    reading: &'a mut Reading<'r>,
    files: &'f mut Files,
    /// Files being included, the innermost last.
    stack: Vec<With>,
    /// Variables of `vars` being looked up, the innermost last.
    looking_up: Vec<String>,
    /// Whether a value that fields may stand in is being made whole.
    takes_fields: bool,
    pub substituted: Vec<Substituted>,
    /// Nodes that may still be made.
    pub budget: usize,
    /// Whether the host's name was asked for.
    pub names_host: bool,
    /// A required environment variable that is not set.
    pub missing: Option<String>,
}

/// The families of variables.
const FAMILIES: [&str; 6] = ["vars", "matrix", "env", "host", "with", "field"];

/// Those of routes.
const CALL_FAMILIES: [&str; 5] = ["match", "params", "header", "env", "with"];

/// Keys of `call` that fields may stand in.
const FIELD_KEYS: [&str; 5] = ["to", "caller_id", "headers", "vars", "proxy"];

impl<'a, 'r, 'f> Expander<'a, 'r, 'f> {
    pub fn new(scope: Scope<'a>, reading: &'a mut Reading<'r>, files: &'f mut Files, budget: usize) -> Self {
        Expander {
            scope,
            reading,
            files,
            stack: Vec::new(),
            looking_up: Vec::new(),
            takes_fields: false,
            substituted: Vec::new(),
            budget,
            names_host: false,
            missing: None,
        }
    }

    /// The document with everything put in; steps are included under `caller` and `callee`.
    pub fn document(&mut self, document: &Node) -> Node {
        let Content::Mapping(entries) = &document.content else { return self.node(document) };
        let whole = |entry: &Entry| {
            let value = match entry.key.as_str() {
                "caller" | "callee" => self.steps(&entry.value),
                "call" => self.call(&entry.value),
                _ => self.node(&entry.value),
            };
            Entry { value, ..entry.clone() }
        };
        document.with(Content::Mapping(entries.iter().map(whole).collect()))
    }

    /// `call`, in which fields may stand.
    fn call(&mut self, node: &Node) -> Node {
        let Content::Mapping(entries) = &node.content else { return self.node(node) };
        self.spend(1);
        let whole = |entry: &Entry| {
            self.takes_fields = FIELD_KEYS.contains(&entry.key.as_str());
            let value = self.node(&entry.value);
            self.takes_fields = false;
            Entry { value, ..entry.clone() }
        };
        node.with(Content::Mapping(entries.iter().map(whole).collect()))
    }

    /// `node` with its variables put in.
    pub fn node(&mut self, node: &Node) -> Node {
        self.spend(1);
        match &node.content {
            Content::Scalar { text, quoted } if has_variables(text) => self.scalar(node, text, *quoted),
            Content::Scalar { .. } => node.clone(),
            Content::List(nodes) => node.with(Content::List(nodes.iter().map(|node| self.node(node)).collect())),
            Content::Mapping(entries) => {
                let whole = |entry: &Entry| Entry { value: self.node(&entry.value), ..entry.clone() };
                node.with(Content::Mapping(entries.iter().map(whole).collect()))
            }
        }
    }

    /// `node`, which holds steps, with its variables and the steps of other files put in.
    pub fn steps(&mut self, node: &Node) -> Node {
        match &node.content {
            Content::List(nodes) => {
                self.spend(1);
                let mut steps = Vec::new();
                for node in nodes {
                    match &node.content {
                        Content::Mapping(entries) if matches!(&entries[..], [only] if only.key == "include") => {
                            steps.extend(self.include(&entries[0]));
                        }
                        _ => steps.push(self.steps(node)),
                    }
                }
                node.with(Content::List(steps))
            }
            Content::Mapping(entries) => {
                self.spend(1);
                let whole = |entry: &Entry| Entry { value: self.steps(&entry.value), ..entry.clone() };
                node.with(Content::Mapping(entries.iter().map(whole).collect()))
            }
            Content::Scalar { .. } => self.node(node),
        }
    }

    fn spend(&mut self, nodes: usize) {
        self.budget = self.budget.saturating_sub(nodes);
    }

    /// The steps of the file that `entry` includes.
    fn include(&mut self, entry: &Entry) -> Vec<Node> {
        let node = self.node(&entry.value);
        if self.budget == 0 || self.broken(&node.span) {
            return Vec::new();
        }
        let Some(Include { file, with }) = INCLUDE.with(|shape| shape.read(&node, self.reading)) else {
            return Vec::new();
        };
        let path = self.reading.path(&node, &file.value);
        if let Some(first) = self.stack.iter().find(|outer| outer.path == path) {
            let first = first.span.clone();
            let message = format!("`{}` includes itself", shortened(&file.value));
            let diagnostic = self.reading.error(&file.span, message);
            diagnostic.related = Some((first, "included here".to_owned()));
            return Vec::new();
        }
        if self.stack.len() == MAX_DEPTH {
            let first = self.stack[0].span.clone();
            let diagnostic = self.reading.error(&file.span, format!("more than {MAX_DEPTH} includes within includes"));
            diagnostic.related = Some((first, "the first of them".to_owned()));
            return Vec::new();
        }
        let Some(steps) = self.files.steps_of(&path, &file, self.reading) else { return Vec::new() };
        let names: Vec<_> = with.iter().map(|(name, value)| (name.clone(), value.span.clone())).collect();
        self.stack.push(With { path, span: file.span.clone(), values: with, used: Vec::new() });
        let mut whole = Vec::new();
        for step in &steps {
            if self.budget < step.size() {
                self.budget = 0;
                break;
            }
            // An include stands in a list, which a step by itself is not.
            if let Content::List(steps) = self.steps(&step.with(Content::List(vec![step.clone()]))).content {
                whole.extend(steps);
            }
        }
        let used = self.stack.pop().map(|with| with.used).unwrap_or_default();
        if self.budget > 0 {
            for (name, span) in names.iter().filter(|(name, _)| !used.contains(name)) {
                let message = format!("`{}` uses no `${{with.{name}}}`", shortened(&file.value));
                self.reading.error(span, message).label = "given in vain".to_owned();
            }
        }
        whole
    }

    fn scalar(&mut self, node: &Node, text: &str, quoted: bool) -> Node {
        let pieces = pieces(text);
        let mut parts: Vec<(String, bool)> = Vec::new();
        let mut typed = quoted;
        let mut origins = Vec::new();
        let mut fine = true;
        for piece in &pieces {
            match piece {
                Piece::Text(text) => parts.push((text.to_string(), false)),
                Piece::Open(range) => {
                    fine = false;
                    if !self.scope.unknown {
                        let span = self.reading.part_of(node, text, Some(range.clone()));
                        self.reading.error(&span, "a `${` without its `}`").help =
                            "`$${` stands for `${` itself".to_owned();
                    }
                }
                Piece::Variable(variable) => {
                    let span = self.reading.part_of(node, text, Some(variable.range.clone()));
                    match self.value(variable, &span) {
                        Some(value) => {
                            if pieces.len() == 1 {
                                // Alone it is what it stands for, quotation marks and all; nothing is a text.
                                typed = value.quoted || value.text.is_empty();
                            }
                            parts.push((value.text, value.later));
                            origins.extend(value.origin);
                        }
                        None => fine = false,
                    }
                }
            }
        }
        if !fine {
            self.substituted.push(Substituted { span: node.span.clone(), origin: None, later: false });
            return node.clone();
        }
        if parts.iter().any(|(_, later)| *later) {
            // It is looked through for variables once more.
            let escaped = |(text, later): (String, bool)| if later { text } else { text.replace("${", "$${") };
            let whole = parts.into_iter().map(escaped).collect();
            self.substituted.push(Substituted { span: node.span.clone(), origin: None, later: true });
            return Node::scalar(whole, typed, node.span.clone());
        }
        let here = |origin| Substituted { span: node.span.clone(), origin: Some(origin), later: false };
        self.substituted.extend(origins.into_iter().map(here));
        Node::scalar(parts.into_iter().map(|(text, _)| text).collect(), typed, node.span.clone())
    }

    /// What `variable` stands for; `None` when that was told to be wrong.
    fn value(&mut self, variable: &Variable<'_>, span: &Range<usize>) -> Option<Value> {
        if self.scope.unknown {
            return None;
        }
        let name = variable.name.unwrap_or_default();
        if let Some(calls) = self.scope.calls {
            match variable.family {
                "match" | "params" | "header" => return self.of_call(variable, &calls, span),
                "env" | "with" => {}
                _ => return self.unknown(variable, Vec::new(), span),
            }
        }
        if variable.default.is_some() && !matches!(variable.family, "env" | "with") {
            let message = "only `${env.NAME}` and `${with.NAME}` may have a default";
            self.reading.error(span, message).help = "a variable of `vars` and `matrix` always has a value".to_owned();
            return None;
        }
        match variable.family {
            "env" => self.of_environment(name, variable.default, span),
            "field" => self.of_fields(variable, span),
            "host" if name == "name" => {
                self.names_host = true;
                let shown = shortened(self.scope.host);
                let origin = Some(Origin { name: "host.name".to_owned(), shown, span: None });
                Some(Value { text: self.scope.host.to_owned(), quoted: true, origin, later: false })
            }
            "vars" => match find(self.scope.vars, name) {
                Some(node) => self.of_vars(name, node, span),
                None => self.unknown(variable, names(self.scope.vars), span),
            },
            "matrix" => match find(self.scope.matrix, name) {
                Some(node) => Some(value_of("matrix", name, node)),
                None => self.unknown(variable, names(self.scope.matrix), span),
            },
            "with" => {
                let Some(with) = self.stack.last_mut() else {
                    let diagnostic = self.reading.error(span, format!("there is no `with.{}` here", shortened(name)));
                    diagnostic.help = "`with` is what a file with steps is given by its `include`".to_owned();
                    return None;
                };
                with.used.push(name.to_owned());
                match (find(&with.values, name), variable.default) {
                    (Some(node), _) => {
                        let later = self.substituted.iter().any(|put| put.later && put.span == node.span);
                        Some(Value { later, ..value_of("with", name, node) })
                    }
                    (None, Some(default)) => {
                        Some(Value { text: default.to_owned(), quoted: false, origin: None, later: false })
                    }
                    (None, None) => {
                        let (known, include) = (names(&with.values), with.span.clone());
                        self.unknown(variable, known, span);
                        let told = self.reading.diagnostics.last_mut()?;
                        told.related = Some((include, "not given here".to_owned()));
                        None
                    }
                }
            }
            _ => self.unknown(variable, Vec::new(), span),
        }
    }

    fn of_environment(&mut self, name: &str, default: Option<&str>, span: &Range<usize>) -> Option<Value> {
        let value = self.reading.folder.variable(name);
        // As in a shell, `:-` stands in for an empty value too.
        let text = match (value, default) {
            (Some(value), _) if !value.is_empty() => value,
            (_, Some(default)) => {
                return Some(Value { text: default.to_owned(), quoted: false, origin: None, later: false });
            }
            (Some(empty), None) => empty,
            (None, None) if self.scope.required.iter().any(|required| required == name) => {
                self.missing = Some(name.to_owned());
                return None;
            }
            (None, None) => {
                let message = format!("environment variable `{}` is not set", shortened(name));
                let default = format!("a default as in `${{env.{name}:-default}}`");
                self.reading.error(span, message).help = match self.scope.calls {
                    Some(_) => format!("set it, or give {default}"),
                    None => format!("set it, give {default}, or say `requires: {{ env: {name} }}`"),
                };
                return None;
            }
        };
        let secret = self.scope.secrets.iter().any(|secret| secret == name);
        let shown = if secret { "a secret".to_owned() } else { format!("`{}`", shortened(&text)) };
        let origin = Some(Origin { name: format!("env.{name}"), shown, span: None });
        Some(Value { text, quoted: false, origin, later: false })
    }

    /// What a call has, where that is something it can have.
    fn of_call(&mut self, variable: &Variable<'_>, calls: &CallScope<'_>, span: &Range<usize>) -> Option<Value> {
        let name = variable.name.unwrap_or_default();
        let default = variable.default.map(|default| format!(":-{default}")).unwrap_or_default();
        let later = Value::later(format!("${{{}.{name}{default}}}", variable.family));
        if calls.groups == ANY_GROUP {
            return Some(later);
        }
        let params = |calls: &CallScope<'_>| calls.params.iter().map(|(name, _)| name.clone()).collect();
        match variable.family {
            "header" if is_header(name) => Some(later),
            "header" => {
                self.reading.error(span, format!("`{}` is no name of an event header", shortened(name)));
                None
            }
            "params" => match find(calls.params, name) {
                Some(Param { later: true, .. }) => Some(later),
                Some(Param { value, .. }) => Some(value_of("params", name, value)),
                None => self.unknown(variable, params(calls), span),
            },
            _ => {
                let known = match name.parse::<usize>() {
                    Ok(number) => number < calls.groups,
                    Err(_) => calls.names.iter().any(|known| known == name),
                };
                if known {
                    return Some(later);
                }
                if name.parse::<usize>().is_ok() {
                    let message = match calls.groups {
                        0 | 1 => format!("there is no `match.{name}`: the pattern has no groups"),
                        2 => format!("there is no `match.{name}`: the pattern has one group"),
                        more => format!("there is no `match.{name}`: the pattern has {} groups", more - 1),
                    };
                    self.reading.error(span, message).help =
                        "a group is what stands in `( )`; `match.0` is all that matched".to_owned();
                } else {
                    self.unknown(variable, calls.names.to_vec(), span);
                }
                if let Some((from, to)) = calls.pattern {
                    let told = self.reading.diagnostics.last_mut()?;
                    told.related = Some((from..to, "the pattern".to_owned()));
                }
                None
            }
        }
    }

    /// What stands for a field until the call is made.
    fn of_fields(&mut self, variable: &Variable<'_>, span: &Range<usize>) -> Option<Value> {
        let name = variable.name.unwrap_or_default();
        let mark = match self.scope.fields {
            FieldScope::Broken => return None,
            FieldScope::NoLoad => {
                let message = format!("`${{field.{}}}` goes only with a load", shortened(name));
                self.reading.error(span, message).help =
                    "fields are different in each call of a `load`; `${vars.NAME}` is the same in all".to_owned();
                return None;
            }
            FieldScope::NoFields => {
                let diagnostic = self.reading.error(span, "this load has no `fields`");
                diagnostic.help = "give `fields: FILE.csv` under `load`; its first line names them".to_owned();
                return None;
            }
            FieldScope::Fields(_) if !self.takes_fields => {
                let message = format!("`${{field.{}}}` cannot stand here", shortened(name));
                self.reading.error(span, message).help =
                    format!("fields may stand under `call`, in {}", words(&FIELD_KEYS).replace(" or ", " and "));
                return None;
            }
            FieldScope::Fields(table) => match table.mark(name) {
                Some(mark) => mark,
                None => return self.unknown(variable, table.names().to_vec(), span),
            },
        };
        Some(Value { text: mark, quoted: true, origin: None, later: false })
    }

    /// A variable of `vars`, in which there may be others.
    fn of_vars(&mut self, name: &str, node: &Node, span: &Range<usize>) -> Option<Value> {
        if self.looking_up.iter().any(|outer| outer == name) {
            let diagnostic = self.reading.error(span, format!("`vars.{}` is made of itself", shortened(name)));
            diagnostic.related = Some((node.span.clone(), "here".to_owned()));
            return None;
        }
        self.looking_up.push(name.to_owned());
        let before = self.substituted.len();
        let whole = self.node(node);
        self.looking_up.pop();
        let broken = self.substituted[before..].iter().any(|inner| inner.origin.is_none() && !inner.later);
        (!broken).then(|| value_of("vars", name, &whole))
    }

    fn unknown(&mut self, variable: &Variable<'_>, known: Vec<String>, span: &Range<usize>) -> Option<Value> {
        let Variable { family, name, .. } = *variable;
        let (family, name) = (shortened(family), name.map(shortened));
        let (families, whose, listed): (&[&str], _, _) = match self.scope.calls {
            None => (&FAMILIES, "scenario", "`vars.NAME`, `matrix.NAME`, `env.NAME`, `host.name`"),
            Some(_) => (&CALL_FAMILIES, "route", "`match.1`, `match.NAME`, `params.NAME`, `header.NAME`, `env.NAME`"),
        };
        let there: Vec<String> = if families.contains(&family.as_str()) {
            let known = if family == "host" { vec!["name".to_owned()] } else { known };
            known.iter().map(|name| format!("{family}.{name}")).collect()
        } else {
            families.iter().map(|family| format!("{family}.{}", name.clone().unwrap_or_default())).collect()
        };
        let whole = name.as_ref().map_or(family.clone(), |name| format!("{family}.{name}"));
        let diagnostic = self.reading.error(span, format!("unknown variable `{whole}`"));
        match (did_you_mean(&whole, there.iter().map(String::as_str)), &name) {
            (Some(meant), _) => diagnostic.label = format!("did you mean `{meant}`?"),
            (None, None) => {
                diagnostic.help = format!("variables are {listed}; one of the switch is written `$${{{whole}}}`");
            }
            (None, Some(_)) if !families.contains(&family.as_str()) => {
                diagnostic.help = format!("variables are {listed}");
            }
            (None, Some(_)) if there.is_empty() => diagnostic.help = format!("this {whose} has no `{family}`"),
            (None, Some(_)) => diagnostic.help = format!("known: {}", there.join(", ")),
        }
        None
    }

    /// Whether something within `span` could not be put in.
    pub fn broken(&self, span: &Range<usize>) -> bool {
        self.substituted.iter().any(|put| put.origin.is_none() && !put.later && within(&put.span, span))
    }
}

/// Where something within `span` is put in once a call is routed.
pub(super) fn later_within<'a>(
    substituted: &'a [Substituted],
    span: &'a Range<usize>,
) -> impl Iterator<Item = &'a Range<usize>> {
    substituted.iter().filter(move |put| put.later && within(&put.span, span)).map(|put| &put.span)
}

impl Files {
    /// The steps of the file `path`, which `file` names.
    fn steps_of(&mut self, path: &Path, file: &Placed<String>, reading: &mut Reading<'_>) -> Option<Vec<Node>> {
        if let Some(steps) = self.steps.get(path) {
            return steps.clone();
        }
        let text = match reading.folder.text(path) {
            Ok(Some(text)) => text,
            Ok(None) => {
                let diagnostic = reading.error(&file.span, format!("file `{}` is not there", shortened(&file.value)));
                diagnostic.label = format!("looked for {}", path.display());
                diagnostic.help =
                    "file names are relative to the folder of the file that they are written in".to_owned();
                return None;
            }
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", shortened(&file.value));
                reading.error(&file.span, message);
                return None;
            }
        };
        let source = reading.add(path, &text);
        self.included.push((source.base(), file.span.clone()));
        let (documents, diagnostics) = node::parse(&source);
        let fine = diagnostics.is_empty();
        reading.diagnostics.extend(diagnostics);
        let documents: Vec<_> = documents.into_iter().filter(|document| !document.is_null()).collect();
        let steps = match &documents[..] {
            _ if !fine => None,
            [Node { content: Content::List(steps), .. }] if !steps.is_empty() => Some(steps.clone()),
            [] => {
                let span = source.base()..source.base();
                reading.error(&span, "no steps in this file");
                None
            }
            [_, second, ..] => {
                reading.error(&second.span, "a file with steps has one document").label = "a second one".to_owned();
                None
            }
            [other] => {
                let diagnostic =
                    reading.error(&other.span, format!("expected a list of steps, found {}", other.found()));
                diagnostic.help = "each step stands in its own line after `- `".to_owned();
                None
            }
        };
        self.steps.insert(path.to_owned(), steps.clone());
        steps
    }

    /// Tells of each mistake in an included file where that was included.
    pub fn tell_includes(&self, reading: &mut Reading<'_>) {
        let Reading { sources, diagnostics, .. } = reading;
        for (base, span) in &self.included {
            let Some(source) = sources.iter().find(|source| source.base() == *base) else { continue };
            for diagnostic in diagnostics.iter_mut().filter(|diagnostic| diagnostic.is_about(source)) {
                if diagnostic.related.is_none() {
                    diagnostic.related = Some((span.clone(), "included here".to_owned()));
                }
            }
        }
    }
}

/// Adds to what was told of substituted values where they come from, and drops what was told of those that have none.
pub(super) fn tell_origins(substituted: &[Substituted], diagnostics: &mut Vec<Diagnostic>, from: usize) {
    let of = |diagnostic: &Diagnostic| substituted.iter().filter(|put| within(&diagnostic.span, &put.span)).collect();
    let mut index = 0;
    diagnostics.retain_mut(|diagnostic| {
        index += 1;
        let here: Vec<&Substituted> = if index > from { of(diagnostic) } else { Vec::new() };
        if here.iter().any(|put| put.origin.is_none()) {
            return false;
        }
        // A value that is in the message is what it is about.
        let origins: Vec<&Origin> = here.iter().filter_map(|put| put.origin.as_ref()).collect();
        let told = origins.iter().find(|origin| diagnostic.message.contains(&origin.shown)).or(origins.first());
        if let Some(Origin { name, shown, span }) = told {
            let note = format!("`${{{name}}}` is {shown}");
            match span {
                Some(span) if diagnostic.related.is_none() => diagnostic.related = Some((span.clone(), note)),
                _ if diagnostic.help.is_empty() => diagnostic.help = note,
                _ => diagnostic.help = format!("{note}; {}", diagnostic.help),
            }
        }
        true
    });
}

fn within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn find<'a, T>(values: &'a [(String, T)], name: &str) -> Option<&'a T> {
    values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn is_header(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b))
}

fn names(values: &[(String, Node)]) -> Vec<String> {
    values.iter().map(|(name, _)| name.clone()).collect()
}

/// What `node`, a single value, stands for.
fn value_of(family: &str, name: &str, node: &Node) -> Value {
    let (text, quoted) = match &node.content {
        Content::Scalar { text, quoted } => (text.clone(), *quoted),
        _ => (String::new(), true),
    };
    let shown = format!("`{}`", shortened(&text));
    let origin = Some(Origin { name: format!("{family}.{name}"), shown, span: Some(node.span.clone()) });
    Value { text, quoted, origin, later: false }
}

thread_local! {
    static INCLUDE: Shape<Include> = include();
}

/// `include: FILE` or `include: { file: FILE, with: { ... } }`.
pub(super) fn include() -> Shape<Include> {
    let full = mapping!(Include {
        file: required("file", line().placed(), "The file, from the folder of this one: a list of steps."),
        with: default(
            "with",
            raw().by_name("values"),
            Vec::new(),
            json!({}),
            "What the file's `${with.NAME}` stand for."
        ),
    });
    let bare = line().placed().map(|file| Include { file, with: Vec::new() });
    bare.or(full).expects("a file with steps, or `{ file: ..., with: ... }`")
}

/// A cell of no matrix.
pub(super) const NO_CELL: Cell = Vec::new();
