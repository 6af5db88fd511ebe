//! Lines that say by themselves that something failed on the network, without a throwable of the JVM.

use std::sync::LazyLock;

use regex::{
    Regex,
    bytes::{self, RegexSet},
};

use super::korean;

/// Whether a line can matter at all: a search for a few words, so that ordinary lines cost next to nothing.
pub(super) fn is_interesting(line: &str) -> bool {
    static WORDS: LazyLock<bytes::Regex> = LazyLock::new(|| {
        bytes::Regex::new(concat!(
            r"(?-u)Exception|Error|ERROR|error:|rror [0-9]|imeout|IMEOUT|imed out|IMEDOUT|efused|REFUSED|eset|RESET|nreach|NREACH|o route|roken pipe",
            r"|nknown|UNKNOWN|not known|esol|ookup|E[A-Z]{3,}|getaddrinfo|gaierror|herror|errno|ORA-|curl|wget|dial |tls:|SSL|x509|certificate|alert|EOF|eof",
            r"|hang up|closed|disconnected|HTTP|http|UNAVAILABLE|DEADLINE|aused by|rapped by|uppressed|Traceback|During handling|direct cause|---> |\[cause\]|nested|Could not|could not|ouldn't|Can't|can't|annot|ailed|elapsing",
            r"|Unable|unable|expired|ost connection|gone away|No more data|address|port|host|not found|Throwable|Uncaught|Nested|response|code: '|FAIL|ommand|refus|SQLSTATE|eepalive",
            r"|연결|호스트|파이프|네트워크|이름|초과|원격",
        ))
        .expect("a pattern")
    });
    WORDS.is_match(line.as_bytes())
}

/// Words of clients that mean nothing else.
pub(super) fn is_telling(line: &str) -> bool {
    static TELLING: LazyLock<bytes::Regex> = LazyLock::new(|| {
        bytes::Regex::new(concat!(
            r"(?-u)dial (?:tcp|udp)[46]?[ :]|\blookup [A-Za-z0-9_.-]+(?: on [0-9A-Fa-f.:\[\]]+:\d+)?: |(?:read|write) tcp[46]? \S+->|net/http: |Client\.Timeout exceeded",
            r"|https?://[^\x22\s]*\x22: (?:EOF|unexpected EOF|context deadline exceeded|http: server gave)|x509: |remote error: tls|tls: (?:first record|handshake|failed to verify)",
            r"|http: server gave HTTP response to HTTPS client|proxyconnect tcp|: Proxy Authentication Required",
            r"|\b(?:connect|read|write|send|shutdown|syscall) E[A-Z]{3,}\b|\b(?:getaddrinfo|queryA{1,4}|querySrv) E[A-Z_]+|(?:^|[^A-Za-z0-9_./-])E(?:CONNREFUSED|CONNRESET|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN|PIPE|SOCKETTIMEDOUT)(?:[^A-Za-z0-9_./-]|\.?$|\. )|UND_ERR_[A-Z_]+|socket hang up|Client network socket disconnected",
            r"|curl: \(\d+\)|cURL error \d+|curl_exec\(\)|CURLE_|curl_easy_perform",
            r"|\[Errno -?\d+\]|\[WinError \d+\]|HTTPS?ConnectionPool\(|Cannot connect to host \S+ ssl|urlopen error|HTTP Error \d{3}|os error 1\d\d",
            r"|rpc error: code = |\b(?:UNAVAILABLE|DEADLINE_EXCEEDED): |failed to connect to all addresses",
            r"|connection to server at \x22|could not (?:connect to server|translate host name)|connect to MySQL server|SQLSTATE\[(?:HY000|08\w+)\]|Could not connect to Redis|Lost connection to MySQL",
            r"|upstream timed out|connect\(\) (?:to \S+ )?failed|recv\(\) failed|upstream prematurely closed|SSL_do_handshake\(\) failed|host not found in upstream|could not be resolved \(\d",
            r"|ssh: (?:connect to host|Could not resolve)|kex_exchange_identification: |Failed to open TCP connection|Net::(?:Open|Read)Timeout|connect\(2\) for",
            r"|SSL certificate problem|Unable to tunnel through proxy|I/O error on \w+ request for|Unexpected HTTP response with status|Connect to \S+ (?:\[|failed)",
            r"|(?:POST|GET|PUT|DELETE|PATCH|HEAD) https?://\S+ (?:->|=>|returned|responded|failed with) ?(?:with )?(?:HTTP )?(?:status )?[45]\d\d\b",
            r"|Request failed with status code|Server returned HTTP response code|Connection to node -?\d+ \(\S+ could not|Failed to connect to \S+ port \d+|Could not connect to \w+ host|Could not resolve (?:host|proxy)|attempt to connect to \S+ \(\S+\) failed|connect to [A-Za-z0-9.-]+\[[0-9A-Fa-f.:]+\]:\d+: |Couldn't connect to host, port",
            r"|Unable to execute HTTP request|ORA-(?:1254[15]|12170|12535|0311[34]|17002|17410)|php_network_getaddresses|stream_socket_client\(\)|fsockopen\(\)|\(attempted address",
            r"|Failed to connect to \S+/\S+:\d+|(?:wget: )?unable to resolve host|Bootstrap broker \S+ \(id: -?\d+ rack: \w+\) disconnected|socket connection setup timeout",
            r"|Host \S+ not found: |server can't find |no servers could be reached|[Cc]onnection (?:refused|timed out|reset by peer) \(|Response status code does not indicate success: [45]",
            r"|Error getting access token for service account|(?:Client|Server) error '[45]\d\d |resulted in a `[45]\d\d |\b[45]\d\d (?:Client|Server) Error:|TCP connect to \(",
            r"|SSL operation failed with code|client error \(Connect\)|Keepalive failed\.|remote name could not be resolved",
            r"|Connecting to \S+(?: \(\S+\)\|\S+\|:\d+)?\.\.\. failed|^Resolving \S+.* failed: |awaiting response\.\.\. [45]\d\d|ERROR [45]\d\d: |Read error \(|/dev/tcp/|: Name or service not known$|: Temporary failure in name resolution$|bad address '|getaddrinfo for host",
        ))
        .expect("a pattern")
    });
    TELLING.is_match(line.as_bytes()) || korean::is_telling(line)
}

/// Words that mean a failure at the end of a sentence that names a destination.
pub(super) fn is_plain(line: &str) -> bool {
    static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?i)(?:^|[:\-=(\[,>]\s?|(?:reason|error|err|cause|msg|because|failed)[:=]?\s?[\x22']?| by | with )(?:java\.net\.)?",
            r"(?:(?:http )?connect(?:ion)? timed out|connect(?:ion)? time-?out|read timed out|connection refused|connection reset(?: by peer)?|no route to host|network is unreachable|host is unreachable|broken pipe|unknown host|temporary failure in name resolution|name or service not known|i/o timeout|no such host|tls handshake timeout|ssl handshake failed|connection closed by (?:peer|remote host)|unexpected eof|socket hang up|request timed out|handshake timed out after [0-9]+ ?ms|연결 시간 초과|작업 시간이 초과되었습니다)",
            r"(?:[\x22')\].,;!]|\s\(|\s?$|\s(?:after|to|for|from|while|at|\[)|; )",
        ))
        .expect("a pattern")
    });
    PLAIN.is_match(line)
}

/// The client that words are of.
pub(super) fn client(text: &str) -> Option<&'static str> {
    const CLIENTS: [(&str, &[&str]); 27] = [
        ("firebase-admin", &["com.google.firebase."]),
        (
            "kafka",
            &["org.apache.kafka.", "Producer clientId=", "Consumer clientId=", "AdminClient clientId="],
        ),
        ("requests", &["requests.exceptions."]),
        ("aiohttp", &["aiohttp.", "Cannot connect to host "]),
        ("httpx", &["httpx.", "httpcore."]),
        ("urllib3", &["urllib3.", "HTTPSConnectionPool(", "HTTPConnectionPool("]),
        ("urllib", &["urllib.error", "urlopen error"]),
        ("pymysql", &["pymysql."]),
        ("psycopg", &["psycopg", "asyncpg."]),
        ("redis-py", &["redis.exceptions."]),
        ("grpc", &["rpc error: code = ", "failed to connect to all addresses"]),
        ("guzzle", &["GuzzleHttp", "guzzle"]),
        ("curl", &["curl: (", "cURL error ", "CURLE_"]),
        ("axios", &["AxiosError", "Request failed with status code"]),
        ("undici", &["UND_ERR_", "fetch failed", "(attempted address"]),
        ("node-fetch", &["FetchError: request to"]),
        (
            "go",
            &[
                "dial tcp",
                "dial udp",
                "net/http: ",
                "Client.Timeout exceeded",
                "read tcp ",
                "write tcp ",
                "x509: ",
                "remote error: tls",
                "proxyconnect tcp",
                "http: server gave",
                "Get \"http",
                "Post \"http",
                "Put \"http",
                "Delete \"http",
                "Patch \"http",
                "Head \"http",
            ],
        ),
        ("node", &["getaddrinfo E", "connect E", "read ECONN", "socket hang up", "AggregateError"]),
        (
            "libpq",
            &["connection to server at \"", "could not connect to server", "could not translate host name"],
        ),
        ("mysql", &["connect to MySQL server", "Lost connection to MySQL"]),
        ("php", &["SQLSTATE[", "fsockopen()", "stream_socket_client()", "php_network_getaddresses"]),
        ("nginx", &["upstream timed out", "to upstream", "from upstream", "in upstream"]),
        ("ssh", &["ssh: "]),
        ("wget", &["wget: ", "... failed: "]),
        ("dotnet", &["System.Net.", "Response status code does not indicate success"]),
        (
            "ruby",
            &[
                "Net::OpenTimeout",
                "Net::ReadTimeout",
                "Failed to open TCP connection",
                "connect(2) for",
                "Errno::E",
            ],
        ),
        ("redis-cli", &["Could not connect to Redis at"]),
    ];
    static WORDS: LazyLock<RegexSet> = LazyLock::new(|| {
        let pattern =
            |words: &[&str]| words.iter().map(|word| regex::escape(word)).collect::<Vec<_>>().join("|");
        RegexSet::new(CLIENTS.map(|(_, words)| pattern(words))).expect("words")
    });
    let first = WORDS.matches(text.as_bytes()).iter().next()?;
    CLIENTS.get(first).map(|(client, _)| *client)
}
