//! `matrix`: one test for each combination of values.

use std::ops::Range;

use serde_json::json;

use super::diagnostic::did_you_mean;
use super::node::{Content, Node, shortened};
use super::reading::Reading;
use super::shape::{Accepts, Placed, Schema, Shape};

/// Tests that one scenario may become.
const MAX_CELLS: usize = 1_000;

/// Names of axes, as `${matrix.NAME}` has them.
const AXIS: &str = "^[A-Za-z_][A-Za-z0-9_-]*$";

/// Axes with their values, combinations to leave out, and combinations to add.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    axes: Vec<Axis>,
    exclude: Vec<Combination>,
    include: Vec<Combination>,
}

#[derive(Clone, Debug)]
struct Axis {
    name: String,
    span: Range<usize>,
    values: Vec<Node>,
}

type Combination = Placed<Vec<(String, Node)>>;

/// One combination: each axis in the order of the file, and its value.
pub(super) type Cell = Vec<(String, Node)>;

/// A single value as it was written.
pub(super) fn raw() -> Shape<Node> {
    Shape::scalar("a single value", json!({ "type": ["string", "number", "boolean"] }), |_, _| Ok(()))
        .and_then(|(), node, _| Some(node.clone()))
}

pub(super) fn shape() -> Shape<Matrix> {
    let values = raw().list().not_empty().expects("a list of values such as `[PCMU, PCMA]`");
    let combinations = || raw().by_name("values").placed().list().not_empty();
    let (exclude, include) = (combinations(), combinations());
    let mut schema = Schema::default();
    let mut documented = |mut part: Schema, doc: &str| {
        if let Some(object) = part.json.as_object_mut() {
            object.insert("description".to_owned(), json!(doc));
        }
        schema.include(part)
    };
    let of_combinations = documented(
        exclude.schema.clone(),
        "Combinations that are left out, each by some of its values; and combinations that are added, each with all.",
    );
    let of_an_axis = documented(values.schema.clone(), "The values of `${matrix.NAME}`, one test each.");
    schema.json = json!({
        "type": "object",
        "patternProperties": { "^(exclude|include)$": of_combinations },
        "propertyNames": { "pattern": AXIS },
        "additionalProperties": of_an_axis,
        "minProperties": 1,
    });
    Shape {
        schema,
        expects: "a mapping of names and their values".to_owned(),
        accepts: Accepts { mapping: true, ..Accepts::default() },
        read: Box::new(move |node, expects, reading| {
            let entries = match &node.content {
                Content::Mapping(entries) if !entries.is_empty() => entries,
                _ => {
                    reading.unexpected(node, expects);
                    return None;
                }
            };
            let mut matrix = Some(Matrix { axes: Vec::new(), exclude: Vec::new(), include: Vec::new() });
            for entry in entries {
                let read = match entry.key.as_str() {
                    "exclude" => exclude.read(&entry.value, reading).map(|read| (read, Vec::new(), None)),
                    "include" => include.read(&entry.value, reading).map(|read| (Vec::new(), read, None)),
                    name if !is_axis(name) => {
                        let message = format!("`{}` cannot be a name here", shortened(name));
                        reading.error(&entry.key_span, message).help = "a name is of letters, digits, `_`, `-`".into();
                        None
                    }
                    name => values.read(&entry.value, reading).map(|values| {
                        let axis = Axis { name: name.to_owned(), span: entry.key_span.clone(), values };
                        (Vec::new(), Vec::new(), Some(axis))
                    }),
                };
                matrix = matrix.zip(read).map(|(mut matrix, (exclude, include, axis))| {
                    matrix.exclude.extend(exclude);
                    matrix.include.extend(include);
                    matrix.axes.extend(axis);
                    matrix
                });
            }
            matrix
        }),
    }
}

/// As [`AXIS`] has it.
fn is_axis(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

impl Matrix {
    /// Puts `value` in place of each value.
    pub fn resolve(&mut self, mut value: impl FnMut(&Node) -> Node) {
        let combinations = self.exclude.iter_mut().chain(&mut self.include);
        let named = combinations.flat_map(|combination| &mut combination.value).map(|(_, node)| node);
        for node in self.axes.iter_mut().flat_map(|axis| &mut axis.values).chain(named) {
            *node = value(node);
        }
    }

    /// The combinations: the last axis changes fastest, those of `include` come last.
    pub fn cells(&self, reading: &mut Reading<'_>) -> Option<Vec<Cell>> {
        let before = reading.diagnostics.len();
        let all = self.axes.iter().try_fold(1_usize, |all, axis| all.checked_mul(axis.values.len()));
        let many = all.and_then(|all| all.checked_add(self.include.len())).is_none_or(|all| all > MAX_CELLS);
        let first = self.axes.first().map(|axis| axis.span.clone());
        let span = first.or_else(|| Some(self.include.first().or(self.exclude.first())?.span.clone()))?;
        if many {
            reading.error(&span, format!("this matrix has more than {MAX_CELLS} combinations"));
            return None;
        }
        self.twice(reading);
        let mut cells: Vec<Cell> = if self.axes.is_empty() { Vec::new() } else { vec![Vec::new()] };
        for axis in &self.axes {
            let grown = |cell: &Cell| -> Vec<Cell> {
                let with =
                    |value: &Node| cell.iter().cloned().chain([(axis.name.clone(), value.clone())]).collect::<Cell>();
                axis.values.iter().map(with).collect()
            };
            cells = cells.iter().flat_map(grown).collect();
        }
        for combination in &self.exclude {
            self.known(combination, reading);
            let matches = |cell: &Cell| {
                combination.iter().all(|(name, value)| cell.iter().any(|(n, v)| n == name && text(v) == text(value)))
            };
            let left = cells.len();
            cells.retain(|cell| !matches(cell));
            if left == cells.len() && reading.diagnostics.len() == before {
                reading.error(&combination.span, "no combination is like this, so nothing is left out");
            }
        }
        for combination in &self.include {
            let names: Vec<&str> = match self.axes.is_empty() {
                true => self.include[0].iter().map(|(name, _)| name.as_str()).collect(),
                false => self.axes.iter().map(|axis| axis.name.as_str()).collect(),
            };
            self.known(combination, reading);
            let value = |name: &&str| combination.iter().find(|(n, _)| n == name).cloned();
            for name in names.iter().filter(|name| value(name).is_none()) {
                reading.error(&combination.span, format!("`{name}` is missing in this combination"));
            }
            let cell: Cell = names.iter().filter_map(value).collect();
            if cells.iter().any(|there| suffix(there) == suffix(&cell)) {
                reading.error(&combination.span, "this combination is there already");
            }
            cells.push(cell);
        }
        if cells.is_empty() && reading.diagnostics.len() == before {
            reading.error(&span, "no combination of this matrix is left");
        }
        (reading.diagnostics.len() == before).then_some(cells)
    }

    /// Tells values that an axis has twice.
    fn twice(&self, reading: &mut Reading<'_>) {
        for axis in &self.axes {
            for (index, value) in axis.values.iter().enumerate() {
                if let Some(first) = axis.values[..index].iter().find(|first| text(first) == text(value)) {
                    let message = format!("`{}` is there twice", shortened(text(value)));
                    let diagnostic = reading.error(&value.span, message);
                    diagnostic.label = "again here".to_owned();
                    diagnostic.related = Some((first.span.clone(), "first here".to_owned()));
                }
            }
        }
    }

    /// Tells names that are no axis.
    fn known(&self, combination: &Combination, reading: &mut Reading<'_>) {
        let mut names: Vec<&str> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
        if names.is_empty() {
            names
                .extend(self.include.first().into_iter().flat_map(|first| first.iter().map(|(name, _)| name.as_str())));
        }
        for (name, value) in combination.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            let diagnostic = reading.error(&value.span, format!("the matrix has no `{}`", shortened(name)));
            match did_you_mean(name, names.iter().copied()) {
                Some(meant) => diagnostic.label = format!("did you mean `{meant}`?"),
                None => diagnostic.help = format!("it has {}", names.join(", ")),
            }
        }
    }
}

fn text(node: &Node) -> &str {
    match &node.content {
        Content::Scalar { text, .. } => text,
        _ => "",
    }
}

/// What the name of a test of a matrix ends in: `[codec=PCMU,mode=inband]`; empty without a matrix.
pub(super) fn suffix(cell: &Cell) -> String {
    if cell.is_empty() {
        return String::new();
    }
    let values: Vec<_> = cell.iter().map(|(name, value)| format!("{name}={}", shortened(text(value)))).collect();
    format!("[{}]", values.join(","))
}

/// The combination as names and values.
pub(super) fn named(cell: &Cell) -> Vec<(String, String)> {
    cell.iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect()
}
