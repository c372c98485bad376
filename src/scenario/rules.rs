//! Rules on what goes together in a scenario, beyond the shape of its parts: who may answer, what comes after a hangup,
//! what an audio check can hear, which times can hold at once.

use std::time::Duration;

use super::check::Listens;
use super::load::TIMEOUT;
use super::model::{CallSpec, Leg, PlacedCheck, PlacedStep, Recording, Scenario};
use super::reading::Reading;
use super::shape::Placed;
use super::step::{Signal, tracks_word};
use crate::media::Tracks;
use crate::units::human;

/// Where times stand that the model holds without their place.
pub(super) struct Spans {
    pub duration: Option<Placed<Duration>>,
    pub timeout: Option<Placed<Duration>>,
}

/// Tells what contradicts itself in `scenario`.
pub(super) fn check(scenario: &Scenario, spans: &Spans, reading: &mut Reading<'_>) {
    for leg in [Leg::Caller, Leg::Callee] {
        roles(leg, scenario.steps(leg), reading);
        order(leg, scenario.steps(leg), reading);
        recordings(scenario, leg, reading);
        times(scenario, leg, spans, reading);
    }
    unanswered(scenario, reading);
    timeout(scenario, spans, reading);
    for check in &scenario.expect {
        audible(scenario, check, reading);
        tested(scenario, check, reading);
    }
    contradictions(&scenario.expect, spans, reading);
}

/// Only who is called can ring, answer or refuse.
fn roles(leg: Leg, steps: &[PlacedStep], reading: &mut Reading<'_>) {
    if leg == Leg::Callee {
        return;
    }
    for step in steps {
        let help = match step.facts().signal {
            Some(Signal::Answer) => "the callee answers; the caller waits for it with `wait: { answered: 2s }`",
            Some(Signal::Ring) => "the callee rings; the caller waits for it with `wait: { ringing: 2s }`",
            Some(Signal::PreAnswer) => "the callee does; the caller waits for it with `wait: { early_media: 2s }`",
            Some(Signal::Refuse) => "the callee refuses; the caller ends the call with `hangup`",
            Some(Signal::Hangup) | None => continue,
        };
        let diagnostic = reading.error(&step.span, format!("the caller cannot `{}`: it makes the call", step.kind()));
        diagnostic.label = "only the callee can".to_owned();
        diagnostic.help = help.to_owned();
    }
}

/// Nothing comes after the end of a leg, and no early state after the answer.
pub(super) fn order(leg: Leg, steps: &[PlacedStep], reading: &mut Reading<'_>) {
    let over = |step: &PlacedStep| {
        let facts = step.facts();
        matches!(facts.signal, Some(Signal::Hangup | Signal::Refuse)) || facts.ends_with_leg
    };
    if let Some(last) = steps.iter().position(over)
        && let Some(next) = steps.get(last + 1)
    {
        let diagnostic = reading.error(&next.span, "this step is never reached");
        diagnostic.related = Some((steps[last].span.clone(), "the leg is over here".to_owned()));
    }
    if leg == Leg::Caller {
        return;
    }
    let mut answer: Option<&PlacedStep> = None;
    for step in steps {
        match (step.facts().signal, answer) {
            (Some(Signal::Answer), None) => answer = Some(step),
            (Some(Signal::Ring | Signal::PreAnswer | Signal::Refuse | Signal::Answer), Some(answer)) => {
                let diagnostic = reading.error(&step.span, format!("`{}` cannot follow the answer", step.kind()));
                diagnostic.related = Some((answer.span.clone(), "answered here".to_owned()));
                if step.facts().signal == Some(Signal::Refuse) {
                    diagnostic.help = "an answered call ends with `hangup`".to_owned();
                }
            }
            _ => {}
        }
    }
}

/// One recording of a leg at a time, and none ends that did not begin.
fn recordings(scenario: &Scenario, leg: Leg, reading: &mut Reading<'_>) {
    let mut running = scenario.record.of(leg).is_some();
    for step in scenario.steps(leg) {
        let facts = step.facts();
        if facts.records.is_some() {
            if running {
                let diagnostic = reading.error(&step.span, format!("the {leg} is being recorded already"));
                diagnostic.help = if scenario.record.of(leg).is_some() {
                    format!("leave out the step, or `{leg}` under `record`")
                } else {
                    "end the first recording with `stop_record`".to_owned()
                };
            }
            running = true;
        }
        if facts.stops_recording {
            if !running {
                reading.error(&step.span, format!("nothing of the {leg} is being recorded here")).help =
                    "`record` begins a recording".to_owned();
            }
            running = false;
        }
    }
}

/// Steps that take their time must fit into the talk time.
fn times(scenario: &Scenario, leg: Leg, spans: &Spans, reading: &mut Reading<'_>) {
    let (Some(duration), Some(duration_at)) = (scenario.duration, &spans.duration) else { return };
    let mut talking: Option<Duration> = None;
    for step in scenario.steps(leg) {
        let facts = step.facts();
        if let Some(talked) = talking.as_mut() {
            if *talked >= duration {
                let diagnostic = reading.error(&step.span, "the call is over before this step");
                diagnostic.related = Some((duration_at.span.clone(), "it ends after this talk time".to_owned()));
                diagnostic.help = format!("the steps before take {} of talk time", human(*talked));
                return;
            }
            *talked = talked.saturating_add(facts.takes);
        } else if facts.signal == Some(Signal::Answer) || facts.awaits_answer {
            talking = Some(Duration::ZERO);
        }
    }
}

/// A caller that waits for an answer, and nobody who would give it.
fn unanswered(scenario: &Scenario, reading: &mut Reading<'_>) {
    let CallSpec { gateway, proxy, .. } = &scenario.call;
    // Through a gateway or a proxy somebody else may answer; an application or command may do it too.
    if gateway.is_some() || proxy.is_some() || scenario.callee.is_empty() {
        return;
    }
    let answers = |step: &PlacedStep| {
        step.facts().signal == Some(Signal::Answer) || matches!(step.kind(), "execute" | "api" | "bridge" | "transfer")
    };
    if scenario.callee.iter().any(answers) {
        return;
    }
    if let Some(step) = scenario.caller.iter().find(|step| step.facts().awaits_answer) {
        let callee = scenario.callee[0].span.clone();
        let diagnostic = reading.warning(&step.span, "the caller waits for an answer, and the callee never answers");
        diagnostic.related = Some((callee, "no `answer` among these steps".to_owned()));
    }
}

/// The scenario must be able to end before its own time limit.
fn timeout(scenario: &Scenario, spans: &Spans, reading: &mut Reading<'_>) {
    if let (Some(duration), Some(timeout)) = (&spans.duration, &spans.timeout)
        && timeout.value <= duration.value
    {
        let diagnostic = reading.error(&timeout.span, "the time limit is over before the call is");
        diagnostic.related = Some((duration.span.clone(), "talk time".to_owned()));
        return;
    }
    for leg in [Leg::Caller, Leg::Callee] {
        let mut taken = Duration::ZERO;
        for step in scenario.steps(leg) {
            taken = taken.saturating_add(step.facts().takes);
            if taken >= scenario.time_limit(TIMEOUT) {
                let limit = human(scenario.time_limit(TIMEOUT));
                let diagnostic =
                    reading.error(&step.span, format!("the time limit of {limit} is over before this step is"));
                diagnostic.help = format!(
                    "the {}'s steps up to here take {}; raise `timeout`",
                    scenario.stage.actor(leg),
                    human(taken)
                );
                break;
            }
        }
    }
}

/// What an audio check listens to must be recorded.
fn audible(scenario: &Scenario, check: &PlacedCheck, reading: &mut Reading<'_>) {
    let facts = check.facts();
    for listens in facts.listens.into_iter().chain(facts.listens_too) {
        recorded(scenario, check, listens, reading);
    }
}

fn recorded(scenario: &Scenario, check: &PlacedCheck, listens: Listens, reading: &mut Reading<'_>) {
    let leg = listens.leg;
    let by_step = scenario.steps(leg).iter().filter_map(|step| step.facts().records);
    let recorded: Vec<Recording> = scenario.record.of(leg).into_iter().chain(by_step).collect();
    if recorded.iter().any(|recording| recording.channel(listens.track).is_some()) {
        return;
    }
    let wanted = listens.track.map_or("heard".to_owned(), |track| track.to_string());
    match recorded.first() {
        None => {
            let diagnostic = reading.error(&check.span, format!("the {leg} is not recorded, so nothing can be heard"));
            diagnostic.help = format!("add `record: {{ {leg}: {wanted} }}`");
        }
        Some(recording) => {
            let word = tracks_word(recording.tracks);
            let why = if recording.tracks == Tracks::Mixed { "mixes both sides" } else { "does not hold it" };
            let message = format!("the recording `{word}` of the {leg} {why}");
            let diagnostic = reading.error(&check.span, message);
            diagnostic.label = format!("needs what the {leg} {wanted}");
            diagnostic.help = format!("record `{leg}: both`, or `{leg}: {wanted}`");
        }
    }
}

/// What a check asks of a bit error test must be tested.
fn tested(scenario: &Scenario, check: &PlacedCheck, reading: &mut Reading<'_>) {
    let Some(leg) = check.facts().tests_bits else { return };
    // An application or command may be the test.
    let tests = |step: &PlacedStep| step.facts().tests_bits || matches!(step.kind(), "execute" | "api");
    if !scenario.steps(leg).iter().any(tests) {
        let diagnostic = reading.error(&check.span, format!("the {leg} runs no bit error test"));
        diagnostic.help = format!("add the step `bert` to the {leg}'s");
    }
}

/// Checks that no call can pass together.
fn contradictions(checks: &[PlacedCheck], spans: &Spans, reading: &mut Reading<'_>) {
    let says = |answered: bool| checks.iter().find(|check| check.facts().answered == Some(answered));
    if let (Some(no), Some(yes)) = (says(false), says(true)) {
        let (first, second) = if no.span.start < yes.span.start { (no, yes) } else { (yes, no) };
        let diagnostic =
            reading.error(&second.span, format!("`{}` and `{}` cannot both hold", first.kind(), second.kind()));
        let told = |check: &PlacedCheck| {
            if check.facts().answered == Some(true) { "only if answered" } else { "only if not answered" }
        };
        diagnostic.label = told(second).to_owned();
        diagnostic.related = Some((first.span.clone(), told(first).to_owned()));
    }
    if let (Some(no), Some(duration)) = (says(false), &spans.duration) {
        let diagnostic = reading.error(&duration.span, "a call that is not answered has no talk time");
        diagnostic.related = Some((no.span.clone(), "only if not answered".to_owned()));
    }
}
