//! Files that an argument names: a file, a folder with all that is in it, or a glob.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::SelectError;
use crate::scenario::diagnostic::did_you_mean;

/// The scenario files that `path` names, by name.
///
/// What begins with `_` is for other scenarios to use and none itself, what begins with a full stop is hidden; a file that
/// is named itself is read in any case.
pub(super) fn files(path: &str) -> Result<Vec<PathBuf>, SelectError> {
    let at = Path::new(path);
    if at.is_dir() {
        walk(at)
    } else if at.exists() {
        Ok(vec![at.to_owned()])
    } else if is_glob(path) {
        matching(path)
    } else {
        Err(missing(at))
    }
}

fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

fn walk(folder: &Path) -> Result<Vec<PathBuf>, SelectError> {
    let unreadable =
        |error: std::io::Error| SelectError::Unreadable { path: folder.to_owned(), error: error.to_string() };
    let mut found = Vec::new();
    let mut entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with(['_', '.']) {
            continue;
        }
        if path.is_dir() {
            found.extend(walk(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(path);
        }
    }
    Ok(found)
}

/// `*` and `?` stop at `/`, `**` does not. A folder that matches is all that is in it, as where a shell puts it in.
fn matching(pattern: &str) -> Result<Vec<PathBuf>, SelectError> {
    let fixed: PathBuf = Path::new(pattern).iter().take_while(|part| !is_glob(&part.to_string_lossy())).collect();
    let bad =
        |error: globset::Error| SelectError::Glob { pattern: pattern.to_owned(), error: error.kind().to_string() };
    let glob = GlobBuilder::new(pattern).literal_separator(true).build().map_err(bad)?.compile_matcher();
    let here = fixed.as_os_str().is_empty();
    let root = if here { Path::new(".") } else { &fixed };
    if !root.is_dir() {
        return Err(missing(root));
    }
    let all = walk(root)?.into_iter();
    let all = all.map(|path| if here { path.strip_prefix(".").map(Path::to_owned).unwrap_or(path) } else { path });
    let found: Vec<PathBuf> = all.filter(|path| is_match(&glob, path, &fixed)).collect();
    if found.is_empty() {
        return Err(SelectError::NoMatch(pattern.to_owned()));
    }
    Ok(found)
}

/// Whether `path`, or a folder that it is in below `fixed`, matches.
fn is_match(glob: &GlobMatcher, path: &Path, fixed: &Path) -> bool {
    let below = path.ancestors().take_while(|part| *part != fixed && !part.as_os_str().is_empty());
    below.into_iter().any(|part| glob.is_match(part))
}

fn missing(path: &Path) -> SelectError {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let there: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let meant = did_you_mean(&name, there.iter().map(String::as_str)).map(|meant| path.with_file_name(meant));
    SelectError::Missing { path: path.to_owned(), meant }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a/dtmf1.yaml", "a/tone.yml", "a/b/dtmf2.yaml", "a/_b/dtmf3.yaml", "a/.x/dtmf4.yaml", "a/read.me"]
        {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    fn found(folder: &Path, pattern: &str) -> Vec<String> {
        let files = files(&format!("{}/{pattern}", folder.display())).unwrap_or_else(|error| panic!("{error}"));
        files.iter().map(|file| file.strip_prefix(folder).unwrap().display().to_string()).collect()
    }

    #[test]
    fn globs_folders_and_files_name_scenario_files() {
        let folder = disk();
        let found = |pattern: &str| found(folder.path(), pattern);
        let all = ["a/b/dtmf2.yaml", "a/dtmf1.yaml", "a/tone.yml"];
        assert_eq!(found("a"), all);
        assert_eq!(found("a/**/dtmf*.yaml"), all[..2]);
        assert_eq!(found("a/*.yaml"), all[1..2]);
        assert_eq!(found("a/*"), all);
        assert_eq!(found("**/b"), all[..1]);
        assert_eq!(found("a/{b,x}/*"), all[..1]);
        assert_eq!(found("a/dtmf[0-9].y?ml"), all[1..2]);
        // One that is named is read, whatever it is called.
        assert_eq!(found("a/_b/dtmf3.yaml"), ["a/_b/dtmf3.yaml"]);
        assert_eq!(found("a/read.me"), ["a/read.me"]);
    }

    #[test]
    fn a_file_with_the_name_of_a_glob_is_that_file() {
        let folder = disk();
        std::fs::write(folder.path().join("a/dtmf[1].yaml"), "").unwrap();
        assert_eq!(found(folder.path(), "a/dtmf[1].yaml"), ["a/dtmf[1].yaml"]);
    }

    #[test]
    fn what_names_nothing_is_told() {
        let folder = disk();
        let told = |pattern: &str| {
            let error = files(&format!("{}/{pattern}", folder.path().display())).unwrap_err();
            error.to_string().replace(&folder.path().display().to_string(), "DIR")
        };
        assert_eq!(told("a/dtfm1.yaml"), "DIR/a/dtfm1.yaml: no such file or folder; did you mean DIR/a/dtmf1.yaml?");
        assert_eq!(told("a/zebra.yaml"), "DIR/a/zebra.yaml: no such file or folder");
        assert_eq!(told("aa/*.yaml"), "DIR/aa: no such file or folder; did you mean DIR/a?");
        assert_eq!(told("a/*.zebra"), "DIR/a/*.zebra: no scenario file matches");
        assert!(told("a/[.yaml").starts_with("DIR/a/[.yaml is no pattern of file names: "), "{}", told("a/[.yaml"));
    }
}
