//! What is done with a call: steps, read when the routes are loaded or, where variables stand in them, for each call.

use std::sync::Arc;

use super::document::{self, Item};
use super::template::{Fit, Unfit, Values, fill_node};
use crate::scenario::app;
use crate::scenario::diagnostic::{Severity, Source};
use crate::scenario::model::{Leg, PlacedStep};
use crate::scenario::node::Node;
use crate::scenario::programs::Programs;
use crate::scenario::reading::{Folder, Reading};
use crate::scenario::shape::Placed;

/// Steps in order, in parts of which each is read at once.
#[derive(Clone, Debug, Default)]
pub struct Play {
    parts: Vec<Part>,
    /// The files that they were read from.
    sources: Vec<Arc<Source>>,
}

/// Steps that are read at once.
#[derive(Clone, Debug)]
pub enum Part {
    /// The same for every call.
    Steps(Arc<[PlacedStep]>),
    /// Those of an app, by [`Leg`].
    App([Arc<[PlacedStep]>; 2]),
    /// One step, in which values of the call stand; whether it may run programs, which is for the routes to say and never
    /// for a value of the call.
    PerCall(Node, Programs),
}

impl Play {
    pub(super) fn new(parts: Vec<Part>) -> Play {
        Play { parts, sources: Vec::new() }
    }

    /// The files that its nodes stand in.
    pub(super) fn read_from(&mut self, sources: &[Arc<Source>]) {
        self.sources = sources.to_vec();
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The steps of `part` for a session that is `leg` of its call. `folder` tells of files that they name, and lets them
    /// run [`Part::programs`].
    ///
    /// # Errors
    /// Why a value does not fit where it stands.
    pub fn steps(
        &self,
        part: &Part,
        leg: Leg,
        values: &Values<'_>,
        folder: &dyn Folder,
    ) -> Result<Arc<[PlacedStep]>, Unfit> {
        let Part::PerCall(node, programs) = part else { return Ok(part.of(leg)) };
        let mut reading = Reading { sources: self.sources.clone(), folder, diagnostics: Vec::new() };
        let unfit = |reading: &Reading<'_>, at: usize, message: String| Unfit {
            place: reading.source_of(at).place(at),
            message,
        };
        let fit = if *programs == Programs::Allowed { Fit::Word } else { Fit::Text };
        let filled = match fill_node(node, values, fit) {
            Ok(filled) => filled,
            Err((span, message)) => return Err(unfit(&reading, span.start, message)),
        };
        let item = document::with_item(|shape| shape.read(&filled, &mut reading));
        let wrong = reading.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        match (wrong, item) {
            (Some(wrong), _) => Err(Unfit { place: wrong.place.clone(), message: told(&wrong.message, &wrong.label) }),
            (None, Some(item)) => Ok(read(item).of(leg)),
            // Whatever is not read is told.
            (None, None) => Err(unfit(&reading, node.span.start, "not a step".to_owned())),
        }
    }

    /// Events that its steps wait for, as far as they are known before a call.
    pub fn events(&self) -> Vec<String> {
        let ready = self.parts.iter().flat_map(|part| match part {
            Part::Steps(steps) => vec![steps],
            Part::App(legs) => legs.iter().collect(),
            Part::PerCall(..) => Vec::new(),
        });
        ready.flat_map(|steps| steps.iter()).flat_map(|step| step.value.events()).collect()
    }
}

/// What an item comes to once it was read.
pub(super) fn read(item: Placed<Item>) -> Part {
    let Placed { value, place, span } = item;
    let placed = |value| Placed { value, place: place.clone(), span: span.clone() };
    match value {
        Item::Step(step) => Part::Steps([placed(step)].into()),
        Item::App(app) => Part::App(app::parts(&*app, None).map(|steps| steps.into_iter().map(placed).collect())),
    }
}

impl Part {
    /// Whether its steps may run programs when they are read for a call.
    pub fn programs(&self) -> Programs {
        match self {
            Part::PerCall(_, programs) => *programs,
            // They were read with the routes.
            Part::Steps(_) | Part::App(_) => Programs::Refused,
        }
    }

    /// The steps for `leg`, where they are known already.
    fn of(&self, leg: Leg) -> Arc<[PlacedStep]> {
        match self {
            Part::Steps(steps) => Arc::clone(steps),
            Part::App(legs) => Arc::clone(&legs[leg as usize]),
            Part::PerCall(..) => Arc::default(),
        }
    }
}

fn told(message: &str, label: &str) -> String {
    if label.is_empty() { message.to_owned() } else { format!("{message}: {label}") }
}
