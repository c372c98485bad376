//! One leg: what it plays, echoes and records in each tick.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::dtmf_tones::DtmfTones;
use super::engine::{MediaOutput, RecordOutput, RecordReport};
use super::latch::Latch;
use super::receiver::Receiver;
use super::record::Recorder;
use super::rtp::Packet;
use super::sender::Sender;
use super::source::Generator;
use super::telephone_event::EventSender;
use super::tone_watch::{Heard, ToneWatch};
use super::{
    Codec, DtmfItem, DtmfSource, FRAME, FRAME_SAMPLES, LegId, LegStats, MediaEvent, PlayEnd, PlayId, RecordEnd,
    RecordId, Source, Tracks, clip::Clip,
};
use crate::audio::bert::{self, Bert};
use crate::audio::dtmf::{DtmfDetector, Heard as InBand};
use crate::audio::g711::{self, Law};
use crate::units::{Hertz, SampleRate, Time};

/// Rates a recording can have.
const RECORD_RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;

/// Frames that two joined legs may be apart: they tick at different moments of the same 20 ms.
const JOINED_FRAMES: usize = 3;

#[derive(Debug)]
pub(super) struct Leg {
    id: LegId,
    link: Option<Link>,
    play: Option<Playback>,
    echo: bool,
    bert: Option<Bert>,
    mute_said: bool,
    mute_heard: bool,
    paused: bool,
    partner: Option<LegId>,
    /// What the partner heard and this leg has not sent yet.
    joined: VecDeque<[i16; FRAME_SAMPLES]>,
    passed_on: Option<[i16; FRAME_SAMPLES]>,
    tones: Vec<ToneWatch>,
    recorders: Vec<Recorder>,
    /// Listens for digits in the audio.
    detector: Option<Box<DtmfDetector>>,
    /// Sends digits as tones.
    dtmf_tones: Option<DtmfTones>,
    closing: bool,
    sent_packets: u64,
    sent_telephone_events: u64,
    sent_bytes: u64,
    late_ticks: u64,
    heard_pcm: Vec<i16>,
}

/// The RTP session with the peer.
#[derive(Debug)]
struct Link {
    codec: Codec,
    latch: Latch,
    receiver: Receiver,
    sender: Sender,
    /// The payload type of telephone events, if agreed on.
    telephone_event: Option<u8>,
    digits: EventSender,
}

#[derive(Debug)]
struct Playback {
    id: PlayId,
    generator: Generator,
    samples: u64,
}

/// What is sent in a tick: the payload, and its samples where they are known.
struct Said {
    payload: Vec<u8>,
    pcm: Option<[i16; FRAME_SAMPLES]>,
}

impl Said {
    /// A frame of octets that `fill` writes.
    fn octets(law: Law, fill: impl FnOnce(&mut [u8])) -> Said {
        let mut payload = vec![law.silence(); FRAME_SAMPLES];
        fill(&mut payload);
        let mut pcm = [0; FRAME_SAMPLES];
        let mut samples = Vec::with_capacity(FRAME_SAMPLES);
        g711::decode(law, &payload, &mut samples);
        pcm.copy_from_slice(&samples);
        Said { payload, pcm: Some(pcm) }
    }
}

impl Codec {
    /// The companding law of its samples.
    pub const fn law(self) -> Law {
        match self {
            Codec::Pcmu => Law::Mu,
            Codec::Pcma => Law::A,
        }
    }

    /// The byte that stands for silence.
    pub(super) const fn silence(self) -> u8 {
        self.law().silence()
    }
}

type Outputs = VecDeque<MediaOutput>;

impl Leg {
    pub(super) fn new(id: LegId) -> Leg {
        Leg {
            id,
            link: None,
            play: None,
            echo: false,
            bert: None,
            mute_said: false,
            mute_heard: false,
            paused: false,
            partner: None,
            joined: VecDeque::new(),
            passed_on: None,
            tones: Vec::new(),
            recorders: Vec::new(),
            detector: None,
            dtmf_tones: None,
            closing: false,
            sent_packets: 0,
            sent_telephone_events: 0,
            sent_bytes: 0,
            late_ticks: 0,
            heard_pcm: Vec::with_capacity(FRAME_SAMPLES),
        }
    }

    pub(super) fn connect(&mut self, remote: SocketAddr, codec: Codec, telephone_event: Option<u8>, ssrc: u32) {
        match &mut self.link {
            Some(link) => {
                link.codec = codec;
                link.telephone_event = telephone_event;
                link.latch.rename(remote);
                link.receiver.reconnect(codec, telephone_event);
                if link.sender.ssrc() != ssrc {
                    link.sender = Sender::new(ssrc);
                }
            }
            None => {
                self.link = Some(Link {
                    codec,
                    latch: Latch::new(remote),
                    receiver: Receiver::new(codec, telephone_event),
                    sender: Sender::new(ssrc),
                    telephone_event,
                    digits: EventSender::default(),
                });
            }
        }
    }

    pub(super) fn play(&mut self, id: PlayId, source: Source, outputs: &mut Outputs) {
        self.end_play(PlayEnd::Replaced, outputs);
        match Generator::open(&source, id.0 as u32 ^ self.id.0 as u32) {
            Ok(generator) => {
                self.play = Some(Playback { id, generator, samples: 0 });
                if let Source::File { path, .. } = source {
                    outputs.push_back(MediaOutput::Load { leg: self.id, play: id, path });
                }
            }
            Err(error) => outputs.push_back(play_ended(self.id, id, PlayEnd::Failed(error.to_string()), 0)),
        }
    }

    pub(super) fn handle_clip(&mut self, play: PlayId, clip: Result<Clip, String>, outputs: &mut Outputs) {
        // It may have been stopped or replaced meanwhile.
        let Some(playback) = self.play.as_mut().filter(|playback| playback.id == play) else { return };
        match clip {
            Ok(clip) => playback.generator.handle_clip(clip),
            Err(reason) => self.end_play(PlayEnd::Failed(reason), outputs),
        }
    }

    pub(super) fn end_play(&mut self, end: PlayEnd, outputs: &mut Outputs) {
        if let Some(playback) = self.play.take() {
            outputs.push_back(play_ended(self.id, playback.id, end, playback.samples));
        }
    }

    pub(super) fn echo(&mut self, on: bool) {
        self.echo = on;
    }

    pub(super) fn bert(&mut self, now: Time, settings: bert::Settings, outputs: &mut Outputs) {
        self.end_play(PlayEnd::Replaced, outputs);
        self.bert = Some(Bert::new(settings, now));
    }

    pub(super) fn stop_bert(&mut self) {
        self.bert = None;
    }

    pub(super) fn mute(&mut self, said: bool, heard: bool) {
        (self.mute_said, self.mute_heard) = (said, heard);
    }

    pub(super) fn pause(&mut self, on: bool) {
        self.paused = on;
    }

    /// Joins it to another leg; gives the one it was joined to.
    pub(super) fn join(&mut self, partner: Option<LegId>) -> Option<LegId> {
        self.joined.clear();
        std::mem::replace(&mut self.partner, partner)
    }

    pub(super) fn partner(&self) -> Option<LegId> {
        self.partner
    }

    /// Takes what the partner heard in its tick.
    pub(super) fn handle_joined(&mut self, heard: [i16; FRAME_SAMPLES]) {
        if self.joined.len() == JOINED_FRAMES {
            self.joined.pop_front();
        }
        self.joined.push_back(heard);
    }

    /// What the partner is to send.
    pub(super) fn poll_passed_on(&mut self) -> Option<(LegId, [i16; FRAME_SAMPLES])> {
        Some((self.partner?, self.passed_on.take()?))
    }

    pub(super) fn watch_tone(&mut self, name: String, frequency: Hertz) {
        self.tones.push(ToneWatch::new(name, frequency));
    }

    pub(super) fn watch_no_tones(&mut self) {
        self.tones.clear();
    }

    pub(super) fn send_dtmf(&mut self, items: Vec<DtmfItem>) {
        if let Some(tones) = &mut self.dtmf_tones {
            return tones.queue(items);
        }
        if let Some(link) = self.link.as_mut().filter(|link| link.telephone_event.is_some()) {
            link.digits.queue(items);
        }
    }

    pub(super) fn detect_dtmf(&mut self, on: bool) {
        self.detector = on.then(|| Box::new(DtmfDetector::new(SampleRate::NARROW)));
    }

    pub(super) fn generate_dtmf(&mut self, on: bool) {
        self.dtmf_tones = on.then(DtmfTones::default);
    }

    pub(super) fn record(
        &mut self,
        record: RecordId,
        path: PathBuf,
        tracks: Tracks,
        rate: SampleRate,
        limit: Option<Duration>,
        outputs: &mut Outputs,
    ) {
        let fault = if !RECORD_RATES.contains(&rate.0) {
            Some(format!("cannot record at a sample rate of {rate}"))
        } else if self.recorders.iter().any(|recorder| recorder.id == record) {
            Some(format!("recording {} is under way already", record.0))
        } else {
            None
        };
        if let Some(fault) = fault {
            return outputs.push_back(record_stopped(self.id, record, 0, RecordEnd::Failed(fault)));
        }
        self.recorders.push(Recorder::new(record, tracks, rate, limit));
        let create = RecordOutput::Create { path, rate, channels: tracks.channels() };
        outputs.push_back(MediaOutput::Record { leg: self.id, record, output: create });
    }

    pub(super) fn stop_record(&mut self, record: RecordId, end: RecordEnd, outputs: &mut Outputs) {
        if let Some(recorder) = self.recorders.iter_mut().find(|recorder| recorder.id == record && !recorder.ended()) {
            finish(self.id, recorder, end, outputs);
        }
    }

    pub(super) fn handle_report(&mut self, record: RecordId, report: RecordReport, outputs: &mut Outputs) {
        let Some(place) = self.recorders.iter().position(|recorder| recorder.id == record) else { return };
        match report {
            RecordReport::Started => {
                outputs.push_back(MediaOutput::Event(MediaEvent::RecordStarted { leg: self.id, record }));
            }
            RecordReport::Finished { samples } => {
                let end = self.recorders.remove(place).into_end();
                outputs.push_back(record_stopped(self.id, record, samples, end));
            }
            RecordReport::Failed { samples, reason } => {
                self.recorders.remove(place);
                outputs.push_back(record_stopped(self.id, record, samples, RecordEnd::Failed(reason)));
            }
        }
    }

    /// Ends all that goes on. The leg is closed once its recordings are.
    pub(super) fn close(&mut self, outputs: &mut Outputs) {
        self.closing = true;
        self.end_play(PlayEnd::Stopped, outputs);
        for recorder in self.recorders.iter_mut().filter(|recorder| !recorder.ended()) {
            finish(self.id, recorder, RecordEnd::LegClosed, outputs);
        }
        outputs.push_back(MediaOutput::Close { leg: self.id });
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closing && self.recorders.is_empty()
    }

    pub(super) fn handle_packet(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) {
        if self.closing {
            return;
        }
        let Some(link) = &mut self.link else { return };
        // What is no RTP may not decide where the leg sends to.
        let Ok(packet) = Packet::parse(bytes) else { return };
        if link.receiver.knows(packet.payload_type) && link.latch.accept(from) {
            link.receiver.handle_packet(now, &packet, bytes.len());
        }
    }

    pub(super) fn handle_tick(&mut self, now: Time, due: Time, outputs: &mut Outputs) {
        if self.closing || self.link.is_none() {
            return;
        }
        let said = self.play_frame(outputs);
        let Some(link) = &mut self.link else { return };
        let mut heard = link.receiver.frame(now);
        if self.mute_heard {
            heard = heard.map(|_| [link.codec.silence(); FRAME_SAMPLES]);
        }
        for received in link.receiver.digits(now) {
            let (digit, duration) = (received.digit, Some(received.duration));
            outputs.push_back(dtmf(self.id, digit, duration, DtmfSource::Rtp));
        }
        if let Some(detector) = &mut self.detector {
            self.heard_pcm.clear();
            match &heard {
                Some(heard) => g711::decode(link.codec.law(), heard, &mut self.heard_pcm),
                None => self.heard_pcm.extend([0; FRAME_SAMPLES]),
            }
            detector.push(&self.heard_pcm);
            while let Some(heard) = detector.poll() {
                if let InBand::Began { digit, .. } = heard {
                    outputs.push_back(dtmf(self.id, digit, None, DtmfSource::Inband));
                }
            }
        }
        let joined = self.joined.pop_front();
        let said = match &mut self.bert {
            _ if said.is_some() => said,
            _ if self.echo => heard.map(|heard| Said { payload: heard.to_vec(), pcm: None }),
            Some(bert) => {
                let reports = bert.handle_frame(now, heard.as_ref().map(|heard| &heard[..]).ok_or(FRAME_SAMPLES));
                let event = |report| MediaOutput::Event(MediaEvent::Bert { leg: self.id, report });
                outputs.extend(reports.into_iter().map(event));
                Some(Said::octets(link.codec.law(), |payload| bert.fill(payload)))
            }
            None => None,
        };
        let mut said = said
            .or_else(|| {
                let pcm = joined?;
                let mut payload = Vec::with_capacity(FRAME_SAMPLES);
                g711::encode(link.codec.law(), &pcm, &mut payload);
                Some(Said { payload, pcm: Some(pcm) })
            })
            .filter(|_| !self.paused);
        if let Some(said) = said.as_mut().filter(|_| self.mute_said) {
            said.payload.fill(link.codec.silence());
            said.pcm = Some([0; FRAME_SAMPLES]);
        }
        if let (Some(said), Some(tones)) = (&mut said, &mut self.dtmf_tones)
            && let Some(pcm) = tones.frame()
        {
            said.payload.clear();
            g711::encode(link.codec.law(), &pcm, &mut said.payload);
            said.pcm = Some(pcm);
        }
        if self.partner.is_some() || !self.tones.is_empty() {
            let mut pcm = Vec::with_capacity(FRAME_SAMPLES);
            match &heard {
                Some(heard) => g711::decode(link.codec.law(), heard, &mut pcm),
                None => pcm.resize(FRAME_SAMPLES, 0),
            }
            if let Ok(frame) = <[i16; FRAME_SAMPLES]>::try_from(pcm.as_slice()) {
                self.passed_on = heard.and(self.partner).map(|_| frame);
                let leg = self.id;
                self.tones.retain_mut(|tone| match tone.handle_frame(&frame) {
                    Heard::Tone => {
                        let name = tone.name().to_owned();
                        outputs.push_back(MediaOutput::Event(MediaEvent::ToneDetected { leg, name }));
                        false
                    }
                    Heard::NotYet => true,
                });
            }
        }
        let events = link.digits.frame(link.sender.timestamp());
        match (&said, link.telephone_event) {
            // While a digit is sent no audio is (RFC 4733 2.5.1.2), so nothing of it is said either.
            (_, Some(payload_type)) if !events.is_empty() => {
                let to = link.latch.remote();
                for event in &events {
                    let packet = link.sender.event(payload_type, event);
                    if to.port() != 0 && !to.ip().is_unspecified() {
                        self.sent_packets += 1;
                        self.sent_telephone_events += 1;
                        self.sent_bytes += packet.len() as u64;
                        outputs.push_back(MediaOutput::Send { leg: self.id, to, packet });
                    }
                }
                link.sender.pause();
            }
            (Some(said), _) => {
                let packet = link.sender.packet(link.codec.payload_type(), &said.payload);
                let to = link.latch.remote();
                // A peer that put the call on hold the old way has no address (RFC 3264 8.4).
                if to.port() != 0 && !to.ip().is_unspecified() {
                    self.sent_packets += 1;
                    self.sent_bytes += packet.len() as u64;
                    self.late_ticks += u64::from(now.since(due) > FRAME);
                    outputs.push_back(MediaOutput::Send { leg: self.id, to, packet });
                }
            }
            (None, _) => link.sender.pause(),
        }
        if !self.recorders.is_empty() {
            self.record_frame(heard, said.as_ref(), outputs);
        }
    }

    /// The next frame of what plays.
    fn play_frame(&mut self, outputs: &mut Outputs) -> Option<Said> {
        let codec = self.link.as_ref()?.codec;
        let playback = self.play.as_mut().filter(|playback| !playback.generator.is_loading())?;
        let mut pcm = [0; FRAME_SAMPLES];
        let count = playback.generator.fill(&mut pcm);
        if count == 0 {
            self.end_play(PlayEnd::Done, outputs);
            return None;
        }
        if playback.samples == 0 {
            outputs.push_back(MediaOutput::Event(MediaEvent::PlayStarted { leg: self.id, play: playback.id }));
        }
        playback.samples += count as u64;
        pcm[count..].fill(0);
        let mut payload = Vec::with_capacity(FRAME_SAMPLES);
        g711::encode(codec.law(), &pcm, &mut payload);
        Some(Said { payload, pcm: Some(pcm) })
    }

    fn record_frame(&mut self, heard: Option<[u8; FRAME_SAMPLES]>, said: Option<&Said>, outputs: &mut Outputs) {
        let Some(law) = self.link.as_ref().map(|link| link.codec.law()) else { return };
        const SILENCE: [i16; FRAME_SAMPLES] = [0; FRAME_SAMPLES];
        self.heard_pcm.clear();
        match heard {
            Some(heard) => g711::decode(law, &heard, &mut self.heard_pcm),
            None => self.heard_pcm.extend(SILENCE),
        }
        let said: &[i16] = match said {
            Some(Said { pcm: Some(pcm), .. }) => pcm,
            // An echo says what it hears.
            Some(Said { pcm: None, .. }) => &self.heard_pcm,
            None => &SILENCE,
        };
        for recorder in self.recorders.iter_mut().filter(|recorder| !recorder.ended()) {
            if let Some(samples) = recorder.handle_frame(&self.heard_pcm, said) {
                write(self.id, recorder.id, samples, outputs);
            }
            if recorder.is_full() {
                finish(self.id, recorder, RecordEnd::Limit, outputs);
            }
        }
    }

    /// What was counted.
    pub(super) fn stats(&self) -> LegStats {
        let mut stats = LegStats {
            sent_packets: self.sent_packets,
            sent_telephone_events: self.sent_telephone_events,
            sent_bytes: self.sent_bytes,
            late_ticks: self.late_ticks,
            ..LegStats::default()
        };
        if let Some(link) = &self.link {
            link.receiver.fill_stats(&mut stats);
        }
        stats
    }
}

fn finish(leg: LegId, recorder: &mut Recorder, end: RecordEnd, outputs: &mut Outputs) {
    let samples = recorder.finish(end);
    write(leg, recorder.id, samples, outputs);
    outputs.push_back(MediaOutput::Record { leg, record: recorder.id, output: RecordOutput::Finish });
}

fn write(leg: LegId, record: RecordId, samples: Vec<i16>, outputs: &mut Outputs) {
    if !samples.is_empty() {
        outputs.push_back(MediaOutput::Record { leg, record, output: RecordOutput::Samples(samples) });
    }
}

fn dtmf(leg: LegId, digit: char, duration: Option<Duration>, source: DtmfSource) -> MediaOutput {
    MediaOutput::Event(MediaEvent::Dtmf { leg, digit, duration, source })
}

fn play_ended(leg: LegId, play: PlayId, end: PlayEnd, samples: u64) -> MediaOutput {
    MediaOutput::Event(MediaEvent::PlayEnded { leg, play, end, samples })
}

fn record_stopped(leg: LegId, record: RecordId, samples: u64, end: RecordEnd) -> MediaOutput {
    MediaOutput::Event(MediaEvent::RecordStopped { leg, record, samples, end })
}
