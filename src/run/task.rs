#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The task that runs a run: it owns the hosts' handles, the clock, the recordings' files and the reports.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::audio::wav;
use crate::clock::Clock;
use crate::host::task::Host;
use crate::host::{HostEvent, Request};
use crate::id::Ids;
use crate::scenario::Judgement;

use super::core::{ReadBack, Recordings, RunCore, RunHost, RunOutput, Test};
use super::{RunEvent, Summary};

/// A host to run on: its task, and what the run knows of it.
#[derive(Debug)]
pub struct Hosted {
    pub about: RunHost,
    pub host: Host,
    /// Whether its disk is ours, so that a recording's path is true here.
    pub recordings: Files,
}

/// Where a host's recordings can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// Written straight to where they are kept.
    InPlace,
    /// Written to the host's own folder; those worth keeping are copied to ours.
    CopiedTo(PathBuf),
}

/// Runs `tests` on `hosts` to the end and tells `report` of everything as it happens.
///
/// `interrupts` brings one message for each Ctrl-C: the first hangs up the run's calls and lets it end.
pub async fn run(
    hosts: Vec<Hosted>,
    tests: Vec<Test>,
    clock: Clock,
    mut interrupts: mpsc::Receiver<()>,
    mut report: impl FnMut(&RunEvent),
) -> Summary {
    let (events, mut inbox) = mpsc::channel(1_024);
    let mut requests: Vec<mpsc::UnboundedSender<Request>> = Vec::new();
    let mut abouts = Vec::new();
    let mut files = Vec::new();
    for (index, Hosted { about, mut host, recordings }) in hosts.into_iter().enumerate() {
        requests.push(host.requester());
        abouts.push(about);
        files.push(recordings);
        let events: mpsc::Sender<(usize, HostEvent)> = events.clone();
        tokio::spawn(async move {
            while let Some(event) = host.events.recv().await {
                if events.send((index, event)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(events);
    let homes: Vec<usize> = tests.iter().map(|test| test.host).collect();
    let (read, mut readings) = mpsc::unbounded_channel::<(usize, Recordings)>();
    let (judged, mut judgements) = mpsc::unbounded_channel::<(usize, Judgement)>();
    let mut core = RunCore::new(clock.now(), abouts, tests, Ids::random());
    loop {
        while let Some(output) = core.poll_output() {
            match output {
                RunOutput::Request { host, request } => {
                    // A host whose task is gone told so: its tests end by that.
                    let _ = requests[host].send(request);
                }
                RunOutput::Read { test, paths } => {
                    let read = read.clone();
                    let files = files[homes[test]].clone();
                    tokio::task::spawn_blocking(move || {
                        let recordings = paths.into_iter().map(|path| read_recording(path, &files)).collect();
                        let _ = read.send((test, recordings));
                    });
                }
                RunOutput::Judge { test, outcome } => {
                    let judged = judged.clone();
                    tokio::task::spawn_blocking(move || {
                        let _ = judged.send((test, outcome.judge()));
                    });
                }
                RunOutput::Discard(paths) => {
                    for path in paths {
                        let _ = std::fs::remove_file(path);
                    }
                }
                RunOutput::Report(event) => report(&event),
            }
        }
        if let Some(summary) = core.ended() {
            return summary;
        }
        let due = core.poll_timeout().map_or(Duration::from_secs(3600), |at| clock.until(at));
        tokio::select! {
            Some((host, event)) = inbox.recv() => {
                core.handle_host(clock.now(), host, event);
                // What has already come is taken in one go.
                while let Ok((host, event)) = inbox.try_recv() {
                    core.handle_host(clock.now(), host, event);
                }
            }
            Some((test, recordings)) = readings.recv() => core.handle_recordings(test, recordings),
            Some((test, judgement)) = judgements.recv() => core.handle_judgement(clock.now(), test, judgement),
            Some(()) = interrupts.recv() => core.interrupt(clock.now()),
            () = sleep(due) => core.handle_timeout(clock.now()),
        }
    }
}

/// Reads a recording where it can be found, and moves it to where it is kept.
fn read_recording(path: PathBuf, files: &Files) -> (PathBuf, ReadBack) {
    let kept = match files {
        Files::InPlace => path.clone(),
        Files::CopiedTo(folder) => {
            let kept = folder.join(path.file_name().unwrap_or(path.as_os_str()));
            if let Err(error) = fetch(&path, folder, &kept) {
                return (path, ReadBack { kept, wav: Err(error) });
            }
            kept
        }
    };
    let wav = wav::read(&kept).map_err(|error| error.to_string());
    (path, ReadBack { kept, wav })
}

/// Takes a recording out of the host's folder into ours.
fn fetch(path: &Path, folder: &Path, kept: &Path) -> Result<(), String> {
    let copied = std::fs::create_dir_all(folder).and_then(|()| std::fs::copy(path, kept));
    copied.map_err(|error| {
        format!("{}: {error}; the host wrote it on its own disk, which is not this one", path.display())
    })?;
    // A host whose files are not ours to remove keeps them.
    let _ = std::fs::remove_file(path);
    Ok(())
}
