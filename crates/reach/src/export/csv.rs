use std::io::{self, Write};

use super::{Column, Sink, Value, rfc3339};

/// Comma-separated values (RFC 4180, with LF at the end of lines).
pub(super) struct Csv<W: Write> {
    out: csv::Writer<W>,
}

impl<W: Write> Csv<W> {
    pub(super) fn new(columns: &[Column], out: W) -> io::Result<Self> {
        let mut out = csv::Writer::from_writer(out);
        out.write_record(columns.iter().map(|(name, _)| name))?;
        Ok(Self { out })
    }
}

impl<W: Write> Sink for Csv<W> {
    fn row(&mut self, row: Vec<Value>) -> io::Result<()> {
        let fields = row.into_iter().map(|value| match value {
            Value::None => String::new(),
            Value::Time(time) => rfc3339(time),
            Value::Text(text) => harmless(text),
            Value::Count(count) => count.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
        });
        Ok(self.out.write_record(fields)?)
    }

    fn end(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A text that a spreadsheet would take for a formula begins with an apostrophe.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}
