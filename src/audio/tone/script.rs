//! The text of a tone stream, read the way FreeSWITCH's `teletone_run` reads it.

use super::ToneError;

/// What a text says to do.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub steps: Vec<Step>,
    /// How many times the steps are carried out: 1 or more.
    pub runs: u64,
    /// How many times the result sounds after the first; `None` for ever.
    pub loops: Option<u64>,
}

/// One setting or tone. Times in ms, volumes in dB.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Rate(i64),
    Duration(i64),
    Wait(i64),
    Volume(f32),
    Fall(i64),
    Rise(i64),
    FadeBy(f32),
    Loops(i64),
    /// `times`: on and off, where the tone says its own.
    Tone {
        at: usize,
        frequencies: Vec<f64>,
        times: Option<(i64, i64)>,
    },
}

/// As many frequencies as libteletone mixes.
const MAX_FREQUENCIES: usize = 18;

impl Script {
    pub fn parse(text: &str) -> Result<Script, ToneError> {
        if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("path=")) {
            return Err(ToneError::Path(text.to_owned()));
        }
        let (text, loops) = split_loops(text);
        let mut script = Script { steps: Vec::new(), runs: 1, loops };
        let mut looping = false;
        let mut at = 0;
        while at < text.len() {
            if is_blank(text.as_bytes()[at]) {
                at += 1;
                continue;
            }
            let end = text[at..].find(';').map_or(text.len(), |found| at + found);
            let part = &text[at..end];
            let last = end == text.len();
            match part.as_bytes() {
                [name, b'=', ..] => {
                    let value = &part[2..];
                    match (name, integer(value)) {
                        (b'L', runs) if runs > 0 && !looping => {
                            script.runs = runs.unsigned_abs();
                            looping = true;
                        }
                        _ => script.steps.extend(setting(*name, value)),
                    }
                    // After a setting that ends the text, libteletone goes on behind its first letter.
                    at = if last { at + 1 } else { end + 1 };
                }
                _ => {
                    tones(part, at, &mut script.steps)?;
                    at = end + 1;
                }
            }
        }
        script.check_loops()?;
        Ok(script)
    }

    /// Refuses tones that `l=` below zero would repeat for ever. Two runs show all that any number would.
    fn check_loops(&self) -> Result<(), ToneError> {
        let mut loops = 0;
        for step in self.steps.iter().cycle().take(self.steps.len() * self.runs.min(2) as usize) {
            match step {
                Step::Loops(count) => loops = *count,
                Step::Tone { at, .. } if loops < 0 => return Err(ToneError::Endless { at: *at }),
                Step::Tone { .. } => loops = 0,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Cuts `;loops=n`, and all behind it, from the text. `n` is how often the whole sounds; 0 is once.
fn split_loops(text: &str) -> (&str, Option<u64>) {
    const MARK: &str = ";loops=";
    // ASCII lower case keeps every byte where it was.
    match text.to_ascii_lowercase().find(MARK) {
        None => (text, Some(0)),
        Some(at) => {
            let count = integer(&text[at + MARK.len()..]);
            (&text[..at], u64::try_from(count).ok().map(|count| count.saturating_sub(1)))
        }
    }
}

fn setting(name: u8, value: &str) -> Option<Step> {
    Some(match name {
        b'r' => Step::Rate(integer(value)),
        b'd' => Step::Duration(integer(value)),
        b'w' => Step::Wait(integer(value)),
        b'v' => Step::Volume(decimal(value) as f32),
        b'>' => Step::Fall(integer(value)),
        b'<' => Step::Rise(integer(value)),
        b'+' => Step::FadeBy(decimal(value) as f32),
        b'l' => Step::Loops(integer(value)),
        _ => return None,
    })
}

/// Reads the tones of one part, which begins `offset` bytes into the text.
fn tones(part: &str, offset: usize, steps: &mut Vec<Step>) -> Result<(), ToneError> {
    let bytes = part.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if is_blank(bytes[at]) {
            at += 1;
            continue;
        }
        let name = bytes[at];
        // The last byte of a letter is as good a name as any, but no place.
        let letter = part.floor_char_boundary(at);
        let start = offset + letter;
        let mut times = None;
        let mut frequencies = digit(name).map(|pair| pair.to_vec());
        if bytes.get(at + 1) == Some(&b'(') {
            // `(` is ASCII, so what follows it starts at a character.
            let inside = &part[at + 2..];
            let end =
                inside.find(')').ok_or_else(|| ToneError::Unclosed { at: start, text: shown(&bytes[letter..]) })?;
            let numbers: Vec<&str> = inside[..end].split(',').collect();
            match (name, numbers.as_slice()) {
                (b'%', [on, off, rest @ ..]) if !rest.is_empty() => {
                    times = Some((integer(on), integer(off)));
                    let hertz = rest.iter().take(MAX_FREQUENCIES).map(|text| decimal(text));
                    frequencies = Some(hertz.take_while(|&hertz| hertz != 0.0).collect());
                }
                (_, [on, off]) if name != b'%' => times = Some((integer(on), integer(off))),
                _ => return Err(ToneError::NotATone { at: start, text: shown(&bytes[letter..at + 2 + end + 1]) }),
            }
            at += 2 + end + 1;
        } else {
            at += 1;
        }
        // Letters that mean nothing are passed over, as is a tone whose first frequency is 0.
        if let Some(frequencies) = frequencies.filter(|all| !all.is_empty()) {
            steps.push(Step::Tone { at: start, frequencies, times });
        }
    }
    Ok(())
}

/// The frequencies of a DTMF digit as libteletone has them: 859 Hz, where ITU-T Q.23 says 852.
fn digit(name: u8) -> Option<[f64; 2]> {
    const ROWS: [f64; 4] = [697.0, 770.0, 859.0, 941.0];
    const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
    let key = b"123A456B789C*0#D".iter().position(|&key| key == name)?;
    Some([ROWS[key / 4], COLUMNS[key % 4]])
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\r' | b'\n')
}

/// Enough of a text to find it by.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().take(40).collect()
}

/// C's `atoi`: what stands in front of the first byte that does not belong to a number, or 0.
fn integer(text: &str) -> i64 {
    let text = text.trim_start();
    let sign = usize::from(text.starts_with(['+', '-']));
    let end = text[sign..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |found| sign + found);
    let magnitude: i64 = text[sign..end]
        .bytes()
        .fold(0, |n: i64, digit| n.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(i64::from(i32::MAX)));
    if text.starts_with('-') { -magnitude } else { magnitude }
}

/// C's `atof` for decimal numbers: the longest number that `text` starts with, or 0.
fn decimal(text: &str) -> f64 {
    let text = text.trim_start();
    let length = text.bytes().take_while(|b| b.is_ascii_digit() || b"+-.eE".contains(b)).count();
    (1..=length).rev().find_map(|end| text[..end].parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        assert_eq!(["12", " -7x", "+3", "", "x", "99999999999"].map(integer), [12, -7, 3, 0, 0, 2_147_483_647]);
        assert_eq!(
            ["440.5Hz", " .5", "-7", "1e3", "2e", "", "."].map(decimal),
            [440.5, 0.5, -7.0, 1000.0, 2.0, 0.0, 0.0]
        );
    }

    #[test]
    fn a_letter_of_several_bytes_is_where_it_begins() {
        let error = Script::parse("%(10,10,440);v\u{feff}(10,0,600)").unwrap_err();
        assert_eq!(error, ToneError::NotATone { at: 14, text: "\u{feff}(10,0,600)".to_owned() });
        assert_eq!(Script::parse("é(1").unwrap_err(), ToneError::Unclosed { at: 0, text: "é(1".to_owned() });
    }

    #[test]
    fn the_last_setting_goes_on_as_digits() {
        let script = Script::parse("%(10,0,440);v=-13").unwrap();
        let digits = script.steps.iter().filter(|step| matches!(step, Step::Tone { times: None, .. })).count();
        assert_eq!(digits, 2);
        assert_eq!(Script::parse("v=-13;").unwrap().steps, [Step::Volume(-13.0)]);
    }
}
