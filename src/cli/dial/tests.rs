//! Arguments and the document that they stand for.

use std::sync::Arc;

use clap::Parser;

use super::super::{Cli, Command};
use super::*;
use crate::scenario::{LoadSpec, Programs, Scenario};

fn arguments(line: &[&str]) -> Arguments {
    let line = ["callwright", "dial"].iter().chain(line);
    let Command::Dial(arguments) = Cli::try_parse_from(line).unwrap().command else { panic!("not `dial`") };
    *arguments
}

fn written(arguments: &Arguments) -> Written {
    Written { name: NAME.to_owned(), text: Document::of(arguments).text(), rerun: String::new() }
}

#[track_caller]
fn scenario(line: &[&str]) -> Scenario {
    let mut loaded = written(&arguments(line)).load(&["a".to_owned()], Programs::Refused);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    loaded.scenarios.pop().unwrap()
}

/// What is told of wrong arguments.
fn told(line: &[&str]) -> Vec<String> {
    let arguments = arguments(line);
    let document = Document::of(&arguments);
    let loaded = written(&arguments).load(&["a".to_owned()], Programs::Refused);
    loaded.diagnostics.iter().map(|diagnostic| document.tell(diagnostic).unwrap()).collect()
}

#[test]
fn without_arguments_one_call_a_second_is_offered_until_it_is_stopped() {
    let scenario = scenario(&[]);
    let load: LoadSpec = *scenario.load.unwrap();
    assert!(load.is_endless() && load.limit.is_none());
    assert_eq!(load.describe()[0], "offers 1 CPS until it is stopped");
    assert_eq!((load.mix.len(), load.mix[0].name.as_str()), (1, "bert"));
}

#[test]
fn every_argument_is_in_the_document() {
    let line = "h1 --proxy 10.0.0.9 --profile internal --dest 1000 --codec PCMA --codec PCMU --rate 2.5 --limit 10 \
                --max-offered 100 --for 1h --app bert*3 --app dtmf/digits=12*3,mode=info*2 --sps 200 --max-sessions 1000 \
                --loglevel warning";
    let mut line: Vec<&str> = line.split_whitespace().collect();
    line.extend(["--gate", "asr >= 99%", "--gate", "setup_time.p95<250ms", "--gate", "acd 2s..5s"]);
    let scenario = scenario(&line);
    assert_eq!((scenario.name.as_str(), scenario.gates.len()), ("dial", 3));
    let gates: Vec<_> = scenario.gates.iter().map(|gate| format!("{} {}", gate.metric.name(), gate.bound)).collect();
    assert_eq!(gates, ["asr >= 99%", "setup_time.p95 < 250ms", "acd 2s..5s"]);
    let load = scenario.load.unwrap();
    insta::assert_snapshot!(load.describe().join("\n"), @"
    offers 2.5 CPS for 3600s
    offers 100 calls at most
    has 10 calls at once at most; above that a call is skipped
    lets calls drain for 60s at most
    sets sps 200, max_sessions 1000, loglevel warning on each host, and restores it
    ");
    assert_eq!(load.weights(), [3, 2]);
    let call: &Arc<Scenario> = load.mix[0].on("a").unwrap();
    assert_eq!(call.call.proxy.as_deref(), Some("10.0.0.9"));
    assert_eq!((call.call.profile.as_str(), call.call.to.as_str()), ("internal", "1000"));
    assert_eq!(call.call.codec, ["PCMA", "PCMU"]);
    // 10 calls at 2.5 a second, and 5 s more.
    assert_eq!(call.duration, Some(Duration::from_secs(9)));
}

#[test]
fn calls_that_talk_long_have_the_time_to_do_so() {
    let drain = |line: &[&str]| scenario(line).load.unwrap().drain.as_secs();
    assert_eq!(drain(&["--duration", "10s"]), 60);
    assert_eq!(drain(&["--duration", "5m"]), 330);
    assert_eq!(drain(&["--limit", "100"]), 135);
    assert_eq!(drain(&["--limit", "4000000000", "--rate", "0.001"]), 366 * 86_400);
}

#[test]
fn mistakes_are_told_of_the_argument_that_they_are_in() {
    for (line, expected) in [
        (["--app", "brt"], "--app brt: unknown app `brt`; did you mean `bert`?"),
        (["--app", "dtmf/digits=1,mod=info"], "--app dtmf/digits=1,mod=info: unknown key `mod`; did you mean `mode`?"),
        (["--gate", "asr > 3s"], "--gate \"asr > 3s\": `> 3s` goes wrong at `s`; expected `%` behind the number"),
        (["--gate", "asrr >= 9%"], "--gate \"asrr >= 9%\": unknown metric `asrr`; did you mean `asr`?"),
        (["--codec", "ulaw"], "--codec ulaw: unknown codec `ulaw`; did you mean `PCMU`?"),
    ] {
        assert_eq!(told(&line), [expected]);
    }
    let both = told(&["--gateway", "g", "--profile", "p"]);
    let help = "\n  help: a gateway belongs to a profile already";
    assert_eq!(both, [format!("--profile p: `profile` and `gateway` exclude each other{help}")]);
    assert!(
        told(&["--scenario", "missing.yaml"])[0]
            .starts_with("--scenario missing.yaml: file `missing.yaml` is not there")
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let refused = |line: &[&str]| {
        let line = ["callwright", "dial"].iter().chain(line);
        Cli::try_parse_from(line).unwrap_err().to_string()
    };
    assert!(refused(&["--rate", "0"]).contains("a rate is in calls per second, above 0"));
    assert!(refused(&["--rate", "3/s"]).contains("without a unit"));
    assert!(refused(&["--app", "bert*x"]).contains("the weight \"x\" behind `*`"));
    assert!(refused(&["--app", "bert/x"]).contains("`x` is no option such as"));
    assert!(refused(&["--gate", "asr"]).contains("a gate is a metric and its bound"));
    assert!(refused(&["--limit", "0"]).contains("--limit"));
}

#[test]
fn the_command_is_told_again_without_its_password() {
    let line =
        ["/bin/callwright", "dial", "--password", "x", "--gate", "asr >= 99%", "--password=y", "--app", "bert*2"];
    assert_eq!(rerun(line.into_iter().map(str::to_owned)), "callwright dial --gate 'asr >= 99%' --app 'bert*2'");
}
