//! A scenario as it is once its file was found right.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::check::{self, Check};
use super::document;
use super::load_spec::LoadSpec;
use super::requires::Requires;
use super::shape::Placed;
use super::step::{Module, Step};
use crate::audio::verify::Track;
use crate::load::{Row, Table};
use crate::media::Tracks;
use crate::metrics::Gate;
use crate::place::Place;
use crate::units::SampleRate;

/// One document of a scenario file, or one combination of its matrix: a call, what its legs do, and what must hold.
#[derive(Debug)]
pub struct Scenario {
    /// Unique in its file: `base` and, of a matrix, the combination: `digits[codec=PCMU,mode=inband]`.
    pub name: String,
    /// The document's name.
    pub base: String,
    /// The combination of the matrix, in the order of the file; empty without one.
    pub cell: Vec<(String, String)>,
    /// The name of the only host it is made for: that of a scenario with `${host.name}` in it.
    pub on: Option<String>,
    /// The `_defaults.yaml` files it has taken from, the innermost first.
    pub defaults: Vec<PathBuf>,
    /// Folders above it that have a setup or a teardown, the innermost first.
    pub folders: Vec<PathBuf>,
    /// What its steps work on.
    pub stage: Stage,
    /// Where the document begins.
    pub place: Place,
    pub tags: Vec<String>,
    pub call: CallSpec,
    /// In order. Empty: the leg only waits. On [`Stage::Host`] these are the host's.
    pub caller: Vec<PlacedStep>,
    pub callee: Vec<PlacedStep>,
    pub record: RecordSpec,
    /// Talk time, from the caller's answer, after which the caller hangs up.
    pub duration: Option<Duration>,
    /// Its own limit of time, from the originate, after which it has failed.
    pub timeout: Option<Duration>,
    /// How often it is tried again when it fails, where it says so itself.
    pub retries: Option<u32>,
    pub requires: Placed<Requires>,
    /// Why it is not run.
    pub skip: Option<Placed<String>>,
    /// Why it is expected to fail.
    pub xfail: Option<Placed<String>>,
    pub expect: Vec<PlacedCheck>,
    /// Of [`Stage::Load`]: what is offered. The scenario itself has no steps and no checks then; its entries have.
    pub load: Option<Box<LoadSpec>>,
    /// Of a load: what must hold of all its calls together.
    pub gates: Vec<Placed<Gate>>,
}

/// What the steps of a scenario work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The legs of a call that is made.
    Call,
    /// The host itself; no call is made.
    Host,
    /// Many calls, as the scenarios of a [`LoadSpec`] have them.
    Load,
}

impl Stage {
    /// Who does what `leg` does, in words.
    pub const fn actor(self, leg: Leg) -> &'static str {
        match self {
            Stage::Call | Stage::Load => leg.name(),
            Stage::Host => "host",
        }
    }
}

impl Scenario {
    /// A call of which nothing is said but its name and where it is made.
    pub(super) fn blank(name: String, at: Placed<()>) -> Scenario {
        let Placed { place, span, value: () } = at;
        Scenario {
            name: name.clone(),
            base: name,
            cell: Vec::new(),
            on: None,
            defaults: Vec::new(),
            folders: Vec::new(),
            stage: Stage::Call,
            requires: Placed { value: Requires::default(), place: place.clone(), span },
            place,
            tags: Vec::new(),
            call: document::unset_call(),
            caller: Vec::new(),
            callee: Vec::new(),
            record: RecordSpec::default(),
            duration: None,
            timeout: None,
            retries: None,
            skip: None,
            xfail: None,
            expect: Vec::new(),
            load: None,
            gates: Vec::new(),
        }
    }

    /// Time after which it has failed. Where it does not say, `default` and its talk time.
    pub fn time_limit(&self, default: Duration) -> Duration {
        self.time_limit_of(default, self.duration)
    }

    /// The same of a call with the talk time `duration`.
    pub fn time_limit_of(&self, default: Duration, duration: Option<Duration>) -> Duration {
        self.timeout.unwrap_or_else(|| default.saturating_add(duration.unwrap_or_default()))
    }

    /// What `leg` does.
    pub fn steps(&self, leg: Leg) -> &[PlacedStep] {
        match leg {
            Leg::Caller => &self.caller,
            Leg::Callee => &self.callee,
        }
    }

    /// The scenarios that a load offers; none of any other.
    pub fn offered(&self) -> impl Iterator<Item = &Arc<Scenario>> {
        self.load.iter().flat_map(|load| &load.mix).flat_map(|entry| &entry.scenarios)
    }

    /// SIP profiles that its calls are sent by.
    pub fn profiles(&self) -> Vec<&str> {
        match self.stage {
            Stage::Call => vec![&self.call.profile],
            Stage::Host => Vec::new(),
            Stage::Load => self.offered().map(|scenario| scenario.call.profile.as_str()).collect(),
        }
    }

    /// Whether anything of `leg` is recorded.
    pub fn records(&self, leg: Leg) -> bool {
        self.record.of(leg).is_some() || self.steps(leg).iter().any(|step| step.facts().records.is_some())
    }

    /// Modules that a host has to be asked for.
    pub fn asks(&self) -> impl Iterator<Item = &str> {
        let offered = self.offered().flat_map(|scenario| scenario.requires.asks());
        self.requires.asks().chain(offered).chain(self.modules().map(|(_, _, module)| module.name))
    }

    /// Modules that its steps work with, those of what it offers too, and which step of which leg does.
    pub fn modules(&self) -> impl Iterator<Item = (Leg, &PlacedStep, Module)> {
        self.own_modules().chain(self.offered().flat_map(|scenario| scenario.own_modules()))
    }

    fn own_modules(&self) -> impl Iterator<Item = (Leg, &PlacedStep, Module)> {
        let steps = Leg::BOTH.into_iter().flat_map(|leg| self.steps(leg).iter().map(move |step| (leg, step)));
        steps.filter_map(|(leg, step)| Some((leg, step, step.facts().module?)))
    }

    /// Has the recordings of the legs judge the tones that steps wait for, and records what is not recorded for that.
    pub(super) fn judge_tones(&mut self) {
        for leg in Leg::BOTH {
            let judged = |step: &PlacedStep| {
                let value = check::tone(leg, step.facts().tone?);
                Some(Placed { value, place: step.place.clone(), span: step.span.clone() })
            };
            let checks: Vec<PlacedCheck> = self.steps(leg).iter().filter_map(judged).collect();
            let recorded = self.steps(leg).iter().any(|step| step.facts().records.is_some());
            let record = match leg {
                Leg::Caller => &mut self.record.caller,
                Leg::Callee => &mut self.record.callee,
            };
            if !checks.is_empty() && !recorded {
                record.get_or_insert(Recording::HEARD);
            }
            self.expect.extend(checks);
        }
    }

    /// Events that its steps wait for and its checks look for, beyond those that are always subscribed to.
    pub fn events(&self) -> impl Iterator<Item = String> {
        self.own_events().chain(self.offered().flat_map(|scenario| scenario.own_events()))
    }

    fn own_events(&self) -> impl Iterator<Item = String> {
        let steps = self.caller.iter().chain(&self.callee).flat_map(|step| step.events());
        steps.chain(self.expect.iter().flat_map(|check| check.events()))
    }
}

/// A step and where it stands. The steps of a built-in app stand where the app does.
pub type PlacedStep = Placed<Box<dyn Step>>;

/// A check and where it stands.
pub type PlacedCheck = Placed<Box<dyn Check>>;

/// A leg of the call, as scenarios name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leg {
    /// The A-leg: who originates.
    Caller,
    /// The B-leg: who is called.
    Callee,
}

impl Leg {
    pub const BOTH: [Leg; 2] = [Leg::Caller, Leg::Callee];

    pub const fn other(self) -> Leg {
        match self {
            Leg::Caller => Leg::Callee,
            Leg::Callee => Leg::Caller,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Leg::Caller => "caller",
            Leg::Callee => "callee",
        }
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How the call is originated.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSpec {
    /// The user, `user@host` or SIP URI that is called.
    pub to: String,
    /// The SIP profile that sends the INVITE, unless there is a gateway.
    pub profile: String,
    /// The gateway that sends the INVITE.
    pub gateway: Option<String>,
    /// A proxy the INVITE is routed through: `host` or `host:port`.
    pub proxy: Option<String>,
    /// Codecs to offer, the preferred one first; empty: as the profile has them.
    pub codec: Vec<String>,
    pub caller_id: CallerId,
    /// SIP headers to add to the INVITE, in order.
    pub headers: Vec<(String, String)>,
    /// Channel variables of the originate, in order.
    pub vars: Vec<(String, String)>,
    /// How long the call may stay unanswered (`originate_timeout`).
    pub timeout: Duration,
}

impl CallSpec {
    /// The call with the values of `row` in place of its `${field.NAME}`.
    pub fn filled(&self, row: Row<'_>) -> CallSpec {
        self.with_texts(|text| row.fill(text).into_owned())
    }

    /// The call with `<field.NAME>` in place of its `${field.NAME}`, to be shown.
    pub fn shown(&self, table: &Table) -> CallSpec {
        self.with_texts(|text| table.shown(text).into_owned())
    }

    /// The call with what `into` makes of each text that a field may stand in.
    fn with_texts(&self, into: impl Fn(&str) -> String) -> CallSpec {
        let of = |text: &Option<String>| text.as_deref().map(&into);
        let all = |named: &[(String, String)]| named.iter().map(|(name, text)| (name.clone(), into(text))).collect();
        CallSpec {
            to: into(&self.to),
            proxy: of(&self.proxy),
            caller_id: CallerId { name: of(&self.caller_id.name), number: of(&self.caller_id.number) },
            headers: all(&self.headers),
            vars: all(&self.vars),
            ..self.clone()
        }
    }
}

/// Who the call says it is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerId {
    pub name: Option<String>,
    pub number: Option<String>,
}

/// What is recorded of each leg, from its answer to its end.
///
/// A call by itself is recorded. Of many calls under load one is, whenever `period` is over since the last that was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordSpec {
    pub caller: Option<Recording>,
    pub callee: Option<Recording>,
    /// `None`: every call is recorded.
    pub period: Option<Duration>,
}

impl RecordSpec {
    /// Whether a call that begins so long after the last recorded one is recorded; `None`: it is the first.
    pub fn is_due(&self, since: Option<Duration>) -> bool {
        since.is_none_or(|since| self.period.is_none_or(|period| since >= period))
    }

    pub fn of(&self, leg: Leg) -> Option<Recording> {
        match leg {
            Leg::Caller => self.caller,
            Leg::Callee => self.callee,
        }
    }
}

/// One recording of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recording {
    /// `Stereo`: heard on the left, said on the right.
    pub tracks: Tracks,
    /// 8 or 16 kHz.
    pub rate: SampleRate,
}

impl Recording {
    /// What the leg hears and what it says, each in its channel, at 8 kHz.
    pub const BOTH: Recording = Recording { tracks: Tracks::Stereo, rate: SampleRate::NARROW };
    /// What the leg hears, at 8 kHz.
    pub const HEARD: Recording = Recording { tracks: Tracks::Heard, rate: SampleRate::NARROW };

    /// The channel to listen to for `track`, counted from 0; `None` when the recording does not hold that alone.
    /// Without a track any channel will do, what was heard before all.
    pub fn channel(&self, track: Option<Track>) -> Option<usize> {
        match (self.tracks, track) {
            (Tracks::Heard | Tracks::Stereo, Some(Track::Heard)) | (Tracks::Said, Some(Track::Said)) | (_, None) => {
                Some(0)
            }
            (Tracks::Stereo, Some(Track::Said)) => Some(1),
            (Tracks::Heard, Some(Track::Said)) | (Tracks::Said, Some(Track::Heard)) | (Tracks::Mixed, Some(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_load_a_call_is_recorded_when_its_period_is_over() {
        let seconds = Duration::from_secs;
        let every = RecordSpec { period: Some(seconds(5)), ..RecordSpec::default() };
        assert!(every.is_due(None) && every.is_due(Some(seconds(5))) && !every.is_due(Some(seconds(4))));
        assert!(RecordSpec::default().is_due(Some(Duration::ZERO)));
    }
}
