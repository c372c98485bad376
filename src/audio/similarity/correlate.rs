//! Correlation of two passages.

/// Correlation of two passages of one length about their means, -1 to 1; 0 when either is constant.
pub(super) fn normalised(a: &[i16], b: &[i16]) -> f64 {
    let n = a.len().min(b.len());
    if n == 0 {
        return 0.0;
    }
    let mean = |pcm: &[i16]| pcm[..n].iter().map(|&sample| f64::from(sample)).sum::<f64>() / n as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a) - mean_a, f64::from(b) - mean_b);
        both += a * b;
        aa += a * a;
        bb += b * b;
    }
    if aa <= 0.0 || bb <= 0.0 { 0.0 } else { both / (aa * bb).sqrt() }
}

/// Where in `window` `passage` fits best, and how well, by [`normalised`] times `sign`.
///
/// Every second place is tried with every second sample first, then those around the three best ones.
pub(super) fn best_lag(passage: &[i16], window: &[i16], sign: f64) -> (usize, f64) {
    let Some(lags) = window.len().checked_sub(passage.len()) else { return (0, 0.0) };
    let thin: Vec<i16> = passage.iter().step_by(2).copied().collect();
    let mut rough: Vec<(usize, f64)> = (0..=lags)
        .step_by(2)
        .map(|lag| {
            let there: Vec<i16> = window[lag..lag + passage.len()].iter().step_by(2).copied().collect();
            (lag, sign * normalised(&thin, &there))
        })
        .collect();
    rough.sort_by(|a, b| b.1.total_cmp(&a.1));
    let fine = rough.iter().take(3).flat_map(|&(lag, _)| lag.saturating_sub(1)..=(lag + 1).min(lags));
    let score = |lag: usize| sign * normalised(passage, &window[lag..lag + passage.len()]);
    fine.map(|lag| (lag, score(lag))).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}
