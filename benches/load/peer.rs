//! A switch that only answers: commands get their replies, each originate the events of a whole call.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callwright::esl::wire::{Decoder, Frame, Limits};

use super::capture::{Call, Id, Script, Template, numbered};
use super::process;

/// Serves until its standard input ends: prints its port first, and last how many events and bytes of them it sent and
/// the CPU time that this took it, in seconds. Calls that nobody hangs up last `talk`; zero: for ever.
pub fn serve(talk: Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    let peer = Arc::new(Mutex::new(Peer::new(talk)));
    let accepting = Arc::clone(&peer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let peer = Arc::clone(&accepting);
            std::thread::spawn(move || {
                // Whoever closes a connection has had enough.
                let _ = converse(&peer, stream, talk);
            });
        }
    });
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    let peer = peer.lock().expect("the peer");
    println!("{} {} {:.2}", peer.sequence, peer.bytes, process::cpu().as_secs_f64());
}

/// One connection to its end.
fn converse(peer: &Mutex<Peer>, mut stream: TcpStream, talk: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if !talk.is_zero() {
        stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    }
    stream.write_all(b"Content-Type: auth/request\n\n")?;
    let mut decoder = Decoder::new(Limits::default());
    let mut bytes = vec![0; 64 * 1024];
    let mut replies = Vec::new();
    loop {
        let count = match stream.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => 0,
            Err(error) => return Err(error),
        };
        decoder.feed(&bytes[..count]);
        let mut peer = peer.lock().expect("the peer");
        while let Some(frame) = decoder.poll().map_err(io::Error::other)? {
            peer.obey(&frame, &stream, &mut replies)?;
        }
        peer.hang_up_due();
        stream.write_all(&replies)?;
        replies.clear();
        peer.flush()?;
    }
}

struct Peer {
    script: Script,
    talk: Duration,
    events: Option<TcpStream>,
    /// The names of the events that are wanted; none: all.
    wanted: Vec<String>,
    calls: HashMap<u64, Call>,
    callers: HashMap<Id, u64>,
    /// When calls are hung up that were not until then, in microseconds since the Unix epoch.
    due: VecDeque<(u64, u64)>,
    next: u64,
    /// Events sent, and their bytes.
    sequence: u64,
    bytes: u64,
    out: Vec<u8>,
}

impl Peer {
    fn new(talk: Duration) -> Peer {
        Peer {
            script: Script::read(),
            talk,
            events: None,
            wanted: Vec::new(),
            calls: HashMap::new(),
            callers: HashMap::new(),
            due: VecDeque::new(),
            next: 0,
            sequence: 0,
            bytes: 0,
            out: Vec::new(),
        }
    }

    fn obey(&mut self, frame: &Frame, stream: &TcpStream, replies: &mut Vec<u8>) -> io::Result<()> {
        let told = |reply: &str| format!("Content-Type: command/reply\nReply-Text: {reply}\n\n");
        let (word, rest) = frame.line.split_once(' ').unwrap_or((&frame.line, ""));
        let reply = match word {
            "auth" => told("+OK accepted"),
            "event" => {
                let names = rest.split(' ').skip(1).filter(|name| *name != "ALL");
                self.wanted.extend(names.map(str::to_owned));
                self.events = Some(stream.try_clone()?);
                told("+OK event listener enabled plain")
            }
            "bgapi" => {
                let given = frame.header("Job-UUID").and_then(id);
                let job = given.unwrap_or_else(|| numbered('b', self.next));
                let named = rest.split_once("origination_uuid=").and_then(|(_, rest)| id(rest.get(..36)?));
                self.originate(named.unwrap_or_else(|| numbered('a', self.next)), job);
                let job = String::from_utf8_lossy(&job).into_owned();
                told(&format!("+OK Job-UUID: {job}\nJob-UUID: {job}"))
            }
            "sendmsg" => {
                let execution = frame.header("Event-UUID").and_then(id).unwrap_or_else(|| numbered('e', self.next));
                if frame.header("execute-app-name") == Some("answer") {
                    self.answer(rest, execution);
                }
                told("+OK")
            }
            "api" => {
                let text = self.api(rest)?;
                format!("Content-Type: api/response\nContent-Length: {}\n\n{text}", text.len())
            }
            _ => told("+OK"),
        };
        replies.extend_from_slice(reply.as_bytes());
        Ok(())
    }

    fn api(&mut self, line: &str) -> io::Result<String> {
        let mut words = line.split(' ');
        let (name, argument) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        Ok(match name {
            "version" => "1.10.12".to_owned(),
            "global_getvar" => "/tmp".to_owned(),
            "module_exists" => "true".to_owned(),
            "sofia" => "URL              \tsip:mod_sofia@127.0.0.1:5080\n".to_owned(),
            "status" => STATUS.to_owned(),
            "uuid_kill" => {
                let number = self.number(argument);
                number.map(|number| self.end(number)).map_or("-ERR No such channel!\n", |()| "+OK\n").to_owned()
            }
            "uuid_answer" => {
                self.answer(argument, numbered('e', self.next));
                "+OK\n".to_owned()
            }
            // So many whole calls that nobody asked for, one after the other, as fast as they are taken.
            "play" => {
                for _ in 0..argument.parse().unwrap_or(0) {
                    let caller = numbered('a', self.next);
                    let number = self.originate(caller, numbered('b', self.next));
                    self.answer_numbered(number, numbered('e', number));
                    self.end(number);
                    if self.out.len() > 256 * 1024 {
                        self.flush()?;
                    }
                }
                "+OK\n".to_owned()
            }
            _ => "+OK\n".to_owned(),
        })
    }

    fn originate(&mut self, caller: Id, job: Id) -> u64 {
        let now = micros();
        let number = self.next;
        self.next += 1;
        let callee = numbered('c', number);
        let call = Call { caller, callee, execution: callee, job, created: now, answered: now };
        self.callers.insert(caller, number);
        self.calls.insert(number, call);
        self.send(number, |script| &script.begin);
        if !self.talk.is_zero() {
            self.due.push_back((now + self.talk.as_micros() as u64, number));
        }
        number
    }

    fn answer(&mut self, session: &str, execution: Id) {
        if let Some(number) = self.number(session) {
            self.answer_numbered(number, execution);
        }
    }

    fn answer_numbered(&mut self, number: u64, execution: Id) {
        let Some(call) = self.calls.get_mut(&number) else { return };
        call.execution = execution;
        call.answered = micros();
        self.send(number, |script| &script.answer);
    }

    fn end(&mut self, number: u64) {
        self.send(number, |script| &script.end);
        if let Some(call) = self.calls.remove(&number) {
            self.callers.remove(&call.caller);
        }
    }

    fn hang_up_due(&mut self) {
        while self.due.front().is_some_and(|(at, _)| *at <= micros()) {
            let Some((_, number)) = self.due.pop_front() else { return };
            self.end(number);
        }
    }

    /// The call of a session.
    fn number(&self, session: &str) -> Option<u64> {
        let id = id(session)?;
        let callee = || u64::from_str_radix(session.strip_prefix("c0000000-0000-4000-8000-")?, 16).ok();
        self.callers.get(&id).copied().or_else(callee).filter(|number| self.calls.contains_key(number))
    }

    fn send(&mut self, number: u64, part: fn(&Script) -> &[Template]) {
        let Some(call) = self.calls.get(&number) else { return };
        let now = micros();
        for template in part(&self.script) {
            if self.wanted.is_empty() || self.wanted.contains(&template.name) {
                template.write(call, self.sequence, now, &mut self.out);
                self.sequence += 1;
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.bytes += self.out.len() as u64;
        if let (Some(events), false) = (&mut self.events, self.out.is_empty()) {
            // Both may be one socket with a time limit for reading, not for writing.
            events.write_all(&self.out)?;
        }
        self.out.clear();
        Ok(())
    }
}

fn id(text: &str) -> Option<Id> {
    text.trim().as_bytes().try_into().ok()
}

fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

const STATUS: &str = "UP 0 years, 0 days, 0 hours, 0 minutes, 5 seconds, 58 milliseconds, 751 microseconds\n\
    FreeSWITCH (Version 1.10.12-release  64bit) is ready\n0 session(s) since startup\n0 session(s) - peak 0, last 5min 0 \n\
    0 session(s) per Sec out of max 100000, peak 0, last 5min 0 \n200000 session(s) max\nmin idle cpu 0.00/99.97\n\
    Current Stack Size/Max 240K/8192K\n";
