//! An hour of load in virtual time, or less of it.

use std::cell::RefCell;
use std::time::Duration;

use callwright::run::RunEvent;
use callwright::sim::Sim;
use callwright::switch::SwitchConfig;
use callwright::verdict::Verdict;

use super::heap::Heap;
use super::table::{Column, Table};

const MEGABYTE: f64 = 1e6;

/// Offers 20 calls a second for `lasts`, and gives what is wrong with how that went.
pub fn soak(lasts: Duration) -> Vec<String> {
    println!("== 20 calls/s for {lasts:?} of virtual time, each up for a second");
    let yaml = format!(
        "name: soak\nload: {{ rate: 20, for: {}s }}\ncallee: [answer]\ncaller: [{{ wait: {{ answered: 5s }} }}]\n\
         duration: 1s\ngates: {{ passed: \"== 100%\" }}\n",
        lasts.as_secs()
    );
    let config =
        SwitchConfig { sip: ([127, 0, 0, 1], 5080).into(), sessions_per_second: 1_000, ..SwitchConfig::default() };
    let mut sim = Sim::with(&yaml, 1, config).expect("a scenario").patient(lasts + Duration::from_secs(600));
    let began = sim.started();
    let every = (lasts / 24).max(Duration::from_secs(1));
    let table = RefCell::new(Table::new(vec![
        Column { name: "calls", may_grow: f64::INFINITY },
        // The series of a load over time has at most 600 buckets, of which each takes some hundred bytes.
        Column { name: "heap MB", may_grow: 0.5 },
        Column { name: "blocks", may_grow: 2_000.0 },
    ]));
    let (mut next, mut calls, mut wrong) = (every, 0_u64, Vec::new());
    let mut series = 0.0;
    let summary = sim.run_told(|event| match event {
        RunEvent::CallEnded { .. } => calls += 1,
        RunEvent::LoadTold { .. } | RunEvent::Started { .. } | RunEvent::Ended { .. } => {
            let RunEvent::LoadTold { snapshot, .. } = event else { return };
            let at = snapshot.at.since(began);
            if at >= next && at <= lasts {
                next += every;
                let heap = Heap::now();
                table.borrow_mut().push(at, vec![calls as f64, heap.bytes as f64 / MEGABYTE, heap.blocks as f64]);
            }
        }
        RunEvent::TestEnded(report) => {
            if report.verdict != Verdict::Passed {
                wrong.extend(report.checks.iter().map(|check| format!("{}: {}", check.name, check.actual)));
            }
            let before = Heap::now().bytes;
            let copy = report.load.as_ref().map(|load| load.report.series.clone());
            series = (Heap::now().bytes - before) as f64 / MEGABYTE;
            println!("the series has {} buckets, {series:.2} MB", copy.map_or(0, |series| series.buckets.len()));
        }
        _ => {}
    });
    sim.settle();
    let offered = 20 * lasts.as_secs();
    println!("{calls} calls in {:?} of virtual time", summary.duration);
    if calls != offered {
        wrong.push(format!("{calls} calls of {offered}"));
    }
    wrong.extend(table.borrow().grown());
    wrong.extend(sim.core().left().map(|left| format!("the run holds {left}")));
    wrong.extend(sim.rig.core().left().map(|left| format!("the switch holds {left}")));
    if sim.rig.left() != [0; 3] {
        wrong.push(format!("dialogs, ports, recordings are left: {:?}", sim.rig.left()));
    }
    for core in sim.host_cores() {
        let tracker = core.tracker();
        let held = [tracker.sessions().len(), tracker.calls().len(), core.jobs_running(), core.backlog()];
        if held != [0; 4] {
            wrong.push(format!("sessions, calls, jobs and events of the host are left: {held:?}"));
        }
    }
    wrong
}
