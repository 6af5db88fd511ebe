use super::*;

fn failure(class: FailureClass, host: Option<&str>, address: Option<&str>) -> Failure {
    let address = address.map(|address| address.parse().expect("an address"));
    Failure {
        host: host.map(str::to_owned),
        address,
        addresses: address.into_iter().collect(),
        port: Some(443),
        client: Some("jdk-httpurlconnection".to_owned()),
        ..Failure::new(class, "java.net.SocketException: connect timed out".to_owned())
    }
}

fn story() -> Logs {
    let second = |at: u64| Time::from_micros(1_710_115_953_000_000 + at * 1_000_000);
    Logs {
        files: 2,
        lines: 1_234_567,
        failures: vec![
            Failed {
                failure: failure(
                    FailureClass::ReadTimeout,
                    Some("api\u{1b}[2J.example"),
                    Some("203.0.113.7"),
                ),
                count: 3,
                first: second(0),
                last: second(0),
            },
            Failed {
                failure: failure(FailureClass::ConnectTimeout, None, Some("2001:db8::7")),
                count: 12_345,
                first: second(0),
                last: second(90_000),
            },
        ],
        requests: vec![Served {
            name: "/var/log/nginx/access.log".to_owned(),
            from: second(0),
            until: second(60),
            total: 600,
            failed: 6,
            late: 2,
        }],
        ..Logs::default()
    }
}

#[test]
fn failures_stand_by_number_and_requests_with_what_is_certain_of_their_share() {
    let text = summary(&story(), &Style::plain(120, Lang::En));
    let many = text.find("12,345  connect timeout").expect("the larger one");
    assert!(many < text.find("3  read timeout").expect("the smaller one"), "{text}");
    assert!(text.contains("[2001:db8::7]:443"), "{text}");
    assert!(text.contains("1 %  0.5 % - 2.2 %"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let korean = summary(&story(), &Style::plain(120, Lang::Ko));
    assert!(korean.contains("연결 시간 초과") && korean.contains("지연 성공"), "{korean}");
}

#[test]
fn a_screen_is_never_longer_than_it_is() {
    let mut logs = story();
    let one = logs.failures[0].clone();
    logs.failures.extend((0..100).map(|_| one.clone()));
    for lines in [5, 12, 24] {
        let text = live(&logs, Duration::from_secs(65), lines, &Style::plain(100, Lang::En));
        assert!(text.lines().count() <= lines, "{text}");
        assert!(text.starts_with("1:05 | 2 files | 1,234,567 lines"), "{text}");
    }
}

#[test]
fn nothing_is_said_as_nothing() {
    let text = summary(&Logs::default(), &Style::plain(100, Lang::En));
    assert_eq!(text, "no failure towards any destination\n");
    assert!(!Logs::default().has_failures() && story().has_failures());
}

#[test]
fn programs_get_one_document() {
    let value = json_summary(&story());
    assert_eq!(value["schema"], "reach.logs/1");
    assert_eq!(value["failures"][1]["class"], "connect-timeout");
    assert_eq!(value["failures"][1]["count"], 12_345);
    assert_eq!(value["requests"][0]["failure_share"], 0.01);
    assert!(!value.to_string().contains('\u{1b}'));
}
