//! The words of a request form.

use super::{
    Field, FormError,
    template::{Cause, MOST_BYTES, MOST_COLUMNS, TemplateError, Wanted, Warning},
};
use crate::{Lang, words::say};

/// What is written over a form, around its table, and in its sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// Its title.
    Title,
    /// The name of its sheet.
    Sheet,
    Name,
    Department,
    Position,
    Phone,
    Mail,
    Made,
    Reason,
    Approver,
    Impact,
    Rollback,
    Notes,
    /// The file's properties.
    Program,
    /// The mistake told by a spreadsheet where a cell has a list of values.
    OneOfThese,
}

impl Label {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Label; 15] = [
        Label::Title,
        Label::Sheet,
        Label::Name,
        Label::Department,
        Label::Position,
        Label::Phone,
        Label::Mail,
        Label::Made,
        Label::Reason,
        Label::Approver,
        Label::Impact,
        Label::Rollback,
        Label::Notes,
        Label::Program,
        Label::OneOfThese,
    ];

    pub(super) const fn text(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => match self {
                Label::Title => "Firewall change request",
                Label::Sheet => "Request",
                Label::Name => "Requester",
                Label::Department => "Department",
                Label::Position => "Position",
                Label::Phone => "Phone",
                Label::Mail => "E-mail",
                Label::Made => "Request date",
                Label::Reason => "Business justification",
                Label::Approver => "Approver",
                Label::Impact => "Impact",
                Label::Rollback => "Rollback",
                Label::Notes => "Notes",
                Label::Program => "reach",
                Label::OneOfThese => "One of the values in the list.",
            },
            Lang::Ko => match self {
                Label::Title => "방화벽 오픈 신청서",
                Label::Sheet => "신청서",
                Label::Name => "신청자",
                Label::Department => "부서",
                Label::Position => "직급",
                Label::Phone => "연락처",
                Label::Mail => "이메일",
                Label::Made => "신청일",
                Label::Reason => "신청 사유",
                Label::Approver => "승인자(결재자)",
                Label::Impact => "영향",
                Label::Rollback => "원복 방법",
                Label::Notes => "참고 사항",
                Label::Program => "reach",
                Label::OneOfThese => "목록에 있는 값 중에서 선택해 주십시오.",
            },
        }
    }
}

/// What stands over a column and its neighbours.
pub(super) const fn group(field: Field, lang: Lang) -> Option<&'static str> {
    match (field, lang) {
        (Field::Source | Field::SourceName | Field::NatIp, Lang::Ko) => Some("출발지정보"),
        (Field::Destination | Field::DestinationName, Lang::Ko) => Some("목적지정보"),
        (Field::Source | Field::SourceName | Field::NatIp, Lang::En) => Some("Source"),
        (Field::Destination | Field::DestinationName, Lang::En) => Some("Destination"),
        _ => None,
    }
}

/// What the firewall is to do.
pub(super) const fn allow(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "Allow",
        Lang::Ko => "허용",
    }
}

/// A rule without an end.
pub(super) const fn permanent(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "Permanent",
        Lang::Ko => "영구",
    }
}

/// Which way to the same end a rule belongs to.
pub(super) fn alternative(number: u8, lang: Lang) -> String {
    match number {
        1 => say!(lang, "Option 1 (recommended)", "1안(권장)"),
        _ => say!(lang, "Option {number}", "{number}안"),
    }
}

/// What is to be known of several ways to the same end.
pub(super) fn choose(lang: Lang) -> String {
    say!(
        lang,
        "The options are alternatives: please set up one of them, preferably option 1.",
        "각 안은 서로 대안입니다. 한 가지만 적용해 주시고, 가능하면 1안으로 부탁드립니다."
    )
}

/// What is wrong with a form.
pub(super) fn form_error(error: &FormError, lang: Lang) -> String {
    match error {
        FormError::TooWide { rule, field, value } => {
            let title = field.title(lang);
            say!(
                lang,
                "rule {rule}: {title} `{value}` stands for everything, and such requests are refused; name the addresses, names or ports that are needed",
                "규칙 {rule}번: {title} `{value}`⟨은/는⟩ 전체(Any)를 뜻하므로 접수되지 않습니다. 필요한 주소, 이름, 포트를 구체적으로 적어 주십시오"
            )
        }
        FormError::Missing { rule, field } => {
            let title = field.title(lang);
            say!(
                lang,
                "rule {rule}: {title} is missing, and no firewall rule can do without it",
                "규칙 {rule}번: {title} 항목이 비어 있습니다. 방화벽 정책에 반드시 필요한 값입니다"
            )
        }
        FormError::TooLong { rule: 0, title, characters } => say!(
            lang,
            "`{title}` has {characters} characters, and a cell holds 32767 at most; shorten it",
            "`{title}` 항목이 {characters}자입니다. 한 셀에는 최대 32767자까지 들어가므로 줄여 주십시오"
        ),
        FormError::TooLong { rule, title, characters } => say!(
            lang,
            "rule {rule}: `{title}` has {characters} characters, and a cell holds 32767 at most; split the rule",
            "규칙 {rule}번: `{title}` 항목이 {characters}자입니다. 한 셀에는 최대 32767자까지 들어가므로 규칙을 나누어 주십시오"
        ),
        FormError::NoRules => say!(
            lang,
            "the request has no rule: nothing was found that would have to be allowed",
            "신청할 규칙이 없습니다. 허용이 필요한 항목을 찾지 못했습니다"
        ),
        FormError::TooMany { rules } => say!(
            lang,
            "{rules} rules are more than a sheet holds (1000000)",
            "규칙이 {rules}개로, 시트에 담을 수 있는 수(1000000개)를 넘습니다"
        ),
        FormError::Workbook(reason) => {
            say!(lang, "the form could not be written: {reason}", "신청서를 작성하지 못했습니다: {reason}")
        }
    }
}

/// What in a template was not understood.
pub(super) fn warning(warning: &Warning, lang: Lang) -> String {
    match warning {
        Warning::UnknownTitle(title) => say!(
            lang,
            "the column `{title}` is not known and stays empty; a template in TOML can say what it holds",
            "`{title}` 열은 알 수 없는 항목이라 비워 둡니다. TOML 템플릿에서 내용을 지정할 수 있습니다"
        ),
        Warning::NoColumn(field) => {
            let title = field.title(lang);
            say!(lang, "the form has no column for {title}", "양식에 {title} 항목을 적을 열이 없습니다")
        }
    }
}

/// What is wrong with a template, and where.
pub(super) fn template_error(error: &TemplateError, lang: Lang) -> String {
    let cause = cause(&error.cause, lang);
    match error.line {
        Some(line) => say!(lang, "line {line}: {cause}", "{line}행: {cause}"),
        None => cause,
    }
}

fn cause(cause: &Cause, lang: Lang) -> String {
    match cause {
        Cause::TooLarge { bytes } => say!(
            lang,
            "{bytes} bytes are too much for a template (at most {MOST_BYTES})",
            "템플릿이 {bytes}바이트로 너무 큽니다(최대 {MOST_BYTES}바이트)"
        ),
        Cause::NoText => say!(
            lang,
            "this is no text in UTF-8, UTF-16 or CP949; a template is TOML, or the form as .xlsx or CSV",
            "UTF-8, UTF-16, CP949 텍스트가 아닙니다. 템플릿은 TOML이거나 .xlsx 또는 CSV로 저장한 양식이어야 합니다"
        ),
        Cause::Workbook => say!(
            lang,
            "this workbook cannot be read: it is of the old kind (.xls), protected or broken; save it as .xlsx without a password, or as CSV",
            "읽을 수 없는 통합 문서입니다. 이전 형식(.xls)이거나 암호가 걸려 있거나 손상되었습니다. 암호 없는 .xlsx 또는 CSV로 저장해서 지정해 주십시오"
        ),
        Cause::Syntax(message) => say!(lang, "not TOML: {message}", "TOML 문법 오류: {message}"),
        Cause::UnknownSetting { name, known } => {
            let known = list(known);
            say!(
                lang,
                "there is no setting `{name}`; there are {known}",
                "`{name}`⟨이라/라⟩는 설정은 없습니다. 사용할 수 있는 설정: {known}"
            )
        }
        Cause::BadValue { name, value, wanted } => {
            let wanted = self::wanted(*wanted, lang);
            say!(
                lang,
                "`{name}` cannot be `{value}`: it is {wanted}",
                "`{name}`에 `{value}`⟨을/를⟩ 쓸 수 없습니다. {wanted}이어야 합니다"
            )
        }
        Cause::NoTitle => say!(lang, "this column has no `title`", "이 열에 `title`이 없습니다"),
        Cause::FieldAndText => say!(
            lang,
            "this column has `field` and `text`; it can hold one of them",
            "이 열에 `field`와 `text`가 함께 있습니다. 둘 중 하나만 지정해 주십시오"
        ),
        Cause::NoColumns => say!(
            lang,
            "no columns: a template in TOML has `[[columns]]`, and a form a line of titles of which two at least are known (출발지IP, 목적지IP, 포트, Source IP, Port, …)",
            "열이 없습니다. TOML 템플릿에는 `[[columns]]`가, 양식에는 알 수 있는 제목(출발지IP, 목적지IP, 포트, Source IP, Port 등)이 두 개 이상인 제목 줄이 있어야 합니다"
        ),
        Cause::TooManyColumns => {
            say!(lang, "more than {MOST_COLUMNS} columns", "열이 {MOST_COLUMNS}개를 넘습니다")
        }
    }
}

fn wanted(wanted: Wanted, lang: Lang) -> String {
    match wanted {
        Wanted::Text => {
            say!(lang, "a text in quotes of at most 1000 characters", "따옴표로 묶은 1000자 이하의 텍스트")
        }
        Wanted::OneOf(known) => {
            let known = list(known);
            say!(lang, "one of {known}", "다음 중 하나({known})")
        }
        Wanted::ListOf(known) => {
            let known = list(known);
            say!(lang, "a list of {known}", "다음 값의 목록({known})")
        }
        Wanted::DatePattern => say!(
            lang,
            "a pattern with one year (YYYY or YY), month (MM or M) and day (DD or D), like \"YYYY-MM-DD\"",
            "연(YYYY, YY), 월(MM, M), 일(DD, D)을 하나씩 쓴 형식(예: \"YYYY-MM-DD\")"
        ),
        Wanted::Width => say!(lang, "a whole number from 1 to 200", "1에서 200 사이의 정수"),
        Wanted::Columns => {
            say!(lang, "a list of tables, each begun by `[[columns]]`", "`[[columns]]`로 시작하는 표의 목록")
        }
    }
}

fn list(items: &[&str]) -> String {
    items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_form_is_said_in_both_languages() {
        for label in Label::ALL {
            let (en, ko) = (label.text(Lang::En), label.text(Lang::Ko));
            assert!(label == Label::Program || en != ko, "{label:?}");
        }
    }
}
