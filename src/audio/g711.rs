//! G.711 mu-law and A-law (ITU-T G.711, tables 1a to 2b), on the tables of the ITU-T G.191 tools.
//!
//! Linear samples are 16 bits wide: mu-law's 14 and A-law's 13 bits stand at the top of the word.

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};

/// A companding law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// Mu-law: PCMU, North America and Japan.
    Mu,
    /// A-law: PCMA, elsewhere.
    A,
}

impl Law {
    /// The octet nearest to silence, for filling a packet that has nothing to say.
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => 0xff,
            Law::A => 0xd5,
        }
    }
}

/// Appends the octets of `pcm` to `out`, one a sample.
pub fn encode(law: Law, pcm: &[i16], out: &mut Vec<u8>) {
    match law {
        Law::Mu => out.extend(pcm.iter().map(|&sample| encode_ulaw(sample))),
        Law::A => out.extend(pcm.iter().map(|&sample| encode_alaw(sample))),
    }
}

/// Appends the samples of `octets` to `out`, one an octet. Every octet is valid.
pub fn decode(law: Law, octets: &[u8], out: &mut Vec<i16>) {
    match law {
        Law::Mu => out.extend(octets.iter().map(|&octet| decode_ulaw(octet))),
        Law::A => out.extend(octets.iter().map(|&octet| decode_alaw(octet))),
    }
}

/// What is left of `pcm` after it was sent through `law` once.
pub fn through(law: Law, pcm: &[i16]) -> Vec<i16> {
    let (mut octets, mut heard) = (Vec::with_capacity(pcm.len()), Vec::with_capacity(pcm.len()));
    encode(law, pcm, &mut octets);
    decode(law, &octets, &mut heard);
    heard
}

/// One period of the digital milliwatt, 1 kHz at 8 kHz and 0 dBm0 (ITU-T G.711, tables 5 and 6).
pub const fn digital_milliwatt(law: Law) -> [u8; 8] {
    match law {
        Law::Mu => [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e],
        Law::A => [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level::level;

    const LAWS: [Law; 2] = [Law::Mu, Law::A];

    #[test]
    fn the_digital_milliwatt_of_the_recommendation_measures_0_dbm0() {
        for law in LAWS {
            let mut pcm = Vec::new();
            decode(law, &digital_milliwatt(law), &mut pcm);
            let measured = level(&pcm).unwrap().0;
            // The laws' overload points are +3.17 and +3.14 dBm0, so in 16 bits they stand 0.07 dB apart.
            assert!(measured.abs() < 0.07, "{law:?}: {measured}");
        }
    }

    #[test]
    fn every_octet_survives_decoding_and_encoding() {
        for law in LAWS {
            let octets: Vec<u8> = (0..=255).collect();
            let (mut pcm, mut back) = (Vec::new(), Vec::new());
            decode(law, &octets, &mut pcm);
            encode(law, &pcm, &mut back);
            // Mu-law has two zeros; the negative one comes back as the positive one.
            let expected: Vec<u8> =
                octets.iter().map(|&o| if law == Law::Mu && o == 0x7f { 0xff } else { o }).collect();
            assert_eq!(back, expected, "{law:?}");
        }
    }

    #[test]
    fn an_octet_of_silence_is_the_smallest_amplitude() {
        for law in LAWS {
            let mut pcm = Vec::new();
            decode(law, &[law.silence()], &mut pcm);
            assert!(pcm[0].unsigned_abs() <= 8, "{law:?}: {}", pcm[0]);
        }
    }

    #[test]
    fn the_ends_of_the_range_have_the_largest_codes() {
        let codes = |law| {
            let mut out = Vec::new();
            encode(law, &[i16::MAX, i16::MIN], &mut out);
            out
        };
        assert_eq!(codes(Law::Mu), [0x80, 0x00]);
        assert_eq!(codes(Law::A), [0xaa, 0x2a]);
    }
}
