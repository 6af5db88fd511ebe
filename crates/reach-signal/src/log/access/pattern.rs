//! How a server was told to write its access log: nginx's `log_format`, Apache's `LogFormat`, the `pattern` of Tomcat's
//! AccessLogValve. What was pasted from a configuration becomes a reader of its lines.

use reach_core::Time;
use thiserror::Error;

use super::{Hit, Upstream, leading_status};
use crate::log::{envelope::of_number, stamp::Stamps};

/// A reader of lines of one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It names no field.
    #[error(
        "it has no field; give what the server has: nginx's `log_format`, Apache's `LogFormat`, Tomcat's `pattern`, or one \
         of common, combined, vhost_combined"
    )]
    NoFields,
    /// Without a status nobody can tell what failed.
    #[error(
        "it has no status; add `$status` (nginx) or `%s` (Apache, Tomcat) to the log, or leave `pattern` out"
    )]
    NoStatus,
    /// Two fields stand together.
    #[error("nothing divides `{0}` from `{1}`, so nobody can tell where one ends; put a space between them")]
    Together(String, String),
    /// A field is not complete.
    #[error("`{0}` is no field; fields are like `$status` (nginx) or `%s`, `%{{Referer}}i` (Apache, Tomcat)")]
    Broken(String),
    /// It is longer than any format.
    #[error("it is longer than {} characters", Pattern::LONGEST)]
    TooLong,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Field),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// Of no interest here.
    Skipped,
    Time,
    /// `$msec`, `%{sec}t`, `%{msec}t`.
    Epoch,
    Status,
    Addresses,
    Statuses,
    Times,
    ConnectTimes,
}

impl Field {
    const fn is_wanted(self) -> bool {
        !matches!(self, Field::Skipped)
    }

    /// Its end is known by itself.
    const fn ends_by_itself(self) -> bool {
        matches!(self, Field::Time | Field::Status | Field::Epoch)
    }

    const fn is_list(self) -> bool {
        matches!(self, Field::Addresses | Field::Statuses | Field::Times | Field::ConnectTimes)
    }
}

const COMMON: &str = r#"%h %l %u %t "%r" %>s %b"#;
const COMBINED: &str = r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#;
const VHOST: &str = r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#;

impl Pattern {
    /// No format is longer, in bytes.
    pub const LONGEST: usize = 16 * 1024;

    /// Understands a pattern: a name that servers know (`common`, `combined`, `vhost_combined`), a format, or the whole
    /// line of a configuration with it.
    ///
    /// # Errors
    ///
    /// If it has no status, or two fields stand together so that their ends cannot be found.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.len() > Self::LONGEST {
            return Err(PatternError::TooLong);
        }
        let text = match text.trim() {
            "common" => COMMON.to_owned(),
            "combined" | "combinedio" | "main" => COMBINED.to_owned(),
            "vhost_combined" | "vhost" => VHOST.to_owned(),
            text => unwrapped(text),
        };
        let (mut pieces, mut names) = if has_variables(&text) { nginx(&text)? } else { apache(&text)? };
        if !pieces.iter().any(|piece| matches!(piece, Piece::Field(_))) {
            return Err(PatternError::NoFields);
        }
        if !pieces.contains(&Piece::Field(Field::Status)) {
            return Err(PatternError::NoStatus);
        }
        // What follows the last field of interest is read over.
        let last = pieces.iter().rposition(|piece| matches!(piece, Piece::Field(field) if field.is_wanted()));
        if let Some(last) = last {
            let followed = matches!(pieces.get(last + 1), Some(Piece::Text(_)));
            pieces.truncate(last + 1 + usize::from(followed));
            names.truncate(pieces.len());
        }
        for (number, pair) in pieces.windows(2).enumerate() {
            if let [Piece::Field(first), Piece::Field(_)] = pair
                && !first.ends_by_itself()
            {
                return Err(PatternError::Together(names[number].clone(), names[number + 1].clone()));
            }
        }
        Ok(Self { pieces })
    }

    /// Reads a line, if it has this form.
    pub fn read(&self, line: &str, stamps: &mut Stamps, heard: Time) -> Option<Hit> {
        // Text of users may hold what divides fields: then another end is tried, so often and no more.
        let mut reading = Reading { stamps, heard, tries: 200 };
        let mut draft = Draft::default();
        reading.fits(&self.pieces, line, &mut draft).then(|| Hit {
            at: draft.at,
            status: draft.status,
            tries: draft.upstream.tries(),
            was_repeated: false,
        })
    }
}

struct Reading<'s> {
    stamps: &'s mut Stamps,
    heard: Time,
    tries: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Draft<'a> {
    at: Option<Time>,
    status: u16,
    upstream: Upstream<'a>,
}

impl Reading<'_> {
    fn fits<'a>(&mut self, pieces: &[Piece], text: &'a str, draft: &mut Draft<'a>) -> bool {
        let (field, rest) = match pieces {
            [] => return true,
            [Piece::Text(wanted), rest @ ..] => {
                return match text.strip_prefix(wanted.as_str()) {
                    Some(text) => self.fits(rest, text, draft),
                    // The end of a line may be cut.
                    None => rest.is_empty() && wanted.starts_with(text),
                };
            }
            [Piece::Field(field), rest @ ..] => (*field, rest),
        };
        match field {
            Field::Status => {
                let Some(status) = leading_status(text.as_bytes()) else { return false };
                draft.status = status;
                let length = if text.starts_with('-') { 1 } else { 3 };
                return self.fits(rest, &text[length..], draft);
            }
            Field::Time | Field::Epoch => {
                if let Some(stamp) = self.stamps.read(text, self.heard) {
                    let mut whole = *draft;
                    whole.at = Some(stamp.at);
                    // A bracket at the end belongs to the format if it has one there.
                    for end in [stamp.end, stamp.end.saturating_sub(1)] {
                        if text.get(end..).is_some_and(|after| self.fits(rest, after, &mut whole)) {
                            *draft = whole;
                            return true;
                        }
                    }
                }
            }
            _ => {}
        }
        if field == Field::Epoch {
            // Its fraction may be a field of its own.
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let mut whole = *draft;
            whole.at = text[..digits].parse().ok().and_then(of_number);
            if whole.at.is_some() && self.fits(rest, &text[digits..], &mut whole) {
                *draft = whole;
                return true;
            }
        }
        let [Piece::Text(end), ..] = rest else {
            set(field, text, draft);
            return true;
        };
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|text| text.find(end.as_str())).map(|at| from + at) {
            let (value, after) = text.split_at(at);
            from = at + end.chars().next().map_or(1, char::len_utf8);
            let is_escaped = end.starts_with('"')
                && value.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
            if is_escaped || (field.is_list() && goes_on(value, after)) {
                continue;
            }
            if self.tries == 0 {
                return false;
            }
            self.tries -= 1;
            let mut found = *draft;
            set(field, value, &mut found);
            if self.fits(rest, after, &mut found) {
                *draft = found;
                return true;
            }
        }
        false
    }
}

/// A list of nginx goes on behind a comma, and behind a colon between two spaces.
fn goes_on(value: &str, after: &str) -> bool {
    value.ends_with([',', ':']) || after.starts_with(" : ") || after.starts_with(", ")
}

fn set<'a>(field: Field, value: &'a str, draft: &mut Draft<'a>) {
    match field {
        Field::Addresses => draft.upstream.addresses = value,
        Field::Statuses => draft.upstream.statuses = value,
        Field::Times => draft.upstream.times = value,
        Field::ConnectTimes => draft.upstream.connect_times = Some(value),
        Field::Skipped | Field::Time | Field::Epoch | Field::Status => {}
    }
}

/// The format inside of a line of a configuration.
fn unwrapped(text: &str) -> String {
    let text = text.strip_suffix(';').unwrap_or(text).trim();
    if let Some(rest) = text.strip_prefix("log_format") {
        // `log_format NAME [escape=…] 'one' 'two'`
        let quoted: String = quoted_parts(rest).concat();
        return if quoted.is_empty() { rest.trim().to_owned() } else { quoted };
    }
    for directive in ["LogFormat", "CustomLog"] {
        if let Some(rest) = text.strip_prefix(directive)
            && let Some(format) = quoted_parts(rest).into_iter().find(|part| part.contains('%'))
        {
            return format;
        }
    }
    let text = match text.split_once("pattern=\"") {
        // An attribute of XML; quotes inside of it are entities.
        Some((_, rest)) => rest.split('"').next().unwrap_or_default(),
        None => text,
    };
    let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    // Quotes are escaped where the format was in quotes itself.
    if text.starts_with('"') && text.ends_with('"') && text.contains("\\\"") && text.len() > 1 {
        return text[1..text.len() - 1].replace("\\\"", "\"");
    }
    match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        Some(inner) => quoted_parts(&format!("'{inner}'")).concat(),
        None => text.replace("\\\"", "\""),
    }
}

/// What stands in quotes of either kind, without them.
fn quoted_parts(text: &str) -> Vec<String> {
    let (mut parts, mut current, mut quote) = (Vec::new(), String::new(), None);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(_), '\\') => match characters.next() {
                Some(escaped @ ('"' | '\'' | '\\')) => current.push(escaped),
                Some('t') => current.push('\t'),
                Some(other) => current.extend(['\\', other]),
                None => {}
            },
            (Some(open), c) if c == open => {
                parts.push(std::mem::take(&mut current));
                quote = None;
            }
            (Some(_), c) => current.push(c),
            (None, '"' | '\'') => quote = Some(c),
            (None, _) => {}
        }
    }
    parts
}

fn has_variables(text: &str) -> bool {
    text.split('$').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '{'))
}

type Pieces = (Vec<Piece>, Vec<String>);

/// Pieces as they come, neighbouring texts in one.
#[derive(Default)]
struct Builder {
    pieces: Vec<Piece>,
    /// As they stand in the pattern.
    names: Vec<String>,
}

impl Builder {
    fn text(&mut self, c: char) {
        if let Some(Piece::Text(text)) = self.pieces.last_mut() {
            text.push(c);
        } else {
            self.pieces.push(Piece::Text(c.to_string()));
            self.names.push(String::new());
        }
    }

    fn field(&mut self, field: Field, name: String) {
        // Two fields that nobody wants are one.
        if field == Field::Skipped && self.pieces.last() == Some(&Piece::Field(Field::Skipped)) {
            return;
        }
        self.pieces.push(Piece::Field(field));
        self.names.push(name);
    }
}

fn nginx(text: &str) -> Result<Pieces, PatternError> {
    let mut builder = Builder::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '$' {
            builder.text(c);
            continue;
        }
        let (name, after) = match rest.strip_prefix('{') {
            Some(inner) => inner.split_once('}').ok_or_else(|| PatternError::Broken(format!("${rest}")))?,
            None => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        if name.is_empty() {
            return Err(PatternError::Broken("$".to_owned()));
        }
        rest = after;
        let field = match name {
            "status" => Field::Status,
            "time_local" | "time_iso8601" => Field::Time,
            "msec" => Field::Epoch,
            "upstream_addr" => Field::Addresses,
            "upstream_status" => Field::Statuses,
            "upstream_response_time" => Field::Times,
            "upstream_connect_time" => Field::ConnectTimes,
            _ => Field::Skipped,
        };
        builder.field(field, format!("${name}"));
    }
    Ok((builder.pieces, builder.names))
}

fn apache(text: &str) -> Result<Pieces, PatternError> {
    let mut builder = Builder::default();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('t') => builder.text('\t'),
                Some(other) => builder.text(other),
                None => builder.text('\\'),
            },
            '%' => {
                let mut name = "%".to_owned();
                let mut parameter = String::new();
                let code = loop {
                    match characters.next() {
                        Some('%') if name == "%" => break '%',
                        Some('{') => {
                            parameter = characters.by_ref().take_while(|c| *c != '}').collect();
                            name.push_str(&format!("{{{parameter}}}"));
                        }
                        // Which request of several it is about, and for which statuses it is written.
                        Some(c @ ('<' | '>' | '!' | ',' | '0'..='9')) => name.push(c),
                        // Two letters follow.
                        Some('^') => {
                            name.push('^');
                            name.extend(characters.next());
                        }
                        Some(code) if code.is_ascii_alphabetic() => break code,
                        _ => return Err(PatternError::Broken(name)),
                    }
                };
                if code == '%' {
                    builder.text('%');
                    continue;
                }
                name.push(code);
                let field = match (code, parameter.as_str()) {
                    ('s', _) => Field::Status,
                    ('t', "sec" | "msec" | "usec" | "begin:sec" | "end:sec" | "begin:msec" | "end:msec") => {
                        Field::Epoch
                    }
                    ('t', "msec_frac" | "usec_frac" | "begin:msec_frac" | "end:msec_frac") => Field::Skipped,
                    ('t', _) => Field::Time,
                    _ => Field::Skipped,
                };
                builder.field(field, name);
            }
            c => builder.text(c),
        }
    }
    Ok((builder.pieces, builder.names))
}

#[cfg(test)]
mod tests;
