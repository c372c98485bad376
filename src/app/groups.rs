//! The apps of a host: which of them a session belongs to, and their callbacks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::group::{Directions, Group, LoadError, Loaded};
use super::{App, AppError};
use crate::client::Session;
use crate::esl::{Event, header};

/// Everything that is loaded.
#[derive(Default)]
pub(crate) struct Groups {
    groups: Vec<Entry>,
}

struct Entry {
    id: Arc<str>,
    headers: Vec<String>,
    whose: Directions,
    apps: Vec<Loaded>,
}

/// A callback or a flow that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub app: Arc<str>,
    pub error: String,
}

impl Groups {
    /// Whether apps of these names can be loaded under `id`.
    pub fn can_load(&self, id: &str, names: &[String]) -> Result<(), LoadError> {
        if names.is_empty() {
            return Err(LoadError::Nothing(id.to_owned()));
        }
        let there = self.groups.iter().find(|entry| &*entry.id == id);
        let mut taken: Vec<&str> = there.iter().flat_map(|entry| &entry.apps).map(|app| app.name.as_str()).collect();
        for name in names {
            if taken.contains(&name.as_str()) {
                return Err(LoadError::Taken { id: id.to_owned(), name: name.clone() });
            }
            taken.push(name);
        }
        Ok(())
    }

    /// Puts apps behind those of the same id, measurers before all others.
    pub fn load(&mut self, group: Group) -> Result<(), Box<(LoadError, Group)>> {
        if let Err(error) = self.can_load(&group.id, &group.names()) {
            return Err(Box::new((error, group)));
        }
        let at = self.groups.iter().position(|entry| *entry.id == *group.id).unwrap_or_else(|| {
            let (id, whose) = (Arc::from(&*group.id), group.whose);
            self.groups.push(Entry { id, headers: Vec::new(), whose, apps: Vec::new() });
            self.groups.len() - 1
        });
        let entry = &mut self.groups[at];
        entry.headers.extend(group.header);
        // Apps that are loaded together by two hands take what either does.
        if group.whose == Directions::Both {
            entry.whose = Directions::Both;
        }
        entry.apps.extend(group.apps);
        // Stable: those of one kind stay in the order they were loaded.
        entry.apps.sort_by_key(|app| app.order);
        Ok(())
    }

    /// Takes out the app called `name` of the id `id`, or all of them.
    pub fn unload(&mut self, id: &str, name: Option<&str>) -> Vec<Box<dyn App>> {
        let Some(at) = self.groups.iter().position(|entry| &*entry.id == id) else { return Vec::new() };
        let entry = &mut self.groups[at];
        let out: Vec<_> = entry.apps.extract_if(.., |app| name.is_none_or(|name| app.name == name)).collect();
        if entry.apps.is_empty() {
            self.groups.remove(at);
        }
        out.into_iter().map(|loaded| loaded.app).collect()
    }

    /// Takes everything out.
    pub fn unload_all(&mut self) -> Vec<Box<dyn App>> {
        self.groups.drain(..).flat_map(|entry| entry.apps).map(|loaded| loaded.app).collect()
    }

    /// The id that a session belongs to: the first one loaded that its app header, or a header of the group's own,
    /// names; `default` where none does and it is loaded.
    pub fn group_of(&self, app_header: &str, event: &Event) -> Option<Arc<str>> {
        let named = |entry: &&Entry| {
            let is = |header: &str| event.header(header) == Some(&*entry.id);
            is(app_header) || entry.headers.iter().any(|header| is(header))
        };
        let outbound = event.header(header::CALL_DIRECTION) == Some("outbound");
        let may = |entry: &&Entry| entry.whose == Directions::Both || !outbound;
        let fallback = || self.groups.iter().filter(may).find(|entry| &*entry.id == Group::DEFAULT);
        self.groups.iter().filter(may).find(named).or_else(fallback).map(|entry| Arc::clone(&entry.id))
    }

    /// Calls `callback` of each app of `id` for `session`, in order, whatever the others do.
    pub fn call(
        &mut self,
        id: &str,
        session: &Session,
        callback: impl Fn(&mut dyn App, &Session) -> Result<(), AppError>,
    ) -> Vec<Failure> {
        self.each(id, |name, app| callback(app, &session.acting_for(name)))
    }

    /// Calls `callback` of each app of `id` for none of its sessions.
    pub fn tell(&mut self, id: &str, callback: impl Fn(&mut dyn App) -> Result<(), AppError>) -> Vec<Failure> {
        self.each(id, |_, app| callback(app))
    }

    fn each(&mut self, id: &str, callback: impl Fn(&Arc<str>, &mut dyn App) -> Result<(), AppError>) -> Vec<Failure> {
        let Some(entry) = self.groups.iter_mut().find(|entry| &*entry.id == id) else { return Vec::new() };
        let failed = entry.apps.iter_mut().filter_map(|loaded| {
            let name: Arc<str> = Arc::from(&*loaded.name);
            let called = catch_unwind(AssertUnwindSafe(|| callback(&name, &mut *loaded.app)));
            let error = match called {
                Ok(Ok(())) => return None,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panicked(&*panic),
            };
            Some(Failure { app: name, error })
        });
        failed.collect()
    }
}

/// What a panic said.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
    said.map_or_else(|| "panicked".to_owned(), |said| format!("panicked: {said}"))
}
