//! How a text is to look.

use crate::Lang;

/// How a text is to look. Everything that another program would ask the terminal for comes in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns that a line may take; at least [`Style::MIN_WIDTH`] are used.
    pub width: usize,
    /// Whether to write ANSI colour sequences.
    pub color: bool,
    /// Whether to keep to ASCII for lines and symbols.
    pub ascii: bool,
    /// The language.
    pub lang: Lang,
    /// Offset of the local time from UTC, in seconds, east positive.
    pub utc_offset_s: i32,
}

impl Style {
    /// Narrower than this nothing useful can be laid out.
    pub const MIN_WIDTH: usize = 60;

    /// Plain text of a width, in a language, times in UTC.
    pub const fn plain(width: usize, lang: Lang) -> Self {
        Self { width, color: false, ascii: false, lang, utc_offset_s: 0 }
    }

    /// The columns to use.
    pub(crate) const fn columns(&self) -> usize {
        if self.width < Self::MIN_WIDTH { Self::MIN_WIDTH } else { self.width }
    }
}

impl Default for Style {
    fn default() -> Self {
        Self::plain(80, Lang::En)
    }
}
