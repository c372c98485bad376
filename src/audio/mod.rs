//! Audio as numbers: coding, making, measuring and judging it. Nothing here knows of a call.
//!
//! Levels are in dBm0 (see [`level`]); samples are 16-bit linear PCM.

pub mod g711;
pub mod level;
pub mod sine;
pub mod tone;
pub mod wav;
