//! How FreeSWITCH splits command text: quotes, escapes, and lists in brackets.

/// Splits `text` at `delimiter` as `switch_separate_string` does, into at most `limit` parts.
///
/// Single quotes keep a delimiter, and are taken away; a backslash escapes a quote, a backslash or the delimiter, and
/// `\n`, `\r`, `\t`, `\s` are the characters they name. Blanks around a part go, and blanks as delimiters count once. A text
/// that begins with `^^:` is split at `:` instead.
pub fn separate(text: &str, delimiter: char, limit: usize) -> Vec<String> {
    let (text, delimiter) = match text.strip_prefix("^^").and_then(|rest| Some((rest.chars().next()?, rest))) {
        Some((other, rest)) => (&rest[other.len_utf8()..], other),
        None => (text, delimiter),
    };
    let text = if delimiter == ' ' { text.trim_matches(' ') } else { text };
    let mut parts = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\'' if quoted || text[at + 1..].contains('\'') => quoted = !quoted,
            _ if c == delimiter && !quoted && parts.len() + 1 < limit => {
                parts.push(&text[start..at]);
                if delimiter == ' ' {
                    while chars.next_if(|(_, c)| *c == ' ').is_some() {}
                }
                start = chars.peek().map_or(text.len(), |(at, _)| *at);
            }
            _ => {}
        }
    }
    if start < text.len() {
        parts.push(&text[start..]);
    }
    let escaped = if delimiter == ' ' { None } else { Some(delimiter) };
    parts.into_iter().map(|part| clean(part, escaped)).collect()
}

/// Takes away quotes, escapes and outer blanks (`cleanup_separated_string`).
fn clean(part: &str, delimiter: Option<char>) -> String {
    let part = part.trim_start_matches(' ');
    let mut out = String::with_capacity(part.len());
    // Blanks after this do not count.
    let mut kept = 0;
    let mut quoted = false;
    let mut chars = part.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\'
            && let Some(&(_, next)) = chars.peek()
            && let Some(meant) = escape(next, delimiter)
        {
            chars.next();
            out.push(meant);
            kept = out.len();
        } else if c == '\'' && (quoted || part[at + 1..].contains('\'')) {
            quoted = !quoted;
            if quoted {
                kept = out.len();
            }
        } else {
            out.push(c);
            if c != ' ' || quoted {
                kept = out.len();
            }
        }
    }
    out.truncate(kept);
    out
}

fn escape(c: char, delimiter: Option<char>) -> Option<char> {
    match c {
        '\'' | '"' | '\\' => Some(c),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        's' => Some(' '),
        _ if Some(c) == delimiter => Some(c),
        _ => None,
    }
}

/// What a leading list in brackets says, and the text behind it: `{a=1,b=2}rest` (`switch_event_create_brackets`).
///
/// Several lists may follow each other. `None` when `text` does not begin with a whole list.
pub fn bracketed(text: &str, open: char, close: char) -> Option<(Vec<(String, String)>, &str)> {
    let mut rest = text.trim_start_matches(' ');
    let mut pairs = Vec::new();
    let mut found = false;
    while rest.starts_with(open) {
        let end = end_of_list(rest, open, close)?;
        for part in separate(&rest[open.len_utf8()..end], ',', 1024) {
            if let [name, value] = separate(&part, '=', 2).as_slice() {
                pairs.push((name.clone(), value.clone()));
            }
        }
        found = true;
        rest = rest[end + close.len_utf8()..].trim_start_matches(' ');
    }
    found.then_some((pairs, rest))
}

/// Where the bracket that opens `text` is closed (`switch_find_end_paren`).
fn end_of_list(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// The whole number that `text` begins with, cut to 32 bits; 0 where it begins with none (`atoi`).
pub fn integer(text: &str) -> i32 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) if text.starts_with('-') => (-1, digits),
        Some(digits) => (1, digits),
        None => (1, text),
    };
    let digits = digits.bytes().take_while(u8::is_ascii_digit);
    let number = digits.fold(0_i64, |number, digit| number.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    (sign * number) as i32
}

/// The decimal number that `text` begins with; 0 where it begins with none (`atof`, without exponents).
pub fn decimal(text: &str) -> f64 {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '+' | '.')).unwrap_or(text.len());
    text[..end].parse().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lose_quotes_and_escapes_and_keep_what_they_protect() {
        assert_eq!(separate("a 'b c'  d\\'e", ' ', 10), ["a", "b c", "d'e"]);
        assert_eq!(separate(r"x=1, y='a,b' ,z=a\,b", ',', 10), ["x=1", "y=a,b", "z=a,b"]);
        assert_eq!(separate(r"line\none", ' ', 10), ["line\none"]);
        assert_eq!(separate("^^:a,b:c", ',', 10), ["a,b", "c"]);
        assert_eq!(separate("a b c d", ' ', 2), ["a", "b c d"]);
        assert_eq!(separate("it's", ' ', 10), ["it's"]);
        assert!(separate("", ' ', 10).is_empty());
    }

    #[test]
    fn a_list_in_brackets_gives_pairs_and_the_rest() {
        let (pairs, rest) = bracketed("{a=1,b='x,y',c=${d}}{e=f=g}sofia/x", '{', '}').unwrap();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "x,y"), ("c", "${d}"), ("e", "f=g")]);
        assert_eq!(rest, "sofia/x");
        assert_eq!(bracketed("{a=1", '{', '}'), None);
        assert_eq!(bracketed("sofia/x", '{', '}'), None);
    }

    // The first number is what FreeSWITCH made of it.
    #[test]
    fn numbers_end_where_their_digits_end() {
        let read = ["99999999999", "12abc", "-5", "abc", "", "99999999999999999999999"].map(integer);
        assert_eq!(read, [1_215_752_191, 12, -5, 0, 0, -1]);
        assert_eq!(["5", "0.5x", "abc", "-1"].map(decimal), [5.0, 0.5, 0.0, -1.0]);
    }

    #[test]
    fn text_of_any_kind_does_not_panic() {
        for text in ["'", "\\", "a\\", "é'ü ,", "^^", "^^é", "{", "{}", "{=}", "{,}x", "''''"] {
            for delimiter in [' ', ',', '='] {
                separate(text, delimiter, 3);
            }
            bracketed(text, '{', '}');
        }
    }
}
