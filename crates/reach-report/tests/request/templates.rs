//! Forms as houses have them.

use reach_report::{
    Lang,
    request::{Cause, Content, EXAMPLE, Field, Template, Warning, csv, tsv, xlsx},
};

use crate::forms::korean;

fn fields(template: &Template) -> Vec<Option<Field>> {
    let field = |content: &Content| match content {
        Content::Field(field) => Some(*field),
        Content::Text(_) | Content::Empty => None,
    };
    template.columns.iter().map(|column| field(&column.content)).collect()
}

fn read(text: &str) -> Template {
    Template::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> (Option<usize>, Cause, String) {
    let error = Template::read(text.as_bytes()).expect_err(text);
    assert_ne!(error.text(Lang::En), error.text(Lang::Ko));
    (error.line, error.cause.clone(), error.to_string())
}

#[test]
fn the_example_is_a_template_and_shows_every_setting() {
    let template = read(EXAMPLE);
    assert_eq!(template.warnings, []);
    assert_eq!(template.columns.len(), 16);
    let text = tsv(&korean(), Some(&template)).expect("a form");
    assert!(
        text.lines().nth(1).is_some_and(|line| line.contains("\t운영\t\t1안(권장): FQDN 정책")),
        "{text}"
    );
    // What is shown as a default is one.
    let shown: String = EXAMPLE
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| !rest.starts_with([' ', '#']) && !rest.is_empty())
                .unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(tsv(&korean(), Some(&read(&shown))).expect("a form"), text);
    for field in Field::ALL {
        assert!(EXAMPLE.contains(field.key()), "{}", field.key());
    }
    xlsx(&korean(), Some(&template)).expect("a workbook");
}

#[test]
fn settings_change_words_and_order() {
    let template = read(concat!(
        "lang = \"en\"\ndates = \"YYYY.MM.DD\"\njoiner = \", \"\npermanent = \"-\"\noutbound = \"내부→외부\"\n",
        "[[columns]]\ntitle = \"Service\"\nfield = \"service\"\n",
        "[[columns]]\ntitle = \"=Until\"\nfield = \"until\"\n",
        "[[columns]]\ntitle = \"Way\"\nfield = \"direction\"\n",
        "[[columns]]\ntitle = \"Period\"\nfield = \"period\"\n",
        "[[columns]]\ntitle = \"Option\"\nfield = \"alternative\"\n",
        "[[columns]]\ntitle = \"Remarks\"\nfield = \"remark\"\n",
    ));
    let text = tsv(&korean(), Some(&template)).expect("a form");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Service\t'=Until\tWay\tPeriod\tOption\tRemarks");
    assert_eq!(
        lines[1],
        "TCP/443\t2026.12.31\t내부→외부\t2026.01.01 ~ 2026.12.31\tOption 1 (recommended)\tFQDN 정책"
    );
    assert_eq!(lines[2], "TCP/443, TCP/5228-5230\t'-\t내부→외부\t2026.01.01 ~ -\tOption 2\t");
    assert_eq!(template.warnings, [Warning::NoColumn(Field::Source), Warning::NoColumn(Field::Destination)]);
}

#[test]
fn mistakes_in_settings_are_told_with_their_line() {
    let column = "[[columns]]\ntitle = \"No\"\nfield = \"number\"\n";
    assert!(matches!(error("lang = \n"), (Some(1), Cause::Syntax(_), _)));
    let (line, _, text) = error(&format!("titel = \"x\"\n{column}"));
    assert_eq!(line, Some(1));
    assert!(text.starts_with("line 1: there is no setting `titel`; there are `lang`, `title`,"), "{text}");
    let (line, _, text) = error("\n[[columns]]\ntitle = \"No\"\nfield = \"numbr\"\n");
    assert_eq!(line, Some(4));
    assert!(text.starts_with("line 4: `field` cannot be `\"numbr\"`: it is one of `number`,"), "{text}");
    assert!(matches!(error("[[columns]]\nfield = \"port\"\n"), (Some(1), Cause::NoTitle, _)));
    assert!(matches!(error(&format!("{column}text = \"x\"\n")), (Some(1), Cause::FieldAndText, _)));
    assert!(matches!(
        error(&format!("{column}width = 0\n")),
        (Some(4), Cause::BadValue { name: "width", .. }, _)
    ));
    assert!(matches!(
        error(&format!("dates = \"%Y\"\n{column}")),
        (Some(1), Cause::BadValue { name: "dates", .. }, _)
    ));
    assert!(matches!(
        error(&format!("lang = \"fr\"\n{column}")),
        (Some(1), Cause::BadValue { name: "lang", .. }, _)
    ));
    assert!(matches!(
        error(&format!("parts = [\"rules\",\n\"x\"]\n{column}")),
        (Some(2), Cause::BadValue { .. }, _)
    ));
    assert!(matches!(error("columns = 3\n"), (Some(1), Cause::BadValue { name: "columns", .. }, _)));
    assert!(matches!(error("columns = []\n"), (Some(1), Cause::NoColumns, _)));
    assert!(matches!(error("title = \"x\"\n"), (None, Cause::NoColumns, _)));
    assert!(matches!(error(""), (None, Cause::NoColumns, _)));
}

#[test]
fn the_titles_of_a_form_are_recognised() {
    use Field::*;
    let template = read("연번,Src IP,출발지,Dst IP,목적지,목적지포트,PROTOCOL,신청사유,처리자\n");
    assert_eq!(
        fields(&template),
        [
            Some(Number),
            Some(Source),
            Some(SourceName),
            Some(Destination),
            Some(DestinationName),
            Some(Port),
            Some(Protocol),
            Some(Reason),
            None
        ]
    );
    assert_eq!(template.warnings, [Warning::UnknownTitle("처리자".to_owned())]);
    let text = tsv(&korean(), Some(&template)).expect("a form");
    assert!(text.starts_with(
        "연번\tSrc IP\t출발지\tDst IP\t목적지\t목적지포트\tPROTOCOL\t신청사유\t처리자\n1\t10.20.0.7;"
    ));
}

#[test]
fn a_tracking_list_without_columns_for_addresses_gets_them_where_the_names_stand() {
    let template = read("SERVICE|SOURCE|TARGET|PORT|PROTOCOL|요청일자|요청자|처리일자|처리자\n");
    let text = tsv(&korean(), Some(&template)).expect("a form");
    assert_eq!(
        text.lines().nth(1),
        Some("Google FCM\t10.20.0.7;10.20.0.8\t*.googleapis.com\t443\tTCP\t2025-12-29\t홍길동\t\t")
    );
}

#[test]
fn a_form_without_a_column_for_the_protocol_tells_it_with_the_port() {
    let template = read("순번,출발지_IP,목적지_IP,포트(TCP/UDP)\n");
    let text = tsv(&korean(), Some(&template)).expect("a form");
    assert_eq!(text.lines().nth(1), Some("1\t10.20.0.7;10.20.0.8\t*.googleapis.com\tTCP/443"));
}

#[test]
fn a_form_with_text_above_and_two_lines_of_titles_is_recognised_as_a_spreadsheet_in_korea_saves_it() {
    let form = concat!(
        "방화벽 정책 신청서,,,,,,,\r\n,,,,,,,\r\n신청자,,부서,,,,,\r\n",
        "No,출발지정보,,목적지정보,,프로토콜,포트,비고\r\n,IP,설명,IP주소,목적지,,,\r\n1,,,,,,,\r\n"
    );
    let (cp949, _, lossy) = encoding_rs::EUC_KR.encode(form);
    assert!(!lossy);
    let template = Template::read(&cp949).expect("a form");
    use Field::*;
    let expected =
        [Number, Source, SourceName, Destination, DestinationName, Protocol, Port, Remark].map(Some);
    assert_eq!(fields(&template), expected);
    assert_eq!(template.warnings, []);
    let groups: Vec<Option<&str>> = template.columns.iter().map(|column| column.group.as_deref()).collect();
    let (from, to) = (Some("출발지정보"), Some("목적지정보"));
    assert_eq!(groups, [None, from, from, to, to, None, None, None]);
    // The mark and the encoding do not matter.
    let marked = [b"\xef\xbb\xbf", form.as_bytes()].concat();
    assert_eq!(Template::read(&marked).expect("a form"), template);
}

#[test]
fn our_own_csv_is_a_form() {
    for lang in Lang::ALL {
        let form = reach_report::request::RequestForm { lang, ..korean() };
        let own = csv(&form, None, true).expect("a form");
        let template = Template::read(&own).expect("a template");
        assert_eq!(template.warnings, []);
        let again = csv(&form, Some(&template), true).expect("a form");
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&own));
    }
}

#[test]
fn a_workbook_is_a_form() {
    let mut form = korean();
    form.rules[0].nat_ip = Some(String::new());
    let template = Template::read(&xlsx(&form, None).expect("a workbook")).expect("a template");
    assert_eq!(template.warnings, []);
    assert_eq!(template.columns, Template::usual(Lang::Ko, true).columns);
    let english = reach_report::request::RequestForm { lang: Lang::En, ..form };
    let template = Template::read(&xlsx(&english, None).expect("a workbook")).expect("a template");
    assert_eq!(template.columns, Template::usual(Lang::En, true).columns);
    // A house's own words, with what XML writes otherwise.
    let own = read(
        "[[columns]]\ntitle = \"Src IP\"\nfield = \"source\"\n[[columns]]\ntitle = \"R&D <처리자>\"\n[[columns]]\ntitle = \"포트\"\nfield = \"port\"\n",
    );
    let template = Template::read(&xlsx(&korean(), Some(&own)).expect("a workbook")).expect("a template");
    let titles: Vec<&str> = template.columns.iter().map(|column| column.title.as_str()).collect();
    assert_eq!(titles, ["Src IP", "R&D <처리자>", "포트"]);
    assert_eq!(template.warnings[0], Warning::UnknownTitle("R&D <처리자>".to_owned()));
}

#[test]
fn what_is_no_form_is_told_so() {
    assert!(matches!(error("name,age\nx,3\n"), (None, Cause::NoColumns, _)));
    let old = Template::read(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1]).expect_err("an old workbook");
    assert_eq!(old.cause, Cause::Workbook);
    assert!(old.to_string().contains("save it as .xlsx"), "{old}");
    let whole = xlsx(&korean(), None).expect("a workbook");
    assert_eq!(
        Template::read(&whole[..whole.len() / 2]).expect_err("half a workbook").cause,
        Cause::Workbook
    );
    assert_eq!(Template::read(&[0xff, 0xff, 0x00]).expect_err("bytes").cause, Cause::NoText);
    assert!(matches!(Template::read(&vec![b'#'; 2 << 20]).expect_err("large").cause, Cause::TooLarge { .. }));
}
