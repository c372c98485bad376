//! Routes files at work: routers whose routes do steps of the scenario language.

use std::sync::Arc;

use super::router::{Handler, ROUTING, handler};
use super::scripted::play;
use super::{AppError, AtEnd, Hit, Next, Router};
use crate::client::Session;
use crate::scenario::reading::Disk;
use crate::scenario::routes::{Matched, Play, Routes, Table, Values};
use crate::scenario::step::{Begun, Facts, Needs, Start, Step, Until};
use crate::scenario::{Leg, PlacedStep};

impl Router {
    /// The routers of routes files: [`crate::scenario::routes::load`].
    ///
    /// A session whose steps are done is hung up, unless it plays, echoes, is connected or was parked by its last step. One
    /// of which a step fails is hung up with a cause that says so.
    pub fn of_routes(name: impl Into<String>, routes: Routes) -> Router {
        let events = routes.events();
        let Table { sections, otherwise } = routes.table;
        let sections = sections.into_iter().map(|section| section.map(|play| Some(played(play))));
        let table = Table { sections: sections.collect(), otherwise: otherwise.map(|play| Some(played(play))) };
        Router::of(name, table).with_events(events).at_end(AtEnd::HangUp)
    }
}

/// The function that does what `play` says.
fn played(steps: Play) -> Handler {
    let steps = Arc::new(steps);
    handler(move |hit| {
        let steps = Arc::clone(&steps);
        async move { perform(&steps, &hit).await }
    })
}

async fn perform(steps: &Play, hit: &Hit) -> Result<Next, AppError> {
    let session = &hit.session;
    let Hit { value, groups, named, params, .. } = hit.clone();
    let matched = Matched { value, groups, named, params };
    let leg = if session.is_inbound() { Leg::Callee } else { Leg::Caller };
    for (at, part) in steps.parts().iter().enumerate() {
        // Headers are those of now, so that steps see what came of those before.
        let part_of = {
            let header = |name: &str| session.header(name);
            let folder = Disk { programs: part.programs(), ..Disk::default() };
            steps.steps(part, leg, &Values { matched: &matched, header: &header }, &folder)?
        };
        let is_last = at + 1 == steps.parts().len();
        // The loader has it stand alone.
        if is_last && part_of.iter().all(|step| step.value.kind() == "transfer") {
            return leave(session, part_of).await;
        }
        play(session, part_of).await?;
    }
    Ok(Next::GoOn)
}

/// Sends the session elsewhere: it is the other dialplan's from then on, and routed anew where that parks it.
async fn leave(session: &Session, steps: Arc<[PlacedStep]>) -> Result<Next, AppError> {
    session.set_note(ROUTING, "no");
    let (place, span) = (steps[0].place.clone(), steps[0].span.clone());
    play(session, [PlacedStep { value: Box::new(Leaves(steps)), place, span }].into()).await?;
    Ok(Next::Leave)
}

/// A transfer, the only one of these steps, that is done when the switch has taken it: nobody waits for the session to be
/// parked.
#[derive(Debug)]
struct Leaves(Arc<[PlacedStep]>);

impl Step for Leaves {
    fn kind(&self) -> &'static str {
        self.0[0].value.kind()
    }

    fn describe(&self) -> String {
        self.0[0].value.describe()
    }

    fn facts(&self) -> Facts {
        self.0[0].value.facts()
    }

    fn needs(&self) -> Needs {
        self.0[0].value.needs()
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        self.0[0].value.start(start);
        Until::Replied.into()
    }
}
