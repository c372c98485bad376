//! The media of all legs, without sockets, files or clock.
//!
//! Commands, packets, read files and ticks go in by `handle_*`, each with the time; what is to be done comes out of
//! [`Engine::poll_output`], in the order in which it is to be done.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;

use super::clip::Clip;
use super::leg::Leg;
use super::{LegId, LegStats, MediaCommand, MediaEvent, PlayEnd, PlayId, RecordEnd, RecordId};
use crate::units::{SampleRate, Time};

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaOutput {
    /// Bind a port; answered with [`Engine::handle_opened`]. From then on the leg wants a tick every 20 ms.
    Open { leg: LegId },
    /// Give the port back. The leg wants no more ticks.
    Close { leg: LegId },
    /// Send an RTP packet.
    Send { leg: LegId, to: SocketAddr, packet: Vec<u8> },
    /// Read a file that is to be played; answered with [`Engine::handle_clip`].
    Load { leg: LegId, play: PlayId, path: PathBuf },
    /// Write a recording; answered with [`Engine::handle_report`].
    Record { leg: LegId, record: RecordId, output: RecordOutput },
    /// Tell the switch.
    Event(MediaEvent),
}

/// What is to be done with the file of a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordOutput {
    /// Answered by [`RecordReport::Started`] or [`RecordReport::Failed`].
    Create { path: PathBuf, rate: SampleRate, channels: u16 },
    /// Samples to append, interleaved. No answer, unless it fails.
    Samples(Vec<i16>),
    /// Close the file; answered by [`RecordReport::Finished`] or [`RecordReport::Failed`].
    Finish,
}

/// What became of a recording's file. After `Finished` or `Failed` there is nothing more to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordReport {
    Started,
    /// The file is closed and whole. `samples` are per channel.
    Finished {
        samples: u64,
    },
    /// The file could not be written further than `samples`.
    Failed {
        samples: u64,
        reason: String,
    },
}

/// See the module.
#[derive(Debug, Default)]
pub struct Engine {
    legs: HashMap<LegId, Leg>,
    outputs: VecDeque<MediaOutput>,
}

impl Engine {
    pub fn new() -> Engine {
        Engine::default()
    }

    /// Carries out a command. One for a leg that is not there is answered as failed, or closed, so that nobody waits.
    pub fn handle_command(&mut self, now: Time, command: MediaCommand) {
        let outputs = &mut self.outputs;
        let id = command.leg();
        let closing = self.legs.get(&id).is_some_and(Leg::is_closing);
        let leg = self.legs.get_mut(&id).filter(|_| !closing);
        match (command, leg) {
            (MediaCommand::Open { .. }, Some(_)) => {
                let reason = format!("leg {} is open already", id.0);
                outputs.push_back(MediaOutput::Event(MediaEvent::OpenFailed { leg: id, reason }));
            }
            (MediaCommand::Open { .. }, None) if closing => {
                let reason = format!("leg {} is still closing", id.0);
                outputs.push_back(MediaOutput::Event(MediaEvent::OpenFailed { leg: id, reason }));
            }
            (MediaCommand::Open { .. }, None) => {
                self.legs.insert(id, Leg::new(id));
                outputs.push_back(MediaOutput::Open { leg: id });
            }
            (MediaCommand::Connect { remote, codec, telephone_event, ssrc, .. }, Some(leg)) => {
                leg.connect(remote, codec, telephone_event, ssrc);
            }
            (MediaCommand::Play { play, source, .. }, Some(leg)) => leg.play(play, source, outputs),
            (MediaCommand::Play { play, .. }, None) => {
                let end = PlayEnd::Failed(format!("leg {} is not open", id.0));
                outputs.push_back(MediaOutput::Event(MediaEvent::PlayEnded { leg: id, play, end, samples: 0 }));
            }
            (MediaCommand::StopPlay { .. }, Some(leg)) => leg.end_play(PlayEnd::Stopped, outputs),
            (MediaCommand::Echo { on, .. }, Some(leg)) => leg.echo(on),
            (MediaCommand::Bert { settings, .. }, Some(leg)) => leg.bert(now, settings, outputs),
            (MediaCommand::StopBert { .. }, Some(leg)) => leg.stop_bert(),
            (MediaCommand::Mute { said, heard, .. }, Some(leg)) => leg.mute(said, heard),
            (MediaCommand::Pause { on, .. }, Some(leg)) => leg.pause(on),
            (MediaCommand::Join { other, .. }, Some(leg)) => {
                let before = leg.join(Some(other));
                self.part(id, before);
                let before = self.legs.get_mut(&other).and_then(|leg| leg.join(Some(id)));
                self.part(other, before);
            }
            (MediaCommand::Unjoin { .. }, Some(leg)) => {
                let before = leg.join(None);
                self.part(id, before);
            }
            (MediaCommand::DetectTone { name, frequency, .. }, Some(leg)) => leg.watch_tone(name, frequency),
            (MediaCommand::StopDetecting { .. }, Some(leg)) => leg.watch_no_tones(),
            (MediaCommand::Record { record, path, tracks, rate, limit, .. }, Some(leg)) => {
                leg.record(record, path, tracks, rate, limit, outputs);
            }
            (MediaCommand::Record { record, .. }, None) => {
                let end = RecordEnd::Failed(format!("leg {} is not open", id.0));
                outputs.push_back(MediaOutput::Event(MediaEvent::RecordStopped { leg: id, record, samples: 0, end }));
            }
            (MediaCommand::StopRecord { record, .. }, Some(leg)) => {
                leg.stop_record(record, RecordEnd::Stopped, outputs);
            }
            (MediaCommand::SendDtmf { items, .. }, Some(leg)) => leg.send_dtmf(items),
            (MediaCommand::DetectDtmf { on, .. }, Some(leg)) => leg.detect_dtmf(on),
            (MediaCommand::GenerateDtmf { on, .. }, Some(leg)) => leg.generate_dtmf(on),
            (MediaCommand::Close { .. }, Some(leg)) => {
                leg.close(outputs);
                self.forget_closed(id);
            }
            (MediaCommand::Close { .. }, None) if !closing => {
                outputs.push_back(MediaOutput::Event(MediaEvent::Closed { leg: id, stats: Box::default() }));
            }
            // A leg that is not there has nothing to stop, and one that is closing will be closed.
            (
                MediaCommand::Connect { .. }
                | MediaCommand::Mute { .. }
                | MediaCommand::Pause { .. }
                | MediaCommand::Join { .. }
                | MediaCommand::Unjoin { .. }
                | MediaCommand::DetectTone { .. }
                | MediaCommand::StopDetecting { .. }
                | MediaCommand::StopPlay { .. }
                | MediaCommand::Echo { .. }
                | MediaCommand::Bert { .. }
                | MediaCommand::StopBert { .. }
                | MediaCommand::StopRecord { .. }
                | MediaCommand::SendDtmf { .. }
                | MediaCommand::DetectDtmf { .. }
                | MediaCommand::GenerateDtmf { .. }
                | MediaCommand::Close { .. },
                None,
            ) => {}
        }
    }

    /// The answer to [`MediaOutput::Open`]: the port that was bound, or why there is none.
    pub fn handle_opened(&mut self, _now: Time, leg: LegId, local: Result<SocketAddr, String>) {
        let event = match local {
            Ok(local) => MediaEvent::Opened { leg, local },
            Err(reason) => {
                self.legs.remove(&leg);
                MediaEvent::OpenFailed { leg, reason }
            }
        };
        self.outputs.push_back(MediaOutput::Event(event));
    }

    /// Takes the bytes of a UDP packet that came for `leg`.
    pub fn handle_packet(&mut self, now: Time, leg: LegId, from: SocketAddr, bytes: &[u8]) {
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.handle_packet(now, from, bytes);
        }
    }

    /// The 20 ms that end at `due` are over for `leg`; `now` is later if the shell is.
    pub fn handle_tick(&mut self, now: Time, due: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.handle_tick(now, due, &mut self.outputs);
        if let Some((partner, heard)) = found.poll_passed_on()
            && let Some(partner) = self.legs.get_mut(&partner)
        {
            partner.handle_joined(heard);
        }
    }

    /// The answer to [`MediaOutput::Load`].
    pub fn handle_clip(&mut self, _now: Time, leg: LegId, play: PlayId, clip: Result<Clip, String>) {
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.handle_clip(play, clip, &mut self.outputs);
        }
    }

    /// The answer to [`MediaOutput::Record`].
    pub fn handle_report(&mut self, _now: Time, leg: LegId, record: RecordId, report: RecordReport) {
        if let Some(found) = self.legs.get_mut(&leg) {
            found.handle_report(record, report, &mut self.outputs);
            self.forget_closed(leg);
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<MediaOutput> {
        self.outputs.pop_front()
    }

    /// The legs that are not closed yet.
    pub fn legs(&self) -> impl Iterator<Item = LegId> + '_ {
        self.legs.keys().copied()
    }

    /// What was counted on a leg so far.
    pub fn stats(&self, leg: LegId) -> Option<LegStats> {
        self.legs.get(&leg).map(Leg::stats)
    }

    /// The leg that `leg` was joined to before is joined to nothing, unless it found another one meanwhile.
    fn part(&mut self, leg: LegId, before: Option<LegId>) {
        let still = self.legs.get(&leg).and_then(Leg::partner);
        let Some(before) = before.filter(|before| still != Some(*before)) else { return };
        if let Some(other) = self.legs.get_mut(&before).filter(|other| other.partner() == Some(leg)) {
            other.join(None);
        }
    }

    fn forget_closed(&mut self, id: LegId) {
        if self.legs.get(&id).is_some_and(Leg::is_closed)
            && let Some(leg) = self.legs.remove(&id)
        {
            let stats = Box::new(leg.stats());
            self.outputs.push_back(MediaOutput::Event(MediaEvent::Closed { leg: id, stats }));
        }
    }
}
