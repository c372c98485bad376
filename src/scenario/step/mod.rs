//! What a leg does: one file a step, and their list.

use std::fmt::Debug;
use std::time::Duration;

use super::model::Recording;
use super::programs;
use super::shape::Shape;
use super::tagged::{Variant, tagged};
use crate::bound::Within;
use crate::units::Hertz;

mod answer;
mod api;
pub mod bert;
mod r#break;
mod bridge;
mod broadcast;
mod deflect;
mod echo;
mod execute;
mod expect;
mod expect_dtmf;
mod expect_tone;
mod hangup;
mod hold;
mod log;
mod mute;
mod park;
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
mod transfer;
pub mod wait;

pub use answer::Answer;
pub use api::Api;
pub use bert::Bert;
pub use r#break::Break;
pub use bridge::{Bridge, Far};
pub use broadcast::{Broadcast, Legs};
pub use deflect::Deflect;
pub use echo::Echo;
pub use execute::Execute;
pub use expect::Expect;
pub use expect_dtmf::ExpectDtmf;
pub use expect_tone::ExpectTone;
pub use hangup::Hangup;
pub use hold::Hold;
pub use log::Log;
pub use mute::{Mute, Unmute};
pub use park::Park;
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
pub(super) use start::{NO_SYNC, NOT_RUN};
pub use stop_record::StopRecord;
pub use transfer::Transfer;
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

    /// Whether it can be done on a host without a call.
    fn on_host(&self) -> bool {
        false
    }

    /// Begins: says what the switch is to do, and what ends the step.
    fn start(&self, start: &mut Start<'_>) -> Begun;

    /// Events it waits for, beyond those that are always subscribed to.
    fn events(&self) -> Vec<String> {
        Vec::new()
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
    /// It runs a bit error test.
    pub tests_bits: bool,
    /// It ends when the leg does.
    pub ends_with_leg: bool,
    /// After it the call is answered.
    pub awaits_answer: bool,
    /// It waits for digits, which come this way, or any.
    pub dtmf: Option<Option<Mode>>,
    /// A tone that the leg's recording must hold.
    pub tone: Option<Within<Hertz>>,
    /// What the switch cannot do it without.
    pub module: Option<Module>,
    /// The time it takes at least.
    pub takes: Duration,
    /// What becomes of a call that it makes and that comes back.
    pub far: Far,
}

/// A module of a switch that a step works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module {
    pub name: &'static str,
    /// What of it is executed.
    pub application: &'static str,
    /// What to do where a host does not have it.
    pub instead: &'static str,
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
    bert::variant,
    set::variant,
    log::variant,
    execute::variant,
    api::variant,
    park::variant,
    r#break::variant,
    hold::hold,
    hold::unhold,
    mute::mute,
    mute::unmute,
    transfer::variant,
    deflect::variant,
    bridge::variant,
    broadcast::variant,
    expect::variant,
    expect_tone::variant,
];

/// One step.
pub fn shape() -> Shape<Box<dyn Step>> {
    let mut steps: Vec<StepVariant> = STEPS.iter().map(|variant| variant()).collect();
    steps.push(include());
    tagged("step", steps).and_then(programs::refuse_step).named("step")
}

/// Steps of another file, which were put in before steps are read. What is left stands where no list of steps does.
fn include() -> StepVariant {
    let shape = crate::scenario::expand::include().and_then(|_, node, reading| {
        reading.error(&node.span, "`include` cannot stand here").help = "it is an item of a list of steps".to_owned();
        None
    });
    Variant::new("include", "Does the steps of another file: a list, which may be included by many scenarios.")
        .with(shape)
}

/// How long a step may take whose length only the switch knows; the scenario's own time limit is shorter, usually.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A step as the language holds it.
fn boxed(step: impl Step + 'static) -> Box<dyn Step> {
    Box::new(step)
}
