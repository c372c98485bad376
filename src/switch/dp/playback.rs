//! `playback SOUND`: a file, tones, silence, or a list of them.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use crate::media::{MediaCommand, PlayEnd, PlayId, Source as Sound};
use crate::units::SampleRate;

use super::super::core::{ChannelKey, SwitchCore, Task};
use super::super::events::origin;
use super::super::text::bracketed;
use super::{Application, Broken, Doing, Phase, Playback, Repeat, Source, Stop, Track};

pub(super) const APPLICATION: Application = Application { name: "playback", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    core.start_playback(key, argument, Repeat::Once)
}

const NOT_FOUND: &str = "FILE NOT FOUND";
const PLAYED: &str = "FILE PLAYED";
const ERROR: &str = "PLAYBACK ERROR";

impl SwitchCore {
    /// Begins a playback; the media tells what comes of it.
    pub(in super::super) fn start_playback(&mut self, key: ChannelKey, argument: &str, repeat: Repeat) -> Doing {
        if self.pre_answer(key).is_err() {
            self.set_response(key, ERROR);
            return Doing::Done;
        }
        let mut tracks = self.tracks(key, argument);
        let Some(track) = tracks.pop_front() else {
            self.set_response(key, NOT_FOUND);
            return Doing::Done;
        };
        let play = self.play(key, track.sound.clone());
        self.later(Task::Pump(key));
        Doing::Playback(Box::new(Playback { play, track, rest: tracks, phase: Phase::Starting, repeat }))
    }

    fn play(&mut self, key: ChannelKey, source: Sound) -> PlayId {
        let play = PlayId(self.next_id());
        if let Some(channel) = self.channel(key) {
            let leg = channel.media.leg;
            if channel.stack.iter().any(|frame| matches!(frame.doing, Doing::Echo)) {
                self.media(MediaCommand::Echo { leg, on: false });
            }
            self.media(MediaCommand::Play { leg, play, source });
        }
        play
    }

    /// Has the application on top go on, after one that ran on top of it.
    pub(in super::super) fn resume(&mut self, key: ChannelKey) {
        let now = self.now;
        let Some(channel) = self.channel(key).filter(|c| c.is_up()) else { return };
        let leg = channel.media.leg;
        let Some(frame) = channel.stack.last_mut() else { return };
        match &mut frame.doing {
            Doing::Echo => self.media(MediaCommand::Echo { leg, on: true }),
            Doing::Playback(playback) if playback.phase == Phase::Suspended => {
                playback.phase = Phase::Resuming;
                let sound = playback.track.sound.clone();
                let play = self.play(key, sound);
                if let Some(playback) = self.playback(key, None) {
                    playback.play = play;
                }
            }
            Doing::Playback(playback) if playback.phase == Phase::Finished => self.complete(key),
            Doing::Sleep { until, .. } if *until <= now => self.complete(key),
            Doing::Unparked => self.end_park(key),
            _ => {}
        }
    }

    pub(in super::super) fn play_started(&mut self, key: ChannelKey, play: PlayId) {
        let Some(playback) = self.playback(key, Some(play)) else { return };
        let before = playback.phase;
        if !matches!(before, Phase::Starting | Phase::Resuming) {
            return;
        }
        playback.phase = Phase::Playing;
        let track = playback.track.clone();
        if before == Phase::Starting {
            let tail = [("Playback-File-Type", track.kind), ("Playback-File-Path", track.path.as_str())];
            self.fire_channel(key, "PLAYBACK_START", origin::PLAYBACK_START, &[], &tail);
        }
    }

    pub(in super::super) fn play_ended(&mut self, key: ChannelKey, play: PlayId, end: &PlayEnd, samples: u64) {
        let Some(playback) = self.playback(key, Some(play)) else { return };
        if *end == PlayEnd::Replaced {
            // It goes on from where it is.
            if let Sound::File { start, .. } = &mut playback.track.sound {
                *start += usize::try_from(samples).unwrap_or(0);
            }
            playback.phase = Phase::Suspended;
            return;
        }
        let (phase, track) = (playback.phase, playback.track.clone());
        if !matches!(phase, Phase::Starting | Phase::Unheard) {
            self.tell_playback(key, &track, samples, phase);
        }
        let next = self.playback(key, Some(play)).and_then(|playback| match (end, playback.repeat) {
            (PlayEnd::Stopped, _) => None,
            (_, Repeat::Once) => playback.rest.pop_front(),
            (PlayEnd::Failed(_), Repeat::Endless) => None,
            (_, Repeat::Endless) => {
                playback.rest.push_back(playback.track.clone());
                playback.rest.pop_front()
            }
        });
        if let Some(track) = next.filter(|_| !matches!(phase, Phase::Stopping(_))) {
            let next = self.play(key, track.sound.clone());
            if let Some(playback) = self.playback(key, Some(play)) {
                (playback.play, playback.track, playback.phase) = (next, track, Phase::Starting);
            }
            return;
        }
        let response = match (end, phase) {
            (PlayEnd::Failed(_), Phase::Starting) => NOT_FOUND,
            (PlayEnd::Failed(_), _) => ERROR,
            (_, Phase::Stopping(Stop::Hangup)) => self.response_of_hangup(key),
            _ => PLAYED,
        };
        self.set_response(key, response);
        if self.is_on_top(key, play) {
            self.complete(key);
        } else if let Some(playback) = self.playback(key, Some(play)) {
            playback.phase = Phase::Finished;
        }
    }

    fn is_on_top(&mut self, key: ChannelKey, play: PlayId) -> bool {
        let top = self.channel(key).and_then(|channel| channel.stack.last());
        top.is_some_and(|frame| matches!(&frame.doing, Doing::Playback(playback) if playback.play == play))
    }

    /// FreeSWITCH tells a playback that the other side ended from one that we ended: its read fails, or its loop.
    fn response_of_hangup(&mut self, key: ChannelKey) -> &'static str {
        let heard = self.channel(key).and_then(|c| c.variables.value("sip_hangup_disposition").map(str::to_owned));
        if heard.is_some_and(|h| h.starts_with("recv_")) { ERROR } else { PLAYED }
    }

    /// Ends a playback that plays; false when its end is awaited.
    pub(in super::super) fn stop_playback(&mut self, key: ChannelKey, why: Stop) -> bool {
        let Some(channel) = self.channel(key) else { return true };
        let leg = channel.media.leg;
        let Some(playback) = self.playback(key, None) else { return true };
        match playback.phase {
            Phase::Stopping(_) | Phase::Unheard => false,
            Phase::Finished => true,
            Phase::Suspended => {
                let track = playback.track.clone();
                self.tell_playback(key, &track, 0, Phase::Stopping(why));
                let response = self.response_of_hangup(key);
                self.set_response(key, response);
                true
            }
            Phase::Starting | Phase::Playing | Phase::Resuming => {
                // One that never sounded is not told of.
                playback.phase = if playback.phase == Phase::Starting { Phase::Unheard } else { Phase::Stopping(why) };
                self.media(MediaCommand::StopPlay { leg });
                false
            }
        }
    }

    /// Ends what the application on top does, and its loops.
    pub(in super::super) fn break_top(&mut self, key: ChannelKey) {
        let Some(channel) = self.channel(key) else { return };
        let leg = channel.media.leg;
        let Some(frame) = channel.stack.last_mut() else { return };
        if let Source::Message(sent) = &mut frame.from {
            sent.broken = Broken::Yes;
        }
        match &frame.doing {
            Doing::Playback(_) => drop(self.stop_playback(key, Stop::Break)),
            Doing::Echo => {
                self.media(MediaCommand::Echo { leg, on: false });
                self.complete(key);
            }
            Doing::Sleep { .. } => self.complete(key),
            _ => {}
        }
    }

    fn tell_playback(&mut self, key: ChannelKey, track: &Track, samples: u64, phase: Phase) {
        let Some(channel) = self.channel(key) else { return };
        let variables = &mut channel.variables;
        let rate = u64::from(SampleRate::NARROW.0);
        variables.set("playback_last_offset_pos", samples.to_string());
        variables.set("playback_seconds", (samples / rate).to_string());
        variables.set("playback_ms", (samples * 1_000 / rate).to_string());
        variables.set("playback_samples", samples.to_string());
        let status = if phase == Phase::Stopping(Stop::Break) { "break" } else { "done" };
        let tail = [
            ("Playback-File-Type", track.kind),
            ("Playback-File-Path", track.path.as_str()),
            ("Playback-Status", status),
        ];
        self.fire_channel(key, "PLAYBACK_STOP", origin::PLAYBACK_STOP, &[], &tail);
    }

    pub(in super::super) fn set_response(&mut self, key: ChannelKey, response: &str) {
        if let Some(channel) = self.channel(key) {
            channel.variables.set("current_application_response", response);
        }
    }

    /// The playback `play`, or the one on top.
    fn playback(&mut self, key: ChannelKey, play: Option<PlayId>) -> Option<&mut Playback> {
        let frames = self.channel(key)?.stack.iter_mut().rev();
        let mut playbacks = frames.filter_map(|frame| match &mut frame.doing {
            Doing::Playback(playback) => Some(&mut **playback),
            _ => None,
        });
        playbacks.find(|playback| play.is_none_or(|play| playback.play == play))
    }

    /// What `argument` asks to play; nothing of it when one part is no sound.
    fn tracks(&mut self, key: ChannelKey, argument: &str) -> VecDeque<Track> {
        let argument = bracketed(argument, '{', '}').map_or(argument, |(_, rest)| rest).trim();
        let list = argument.strip_prefix("file_string://");
        let delimiter = self.channel(key).and_then(|c| c.variables.value("playback_delimiter").map(str::to_owned));
        let parts: Vec<&str> = match (list, delimiter.as_deref().filter(|d| !d.is_empty())) {
            (Some(list), _) => list.split('!').collect(),
            (None, Some(delimiter)) => argument.split(delimiter).collect(),
            (None, None) => vec![argument],
        };
        parts.into_iter().filter_map(|part| self.track(part.trim())).collect()
    }

    fn track(&self, text: &str) -> Option<Track> {
        if text.is_empty() {
            return None;
        }
        if let Some(tones) = text.strip_prefix("tone_stream://") {
            return Some(Track { path: text.to_owned(), kind: "tone_stream", sound: Sound::Tone(tones.to_owned()) });
        }
        if let Some(silence) = text.strip_prefix("silence_stream://") {
            let (length, divisor) = silence.split_once(',').unwrap_or((silence, ""));
            let length = match length.trim().parse::<i64>().ok()? {
                // FreeSWITCH opens no silence of length 0.
                0 => return None,
                milliseconds => u64::try_from(milliseconds).ok().map(Duration::from_millis),
            };
            let noise_divisor = divisor.trim().parse().unwrap_or(0);
            let sound = Sound::Silence { length, noise_divisor };
            return Some(Track { path: text.to_owned(), kind: "", sound });
        }
        if text.contains("://") {
            return None;
        }
        let (path, start) = match text.rsplit_once("@@") {
            Some((path, start)) => (path, start.parse().unwrap_or(0)),
            None => (text, 0),
        };
        let path = match Path::new(path).is_absolute() {
            true => path.into(),
            false => Path::new(&self.global("sound_prefix").unwrap_or_default()).join(path),
        };
        Some(Track { path: path.to_string_lossy().into_owned(), kind: "", sound: Sound::File { path, start } })
    }
}
