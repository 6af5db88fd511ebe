//! What the frames of a stack trace tell: the client library, the JDK's generation, and what was being done.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Client libraries, what decides how addresses are tried first: a wrapper never outranks what it wraps, but for
/// those that bring a way of connecting of their own.
const LIBRARIES: [(&str, &[&str]); 39] = [
    ("grpc-java", &["io.grpc.", "com.google.api.gax.grpc."]),
    ("pgjdbc", &["org.postgresql."]),
    ("mysql-connector-j", &["com.mysql."]),
    ("mariadb-connector-j", &["org.mariadb."]),
    ("oracle-jdbc", &["oracle.jdbc.", "oracle.net.", "oracle.ucp."]),
    ("mssql-jdbc", &["com.microsoft.sqlserver."]),
    ("jedis", &["redis.clients.jedis."]),
    ("lettuce", &["io.lettuce."]),
    ("redisson", &["org.redisson."]),
    ("kafka", &["org.apache.kafka."]),
    ("mongodb-java", &["com.mongodb."]),
    ("rabbitmq-java", &["com.rabbitmq."]),
    ("javamail", &["com.sun.mail.", "javax.mail.", "jakarta.mail.", "org.eclipse.angus.mail."]),
    (
        "apache-hc5-async",
        &[
            "org.apache.hc.core5.reactor.",
            "org.apache.hc.client5.http.impl.async.",
            "org.apache.hc.client5.http.impl.nio.",
        ],
    ),
    ("apache-hc5", &["org.apache.hc."]),
    ("apache-hc4-async", &["org.apache.http.nio.", "org.apache.http.impl.nio."]),
    ("apache-hc4", &["org.apache.http."]),
    ("apache-hc3", &["org.apache.commons.httpclient."]),
    ("okhttp", &["okhttp3.", "com.squareup.okhttp."]),
    ("jetty-client", &["org.eclipse.jetty.client."]),
    ("vertx", &["io.vertx."]),
    ("java.net.http", &["jdk.internal.net.http.", "java.net.http."]),
    ("netty", &["io.netty.", "reactor.netty.", "org.springframework.web.reactive.function.client."]),
    ("spring-restclient", &["org.springframework.web.client.DefaultRestClient"]),
    (
        "spring-resttemplate",
        &["org.springframework.web.client.RestTemplate", "org.springframework.web.client.AsyncRestTemplate"],
    ),
    ("jdk-httpurlconnection", &["sun.net.www.", "sun.net.NetworkClient"]),
    ("firebase-admin", &["com.google.firebase."]),
    ("google-http-client", &["com.google.api.client.", "com.google.auth."]),
    ("aws-sdk-1", &["com.amazonaws."]),
    ("aws-sdk-2", &["software.amazon.awssdk."]),
    ("feign", &["feign."]),
    ("retrofit", &["retrofit2."]),
    ("dotnet", &["System.Net.", "Microsoft.", "Npgsql.", "MySqlConnector."]),
    ("spring", &["org.springframework.web.client."]),
    ("jdk-ldap", &["com.sun.jndi.ldap."]),
    ("jdk-rmi", &["sun.rmi.transport."]),
    ("elasticsearch", &["org.elasticsearch.client."]),
    ("zookeeper", &["org.apache.zookeeper."]),
    ("jsch", &["com.jcraft.jsch."]),
];

const HANDSHAKE: [&str; 12] = [
    "startHandshake",
    "readHandshakeRecord",
    "performInitialHandshake",
    "ClientHello",
    "SSLHandshake.",
    "HandshakeContext",
    "connectTls",
    "doHandshake",
    "SSLFlowDelegate",
    "SslHandler.handshake",
    "SSLTube",
    "HandshakeOutStream",
];
const SERVER: [&str; 9] = [
    "org.apache.catalina.",
    "org.apache.coyote.",
    "org.apache.tomcat.util.net.",
    "org.eclipse.jetty.server.",
    "io.undertow.",
    "reactor.netty.http.server.",
    "org.xnio.",
    "org.eclipse.jetty.io.WriteFlusher",
    "org.apache.tomcat.websocket.",
];
const CONNECT: [&str; 7] = [
    "socketConnect(",
    "Net.pollConnect",
    "finishConnect(",
    "Socket.connect(",
    "SocketChannelImpl.connect",
    "Net.connect",
    "doConnect(",
];
const TRANSFER: [&str; 8] = [
    "socketRead",
    "implRead(",
    "implWrite(",
    "socketWrite",
    "FileDispatcherImpl.read",
    "FileDispatcherImpl.write",
    "SocketDispatcher.",
    "timedRead(",
];
/// Words of frames that tell more than one of these.
const OTHERS: [&str; 11] = [
    "node:",
    "PlainHttpConnection.connectAsync",
    "checkRetryConnect",
    "ConnectEvent",
    "ensureOpen",
    "refreshAccessToken",
    "OAuth2Credentials",
    "java.net.Socket.",
    "SSLSocketImpl",
    "SocksSocketImpl.connect",
    "SocketInputStream.read",
];

/// Whether a frame has any of these words: most have none, and need no look for each.
fn tells(call: &str) -> bool {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        let words = HANDSHAKE.iter().chain(&SERVER).chain(&CONNECT).chain(&TRANSFER).chain(&OTHERS);
        let words: Vec<String> = words.map(|word| regex::escape(word)).collect();
        Regex::new(&words.join("|")).expect("words")
    });
    WORDS.is_match(call.as_bytes())
}

/// What frames, and classes of throwables, have told so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    /// Ranks in [`LIBRARIES`].
    libraries: u64,
    /// A client that only words tell, not frames of the JVM.
    other: Option<&'static str>,
    /// What runs the program, where it is no JVM.
    pub script: Option<&'static str>,
    /// A TLS handshake was going on.
    pub handshake: bool,
    /// A connection was being made.
    pub connect: bool,
    /// Something was read or written.
    pub transfer: bool,
    /// A server was writing to whoever had asked it.
    pub inbound: bool,
    /// A response that had begun was being read.
    pub token: bool,
    /// java.net.http began to connect, and went on to wait for that: its own exceptions lose what came of it.
    began: bool,
    waited: bool,
    socket: bool,
    jdk_socket: bool,
    oldest: u8,
    newest: u8,
    thread: u8,
    android: bool,
    /// How many there were.
    pub seen: u32,
}

/// A line of a stack trace, as it continues one.
pub(super) fn is_frame(line: &str) -> bool {
    let trimmed = line.trim_start();
    if trimmed.len() == line.len() {
        // PHP numbers its frames; a numbered frame names a file or a function.
        return trimmed.strip_prefix('#').is_some_and(|rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            digits > 0
                && rest[digits..].starts_with(' ')
                && (rest.contains(".php(") || rest.contains("{main}") || rest.contains("[internal function]"))
        }) || (trimmed.starts_with("at ") && trimmed.contains('(') && trimmed.ends_with(')'));
    }
    let continued = trimmed.strip_prefix("... ").is_some_and(|rest| {
        rest.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
            && (rest.ends_with(" more") || rest.contains("common frames") || rest.contains("lines matching"))
    });
    continued
        || trimmed.starts_with("at ")
        || trimmed.starts_with("위치: ")
        || (trimmed.starts_with("File \"") && trimmed.contains(", line "))
        || (trimmed.starts_with("from ") && trimmed.contains(":in "))
        || trimmed.starts_with("--- End of inner")
        || trimmed.starts_with("|_ ")
}

impl Frames {
    /// Takes what a line of a stack trace tells.
    pub(super) fn frame(&mut self, line: &str) {
        self.seen = self.seen.saturating_add(1);
        let trimmed = line.trim_start();
        let Some(call) = trimmed.strip_prefix("at ") else {
            self.script(trimmed);
            return;
        };
        let call = call.trim_start();
        let (module, call) = match call.split_once('/') {
            // `java.base/java.net.Socket.connect(…)`, `app//com.example…`: a path has no module before it.
            Some((module, rest)) if !module.contains(['(', ' ', ':']) => {
                (Some(module), rest.trim_start_matches('/'))
            }
            _ => (None, call),
        };
        self.library(call);
        self.generation(module, call);
        let says = tells(call);
        if says {
            self.doing(call);
        }
        let socket = says
            && (call.starts_with("java.net.Socket.connect")
                || call.contains("SSLSocketImpl.connect")
                || call.starts_with("java.net.Socket.<init>")
                || call.contains("SocksSocketImpl.connect")
                || call.contains("SocketInputStream.read")
                || call.contains("SSLSocketImpl"));
        let jdk = ["java.", "sun.", "javax.", "jdk.", "com.sun."].iter().any(|start| call.starts_with(start));
        // Whoever stands right above the JDK's socket uses it.
        if self.socket && !jdk {
            self.jdk_socket = true;
        }
        self.socket = socket || (self.socket && jdk);
    }

    /// Takes what the class of a throwable tells.
    pub(super) fn kind(&mut self, kind: &str) {
        self.library(kind);
    }

    /// Connecting ended before anything was sent: there was no address to connect to.
    pub(super) fn had_no_address(&self) -> bool {
        self.began && !self.waited
    }

    /// The client library.
    pub(super) fn client(&self) -> Option<&'static str> {
        if let Some(other) = self.other {
            return Some(other);
        }
        if self.libraries != 0 {
            return LIBRARIES.get(self.libraries.trailing_zeros() as usize).map(|library| library.0);
        }
        self.jdk_socket.then_some("jdk-socket")
    }

    /// The JDK's generation, by its frames and the words of `texts`.
    pub(super) fn jdk(&self, texts: &[String]) -> Option<String> {
        if self.android || self.other.is_some() {
            return None;
        }
        let (mut oldest, mut newest) = (self.oldest, if self.newest == 0 { u8::MAX } else { self.newest });
        let mut narrow = |from: u8, to: u8| {
            if from.max(oldest) <= to.min(newest) {
                (oldest, newest) = (from.max(oldest), to.min(newest));
            }
        };
        for text in texts {
            let (is, doubled) = (
                |words: &str| text.contains(words),
                |words: &str| text.contains(&format!("{words} ({words})")),
            );
            if !is("Exception") {
                continue;
            }
            if is(": connect timed out")
                || is("(connect failed)")
                || is("(Read failed)")
                || is("(Write failed)")
                || is("(Host unreachable)")
                || doubled("Connection refused")
                || doubled("Connection timed out")
            {
                narrow(0, 12);
            }
            if is(": Connect timed out") {
                narrow(13, u8::MAX);
            }
            if is("Remote host closed connection during handshake") {
                narrow(0, 10);
            }
            if is("Remote host terminated the handshake") || is("java.net.http.Http") {
                narrow(11, u8::MAX);
            }
            if is("(certificate_unknown) ")
                || is("(certificate_expired) ")
                || is("(handshake_failure) ")
                || is("(protocol_version) ")
            {
                narrow(17, u8::MAX);
            }
        }
        if self.thread != 0 {
            narrow(self.thread, self.thread);
        }
        match (oldest, newest) {
            (0, u8::MAX) => None,
            (from, to) if from == to => Some(from.to_string()),
            (0, 8) => Some("8".to_owned()),
            (0, to) => Some(format!("<={to}")),
            (from, u8::MAX) => Some(format!("{from}+")),
            (from, to) => Some(format!("{from}-{to}")),
        }
    }

    fn library(&mut self, call: &str) {
        for (rank, (_, starts)) in LIBRARIES.iter().enumerate() {
            if starts.iter().any(|start| call.starts_with(start)) {
                // A listener of Netty's or Tomcat's that serves is no client.
                self.libraries |= 1 << rank;
                return;
            }
        }
    }

    fn generation(&mut self, module: Option<&str>, call: &str) {
        if call.starts_with("libcore.") || call.starts_with("android.") || call.starts_with("dalvik.") {
            self.android = true;
        }
        let jdk = [
            "java.lang.Thread.",
            "java.net.",
            "sun.net.",
            "sun.security.ssl.",
            "sun.nio.ch.",
            "java.util.concurrent.",
        ]
        .iter()
        .any(|start| call.starts_with(start));
        if !jdk {
            return;
        }
        match module {
            Some("java.base" | "java.net.http") => self.oldest = self.oldest.max(9),
            None if !call.contains("(Unknown Source)") => {
                self.newest = if self.newest == 0 { 8 } else { self.newest.min(8) }
            }
            _ => {}
        }
        if call.starts_with("sun.nio.ch.NioSocketImpl") {
            self.oldest = self.oldest.max(13);
        }
        if call.starts_with("java.net.PlainSocketImpl") && module.is_some() {
            self.newest = if self.newest == 0 { 12 } else { self.newest.min(12) };
        }
        if call.starts_with("jdk.internal.net.http") {
            self.oldest = self.oldest.max(11);
        }
        if let Some(line) =
            call.strip_prefix("java.lang.Thread.run(Thread.java:").and_then(|rest| rest.strip_suffix(')'))
        {
            self.thread = match line {
                "745" | "748" | "750" => 8,
                "829" | "834" => 11,
                "831" | "833" | "840" | "842" => 17,
                "1583" | "1589" => 21,
                _ => 0,
            };
        }
    }

    fn doing(&mut self, call: &str) {
        if call.contains("node:") {
            self.script = Some("node");
        }
        self.began |= call.contains("PlainHttpConnection.connectAsync");
        self.waited |= call.contains("checkRetryConnect")
            || call.contains("ConnectEvent")
            || call.contains("ensureOpen");
        if HANDSHAKE.iter().any(|word| call.contains(word)) {
            self.handshake = true;
        }
        if CONNECT.iter().any(|word| call.contains(word)) {
            self.connect = true;
        }
        if TRANSFER.iter().any(|word| call.contains(word)) {
            self.transfer = true;
        }
        // Deep under the application's own frames a server stands always: only who wrote the failing bytes counts.
        if self.seen <= 12 && SERVER.iter().any(|server| call.starts_with(server)) {
            self.inbound = true;
        }
        if call.contains("refreshAccessToken") || call.contains("OAuth2Credentials") {
            self.token = true;
        }
    }

    /// Frames of Python, Ruby, PHP and Node.
    fn script(&mut self, line: &str) {
        let paths: [(&str, &str); 9] = [
            ("/requests/", "requests"),
            ("/aiohttp/", "aiohttp"),
            ("/httpx/", "httpx"),
            ("/httpcore/", "httpx"),
            ("/urllib3/", "urllib3"),
            ("urllib/request.py", "urllib"),
            ("/guzzlehttp/", "guzzle"),
            ("/pymysql/", "pymysql"),
            ("/psycopg", "psycopg"),
        ];
        for (path, client) in paths {
            // `requests` lies over urllib3, httpx over httpcore.
            if line.contains(path) && self.other.is_none_or(|known| known == "urllib3") {
                self.other = Some(client);
            }
        }
        if line.starts_with("File \"") {
            if line.contains("do_handshake") || line.contains("ssl.py\"") && line.contains("wrap_socket") {
                self.handshake = true;
            }
            if line.contains("in create_connection")
                || line.contains("in _new_conn")
                || line.contains("in connect")
            {
                self.connect = true;
            }
            if line.contains("in readinto")
                || line.contains("in _read_status")
                || line.contains("in recv")
                || line.contains("in read")
            {
                self.transfer = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(lines: &[&str]) -> Frames {
        let mut frames = Frames::default();
        for line in lines {
            frames.frame(line);
        }
        frames
    }

    #[test]
    fn a_wrapper_does_not_hide_the_library_that_connects() {
        let firebase = frames(&[
            "\tat com.google.firebase.internal.ApacheHttp2Request.execute(ApacheHttp2Request.java:133)",
            "\tat org.apache.hc.core5.reactor.InternalChannel.checkTimeout(InternalChannel.java:67)",
        ]);
        assert_eq!(firebase.client(), Some("apache-hc5-async"));
        let plain = frames(&[
            "\tat java.base/java.net.Socket.connect(Socket.java:633)",
            "\tat com.example.Probe.run(Probe.java:3)",
        ]);
        assert_eq!(plain.client(), Some("jdk-socket"));
        assert_eq!(frames(&["\tat com.example.A.b(A.java:1)"]).client(), None);
    }

    #[test]
    fn the_generation_comes_from_frames_and_words() {
        let old = frames(&["\tat java.net.PlainSocketImpl.socketConnect(Native Method)"]);
        assert_eq!(old.jdk(&[]).as_deref(), Some("8"));
        let new = frames(&["\tat java.base/sun.nio.ch.NioSocketImpl.connect(NioSocketImpl.java:602)"]);
        assert_eq!(new.jdk(&[]).as_deref(), Some("13+"));
        let none = Frames::default();
        let words = |text: &str| none.jdk(&[text.to_owned()]);
        assert_eq!(words("java.net.SocketTimeoutException: connect timed out").as_deref(), Some("<=12"));
        assert_eq!(words("java.net.SocketTimeoutException: Connect timed out").as_deref(), Some("13+"));
        assert_eq!(words("java.net.SocketTimeoutException: Read timed out"), None);
    }

    #[test]
    fn frames_are_told_from_text() {
        for line in [
            "\tat a.b(C.java:1)",
            "  File \"/x.py\", line 3, in y",
            "\t... 13 more",
            "    at Object.<anonymous> (/x.js:1:2)",
            "#0 /a/b.php(3): x()",
        ] {
            assert!(is_frame(line), "{line}");
        }
        for line in ["at noon the connection timed out", "#0 x FAIL", "Trying 192.0.2.1...", "... and more"] {
            assert!(!is_frame(line), "{line}");
        }
    }
}
