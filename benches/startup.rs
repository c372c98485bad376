#![expect(clippy::disallowed_methods, reason = "a bench reads the clock and starts processes")]
//! From the start of `callwright run` to its first INVITE: `cargo bench --bench startup -- [times]`.
//!
//! The program is started as a user starts it, on its embedded switch, with a scenario whose call goes to a socket of
//! ours; told is the time until a datagram comes there.

use std::fs;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What issue and README promise.
const BOUND: Duration = Duration::from_millis(100);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    let times = arguments.iter().find_map(|argument| argument.parse().ok());
    let times = times.unwrap_or(if measured { 20 } else { 1 });
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    let address = socket.local_addr().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = format!("call: {{ to: \"x@{address}\", timeout: 1s }}\ncaller: [{{ wait: {{ answered: 1s }} }}]\n");
    fs::write(folder.path().join("first.yaml"), scenario).expect("a file");

    let mut took: Vec<Duration> = (0..times)
        .map(|_| {
            let started = Instant::now();
            let mut program = Command::new(env!("CARGO_BIN_EXE_callwright"))
                .args(["run", "first.yaml"])
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program");
            let mut datagram = [0; 2_048];
            let length = socket.recv(&mut datagram).expect("an INVITE");
            let took = started.elapsed();
            assert!(datagram[..length].starts_with(b"INVITE "), "{}", String::from_utf8_lossy(&datagram[..length]));
            program.kill().expect("it runs");
            program.wait().expect("it ends");
            // What it sent again meanwhile.
            socket.set_nonblocking(true).expect("a socket");
            while socket.recv(&mut datagram).is_ok() {}
            socket.set_nonblocking(false).expect("a socket");
            took
        })
        .collect();
    took.sort();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
    let size = fs::metadata(env!("CARGO_BIN_EXE_callwright")).map_or(0, |file| file.len());
    println!("start to first INVITE: median {:?}, p90 {:?}, most {:?}, of {times}", at(0.5), at(0.9), at(1.0));
    println!("within {BOUND:?}: {}", if at(0.5) <= BOUND { "yes" } else { "no" });
    println!("program: {:.1} MB", size as f64 / 1e6);
}
