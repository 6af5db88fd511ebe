//! Statements without what was in them: every literal becomes `?`, comments and layout go, lists of any length look alike.
//!
//! What a statement asks about belongs to the users of the application; which statement is slow does not. Where a text is
//! cut in the middle of a literal, as databases cut long statements, all of the rest is literal.

use std::{iter::Peekable, str::CharIndices};

/// Whose syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL, with `standard_conforming_strings` on, as it is since 9.1.
    Postgres,
    /// MySQL and MariaDB. Text in double quotes counts as a literal even where `ANSI_QUOTES` makes it a name.
    Mysql,
}

/// The most characters of a statement that are kept.
pub const MOST: usize = 1_000;

/// The statement in one line, its literals removed, at most [`MOST`] characters.
pub fn normalise(text: &str, dialect: Dialect) -> String {
    let mut lexer = Lexer { text, chars: text.char_indices().peekable(), dialect };
    let mut line = Line::default();
    while line.has_room()
        && let Some(token) = lexer.next()
    {
        line.push(token);
    }
    line.finish()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'t> {
    /// A name, a keyword, or a quoted name as it stands.
    Name(&'t str),
    /// A literal or a parameter.
    Literal,
    /// Punctuation and operators, one character each.
    Sign(char),
}

struct Lexer<'t> {
    text: &'t str,
    chars: Peekable<CharIndices<'t>>,
    dialect: Dialect,
}

impl<'t> Iterator for Lexer<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            let &(at, c) = self.chars.peek()?;
            let rest = &self.text[at..];
            if c.is_whitespace() || c.is_control() {
                self.chars.next();
            } else if self.starts_comment(rest) {
                self.comment(rest);
            } else {
                return Some(self.token(at, c, rest));
            }
        }
    }
}

impl<'t> Lexer<'t> {
    fn is_mysql(&self) -> bool {
        self.dialect == Dialect::Mysql
    }

    fn starts_comment(&self, rest: &str) -> bool {
        let dashes = rest.strip_prefix("--").is_some_and(|after| {
            // MySQL takes `5--3` for a subtraction.
            !self.is_mysql() || after.chars().next().is_none_or(|c| c.is_whitespace() || c.is_control())
        });
        dashes
            || rest.starts_with("/*")
            || self.is_mysql() && (rest.starts_with('#') || rest.starts_with("*/"))
    }

    fn comment(&mut self, rest: &str) {
        if self.is_mysql() && rest.starts_with("*/") {
            // The end of `/*!50000 … */`.
            self.skip(2);
        } else if self.is_mysql() && (rest.starts_with("/*!") || rest.starts_with("/*M!")) {
            // What stands in it is carried out.
            let head = if rest.starts_with("/*!") { 3 } else { 4 };
            let digits = rest[head..].bytes().take_while(u8::is_ascii_digit).count();
            self.skip(head + digits);
        } else if rest.starts_with("/*") {
            self.block_comment();
        } else {
            while self.chars.next_if(|&(_, c)| c != '\n').is_some() {}
        }
    }

    fn block_comment(&mut self) {
        self.skip(2);
        let mut depth = 1_usize;
        while let Some((_, c)) = self.chars.next() {
            match (c, self.chars.peek().map(|&(_, next)| next)) {
                ('*', Some('/')) => {
                    self.chars.next();
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                ('/', Some('*')) if !self.is_mysql() => {
                    self.chars.next();
                    depth += 1;
                }
                _ => {}
            }
        }
    }

    fn token(&mut self, at: usize, c: char, rest: &'t str) -> Token<'t> {
        match c {
            '\'' => self.string('\'', self.is_mysql()),
            '"' if self.is_mysql() => self.string('"', true),
            '"' => self.quoted_name(at, '"'),
            '`' if self.is_mysql() => self.quoted_name(at, '`'),
            '$' if !self.is_mysql() => self.dollar(rest),
            '?' => self.literal(1),
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => self.number(rest),
            c if c.is_ascii_digit() => self.number_or_name(at, rest),
            c if is_name(c) => self.name(at, rest),
            c => {
                self.chars.next();
                Token::Sign(c)
            }
        }
    }

    /// A text up to its closing quote; a doubled quote is part of it, and with `escapes` whatever follows a backslash.
    fn string(&mut self, quote: char, escapes: bool) -> Token<'t> {
        self.chars.next();
        while let Some((_, c)) = self.chars.next() {
            if c == '\\' && escapes {
                self.chars.next();
            } else if c == quote && self.chars.next_if(|&(_, next)| next == quote).is_none() {
                break;
            }
        }
        Token::Literal
    }

    fn quoted_name(&mut self, at: usize, quote: char) -> Token<'t> {
        self.chars.next();
        while let Some((_, c)) = self.chars.next() {
            if c == quote && self.chars.next_if(|&(_, next)| next == quote).is_none() {
                return Token::Name(&self.text[at..self.here()]);
            }
        }
        // It was cut, or it is no name at all.
        Token::Literal
    }

    /// `$1`, `$$ … $$`, `$tag$ … $tag$`.
    fn dollar(&mut self, rest: &str) -> Token<'t> {
        let tag = rest[1..].find(|c: char| !is_name(c) || c == '$').map(|end| &rest[..end + 1]);
        match tag {
            Some(tag)
                if rest[tag.len()..].starts_with('$')
                    && !tag[1..].starts_with(|c: char| c.is_ascii_digit()) =>
            {
                let fence = &rest[..tag.len() + 1];
                let end = rest[fence.len()..].find(fence).map_or(rest.len(), |end| end + 2 * fence.len());
                self.literal(end)
            }
            _ => {
                let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                if digits > 0 {
                    return self.literal(1 + digits);
                }
                self.chars.next();
                Token::Sign('$')
            }
        }
    }

    fn number_or_name(&mut self, at: usize, rest: &'t str) -> Token<'t> {
        let word = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        // MySQL has names like `2024_orders`.
        if self.is_mysql() && !is_number(&rest[..word]) {
            self.skip(word);
            return Token::Name(&self.text[at..at + word]);
        }
        self.number(rest)
    }

    /// Digits, with all that may belong to a number: too much rather than too little.
    fn number(&mut self, rest: &str) -> Token<'t> {
        let bytes = rest.as_bytes();
        let is_hex = bytes.len() > 1 && bytes[0] == b'0' && bytes[1].eq_ignore_ascii_case(&b'x');
        let mut end = 0;
        while let Some(&byte) = bytes.get(end) {
            let exponent = matches!(byte, b'+' | b'-')
                && !is_hex
                && end > 0
                && bytes[end - 1].eq_ignore_ascii_case(&b'e')
                && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            // Two dots are a range of PL/pgSQL.
            let dot = byte == b'.' && bytes.get(end + 1) != Some(&b'.');
            if !(byte.is_ascii_alphanumeric() || byte == b'_' || dot || exponent) {
                break;
            }
            end += 1;
        }
        self.literal(end.max(1))
    }

    fn name(&mut self, at: usize, rest: &'t str) -> Token<'t> {
        let mut end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        let after = &rest[end..];
        let prefix = matches!(name, "b" | "B" | "x" | "X" | "n" | "N");
        if after.starts_with('\'') {
            match self.dialect {
                Dialect::Postgres if matches!(name, "e" | "E") => {
                    self.skip(end);
                    return self.string('\'', true);
                }
                Dialect::Mysql if prefix || name.starts_with('_') => {
                    self.skip(end);
                    return self.string('\'', true);
                }
                Dialect::Postgres if prefix => {
                    self.skip(end);
                    return self.string('\'', false);
                }
                _ => {}
            }
        }
        if !self.is_mysql() && matches!(name, "u" | "U") && after.starts_with("&'") {
            self.skip(end + 1);
            return self.string('\'', false);
        }
        end = end.max(1);
        self.skip(end);
        Token::Name(&self.text[at..at + end])
    }

    fn literal(&mut self, bytes: usize) -> Token<'t> {
        self.skip(bytes);
        Token::Literal
    }

    /// Goes on by so many bytes, which end between two characters.
    fn skip(&mut self, bytes: usize) {
        let end = self.here().saturating_add(bytes);
        while self.chars.next_if(|&(at, _)| at < end).is_some() {}
    }

    fn here(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |&(at, _)| at)
    }
}

fn is_name(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric()
}

/// Whether MySQL takes a word that begins with a digit for a number.
fn is_number(word: &str) -> bool {
    let all = |digits: &str, of: fn(&u8) -> bool| !digits.is_empty() && digits.bytes().all(|byte| of(&byte));
    if let Some(hex) = word.strip_prefix("0x") {
        return all(hex, u8::is_ascii_hexdigit);
    }
    if let Some(bits) = word.strip_prefix("0b") {
        return all(bits, |byte| matches!(byte, b'0' | b'1'));
    }
    let (digits, exponent) = word.split_once(['e', 'E']).unwrap_or((word, "0"));
    // `1e-5`: the exponent comes behind a sign.
    all(digits, u8::is_ascii_digit) && (exponent.is_empty() || all(exponent, u8::is_ascii_digit))
}

/// Tokens in one line, with as few blanks as people like.
#[derive(Default)]
struct Line<'t> {
    tokens: Vec<Token<'t>>,
    length: usize,
}

impl<'t> Line<'t> {
    /// What is counted is at most twice what will be written.
    fn has_room(&self) -> bool {
        self.length <= 2 * MOST
    }

    fn push(&mut self, token: Token<'t>) {
        use Token::{Literal, Sign};
        if token == Literal {
            // A sign before a literal is part of it, but for one between two values.
            if let [.., before, Sign('-' | '+')] = &self.tokens[..] {
                let is_value = matches!(before, Literal | Sign(')' | ']'))
                    || matches!(before, Token::Name(name) if !is_keyword(name));
                if !is_value {
                    self.pop();
                }
            }
            // 'a' 'b' is one literal, and a list of literals looks like one.
            if let Some(Literal) = self.tokens.last() {
                return;
            }
            if let [.., Sign('(' | '['), Literal, Sign(',')] = &self.tokens[..] {
                self.pop();
                return;
            }
        }
        self.length += match &token {
            Token::Name(name) => name.chars().count() + 1,
            _ => 2,
        };
        self.tokens.push(token);
        // Rows of literals look like one row: `(?), (?)`.
        if let [.., Sign('('), Literal, Sign(')'), Sign(','), Sign('('), Literal, Sign(')')] =
            &self.tokens[..]
        {
            (0..4).for_each(|_| self.pop());
        }
    }

    fn pop(&mut self) {
        if let Some(token) = self.tokens.pop() {
            self.length -= match token {
                Token::Name(name) => name.chars().count() + 1,
                _ => 2,
            };
        }
    }

    fn finish(self) -> String {
        use Token::{Literal, Name, Sign};
        let mut line = String::new();
        let mut before: Option<&Token<'_>> = None;
        for token in &self.tokens {
            let close = match (before, token) {
                (None, _) => true,
                (_, Sign(',' | ')' | ';' | '.' | ']' | '[')) => true,
                (Some(Sign('(' | '.' | '[' | '@')), _) => true,
                // A call, not a keyword with a list behind it.
                (Some(Name(name)), Sign('(')) => !is_keyword(name),
                (Some(Sign(a)), Sign(b)) => is_operator(*a) && is_operator(*b),
                (Some(Sign(':')), Name(_)) | (Some(Literal), Sign(':')) => true,
                (Some(Name(_)), Sign(':')) => true,
                _ => false,
            };
            if !close {
                line.push(' ');
            }
            match token {
                Name(name) => line.extend(name.chars().map(|c| if c.is_control() { ' ' } else { c })),
                Literal => line.push('?'),
                Sign(c) => line.push(*c),
            }
            before = Some(token);
        }
        let line = line.trim_end_matches([';', ' ']);
        match line.char_indices().nth(MOST) {
            None => line.to_owned(),
            Some(_) => {
                let cut = line.char_indices().nth(MOST - 1).map_or(line.len(), |(at, _)| at);
                format!("{}…", &line[..cut])
            }
        }
    }
}

fn is_operator(c: char) -> bool {
    matches!(
        c,
        '<' | '>' | '=' | '!' | '|' | '&' | '~' | '#' | '^' | '%' | '/' | '*' | '+' | '-' | ':' | '@' | '?'
    )
}

/// Words of SQL that may stand before a value or a list without being a name.
fn is_keyword(name: &str) -> bool {
    const WORDS: [&str; 46] = [
        "ALL",
        "AND",
        "ANY",
        "AS",
        "BETWEEN",
        "BY",
        "CASE",
        "CHECK",
        "DISTINCT",
        "DIV",
        "ELSE",
        "END",
        "EXCEPT",
        "EXISTS",
        "FETCH",
        "FILTER",
        "FOR",
        "FROM",
        "HAVING",
        "ILIKE",
        "IN",
        "INTERSECT",
        "INTERVAL",
        "INTO",
        "IS",
        "JOIN",
        "LIKE",
        "LIMIT",
        "MOD",
        "NOT",
        "OFFSET",
        "ON",
        "OR",
        "OVER",
        "RETURNING",
        "SELECT",
        "SET",
        "SOME",
        "THEN",
        "TO",
        "UNION",
        "USING",
        "VALUES",
        "WHEN",
        "WHERE",
        "WITH",
    ];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
