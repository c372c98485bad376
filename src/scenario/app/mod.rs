//! Built-in apps: calls that are asked for by name in place of steps. One file an app, and their list.
//!
//! An app only expands into steps, so whatever a scenario can check of steps it can check of an app.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use super::model::{Leg, RecordSpec, Recording};
use super::shape::Shape;
use super::step::{Hangup, Record, Signal, Sleep, Step};
use super::tagged::{Variant, tagged};

mod argument;
mod bert;
mod callee_block_on_invite;
mod callee_ringback;
mod catalogue;
mod dtmf;
mod muted_play_rec;
mod play_rec;
mod tone_play;
mod way;

pub use argument::{read_served, steps_of};
pub use bert::Bert;
pub use callee_block_on_invite::CalleeBlockOnInvite;
pub use callee_ringback::CalleeRingback;
pub use catalogue::{AppAbout, OptionAbout, catalogue};
pub use dtmf::Dtmf;
pub use muted_play_rec::MutedPlayRec;
pub use play_rec::PlayRec;
pub use tone_play::TonePlay;
pub use way::Way;

/// A built-in app with its options.
pub trait App: Debug {
    /// The steps it stands for. `duration` is the scenario's, where it has one.
    fn steps(&self, duration: Option<Duration>) -> AppSteps;
}

/// What an app stands for.
#[derive(Debug, Default)]
pub struct AppSteps {
    pub caller: Vec<Box<dyn Step>>,
    pub callee: Vec<Box<dyn Step>>,
    /// What it records of its own accord, where the scenario does not say.
    pub record: RecordSpec,
    /// Talk time where the scenario has none.
    pub duration: Option<Duration>,
    /// The codec to offer where the scenario names none.
    pub codec: Option<String>,
}

/// The steps of `app` for a session each by itself, by [`Leg`]: with what it records, and with the talk time after which
/// the caller hangs up; `duration` in place of the app's own.
pub fn parts(app: &dyn App, duration: Option<Duration>) -> [Vec<Box<dyn Step>>; 2] {
    let AppSteps { mut caller, callee, record, duration, .. } = app.steps(duration);
    if let Some(time) = duration {
        caller.push(step(Sleep { time }));
        caller.push(step(Hangup { cause: None }));
    }
    [recorded(caller, record.of(Leg::Caller)), recorded(callee, record.of(Leg::Callee))]
}

/// `steps` with a recording from when sound can flow.
fn recorded(mut steps: Vec<Box<dyn Step>>, recording: Option<Recording>) -> Vec<Box<dyn Step>> {
    let answered = |step: &dyn Step| {
        let facts = step.facts();
        facts.awaits_answer || facts.signal == Some(Signal::Answer)
    };
    if let (Some(recording), Some(at)) = (recording, steps.iter().position(|step| answered(&**step))) {
        steps.insert(at + 1, step(Record { recording }));
    }
    steps
}

/// A name of the list, what it is for and how it is read.
type AppVariant = Variant<Box<dyn App>>;

/// The apps of the language.
const APPS: &[fn() -> AppVariant] = &[
    tone_play::variant,
    play_rec::variant,
    muted_play_rec::variant,
    dtmf::variant,
    callee_block_on_invite::variant,
    callee_ringback::variant,
    bert::variant,
];

/// One app.
pub fn shape() -> Shape<Box<dyn App>> {
    tagged("app", APPS.iter().map(|variant| variant()).collect()).named("app")
}

/// What a service does with each call that comes in.
#[derive(Debug)]
pub enum Served {
    App(Box<dyn App>),
    Proxier(Way),
    /// By the number of the session in its call.
    Bridger(BTreeMap<usize, Way>),
}

/// What a service can do: all apps of scenarios and more.
pub fn served() -> Shape<Served> {
    tagged("app", served_variants())
}

fn served_variants() -> Vec<Variant<Served>> {
    let apps = APPS.iter().map(|variant| way::of_scenarios(variant()));
    apps.chain([way::proxier(), way::bridger()]).collect()
}

/// An app as the language holds it.
fn boxed(app: impl App + 'static) -> Box<dyn App> {
    Box::new(app)
}

/// A step as the language holds it.
fn step(step: impl Step + 'static) -> Box<dyn Step> {
    Box::new(step)
}

/// Talk time of an app's call where nothing else is said.
const TALK_TIME: Duration = Duration::from_secs(3);

/// How long an app's caller waits for the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
