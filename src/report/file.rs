//! A report's file: there is none, or it is whole.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::ReportError;

/// Where a report goes. The text is written beside the file and renamed over it, so that a reader never finds half.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
}

impl ReportFile {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        ReportFile { path: path.into() }
    }

    /// Makes the folder, removes the report of an earlier run (a run that crashes must not leave that one behind), and
    /// finds out now whether the report can be written at the end.
    pub fn prepare(&self) -> Result<(), ReportError> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|source| ReportError::Folder { folder: folder.to_owned(), source })?;
        }
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(self.error(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")));
            }
            // A pipe or device is written to as it stands.
            Ok(metadata) if !metadata.is_file() => return Ok(()),
            Ok(_) => fs::remove_file(self.target()).map_err(|source| self.error(source))?,
            Err(_) => {}
        }
        let beside = self.beside()?;
        fs::File::create(&beside).and_then(|_| fs::remove_file(&beside)).map_err(|source| self.error(source))
    }

    /// Writes the report.
    pub fn write(&self, content: impl AsRef<[u8]>) -> Result<(), ReportError> {
        if fs::metadata(&self.path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            return fs::write(&self.path, content).map_err(|source| self.error(source));
        }
        let beside = self.beside()?;
        fs::write(&beside, content).and_then(|()| fs::rename(&beside, self.target())).map_err(|source| {
            // Best effort: the error that counts is the one above.
            let _ = fs::remove_file(&beside);
            self.error(source)
        })
    }

    /// The file itself where the path is a link to it.
    fn target(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }

    fn beside(&self) -> Result<PathBuf, ReportError> {
        let target = self.target();
        let Some(name) = target.file_name() else {
            return Err(self.error(io::Error::new(io::ErrorKind::InvalidInput, "it has no file name")));
        };
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.tmp", std::process::id()));
        Ok(target.with_file_name(beside))
    }

    fn error(&self, source: io::Error) -> ReportError {
        ReportError::File { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_appears_whole_in_a_folder_that_is_made_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = ReportFile::new(folder.path().join("new/deep/junit.xml"));
        file.prepare().unwrap();
        assert!(!file.path.exists());
        file.write("one").unwrap();
        file.write("two").unwrap();
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "two");
        assert_eq!(fs::read_dir(file.path.parent().unwrap()).unwrap().count(), 1, "something was left beside it");
    }

    #[test]
    fn the_report_of_an_earlier_run_is_gone_once_a_run_starts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("junit.xml");
        fs::write(&path, "green").unwrap();
        ReportFile::new(&path).prepare().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let error = ReportFile::new(folder.path().join("file/junit.xml")).prepare().unwrap_err().to_string();
        assert!(error.contains("cannot make the folder") && error.contains("file"), "{error}");
        let error = ReportFile::new(folder.path()).prepare().unwrap_err().to_string();
        assert!(error.contains("it is a folder") && error.contains(&*folder.path().to_string_lossy()), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_a_device_written_to_as_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.xml"), folder.path().join("link.xml"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        ReportFile::new(&link).write("new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let null = ReportFile::new("/dev/null");
        null.prepare().unwrap();
        null.write("text").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
