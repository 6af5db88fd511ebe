use std::io::{self, BufWriter, Write};

use serde_json::{Map, json};

use super::{Column, Sink, Value, rfc3339};

/// One JSON object a line.
pub(super) struct JsonLines<W: Write> {
    columns: &'static [Column],
    out: BufWriter<W>,
}

impl<W: Write> JsonLines<W> {
    pub(super) fn new(columns: &'static [Column], out: W) -> Self {
        Self { columns, out: BufWriter::new(out) }
    }
}

impl<W: Write> Sink for JsonLines<W> {
    fn row(&mut self, row: Vec<Value>) -> io::Result<()> {
        let fields = self.columns.iter().zip(row).map(|((name, _), value)| {
            let value = match value {
                Value::None => json!(null),
                Value::Time(time) => json!(rfc3339(time)),
                Value::Text(text) => json!(text),
                Value::Count(count) => json!(count),
                Value::Number(number) => json!(number),
                Value::Flag(flag) => json!(flag),
            };
            ((*name).to_owned(), value)
        });
        serde_json::to_writer(&mut self.out, &fields.collect::<Map<_, _>>())?;
        self.out.write_all(b"\n")
    }

    fn end(mut self) -> io::Result<()> {
        self.out.flush()
    }
}
