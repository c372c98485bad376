//! `crosstalk`: how strongly a leg hears what it says itself.

use super::heard::{heard, hears};
use crate::audio::similarity::coupling;
use crate::audio::verify::Track;
use crate::bound::Bound;
use crate::scenario::check::{Check, Facts, Listens};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::units::{Db, human};

/// What a leg says comes back to it with this gain: echo, or a leak from one direction into the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crosstalk {
    pub leg: Leg,
    pub bound: Bound<Db>,
}

impl Check for Crosstalk {
    fn kind(&self) -> &'static str {
        "audio"
    }

    fn describe(&self) -> String {
        format!("{} crosstalk {}", self.leg, self.bound)
    }

    fn facts(&self) -> Facts {
        Facts { listens_too: Some(Listens { leg: self.leg, track: Some(Track::Said) }), ..hears(self.leg) }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let both = [Track::Said, Track::Heard].map(|track| heard(outcome, self.leg, Some(track), &self.describe()));
        let (said, heard) = match both {
            [Ok(said), Ok(heard)] => (said, heard),
            [Err(found), _] | [_, Err(found)] => return *found,
        };
        if said.rate() != heard.rate() {
            return Found::unknown(self.describe(), "what was said and what was heard have different sample rates");
        }
        match coupling(said.settled(), heard.settled(), said.rate()) {
            Some((strength, delay)) => {
                let actual = match strength {
                    Db(none) if none <= -100.0 => "nothing of what it said".to_owned(),
                    _ => format!("{strength} of what it said, {} later", human(delay)),
                };
                let holds = self.bound.holds(strength);
                let help = if holds { "" } else { "an echo, or one direction leaks into the other" };
                let found = Found::new(holds, self.describe(), actual).help(help);
                found.figure(format!("{}.crosstalk_db", self.leg), strength.0.max(-100.0))
            }
            None => Found::new(false, self.describe(), format!("the {} said nothing that could be heard", self.leg)),
        }
    }
}
