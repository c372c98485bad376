//! A report that is written while the run goes on: a killed run leaves what was written until then.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use super::ReportError;

/// Where a report is written, piece by piece.
pub struct Stream {
    to: To,
}

enum To {
    /// Not begun yet.
    Path(PathBuf),
    File(File, PathBuf),
    Out(Box<dyn Write + Send>),
    /// Its reader went away (`| head`): nothing more is written.
    Gone,
}

impl Stream {
    /// To the file `path`, which is made anew, with its folder, at the first piece.
    pub fn file(path: impl Into<PathBuf>) -> Stream {
        Stream { to: To::Path(path.into()) }
    }

    pub fn stdout() -> Stream {
        Stream::new(io::stdout())
    }

    pub fn new(out: impl Write + Send + 'static) -> Stream {
        Stream { to: To::Out(Box::new(out)) }
    }

    /// Writes `text` and hands it to the system, so that it is there whatever becomes of this process.
    pub fn write(&mut self, text: &str) -> Result<(), ReportError> {
        if let To::Path(path) = &self.to {
            let path = path.clone();
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                fs::create_dir_all(folder)
                    .map_err(|source| ReportError::Folder { folder: folder.to_owned(), source })?;
            }
            let file = File::create(&path).map_err(|source| ReportError::File { path: path.clone(), source })?;
            self.to = To::File(file, path);
        }
        match &mut self.to {
            To::File(file, path) => {
                file.write_all(text.as_bytes()).map_err(|source| ReportError::File { path: path.clone(), source })
            }
            To::Out(out) => match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    self.to = To::Gone;
                    Ok(())
                }
                result => result.map_err(ReportError::Output),
            },
            To::Path(_) | To::Gone => Ok(()),
        }
    }

    /// A run that never began leaves no report, not even that of an earlier run.
    pub fn finish(&mut self) -> Result<(), ReportError> {
        match &self.to {
            To::Path(path) if path.is_file() => {
                fs::remove_file(path).map_err(|source| ReportError::File { path: path.clone(), source })
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.to {
            To::Path(path) | To::File(_, path) => f.debug_tuple("Stream").field(path).finish(),
            To::Out(_) | To::Gone => f.write_str("Stream"),
        }
    }
}
