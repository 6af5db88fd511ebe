//! What holds for all requests and templates, however hostile.

use std::ops::RangeInclusive;

use proptest::prelude::*;
use reach_report::{
    Lang,
    request::{Destination, FormError, RequestForm, Template, csv, tsv, xlsx},
};

use crate::forms::korean;

fn foreign() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[가-힣一-龥ａ-ｚ ]{0,40}",
        "(=|\\+|-|@|\t|\r|\n|,|;|\"|'|<|&|]]>|\u{1b}\\[2J|\u{202e}|\u{ffff}|_x000D_|x| ){0,20}",
    ]
}

fn range() -> impl Strategy<Value = RangeInclusive<u16>> {
    (any::<u16>(), any::<u16>()).prop_map(|(first, last)| first..=last)
}

fn form() -> impl Strategy<Value = RequestForm> {
    let texts = proptest::collection::vec(foreign(), 8);
    let ports = proptest::collection::vec(range(), 0..4);
    (texts, ports, any::<bool>(), any::<u8>()).prop_map(|(texts, ports, is_korean, alternative)| {
        let mut form = korean();
        form.lang = if is_korean { Lang::Ko } else { Lang::En };
        form.title = Some(texts[0].clone());
        form.requester.name = Some(texts[1].clone());
        form.reason = texts[2].clone();
        form.notes = vec![texts[3].clone()];
        form.rules[0].destination = vec![Destination::Name(texts[4].clone())];
        form.rules[0].remark = texts[5].clone();
        form.rules[1].nat_ip = Some(texts[6].clone());
        form.rules[1].firewall = texts[7].clone();
        form.rules[1].ports = ports;
        form.rules[1].alternative = alternative;
        form
    })
}

fn template() -> impl Strategy<Value = Vec<u8>> {
    let keys = "(\\[\\[columns\\]\\]|title|field|text|group|width|lang|parts|dates|joiner|sheet| = |\"port\"|\"source\"|\"x\"|'=1'|7|\\[|\\]|\n){0,40}";
    let titles = "(No|출발지IP|출발지|목적지IP|포트|IP|출발지정보|Source|SERVICE|,|\t|\\||;|\"|\r\n|x){0,40}";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        keys.prop_map(String::into_bytes),
        titles.prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_asked_is_a_table_of_texts_or_refused(form in form()) {
        let table = csv(&form, None, false);
        let book = xlsx(&form, None);
        prop_assert_eq!(table.as_ref().err(), book.as_ref().err());
        let Ok(table) = table else { return Ok(()) };
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_slice());
        let rows: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("lines of one length");
        prop_assert_eq!(rows.len(), form.rules.len() + 1);
        for cell in rows.iter().flatten() {
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{:?}", cell);
            prop_assert!(!cell.chars().any(char::is_control), "{:?}", cell);
        }
        prop_assert!(tsv(&form, None).is_ok());
    }

    #[test]
    fn whatever_a_template_says_forms_in_it_are_written_or_refused(bytes in template(), form in form()) {
        if let Ok(template) = Template::read(&bytes) {
            prop_assert!(!template.columns.is_empty());
            prop_assert!(!matches!(xlsx(&form, Some(&template)), Err(FormError::Workbook(_))));
            prop_assert!(!matches!(csv(&form, Some(&template), true), Err(FormError::Workbook(_))));
        }
    }
}
