//! The switch in virtual time: what the captured flows do not show.

mod applications;
mod controlled;
mod dtmf;
mod gateways;
mod limits;
mod log;
mod originate;
mod sockets;

use std::time::Duration;

use crate::esl::Event;
use crate::esl::wire::{Decoder, Frame, Limits, parse_json, parse_plain};
use crate::units::Time;

use super::{ConnId, Rig, SwitchConfig};

/// A rig with one client that hears everything.
struct Bench {
    rig: Rig,
    conn: ConnId,
    decoder: Decoder,
    replies: Vec<Frame>,
    events: Vec<Event>,
    log: Vec<Frame>,
}

const CALLER: &str = "caller";

impl Bench {
    fn new() -> Bench {
        Bench::with(Rig::new(1))
    }

    fn configured(config: SwitchConfig) -> Bench {
        Bench::with(Rig::with(SwitchConfig { sip: ([127, 0, 0, 1], 5080).into(), ..config }, 1))
    }

    fn with(mut rig: Rig) -> Bench {
        let conn = rig.connect();
        let decoder = Decoder::new(Limits::default());
        let mut bench = Bench { rig, conn, decoder, replies: Vec::new(), events: Vec::new(), log: Vec::new() };
        assert_eq!(bench.ask("auth ClueCon"), "+OK accepted");
        bench.ask("event plain ALL");
        bench.replies.clear();
        bench
    }

    /// Sends a command, without waiting for what it says.
    fn tell(&mut self, command: &str) {
        self.rig.write(self.conn, format!("{command}\n\n").as_bytes());
        self.listen();
    }

    /// The text of the reply.
    fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        let reply = self.replies.pop().unwrap_or_else(|| panic!("no reply to {command:?}"));
        reply.body.clone().or(reply.header("Reply-Text").map(str::to_owned)).unwrap_or_default()
    }

    fn wait(&mut self, milliseconds: u64) {
        self.rig.advance(Duration::from_millis(milliseconds));
        self.listen();
    }

    fn listen(&mut self) {
        self.decoder.feed(&self.rig.read(self.conn));
        while let Some(frame) = self.decoder.poll().unwrap() {
            let body = frame.body.as_deref().unwrap_or_default();
            match frame.header("Content-Type") {
                Some("text/event-plain") => self.events.push(parse_plain(body).unwrap()),
                Some("text/event-json") => self.events.push(parse_json(body).unwrap()),
                Some("log/data") => self.log.push(frame),
                _ => self.replies.push(frame),
            }
        }
    }

    /// Places a call that is parked on both sides; gives the callee's name.
    fn ringing(&mut self) -> String {
        let originate = format!(
            "bgapi originate {{origination_uuid={CALLER},ignore_early_media=true}}sofia/external/dog@127.0.0.1:5080 &park()"
        );
        self.ask(&originate);
        let parked = self.event(|e| e.name() == "CHANNEL_PARK").header("Unique-ID").unwrap().to_owned();
        assert_ne!(parked, CALLER);
        parked
    }

    /// The same, answered.
    fn answered(&mut self) -> String {
        let callee = self.ringing();
        assert_eq!(self.ask(&format!("api uuid_answer {callee}")), "+OK\n");
        self.wait(100);
        self.events.clear();
        callee
    }

    fn execute(&mut self, uuid: &str, application: &str, argument: &str) {
        let more = format!("call-command: execute\nexecute-app-name: {application}\nexecute-app-arg: {argument}");
        assert_eq!(self.ask(&format!("sendmsg {uuid}\n{more}")), "+OK");
    }

    /// The first event that `is` the one.
    fn event(&self, is: impl Fn(&Event) -> bool) -> &Event {
        self.events.iter().find(|event| is(event)).unwrap_or_else(|| panic!("not among {:?}", self.names()))
    }

    fn last(&self, name: &str) -> &Event {
        let found = self.events.iter().rfind(|event| event.name() == name);
        found.unwrap_or_else(|| panic!("no {name} among {:?}", self.names()))
    }

    fn names(&self) -> Vec<String> {
        self.events.iter().map(|event| event.name().to_owned()).collect()
    }

    /// Names of events of one session, with applications.
    fn story(&self, uuid: &str) -> Vec<String> {
        let of = self.events.iter().filter(|event| event.header("Unique-ID") == Some(uuid));
        of.map(|event| match event.header("Application") {
            Some(application) => format!("{} {application}", event.name()),
            None => event.name().to_owned(),
        })
        .collect()
    }
}

/// When an event was made.
fn stamp(event: &Event) -> Time {
    Time::from_micros(event.header("Event-Date-Timestamp").unwrap().parse().unwrap())
}
