//! The figures that are compared: which way is better, and how much of a change is none.

use std::str::FromStr;

/// Which way a figure should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Less,
    More,
    /// It should stay where it is.
    Same,
}

/// Figures of one unit, which have one tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Milliseconds.
    Latency,
    /// Seconds of audio.
    Length,
    /// MOS, of 1 to 5.
    Mos,
    /// Decibels, relative or in dBm0.
    Level,
    /// Decibels by which what was said comes back: an estimate that lost packets disturb.
    Coupling,
    Hertz,
    Percent,
    /// 0 to 1.
    Likeness,
    Count,
    /// Calls a second.
    Rate,
}

/// How a figure is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    pub kind: Kind,
    pub better: Better,
}

/// How the figure `name` of a test's properties is compared; `None`: it is not.
pub fn measure(name: &str) -> Option<Measure> {
    // The second of one name in a test ends in `#2`.
    let name = name.split('#').next()?;
    let figure = name.rsplit('.').next()?;
    let (kind, better) = match figure {
        "duration_ms" | "setup_time_ms" | "pdd_ms" | "delay_ms" | "jitter_ms" => (Kind::Latency, Better::Less),
        "gap_ms" | "dead_air_ms" | "missing_start_ms" | "missing_end_ms" => (Kind::Latency, Better::Less),
        "tone_s" | "length_s" | "sound_s" => (Kind::Length, Better::More),
        "mos" => (Kind::Mos, Better::More),
        "likeness" => (Kind::Likeness, Better::More),
        "level_dbm0" | "gain_db" => (Kind::Level, Better::Same),
        "crosstalk_db" => (Kind::Coupling, Better::Less),
        "tone_hz" => (Kind::Hertz, Better::Same),
        "loss_percent" | "clipping_percent" | "wrong_percent" => (Kind::Percent, Better::Less),
        "gaps" | "repeats" | "sync_lost_count" => (Kind::Count, Better::Less),
        // Of loads.
        "asr_percent" => (Kind::Percent, Better::More),
        "rate_cps" | "highest_cps" => (Kind::Rate, Better::More),
        "acd_s" => (Kind::Length, Better::Same),
        "failed" | "skipped" => (Kind::Count, Better::Less),
        _ if is_quantile_of_a_latency(figure) => (Kind::Latency, Better::Less),
        _ => return None,
    };
    Some(Measure { kind, better })
}

/// `setup_time_p95_ms`, and what else there is of the latencies of a load; how long its calls were is none.
fn is_quantile_of_a_latency(figure: &str) -> bool {
    const LATENCIES: [&str; 7] =
        ["setup_time", "pdd", "invite_latency", "answer_latency", "originate_latency", "late_starts", "event_lag"];
    let rest = LATENCIES.iter().find_map(|latency| figure.strip_prefix(latency));
    matches!(rest, Some("_p50_ms" | "_p95_ms" | "_p99_ms"))
}

/// A change within the greater of the two is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Of the old value, 0.2 for 20 %.
    pub relative: f64,
    /// In the unit of the figure.
    pub absolute: f64,
}

impl Tolerance {
    const fn absolute(absolute: f64) -> Tolerance {
        Tolerance { relative: 0.0, absolute }
    }
}

/// What is allowed of each kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerances {
    /// Milliseconds.
    pub latency: Tolerance,
    pub mos: f64,
    /// Decibels.
    pub level: f64,
}

impl Default for Tolerances {
    fn default() -> Self {
        Tolerances { latency: Tolerance { relative: 0.2, absolute: 50.0 }, mos: 0.2, level: 1.0 }
    }
}

impl Tolerances {
    pub fn of(&self, kind: Kind) -> Tolerance {
        let Tolerances { latency, mos, level } = *self;
        match kind {
            Kind::Latency => latency,
            Kind::Length => Tolerance { absolute: latency.absolute / 1e3, ..latency },
            Kind::Mos => Tolerance::absolute(mos),
            Kind::Level => Tolerance::absolute(level),
            Kind::Coupling => Tolerance::absolute(3.0 * level),
            Kind::Hertz => Tolerance::absolute(2.0),
            Kind::Percent => Tolerance::absolute(1.0),
            Kind::Likeness => Tolerance::absolute(0.02),
            Kind::Count => Tolerance { relative: 0.2, absolute: 1.0 },
            Kind::Rate => Tolerance { relative: 0.05, absolute: 0.1 },
        }
    }
}

/// Why a tolerance cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no tolerance: a share, a time or both, such as `20%,50ms`")]
pub struct ToleranceError(String);

impl FromStr for Tolerance {
    type Err = ToleranceError;

    /// Reads `20%,50ms`, `20%`, `50ms`, `1.5s`. Times are in milliseconds then.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ToleranceError(text.to_owned());
        let mut tolerance = Tolerance { relative: 0.0, absolute: 0.0 };
        let mut seen = (false, false);
        for part in text.split(',').map(str::trim) {
            let number = |suffix: &str| part.strip_suffix(suffix).and_then(|number| number.trim().parse::<f64>().ok());
            let (value, share) = match (number("%"), number("ms"), number("s")) {
                (Some(percent), ..) => (percent / 100.0, true),
                (_, Some(ms), _) => (ms, false),
                (_, _, Some(s)) => (s * 1e3, false),
                _ => return Err(wrong()),
            };
            let again = std::mem::replace(if share { &mut seen.0 } else { &mut seen.1 }, true);
            if again || !value.is_finite() || value < 0.0 {
                return Err(wrong());
            }
            *(if share { &mut tolerance.relative } else { &mut tolerance.absolute }) = value;
        }
        Ok(tolerance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerances_are_a_share_a_time_or_both() {
        let read = |text: &str| text.parse::<Tolerance>().map(|t| (t.relative, t.absolute)).ok();
        assert_eq!(read("20%,50ms"), Some((0.2, 50.0)));
        assert_eq!(read("50 ms, 20%"), Some((0.2, 50.0)));
        assert_eq!(read("1.5s"), Some((0.0, 1500.0)));
        assert_eq!(read("5%"), Some((0.05, 0.0)));
        for bad in ["", "20", "20%,", "20%,30%", "-1ms", "nan%", "infs", "1ms,1s", "x"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn figures_are_known_by_their_last_word_however_often_they_are_there() {
        assert_eq!(measure("setup_time_ms").unwrap().better, Better::Less);
        assert_eq!(measure("callee.like.mos#2"), Some(Measure { kind: Kind::Mos, better: Better::More }));
        let latency = Some(Measure { kind: Kind::Latency, better: Better::Less });
        assert_eq!((measure("setup_time_p95_ms"), measure("late_starts_p99_ms")), (latency, latency));
        assert_eq!(measure("asr_percent").unwrap().better, Better::More);
        assert_eq!(measure("rate_cps"), Some(Measure { kind: Kind::Rate, better: Better::More }));
        for name in [
            "talk_time_p95_ms",
            "duration_p50_ms",
            "setup_time_p95",
            "offered",
            "caller.uuid",
            "sip_code",
            "event_lag_max_ms",
            "talk_time_ms",
            "mos_x",
            "",
        ] {
            assert_eq!(measure(name), None, "{name}");
        }
    }
}
