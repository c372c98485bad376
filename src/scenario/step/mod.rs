//! What a leg does: one file a step, and their list.

use std::fmt::Debug;
use std::time::Duration;

use super::model::Recording;
use super::shape::Shape;
use super::tagged::{Variant, tagged};

mod answer;
mod api;
mod echo;
mod execute;
mod expect_dtmf;
mod hangup;
mod log;
pub mod play;
mod pre_answer;
mod record;
mod respond;
mod ring;
pub mod send_dtmf;
mod set;
mod sleep;
mod start;
mod stop_record;
pub mod wait;

pub use answer::Answer;
pub use api::Api;
pub use echo::Echo;
pub use execute::Execute;
pub use expect_dtmf::ExpectDtmf;
pub use hangup::Hangup;
pub use log::Log;
pub use play::Play;
pub use pre_answer::PreAnswer;
pub use record::Record;
pub(super) use record::{recording, tracks_word};
pub use respond::Respond;
pub use ring::Ring;
pub use send_dtmf::{Mode, SendDtmf};
pub use set::Set;
pub use sleep::Sleep;
pub use start::{Begun, Needs, Start, Until};
pub use stop_record::StopRecord;
pub use wait::Wait;

/// One thing that a leg does.
pub trait Step: Debug + Send + Sync {
    /// Its name in the language: `play`.
    fn kind(&self) -> &'static str;

    /// What it does, short: `play tone 1004 Hz`.
    fn describe(&self) -> String;

    /// What the loader's rules of combination need to know.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// What it must find before it can begin.
    fn needs(&self) -> Needs {
        Needs::Parked
    }

    /// Begins: says what the switch is to do, and what ends the step.
    fn start(&self, start: &mut Start<'_>) -> Begun;

    /// Events it waits for, beyond those that are always subscribed to.
    fn events(&self) -> Option<&str> {
        None
    }
}

/// What a step means for those around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// What it does to the state of its leg.
    pub signal: Option<Signal>,
    /// What it begins to record.
    pub records: Option<Recording>,
    /// It ends a recording.
    pub stops_recording: bool,
    /// It ends when the leg does.
    pub ends_with_leg: bool,
    /// After it the call is answered.
    pub awaits_answer: bool,
    /// It waits for digits, which come this way, or any.
    pub dtmf: Option<Option<Mode>>,
    /// The time it takes at least.
    pub takes: Duration,
}

/// What a step tells the other side of its leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// 180, only before the answer, only from the callee.
    Ring,
    /// 183, likewise.
    PreAnswer,
    /// A final response that refuses the call; the leg is over.
    Refuse,
    /// 200.
    Answer,
    /// The leg is over.
    Hangup,
}

/// A name of the list, what it is for and how it is read.
type StepVariant = Variant<Box<dyn Step>>;

/// The steps of the language.
const STEPS: &[fn() -> StepVariant] = &[
    answer::variant,
    ring::variant,
    pre_answer::variant,
    respond::variant,
    hangup::variant,
    play::variant,
    record::variant,
    stop_record::variant,
    echo::variant,
    send_dtmf::variant,
    expect_dtmf::variant,
    sleep::variant,
    wait::variant,
    set::variant,
    log::variant,
    execute::variant,
    api::variant,
];

/// One step.
pub fn shape() -> Shape<Box<dyn Step>> {
    tagged("step", STEPS.iter().map(|variant| variant()).collect()).named("step")
}

/// How long a step may take whose length only the switch knows; the scenario's own time limit is shorter, usually.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A step as the language holds it.
fn boxed(step: impl Step + 'static) -> Box<dyn Step> {
    Box::new(step)
}
