//! Sounds: WAV files and tone streams.

use std::path::Path;

use callwright::audio::tone::{ToneError, ToneStream};
use callwright::audio::wav::Opened;

/// A file has no more samples than bytes, and they do not depend on how they are taken out.
pub fn wav(bytes: &[u8]) {
    let Ok(file) = Opened::of(bytes.to_vec(), Path::new("any.wav")) else { return };
    let (samples, channels) = (file.samples(), file.channels());
    assert!(
        channels > 0 && samples.saturating_mul(channels) <= bytes.len(),
        "{channels} x {samples} in {}",
        bytes.len()
    );
    let whole = file.decode(0..usize::MAX);
    assert_eq!(whole.len(), channels);
    assert!(whole.iter().all(|channel| channel.len() == samples));
    let middle = samples / 3;
    for ((whole, first), last) in whole.iter().zip(file.decode(0..middle)).zip(file.decode(middle..samples)) {
        assert_eq!(*whole, [first, last].concat());
    }
    assert!(file.decode(samples..samples + 1).iter().all(Vec::is_empty));
    assert!(!file.coding().is_empty() && file.rate().0 > 0);
}

/// A text is a sound that does not depend on how it is taken out, or an error at one of its bytes.
pub fn tones(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match ToneStream::parse(text) {
        Ok(stream) => {
            let (mut once, mut twice) = (stream.clone(), stream);
            let mut whole = [0; 4_000];
            let length = once.fill(&mut whole);
            let mut pieces = [0; 4_000];
            let first = twice.fill(&mut pieces[..1_234]);
            let last = if first == 1_234 { twice.fill(&mut pieces[1_234..]) } else { 0 };
            assert_eq!((length, &whole[..length]), (first + last, &pieces[..first + last]));
            assert!(length == whole.len() || once.fill(&mut whole) == 0, "a stream that ended goes on");
        }
        Err(ToneError::Unclosed { at, .. } | ToneError::NotATone { at, .. } | ToneError::Endless { at }) => {
            assert!(text.is_char_boundary(at), "{at} is no place in {text:?}");
        }
        Err(ToneError::Path(_)) => {}
    }
}
