//! Routers, their routes in order, and the way of a call through them.

use std::fmt;

use super::condition::{Asked, Condition, DESTINATION, Matched};
use super::template::{Parameter, Unfit, Values, fill_params};

/// Routers in order, each with its routes. `T` is what is done with a call.
#[derive(Clone, Debug)]
pub struct Table<T> {
    pub sections: Vec<Section<T>>,
    /// What is done with a call that no route took, where the routers that let it in do not say.
    pub otherwise: Option<T>,
}

/// The routes of one router, and who may use them.
#[derive(Clone, Debug)]
pub struct Section<T> {
    /// Headers and the values they must have.
    pub guards: Vec<(String, String)>,
    /// The SIP response to those that a guard keeps out; without one they are left alone.
    pub reject: Option<u16>,
    /// Headers and the values they must have for the router to look at a call at all: others are never rejected.
    pub scope: Vec<(String, String)>,
    pub params: Vec<Parameter>,
    entries: Vec<Entry<T>>,
    pub otherwise: Option<T>,
}

/// One route.
#[derive(Clone)]
pub struct Entry<T> {
    pub condition: Condition,
    pub params: Vec<Parameter>,
    pub does: T,
    /// How many of the entries behind it are within it: they are tried once it was done.
    pub within: usize,
    /// What follows it and those within it.
    pub then: Next,
}

/// Whether routing goes on behind a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The routes that follow are tried as well.
    GoOn,
    /// No more routes, of no router.
    Stop,
    /// Likewise, and the session is left as it is: it is somebody else's.
    Leave,
}

/// What is to be done next with a call.
#[derive(Debug)]
pub enum Decision<'t, T> {
    /// This; then the walk is asked again.
    Do(&'t T, Matched),
    /// This, and nothing more: no route took the call.
    Otherwise(&'t T, Matched),
    /// Refuse it with this SIP response: a guard keeps it out.
    Reject(u16),
    /// A parameter does not fit this call.
    Unfit(Unfit),
    /// Nothing more.
    Over,
}

/// The way of one call through a table.
#[derive(Debug, Default)]
pub struct Walk {
    section: usize,
    entry: usize,
    /// Entries that took the call and that the walk is within, the innermost last: where each ends.
    open: Vec<Open>,
    taken: bool,
    entered: bool,
    over: bool,
}

#[derive(Debug)]
struct Open {
    end: usize,
    then: Next,
    matched: Matched,
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Section {
            guards: Vec::new(),
            reject: None,
            scope: Vec::new(),
            params: Vec::new(),
            entries: Vec::new(),
            otherwise: None,
        }
    }
}

impl<T> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.condition.pattern {
            Some((header, pattern)) => write!(f, "Route({header} =~ {pattern})"),
            None => f.write_str("Route"),
        }
    }
}

impl<T> Section<T> {
    /// One more route behind the others. Those that are `within` it follow it.
    pub fn push(&mut self, entry: Entry<T>) {
        self.entries.push(entry);
    }

    pub fn entries(&self) -> &[Entry<T>] {
        &self.entries
    }

    /// Looks at all that is done.
    pub fn for_each(&mut self, each: impl FnMut(&mut T)) {
        self.entries.iter_mut().map(|entry| &mut entry.does).chain(self.otherwise.as_mut()).for_each(each);
    }

    /// The same routes, each doing what `into` makes of it.
    pub fn map<U>(self, mut into: impl FnMut(T) -> U) -> Section<U> {
        let Section { guards, reject, scope, params, entries, otherwise } = self;
        let entries = entries.into_iter().map(|entry| {
            let Entry { condition, params, does, within, then } = entry;
            Entry { condition, params, does: into(does), within, then }
        });
        let entries = entries.collect();
        Section { guards, reject, scope, params, entries, otherwise: otherwise.map(&mut into) }
    }

    fn admits(&self, asked: &Asked<'_>) -> bool {
        is_so(&self.scope, asked) && is_so(&self.guards, asked)
    }
}

fn is_so(headers: &[(String, String)], asked: &Asked<'_>) -> bool {
    headers.iter().all(|(name, value)| (asked.header)(name).as_ref() == Some(value))
}

impl Walk {
    /// Whether any route took the call so far.
    pub fn has_taken(&self) -> bool {
        self.taken
    }

    /// What is done next. It is asked again once that was done.
    pub fn next<'t, T>(&mut self, table: &'t Table<T>, asked: &mut Asked<'_>) -> Decision<'t, T> {
        let decision = self.look(table, asked);
        self.over |= !matches!(decision, Decision::Do(..));
        decision
    }

    fn look<'t, T>(&mut self, table: &'t Table<T>, asked: &mut Asked<'_>) -> Decision<'t, T> {
        if self.over {
            return Decision::Over;
        }
        while let Some(section) = table.sections.get(self.section) {
            if !self.entered && !section.admits(asked) {
                if let (true, Some(code)) = (is_so(&section.scope, asked), section.reject) {
                    return Decision::Reject(code);
                }
                self.section += 1;
                continue;
            }
            self.entered = true;
            while let Some(last) = self.open.last().filter(|open| open.end == self.entry) {
                if last.then != Next::GoOn {
                    return Decision::Over;
                }
                self.open.pop();
            }
            let Some(entry) = section.entries.get(self.entry) else {
                *self = Walk { section: self.section + 1, taken: self.taken, ..Walk::default() };
                continue;
            };
            let around = match self.open.last() {
                Some(open) => Ok(open.matched.clone()),
                None => untouched(section, asked),
            };
            let matched = match around {
                Ok(around) => entry.condition.matched(asked, &around),
                Err(unfit) => return Decision::Unfit(unfit),
            };
            let Some(mut matched) = matched else {
                self.entry += 1 + entry.within;
                continue;
            };
            let own = fill_params(&entry.params, &Values { matched: &matched, header: asked.header });
            match own {
                Ok(own) => matched.params.extend(own),
                Err(unfit) => return Decision::Unfit(unfit),
            }
            self.taken = true;
            self.entry += 1;
            self.open.push(Open { end: self.entry + entry.within, then: entry.then, matched: matched.clone() });
            return Decision::Do(&entry.does, matched);
        }
        if self.taken {
            return Decision::Over;
        }
        // The last router that let the call in has the word.
        let admitting = table.sections.iter().rev().filter(|section| section.admits(asked));
        let mut said = admitting.clone().filter_map(|section| Some((section, section.otherwise.as_ref()?)));
        let said = said.next().or_else(|| {
            let mut admitting = admitting.clone();
            Some((admitting.next()?, table.otherwise.as_ref()?))
        });
        match said {
            Some((section, does)) => match untouched(section, asked) {
                Ok(matched) => Decision::Otherwise(does, matched),
                Err(unfit) => Decision::Unfit(unfit),
            },
            None => Decision::Over,
        }
    }
}

/// A call that no route of `section` took yet.
fn untouched<T>(section: &Section<T>, asked: &Asked<'_>) -> Result<Matched, Unfit> {
    let mut whole = Matched::whole((asked.header)(DESTINATION).unwrap_or_default());
    whole.params = fill_params(&section.params, &Values { matched: &whole, header: asked.header })?;
    Ok(whole)
}
