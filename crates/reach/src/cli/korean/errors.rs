//! What clap has to say against a command line, in Korean.

use std::{error::Error as _, fmt::Write};

use clap::{
    Error,
    builder::{StyledStr, Styles},
    error::{ContextKind, ContextValue, ErrorKind},
};
use reach_report::particles;

use crate::{output::shown, words::korean};

/// An error as clap shows it, in Korean.
pub(super) fn explained(error: &Error) -> StyledStr {
    let styles = Styles::styled();
    let mut out = StyledStr::new();
    // Writing to a string cannot fail.
    let _ = write!(out, "{0}오류:{0:#} {1}", styles.get_error(), what(error));
    for (kind, name) in [(ContextKind::ValidValue, "가능한 값"), (ContextKind::ValidSubcommand, "명령")]
    {
        let names = strings(error, kind);
        if !names.is_empty() {
            let _ = write!(out, "\n  [{name}: {}]", names.join(", "));
        }
    }
    let tips = tips(error);
    if !tips.is_empty() {
        out.push_str("\n");
    }
    for tip in tips {
        let _ = write!(out, "\n  {0}참고:{0:#} {tip}", styles.get_valid());
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let _ = write!(out, "\n\n{}", super::dressed(&usage.ansi().to_string()));
    }
    let _ = write!(out, "\n\n자세한 내용은 '{0}--help{0:#}'를 참고하십시오.\n", styles.get_literal());
    out
}

fn what(error: &Error) -> String {
    let argument = string(error, ContextKind::InvalidArg);
    let value = string(error, ContextKind::InvalidValue);
    let number = |kind| match error.get(kind) {
        Some(&ContextValue::Number(number)) => number,
        _ => 0,
    };
    let actual = number(ContextKind::ActualNumValues);
    let text = match error.kind() {
        ErrorKind::ArgumentConflict => return conflict(error),
        ErrorKind::NoEquals => format!("'{argument}'의 값은 등호(=)로 지정하십시오"),
        ErrorKind::InvalidValue if value.is_empty() => format!("'{argument}'에 값을 지정하십시오"),
        ErrorKind::InvalidValue => format!("'{argument}'에 쓸 수 없는 값입니다: '{value}'"),
        ErrorKind::ValueValidation => {
            let why = error.source().map(|why| korean::in_korean(&why.to_string()).into_owned());
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            format!("'{argument}'에 쓸 수 없는 값입니다: '{value}'{why}")
        }
        ErrorKind::UnknownArgument => format!("알 수 없는 인수입니다: '{argument}'"),
        ErrorKind::InvalidSubcommand => {
            format!("없는 명령입니다: '{}'", string(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => {
            format!("'{}' 뒤에 명령을 지정하십시오", string(error, ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = strings(error, ContextKind::InvalidArg);
            let lines: String = missing.iter().map(|name| format!("\n  {name}")).collect();
            format!("필요한 인수가 빠졌습니다:{lines}")
        }
        ErrorKind::TooManyValues => {
            format!("'{argument}'에는 값을 더 지정할 수 없습니다: '{value}'")
        }
        ErrorKind::TooFewValues => {
            let least = number(ContextKind::MinValues);
            format!("'{argument}'에는 값이 {least}개 이상 필요한데 {actual}개만 지정되었습니다")
        }
        ErrorKind::WrongNumberOfValues => {
            let expected = number(ContextKind::ExpectedNumValues);
            format!("'{argument}'에는 값이 {expected}개 필요한데 {actual}개가 지정되었습니다")
        }
        ErrorKind::InvalidUtf8 => "인수에 UTF-8이 아닌 글자가 있습니다".to_owned(),
        // What is left are failures of the terminal, in the words of the system.
        _ => match error.source() {
            Some(why) => korean::in_korean(&why.to_string()).into_owned(),
            None => error.kind().to_string(),
        },
    };
    particles(&text)
}

fn conflict(error: &Error) -> String {
    let (kind, one) = match error.get(ContextKind::InvalidArg) {
        Some(_) => ("인수", string(error, ContextKind::InvalidArg)),
        None => ("명령", string(error, ContextKind::InvalidSubcommand)),
    };
    match error.get(ContextKind::PriorArg) {
        Some(ContextValue::String(other)) if *other == one => {
            format!("'{one}' 인수는 한 번만 쓸 수 있습니다")
        }
        Some(ContextValue::String(other)) => {
            format!("'{one}' {kind}⟨과/와⟩ '{}' 인수는 함께 쓸 수 없습니다", shown(other))
                .replace("⟨과/와⟩", if kind == "인수" { "와" } else { "과" })
        }
        Some(ContextValue::Strings(others)) => {
            let lines: String = others.iter().map(|other| format!("\n  {}", shown(other))).collect();
            particles(&format!("'{one}' {kind}⟨은/는⟩ 다음과 함께 쓸 수 없습니다:{lines}"))
        }
        _ => particles(&format!("'{one}' {kind}⟨은/는⟩ 함께 지정한 다른 인수와 같이 쓸 수 없습니다")),
    }
}

fn tips(error: &Error) -> Vec<String> {
    let mut tips = Vec::new();
    for (kind, name) in [
        (ContextKind::SuggestedSubcommand, "명령"),
        (ContextKind::SuggestedArg, "인수"),
        (ContextKind::SuggestedValue, "값"),
    ] {
        let near: Vec<String> = strings(error, kind).iter().map(|near| format!("'{near}'")).collect();
        if !near.is_empty() {
            tips.push(particles(&format!("비슷한 {name}⟨이/가⟩ 있습니다: {}", near.join(", "))));
        }
    }
    if let Some(ContextValue::StyledStrs(others)) = error.get(ContextKind::Suggested) {
        tips.extend(others.iter().map(|tip| korean::in_korean(&shown(&tip.to_string())).into_owned()));
    }
    tips
}

/// What stands at a place of an error's context, as it can be shown.
fn string(error: &Error, kind: ContextKind) -> String {
    strings(error, kind).concat()
}

fn strings(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![shown(text)],
        Some(ContextValue::Strings(texts)) => texts.iter().map(|text| shown(text)).collect(),
        _ => Vec::new(),
    }
}
