//! SIPp as a user agent with sound: it calls the switch and is called by it.

use callwright::app::{AppError, flow};
use callwright::audio::g711::{self, Law};
use callwright::audio::tone::ToneStream;
use callwright::client::{Client, Session};
use callwright::media::Tracks;
use callwright::scenario::Recording;
use callwright::units::SampleRate;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;

/// What SIPp says of its sound. Its digits have payload type 96 and its own echo takes what comes.
const SDP: &str = "Content-Type: application/sdp\nContent-Length: [len]\n\nv=0\no=sipp 1 1 IN IP4 [local_ip]\ns=-\n\
    c=IN IP4 [local_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 8 96\na=rtpmap:8 PCMA/8000\n\
    a=rtpmap:96 telephone-event/8000\na=fmtp:96 0-15\n";
const EMPTY: &str = "Content-Length: 0\n";

/// A `send`, as it stands in a scenario of SIPp.
fn send(attributes: &str, message: &str) -> String {
    format!("<send{attributes}><![CDATA[\n\n{message}\n]]></send>\n")
}

fn receive(what: &str) -> String {
    format!("<recv {what}/>\n")
}

/// A request of its call; `branch` is `[branch-N]` for that of N steps before.
fn request(method: &str, uri: &str, branch: &str, to_tag: &str, sequence: &str, end: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}\n\
         From: \"SIPp\" <sip:sipp@[local_ip]:[local_port]>;tag=[pid]t[call_number]\n\
         To: <sip:[service]@[remote_ip]:[remote_port]>{to_tag}\nCall-ID: [call_id]\nCSeq: {sequence}\n\
         Contact: <sip:sipp@[local_ip]:[local_port]>\nMax-Forwards: 70\n{end}"
    )
}

fn invite() -> String {
    let uri = "sip:[service]@[remote_ip]:[remote_port]";
    send(" retrans=\"500\"", &request("INVITE", uri, "[branch]", "", "1 INVITE", SDP)) + &receive("response=\"100\"")
}

/// The ACK of a refusal, which belongs to the INVITE that many steps before.
fn ack_of_refusal(steps: usize) -> String {
    let uri = "sip:[service]@[remote_ip]:[remote_port]";
    send("", &request("ACK", uri, &format!("[branch-{steps}]"), "[peer_tag_param]", "1 ACK", EMPTY))
}

fn in_dialog(attributes: &str, method: &str, sequence: &str) -> String {
    send(attributes, &request(method, "[next_url]", "[branch]", "[peer_tag_param]", sequence, EMPTY))
}

fn execute(action: &str, milliseconds: u32) -> String {
    format!("<nop><action><exec {action}/></action></nop>\n<pause milliseconds=\"{milliseconds}\"/>\n")
}

/// A response to what came last.
fn response(attributes: &str, status: &str, sequence: &str, end: &str) -> String {
    send(
        attributes,
        &format!(
            "SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]t[call_number]\n[last_Call-ID:]\n{sequence}\n\
             Contact: <sip:[local_ip]:[local_port]>\n{end}"
        ),
    )
}

fn scenario(steps: &[String]) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"peer\">\n{}</scenario>\n", steps.concat())
}

/// SIPp with one scenario, for one call; `None` where it is not installed.
fn sipp(folder: &TempDir, name: &str, steps: &[String], arguments: &[&str]) -> Option<Peer> {
    let file = format!("{name}.xml");
    std::fs::write(folder.path().join(&file), scenario(steps)).unwrap();
    let mut command = Command::new("sipp");
    command.args(["-sf", &file, "-i", "127.0.0.1", "-m", "1", "-nostdin", "-timeout", "30s", "-timeout_error"]);
    Peer::start(command.args(arguments).current_dir(folder.path()))
}

/// RTP of a tone, as tcpdump would have written it: 50 packets of 20 ms in A-law.
fn pcap_of_a_tone() -> Vec<u8> {
    let mut pcm = vec![0; 8_000];
    ToneStream::parse("L=1;%(1000,0,1004)").unwrap().fill(&mut pcm);
    let mut octets = Vec::new();
    g711::encode(Law::A, &pcm, &mut octets);
    let mut file = Vec::new();
    // Magic, version 2.4, zone, accuracy, longest packet, Ethernet.
    for word in [0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 65_535, 1] {
        file.extend(u32::to_le_bytes(word));
    }
    for (at, frame) in (0..).zip(octets.chunks(160)) {
        // RFC 3550 5.1: version 2; marker at the beginning; payload type 8.
        let mut rtp = vec![0x80, if at == 0 { 0x88 } else { 0x08 }];
        rtp.extend(u16::to_be_bytes(at));
        rtp.extend(u32::to_be_bytes(u32::from(at) * 160));
        rtp.extend([1, 2, 3, 4]);
        rtp.extend(frame);
        let length = 28 + rtp.len() as u16;
        let mut packet = vec![0; 12];
        packet.extend([8, 0, 0x45, 0]);
        packet.extend(u16::to_be_bytes(length));
        packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 0x0f, 0xa0, 0x0f, 0xa2]);
        packet.extend(u16::to_be_bytes(length - 20));
        packet.extend([0, 0]);
        packet.extend(rtp);
        for word in [u32::from(at) / 50, u32::from(at) % 50 * 20_000, packet.len() as u32, packet.len() as u32] {
            file.extend(u32::to_le_bytes(word));
        }
        file.extend(packet);
    }
    file
}

/// What is done with calls that come in, by their number; what came of each is told.
async fn serve(client: &Client, folder: String) -> UnboundedReceiver<(String, String)> {
    let (tell, told) = unbounded_channel();
    let serve = move |session: Session| {
        let (tell, path) = (tell.clone(), format!("{folder}/heard.wav"));
        async move {
            let number = session.header("Caller-Destination-Number").unwrap_or_default();
            let mut digits = String::new();
            match number.as_str() {
                "busy" => session.respond(486).await?,
                "nobody" => session.respond(404).await?,
                "ringing" => session.ring().await?,
                _ => {
                    session.answer().await?;
                    session.start_record(path, Recording { tracks: Tracks::Heard, rate: SampleRate::NARROW }).await?;
                    digits = session.collect_digits(3, PATIENCE).await?;
                }
            }
            let cause = session.until_gone().await?;
            let _ = tell.send((number, format!("{digits} {cause}")));
            Ok::<(), AppError>(())
        }
    };
    client.load("default", flow("serve", serve)).await.unwrap();
    told
}

#[test]
fn sipp_calls_is_recorded_sends_digits_is_refused_and_gives_up() {
    let folder = folder(&[]);
    std::fs::write(folder.path().join("tone.pcap"), pcap_of_a_tone()).unwrap();
    let host = Host::start();
    let (client, mut told) = host.wait(async {
        let client = Client::connect(host.esl()).await.unwrap();
        let told = serve(&client, folder.path().display().to_string()).await;
        (client, told)
    });
    let media = free_port().to_string();
    let sip = host.sip();
    let call = |number: &str, steps: &[String]| {
        let sipp = sipp(&folder, number, steps, &[&sip, "-s", number, "-mp", &media])?;
        Some(sipp.ended())
    };
    let heard = [
        invite(),
        receive("response=\"200\" rrs=\"true\""),
        in_dialog("", "ACK", "1 ACK"),
        execute("play_pcap_audio=\"tone.pcap\"", 1_200),
        execute("play_dtmf=\"15#\"", 2_400),
        in_dialog(" retrans=\"500\"", "BYE", "2 BYE"),
        receive("response=\"200\""),
    ];
    if call("heard", &heard).is_none() {
        return;
    }
    call("busy", &[invite(), receive("response=\"486\""), ack_of_refusal(3)]);
    call("nobody", &[invite(), receive("response=\"404\""), ack_of_refusal(3)]);
    let uri = "sip:[service]@[remote_ip]:[remote_port]";
    let gives_up = [
        invite(),
        receive("response=\"180\""),
        send(" retrans=\"500\"", &request("CANCEL", uri, "[branch-3]", "", "1 CANCEL", EMPTY)),
        receive("response=\"200\""),
        receive("response=\"487\""),
        ack_of_refusal(6),
    ];
    call("ringing", &gives_up);

    for (number, end) in [
        ("heard", "15# NORMAL_CLEARING"),
        ("busy", " USER_BUSY"),
        ("nobody", " UNALLOCATED_NUMBER"),
        ("ringing", " ORIGINATOR_CANCEL"),
    ] {
        assert_eq!(host.wait(told.recv()), Some((number.to_owned(), end.to_owned())));
    }
    host.wait(client.close()).unwrap();
    let tones = tones(folder.path(), "heard.wav");
    let [[hertz, seconds]] = tones[..] else { panic!("{tones:?}") };
    assert!((hertz - 1_004.0).abs() < 4.0 && seconds > 0.9, "{tones:?}");
}

#[test]
fn sipp_is_called_echoes_tone_and_digits_refuses_and_is_given_up() {
    let folder = folder(&[]);
    let ports = [(); 4].map(|()| free_port().to_string());
    let media = free_port().to_string();
    let asked = "request=\"INVITE\" crlf=\"true\"";
    let same = "[last_CSeq:]";
    let echoes = [
        receive(asked),
        response("", "180 Ringing", same, EMPTY),
        response(" retrans=\"500\"", "200 OK", same, SDP),
        receive("request=\"ACK\""),
        receive("request=\"BYE\""),
        response("", "200 OK", same, EMPTY),
    ];
    let refuses =
        |status: &str| [receive(asked), response(" retrans=\"500\"", status, same, EMPTY), receive("request=\"ACK\"")];
    let rings = [
        "<recv request=\"INVITE\"><action><ereg regexp=\"[0-9]+\" search_in=\"hdr\" header=\"CSeq:\" assign_to=\"1\"/>\
         </action></recv>\n"
            .to_owned(),
        response("", "180 Ringing", same, EMPTY),
        receive("request=\"CANCEL\""),
        response("", "200 OK", same, EMPTY),
        response(" retrans=\"500\"", "487 Request Terminated", "CSeq: [$1] INVITE", EMPTY),
        receive("request=\"ACK\""),
    ];
    let start = |name: &str, steps: &[String], port: &str, more: &[&str]| {
        sipp(&folder, name, steps, &[&["-p", port], more].concat())
    };
    let Some(echoes) = start("echoes", &echoes, &ports[0], &["-rtp_echo", "-mp", &media]) else { return };
    let others = [
        start("busy", &refuses("486 Busy Here"), &ports[1], &[]),
        start("nobody", &refuses("404 Not Found"), &ports[2], &[]),
        start("rings", &rings, &ports[3], &[]),
    ];
    let to = |at: usize| format!("call: {{ to: \"sipp@127.0.0.1:{}\" }}", ports[at]);
    let scenarios = format!(
        "name: the tone and the digits come back
{}
record: {{ caller: both }}
caller:
  - wait: {{ answered: 5s }}
  - play: {{ tone: 1004Hz, level: -10dBm0, for: 1s }}
  - sleep: 1200ms
  - send_dtmf: {{ digits: \"15#\", mode: rfc4733, tone: 100ms }}
  - expect_dtmf: {{ digits: \"15#\", mode: rfc4733, within: 5s }}
  - hangup
expect:
  answered: true
  hangup_cause: NORMAL_CLEARING
  audio: [{{ leg: caller, heard: {{ tone: 1004Hz +-4Hz, level: -10dBm0 +-1dB, for: \">= 800ms\" }} }}]
---
name: busy
{}
caller: [{{ wait: {{ hungup: 5s }} }}]
expect: {{ answered: false, sip_code: 486, hangup_cause: USER_BUSY }}
---
name: nobody there
{}
caller: [{{ wait: {{ hungup: 5s }} }}]
expect: {{ answered: false, sip_code: 404, hangup_cause: UNALLOCATED_NUMBER }}
---
name: given up
{}
caller: [{{ wait: {{ ringing: 5s }} }}, {{ hangup: ORIGINATOR_CANCEL }}]
expect: {{ answered: false, hangup_cause: ORIGINATOR_CANCEL }}
",
        to(0),
        to(1),
        to(2),
        to(3)
    );
    std::fs::write(folder.path().join("a.yaml"), scenarios).unwrap();
    let ran = ran(callwright(folder.path(), &["run", "a.yaml"]).output().unwrap());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    echoes.ended();
    others.into_iter().flatten().for_each(|sipp| drop(sipp.ended()));
}
