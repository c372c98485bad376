//! The thread that writes recordings, so that a slow disk makes no leg late.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use super::engine::{RecordOutput, RecordReport};
use super::{LegId, RecordId};
use crate::audio::wav;
use crate::units::SampleRate;

/// Samples that may wait for the disk: 128 MB. What comes then fails its recording.
const MAX_WAITING: usize = 64 << 20;

/// What the thread is told to do.
enum Job {
    Output(RecordOutput),
    /// Samples were dropped: what comes after them is of no use.
    GiveUp(String),
}

/// A recording among those of all legs.
pub(super) type Key = (LegId, RecordId);

/// Hands recordings over to the thread. Dropping it closes all files that are open and waits for that.
#[derive(Debug)]
pub(super) struct WriterThread {
    sender: Option<Sender<(Key, Job)>>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    /// Starts the thread; it tells what becomes of files by `report`.
    pub(super) fn spawn(report: impl Fn(Key, RecordReport) + Send + 'static) -> std::io::Result<WriterThread> {
        let (sender, receiver) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = waiting.clone();
        let thread = std::thread::Builder::new()
            .name("media-writer".into())
            .spawn(move || Files { report, open: HashMap::new() }.run(&receiver, &counter))?;
        Ok(WriterThread { sender: Some(sender), waiting, thread: Some(thread) })
    }

    /// Queues what is to be done, without waiting for the disk. False when the thread has ended.
    #[must_use]
    pub(super) fn hand_over(&self, key: Key, output: RecordOutput) -> bool {
        let job = match &output {
            RecordOutput::Samples(samples) => {
                let waiting = self.waiting.fetch_add(samples.len(), Ordering::Relaxed);
                if waiting < MAX_WAITING {
                    Job::Output(output)
                } else {
                    self.waiting.fetch_sub(samples.len(), Ordering::Relaxed);
                    Job::GiveUp(format!("the disk is too slow: {waiting} samples wait to be written"))
                }
            }
            _ => Job::Output(output),
        };
        self.sender.as_ref().is_some_and(|sender| sender.send((key, job)).is_ok())
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // Had it panicked, that was told on stderr.
            let _ = thread.join();
        }
    }
}

struct Files<R> {
    report: R,
    open: HashMap<Key, Recording>,
}

struct Recording {
    writer: wav::Writer,
    channels: u64,
    /// Interleaved.
    written: u64,
}

impl<R: Fn(Key, RecordReport)> Files<R> {
    fn run(mut self, receiver: &Receiver<(Key, Job)>, waiting: &AtomicUsize) {
        for (key, job) in receiver {
            match job {
                Job::Output(RecordOutput::Create { path, rate, channels }) => self.create(key, &path, rate, channels),
                Job::Output(RecordOutput::Samples(samples)) => {
                    waiting.fetch_sub(samples.len(), Ordering::Relaxed);
                    self.write(key, &samples);
                }
                Job::Output(RecordOutput::Finish) => self.finish(key),
                Job::GiveUp(reason) => self.give_up(key, reason),
            }
        }
        // The media thread has gone without finishing them.
        for key in self.open.keys().copied().collect::<Vec<_>>() {
            self.finish(key);
        }
    }

    fn create(&mut self, key: Key, path: &Path, rate: SampleRate, channels: u16) {
        match wav::Writer::create(path, rate, channels) {
            Ok(writer) => {
                self.open.insert(key, Recording { writer, channels: u64::from(channels.max(1)), written: 0 });
                (self.report)(key, RecordReport::Started);
            }
            Err(error) => (self.report)(key, RecordReport::Failed { samples: 0, reason: error.to_string() }),
        }
    }

    fn write(&mut self, key: Key, samples: &[i16]) {
        // One that failed is no longer there.
        let Some(recording) = self.open.get_mut(&key) else { return };
        match recording.writer.write(samples) {
            Ok(()) => recording.written += samples.len() as u64,
            Err(error) => self.give_up(key, error.to_string()),
        }
    }

    fn give_up(&mut self, key: Key, reason: String) {
        let Some(Recording { writer, channels, written }) = self.open.remove(&key) else { return };
        // What is in the file is kept as well as can be; the reason is the one given.
        let _ = writer.finish();
        (self.report)(key, RecordReport::Failed { samples: written / channels, reason });
    }

    fn finish(&mut self, key: Key) {
        let Some(Recording { writer, channels, written }) = self.open.remove(&key) else { return };
        let samples = written / channels;
        let report = match writer.finish() {
            Ok(_) => RecordReport::Finished { samples },
            Err(error) => RecordReport::Failed { samples, reason: error.to_string() },
        };
        (self.report)(key, report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::engine::RecordReport::{Failed, Finished, Started};

    #[test]
    fn a_recording_that_lost_samples_fails_and_its_file_holds_what_came_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (whole, cut) = ((LegId(1), RecordId(1)), (LegId(1), RecordId(2)));
        let (reports, told) = mpsc::channel();
        let (sender, receiver) = mpsc::channel();
        let create = |name| RecordOutput::Create { path: path(name), rate: SampleRate::NARROW, channels: 2 };
        for (key, job) in [
            (whole, Job::Output(create("whole.wav"))),
            (cut, Job::Output(create("cut.wav"))),
            (whole, Job::Output(RecordOutput::Samples(vec![1; 320]))),
            (cut, Job::Output(RecordOutput::Samples(vec![2; 320]))),
            (cut, Job::GiveUp("the disk is too slow".into())),
            (cut, Job::Output(RecordOutput::Samples(vec![3; 320]))),
            (cut, Job::Output(RecordOutput::Finish)),
        ] {
            sender.send((key, job)).unwrap();
        }
        drop(sender);
        let report = move |key, report| reports.send((key, report)).unwrap();
        let waiting = AtomicUsize::new(960);
        Files { report, open: HashMap::new() }.run(&receiver, &waiting);
        let reason = "the disk is too slow".into();
        let expected = [
            (whole, Started),
            (cut, Started),
            (cut, Failed { samples: 160, reason }),
            // Nobody finished it: the end of the channel did.
            (whole, Finished { samples: 160 }),
        ];
        assert_eq!(told.iter().collect::<Vec<_>>(), expected);
        assert_eq!(waiting.into_inner(), 0);
        let samples = |name| wav::read(&path(name)).unwrap().channels;
        assert_eq!(samples("whole.wav"), [[1; 160], [1; 160]]);
        assert_eq!(samples("cut.wav"), [[2; 160], [2; 160]]);
    }
}
