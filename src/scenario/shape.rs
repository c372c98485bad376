//! What a YAML node may be, said once: reading, validation and JSON Schema all come from the same [`Shape`].
//!
//! A `Shape<T>` reads a `T` or tells every reason why it cannot; nothing else of the loader looks at YAML.
//! `mapping!` ([`mapping`](super::mapping)) makes one for a struct from its keys, [`tagged`](super::tagged::tagged) one
//! for a family of steps.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;
use serde_json::{Value, json};

use super::mapping::KeyAbout;
use super::node::{Content, Entry, Node, shortened};
use super::reading::Reading;
use super::variables;
use crate::place::Place;

/// What a YAML node may be, how it is read, and its JSON Schema.
pub struct Shape<T> {
    pub(super) schema: Schema,
    /// For a message: ``a duration such as `2s` ``.
    pub(super) expects: String,
    pub(super) accepts: Accepts,
    pub(super) read: Read<T>,
}

/// Reads a node; the text is what a message says was expected.
pub(super) type Read<T> = Box<dyn Fn(&Node, &str, &mut Reading<'_>) -> Option<T>>;

/// JSON Schema (draft 2020-12) of a shape, and the named parts that it refers to.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub json: Value,
    pub parts: BTreeMap<String, Value>,
    /// Of a mapping, or of what stands under each name of one: its keys, for those who tell of them.
    pub keys: Vec<KeyAbout>,
}

/// Names of variables and headers: the token of RFC 3261 25.1 without quotation marks.
const NAME: &str = "^[A-Za-z0-9_.!%*+~-]+$";

/// Kinds of YAML nodes that a shape looks at; of several shapes the one that looks at the node reads it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Accepts {
    pub scalar: bool,
    pub list: bool,
    pub mapping: bool,
}

/// A value and where it stands in its file.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    pub value: T,
    pub place: Place,
    /// Bytes of the file's text.
    pub span: Range<usize>,
}

impl<T> std::ops::Deref for Placed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: 'static> Shape<T> {
    /// A single value: `parse` makes it from the text and whether that was quoted, or says what is wrong with it.
    pub fn scalar(
        expects: impl Into<String>,
        json: Value,
        parse: impl Fn(&str, Quoted) -> Result<T, Wrong> + 'static,
    ) -> Self {
        Shape {
            schema: Schema::or_variable(json),
            expects: expects.into(),
            accepts: Accepts { scalar: true, ..Accepts::default() },
            read: Box::new(move |node, expects, reading| {
                let (Content::Scalar { text, quoted }, false) = (&node.content, node.is_null()) else {
                    reading.unexpected(node, expects);
                    return None;
                };
                match parse(text, if *quoted { Quoted::Yes } else { Quoted::No }) {
                    Ok(value) => Some(value),
                    Err(wrong) => {
                        let span = reading.part_of(node, text, wrong.part);
                        let diagnostic = match wrong.message {
                            Some(message) => reading.error(&span, message),
                            None => reading.unexpected(node, expects),
                        };
                        if !wrong.label.is_empty() {
                            diagnostic.label = wrong.label;
                        }
                        diagnostic.help = wrong.help;
                        None
                    }
                }
            }),
        }
    }

    /// Reads a `T` from `node`, or tells why not.
    pub fn read(&self, node: &Node, reading: &mut Reading<'_>) -> Option<T> {
        (self.read)(node, &self.expects, reading)
    }

    /// The same node, made into something else.
    pub fn map<U: 'static>(self, into: impl Fn(T) -> U + 'static) -> Shape<U> {
        self.and_then(move |value, _, _| Some(into(value)))
    }

    /// The same node, made into something else where that can be done; `into` tells why not.
    pub fn and_then<U: 'static>(self, into: impl Fn(T, &Node, &mut Reading<'_>) -> Option<U> + 'static) -> Shape<U> {
        let read = self.read;
        Shape {
            schema: self.schema,
            expects: self.expects,
            accepts: self.accepts,
            read: Box::new(move |node, expects, reading| {
                let value = read(node, expects, reading)?;
                into(value, node, reading)
            }),
        }
    }

    /// With the place it stands at.
    pub fn placed(self) -> Shape<Placed<T>> {
        self.and_then(|value, node, reading| {
            Some(Placed { value, place: reading.place(node), span: node.span.clone() })
        })
    }

    /// Said once in the JSON Schema, under `name`, and referred to from everywhere it is used.
    pub fn named(mut self, name: &str) -> Self {
        let json = std::mem::replace(&mut self.schema.json, json!({ "$ref": format!("#/$defs/{name}") }));
        self.schema.parts.insert(name.to_owned(), json);
        self
    }

    /// A value that may stand there, for the schema.
    pub fn example(mut self, value: Value) -> Self {
        if let Some(object) = self.schema.json.as_object_mut() {
            object.insert("examples".to_owned(), json!([value]));
        }
        self
    }

    /// What a message says was expected.
    pub fn expects(mut self, expects: impl Into<String>) -> Self {
        self.expects = expects.into();
        self
    }

    /// Either this or `other`, which must look at another kind of node: `hangup: BUSY` or `hangup: { ... }`.
    pub fn or(self, other: Shape<T>) -> Shape<T> {
        let (first, second) = (self.accepts, other.accepts);
        debug_assert!(!first.overlaps(second), "{} and {} cannot be told apart", self.expects, other.expects);
        let expects = format!("{} or {}", self.expects, other.expects);
        let mut schema = Schema { parts: self.schema.parts, ..Schema::default() };
        let mut choices = flattened(self.schema.json);
        let others = flattened(schema.include(other.schema));
        choices.extend(others.into_iter().filter(|other| !choices.contains(other)).collect::<Vec<_>>());
        schema.json = json!({ "anyOf": choices });
        let (read_first, read_second) = (self.read, other.read);
        let (expects_first, expects_second) = (self.expects, other.expects);
        Shape {
            schema,
            expects,
            accepts: first.and(second),
            read: Box::new(move |node, expects, reading| {
                // "Nothing" is told of with all that could stand there.
                if first.looks_at(node) && !node.is_null() {
                    read_first(node, &expects_first, reading)
                } else if second.looks_at(node) && !node.is_null() {
                    read_second(node, &expects_second, reading)
                } else {
                    reading.unexpected(node, expects);
                    None
                }
            }),
        }
    }

    /// A list of these. All are read, so that the mistakes of all are told.
    pub fn list(self) -> Shape<Vec<T>> {
        let expects = format!("a list, each item {}", self.expects);
        let json = json!({ "type": "array", "items": self.schema.json });
        let schema = Schema { json, parts: self.schema.parts, ..Schema::default() };
        let (read, item) = (self.read, self.expects);
        Shape {
            schema,
            expects,
            accepts: Accepts { list: true, ..Accepts::default() },
            read: Box::new(move |node, expects, reading| {
                let Content::List(nodes) = &node.content else {
                    let diagnostic = reading.unexpected(node, expects);
                    if !node.is_null() {
                        diagnostic.help = "each item of a list stands in its own line after `- `".to_owned();
                    }
                    return None;
                };
                let read: Vec<_> = nodes.iter().map(|node| read(node, &item, reading)).collect();
                read.into_iter().collect()
            }),
        }
    }

    /// One of these, or a list of them.
    pub fn one_or_list(item: impl Fn() -> Shape<T>) -> Shape<Vec<T>> {
        let expects = format!("{}, or a list of them", item().expects);
        item().map(|one| vec![one]).or(item().list().not_empty()).expects(expects)
    }

    /// Keys of any name, each with one of these: variables, headers.
    pub fn by_name(self, what: &'static str) -> Shape<Vec<(String, T)>> {
        let expects = format!("a mapping of {what}");
        let json = json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": self.schema.json,
            "minProperties": 1,
        });
        let name = OnceCell::new();
        let (read, item) = (self.read, self.expects);
        Shape {
            schema: Schema { json, ..self.schema },
            expects,
            accepts: Accepts { mapping: true, ..Accepts::default() },
            read: Box::new(move |node, expects, reading| {
                let entries = match &node.content {
                    Content::Mapping(entries) if !entries.is_empty() => entries,
                    _ => {
                        reading.unexpected(node, expects);
                        return None;
                    }
                };
                // The pattern is a literal of ours, and tests read names with it.
                let name = name.get_or_init(|| Regex::new(NAME).expect("a pattern of the language compiles"));
                let mut read_one = |entry: &Entry| {
                    let value = read(&entry.value, &item, reading);
                    if !name.is_match(&entry.key) {
                        reading.error(&entry.key_span, format!("`{}` cannot be a name here", shortened(&entry.key)));
                        return None;
                    }
                    Some((entry.key.clone(), value?))
                };
                let read: Vec<_> = entries.iter().map(&mut read_one).collect();
                read.into_iter().collect()
            }),
        }
    }

    /// JSON Schema of this shape as a whole document.
    pub fn json_schema(&self) -> Value {
        let mut json = self.schema.json.clone();
        if let Some(object) = json.as_object_mut() {
            object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
            object.insert("$defs".to_owned(), json!(self.schema.parts));
        }
        json
    }
}

impl<T: 'static> Shape<Vec<T>> {
    /// A list with something in it.
    pub fn not_empty(mut self) -> Self {
        if let Some(object) = self.schema.json.as_object_mut() {
            object.insert("minItems".to_owned(), json!(1));
        }
        let expects = self.expects.clone();
        self.and_then(move |list, node, reading| {
            if list.is_empty() {
                reading.error(&node.span, format!("expected {expects}, found an empty list"));
                return None;
            }
            Some(list)
        })
    }
}

/// Whether a scalar was written in quotation marks, which make it a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoted {
    Yes,
    No,
}

/// What is wrong with a scalar.
#[derive(Clone, Debug, Default)]
pub struct Wrong {
    /// `None`: that it is not what was expected.
    pub message: Option<String>,
    pub label: String,
    pub help: String,
    /// Bytes of the text that are wrong; `None`: all of it.
    pub part: Option<Range<usize>>,
}

impl Wrong {
    /// It is not what was expected.
    pub fn kind() -> Self {
        Wrong::default()
    }

    pub fn message(message: impl Into<String>) -> Self {
        Wrong { message: Some(message.into()), ..Wrong::default() }
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    pub fn part(mut self, part: Range<usize>) -> Self {
        self.part = Some(part);
        self
    }
}

impl Accepts {
    fn looks_at(self, node: &Node) -> bool {
        match node.content {
            Content::Scalar { .. } => self.scalar,
            Content::List(_) => self.list,
            Content::Mapping(_) => self.mapping,
        }
    }

    fn and(self, other: Accepts) -> Accepts {
        Accepts {
            scalar: self.scalar || other.scalar,
            list: self.list || other.list,
            mapping: self.mapping || other.mapping,
        }
    }

    fn overlaps(self, other: Accepts) -> bool {
        self.scalar && other.scalar || self.list && other.list || self.mapping && other.mapping
    }
}

impl Schema {
    /// The schema of a single value, which may be a text with variables as well.
    pub(super) fn or_variable(json: Value) -> Schema {
        let mut choices = flattened(json);
        let variable = json!({ "$ref": format!("#/$defs/{}", variables::PART) });
        if !choices.contains(&variable) {
            choices.push(variable);
        }
        let parts = BTreeMap::from([(variables::PART.to_owned(), variables::schema())]);
        Schema { json: json!({ "anyOf": choices }), parts, ..Schema::default() }
    }

    /// Takes the parts of `other` over and gives the rest of it.
    pub(super) fn include(&mut self, other: Schema) -> Value {
        self.parts.extend(other.parts);
        other.json
    }
}

/// The choices of a schema that is nothing but a choice.
pub(super) fn flattened(json: Value) -> Vec<Value> {
    match json {
        Value::Object(mut object) if object.len() == 1 && object.contains_key("anyOf") => {
            match object.remove("anyOf") {
                Some(Value::Array(choices)) => choices,
                _ => Vec::new(),
            }
        }
        json => vec![json],
    }
}

/// `` `a`, `b` or `c` ``
pub(super) fn words<'a>(words: impl IntoIterator<Item = &'a &'a str>) -> String {
    let quoted: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
