//! Documents for people who were not there: what they say, apart from how it is written down.
//!
//! A [`Document`] is a tree of [`Block`]s in one language. Each way of writing it down (HTML that prints on A4, PDF,
//! Markdown, a ticket's plain text) takes the same tree, so that no reader is told anything else than another.
//!
//! Texts come in as they are to be read: foreign bytes were cleaned before ([`crate::clean`]), and nothing is escaped
//! for any format yet. Whoever writes a format escapes for it.

mod html;
mod markdown;
pub mod pdf;
mod text;

use crate::{Lang, chart::Drawing};

pub use self::{
    html::{LARGEST_INSIDE, html},
    markdown::markdown,
    text::text,
};

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its language.
    pub lang: Lang,
    /// Its title, in one line.
    pub title: String,
    /// What it is about, when and by whom it was made: lines below the title.
    pub subtitle: Vec<String>,
    /// What it says.
    pub blocks: Vec<Block>,
    /// Files that belong to it.
    pub attachments: Vec<Attachment>,
}

/// A part of a document, from one margin to the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A heading.
    Heading {
        /// 1 for the parts of the document, 2 and 3 below.
        level: u8,
        /// One line.
        text: String,
    },
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// Points in no order.
    Points(Vec<Vec<Inline>>),
    /// Steps in this order.
    Steps(Vec<Vec<Inline>>),
    /// What is called how: names on the left, what they stand for on the right.
    Facts(Vec<(String, Vec<Inline>)>),
    /// What is compared.
    Table(Table),
    /// What is looked at.
    Figure {
        /// The picture.
        drawing: Drawing,
        /// What it shows, in one sentence.
        caption: String,
    },
    /// Text in which every space counts: output, a form to paste.
    Verbatim(String),
    /// What must not be overlooked.
    Callout {
        /// What it is.
        tone: Tone,
        /// What it says.
        text: Vec<Inline>,
    },
    /// What follows begins on a new page, where there are pages.
    PageBreak,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inline {
    /// As it is.
    Text(String),
    /// To be seen at once.
    Strong(String),
    /// Typed by somebody or something: an address, a command.
    Code(String),
    /// Somewhere else.
    Link {
        /// What is read.
        text: String,
        /// Where it leads: `https://…`, or `#…` inside the document.
        url: String,
    },
}

impl From<String> for Inline {
    fn from(text: String) -> Self {
        Inline::Text(text)
    }
}

impl From<&str> for Inline {
    fn from(text: &str) -> Self {
        Inline::Text(text.to_owned())
    }
}

/// What is compared, one thing a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Over it; empty where the text before it says what it is.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each with one cell a column.
    pub rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// Numbers stand on the right.
    pub right: bool,
    /// What it holds is not broken over lines: addresses, times.
    pub whole: bool,
}

/// A cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: Vec<Inline>,
    /// What it is.
    pub tone: Tone,
}

impl Column {
    /// One for words.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// One for what is not broken over lines.
    pub fn whole(title: impl Into<String>) -> Self {
        Self { whole: true, ..Self::new(title) }
    }

    /// One for numbers.
    pub fn right(title: impl Into<String>) -> Self {
        Self { right: true, ..Self::whole(title) }
    }
}

impl Cell {
    /// One that says this.
    pub fn new(text: impl Into<Inline>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    /// One that is this, too.
    pub fn toned(text: impl Into<Inline>, tone: Tone) -> Self {
        Self { text: vec![text.into()], tone }
    }

    /// One for what was typed by something.
    pub fn code(text: impl Into<String>) -> Self {
        Self::new(Inline::Code(text.into()))
    }
}

/// What something is, for those who see colour; the words beside it say the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// Nothing of the kind.
    #[default]
    Plain,
    /// It works.
    Good,
    /// Somebody should look at it.
    Warn,
    /// It fails.
    Bad,
    /// To know, no more.
    Note,
}

/// A file that belongs to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, without any directory.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// What it is, in one sentence.
    pub about: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Whether a link may lead there: to a page, or inside the document.
fn leads_somewhere(url: &str) -> bool {
    let plain =
        url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\''));
    plain
        && (url.starts_with("https://")
            || url.starts_with("http://")
            || url.starts_with('#') && url.len() > 1)
}

/// The size of a file: `640 bytes`, `12 KiB`.
fn size(bytes: usize, lang: Lang) -> String {
    let kib = bytes as f64 / 1024.0;
    if bytes < 1024 {
        crate::words::say!(lang, "{bytes} bytes", "{bytes}바이트")
    } else if kib < 1024.0 {
        format!("{kib:.1} KiB")
    } else {
        format!("{:.1} MiB", kib / 1024.0)
    }
}
