use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};

use super::{Column, Kind, Sink, Value};

/// Apache Parquet. Every column may be null; texts are UTF-8, counts are INT64, other numbers DOUBLE,
/// flags BOOLEAN.
pub(super) struct Parquet<W: Write + Send> {
    columns: &'static [Column],
    out: SerializedFileWriter<W>,
    /// The rows of the next group.
    rows: Vec<Vec<Value>>,
}

/// Rows of a group: what is held in memory.
const GROUP: usize = 1 << 16;

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(columns: &'static [Column], out: W) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::GZIP(Default::default()))
            .set_created_by(concat!("reach ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let out = SerializedFileWriter::new(out, schema(columns).map_err(fault)?, Arc::new(properties));
        Ok(Self { columns, out: out.map_err(fault)?, rows: Vec::new() })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut group = self.out.next_row_group()?;
        for place in 0..self.columns.len() {
            let Some(mut column) = group.next_column()? else { break };
            write_column(&mut column, self.rows.iter().filter_map(|row| row.get(place)))?;
            column.close()?;
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }
}

impl<W: Write + Send> Sink for Parquet<W> {
    fn row(&mut self, row: Vec<Value>) -> io::Result<()> {
        self.rows.push(row);
        if self.rows.len() < GROUP { Ok(()) } else { self.write_group().map_err(fault) }
    }

    fn end(mut self) -> io::Result<()> {
        self.write_group().map_err(fault)?;
        self.out.close().map(drop).map_err(fault)
    }
}

fn schema(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let fields = columns.iter().map(|&(name, kind)| {
        let (physical, logical) = match kind {
            Kind::Time => {
                let logical = LogicalType::Timestamp { is_adjusted_to_u_t_c: true, unit: TimeUnit::MILLIS };
                (Physical::INT64, Some(logical))
            }
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Count => (Physical::INT64, None),
            Kind::Number => (Physical::DOUBLE, None),
            Kind::Flag => (Physical::BOOLEAN, None),
        };
        let field = Type::primitive_type_builder(name, physical).with_logical_type(logical);
        field.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
    });
    let fields = fields.collect::<Result<_, _>>()?;
    Type::group_type_builder("reach").with_fields(fields).build().map(Arc::new)
}

fn write_column<'a>(
    column: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = &'a Value> + Clone,
) -> Result<(), ParquetError> {
    let known: Vec<i16> = values.clone().map(|value| i16::from(*value != Value::None)).collect();
    let known = Some(known.as_slice());
    match column.untyped() {
        ColumnWriter::Int64ColumnWriter(writer) => {
            let numbers: Vec<i64> = values
                .filter_map(|value| match value {
                    Value::Time(time) => i64::try_from(time.as_micros() / 1_000).ok(),
                    Value::Count(count) => Some(i64::try_from(*count).unwrap_or(i64::MAX)),
                    _ => None,
                })
                .collect();
            writer.write_batch(&numbers, known, None)?;
        }
        ColumnWriter::DoubleColumnWriter(writer) => {
            let numbers: Vec<f64> = values
                .filter_map(|value| if let Value::Number(number) = value { Some(*number) } else { None })
                .collect();
            writer.write_batch(&numbers, known, None)?;
        }
        ColumnWriter::BoolColumnWriter(writer) => {
            let flags: Vec<bool> = values
                .filter_map(|value| if let Value::Flag(flag) = value { Some(*flag) } else { None })
                .collect();
            writer.write_batch(&flags, known, None)?;
        }
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            let texts: Vec<ByteArray> = values
                .filter_map(
                    |value| if let Value::Text(text) = value { Some(text.as_str().into()) } else { None },
                )
                .collect();
            writer.write_batch(&texts, known, None)?;
        }
        _ => return Err(ParquetError::General("a column of no kind of ours".to_owned())),
    }
    Ok(())
}

fn fault(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}
