//! Mappings: their keys, described once each, and rules on which keys go together.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Value, json};

use super::diagnostic::did_you_mean;
use super::node::{Content, Node};
use super::reading::Reading;
use super::shape::{Accepts, Schema, Shape, words};

/// One key of a mapping: its name, its shape, what it is for, and what stands in when it is not there.
pub struct Key<T> {
    pub(super) about: KeyAbout,
    read: ReadKey<T>,
}

/// Reads the value of a key from its mapping, or what stands in for it.
type ReadKey<T> = Box<dyn Fn(&Node, &mut Reading<'_>) -> Option<T>>;

/// What the schema and the messages say of a [`Key`].
#[derive(Clone, Debug)]
pub(super) struct KeyAbout {
    pub name: &'static str,
    pub required: bool,
    /// What stands there: ``a time such as `2s` ``.
    pub expects: String,
    pub schema: Schema,
}

/// A key that must be there.
pub fn required<T: 'static>(name: &'static str, shape: Shape<T>, doc: &str) -> Key<T> {
    let about = about(name, Presence::Required, &shape, doc);
    Key {
        about,
        read: Box::new(move |node, reading| match node.value(name) {
            Some(value) => shape.read(value, reading),
            None => {
                reading.error(&head(node), format!("`{name}` is missing"));
                None
            }
        }),
    }
}

/// A key that need not be there.
pub fn optional<T: 'static>(name: &'static str, shape: Shape<T>, doc: &str) -> Key<Option<T>> {
    let about = about(name, Presence::Optional(None), &shape, doc);
    Key {
        about,
        read: Box::new(move |node, reading| match node.value(name) {
            Some(value) => shape.read(value, reading).map(Some),
            None => Some(None),
        }),
    }
}

/// A key that stands for `value` when it is not there; `shown` is how one would write that.
pub fn default<T: Clone + 'static>(
    name: &'static str,
    shape: Shape<T>,
    value: T,
    shown: impl Into<Value>,
    doc: &str,
) -> Key<T> {
    let about = about(name, Presence::Optional(Some(shown.into())), &shape, doc);
    Key {
        about,
        read: Box::new(move |node, reading| match node.value(name) {
            Some(node) => shape.read(node, reading),
            None => Some(value.clone()),
        }),
    }
}

impl<T> Key<T> {
    /// Reads this key of the mapping `node`.
    pub fn read(&self, node: &Node, reading: &mut Reading<'_>) -> Option<T> {
        (self.read)(node, reading)
    }
}

/// What to underline of a mapping that lacks something: its first key, not all of it.
fn head(node: &Node) -> Range<usize> {
    match &node.content {
        Content::Mapping(entries) => entries.first().map_or(node.span.clone(), |entry| entry.key_span.clone()),
        _ => node.span.clone(),
    }
}

/// Whether a key must be there, and what stands in for it.
enum Presence {
    Required,
    Optional(Option<Value>),
}

fn about<T>(name: &'static str, presence: Presence, shape: &Shape<T>, doc: &str) -> KeyAbout {
    let mut schema = shape.schema.clone();
    if let Some(object) = schema.json.as_object_mut() {
        object.insert("description".to_owned(), json!(doc));
        if let Presence::Optional(Some(default)) = &presence {
            object.insert("default".to_owned(), default.clone());
        }
    }
    let required = matches!(presence, Presence::Required);
    KeyAbout { name, required, expects: shape.expects.clone(), schema }
}

/// The keys of one mapping, for its schema and for finding keys that do not belong there.
#[derive(Default)]
pub(super) struct Keys {
    abouts: Vec<KeyAbout>,
}

impl Keys {
    pub(super) fn add(&mut self, about: KeyAbout) {
        self.abouts.push(about);
    }

    /// The shape of a mapping with these keys, which `read` reads.
    pub(super) fn shape<T: 'static>(self, read: impl Fn(&Node, &mut Reading<'_>) -> Option<T> + 'static) -> Shape<T> {
        let mut schema = Schema::default();
        let mut properties = serde_json::Map::new();
        let required: Vec<_> = self.abouts.iter().filter(|about| about.required).map(|about| about.name).collect();
        let names: Vec<_> = self.abouts.iter().map(|about| about.name).collect();
        for about in &self.abouts {
            let json = schema.include(about.schema.clone());
            properties.insert(about.name.to_owned(), json);
        }
        schema.keys = self.abouts;
        schema.json = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        if !required.is_empty() {
            schema.json["required"] = json!(required);
        }
        let homes = homes(&schema);
        let optional = names.len() - required.len();
        let expects = match (&required[..], &names[..]) {
            ([], few) if few.len() <= 5 => format!("a mapping with {}", words(few)),
            ([], _) => "a mapping".to_owned(),
            (must, _) => {
                let must: Vec<_> = must.iter().map(|name| format!("`{name}`")).collect();
                let more = if optional > 0 { ", and more if need be" } else { "" };
                format!("a mapping with {}{more}", must.join(" and "))
            }
        };
        Shape {
            schema,
            expects,
            accepts: Accepts { mapping: true, ..Accepts::default() },
            read: Box::new(move |node, expects, reading| {
                let Content::Mapping(entries) = &node.content else {
                    reading.unexpected(node, expects);
                    return None;
                };
                let mut known = true;
                for entry in entries.iter().filter(|entry| !names.contains(&entry.key.as_str())) {
                    known = false;
                    unknown_key(&entry.key, &entry.key_span, &names, &homes, reading);
                }
                read(node, reading).filter(|_| known)
            }),
        }
    }
}

/// Where else in this mapping a key would be right: `codec` under `call`.
fn homes(schema: &Schema) -> BTreeMap<String, Vec<String>> {
    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let Some(properties) = schema.json["properties"].as_object() else { return homes };
    for (name, json) in properties {
        let part = json["$ref"].as_str().and_then(|path| schema.parts.get(path.trim_start_matches("#/$defs/")));
        for key in part.unwrap_or(json)["properties"].as_object().into_iter().flat_map(|inner| inner.keys()) {
            homes.entry(key.clone()).or_default().push(name.clone());
        }
    }
    homes
}

fn unknown_key(
    key: &str,
    span: &Range<usize>,
    names: &[&'static str],
    homes: &BTreeMap<String, Vec<String>>,
    reading: &mut Reading<'_>,
) {
    let diagnostic = reading.error(span, format!("unknown key `{key}`"));
    if key == "<<" {
        diagnostic.label = "merge keys are not part of YAML 1.2".to_owned();
    } else if let Some(homes) = homes.get(key) {
        let written: Vec<_> = homes.iter().map(|home| format!("`{home}: {{ {key}: ... }}`")).collect();
        diagnostic.label = format!("belongs under {}", words(&homes.iter().map(String::as_str).collect::<Vec<_>>()));
        diagnostic.help = format!("write {}", written.join(" or "));
    } else if let Some(meant) = did_you_mean(key, names.iter().copied()) {
        diagnostic.label = format!("did you mean `{meant}`?");
    } else {
        diagnostic.help = format!("known here: {}", names.join(", "));
    }
}

/// The shape of a mapping that is read into a struct, each field from one key.
///
/// ```ignore
/// mapping!(Reply {
///     code: required("code", sip_code(), "The SIP response code."),
///     reason: optional("reason", text(), "The reason phrase."),
/// })
/// ```
macro_rules! mapping {
    ($name:ident { $($field:ident : $key:expr),* $(,)? }) => {{
        // All keys before the first name, which may be that of a shape.
        let ($($field,)*) = ($($key,)*);
        let mut keys = $crate::scenario::mapping::Keys::default();
        $(keys.add($field.about.clone());)*
        keys.shape(move |node, reading| {
            // All are read before the first that is missing ends it: each tells its own mistakes.
            $(let $field = $field.read(node, reading);)*
            Some($name { $($field: $field?),* })
        })
    }};
}
pub(super) use mapping;

/// Rules on the keys of a mapping, in its schema too.
impl<T: 'static> Shape<T> {
    /// Checks a mapping before its keys are read, and says the same in the schema.
    fn constrained(
        mut self,
        constrain: impl FnOnce(&mut serde_json::Map<String, Value>),
        check: impl Fn(&Node, &mut Reading<'_>) -> bool + 'static,
    ) -> Self {
        if let Some(object) = self.schema.json.as_object_mut() {
            constrain(object);
        }
        let read = self.read;
        self.read = Box::new(move |node, expects, reading| {
            // Both, so that what is wrong inside is told as well.
            let holds = !matches!(node.content, Content::Mapping(_)) || check(node, reading);
            read(node, expects, reading).filter(|_| holds)
        });
        self
    }

    /// Exactly one of `keys` must be there.
    pub fn exactly_one(self, keys: &'static [&'static str]) -> Self {
        let choice = keys.iter().map(|key| json!({ "required": [key] })).collect();
        self.constrained(
            |object| {
                object.insert("oneOf".to_owned(), Value::Array(choice));
            },
            move |node, reading| {
                let given: Vec<_> = keys.iter().filter_map(|key| node.entry(key)).collect();
                match given[..] {
                    [_] => true,
                    [] => {
                        if !misspelt(node, keys) {
                            reading.error(&head(node), format!("one of {} is missing", words(keys)));
                        }
                        false
                    }
                    [first, second, ..] => {
                        let message = format!("`{}` and `{}` exclude each other", first.key, second.key);
                        let (later, earlier) = if second.key_span.start > first.key_span.start {
                            (second, first)
                        } else {
                            (first, second)
                        };
                        let diagnostic = reading.error(&later.key_span, message);
                        diagnostic.related = Some((earlier.key_span.clone(), "already said here".to_owned()));
                        diagnostic.help = format!("give one of {}", words(keys));
                        false
                    }
                }
            },
        )
    }

    /// One of `keys` or several must be there. `why` is what is wrong otherwise.
    pub fn at_least_one(self, keys: &'static [&'static str], why: &'static str) -> Self {
        let choice: Vec<_> = keys.iter().map(|key| json!({ "required": [key] })).collect();
        self.constrained(
            |object| add_rule(object, json!({ "anyOf": choice })),
            move |node, reading| {
                let given = keys.iter().any(|key| node.entry(key).is_some());
                if !given && !misspelt(node, keys) {
                    reading.error(&head(node), why).help = format!("give {}", words(keys));
                }
                given
            },
        )
    }

    /// `key` and `others` must not both be there. `why` is the help.
    pub fn excludes(self, key: &'static str, others: &'static [&'static str], why: &'static str) -> Self {
        let barred: Vec<_> = others.iter().map(|other| json!({ "required": [other] })).collect();
        self.constrained(
            |object| add_rule(object, json!({ "if": { "required": [key] }, "then": { "not": { "anyOf": barred } } })),
            move |node, reading| {
                let Some(given) = node.entry(key) else { return true };
                let clashes: Vec<_> = others.iter().filter_map(|other| node.entry(other)).collect();
                for other in &clashes {
                    let diagnostic =
                        reading.error(&other.key_span, format!("`{}` and `{key}` exclude each other", other.key));
                    diagnostic.related = Some((given.key_span.clone(), format!("`{key}` is here")));
                    diagnostic.help = why.to_owned();
                }
                clashes.is_empty()
            },
        )
    }

    /// `key` means something only beside one of `others`.
    pub fn needs(self, key: &'static str, others: &'static [&'static str]) -> Self {
        let message = format!("`{key}` goes only with {}", words(others));
        self.beside(key, others, message, String::new())
    }

    /// Beside `key` one of `others` must be there. `why` is what is wrong otherwise.
    pub fn bounded(self, key: &'static str, others: &'static [&'static str], why: &str) -> Self {
        self.beside(key, others, why.to_owned(), format!("give {}", words(others)))
    }

    fn beside(self, key: &'static str, others: &'static [&'static str], message: String, help: String) -> Self {
        let choice: Vec<_> = others.iter().map(|other| json!({ "required": [other] })).collect();
        self.constrained(
            |object| add_rule(object, json!({ "if": { "required": [key] }, "then": { "anyOf": choice } })),
            move |node, reading| match node.entry(key) {
                Some(given) if others.iter().all(|other| node.entry(other).is_none()) => {
                    if help.is_empty() || !misspelt(node, others) {
                        reading.error(&given.key_span, message.clone()).help = help.clone();
                    }
                    false
                }
                _ => true,
            },
        )
    }
}

/// Whether one of `keys` was probably meant by an unknown key, which is told of by itself.
fn misspelt(node: &Node, keys: &[&'static str]) -> bool {
    matches!(&node.content, Content::Mapping(entries)
        if entries.iter().any(|entry| did_you_mean(&entry.key, keys.iter().copied()).is_some()))
}

fn add_rule(object: &mut serde_json::Map<String, Value>, rule: Value) {
    if let Value::Array(rules) = object.entry("allOf").or_insert_with(|| json!([])) {
        rules.push(rule);
    }
}
