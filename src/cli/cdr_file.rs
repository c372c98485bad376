//! Files of call detail records, for the subcommands that take them.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::metrics::Cdr;

/// Why a file, or what follows in it, has no records to give.
#[derive(Debug, thiserror::Error)]
pub(super) enum CdrError {
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error("line {line} is no call detail record: {source}")]
    Line { line: u64, source: serde_json::Error },
    /// Its writer was stopped.
    #[error("line {0}, the last, breaks off within a record")]
    CutOff(u64),
}

/// The records of the file, one JSON object a line; empty lines count for nothing.
pub(super) fn read(path: &Path) -> Result<impl Iterator<Item = Result<Cdr, CdrError>> + use<>, CdrError> {
    Ok(records(BufReader::new(File::open(path)?)))
}

fn records(mut reader: impl BufRead) -> impl Iterator<Item = Result<Cdr, CdrError>> {
    let (mut bytes, mut line) = (Vec::new(), 0);
    std::iter::from_fn(move || {
        loop {
            bytes.clear();
            line += 1;
            match reader.read_until(b'\n', &mut bytes) {
                Err(error) => return Some(Err(CdrError::Read(error))),
                Ok(0) => return None,
                Ok(_) if bytes.trim_ascii().is_empty() => {}
                Ok(_) => break,
            }
        }
        let parsed = serde_json::from_slice(bytes.trim_ascii());
        Some(parsed.map_err(|source| match source.is_eof() && bytes.last() != Some(&b'\n') {
            true => CdrError::CutOff(line),
            false => CdrError::Line { line, source },
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let tell = |record: Result<Cdr, CdrError>| record.map_or_else(|error| error.to_string(), |cdr| cdr.call);
        records(text.as_bytes()).map(tell).collect()
    }

    #[test]
    fn records_are_read_line_by_line_and_a_broken_one_is_told_with_its_line() {
        let cdr = r#"{"call":"c1","index":0,"app":"bert","host":"pbx","callee_host":null,
            "due":"2026-01-02T03:04:05.000010Z","launched":"2026-01-02T03:04:05.000010Z","begun":null,"job_ended":null,
            "ended":"2026-01-02T03:04:06Z","caller":null,"callee":null,"hangup_cause":"USER_BUSY","sip_code":486,
            "verdict":"failed","reason":"","active":1,"sessions":1,"failed":1}"#;
        let cdr = cdr.replace('\n', "");
        assert_eq!(told(""), Vec::<String>::new());
        assert_eq!(
            told(&format!("{cdr}\n\n{cdr}\r\n{}", &cdr[..99])),
            ["c1", "c1", "line 4, the last, breaks off within a record"]
        );
        let wrong = told(&format!("{{}}\n{cdr}\n{}\n", &cdr[..99]));
        assert!(wrong[0].starts_with("line 1 is no call detail record: missing field `call`"), "{wrong:?}");
        assert!(wrong[1] == "c1" && wrong[2].starts_with("line 3 is no call detail record: EOF"), "{wrong:?}");
        assert!(told("\u{0}\n")[0].starts_with("line 1 is no call detail record: expected value"));
    }
}
