//! Call detail records read back, one after the other, however many there are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::CdrFormat;
use super::row::Row;
use crate::metrics::Cdr;

/// The records of a file.
///
/// A last line that was torn off, as a killed process leaves it, is no record and no error. A wrong line is an error,
/// and the next are read; nothing comes after an error of the disk.
#[derive(Debug)]
pub struct CdrReader {
    path: PathBuf,
    lines: Lines,
    /// There is no line break at the end of the file.
    unfinished: bool,
    /// Bytes of the file when it was opened.
    length: u64,
    /// The last line was torn off.
    torn: bool,
    /// Nothing more can be read.
    ended: bool,
}

enum Lines {
    Csv { reader: Box<csv::Reader<BufReader<File>>>, names: csv::StringRecord, next: csv::StringRecord },
    Json { reader: BufReader<File>, number: u64 },
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Lines::Csv { .. } => "Csv",
            Lines::Json { .. } => "Json",
        })
    }
}

/// Why records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CdrReadError {
    #[error("cannot read the call records {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the call records {} have no column `{column}`", path.display())]
    Column { path: PathBuf, column: &'static str },
    #[error("{}:{line}: {what}", path.display())]
    Line { path: PathBuf, line: u64, what: String },
    #[error("the call records {} are Parquet, which is written and not read here: take CSV or JSON lines", path.display())]
    Parquet { path: PathBuf },
}

impl CdrReader {
    /// Opens a file of CSV or JSON lines, as its name says.
    ///
    /// Fails where it cannot be read, and where it is CSV without a column that a record needs.
    pub fn open(path: impl AsRef<Path>) -> Result<CdrReader, CdrReadError> {
        let path = path.as_ref().to_owned();
        let failed = |source| CdrReadError::File { path: path.clone(), source };
        if path.extension().is_some_and(|extension| extension == "parquet") {
            return Err(CdrReadError::Parquet { path });
        }
        let mut file = File::open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let unfinished = length > 0 && is_unfinished(&mut file).map_err(failed)?;
        let lines = match CdrFormat::of(&path) {
            CdrFormat::JsonLines => Lines::Json { reader: BufReader::new(file), number: 0 },
            _ => {
                let mut reader = csv::ReaderBuilder::new().from_reader(BufReader::new(file));
                let names = reader.headers().map_err(|error| failed(io::Error::other(error)))?.clone();
                let missing = NEEDED.into_iter().find(|column| !names.iter().any(|name| name == *column));
                if let Some(column) = missing {
                    return Err(CdrReadError::Column { path, column });
                }
                Lines::Csv { reader: Box::new(reader), names, next: csv::StringRecord::new() }
            }
        };
        Ok(CdrReader { path, lines, unfinished, length, torn: false, ended: false })
    }

    /// Whether the last line was torn off, once it was come to.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    fn error(&mut self, source: io::Error) -> CdrReadError {
        self.ended = true;
        CdrReadError::File { path: self.path.clone(), source }
    }

    fn next_json(&mut self) -> Option<Result<Cdr, CdrReadError>> {
        loop {
            let Lines::Json { reader, number } = &mut self.lines else { return None };
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => *number += 1,
                Err(source) => return Some(Err(self.error(source))),
            }
            let whole = line.ends_with(b"\n");
            if line.trim_ascii().is_empty() {
                continue;
            }
            return match serde_json::from_slice(&line) {
                Ok(cdr) => Some(Ok(cdr)),
                Err(_) if !whole => {
                    self.torn = true;
                    None
                }
                Err(error) => {
                    let what = error.to_string();
                    // There is one line only.
                    let what = what.replacen(" at line 1 column", " at column", 1);
                    Some(Err(CdrReadError::Line { path: self.path.clone(), line: *number, what }))
                }
            };
        }
    }

    fn next_csv(&mut self) -> Option<Result<Cdr, CdrReadError>> {
        let Lines::Csv { reader, names, next } = &mut self.lines else { return None };
        let read = reader.read_record(next);
        let (line, what, cut) = match read {
            Ok(false) => return None,
            Ok(true) => {
                let line = next.position().map_or(0, csv::Position::line);
                let row = next.deserialize::<Row>(Some(names)).map_err(|error| told(&error, names));
                match row.and_then(Row::into_cdr) {
                    Ok(cdr) => return Some(Ok(cdr)),
                    Err(what) => (line, what, self.unfinished),
                }
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                match error.into_kind() {
                    csv::ErrorKind::Io(source) => return Some(Err(self.error(source))),
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        // A text that was torn off after a line break within it has one at the end, too.
                        (line, format!("{len} fields where there are {expected_len} columns"), len < expected_len)
                    }
                    csv::ErrorKind::Utf8 { err, .. } => (line, err.to_string(), self.unfinished),
                    other => (line, format!("{other:?}"), false),
                }
            }
        };
        if cut && reader.position().byte() >= self.length {
            self.torn = true;
            return None;
        }
        Some(Err(CdrReadError::Line { path: self.path.clone(), line, what }))
    }
}

impl Iterator for CdrReader {
    type Item = Result<Cdr, CdrReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match self.lines {
            Lines::Csv { .. } => self.next_csv(),
            Lines::Json { .. } => self.next_json(),
        };
        self.ended |= next.is_none();
        next
    }
}

/// Columns without which there is no record; the last is the last that is written, so that a torn line of names is told.
const NEEDED: [&str; 12] = [
    "call",
    "index",
    "app",
    "host",
    "hangup_cause",
    "verdict",
    "due",
    "launched",
    "ended",
    "active",
    "sessions",
    "figures",
];

fn is_unfinished(file: &mut File) -> io::Result<bool> {
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    file.rewind()?;
    Ok(last != *b"\n")
}

/// What is wrong with a row, with the name of its column.
fn told(error: &csv::Error, names: &csv::StringRecord) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let column = err.field().and_then(|field| names.get(usize::try_from(field).ok()?));
            column.map_or_else(|| err.kind().to_string(), |column| format!("{column}: {}", err.kind()))
        }
        _ => error.to_string(),
    }
}
