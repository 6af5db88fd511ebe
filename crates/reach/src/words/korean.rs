//! Korean of what the program says before it has a result: the help, and what is wrong with the command line, with a
//! configuration or with the world around.
//!
//! These texts are born English, where the cause is known: in a few hundred `format!` and `#[error]` all over the
//! program, often as the cause inside another. They leave it at few places. So they are translated there, by a
//! catalogue of templates: the English one is the format string as the source has it, its holes in braces; the Korean
//! one names the same holes in its own order.
//!
//! ```text
//! "`{text}` is a {kind} address; give that of a host"  →  "`{text}`⟨은/는⟩ {kind} 주소입니다. 호스트의 주소를 …"
//! ```
//!
//! * The template with the most words of its own that fits a text is taken.
//! * What a hole holds is a text in its own right and translated if it is known, unless the hole stands in quotes:
//!   what stands there was written by whoever uses the program, and stays as it was written.
//! * A text without a template is cut at its colons and line ends, as causes are joined; what is still unknown stays
//!   English, and nothing is lost.
//! * Markers like `⟨은/는⟩` become the particle that fits the word before them.
//!
//! Three tests name what is missing, and where to add it: of the help, by walking through the definition of the command
//! line (`cli::korean`); of what is wrong, by reading the sources (`tests/korean.rs`); of the example of a
//! configuration, by its comments ([`example`]).
//!
//! English is never touched. Names, paths, keys and pieces of a configuration are never translated, nor are JSON,
//! codes and what the daemon writes to the log for the journal: programs read those.

mod catalogue;
pub mod example;
pub mod help;
pub mod problems;

use std::{borrow::Cow, sync::LazyLock};

use reach_report::Lang;

pub use self::catalogue::{Catalogue, Pair, template};

/// What is wrong, in Korean.
pub static PROBLEMS: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut lists = problems::OURS.to_vec();
    lists.extend([problems::COMPOSED, problems::WATCH]);
    lists.extend(problems::OTHERS);
    Catalogue::new(&lists)
});

/// What is wrong or remarkable, in Korean as far as the catalogue has it.
pub fn in_korean(text: &str) -> Cow<'_, str> {
    PROBLEMS.translated(text).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What is wrong with something that a watch tells of, as the watch has it, in a language.
pub fn trouble(text: &mut Option<String>, lang: Lang) {
    if let (Lang::Ko, Some(english)) = (lang, text) {
        *english = in_korean(english).into_owned();
    }
}

/// The help in Korean.
pub static HELP: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(&help::TEXTS));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_watch_tells_is_korean_for_those_who_ask_in_korean() {
        let told = |english: &str, lang| {
            let mut text = Some(english.to_owned());
            trouble(&mut text, lang);
            text.unwrap_or_default()
        };
        assert_eq!(told("no answer in time", Lang::Ko), "제한 시간 안에 응답이 없습니다");
        assert_eq!(told("no answer in time", Lang::En), "no answer in time");
        assert_eq!(told("403 Forbidden: bot was kicked", Lang::Ko), "403 Forbidden: bot was kicked");
    }

    #[test]
    fn what_the_system_says_is_korean_inside_of_other_texts() {
        assert_eq!(
            in_korean("`/etc/hosts.txt` cannot be read: No such file or directory (os error 2)"),
            "`/etc/hosts.txt`를 읽을 수 없습니다: 그런 파일이나 디렉터리가 없습니다(os error 2)"
        );
        assert_eq!(
            in_korean("--pcap `x` 파일을 기록하지 못했습니다: Permission denied (os error 13)"),
            "--pcap `x` 파일을 기록하지 못했습니다: 권한이 없습니다(os error 13)"
        );
    }

    #[test]
    fn what_a_watch_says_that_speaks_english_is_known() {
        assert_eq!(
            in_korean("what is new in `store`, `http` takes effect with a restart only"),
            crate::words::needs_restart(&["store", "http"], Lang::Ko)
        );
        assert_eq!(in_korean(crate::words::offline(Lang::En)), crate::words::offline(Lang::Ko));
    }

    #[test]
    fn a_mistyped_command_is_remarked_on_in_korean() {
        let arguments: Vec<std::ffi::OsString> = ["reach", "resovle"].map(Into::into).into();
        let remark = crate::cli::suspicion(&arguments).expect("a remark");
        assert!(in_korean(&remark).contains("점검할 호스트로"), "{remark}");
    }
}
