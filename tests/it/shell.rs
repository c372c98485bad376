//! The shell as a user and a script meet it, on the embedded switch.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::prelude::*;
use callwright::switch::{Switch, SwitchConfig};
use rexpect::session::{Options, PtySession, spawn_with_options};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Nothing here takes longer, unless it hangs. In milliseconds.
const PATIENCE: u64 = 20_000;

/// A switch that runs beside the test.
struct Beside {
    runtime: Runtime,
    switch: Switch,
    address: SocketAddr,
}

impl Beside {
    fn start() -> Beside {
        Beside::at(([127, 0, 0, 1], 0).into())
    }

    fn at(esl: SocketAddr) -> Beside {
        let runtime = Runtime::new().unwrap();
        let switch = runtime.block_on(Switch::start(SwitchConfig { esl, ..SwitchConfig::default() })).unwrap();
        let address = switch.esl_addr();
        Beside { runtime, switch, address }
    }

    fn stop(self) -> SocketAddr {
        self.runtime.block_on(self.switch.shutdown());
        self.address
    }

    fn shell(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("callwright").unwrap();
        command.arg("shell").arg(self.address.to_string()).args(arguments).env_remove("CALLWRIGHT_PASSWORD");
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        told(&self.shell(arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// A call from the switch to itself that nobody answers.
    fn call(&self) -> String {
        format!("originate {{origination_uuid=caller}}sofia/external/dog@{} &park()", self.switch.sip_addr())
    }

    /// The shell on a terminal.
    fn terminal(&self, home: &Path) -> PtySession {
        let mut command = self.shell(&[]);
        command.env("XDG_STATE_HOME", home).env("TERM", "xterm");
        let options = Options::new().timeout_ms(Some(PATIENCE)).strip_ansi_escape_codes(true);
        spawn_with_options(command, options).unwrap()
    }
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// What a script on the standard input gives.
fn script(mut command: Command, lines: &str) -> (i32, String, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    told(&child.wait_with_output().unwrap())
}

/// The exit code of a shell that left its terminal.
fn ended(terminal: &PtySession) -> i32 {
    let status = format!("{:?}", terminal.process().wait().unwrap());
    let code =
        status.strip_prefix("Exited(").and_then(|rest| rest.rsplit_once(", ")?.1.strip_suffix(')')?.parse().ok());
    code.unwrap_or_else(|| panic!("{status}"))
}

#[test]
fn one_command_is_answered_and_an_error_is_exit_code_1() {
    let switch = Beside::start();
    assert_eq!(switch.run(&["-x", "hostname"]), (0, "callwright\n".to_owned(), String::new()));
    let (code, out, err) = switch.run(&["--execute", "uuid_kill nobody"]);
    assert_eq!((code, out.as_str(), err.as_str()), (1, "-ERR No such channel!\n", ""));
    assert_eq!(switch.run(&["-x", "/quit"]).0, 0);
}

#[test]
fn who_cannot_be_reached_or_refuses_the_password_is_exit_code_3() {
    let switch = Beside::start();
    let refused = format!("error: {} refuses the password: invalid\n", switch.address);
    assert_eq!(switch.run(&["--password", "wrong", "-x", "status"]), (3, String::new(), refused.clone()));
    let by_variable = switch.shell(&["-x", "status"]).env("CALLWRIGHT_PASSWORD", "wrong").output().unwrap();
    assert_eq!(told(&by_variable), (3, String::new(), refused));
    let address = switch.stop();
    let output =
        Command::cargo_bin("callwright").unwrap().args(["shell", &address.to_string(), "-x", "status"]).output();
    let (code, out, err) = told(&output.unwrap());
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.starts_with(&format!("error: cannot connect to {address}: ")), "{err}");
}

#[test]
fn lines_of_a_pipe_are_commands_and_their_replies_go_out_in_order() {
    let switch = Beside::start();
    let (code, out, err) = script(switch.shell(&[]), "hostname\n\n/bgapi echo job\nuptime s\necho last");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((code, err.as_str(), lines[0]), (0, "", "callwright"), "{out}");
    assert!(lines[1].starts_with("+OK Job-UUID: ") && lines.contains(&"job") && lines.contains(&"last"), "{out}");
    let (code, out, err) = script(switch.shell(&[]), "echo a\nfrob\n/bgapi frob\necho b\n");
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(out.starts_with("a\n-ERR frob Command not found!\n") && out.contains("\nb\n"), "{out}");
    let (code, out, err) = script(switch.shell(&[]), "/frob\necho b\n");
    assert_eq!((code, out.as_str(), err.as_str()), (4, "b\n", "error: unknown command /frob\n"));
}

#[test]
fn events_and_log_lines_come_while_a_script_is_open() {
    let switch = Beside::start();
    let mut command = switch.shell(&["--log", "notice", "--events", "CHANNEL_PARK,CHANNEL_HANGUP"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The lines end, and so does the test, when the shell does. They come by two connections, so in any order.
    let mut until = |wanted: &[&[&str]]| {
        let mut wanted = wanted.to_vec();
        while !wanted.is_empty() {
            let line = lines.next().unwrap_or_else(|| panic!("no line with {wanted:?}")).unwrap();
            wanted.retain(|words| !words.iter().all(|word| line.contains(word)));
        }
    };
    writeln!(input, "/bgapi {}", switch.call()).unwrap();
    until(&[
        &[" [NOTICE] switch_channel.c:1142 New Channel sofia/external/dog@", "[caller]"],
        &[" CHANNEL_PARK ", "sofia/external/0000000000@127.0.0.1 ringing"],
    ]);
    writeln!(input, "/nolog\nuuid_kill caller USER_BUSY").unwrap();
    until(&[&[" CHANNEL_HANGUP caller ", " USER_BUSY"], &["-ERR USER_BUSY"]]);
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn what_cannot_be_meant_is_exit_code_4() {
    let switch = Beside::start();
    for arguments in [&["--log", "loud"][..], &["--events", "CHANNEL_ANSWERED"], &["--events", "10.0.0.5"], &["-x"]] {
        assert_eq!(switch.run(arguments).0, 4, "{arguments:?}");
    }
}

#[test]
fn the_prompt_completes_keeps_what_is_typed_and_tells_how_to_leave() {
    let switch = Beside::start();
    let home = TempDir::new().unwrap();
    let mut terminal = switch.terminal(home.path());
    let send = |terminal: &mut PtySession, text: &str| {
        terminal.send(text).unwrap();
        terminal.flush().unwrap();
    };
    terminal.exp_string("/help tells what can be typed").unwrap();
    terminal.exp_string("freeswitch@callwright> ").unwrap();

    send(&mut terminal, "hostn\t");
    terminal.exp_string("hostname ").unwrap();
    send(&mut terminal, "\r");
    terminal.exp_string("\ncallwright\r\n").unwrap();
    terminal.exp_string("> ").unwrap();

    // Ctrl-C clears a line, and tells the way out where there is nothing to clear.
    send(&mut terminal, "half of it");
    terminal.exp_string("half of it").unwrap();
    send(&mut terminal, "\x03");
    assert!(!terminal.exp_string("> ").unwrap().contains("leaves"));
    send(&mut terminal, "\x03");
    terminal.exp_string("Ctrl-D or /quit leaves").unwrap();
    terminal.exp_string("> ").unwrap();

    send(&mut terminal, "/events ADD_SCHEDULE\r");
    terminal.exp_string("+OK event listener enabled plain").unwrap();
    terminal.exp_string("> ").unwrap();
    send(&mut terminal, &format!("/bgapi {}\r", switch.call()));
    terminal.exp_string("+OK Job-UUID: ").unwrap();
    terminal.exp_string("> ").unwrap();
    send(&mut terminal, "uuid_kil");
    terminal.exp_string("uuid_kil").unwrap();
    // What happens elsewhere stands above what is typed, which stays.
    assert_eq!(switch.run(&["-x", "sched_api +3600 none echo later"]).0, 0);
    terminal.exp_string(" ADD_SCHEDULE Task-ID=").unwrap();
    terminal.exp_string("freeswitch@callwright> uuid_kil").unwrap();
    send(&mut terminal, "l cal\t");
    terminal.exp_string("uuid_kill caller ").unwrap();
    send(&mut terminal, "\r");
    terminal.exp_string("\n+OK\r\n").unwrap();
    terminal.exp_string("> ").unwrap();

    send(&mut terminal, "echo my password\r");
    terminal.exp_string("\nmy password\r\n").unwrap();
    terminal.exp_string("> ").unwrap();
    send(&mut terminal, "\x04");
    terminal.exp_eof().unwrap();
    assert_eq!(ended(&terminal), 0);

    let kept = std::fs::read_to_string(home.path().join("callwright/shell_history")).unwrap();
    let kept: Vec<&str> = kept.lines().skip(1).map(str::trim).collect();
    assert_eq!(kept, ["hostname", "/events ADD_SCHEDULE", &format!("/bgapi {}", switch.call()), "uuid_kill caller"]);
}

#[test]
fn a_switch_that_goes_away_is_waited_for() {
    let switch = Beside::start();
    let home = TempDir::new().unwrap();
    let mut terminal = switch.terminal(home.path());
    terminal.exp_string("> ").unwrap();
    terminal.send_line("/log notice").unwrap();
    terminal.exp_string("+OK log level 5 [5]").unwrap();
    let address = switch.stop();
    terminal.exp_string("; trying again").unwrap();
    let switch = Beside::at(address);
    terminal.exp_string(" is there again after ").unwrap();
    terminal.exp_string("as before: log lines from NOTICE on").unwrap();
    terminal.send_line(&format!("/bgapi {}", switch.call())).unwrap();
    terminal.exp_string("New Channel sofia/external/dog@").unwrap();
    terminal.send_line("/quit").unwrap();
    terminal.exp_string("whose results are shown to nobody: 1").unwrap();
    terminal.exp_eof().unwrap();
    assert_eq!(ended(&terminal), 0);
}
