//! Routes: which calls are dealt with how, by regular expressions on their event headers.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use regex::Regex;

use super::{App, AppError};
use crate::call::HangupCause;
use crate::client::{Session, SessionError};

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
    sections: Vec<Section>,
    otherwise: Option<Handler>,
}

/// The routes of one router, and who may use them.
#[derive(Clone, Default)]
struct Section {
    guards: Vec<(String, String)>,
    /// The SIP response to those that are kept out; without one they are left to others.
    reject: Option<u16>,
    routes: Vec<Route>,
}

/// What is run for a session that matches.
type Handler = Arc<dyn Fn(Hit) -> Pin<Box<dyn Future<Output = Result<Next, AppError>> + Send>> + Send + Sync>;

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

/// Whether routing goes on behind a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The routes that follow are tried as well.
    GoOn,
    /// No more routes, of no router.
    Stop,
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
#[derive(Clone)]
pub struct Route {
    pattern: Regex,
    header: String,
    params: BTreeMap<String, String>,
    handler: Option<Handler>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Route({} =~ {})", self.header, self.pattern)
    }
}

/// What is matched where a route names no header.
pub const DESTINATION: &str = "Caller-Destination-Number";

impl Route {
    /// A route of sessions whose `Caller-Destination-Number` matches `pattern` from its beginning; `$` matches its end.
    pub fn new(pattern: &str) -> Result<Route, RouteError> {
        let whole = Regex::new(&format!("^(?:{pattern})"));
        let pattern = whole.map_err(|error| RouteError { pattern: pattern.to_owned(), error })?;
        Ok(Route { pattern, header: DESTINATION.to_owned(), params: BTreeMap::new(), handler: None })
    }

    /// Has another header matched: `variable_sip_h_X-Tenant`.
    pub fn header(self, name: impl Into<String>) -> Route {
        Route { header: name.into(), ..self }
    }

    /// A parameter for the function.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Route {
        self.params.insert(name.into(), value.into());
        self
    }

    /// The function that is run.
    pub fn to<F, R>(self, run: F) -> Route
    where
        F: Fn(Hit) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Next, AppError>> + Send + 'static,
    {
        Route { handler: Some(handler(run)), ..self }
    }

    /// What of `value` it matches.
    fn hit(&self, session: &Session, value: &str) -> Option<Hit> {
        let captures = self.pattern.captures(value)?;
        let text = |group: Option<regex::Match<'_>>| group.map(|group| group.as_str().to_owned());
        let named = self.pattern.capture_names().flatten();
        let named = named.filter_map(|name| Some((name.to_owned(), captures.name(name)?.as_str().to_owned())));
        Some(Hit {
            session: session.clone(),
            value: value.to_owned(),
            groups: captures.iter().map(text).collect(),
            named: named.collect(),
            params: self.params.clone(),
        })
    }
}

fn handler<F, R>(run: F) -> Handler
where
    F: Fn(Hit) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Next, AppError>> + Send + 'static,
{
    Arc::new(move |hit| Box::pin(run(hit)))
}

impl Router {
    pub fn new(name: impl Into<String>) -> Router {
        Router { name: name.into(), sections: vec![Section::default()], otherwise: None }
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
        self.last().routes.push(route);
        self
    }

    /// Runs `run` for a session that no route matched.
    pub fn otherwise<F, R>(self, run: F) -> Router
    where
        F: Fn(Hit) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Next, AppError>> + Send + 'static,
    {
        Router { otherwise: Some(handler(run)), ..self }
    }

    /// The routes of `other` behind these, with their own guards.
    pub fn and(mut self, other: Router) -> Router {
        self.sections.extend(other.sections);
        Router { otherwise: other.otherwise.or(self.otherwise), ..self }
    }

    fn last(&mut self) -> &mut Section {
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    /// Routes a session.
    pub async fn run(&self, session: &Session) -> Result<(), AppError> {
        let mut matched = false;
        for section in &self.sections {
            match (section.passes(session), section.reject) {
                (false, Some(code)) => return Ok(session.respond(code).await?),
                (false, None) => continue,
                (true, _) => {}
            }
            for route in &section.routes {
                let Some(hit) = session.header(&route.header).and_then(|value| route.hit(session, &value)) else {
                    continue;
                };
                matched = true;
                let Some(handler) = &route.handler else { continue };
                if handler(hit).await? == Next::Stop {
                    return Ok(());
                }
            }
        }
        // Those that every guard kept out are somebody else's.
        let let_in = self.sections.iter().any(|section| section.passes(session));
        if let (false, true, Some(handler)) = (matched, let_in, &self.otherwise) {
            let value = session.header(DESTINATION).unwrap_or_default();
            let (groups, named) = (vec![Some(value.clone())], BTreeMap::new());
            handler(Hit { session: session.clone(), value, groups, named, params: BTreeMap::new() }).await?;
        }
        Ok(())
    }
}

impl Section {
    fn passes(&self, session: &Session) -> bool {
        self.guards.iter().all(|(name, value)| session.header(name).as_ref() == Some(value))
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.sections.iter().flat_map(|section| &section.routes);
        f.debug_tuple("Router").field(&self.name).field(&routes.collect::<Vec<_>>()).finish()
    }
}

/// Tells that a session is being routed: what a route does may park it again.
const ROUTING: &str = "being routed";

impl App for Router {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn events(&self) -> Vec<String> {
        vec!["CHANNEL_BRIDGE".to_owned()]
    }

    fn on_parked(&mut self, session: &Session) -> Result<(), AppError> {
        if session.note(ROUTING).as_deref() == Some("yes") {
            return Ok(());
        }
        session.set_note(ROUTING, "yes");
        let (router, session) = (self.clone(), session.clone());
        session.clone().spawn(async move {
            let outcome = router.run(&session).await;
            session.set_note(ROUTING, "no");
            if outcome.is_err() && !session.is_hung_up() {
                // Whoever calls must not wait for what will not come.
                let _: Result<(), SessionError> =
                    session.hangup_with(HangupCause::parse("NORMAL_TEMPORARY_FAILURE")).await;
            }
            outcome
        });
        Ok(())
    }
}
