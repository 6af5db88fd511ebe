//! Documents as PDF: A4, with the fonts, the bookmarks, the structure that screen readers follow, and the files that
//! belong to it inside.
//!
//! A document is laid out first, into pages of [`page::Op`]s and a tree of what they are ([`page::Nodes`]), and written
//! then. The same document gives the same bytes.

mod compose;
mod figure;
mod fonts;
mod lines;
mod page;
mod table;
mod write;

use std::fmt;

use reach_core::Time;

use super::Document;
use crate::{Lang, words::say};

/// The most pages of a document: nobody reads more, and a fault elsewhere must not fill a disk.
pub(crate) const MOST_PAGES: usize = 2000;

/// The document as PDF 1.7. `made` is when it was made, which its properties say.
///
/// # Errors
///
/// [`PdfError::TooLong`] for more than [`MOST_PAGES`] pages; [`PdfError::Unwritten`] never happens as far as is known.
pub fn pdf(document: &Document, made: Option<Time>) -> Result<Vec<u8>, PdfError> {
    let fonts = fonts::Fonts::get()?;
    let laid = compose::compose(document, &fonts)?;
    write::write(document, laid, &fonts, made)
}

/// Why there is no PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PdfError {
    /// More than [`MOST_PAGES`] pages.
    TooLong,
    /// The library refused; this is a fault of this program.
    Unwritten(String),
}

impl PdfError {
    /// What is wrong, and what would be right.
    pub fn text(&self, lang: Lang) -> String {
        match self {
            PdfError::TooLong => say!(
                lang,
                "the document has more than {MOST_PAGES} pages; narrow down what it is about, or take another format",
                "문서가 {MOST_PAGES}쪽을 넘습니다. 대상 범위를 줄이거나 다른 형식을 이용해 주십시오"
            ),
            PdfError::Unwritten(reason) => {
                say!(lang, "the PDF could not be written: {reason}", "PDF를 작성하지 못했습니다: {reason}")
            }
        }
    }
}

impl fmt::Display for PdfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Lang::En))
    }
}

impl std::error::Error for PdfError {}
