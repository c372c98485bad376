//! A run on paper: every byte of every event socket and all else that its cores were told, in order, for
//! [`crate::run::replay`].
//!
//! A folder holds `journal.jsonl`, one [`Entry`] a line, and `audio`, the recordings of the calls. One of the first tells
//! what was run, with the text of the scenarios; `took`, `tick` and the like tell in which order the run's core was told
//! what. Passwords of event sockets are left out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::host::{Line, Lost};
use crate::units::Time;

/// The version of what is written here. Another one is not read.
pub const VERSION: u32 = 2;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds since the Unix epoch, by our clock.
    pub at: u64,
    #[serde(flatten)]
    pub what: Record,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Among the first entries.
    Run(Box<Header>),
    /// The run's core began, with this seed of its names.
    Began {
        seed: u64,
    },
    /// Both connections of a host were made; `seed` is that of its names.
    Connected {
        host: usize,
        seed: u64,
    },
    /// We wrote to a connection.
    Sent {
        host: usize,
        line: Wire,
        bytes: Chunk,
    },
    /// The switch wrote.
    Came {
        host: usize,
        line: Wire,
        bytes: Chunk,
    },
    /// A connection ended; `error` where it broke.
    Closed {
        host: usize,
        line: Wire,
        error: Option<String>,
    },
    /// A host was given up for a reason outside its connections.
    Lost {
        host: usize,
        lost: GivenUp,
    },
    /// The run took the next event of a host.
    Took {
        host: usize,
    },
    /// The run was told the time.
    Tick,
    /// The run asked a host something for the sake of a file.
    Asked {
        host: usize,
        command: String,
    },
    /// Recordings of a test (its place in the header) were brought.
    Recordings {
        test: usize,
        files: Vec<Kept>,
    },
    /// A test's call was judged.
    Judged {
        test: usize,
    },
    Interrupted,
    /// A test began or ended: for those who look for its bytes.
    TestBegan {
        test: String,
        host: String,
    },
    TestEnded {
        test: String,
        host: String,
        verdict: String,
    },
}

impl Record {
    /// Whether it tells what happened at the connections of a host, and not what the run was told.
    pub fn is_of_a_host(&self) -> bool {
        use Record::*;
        matches!(self, Connected { .. } | Sent { .. } | Came { .. } | Closed { .. } | Lost { .. })
    }
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub version: u32,
    pub hosts: Vec<HostHeader>,
    pub tests: Vec<TestHeader>,
    pub conduct: ConductHeader,
    pub world: World,
}

/// How the run went about its tests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConductHeader {
    pub max_fail: Option<NonZeroUsize>,
    pub retries: u32,
    pub timeout_us: u64,
    pub slow_us: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostHeader {
    pub name: String,
    pub slots: usize,
    pub recordings: Option<PathBuf>,
    /// The place of the host that is called from it, where that is another.
    #[serde(default)]
    pub callee: Option<usize>,
    pub profiles: Vec<String>,
    pub modules: Vec<String>,
    pub events: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestHeader {
    pub file: PathBuf,
    pub name: String,
    /// The scenario's name: that of the test but for the number of a repetition.
    pub scenario: String,
    pub host: usize,
    pub rerun: String,
}

/// What the scenarios were read from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// Texts of files; nothing for those that were not there.
    pub texts: BTreeMap<PathBuf, Option<String>>,
    /// Folders above files.
    pub above: BTreeMap<PathBuf, Vec<PathBuf>>,
    pub variables: BTreeMap<String, Option<String>>,
}

/// A recording that was to be brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// On the host.
    pub path: PathBuf,
    /// Its name in `audio`; nothing where it could not be brought.
    pub audio: Option<String>,
    /// Why it could not be read.
    pub error: Option<String>,
}

/// One of a host's two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    Events,
    Commands,
}

/// Bytes: as text where they are, and else in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chunk {
    Text(String),
    Base64(String),
}

/// A [`Lost`] that does not come of what a connection brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenUp {
    Unreachable { address: String, error: String },
    NoSwitch { address: String, error: String },
    TooSlow(usize),
    Silent { micros: u64 },
}

impl From<Line> for Wire {
    fn from(line: Line) -> Wire {
        match line {
            Line::Events => Wire::Events,
            Line::Commands => Wire::Commands,
        }
    }
}

impl From<Wire> for Line {
    fn from(line: Wire) -> Line {
        match line {
            Wire::Events => Line::Events,
            Wire::Commands => Line::Commands,
        }
    }
}

impl Chunk {
    pub fn new(bytes: &[u8]) -> Chunk {
        match std::str::from_utf8(bytes) {
            Ok(text) => Chunk::Text(text.to_owned()),
            Err(_) => Chunk::Base64(STANDARD.encode(bytes)),
        }
    }

    /// The bytes; `None` where base64 is broken.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Chunk::Text(text) => Some(text.clone().into_bytes()),
            Chunk::Base64(text) => STANDARD.decode(text).ok(),
        }
    }
}

impl GivenUp {
    /// `None` for a loss that the bytes themselves tell.
    pub fn of(lost: &Lost) -> Option<GivenUp> {
        Some(match lost {
            Lost::Unreachable { address, error } => {
                GivenUp::Unreachable { address: address.clone(), error: error.clone() }
            }
            Lost::NoSwitch { address, error } => GivenUp::NoSwitch { address: address.clone(), error: error.clone() },
            Lost::TooSlow(events) => GivenUp::TooSlow(*events),
            Lost::Silent(time) => GivenUp::Silent { micros: u64::try_from(time.as_micros()).unwrap_or(u64::MAX) },
            _ => return None,
        })
    }
}

impl From<GivenUp> for Lost {
    fn from(given_up: GivenUp) -> Lost {
        match given_up {
            GivenUp::Unreachable { address, error } => Lost::Unreachable { address, error },
            GivenUp::NoSwitch { address, error } => Lost::NoSwitch { address, error },
            GivenUp::TooSlow(events) => Lost::TooSlow(events),
            GivenUp::Silent { micros } => Lost::Silent(std::time::Duration::from_micros(micros)),
        }
    }
}

/// Takes entries; the one of a run that is not recorded forgets them.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    to: Option<(mpsc::Sender<Option<Entry>>, PathBuf)>,
}

impl Tape {
    pub fn put(&self, at: Time, what: impl FnOnce() -> Record) {
        if let Some((to, _)) = &self.to {
            // The writer ends only after the run.
            let _ = to.send(Some(Entry { at: at.as_micros(), what: what() }));
        }
    }

    /// What we write to a connection; the password of a login is left out.
    pub fn sent(&self, at: Time, host: usize, line: Line, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.put(at, || {
            let login = bytes.starts_with(b"auth ").then(|| bytes.iter().position(|&byte| byte == b'\n')).flatten();
            let bytes = match login {
                Some(end) => Chunk::new(&[b"auth ***", &bytes[end..]].concat()),
                None => Chunk::new(bytes),
            };
            Record::Sent { host, line: line.into(), bytes }
        });
    }

    /// Keeps a copy of a recording; its name in `audio`, or why there is none.
    pub fn keep(&self, recording: &Path) -> Option<Result<String, String>> {
        let (_, folder) = self.to.as_ref()?;
        let name = recording.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let copy = folder.join(AUDIO).join(&name);
        Some(fs::copy(recording, &copy).map(|_| name).map_err(|error| format!("{}: {error}", copy.display())))
    }
}

const JOURNAL: &str = "journal.jsonl";
const AUDIO: &str = "audio";

/// Writes a journal, on a thread of its own so that a slow disk holds nobody up.
#[derive(Debug)]
pub struct Writer {
    thread: JoinHandle<io::Result<()>>,
    /// Nothing is the end.
    to: mpsc::Sender<Option<Entry>>,
    path: PathBuf,
}

impl Writer {
    /// Makes `folder` and begins.
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub fn start(folder: &Path) -> io::Result<(Tape, Writer)> {
        fs::create_dir_all(folder.join(AUDIO))?;
        let path = folder.join(JOURNAL);
        let mut file = BufWriter::new(File::create(&path)?);
        let (to, entries) = mpsc::channel::<Option<Entry>>();
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
            for entry in entries.into_iter().map_while(|entry| entry) {
                // What follows a line that was lost is of no use; the run goes on without.
                serde_json::to_writer(&mut file, &entry)?;
                file.write_all(b"\n")?;
            }
            file.flush()
        })?;
        Ok((Tape { to: Some((to.clone(), folder.to_owned())) }, Writer { thread, to, path }))
    }

    /// Waits until everything is on disk. What a [`Tape`] is told from then on is forgotten.
    pub fn finish(self) -> Result<(), (PathBuf, io::Error)> {
        // A writer that is gone has a reason, which comes next.
        let _ = self.to.send(None);
        let result = self.thread.join().unwrap_or_else(|_| Err(io::Error::other("writing it broke off")));
        result.map_err(|error| (self.path, error))
    }
}

/// A journal that was read.
#[derive(Debug)]
pub struct Journal {
    pub folder: PathBuf,
    pub header: Header,
    /// All but the header.
    pub entries: Vec<Entry>,
}

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}:{line}: {error}", path.display())]
    Line { path: PathBuf, line: usize, error: String },
    #[error("{}: it does not tell what was run", .0.display())]
    NoHeader(PathBuf),
    #[error("{}: it is of version {found}, and this callwright reads version {VERSION}", path.display())]
    Version { path: PathBuf, found: u32 },
}

impl Journal {
    /// Reads the journal in a folder, or that file.
    ///
    /// A last line that broke off is left out: the run was killed, or its disk was full.
    pub fn read(path: &Path) -> Result<Journal, JournalError> {
        let path = if path.is_dir() { path.join(JOURNAL) } else { path.to_owned() };
        let unreadable = |source| JournalError::Read { path: path.clone(), source };
        let lines = BufReader::new(File::open(&path).map_err(unreadable)?).split(b'\n');
        let lines: Vec<Vec<u8>> = lines.collect::<io::Result<_>>().map_err(unreadable)?;
        let mut entries = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            match serde_json::from_slice::<Entry>(line) {
                Ok(entry) => entries.push(entry),
                Err(error) if index > 0 && index + 1 == lines.len() && error.is_eof() => break,
                Err(error) => {
                    return Err(JournalError::Line { path, line: index + 1, error: error.to_string() });
                }
            }
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        // Hosts may be connected before it is written.
        let header = entries.iter().position(|entry| matches!(entry.what, Record::Run(_)));
        let Some(Entry { what: Record::Run(header), .. }) = header.map(|at| entries.remove(at)) else {
            return Err(JournalError::NoHeader(path));
        };
        let header = *header;
        if header.version != VERSION {
            return Err(JournalError::Version { path, found: header.version });
        }
        Ok(Journal { folder, header, entries })
    }

    /// Where a recording is kept.
    pub fn audio(&self, name: &str) -> PathBuf {
        // A name out of the file leads to nowhere else.
        let name = Path::new(name).file_name().unwrap_or_default();
        self.folder.join(AUDIO).join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_as_it_was_written_without_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let (tape, writer) = Writer::start(folder.path()).unwrap();
        let at = Time::from_micros(7);
        tape.put(at, || Record::Run(Box::new(Header { version: VERSION, ..Header::default() })));
        tape.sent(at, 0, Line::Commands, b"auth secret\n\napi status\n\n");
        let bytes = Chunk::new(&[0xff, 0]);
        tape.put(at, || Record::Came { host: 0, line: Wire::Events, bytes });
        drop(tape);
        writer.finish().unwrap();
        let text = fs::read_to_string(folder.path().join(JOURNAL)).unwrap();
        assert!(!text.contains("secret"), "{text}");
        let journal = Journal::read(folder.path()).unwrap();
        let [Record::Sent { bytes: sent, .. }, Record::Came { bytes: came, .. }] =
            [&journal.entries[0].what, &journal.entries[1].what]
        else {
            panic!("{journal:?}")
        };
        assert_eq!(sent.bytes().unwrap(), b"auth ***\n\napi status\n\n");
        assert_eq!(came.bytes().unwrap(), [0xff, 0]);
        // The run was killed in the middle of a line.
        fs::write(folder.path().join(JOURNAL), &text[..text.len() - 5]).unwrap();
        assert_eq!(Journal::read(folder.path()).unwrap().entries.len(), 1);
    }

    #[test]
    fn what_is_no_journal_is_refused_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let error = |text: &str| {
            fs::write(folder.path().join(JOURNAL), text).unwrap();
            Journal::read(folder.path()).unwrap_err().to_string()
        };
        assert!(error("{\"at\":1,\"tick\":null}\n").contains("does not tell what was run"));
        assert!(error("nonsense\n{\"at\":1}\n").contains("journal.jsonl:1:"));
        let other = error(
            "{\"at\":1,\"run\":{\"version\":9,\"hosts\":[],\"tests\":[],\"conduct\":{\"max_fail\":null,\"retries\":0,\"timeout_us\":1,\"slow_us\":1},\"world\":{\"texts\":{},\"above\":{},\"variables\":{}}}}\n",
        );
        assert!(other.contains("version 9"), "{other}");
        assert!(Journal::read(Path::new("/nonexistent")).is_err());
    }

    #[test]
    fn a_full_disk_is_told_at_the_end_and_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        if std::os::unix::fs::symlink("/dev/full", folder.path().join(JOURNAL)).is_err() {
            return;
        }
        let (tape, writer) = Writer::start(folder.path()).unwrap();
        for _ in 0..10_000 {
            tape.put(Time::default(), || Record::Tick);
        }
        drop(tape);
        let (path, error) = writer.finish().unwrap_err();
        assert!(path.ends_with(JOURNAL) && error.kind() == io::ErrorKind::StorageFull, "{error}");
    }
}
