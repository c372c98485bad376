//! `record_session PATH [+SECONDS]`: records the channel until it is stopped, or for so long.

use std::path::Path;
use std::time::Duration;

use crate::media::{MediaCommand, RecordEnd, RecordId, Tracks};
use crate::units::SampleRate;

use super::super::channel::{Channel, Ending, Recording};
use super::super::core::{ChannelKey, SwitchCore, Task};
use super::super::events::origin;
use super::super::session::NotDone;
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "record_session", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let (path, limit) = split_limit(argument);
    match core.start_recording(key, path, limit) {
        Ok(record) => Doing::RecordStart(record),
        Err(NotDone) => Doing::Done,
    }
}

/// The path, and the seconds behind a ` +`.
fn split_limit(argument: &str) -> (&str, Option<Duration>) {
    let argument = argument.trim();
    match argument.rsplit_once('+') {
        Some((path, seconds)) if path.ends_with(' ') => match seconds.trim().parse() {
            Ok(seconds) => (path.trim(), Some(Duration::from_secs(seconds)).filter(|limit| !limit.is_zero())),
            Err(_) => (argument, None),
        },
        _ => (argument, None),
    }
}

impl SwitchCore {
    /// Begins to record; what comes of it is told by the media.
    pub(in super::super) fn start_recording(
        &mut self,
        key: ChannelKey,
        path: &str,
        limit: Option<Duration>,
    ) -> Result<RecordId, NotDone> {
        if path.is_empty() {
            return Err(NotDone);
        }
        self.pre_answer(key)?;
        let id = RecordId(self.next_id());
        let directory = self.config.recordings_dir.clone();
        let channel = self.channel(key).ok_or(NotDone)?;
        let file = if Path::new(path).is_absolute() { path.into() } else { directory.join(path) };
        let rate = channel.variables.value("record_sample_rate").and_then(|r| r.parse().ok()).filter(|r| *r > 0);
        let rate = rate.unwrap_or(SampleRate::NARROW.0);
        let tracks = tracks_of(channel);
        let leg = channel.media.leg;
        channel.recordings.push(Recording { id, path: file.to_string_lossy().into_owned(), rate });
        self.media(MediaCommand::Record { leg, record: id, path: file, tracks, rate: SampleRate(rate), limit });
        Ok(id)
    }

    /// Stops the recordings into `path`, or all; gives those that are being closed.
    pub(in super::super) fn stop_recording(&mut self, key: ChannelKey, path: &str) -> Vec<RecordId> {
        let Some(channel) = self.channel(key) else { return Vec::new() };
        let leg = channel.media.leg;
        let wanted = channel
            .recordings
            .iter()
            .filter(|r| path == "all" || r.path == path || r.path.ends_with(&format!("/{path}")));
        let stopping: Vec<RecordId> = wanted.map(|r| r.id).collect();
        for record in &stopping {
            self.media(MediaCommand::StopRecord { leg, record: *record });
        }
        stopping
    }

    /// Stops what a channel that ends records; false when it records nothing.
    pub(in super::super) fn stop_recordings(&mut self, key: ChannelKey) -> bool {
        if self.channel(key).is_none_or(|c| c.recordings.is_empty()) {
            return false;
        }
        self.stop_recording(key, "all");
        true
    }

    /// A recording has begun.
    pub(in super::super) fn record_started(&mut self, key: ChannelKey, record: RecordId) {
        let Some(recording) = self.recording(key, record) else { return };
        self.fire_channel(key, "RECORD_START", origin::RECORD_START, &[], &[("Record-File-Path", &recording.path)]);
        let head = [("Media-Bug-Function", "session_record"), ("Media-Bug-Target", recording.path.as_str())];
        self.fire_channel(key, "MEDIA_BUG_START", origin::MEDIA_BUG_START, &head, &[]);
        self.record_call_done(record, "+OK Success\n");
        self.frame_done_if(key, |doing| matches!(doing, Doing::RecordStart(id) if *id == record));
    }

    /// A recording is closed, or never began.
    pub(in super::super) fn record_stopped(
        &mut self,
        key: ChannelKey,
        record: RecordId,
        samples: u64,
        end: &RecordEnd,
    ) {
        let Some(recording) = self.recording(key, record) else { return };
        if let Some(channel) = self.channel(key) {
            channel.recordings.retain(|r| r.id != record);
        }
        let failed = matches!(end, RecordEnd::Failed(_)) && samples == 0;
        if let RecordEnd::Failed(reason) = end {
            tracing::warn!(target: "callwright::switch", path = recording.path, reason, "recording failed");
        }
        if !failed {
            self.tell_recording(key, &recording, samples);
        }
        self.record_call_done(record, if failed { "-ERR Cannot record session!\n" } else { "+OK Success\n" });
        if let Some(channel) = self.channel(key) {
            for frame in &mut channel.stack {
                if let Doing::RecordStop(stopping) = &mut frame.doing {
                    stopping.retain(|id| *id != record);
                }
            }
        }
        self.frame_done_if(key, |doing| match doing {
            Doing::RecordStart(id) => *id == record,
            Doing::RecordStop(stopping) => stopping.is_empty(),
            _ => false,
        });
        if self.channel(key).is_some_and(|c| c.ending == Ending::Unwinding) {
            self.later(Task::Unwind(key));
        }
    }

    fn tell_recording(&mut self, key: ChannelKey, recording: &Recording, samples: u64) {
        let Some(channel) = self.channel(key) else { return };
        let milliseconds = samples * 1_000 / u64::from(recording.rate);
        let channels = if channel.variables.is_true("RECORD_STEREO") { 2 } else { 1 };
        let variables = &mut channel.variables;
        variables.set("record_file_size", (44 + samples * 2 * channels).to_string());
        variables.set("record_samples", samples.to_string());
        variables.set("record_seconds", (milliseconds / 1_000).to_string());
        variables.set("record_ms", milliseconds.to_string());
        // FreeSWITCH names every end but silence so.
        variables.set("record_completion_cause", "success-maxtime");
        let tail = [("Record-File-Path", recording.path.as_str()), ("Record-Completion-Cause", "success-maxtime")];
        self.fire_channel(key, "RECORD_STOP", origin::RECORD_STOP, &[], &tail);
        let head = [("Media-Bug-Function", "session_record"), ("Media-Bug-Target", recording.path.as_str())];
        self.fire_channel(key, "MEDIA_BUG_STOP", origin::MEDIA_BUG_STOP, &head, &[]);
    }

    fn recording(&mut self, key: ChannelKey, record: RecordId) -> Option<Recording> {
        self.channel(key)?.recordings.iter().find(|r| r.id == record).cloned()
    }

    fn record_call_done(&mut self, record: RecordId, reply: &str) {
        if let Some(call) = self.recording_calls.remove(&record) {
            self.finish_api(call, reply.to_owned());
        }
    }
}

/// What the variables ask to record.
fn tracks_of(channel: &Channel) -> Tracks {
    let wants = |name: &str| channel.variables.is_true(name);
    match (wants("RECORD_READ_ONLY"), wants("RECORD_WRITE_ONLY")) {
        (true, false) => Tracks::Heard,
        (false, true) => Tracks::Said,
        _ if wants("RECORD_STEREO") => Tracks::Stereo,
        _ => Tracks::Mixed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_stands_behind_a_blank_and_a_plus() {
        assert_eq!(split_limit("/a/b c.wav +10"), ("/a/b c.wav", Some(Duration::from_secs(10))));
        assert_eq!(split_limit("/a/b+10"), ("/a/b+10", None));
        assert_eq!(split_limit("/a/b +x"), ("/a/b +x", None));
    }
}
