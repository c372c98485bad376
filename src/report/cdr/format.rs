//! How records are encoded.

use std::io::{self, Write};
use std::path::Path;

use super::row::Row;
use crate::metrics::Cdr;

/// How call detail records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CdrFormat {
    /// RFC 4180, with a line of names first.
    Csv,
    /// A JSON object a line: the record as it is, without what follows from it.
    JsonLines,
    /// The columns of CSV, compressed by column. It can be read only when it is whole.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl CdrFormat {
    /// What the name of a file says; CSV where it says nothing.
    pub fn of(path: &Path) -> CdrFormat {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson" | "json") => CdrFormat::JsonLines,
            #[cfg(feature = "parquet")]
            Some("parquet") => CdrFormat::Parquet,
            _ => CdrFormat::Csv,
        }
    }
}

/// Where records go.
pub(super) enum Sink {
    Csv(Box<csv::Writer<Box<dyn Write + Send>>>),
    JsonLines(Box<dyn Write + Send>),
    #[cfg(feature = "parquet")]
    Parquet(Box<super::parquet::Table>),
}

impl Sink {
    pub fn new(format: CdrFormat, out: impl Write + Send + 'static) -> io::Result<Sink> {
        let out: Box<dyn Write + Send> = Box::new(out);
        Ok(match format {
            CdrFormat::Csv => {
                let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(out);
                // A file without calls has its columns all the same.
                writer.write_record(super::COLUMNS.iter().map(|column| column.name)).map_err(io_error)?;
                Sink::Csv(Box::new(writer))
            }
            CdrFormat::JsonLines => Sink::JsonLines(out),
            #[cfg(feature = "parquet")]
            CdrFormat::Parquet => Sink::Parquet(Box::new(super::parquet::Table::new(out)?)),
        })
    }

    pub fn write(&mut self, cdr: &Cdr) -> io::Result<()> {
        match self {
            Sink::Csv(writer) => writer.serialize(Row::of(cdr)).map_err(io_error),
            Sink::JsonLines(out) => {
                // JSON has no word for them.
                let finite = cdr.figures.iter().all(|(_, value)| value.is_finite());
                let line = match finite {
                    true => serde_json::to_string(cdr),
                    false => {
                        let mut cdr = cdr.clone();
                        cdr.figures.retain(|(_, value)| value.is_finite());
                        serde_json::to_string(&cdr)
                    }
                };
                out.write_all((line? + "\n").as_bytes())
            }
            #[cfg(feature = "parquet")]
            Sink::Parquet(table) => table.write(cdr),
        }
    }

    /// Hands all that was written to the system.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Csv(writer) => writer.flush(),
            Sink::JsonLines(out) => out.flush(),
            // Its rows are written by the group.
            #[cfg(feature = "parquet")]
            Sink::Parquet(_) => Ok(()),
        }
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self {
            #[cfg(feature = "parquet")]
            Sink::Parquet(table) => table.finish(),
            Sink::Csv(_) | Sink::JsonLines(_) => Ok(()),
        }
    }
}

/// The error of the disk below that of the format.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
