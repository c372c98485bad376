#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The examination of a host over its sockets.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::check::MODULES;
use super::{Contact, Exam, Facts};
use crate::clock::Clock;
use crate::esl::Reply;
use crate::host::task::{Host, Patience};
use crate::host::{HostConfig, HostEvent, Request, Token};
use crate::id::Ids;
use crate::run::task::{Ask, Files, Talk, retrieve};
use crate::scenario::EMBEDDED_MODULE;
use crate::switch::DEFAULT_PASSWORD;

/// A host to be examined.
#[derive(Clone, Debug)]
pub struct Patient {
    /// As the user named it.
    pub name: String,
    /// `host:port` of its event socket.
    pub address: String,
    pub password: String,
    /// The SIP profile that scenarios use.
    pub profile: String,
    /// Tests that are to run side by side.
    pub slots: usize,
    /// How to get at what it records.
    pub recordings: Files,
}

/// For the first connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Of our own; the exam's count from 0 and never come so far.
const FIRST_TOKEN: u64 = 1 << 63;

/// Finds out about a host. It takes some seconds, and leaves nothing behind there or here.
pub async fn facts(patient: Patient, clock: Clock) -> Facts {
    let Patient { name, address, password, profile, slots, recordings } = patient;
    let config = HostConfig {
        profiles: vec![profile.clone()],
        modules: MODULES.iter().map(|module| module.name.to_owned()).chain([EMBEDDED_MODULE.to_owned()]).collect(),
        ..HostConfig::new(name.clone(), password.clone())
    };
    let loopback = tokio::net::lookup_host(&address).await.ok().map(|mut all| all.all(|at| at.ip().is_loopback()));
    let known = Facts {
        address: name,
        loopback,
        default_password: password == DEFAULT_PASSWORD,
        slots,
        profile,
        contact: Contact::NotYet,
        ..Facts::default()
    };
    let mut exam = Exam::new(known, Ids::random());
    let patience = Patience { first: CONNECT, again: Duration::ZERO, login: Duration::from_secs(5) };
    let mut host = Host::connect(config, address, patience, clock);
    let (asks, mut asked) = mpsc::unbounded_channel::<Ask>();
    let (read, mut readings) = mpsc::unbounded_channel();
    let mut waiting: HashMap<Token, oneshot::Sender<Reply>> = HashMap::new();
    let mut next = FIRST_TOKEN;
    let began = clock.now();
    loop {
        while let Some(request) = exam.poll_request() {
            host.request(request);
        }
        if let Some(path) = exam.poll_read() {
            let (read, files, talk) = (read.clone(), recordings.clone(), Talk { host: 0, asks: asks.clone() });
            tokio::spawn(async move {
                let (_, back) = retrieve(path, &files, &talk, began).await;
                remove(back.kept);
                let _ = read.send(back.wav);
            });
        }
        if exam.is_done() {
            return exam.into_facts();
        }
        let due = exam.poll_timeout().map_or(Duration::from_secs(3600), |at| clock.until(at));
        tokio::select! {
            event = host.events.recv() => match event {
                Some(HostEvent::Replied { token, reply }) if token.0 >= FIRST_TOKEN => {
                    if let Some(answer) = waiting.remove(&token) {
                        // Whoever asked may have given up.
                        let _ = answer.send(reply);
                    }
                }
                Some(event) => exam.handle(clock.now(), &event),
                // Its last word was that it is lost.
                None => return exam.into_facts(),
            },
            Some(Ask { command, answer, .. }) = asked.recv() => {
                let token = Token(next);
                next += 1;
                waiting.insert(token, answer);
                host.request(Request::Command { token, command });
            }
            Some(wav) = readings.recv() => exam.handle_recording(clock.now(), wav),
            () = sleep(due) => exam.handle_timeout(clock.now()),
        }
    }
}

/// Nobody listens to the recording again.
fn remove(kept: PathBuf) {
    let _ = std::fs::remove_file(kept);
}
