//! Korean particles. Which of 이/가, 은/는, 을/를, 과/와, 으로/로 follows a word depends on whether the word ends
//! in a consonant *as it is read aloud*, which for addresses, numbers and Latin names is not what is written.

/// Replaces every marker like `⟨은/는⟩` in `text` by the form that fits what stands before it.
///
/// Markers: `⟨이/가⟩ ⟨은/는⟩ ⟨을/를⟩ ⟨과/와⟩ ⟨으로/로⟩ ⟨이라/라⟩`; anything else in such brackets stays as it is.
pub fn attach(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('⟨') {
        out.push_str(&rest[..start]);
        let marked = &rest[start..];
        let known = FORMS.iter().find(|(marker, ..)| marked.starts_with(marker));
        match known {
            Some((marker, closed, open)) => {
                let form = match ending(&out) {
                    Ending::Open => open,
                    Ending::Rieul if marker.contains("으로") => open,
                    Ending::Rieul | Ending::Closed => closed,
                };
                out.push_str(form);
                rest = &marked[marker.len()..];
            }
            None => {
                out.push('⟨');
                rest = &marked['⟨'.len_utf8()..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Marker, form behind a consonant, form behind a vowel.
const FORMS: [(&str, &str, &str); 6] = [
    ("⟨이/가⟩", "이", "가"),
    ("⟨은/는⟩", "은", "는"),
    ("⟨을/를⟩", "을", "를"),
    ("⟨과/와⟩", "과", "와"),
    ("⟨으로/로⟩", "으로", "로"),
    ("⟨이라/라⟩", "이라", "라"),
];

/// How a word ends when it is read aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// In a vowel.
    Open,
    /// In ㄹ, which 으로/로 treats like a vowel.
    Rieul,
    /// In another consonant.
    Closed,
}

fn ending(text: &str) -> Ending {
    let text = spoken(text);
    let Some(last) = text.chars().next_back() else { return Ending::Open };
    match last {
        '가'..='힣' => match (last as u32 - '가' as u32) % 28 {
            0 => Ending::Open,
            8 => Ending::Rieul,
            _ => Ending::Closed,
        },
        // 영, 일, 이, 삼, 사, 오, 육, 칠, 팔, 구; and 십, 백, 천, 만 end like 영.
        '0' | '3' | '6' => Ending::Closed,
        '1' | '7' | '8' => Ending::Rieul,
        c if c.is_ascii_alphabetic() => latin_ending(text),
        _ => Ending::Open,
    }
}

/// What is actually read aloud at the end: closing quotes and a bracketed addition are passed over, unless
/// nothing stands before the bracket.
fn spoken(text: &str) -> &str {
    let mut text = text;
    loop {
        let trimmed = text.trim_end_matches(|c: char| !c.is_alphanumeric() && c != ')' && c != '%');
        let shorter = match trimmed.strip_suffix(')') {
            Some(inner) => match inner.rfind('(') {
                Some(open) if open > 0 && !inner[..open].ends_with(char::is_whitespace) => &inner[..open],
                _ => inner,
            },
            None => trimmed,
        };
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

fn latin_ending(text: &str) -> Ending {
    let start = text
        .rfind(|c: char| !c.is_ascii_alphabetic())
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let word = &text[start..];
    // IPv6 groups, abbreviations, single letters and country codes are spelled: L 엘, M 엠, N 엔, R 알.
    let in_address = text[..start].ends_with(|c: char| c.is_ascii_digit() || c == ':');
    let spelled = in_address || word.len() <= 2 || word.chars().all(|c| c.is_ascii_uppercase());
    let word = word.to_ascii_lowercase();
    if spelled {
        return match word.as_bytes().last() {
            Some(b'l' | b'r') => Ending::Rieul,
            Some(b'm' | b'n') => Ending::Closed,
            _ => Ending::Open,
        };
    }
    // 넷, 앱, 맵, 톡, 북 …: short syllables that end in a stop.
    const STOPS: [&str; 12] =
        ["net", "app", "map", "top", "web", "book", "talk", "set", "bit", "kit", "chat", "bot"];
    if STOPS.iter().any(|stop| word.ends_with(stop)) {
        return Ending::Closed;
    }
    if word.ends_with('l') || word.ends_with("le") {
        Ending::Rieul
    } else if word.ends_with(['m', 'n'])
        || word.ends_with("ng")
        || word.ends_with("me")
        || word.ends_with("ne")
    {
        Ending::Closed
    } else {
        Ending::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(word: &str) -> String {
        attach(&format!("{word}⟨은/는⟩"))
    }

    #[test]
    fn hangul_is_judged_by_its_final_consonant() {
        assert_eq!(attach("방화벽⟨이/가⟩ 서버⟨을/를⟩"), "방화벽이 서버를");
        assert_eq!(attach("경로⟨과/와⟩ 홉⟨과/와⟩"), "경로와 홉과");
        assert_eq!(attach("서울⟨으로/로⟩ 부산⟨으로/로⟩ 대구⟨으로/로⟩"), "서울로 부산으로 대구로");
    }

    #[test]
    fn digits_are_judged_as_read() {
        for (number, form) in [
            ("0", "은"),
            ("1", "은"),
            ("2", "는"),
            ("3", "은"),
            ("4", "는"),
            ("5", "는"),
            ("6", "은"),
            ("7", "은"),
            ("8", "은"),
            ("9", "는"),
            ("10", "은"),
            ("1000", "은"),
        ] {
            assert_eq!(topic(number), format!("{number}{form}"));
        }
        assert_eq!(attach("1⟨으로/로⟩ 3⟨으로/로⟩ 7⟨으로/로⟩ 10⟨으로/로⟩"), "1로 3으로 7로 10으로");
    }

    #[test]
    fn addresses_and_names_are_judged_as_read() {
        assert_eq!(topic("203.0.113.12"), "203.0.113.12는");
        assert_eq!(topic("10.70.0.1"), "10.70.0.1은");
        assert_eq!(topic("2001:db8::a"), "2001:db8::a는");
        assert_eq!(topic("2001:db8::8"), "2001:db8::8은");
        assert_eq!(topic("fcm.googleapis.com"), "fcm.googleapis.com은");
        assert_eq!(topic("example.net"), "example.net은");
        assert_eq!(topic("example.co.kr"), "example.co.kr은");
        assert_eq!(topic("api.telegram.org"), "api.telegram.org는");
        assert_eq!(attach("TCP⟨은/는⟩ TTL⟨으로/로⟩ SYN⟨이/가⟩ RST⟨을/를⟩"), "TCP는 TTL로 SYN이 RST를");
    }

    #[test]
    fn what_stands_in_brackets_is_passed_over() {
        assert_eq!(attach("1번째 홉(10.70.0.2)⟨이/가⟩"), "1번째 홉(10.70.0.2)이");
        assert_eq!(attach("`curl`⟨을/를⟩ 37.5 %⟨이/가⟩"), "`curl`을 37.5 %가");
    }

    #[test]
    fn unknown_markers_stay() {
        assert_eq!(attach("⟨x⟩ 끝⟨"), "⟨x⟩ 끝⟨");
    }
}
