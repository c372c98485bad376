//! A small table for a terminal: a label, and columns as wide as what stands in them.

use unicode_width::UnicodeWidthStr;

use crate::report::explain::{self, Layout};
use crate::report::paint::Style;

/// A heading and rows of `N` cells. The first column is the label of a row.
pub(super) struct Table<const N: usize> {
    head: [String; N],
    rows: Vec<[String; N]>,
    align: [Align; N],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

impl<const N: usize> Table<N> {
    pub fn new(head: [&str; N]) -> Self {
        Table { head: head.map(str::to_owned), rows: Vec::new(), align: [Align::Right; N] }
    }

    pub fn align(mut self, column: usize, align: Align) -> Self {
        self.align[column] = align;
        self
    }

    pub fn row(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// Its lines, each with a line break; none of a table without rows. Columns without a value are left out.
    pub fn text(&self, layout: Layout) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let column = |index: usize| self.rows.iter().map(move |row| row[index].as_str());
        let shown: Vec<usize> = (1..N).filter(|index| column(*index).any(|cell| !cell.is_empty())).collect();
        let width = |index: usize| column(index).chain([self.head[index].as_str()]).map(UnicodeWidthStr::width).max();
        let line = |row: &[String; N]| {
            let cells = shown.iter().map(|index| {
                let padding = " ".repeat(width(*index).unwrap_or(0).saturating_sub(row[*index].width()));
                match self.align[*index] {
                    Align::Left => format!("{}{padding}", row[*index]),
                    Align::Right => format!("{padding}{}", row[*index]),
                }
            });
            cells.collect::<Vec<_>>().join("  ")
        };
        // Labels that are longer than the column of labels move what stands behind them, in all rows alike.
        let longest = width(0).unwrap_or(0).max(explain::LABELS);
        let labelled = |row: &[String; N], style: Style| {
            let label = format!("{}{}", " ".repeat(longest - row[0].width()), row[0]);
            let text = format!("{} {}", layout.paint.apply(style, label), line(row));
            format!("{}\n", text.trim_end())
        };
        let head = labelled(&self.head, Style::Strong);
        let rows = self.rows.iter().map(|row| labelled(row, Style::Faint));
        std::iter::once(head).chain(rows).collect()
    }
}
