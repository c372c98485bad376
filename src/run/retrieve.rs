#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! Recordings off a host's disk, by the first way that serves: the path as it stands, a mapped folder, the event socket.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::core::ReadBack;
use super::download::{self, Download, DownloadError, Progress};
use super::mapping::Mapping;
use crate::audio::wav;
use crate::esl::{Command, Reply};
use crate::id::Ids;
use crate::units::Time;

/// Where a host's recordings can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// Written straight to where they are kept.
    InPlace,
    /// Written to the host's own disk.
    Remote(Remote),
}

/// What is known of a host's disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Folders of it that are ours as well.
    pub mappings: Vec<Mapping>,
    /// Our own folder, that recordings are brought to.
    pub folder: PathBuf,
    /// For a file that another machine wrote to appear, whole, in a folder that is shared.
    pub patience: Duration,
    pub originals: Originals,
}

/// What becomes of a recording on the host once it was brought here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Originals {
    /// It is removed, where the host lets us.
    Removed,
    /// It stays.
    Left,
}

impl Remote {
    /// With a patience of 5 s, which is more than network file systems keep what they know of a folder.
    pub fn new(mappings: Vec<Mapping>, folder: PathBuf) -> Self {
        Remote { mappings, folder, patience: Duration::from_secs(5), originals: Originals::Removed }
    }
}

/// A command for a host, and who waits for its reply.
#[derive(Debug)]
pub struct Ask {
    pub host: usize,
    pub command: Command,
    pub answer: oneshot::Sender<Reply>,
}

/// A host that can be asked.
#[derive(Clone, Debug)]
pub struct Talk {
    pub host: usize,
    pub asks: mpsc::UnboundedSender<Ask>,
}

/// For one reply.
const REPLY: Duration = Duration::from_secs(20);
/// Between two looks at a file.
const PAUSE: Duration = Duration::from_millis(100);

/// Brings the recording at `path`, on the host, to where it is kept, and reads it. `since` is when the test began.
pub async fn retrieve(path: PathBuf, files: &Files, talk: &Talk, since: Time) -> (PathBuf, ReadBack) {
    let kept = match files {
        Files::InPlace => path.clone(),
        Files::Remote(remote) => {
            let kept = remote.folder.join(path.file_name().unwrap_or(path.as_os_str()));
            if let Err(error) = bring(&path, &kept, remote, talk, since).await {
                return (path, ReadBack { kept, wav: Err(error) });
            }
            kept
        }
    };
    let reading = kept.clone();
    let read = tokio::task::spawn_blocking(move || wav::read(&reading).map_err(|error| error.to_string())).await;
    let wav = read.unwrap_or_else(|_| Err(format!("{}: reading it broke off", kept.display())));
    (path, ReadBack { kept, wav })
}

async fn bring(path: &Path, kept: &Path, remote: &Remote, talk: &Talk, since: Time) -> Result<(), String> {
    let folder = &remote.folder;
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let stands = match is_ours(path, talk, since).await {
        Ok(()) => match take(path, kept, remote).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        },
        Err(why) => why,
    };
    let mapped = match remote.mappings.iter().find_map(|mapping| mapping.local(path)) {
        Some(local) => match shared(path, &local, kept, remote, talk).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        },
        None if remote.mappings.is_empty() => "none is configured for this host".to_owned(),
        None => "none that is configured for this host has its folder".to_owned(),
    };
    let carried = match carry(path, kept, remote.originals, talk).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let parent = path.parent().unwrap_or(path).display();
    Err(format!(
        "{} could not be got off the host. The path as it stands: {stands}. A mapped folder: {mapped}. The event socket: \
         {carried}. Give `--recordings {parent}=FOLDER` with a folder that shows the host's, or allow the API command \
         `system` there",
        path.display()
    ))
}

/// Whether `path` on the host's disk is `path` on ours, and not a file of another disk that happens to be called so.
async fn is_ours(path: &Path, talk: &Talk, since: Time) -> Result<(), String> {
    let meta = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file on this machine".to_owned(),
        _ => error.to_string(),
    })?;
    if let Some(probe) = Probe::beside(path) {
        let seen = talk.ask(Command::api(&format!("file_exists {}", probe.0.display()))).await?;
        match seen.trim() {
            "true" => return Ok(()),
            "false" => {
                return Err(
                    "a file of this name is on this machine, but the host does not see what is written beside \
                            it"
                    .to_owned(),
                );
            }
            // A host that does not know the command.
            _ => {}
        }
    }
    if written_since(&meta, since) {
        return Ok(());
    }
    Err("a file of this name is on this machine, but it is older than the call".to_owned())
}

/// Whether a file was written to during the test. Its name has the call's own UUID in it.
fn written_since(meta: &fs::Metadata, since: Time) -> bool {
    // Some file systems count in steps of two seconds.
    let since = since - Duration::from_secs(2);
    let written = meta.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    written.is_some_and(|at| at >= Duration::from_micros(since.as_micros()))
}

/// An empty file of a name that no other has, until it is dropped.
struct Probe(PathBuf);

impl Probe {
    /// `None` where we may not write.
    fn beside(path: &Path) -> Option<Probe> {
        let probe = path.with_file_name(format!(".callwright-probe-{}", Ids::random().uuid()));
        fs::OpenOptions::new().write(true).create_new(true).open(&probe).ok()?;
        Some(Probe(probe))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Copies a file once it has stopped growing, and removes it where that is ours to do.
async fn take(path: &Path, kept: &Path, remote: &Remote) -> Result<(), String> {
    let deadline = Instant::now() + remote.patience;
    loop {
        let size = |path: &Path| fs::metadata(path).map(|meta| meta.len());
        let copied = size(path).and_then(|before| fs::copy(path, kept).and_then(|_| Ok((before, size(path)?))));
        match copied.map_err(|error| error.to_string())? {
            (before, after) if before == after => break,
            (before, after) if Instant::now() > deadline => {
                return Err(DownloadError::Growing { before, after }.to_string());
            }
            _ => sleep(PAUSE).await,
        }
    }
    if remote.originals == Originals::Removed {
        // A host whose files are not ours to remove keeps them.
        let _ = fs::remove_file(path);
    }
    Ok(())
}

/// Takes a file out of a folder that shows the host's, once it is there as the host has it. Where the host does not tell
/// size and checksum, once its header fits its length.
async fn shared(path: &Path, local: &Path, kept: &Path, remote: &Remote, talk: &Talk) -> Result<(), String> {
    let facts = talk.ask(download::ask_facts(path)).await.map(|reply| download::parse_facts(&reply));
    let deadline = Instant::now() + remote.patience;
    loop {
        let whole = match (fs::read(local), &facts) {
            (Err(error), _) => Err(format!("{}: {error}", local.display())),
            (Ok(bytes), Ok(Ok(facts))) if download::checksum(&bytes) != facts.checksum => Err(format!(
                "{} has {} bytes, which are not the {} that the host has",
                local.display(),
                bytes.len(),
                facts.size
            )),
            (Ok(_), Ok(Ok(_))) => Ok(()),
            (Ok(_), _) => match wav::read(local) {
                Ok(wav::Wav { repaired: None, .. }) => Ok(()),
                Ok(wav::Wav { repaired: Some(repaired), .. }) => Err(format!("{}: {repaired}", local.display())),
                Err(error) => Err(error.to_string()),
            },
        };
        match whole {
            Ok(()) => return take(local, kept, remote).await,
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Carries a file over the event socket, and removes it from the host where that is wanted.
async fn carry(path: &Path, kept: &Path, originals: Originals, talk: &Talk) -> Result<(), String> {
    let mut download = Download::new(path);
    let bytes = loop {
        let reply = talk.ask(download.command()).await?;
        match download.handle_reply(&reply).map_err(|error| error.to_string())? {
            Progress::More => {}
            Progress::Done(bytes) => break bytes,
        }
    };
    fs::write(kept, bytes).map_err(|error| format!("{}: {error}", kept.display()))?;
    if originals == Originals::Removed {
        // What is left on the host is in nobody's way.
        let _ = talk.ask(download::remove(path)).await;
    }
    Ok(())
}

impl Talk {
    /// The text of the host's reply.
    async fn ask(&self, command: Command) -> Result<String, String> {
        let (answer, answered) = oneshot::channel();
        let gone = || "the host is lost".to_owned();
        self.asks.send(Ask { host: self.host, command, answer }).map_err(|_| gone())?;
        match timeout(REPLY, answered).await {
            Ok(reply) => reply.map(|reply| reply.text).map_err(|_| gone()),
            Err(_) => Err(format!("the host did not reply within {REPLY:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host that gives each command to `reply`.
    fn host(reply: impl Fn(&str) -> String + Send + 'static) -> Talk {
        let (asks, mut asked) = mpsc::unbounded_channel::<Ask>();
        tokio::spawn(async move {
            while let Some(ask) = asked.recv().await {
                let text = reply(&ask.command.to_string());
                let _ = ask.answer.send(Reply { text, api: true });
            }
        });
        Talk { host: 0, asks }
    }

    fn recording(folder: &Path) -> PathBuf {
        let path = folder.join("u1-caller-1.wav");
        let mut writer = wav::Writer::create(&path, crate::units::SampleRate::NARROW, 1).unwrap();
        writer.write(&[1, 2, 3]).unwrap();
        writer.finish().unwrap();
        path
    }

    fn remote(folder: &Path, mappings: Vec<Mapping>) -> Files {
        Files::Remote(Remote {
            mappings,
            folder: folder.join("ours"),
            patience: Duration::ZERO,
            originals: Originals::Removed,
        })
    }

    const NOW: Time = Time::from_micros(0);
    const LATER: Time = Time::from_micros(u64::MAX / 2);

    #[tokio::test]
    async fn a_file_of_this_machine_is_taken_where_the_host_sees_what_we_write_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = recording(folder.path());
        let talk = host(|line| {
            let probe = line.strip_prefix("api file_exists ").unwrap();
            Path::new(probe).exists().to_string()
        });
        let (_, read) = retrieve(path.clone(), &remote(folder.path(), vec![]), &talk, LATER).await;
        assert_eq!(read.wav.unwrap().channels, [[1, 2, 3]]);
        assert!(!path.exists() && read.kept.exists());
        // Nothing but our folder is left.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn an_unrelated_file_of_the_same_name_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = recording(folder.path());
        let talk = host(|line| if line.contains("file_exists") { "false" } else { "-ERR no\n" }.to_owned());
        let (_, read) = retrieve(path.clone(), &remote(folder.path(), vec![]), &talk, NOW).await;
        let error = read.wav.unwrap_err();
        for part in [
            "but the host does not see what is written beside it",
            "A mapped folder: none is configured for this host.",
            "The event socket: the host refuses `system`: -ERR no.",
            "Give `--recordings /",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(path.exists() && !read.kept.exists());
    }

    #[tokio::test]
    async fn a_host_that_cannot_be_asked_is_believed_by_the_time_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = recording(folder.path());
        let files = remote(folder.path(), vec![]);
        let talk = host(|_| "-ERR Command not found!\n".to_owned());
        let (_, read) = retrieve(path.clone(), &files, &talk, LATER).await;
        assert!(read.wav.unwrap_err().contains("it is older than the call"));
        let (_, read) = retrieve(path, &files, &talk, NOW).await;
        assert_eq!(read.wav.unwrap().samples(), 3);
    }

    #[tokio::test]
    async fn a_mapped_file_is_taken_only_if_it_is_what_the_host_has() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = fs::read(recording(folder.path())).unwrap();
        let sum = download::checksum(&bytes);
        let size = bytes.len();
        let mapping = |local: &Path| vec![Mapping { host: None, remote: "/far".into(), local: local.to_owned() }];
        let files = remote(folder.path(), mapping(folder.path()));
        let path = PathBuf::from("/far/u1-caller-1.wav");
        let other = host(move |line| match line.contains("if [ -r ") {
            true => format!("{size}\n{}  -\n", "0".repeat(64)),
            false => "-ERR no\n".to_owned(),
        });
        let (_, read) = retrieve(path.clone(), &files, &other, NOW).await;
        let error = read.wav.unwrap_err();
        assert!(error.contains("which are not the 50 that the host has"), "{error}");
        let same = host(move |_| format!("{size}\n{sum}  -\n"));
        let (_, read) = retrieve(path, &files, &same, NOW).await;
        assert_eq!(read.wav.unwrap().samples(), 3);
    }

    #[tokio::test]
    async fn a_mapped_file_that_still_grows_is_no_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = recording(folder.path());
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend([0; 320]);
        fs::write(&path, bytes).unwrap();
        let mapping = Mapping { host: None, remote: "/far".into(), local: folder.path().to_owned() };
        let talk = host(|_| "-ERR no\n".to_owned());
        let files = remote(folder.path(), vec![mapping]);
        let (_, read) = retrieve("/far/gone.wav".into(), &files, &talk, NOW).await;
        assert!(read.wav.unwrap_err().contains("No such file"));
        fs::write(&path, [&fs::read(&path).unwrap()[..44], &[0; 2]].concat()).unwrap();
        let (_, read) = retrieve("/far/u1-caller-1.wav".into(), &files, &talk, NOW).await;
        assert!(read.wav.unwrap_err().contains("(truncated)"));
    }

    #[tokio::test]
    async fn a_lost_host_is_told_at_once() {
        let (asks, asked) = mpsc::unbounded_channel();
        drop(asked);
        let talk = Talk { host: 0, asks };
        let folder = tempfile::tempdir().unwrap();
        let (_, read) = retrieve("/far/x.wav".into(), &remote(folder.path(), vec![]), &talk, NOW).await;
        assert!(read.wav.unwrap_err().contains("The event socket: the host is lost"));
    }
}
