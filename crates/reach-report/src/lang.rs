//! The languages.

use std::str::FromStr;

/// A language that reports can be written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Lang {
    /// All languages.
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Ko];

    /// The ISO 639-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Ko => "ko",
        }
    }

    /// The language of a POSIX locale name such as `ko_KR.UTF-8` (the value of `LC_ALL` or `LANG`); English
    /// for everything that is not Korean.
    pub fn of_locale(locale: &str) -> Lang {
        let language = locale.split(['_', '.', '@', '-']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("ko") { Lang::Ko } else { Lang::En }
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "en" | "english" => Ok(Lang::En),
            "ko" | "korean" => Ok(Lang::Ko),
            _ => Err("the language is `en` or `ko`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_its_language() {
        assert_eq!(Lang::of_locale("ko_KR.UTF-8"), Lang::Ko);
        assert_eq!(Lang::of_locale("ko"), Lang::Ko);
        assert_eq!(Lang::of_locale("kok_IN"), Lang::En);
        assert_eq!(Lang::of_locale("C.UTF-8"), Lang::En);
        assert_eq!(Lang::of_locale(""), Lang::En);
    }
}
