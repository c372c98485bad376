//! What must hold of everything that reads what others wrote, whatever they wrote.
//!
//! Each function of [`TARGETS`] takes any bytes and panics where something does not hold. `fuzz_targets` give them to
//! libFuzzer; `tests/it/fuzz_corpus.rs` gives them the corpus and small changes of it.

pub mod esl;
pub mod media;
pub mod sip;
pub mod sounds;
pub mod texts;
pub mod words;

/// Something that reads what others wrote.
#[derive(Clone, Copy)]
pub struct Target {
    /// Of its corpus, its binary and its row in CONTRIBUTING.md.
    pub name: &'static str,
    pub check: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    Target { name: "esl_frames", check: esl::frames },
    Target { name: "esl_events", check: esl::events },
    Target { name: "esl_client", check: esl::client },
    Target { name: "esl_switch", check: esl::switch },
    Target { name: "sip_messages", check: sip::messages },
    Target { name: "sdp", check: sip::sdp },
    Target { name: "rtp", check: media::rtp },
    Target { name: "media", check: media::leg },
    Target { name: "wav", check: sounds::wav },
    Target { name: "tones", check: sounds::tones },
    Target { name: "scenarios", check: texts::scenarios },
    Target { name: "options", check: texts::options },
    Target { name: "hosts", check: texts::hosts },
    Target { name: "fields", check: texts::fields },
    Target { name: "run_log", check: texts::run_log },
    Target { name: "bounds", check: words::bounds },
];

/// Where to split `length` bytes: a few places that depend on them alone, in order.
fn splits(bytes: &[u8]) -> Vec<usize> {
    let mut seed = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mut places: Vec<usize> = (0..4)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % (bytes.len() + 1)
        })
        .collect();
    places.sort_unstable();
    places
}

/// `bytes` in pieces: whole, cut at some places, one byte each.
fn cuts(bytes: &[u8]) -> [Vec<&[u8]>; 3] {
    let mut pieces = Vec::new();
    let mut from = 0;
    for to in splits(bytes) {
        pieces.push(&bytes[from..to]);
        from = to;
    }
    pieces.push(&bytes[from..]);
    // One byte at a time takes its time with many.
    let single = bytes.chunks(if bytes.len() > 4_096 { 7 } else { 1 }).collect();
    [vec![bytes], pieces, single]
}
