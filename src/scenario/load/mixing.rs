//! What a load offers: the document's own call, or a mix of apps and of scenarios of other files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::field_file::LoadFields;
use super::mixed_file::Tests;
use super::{FileLoad, Name, SHAPE};
use crate::load::{Profile, Stage as LoadStage, auto_duration};
use crate::metrics::{Gate, Over};
use crate::scenario::diagnostic::did_you_mean;
use crate::scenario::document::Document;
use crate::scenario::load_key::{LoadKeys, MAX_WEIGHT, MixKeys};
use crate::scenario::load_spec::{Fields, LoadSpec, MixEntry, Pace};
use crate::scenario::model::{Scenario, Stage};
use crate::scenario::node::{Content, Entry, Node, shortened};
use crate::scenario::shape::Placed;
use crate::units::Cps;

/// Keys of a document that hold for each call that it offers itself.
const OF_CALLS: [&str; 6] = ["call", "record", "duration", "timeout", "requires", "expect"];

/// Of these, those that say nothing where no call is the document's own.
const OF_OWN_CALLS: [&str; 5] = ["call", "record", "duration", "timeout", "expect"];

/// A part of a mix before the weights are shared out.
struct Part {
    /// As the tester wants it called.
    name: Option<Placed<String>>,
    weight: u32,
    tests: Tests,
    /// Its talk time is that of `auto_duration`.
    auto: bool,
}

impl FileLoad<'_> {
    /// The load of a document. `None`: something is wrong with it, which was told.
    pub(super) fn load(
        &mut self,
        keys: Placed<LoadKeys>,
        mut document: Document,
        node: &Node,
        name: &Name<'_>,
        fields: &LoadFields,
        names_host: bool,
    ) -> Option<Scenario> {
        let at = node.value("load").unwrap_or(node);
        if !self.called(&keys, node, name.document) {
            return None;
        }
        let mut fine = true;
        if names_host {
            let span = node.entry("load").map_or(node.span.clone(), |load| load.key_span.clone());
            let diagnostic = self.reading.error(&span, "`${host.name}` cannot stand in a load");
            diagnostic.help =
                "a load is offered to all hosts together; a scenario of its `mix` may name its host".into();
            fine = false;
        }
        if let (Some(find), None) = (at.entry("find"), node.entry("gates")) {
            let diagnostic = self.reading.error(&find.key_span, "a search for capacity needs `gates`");
            diagnostic.help = "they say up to where a rate is good: give `gates` beside `load`".to_owned();
            fine = false;
        }
        let pace = self.pace(&keys);
        let peak = match &pace {
            Some(Pace::Profile(profile)) => profile.peak(),
            Some(Pace::Find(find)) => find.max,
            None => Cps(1.0),
        };
        let talk_time = match (&keys.auto_duration, keys.limit) {
            (Some(auto), Some(limit)) if auto.value => {
                let Placed { place, span, .. } = auto.clone();
                Some(Placed { value: auto_duration(limit, peak), place, span })
            }
            _ => None,
        };
        let parts = match &keys.mix {
            None => vec![self.part(None, 1, node, None, name, talk_time.as_ref())],
            Some(mix) => mix.iter().map(|entry| self.entry(entry, node, name, talk_time.as_ref())).collect(),
        };
        let table = match fields {
            LoadFields::File(file) => {
                fine &= self.fill(node.value("call"), file);
                let order = keys.fields.as_ref().map(|fields| fields.order).unwrap_or_default();
                Some(Fields { table: Arc::clone(&file.table), order })
            }
            LoadFields::Broken => return None,
            LoadFields::NoLoad | LoadFields::NoFields => None,
        };
        let parts: Option<Vec<Part>> = parts.into_iter().collect();
        let mix = self.shared(parts?, at)?;
        let gates = document.gates.take().unwrap_or_default();
        fine &= self.gates_name(&gates, &mix);
        let keys = keys.value;
        let spec = LoadSpec {
            pace: pace.filter(|_| fine)?,
            duration: keys.duration.flatten(),
            limit: keys.limit,
            max_offered: keys.max_offered.map(u64::from),
            host_limit: keys.host_limit,
            drain: keys.drain,
            fields: table,
            host: keys.host,
            mix,
        };
        Some(Scenario {
            stage: Stage::Load,
            load: Some(Box::new(spec)),
            gates,
            ..self.compose(document.without_calls(), name)
        })
    }

    /// Tells gates over apps that are not in the mix; gives whether all are.
    fn gates_name(&mut self, gates: &[Placed<Gate>], mix: &[MixEntry]) -> bool {
        let mut fine = true;
        for gate in gates {
            let Over::App(app) = &gate.over else { continue };
            if mix.iter().any(|entry| entry.name == *app) {
                continue;
            }
            fine = false;
            let names: Vec<&str> = mix.iter().map(|entry| entry.name.as_str()).collect();
            let meant = did_you_mean(app, names.iter().copied());
            let diagnostic = self.reading.error(&gate.span, format!("no call of this load is called `{app}`"));
            match meant {
                Some(meant) => diagnostic.label = format!("did you mean `{meant}`?"),
                None => diagnostic.help = format!("its calls are {}", names.join(", ")),
            }
        }
        fine
    }

    /// Tells when it is not clear what is called; gives whether it is. `written` is the document without defaults.
    fn called(&mut self, keys: &LoadKeys, node: &Node, written: &Node) -> bool {
        let own = ["app", "caller", "callee"].into_iter().find_map(|key| node.entry(key));
        let load = node.entry("load").map_or(node.span.clone(), |load| load.key_span.clone());
        let mix = node.value("load").and_then(|load| load.entry("mix"));
        match (own, mix) {
            (None, None) => {
                self.reading.error(&load, "nothing is called in this load").help =
                    "give `app`, `caller` or `callee` beside `load`, or `mix` under it".to_owned();
                return false;
            }
            (Some(own), Some(mix)) => {
                let message = format!("`{}` and `mix` exclude each other", own.key);
                let diagnostic = self.reading.error(&own.key_span, message);
                diagnostic.related = Some((mix.key_span.clone(), "`mix` is here".to_owned()));
                diagnostic.help = "with a mix all calls are its entries: put this one among them".to_owned();
                return false;
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        let apps = keys.mix.iter().flatten().any(|entry| entry.app.is_some());
        if own.is_none() && !apps {
            for entry in OF_OWN_CALLS.into_iter().filter_map(|key| written.entry(key)) {
                let diagnostic = self.reading.error(&entry.key_span, format!("`{}` holds for no call", entry.key));
                diagnostic.help = "scenarios of other files are mixed in as they are; it holds for an `app`".to_owned();
            }
            return OF_OWN_CALLS.into_iter().all(|key| written.entry(key).is_none());
        }
        true
    }

    fn pace(&mut self, keys: &LoadKeys) -> Option<Pace> {
        if let Some(find) = keys.find {
            return Some(Pace::Find(find));
        }
        if let Some(rate) = keys.rate {
            return Some(Pace::Profile(Profile::constant(rate)));
        }
        let stages = keys.stages.as_ref()?;
        if let Some(first) = stages.first().filter(|first| matches!(first.value, LoadStage::Hold { rate: None, .. })) {
            let diagnostic = self.reading.error(&first.span, "there is no rate to hold yet");
            diagnostic.help = "give it a `rate`, or begin with a stage such as `{ to: 30, over: 10s }`".to_owned();
            return None;
        }
        let profile = Profile::stages(stages.iter().map(|stage| stage.value));
        if profile.calls() == Some(0) {
            self.reading.error(&stages.span, "these stages offer no call");
            return None;
        }
        Some(Pace::Profile(profile))
    }

    fn entry(
        &mut self,
        entry: &Placed<MixKeys>,
        node: &Node,
        name: &Name<'_>,
        talk_time: Option<&Placed<Duration>>,
    ) -> Option<Part> {
        let MixKeys { app, scenario, weight, name: called } = &entry.value;
        match (app, scenario) {
            (Some(app), _) => self.part(Some(app), *weight, node, called.clone(), name, talk_time),
            (None, Some(file)) => {
                let tests = self.tests_of(file)?;
                Some(Part { name: called.clone(), weight: *weight, tests, auto: false })
            }
            (None, None) => None,
        }
    }

    /// A call of the document itself, or of `app` as the document has it.
    fn part(
        &mut self,
        app: Option<&Node>,
        weight: u32,
        node: &Node,
        called: Option<Placed<String>>,
        name: &Name<'_>,
        talk_time: Option<&Placed<Duration>>,
    ) -> Option<Part> {
        let Content::Mapping(entries) = &node.content else { return None };
        let own = |key: &str| OF_CALLS.contains(&key) || app.is_none() && ["app", "caller", "callee"].contains(&key);
        let mut keys: Vec<Entry> = entries.iter().filter(|entry| own(&entry.key)).cloned().collect();
        keys.extend(app.map(|app| Entry { key: "app".to_owned(), key_span: app.span.clone(), value: app.clone() }));
        let call = node.with(Content::Mapping(keys));
        // Its mistakes were told when the document was read.
        let mut document = SHAPE.with(|shape| shape.read(&call, &mut self.reading))?;
        let auto = document.duration.is_none() && talk_time.is_some();
        document.duration = document.duration.or(talk_time.cloned());
        let told = self.reading.diagnostics.len();
        let mut scenario = self.compose(document, name);
        // What is wrong may be so for one app of several.
        for diagnostic in &mut self.reading.diagnostics[told..] {
            if let (Some(app), None) = (app, &diagnostic.related) {
                diagnostic.related = Some((app.span.clone(), "as this app is".to_owned()));
            }
        }
        let word = call.value("app").or(node.value("name")).and_then(word_of).unwrap_or(name.default);
        let word = self.redactor.redact(word).into_owned();
        scenario.name.clone_from(&word);
        scenario.base.clone_from(&word);
        Some(Part { name: called, weight, tests: vec![(word, vec![Arc::new(scenario)])], auto })
    }

    /// The mix of `parts`, each of which shares its weight among its tests; `at` is the load.
    fn shared(&mut self, parts: Vec<Part>, at: &Node) -> Option<Vec<MixEntry>> {
        // So many times each weight can be divided by every number of tests.
        let times = parts.iter().try_fold(1, |times, part| {
            let tests = part.tests.len() as u64;
            Some(times / gcd(times, tests) * tests).filter(|times| *times <= u64::from(MAX_WEIGHT))
        });
        let Some(times) = times else {
            let span = at.entry("mix").map_or(at.span.clone(), |mix| mix.key_span.clone());
            let diagnostic = self.reading.error(&span, "so many tests cannot share the weights of this mix exactly");
            diagnostic.help = "name single tests, as `FILE::NAME`".to_owned();
            return None;
        };
        let mut given: HashMap<&str, &Placed<String>> = HashMap::new();
        for name in parts.iter().filter_map(|part| part.name.as_ref()) {
            if let Some(first) = given.insert(&name.value, name) {
                let message = format!("name `{}` is there twice", shortened(&name.value));
                let diagnostic = self.reading.error(&name.span, message);
                diagnostic.label = "again here".to_owned();
                diagnostic.related = Some((first.span.clone(), "first here".to_owned()));
                return None;
            }
        }
        // Names that were given stay as they are.
        let mut taken: HashSet<String> = given.keys().map(|name| (*name).to_owned()).collect();
        let mut mix = Vec::new();
        for part in &parts {
            let share = u64::from(part.weight) * times / part.tests.len() as u64;
            for (test, scenarios) in &part.tests {
                let name = match &part.name {
                    Some(name) if part.tests.len() == 1 => name.value.clone(),
                    Some(name) => unique(format!("{}: {test}", name.value), &mut taken),
                    None => unique(test.clone(), &mut taken),
                };
                mix.push(MixEntry { name, weight: share, scenarios: scenarios.clone(), auto: part.auto });
            }
        }
        let common = mix.iter().fold(0, |common, entry| gcd(common, entry.weight)).max(1);
        if times > 1 {
            mix.iter_mut().for_each(|entry| entry.weight /= common);
        }
        Some(mix)
    }
}

/// `name`, or with a number behind it, so that it is not in `taken` yet.
fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name} {number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name);
    taken.insert(free.clone());
    free
}

/// The name that `node` says, or of the app that it asks for.
fn word_of(node: &Node) -> Option<&str> {
    match &node.content {
        Content::Scalar { text, .. } => Some(text),
        Content::Mapping(entries) => entries.first().map(|entry| entry.key.as_str()),
        Content::List(_) => None,
    }
}

/// The greatest number that both can be divided by; of 0 and a number, that.
fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
