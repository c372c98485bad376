//! A scenario at work: changes of its call in, commands out, and at the end what there is to judge.
//!
//! The machine is driven by whoever owns the host: it is told what changed, what was replied and what time it is, and
//! gives [`Action`]s. It does not know sockets or clocks, so a whole call can be played in virtual time.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::call::{Change, ChangeKind, Job, State};
use crate::esl::{Command, Event, Reply, header};
use crate::id::{Ids, SessionId};
use crate::load::Row;
use crate::place::Place;
use crate::units::{Time, human};
use crate::verdict::{CheckReport, LegTrace, TraceKind, Verdict};

use super::model::{CallSpec, Leg, Recording, Scenario, Stage};
use super::outcome::Outcome;
use super::step::{Far, Mode, Signal};
use super::witness::Witness;

mod digits;
mod leg;
mod plan;

use leg::Fault;
pub(super) use leg::LegRun;
pub use leg::Recorded;
pub(crate) use leg::one_word;
pub use plan::{LegPlan, Plan, StepPlan};

/// How long a leg may still be there after the call was hung up.
const ENDING: Duration = Duration::from_secs(8);

/// How long the sound of one leg waits for the recording of the other to begin.
const RECORDING_GATE: Duration = Duration::from_secs(2);

/// What the machine wants done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Makes the call. Its job's end is told by [`Machine::handle_job`].
    Originate(Box<Dial>),
    /// Gives a command; its reply is told by [`Machine::handle_reply`] with the same number.
    Command {
        number: u64,
        /// The session that it is for, on whose host it must be given; without one it goes to the caller's.
        session: Option<SessionId>,
        command: Command,
    },
}

/// A call to make, in the scenario's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Dial {
    pub session: SessionId,
    pub call: CallSpec,
    /// Whether 183 with media leaves the caller waiting for the answer.
    pub ignore_early_media: bool,
}

impl Dial {
    fn of(scenario: &Scenario, session: SessionId) -> Dial {
        let early = scenario.callee.iter().any(|step| step.value.facts().signal == Some(Signal::PreAnswer));
        Dial { session, call: scenario.call.clone(), ignore_early_media: !early }
    }
}

/// Where a scenario is played.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The folders, on the hosts of caller and callee, that recordings of this test go to.
    pub recordings: [PathBuf; 2],
    /// Time, beside the talk time, after which a scenario has failed that does not say.
    pub timeout: Duration,
    /// Talk time in place of the scenario's.
    pub talk_time: Option<Duration>,
    pub listening: Listening,
}

/// Whether a call is recorded as its scenario says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listening {
    #[default]
    Recorded,
    /// Nothing is recorded but by steps; checks that would listen to the rest are left out.
    Left,
}

impl Setting {
    /// A test by itself, with the folders of caller and callee for recordings.
    pub fn of_test(recordings: [PathBuf; 2], timeout: Duration) -> Self {
        Setting { recordings, timeout, talk_time: None, listening: Listening::Recorded }
    }
}

/// One run of a scenario on one host.
#[derive(Debug)]
pub struct Machine {
    scenario: Arc<Scenario>,
    /// Time from its start after which it has failed.
    limit: Duration,
    /// Talk time after which the caller hangs up.
    duration: Option<Duration>,
    listening: Listening,
    call: SessionId,
    ids: Ids,
    phase: Phase,
    started: Time,
    /// The call to make, where it is not quite the scenario's.
    filled: Option<CallSpec>,
    legs: [LegRun; 2],
    /// Sessions of the call that are there: the legs, and those that something in between made.
    live: Vec<SessionId>,
    job: Option<Job>,
    /// When the originate was over.
    job_ended: Option<Time>,
    next_number: u64,
    /// Commands without a reply: whose they are, what they say, and whether their step fails when they are refused.
    unanswered: HashMap<u64, Unanswered>,
    actions: VecDeque<Action>,
    problems: Vec<CheckReport>,
}

#[derive(Clone, Debug)]
struct Unanswered {
    leg: Leg,
    text: String,
    fatal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Running,
    /// Hung up; waiting for everything to be gone.
    Ending {
        since: Time,
        /// Both legs were told, or the caller's alone and the other side's must follow by itself.
        both: bool,
    },
    Done,
}

impl Machine {
    /// A scenario to be played; `ids` makes the call's names.
    pub fn new(scenario: Arc<Scenario>, setting: Setting, mut ids: Ids) -> Self {
        let call = SessionId::new(ids.uuid());
        let asked: Vec<String> = scenario.expect.iter().flat_map(|check| check.value.headers()).collect();
        let leg = |leg: Leg| {
            let stem = setting.recordings[leg as usize].join(call.as_str());
            LegRun::new(leg, scenario.stage, &stem, Witness::asking(asked.clone()))
        };
        let duration = setting.talk_time.or(scenario.duration);
        Machine {
            legs: [leg(Leg::Caller), leg(Leg::Callee)],
            limit: scenario.time_limit_of(setting.timeout, duration),
            duration,
            listening: setting.listening,
            scenario,
            call,
            ids,
            phase: Phase::Idle,
            started: Time::default(),
            filled: None,
            live: Vec::new(),
            job: None,
            job_ended: None,
            next_number: 0,
            unanswered: HashMap::new(),
            actions: VecDeque::new(),
            problems: Vec::new(),
        }
    }

    /// With the values of `row` in place of the `${field.NAME}` of its call.
    pub fn with_fields(mut self, row: Row<'_>) -> Self {
        self.filled = Some(self.scenario.call.filled(row));
        self
    }

    /// The name of the call, and of the caller's session.
    pub fn call(&self) -> &SessionId {
        &self.call
    }

    pub fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// Sessions that are still there or may yet come to be, as far as was seen.
    pub fn left(&self) -> Vec<SessionId> {
        let mut left = self.live.clone();
        let originates = self.job.is_none() && self.phase != Phase::Idle && self.scenario.stage == Stage::Call;
        if originates && !left.contains(&self.call) {
            left.push(self.call.clone());
        }
        left
    }

    /// Makes the call, or begins with the host's steps.
    pub fn start(&mut self, now: Time) {
        self.started = now;
        self.phase = Phase::Running;
        if self.scenario.stage == Stage::Host {
            return self.advance(now);
        }
        let mut dial = Dial::of(&self.scenario, self.call.clone());
        if let Some(filled) = self.filled.take() {
            dial.call = filled;
        }
        self.leg_mut(Leg::Caller).note(now, TraceKind::Command, format!("originate to {}", dial.call.to));
        self.actions.push_back(Action::Originate(Box::new(dial)));
        self.advance(now);
    }

    /// Takes a change of one of the call's sessions, and the event that made it.
    pub fn handle_change(&mut self, now: Time, change: &Change, event: &Arc<Event>) {
        match change.kind {
            ChangeKind::Created | ChangeKind::Joined { .. } => {
                if !self.live.contains(&change.session) {
                    self.live.push(change.session.clone());
                }
                let which = if change.session == self.call { Leg::Caller } else { Leg::Callee };
                let leg = self.leg_mut(which);
                if leg.session.is_none() {
                    leg.session = Some(change.session.clone());
                }
            }
            ChangeKind::Destroyed(_) => self.live.retain(|session| *session != change.session),
            _ => {}
        }
        let which = Leg::BOTH.into_iter().find(|&leg| self.leg(leg).session.as_ref() == Some(&change.session));
        if let Some(which) = which {
            self.leg_mut(which).handle_change(now, change, event);
        }
        self.serve_far(now, change, event);
        self.advance(now);
    }

    /// Takes the reply to a command.
    pub fn handle_reply(&mut self, now: Time, number: u64, reply: &Reply) {
        let Some(asked) = self.unanswered.remove(&number) else { return };
        let leg = self.leg_mut(asked.leg);
        leg.handle_reply(now, number, reply.result().ok());
        if let Err(refusal) = reply.result() {
            leg.note(now, TraceKind::Reply, format!("{refusal} (to `{}`)", asked.text));
            if asked.fatal {
                leg.refused(asked.text, refusal);
            }
        }
        self.advance(now);
    }

    /// Takes the result of the originate.
    pub fn handle_job(&mut self, now: Time, job: &Job) {
        let told = match job.result() {
            Some(Ok(_)) => "originate: the call is up".to_owned(),
            Some(Err(cause)) => format!("originate failed: {cause}"),
            None => "originate was lost".to_owned(),
        };
        self.leg_mut(Leg::Caller).note(now, TraceKind::Reply, told);
        self.job = Some(job.clone());
        self.job_ended = Some(now);
        self.advance(now);
    }

    /// The originate could not be given to the host.
    pub fn handle_refused(&mut self, now: Time, why: &str, help: &str) {
        self.problem(CheckReport {
            name: "originate".to_owned(),
            place: Some(self.scenario.place.clone()),
            verdict: Verdict::Error,
            expected: "a call".to_owned(),
            actual: why.to_owned(),
            help: help.to_owned(),
            passages: Vec::new(),
        });
        self.leg_mut(Leg::Caller).note(now, TraceKind::Reply, why.to_owned());
        self.phase = Phase::Done;
    }

    /// The host is gone: nothing more will be known of this call.
    pub fn handle_host_lost(&mut self, now: Time, reason: &str) {
        if self.phase == Phase::Done {
            return;
        }
        let during = self.doing();
        self.problem(CheckReport {
            name: "host".to_owned(),
            place: None,
            verdict: Verdict::Error,
            expected: "a host to the end of the call".to_owned(),
            actual: format!("lost: {reason}"),
            help: during,
            passages: Vec::new(),
        });
        for leg in Leg::BOTH {
            self.leg_mut(leg).note(now, TraceKind::Event, format!("host lost: {reason}"));
        }
        self.phase = Phase::Done;
    }

    /// The run was told to stop: hangs up what is there.
    pub fn interrupt(&mut self, now: Time) {
        if matches!(self.phase, Phase::Idle) {
            self.phase = Phase::Done;
        }
        if self.phase == Phase::Running {
            self.problem(CheckReport {
                name: "interrupted".to_owned(),
                place: None,
                verdict: Verdict::Error,
                expected: "the scenario to its end".to_owned(),
                actual: self.doing(),
                help: String::new(),
                passages: Vec::new(),
            });
            self.end(now, true);
        }
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Time) {
        self.advance(now);
    }

    /// When [`Machine::handle_timeout`] is due, if nothing else comes.
    pub fn poll_timeout(&self) -> Option<Time> {
        match self.phase {
            Phase::Idle | Phase::Done => None,
            // Steps are of no more interest once both legs were told to go.
            Phase::Ending { since, both: true } => Some(since + ENDING),
            Phase::Ending { since, both: false } => {
                self.legs.iter().filter_map(LegRun::deadline).chain([since + ENDING]).min()
            }
            Phase::Running => {
                let legs = self.legs.iter().filter_map(LegRun::deadline);
                legs.chain(self.talk_ends()).chain(self.watch_ends()).chain([self.started + self.limit]).min()
            }
        }
    }

    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether the call is over, so that it can be judged.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// The recordings that were begun, on the host's disk.
    pub fn recordings(&self) -> impl Iterator<Item = (Leg, &Recorded)> {
        self.legs.iter().flat_map(|leg| leg.recordings.iter().map(|recorded| (leg.leg, recorded)))
    }

    /// What each leg did.
    pub fn traces(&self) -> Vec<LegTrace> {
        self.legs.iter().filter(|leg| leg.leg == Leg::Caller || leg.session.is_some()).map(LegRun::trace).collect()
    }

    /// What there is to judge, with the recordings as they could be read.
    pub fn outcome(&mut self, mut read: BTreeMap<PathBuf, Result<crate::audio::wav::Wav, String>>) -> Outcome {
        let legs = self.legs.each_mut().map(|leg| leg.outcome(&mut read));
        self.report_digits_left();
        let refused = self.job.as_ref().and_then(|job| job.result()?.err().map(str::to_owned));
        Outcome {
            legs,
            originate_failed: refused,
            problems: std::mem::take(&mut self.problems),
            listening: self.listening,
            scenario: Arc::clone(&self.scenario),
        }
    }

    fn leg(&self, leg: Leg) -> &LegRun {
        &self.legs[leg as usize]
    }

    fn leg_mut(&mut self, leg: Leg) -> &mut LegRun {
        &mut self.legs[leg as usize]
    }

    fn problem(&mut self, problem: CheckReport) {
        self.problems.push(problem);
    }

    /// When the caller hangs up, if the scenario limits the talk time.
    fn talk_ends(&self) -> Option<Time> {
        Some(self.leg(Leg::Caller).answered? + self.duration?)
    }

    /// Until when the callee is watched, where a check wants that nothing arrives there.
    fn watch_ends(&self) -> Option<Time> {
        let watch = self.scenario.expect.iter().filter_map(|check| check.facts().watch).max()?;
        Some(self.job_ended? + watch)
    }

    /// Whether a check still watches for a call.
    fn watches(&self, now: Time) -> bool {
        let asked = self.scenario.expect.iter().any(|check| check.facts().watch.is_some());
        asked && self.watch_ends().is_none_or(|at| now < at)
    }

    /// Whether the callee refused and the caller has not heard of it: a hangup now would hide why the call failed.
    fn refusal_is_on_its_way(&self) -> bool {
        let callee = self.leg(Leg::Callee);
        self.job.is_none() && callee.state == Some(State::HungUp) && callee.answered.is_none()
    }

    /// Does with a call that came back from a bridge what its step says.
    fn serve_far(&mut self, now: Time, change: &Change, event: &Event) {
        if !matches!(change.kind, ChangeKind::Parked) || event.header(header::CALL_DIRECTION) != Some("inbound") {
            return;
        }
        if Leg::BOTH.into_iter().any(|leg| self.leg(leg).session.as_ref() == Some(&change.session)) {
            return;
        }
        let mut steps =
            Leg::BOTH.into_iter().flat_map(|leg| self.scenario.steps(leg).iter().map(move |step| (leg, step)));
        let bridge =
            steps.find_map(|(leg, step)| Some((leg, step.facts().far)).filter(|(_, far)| *far != Far::Nothing));
        let Some((which, far)) = bridge else { return };
        let session = change.session.clone();
        let answer = Command::api(&format!("uuid_answer {session}"));
        self.tell_session(now, which, Some(session.clone()), answer, false);
        if far == Far::Echo {
            let uuid = self.ids.uuid();
            let echo = Command::execute(session.clone(), "echo", "", &uuid);
            self.tell_session(now, which, Some(session), echo, false);
        }
    }

    /// Goes as far as can be gone now.
    fn advance(&mut self, now: Time) {
        // A call that ends by itself lets its steps see it end.
        if matches!(self.phase, Phase::Running | Phase::Ending { both: false, .. }) {
            self.run_steps(now);
        }
        if self.phase == Phase::Running {
            self.judge_progress(now);
        }
        if let Phase::Ending { since, both } = self.phase {
            self.judge_ending(now, since, both);
        }
    }

    fn run_steps(&mut self, now: Time) {
        loop {
            let mut moved = false;
            for which in Leg::BOTH {
                moved |= self.begin_recording(now, which);
                let gate = self.gate(now, which);
                let leg = &mut self.legs[which as usize];
                // What failed is the step that was under way, not the next one.
                moved |= leg.fault.is_none() && leg.finish_step(now);
                if let Some(fault) = leg.fault.take() {
                    let report = self.step_failed(which, &fault);
                    self.problem(report);
                    self.end(now, true);
                    return;
                }
                let steps = self.scenario.steps(which);
                let Some(commands) = leg.begin_step(now, steps, gate, &mut self.ids) else { continue };
                moved = true;
                for (command, fatal) in commands {
                    let number = self.tell(now, which, command, fatal);
                    self.leg_mut(which).question = Some(number);
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// Begins what `record:` asks for, and listening for tones, once `which` can be heard.
    fn begin_recording(&mut self, now: Time, which: Leg) -> bool {
        let recording = self.recording_of(which);
        let listens = self.listens(which);
        if recording.is_none() && !listens {
            return false;
        }
        let leg = self.leg_mut(which);
        if leg.recording_asked || !leg.has_media() {
            return false;
        }
        leg.recording_asked = true;
        for command in recording.map_or(Vec::new(), |recording| leg.record_commands(recording)) {
            self.tell(now, which, command, true);
        }
        if let Some(command) = self.legs[which as usize].listen_command(&mut self.ids).filter(|_| listens) {
            self.tell(now, which, command, true);
        }
        true
    }

    /// What is recorded of `which` from when it can be heard.
    fn recording_of(&self, which: Leg) -> Option<Recording> {
        self.scenario.record.of(which).filter(|_| self.listening == Listening::Recorded)
    }

    /// Whether a step of `which` waits for digits that are tones.
    fn listens(&self, which: Leg) -> bool {
        self.scenario.steps(which).iter().any(|step| step.value.facts().dtmf == Some(Some(Mode::Inband)))
    }

    /// Whether the sound of `which` must still wait, because the other leg's recording would miss its beginning.
    fn gate(&self, now: Time, which: Leg) -> bool {
        let other = self.leg(which.other());
        let waits = (self.recording_of(which.other()).is_some() || self.listens(which.other()))
            && self.leg(which).state == Some(State::Answered)
            && other.session.is_some()
            && other.state < Some(State::HungUp)
            && !other.recording_runs();
        waits && self.leg(which).answered.is_some_and(|at| now < at + RECORDING_GATE)
    }

    fn tell(&mut self, now: Time, which: Leg, command: Command, fatal: bool) -> u64 {
        let session = self.leg(which).session.clone();
        self.tell_session(now, which, session, command, fatal)
    }

    /// Gives a command on behalf of `which` to a session that need not be its own.
    fn tell_session(
        &mut self,
        now: Time,
        which: Leg,
        session: Option<SessionId>,
        command: Command,
        fatal: bool,
    ) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let text = command.to_string();
        let leg = self.leg_mut(which);
        leg.note(now, TraceKind::Command, text.clone());
        leg.unanswered.push(number);
        self.unanswered.insert(number, Unanswered { leg: which, text, fatal });
        self.actions.push_back(Action::Command { number, session, command });
        number
    }

    /// Ends the call when all was done, and fails it when what remains can no longer happen.
    fn judge_progress(&mut self, now: Time) {
        if now >= self.started + self.limit {
            self.problem(CheckReport {
                name: "timeout".to_owned(),
                place: Some(self.scenario.place.clone()),
                verdict: Verdict::Failed,
                expected: format!("the scenario over within {}", human(self.limit)),
                actual: self.doing(),
                help: "`timeout:` sets how long a scenario may take, `--timeout` how long those without it".to_owned(),
                passages: Vec::new(),
            });
            return self.end(now, true);
        }
        if self.talk_ends().is_some_and(|at| now >= at) {
            return self.end(now, false);
        }
        let finished = self.steps_finished();
        if self.scenario.stage == Stage::Host {
            if finished {
                self.phase = Phase::Done;
            }
            return;
        }
        let over = self.job.is_some() && self.live.is_empty() && self.watch_ends().is_none_or(|at| now >= at);
        if over {
            self.report_undone();
            self.phase = Phase::Done;
        } else if finished && self.duration.is_none() && !self.watches(now) && !self.refusal_is_on_its_way() {
            self.end(now, false);
        }
    }

    fn steps_finished(&self) -> bool {
        let of = |leg: Leg, steps: usize| self.leg(leg).is_finished(steps);
        of(Leg::Caller, self.scenario.caller.len()) && of(Leg::Callee, self.scenario.callee.len())
    }

    /// The call is gone although steps remain: each leg's first one that could not be done is a failure.
    fn report_undone(&mut self) {
        let refusal = self.job.as_ref().and_then(|job| job.result()?.err().map(str::to_owned));
        for which in Leg::BOTH {
            let steps = self.scenario.steps(which);
            let leg = self.leg(which);
            let Some(index) = leg.undone(steps.len()) else { continue };
            let step = &steps[index];
            let cause = leg.ended.as_ref().and_then(|session| session.hangup_cause.as_ref());
            let actual = match (cause, &refusal) {
                (Some(cause), _) => format!("the {which}'s leg ended with {cause} before it"),
                (None, Some(refusal)) => format!("no {which}'s leg: the originate failed with {refusal}"),
                (None, None) => format!("no {which}'s leg came to be"),
            };
            let help = match which {
                Leg::Callee if cause.is_none() && refusal.is_none() => {
                    "the call was answered by something else, or its X-headers were not forwarded".to_owned()
                }
                _ => String::new(),
            };
            self.problems.push(CheckReport {
                name: format!("{which} step {}: {}", index + 1, step.value.describe()),
                place: Some(step.place.clone()),
                verdict: Verdict::Failed,
                expected: "done".to_owned(),
                actual,
                help,
                passages: Vec::new(),
            });
        }
    }

    /// Digits that came behind the last that a leg expected are as wrong as any; where a step failed, they are its.
    fn report_digits_left(&mut self) {
        if !self.problems.is_empty() {
            return;
        }
        for which in Leg::BOTH {
            let Some(left) = self.leg(which).digits_left(self.scenario.steps(which)) else { continue };
            self.problems.push(CheckReport {
                name: format!("{which} digits"),
                place: Some(self.scenario.place.clone()),
                verdict: Verdict::Failed,
                expected: "no digits behind those of `expect_dtmf`".to_owned(),
                actual: format!("received {left} as well"),
                help: "a digit that comes twice is often one whose end packets differ, or one sent two ways".to_owned(),
                passages: Vec::new(),
            });
        }
    }

    fn step_failed(&self, which: Leg, fault: &Fault) -> CheckReport {
        let steps = self.scenario.steps(which);
        let leg = self.leg(which);
        let step = steps.get(leg.step_in_question());
        let name = match step {
            Some(step) => format!("{} step {}: {}", leg.name(), leg.step_in_question() + 1, step.value.describe()),
            None => leg.name().to_owned(),
        };
        let place: Option<Place> = step.map(|step| step.place.clone());
        let (expected, actual, help) = fault.told(which, leg);
        CheckReport { name, place, verdict: Verdict::Failed, expected, actual, help, passages: Vec::new() }
    }

    /// What each leg is at, for those who find the scenario unfinished.
    fn doing(&self) -> String {
        let told = |which: Leg| {
            let steps = self.scenario.steps(which);
            let leg = self.leg(which);
            let at = match steps.get(leg.step_in_question()) {
                Some(step) => format!("in step {}, {}", leg.step_in_question() + 1, step.value.describe()),
                None => "done with its steps".to_owned(),
            };
            match leg.state {
                None if self.scenario.stage == Stage::Host => format!("host: {at}"),
                None => format!("{which}: not there yet"),
                Some(state) => format!("{which}: {} and {at}", leg::state_word(state)),
            }
        };
        match self.scenario.stage {
            Stage::Call | Stage::Load => format!("{}; {}", told(Leg::Caller), told(Leg::Callee)),
            Stage::Host => told(Leg::Caller),
        }
    }

    /// Hangs up: the caller's leg, and the callee's as well where the call is to be torn down.
    fn end(&mut self, now: Time, both: bool) {
        if self.scenario.stage == Stage::Host {
            self.phase = Phase::Done;
            return;
        }
        self.phase = Phase::Ending { since: now, both };
        // A leg that ended takes the other with it, and the cause that it does so with is what is tested.
        let ends_by_itself = !both && self.legs.iter().any(|leg| leg.state == Some(State::HungUp));
        let told: &[Leg] = match (both, ends_by_itself) {
            (true, _) => &Leg::BOTH,
            (false, true) => &[],
            (false, false) => &[Leg::Caller],
        };
        for &which in told {
            self.kill(now, which);
        }
        if !ends_by_itself && self.live.is_empty() && self.job.is_none() && self.leg(Leg::Caller).session.is_none() {
            // Nothing of the call was seen yet: it must not come to be after we stopped looking.
            self.tell(now, Leg::Caller, Command::api(&format!("uuid_kill {}", self.call)), false);
        }
    }

    fn kill(&mut self, now: Time, which: Leg) {
        let leg = self.leg(which);
        if let Some(session) = leg.session.clone().filter(|_| leg.state < Some(State::HungUp)) {
            self.tell(now, which, hang_up(&session), false);
        }
    }

    fn judge_ending(&mut self, now: Time, since: Time, both: bool) {
        let gone = self.live.is_empty() && self.job.is_some();
        if gone {
            if !both {
                self.report_undone();
            }
            self.phase = Phase::Done;
            return;
        }
        if now < since + ENDING {
            return;
        }
        if both {
            let left: Vec<_> = self.live.iter().map(SessionId::to_string).collect();
            self.problem(CheckReport {
                name: "end of the call".to_owned(),
                place: None,
                verdict: Verdict::Error,
                expected: format!("every leg gone within {} of being hung up", human(ENDING)),
                actual: match (left.is_empty(), &self.job) {
                    (true, None) => "the originate never ended".to_owned(),
                    _ => format!("still there: {}", left.join(", ")),
                },
                help: "the host may be overloaded, or have lost its events".to_owned(),
                passages: Vec::new(),
            });
            self.phase = Phase::Done;
        } else {
            self.problem(CheckReport {
                name: "end of the call".to_owned(),
                place: None,
                verdict: Verdict::Failed,
                expected: format!("each leg gone within {} of the other's end", human(ENDING)),
                actual: self.doing(),
                help: "the end of one leg did not reach the other side".to_owned(),
                passages: Vec::new(),
            });
            self.end(now, true);
        }
    }
}

/// Hangs up a leg whose scenario is over.
fn hang_up(session: &SessionId) -> Command {
    Command::api(&format!("uuid_kill {session} NORMAL_CLEARING"))
}
