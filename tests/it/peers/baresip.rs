//! baresip as a user agent with sound: called, it echoes; told over its control socket, it calls.

use std::io::Write;
use std::net::TcpStream;

use callwright::app::{AppError, flow};
use callwright::client::{Client, Session};
use callwright::host::Originate;
use callwright::media::Tracks;
use callwright::scenario::Recording;
use callwright::units::SampleRate;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::*;

/// Where Debian has its modules: it looks nowhere by itself.
const MODULES: &str = "/usr/lib/baresip/modules";
/// Its sound, on a machine without any: what it hears goes to a device of the name, from which it may be taken again.
const ECHO: &str = "audio_source aubridge,loop\naudio_player aubridge,loop\n";
/// A sine, which it makes in stereo at 48 kHz alone.
const SINE: &str = "audio_source ausine,440\naudio_player aubridge,sink\nausrc_srate 48000\nausrc_channels 2\n";

/// Two calls of which each hears the other.
const BETWEEN: &str = "audio_source aubridge,between\naudio_player aubridge,between\nmodule_app b2bua.so\n";

/// baresip at work, and its control socket (ctrl_tcp), which speaks JSON in netstrings.
struct Baresip {
    _peer: Peer,
    _folder: TempDir,
    control: BufReader<TcpStream>,
    sip: u16,
}

impl Baresip {
    /// Starts it with one account, which answers by itself; `None` where it is not installed.
    fn start(sound: &str) -> Option<Baresip> {
        Baresip::with(sound, |sip| format!("<sip:baresip@127.0.0.1:{sip}>;regint=0;answermode=auto\n"))
    }

    /// The same with accounts of its own, which know the port of its SIP.
    fn with(sound: &str, accounts: impl Fn(u16) -> String) -> Option<Baresip> {
        let (sip, control) = (free_port(), free_port());
        let modules = ["module g711.so", "module ausine.so", "module aubridge.so", "module_tmp account.so"];
        let applications = "module_app menu.so\nmodule_app ctrl_tcp.so\n";
        let config = format!(
            "sip_listen 127.0.0.1:{sip}\nnet_interface 127.0.0.1\nctrl_tcp_listen 127.0.0.1:{control}\n{sound}\
             audio_alert aubridge,alert\nmodule_path {MODULES}\n{}\n{applications}",
            modules.join("\n")
        );
        let folder = folder(&[("config", &config), ("accounts", &accounts(sip)), ("contacts", "")]);
        let mut peer = Peer::start(Command::new("baresip").arg("-f").arg(folder.path()))?;
        peer.line("baresip is ready");
        let control = TcpStream::connect(("127.0.0.1", control)).unwrap();
        control.set_read_timeout(Some(PATIENCE)).unwrap();
        Some(Baresip { _peer: peer, _folder: folder, control: BufReader::new(control), sip })
    }

    fn say(&mut self, command: &str, parameters: &str) {
        let text = json!({ "command": command, "params": parameters, "token": command }).to_string();
        write!(self.control.get_ref(), "{}:{text},", text.len()).unwrap();
    }

    /// The next event of this type: its parameter.
    fn event(&mut self, name: &str) -> String {
        loop {
            let mut length = Vec::new();
            self.control.read_until(b':', &mut length).unwrap();
            let length: usize = String::from_utf8_lossy(&length).trim_end_matches(':').parse().unwrap();
            let mut text = vec![0; length + 1];
            self.control.read_exact(&mut text).unwrap();
            let told: Value = serde_json::from_slice(&text[..length]).unwrap();
            if told["type"] == name {
                return told["param"].as_str().unwrap_or_default().to_owned();
            }
            assert_ne!(told["ok"], false, "{told}");
            assert!(told["type"] != "CALL_CLOSED", "before {name}: {told}");
        }
    }
}

#[test]
fn baresip_is_called_echoes_hears_digits_and_is_held() {
    let Some(mut baresip) = Baresip::start(ECHO) else { return };
    let scenario = format!(
        "name: the tone comes back
call: {{ to: \"baresip@127.0.0.1:{}\" }}
record: {{ caller: both }}
caller:
  - wait: {{ answered: 5s }}
  - play: {{ tone: 1004Hz, level: -10dBm0, for: 1500ms }}
  - sleep: 1800ms
  - send_dtmf: {{ digits: \"15#\", mode: rfc4733, tone: 100ms }}
  - sleep: 500ms
  - hold
  - sleep: 200ms
  - unhold
  - sleep: 200ms
  - hangup
expect:
  answered: true
  hangup_cause: NORMAL_CLEARING
  audio: [{{ leg: caller, heard: {{ tone: 1004Hz +-4Hz, level: -10dBm0 +-2dB, for: \">= 800ms\" }} }}]
",
        baresip.sip
    );
    let folder = folder(&[("a.yaml", &scenario)]);
    let ran = ran(callwright(folder.path(), &["run", "a.yaml"]).output().unwrap());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    baresip.event("CALL_ESTABLISHED");
    // It tells the end of an event only when the next one begins, of FreeSWITCH's too.
    assert_eq!([(); 3].map(|()| baresip.event("CALL_DTMF_START")), ["1", "5", "#"]);
    assert_eq!([(); 2].map(|()| baresip.event("CALL_REMOTE_SDP")), ["offer", "offer"]);
    baresip.event("CALL_CLOSED");
}

/// Answers, records, tells after a while, is held, and is done with three digits; refuses `busy`.
async fn serve(session: Session, path: String, heard: UnboundedSender<()>) -> Result<(), AppError> {
    if session.header("Caller-Destination-Number").as_deref() == Some("busy") {
        session.respond(486).await?;
        return Ok(());
    }
    session.answer().await?;
    session.start_record(path, Recording { tracks: Tracks::Heard, rate: SampleRate::NARROW }).await?;
    session.execute("sleep", "700").await?;
    let _ = heard.send(());
    session.recv("CHANNEL_HOLD").await?;
    session.recv("CHANNEL_UNHOLD").await?;
    let digits = session.collect_digits(3, PATIENCE).await?;
    assert_eq!(digits, "15#");
    session.hangup().await?;
    Ok(())
}

#[test]
fn baresip_calls_is_heard_holds_sends_digits_and_is_hung_up_and_refused() {
    let Some(mut baresip) = Baresip::start(SINE) else { return };
    let folder = folder(&[]);
    let host = Host::start();
    let path = folder.path().join("heard.wav").display().to_string();
    let (tell, mut heard) = unbounded_channel();
    let client = host.wait(async {
        let client = Client::connect(host.esl()).await.unwrap();
        let serve = move |session| serve(session, path.clone(), tell.clone());
        client.load("default", flow("serve", serve)).await.unwrap();
        client
    });
    baresip.say("dial", &format!("sip:hello@{}", host.sip()));
    baresip.event("CALL_ESTABLISHED");
    host.wait(heard.recv()).unwrap();
    baresip.say("hold", "");
    assert_eq!(baresip.event("CALL_REMOTE_SDP"), "answer");
    baresip.say("resume", "");
    assert_eq!(baresip.event("CALL_REMOTE_SDP"), "answer");
    baresip.say("sndcode", "15#");
    baresip.event("CALL_CLOSED");
    baresip.say("dial", &format!("sip:busy@{}", host.sip()));
    assert_eq!(baresip.event("CALL_CLOSED"), "486 Busy Here");
    host.wait(client.close()).unwrap();
    drop(host);
    let tones = tones(folder.path(), "heard.wav");
    assert!(tones.iter().any(|[hertz, seconds]| (hertz - 440.0).abs() < 4.0 && *seconds > 0.5), "{tones:?}");
}

/// It passes on neither headers nor the number: the callee's leg is a call of its own.
#[test]
fn a_tone_goes_there_and_back_through_baresip_as_a_back_to_back_user_agent() {
    let host = Host::start();
    let accounts = |sip| {
        let inbound = format!("<sip:in@127.0.0.1:{sip}>;regint=0;b2bua=inbound");
        format!("{inbound}\n<sip:out@127.0.0.1:{sip}>;regint=0;b2bua=outbound;outbound=\"sip:{}\"\n", host.sip())
    };
    let Some(baresip) = Baresip::with(BETWEEN, accounts) else { return };
    let folder = folder(&[]);
    let path = folder.path().join("heard.wav").display().to_string();
    let cause = host.wait(async {
        let client = Client::connect(host.esl()).await.unwrap();
        let echo = |session: Session| async move {
            if session.is_inbound() {
                session.answer().await?;
                session.echo().await?;
            }
            Ok::<(), AppError>(())
        };
        client.load("default", flow("echo", echo)).await.unwrap();
        let originate = Originate::to(format!("sofia/external/in@127.0.0.1:{}", baresip.sip));
        let caller = client.call(originate.app("default").timeout(PATIENCE)).await.unwrap();
        caller.start_record(path, Recording { tracks: Tracks::Heard, rate: SampleRate::NARROW }).await.unwrap();
        caller.execute("playback", "tone_stream://L=1;%(1500,0,1004)").await.unwrap();
        caller.execute("sleep", "300").await.unwrap();
        let sessions = client.sessions().await.unwrap();
        let callee = sessions.iter().find(|session| session.is_inbound()).unwrap().clone();
        assert!(callee.is_answered() && callee.peer().is_none(), "{callee:?}");
        caller.hangup().await.unwrap();
        let cause = callee.until_gone().await.unwrap();
        client.close().await.unwrap();
        cause
    });
    assert_eq!(cause.to_string(), "NORMAL_CLEARING");
    let tones = tones(folder.path(), "heard.wav");
    assert!(tones.iter().any(|[hertz, seconds]| (hertz - 1_004.0).abs() < 4.0 && *seconds > 0.5), "{tones:?}");
}
