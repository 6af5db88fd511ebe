//! The forms of times, read byte by byte: a log has one on nearly every line.

/// A time as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) what: What,
    /// Its length in bytes.
    pub(super) len: usize,
}

impl Found {
    pub(super) fn is_zoned(&self) -> bool {
        !matches!(self.what, What::Civil { offset_s: None, .. })
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// Microseconds since 1970.
    Epoch(u64),
    Civil {
        date: Date,
        /// Since midnight, in microseconds.
        time_us: i64,
        /// From UTC, where it is written.
        offset_s: Option<i32>,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Date {
    Full(i32, u8, u8),
    NoYear(u8, u8),
    None,
}

/// The time that bytes begin with.
pub(super) fn read(bytes: &[u8]) -> Option<Found> {
    let mut cursor = Cursor { bytes, at: 0 };
    let first = *bytes.first()?;
    let what = if first.is_ascii_digit() {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match (digits, bytes.get(digits)?) {
            (4, b'-' | b'/' | b'.') => year_first(&mut cursor)?,
            (8, b' ' | b'T' | b'-') => compact(&mut cursor)?,
            (1 | 2, b':') => Cursor::civil(Date::None, cursor.time(true)?, None),
            (1 | 2, b'-' | b'/') => day_first(&mut cursor)?,
            (1 | 2, 0xec) => korean(&mut cursor)?,
            (10 | 13 | 16, _) => epoch(&mut cursor, digits)?,
            _ => return None,
        }
    } else if first.is_ascii_alphabetic() {
        named(&mut cursor)?
    } else {
        return None;
    };
    // `2024-03-11 09:12:33x` is no time.
    let ends = !bytes.get(cursor.at).is_some_and(u8::is_ascii_alphanumeric);
    ends.then_some(Found { what, len: cursor.at })
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn civil(date: Date, time_us: i64, offset_s: Option<i32>) -> What {
        What::Civil { date, time_us, offset_s }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn any_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let found = self.peek().filter(|byte| wanted.contains(byte))?;
        self.at += 1;
        Some(found)
    }

    fn text(&mut self, wanted: &str) -> Option<()> {
        self.bytes[self.at..].starts_with(wanted.as_bytes()).then(|| self.at += wanted.len())
    }

    /// A number of so many digits.
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let digits = self.bytes[self.at..].iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if digits < least {
            return None;
        }
        let number = self.bytes[self.at..self.at + digits]
            .iter()
            .fold(0u32, |number, byte| number * 10 + u32::from(byte - b'0'));
        self.at += digits;
        Some(number)
    }

    fn small(&mut self, least: usize, most: usize) -> Option<u8> {
        u8::try_from(self.number(least, most)?).ok()
    }

    fn year(&mut self) -> Option<i32> {
        i32::try_from(self.number(4, 4)?).ok()
    }

    /// `09:12:33`, with a fraction if there is one; microseconds since midnight.
    fn time(&mut self, with_fraction: bool) -> Option<i64> {
        let hour = self.number(1, 2)?;
        self.any_of(b":")?;
        let minute = self.number(2, 2)?;
        self.any_of(b":")?;
        let second = self.number(2, 2)?;
        // A leap second is the next one.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let whole = i64::from(hour * 3600 + minute * 60 + second) * 1_000_000;
        Some(whole + if with_fraction { self.fraction() } else { 0 })
    }

    /// `.123` or `,123`, in microseconds; nothing, if there is none.
    fn fraction(&mut self) -> i64 {
        let begins = matches!(self.peek(), Some(b'.' | b',' | b':'))
            && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        if !begins {
            return 0;
        }
        self.at += 1;
        let (mut micros, mut unit) = (0, 100_000);
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            micros += i64::from(digit - b'0') * unit;
            unit /= 10;
            self.at += 1;
        }
        micros
    }

    /// `Z`, `+09:00`, ` +0900`, ` UTC`: what says the offset from UTC; else nothing is taken.
    fn offset(&mut self) -> Option<i32> {
        let begin = self.at;
        if self.any_of(b"Z").is_some() {
            return Some(0);
        }
        let _ = self.any_of(b" ");
        if self.text("UTC").is_some() || self.text("GMT").is_some() {
            return Some(0);
        }
        let offset = self.signed();
        if offset.is_none() {
            self.at = begin;
        }
        offset
    }

    fn signed(&mut self) -> Option<i32> {
        let sign = if self.any_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.number(2, 2)?;
        let _ = self.any_of(b":");
        let minutes = self.number(2, 2).unwrap_or(0);
        // `09:12:33 -12 files` is no offset.
        let ends = !self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let offset = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        (hours <= 14 && minutes < 60 && ends).then_some(sign * offset)
    }

    /// `Mar`, by its number.
    fn month(&mut self) -> Option<u8> {
        const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
        let name = self.bytes.get(self.at..self.at + 3)?;
        let month = MONTHS.chunks_exact(3).position(|known| known.eq_ignore_ascii_case(name))?;
        self.at += 3;
        u8::try_from(month + 1).ok()
    }

    fn weekday(&mut self) -> Option<()> {
        const DAYS: &[u8; 21] = b"MonTueWedThuFriSatSun";
        let name = self.bytes.get(self.at..self.at + 3)?;
        DAYS.chunks_exact(3).any(|known| known == name).then(|| self.at += 3)
    }
}

/// Half a day later in the afternoon, of a clock with twelve hours.
fn by_twelve(time_us: i64, afternoon: bool) -> Option<i64> {
    const HOUR: i64 = 3_600_000_000;
    let hour = time_us / HOUR;
    if !(1..=12).contains(&hour) {
        return None;
    }
    Some(time_us % HOUR + (hour % 12 + if afternoon { 12 } else { 0 }) * HOUR)
}

/// `2024-03-11 09:12:33,123`, with `/` or `.` too.
fn year_first(cursor: &mut Cursor<'_>) -> Option<What> {
    let year = cursor.year()?;
    let separator = cursor.any_of(b"-/.")?;
    let month = cursor.small(1, 2)?;
    cursor.any_of(&[separator])?;
    let day = cursor.small(1, 2)?;
    let date = Date::Full(year, month, day);
    cursor.any_of(b"T _:")?;
    let half = [("오전 ", false), ("오후 ", true)].into_iter().find(|(word, _)| cursor.text(word).is_some());
    let mut time = cursor.time(true)?;
    if let Some((_, afternoon)) = half {
        time = by_twelve(time, afternoon)?;
    }
    Some(Cursor::civil(date, time, cursor.offset()))
}

/// `20240311 09:12:33`, `20240311T091233Z`.
fn compact(cursor: &mut Cursor<'_>) -> Option<What> {
    let date = Date::Full(cursor.year()?, cursor.small(2, 2)?, cursor.small(2, 2)?);
    cursor.any_of(b" T-")?;
    if cursor.bytes.get(cursor.at + 2) == Some(&b':') {
        return Some(Cursor::civil(date, cursor.time(true)?, cursor.offset()));
    }
    let (hour, minute, second) = (cursor.number(2, 2)?, cursor.number(2, 2)?, cursor.number(2, 2)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let time = i64::from(hour * 3600 + minute * 60 + second) * 1_000_000 + cursor.fraction();
    Some(Cursor::civil(date, time, cursor.offset()))
}

/// `11-Mar-2024 09:12:33.123`, `11/Mar/2024:09:12:33 +0900`.
fn day_first(cursor: &mut Cursor<'_>) -> Option<What> {
    let day = cursor.small(1, 2)?;
    let separator = cursor.any_of(b"-/")?;
    let month = cursor.month()?;
    cursor.any_of(&[separator])?;
    let date = Date::Full(cursor.year()?, month, day);
    cursor.any_of(b": ")?;
    Some(Cursor::civil(date, cursor.time(true)?, cursor.offset()))
}

/// `3월 11, 2024 9:12:33 오전`, as `java.util.logging` writes in Korean.
fn korean(cursor: &mut Cursor<'_>) -> Option<What> {
    let month = cursor.small(1, 2)?;
    cursor.text("월 ")?;
    let day = cursor.small(1, 2)?;
    cursor.text(", ")?;
    let date = Date::Full(cursor.year()?, month, day);
    cursor.any_of(b" ")?;
    let time = cursor.time(false)?;
    let afternoon = match () {
        () if cursor.text(" 오전").is_some() => false,
        () if cursor.text(" 오후").is_some() => true,
        () => return None,
    };
    Some(Cursor::civil(date, by_twelve(time, afternoon)?, None))
}

/// `1710115953.123`, `1710115953123`. A number alone is no time.
fn epoch(cursor: &mut Cursor<'_>, digits: usize) -> Option<What> {
    let number =
        cursor.bytes[..digits].iter().fold(0u64, |number, byte| number * 10 + u64::from(byte - b'0'));
    cursor.at = digits;
    let micros = match digits {
        10 => number * 1_000_000 + u64::try_from(cursor.fraction()).ok()?,
        13 => number * 1_000,
        _ => number,
    };
    // From 2001 on: a number of ten digits may be anything.
    let is_likely = (1_000_000_000_000_000..4_102_444_800_000_000).contains(&micros);
    (is_likely && matches!(cursor.peek(), Some(b' ' | b'\t' | b']' | b'"' | b'|' | b',')))
        .then_some(What::Epoch(micros))
}

/// What begins with a name: `Mar 11 09:12:33`, `Mar 11, 2024 9:12:33 AM`, `Mon Mar 11 09:12:33 2024`,
/// `Mon, 11 Mar 2024 09:12:33 +0900`, `E0311 09:12:33.123456`.
fn named(cursor: &mut Cursor<'_>) -> Option<What> {
    if cursor.weekday().is_some() {
        if cursor.text(", ").is_some() {
            let day = cursor.small(1, 2)?;
            cursor.any_of(b" ")?;
            let month = cursor.month()?;
            cursor.any_of(b" ")?;
            let date = Date::Full(cursor.year()?, month, day);
            cursor.any_of(b" ")?;
            return Some(Cursor::civil(date, cursor.time(true)?, cursor.offset()));
        }
        cursor.any_of(b" ")?;
        let month = cursor.month()?;
        cursor.any_of(b" ")?;
        let _ = cursor.any_of(b" ");
        let day = cursor.small(1, 2)?;
        cursor.any_of(b" ")?;
        let time = cursor.time(true)?;
        let offset = cursor.offset();
        cursor.any_of(b" ")?;
        let zone =
            cursor.bytes[cursor.at..].iter().take(5).take_while(|byte| byte.is_ascii_uppercase()).count();
        if zone >= 2 {
            // The name of a zone means the one that was given: names like IST mean several.
            cursor.at += zone;
            cursor.any_of(b" ")?;
        }
        return Some(Cursor::civil(Date::Full(cursor.year()?, month, day), time, offset));
    }
    if let (Some(b'I' | b'W' | b'E' | b'F'), Some(b'0' | b'1')) = (cursor.peek(), cursor.bytes.get(1)) {
        cursor.at += 1;
        let date = Date::NoYear(cursor.small(2, 2)?, cursor.small(2, 2)?);
        cursor.any_of(b" ")?;
        return Some(Cursor::civil(date, cursor.time(true)?, None));
    }
    let month = cursor.month()?;
    cursor.any_of(b" ")?;
    let _ = cursor.any_of(b" ");
    let day = cursor.small(1, 2)?;
    if cursor.text(", ").is_some() {
        let date = Date::Full(cursor.year()?, month, day);
        cursor.any_of(b" ")?;
        let time = cursor.time(false)?;
        let half = cursor.bytes.get(cursor.at..cursor.at + 3)?;
        let afternoon = match half {
            b" AM" => false,
            b" PM" => true,
            _ => return None,
        };
        cursor.at += 3;
        return Some(Cursor::civil(date, by_twelve(time, afternoon)?, None));
    }
    cursor.any_of(b" ")?;
    Some(Cursor::civil(Date::NoYear(month, day), cursor.time(true)?, None))
}
