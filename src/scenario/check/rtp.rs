//! `rtp`: what the switch counted of the packets that a leg received.
//!
//! The figures are those that FreeSWITCH leaves in channel variables when a leg ends (`rtp_audio_in_*`).

use std::time::Duration;

use super::audio::leg;
use super::{Check, CheckKey, Facts};
use crate::audio::e_model::{self, Equipment};
use crate::bound::Bound;
use crate::call::Session;
use crate::scenario::mapping::{mapping, optional, required};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::bound;
use crate::scenario::shape::Shape;
use crate::units::{Percent, human};

/// What a leg received came through as well as asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rtp {
    pub leg: Leg,
    /// Lost packets of those sent.
    pub loss: Option<Bound<Percent>>,
    /// The greatest standard deviation of the time between packets.
    pub jitter: Option<Bound<Duration>>,
    /// By the E-model, from codec and loss.
    pub mos: Option<Bound<f64>>,
}

pub(super) fn key() -> CheckKey {
    let rtp = || {
        mapping!(Rtp {
            leg: required("leg", leg(), "Whose received packets."),
            loss: optional("loss", bound(), "The share of packets that did not arrive."),
            jitter: optional("jitter", bound(), "The greatest standard deviation of the time between packets."),
            mos: optional("mos", bound(), "MOS-CQE by the E-model (ITU-T G.107) from codec and loss."),
        })
        .at_least_one(&["loss", "jitter", "mos"], "nothing is asked of the packets")
        .map(|check| Box::new(check) as Box<dyn Check>)
        .placed()
    };
    super::optional("rtp", Shape::one_or_list(rtp), "What the switch counted of the packets that a leg received.")
}

/// The figures of a leg, as far as the switch tells them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counted {
    packets: f64,
    lost: f64,
    /// Of the time between packets, in squared milliseconds.
    variance: f64,
}

impl Counted {
    fn of(session: &Session) -> Option<Counted> {
        let figure = |name: &str| session.variable(&format!("rtp_audio_in_{name}"))?.parse::<f64>().ok();
        Some(Counted {
            packets: figure("media_packet_count")?,
            // FreeSWITCH adds a penalty for flaws in a row, so this is rather too much than too little.
            lost: figure("flaw_total")?,
            variance: figure("jitter_max_variance")?,
        })
    }

    fn loss(&self) -> Percent {
        Percent(100.0 * self.lost / (self.packets + self.lost).max(1.0))
    }

    fn jitter(&self) -> Duration {
        Duration::try_from_secs_f64(self.variance.max(0.0).sqrt() / 1e3).unwrap_or(Duration::MAX)
    }
}

impl Check for Rtp {
    fn kind(&self) -> &'static str {
        "rtp"
    }

    fn describe(&self) -> String {
        let told = [
            self.loss.map(|bound| format!("loss {bound}")),
            self.jitter.map(|bound| format!("jitter {bound}")),
            self.mos.map(|bound| format!("MOS {bound}")),
        ];
        format!("{} received RTP: {}", self.leg, told.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let Some(session) = &outcome.leg(self.leg).session else {
            return Found::new(false, self.describe(), outcome.end_of(self.leg));
        };
        let Some(counted) = Counted::of(session) else {
            let why = format!("the switch told no `rtp_audio_in_*` of the {}'s leg", self.leg);
            return Found::unknown(self.describe(), why).help("a leg that never had media has none");
        };
        if counted.packets == 0.0 {
            return Found::new(false, self.describe(), "no packet was received")
                .help("the other side sent nothing, or it did not get here");
        }
        let codec = session.variable("rtp_use_codec_name").unwrap_or_default();
        if self.mos.is_some() && !matches!(codec, "PCMU" | "PCMA") {
            return Found::unknown(self.describe(), format!("no E-model figures are known for codec `{codec}`"));
        }
        // A lost packet of G.711 is a hole here: neither switch fills it without a jitter buffer.
        let score = e_model::mos(e_model::rating(Equipment::G711, counted.loss(), Duration::ZERO));
        let holds = self.loss.is_none_or(|bound| bound.holds(counted.loss()))
            && self.jitter.is_none_or(|bound| bound.holds(counted.jitter()))
            && self.mos.is_none_or(|bound| bound.holds(score));
        let actual = format!(
            "loss {:.2} % ({} of {} packets), jitter {}, MOS {score:.2}",
            counted.loss().0,
            counted.lost,
            counted.packets + counted.lost,
            human(counted.jitter()),
        );
        let help = if holds { "" } else { "look at the network between the two, and at the load of both" };
        Found::new(holds, self.describe(), actual)
            .help(help)
            .figure(format!("{}.rtp.loss_percent", self.leg), counted.loss().0)
            .figure(format!("{}.rtp.jitter_ms", self.leg), counted.jitter().as_secs_f64() * 1e3)
            .figure(format!("{}.rtp.mos", self.leg), score)
    }
}
