//! A request as a workbook.

use rust_xlsxwriter::{
    Color, DataValidation, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook,
    Worksheet, XlsxError,
};
use unicode_width::UnicodeWidthStr;

use super::{
    Direction, Field, FormError, Protocol, RequestForm, Template,
    lines::{self, Laid, Value},
    template::{Content, Part},
    words::{self, Label},
};
use crate::Lang;

/// The paper's number in workbooks: A4.
const A4: u8 = 9;

/// Columns are no narrower and no wider than this where a template does not say, in characters.
const WIDTHS: (usize, usize) = (5, 28);

/// The height of a line of text, in points.
const LINE_HEIGHT: f64 = 16.5;

/// The most lines that a merged cell shows.
const MOST_LINES: usize = 24;

/// What a sheet's name cannot hold.
const NOT_IN_NAMES: [char; 7] = ['[', ']', ':', '*', '?', '/', '\\'];

/// The request as a workbook (Office Open XML) with one sheet that prints on A4 across. The same request gives the same
/// bytes.
///
/// # Errors
///
/// A request that would be refused: see [`FormError`].
pub fn xlsx(form: &RequestForm, template: Option<&Template>) -> Result<Vec<u8>, FormError> {
    let laid = lines::lay(form, template)?;
    let texts = Texts::of(form, &laid)?;
    write(form, &laid, &texts).map_err(|error| FormError::Workbook(error.to_string()))
}

/// What stands over and under the table.
struct Texts {
    title: String,
    /// Names and values in the order of reading.
    requester: Vec<(&'static str, String)>,
    reason: Vec<(&'static str, String)>,
    change: Vec<(&'static str, String)>,
    notes: Vec<String>,
}

impl Texts {
    fn of(form: &RequestForm, laid: &Laid) -> Result<Self, FormError> {
        let lang = laid.lang;
        let pair =
            |label: Label, text: &str| Ok((label.text(lang), lines::bounded(text, 0, label.text(lang))?));
        let optional = |label: Label, text: &Option<String>| pair(label, text.as_deref().unwrap_or_default());
        let of_template = laid.template.title.as_deref();
        let title = of_template.or(form.title.as_deref()).unwrap_or(Label::Title.text(lang));
        let who = &form.requester;
        let mut notes: Vec<String> = Vec::new();
        if form.rules.iter().any(|rule| rule.alternative > 1) {
            notes.push(words::choose(lang));
        }
        for note in &form.notes {
            notes.push(lines::bounded(note, 0, Label::Notes.text(lang))?);
        }
        let change = [
            (Label::Impact, &form.impact),
            (Label::Rollback, &form.rollback),
            (Label::Approver, &form.approver),
        ];
        // Forms in English ask for all three; those in Korea for the approval.
        let is_asked = |label: Label, text: &Option<String>| {
            lang == Lang::En || label == Label::Approver || text.is_some()
        };
        Ok(Self {
            title: lines::bounded(title, 0, Label::Title.text(lang))?,
            requester: vec![
                optional(Label::Name, &who.name)?,
                optional(Label::Department, &who.department)?,
                optional(Label::Position, &who.position)?,
                optional(Label::Phone, &who.phone)?,
                optional(Label::Mail, &who.mail)?,
                pair(Label::Made, &laid.template.dates.text(form.made))?,
            ],
            reason: vec![pair(Label::Reason, &form.reason)?],
            change: change
                .into_iter()
                .filter(|(label, text)| is_asked(*label, text))
                .map(|(label, text)| optional(label, text))
                .collect::<Result<_, _>>()?,
            notes,
        })
    }
}

fn write(form: &RequestForm, laid: &Laid, texts: &Texts) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let author = form.requester.name.as_deref().map(lines::line).unwrap_or_default();
    let mut properties = DocProperties::new()
        .set_title(&texts.title)
        .set_author(author)
        .set_comment(Label::Program.text(laid.lang));
    if let Some(made) = day(form.made) {
        properties = properties.set_creation_datetime(&made);
    }
    workbook.set_properties(&properties);
    let sheet = workbook.add_worksheet();
    sheet.set_name(sheet_name(laid))?;
    let mut page = Page { sheet, laid, looks: Looks::of(laid), widths: widths(laid), row: 0 };
    page.columns()?;
    for part in &laid.template.parts {
        match part {
            Part::Title => page.title(&texts.title)?,
            Part::Requester => page.pairs(&texts.requester)?,
            Part::Reason => page.wide(&texts.reason)?,
            Part::Rules => page.rules()?,
            Part::Change => page.wide(&texts.change)?,
            Part::Notes => page.notes(&texts.notes)?,
        }
    }
    page.print()?;
    workbook.save_to_buffer()
}

/// A name that a sheet can have: 1 to 31 units of UTF-16 without some characters.
fn sheet_name(laid: &Laid) -> String {
    let usual = Label::Sheet.text(laid.lang);
    let wanted = lines::line(laid.template.sheet.as_deref().unwrap_or(usual));
    let mut name = String::new();
    for c in wanted.chars().map(|c| if NOT_IN_NAMES.contains(&c) { ' ' } else { c }) {
        if name.encode_utf16().count() + c.len_utf16() > 31 {
            break;
        }
        name.push(c);
    }
    let name = name.trim_matches(['\'', ' ']);
    if name.is_empty() || name.eq_ignore_ascii_case("history") { usual.to_owned() } else { name.to_owned() }
}

/// A day as spreadsheets count them; `None` before 1900 and after 9999.
fn day(date: jiff::civil::Date) -> Option<ExcelDateTime> {
    let part = |part: i8| u8::try_from(part).ok();
    ExcelDateTime::from_ymd(u16::try_from(date.year()).ok()?, part(date.month())?, part(date.day())?).ok()
}

/// How cells look.
struct Looks {
    title: Format,
    label: Format,
    value: Format,
    head: Format,
    text: Format,
    centred: Format,
    day: Format,
    blank: Format,
    note: Format,
}

impl Looks {
    fn of(laid: &Laid) -> Self {
        // A font that both languages have on the machines that open such forms.
        let font = match laid.lang {
            Lang::Ko => "맑은 고딕",
            Lang::En => "Calibri",
        };
        let base = Format::new().set_font_name(font).set_font_size(10).set_align(FormatAlign::VerticalCenter);
        let boxed = base.clone().set_border(FormatBorder::Thin).set_border_color(Color::RGB(0x80_80_80));
        let text = boxed.clone().set_text_wrap().set_align(FormatAlign::Left);
        let head = boxed
            .clone()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Center)
            .set_background_color(Color::RGB(0xdd_e6_f0));
        Self {
            title: base.clone().set_bold().set_font_size(16).set_align(FormatAlign::Center),
            label: head.clone(),
            value: text.clone(),
            head,
            centred: boxed.clone().set_text_wrap().set_align(FormatAlign::Center),
            day: boxed.set_align(FormatAlign::Center).set_num_format(laid.template.dates.number_format()),
            blank: text.clone().set_background_color(Color::RGB(0xff_f8_dc)),
            text,
            note: base.set_text_wrap().set_align(FormatAlign::Left).set_align(FormatAlign::Top),
        }
    }
}

/// The sheet while it is filled from the top.
struct Page<'p> {
    sheet: &'p mut Worksheet,
    laid: &'p Laid,
    looks: Looks,
    /// Of the columns, in characters.
    widths: Vec<usize>,
    /// The next row.
    row: u32,
}

type Written = Result<(), XlsxError>;

impl Page<'_> {
    fn last(&self) -> u16 {
        column(self.widths.len().saturating_sub(1))
    }

    fn columns(&mut self) -> Written {
        for (at, width) in self.widths.iter().enumerate() {
            self.sheet.set_column_width(column(at), *width as f64)?;
        }
        Ok(())
    }

    fn title(&mut self, title: &str) -> Written {
        let look = self.looks.title.clone();
        self.merged(self.row, 0, self.row, self.last(), title, &look)?;
        self.sheet.set_row_height(self.row, 32)?;
        self.row += 2;
        Ok(())
    }

    /// Names with short values, two beside each other where there is room.
    fn pairs(&mut self, pairs: &[(&str, String)]) -> Written {
        let abreast = if self.widths.len() >= 8 { 2 } else { 1 };
        for chunk in pairs.chunks(abreast) {
            let mut first = 0;
            for (at, (label, value)) in chunk.iter().enumerate() {
                let last = if at + 1 == abreast { self.widths.len() } else { self.widths.len() / abreast };
                self.pair(first, last, label, value)?;
                first = last;
            }
            self.row += 1;
        }
        self.row += 1;
        Ok(())
    }

    /// Names with long values, one a row.
    fn wide(&mut self, pairs: &[(&str, String)]) -> Written {
        for (label, value) in pairs {
            self.pair(0, self.widths.len(), label, value)?;
            let split = self.split(0, self.widths.len());
            let room: usize = self.widths[split..].iter().sum();
            self.sheet.set_row_height(self.row, height(value, room, 2))?;
            self.row += 1;
        }
        if !pairs.is_empty() {
            self.row += 1;
        }
        Ok(())
    }

    /// A name and its value from one column to before another.
    fn pair(&mut self, first: usize, end: usize, label: &str, value: &str) -> Written {
        let split = self.split(first, end);
        let look = if value.is_empty() { self.looks.blank.clone() } else { self.looks.value.clone() };
        if split == first {
            return self.merged(
                self.row,
                column(first),
                self.row,
                column(end - 1),
                &format!("{label}: {value}"),
                &look,
            );
        }
        let of_label = self.looks.label.clone();
        self.merged(self.row, column(first), self.row, column(split - 1), label, &of_label)?;
        self.merged(self.row, column(split), self.row, column(end - 1), value, &look)
    }

    /// Where a value begins whose name has the columns before it.
    fn split(&self, first: usize, end: usize) -> usize {
        const ROOM: usize = 12;
        let mut room = 0;
        for at in first..end.saturating_sub(1) {
            room += self.widths[at];
            if room >= ROOM {
                return at + 1;
            }
        }
        end.saturating_sub(1).max(first)
    }

    fn rules(&mut self) -> Written {
        let laid = self.laid;
        let columns = &laid.template.columns;
        let has_groups = columns.iter().any(|column| column.group.is_some());
        let (upper, lower) = (self.row, self.row + u32::from(has_groups));
        let look = self.looks.head.clone();
        let mut at = 0;
        while at < columns.len() {
            let group = &columns[at].group;
            let run = columns[at..].iter().take_while(|column| column.group == *group).count();
            match group {
                Some(group) => {
                    self.merged(upper, column(at), upper, column(at + run - 1), &lines::line(group), &look)?;
                    for (at, of_group) in columns.iter().enumerate().skip(at).take(run) {
                        self.merged(
                            lower,
                            column(at),
                            lower,
                            column(at),
                            &lines::line(&of_group.title),
                            &look,
                        )?;
                    }
                    at += run;
                }
                None => {
                    self.merged(
                        upper,
                        column(at),
                        lower,
                        column(at),
                        &lines::line(&columns[at].title),
                        &look,
                    )?;
                    at += 1;
                }
            }
        }
        let first = lower + 1;
        self.sheet.set_freeze_panes(first, 0)?;
        self.sheet.set_repeat_rows(upper, lower)?;
        self.row = first;
        for row in &laid.rows {
            for (at, value) in row.iter().enumerate() {
                self.value(column(at), &columns[at].content, value)?;
            }
            let needed = row.iter().zip(&self.widths).map(|(value, width)| match value {
                Value::Text(text) => height(text, width.saturating_sub(1), 1),
                _ => LINE_HEIGHT,
            });
            self.sheet.set_row_height(self.row, needed.fold(LINE_HEIGHT, f64::max))?;
            self.row += 1;
        }
        self.choices(first, self.row - 1)?;
        self.row += 1;
        Ok(())
    }

    fn value(&mut self, at: u16, content: &Content, value: &Value) -> Written {
        let look = match content {
            Content::Field(
                Field::Number
                | Field::Protocol
                | Field::Port
                | Field::Service
                | Field::Direction
                | Field::Action,
            ) => &self.looks.centred,
            Content::Field(Field::From | Field::Until | Field::Made) => &self.looks.day,
            _ => &self.looks.text,
        };
        match value {
            Value::Empty => self.sheet.write_blank(self.row, at, look)?,
            Value::Blank => self.sheet.write_blank(self.row, at, &self.looks.blank)?,
            Value::Number(number) => self.sheet.write_number_with_format(self.row, at, *number, look)?,
            Value::Day(date) => match day(*date) {
                Some(day) => self.sheet.write_datetime_with_format(self.row, at, &day, look)?,
                None => self.sheet.write_string_with_format(
                    self.row,
                    at,
                    self.laid.template.dates.text(*date),
                    look,
                )?,
            },
            Value::Text(text) => {
                let look = literal(look, text);
                self.sheet.write_string_with_format(self.row, at, text, &look)?
            }
        };
        Ok(())
    }

    /// Lists to choose from, for what has only a few values.
    fn choices(&mut self, first: u32, last: u32) -> Written {
        for (at, of) in self.laid.template.columns.iter().enumerate() {
            let values: Vec<String> = match of.content {
                Content::Field(Field::Protocol) => {
                    [Protocol::Tcp, Protocol::Udp].map(|one| one.text().to_owned()).to_vec()
                }
                Content::Field(Field::Direction) => {
                    let template = &self.laid.template;
                    let of = |own: &Option<String>, usual: Direction| {
                        lines::line(own.as_deref().unwrap_or(usual.text()))
                    };
                    vec![of(&template.outbound, Direction::Out), of(&template.inbound, Direction::In)]
                }
                _ => continue,
            };
            // A list in a workbook is one text with commas, of 255 characters at most.
            let is_possible = |value: &String| {
                !value.is_empty() && value.chars().count() <= 100 && !value.contains([',', '"'])
            };
            if values.iter().all(is_possible) {
                let list = DataValidation::new().allow_list_strings(&values)?;
                let list = list.set_error_message(Label::OneOfThese.text(self.laid.lang))?;
                self.sheet.add_data_validation(first, column(at), last, column(at), &list)?;
            }
        }
        Ok(())
    }

    fn notes(&mut self, notes: &[String]) -> Written {
        if notes.is_empty() {
            return Ok(());
        }
        let room: usize = self.widths.iter().sum();
        let head = self.looks.note.clone().set_bold();
        let text = self.looks.note.clone();
        let title = Label::Notes.text(self.laid.lang);
        self.merged(self.row, 0, self.row, self.last(), title, &head)?;
        self.row += 1;
        for note in notes {
            self.merged(self.row, 0, self.row, self.last(), &format!("• {note}"), &text)?;
            self.sheet.set_row_height(self.row, height(note, room.saturating_sub(2), 1))?;
            self.row += 1;
        }
        Ok(())
    }

    fn print(&mut self) -> Written {
        self.sheet
            .set_paper_size(A4)
            .set_landscape()
            .set_print_fit_to_pages(1, 0)
            .set_print_center_horizontally(true);
        self.sheet.set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3).set_footer("&C&P / &N");
        if self.row > 0 {
            self.sheet.set_print_area(0, 0, self.row - 1, self.last())?;
        }
        Ok(())
    }

    /// Text in one cell, or in several that become one.
    fn merged(&mut self, top: u32, left: u16, bottom: u32, right: u16, text: &str, look: &Format) -> Written {
        let look = literal(look, text);
        if (top, left) == (bottom, right) {
            self.sheet.write_string_with_format(top, left, text, &look)?;
        } else {
            self.sheet.merge_range(top, left, bottom, right, text, &look)?;
        }
        Ok(())
    }
}

/// A cell's look that keeps its text a text when somebody edits it.
fn literal(look: &Format, text: &str) -> Format {
    if lines::is_formula(text) { look.clone().set_quote_prefix() } else { look.clone() }
}

/// Columns are fewer than 65 536: templates have a limit far below.
fn column(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// The height that a text takes in so many characters of width, in points.
fn height(text: &str, room: usize, least: usize) -> f64 {
    let lines = text.width().div_ceil(room.max(1)).clamp(least, MOST_LINES);
    lines as f64 * LINE_HEIGHT
}

/// Widths of the columns, in characters: a Hangul syllable takes two.
fn widths(laid: &Laid) -> Vec<usize> {
    let widest = |at: usize| {
        let of_value = |value: &Value| match value {
            Value::Empty | Value::Blank => 0,
            Value::Number(number) => number.to_string().width(),
            Value::Day(date) => laid.template.dates.text(*date).width(),
            // Several values in one cell stand below each other.
            Value::Text(text) => text
                .split([' ', ';', ','])
                .map(UnicodeWidthStr::width)
                .max()
                .unwrap_or(0)
                .max(text.width().min(16)),
        };
        laid.rows.iter().map(|row| of_value(&row[at])).max().unwrap_or(0)
    };
    let columns = laid.template.columns.iter().enumerate();
    let width = |(at, column): (usize, &super::Column)| match column.width {
        Some(width) => usize::from(width),
        None => (lines::line(&column.title).width().max(widest(at)) + 2).clamp(WIDTHS.0, WIDTHS.1),
    };
    columns.map(width).collect()
}
