//! Sounds and recordings of a rig.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::media::RecordId;
use crate::media::clip::Clip;
use crate::media::engine::{RecordOutput, RecordReport};

/// A recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Samples per second.
    pub rate: u32,
    pub channels: u16,
    /// Interleaved.
    pub samples: Vec<i16>,
    pub state: RecordedState,
}

/// Whether a recording is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordedState {
    #[default]
    Open,
    Closed,
}

#[derive(Debug, Default)]
pub(super) struct Disk {
    sounds: BTreeMap<PathBuf, Clip>,
    recordings: BTreeMap<PathBuf, Recorded>,
    /// By the switch that writes it.
    open: BTreeMap<(usize, RecordId), Writing>,
}

/// A recording that is being written. It may be deleted meanwhile, as any open file.
#[derive(Debug)]
struct Writing {
    path: PathBuf,
    channels: u16,
    /// Of all channels together.
    samples: usize,
}

impl Disk {
    pub fn add(&mut self, path: &Path, clip: Clip) {
        self.sounds.insert(path.to_owned(), clip);
    }

    pub fn recorded(&self, path: &Path) -> Option<&Recorded> {
        self.recordings.get(path)
    }

    pub fn exists(&self, path: &Path) -> bool {
        self.sounds.contains_key(path) || self.recordings.contains_key(path) || path.exists()
    }

    pub fn load(&self, path: &Path) -> Result<Clip, String> {
        match self.sounds.get(path) {
            Some(clip) => Ok(clip.clone()),
            None => Clip::read(path).map_err(|error| error.to_string()),
        }
    }

    /// Does what is to be done with a recording; gives what there is to report.
    pub fn record(&mut self, record: (usize, RecordId), output: RecordOutput) -> Option<RecordReport> {
        match output {
            RecordOutput::Create { path, rate, channels } => {
                let made = Recorded { rate: rate.0, channels, ..Recorded::default() };
                self.recordings.insert(path.clone(), made);
                self.open.insert(record, Writing { path, channels, samples: 0 });
                Some(RecordReport::Started)
            }
            RecordOutput::Samples(samples) => {
                let writing = self.open.get_mut(&record)?;
                writing.samples += samples.len();
                self.recordings.get_mut(&writing.path)?.samples.extend(samples);
                None
            }
            RecordOutput::Finish => {
                let writing = self.open.remove(&record)?;
                if let Some(recorded) = self.recordings.get_mut(&writing.path) {
                    recorded.state = RecordedState::Closed;
                }
                Some(RecordReport::Finished { samples: writing.samples as u64 / u64::from(writing.channels.max(1)) })
            }
        }
    }

    /// Recordings that are being written.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// A switch is gone: what it was writing stays as it is.
    pub fn forget(&mut self, switch: usize) {
        self.open.retain(|(on, _), _| *on != switch);
    }

    /// Deletes what was recorded into `path`.
    pub fn remove(&mut self, path: &Path) {
        self.recordings.remove(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SampleRate;

    // Its leg waited for ever, and its session stayed.
    #[test]
    fn a_recording_that_is_deleted_while_it_is_written_is_closed_all_the_same() {
        let (mut disk, record, path) = (Disk::default(), (0, RecordId(1)), PathBuf::from("/r/a.wav"));
        disk.record(record, RecordOutput::Create { path: path.clone(), rate: SampleRate::NARROW, channels: 1 });
        disk.remove(&path);
        assert_eq!(disk.record(record, RecordOutput::Samples(vec![1; 160])), None);
        assert_eq!(disk.record(record, RecordOutput::Finish), Some(RecordReport::Finished { samples: 160 }));
        assert_eq!((disk.open(), disk.recorded(&path)), (0, None));
    }
}
