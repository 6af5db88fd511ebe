//! Requests to write down.

use jiff::civil::date;
use reach_report::{
    Lang,
    request::{Destination, Direction, Protocol, RequestForm, Requester, Rule},
};

/// A request as a service's operator makes it: by name first, by network second.
pub(crate) fn korean() -> RequestForm {
    let net = |text: &str| Destination::Network(text.parse().expect("a net"));
    let by_name = Rule {
        number: 1,
        firewall: String::new(),
        source: vec!["10.20.0.7/32".parse().expect("a net"), "10.20.0.8/32".parse().expect("a net")],
        source_name: "푸시 발송 서버".to_owned(),
        destination: vec![Destination::Name("*.googleapis.com".to_owned())],
        destination_name: "Google FCM".to_owned(),
        protocol: Protocol::Tcp,
        ports: vec![443..=443],
        direction: Direction::Out,
        purpose: "앱 푸시 발송".to_owned(),
        from: date(2026, 1, 1),
        until: Some(date(2026, 12, 31)),
        remark: "FQDN 정책".to_owned(),
        nat_ip: None,
        alternative: 1,
    };
    let by_network = Rule {
        number: 2,
        destination: vec![net("192.0.2.0/24"), net("198.51.100.16/28"), net("2001:db8:1::/48")],
        ports: vec![443..=443, 5228..=5230],
        until: None,
        remark: String::new(),
        alternative: 2,
        ..by_name.clone()
    };
    RequestForm {
        lang: Lang::Ko,
        title: None,
        requester: Requester {
            name: Some("홍길동".to_owned()),
            department: Some("플랫폼운영팀".to_owned()),
            position: None,
            phone: Some("02-0000-0000".to_owned()),
            mail: Some("gildong@example.com".to_owned()),
        },
        made: date(2025, 12, 29),
        rules: vec![by_name, by_network],
        reason: "fcm.googleapis.com의 IP 16개 중 4개가 무응답(방화벽 차단 추정)이라 푸시 발송의 약 25 %가 실패합니다. \
                 나머지 12개 IP는 같은 시각에 정상 접속됩니다."
            .to_owned(),
        approver: None,
        impact: None,
        rollback: None,
        notes: vec![
            "고정 IP 목록은 제공자가 주소를 바꾸면 다시 막힙니다.".to_owned(),
            "방화벽이 FQDN 객체를 쓰는지, 어느 DNS를 쓰는지 확인 부탁드립니다.".to_owned(),
        ],
    }
}

/// One request in both languages.
pub(crate) fn both_ways() -> [RequestForm; 2] {
    let english = RequestForm {
        lang: Lang::En,
        impact: Some("About 25 % of push messages fail.".to_owned()),
        rollback: Some("Remove the rule.".to_owned()),
        ..korean()
    };
    [korean(), english]
}

/// A request whose every text tries to get out of its cell.
pub(crate) fn hostile() -> RequestForm {
    let evil =
        || "=cmd|'/c calc'!A1 </t><script>\u{1b}[2J\u{202e}\u{0}\u{ffff}_x0041_ &amp; \"'\r\n\t@x".to_owned();
    let mut form = korean();
    form.title = Some(evil());
    form.requester = Requester {
        name: Some(evil()),
        department: Some(evil()),
        position: Some(evil()),
        phone: Some(evil()),
        mail: Some(evil()),
    };
    form.reason = evil();
    form.approver = Some(evil());
    form.impact = Some(evil());
    form.rollback = Some(evil());
    form.notes = vec![evil()];
    for rule in &mut form.rules {
        rule.firewall = evil();
        rule.source_name = evil();
        rule.destination = vec![Destination::Name(evil())];
        rule.destination_name = evil();
        rule.purpose = evil();
        rule.remark = evil();
        rule.alternative = 0;
        rule.nat_ip = Some(evil());
    }
    form
}
