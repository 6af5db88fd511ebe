//! The two ways out: results on standard output, everything else on standard error.

use std::{
    borrow::Cow,
    io::{self, ErrorKind, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use reach_report::Lang;

use crate::{exit::Exit, words::korean};

/// Writes a result in one piece. A reader that went away (`reach … | head -1`) is no failure.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Prints a result and ends with `exit`, or says why the result could not be written.
pub fn finish(text: &str, exit: Exit) -> Exit {
    match print(text) {
        Ok(()) => exit,
        Err(error) => {
            note(&format!("the result could not be written: {error}"));
            Exit::CouldNotTell
        }
    }
}

/// Whether what is said from now on is said in Korean. Who panics, and what is wrong with a configuration, know no
/// language; it is the same all the time for one process.
static KOREAN: AtomicBool = AtomicBool::new(false);

/// Decides in which language [`note`] and [`complain`] speak: English until then.
pub fn speak(lang: Lang) {
    KOREAN.store(lang == Lang::Ko, Ordering::Relaxed);
}

/// A text that was born English, in the language of this process.
pub fn said(text: &str) -> Cow<'_, str> {
    if KOREAN.load(Ordering::Relaxed) { korean::in_korean(text) } else { Cow::Borrowed(text) }
}

/// Says something beside the result.
pub fn note(text: &str) {
    // Standard error may be closed; there is nobody left to tell then.
    let _ = writeln!(io::stderr().lock(), "reach: {}", said(text));
}

/// Says what is wrong with the command line or a file it names.
pub fn complain(problems: &[String]) -> Exit {
    let mut err = io::stderr().lock();
    let error = said("error");
    for problem in problems {
        let _ = writeln!(err, "{error}: {}", said(problem));
    }
    Exit::Usage
}

/// Foreign text as it can be shown inside a sentence: what could move the cursor is escaped, what is long is
/// cut.
pub fn shown(text: &str) -> String {
    tamed(text, 200)
}

/// A sentence with foreign text in it, as it can be shown.
pub fn sentence(text: &str) -> String {
    tamed(text, 1000)
}

/// Whether a terminal would obey it, or nobody see it.
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn tamed(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (number, character) in text.chars().enumerate() {
        if number == most {
            shown.push('…');
            break;
        }
        if is_harmful(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_can_neither_move_the_cursor_nor_fill_the_screen() {
        assert_eq!(shown("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\r\\n");
        assert_eq!(shown("푸시.example"), "푸시.example");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 201);
    }
}
