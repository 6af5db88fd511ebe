//! A request as text that pastes into somebody else's table.

use super::{
    FormError, RequestForm, Template,
    lines::{self, Laid, Value},
};

/// What makes Excel in Korea read UTF-8 instead of CP949.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The table as CSV (RFC 4180: lines end in CR LF): a line of titles, then one line a rule. With `mark` it begins with a
/// byte order mark, without which Excel takes it for CP949; other programs may want it without.
///
/// # Errors
///
/// A request that would be refused: see [`FormError`].
pub fn csv(form: &RequestForm, template: Option<&Template>, mark: bool) -> Result<Vec<u8>, FormError> {
    let laid = lines::lay(form, template)?;
    let mut out = if mark { MARK.to_vec() } else { Vec::new() };
    write(&laid, &mut out, b',', csv::Terminator::CRLF)?;
    Ok(out)
}

/// The table as lines of cells with tabs between them, to paste into a spreadsheet: a line of titles, then one line a
/// rule.
///
/// # Errors
///
/// A request that would be refused: see [`FormError`].
pub fn tsv(form: &RequestForm, template: Option<&Template>) -> Result<String, FormError> {
    let laid = lines::lay(form, template)?;
    let mut out = Vec::new();
    write(&laid, &mut out, b'\t', csv::Terminator::Any(b'\n'))?;
    String::from_utf8(out).map_err(|error| FormError::Workbook(error.to_string()))
}

fn write(
    laid: &Laid,
    out: &mut Vec<u8>,
    delimiter: u8,
    terminator: csv::Terminator,
) -> Result<(), FormError> {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).terminator(terminator).from_writer(out);
    let fault = |error: csv::Error| FormError::Workbook(error.to_string());
    writer
        .write_record(laid.template.columns.iter().map(|column| harmless(lines::line(&column.title))))
        .map_err(fault)?;
    for row in &laid.rows {
        writer.write_record(row.iter().map(|value| text(laid, value))).map_err(fault)?;
    }
    writer.flush().map_err(|error| FormError::Workbook(error.to_string()))
}

fn text(laid: &Laid, value: &Value) -> String {
    match value {
        Value::Empty | Value::Blank => String::new(),
        Value::Number(number) => number.to_string(),
        Value::Day(day) => laid.template.dates.text(*day),
        Value::Text(text) => harmless(text.clone()),
    }
}

/// An apostrophe in front keeps a spreadsheet from taking a text for a formula.
fn harmless(text: String) -> String {
    if lines::is_formula(&text) { format!("'{text}") } else { text }
}
