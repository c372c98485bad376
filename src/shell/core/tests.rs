//! A shell and the embedded switch, joined in memory and in virtual time.

use super::*;
use crate::shell::EventNames;
use crate::switch::{ConnId, Rig};

struct Bench {
    shell: Shell,
    rig: Rig,
    /// Where both connections are open, events first.
    conns: Option<[ConnId; 2]>,
    reach: Reach,
    printed: Vec<(To, String)>,
    prompts: usize,
    completed: Option<(usize, Vec<Candidate>)>,
    ended: Option<Ending>,
}

/// What comes of an attempt to connect.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    Switch,
    Refused,
    /// Something that says nothing.
    Mute,
}

const LINES: [Line; 2] = [Line::Events, Line::Commands];

fn config(manner: Manner) -> ShellConfig {
    let password = "ClueCon".to_owned();
    ShellConfig { name: "pbx".to_owned(), password, manner, look: Look::Plain, wanted: Wanted::default() }
}

impl Bench {
    fn new(manner: Manner) -> Bench {
        Bench::with(config(manner), Reach::Switch)
    }

    fn with(config: ShellConfig, reach: Reach) -> Bench {
        let rig = Rig::new(1);
        let mut bench = Bench {
            shell: Shell::new(config, Ids::seeded(1), rig.now()),
            rig,
            conns: None,
            reach,
            printed: Vec::new(),
            prompts: 0,
            completed: None,
            ended: None,
        };
        bench.settle();
        bench
    }

    /// Carries bytes and outputs until nothing moves.
    fn settle(&mut self) {
        loop {
            let outputs: Vec<_> = std::iter::from_fn(|| self.shell.poll_output()).collect();
            let mut moved = !outputs.is_empty();
            outputs.into_iter().for_each(|output| self.carry(output));
            if let Some(conns) = self.conns {
                for (line, conn) in LINES.into_iter().zip(conns) {
                    let sent = self.shell.poll_transmit(line);
                    self.rig.write(conn, &sent);
                    let said = self.rig.read(conn);
                    moved |= !sent.is_empty() || !said.is_empty();
                    self.shell.handle_bytes(self.rig.now(), line, &said);
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn carry(&mut self, output: ShellOutput) {
        let now = self.rig.now();
        match output {
            ShellOutput::Connect => match self.reach {
                Reach::Switch => {
                    self.conns = Some([self.rig.connect(), self.rig.connect()]);
                    self.shell.handle_connected(now);
                }
                Reach::Refused => self.shell.handle_unreachable(now, "connection refused"),
                Reach::Mute => self.shell.handle_connected(now),
            },
            ShellOutput::Close => {
                for conn in self.conns.take().into_iter().flatten() {
                    self.rig.close(conn);
                }
            }
            ShellOutput::Print { to, text } => self.printed.push((to, text)),
            ShellOutput::Prompt => self.prompts += 1,
            ShellOutput::Completed { start, candidates } => self.completed = Some((start, candidates)),
            ShellOutput::End(ending) => self.ended = Some(ending),
        }
    }

    /// Lets time pass.
    fn wait(&mut self, time: Duration) {
        let end = self.rig.now() + time;
        while self.rig.now() < end {
            let due = self.shell.poll_timeout().unwrap_or(end).min(end);
            self.rig.advance(due.since(self.rig.now()).max(Duration::from_millis(1)));
            self.shell.handle_timeout(self.rig.now());
            self.settle();
        }
    }

    /// Types a line; gives what is printed.
    fn type_line(&mut self, line: &str) -> String {
        assert!(self.shell.takes_lines(), "no line is taken");
        self.printed.clear();
        self.shell.handle_line(self.rig.now(), line);
        self.settle();
        self.told()
    }

    fn told(&self) -> String {
        self.printed.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn end_of_input(&mut self) {
        self.shell.handle_end_of_input(self.rig.now());
        self.settle();
    }

    /// The switch goes away.
    fn cut(&mut self, reach: Reach) {
        self.reach = reach;
        self.printed.clear();
        for conn in self.conns.take().into_iter().flatten() {
            self.rig.close(conn);
        }
        self.shell.handle_eof(self.rig.now(), Line::Events);
        self.settle();
    }

    fn complete(&mut self, typed: &str) -> Vec<String> {
        self.shell.complete(self.rig.now(), typed);
        self.settle();
        let (_, candidates) = self.completed.take().expect("an answer");
        candidates.into_iter().map(|candidate| candidate.word).collect()
    }
}

const CALL: &str = "originate {origination_uuid=caller}sofia/external/dog@127.0.0.1:5080 &park()";

#[test]
fn a_person_is_greeted_and_answered_and_asked_again() {
    let mut bench = Bench::new(Manner::Prompt);
    assert_eq!(bench.told(), "pbx: FreeSWITCH 1.10.12-release; /help tells what can be typed\n");
    assert_eq!((bench.prompts, bench.shell.prompt().as_str()), (1, "freeswitch@callwright> "));
    assert_eq!(bench.type_line("hostname"), "callwright\n");
    assert_eq!(bench.type_line("uuid_kill x"), "-ERR No such channel!\n");
    assert_eq!(bench.type_line("/frob"), "unknown command /frob\n");
    assert_eq!(bench.type_line("  "), "");
    assert_eq!(bench.prompts, 5);
    bench.end_of_input();
    assert_eq!(bench.ended, Some(Ending::Well));
}

#[test]
fn log_lines_and_events_come_as_asked_for() {
    let mut bench = Bench::new(Manner::Prompt);
    assert_eq!(bench.type_line("/log notice"), "+OK log level 5 [5]\n");
    bench.type_line("/events CHANNEL_PARK");
    let told = bench.type_line(&format!("/bgapi {CALL}"));
    assert!(told.contains("New Channel sofia/external/dog@127.0.0.1:5080 [caller]\n"), "{told}");
    assert!(told.contains("19:00:00.000 CHANNEL_PARK "), "{told}");
    assert!(!told.contains("CHANNEL_CREATE") && !told.contains("[DEBUG]"), "{told}");
    assert!(bench.printed.iter().all(|(to, text)| (*to == To::Live) != text.starts_with("+OK Job-UUID")));
    bench.type_line("/uuid other");
    bench.type_line("/noevents");
    bench.type_line("console loglevel debug");
    let told = bench.type_line("uuid_kill caller");
    assert!(told.starts_with("+OK\nresult of `originate") && !told.contains("[NOTICE]"), "{told}");
}

#[test]
fn results_of_jobs_pass_the_filters_of_events_and_of_other_peoples_jobs_there_are_none() {
    let mut bench = Bench::new(Manner::Prompt);
    bench.type_line("/filter Event-Name DTMF");
    bench.type_line("/events all");
    let told = bench.type_line("/bgapi echo a b");
    let job = told.strip_prefix("+OK Job-UUID: ").unwrap().split('\n').next().unwrap();
    assert_eq!(told, format!("+OK Job-UUID: {job}\nresult of `echo a b`, job {job}:\na b\n"));
    assert_eq!(bench.type_line("bgapi echo c").lines().count(), 1);
    assert!(bench.shell.jobs.is_empty());
}

#[test]
fn a_script_ends_with_its_last_job_and_tells_whether_all_went_well() {
    let mut bench = Bench::new(Manner::Script);
    assert_eq!((bench.told().as_str(), bench.prompts), ("", 0));
    bench.type_line(&format!("/bgapi {}", CALL.replace('}', ",originate_timeout=2}")));
    bench.end_of_input();
    assert_eq!((bench.ended.clone(), bench.shell.takes_lines()), (None, false));
    bench.wait(Duration::from_secs(3));
    assert_eq!(bench.ended, Some(Ending::Refused));
    assert!(bench.told().ends_with("-ERR NO_ANSWER\n"), "{}", bench.told());

    let endings = [
        (vec!["status", "/log info"], Ending::Well),
        (vec!["status", "foo"], Ending::Refused),
        (vec!["foo", "/foo", "status"], Ending::BadLine),
        (vec!["echo a\rb"], Ending::BadLine),
        (vec!["foo", "/quit"], Ending::Refused),
    ];
    for (lines, ending) in endings {
        let mut bench = Bench::new(Manner::Script);
        for line in &lines {
            bench.type_line(line);
        }
        bench.end_of_input();
        assert_eq!(bench.ended, Some(ending), "{lines:?}");
    }
}

#[test]
fn a_lost_switch_is_waited_for_and_told_all_again() {
    let mut bench = Bench::new(Manner::Prompt);
    bench.type_line("/log notice");
    bench.type_line("/events CHANNEL_PARK");
    bench.type_line("/filter Unique-ID caller");
    bench.type_line(&format!("/bgapi {}", CALL.replace('}', ",originate_timeout=9}")));
    bench.cut(Reach::Refused);
    assert_eq!(bench.told(), "pbx: connection closed; trying again\n");
    assert_eq!(bench.type_line("status"), "pbx is not connected\n");
    assert_eq!(bench.type_line("/filter Event-Name CHANNEL_PARK"), "as soon as the switch is there again\n");
    bench.wait(Duration::from_secs(6));
    bench.reach = Reach::Switch;
    bench.printed.clear();
    bench.wait(Duration::from_secs(5));
    let told = bench.told();
    let wanted =
        "pbx is there again after 7.5 s; as before: log lines from NOTICE on; events CHANNEL_PARK; 2 filters\n";
    assert!(told.starts_with(wanted), "{told}");
    // The call is of the connection before, as is its job.
    assert!(told.contains(" [NOTICE] switch_ivr.c:4412 Hangup ") && told.ends_with(":\n-ERR NO_ANSWER\n"), "{told}");
    assert_eq!(bench.type_line("hostname"), "callwright\n");
}

#[test]
fn pauses_between_attempts_grow() {
    let mut bench = Bench::new(Manner::Prompt);
    bench.cut(Reach::Refused);
    let mut due = Vec::new();
    for _ in 0..8 {
        let next = bench.shell.poll_timeout().unwrap();
        let pause = next.since(bench.rig.now());
        due.push(pause.as_millis());
        bench.wait(pause);
    }
    assert_eq!(due, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    assert_eq!(bench.told(), "pbx: connection closed; trying again\n");
}

#[test]
fn a_script_whose_switch_is_lost_or_was_never_there_could_not_find_out() {
    let mut bench = Bench::new(Manner::Script);
    bench.type_line(CALL);
    bench.cut(Reach::Switch);
    assert_eq!(bench.told(), format!("no answer to `{CALL}` came: whether it was done is not known\n"));
    assert_eq!(bench.ended, Some(Ending::Lost("pbx: connection closed".to_owned())));
    for manner in [Manner::Script, Manner::Prompt] {
        let bench = Bench::with(config(manner), Reach::Refused);
        let lost = Ending::Lost("cannot connect to pbx: connection refused".to_owned());
        assert_eq!((bench.ended, bench.prompts), (Some(lost), 0));
        let mut bench = Bench::with(config(manner), Reach::Mute);
        assert_eq!(bench.ended, None);
        bench.wait(Duration::from_secs(5));
        let lost = Ending::Lost("pbx does not answer as a switch within 5s".to_owned());
        assert_eq!(bench.ended, Some(lost));
    }
}

#[test]
fn a_wrong_password_is_the_end_and_one_that_became_wrong_is_not_tried_again() {
    let wrong = ShellConfig { password: "wrong".to_owned(), ..config(Manner::Prompt) };
    let refused = Ending::Lost("pbx refuses the password: invalid".to_owned());
    assert_eq!(Bench::with(wrong, Reach::Switch).ended, Some(refused));

    let mut bench = Bench::new(Manner::Prompt);
    bench.shell.config.password = "wrong".to_owned();
    bench.cut(Reach::Switch);
    bench.wait(Duration::from_secs(1));
    assert!(bench.told().ends_with("pbx refuses the password: invalid; /quit leaves\n"), "{}", bench.told());
    assert_eq!((bench.shell.poll_timeout(), bench.ended.clone()), (None, None));
    bench.type_line("/quit");
    assert!(matches!(bench.ended, Some(Ending::Lost(_))));
}

#[test]
fn an_answer_that_is_waited_for_no_longer_is_shown_when_it_comes() {
    let mut bench = Bench::new(Manner::Prompt);
    bench.type_line(&CALL.replace('}', ",originate_timeout=2}"));
    assert!(!bench.shell.takes_lines());
    bench.shell.handle_interrupt(bench.rig.now());
    bench.settle();
    assert!(bench.told().ends_with("` is shown when it comes\n") && bench.shell.takes_lines(), "{}", bench.told());
    // Another connection completes meanwhile.
    assert_eq!(bench.complete("hostn"), ["hostname "]);
    bench.printed.clear();
    bench.wait(Duration::from_secs(3));
    let typed = CALL.replace('}', ",originate_timeout=2}");
    assert_eq!(bench.printed, [(To::Late, format!("answer to `{typed}`:\n-ERR NO_ANSWER\n"))]);

    let mut bench = Bench::new(Manner::Script);
    bench.type_line(CALL);
    bench.shell.handle_interrupt(bench.rig.now());
    bench.settle();
    assert_eq!(bench.ended, Some(Ending::Interrupted));
    let mut bench = Bench::with(config(Manner::Prompt), Reach::Mute);
    bench.shell.handle_interrupt(bench.rig.now());
    bench.settle();
    assert_eq!(bench.ended, Some(Ending::Interrupted));
}

#[test]
fn sessions_and_commands_are_completed_by_the_switch_and_nothing_without_it() {
    let mut bench = Bench::new(Manner::Prompt);
    bench.type_line(&format!("/bgapi {CALL}"));
    assert_eq!(bench.complete("uuid_kill ca"), ["caller "]);
    assert_eq!(bench.complete("show chan"), ["channels "]);
    assert_eq!(bench.complete("/qu"), ["/quit "]);
    bench.cut(Reach::Refused);
    assert_eq!(bench.complete("uuid_kill ca"), [""; 0]);
}

#[test]
fn what_is_wanted_from_the_start_comes_and_what_is_refused_is_told() {
    let names = EventNames::parse("CHANNEL_PARK").unwrap();
    let wanted = Wanted::new(Some(crate::esl::LogLevel::DEBUG), &[names]);
    let mut bench = Bench::with(ShellConfig { wanted, ..config(Manner::Script) }, Reach::Switch);
    let told = bench.type_line(&format!("/bgapi {CALL}"));
    assert!(told.contains("Callstate Change DOWN -> RINGING") && told.contains(" CHANNEL_PARK "), "{told}");
}
