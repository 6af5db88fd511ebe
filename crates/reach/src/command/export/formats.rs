//! Rows written as CSV, JSON lines or Parquet.

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, GzipLevel},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use reach_core::Time;
use serde_json::{Map, Value};

use crate::config::watch::window::stamp;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A moment.
    Time,
    /// A text.
    Text,
    /// A whole number.
    Count,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
}

/// A column: its name and what it holds.
pub(super) type Column = (&'static str, Kind);

/// What stands in one place of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Nothing.
    Empty,
    /// A moment.
    Time(Time),
    /// A text.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl Cell {
    /// A text, or nothing.
    pub(super) fn text(text: Option<impl Into<String>>) -> Cell {
        text.map_or(Cell::Empty, |text| Cell::Text(text.into()))
    }

    /// A moment, or nothing.
    pub(super) fn time(time: Option<Time>) -> Cell {
        time.map_or(Cell::Empty, Cell::Time)
    }

    /// A number, or nothing.
    pub(super) fn number(number: Option<f64>) -> Cell {
        number.filter(|number| number.is_finite()).map_or(Cell::Empty, Cell::Number)
    }
}

/// Takes rows.
pub(super) trait Sink {
    /// One row, with a cell for each column.
    fn row(&mut self, cells: Vec<Cell>) -> io::Result<()>;

    /// No more rows follow.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// RFC 3339 in UTC, with microseconds.
fn rfc3339(time: Time) -> String {
    stamp(time).strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Comma-separated values.
pub(super) struct CsvTable<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> CsvTable<W> {
    pub(super) fn new(out: W, columns: &[Column]) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(columns.iter().map(|(name, _)| name))?;
        Ok(Self { writer })
    }
}

impl<W: Write> Sink for CsvTable<W> {
    fn row(&mut self, cells: Vec<Cell>) -> io::Result<()> {
        let text = |cell: Cell| match cell {
            Cell::Empty => String::new(),
            Cell::Time(time) => rfc3339(time),
            Cell::Text(text) => text,
            Cell::Count(count) => count.to_string(),
            Cell::Number(number) => number.to_string(),
            Cell::Flag(flag) => flag.to_string(),
        };
        Ok(self.writer.write_record(cells.into_iter().map(text))?)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.writer.flush()
    }
}

/// One JSON object a line.
pub(super) struct JsonTable<W> {
    out: W,
    columns: &'static [Column],
}

impl<W: Write> JsonTable<W> {
    pub(super) fn new(out: W, columns: &'static [Column]) -> Self {
        Self { out, columns }
    }
}

impl<W: Write> Sink for JsonTable<W> {
    fn row(&mut self, cells: Vec<Cell>) -> io::Result<()> {
        let value = |cell: Cell| match cell {
            Cell::Empty => Value::Null,
            Cell::Time(time) => rfc3339(time).into(),
            Cell::Text(text) => text.into(),
            Cell::Count(count) => count.into(),
            Cell::Number(number) => number.into(),
            Cell::Flag(flag) => flag.into(),
        };
        let names = self.columns.iter().map(|(name, _)| (*name).to_owned());
        let object: Map<String, Value> = names.zip(cells.into_iter().map(value)).collect();
        writeln!(self.out, "{}", Value::Object(object))
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// Apache Parquet, compressed with gzip, in groups of rows.
pub(super) struct ParquetTable<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: &'static [Column],
    waiting: Vec<Vec<Cell>>,
}

/// Rows of a group: enough to compress well, and few enough to be held in memory.
const GROUP: usize = 65_536;

impl<W: Write + Send> ParquetTable<W> {
    pub(super) fn new(out: W, columns: &'static [Column]) -> io::Result<Self> {
        let fields: String = columns
            .iter()
            .map(|(name, kind)| {
                let kind = match kind {
                    Kind::Time => return format!("optional int64 {name} (TIMESTAMP(MICROS,true)); "),
                    Kind::Text => return format!("optional binary {name} (STRING); "),
                    Kind::Count => "int64",
                    Kind::Number => "double",
                    Kind::Flag => "boolean",
                };
                format!("optional {kind} {name}; ")
            })
            .collect();
        let schema = parse_message_type(&format!("message reach {{ {fields}}}")).map_err(io::Error::other)?;
        let properties =
            WriterProperties::builder().set_compression(Compression::GZIP(GzipLevel::default())).build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))
            .map_err(io::Error::other)?;
        Ok(Self { writer, columns, waiting: Vec::new() })
    }

    fn write_group(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group().map_err(io::Error::other)?;
        for index in 0..self.columns.len() {
            let Some(mut column) = group.next_column().map_err(io::Error::other)? else { break };
            write_column(column.untyped(), rows.iter().map(|row| &row[index])).map_err(io::Error::other)?;
            column.close().map_err(io::Error::other)?;
        }
        group.close().map_err(io::Error::other)?;
        Ok(())
    }
}

fn write_column<'a>(
    column: &mut ColumnWriter<'_>,
    cells: impl Iterator<Item = &'a Cell> + Clone,
) -> parquet::errors::Result<()> {
    let levels: Vec<i16> = cells.clone().map(|cell| i16::from(*cell != Cell::Empty)).collect();
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    match column {
        ColumnWriter::Int64ColumnWriter(writer) => {
            let values: Vec<i64> = cells
                .filter_map(|cell| match cell {
                    Cell::Time(time) => Some(whole(time.as_micros())),
                    Cell::Count(count) => Some(whole(*count)),
                    _ => None,
                })
                .collect();
            writer.write_batch(&values, Some(&levels), None)?;
        }
        ColumnWriter::DoubleColumnWriter(writer) => {
            let values: Vec<f64> = cells
                .filter_map(|cell| match cell {
                    Cell::Number(number) => Some(*number),
                    _ => None,
                })
                .collect();
            writer.write_batch(&values, Some(&levels), None)?;
        }
        ColumnWriter::BoolColumnWriter(writer) => {
            let values: Vec<bool> = cells
                .filter_map(|cell| match cell {
                    Cell::Flag(flag) => Some(*flag),
                    _ => None,
                })
                .collect();
            writer.write_batch(&values, Some(&levels), None)?;
        }
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            let values: Vec<ByteArray> = cells
                .filter_map(|cell| match cell {
                    Cell::Text(text) => Some(ByteArray::from(text.as_str())),
                    _ => None,
                })
                .collect();
            writer.write_batch(&values, Some(&levels), None)?;
        }
        _ => {}
    }
    Ok(())
}

impl<W: Write + Send> Sink for ParquetTable<W> {
    fn row(&mut self, cells: Vec<Cell>) -> io::Result<()> {
        self.waiting.push(cells);
        if self.waiting.len() >= GROUP { self.write_group() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.write_group()?;
        self.writer.finish().map_err(io::Error::other)?;
        self.writer.inner_mut().flush()
    }
}
