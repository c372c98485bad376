//! Families of which one is named: steps, apps.

use serde_json::json;

use super::diagnostic::did_you_mean;
use super::node::{Content, Node};
use super::reading::Reading;
use super::shape::{Accepts, Schema, Shape, flattened};

/// One of a family: a step, an app. Written as its bare name, or as a mapping of its name alone.
pub struct Variant<T> {
    pub name: &'static str,
    /// What it does, for the schema.
    pub doc: &'static str,
    pub(super) bare: Option<Box<dyn Fn() -> T>>,
    pub(super) shape: Option<Shape<T>>,
}

impl<T: 'static> Variant<T> {
    pub fn new(name: &'static str, doc: &'static str) -> Self {
        Variant { name, doc, bare: None, shape: None }
    }

    /// The bare name is enough.
    pub fn bare(mut self, make: impl Fn() -> T + 'static) -> Self {
        self.bare = Some(Box::new(make));
        self
    }

    /// The name may be followed by this.
    pub fn with(mut self, shape: Shape<T>) -> Self {
        self.shape = Some(shape);
        self
    }

    /// The same, made into something else.
    pub fn map<U: 'static>(self, into: impl Fn(T) -> U + Clone + 'static) -> Variant<U> {
        let bare = self.bare.map(|make| {
            let into = into.clone();
            Box::new(move || into(make())) as Box<dyn Fn() -> U>
        });
        Variant { name: self.name, doc: self.doc, bare, shape: self.shape.map(|shape| shape.map(into)) }
    }
}

/// The shape of a family: `answer` or `play: { ... }`. `what` names it in messages: `step`.
pub fn tagged<T: 'static>(what: &'static str, variants: Vec<Variant<T>>) -> Shape<T> {
    let mut schema = Schema::default();
    let mut choices = Vec::new();
    for variant in &variants {
        let (name, doc) = (variant.name, variant.doc);
        if variant.bare.is_some() {
            choices.push(json!({ "const": name, "description": doc }));
        }
        let inner = variant.shape.as_ref().map(|shape| schema.include(shape.schema.clone()));
        let mut value = match (inner, variant.bare.is_some()) {
            (Some(inner), false) => inner,
            (Some(inner), true) => {
                let mut choices = flattened(inner);
                choices.push(json!({ "type": "null" }));
                json!({ "anyOf": choices })
            }
            (None, _) => json!({ "type": "null" }),
        };
        if let Some(object) = value.as_object_mut() {
            object.insert("description".to_owned(), json!(doc));
        }
        choices.push(json!({
            "type": "object",
            "properties": { name: value },
            "required": [name],
            "additionalProperties": false,
        }));
    }
    let Schema { json, parts, .. } = Schema::or_variable(json!({ "anyOf": choices }));
    schema.json = json;
    schema.parts.extend(parts);
    Shape {
        schema,
        expects: format!("a {what}"),
        accepts: Accepts { scalar: true, mapping: true, list: false },
        read: Box::new(move |node, _, reading| read_tagged(what, &variants, node, reading)),
    }
}

fn read_tagged<T: 'static>(what: &str, variants: &[Variant<T>], node: &Node, reading: &mut Reading<'_>) -> Option<T> {
    let (name, span, value) = match &node.content {
        Content::Scalar { text, .. } if !node.is_null() => (text, &node.span, None),
        Content::Mapping(entries) => match &entries[..] {
            [entry] => (&entry.key, &entry.key_span, Some(&entry.value)),
            [] => {
                reading.unexpected(node, &format!("a {what}"));
                return None;
            }
            [first, second, ..] => {
                let known = |key: &str| variants.iter().any(|variant| variant.name == key);
                let message = format!("a {what} has one name, found `{}` and `{}`", first.key, second.key);
                let help = if known(&first.key) && known(&second.key) {
                    format!("give `{}` its own line, after `- `", second.key)
                } else {
                    format!("indent `{}` further, so that it belongs to `{}`", second.key, first.key)
                };
                reading.error(&second.key_span, message).help = help;
                return None;
            }
        },
        _ => {
            reading.unexpected(node, &format!("a {what}"));
            return None;
        }
    };
    let Some(variant) = variants.iter().find(|variant| variant.name == name) else {
        let diagnostic = reading.error(span, format!("unknown {what} `{}`", super::node::shortened(name)));
        match did_you_mean(name, variants.iter().map(|variant| variant.name)) {
            Some(meant) => diagnostic.label = format!("did you mean `{meant}`?"),
            None => {
                let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
                diagnostic.help = format!("known: {}", names.join(", "));
            }
        }
        return None;
    };
    match (value.filter(|value| !value.is_null()), &variant.bare, &variant.shape) {
        (None, Some(bare), _) => Some(bare()),
        (None, None, Some(shape)) => {
            let diagnostic = reading.error(span, format!("`{name}` needs {}", shape.expects));
            diagnostic.help = format!("write `{name}: ...`");
            None
        }
        (Some(value), _, Some(shape)) => shape.read(value, reading),
        (Some(value), Some(_), None) => {
            reading.error(&value.span, format!("`{name}` takes nothing, found {}", value.found()));
            None
        }
        // A variant that is neither bare nor has a shape can only be our own slip; it is told as unknown.
        (_, None, None) => {
            reading.error(span, format!("unknown {what} `{name}`"));
            None
        }
    }
}
