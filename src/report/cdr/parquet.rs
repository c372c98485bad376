//! Call detail records as Parquet: the columns of CSV with their types, in groups of rows, compressed with Snappy.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::row::{COLUMNS, Cell, Kind, Row};
use crate::metrics::Cdr;

/// A file under way, and the rows of its next group.
pub(super) struct Table {
    writer: SerializedFileWriter<Box<dyn Write + Send>>,
    /// By column.
    cells: Vec<Vec<Cell>>,
}

/// Rows of a group: ten seconds of 2,000 calls a second, about 10 MB before compression.
const GROUP: usize = 20_000;

impl Table {
    pub fn new(out: Box<dyn Write + Send>) -> io::Result<Table> {
        let columns = COLUMNS.iter().map(|column| {
            let name = column.name;
            match column.kind {
                Kind::Text => format!("optional binary {name} (UTF8);"),
                Kind::Whole => format!("optional int64 {name};"),
                Kind::Time => format!("optional int64 {name} (TIMESTAMP(MICROS,true));"),
                Kind::Seconds => format!("optional double {name};"),
            }
        });
        let schema = format!("message call {{ {} }}", columns.collect::<Vec<_>>().join(" "));
        let schema = parse_message_type(&schema).map_err(io_error)?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(io_error)?;
        Ok(Table { writer, cells: vec![Vec::new(); COLUMNS.len()] })
    }

    pub fn write(&mut self, cdr: &Cdr) -> io::Result<()> {
        for (column, cell) in self.cells.iter_mut().zip(Row::of(cdr).into_cells()) {
            column.push(cell);
        }
        if self.cells.first().is_some_and(|column| column.len() >= GROUP) { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> io::Result<()> {
        let mut group = self.writer.next_row_group().map_err(io_error)?;
        for (about, cells) in COLUMNS.iter().zip(&mut self.cells) {
            let cells = std::mem::take(cells);
            match about.kind {
                Kind::Text => write_column::<ByteArrayType>(&mut group, cells, |cell| match cell {
                    Cell::Text(text) => text.map(|text| ByteArray::from(text.into_bytes())),
                    _ => None,
                }),
                Kind::Whole | Kind::Time => write_column::<Int64Type>(&mut group, cells, |cell| match cell {
                    Cell::Whole(number) => number,
                    _ => None,
                }),
                Kind::Seconds => write_column::<DoubleType>(&mut group, cells, |cell| match cell {
                    Cell::Seconds(seconds) => seconds,
                    _ => None,
                }),
            }
            .map_err(io_error)?;
        }
        group.close().map_err(io_error)?;
        Ok(())
    }

    /// Writes the rows that are left, and what makes the file whole.
    pub fn finish(mut self) -> io::Result<()> {
        if self.cells.first().is_some_and(|column| !column.is_empty()) {
            self.write_group()?;
        }
        let mut out = self.writer.into_inner().map_err(io_error)?;
        out.flush()
    }
}

fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Box<dyn Write + Send>>,
    cells: Vec<Cell>,
    value: impl Fn(Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = cells.into_iter().map(value).collect();
    // A definition level of 1 is a value, of 0 none.
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let column: Option<SerializedColumnWriter<'_>> = group.next_column()?;
    let mut column = column.ok_or_else(|| ParquetError::General("a column too many".to_owned()))?;
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()
}

/// The error of the disk below that of the format.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use super::*;
    use crate::metrics::sample::{answered, refused};
    use crate::report::cdr::{CdrFormat, CdrWriter};

    #[test]
    fn records_of_several_groups_are_in_the_file_with_the_types_of_their_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.parquet");
        let mut writer = CdrWriter::start(&path, CdrFormat::Parquet).unwrap();
        let count = GROUP as u64 + 5;
        (0..count).for_each(|index| {
            writer.write(if index == 1 { refused(1, "USER_BUSY") } else { answered(index) });
        });
        writer.finish().unwrap();
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        assert_eq!(reader.num_row_groups(), 2);
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len() as u64, count);
        let field = |row: usize, name: &str| {
            rows[row].get_column_iter().find(|(column, _)| *column == name).map(|(_, field)| field.clone()).unwrap()
        };
        assert_eq!(field(0, "call"), Field::Str("call-0".to_owned()));
        assert_eq!(field(0, "setup_time_s"), Field::Double(0.1));
        assert_eq!(field(1, "setup_time_s"), Field::Null);
        assert_eq!(field(1, "verdict"), Field::Str("failed".to_owned()));
        assert_eq!(field(GROUP + 4, "index"), Field::Long(GROUP as i64 + 4));
        assert_eq!(field(0, "due"), Field::TimestampMicros(1_767_323_045_000_000));
    }
}
