#![expect(clippy::disallowed_methods, reason = "IO shell: a thread that writes, and the clock it flushes by")]
//! Call detail records in files: written while the load runs, read back for plots.
//!
//! `row` has the columns of CSV, with the names that they had in switchy.

mod format;
#[cfg(feature = "parquet")]
mod parquet;
mod read;
mod row;

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

pub use format::CdrFormat;
pub use read::{CdrReadError, CdrReader};
pub use row::COLUMNS;

use super::ReportError;
use crate::metrics::Cdr;
use format::Sink;

/// Writes call detail records to a file, on a thread of its own.
///
/// Whoever has a record to write never waits. What was written is with the system within a second.
#[derive(Debug)]
pub struct CdrWriter {
    path: PathBuf,
    sender: SyncSender<Cdr>,
    thread: JoinHandle<io::Result<()>>,
    /// Records for which the thread had no room.
    missed: u64,
}

/// Records that may wait to be written: half a minute of 2,000 calls a second.
const ROOM: usize = 60_000;

/// How long a record may wait to be handed to the system.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

impl CdrWriter {
    /// Makes the file `path` anew, with its folder, and begins to write to it.
    ///
    /// Fails where it cannot be made; later errors are told by [`finish`](Self::finish).
    pub fn start(path: impl Into<PathBuf>, format: CdrFormat) -> Result<CdrWriter, ReportError> {
        let path = path.into();
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|source| ReportError::Folder { folder: folder.to_owned(), source })?;
        }
        let failed = |source| ReportError::File { path: path.clone(), source };
        let file = File::create(&path).map_err(failed)?;
        let sink = Sink::new(format, BufWriter::new(file)).map_err(failed)?;
        let (sender, receiver) = sync_channel(ROOM);
        let thread = Builder::new().name("call records".to_owned());
        let thread = thread.spawn(move || write_all(&receiver, sink, FLUSH_EVERY)).map_err(failed)?;
        Ok(CdrWriter { path, sender, thread, missed: 0 })
    }

    /// Hands a record over to be written.
    pub fn write(&mut self, cdr: Cdr) {
        match self.sender.try_send(cdr) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.missed += 1,
            // The thread stopped at an error, which is told at the end.
            Err(TrySendError::Disconnected(_)) => {}
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is left. Fails where the file could not be written, or lacks records.
    pub fn finish(self) -> Result<(), ReportError> {
        let CdrWriter { path, sender, thread, missed } = self;
        drop(sender);
        let written = thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes it panicked")));
        match written {
            Err(source) => Err(ReportError::File { path, source }),
            Ok(()) if missed > 0 => Err(ReportError::Missed { path, count: missed }),
            Ok(()) => Ok(()),
        }
    }
}

/// Writes records until nobody has any more, and flushes them at least so often.
fn write_all(records: &Receiver<Cdr>, mut sink: Sink, flush_every: Duration) -> io::Result<()> {
    let mut flushed = Instant::now();
    let mut waiting = false;
    loop {
        match records.recv_timeout(flush_every.saturating_sub(flushed.elapsed())) {
            Ok(cdr) => {
                sink.write(&cdr)?;
                waiting = true;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return sink.finish(),
        }
        if flushed.elapsed() >= flush_every {
            if std::mem::take(&mut waiting) {
                sink.flush()?;
            }
            flushed = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::metrics::sample::{answered, refused};

    /// Tells when it is flushed.
    struct Flushes(Sender<usize>, usize);

    impl Write for Flushes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.send(self.1).map_err(io::Error::other)
        }
    }

    /// Calls of all kinds, with texts that need quotes.
    fn cdrs() -> Vec<Cdr> {
        let mut odd = answered(2);
        odd.reason = "said \"no\", then\nhung up; ünïcode".to_owned();
        odd.callee_host = Some("west".to_owned());
        let lost = Cdr { caller: None, callee: None, begun: None, job_ended: None, sip_code: None, ..answered(3) };
        vec![answered(0), refused(1, "USER_BUSY"), odd, lost]
    }

    fn written(format: CdrFormat, name: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join(name);
        let mut writer = CdrWriter::start(&path, format).unwrap();
        cdrs().into_iter().for_each(|cdr| writer.write(cdr));
        writer.finish().unwrap();
        (folder, path)
    }

    fn read(path: &Path) -> Vec<Result<Cdr, String>> {
        CdrReader::open(path).unwrap().map(|read| read.map_err(|error| error.to_string())).collect()
    }

    const FORMATS: [(CdrFormat, &str); 2] = [(CdrFormat::Csv, "calls.csv"), (CdrFormat::JsonLines, "calls.jsonl")];

    #[test]
    fn what_is_written_reads_back_the_same() {
        for (format, name) in FORMATS {
            let (_folder, path) = written(format, name);
            assert_eq!(read(&path), cdrs().into_iter().map(Ok).collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn figures_that_are_no_numbers_are_left_out() {
        for (format, name) in FORMATS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            let mut writer = CdrWriter::start(&path, format).unwrap();
            let figures = vec![("a".to_owned(), f64::NAN), ("b".to_owned(), 1.5), ("c".to_owned(), f64::INFINITY)];
            writer.write(Cdr { figures, ..answered(0) });
            writer.finish().unwrap();
            assert_eq!(read(&path)[0].as_ref().unwrap().figures, [("b".to_owned(), 1.5)], "{name}");
        }
    }

    #[test]
    fn a_file_cut_off_anywhere_reads_as_the_whole_records_before() {
        for (format, name) in FORMATS {
            let (_folder, path) = written(format, name);
            let whole = fs::read(&path).unwrap();
            let mut counts = Vec::new();
            for cut in (0..whole.len()).step_by(5) {
                fs::write(&path, &whole[..cut]).unwrap();
                let Ok(reader) = CdrReader::open(&path) else {
                    assert!(counts.is_empty(), "{name} cut at {cut}");
                    continue;
                };
                let read: Vec<_> = reader.map(|read| read.map_err(|error| error.to_string())).collect();
                let expected: Vec<_> = cdrs().into_iter().take(read.len()).map(Ok).collect();
                assert_eq!(read, expected, "{name} cut at {cut} of {}", whole.len());
                counts.push(read.len());
            }
            assert!(counts.is_sorted(), "{name}");
            counts.dedup();
            assert_eq!(counts[..4], [0, 1, 2, 3], "{name}");
        }
    }

    #[test]
    fn a_wrong_line_is_told_with_its_number_and_those_after_it_are_read() {
        let (_folder, path) = written(CdrFormat::JsonLines, "calls.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("\"index\":1,", "\"index\":\"one\",", 1)).unwrap();
        let told = read(&path);
        let error = told[1].as_ref().unwrap_err();
        assert!(error.contains("calls.jsonl:2: invalid type: string \"one\", expected u64"), "{error}");
        assert_eq!(told.iter().filter(|read| read.is_ok()).count(), 3);

        let (_folder, path) = written(CdrFormat::Csv, "calls.csv");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("\ncall-1,1,", "\ncall-1,one,", 1)).unwrap();
        let told = read(&path);
        let error = told[1].as_ref().unwrap_err();
        assert!(error.contains("calls.csv:3: ") && error.contains("index"), "{error}");
        assert_eq!(told.iter().filter(|read| read.is_ok()).count(), 3);
    }

    #[test]
    fn the_columns_stay_as_they_are() {
        let (_folder, path) = written(CdrFormat::Csv, "calls.csv");
        let text = fs::read_to_string(&path).unwrap();
        let head = text.lines().next().unwrap();
        let columns: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(head, columns.join(","));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_full_disk_stops_nobody_and_is_told_at_the_end() {
        if !Path::new("/dev/full").exists() {
            eprintln!("skipped: there is no /dev/full");
            return;
        }
        let mut writer = CdrWriter::start("/dev/full", CdrFormat::JsonLines).unwrap();
        (0..100).for_each(|index| writer.write(answered(index)));
        let error = writer.finish().unwrap_err().to_string();
        assert!(error.starts_with("cannot write the report /dev/full: No space left"), "{error}");
    }

    #[test]
    fn records_are_handed_to_the_system_while_more_may_come() {
        for (format, _) in FORMATS {
            let (flushes, flushed) = channel();
            let (sender, receiver) = sync_channel(10);
            let sink = Sink::new(format, Flushes(flushes, 0)).unwrap();
            let thread = std::thread::spawn(move || write_all(&receiver, sink, Duration::ZERO));
            sender.send(answered(0)).unwrap();
            assert!(flushed.recv().unwrap() > 100);
            drop(sender);
            thread.join().unwrap().unwrap();
        }
    }

    #[test]
    fn a_slow_disk_costs_records_and_no_time() {
        // Nobody takes the records.
        let (sender, receiver) = sync_channel(2);
        let (done, wait) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let _ = wait.recv();
            drop(receiver);
            Ok(())
        });
        let mut writer = CdrWriter { path: "calls.csv".into(), sender, thread, missed: 0 };
        (0..5).for_each(|index| writer.write(answered(index)));
        drop(done);
        let error = writer.finish().unwrap_err().to_string();
        assert_eq!(error, "3 call records are missing from calls.csv: writing them was slower than the load");
    }
}
