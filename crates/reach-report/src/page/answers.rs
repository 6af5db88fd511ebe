//! What came of what somebody did on the page, in one sentence.

use reach_core::{
    Time,
    watch::{IncidentId, SilenceId},
};

use super::{Said, Voice};
use crate::{
    clean::clean,
    watch::{acknowledged, muted, remarked, silence_ended},
    words::say,
};

/// Something that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// An incident was taken on.
    Acknowledged(IncidentId),
    /// An incident is not spoken of until then.
    Muted(IncidentId, Time),
    /// Something was written down.
    Noted(IncidentId),
    /// A silence holds until then.
    Silenced(Time),
    /// A silence is over.
    Expired(SilenceId),
    /// A survey was asked for.
    Examining,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Whoever asks may only look.
    Viewer,
    /// The form is not one of ours, or too old.
    Stranger,
    /// A field of the form is missing or cannot be read.
    Field(String),
    /// This is no network.
    Network(String),
    /// This is no label with a value.
    Label(String),
    /// A silence of everything is made with a star, on purpose.
    Everything,
    /// There is no such incident, silence or target.
    NotFound,
    /// Too many ask at the same time, or the watch is ending.
    Busy,
    /// The watch says no, and why.
    Refused(String),
}

/// That it was done.
pub fn done(deed: Deed, voice: &Voice) -> Said {
    let lang = voice.lang;
    let text = match deed {
        Deed::Acknowledged(incident) => acknowledged(incident, lang),
        Deed::Muted(incident, until) => muted(incident, until, &voice.style(until)),
        Deed::Noted(incident) => remarked(incident, lang),
        Deed::Silenced(until) => {
            let until = voice.stamp(until);
            say!(lang, "the silence holds until {until}", "{until}까지 알림을 중지합니다")
        }
        Deed::Expired(silence) => silence_ended(silence, lang),
        Deed::Examining => say!(
            lang,
            "a survey was asked for; it takes some ten seconds",
            "정밀 검사를 요청했습니다. 10초 정도 걸립니다"
        ),
    };
    Said { done: true, text }
}

/// That it was not, and why.
pub fn not_done(mistake: &Mistake, voice: &Voice) -> Said {
    let lang = voice.lang;
    let text = match mistake {
        Mistake::Viewer => say!(
            lang,
            "nothing was done: this account may look, and no more",
            "처리하지 않았습니다. 조회 권한만 있는 계정입니다"
        ),
        Mistake::Stranger => say!(
            lang,
            "nothing was done: the form is too old; try again",
            "처리하지 않았습니다. 양식이 만료되었으니 다시 시도하십시오"
        ),
        Mistake::Field(name) => {
            let name = clean(name);
            say!(
                lang,
                "nothing was done: `{name}` is missing or cannot be read",
                "처리하지 않았습니다. `{name}` 값이 없거나 올바르지 않습니다"
            )
        }
        Mistake::Network(text) => {
            let text = clean(text);
            say!(
                lang,
                "nothing was done: `{text}` is no network; give one like 203.0.113.0/24",
                "처리하지 않았습니다. `{text}`⟨은/는⟩ IP 대역이 아닙니다. 203.0.113.0/24처럼 입력하십시오"
            )
        }
        Mistake::Label(text) => {
            let text = clean(text);
            say!(
                lang,
                "nothing was done: `{text}` is no label; give some like team=push, env=prod",
                "처리하지 않았습니다. `{text}`⟨은/는⟩ 라벨이 아닙니다. team=push, env=prod처럼 입력하십시오"
            )
        }
        Mistake::Everything => say!(
            lang,
            "nothing was done: the silence would match everything; give `*` as its target if that is meant",
            "처리하지 않았습니다. 모든 대상에 적용되는 알림 중지입니다. 의도한 것이라면 대상에 `*`를 입력하십시오"
        ),
        Mistake::NotFound => say!(
            lang,
            "nothing was done: there is no such incident, silence or target any more",
            "처리하지 않았습니다. 해당 장애, 알림 중지 또는 대상이 더 이상 없습니다"
        ),
        Mistake::Busy => say!(
            lang,
            "nothing was done: the watch is busy or ending; try again",
            "처리하지 않았습니다. 감시 서버가 바쁘거나 종료 중입니다. 다시 시도하십시오"
        ),
        Mistake::Refused(why) => {
            let why = clean(why);
            say!(lang, "nothing was done: {why}", "처리하지 않았습니다: {why}")
        }
    };
    Said { done: false, text }
}
