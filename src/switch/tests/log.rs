//! Lines of the log, and what a line may go on with.

use super::{Bench, CALLER};

impl Bench {
    /// Session and text of the lines that came.
    fn lines(&mut self) -> Vec<(String, String)> {
        let frames = std::mem::take(&mut self.log);
        frames.into_iter().map(|frame| (frame.header("User-Data").unwrap().to_owned(), frame.body.unwrap())).collect()
    }
}

// As version 1.10.12 sends it, but for time and idle CPU.
#[test]
fn a_new_channel_is_told_as_freeswitch_tells_it() {
    let mut bench = Bench::new();
    bench.ask("noevents");
    assert_eq!(bench.ask("log notice"), "+OK log level notice [5]");
    bench.rig.read(bench.conn);
    bench.rig.write(
        bench.conn,
        format!("bgapi originate {{origination_uuid={CALLER}}}sofia/external/dog@127.0.0.1:5080 &park()\n\n")
            .as_bytes(),
    );
    let said = String::from_utf8(bench.rig.read(bench.conn)).unwrap();
    let wanted = "Content-Type: log/data\n\
                  Content-Length: 121\n\
                  Log-Level: 5\n\
                  Text-Channel: 3\n\
                  Log-File: switch_channel.c\n\
                  Log-Func: switch_channel_set_name\n\
                  Log-Line: 1142\n\
                  User-Data: caller\n\
                  \n\
                  2026-11-22 19:00:00.000000 100.00% [NOTICE] switch_channel.c:1142 New Channel \
                  sofia/external/dog@127.0.0.1:5080 [caller]\n";
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn a_call_is_told_from_its_first_line_to_its_last() {
    let mut bench = Bench::new();
    bench.ask("log notice");
    let callee = bench.ringing();
    bench.tell(&format!("api uuid_answer {callee}"));
    bench.tell(&format!("api uuid_kill {CALLER} USER_BUSY"));
    bench.wait(100);
    let of_caller = bench.lines().into_iter().filter(|(session, _)| session == CALLER);
    let told: Vec<String> =
        of_caller.map(|(_, line)| line.split("] ").skip(1).collect::<Vec<_>>().join("] ")).collect();
    let name = "sofia/external/dog@127.0.0.1:5080";
    assert_eq!(
        told,
        [
            format!("switch_channel.c:1142 New Channel {name} [caller]\n"),
            format!("sofia.c:8681 Channel [{name}] has been answered\n"),
            format!("switch_ivr.c:4412 Hangup {name} [CS_EXECUTE] [USER_BUSY]\n"),
            format!("switch_core_session.c:1762 Session 1 ({name}) Ended\n"),
            format!("switch_core_session.c:1766 Close Channel {name} [CS_DESTROY]\n"),
        ]
    );
}

#[test]
fn only_who_asked_is_told_and_no_more_than_the_switch_logs() {
    let mut bench = Bench::new();
    bench.ask("log debug");
    assert_eq!(bench.ask("api fsctl loglevel err"), "+OK log level: ERR [3]\n");
    let callee = bench.answered();
    assert_eq!(bench.lines(), []);
    bench.execute(&callee, "log", "ERR something is wrong");
    bench.execute(&callee, "log", "WARNING not so bad");
    assert_eq!(bench.lines().len(), 1);
    bench.ask("nolog");
    bench.execute(&callee, "log", "ERR something is wrong");
    assert_eq!(bench.lines(), []);
}

#[test]
fn the_application_log_tells_what_it_is_given() {
    let mut bench = Bench::new();
    bench.ask("log debug");
    let callee = bench.answered();
    bench.lines();
    bench.execute(&callee, "log", "LOUD hello there");
    let lines = bench.lines();
    let (session, line) = lines.iter().find(|(_, line)| line.contains("mod_dptools")).unwrap();
    assert_eq!(session, &callee);
    assert!(line.ends_with("[DEBUG] mod_dptools.c:1865 hello there\n"), "{line}");
    assert!(lines.iter().any(|(_, line)| line.starts_with("EXECUTE [depth=1] ")), "{lines:?}");
}

// Texts of version 1.10.12, but for the names.
#[test]
fn a_line_is_completed_as_freeswitch_completes_it() {
    let mut bench = Bench::new();
    let callee = bench.ringing();
    let mut complete = |line: &str| bench.ask(&format!("api console_complete {line}"));
    assert_eq!(complete("uuid_k"), "\n\n[           uuid_kill]\t\n\nwrite=6:uuid_kill ");
    assert_eq!(complete("c=6;uuid_kxxx"), "\n\n[           uuid_kill]\t\n\nwrite=6:uuid_kill ");
    assert_eq!(complete("zzz"), "\n\n\n\n");
    assert_eq!(complete("uuid_k foo"), "\n\n\n\n");
    assert_eq!(complete(" uuid_kill  ca"), "\n\n[              caller]\t\n\nwrite=3:caller ");
    assert_eq!(complete("uuid_kill   "), format!("\n\n[              caller]\t[{callee}]\t\n\n"));
    let hold = complete("uuid_hold ");
    let rest = "[                 off]\t[              toggle]\t\n\n\n";
    assert_eq!(hold, format!("\n\n[              caller]\t[{callee}]\t{rest}"));
    assert!(complete("fsctl p").ends_with("\n\nwrite=1:pause"));
    assert!(complete("").starts_with("\n\n[             console]\t[    console_complete]\t"));
}
