//! Whether a figure changed, or is only as noisy as it was.

use serde::Serialize;

use super::measure::{Better, Tolerance};

/// A figure that changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// For the worse; otherwise for the better.
    pub worse: bool,
    /// Median of the old values.
    pub old: f64,
    pub new: f64,
    /// How many values there were.
    pub old_count: usize,
    pub new_count: usize,
    /// The change that would have been allowed.
    pub allowed: f64,
    /// How likely such a change is by chance, by the rank test; `None` where there are too few values for one.
    pub p: Option<f64>,
}

/// From so many values on each side the rank test has a say, and what is as likely as this by chance is no change.
const FEW: (usize, f64) = (5, 0.01);
/// From so many on, it must be less likely, and the tolerance may be smaller.
const MANY: (usize, f64) = (8, 0.001);
/// What many values need of a tolerance's absolute part, which is there for the noise of a single one.
const SURE: f64 = 0.2;
/// MAD to standard deviation, for a normal distribution.
const SIGMA: f64 = 1.4826;
/// Standard error of a median, in standard errors of a mean.
const MEDIAN: f64 = 1.2533;

/// Whether `new` is elsewhere than `old`. Neither is empty.
///
/// Medians are compared. A change counts when it is greater than `tolerance` and greater than three standard errors of the
/// difference of the medians, by the median absolute deviation of the noisier side (where a side has three values or
/// more). With five values on each side a rank test (Mann and Whitney) must find it less likely than 1 % by chance, too.
/// With eight it must be less likely than 0.1 %, and a fifth of the tolerance's absolute part is enough.
pub fn judge(old: &[f64], new: &[f64], better: Better, tolerance: Tolerance) -> Option<Judgement> {
    let (was, is) = (median(old)?, median(new)?);
    let change = is - was;
    let (chance, sure) = match old.len().min(new.len()) {
        count if count >= MANY.0 => (Some(MANY.1), SURE),
        count if count >= FEW.0 => (Some(FEW.1), 1.0),
        _ => (None, 1.0),
    };
    let absolute = tolerance.absolute * sure;
    let allowed = (tolerance.relative * was.abs()).max(absolute);
    let sigma = SIGMA * deviation(old).max(deviation(new));
    let error = 3.0 * MEDIAN * sigma * (1.0 / old.len() as f64 + 1.0 / new.len() as f64).sqrt();
    // Values told with three digits differ by rounding.
    if change.abs() <= allowed.max(error) + 1e-9 {
        return None;
    }
    let p = chance.map(|_| match better {
        Better::Same => (2.0 * if change > 0.0 { greater(old, new) } else { greater(new, old) }).min(1.0),
        Better::Less | Better::More if change > 0.0 => greater(old, new),
        Better::Less | Better::More => greater(new, old),
    });
    if p.zip(chance).is_some_and(|(p, chance)| p >= chance) {
        return None;
    }
    let worse = match better {
        Better::Less => change > 0.0,
        Better::More => change < 0.0,
        Better::Same => true,
    };
    Some(Judgement { worse, old: was, new: is, old_count: old.len(), new_count: new.len(), allowed, p })
}

pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length.is_multiple_of(2) => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

/// Median absolute deviation; 0 of fewer than three values.
fn deviation(values: &[f64]) -> f64 {
    if values.len() < 3 {
        return 0.0;
    }
    let centre = median(values).unwrap_or_default();
    let off: Vec<_> = values.iter().map(|value| (value - centre).abs()).collect();
    median(&off).unwrap_or_default()
}

/// Exact up to so many values; beyond, by the normal distribution.
const EXACT: usize = 40;

/// How likely it is by chance that `high` ranks as high above `low` as it does, or higher: the one-sided test of Mann and
/// Whitney (1947), with mean ranks for ties.
fn greater(low: &[f64], high: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = low.iter().map(|&value| (value, false)).collect();
    all.extend(high.iter().map(|&value| (value, true)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Twice the rank, so that mean ranks are whole.
    let mut ranks = vec![0usize; all.len()];
    let mut ties = 0.0;
    let mut start = 0;
    while start < all.len() {
        let tied = all[start..].iter().take_while(|(value, _)| *value == all[start].0).count();
        ranks[start..start + tied].fill(2 * start + tied + 1);
        ties += (tied as f64).powi(3) - tied as f64;
        start += tied;
    }
    let sum: usize = ranks.iter().zip(&all).filter(|(_, (_, is_high))| *is_high).map(|(rank, _)| rank).sum();
    if all.len() <= EXACT { exact(&ranks, high.len(), sum) } else { normal(low.len(), high.len(), sum, ties) }
}

/// The share of all choices of `count` of `ranks` whose sum is `sum` or more.
fn exact(ranks: &[usize], count: usize, sum: usize) -> f64 {
    let most: usize = ranks.iter().sum();
    // ways[chosen][sum]
    let mut ways = vec![vec![0.0f64; most + 1]; count + 1];
    ways[0][0] = 1.0;
    for &rank in ranks {
        for chosen in (0..count).rev() {
            let (fewer, more) = ways.split_at_mut(chosen + 1);
            for (from, to) in fewer[chosen].iter().zip(&mut more[0][rank..]) {
                *to += from;
            }
        }
    }
    ways[count][sum..].iter().sum::<f64>() / ways[count].iter().sum::<f64>()
}

/// The same by the normal distribution, with corrections for ties and continuity. `sum` is of twice the ranks.
fn normal(low: usize, high: usize, sum: usize, ties: f64) -> f64 {
    let (low, high) = (low as f64, high as f64);
    let all = low + high;
    let expected = high * (all + 1.0) / 2.0;
    let variance = low * high / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    tail((sum as f64 / 2.0 - expected - 0.5) / variance.sqrt())
}

/// The part of a normal distribution beyond `z` (Abramowitz and Stegun 26.2.17, to 1e-7).
fn tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - tail(-z);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let polynomial = series.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * polynomial
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATENCY: Tolerance = Tolerance { relative: 0.2, absolute: 50.0 };

    fn worse(old: &[f64], new: &[f64]) -> Option<bool> {
        judge(old, new, Better::Less, LATENCY).map(|judgement| judgement.worse)
    }

    #[test]
    fn a_single_value_must_leave_the_greater_tolerance() {
        assert_eq!(worse(&[20.0], &[70.0]), None);
        assert_eq!(worse(&[20.0], &[70.1]), Some(true));
        assert_eq!(worse(&[1000.0], &[1200.0]), None);
        assert_eq!(worse(&[1000.0], &[1201.0]), Some(true));
        assert_eq!(worse(&[1201.0], &[900.0]), Some(false));
        let level = |new| judge(&[-10.0], &[new], Better::Same, Tolerance { relative: 0.0, absolute: 1.0 });
        assert!(level(-10.9).is_none() && level(-8.9).unwrap().worse && level(-11.1).unwrap().worse);
    }

    #[test]
    fn repeats_find_what_single_values_hide_and_noise_hides_what_repeats_do_not_show() {
        let old = [20.0, 21.0, 19.0, 22.0, 20.5, 20.1, 20.2, 20.3];
        let new = old.map(|value| value + 30.0);
        assert_eq!(worse(&old, &new), Some(true));
        assert_eq!(worse(&old[..1], &new[..1]), None);
        let noisy = [20.0, 300.0, 25.0, 280.0, 22.0];
        assert_eq!(worse(&noisy, &[22.0, 24.0, 310.0, 290.0, 305.0]), None);
        // One value that is far off is no change of the median.
        assert_eq!(worse(&old, &[20.0, 21.0, 19.0, 22.0, 20.5, 20.1, 20.2, 5000.0]), None);
    }

    /// R: wilcox.test(high, low, alternative = "greater", exact = TRUE), and the tables of Mann and Whitney.
    #[test]
    fn the_rank_test_agrees_with_published_values() {
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-6, "{found} is not {wanted}");
        // U = 0 of 5 and 5: 1 of 252 choices; of 3 and 4: 1 of 35.
        near(greater(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]), 1.0 / 252.0);
        near(greater(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0, 7.0]), 1.0 / 35.0);
        // U = 1 and below: 2 of 252.
        near(greater(&[1.0, 2.0, 3.0, 4.0, 6.0], &[5.0, 7.0, 8.0, 9.0, 10.0]), 2.0 / 252.0);
        // All tied: any choice is as high.
        near(greater(&[1.0; 5], &[1.0; 5]), 1.0);
        near(tail(1.959_963_985), 0.025);
        near(tail(-1.0), 0.841_344_746);
    }

    #[test]
    fn the_exact_test_and_the_normal_one_agree_where_they_meet() {
        let low: Vec<f64> = (0..20).map(|n| f64::from(n * 7 % 20)).collect();
        let high: Vec<f64> = (0..20).map(|n| f64::from(n * 7 % 20) + 4.5).collect();
        let both = greater(&low, &high);
        let more = greater(&[&low[..], &[9.3]].concat(), &high);
        assert!((both - more).abs() < 0.01 && both < 0.05, "{both} {more}");
    }

    /// Numbers that are always the same: xorshift64*, to (0, 1).
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64 + 1e-17
        }

        /// A latency as a loaded machine has it: 20 ms and an exponential tail of 30 ms.
        fn latencies(&mut self, count: usize) -> Vec<f64> {
            (0..count).map(|_| 20.0 - 30.0 * self.next().ln()).collect()
        }
    }

    #[test]
    fn noise_is_seldom_a_change_and_a_change_of_five_times_the_spread_is_nearly_always_found() {
        const TRIES: usize = 1_000;
        let mut numbers = Numbers(7);
        for count in [5, 8, 10] {
            let (mut noise, mut found) = (0, 0);
            for _ in 0..TRIES {
                let (old, new) = (numbers.latencies(count), numbers.latencies(count));
                noise += usize::from(worse(&old, &new) == Some(true));
                let slow: Vec<f64> = new.iter().map(|value| value + 150.0).collect();
                found += usize::from(worse(&old, &slow) == Some(true));
            }
            assert!(noise <= TRIES / 500, "{count} values: {noise} of {TRIES} comparisons of noise");
            assert!(found >= TRIES * 9 / 10, "{count} values: {found} of {TRIES} changes");
        }
    }
}
