//! What there is to say of the apps, drawn from their shapes and from the steps that they stand for.

use std::path::Path;

use serde_json::Value;

use super::{APPS, Served, read_served, served_variants};
use crate::scenario::mapping::KeyAbout;
use crate::scenario::reading::Folder;
use crate::scenario::tagged::Variant;

/// An app, for those who want to use it.
#[derive(Clone, Debug, PartialEq)]
pub struct AppAbout {
    pub name: String,
    /// What it does.
    pub doc: String,
    pub options: Vec<OptionAbout>,
    /// The steps of each side, with its options as they are unless told otherwise.
    pub caller: Vec<String>,
    pub callee: Vec<String>,
    /// Scenarios and loads have it, and not services alone.
    pub in_scenarios: bool,
    /// Options that it cannot do without, with values that would do.
    needs: Vec<(String, Value)>,
}

/// An option of an app.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionAbout {
    pub name: String,
    pub doc: String,
    /// What stands there, with its unit: ``a time such as `2s` ``.
    pub takes: String,
    /// As one would write it.
    pub default: Option<Value>,
    pub required: bool,
    pub example: Option<Value>,
    /// JSON Schema of its value.
    pub schema: Value,
}

/// All apps, those of scenarios first.
pub fn catalogue() -> Vec<AppAbout> {
    served_variants().into_iter().enumerate().map(|(at, variant)| about(&variant, at < APPS.len())).collect()
}

fn about(variant: &Variant<Served>, in_scenarios: bool) -> AppAbout {
    let schema = variant.shape.as_ref().map(|shape| &shape.schema);
    let json = schema.map_or(&Value::Null, |schema| &schema.json);
    // Where names are free, each of them has the options.
    let prefix = if json["propertyNames"].is_object() { "NAME." } else { "" };
    let keys = schema.map(|schema| schema.keys.as_slice()).unwrap_or_default();
    let mut app = AppAbout {
        name: variant.name.to_owned(),
        doc: variant.doc.to_owned(),
        options: keys.iter().map(|key| option(prefix, key)).collect(),
        caller: Vec::new(),
        callee: Vec::new(),
        in_scenarios,
        needs: needs(json, keys),
    };
    let text = app.example_flow();
    if let Ok((_, Served::App(read))) = read_served(&text, &Everything) {
        let steps = read.steps(None);
        let told = |steps: &[Box<dyn crate::scenario::step::Step>]| steps.iter().map(|step| step.describe()).collect();
        (app.caller, app.callee) = (told(&steps.caller), told(&steps.callee));
    }
    app
}

fn option(prefix: &str, key: &KeyAbout) -> OptionAbout {
    let json = &key.schema.json;
    OptionAbout {
        name: format!("{prefix}{}", key.name),
        doc: json["description"].as_str().unwrap_or_default().to_owned(),
        takes: key.expects.clone(),
        default: json.get("default").cloned(),
        required: key.required,
        example: example(json),
        schema: json.clone(),
    }
}

/// The first example of a schema.
fn example(json: &Value) -> Option<Value> {
    json["examples"].as_array()?.first().cloned()
}

/// Options that an app cannot do without: those that must be there, and the first of those of which one must.
fn needs(json: &Value, keys: &[KeyAbout]) -> Vec<(String, Value)> {
    if let Some(Value::Object(whole)) = example(json) {
        return whole.into_iter().collect();
    }
    let first = json["oneOf"][0]["required"][0].as_str();
    let needed = keys.iter().filter(|key| key.required || Some(key.name) == first);
    needed.map(|key| (key.name.to_owned(), example(&key.schema.json).unwrap_or_default())).collect()
}

impl AppAbout {
    /// As it stands in YAML in one line: `play_rec: { file: clip.wav }`.
    pub fn example_flow(&self) -> String {
        if self.needs.is_empty() {
            return self.name.clone();
        }
        let needs: Vec<String> = self.needs.iter().map(|(name, value)| format!("{name}: {}", flow(value))).collect();
        format!("{}: {{ {} }}", self.name, needs.join(", "))
    }

    /// As it stands behind `--app` of `dial`: `play_rec/file=clip.wav`.
    pub fn example_dial(&self) -> String {
        let needs: Vec<String> = self.needs.iter().map(|(name, value)| format!("{name}={}", flow(value))).collect();
        if needs.is_empty() { self.name.clone() } else { format!("{}/{}", self.name, needs.join(",")) }
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{name}: {}", flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A folder in which every file is there.
struct Everything;

impl Folder for Everything {
    fn has_file(&self, _: &Path) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_right_and_every_app_of_scenarios_has_its_steps() {
        for app in catalogue() {
            let read = read_served(&app.example_flow(), &Everything);
            assert!(read.is_ok(), "{}: {read:?}", app.example_flow());
            assert_eq!(!app.callee.is_empty(), app.in_scenarios, "{}", app.name);
            for option in &app.options {
                assert!(!option.doc.is_empty() && !option.takes.is_empty(), "{}: {option:?}", app.name);
            }
            for (name, value) in &app.needs {
                assert!(!value.is_null(), "{}: {name} has no example", app.name);
            }
        }
    }
}
