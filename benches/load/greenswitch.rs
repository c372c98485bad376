//! greenswitch, an ESL client in Python, as it parses the same events.

use std::process::Command;

/// Has it take the events of so many calls of the peer on `port`; gives the seconds of CPU that it took.
pub fn parse(port: u16, calls: u64) -> Result<f64, String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let arguments = ["-c", PROGRAM, &port.to_string(), &calls.to_string()];
    let ran = Command::new(&python).args(arguments).output().map_err(|error| format!("{python}: {error}"))?;
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    if !ran.status.success() {
        let why = String::from_utf8_lossy(&ran.stderr);
        return Err(why.lines().last().unwrap_or("no reason told").to_owned());
    }
    told.trim().parse().map_err(|_| format!("told {told:?}"))
}

const PROGRAM: &str = r#"
import sys, time
import gevent
from gevent.event import Event
from greenswitch.esl import InboundESL
port, calls = int(sys.argv[1]), int(sys.argv[2])
esl = InboundESL(host="127.0.0.1", port=port, password="ClueCon")
esl.connect()
gone, done = [0], Event()
def destroyed(event):
    gone[0] += 1
    if gone[0] == 2 * calls:
        done.set()
esl.register_handle("CHANNEL_DESTROY", destroyed)
esl.send("event plain ALL")
began = time.process_time()
gevent.spawn(esl.send, "api play %d" % calls)
done.wait()
print(time.process_time() - began)
"#;
