//! Replacement fields: what is different in each call, from a CSV file.
//!
//! A text of a call names a field by a *mark*, which stands for `${field.NAME}`. Marks are Unicode noncharacters
//! (Unicode 23.7, for internal use), so nothing that a tester writes is taken for one.

use std::borrow::Cow;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::slice::Slice;

/// Fields by name, and a row of values for each call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    names: Vec<String>,
    rows: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    number: u64,
    values: Vec<String>,
}

/// What is wrong with a CSV file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct TableError {
    /// Counted from 1.
    pub line: u64,
    pub what: String,
}

/// The values of one call.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    names: &'a [String],
    line: &'a Line,
}

/// In which order rows are taken. After the last one comes the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    InTurn,
    /// Any row, each time.
    Random,
}

/// Draws a row of a [`Table`] for each call.
#[derive(Debug)]
pub struct Draw {
    order: Order,
    slice: Slice,
    /// The number of the next call, among as many as there are rows.
    next: u64,
    rng: StdRng,
}

/// Around the number of a column.
const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';

impl Table {
    /// Reads CSV (RFC 4180) whose first line names the fields. Blanks around a value are dropped.
    pub fn parse(text: &str) -> Result<Table, TableError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let names: Vec<String> = match reader.headers() {
            Ok(header) => header.iter().map(str::to_owned).collect(),
            Err(error) => return Err(unreadable(text, &error)),
        };
        let wrong = |line, what: String| Err(TableError { line, what });
        if names.is_empty() {
            return wrong(1, "expected a line with the names of the fields, found nothing".to_owned());
        }
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return wrong(1, format!("column {} has no name", index + 1));
            }
            if name.contains(['$', '{', '}', ':']) || name.chars().any(char::is_control) {
                return wrong(1, format!("`{}` cannot be the name of a field", name.escape_debug()));
            }
            if names[..index].contains(name) {
                return wrong(1, format!("field `{name}` is there twice"));
            }
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| unreadable(text, &error))?;
            let number = line_of(text, record.position());
            rows.push(Line { number, values: record.iter().map(str::to_owned).collect() });
        }
        if rows.is_empty() {
            return wrong(1, "there are no values below the names of the fields".to_owned());
        }
        Ok(Table { names, rows })
    }

    /// In the order of the file.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What stands for the field `name` in a text; `None` when there is no such field.
    pub fn mark(&self, name: &str) -> Option<String> {
        let column = self.names.iter().position(|known| known == name)?;
        Some(format!("{OPEN}{column}{CLOSE}"))
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|line| Row { names: &self.names, line })
    }

    /// `text` with `<field.NAME>` for each mark, to be shown.
    pub fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replaced(text, |column| Some(Cow::Owned(format!("<field.{}>", self.names.get(column)?))))
    }
}

impl Row<'_> {
    /// `text` with the row's values in place of the marks.
    pub fn fill<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replaced(text, |column| Some(Cow::Borrowed(self.line.values.get(column)?)))
    }

    /// The line of the file, counted from 1.
    pub fn line(&self) -> u64 {
        self.line.number
    }

    /// Names and values of the fields that `text` has marks of.
    pub fn named_in(&self, text: &str) -> Vec<(&str, &str)> {
        let columns = pieces(text).filter_map(|piece| piece.err());
        let mut named: Vec<(&str, &str)> = Vec::new();
        for column in columns {
            if let (Some(name), Some(value)) = (self.names.get(column), self.line.values.get(column)) {
                named.push((name, value));
            }
        }
        named
    }
}

impl Draw {
    /// The same `seed` draws the same rows.
    pub fn new(order: Order, seed: u64) -> Self {
        Draw { order, slice: Slice::WHOLE, next: 0, rng: StdRng::seed_from_u64(seed) }
    }

    /// For the calls of a slice: in turn, they have the rows that they have in the whole.
    pub fn sliced(self, slice: Slice) -> Self {
        Draw { slice, next: slice.first(), ..self }
    }

    /// The row of the next call.
    pub fn row<'a>(&mut self, table: &'a Table) -> Row<'a> {
        let rows = table.rows.len();
        let at = match self.order {
            Order::InTurn => usize::try_from(self.next % rows as u64).unwrap_or(0),
            Order::Random => self.rng.random_range(0..rows),
        };
        self.next = self.next % rows as u64 + self.slice.step();
        Row { names: &table.names, line: &table.rows[at] }
    }
}

/// Whether `text` has a mark.
pub fn is_marked(text: &str) -> bool {
    text.contains(OPEN)
}

/// `text` with a digit for each mark, for whoever asks what kind of text it is.
pub fn example(text: &str) -> Cow<'_, str> {
    replaced(text, |_| Some(Cow::Borrowed("0")))
}

/// `text` with what `value` says for the mark of a column; a mark it says nothing for stays.
fn replaced<'t, 'v>(text: &'t str, value: impl Fn(usize) -> Option<Cow<'v, str>>) -> Cow<'t, str> {
    if !is_marked(text) {
        return Cow::Borrowed(text);
    }
    let mut whole = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Ok(text) => whole.push_str(text),
            Err(column) => match value(column) {
                Some(value) => whole.push_str(&value),
                None => whole.extend([OPEN.to_string(), column.to_string(), CLOSE.to_string()]),
            },
        }
    }
    Cow::Owned(whole)
}

/// Stretches of `text` as they are (`Ok`), and the columns of the marks between them (`Err`).
fn pieces(text: &str) -> impl Iterator<Item = Result<&str, usize>> {
    text.split(OPEN).enumerate().flat_map(|(index, part)| {
        // What comes after a mark's beginning is a number and its end; anything else is no mark of ours.
        let mark = part.split_once(CLOSE).filter(|_| index > 0).and_then(|(n, rest)| Some((n.parse().ok()?, rest)));
        match mark {
            Some((column, rest)) => [Some(Err(column)), Some(Ok(rest))],
            None => [Some(Ok(part)), None],
        }
        .into_iter()
        .flatten()
    })
}

fn unreadable(text: &str, error: &csv::Error) -> TableError {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let values = if *len == 1 { "1 value".to_owned() } else { format!("{len} values") };
            let what = format!("{values} in this line, and {expected_len} names in the first");
            TableError { line: line_of(text, pos.as_ref()), what }
        }
        _ => TableError { line: line_of(text, error.position()), what: error.to_string() },
    }
}

/// The line, counted from 1, of the record at `position`: the reader puts it before the empty lines that it skips.
fn line_of(text: &str, position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 1 };
    let after = usize::try_from(position.byte()).ok().and_then(|at| text.as_bytes().get(at..)).unwrap_or_default();
    let skipped = after.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    position.line() + skipped.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "user, pin\nalice,1\n\"b,ob\",22\n\ncarol,333\n";

    fn users(order: Order, seed: u64, count: usize) -> Vec<String> {
        let table = Table::parse(USERS).unwrap();
        let mut draw = Draw::new(order, seed);
        (0..count).map(|_| draw.row(&table).fill(&table.mark("user").unwrap()).into_owned()).collect()
    }

    #[test]
    fn rows_are_taken_in_turn_and_then_from_the_first_again() {
        assert_eq!(users(Order::InTurn, 0, 4), ["alice", "b,ob", "carol", "alice"]);
    }

    #[test]
    fn slices_take_the_rows_that_their_calls_have_in_the_whole() {
        let table = Table::parse(USERS).unwrap();
        let rows = |index| {
            let mut draw = Draw::new(Order::InTurn, 0).sliced(Slice::new(index, 2).unwrap());
            (0..3).map(|_| draw.row(&table).line()).collect::<Vec<_>>()
        };
        // Calls 0, 2 and 4 of rows on lines 2, 3 and 5; then calls 1, 3 and 5.
        assert_eq!((rows(0), rows(1)), (vec![2, 5, 3], vec![3, 2, 5]));
    }

    #[test]
    fn rows_at_random_are_the_same_for_the_same_seed() {
        assert_eq!(users(Order::Random, 7, 50), users(Order::Random, 7, 50));
        assert_ne!(users(Order::Random, 7, 50), users(Order::Random, 8, 50));
        for user in ["alice", "b,ob", "carol"] {
            assert!(users(Order::Random, 7, 50).iter().any(|drawn| drawn == user));
        }
    }

    #[test]
    fn a_text_is_filled_with_the_values_of_a_row() {
        let table = Table::parse(USERS).unwrap();
        let (user, pin) = (table.mark("user").unwrap(), table.mark("pin").unwrap());
        let text = format!("{user}-{pin}@{user}");
        let filled: Vec<String> = table.rows().map(|row| row.fill(&text).into_owned()).collect();
        assert_eq!(filled, ["alice-1@alice", "b,ob-22@b,ob", "carol-333@carol"]);
        assert_eq!(table.shown(&text), "<field.user>-<field.pin>@<field.user>");
        assert_eq!(example(&text), "0-0@0");
        let last = table.rows().last().unwrap();
        assert_eq!((last.line(), last.named_in(&pin)), (5, vec![("pin", "333")]));
        assert_eq!((table.mark("name"), table.names().len()), (None, 2));
    }

    #[test]
    fn texts_without_marks_stay_as_they_are() {
        let table = Table::parse(USERS).unwrap();
        let row = table.rows().next().unwrap();
        for text in ["", "bob", "\u{fdd0}", "\u{fdd1}7", "\u{fdd0}99\u{fdd1}"] {
            assert_eq!(row.fill(text), if text == "\u{fdd0}" { "" } else { text }, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_line() {
        let told = |text: &str| {
            let TableError { line, what } = Table::parse(text).unwrap_err();
            format!("{line}: {what}")
        };
        assert_eq!(told(""), "1: expected a line with the names of the fields, found nothing");
        assert_eq!(told("user,pin\n"), "1: there are no values below the names of the fields");
        assert_eq!(told("user,,pin\na,b,c\n"), "1: column 2 has no name");
        assert_eq!(told("user,user\na,b\n"), "1: field `user` is there twice");
        assert_eq!(told("a}\nx\n"), "1: `a}` cannot be the name of a field");
        assert_eq!(told("user,pin\na,1\nb\n"), "3: 1 value in this line, and 2 names in the first");
        assert_eq!(told("user,pin\r\na,1\r\n\r\nb\r\n"), "4: 1 value in this line, and 2 names in the first");
        assert_eq!(told("user,pin\n\"a\nb\",1\nc,1,2\n"), "4: 3 values in this line, and 2 names in the first");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-c0-9,\"\n\r \u{fdd0}\u{fdd1}]{0,60}") {
            let _ = example(&text);
            if let Ok(table) = Table::parse(&text) {
                for row in table.rows() {
                    let _ = (row.fill(&text), row.named_in(&text));
                }
            }
        }
    }
}
