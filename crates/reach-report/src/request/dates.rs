//! Dates as a house writes them.

use std::fmt;

use jiff::civil::Date;

/// A pattern for dates, made of `YYYY`, `YY`, `MM`, `M`, `DD`, `D` and what stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DateFormat {
    pieces: Vec<Piece>,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Year,
    ShortYear,
    Month { padded: bool },
    Day { padded: bool },
    Between(char),
}

impl DateFormat {
    /// The pattern in `text`; the reason in English where it is none.
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let chars: Vec<char> = text.chars().collect();
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let c = chars[at].to_ascii_lowercase();
            let run = chars[at..].iter().take_while(|next| next.to_ascii_lowercase() == c).count();
            match (c, run) {
                ('y', 4) => pieces.push(Piece::Year),
                ('y', 2) => pieces.push(Piece::ShortYear),
                ('m', 1 | 2) => pieces.push(Piece::Month { padded: run == 2 }),
                ('d', 1 | 2) => pieces.push(Piece::Day { padded: run == 2 }),
                ('-' | '.' | '/' | ' ' | '년' | '월' | '일', 1) => pieces.push(Piece::Between(c)),
                _ => return Err(Fault),
            }
            at += run;
        }
        let of = |wanted: fn(&Piece) -> bool| pieces.iter().filter(|piece| wanted(piece)).count();
        let years = of(|piece| matches!(piece, Piece::Year | Piece::ShortYear));
        let months = of(|piece| matches!(piece, Piece::Month { .. }));
        let days = of(|piece| matches!(piece, Piece::Day { .. }));
        if (years, months, days) == (1, 1, 1) { Ok(Self { pieces }) } else { Err(Fault) }
    }

    /// A date so written.
    pub(crate) fn text(&self, date: Date) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            out.push_str(&match *piece {
                Piece::Year => format!("{:04}", date.year()),
                Piece::ShortYear => format!("{:02}", date.year().rem_euclid(100)),
                Piece::Month { padded: true } => format!("{:02}", date.month()),
                Piece::Month { padded: false } => date.month().to_string(),
                Piece::Day { padded: true } => format!("{:02}", date.day()),
                Piece::Day { padded: false } => date.day().to_string(),
                Piece::Between(c) => c.to_string(),
            });
        }
        out
    }

    /// The number format of a spreadsheet that shows a date so.
    pub(crate) fn number_format(&self) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match *piece {
                Piece::Year => out.push_str("yyyy"),
                Piece::ShortYear => out.push_str("yy"),
                Piece::Month { padded } => out.push_str(if padded { "mm" } else { "m" }),
                Piece::Day { padded } => out.push_str(if padded { "dd" } else { "d" }),
                // A slash would become the separator of the reader's country.
                Piece::Between(c) => out.extend(['"', c, '"']),
            }
        }
        if out == "yyyy\"-\"mm\"-\"dd" { "yyyy-mm-dd".to_owned() } else { out }
    }
}

impl Default for DateFormat {
    fn default() -> Self {
        let between = Piece::Between('-');
        let pieces = vec![
            Piece::Year,
            between.clone(),
            Piece::Month { padded: true },
            between,
            Piece::Day { padded: true },
        ];
        Self { pieces }
    }
}

/// A text that is no pattern for dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no pattern for dates")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_house_writes_them() {
        let date = Date::constant(2026, 1, 5);
        for (pattern, expected, number) in [
            ("YYYY-MM-DD", "2026-01-05", "yyyy-mm-dd"),
            ("YYYY.MM.DD", "2026.01.05", "yyyy\".\"mm\".\"dd"),
            ("YYYYMMDD", "20260105", "yyyymmdd"),
            ("YY/M/D", "26/1/5", "yy\"/\"m\"/\"d"),
            ("YYYY년 M월 D일", "2026년 1월 5일", "yyyy\"년\"\" \"m\"월\"\" \"d\"일\""),
        ] {
            let format = DateFormat::read(pattern).expect(pattern);
            assert_eq!(format.text(date), expected);
            assert_eq!(format.number_format(), number);
        }
        assert_eq!(DateFormat::read("YYYY-MM-DD"), Ok(DateFormat::default()));
    }

    #[test]
    fn what_does_not_say_a_whole_date_is_no_pattern() {
        for pattern in ["", "YYYY", "YYYY-MM", "YYYY-MM-DD-DD", "%Y-%m-%d", "YYYY-MM-DD\"", "YYY-MM-DD"] {
            assert_eq!(DateFormat::read(pattern), Err(Fault), "{pattern}");
        }
    }
}
