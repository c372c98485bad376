//! The E-model: what a conversation over a line of these properties would be rated (ITU-T G.107, 2015).
//!
//! Only what a tester can see of RTP enters: codec, loss, delay. All else has the values of G.107 table 2, for which
//! the rating is 93.2. Left out: echo, noise and loudness other than those, and the advantage factor.

use std::time::Duration;

use crate::units::Percent;

/// The rating factor R of a line that impairs nothing, with the values of G.107 table 2.
pub const DEFAULT_RATING: f64 = 93.2;

/// How a codec sounds and takes losses (ITU-T G.113 appendix I).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equipment {
    /// Impairment without loss, Ie.
    pub impairment: f64,
    /// Robustness to loss, Bpl.
    pub robustness: f64,
}

impl Equipment {
    /// G.711 with packet loss concealment (its appendix I).
    pub const G711_CONCEALED: Equipment = Equipment { impairment: 0.0, robustness: 25.1 };
    /// G.711 where a lost packet is a hole.
    pub const G711: Equipment = Equipment { impairment: 0.0, robustness: 4.3 };
}

/// The rating factor R, 0 to 100. `loss` is random (BurstR = 1); `delay` is one way, mouth to ear.
pub fn rating(equipment: Equipment, loss: Percent, delay: Duration) -> f64 {
    let loss = loss.0.clamp(0.0, 100.0);
    // G.107 (7-29).
    let effective = equipment.impairment + (95.0 - equipment.impairment) * loss / (loss + equipment.robustness);
    (DEFAULT_RATING - delay_impairment(delay) - effective).clamp(0.0, 100.0)
}

/// Idd, what too long a delay costs without any echo: G.107 (7-27) and (7-28).
fn delay_impairment(delay: Duration) -> f64 {
    let ms = delay.as_secs_f64() * 1e3;
    if ms <= 100.0 {
        return 0.0;
    }
    let x = (ms / 100.0).log2();
    25.0 * ((1.0 + x.powi(6)).powf(1.0 / 6.0) - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(1.0 / 6.0) + 2.0)
}

/// The mean opinion score (MOS-CQE) of a rating: G.107 annex B.
pub fn mos(rating: f64) -> f64 {
    match rating {
        r if r <= 0.0 => 1.0,
        r if r >= 100.0 => 4.5,
        r => (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, by: f64) {
        assert!((a - b).abs() <= by, "{a} is not {b}");
    }

    #[test]
    fn ratings_have_the_scores_of_g107_table_b1() {
        for (rating, score) in [(93.2, 4.41), (90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            near(mos(rating), score, 0.0085);
        }
        assert_eq!((mos(0.0), mos(-3.0), mos(100.0), mos(120.0)), (1.0, 1.0, 4.5, 4.5));
    }

    #[test]
    fn a_line_without_fault_has_the_default_rating() {
        near(rating(Equipment::G711, Percent(0.0), Duration::from_millis(100)), 93.2, 1e-9);
    }

    #[test]
    fn concealment_makes_loss_bearable() {
        // 95 * 5 / (5 + Bpl) by hand.
        near(rating(Equipment::G711, Percent(5.0), Duration::ZERO), 93.2 - 51.08, 0.01);
        near(rating(Equipment::G711_CONCEALED, Percent(5.0), Duration::ZERO), 93.2 - 15.78, 0.01);
    }

    #[test]
    fn delay_costs_what_the_curve_of_g107_shows() {
        // Figure 1 of ITU-T G.114: some R = 92, 90, 80 and 70 at 150, 200, 300 and 400 ms.
        let at = |ms| rating(Equipment::G711, Percent(0.0), Duration::from_millis(ms));
        assert!(at(150) > 92.0 && at(200) > 89.0 && at(300) < 85.0 && at(400) < 75.0, "{} {}", at(300), at(400));
        assert!(at(200) > at(300) && at(300) > at(400) && at(400) > at(500));
    }

    #[test]
    fn nonsense_is_no_rating_beyond_its_range() {
        assert_eq!(rating(Equipment::G711, Percent(f64::INFINITY), Duration::MAX), 0.0);
        near(rating(Equipment::G711, Percent(-5.0), Duration::ZERO), 93.2, 1e-9);
    }
}
