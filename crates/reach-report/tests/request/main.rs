//! The request form, in the columns of every house.

mod forms;
mod programs;
mod properties;
mod templates;

use forms::{both_ways, korean};
use reach_report::{
    Lang,
    request::{Destination, Field, FormError, RequestForm, csv, tsv, xlsx},
};

fn text(form: &RequestForm) -> String {
    String::from_utf8(csv(form, None, false).expect("a form")).expect("text")
}

#[test]
fn a_korean_form_has_the_columns_that_network_teams_work_with() {
    let form = korean();
    let text = text(&form);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "No,대상방화벽,출발지IP,출발지,목적지IP,목적지,프로토콜,포트,방향,용도,시작일,종료일,비고"
    );
    assert_eq!(
        lines[1],
        "1,,10.20.0.7;10.20.0.8,푸시 발송 서버,*.googleapis.com,Google FCM,TCP,443,OUT,앱 푸시 발송,2026-01-01,2026-12-31,1안(권장): FQDN 정책"
    );
    assert_eq!(
        lines[2],
        "2,,10.20.0.7;10.20.0.8,푸시 발송 서버,192.0.2.0/24;198.51.100.16/28;2001:db8:1::/48,Google FCM,TCP,443;5228-5230,OUT,앱 푸시 발송,2026-01-01,영구,2안"
    );
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[3], "");
}

#[test]
fn an_english_form_has_english_columns() {
    let form = RequestForm { lang: Lang::En, ..korean() };
    let text = text(&form);
    let head = text.lines().next().unwrap_or_default();
    assert_eq!(
        head,
        "No,Firewall,Source IP,Source,Destination IP,Destination,Protocol,Port,Direction,Action,Purpose,Start date,Expiry date,Remarks"
    );
    assert!(text.contains(",OUT,Allow,"));
    assert!(text.contains("Option 1 (recommended): FQDN 정책"));
    assert!(text.contains(",2026-01-01,Permanent,Option 2"));
}

#[test]
fn the_column_for_nat_is_there_as_soon_as_one_rule_needs_it() {
    let mut form = korean();
    form.rules[0].nat_ip = Some("203.0.113.9".to_owned());
    let text = text(&form);
    let head = text.lines().next().unwrap_or_default();
    assert!(head.contains("출발지,NAT_IP,목적지IP"));
    assert!(text.contains("푸시 발송 서버,203.0.113.9,*.googleapis.com"));
    assert!(text.contains("푸시 발송 서버,,192.0.2.0/24"));
}

#[test]
fn excel_in_korea_reads_the_csv_by_its_mark_and_line_ends() {
    let marked = csv(&korean(), None, true).expect("a form");
    assert!(marked.starts_with(&[0xef, 0xbb, 0xbf]));
    assert_eq!(&marked[3..], csv(&korean(), None, false).expect("a form"));
    assert!(marked.windows(2).filter(|pair| pair[1] == b'\n').all(|pair| pair[0] == b'\r'));
}

#[test]
fn tabs_paste_into_a_spreadsheet() {
    let pasted = tsv(&korean(), None).expect("a form");
    assert_eq!(pasted.lines().count(), 3);
    assert!(pasted.lines().all(|line| line.split('\t').count() == 13));
    assert!(!pasted.contains('\r'));
}

#[test]
fn nothing_becomes_a_formula() {
    for evil in
        ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1+1", "=HYPERLINK(\"http://x\",\"y\")"]
    {
        let mut form = korean();
        form.rules[0].remark = evil.to_owned();
        form.rules[0].alternative = 0;
        form.rules[0].purpose = evil.to_owned();
        form.rules[0].destination = vec![Destination::Name(evil.to_owned())];
        for text in [text(&form), tsv(&form, None).expect("a form")] {
            let mut cells = text.split([',', '\t', '\n', '\r']).map(|cell| cell.trim_matches('"'));
            assert!(cells.all(|cell| !cell.starts_with(['=', '+', '-', '@', '＝'])), "{evil:?}: {text}");
        }
    }
}

#[test]
fn one_rule_stays_one_line() {
    let mut form = korean();
    form.rules[1].remark = "first\r\nsecond\u{2028}third\u{1b}[31m".to_owned();
    let text = text(&form);
    assert_eq!(text.split("\r\n").count(), 4);
    assert!(text.contains("2안: first second third\\u{1b}[31m"));
}

#[test]
fn a_request_for_everything_is_refused_before_others_refuse_it() {
    let everything: [(&str, fn(&mut RequestForm)); 7] = [
        ("0.0.0.0/0", |form| {
            form.rules[0].destination = vec![Destination::Network("0.0.0.0/0".parse().expect("a net"))]
        }),
        ("::/0", |form| form.rules[0].source = vec!["::/0".parse().expect("a net")]),
        ("Any", |form| form.rules[0].destination = vec![Destination::Name("Any".to_owned())]),
        ("*", |form| form.rules[0].destination = vec![Destination::Name("*".to_owned())]),
        ("전체", |form| form.rules[0].destination = vec![Destination::Name("전체".to_owned())]),
        ("0-65535", |form| form.rules[0].ports = vec![0..=65535]),
        ("1-1000;1001-65535", |form| form.rules[0].ports = vec![1..=1000, 1001..=65535]),
    ];
    for (said, change) in everything {
        let mut form = korean();
        change(&mut form);
        let error = csv(&form, None, false).expect_err(said);
        assert!(
            matches!(&error, FormError::TooWide { rule: 1, value, .. } if value == said),
            "{said}: {error:?}"
        );
        assert_eq!(xlsx(&form, None).expect_err(said), error);
        assert!(error.text(Lang::Ko).contains("전체(Any)"));
    }
}

#[test]
fn a_rule_says_where_to_and_which_ports() {
    let mut form = korean();
    form.rules[0].destination.clear();
    assert_eq!(csv(&form, None, false), Err(FormError::Missing { rule: 1, field: Field::Destination }));
    let mut form = korean();
    form.rules[0].ports.clear();
    assert_eq!(tsv(&form, None), Err(FormError::Missing { rule: 1, field: Field::Port }));
    form.rules.clear();
    assert_eq!(xlsx(&form, None), Err(FormError::NoRules));
}

#[test]
fn what_no_cell_can_hold_is_said_and_not_cut() {
    let mut form = korean();
    form.rules[0].remark = "가".repeat(40_000);
    let error = xlsx(&form, None).expect_err("too long");
    assert!(matches!(error, FormError::TooLong { rule: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("split the rule"), "{error}");
}

#[test]
fn the_same_request_is_the_same_workbook() {
    for form in both_ways() {
        assert_eq!(xlsx(&form, None).expect("a workbook"), xlsx(&form, None).expect("a workbook"));
    }
}
