#![expect(clippy::disallowed_methods, reason = "hears what programs say while a test goes on")]
//! Programs by other hands against the embedded switch: FreeSWITCH's own clients, user agents, a proxy, a dissector.
//!
//! docs/src/peers.md tells which. Each test passes with a note where its program is not installed; `ci/run`, which installs
//! them, says by `CALLWRIGHT_REFEREES=required` that none may be missing.

mod baresip;
mod clients;
mod kamailio;
mod sipp;
mod table;
mod tshark;

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use callwright::switch::{Switch, SwitchConfig};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::exit_codes::{callwright, folder, ran};

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A switch in the test's process, with what runs it.
struct Host {
    runtime: Runtime,
    switch: Option<Switch>,
}

impl Host {
    fn start() -> Host {
        Host::with(SwitchConfig::default())
    }

    fn with(config: SwitchConfig) -> Host {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let switch = Some(runtime.block_on(Switch::start(config)).unwrap());
        Host { runtime, switch }
    }

    fn switch(&self) -> &Switch {
        self.switch.as_ref().unwrap()
    }

    /// `--fshost` of it.
    fn esl(&self) -> String {
        self.switch().esl_addr().to_string()
    }

    /// Waits for it, not for ever.
    #[track_caller]
    fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, what).await.expect("it hangs") })
    }

    fn sip(&self) -> String {
        self.switch().sip_addr().to_string()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(switch) = self.switch.take() {
            self.runtime.block_on(switch.shutdown());
        }
    }
}

/// A program at work, which ends with the test.
struct Peer {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Peer {
    /// Starts it; `None` where it is not installed.
    fn start(command: &mut Command) -> Option<Peer> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                missing(&command.get_program().to_string_lossy());
                return None;
            }
            Err(error) => panic!("{command:?}: {error}"),
        };
        let (sender, lines) = mpsc::channel();
        listen(child.stdout.take().unwrap(), sender.clone());
        listen(child.stderr.take().unwrap(), sender);
        Some(Peer { child, lines, said: Vec::new() })
    }

    /// The next line with these words in it, of either output.
    #[track_caller]
    fn line(&mut self, words: &str) -> String {
        self.find(words, PATIENCE).unwrap_or_else(|error| panic!("{error}: no {words:?} in:\n{}", self.said.join("\n")))
    }

    /// The same, if it comes in time: it may end before, too.
    fn find(&mut self, words: &str, within: Duration) -> Result<String, RecvTimeoutError> {
        loop {
            let line = self.lines.recv_timeout(within)?;
            self.said.push(line);
            if let Some(line) = self.said.last().filter(|line| line.contains(words)) {
                return Ok(line.clone());
            }
        }
    }

    /// Asks it to end, as Ctrl-C does, and waits for that.
    #[track_caller]
    fn interrupt(self) -> String {
        let asked = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        self.ended()
    }

    /// Waits for its end: what it said, if it ended well.
    #[track_caller]
    fn ended(mut self) -> String {
        // Its outputs close when it ends.
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.said.join("\n")),
            }
        }
        let status = self.child.wait().unwrap();
        let said = self.said.join("\n");
        assert!(status.success(), "{status}:\n{said}");
        said
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself. Asked first, it ends its own children.
        if let Ok(None) = self.child.try_wait() {
            let _ = Command::new("kill").arg(self.child.id().to_string()).status();
            while self.lines.recv_timeout(PATIENCE / 10).is_ok() {}
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn listen(output: impl Read + Send + 'static, sender: mpsc::Sender<String>) {
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
}

/// Says that a test proves nothing; fails where it must.
#[track_caller]
fn missing(program: &str) {
    assert_ne!(std::env::var("CALLWRIGHT_REFEREES").as_deref(), Ok("required"), "{program} is not installed");
    eprintln!("not checked: {program} is not installed");
}

/// The tones in a recording, as `callwright analyze` finds them: frequency in Hz and length in seconds.
#[track_caller]
fn tones(folder: &Path, file: &str) -> Vec<[f64; 2]> {
    let analysis = ran(callwright(folder, &["analyze", "--json", file]).output().unwrap());
    let analysis: Value = serde_json::from_str(&analysis.out).unwrap_or_else(|_| panic!("{}", analysis.err));
    let spans = analysis[0]["channels"][0]["spans"].as_array().unwrap();
    let tones = spans.iter().filter(|span| span["content"] == "tone");
    let number = |span: &Value, name: &str| span[name].as_f64().unwrap();
    tones.map(|span| [number(span, "frequency_hz"), number(span, "to_s") - number(span, "from_s")]).collect()
}

/// A port that nobody has, nor the three above it, for a program that does not tell which it took.
///
/// It is none that the system or an embedded switch gives away, so that nobody takes it meanwhile.
fn free_port() -> u16 {
    const PORTS: std::ops::Range<u16> = 13_000..16_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Another run of these tests begins elsewhere.
    let start = std::process::id() as u16;
    let is_free = |port| UdpSocket::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok();
    loop {
        let step = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % (PORTS.len() as u16 / 4);
        let port = PORTS.start + 4 * step;
        if (port..port + 4).all(is_free) {
            return port;
        }
    }
}
