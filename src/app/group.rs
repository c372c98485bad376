//! Apps that are loaded together under one id.

use std::fmt;

use super::{App, AppError};

/// Apps of one id, to be loaded together or not at all.
pub struct Group {
    pub(super) id: String,
    /// Another event header whose value may name the id.
    pub(super) header: Option<String>,
    pub(super) whose: Directions,
    pub(super) apps: Vec<Loaded>,
}

/// An app and its place among those of its group.
pub(super) struct Loaded {
    pub name: String,
    pub order: Order,
    pub app: Box<dyn App>,
}

/// Which sessions may be of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Directions {
    #[default]
    Both,
    Inbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// Called before the others, so that it sees what they find.
    Measurer,
    App,
}

/// Why apps were not loaded. Nothing of their group is then.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the id {id:?} has an app {name:?} already")]
    Taken { id: String, name: String },
    #[error("no apps to load under the id {0:?}")]
    Nothing(String),
    #[error("the setup of {name} failed: {error}")]
    Setup { name: String, error: AppError },
    #[error(transparent)]
    Host(#[from] crate::client::HostError),
}

impl Group {
    /// The id of those sessions that name no other.
    pub const DEFAULT: &'static str = "default";

    pub fn new(id: impl Into<String>) -> Group {
        Group { id: id.into(), header: None, whose: Directions::Both, apps: Vec::new() }
    }

    /// One more app, behind the others.
    pub fn app(mut self, app: impl App) -> Group {
        self.apps.push(Loaded { name: app.name(), order: Order::App, app: Box::new(app) });
        self
    }

    /// One more app that is called before those that are none of these.
    pub fn measurer(mut self, app: impl App) -> Group {
        self.apps.push(Loaded { name: app.name(), order: Order::Measurer, app: Box::new(app) });
        self
    }

    /// Has sessions whose event header `name` is the id be of this group too: `Caller-Context`.
    pub fn by_header(self, name: impl Into<String>) -> Group {
        Group { header: Some(name.into()), ..self }
    }

    /// Has only sessions that come in be of this group: those that the switch makes are left alone.
    pub fn inbound(self) -> Group {
        Group { whose: Directions::Inbound, ..self }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.apps.iter().map(|loaded| loaded.name.clone()).collect()
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.apps.iter().flat_map(|loaded| loaded.app.events()).collect()
    }

    pub(crate) fn apps_mut(&mut self) -> impl DoubleEndedIterator<Item = (&str, &mut Box<dyn App>)> {
        self.apps.iter_mut().map(|loaded| (loaded.name.as_str(), &mut loaded.app))
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({}: {})", self.id, self.names().join(", "))
    }
}
