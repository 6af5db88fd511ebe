use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

const HEARD: Time = Time::from_micros(1_710_117_000_000_000);
const AT: Option<u64> = Some(1_710_115_953);

fn read(pattern: &str, line: &str) -> Option<Hit> {
    let pattern = Pattern::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    pattern.read(line, &mut Stamps::new(TimeZone::UTC), HEARD)
}

#[test]
fn what_stands_in_configurations_becomes_a_reader() {
    let nginx = r#"log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                  '$status $body_bytes_sent "$http_referer" '
                  '"$http_user_agent" "$http_x_forwarded_for"';"#;
    for (pattern, line) in [
        (COMMON, r#"192.0.2.7 - - [11/Mar/2024:00:12:33 +0000] "GET / HTTP/1.1" 503 12"#),
        ("combined", r#"192.0.2.7 - - [11/Mar/2024:00:12:33 +0000] "GET / HTTP/1.1" 503 12 "-" "x""#),
        (nginx, r#"192.0.2.7 - kim [11/Mar/2024:00:12:33 +0000] "GET /\x22 HTTP/1.1" 503 12 "-" "x" "-""#),
        (
            r#"LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D" vhost"#,
            r#"a.example:443 192.0.2.7 - - [11/Mar/2024:00:12:33 +0000] "GET /\" 200 x HTTP/1.1" 503 12 "-" "x" 1234"#,
        ),
        (
            r#"<Valve className="org.apache.catalina.valves.AccessLogValve" pattern="%h %l %u %t &quot;%r&quot; %s %b %D %T %F %I" />"#,
            r#"192.0.2.7 - - [11/Mar/2024:00:12:33 +0000] "GET / HTTP/1.1" 503 - 12 0.012 11 http-nio-8080-exec-1"#,
        ),
        ("%{yyyy-MM-dd HH:mm:ss.SSS}t %a %m %U %s %D", "2024-03-11 00:12:33.123 192.0.2.7 GET /a 503 12"),
        ("%{sec}t.%{msec_frac}t %s", "1710115953.123 503"),
        ("%{msec}t %s %D", "1710115953123 503 5"),
        ("$msec $status $request_time", "1710115953.123 503 0.003"),
        ("[${time_iso8601}] $status|$host", "[2024-03-11T00:12:33+00:00] 503|a.example"),
        (
            r#"{"time":"$time_iso8601","uri":"$uri","status":$status}"#,
            r#"{"time":"2024-03-11T00:12:33+00:00","uri":"/a","status":503}"#,
        ),
    ] {
        let hit = read(pattern, line).unwrap_or_else(|| panic!("{pattern}: {line}"));
        assert_eq!((hit.status, hit.at.map(Time::as_secs)), (503, AT), "{pattern}");
    }
}

#[test]
fn servers_behind_nginx_are_read_with_what_divides_them() {
    let pattern = r#"$remote_addr [$time_local] "$request" $status $upstream_addr $upstream_status $upstream_connect_time $upstream_response_time $request_time"#;
    let line = r#"192.0.2.7 [11/Mar/2024:00:12:33 +0000] "GET / HTTP/1.1" 200 203.0.113.7:80, 203.0.113.8:80 : 203.0.113.9:80 504, 502 : 200 -, - : 0.001 3.000, 0.000 : 0.004 3.005"#;
    let hit = read(pattern, line).expect("a request");
    assert_eq!(
        hit.tries.iter().map(|tried| tried.status).collect::<Vec<_>>(),
        [Some(504), Some(502), Some(200)]
    );
    assert!(hit.is_late());
    let single = read(
        pattern,
        r#"192.0.2.7 [11/Mar/2024:00:12:33 +0000] "GET / HTTP/1.1" 200 203.0.113.7:80 200 0.001 0.004 3.005"#,
    );
    assert_eq!(single.map(|hit| hit.tries.len()), Some(1));
    let none = read(pattern, r#"192.0.2.7 [11/Mar/2024:00:12:33 +0000] "GET / HTTP/1.1" 404 - - - - 0.000"#);
    assert_eq!(none.map(|hit| (hit.status, hit.tries.len())), Some((404, 0)));
    let equals = r#"$status up="$upstream_addr" us="$upstream_status""#;
    let hit = read(equals, r#"200 up="203.0.113.7:80, 203.0.113.8:80" us="502, 200""#).expect("a request");
    assert_eq!(hit.tries[1].status, Some(200));
}

#[test]
fn a_line_of_another_form_is_not_read() {
    assert_eq!(read(COMMON, "2024-03-11 09:12:33 ERROR x"), None);
    assert_eq!(read(COMMON, r#"192.0.2.7 - - [11/Mar/2024:00:12:33 +0000] "GET / HTTP/1.1" abc 12"#), None);
    assert_eq!(read(COMMON, ""), None);
}

#[test]
fn what_is_wrong_with_a_pattern_is_told() {
    for (pattern, error) in [
        ("nothing", PatternError::NoFields),
        ("%h %l %u", PatternError::NoStatus),
        ("$remote_addr", PatternError::NoStatus),
        ("%h%s", PatternError::Together("%h".to_owned(), "%s".to_owned())),
        ("$remote_addr$status", PatternError::Together("$remote_addr".to_owned(), "$status".to_owned())),
        ("%s %", PatternError::Broken("%".to_owned())),
        ("$status ${x", PatternError::Broken("${x".to_owned())),
    ] {
        assert_eq!(Pattern::new(pattern), Err(error), "{pattern}");
    }
    assert_eq!(Pattern::new(&"x".repeat(20_000)), Err(PatternError::TooLong));
}

proptest! {
    #[test]
    fn no_pattern_and_no_line_do_harm(pattern in "[ -~]{0,60}", line in "[ -~가]{0,120}") {
        if let Ok(pattern) = Pattern::new(&pattern) {
            let _ = pattern.read(&line, &mut Stamps::new(TimeZone::UTC), HEARD);
        }
    }

    #[test]
    fn a_line_with_many_ends_is_given_up(quotes in 0usize..3_000) {
        let line = format!("192.0.2.7 - - [11/Mar/2024:00:12:33 +0000] \"{}", "\" x \" 9".repeat(quotes));
        let _ = read(COMBINED, &line);
    }
}
