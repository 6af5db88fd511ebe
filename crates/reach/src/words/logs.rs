//! What is remarked while logs are read, English and Korean side by side.

use reach_report::Lang;

use crate::{
    logs::Remark,
    output::{sentence, shown},
};

/// Something worth telling of a log.
pub fn remark(remark: &Remark, lang: Lang) -> String {
    let name = |path: &std::path::Path| shown(&path.to_string_lossy());
    match (remark, lang) {
        (Remark::Unreadable { path, error }, Lang::En) => {
            format!("{} cannot be read: {}; it is tried again", name(path), sentence(error))
        }
        (Remark::Unreadable { path, error }, Lang::Ko) => {
            format!("{}: 읽을 수 없습니다({}). 계속 다시 시도합니다", name(path), sentence(error))
        }
        (Remark::Binary { path }, Lang::En) => format!("{} is no text, and is left out", name(path)),
        (Remark::Binary { path }, Lang::Ko) => format!("{}: 텍스트 파일이 아니므로 건너뜁니다", name(path)),
        (Remark::NoFiles { patterns }, Lang::En) => {
            format!("no file matches {} so far; it is waited for", shown(&patterns.join(", ")))
        }
        (Remark::NoFiles { patterns }, Lang::Ko) => {
            format!("{}: 해당하는 파일이 아직 없습니다. 생길 때까지 기다립니다", shown(&patterns.join(", ")))
        }
        (Remark::NoJournal, Lang::En) => {
            "there is no journalctl on this host, so the journal cannot be read; name log files instead"
                .to_owned()
        }
        (Remark::NoJournal, Lang::Ko) => {
            "이 서버에는 journalctl이 없어 저널을 읽을 수 없습니다. 로그 파일을 지정해 주십시오".to_owned()
        }
        (Remark::JournalEnded { said }, Lang::En) => {
            format!("journalctl ended: {}; it is started again", sentence(said))
        }
        (Remark::JournalEnded { said }, Lang::Ko) => {
            format!("journalctl이 종료되었습니다({}). 다시 시작합니다", sentence(said))
        }
        (Remark::NotKept { path, error }, Lang::En) => format!(
            "{}: how far logs were read cannot be read: {}; reading begins anew",
            name(path),
            sentence(error)
        ),
        (Remark::NotKept { path, error }, Lang::Ko) => format!(
            "{}: 로그를 어디까지 읽었는지 알 수 없습니다({}). 처음부터 다시 시작합니다",
            name(path),
            sentence(error)
        ),
        (Remark::Behind { bytes }, Lang::En) => {
            format!("logs grow faster than they are read: {} MiB behind", bytes >> 20)
        }
        (Remark::Behind { bytes }, Lang::Ko) => {
            format!("로그가 읽는 속도보다 빨리 늘고 있습니다. {} MiB 밀려 있습니다", bytes >> 20)
        }
        (Remark::CaughtUp, Lang::En) => "logs are read as fast as they grow again".to_owned(),
        (Remark::CaughtUp, Lang::Ko) => "밀린 로그를 모두 읽었습니다".to_owned(),
    }
}

/// How the reading ends.
pub const fn interrupted_once(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "interrupted; this is what was read until then",
        Lang::Ko => "중단되었습니다. 그때까지 읽은 내용입니다",
    }
}
