//! What the form says that people log in by, English and Korean side by side.

use reach_report::Lang;

/// What stands in the form whatever happens.
#[derive(Clone, Copy, Debug)]
pub struct Labels {
    /// The title of the page.
    pub title: &'static str,
    /// Before the name.
    pub user: &'static str,
    /// Before the password.
    pub password: &'static str,
    /// On the button.
    pub enter: &'static str,
    /// Name and password do not go together. It says of neither which it is.
    pub wrong: &'static str,
    /// The form is too old, or not ours.
    pub again: &'static str,
    /// Too many log in.
    pub busy: &'static str,
    /// The other language, in that language.
    pub other: &'static str,
    /// Its code.
    pub other_lang: &'static str,
}

/// The labels of a language.
pub const fn labels(lang: Lang) -> Labels {
    match lang {
        Lang::En => Labels {
            title: "Log in",
            user: "User",
            password: "Password",
            enter: "Log in",
            wrong: "No user has this name and this password.",
            again: "This form was open for too long, or the browser keeps no cookies. Please log in again.",
            busy: "Too many people are logging in at this moment. Please try again.",
            other: "한국어",
            other_lang: "ko",
        },
        Lang::Ko => Labels {
            title: "로그인",
            user: "사용자",
            password: "비밀번호",
            enter: "로그인",
            wrong: "사용자 이름 또는 비밀번호가 올바르지 않습니다.",
            again: "로그인 화면이 너무 오래 열려 있었거나 브라우저가 쿠키를 저장하지 않습니다. 다시 로그인하십시오.",
            busy: "지금 로그인하는 사람이 너무 많습니다. 잠시 후 다시 시도하십시오.",
            other: "English",
            other_lang: "en",
        },
    }
}

/// Too many attempts failed.
pub fn wait(seconds: u64, lang: Lang) -> String {
    match lang {
        Lang::En => format!("Too many attempts failed. Please try again in {seconds} s."),
        Lang::Ko => format!("로그인 실패가 너무 많습니다. {seconds}초 후 다시 시도하십시오."),
    }
}
