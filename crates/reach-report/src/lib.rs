//! The words: text, JSON, English and Korean.
