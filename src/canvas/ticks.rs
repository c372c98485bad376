//! Places on an axis that are round numbers.

/// A round distance for about `ticks` ticks over `length`.
pub fn step(length: f64, ticks: f64) -> f64 {
    if length <= 0.0 {
        return 0.0;
    }
    let rough = length / ticks;
    let magnitude = 10f64.powf(rough.log10().floor());
    let nice = [1.0, 2.0, 5.0, 10.0].into_iter().find(|nice| nice * magnitude >= rough * 0.999);
    nice.unwrap_or(10.0) * magnitude
}

/// Without zeros behind the point.
pub fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!([0.9, 3.07, 60.0, 3600.0].map(|s| number(step(s, 10.0))), ["0.1", "0.5", "10", "500"]);
        assert_eq!(step(4000.0, 5.0), 1000.0);
    }
}
