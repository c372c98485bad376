//! Fuzzing without a fuzzer: what `fuzz/` checks, of its corpus and of a fixed number of changes to it.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use fuzz::{TARGETS, Target};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Chooses the changes, unless `CALLWRIGHT_FUZZ` is `TARGET:SEED` or `TARGET:SEED:NUMBER`, which makes one of them again.
const SEED: u64 = 1;

/// Changes of each target: about a minute in all without optimisation.
fn changes(target: &Target) -> u64 {
    match target.name {
        "scenarios" => 1_500,
        "esl_switch" => 400,
        "media" => 1_000,
        _ => 3_000,
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The files of a corpus, by name.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder().join("corpus").join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

#[test]
fn every_target_has_a_binary_and_a_corpus() {
    let named: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let there = |folder: PathBuf| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(there(folder().join("corpus")), named);
    assert_eq!(there(folder().join("fuzz_targets")), named);
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in &named {
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
}

#[test]
fn what_was_found_once_holds() {
    for target in TARGETS {
        for (name, bytes) in corpus(target) {
            let held = catch_unwind(|| (target.check)(&bytes));
            assert!(held.is_ok(), "fuzz/corpus/{}/{name} does not hold: see the panic above", target.name);
        }
    }
}

#[test]
fn small_changes_of_it_hold() {
    let asked = std::env::var("CALLWRIGHT_FUZZ").unwrap_or_default();
    let mut asked = asked.split(':').filter(|part| !part.is_empty());
    let (only, seed) = (asked.next(), asked.next().map_or(SEED, |seed| seed.parse().expect("a seed is a number")));
    let number = asked.next().map(|number| number.parse::<u64>().expect("a change is a number"));
    for target in TARGETS.iter().filter(|target| only.is_none_or(|only| only == target.name)) {
        let corpus = corpus(target);
        let numbers = number.map_or(0..changes(target), |number| number..number + 1);
        for number in numbers {
            let bytes = changed(&corpus, target, seed, number);
            if catch_unwind(AssertUnwindSafe(|| (target.check)(&bytes))).is_err() {
                let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{seed}-{number}", target.name));
                fs::write(&file, &bytes).unwrap();
                panic!(
                    "change {number} of seed {seed} does not hold for {name}: see the panic above. The input is {}; \
                     again: CALLWRIGHT_FUZZ={name}:{seed}:{number} cargo test --test it fuzz_corpus",
                    file.display(),
                    name = target.name,
                );
            }
        }
    }
}

/// One file of the corpus with some changes, which the target, the seed and the number decide.
fn changed(corpus: &[(String, Vec<u8>)], target: &Target, seed: u64, number: u64) -> Vec<u8> {
    let salt = target.name.bytes().fold(seed, |salt, byte| salt.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut rng = StdRng::seed_from_u64(salt.wrapping_mul(1_000_003).wrapping_add(number));
    let mut bytes = corpus[rng.random_range(0..corpus.len())].1.clone();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..=16)).min(bytes.len());
        match rng.random_range(0..8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random(),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = rng.random_range(0..=bytes.len());
                bytes.splice(to..to, piece);
            }
            // What parsers are made of, and what they stumble over.
            4 => {
                let piece = PIECES[rng.random_range(0..PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            5 => {
                let piece = PIECES[rng.random_range(0..PIECES.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
            6 => {
                let other = &corpus[rng.random_range(0..corpus.len())].1;
                let from = rng.random_range(0..=other.len());
                let to = (from + rng.random_range(0..=64)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}

const PIECES: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\n\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b": ",
    b"-",
    b"- ",
    b",",
    b";",
    b"=",
    b"%",
    b"%0A",
    b"%00",
    b"%C3",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"<",
    b">",
    b"|",
    b"&",
    b"*",
    b"#",
    b"!",
    b"${",
    b"$${",
    b"@",
    b"0",
    b"-1",
    b"1e308",
    b"nan",
    b"inf",
    b"65536",
    b"4294967295",
    b"18446744073709551616",
    b"99999999999999999999999",
    b"\xff",
    b"\xff\xff\xff\xff",
    "é".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{fdd0}0\u{fdd1}".as_bytes(),
    "\u{10ffff}".as_bytes(),
    "İ".as_bytes(),
];
