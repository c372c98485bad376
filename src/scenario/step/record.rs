//! `record`: a recording that begins in the middle of a call.

use std::time::Duration;

use serde_json::json;

use super::{Begun, Facts, Start, Step, StepVariant, Until, boxed};
use crate::media::Tracks;
use crate::scenario::mapping::{default, mapping};
use crate::scenario::model::Recording;
use crate::scenario::scalar::word;
use crate::scenario::shape::Shape;
use crate::scenario::tagged::Variant;
use crate::units::SampleRate;

/// Records this leg from here to `stop_record` or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub recording: Recording,
}

pub(super) fn variant() -> StepVariant {
    Variant::new("record", "Records this leg from here to `stop_record` or its end; both sides, unless told otherwise.")
        .bare(|| boxed(Record { recording: Recording::BOTH }))
        .with(recording().map(|recording| boxed(Record { recording })))
}

/// What to record: `both`, or `{ tracks: both, rate: 16000 }`.
pub(in crate::scenario) fn recording() -> Shape<Recording> {
    let full = mapping!(Recording {
        tracks: default("tracks", tracks(), Tracks::Stereo, "both", "What to record."),
        rate: default("rate", rate(), SampleRate::NARROW, 8_000, "Samples per second."),
    });
    tracks().map(|tracks| Recording { tracks, rate: SampleRate::NARROW }).or(full).named("recording")
}

fn tracks() -> Shape<Tracks> {
    word(&[("heard", Tracks::Heard), ("said", Tracks::Said), ("both", Tracks::Stereo), ("mix", Tracks::Mixed)])
}

fn rate() -> Shape<SampleRate> {
    Shape::scalar("`8000` or `16000`", json!({ "enum": [8_000, 16_000] }), |text, quoted| match (text, quoted) {
        ("8000", crate::scenario::shape::Quoted::No) => Ok(SampleRate(8_000)),
        ("16000", crate::scenario::shape::Quoted::No) => Ok(SampleRate(16_000)),
        _ => Err(crate::scenario::shape::Wrong::kind()),
    })
}

/// The word of the language for `tracks`.
pub(in crate::scenario) const fn tracks_word(tracks: Tracks) -> &'static str {
    match tracks {
        Tracks::Heard => "heard",
        Tracks::Said => "said",
        Tracks::Stereo => "both",
        Tracks::Mixed => "mix",
    }
}

impl Step for Record {
    fn kind(&self) -> &'static str {
        "record"
    }

    fn describe(&self) -> String {
        format!("record {}", tracks_word(self.recording.tracks))
    }

    fn facts(&self) -> Facts {
        Facts { records: Some(self.recording), takes: Duration::ZERO, ..Facts::default() }
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.record(self.recording);
        Until::Replied.into()
    }
}
