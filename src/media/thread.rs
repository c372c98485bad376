//! One thread for the media of all legs: their sockets, and the 20 ms beat of each.
//!
//! A task or a timer for each leg is late far too often at a thousand legs. Here a wheel of 20 phases turns once in
//! 20 ms; each leg belongs to one phase. At each phase the sockets that have something are read, the legs of the phase
//! tick, and what they have to say is sent. The phases are due at absolute times, so nothing drifts; a thread that was
//! held up carries out every phase it missed.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use super::clip::{Clip, ClipCache};
use super::engine::{Engine, MediaOutput, RecordReport};
use super::ports::Ports;
use super::writer::{Key, WriterThread};
use super::{FRAME, LegId, MediaCommand, MediaEvent, PlayId};
use crate::clock::Clock;
use crate::units::Time;

/// How many phases a frame has.
const PHASES: usize = 20;

/// From one phase to the next.
const PHASE: Duration = Duration::from_millis(1);

/// Further behind than this (the machine slept, say) frames are left out rather than caught up with.
const MAX_BEHIND: Duration = Duration::from_secs(1);

/// Packets read from one socket before the others have their turn.
const PACKETS_A_TURN: usize = 64;

/// Messages handled between two phases.
const MESSAGES_A_TURN: usize = 64;

/// No UDP packet is longer.
const MAX_PACKET: usize = 65_536;

/// Where legs have their ports.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// The address that sockets are bound to, and that peers are told.
    pub ip: IpAddr,
    /// The ports that may be used: the even ones.
    pub ports: RangeInclusive<u16>,
}

/// The handle of the thread. Dropping it closes all legs, ends their recordings and waits until the files are whole.
#[derive(Debug)]
pub struct MediaThread {
    inbox: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// What comes to the thread by its channel.
#[derive(Debug)]
enum Message {
    Command(MediaCommand),
    Clip { leg: LegId, play: PlayId, clip: Result<Clip, String> },
    Report { key: Key, report: RecordReport },
    Shutdown,
}

impl MediaThread {
    /// Starts the thread, with one beside it that writes recordings and one that reads files to play.
    ///
    /// `events` is called on the thread: it must not wait, only pass the event on. Errors are those of starting threads.
    pub fn spawn(
        config: MediaConfig,
        clock: Clock,
        events: impl FnMut(MediaEvent) + Send + 'static,
    ) -> io::Result<MediaThread> {
        let (inbox, messages) = mpsc::channel();
        let reports = inbox.clone();
        let writer = WriterThread::spawn(move |key, report| {
            // The media thread outlives the writer; if it panicked nobody is left to tell.
            let _ = reports.send(Message::Report { key, report });
        })?;
        let shell = Shell {
            clock,
            engine: Engine::new(),
            ports: Ports::new(config.ip, config.ports),
            poll: Poll::new()?,
            sockets: HashMap::new(),
            legs: HashMap::new(),
            unread: Vec::new(),
            phases: Default::default(),
            opened: 0,
            started: clock.now(),
            next_beat: 0,
            writer,
            reader: spawn_reader(inbox.clone())?,
            events,
        };
        let thread = std::thread::Builder::new().name("media".into()).spawn(move || shell.run(&messages))?;
        Ok(MediaThread { inbox, thread: Some(thread) })
    }

    /// Gives a command to a leg. The answers come as events.
    pub fn send(&self, command: MediaCommand) {
        // It fails only after a panic on the thread, which was told on stderr.
        let _ = self.inbox.send(Message::Command(command));
    }
}

impl Drop for MediaThread {
    fn drop(&mut self) {
        let _ = self.inbox.send(Message::Shutdown);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type ClipRequest = (LegId, PlayId, PathBuf);

/// Starts the thread that reads files to play. It ends when its channel does.
fn spawn_reader(answers: Sender<Message>) -> io::Result<Sender<ClipRequest>> {
    let (requests, to_read) = mpsc::channel::<ClipRequest>();
    std::thread::Builder::new().name("media-reader".into()).spawn(move || {
        let mut cache = ClipCache::default();
        for (leg, play, path) in to_read {
            let clip = cache.load(&path).map_err(|error| error.to_string());
            if answers.send(Message::Clip { leg, play, clip }).is_err() {
                break;
            }
        }
    })?;
    Ok(requests)
}

struct Shell<E> {
    clock: Clock,
    engine: Engine,
    ports: Ports,
    poll: Poll,
    /// By port, which is the token as well.
    sockets: HashMap<u16, (LegId, UdpSocket)>,
    legs: HashMap<LegId, Place>,
    /// Ports that were not read to their end.
    unread: Vec<u16>,
    phases: [Vec<LegId>; PHASES],
    /// Legs opened so far: they take the phases in turn.
    opened: usize,
    started: Time,
    /// Beats are counted from `started`; each is a phase.
    next_beat: u64,
    writer: WriterThread,
    reader: Sender<ClipRequest>,
    events: E,
}

/// Where to find a leg.
#[derive(Clone, Copy)]
struct Place {
    port: u16,
    phase: usize,
}

impl<E: FnMut(MediaEvent)> Shell<E> {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut ready = Events::with_capacity(1024);
        let mut buffer = vec![0; MAX_PACKET];
        let mut stopping = false;
        while !(stopping && self.engine.legs().next().is_none()) {
            // Several, but not all: neither may messages make the legs late, nor late legs hold up messages.
            for turn in 0..MESSAGES_A_TURN {
                match if turn == 0 { self.wait(messages) } else { messages.recv_timeout(Duration::ZERO) } {
                    Ok(Message::Shutdown) => {
                        stopping = true;
                        self.close_all();
                    }
                    Ok(message) => self.handle_message(message),
                    Err(RecvTimeoutError::Timeout) => break,
                    // Nobody is left to command.
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                self.carry_out();
            }
            self.beat(&mut ready, &mut buffer);
        }
    }

    /// The next message, or until the next phase is due.
    fn wait(&self, messages: &Receiver<Message>) -> Result<Message, RecvTimeoutError> {
        if self.legs.is_empty() {
            return messages.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        messages.recv_timeout(self.clock.until(self.due()))
    }

    fn handle_message(&mut self, message: Message) {
        let now = self.clock.now();
        match message {
            Message::Command(command) => self.engine.handle_command(now, command),
            Message::Clip { leg, play, clip } => self.engine.handle_clip(now, leg, play, clip),
            Message::Report { key: (leg, record), report } => self.engine.handle_report(now, leg, record, report),
            Message::Shutdown => {}
        }
    }

    fn close_all(&mut self) {
        let now = self.clock.now();
        for leg in self.engine.legs().collect::<Vec<_>>() {
            self.engine.handle_command(now, MediaCommand::Close { leg });
        }
    }

    /// When the next phase is due.
    fn due(&self) -> Time {
        self.started + Duration::from_micros(PHASE.as_micros() as u64 * self.next_beat)
    }

    /// Carries out the next phase, if it is due.
    fn beat(&mut self, ready: &mut Events, buffer: &mut [u8]) {
        let (now, due) = (self.clock.now(), self.due());
        if self.legs.is_empty() || now < due {
            return;
        }
        if now.since(due) > MAX_BEHIND {
            let frames = now.since(due).as_micros() / FRAME.as_micros();
            tracing::warn!(frames, "the media thread was held up: frames are left out");
            // Whole turns of the wheel, so that all legs miss as many.
            self.next_beat += frames as u64 * PHASES as u64;
            return;
        }
        self.read_sockets(now, ready, buffer);
        let phase = (self.next_beat % PHASES as u64) as usize;
        for leg in &self.phases[phase] {
            self.engine.handle_tick(now, due, *leg);
        }
        self.next_beat += 1;
        self.carry_out();
    }

    /// Reads what has come, at all legs: so that the time of arrival is right to a millisecond.
    fn read_sockets(&mut self, now: Time, ready: &mut Events, buffer: &mut [u8]) {
        let again = std::mem::take(&mut self.unread);
        if let Err(error) = self.poll.poll(ready, Some(Duration::ZERO)) {
            // A signal; what came is found at the next phase.
            tracing::debug!(%error, "poll");
            ready.clear();
        }
        for port in again.into_iter().chain(ready.iter().map(|event| event.token().0 as u16)) {
            let Some((leg, socket)) = self.sockets.get(&port) else { continue };
            let mut packets = 0;
            while packets < PACKETS_A_TURN {
                packets += 1;
                match socket.recv_from(buffer) {
                    Ok((length, from)) => self.engine.handle_packet(now, *leg, from, &buffer[..length]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // An ICMP error for something sent earlier: the next packet may be good.
                    Err(_) => {}
                }
            }
            if packets == PACKETS_A_TURN {
                self.unread.push(port);
            }
        }
    }

    /// Does what the engine wants done.
    fn carry_out(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                MediaOutput::Open { leg } => {
                    let local = self.open(leg);
                    self.engine.handle_opened(self.clock.now(), leg, local);
                }
                MediaOutput::Close { leg } => self.close(leg),
                MediaOutput::Send { leg, to, packet } => {
                    let socket = self.legs.get(&leg).and_then(|place| self.sockets.get(&place.port));
                    if let Some((_, socket)) = socket
                        && let Err(error) = socket.send_to(&packet, to)
                    {
                        // As good as lost on the way: RTP lives with that.
                        tracing::debug!(%error, %to, "an RTP packet was not sent");
                    }
                }
                MediaOutput::Load { leg, play, path } => {
                    if self.reader.send((leg, play, path)).is_err() {
                        let ended = Err("the reader of files has ended".into());
                        self.engine.handle_clip(self.clock.now(), leg, play, ended);
                    }
                }
                MediaOutput::Record { leg, record, output } => {
                    if !self.writer.hand_over((leg, record), output) {
                        let reason = "the writer of recordings has ended".into();
                        let report = RecordReport::Failed { samples: 0, reason };
                        self.engine.handle_report(self.clock.now(), leg, record, report);
                    }
                }
                MediaOutput::Event(event) => (self.events)(event),
            }
        }
    }

    fn open(&mut self, leg: LegId) -> Result<SocketAddr, String> {
        let (mut socket, local) = self.ports.open().map_err(|error| error.to_string())?;
        let port = local.port();
        if let Err(error) = self.poll.registry().register(&mut socket, Token(usize::from(port)), Interest::READABLE) {
            self.ports.free(port);
            return Err(format!("cannot watch the UDP socket on {local}: {error}"));
        }
        if self.legs.is_empty() {
            // The wheel stood still until now.
            let beats = self.clock.now().since(self.started).as_micros() / PHASE.as_micros();
            self.next_beat = beats as u64 + 1;
        }
        let phase = self.opened % PHASES;
        self.opened += 1;
        self.phases[phase].push(leg);
        self.legs.insert(leg, Place { port, phase });
        self.sockets.insert(port, (leg, socket));
        Ok(local)
    }

    fn close(&mut self, leg: LegId) {
        let Some(Place { port, phase }) = self.legs.remove(&leg) else { return };
        self.phases[phase].retain(|other| *other != leg);
        if let Some((_, mut socket)) = self.sockets.remove(&port) {
            // Dropping it ends the watch as well.
            let _ = self.poll.registry().deregister(&mut socket);
        }
        self.ports.free(port);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Codec, PlayEnd, RecordEnd, RecordId, Source, Tracks};
    use super::*;
    use crate::audio::level::level;
    use crate::audio::wav;
    use crate::units::SampleRate;

    const CALLER: LegId = LegId(1);
    const CALLEE: LegId = LegId(2);

    /// Longer than any of these tests may take: only a hang comes to it.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn spawn(ports: RangeInclusive<u16>) -> (MediaThread, Receiver<MediaEvent>) {
        let (sender, events) = mpsc::channel();
        let config = MediaConfig { ip: IpAddr::from([127, 0, 0, 1]), ports };
        let thread = MediaThread::spawn(config, Clock::start(), move |event| drop(sender.send(event))).unwrap();
        (thread, events)
    }

    /// Events until one that `last` accepts, which is given.
    fn wait<T>(events: &Receiver<MediaEvent>, mut last: impl FnMut(&MediaEvent) -> Option<T>) -> T {
        let mut seen = Vec::new();
        loop {
            let event = events.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error} after {seen:?}"));
            if let Some(found) = last(&event) {
                return found;
            }
            seen.push(event);
        }
    }

    fn open(media: &MediaThread, events: &Receiver<MediaEvent>, leg: LegId) -> SocketAddr {
        media.send(MediaCommand::Open { leg });
        wait(events, |event| match event {
            MediaEvent::Opened { local, .. } => Some(*local),
            MediaEvent::OpenFailed { reason, .. } => panic!("{reason}"),
            _ => None,
        })
    }

    fn connect(media: &MediaThread, leg: LegId, remote: SocketAddr) {
        let ssrc = 7_000 + leg.0 as u32;
        media.send(MediaCommand::Connect { leg, remote, codec: Codec::Pcmu, telephone_event: None, ssrc });
    }

    fn record(media: &MediaThread, leg: LegId, path: PathBuf, limit: Option<Duration>) {
        let (record, rate) = (RecordId(leg.0), SampleRate::NARROW);
        media.send(MediaCommand::Record { leg, record, path, tracks: Tracks::Heard, rate, limit });
    }

    #[test]
    fn a_milliwatt_goes_over_real_sockets_into_an_echo_and_back_into_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heard.wav");
        let (media, events) = spawn(45_300..=45_340);
        let (caller, callee) = (open(&media, &events, CALLER), open(&media, &events, CALLEE));
        connect(&media, CALLER, callee);
        connect(&media, CALLEE, caller);
        media.send(MediaCommand::Echo { leg: CALLEE, on: true });
        let source = Source::Tone("%(10000,0,1004)".into());
        media.send(MediaCommand::Play { leg: CALLER, play: PlayId(1), source });
        wait(&events, |event| matches!(event, MediaEvent::PlayStarted { .. }).then_some(()));
        record(&media, CALLER, path.clone(), Some(Duration::from_millis(600)));
        let samples = wait(&events, |event| match event {
            MediaEvent::RecordStopped { samples, end, .. } => {
                assert_eq!(*end, RecordEnd::Limit);
                Some(*samples)
            }
            _ => None,
        });
        let wav = wav::read(&path).unwrap();
        assert_eq!((samples, wav.samples(), wav.repaired.as_deref()), (4_800, 4_800, None));
        // The way there and back takes some 100 ms at the most, so the last 400 ms are tone.
        let heard = level(&wav.channels[0][1_600..]).unwrap().0;
        let said = {
            let mut said = [0; 800];
            crate::audio::tone::ToneStream::parse("%(10000,0,1004)").unwrap().fill(&mut said);
            level(&said).unwrap().0
        };
        assert!((heard - said).abs() < 0.5, "{heard} dBm0 heard of {said} dBm0");
        media.send(MediaCommand::Close { leg: CALLER });
        let stats = wait(&events, |event| match event {
            MediaEvent::PlayEnded { end, .. } => {
                assert_eq!(*end, PlayEnd::Stopped);
                None
            }
            MediaEvent::Closed { stats, .. } => Some(stats.clone()),
            _ => None,
        });
        assert!(stats.sent_packets >= 30 && stats.received_packets >= 25, "{stats:?}");
        assert_eq!((stats.lost_packets, stats.duplicate_packets), (0, 0));
    }

    #[test]
    fn dropping_the_handle_completes_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folder").join("cut.wav");
        let (media, events) = spawn(45_350..=45_360);
        let local = open(&media, &events, CALLER);
        // It hears itself.
        connect(&media, CALLER, local);
        record(&media, CALLER, path.clone(), None);
        let source = Source::Silence { length: Some(Duration::from_millis(100)), noise_divisor: 100 };
        media.send(MediaCommand::Play { leg: CALLER, play: PlayId(1), source });
        wait(&events, |event| matches!(event, MediaEvent::PlayEnded { .. }).then_some(()));
        drop(media);
        let left: Vec<MediaEvent> = events.iter().collect();
        let stopped = left.iter().find_map(|event| match event {
            MediaEvent::RecordStopped { samples, end: RecordEnd::LegClosed, .. } => Some(*samples),
            _ => None,
        });
        let wav = wav::read(&path).unwrap();
        assert_eq!((stopped, wav.repaired.as_deref()), (Some(wav.samples() as u64), None));
        assert!(wav.samples() >= 800, "{} samples", wav.samples());
        assert!(matches!(left.last(), Some(MediaEvent::Closed { .. })), "{left:?}");
    }

    #[test]
    fn a_full_range_is_told_and_a_closed_leg_makes_room() {
        let (media, events) = spawn(45_370..=45_371);
        let first = open(&media, &events, CALLER);
        assert_eq!(first.port(), 45_370);
        media.send(MediaCommand::Open { leg: CALLEE });
        let reason = wait(&events, |event| match event {
            MediaEvent::OpenFailed { leg: CALLEE, reason } => Some(reason.clone()),
            _ => None,
        });
        assert_eq!(reason, "no even UDP port is free on 127.0.0.1 from 45370 to 45371");
        media.send(MediaCommand::Close { leg: CALLER });
        assert_eq!(open(&media, &events, CALLEE), first);
    }

    #[test]
    fn a_recording_that_cannot_be_created_fails_with_its_path() {
        let (media, events) = spawn(45_380..=45_390);
        let local = open(&media, &events, CALLER);
        connect(&media, CALLER, local);
        let folder = tempfile::tempdir().unwrap();
        record(&media, CALLER, folder.path().to_owned(), None);
        let end = wait(&events, |event| match event {
            MediaEvent::RecordStopped { end, .. } => Some(end.clone()),
            _ => None,
        });
        let RecordEnd::Failed(reason) = end else { panic!("{end:?}") };
        assert!(reason.starts_with(&folder.path().display().to_string()), "{reason}");
    }
}
