//! A file of a host, carried over its event socket: sizes and checksums first, then the bytes in pieces as base64.
//!
//! The host runs `wc`, `sha256sum`, `dd` and `base64` for it, by the API command `system`. What arrives is held against
//! size and checksum, and the host is asked for both again at the end, so that a file that still grows is told from one
//! that came to harm.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::esl::Command;

/// Bytes of one piece: 64 KiB as base64, far below what an event socket carries in one reply.
pub const PIECE: u64 = 48 * 1024;

/// Larger files are not carried: an hour of stereo at 16 kHz has 220 MiB.
pub const LARGEST: u64 = 256 * 1024 * 1024;

/// A download under way. Give [`Download::command`] to the host and its reply to [`Download::handle_reply`].
#[derive(Debug)]
pub struct Download {
    /// As the host's shell takes it.
    path: String,
    phase: Phase,
    facts: Option<FileFacts>,
    bytes: Vec<u8>,
}

/// What the host says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// In bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal digits.
    pub checksum: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    First,
    Piece(u64),
    Last,
}

/// What a reply came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Ask on.
    More,
    /// All of the file, verified.
    Done(Vec<u8>),
}

/// Why a file could not be carried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    #[error("the host refuses `system`: {0}")]
    Refused(String),
    #[error("the host has no such file, or may not read it")]
    Missing,
    #[error("`wc` and `sha256sum` on the host say {0:?}, which is no size and checksum")]
    Facts(String),
    #[error("it has {0} bytes, more than the {LARGEST} that are carried over the event socket")]
    TooLarge(u64),
    #[error("{got} bytes came from byte {at} on where the host has {expected}")]
    Length { at: u64, expected: u64, got: u64 },
    #[error("what came from byte {at} on is no base64: {error}")]
    Garbled { at: u64, error: String },
    #[error("it is still growing: {before} bytes, then {after}")]
    Growing { before: u64, after: u64 },
    #[error("its checksum is {got} here and {expected} on the host")]
    Checksum { expected: String, got: String },
}

impl Download {
    /// `path` is on the host.
    pub fn new(path: &Path) -> Self {
        Download { path: quoted(path), phase: Phase::First, facts: None, bytes: Vec::new() }
    }

    /// What to ask the host next.
    pub fn command(&self) -> Command {
        let path = &self.path;
        match self.phase {
            Phase::First | Phase::Last => facts_command(path),
            Phase::Piece(piece) => {
                system(&format!("dd if={path} bs={PIECE} skip={piece} count=1 2>/dev/null | base64"))
            }
        }
    }

    /// Takes what the host replied to [`Download::command`].
    pub fn handle_reply(&mut self, reply: &str) -> Result<Progress, DownloadError> {
        match self.phase {
            Phase::First => {
                let facts = parse_facts(reply)?;
                if facts.size > LARGEST {
                    return Err(DownloadError::TooLarge(facts.size));
                }
                self.phase = if facts.size == 0 { Phase::Last } else { Phase::Piece(0) };
                self.facts = Some(facts);
            }
            Phase::Piece(piece) => {
                let size = self.facts.as_ref().map_or(0, |facts| facts.size);
                let at = piece * PIECE;
                self.take(reply, at, PIECE.min(size - at))?;
                let next = piece + 1;
                self.phase = if next * PIECE < size { Phase::Piece(next) } else { Phase::Last };
            }
            Phase::Last => return self.verify(&parse_facts(reply)?).map(Progress::Done),
        }
        Ok(Progress::More)
    }

    fn take(&mut self, reply: &str, at: u64, expected: u64) -> Result<(), DownloadError> {
        if reply.starts_with('-') {
            return Err(DownloadError::Refused(reply.trim().to_owned()));
        }
        let text: String = reply.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(text).map_err(|error| DownloadError::Garbled { at, error: error.to_string() })?;
        let got = bytes.len() as u64;
        if got != expected {
            return Err(DownloadError::Length { at, expected, got });
        }
        self.bytes.extend(bytes);
        Ok(())
    }

    fn verify(&mut self, now: &FileFacts) -> Result<Vec<u8>, DownloadError> {
        let before = self.facts.as_ref().unwrap_or(now);
        if before.size != now.size {
            return Err(DownloadError::Growing { before: before.size, after: now.size });
        }
        let got = checksum(&self.bytes);
        if got != now.checksum {
            return Err(DownloadError::Checksum { expected: now.checksum.clone(), got });
        }
        Ok(std::mem::take(&mut self.bytes))
    }
}

/// Asks for size and checksum of a file, to be read by [`parse_facts`].
pub fn ask_facts(path: &Path) -> Command {
    facts_command(&quoted(path))
}

fn facts_command(path: &str) -> Command {
    system(&format!("if [ -r {path} ]; then wc -c <{path}; sha256sum <{path}; else echo missing; fi"))
}

/// Removes a file of the host's.
pub fn remove(path: &Path) -> Command {
    system(&format!("rm -f -- {}", quoted(path)))
}

/// Reads the reply to [`ask_facts`].
pub fn parse_facts(reply: &str) -> Result<FileFacts, DownloadError> {
    let reply = reply.trim();
    if reply.starts_with('-') || reply.starts_with("INVALID COMMAND") {
        return Err(DownloadError::Refused(reply.to_owned()));
    }
    if reply == "missing" {
        return Err(DownloadError::Missing);
    }
    let mut words = reply.split_ascii_whitespace();
    let size = words.next().and_then(|word| word.parse().ok());
    let digits = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let checksum = words.next().filter(digits).map(str::to_ascii_lowercase);
    match (size, checksum) {
        (Some(size), Some(checksum)) => Ok(FileFacts { size, checksum }),
        _ => Err(DownloadError::Facts(reply.chars().take(80).collect())),
    }
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn system(line: &str) -> Command {
    Command::Api { name: "system".to_owned(), arguments: line.to_owned() }
}

/// A path as a POSIX shell takes it. One that begins with a dash is no option, since the host's paths are absolute.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host with one file, that answers as a shell would.
    struct Shell {
        file: Vec<u8>,
        /// What becomes of each reply.
        spoil: fn(usize, String) -> String,
        asked: Vec<String>,
    }

    impl Shell {
        fn new(size: usize, spoil: fn(usize, String) -> String) -> Self {
            let file = (0..size).map(|n| (n * 31 % 251) as u8).collect();
            Shell { file, spoil, asked: Vec::new() }
        }

        fn download(&mut self) -> Result<Vec<u8>, DownloadError> {
            let mut download = Download::new(Path::new("/rec/it's $HOME.wav"));
            loop {
                let Command::Api { arguments, .. } = download.command() else { panic!("no API command") };
                let number = |key: &str| arguments.split(key).nth(1)?.split(' ').next()?.parse::<usize>().ok();
                let reply = match number("skip=") {
                    None => format!("{}\n{}  -\n", self.file.len(), checksum(&self.file)),
                    Some(piece) => {
                        let piece = self.file.chunks(PIECE as usize).nth(piece).unwrap_or_default();
                        format!("{}\n", STANDARD.encode(piece))
                    }
                };
                let reply = (self.spoil)(self.asked.len(), reply);
                self.asked.push(arguments);
                if let Progress::Done(bytes) = download.handle_reply(&reply)? {
                    return Ok(bytes);
                }
            }
        }
    }

    #[test]
    fn every_size_arrives_whole_and_in_as_few_pieces_as_can_be() {
        let piece = PIECE as usize;
        for (size, asked) in [(0, 2), (1, 3), (piece - 1, 3), (piece, 3), (piece + 1, 4), (3 * piece, 5)] {
            let mut shell = Shell::new(size, |_, reply| reply);
            assert_eq!(shell.download().as_ref(), Ok(&shell.file), "{size}");
            assert_eq!(shell.asked.len(), asked, "{size}: {:?}", shell.asked);
        }
    }

    #[test]
    fn the_checksum_is_sha_256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(checksum(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_path_is_quoted_for_the_shell() {
        let mut shell = Shell::new(1, |_, reply| reply);
        shell.download().unwrap();
        assert!(shell.asked.iter().all(|line| line.contains(r"'/rec/it'\''s $HOME.wav'")), "{:?}", shell.asked);
    }

    #[test]
    fn what_does_not_arrive_as_it_was_is_told() {
        let truncated = Shell::new(100_000, |n, reply| if n == 2 { "AAAA\n".into() } else { reply }).download();
        assert_eq!(truncated, Err(DownloadError::Length { at: PIECE, expected: PIECE, got: 3 }));
        let oversized = Shell::new(3, |n, reply| if n == 1 { "AAAAAAAA\n".into() } else { reply }).download();
        assert_eq!(oversized, Err(DownloadError::Length { at: 0, expected: 3, got: 6 }));
        let changed = Shell::new(3, |n, reply| if n == 1 { "AAAA\n".into() } else { reply }).download();
        assert!(matches!(changed, Err(DownloadError::Checksum { .. })), "{changed:?}");
        let garbled = Shell::new(3, |n, reply| if n == 1 { "A?==\n".into() } else { reply }).download();
        assert!(matches!(garbled, Err(DownloadError::Garbled { at: 0, .. })), "{garbled:?}");
        let growing = Shell::new(3, |n, reply| if n == 2 { format!("9{reply}") } else { reply }).download();
        assert_eq!(growing, Err(DownloadError::Growing { before: 3, after: 93 }));
        let huge = Shell::new(3, |_, reply| format!("999999999{reply}")).download();
        assert_eq!(huge, Err(DownloadError::TooLarge(9_999_999_993)));
    }

    #[test]
    fn a_refusal_a_missing_file_and_missing_programs_are_told_apart() {
        let told = |reply: &str| parse_facts(reply).unwrap_err().to_string();
        assert_eq!(told("-ERR no reply\n"), "the host refuses `system`: -ERR no reply");
        assert_eq!(told("missing\n"), "the host has no such file, or may not read it");
        let missing = told("1221\n");
        assert!(missing.starts_with("`wc` and `sha256sum` on the host say \"1221\""), "{missing}");
        assert!(told("").contains("no size and checksum"));
    }
}
