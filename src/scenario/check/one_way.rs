//! `one_way`: whether audio goes one way only.

use super::audio::heard;
use super::{Check, CheckKey, Facts, Listens, one};
use crate::audio::silence::{DEFAULT_THRESHOLD, Silences};
use crate::audio::verify::Track;
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::boolean;
use crate::units::{SampleRate, human};
use std::time::Duration;

/// Audio goes one way only, or both ways. Both legs must have something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneWay {
    pub one_way: bool,
}

/// So much sound is audio that came through.
const SOUND: Duration = Duration::from_millis(100);

pub(super) fn key() -> CheckKey {
    let doc = "Whether one leg alone heard something; `false`: both did.";
    one("one_way", boolean().map(|one_way| OneWay { one_way }), doc)
}

impl Check for OneWay {
    fn kind(&self) -> &'static str {
        "one_way"
    }

    fn describe(&self) -> String {
        if self.one_way { "audio one way only" } else { "audio both ways" }.to_owned()
    }

    fn facts(&self) -> Facts {
        let listens = |leg| Some(Listens { leg, track: Some(Track::Heard) });
        Facts { listens: listens(Leg::Caller), listens_too: listens(Leg::Callee), ..Facts::default() }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let mut heard_by = [false; 2];
        let mut told = Vec::new();
        let mut sounds = [Duration::ZERO; 2];
        let mut unheard = Vec::new();
        for leg in Leg::BOTH {
            let heard = match heard(outcome, leg, Some(Track::Heard), &self.describe()) {
                Ok(heard) => heard,
                Err(found) => return *found,
            };
            let sound = sound(heard.pcm, heard.rate());
            heard_by[leg as usize] = sound >= SOUND;
            sounds[leg as usize] = sound;
            if !heard_by[leg as usize] {
                unheard.push(heard.passage(Duration::ZERO, heard.rate().duration(heard.pcm.len())));
            }
            told.push(format!(
                "the {leg} heard {} of sound in {}",
                human(sound),
                human(heard.rate().duration(heard.pcm.len()))
            ));
        }
        let both = heard_by == [true; 2];
        let none = heard_by == [false; 2];
        let holds = if self.one_way { !both && !none } else { both };
        let help = match (holds, none, both) {
            (true, ..) => "",
            (_, true, _) => "neither leg heard anything: nothing was played, or no audio comes through",
            (_, _, true) => "both legs heard something",
            _ => "one leg heard nothing: NAT, a firewall, a wrong address in the SDP, or the other leg said nothing",
        };
        let found = Found::new(holds, self.describe(), told.join(", ")).help(help).passages(unheard);
        Leg::BOTH
            .into_iter()
            .fold(found, |found, leg| found.figure(format!("{leg}.heard.sound_s"), sounds[leg as usize].as_secs_f64()))
    }
}

/// How long there is sound in `pcm`.
fn sound(pcm: &[i16], rate: SampleRate) -> Duration {
    let silences = Silences::find(pcm, rate, DEFAULT_THRESHOLD);
    rate.duration(pcm.len() - silences.within(&(0..pcm.len())))
}
