//! Secrets taken out of what is told of a load.

use super::{Example, LoadOutcome};
use crate::metrics::{Finding, GateState, Part, Snapshot};
use crate::redact::Redactor;
use crate::run::event::clean;

impl LoadOutcome {
    /// Takes secrets out of every text that came from a scenario or from a switch.
    pub(in crate::run) fn redact(&mut self, redactor: &Redactor) {
        let report = &mut self.report;
        let parts = report.apps.values_mut().chain(report.hosts.values_mut()).chain([&mut report.all]);
        for Part { tally, .. } in parts {
            tally.reasons.redact(redactor);
        }
        redact_gates(&mut report.gates, redactor);
        for Example { cdr, checks, legs, .. } in &mut self.examples {
            redactor.clean(&mut cdr.reason);
            clean(redactor, checks, legs, &mut []);
        }
        let steps = self.search.iter_mut().flat_map(|search| &mut search.steps);
        steps.flat_map(|step| &mut step.findings).for_each(|finding| redact_finding(finding, redactor));
    }
}

/// Takes secrets out of how a load fares.
pub(in crate::run) fn redact_snapshot(snapshot: &mut Snapshot, redactor: &Redactor) {
    snapshot.reasons.iter_mut().for_each(|reason| redactor.clean(&mut reason.name));
    redact_gates(&mut snapshot.gates, redactor);
}

fn redact_gates(gates: &mut [GateState], redactor: &Redactor) {
    gates.iter_mut().for_each(|state| redact_finding(&mut state.finding, redactor));
}

/// Its help has reasons of calls.
fn redact_finding(finding: &mut Finding, redactor: &Redactor) {
    redactor.clean(&mut finding.actual);
    redactor.clean(&mut finding.help);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample::{START, refused};
    use crate::metrics::{Book, Gate, GateBound, Metric};
    use crate::run::{TestId, Wrong};
    use crate::verdict::{LegTrace, TraceEntry, TraceKind};

    #[test]
    fn no_secret_is_left_in_what_is_told_of_a_load() {
        let metric = Metric::parse("checks_failed").unwrap();
        let gate = Gate::new(metric.clone(), GateBound::parse(metric.quantity(), "== 0").unwrap());
        let mut book = Book::new(START, vec![gate]);
        let mut cdr = refused(0, "USER_BUSY");
        cdr.reason = "log: hunter2 was wrong".to_owned();
        book.offered(cdr.launched, cdr.late(), &cdr.app, &cdr.host);
        book.record(&cdr);
        let mut redactor = Redactor::default();
        redactor.add("hunter2");
        let mut snapshot = Box::new(book.snapshot(cdr.ended));
        let entry = TraceEntry { at: START, kind: TraceKind::Command, text: "log hunter2".to_owned() };
        let legs = vec![LegTrace { leg: "caller".to_owned(), uuid: String::new(), entries: vec![entry] }];
        let examples = vec![Example { cdr, checks: Vec::new(), legs, recordings: Vec::new() }];
        let wrong = Wrong::default();
        let mut outcome = LoadOutcome { report: book.report(), wrong, examples, search: None };
        let told = |outcome: &LoadOutcome, snapshot: &Snapshot| {
            serde_json::to_string(outcome).unwrap() + &serde_json::to_string(snapshot).unwrap()
        };
        // Three tallies, the gate, the call and its leg; the snapshot's reason and gate.
        assert_eq!(told(&outcome, &snapshot).matches("hunter2").count(), 8);
        outcome.redact(&redactor);
        let test = TestId { file: "a.yaml".into(), name: "a".to_owned() };
        let mut event = crate::run::RunEvent::LoadTold { test, snapshot };
        event.redact(&redactor);
        let crate::run::RunEvent::LoadTold { snapshot: cleaned, .. } = event else { unreachable!() };
        snapshot = cleaned;
        assert_eq!(told(&outcome, &snapshot).matches("hunter2").count(), 0);
    }
}
