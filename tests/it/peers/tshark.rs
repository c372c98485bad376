//! Wireshark's dissectors on what we send: nothing malformed, nothing to warn of, no packet lost or out of step.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;

/// Ports for RTP that no other test has.
const RTP: std::ops::RangeInclusive<u16> = 12_000..=12_199;
/// How often it is looked whether what was sent was captured.
const AGAIN: Duration = Duration::from_millis(50);

const SCENARIOS: &str = "\
name: tone, digits, hold, the caller hangs up
callee: [answer, { play: { tone: 1004Hz } }, { wait: { hungup: 9s } }]
caller:
  - wait: { answered: 5s }
  - send_dtmf: { digits: \"15#\", mode: rfc4733, tone: 100ms }
  - play: { tone: 600Hz, for: 300ms }
  - sleep: 500ms
  - hold
  - sleep: 200ms
  - unhold
  - sleep: 200ms
  - hangup
---
name: early media, the callee hangs up
callee: [pre_answer, { play: { tone: 440Hz, for: 500ms } }, answer, { sleep: 200ms }, hangup]
caller: [{ wait: { hungup: 9s } }]
---
name: A-law, a name with letters of all kinds, digits by INFO
call:
  codec: PCMA
  caller_id: { name: 'Zoë \"Z\" <Ω>', number: \"+4930123\" }
  vars: { dtmf_type: info }
callee: [answer, echo, { wait: { hungup: 9s } }]
caller:
  - wait: { answered: 5s }
  - play: { tone: 600Hz, for: 300ms }
  - send_dtmf: { digits: \"7\", mode: info }
  - sleep: 500ms
  - hangup
---
name: refused
callee: [{ respond: 486 }]
expect: { sip_code: 486 }
---
name: given up
callee: [ring]
caller: [{ wait: { ringing: 5s } }, { hangup: ORIGINATOR_CANCEL }]
";

/// tshark at work on loopback, where it may.
struct Capture {
    tshark: Peer,
    file: PathBuf,
    probes: [UdpSocket; 2],
}

impl Capture {
    /// Captures UDP of `port` and of [`RTP`].
    fn start(folder: &Path, port: u16) -> Option<Capture> {
        let probes = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let [first, last] = probes.each_ref().map(|probe| probe.local_addr().unwrap().port());
        let filter =
            format!("udp and (port {port} or port {first} or port {last} or portrange {}-{})", RTP.start(), RTP.end());
        let file = folder.join("sent.pcapng");
        let mut command = Command::new("tshark");
        command.args(["-i", "lo", "-p", "-n", "-l", "-P", "-T", "fields", "-e", "udp.dstport", "-f", &filter, "-w"]);
        let tshark = Peer::start(command.arg(&file).env("HOME", folder))?;
        let mut capture = Capture { tshark, file, probes };
        if !capture.has_all(0) {
            missing(&format!("a tshark that may capture ({})", capture.tshark.said.join("; ")));
            return None;
        }
        Some(capture)
    }

    /// Waits until what was sent until now was captured: sends itself something until that was.
    fn has_all(&mut self, probe: usize) -> bool {
        let address = self.probes[probe].local_addr().unwrap();
        let deadline = PATIENCE.as_millis() / AGAIN.as_millis();
        (0..deadline).any(|_| {
            self.probes[probe].send_to(b"probe", address).unwrap();
            self.tshark.find(&address.port().to_string(), AGAIN).is_ok()
        })
    }

    fn end(mut self) -> PathBuf {
        assert!(self.has_all(1), "{}", self.tshark.said.join("\n"));
        self.tshark.interrupt();
        self.file
    }
}

/// What tshark reads in a file, the lines of one answer.
fn read(file: &Path, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    // What it says of running as root goes to standard error.
    let output = command.arg("-n").arg("-r").arg(file).args(arguments).env("HOME", file.parent().unwrap()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Fields of the packets that `filter` lets through.
fn fields(file: &Path, filter: &str, names: &[&str]) -> Vec<Vec<String>> {
    let names = names.iter().flat_map(|name| ["-e", name]);
    let arguments: Vec<_> = ["-Y", filter, "-T", "fields"].into_iter().chain(names).collect();
    let rows = read(file, &arguments).into_iter();
    rows.map(|row| row.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn tshark_finds_nothing_amiss_in_what_is_sent() {
    let host = Host::with(SwitchConfig { rtp_ports: Some(RTP), ..SwitchConfig::default() });
    let folder = folder(&[("a.yaml", SCENARIOS)]);
    let Some(capture) = Capture::start(folder.path(), host.switch().sip_addr().port()) else { return };
    let ran = ran(callwright(folder.path(), &["run", "a.yaml", "--fshost", &host.esl()]).output().unwrap());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let file = capture.end();

    // 0x600000 is a warning. Below are notes: headers that it does not know, as those that begin with `X-`.
    let amiss = "_ws.malformed || _ws.expert.severity >= 0x600000";
    let amiss = fields(&file, amiss, &["frame.number", "_ws.col.Protocol", "_ws.col.Info", "_ws.expert.message"]);
    assert!(amiss.is_empty(), "{amiss:#?}");

    let requests = fields(&file, "sip.Method && !(sip.resend == 1)", &["sip.Method"]).concat();
    for (method, count) in [("INVITE", 7), ("CANCEL", 1), ("BYE", 3), ("INFO", 1)] {
        assert_eq!(requests.iter().filter(|request| *request == method).count(), count, "{method}: {requests:?}");
    }
    let mut codes = fields(&file, "sip.Status-Code", &["sip.Status-Code"]).concat();
    codes.sort();
    codes.dedup();
    assert_eq!(codes, ["100", "180", "183", "200", "486", "487"]);

    assert_eq!(
        fields(&file, "rtpevent", &["rtpevent.event_id", "rtp.marker", "rtpevent.end_of_event", "rtpevent.duration"])
            .iter()
            .map(|packet| packet.join(" "))
            .collect::<Vec<_>>(),
        ["1", "5", "11"]
            .iter()
            .flat_map(|digit| ["1 0 160", "0 0 320", "0 0 480", "0 0 640", "0 1 800", "0 1 800", "0 1 800"]
                .map(|packet| format!("{digit} {packet}")))
            .collect::<Vec<_>>()
    );

    // Talk, digits and talk of the first call's two legs, one leg of the second, two of the third.
    let streams = read(&file, &["-q", "-z", "rtp,streams"]);
    let streams: Vec<_> = streams.iter().filter(|line| line.contains("127.0.0.1")).collect();
    assert_eq!(streams.len(), 5, "{streams:#?}");
    for stream in streams {
        assert!(stream.contains(" 0 (0.0%)") && !stream.trim_end().ends_with('X'), "{stream}");
    }
    steady(&file);
}

/// In each stream the sequence goes up by one, and the timestamp by a frame, or by whole frames where there was silence.
fn steady(file: &Path) {
    let names = ["rtp.ssrc", "rtp.seq", "rtp.timestamp", "rtp.marker", "rtp.p_type", "udp.length"];
    let mut streams = BTreeMap::<String, Vec<[u32; 5]>>::new();
    for packet in fields(file, "rtp", &names) {
        let numbers: Vec<u32> = packet[1..].iter().map(|field| field.parse().unwrap()).collect();
        streams.entry(packet[0].clone()).or_default().push(numbers.try_into().unwrap());
    }
    for (ssrc, packets) in streams {
        for pair in packets.windows(2) {
            let [[seq, time, _, kind, _], [next_seq, next_time, marker, next_kind, length]] = [pair[0], pair[1]];
            let step = next_time.wrapping_sub(time);
            let what = format!("{ssrc}: {pair:?}");
            assert_eq!(next_seq, (seq + 1) % 65_536, "{what}");
            match (kind, next_kind) {
                // Packets of one event share the time of its beginning.
                (101, 101) if marker == 0 => assert_eq!(step, 0, "{what}"),
                (101, 101) => assert!(step >= 800 && step % 160 == 0, "{what}"),
                (0 | 8, 0 | 8) if marker == 0 => assert_eq!((step, length), (160, 8 + 12 + 160), "{what}"),
                _ => assert!(marker == 1 && (160..80_000).contains(&step), "{what}"),
            }
        }
    }
}
