//! A house's own form: which columns in which order, under which titles.

mod header;
mod settings;
mod workbook;

use std::fmt;

use crate::{
    Lang,
    request::{Field, dates::DateFormat, words},
};

/// A house's own form.
///
/// It is read from settings in TOML, where everything can be said ([`EXAMPLE`] shows all of it), or from the form itself,
/// whose line of titles is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The language of words that the template does not give; that of the request where it is `None`.
    pub lang: Option<Lang>,
    /// The title over the form.
    pub title: Option<String>,
    /// The name of the sheet.
    pub sheet: Option<String>,
    /// What a workbook has besides the table, in this order.
    pub parts: Vec<Part>,
    /// The columns; never empty.
    pub columns: Vec<Column>,
    /// What stands between several values in one cell.
    pub joiner: String,
    /// How a rule without an end is written.
    pub permanent: Option<String>,
    /// How the direction outwards is written.
    pub outbound: Option<String>,
    /// How the direction inwards is written.
    pub inbound: Option<String>,
    /// What the firewall is to do.
    pub action: Option<String>,
    /// What could not be understood, and what became of it.
    pub warnings: Vec<Warning>,
    pub(crate) dates: DateFormat,
}

/// A column of a house's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// What is written over it and its neighbours with the same text: `출발지정보`.
    pub group: Option<String>,
    /// What it holds.
    pub content: Content,
    /// Its width in characters; by what it holds where it is `None`.
    pub width: Option<u16>,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Something of the rule or of the request.
    Field(Field),
    /// The same text in every line.
    Text(String),
    /// Nothing: for others to fill in.
    Empty,
}

/// A part of a workbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The title.
    Title,
    /// Who asks.
    Requester,
    /// Why.
    Reason,
    /// The table of rules.
    Rules,
    /// Impact, rollback and approval.
    Change,
    /// What else has to be known.
    Notes,
}

impl Part {
    /// All of them, in the usual order.
    pub const ALL: [Part; 6] =
        [Part::Title, Part::Requester, Part::Reason, Part::Rules, Part::Change, Part::Notes];

    /// Its name in a template.
    pub const fn key(self) -> &'static str {
        match self {
            Part::Title => "title",
            Part::Requester => "requester",
            Part::Reason => "reason",
            Part::Rules => "rules",
            Part::Change => "change",
            Part::Notes => "notes",
        }
    }
}

/// A documented template in TOML, with every setting.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The most columns of a form.
pub(crate) const MOST_COLUMNS: usize = 100;

/// The most bytes of a template.
pub(crate) const MOST_BYTES: usize = 1 << 20;

/// The most characters of a text in a template.
pub(super) const LONGEST_TEXT: usize = 1000;

impl Template {
    /// The template in a file: settings in TOML, or a house's form as a workbook (`.xlsx`), CSV or TSV (UTF-8, UTF-16 or
    /// CP949), of which the line of titles is read. What it is, its content says.
    pub fn read(bytes: &[u8]) -> Result<Self, TemplateError> {
        if bytes.len() > MOST_BYTES {
            return Err(TemplateError { line: None, cause: Cause::TooLarge { bytes: bytes.len() } });
        }
        if bytes.starts_with(b"PK\x03\x04") {
            return header::of_workbook(bytes);
        }
        if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
            return Err(TemplateError { line: None, cause: Cause::Workbook });
        }
        let text = header::decode(bytes)?;
        if settings::is_settings(&text) { settings::read(&text) } else { header::read(&text) }
    }

    /// A form of these columns with usual settings.
    fn of(columns: Vec<Column>) -> Self {
        Self {
            lang: None,
            title: None,
            sheet: None,
            parts: Part::ALL.to_vec(),
            columns,
            joiner: ";".to_owned(),
            permanent: None,
            outbound: None,
            inbound: None,
            action: None,
            warnings: Vec::new(),
            dates: DateFormat::default(),
        }
    }

    /// The form that is used where a house has none of its own, with the column for NAT where it is needed.
    pub fn usual(lang: Lang, has_nat: bool) -> Self {
        let fields =
            super::field::usual(lang).iter().copied().filter(|field| has_nat || *field != Field::NatIp);
        let column = |field: Field| Column {
            title: field.title(lang).to_owned(),
            group: words::group(field, lang).map(str::to_owned),
            content: Content::Field(field),
            width: None,
        };
        Self::of(fields.map(column).collect())
    }

    /// Whether a column holds this.
    pub(super) fn holds(&self, field: Field) -> bool {
        self.columns.iter().any(|column| column.content == Content::Field(field))
    }
}

/// Something in a template that was not understood, and that does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// No form in use has a column with this title: it stays empty.
    UnknownTitle(String),
    /// The form has no column for what a firewall rule cannot do without.
    NoColumn(Field),
}

impl Warning {
    /// What was not understood, and what became of it.
    pub fn text(&self, lang: Lang) -> String {
        words::warning(self, lang)
    }
}

/// Why a file is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The line, from 1, where one is to blame.
    pub line: Option<usize>,
    /// What is wrong there.
    pub cause: Cause,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// More than [`MOST_BYTES`].
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// In none of the encodings that are read.
    NoText,
    /// A workbook that cannot be read: of the old kind, protected by a password, or broken.
    Workbook,
    /// Not TOML; what the parser says of it.
    Syntax(String),
    /// A setting that there is not.
    UnknownSetting {
        /// As written.
        name: String,
        /// Those that there are.
        known: &'static [&'static str],
    },
    /// A value of another kind or outside of what is possible.
    BadValue {
        /// Whose value.
        name: &'static str,
        /// As written, as far as it can be shown.
        value: String,
        /// What would be right.
        wanted: Wanted,
    },
    /// A column without a title.
    NoTitle,
    /// A column that holds a field and a text.
    FieldAndText,
    /// No column at all, or no line of titles.
    NoColumns,
    /// More than [`MOST_COLUMNS`].
    TooManyColumns,
}

/// What a value of a template has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A text of bearable length.
    Text,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A list of these.
    ListOf(&'static [&'static str]),
    /// A pattern for dates.
    DatePattern,
    /// A width in characters.
    Width,
    /// `[[columns]]`.
    Columns,
}

impl TemplateError {
    /// Where and what is wrong, and what would be right.
    pub fn text(&self, lang: Lang) -> String {
        words::template_error(self, lang)
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Lang::En))
    }
}

impl std::error::Error for TemplateError {}
