//! Digits that are sent as tones in place of what is said, as FreeSWITCH's `start_dtmf_generate write` has it.
//!
//! Only what is said can be replaced: on a leg that says nothing the digits wait.

use std::collections::VecDeque;

use super::{DtmfItem, FRAME_SAMPLES};
use crate::audio::dtmf::tones;
use crate::audio::tone::ToneStream;

/// Frames that pass before the first digit of a row.
const LEAD: u8 = 10;

/// Milliseconds of silence behind each digit: libteletone's 500 samples.
const GAP: u32 = 62;

#[derive(Debug, Default)]
pub(super) struct DtmfTones {
    waiting: VecDeque<DtmfItem>,
    sounding: Option<ToneStream>,
    lead: u8,
}

impl DtmfTones {
    pub(super) fn queue(&mut self, items: Vec<DtmfItem>) {
        if self.sounding.is_none() {
            self.lead = LEAD;
        }
        self.waiting.extend(items);
    }

    /// What is said in this tick, if it is a digit.
    pub(super) fn frame(&mut self) -> Option<[i16; FRAME_SAMPLES]> {
        if self.lead > 0 {
            self.lead -= 1;
            return None;
        }
        let mut frame = [0; FRAME_SAMPLES];
        loop {
            let stream = match &mut self.sounding {
                Some(stream) => stream,
                None => self.sounding.insert(sound(self.waiting.pop_front()?)?),
            };
            if stream.fill(&mut frame) > 0 {
                return Some(frame);
            }
            self.sounding = None;
        }
    }
}

/// At libteletone's -7 dB.
fn sound(item: DtmfItem) -> Option<ToneStream> {
    let script = match item {
        DtmfItem::Digit { digit, duration } => {
            let (low, high) = tones(digit.to_ascii_uppercase())?;
            format!("v=-7;%({},{GAP},{},{})", duration.as_millis(), low.0, high.0)
        }
        DtmfItem::Pause(length) => format!("%(0,{},0)", length.as_millis()),
    };
    ToneStream::parse(&script).ok()
}
