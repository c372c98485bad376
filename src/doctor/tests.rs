//! Each kind of problem, from facts to finding; and exams of hosts that do as they should not, event by event.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::audio::wav::Wav;
use crate::call::{Change, ChangeKind, HangupCause, Jobs};
use crate::esl::{Event, Reply};
use crate::host::{HostEvent, HostFacts, Lost, Request};
use crate::id::{Ids, SessionId};
use crate::units::{SampleRate, Time};

const SWITCH_CONF: &str = "<configuration name=\"switch.conf\"><settings>\n<param name=\"rtp-start-port\" \
    value=\"16384\"></param>\n<param name=\"rtp-end-port\" value=\"32766\"></param>\n</settings></configuration>";

/// A second of the milliwatt.
fn tone() -> Wav {
    let sample = |at: u32| (f64::from(at) * 1004.0 / 8000.0 * std::f64::consts::TAU).sin() * 22_000.0;
    Wav { rate: SampleRate::NARROW, channels: vec![(0..8000).map(|at| sample(at) as i16).collect()], repaired: None }
}

/// A FreeSWITCH with which nothing is wrong.
fn healthy() -> Facts {
    let modules = check::MODULES.iter().map(|module| (module.name.to_owned(), true)).collect();
    let host = HostFacts {
        version: "1.10.12-release".into(),
        profiles: [("external".to_owned(), Some("10.0.0.5:5080".to_owned()))].into(),
        recordings: Some("/rec".into()),
        modules,
        limits: None,
        strays: 0,
    };
    let answers = [
        (Question::Profile, "Name\texternal\nContext          \tcallwright\n"),
        (Question::Sessions, "\n0 total.\n"),
        (Question::SessionRate, "+OK sessions per second: 1000\n"),
        (Question::MaxSessions, "+OK max sessions: 8000\n"),
        (Question::SoundsFolder, "/sounds"),
        (Question::SoundsThere, "true"),
        (Question::SwitchConf, SWITCH_CONF),
        (Question::CallerLeft, "false"),
        (Question::CalleeLeft, "false"),
        (Question::RecordingLeft, "false"),
    ];
    let arrived = Arrival { context: "callwright".into(), tracked: true, parked: true, ..Arrival::default() };
    Facts {
        address: "10.0.0.5:8021".into(),
        loopback: Some(false),
        slots: 16,
        profile: "external".into(),
        contact: Contact::LoggedIn,
        host: Some(Arc::new(host)),
        answers: answers.into_iter().map(|(question, text)| (question, text.to_owned())).collect(),
        round_trip: Some(Duration::from_millis(2)),
        skew: Some(Skew { ahead: 0, uncertainty: Duration::from_millis(1) }),
        call: Some(Call {
            to: "doctor-1@10.0.0.5:5080".into(),
            arrived: Some(arrived),
            path: Some("/rec/callwright-doctor-1.wav".into()),
            recording: Some(Ok(tone())),
            ..Call::default()
        }),
        ..Facts::default()
    }
}

fn bad(facts: &Facts) -> Vec<Finding> {
    examine(facts).into_iter().filter(|finding| finding.severity != Severity::Ok).collect()
}

/// The one finding that is not ok.
#[track_caller]
fn finding(change: impl FnOnce(&mut Facts)) -> (Severity, &'static str, String) {
    let mut facts = healthy();
    change(&mut facts);
    let bad = bad(&facts);
    let [Finding { check, severity, message, fix }] = bad.as_slice() else { panic!("{bad:#?}") };
    assert!(!fix.is_empty(), "{message} has no fix");
    (*severity, *check, format!("{message} | {fix}"))
}

#[track_caller]
fn tells(found: (Severity, &'static str, String), severity: Severity, check: &str, words: &[&str]) {
    assert_eq!((found.0, found.1), (severity, check), "{}", found.2);
    for word in words {
        assert!(found.2.contains(word), "{word:?} is not in {:?}", found.2);
    }
}

fn host(facts: &mut Facts) -> &mut HostFacts {
    Arc::make_mut(facts.host.as_mut().unwrap())
}

fn call(facts: &mut Facts) -> &mut Call {
    facts.call.as_mut().unwrap()
}

fn arrival(facts: &mut Facts) -> &mut Arrival {
    call(facts).arrived.as_mut().unwrap()
}

fn answer(question: Question, text: &str) -> impl FnOnce(&mut Facts) + '_ {
    move |facts| {
        facts.answers.insert(question, text.to_owned());
    }
}

#[test]
fn a_healthy_host_has_only_good_findings_one_for_each_check() {
    let findings = examine(&healthy());
    assert_eq!(bad(&healthy()), []);
    assert_eq!(findings.len(), 13, "{findings:#?}");
}

#[test]
fn the_ways_not_to_get_in_are_told_apart() {
    let shut = |contact: Contact| {
        let facts = Facts { contact, address: "h:8021".into(), ..Facts::default() };
        let bad = bad(&facts);
        assert_eq!(bad.len(), 1, "{bad:?}");
        (bad[0].severity, bad[0].check, format!("{} | {}", bad[0].message, bad[0].fix))
    };
    let refused = shut(Contact::Unreachable("Connection refused".into()));
    tells(refused, Severity::Unknown, "reachable", &["nobody answers at h:8021", "listen-ip"]);
    tells(shut(Contact::Strange("SSH".into())), Severity::Unknown, "reachable", &["no event socket", "listen-port"]);
    let acl = shut(Contact::TurnedAway("Access Denied, go away.".into()));
    tells(acl, Severity::Problem, "login", &["access list", "apply-inbound-acl"]);
    let password = shut(Contact::WrongPassword("invalid".into()));
    tells(password, Severity::Problem, "login", &["refuses the password", "CALLWRIGHT_PASSWORD"]);
    let lost = finding(|facts| facts.contact = Contact::Lost("connection closed".into()));
    tells(lost, Severity::Unknown, "reachable", &["in the middle of the examination"]);
}

#[test]
fn a_password_that_everybody_knows_is_a_warning_where_everybody_can_use_it() {
    tells(finding(|facts| facts.default_password = true), Severity::Warning, "password", &["event_socket.conf.xml"]);
    let mut local = healthy();
    (local.default_password, local.loopback) = (true, Some(true));
    assert_eq!(bad(&local), []);
}

#[test]
fn version_modules_and_profile() {
    tells(finding(|facts| host(facts).version = "1.6.20".into()), Severity::Warning, "version", &["older"]);
    tells(finding(|facts| host(facts).version = "-ERR".into()), Severity::Unknown, "version", &["-ERR"]);
    let without = |module: &'static str| {
        finding(|facts| {
            host(facts).modules.insert(module.into(), false);
        })
    };
    tells(without("mod_dptools"), Severity::Problem, "modules", &["echo", "<load module=\"mod_dptools\"/>"]);
    tells(without("mod_spandsp"), Severity::Warning, "modules", &["inband", "`load mod_spandsp`"]);
    let mut facts = healthy();
    host(&mut facts).profiles.clear();
    facts.call = None;
    let bad = bad(&facts);
    assert_eq!((bad.len(), bad[0].check, bad[0].severity), (1, "profile", Severity::Problem));
}

#[test]
fn limits_ports_and_sounds() {
    let rate = finding(answer(Question::SessionRate, "+OK sessions per second: 30\n"));
    tells(rate, Severity::Warning, "limits", &["29 new sessions a second", "begin 32", "fsctl sps 1000", "-j 14"]);
    let most = finding(answer(Question::MaxSessions, "+OK max sessions: 20\n"));
    tells(most, Severity::Problem, "limits", &["takes 20 sessions", "need 32", "max-sessions"]);
    tells(finding(answer(Question::Sessions, "\n3 total.\n")), Severity::Warning, "limits", &["3 sessions already"]);
    tells(finding(answer(Question::Sessions, "-ERR x Command not found!\n")), Severity::Unknown, "limits", &["show"]);
    let narrow = SWITCH_CONF.replace("32766", "16423");
    let ports = finding(answer(Question::SwitchConf, &narrow));
    tells(ports, Severity::Problem, "rtp", &["16384 to 16423", "10 calls", "16 run side by side"]);
    tells(finding(answer(Question::SwitchConf, "-ERR no")), Severity::Unknown, "rtp", &["rtp-start-port"]);
    let mut defaults = healthy();
    answer(Question::SwitchConf, "<configuration/>")(&mut defaults);
    assert_eq!(bad(&defaults), []);
    tells(finding(answer(Question::SoundsThere, "false")), Severity::Warning, "sounds", &["no folder /sounds"]);
    tells(finding(answer(Question::SoundsFolder, "-ERR no reply\n")), Severity::Warning, "sounds", &["vars.xml"]);
}

#[test]
fn other_dialplans() {
    let mut silent = healthy();
    call(&mut silent).arrived = None;
    call(&mut silent).failed = Some("RECOVERY_ON_TIMER_EXPIRE".into());
    let silent = bad(&silent);
    assert!(silent[0].check == "dialplan" && silent[0].message.contains("RECOVERY_ON_TIMER_EXPIRE"), "{silent:?}");
    let taken = |change: fn(&mut Arrival)| finding(|facts| change(arrival(facts)));
    let ivr = taken(|a| (a.parked, a.applications) = (false, vec!["answer".into(), "ivr".into()]));
    tells(ivr, Severity::Problem, "dialplan", &["another dialplan", "answer, ivr", "conf/dialplan/callwright.xml"]);
    let nowhere = taken(|a| (a.parked, a.ended) = (false, Some("NO_ROUTE_DESTINATION".into())));
    tells(nowhere, Severity::Problem, "dialplan", &["did not park it: NO_ROUTE_DESTINATION"]);
    let answers = taken(|a| (a.answered_by_other, a.applications) = (true, vec!["answer".into()]));
    tells(answers, Severity::Problem, "dialplan", &["answers calls itself"]);
    tells(taken(|a| a.applications.push("set".into())), Severity::Warning, "dialplan", &["runs set before"]);
    tells(finding(|facts| call(facts).hung = true), Severity::Problem, "dialplan", &["never answered through"]);
    tells(taken(|a| a.tracked = false), Severity::Problem, "header", &["X-Callwright-Call does not arrive"]);
}

#[test]
fn recordings_that_cannot_be_made_brought_or_heard() {
    let recording = |change: fn(&mut Call)| finding(|facts| change(call(facts)));
    let none = recording(|call| (call.path, call.recording) = (None, None));
    tells(none, Severity::Problem, "recordings", &["recordings_dir"]);
    let refused = recording(|call| (call.record_refused, call.recording) = (Some("no".into()), None));
    tells(refused, Severity::Problem, "recordings", &["cannot record into /rec: no", "chown"]);
    let away = recording(|call| call.recording = Some(Err("could not be got off the host".into())));
    tells(away, Severity::Problem, "recordings", &["--recordings /rec=FOLDER", "`system`"]);
    let short = recording(|call| {
        call.recording = Some(Ok(Wav { channels: vec![vec![9_000, -9_000]], ..tone() }));
    });
    tells(short, Severity::Problem, "recordings", &["of 1s that was recorded"]);
    let silent = recording(|call| call.recording = Some(Ok(Wav { channels: vec![vec![0; 8_000]], ..tone() })));
    tells(silent, Severity::Problem, "recordings", &["RTP does not get through"]);
    let broken = recording(|call| call.recording = Some(Ok(Wav { repaired: Some("cut".into()), ..tone() })));
    tells(broken, Severity::Problem, "recordings", &["broken: cut"]);
}

#[test]
fn clocks_latency_and_what_is_left_behind() {
    let apart = finding(|facts| facts.skew.as_mut().unwrap().ahead = -90_000_000);
    tells(apart, Severity::Warning, "clock", &["90s behind ours, to within 1ms", "NTP"]);
    tells(finding(|facts| facts.lag = Duration::from_secs(2)), Severity::Warning, "latency", &["2s late"]);
    let slow = finding(|facts| facts.round_trip = Some(Duration::from_millis(300)));
    tells(slow, Severity::Warning, "latency", &["300ms there and back"]);
    tells(finding(answer(Question::CalleeLeft, "true")), Severity::Problem, "left behind", &["does not end"]);
    let file = finding(answer(Question::RecordingLeft, "true"));
    tells(file, Severity::Warning, "left behind", &["rm /rec/callwright-doctor-1.wav"]);
    let skew = Skew::between(Time::from_micros(1_000), Time::from_micros(7_000), Time::from_micros(3_000));
    assert_eq!(skew, Skew { ahead: 5_000, uncertainty: Duration::from_micros(1_000) });
}

/// An exam against a host that is played by hand.
struct Bench {
    exam: Exam,
    now: Time,
    /// Commands in their order.
    lines: Vec<String>,
    caller: Option<SessionId>,
    user: String,
    /// Commands that get no reply.
    mute: &'static str,
}

impl Bench {
    fn new(mute: &'static str) -> Bench {
        let Facts { address, slots, profile, .. } = healthy();
        let exam = Exam::new(Facts { address, slots, profile, ..Facts::default() }, Ids::seeded(1));
        let mut bench =
            Bench { exam, now: Time::from_micros(1), lines: Vec::new(), caller: None, user: String::new(), mute };
        bench.tell(HostEvent::Up(healthy().host.unwrap()));
        bench
    }

    fn tell(&mut self, event: HostEvent) {
        self.exam.handle(self.now, &event);
        while let Some(request) = self.exam.poll_request() {
            match request {
                Request::Command { token, command } => {
                    let line = command.to_string();
                    let muted = !self.mute.is_empty() && line.contains(self.mute);
                    let text = if line.contains("count") { "0 total." } else { "+OK" };
                    self.lines.push(line);
                    if !muted {
                        let reply = Reply { text: text.to_owned(), api: true };
                        self.exam.handle(self.now, &HostEvent::Replied { token, reply });
                    }
                }
                Request::Originate(originate) => {
                    let crate::host::Target::Profile { url, .. } = &originate.target else { panic!("{originate:?}") };
                    self.user = url.split('@').next().unwrap().to_owned();
                    self.caller = Some(originate.session.clone());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Tells of a change of the callee's leg.
    fn callee(&mut self, kind: ChangeKind, headers: &[(&str, &str)]) {
        let mut event = Event::new();
        for (name, value) in headers {
            event.push(name, value);
        }
        let user = self.user.clone();
        event.push("Call-Direction", "inbound");
        event.push("Caller-Destination-Number", user);
        event.push("Caller-Context", "public");
        let change = Change { session: "callee".into(), call: "callee".into(), kind };
        self.tell(HostEvent::Changed { change, event: Arc::new(event), lag: Duration::ZERO });
    }

    /// Lets time pass until nothing is waited for.
    fn end(mut self) -> (Facts, Vec<String>) {
        for _ in 0..20 {
            if self.exam.is_done() {
                return (self.exam.into_facts(), self.lines);
            }
            let due = self.exam.poll_timeout().expect("something is waited for");
            self.now = due.max(self.now);
            self.exam.handle_timeout(self.now);
            // Whatever was asked for by that.
            self.tell(HostEvent::Event(Arc::new(Event::new())));
        }
        panic!("the exam does not end: {:?}", self.exam);
    }
}

#[test]
fn a_call_that_another_dialplan_takes_is_seen_to_be_and_is_hung_up() {
    let mut bench = Bench::new("");
    bench.callee(ChangeKind::Created, &[]);
    bench.callee(ChangeKind::Event, &[("Event-Name", "CHANNEL_EXECUTE"), ("Application", "answer")]);
    bench.callee(ChangeKind::Answered, &[("Event-Name", "CHANNEL_ANSWER")]);
    let caller = bench.caller.clone().unwrap();
    let (facts, lines) = bench.end();
    let arrived = facts.call.as_ref().unwrap().arrived.as_ref().unwrap();
    assert_eq!(arrived.applications, ["answer"]);
    assert!(arrived.answered_by_other && !arrived.parked && !arrived.tracked && facts.call.as_ref().unwrap().hung);
    for session in [caller.as_str(), "callee"] {
        assert!(lines.contains(&format!("api uuid_kill {session}")), "{lines:?}");
        assert!(lines.contains(&format!("api uuid_exists {session}")), "{lines:?}");
    }
    let told: Vec<_> =
        examine(&facts).into_iter().filter(|f| f.severity == Severity::Problem).map(|f| f.check).collect();
    assert_eq!(told, ["dialplan", "header"]);
}

#[test]
fn a_call_that_nobody_takes_ends_by_its_own_cause() {
    let mut bench = Bench::new("");
    bench.callee(ChangeKind::Created, &[]);
    bench.callee(ChangeKind::HungUp { cause: HangupCause::parse("NO_ROUTE_DESTINATION") }, &[]);
    let (facts, lines) = bench.end();
    let arrived = facts.call.unwrap().arrived.unwrap();
    assert_eq!(arrived.ended.as_deref(), Some("NO_ROUTE_DESTINATION"));
    assert!(!lines.iter().any(|line| line.contains("uuid_record")), "{lines:?}");
}

#[test]
fn an_originate_that_fails_ends_the_probe() {
    let mut bench = Bench::new("");
    let mut jobs = Jobs::default();
    jobs.launch("j".into(), bench.caller.clone(), bench.now);
    bench.tell(HostEvent::JobEnded(jobs.finish("j", "-ERR RECOVERY_ON_TIMER_EXPIRE\n", bench.now).unwrap()));
    let (facts, _) = bench.end();
    assert_eq!(facts.call.unwrap().failed.as_deref(), Some("RECOVERY_ON_TIMER_EXPIRE"));
}

#[test]
fn a_host_that_falls_silent_or_goes_away_is_no_healthy_one() {
    let (facts, _) = Bench::new("fsctl sps").end();
    assert_eq!(facts.contact, Contact::Lost("no reply within 10s".into()));
    let mut bench = Bench::new("");
    bench.tell(HostEvent::Lost(Lost::Silent(Duration::from_secs(1))));
    let (facts, _) = bench.end();
    assert!(matches!(facts.contact, Contact::Lost(_)), "{:?}", facts.contact);
}

#[test]
fn nothing_is_set_on_a_host() {
    let mut bench = Bench::new("");
    bench.callee(ChangeKind::Created, &[]);
    let (_, lines) = bench.end();
    let harmless = [
        "version",
        "sofia status",
        "show",
        "fsctl sps",
        "fsctl max_sessions",
        "global_getvar",
        "file_exists",
        "xml_locate",
        "uuid_kill",
        "uuid_exists",
    ];
    for line in lines {
        let line = line.strip_prefix("api ").unwrap();
        let known = harmless.iter().any(|word| line == *word || line.starts_with(&format!("{word} ")));
        assert!(known && !line.starts_with("fsctl sps ") && !line.starts_with("fsctl max_sessions "), "{line}");
    }
}
