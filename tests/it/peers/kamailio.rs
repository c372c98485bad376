//! Kamailio as the system under test: a stateful proxy that stays on the way between caller and callee.

use super::*;

/// Relays what comes, stays on the way, adds a header, and refuses one number.
fn config(port: u16) -> String {
    format!(
        r#"#!KAMAILIO
children=1
log_stderror=yes
debug=2
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "pv.so"
loadmodule "xlog.so"
request_route {{
    if (is_method("OPTIONS") && uri == myself) {{ sl_send_reply("200", "Here"); exit; }}
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    xlog("L_WARN", "relays $rm\n");
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route() || (is_method("ACK") && t_check_trans())) t_relay();
        else sl_send_reply("404", "Not Here");
        exit;
    }}
    t_check_trans();
    if ($rU == "blocked") {{ sl_send_reply("403", "Forbidden"); exit; }}
    remove_hf("Route");
    record_route();
    append_hf("X-Passed: kamailio\r\n");
    t_relay();
}}
"#
    )
}

const SCENARIOS: &str = r##"
name: the milliwatt goes there and back, and headers arrive as they were sent
call: { proxy: PROXY, headers: { X-Route: "a;b=c, <d>" } }
app: tone_play
duration: 1500ms
record: { caller: both }
expect:
  answered: true
  hangup_cause: NORMAL_CLEARING
  headers: { callee: { variable_sip_h_X-Route: "a;b=c, <d>", variable_sip_h_X-Passed: kamailio } }
  audio:
    - { leg: caller, heard: { tone: 1004Hz +-4Hz, level: 0dBm0 +-3dB, for: ">= 1s" } }
---
name: digits arrive, and the callee hangs up
call: { proxy: PROXY }
callee: [answer, { expect_dtmf: { digits: "123A*#", mode: rfc4733, within: 9s } }, hangup]
caller: [{ wait: { answered: 5s } }, { send_dtmf: { digits: "123A*#", tone: 80ms } }, { wait: { hungup: 9s } }]
expect: { answered: true, hangup_cause: NORMAL_CLEARING }
---
name: digits arrive by INFO
call: { proxy: PROXY, vars: { dtmf_type: info } }
callee: [answer, { expect_dtmf: { digits: "12#", mode: info, within: 9s } }, hangup]
caller: [{ wait: { answered: 5s } }, { send_dtmf: { digits: "12#", mode: info } }, { wait: { hungup: 9s } }]
---
name: who is busy is 486
call: { proxy: PROXY }
callee: [{ respond: 486 }]
expect: { answered: false, sip_code: 486, hangup_cause: USER_BUSY }
---
name: who is not there is 404
call: { proxy: PROXY }
callee: [{ respond: 404 }]
expect: { answered: false, sip_code: 404, hangup_cause: UNALLOCATED_NUMBER }
---
name: a caller gives up
call: { proxy: PROXY }
callee: [ring, { wait: { hungup: 9s } }]
caller: [{ wait: { ringing: 5s } }, { hangup: ORIGINATOR_CANCEL }]
expect: { answered: false, hangup_cause: ORIGINATOR_CANCEL }
---
name: early media is heard
call: { proxy: PROXY }
record: { caller: heard }
callee: [pre_answer, { play: { tone: 425Hz, for: 700ms } }, answer, { sleep: 200ms }, hangup]
caller: [{ wait: { early_media: 5s } }, { wait: { hungup: 9s } }]
expect:
  answered: true
  audio: [{ leg: caller, heard: { tone: 425Hz +-2Hz, for: ">= 400ms" } }]
---
name: a call is held and taken up again
call: { proxy: PROXY }
callee:
  - answer
  - wait: { event: CHANNEL_HOLD, within: 5s }
  - wait: { event: CHANNEL_UNHOLD, within: 5s }
  - wait: { hungup: 5s }
caller: [{ wait: { answered: 5s } }, hold, { sleep: 100ms }, unhold, { sleep: 100ms }, hangup]
---
name: what the proxy refuses reaches nobody
call: { proxy: PROXY, to: blocked }
caller: [{ wait: { hungup: 5s } }]
expect: { no_call: 200ms, sip_code: 403 }
---
name: a hundred calls come about
load:
  rate: 50
  max_offered: 100
  mix: [{ scenario: short.yaml }]
gates: { asr: "== 100%", late_starts.p99: "< 1m" }
"##;

const SHORT: &str =
    "name: short\ncall: { proxy: PROXY }\ncallee: [answer]\ncaller: [{ wait: { answered: 5s } }, hangup]\n";

/// Asks until it answers: it does not say when it is ready.
fn until_ready(port: u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let own = socket.local_addr().unwrap();
    let asks = PATIENCE.as_millis() / 100;
    let answered = (0..asks).any(|ask| {
        let request = format!(
            "OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKready{ask}\r\nMax-Forwards: 9\r\n\
             From: <sip:test@{own}>;tag=1\r\nTo: <sip:127.0.0.1:{port}>\r\nCall-ID: ready@{own}\r\nCSeq: {ask} OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let _ = socket.send_to(request.as_bytes(), ("127.0.0.1", port));
        socket.recv(&mut [0; 2_048]).is_ok()
    });
    assert!(answered, "no answer on port {port}");
}

#[test]
fn kamailio_is_tested_and_passes() {
    let port = free_port();
    let proxied = |scenarios: &str| scenarios.replace("PROXY", &format!("\"127.0.0.1:{port}\""));
    let folder =
        folder(&[("a.yaml", &proxied(SCENARIOS)), ("short.yaml", &proxied(SHORT)), ("kamailio.cfg", &config(port))]);
    let mut command = Command::new("kamailio");
    // In the foreground; 16 MB for all, 4 MB for each process.
    command.args(["-DD", "-E", "-m", "16", "-M", "4", "-f", "kamailio.cfg", "-Y", "."]).current_dir(folder.path());
    let Some(kamailio) = Peer::start(&mut command) else { return };
    until_ready(port);
    let host = Host::start();
    let ran = ran(callwright(folder.path(), &["run", "a.yaml", "--fshost", &host.esl()]).output().unwrap());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let said = kamailio.interrupt();
    for (method, least) in [("INVITE", 110), ("ACK", 109), ("BYE", 104), ("CANCEL", 1), ("INFO", 3)] {
        let relayed = said.lines().filter(|line| line.ends_with(&format!("relays {method}"))).count();
        assert!(relayed >= least, "{relayed} of {method} came through it:\n{said}");
    }
}
