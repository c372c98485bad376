//! Audio as numbers: coding, making, measuring and judging it. Nothing here knows of a call.
//!
//! Levels are in dBm0 (see [`level`]); samples are 16-bit linear PCM.

pub mod analysis;
pub mod bert;
pub mod bit_exact;
pub mod clipping;
pub mod describe;
pub mod dtmf;
pub mod e_model;
pub mod g711;
pub mod goertzel;
pub mod level;
pub mod mos;
pub mod picture;
#[cfg(test)]
mod referee;
pub mod resample;
pub mod silence;
pub mod similarity;
pub mod sine;
pub mod span;
pub mod tone;
pub mod tone_detect;
pub mod verify;
pub mod wav;
