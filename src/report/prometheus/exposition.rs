//! The text that Prometheus reads (exposition format 0.0.4): families of samples, each with its help and its type.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::metrics::{Counts, Phase, Quantiles, Snapshot};
use crate::run::RunEvent;
use crate::verdict::Verdict;

pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is known of a run for whoever monitors it.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    /// By the names of the loads.
    loads: BTreeMap<String, Load>,
    /// Tests that ended, by verdict.
    tests: BTreeMap<Verdict, u64>,
}

#[derive(Debug)]
struct Load {
    last: Snapshot,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Runs,
    IsOver,
}

impl Exposition {
    pub fn handle(&mut self, event: &RunEvent) {
        match event {
            RunEvent::LoadTold { test, snapshot } => {
                let load = Load { last: (**snapshot).clone(), state: State::Runs };
                self.loads.insert(test.to_string(), load);
            }
            RunEvent::TestEnded(report) => {
                *self.tests.entry(report.verdict).or_default() += 1;
                if let Some(load) = self.loads.get_mut(&report.test.to_string()) {
                    load.state = State::IsOver;
                }
            }
            _ => {}
        }
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut text = Text::default();
        text.family("callwright_info", Kind::Gauge, "The version of callwright.");
        text.sample("callwright_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        text.family("callwright_tests_ended_total", Kind::Counter, "Tests of the run that ended, loads among them.");
        for verdict in [Verdict::Passed, Verdict::Failed, Verdict::Error, Verdict::Skipped] {
            let count = self.tests.get(&verdict).copied().unwrap_or_default();
            let name = format!("{verdict:?}").to_lowercase();
            text.sample("callwright_tests_ended_total", &[("verdict", &name)], count as f64);
        }
        self.counts(&mut text);
        self.gauges(&mut text);
        self.judged(&mut text);
        self.hosts(&mut text);
        self.times(&mut text);
        text.0
    }

    fn counts(&self, text: &mut Text) {
        for (name, of, help) in COUNTS {
            let name = format!("callwright_load_calls_{name}_total");
            text.family(&name, Kind::Counter, help);
            for (load, Load { last, .. }) in &self.loads {
                text.sample(&name, &[("load", load)], of(&last.counts) as f64);
            }
        }
        let name = "callwright_load_calls_skipped_total";
        text.family(name, Kind::Counter, "Calls that were due and were not launched, by why.");
        for (load, Load { last, .. }) in &self.loads {
            let counts = &last.counts;
            let why = [
                ("limit", counts.skipped_at_limit),
                ("no_host", counts.skipped_without_host),
                ("behind", counts.skipped_behind),
            ];
            for (why, count) in why {
                text.sample(name, &[("load", load), ("why", why)], count as f64);
            }
        }
        for (name, of, help) in COUNTS {
            let name = format!("callwright_load_app_calls_{name}_total");
            text.family(&name, Kind::Counter, &format!("Of each app: {help}"));
            for (load, Load { last, .. }) in &self.loads {
                for (app, counts) in &last.apps {
                    text.sample(&name, &[("load", load), ("app", app)], of(counts) as f64);
                }
            }
        }
        let name = "callwright_load_hangups_total";
        text.family(name, Kind::Counter, "Calls that ended with one of the ten most frequent hangup causes, by cause.");
        for (load, Load { last, .. }) in &self.loads {
            for cause in &last.causes {
                text.sample(name, &[("load", load), ("cause", &cause.name)], cause.count as f64);
            }
        }
    }

    fn gauges(&self, text: &mut Text) {
        for (name, of, help) in GAUGES {
            let name = format!("callwright_load_{name}");
            text.family(&name, Kind::Gauge, help);
            for (load, Load { last, .. }) in &self.loads {
                if let Some(value) = of(last) {
                    text.sample(&name, &[("load", load)], value);
                }
            }
        }
        let name = "callwright_load_phase";
        text.family(name, Kind::Gauge, "1 for the phase that the load is in, 0 for the others.");
        for (load, Load { last, state }) in &self.loads {
            let phases = [Phase::Offering, Phase::Paused, Phase::Draining, Phase::HangingUp];
            let is = |phase: Phase| *state == State::Runs && last.asked.phase == phase;
            for phase in phases {
                text.sample(name, &[("load", load), ("phase", phase.name())], f64::from(u8::from(is(phase))));
            }
            text.sample(name, &[("load", load), ("phase", "over")], f64::from(u8::from(*state == State::IsOver)));
        }
    }

    fn judged(&self, text: &mut Text) {
        let holds = |verdict: Verdict| f64::from(u8::from(verdict == Verdict::Passed));
        let name = "callwright_load_gate_ok";
        text.family(name, Kind::Gauge, "1 while the gate holds; 0 while it does not, or nothing was measured for it.");
        for (load, Load { last, .. }) in &self.loads {
            for state in &last.gates {
                let gate = format!("{} {}", state.finding.name, state.finding.expected);
                text.sample(name, &[("load", load), ("gate", &gate)], holds(state.finding.verdict));
            }
        }
        let name = "callwright_load_generator_ok";
        text.family(name, Kind::Gauge, "1 while callwright itself keeps up with the load that it is to offer.");
        for (load, Load { last, .. }) in &self.loads {
            text.sample(name, &[("load", load)], holds(last.generator.verdict));
        }
    }

    fn hosts(&self, text: &mut Text) {
        for (name, of, help) in COUNTS {
            let name = format!("callwright_load_host_calls_{name}_total");
            text.family(&name, Kind::Counter, &format!("Of each host: {help}"));
            for (load, Load { last, .. }) in &self.loads {
                for (host, told) in &last.hosts {
                    text.sample(&name, &[("load", load), ("host", host)], of(&told.counts) as f64);
                }
            }
        }
        for (name, of, help) in HOST_GAUGES {
            let name = format!("callwright_load_host_{name}");
            text.family(&name, Kind::Gauge, help);
            for (load, Load { last, .. }) in &self.loads {
                for (host, told) in &last.hosts {
                    if let Some(value) = of(told) {
                        text.sample(&name, &[("load", load), ("host", host)], value);
                    }
                }
            }
        }
    }

    fn times(&self, text: &mut Text) {
        for timing in crate::metrics::Timing::ALL {
            let name = format!("callwright_load_{}_seconds", timing.name());
            text.family(&name, Kind::Summary, timing.doc());
            for (load, Load { last, .. }) in &self.loads {
                if let Some(times) = last.times.get(&timing) {
                    text.summary(&name, load, times);
                }
            }
        }
    }
}

type OfCounts = fn(&Counts) -> u64;
type OfSnapshot = fn(&Snapshot) -> Option<f64>;
type OfHost = fn(&crate::metrics::HostSnapshot) -> Option<f64>;

const COUNTS: [(&str, OfCounts, &str); 9] = [
    ("offered", |c| c.offered, "Calls that were launched."),
    ("late", |c| c.late, "Calls launched more than 20 ms after they were due."),
    ("ended", |c| c.ended, "Calls that ended."),
    ("seized", |c| c.seized, "Ended calls for which the switch made a session."),
    ("answered", |c| c.answered, "Ended calls that were answered."),
    ("passed", |c| c.passed, "Ended calls that passed."),
    ("checks_failed", |c| c.checks_failed, "Ended calls a check of which failed."),
    ("errors", |c| c.errors, "Ended calls of which we could not find out."),
    ("cut_off", |c| c.cut_off, "Calls that were hung up before their end because the load was told to."),
];

const GAUGES: [(&str, OfSnapshot, &str); 13] = [
    ("elapsed_seconds", |s| Some(s.elapsed_s), "Time since the load began."),
    ("asked_rate", |s| Some(s.asked.rate), "Calls to be offered a second."),
    ("limit", |s| s.asked.limit.map(f64::from), "Calls at once that there may be; not there without a limit."),
    ("offered_rate", |s| Some(s.rates.offered), "Calls offered a second, of the last ten seconds."),
    ("failed_rate", |s| Some(s.rates.failed), "Calls that failed a second, of the last ten seconds."),
    ("active_calls", |s| Some(f64::from(s.active_calls)), "Calls that are there."),
    ("active_sessions", |s| Some(f64::from(s.active_sessions)), "Sessions of the load on all hosts."),
    ("peak_calls", |s| Some(f64::from(s.peak_calls)), "The most calls at a time."),
    ("peak_sessions", |s| Some(f64::from(s.peak_sessions)), "The most sessions at a time."),
    ("asr_ratio", |s| s.asr_percent.map(|percent| percent / 100.0), "Answer seizure ratio, 0 to 1."),
    ("acd_seconds", |s| s.acd_s, "Average call duration: talk time a call that was answered."),
    ("erlangs", |s| s.erlangs, "Mean number of calls in progress since the load began."),
    (
        "max_offered",
        |s| s.asked.max_offered.map(|calls| calls as f64),
        "Calls that are offered in all; not there without a limit.",
    ),
];

const HOST_GAUGES: [(&str, OfHost, &str); 7] = [
    ("active_calls", |h| Some(h.counts.under_way() as f64), "Calls of the load that are there."),
    ("event_lag_seconds", |h| h.event_lag_s, "How old the last event of the host was when it reached us."),
    ("sessions", |h| h.stats.as_ref()?.sessions.map(f64::from), "Sessions on the host, whoever made them."),
    ("sessions_per_second", |h| h.stats.as_ref()?.sps.map(f64::from), "Sessions a second, as the host tells."),
    (
        "idle_cpu_ratio",
        |h| h.stats.as_ref()?.idle_cpu_percent.map(|percent| percent / 100.0),
        "Idle time of the host's processors, 0 to 1, as the host tells.",
    ),
    (
        "process_cpu_ratio",
        |h| h.stats.as_ref()?.cpu_percent.map(|percent| percent / 100.0),
        "What the host's process takes, in processors.",
    ),
    (
        "process_memory_bytes",
        |h| h.stats.as_ref()?.memory_bytes.map(|bytes| bytes as f64),
        "Memory of the host's process.",
    ),
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Counter,
    Gauge,
    Summary,
}

/// Text in the exposition format.
#[derive(Default)]
struct Text(String);

// Writing to a String cannot fail.
impl Text {
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if index == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn summary(&mut self, name: &str, load: &str, times: &Quantiles) {
        let quantiles = [
            ("0.5", times.p50),
            ("0.9", times.p90),
            ("0.95", times.p95),
            ("0.99", times.p99),
            ("0.999", times.p999),
            ("1", times.max),
        ];
        for (quantile, value) in quantiles {
            self.sample(name, &[("load", load), ("quantile", quantile)], value);
        }
        self.sample(&format!("{name}_sum"), &[("load", load)], times.mean * times.count as f64);
        self.sample(&format!("{name}_count"), &[("load", load)], times.count as f64);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::report::sample::load_told;

    const NAME: &str = "rush \"hour\" \\ \n of a day";

    fn exposition() -> Exposition {
        let mut exposition = Exposition::default();
        exposition.handle(&load_told(NAME));
        exposition
    }

    #[test]
    fn a_load_as_prometheus_reads_it() {
        insta::assert_snapshot!(exposition().text());
    }

    #[test]
    fn every_family_has_its_help_and_type_once_and_before_its_samples() {
        let text = exposition().text();
        let mut families: Vec<&str> = Vec::new();
        for line in text.lines() {
            match line.strip_prefix("# TYPE ").and_then(|rest| rest.split(' ').next()) {
                Some(name) => {
                    assert!(!families.contains(&name), "{name} is there twice");
                    families.push(name);
                }
                None if line.starts_with('#') => {}
                None => {
                    let family = *families.last().unwrap();
                    let name = line.split(['{', ' ']).next().unwrap();
                    let bare = name.strip_suffix("_sum").or(name.strip_suffix("_count")).unwrap_or(name);
                    assert!(name == family || bare == family, "{line} is not of {family}");
                }
            }
        }
        assert!(families.len() > 30);
    }

    #[test]
    fn the_parser_of_prometheus_reads_it_all() {
        const SCRIPT: &str = "import sys\nfrom prometheus_client.parser import text_string_to_metric_families as parse\n\
            text = sys.stdin.read()\nsamples = [s for f in parse(text) for s in f.samples]\n\
            assert len(samples) == len([l for l in text.splitlines() if not l.startswith('#')])\n\
            assert {s.labels['load'] for s in samples if 'load' in s.labels} == {sys.argv[1]}\n\
            print('read', len(samples))";
        let python = Command::new("python3").args(["-c", "import prometheus_client"]).output();
        if !python.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: python3 has no prometheus_client");
            return;
        }
        let child = Command::new("python3")
            .args(["-c", SCRIPT, &format!("sample.yaml::{NAME}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        child.stdin.take().unwrap().write_all(exposition().text().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stdout.starts_with(b"read "), "{output:?}");
    }
}
