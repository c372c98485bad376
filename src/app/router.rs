//! Routes: which calls are dealt with how, by regular expressions on their event headers.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use regex::Regex;

use super::end::{STAYS, end, end_failed};
use super::{App, AppError, AtEnd};
use crate::client::Session;
use crate::scenario::routes::{
    Asked, Chance, Condition, DESTINATION, Decision, Entry, Matched, Next, Parameter, Section, Table, Walk,
};

/// An app that does with a session what the routes say that it matches.
///
/// When a session is parked, its routes are tried in order; of each that matches the function is run, until one says
/// [`Next::Stop`]. Guards keep sessions out; several routers can be put behind one another with [`Router::and`].
///
/// ```
/// use callwright::app::{Next, Route, Router};
///
/// # fn routes() -> Result<Router, callwright::app::RouteError> {
/// let router = Router::new("pbx")
///     .guard("Call-Direction", "inbound")
///     .route(Route::new("00(.*)|011(.*)")?.to(|hit| async move {
///         hit.session.respond(407).await?;
///         Ok(Next::Stop)
///     }))
///     .route(Route::new(r"4[1-9]{3}$")?.param("proxy", "support.example.com").to(|hit| async move {
///         let onward = hit.session.onward().proxy(&hit.params["proxy"]);
///         hit.session.bridge(onward).await?;
///         Ok(Next::Stop)
///     }));
/// # Ok(router)
/// # }
/// # routes().unwrap();
/// ```
#[derive(Clone)]
pub struct Router {
    name: String,
    table: Table<Option<Handler>>,
    events: Vec<String>,
    at_end: AtEnd,
}

/// What is run for a session that matches.
pub(super) type Handler =
    Arc<dyn Fn(Hit) -> Pin<Box<dyn Future<Output = Result<Next, AppError>> + Send>> + Send + Sync>;

/// A session that a route matches.
#[derive(Clone, Debug)]
pub struct Hit {
    pub session: Session,
    /// The value that matched.
    pub value: String,
    /// What each group of the expression matched, the whole first; by their names too, in [`Hit::named`].
    pub groups: Vec<Option<String>>,
    /// Groups that have names.
    pub named: BTreeMap<String, String>,
    /// The route's parameters.
    pub params: BTreeMap<String, String>,
}

impl Hit {
    /// What group `number` matched; empty where it took no part.
    pub fn group(&self, number: usize) -> &str {
        self.groups.get(number).and_then(Option::as_deref).unwrap_or_default()
    }
}

/// An expression that is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("route {pattern:?}: {error}")]
pub struct RouteError {
    pub pattern: String,
    #[source]
    pub error: regex::Error,
}

/// One route: what must match, and what is run then.
#[derive(Clone, Debug)]
pub struct Route(Entry<Option<Handler>>);

impl Route {
    /// A route of sessions whose `Caller-Destination-Number` matches `pattern` from its beginning; `$` matches its end.
    pub fn new(pattern: &str) -> Result<Route, RouteError> {
        let regex = Regex::new(pattern).map_err(|error| RouteError { pattern: pattern.to_owned(), error })?;
        let condition = Condition { pattern: Some((DESTINATION.to_owned(), regex)), ..Condition::default() };
        // What it does says whether routing goes on.
        Ok(Route(Entry { condition, params: Vec::new(), does: None, within: 0, then: Next::GoOn }))
    }

    /// Has another header matched: `variable_sip_h_X-Tenant`.
    pub fn header(mut self, name: impl Into<String>) -> Route {
        if let Some((header, _)) = &mut self.0.condition.pattern {
            *header = name.into();
        }
        self
    }

    /// Takes only a share of the calls that it matches, at random.
    pub fn chance(mut self, chance: Chance) -> Route {
        self.0.condition.chance = Some(chance);
        self
    }

    /// A parameter for the function.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Route {
        self.0.params.push(Parameter::plain(name, value));
        self
    }

    /// The function that is run.
    pub fn to<F, R>(mut self, run: F) -> Route
    where
        F: Fn(Hit) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Next, AppError>> + Send + 'static,
    {
        self.0.does = Some(handler(run));
        self
    }
}

pub(super) fn handler<F, R>(run: F) -> Handler
where
    F: Fn(Hit) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Next, AppError>> + Send + 'static,
{
    Arc::new(move |hit| Box::pin(run(hit)))
}

impl Router {
    pub fn new(name: impl Into<String>) -> Router {
        Router::of(name, Table { sections: vec![Section::default()], otherwise: None })
    }

    pub(super) fn of(name: impl Into<String>, table: Table<Option<Handler>>) -> Router {
        let events = vec!["CHANNEL_BRIDGE".to_owned()];
        Router { name: name.into(), table, events, at_end: AtEnd::default() }
    }

    /// Only sessions whose event header `name` is `value` come to the routes.
    pub fn guard(mut self, name: impl Into<String>, value: impl Into<String>) -> Router {
        self.last().guards.push((name.into(), value.into()));
        self
    }

    /// Answers sessions that a guard keeps out with this SIP response, 300 to 699, and stops.
    pub fn reject_on_guard(mut self, code: u16) -> Router {
        self.last().reject = Some(code);
        self
    }

    /// One more route, behind the others.
    pub fn route(mut self, route: Route) -> Router {
        self.last().push(route.0);
        self
    }

    /// Runs `run` for a session that no route matched.
    pub fn otherwise<F, R>(mut self, run: F) -> Router
    where
        F: Fn(Hit) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Next, AppError>> + Send + 'static,
    {
        self.table.otherwise = Some(Some(handler(run)));
        self
    }

    /// The routes of `other` behind these, with their own guards.
    pub fn and(mut self, other: Router) -> Router {
        self.table.sections.extend(other.table.sections);
        self.table.otherwise = other.table.otherwise.or(self.table.otherwise);
        self
    }

    /// What becomes of a session that routes took, or that was dealt with otherwise, when all is done.
    pub fn at_end(self, at_end: AtEnd) -> Router {
        Router { at_end, ..self }
    }

    /// Events that its functions wait for beyond `CHANNEL_BRIDGE`: `DTMF`.
    pub fn with_events<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Router {
        self.events.extend(names.into_iter().map(Into::into));
        self
    }

    fn last(&mut self) -> &mut Section<Option<Handler>> {
        if self.table.sections.is_empty() {
            self.table.sections.push(Section::default());
        }
        let last = self.table.sections.len() - 1;
        &mut self.table.sections[last]
    }

    /// Routes a session.
    pub async fn run(&self, session: &Session) -> Result<(), AppError> {
        self.route_through(session).await.map(drop)
    }

    /// The same; [`Next::Leave`] where the session was left to somebody else.
    async fn route_through(&self, session: &Session) -> Result<Next, AppError> {
        let mut walk = Walk::default();
        let mut dealt_with = false;
        loop {
            let header = |name: &str| session.header(name);
            let decision = {
                let mut roll = || rand::random::<f64>();
                walk.next(&self.table, &mut Asked { header: &header, now: session.now(), roll: &mut roll })
            };
            let (handler, matched, last) = match decision {
                Decision::Do(handler, matched) => (handler, matched, false),
                Decision::Otherwise(handler, matched) => (handler, matched, true),
                Decision::Reject(code) => {
                    session.respond(code).await?;
                    return Ok(Next::Stop);
                }
                Decision::Unfit(unfit) => return Err(unfit.into()),
                Decision::Over => break,
            };
            dealt_with = true;
            let Some(handler) = handler else { continue };
            match handler(Hit::of(session, matched)).await? {
                Next::GoOn if !last => {}
                Next::GoOn | Next::Stop => break,
                Next::Leave => return Ok(Next::Leave),
            }
        }
        if dealt_with && self.at_end == AtEnd::HangUp {
            end(session).await?;
        }
        Ok(Next::Stop)
    }
}

impl Hit {
    fn of(session: &Session, matched: Matched) -> Hit {
        let Matched { value, groups, named, params } = matched;
        Hit { session: session.clone(), value, groups, named, params }
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.table.sections.iter().flat_map(|section| section.entries());
        f.debug_tuple("Router").field(&self.name).field(&routes.collect::<Vec<_>>()).finish()
    }
}

/// Tells that a session is being routed: what a route does may park it again.
pub(super) const ROUTING: &str = "being routed";

impl App for Router {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn events(&self) -> Vec<String> {
        self.events.clone()
    }

    fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
        if session.note(ROUTING).as_deref() == Some("yes") {
            return Ok(());
        }
        session.set_note(ROUTING, "yes");
        session.set_note(STAYS, "");
        let (router, session) = (self.clone(), session.clone());
        session.clone().spawn(async move {
            let outcome = router.route_through(&session).await;
            if !matches!(outcome, Ok(Next::Leave)) {
                session.set_note(ROUTING, "no");
            }
            match outcome {
                Ok(_) => Ok(()),
                // Whoever calls must not wait for what will not come.
                Err(error) => end_failed(&session, error).await,
            }
        });
        Ok(())
    }
}
