//! Built-in apps: calls that are asked for by name in place of steps. One file an app, and their list.
//!
//! An app only expands into steps, so whatever a scenario can check of steps it can check of an app.

use std::fmt::Debug;
use std::time::Duration;

use super::model::RecordSpec;
use super::shape::Shape;
use super::step::Step;
use super::tagged::{Variant, tagged};

mod bert;
mod callee_block_on_invite;
mod callee_ringback;
mod dtmf;
mod muted_play_rec;
mod play_rec;
mod tone_play;

pub use bert::Bert;
pub use callee_block_on_invite::CalleeBlockOnInvite;
pub use callee_ringback::CalleeRingback;
pub use dtmf::Dtmf;
pub use muted_play_rec::MutedPlayRec;
pub use play_rec::PlayRec;
pub use tone_play::TonePlay;

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
