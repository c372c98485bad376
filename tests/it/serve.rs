#![expect(clippy::disallowed_methods, reason = "reads what other programs print")]
#![cfg(unix)]
//! `callwright serve`, from outside: other programs call a switch that it serves.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use callwright::client::{CallError, Client, ClientConfig, Job, Session};
use callwright::host::Originate;
use serde_json::Value;

use super::exit_codes::{callwright, expect, folder};

/// A program of ours, and what it prints, line by line. Killed with its handle.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// What was read already.
    read: Vec<String>,
}

/// Longer than anything here takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Running {
    fn start(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (to, lines) = mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| to.send(line))
        });
        Running { child, lines, read: Vec::new() }
    }

    /// The next line with `word` in it.
    #[track_caller]
    fn until(&mut self, word: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.read.push(line.clone());
                    if line.contains(word) {
                        return line;
                    }
                }
                Err(error) => panic!("no {word:?} ({error}) in:\n{}", self.read.join("\n")),
            }
        }
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    /// Its exit code, and all that it printed.
    fn end(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap();
        self.read.extend(self.lines.iter());
        (code, self.read.join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be over.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `callwright switch` in a process of its own, with the ports that it has.
struct Host {
    running: Running,
    esl: SocketAddr,
    sip: SocketAddr,
}

impl Host {
    fn start() -> Host {
        Host::on("127.0.0.1:0", "127.0.0.1:0", &[])
    }

    fn on(esl: &str, sip: &str, more: &[&str]) -> Host {
        let arguments = [&["switch", "--esl", esl, "--sip", sip], more].concat();
        let mut running = Running::start(callwright(Path::new("."), &arguments));
        let line = running.until("event socket on");
        let mut ports = line.split(' ').filter_map(|word| word.trim_matches([',', ';']).parse().ok());
        Host { esl: ports.next().unwrap(), sip: ports.next().unwrap(), running }
    }

    /// Kills its process and starts another on the same ports.
    fn restart(self) -> Host {
        let Host { esl, sip, running } = self;
        drop(running);
        Host::on(&esl.to_string(), &sip.to_string(), &[])
    }

    async fn client(&self) -> Client {
        Client::connect(ClientConfig::new(self.esl.to_string()).for_ever()).await.unwrap()
    }
}

fn serve(host: &Host, arguments: &[&str], env: &[(&str, String)]) -> Running {
    let host = format!("pbx={}", host.esl);
    let mut command = callwright(Path::new(env!("CARGO_MANIFEST_DIR")), &[&["serve", &host], arguments].concat());
    command.envs(env.iter().map(|(name, value)| (name, value)));
    let mut running = Running::start(command);
    running.until("serving");
    running
}

/// A call of `client` to `user` on its own host.
fn to(client: &Client, user: &str) -> Originate {
    Originate::to(client.itself("external", user).unwrap()).app("none").timeout(Duration::from_secs(20))
}

const ROUTES: &str = "\
routes:
- { match: 486$, steps: [{ respond: 486 }] }
- { match: echo$, steps: [answer, echo] }
- match: beep$
  steps: [answer, { play: { tone: 440Hz, for: 100ms } }]
- match: long$
  steps: [answer, { play: { tone: 440Hz, for: 60s } }, hangup]
- match: park$
  steps: [answer, park]
- { match: elsewhere$, steps: [{ transfer: '486' }] }
- match: wrong$
  steps: [{ bridge: { to: '${header.X-Nothing:-a b}' } }]
- match: (.*)@(.*)$
  on: variable_sip_h_X-Onward
  steps: [{ bridge: { to: '${match.0}' } }]
";

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_as_their_steps_leave_them() {
    let folder = folder(&[("routes.yaml", ROUTES)]);
    let routes = folder.path().join("routes.yaml");
    let cdr = folder.path().join("calls.jsonl");
    let host = Host::start();
    let arguments = ["--routes", routes.to_str().unwrap(), "--cdr", cdr.to_str().unwrap(), "-v", "--drain", "0s"];
    let mut serve = serve(&host, &arguments, &[]);
    let client = host.client().await;
    let failed = async |user: &str| client.call(to(&client, user)).await.unwrap_err();
    let cause = |cause: &str| CallError::Failed(cause.to_owned());
    assert_eq!(failed("486").await, cause("USER_BUSY"));
    assert_eq!(failed("nobody").await, cause("UNALLOCATED_NUMBER"));
    // It comes back from where it was sent.
    assert_eq!(failed("elsewhere").await, cause("USER_BUSY"));
    // Once it was played, nothing keeps it.
    let beep = client.call(to(&client, "beep")).await.unwrap();
    assert_eq!(beep.until_gone().await.unwrap().as_str(), "NORMAL_CLEARING");
    let echo = client.call(to(&client, "echo")).await.unwrap();
    let parked = client.call(to(&client, "park")).await.unwrap();
    // Whom it is bridged to is busy: that is passed on, and is no failure.
    let onward = client.itself("external", "486").unwrap();
    let bridged = to(&client, "x").header("X-Onward", &onward);
    assert_eq!(client.call(bridged).await.unwrap_err(), cause("USER_BUSY"));
    let onward = client.itself("external", "beep").unwrap();
    let bridged = client.call(to(&client, "x").header("X-Onward", &onward)).await.unwrap();
    assert_eq!(bridged.until_gone().await.unwrap().as_str(), "NORMAL_CLEARING");
    // Whoever calls may hang up whenever he likes.
    let long = client.call(to(&client, "long")).await.unwrap();
    long.peer().unwrap().recv("PLAYBACK_START").await.unwrap();
    long.hangup().await.unwrap();
    assert!(!echo.is_hung_up() && !parked.is_hung_up());
    echo.hangup().await.unwrap();
    serve.until("ended: NORMAL_CLEARING");
    // What does not fit is told with its place, and who calls is told that it failed.
    assert_eq!(failed("wrong").await, cause("NORMAL_TEMPORARY_FAILURE"));
    let told = serve.until("failed with session");
    assert!(told.contains("routes.yaml:12:27: expected a user or `user@host`, found `a b`"), "{told}");
    serve.signal("INT");
    let (code, all) = serve.end();
    assert_eq!(code, 1, "{all}");
    assert!(all.contains("ended: NORMAL_TEMPORARY_FAILURE"), "{all}");
    assert!(all.contains("1 failure, 1 session hung up at the end"), "{all}");
    let records = std::fs::read_to_string(cdr).unwrap();
    let records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The failure is told behind the end of its call.
    let failed: Vec<_> = records.iter().filter(|cdr| cdr["verdict"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{records:#?}");
    assert_eq!(failed[0]["hangup_cause"], "NORMAL_TEMPORARY_FAILURE");
    assert!(failed[0]["reason"].as_str().unwrap().contains("routes.yaml:12:27"), "{failed:#?}");
    let busy = records.iter().find(|cdr| cdr["hangup_cause"] == "USER_BUSY").unwrap();
    // A switch does not tell with which response it refused a call.
    assert_eq!((&busy["host"], &busy["sip_code"]), (&Value::from("pbx"), &Value::Null));
}

/// An ESL client by other hands, which makes calls and prints what becomes of them.
const GREENSWITCH: &str = "\
import sys, greenswitch
host, port, sip = sys.argv[1:4]
switch = greenswitch.InboundESL(host=host, port=int(port), password='ClueCon')
switch.connect()
for user in sys.argv[4:]:
    user, _, more = user.partition(' ')
    variables = ','.join(['originate_timeout=20', 'ignore_early_media=true'] + more.split())
    reply = switch.send('api originate {%s}sofia/external/%s@%s &park()' % (variables, user, sip)).data.strip()
    if reply.startswith('+OK'):
        uuid = reply.split()[1]
        reply = '+OK answered'
        switch.send('api uuid_kill %s' % uuid)
    print(user, reply, flush=True)
switch.stop()
";

/// What the script says of calls to these users; `None` where it cannot be run.
fn greenswitch(host: &Host, users: &[&str]) -> Option<Vec<String>> {
    let output = Command::new("python3").args(["-c", "import greenswitch"]).output();
    if !output.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: python3 has no greenswitch (pip install greenswitch)");
        return None;
    }
    let (ip, port, sip) = (host.esl.ip().to_string(), host.esl.port().to_string(), host.sip.to_string());
    let output = Command::new("python3").args(["-c", GREENSWITCH, &ip, &port, &sip]).args(users).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| line.trim().to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_another_esl_client_go_the_ways_of_the_shipped_routes() {
    let folder = folder(&[(
        "far.yaml",
        "routes:\n- { match: '531|59.', steps: [{ respond: 603 }] }\n- { match: '23..|500', steps: [answer, echo] }\n",
    )]);
    let far = Host::start();
    let far_routes = folder.path().join("far.yaml");
    let mut far_serve = serve(&far, &["--routes", far_routes.to_str().unwrap(), "-v"], &[]);
    let host = Host::start();
    let env = [
        ("DOMAIN", far.sip.to_string()),
        ("SALES_PBX", far.sip.to_string()),
        ("SUPPORT_PBX", "127.0.0.1:9".to_owned()),
    ];
    let pbx = serve(&host, &["--routes", "conf/routes/pbx.yaml", "-v"], &env);
    let users = ["0044", "2345", "2945", "30", "5551234567"];
    let Some(told) = greenswitch(&host, &users) else { return };
    assert_eq!(
        told,
        [
            "0044 -ERR CALL_REJECTED",
            "2345 +OK answered",
            "2945 -ERR UNALLOCATED_NUMBER",
            "30 -ERR UNALLOCATED_NUMBER",
            // The far end does not know that number, and says so.
            "5551234567 -ERR UNALLOCATED_NUMBER",
        ]
    );
    far_serve.until("to 2345");
    far_serve.until("to 5551234567");
    pbx.signal("TERM");
    let (code, all) = pbx.end();
    assert_eq!(code, 0, "{all}");
    assert!(all.contains("served 5 calls") && all.contains("1 answered, 0 failures"), "{all}");

    let dialplan = serve(&host, &["--routes", "conf/routes/dialplan.yaml", "-v"], &env);
    let users = [
        "100 sip_h_X-Tenant=blue",
        "700",
        "600 origination_caller_id_number=3757",
        "600 origination_caller_id_number=hidden",
        "600 origination_caller_id_number=77",
        "1203",
        "1100",
        "echo",
        "*67500",
    ];
    let told = greenswitch(&host, &users).unwrap();
    assert_eq!(
        told,
        [
            "100 -ERR NO_USER_RESPONSE",
            "700 -ERR NO_USER_RESPONSE",
            "600 -ERR USER_BUSY",
            "600 -ERR NORMAL_UNSPECIFIED",
            "600 -ERR UNALLOCATED_NUMBER",
            "1203 +OK answered",
            "1100 +OK answered",
            "echo +OK answered",
            "*67500 +OK answered",
        ]
    );
    far_serve.until("to 500");
    dialplan.signal("TERM");
    let (code, all) = dialplan.end();
    assert_eq!(code, 0, "{all}");
}

/// A SIPp scenario: an INVITE that is answered with `code`, and hung up where that is 200.
fn sipp_scenario(code: u16) -> String {
    let head = |method: &str, tag: &str, cseq: u8| {
        format!(
            "{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n\
             Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n\
             From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]\n\
             To: <sip:[service]@[remote_ip]:[remote_port]>{tag}\n\
             Call-ID: [call_id]\nCSeq: {cseq} {method}\nContact: sip:sipp@[local_ip]:[local_port]\nMax-Forwards: 70\n"
        )
    };
    let sdp = "v=0\no=sipp 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0\n";
    let invite = format!("{}Content-Type: application/sdp\nContent-Length: [len]\n\n{sdp}", head("INVITE", "", 1));
    let ack = format!("{}Content-Length: 0\n", head("ACK", "[peer_tag_param]", 1));
    let bye = format!("{}Content-Length: 0\n", head("BYE", "[peer_tag_param]", 2));
    let send = |text: &str| format!("<send><![CDATA[\n{text}\n]]></send>\n");
    let optional: String =
        [100, 180, 183].map(|code| format!("<recv response=\"{code}\" optional=\"true\"/>\n")).concat();
    let end = if code == 200 {
        format!("{}<pause milliseconds=\"50\"/>\n{}<recv response=\"200\"/>\n", send(&ack), send(&bye))
    } else {
        send(&ack)
    };
    format!(
        "<?xml version=\"1.0\"?>\n<scenario name=\"{code}\">\n{}{optional}<recv response=\"{code}\"/>\n{end}</scenario>\n",
        send(&invite)
    )
}

#[test]
fn a_sip_caller_by_other_hands_is_answered_and_refused_as_routes_say() {
    let folder = folder(&[("routes.yaml", ROUTES)]);
    if Command::new("sipp").arg("-v").output().is_err() {
        eprintln!("skipped: no sipp on PATH");
        return;
    }
    let routes = folder.path().join("routes.yaml");
    let arguments = ["serve", "--routes", routes.to_str().unwrap(), "--sip", "127.0.0.1:0"];
    let mut serve = Running::start(callwright(folder.path(), &arguments));
    let line = serve.until("SIP on");
    let sip = line.rsplit(' ').next().unwrap().to_owned();
    serve.until("serving");
    for (user, code) in [("echo", 200), ("486", 486), ("nobody", 404)] {
        let file = folder.path().join(format!("{code}.xml"));
        std::fs::write(&file, sipp_scenario(code)).unwrap();
        let mut command = Command::new("sipp");
        command.args([&sip, "-sf", file.to_str().unwrap(), "-s", user, "-m", "3", "-r", "10"]);
        command.args(["-i", "127.0.0.1", "-nostdin", "-timeout", "30s", "-timeout_error"]).current_dir(folder.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{user}: {}", String::from_utf8_lossy(&output.stdout));
    }
    serve.signal("INT");
    let (code, all) = serve.end();
    assert_eq!(code, 0, "{all}");
    for line in ["served 9 calls", "3 answered", "3  USER_BUSY", "3  UNALLOCATED_NUMBER"] {
        assert!(all.contains(line), "{line:?} is not in:\n{all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_survives_the_restart_of_its_switch() {
    let folder = folder(&[("routes.yaml", ROUTES)]);
    let host = Host::start();
    let mut serve = serve(&host, &["--routes", folder.path().join("routes.yaml").to_str().unwrap(), "-v"], &[]);
    let client = host.client().await;
    let before = client.call(to(&client, "echo")).await.unwrap();
    let host = host.restart();
    serve.until("pbx: lost: ");
    let back = serve.until("pbx: back after ");
    assert!(back.contains("0 sessions kept, 2 lost, 0 new"), "{back}");
    drop(before);
    let client = host.client().await;
    assert_eq!(client.call(to(&client, "486")).await.unwrap_err(), CallError::Failed("USER_BUSY".to_owned()));
    serve.until("ended: USER_BUSY");
    serve.signal("INT");
    let (code, all) = serve.end();
    assert!(code == 0 && all.contains("served 2 calls") && all.contains("1 lost with a host"), "{code}: {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_waits_for_calls_and_told_twice_it_hangs_them_up() {
    let folder = folder(&[("routes.yaml", ROUTES)]);
    let routes = folder.path().join("routes.yaml");
    let host = Host::start();
    let arguments = ["--routes", routes.to_str().unwrap(), "--drain", "10m"];
    let client = host.client().await;
    let mut first = serve(&host, &arguments, &[]);
    let call = client.call(to(&client, "echo")).await.unwrap();
    first.signal("INT");
    first.until("stopping; calls may go on for 600s, new ones are refused");
    // Whoever comes now is told to try elsewhere.
    let refused = client.call(to(&client, "echo")).await.unwrap_err();
    assert_eq!(refused, CallError::Failed("NORMAL_TEMPORARY_FAILURE".to_owned()));
    assert!(!call.is_hung_up());
    call.hangup().await.unwrap();
    let (code, all) = first.end();
    assert!(code == 0 && all.contains("served 1 call ") && all.contains("1 answered, 0 failures, 1 refused"), "{all}");

    let mut second = serve(&host, &arguments, &[]);
    let call = client.call(to(&client, "echo")).await.unwrap();
    second.signal("INT");
    second.until("stopping");
    second.signal("TERM");
    let (code, all) = second.end();
    assert!(code == 0 && all.contains("1 session hung up at the end"), "{code}: {all}");
    assert_eq!(call.until_gone().await.unwrap().as_str(), "NORMAL_CLEARING");
}

/// A call to `user` that waits in `park` for somebody to deal with it: its originate, and the session that came in.
async fn parked(client: &Client, user: &str) -> (Job, Session) {
    let mut parks = client.events(["CHANNEL_PARK"]);
    let job = client.originate(&to(client, user));
    let parked = loop {
        let event = parks.recv().await.unwrap();
        if event.header("Call-Direction") == Some("inbound") {
            break event;
        }
    };
    let id = parked.header("Unique-ID").unwrap();
    (job, client.session(id).await.unwrap().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_were_parked_before_it_began_are_taken_up() {
    let folder = folder(&[("routes.yaml", ROUTES)]);
    let routes = folder.path().join("routes.yaml");
    let host = Host::start();
    let client = host.client().await;
    let (waiting, _) = parked(&client, "echo").await;
    let (answered, left) = parked(&client, "beep").await;
    client.api(&format!("uuid_answer {}", left.id())).await.unwrap();
    answered.result().await.unwrap();
    let arguments = ["--routes", routes.to_str().unwrap(), "--drain", "0s"];
    let mut first = serve(&host, &arguments, &[]);
    first.until("pbx: took up 1 session that was parked there");
    waiting.result().await.unwrap();
    first.signal("INT");
    let (code, all) = first.end();
    assert!(code == 0 && all.contains("served 1 call ") && all.contains("1 answered"), "{code}: {all}");
    assert!(left.is_parked(), "somebody answered it, and has plans for it");

    let mut second = serve(&host, &[&arguments[..], &["--take-up", "all"]].concat(), &[]);
    second.until("pbx: took up 1 session that was parked there");
    assert_eq!(left.until_gone().await.unwrap().as_str(), "NORMAL_CLEARING");
    second.signal("INT");
    let (code, all) = second.end();
    assert!(code == 0 && all.contains("served 1 call ") && all.contains("1  NORMAL_CLEARING"), "{code}: {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_run_programs_of_the_host_where_they_are_allowed_to() {
    let folder = folder(&[]);
    let noted = folder.path().join("noted-");
    // What a program prints is the reply, and without one the step fails.
    let text = format!(
        "routes: [{{ match: '(.*)', steps: [{{ api: 'system touch {}${{match.1}}; echo noted' }}, {{ respond: 486 }}] }}]\n",
        noted.display()
    );
    std::fs::write(folder.path().join("routes.yaml"), text).unwrap();
    let check = ["serve", "--check", "--routes", "routes.yaml"];
    expect(folder.path(), &check, 4, &["`system` runs programs of the host", "--allow-system"]);
    expect(folder.path(), &[&check[..], &["--allow-system"]].concat(), 0, &["nothing is wrong"]);
    let host = Host::on("127.0.0.1:0", "127.0.0.1:0", &["--allow-system"]);
    let routes = folder.path().join("routes.yaml");
    let serve = serve(&host, &["--routes", routes.to_str().unwrap(), "--allow-system"], &[]);
    let client = host.client().await;
    let cause = |cause: &str| CallError::Failed(cause.to_owned());
    assert_eq!(client.call(to(&client, "1001")).await.unwrap_err(), cause("USER_BUSY"));
    assert!(folder.path().join("noted-1001").exists());
    // What a shell would take for more than a word is none of a program's business.
    assert_eq!(client.call(to(&client, "1;id")).await.unwrap_err(), cause("NORMAL_TEMPORARY_FAILURE"));
    serve.signal("INT");
    let (code, all) = serve.end();
    assert!(code == 1 && all.contains("which is no plain word for a program of the host"), "{code}: {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_serve_what_comes_in_and_only_where_a_header_says_so() {
    let host = Host::start();
    let arguments =
        ["--app", "{ callee_block_on_invite: { sip_code: 486 } }", "--header", "Caller-Destination-Number=served"];
    let serve = serve(&host, &arguments, &[]);
    let client = host.client().await;
    assert_eq!(client.call(to(&client, "served")).await.unwrap_err(), CallError::Failed("USER_BUSY".to_owned()));
    let other = to(&client, "other").timeout(Duration::from_secs(1));
    assert_eq!(client.call(other).await.unwrap_err(), CallError::Failed("NO_ANSWER".to_owned()));
    serve.signal("INT");
    let (code, all) = serve.end();
    assert!(code == 0 && all.contains("served 1 call "), "{code}: {all}");
}

#[test]
fn what_is_wrong_is_told_before_anything_is_served() {
    let folder = folder(&[("wrong.yaml", "routes:\n- { match: '(1', steps: [anser] }\n"), ("right.yaml", ROUTES)]);
    let words = ["wrong.yaml:2:12", "unclosed group", "did you mean `answer`?"];
    expect(folder.path(), &["serve", "--routes", "wrong.yaml", "--routes", "right.yaml"], 4, &words);
    expect(folder.path(), &["serve", "--check", "--routes", "right.yaml"], 0, &["right.yaml: nothing is wrong"]);
    expect(folder.path(), &["serve", "--app", "tone_player"], 4, &["did you mean `tone_play`?", "--app:1:1"]);
    expect(folder.path(), &["serve", "--app", "proxier: { prozy: a }"], 4, &["did you mean `proxy`?"]);
    expect(folder.path(), &["serve"], 4, &["--app", "--routes"]);
    expect(folder.path(), &["serve", "--app", "tone_play", "--header", "X"], 4, &["`Caller-Context=lab`"]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host = format!("127.0.0.1:{port}");
    expect(folder.path(), &["serve", &host, "--app", "tone_play"], 3, &["cannot connect"]);
}

#[test]
fn apps_are_listed_for_people_and_for_programs() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let ran = expect(&here, &["list-apps", "--json"], 0, &[]);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<_> = json["apps"].as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"bert") && names.contains(&"proxier") && names.contains(&"bridger"), "{names:?}");
    expect(&here, &["list-apps", "dtmf"], 0, &["dtmf\n", "default 200ms", "callwright dial --app dtmf"]);
    expect(&here, &["list-apps", "dtfm"], 4, &["unknown app `dtfm`"]);
}
