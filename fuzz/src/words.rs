//! Bounds, durations, levels: `>= 2s`, `1004Hz +-4Hz`, `-10dBm0`.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use callwright::bound::{Bound, BoundError, Unit, Within, parse_value};
use callwright::units::{Db, Dbm0, Hertz, Percent};

/// What was read is written and read again as the same; what was not is an error at a place in the text.
pub fn bounds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    of::<Duration>(text);
    of::<Hertz>(text);
    of::<Dbm0>(text);
    of::<Db>(text);
    of::<Percent>(text);
}

fn of<T: Unit>(text: &str)
where
    Bound<T>: Display,
{
    if let Err(error) = parse_value::<T>(text) {
        inside(&error, text);
    }
    if let Err(error) = Within::<T>::from_str(text) {
        inside(&error, text);
    }
    match Bound::<T>::from_str(text) {
        Ok(bound) => {
            let written = bound.to_string();
            let again = Bound::<T>::from_str(&written).expect("what we write can be read");
            assert_eq!(again.to_string(), written, "{text:?}");
        }
        Err(error) => inside(&error, text),
    }
}

fn inside(error: &BoundError, text: &str) {
    let BoundError { at, length, .. } = error;
    assert!(text.is_char_boundary(*at) && text.is_char_boundary(at + length), "{at}+{length} is no place in {text:?}");
}
