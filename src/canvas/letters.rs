//! Letters of 8 by 8 dots, so that a picture needs no font: the public domain font of the IBM PC, as `font8x8` has it.

use font8x8::legacy::BASIC_LEGACY;

/// Dots across, with the gap to the next letter.
pub(super) const WIDTH: usize = 8;
/// Dots from the top to where letters stand; an eighth row is below.
pub(super) const HEIGHT: usize = 7;

/// The rows of a letter, from the top; the lowest bit is the left. What is not ASCII is a box.
pub(super) fn letter(letter: char) -> [u8; 8] {
    const BOX: [u8; 8] = [0x7f, 0x41, 0x41, 0x41, 0x41, 0x41, 0x7f, 0x00];
    BASIC_LEGACY.get(letter as usize).copied().filter(|_| !letter.is_control()).unwrap_or(BOX)
}
