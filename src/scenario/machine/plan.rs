//! A scenario gone through without a switch: what each leg would send, and the events that should come of it.
//!
//! The steps themselves say what they send, as they do in a call ([`LegRun::rehearse`]); the events are those that a
//! switch answers such commands with.

use std::path::Path;
use std::time::Duration;

use super::leg::{LegRun, Rehearsed};
use super::{Dial, Setting, hang_up};
use crate::esl::Command;
use crate::id::{Ids, SessionId};
use crate::place::Place;
use crate::scenario::model::{Leg, Scenario, Stage};
use crate::scenario::step::{Needs, Signal, Until};
use crate::scenario::witness::Witness;

/// What a scenario would do.
#[derive(Debug)]
pub struct Plan {
    pub dial: Dial,
    /// The caller's, then the callee's.
    pub legs: [LegPlan; 2],
    /// What ends the call once its steps are done, or its talk time is over.
    pub end: Vec<Command>,
}

/// What a leg would do.
#[derive(Debug)]
pub struct LegPlan {
    pub leg: Leg,
    /// Begins the recording that `record:` asks for, as soon as the leg has sound.
    pub record: Vec<Command>,
    pub steps: Vec<StepPlan>,
    /// Events of the leg in the order that is expected.
    pub events: Vec<String>,
}

/// What a step would do.
#[derive(Debug)]
pub struct StepPlan {
    pub describe: String,
    pub place: Place,
    pub needs: Needs,
    pub commands: Vec<Command>,
    /// What ends it: `the answer`.
    pub until: String,
    /// Within what time it must end; for a step that only lets time pass, that time.
    pub within: Duration,
    /// What the switch should tell of it, in order.
    pub events: Vec<String>,
}

impl Plan {
    /// The plan of `scenario`, with `<caller>` and `<callee>` for the legs.
    pub fn of(scenario: &Scenario, setting: &Setting) -> Plan {
        let session = |leg: Leg| SessionId::new(format!("<{leg}>"));
        let caller = session(Leg::Caller);
        let mut ids = Ids::seeded(0);
        let legs = Leg::BOTH.map(|leg| {
            let stem = setting.recordings[leg as usize].join(caller.as_str());
            LegPlan::of(scenario, leg, session(leg), &stem, &mut ids)
        });
        let over = |leg: Leg| {
            let signals = |step: &crate::scenario::PlacedStep| step.value.facts().signal;
            scenario
                .steps(leg)
                .iter()
                .filter_map(signals)
                .any(|signal| signal >= Signal::Refuse && signal != Signal::Answer)
        };
        let end = if scenario.stage == Stage::Host || Leg::BOTH.into_iter().any(over) {
            Vec::new()
        } else {
            vec![hang_up(&caller)]
        };
        Plan { dial: Dial::of(scenario, caller), legs, end }
    }
}

impl LegPlan {
    fn of(scenario: &Scenario, leg: Leg, session: SessionId, stem: &Path, ids: &mut Ids) -> LegPlan {
        let steps = scenario.steps(leg);
        let mut run = LegRun::new(leg, scenario.stage, stem, Witness::default());
        run.session = Some(session.clone());
        let record: Vec<Command> = scenario.record.of(leg).into_iter().flat_map(|of| run.record_commands(of)).collect();
        let planned: Vec<StepPlan> = run
            .rehearse(session, steps, ids)
            .into_iter()
            .zip(steps)
            .map(|(Rehearsed { commands, until, within }, step)| StepPlan {
                describe: step.value.describe(),
                place: step.place.clone(),
                needs: if scenario.stage == Stage::Host { Needs::Nothing } else { step.value.needs() },
                events: commands.iter().flat_map(|command| events_of(command, &until)).collect(),
                commands: commands.into_iter().map(anonymous).collect(),
                until: until.to_string(),
                within,
            })
            .collect();
        let events = match scenario.stage {
            Stage::Call => order(scenario, leg, &record, &planned),
            Stage::Host | Stage::Load => Vec::new(),
        };
        LegPlan { leg, record, steps: planned, events }
    }
}

/// The events of a leg from its beginning to its end.
fn order(scenario: &Scenario, leg: Leg, record: &[Command], steps: &[StepPlan]) -> Vec<String> {
    let mut events = vec!["CHANNEL_CREATE".to_owned()];
    let mut put = |name: &str| events.push(name.to_owned());
    let recorded: Vec<String> = record.iter().flat_map(|command| events_of(command, &Until::Replied)).collect();
    match leg {
        // What the callee signals is what the caller sees.
        Leg::Caller => {
            put("CHANNEL_ORIGINATE");
            let mut refused = false;
            let mut parked = false;
            for signal in scenario.callee.iter().filter_map(|step| step.value.facts().signal) {
                match signal {
                    Signal::Ring => put("CHANNEL_PROGRESS"),
                    Signal::PreAnswer => {
                        put("CHANNEL_PROGRESS_MEDIA");
                        put("CHANNEL_PARK");
                        parked = true;
                    }
                    Signal::Answer => put("CHANNEL_ANSWER"),
                    Signal::Refuse => refused = true,
                    Signal::Hangup => {}
                }
            }
            let answered = scenario.callee.is_empty()
                || scenario.callee.iter().any(|step| step.value.facts().signal == Some(Signal::Answer));
            if scenario.callee.is_empty() {
                put("CHANNEL_ANSWER");
            }
            if answered && !refused && !parked {
                put("CHANNEL_PARK");
            }
        }
        Leg::Callee => put("CHANNEL_PARK"),
    }
    if leg == Leg::Caller {
        events.extend(recorded.iter().cloned());
    }
    let mut recording = leg == Leg::Callee && !recorded.is_empty();
    for step in steps {
        for event in &step.events {
            events.push(event.clone());
            // The callee's recording begins with its sound.
            if std::mem::take(&mut recording) {
                if matches!(event.as_str(), "CHANNEL_ANSWER" | "CHANNEL_PROGRESS_MEDIA") {
                    events.extend(recorded.iter().cloned());
                } else {
                    recording = true;
                }
            }
        }
    }
    let closed = events.iter().filter(|event| *event == "RECORD_STOP").count();
    let open = events.iter().filter(|event| *event == "RECORD_START").count().saturating_sub(closed);
    events.retain(|event| event != "CHANNEL_HANGUP");
    events.push("CHANNEL_HANGUP".to_owned());
    events.extend(std::iter::repeat_n("RECORD_STOP".to_owned(), open));
    events.extend(["CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"].map(str::to_owned));
    events
}

/// What a switch tells of a command, in order; of what it executes, until the step goes on.
fn events_of(command: &Command, until: &Until) -> Vec<String> {
    let names: &[&str] = match command {
        Command::Api { name, arguments } => match (name.as_str(), arguments.split(' ').nth(1)) {
            ("uuid_kill", _) => &["CHANNEL_HANGUP"],
            ("uuid_record", Some("start")) => &["RECORD_START"],
            ("uuid_record", Some("stop")) => &["RECORD_STOP"],
            ("uuid_answer", _) => &["CHANNEL_ANSWER"],
            _ => &[],
        },
        Command::SendMsg { headers, .. } => {
            let value = |name: &str| headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str());
            let waited = matches!(until, Until::Completed(_) | Until::Reached(_));
            match value("execute-app-name") {
                None => &[],
                Some("answer") => &["CHANNEL_EXECUTE", "CHANNEL_ANSWER", "CHANNEL_EXECUTE_COMPLETE"],
                Some("pre_answer") => &["CHANNEL_EXECUTE", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_EXECUTE_COMPLETE"],
                Some("ring_ready") => &["CHANNEL_EXECUTE", "CHANNEL_PROGRESS", "CHANNEL_EXECUTE_COMPLETE"],
                Some("respond") => &["CHANNEL_EXECUTE", "CHANNEL_HANGUP"],
                Some("playback") if waited => {
                    &["CHANNEL_EXECUTE", "PLAYBACK_START", "PLAYBACK_STOP", "CHANNEL_EXECUTE_COMPLETE"]
                }
                Some("playback" | "endless_playback") => &["CHANNEL_EXECUTE", "PLAYBACK_START"],
                Some(_) if waited => &["CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE"],
                Some(_) => &["CHANNEL_EXECUTE"],
            }
        }
        _ => &[],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The command with a placeholder where each call has a UUID of its own.
fn anonymous(mut command: Command) -> Command {
    if let Command::SendMsg { headers, .. } = &mut command {
        for (name, value) in headers {
            if name == "Event-UUID" {
                "<execution>".clone_into(value);
            }
        }
    }
    command
}
