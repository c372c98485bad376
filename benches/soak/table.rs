//! Samples, printed as they are taken, and what grew among them.

use std::time::Duration;

/// What is measured, with how much more of it the last quarter may have than the second.
pub struct Column {
    pub name: &'static str,
    pub may_grow: f64,
}

pub struct Table {
    columns: Vec<Column>,
    rows: Vec<(Duration, Vec<f64>)>,
}

impl Table {
    pub fn new(columns: Vec<Column>) -> Table {
        let names: Vec<String> = columns.iter().map(|column| format!("{:>16}", column.name)).collect();
        println!("{:>9} {}", "time", names.join(" "));
        Table { columns, rows: Vec::new() }
    }

    pub fn push(&mut self, at: Duration, values: Vec<f64>) {
        let told: Vec<String> = values.iter().map(|value| format!("{value:>16.2}")).collect();
        println!("{:>7} s {}", at.as_secs(), told.join(" "));
        self.rows.push((at, values));
    }

    /// What grew beyond its bound: the greatest value of the last quarter against that of the second.
    pub fn grown(&self) -> Vec<String> {
        let end = self.rows.last().map_or(Duration::ZERO, |(at, _)| *at);
        let greatest = |column: usize, from: Duration, to: Duration| {
            let within = self.rows.iter().filter(|(at, _)| from < *at && *at <= to);
            within.map(|(_, values)| values[column]).fold(f64::NEG_INFINITY, f64::max)
        };
        let columns = self.columns.iter().enumerate();
        columns
            .filter_map(|(index, Column { name, may_grow })| {
                let (before, after) = (greatest(index, end / 4, end / 2), greatest(index, end * 3 / 4, end));
                (after - before > *may_grow)
                    .then(|| format!("{name} grew from {before:.2} to {after:.2}: {may_grow:.2} more are allowed"))
            })
            .collect()
    }
}
