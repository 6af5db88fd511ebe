//! Logs as servers, runtimes and databases of all kinds write them, through the whole reader.

use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use reach_core::{
    Time,
    signal::{Attempt, Failure, FailureClass, Origin, Signal, Statement, Word},
};
use reach_signal::log::{Kind, LogPlan, LogReader, Tally, exceptions};

/// 2024-03-11T00:30:00Z.
const NOW: Time = Time::from_micros(1_710_117_000_000_000);
/// 2024-03-11T00:12:33Z.
const AT: u64 = 1_710_115_953;

fn plan(kind: Kind) -> LogPlan {
    let origin = Origin { source: "test".to_owned(), ..Origin::default() };
    let mut plan = LogPlan::new(origin, TimeZone::UTC);
    plan.kind = kind;
    plan
}

fn read_bytes(kind: Kind, bytes: &[u8]) -> (Vec<Signal>, Tally) {
    let mut reader = LogReader::new(plan(kind), exceptions());
    for piece in bytes.chunks(97) {
        reader.bytes(piece, NOW, NOW);
    }
    reader.finish(NOW);
    (reader.take(), reader.tally())
}

fn read(kind: Kind, text: &str) -> (Vec<Signal>, Tally) {
    read_bytes(kind, text.as_bytes())
}

/// All requests, and those that failed.
fn counted(signals: &[Signal]) -> (u64, u64) {
    let mut sum = (0, 0);
    for signal in signals {
        if let Word::Requests(requests) = &signal.word {
            sum = (sum.0 + requests.total, sum.1 + requests.failed);
        }
    }
    sum
}

fn failures(signals: &[Signal]) -> Vec<(u64, &Failure)> {
    let failure = |signal: &'_ Signal| -> Option<u64> {
        matches!(signal.word, Word::Failure(_)).then(|| signal.at.as_secs())
    };
    let failures = signals.iter().filter_map(|signal| match &signal.word {
        Word::Failure(inner) => Some((failure(signal)?, inner)),
        _ => None,
    });
    failures.collect()
}

fn attempts(signals: &[Signal]) -> Vec<&Attempt> {
    let attempts = signals.iter().filter_map(|signal| match &signal.word {
        Word::Attempt(attempt) => Some(attempt),
        _ => None,
    });
    attempts.collect()
}

fn statements(signals: &[Signal]) -> Vec<(u64, &Statement)> {
    let statements = signals.iter().filter_map(|signal| match &signal.word {
        Word::Statement(statement) => Some((signal.at.as_secs(), statement)),
        _ => None,
    });
    statements.collect()
}

/// Each line of these is a request of a client 192.0.2.7 or 2001:db8::7 named kim that asked for a secret.
const ACCESS: [(&str, &str, u64, u64); 13] = [
    (
        "IIS",
        "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2024-03-11 00:00:00\n\
         #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n\
         2024-03-11 00:12:33 203.0.113.7 GET /a q=secret 443 kim 192.0.2.7 Mozilla/5.0+(Windows) - 200 0 0 12\n\
         2024-03-11 00:12:33 203.0.113.7 POST /a q=secret 443 kim 192.0.2.7 Mozilla/5.0+(Windows) - 503 0 64 30012\n",
        2,
        1,
    ),
    (
        "IIS behind its head",
        "2024-03-11 00:12:33 203.0.113.7 GET /a q=secret 443 kim 192.0.2.7 Mozilla/5.0+(Windows) - 500 0 0 12\n",
        1,
        1,
    ),
    (
        "CloudFront",
        "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query\n\
         2024-03-11\t00:12:33\tICN51-C1\t2390\t192.0.2.7\tGET\td1.example\t/a\t502\t-\tMozilla%2F5.0\tq=secret\n",
        1,
        1,
    ),
    (
        "ALB",
        "https 2024-03-11T00:12:33.186641Z app/lb/50dc6c495c0c9188 192.0.2.7:2817 203.0.113.7:80 0.086 0.048 0.037 200 200 0 57 \"GET https://www.example:443/?k=secret HTTP/1.1\" \"kim\" ECDHE TLSv1.2 arn \"Root=1\" \"www.example\" \"arn\" 1 2024-03-11T00:12:33.1Z \"forward\" \"-\" \"-\" \"203.0.113.7:80\" \"200\" \"-\" \"-\"\n\
         https 2024-03-11T00:12:33.186641Z app/lb/50dc6c495c0c9188 192.0.2.7:2817 203.0.113.8:80 0.086 -1 -1 502 - 0 57 \"GET https://www.example:443/?k=secret HTTP/1.1\" \"kim\" ECDHE TLSv1.2 arn \"Root=1\" \"www.example\" \"arn\" 1 2024-03-11T00:12:33.1Z \"forward\" \"-\" \"-\" \"203.0.113.8:80\" \"-\" \"-\" \"-\"\n",
        2,
        1,
    ),
    (
        "squid",
        "1710115953.123     80 192.0.2.7 TCP_MISS/200 411 GET http://www.example/?q=secret kim HIER_DIRECT/203.0.113.7 text/html\n\
         1710115953.123  60080 192.0.2.7 TCP_TUNNEL/503 0 CONNECT pg.example:443 kim HIER_DIRECT/203.0.113.8 -\n\
         1710115953.123      0 192.0.2.7 TCP_DENIED/407 4015 CONNECT www.example:443 kim HIER_NONE/- text/html\n",
        3,
        1,
    ),
    (
        "HAProxy through rsyslog",
        "Mar 11 00:12:33 lb haproxy[14389]: 192.0.2.7:33317 [11/Mar/2024:00:12:33.655] https~ app/s1 0/0/1/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {kim} {} \"GET /?secret HTTP/1.1\"\n\
         Mar 11 00:12:33 lb haproxy[14389]: 192.0.2.7:33317 [11/Mar/2024:00:12:33.655] https~ app/s1 0/0/-1/-1/3002 503 212 - - sC-- 1/1/1/1/3 0/0 {kim} {} \"GET /?secret HTTP/1.1\"\n\
         Mar 11 00:12:33 lb haproxy[14389]: 192.0.2.7:33317 [11/Mar/2024:00:12:33.655] https~ https/<NOSRV> -1/-1/-1/-1/1 400 0 - - PR-- 1/1/0/0/0 0/0 \"<BADREQ>\"\n",
        3,
        1,
    ),
    (
        "Envoy and Istio",
        "[2024-03-11T00:12:33.310Z] \"POST /api?q=secret HTTP/2\" 204 - 154 0 226 100 \"192.0.2.7\" \"kim\" \"cc21\" \"locations\" \"tcp://203.0.113.7:80\"\n\
         [2024-03-11T00:12:33.310Z] \"GET /?q=secret HTTP/1.1\" 503 UF upstream_reset_before_response_started{connection_timeout} - \"-\" 0 91 10002 - \"192.0.2.7\" \"kim\" \"y\" \"pay.example\" \"203.0.113.8:443\" outbound|443||pay.example - 203.0.113.1:1 192.0.2.7:2 - -\n",
        2,
        1,
    ),
    (
        "Envoy as JSON",
        "{\"start_time\":\"2024-03-11T00:12:33.000Z\",\"method\":\"GET\",\"path\":\"/?secret\",\"response_code\":503,\"response_flags\":\"UF,URX\",\"upstream_host\":\"203.0.113.8:443\",\"upstream_transport_failure_reason\":\"delayed connect error: 111\",\"downstream_remote_address\":\"192.0.2.7:5\",\"x_forwarded_for\":\"192.0.2.7\",\"user_agent\":\"kim\"}\n",
        1,
        1,
    ),
    (
        "Caddy",
        "{\"level\":\"info\",\"ts\":1710115953.78,\"logger\":\"http.log.access.log0\",\"msg\":\"handled request\",\"request\":{\"remote_ip\":\"192.0.2.7\",\"client_ip\":\"192.0.2.7\",\"proto\":\"HTTP/2.0\",\"method\":\"GET\",\"host\":\"www.example\",\"uri\":\"/?q=secret\",\"headers\":{}},\"user_id\":\"kim\",\"duration\":0.0009,\"size\":2326,\"status\":200}\n\
         {\"level\":\"error\",\"ts\":1710115953.78,\"logger\":\"http.log.access.log0\",\"msg\":\"handled request\",\"request\":{\"remote_ip\":\"192.0.2.7\",\"method\":\"GET\",\"host\":\"www.example\",\"uri\":\"/?q=secret\"},\"user_id\":\"kim\",\"duration\":0.0009,\"size\":0,\"status\":502}\n",
        2,
        1,
    ),
    (
        "Traefik as JSON",
        "{\"ClientAddr\":\"192.0.2.7:5\",\"ClientUsername\":\"kim\",\"DownstreamStatus\":502,\"OriginStatus\":502,\"RequestMethod\":\"GET\",\"RequestPath\":\"/?secret\",\"ServiceAddr\":\"203.0.113.8:80\",\"StartUTC\":\"2024-03-11T00:12:33.1Z\",\"level\":\"info\",\"msg\":\"\",\"time\":\"2024-03-11T00:12:33Z\"}\n",
        1,
        1,
    ),
    (
        "Traefik",
        "192.0.2.7 - kim [11/Mar/2024:00:12:33 +0000] \"GET /?secret HTTP/2.0\" 504 15 \"-\" \"-\" 7 \"web@docker\" \"http://203.0.113.8:80\" 30002ms\n",
        1,
        1,
    ),
    (
        "nginx in a container of Docker",
        "{\"log\":\"192.0.2.7 - kim [11/Mar/2024:00:12:33 +0000] \\\"GET /?secret HTTP/1.1\\\" 502 157 \\\"-\\\" \\\"curl\\\" \\\"-\\\"\\n\",\"stream\":\"stdout\",\"time\":\"2024-03-11T00:12:33.5Z\"}\n",
        1,
        1,
    ),
    (
        "nginx in Kubernetes, in pieces",
        "2024-03-11T00:12:33.100000000Z stdout P 192.0.2.7 - kim [11/Mar/2024:00:12:33 +0000] \"GET /?secret\n\
         2024-03-11T00:12:33.200000000Z stderr F 2024/03/11 00:12:33 [notice] 1#1: signal 29\n\
         2024-03-11T00:12:33.100000000Z stdout P =x HTTP/1.1\" 50\n\
         2024-03-11T00:12:33.100000000Z stdout F 2 157 \"-\" \"curl\"\n",
        1,
        1,
    ),
];

#[test]
fn requests_of_every_form_are_counted_and_nobody_is_named() {
    for (name, text, total, failed) in ACCESS {
        for kind in [Kind::Auto, Kind::Access] {
            if kind == Kind::Access && name.contains("Kubernetes") {
                continue;
            }
            let (signals, tally) = read(kind, text);
            assert_eq!(counted(&signals), (total, failed), "{name}: {signals:?}");
            assert_eq!((tally.requests, tally.unread), (total, 0), "{name}");
            let requests = signals.iter().find(|signal| matches!(signal.word, Word::Requests(_)));
            assert!(
                requests.is_some_and(|signal| signal.at.as_secs().abs_diff(AT) < 120),
                "{name}: {signals:?}"
            );
            let told = format!("{signals:?}");
            assert!(
                !told.contains("secret") && !told.contains("kim") && !told.contains("192.0.2.7"),
                "{name}: {told}"
            );
        }
    }
}

#[test]
fn fields_that_a_file_names_at_its_beginning_are_known_in_its_middle() {
    let head = "#Version: 1.0\n#Fields: date time sc-status cs-method cs-uri-stem\n2024-03-11 00:12:33 200 GET /a\n2024-";
    let mut reader = LogReader::new(plan(Kind::Access), exceptions());
    reader.begins(head.as_bytes());
    reader.bytes(b"2024-03-11 00:12:33 503 GET /a\n", NOW, NOW);
    reader.finish(NOW);
    assert_eq!(counted(&reader.take()), (1, 1));
}

#[test]
fn a_database_in_the_journal_is_read_and_gone_on_with() {
    let mut reader = LogReader::new(plan(Kind::Postgres), exceptions());
    for (number, line) in POSTGRES.lines().enumerate() {
        let message = serde_json::to_string(line).expect("text");
        let entry = format!(
            "{{\"__CURSOR\":\"s={number}\",\"_SYSTEMD_UNIT\":\"postgresql.service\",\"_PID\":\"7\",\"MESSAGE\":{message}}}\n"
        );
        reader.bytes(entry.as_bytes(), NOW, NOW);
    }
    reader.quiet(NOW + Duration::from_secs(2));
    assert_eq!(statements(&reader.take()).len(), 2);
    assert_eq!(reader.cursor(), Some("s=4"));
}

#[test]
fn what_a_proxy_says_of_the_connection_is_told_by_its_class() {
    let of = |name: &str| {
        let (_, text, ..) = ACCESS.iter().find(|case| case.0 == name).expect("a case");
        read(Kind::Access, text).0
    };
    let signals = of("Envoy and Istio");
    let [attempt] = attempts(&signals)[..] else { panic!("{signals:?}") };
    assert_eq!((attempt.failed, attempt.port), (Some(FailureClass::ConnectTimeout), 443));
    let signals = of("Envoy as JSON");
    let [attempt] = attempts(&signals)[..] else { panic!("{signals:?}") };
    assert_eq!(attempt.failed, Some(FailureClass::Refused));
    let signals = of("squid");
    let [(_, failure)] = failures(&signals)[..] else { panic!("{signals:?}") };
    assert_eq!(
        (failure.host.as_deref(), failure.port, failure.status),
        (Some("pg.example"), Some(443), Some(503))
    );
    let signals = of("ALB");
    let [(_, failure)] = failures(&signals)[..] else { panic!("{signals:?}") };
    assert_eq!(failure.address, Some([203, 0, 113, 8].into()));
}

/// Each tells of one failure of one class to one host, at 00:12:33 UTC.
const APPLICATIONS: [(&str, &str, FailureClass, &str); 15] = [
    (
        "logback's JSON encoder",
        "{\"sequenceNumber\":0,\"timestamp\":1710115953123,\"nanoseconds\":123000000,\"level\":\"ERROR\",\"threadName\":\"main\",\"loggerName\":\"c.m.App\",\"context\":{\"name\":\"default\",\"birthdate\":1,\"properties\":{}},\"mdc\":{},\"message\":\"POST https://pg.example/pay failed\",\"throwable\":{\"className\":\"java.net.SocketTimeoutException\",\"message\":\"Connect timed out\",\"stepArray\":[{\"className\":\"java.net.Socket\",\"methodName\":\"connect\",\"fileName\":\"Socket.java\",\"lineNumber\":633}]}}\n",
        FailureClass::ConnectTimeout,
        "pg.example",
    ),
    (
        "logstash-logback-encoder",
        "{\"@timestamp\":\"2024-03-11T09:12:33.123+09:00\",\"@version\":\"1\",\"message\":\"failed\",\"logger_name\":\"c.m.App\",\"thread_name\":\"main\",\"level\":\"ERROR\",\"level_value\":40000,\"stack_trace\":\"java.net.UnknownHostException: pg.example\\n\\tat java.base/java.net.Inet6AddressImpl.lookupAllHostAddr(Native Method)\\n\"}\n",
        FailureClass::Dns,
        "pg.example",
    ),
    (
        "log4j2's JsonLayout",
        "{\"instant\":{\"epochSecond\":1710115953,\"nanoOfSecond\":123000000},\"thread\":\"main\",\"level\":\"ERROR\",\"loggerName\":\"c.m.App\",\"message\":\"failed\",\"thrown\":{\"commonElementCount\":0,\"localizedMessage\":\"Connect to pg.example:443 [pg.example/203.0.113.7] failed: Connection refused\",\"message\":\"Connect to pg.example:443 [pg.example/203.0.113.7] failed: Connection refused\",\"name\":\"org.apache.http.conn.HttpHostConnectException\",\"extendedStackTrace\":[{\"class\":\"org.apache.http.impl.conn.DefaultHttpClientConnectionOperator\",\"method\":\"connect\",\"file\":\"x.java\",\"line\":156}]},\"endOfBatch\":false}\n",
        FailureClass::Refused,
        "pg.example",
    ),
    (
        "log4j2's JSON template (ECS)",
        "{\"@timestamp\":\"2024-03-11T00:12:33.123Z\",\"ecs.version\":\"1.2.0\",\"log.level\":\"ERROR\",\"message\":\"failed\",\"process.thread.name\":\"main\",\"log.logger\":\"c.m.App\",\"error.type\":\"java.net.SocketTimeoutException\",\"error.message\":\"Connect timed out\",\"error.stack_trace\":\"java.net.SocketTimeoutException: Connect timed out\\n\\tat java.base/sun.nio.ch.NioSocketImpl.timedFinishConnect(NioSocketImpl.java:546)\\n\",\"url.full\":\"https://pg.example/pay\"}\n",
        FailureClass::ConnectTimeout,
        "pg.example",
    ),
    (
        "GELF",
        "{\"version\":\"1.1\",\"host\":\"app-1\",\"short_message\":\"POST https://pg.example/pay failed\",\"timestamp\":1710115953.123,\"level\":3,\"_level_name\":\"ERROR\",\"_process_thread_name\":\"main\",\"_log_logger\":\"c.m.App\",\"_error_type\":\"java.net.SocketException\",\"_error_message\":\"Connection reset\",\"_error_stack_trace\":\"java.net.SocketException: Connection reset\\n\\tat java.base/sun.nio.ch.NioSocketImpl.implRead(NioSocketImpl.java:328)\\n\"}\n",
        FailureClass::Reset,
        "pg.example",
    ),
    (
        "Python's logging",
        "2024-03-11 00:12:33,123 - worker - ERROR - push failed\n\
         Traceback (most recent call last):\n  File \"/usr/lib/python3/dist-packages/urllib3/connection.py\", line 174, in _new_conn\n    conn = connection.create_connection(\n           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\nTimeoutError: timed out\n\n\
         During handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/app/push.py\", line 3, in send\n    requests.post(URL, timeout=3)\n\
         requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='pg.example', port=443): Max retries exceeded with url: /pay?k=secret (Caused by ConnectTimeoutError(<urllib3.connection.HTTPSConnection object at 0x7f>, 'Connection to pg.example timed out. (connect timeout=3)'))\n\
         2024-03-11 00:12:34,000 - worker - INFO - next\n",
        FailureClass::ConnectTimeout,
        "pg.example",
    ),
    (
        "python-json-logger",
        "{\"asctime\": \"2024-03-11 00:12:33,123\", \"timestamp\": \"2024-03-11T00:12:33.123Z\", \"levelname\": \"ERROR\", \"name\": \"worker\", \"message\": \"push failed\", \"exc_info\": \"Traceback (most recent call last):\\n  File \\\"/app/p.py\\\", line 3, in f\\n    x()\\nhttpx.ConnectError: [Errno -2] Name or service not known\", \"url\": \"https://pg.example/pay\"}\n",
        FailureClass::Dns,
        "pg.example",
    ),
    (
        "Go's log, and a panic",
        "2024/03/11 00:12:33 main.go:12: charge: Post \"https://pg.example/pay?k=secret\": dial tcp 203.0.113.7:443: connect: connection refused\n\
         2024/03/11 00:12:33 http: panic serving 192.0.2.7:5: runtime error: invalid memory address or nil pointer dereference\ngoroutine 34 [running]:\nnet/http.(*conn).serve.func1()\n\t/usr/local/go/src/net/http/server.go:1850 +0xbf\npanic({0x5f, 0x6e})\n\t/usr/local/go/src/runtime/panic.go:890 +0x262\n",
        FailureClass::Refused,
        "pg.example",
    ),
    (
        "a panic with a failure in it",
        "2024/03/11 00:12:33 start\npanic: Get \"https://pg.example/pay\": dial tcp: lookup pg.example on 203.0.113.53:53: no such host\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:11 +0x1d\nexit status 2\n",
        FailureClass::Dns,
        "pg.example",
    ),
    (
        "klog",
        "E0311 00:12:33.123456       1 reflector.go:138] k8s.io/client-go/informers: Failed to watch *v1.Pod: Get \"https://pg.example:6443/api/v1/pods?watch=true\": net/http: TLS handshake timeout\n",
        FailureClass::Tls,
        "pg.example",
    ),
    (
        "slog and logfmt",
        "time=2024-03-11T00:12:33.123Z level=ERROR msg=\"charge failed\" err=\"Post \\\"https://pg.example/pay\\\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)\"\n",
        FailureClass::ReadTimeout,
        "pg.example",
    ),
    (
        "zap",
        "{\"level\":\"error\",\"ts\":1710115953.123,\"caller\":\"pay/pay.go:33\",\"msg\":\"charge failed\",\"error\":\"Post \\\"https://pg.example/pay\\\": dial tcp 203.0.113.7:443: i/o timeout\",\"stacktrace\":\"main.charge\\n\\t/app/pay.go:33\"}\n",
        FailureClass::ConnectTimeout,
        "pg.example",
    ),
    (
        "pino",
        "{\"level\":50,\"time\":1710115953123,\"pid\":1,\"hostname\":\"app-1\",\"err\":{\"type\":\"TypeError\",\"message\":\"fetch failed: connect ECONNREFUSED 203.0.113.7:443\",\"stack\":\"TypeError: fetch failed\\n    at node:internal/deps/undici/undici:12502:13\\ncaused by: Error: connect ECONNREFUSED 203.0.113.7:443\\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)\"},\"url\":\"https://pg.example/pay\",\"msg\":\"charge failed\"}\n",
        FailureClass::Refused,
        "pg.example",
    ),
    (
        "Node, on a console with times",
        "[2024-03-11T00:12:33.123Z] ERROR charge failed Error: getaddrinfo ENOTFOUND pg.example\n    at GetAddrInfoReqWrap.onlookup [as oncomplete] (node:dns:107:26) {\n  errno: -3008,\n  code: 'ENOTFOUND',\n  syscall: 'getaddrinfo',\n  hostname: 'pg.example'\n}\n",
        FailureClass::Dns,
        "pg.example",
    ),
    (
        "a trace in pieces of Kubernetes",
        "2024-03-11T00:12:33.100000000Z stderr F 2024-03-11 00:12:33,123 ERROR [main] c.m.App - failed\n\
         2024-03-11T00:12:33.100000000Z stderr P org.apache.http.conn.ConnectTimeoutException: Connect to pg.exam\n\
         2024-03-11T00:12:33.100000000Z stdout F 2024-03-11 00:12:33,123 INFO [other] c.m.App - fine\n\
         2024-03-11T00:12:33.100000000Z stderr F ple:443 [pg.example/203.0.113.7] failed: connect timed out\n\
         2024-03-11T00:12:33.100000000Z stderr F \tat org.apache.http.impl.conn.DefaultHttpClientConnectionOperator.connect(DefaultHttpClientConnectionOperator.java:151)\n",
        FailureClass::ConnectTimeout,
        "pg.example",
    ),
];

#[test]
fn what_applications_write_in_every_layout_is_one_failure() {
    for (name, text, class, host) in APPLICATIONS {
        for kind in [Kind::Auto, Kind::Application] {
            let (signals, _) = read(kind, text);
            let [(at, failure)] = failures(&signals)[..] else { panic!("{name}: {signals:?}") };
            assert_eq!((failure.class, failure.host.as_deref()), (class, Some(host)), "{name}: {failure:?}");
            assert_eq!(at, AT, "{name}");
            assert!(!format!("{failure:?}").contains("secret"), "{name}: {failure:?}");
        }
    }
}

#[test]
fn what_docker_cut_in_two_is_one_line() {
    let message = "x".repeat(16_000);
    let text = format!(
        "{{\"log\":\"{{\\\"time\\\":\\\"2024-03-11T00:12:33Z\\\",\\\"level\\\":\\\"ERROR\\\",\\\"pad\\\":\\\"{message}\",\"stream\":\"stdout\",\"time\":\"2024-03-11T00:12:33.1Z\"}}\n\
         {{\"log\":\"\\\",\\\"msg\\\":\\\"x\\\",\\\"err\\\":\\\"dial tcp 203.0.113.7:443: i/o timeout\\\"}}\\n\",\"stream\":\"stdout\",\"time\":\"2024-03-11T00:12:33.1Z\"}}\n"
    );
    let (signals, _) = read(Kind::Auto, &text);
    let [(_, failure)] = failures(&signals)[..] else { panic!("{signals:?}") };
    assert_eq!((failure.class, failure.port), (FailureClass::ConnectTimeout, Some(443)));
}

#[test]
fn a_line_whose_rest_never_comes_is_given_when_it_is_quiet() {
    let mut reader = LogReader::new(plan(Kind::Auto), exceptions());
    let line = "2024-03-11T00:12:33.1Z stderr P 2024-03-11 00:12:33 ERROR Post \"https://pg.example/\": dial tcp 203.0.113.7:443: i/o timeout\n";
    reader.bytes(line.as_bytes(), NOW, NOW);
    assert_eq!(reader.ungiven(), line.len() as u64);
    for second in 1..5 {
        reader.quiet(NOW + Duration::from_secs(second));
    }
    assert_eq!(failures(&reader.take()).len(), 1);
    assert_eq!(reader.ungiven(), 0);
}

#[test]
fn cp949_is_read_beside_utf_8() {
    let korean = |text: &str| encoding_rs::EUC_KR.encode(text).0.into_owned();
    let mut bytes = korean(
        "2024-03-11 00:12:33,123 ERROR [배치-1] 푸시 - 발송 실패: https://pg.example/pay\r\njava.net.ConnectException: 연결이 거부됨 (Connection refused)\r\n\tat java.net.DualStackPlainSocketImpl.connect0(Native Method)\r\n",
    );
    bytes.extend("2024-03-11 00:12:34,123 INFO [배치-1] 푸시 - 다음\r\n".as_bytes());
    let (signals, tally) = read_bytes(Kind::Auto, &bytes);
    let [(at, failure)] = failures(&signals)[..] else { panic!("{signals:?}") };
    assert_eq!((at, failure.class, failure.host.as_deref()), (AT, FailureClass::Refused, Some("pg.example")));
    assert_eq!(tally.records, 2);
}

const SLOW: &str = "/usr/sbin/mariadbd, Version: 10.11.6-MariaDB-0+deb12u1-log (Debian 12). started with:\nTcp port: 3306  Unix socket: /run/mysqld/mysqld.sock\nTime\t\t    Id Command\tArgument\n\
    # Time: 240311  0:12:33\n# User@Host: kim[kim] @ web [192.0.2.7]\n# Thread_id: 31  Schema: shop  QC_hit: No\n# Query_time: 1.250000  Lock_time: 0.000021  Rows_sent: 0  Rows_examined: 100000\n# Rows_affected: 0  Bytes_sent: 11\nSET timestamp=1710115953;\n\
    select *\n  from orders\n where note = 'secret\n# Time: secret\nweb-1  | secret\n2024-03-11T00:12:33Z stderr F secret';\n\
    # User@Host: kim[kim] @ web [192.0.2.7]\n# Thread_id: 31  Schema: shop  QC_hit: No\n# Query_time: 2.5  Lock_time: 0.0  Rows_sent: 0  Rows_examined: 0\nSET timestamp=1710115953;\n# administrator command: Ping;\n";

const POSTGRES: &str = "2024-03-11 00:12:33.123 UTC [4711] kim@shop LOG:  duration: 1250.000 ms  statement: select *\n\t  from orders\n\t where note = 'secret'\n\
    2024-03-11 00:12:33.123 UTC [4711] kim@shop ERROR:  canceling statement due to statement timeout\n2024-03-11 00:12:33.123 UTC [4711] kim@shop STATEMENT:  select pg_sleep(9), 'secret'\n";

#[test]
fn logs_of_databases_tell_statements_and_nothing_of_users() {
    for (kind, text, second) in
        [(Kind::MysqlSlow, SLOW, "Ping"), (Kind::Postgres, POSTGRES, "select pg_sleep(?), ?")]
    {
        let (signals, tally) = read(kind, text);
        let [(at, first), (_, other)] = statements(&signals)[..] else { panic!("{signals:?}") };
        assert_eq!((at, first.text.as_str()), (AT, "select * from orders where note = ?"));
        assert_eq!(
            (first.elapsed, first.database.as_deref()),
            (Some(Duration::from_millis(1250)), Some("shop"))
        );
        assert_eq!((other.text.as_str(), tally.records), (second, 2));
        let told = format!("{signals:?}");
        assert!(!told.contains("secret") && !told.contains("kim") && !told.contains("192.0.2.7"), "{told}");
    }
}

#[test]
fn a_database_in_a_container_is_read_out_of_it() {
    let docker: String = POSTGRES
        .lines()
        .map(|line| {
            let log = serde_json::to_string(&format!("{line}\n")).expect("text");
            format!("{{\"log\":{log},\"stream\":\"stderr\",\"time\":\"2024-03-11T00:12:33.5Z\"}}\n")
        })
        .collect();
    let kubernetes: String =
        POSTGRES.lines().map(|line| format!("2024-03-11T00:12:33.5Z stderr F {line}\n")).collect();
    let syslog: String = POSTGRES
        .lines()
        .map(|line| format!("Mar 11 00:12:33 db postgres[4711]: {}\n", line.replace('\t', "#011")))
        .collect();
    for text in [docker, kubernetes, syslog] {
        let (signals, _) = read(Kind::Postgres, &text);
        assert_eq!(statements(&signals).len(), 2, "{text}\n{signals:?}");
        assert!(!format!("{signals:?}").contains("secret"));
    }
}

#[test]
fn a_statement_that_may_go_on_is_read_again_after_a_crash() {
    for (kind, text) in [(Kind::MysqlSlow, SLOW), (Kind::Postgres, POSTGRES)] {
        let all = statements(&read(kind, text).0).len();
        for at in 0..=text.len() {
            let mut first = LogReader::new(plan(kind), exceptions());
            first.bytes(&text.as_bytes()[..at], NOW, NOW);
            let given = first.take();
            let from = at - usize::try_from(first.ungiven()).expect("small");
            let mut second = LogReader::new(plan(kind), exceptions());
            second.bytes(&text.as_bytes()[from..], NOW, NOW);
            second.finish(NOW);
            let rest = second.take();
            let found = statements(&given).len() + statements(&rest).len();
            // What a failed statement was ended by may be lost with the line between the two, never told twice.
            assert!(
                found == all || kind == Kind::Postgres && found + 1 == all,
                "{kind:?} cut at {at}: {found} of {all}"
            );
        }
    }
}

proptest! {
    #[test]
    fn lines_of_every_form_in_any_order_do_no_harm(
        picks in proptest::collection::vec((0usize..28, 0usize..400), 0..12),
        kind in 0usize..5,
    ) {
        let texts: Vec<&str> =
            ACCESS.iter().map(|case| case.1).chain(APPLICATIONS.iter().map(|case| case.1)).collect();
        let text: String = picks
            .iter()
            .map(|(pick, at)| {
                let text = texts[*pick];
                &text[text.floor_char_boundary(*at)..]
            })
            .collect();
        let (_, kind) = Kind::NAMES[kind];
        let (signals, tally) = read(kind, &text);
        prop_assert!(signals.len() as u64 <= tally.lines * 2);
        prop_assert!(tally.requests + tally.unread <= tally.lines);
    }
}
