//! Colours that can be told apart by people who see colours differently, on white and on dark paper.

use crate::canvas::{Colour, Paint};

/// The colour of a series: the class that a page's style has for it, and what it is on white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    pub class: &'static str,
    on_white: Colour,
}

impl Key {
    /// That of the series with this number. After eight they come again.
    pub fn of(series: usize) -> Key {
        KEYS[series % KEYS.len()]
    }

    pub fn paint(self) -> Paint {
        self.on_white.paint().class(self.class)
    }
}

/// Of M. Okabe and K. Ito, "Color Universal Design" (2008), with a wine and a grey in place of yellow and black, which are
/// not seen on white or on dark paper.
const KEYS: [Key; 8] = [
    Key { class: "k1", on_white: Colour(0, 114, 178) },
    Key { class: "k2", on_white: Colour(230, 159, 0) },
    Key { class: "k3", on_white: Colour(213, 94, 0) },
    Key { class: "k4", on_white: Colour(0, 158, 115) },
    Key { class: "k5", on_white: Colour(204, 121, 167) },
    Key { class: "k6", on_white: Colour(86, 180, 233) },
    Key { class: "k7", on_white: Colour(119, 17, 68) },
    Key { class: "k8", on_white: Colour(119, 124, 132) },
];

pub const PAPER: Paint = Colour(255, 255, 255).paint().class("paper");
pub const INK: Paint = Colour(32, 36, 44).paint().class("ink");
pub const SOFT: Paint = Colour(110, 118, 130).paint().class("soft");
pub const GRID: Paint = Colour(222, 226, 232).paint().class("grid");

/// For an SVG that stands by itself: dark where its reader likes it dark.
pub const STYLE: &str = "\
@media (prefers-color-scheme:dark){.paper{color:#11151c}.ink{color:#e4e8ef}.soft{color:#9aa5b6}.grid{color:#2e3744}\
.k1{color:#4ba3e3}.k2{color:#f0b429}.k3{color:#f2783a}.k4{color:#2fc296}.k5{color:#e39bc6}.k6{color:#9bd8ff}\
.k7{color:#b0306a}.k8{color:#6b7280}}";

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page of ours has for the same classes.
    const PAGE: &str = include_str!("../html/style.css");

    /// Linear light, as a part of 1.
    fn linear(value: u8) -> f64 {
        let part = f64::from(value) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    }

    /// Of Machado, Oliveira and Fernandes (2009), severity 1.0: protanopia, deuteranopia, tritanopia.
    const SEEN: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ];

    /// CIE L*a*b* of a colour as it is seen.
    fn lab(Colour(red, green, blue): Colour, seen: &[[f64; 3]; 3]) -> [f64; 3] {
        let rgb = [red, green, blue].map(linear);
        let times = |matrix: &[[f64; 3]; 3], by: [f64; 3]| {
            matrix.map(|row| row.iter().zip(by).map(|(a, b)| a * b).sum::<f64>().max(0.0))
        };
        const XYZ: [[f64; 3]; 3] =
            [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]];
        let [x, y, z] = times(&XYZ, times(seen, rgb));
        let f = |part: f64| if part > 0.008856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 };
        let (x, y, z) = (f(x / 0.95047), f(y), f(z / 1.08883));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    fn distance(a: Colour, b: Colour, seen: &[[f64; 3]; 3]) -> f64 {
        lab(a, seen).iter().zip(lab(b, seen)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    /// The colours of the dark palette, as the style has them.
    fn dark() -> Vec<Colour> {
        let of = |key: &Key| {
            let at = STYLE.find(&format!(".{}{{color:#", key.class)).expect(key.class) + ".k1{color:#".len();
            let byte = |n: usize| u8::from_str_radix(&STYLE[at + n..at + n + 2], 16).unwrap();
            Colour(byte(0), byte(2), byte(4))
        };
        KEYS.iter().map(of).collect()
    }

    #[test]
    fn colours_are_told_apart_however_they_are_seen() {
        let light = KEYS.iter().map(|key| key.on_white).collect::<Vec<_>>();
        for (palette, paper) in [(light, Colour(255, 255, 255)), (dark(), Colour(17, 21, 28))] {
            for (kind, seen) in SEEN.iter().enumerate() {
                for (n, &a) in palette.iter().enumerate() {
                    assert!(distance(a, paper, seen) > 30.0, "{a:?} on {paper:?}, {kind}");
                    for &b in &palette[..n] {
                        // 2.3 is what can be seen at all, side by side.
                        let apart = distance(a, b, seen);
                        assert!(apart > 10.0, "{a:?} and {b:?}, {kind}: {apart:.1}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_page_has_the_colours_of_the_picture() {
        for (key, Colour(red, green, blue)) in KEYS.iter().zip(dark()) {
            let Colour(r, g, b) = key.on_white;
            for hex in [format!("#{r:02x}{g:02x}{b:02x}"), format!("#{red:02x}{green:02x}{blue:02x}")] {
                assert!(PAGE.contains(&format!("--{}: {hex};", key.class)), "{} {hex}", key.class);
            }
        }
    }
}
