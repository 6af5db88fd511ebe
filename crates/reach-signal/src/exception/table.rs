//! The table from words to layers: what stayed the same over the versions of a client, the most telling first.

use std::sync::LazyLock;

use reach_core::signal::FailureClass::{
    self, ConnectTimeout, Dns, Http, ReadTimeout, Refused, Reset, Tls, Unreachable,
};
use regex::bytes::RegexSet;

/// Throwables of a server whose caller went away.
pub(super) const INBOUND: &str = "ClientAbortException|AsyncRequestNotUsableException|EofException|ClientDisconnectedException|\
     RequestAbortedException|AbortedException|BadHttpRequestException";

/// Throwables that tell of waiting inside the application, or of time limits of another kind.
pub(super) const NEUTRAL: &str = "ConnectionPoolTimeoutException|ConnectionRequestTimeoutException|PoolAcquireTimeoutException|\
     PoolTimeout|AsyncRequestTimeoutException|QueryTimeoutException|SQLTimeoutException|\
     LockTimeoutException|TransactionTimedOutException|CannotAcquireLockException|\
     LockAcquisitionException|MySQLTimeoutException|ConnectionWaitTimeoutException|\
     PoolExhaustedException|NullPointerException|ConversionException|InvalidSessionException";

/// Words of the same.
const NEUTRAL_WORDS: &str = "timeout waiting for connection from pool|connection is not available, request timed out|\
     could not get a resource from the pool|did not observe any item or terminal signal|\
     timeout deadline:|acquire operation took longer|pending acquire queue|statement timeout|\
     canceling statement|lock wait timeout|session timed out|pool#acquire|\
     unable to acquire jdbc connection|timeout waiting for idle object|query_canceled|\
     transaction timed out|address already in use|lock request time out|idle timeout expired";

/// One rule: any of the words (in lower case, `|` between them), only under these classes if there are any.
pub(super) struct Rule {
    words: &'static str,
    kinds: &'static str,
    pub(super) class: FailureClass,
    pub(super) detail: &'static str,
    pub(super) strength: u8,
}

impl Rule {
    /// The first rule that is about this throwable and these words, in lower case.
    pub(super) fn of(name: &str, text: &str) -> Option<&'static Rule> {
        static WORDS: LazyLock<RegexSet> = LazyLock::new(|| any(RULES.iter().map(|rule| rule.words)));
        let spoken = WORDS.matches(text.as_bytes());
        let mut fitting = RULES.iter().enumerate().filter(|(at, _)| spoken.matched(*at));
        fitting.find(|(_, rule)| rule.kinds.is_empty() || is_one_of(rule.kinds, name)).map(|(_, rule)| rule)
    }
}

/// Looks for the words of many lists at once: one look at a text instead of one for each word.
fn any<'a>(lists: impl Iterator<Item = &'a str>) -> RegexSet {
    let pattern = |list: &str| list.split('|').map(regex::escape).collect::<Vec<_>>().join("|");
    RegexSet::new(lists.map(pattern)).expect("words")
}

/// Whether words tell of waiting inside the application.
pub(super) fn is_neutral(text: &str) -> bool {
    static WORDS: LazyLock<RegexSet> = LazyLock::new(|| any([NEUTRAL_WORDS].into_iter()));
    WORDS.is_match(text.as_bytes())
}

/// Whether a name is one of the list's.
pub(super) fn is_one_of(list: &str, name: &str) -> bool {
    list.split('|').any(|one| one == name)
}

const fn rule(words: &'static str, class: FailureClass, detail: &'static str) -> Rule {
    Rule { words, kinds: "", class, detail, strength: 3 }
}

const fn of_kind(
    kinds: &'static str,
    words: &'static str,
    class: FailureClass,
    detail: &'static str,
    strength: u8,
) -> Rule {
    Rule { words, kinds, class, detail, strength }
}

const RULES: &[Rule] = &[
    // A proxy that answers stands in for its destination.
    rule(
        "proxy returns \"http/1.1 407|received http code 407 from proxy|tunnel failed, got: 407|\
             proxy authentication required",
        Http,
        "by-proxy",
    ),
    rule(
        "unable to tunnel through proxy|tunnel connection failed:|from proxy after connect|\
             connect refused by proxy|tunnel failed, got:|\
             tunneling socket could not be established, statuscode|\
             unexpected response code for connect|proxy tunnel request|\
             failed to authenticate with proxy|connect tunnel failed, response",
        Http,
        "by-proxy",
    ),
    // Names.
    of_kind(
        "UnknownHostException|UnresolvedAddressException|NameResolutionError|gaierror|\
             HostNotFoundException",
        "temporary failure in name resolution|eai_again|errno -3]|try again",
        Dns,
        "EAI_AGAIN",
        3,
    ),
    of_kind(
        "UnknownHostException|UnresolvedAddressException|NameResolutionError|gaierror|\
             HostNotFoundException|DnsNameResolverException",
        "no address associated with hostname|errno -5]",
        Dns,
        "no-data",
        3,
    ),
    of_kind(
        "UnknownHostException|UnresolvedAddressException|NameResolutionError|gaierror|\
             HostNotFoundException|DnsNameResolverException",
        "",
        Dns,
        "",
        3,
    ),
    of_kind(
        "DnsNameResolverTimeoutException|DnsResolveContext$SearchDomainUnknownHostException",
        "",
        Dns,
        "timeout",
        3,
    ),
    rule("eai_again|temporary failure in name resolution|errno -3]|server misbehaving", Dns, "EAI_AGAIN"),
    rule("no address associated with hostname|errno -5]|enodata", Dns, "no-data"),
    rule(
        "resolving timed out|no servers could be reached|communications error to|\
             name resolution timed out|dns query timed out",
        Dns,
        "timeout",
    ),
    rule(
        "enotfound|name or service not known|nodename nor servname|name does not resolve|\
             could not resolve host|could not resolve proxy|couldn't resolve host|\
             unable to resolve host|could not translate host name|no such host|failed to resolve '|\
             failed to resolve host|unknown mysql server host|unknown host specified|\
             host not found in upstream|could not be resolved (|nameresolutionerror|\
             dns resolution failed|getaddrinfo failed|php_network_getaddresses|nxdomain|errno -2]|\
             domain name not found|ora-12545|getaddrinfo:|unresolvedaddressexception|\
             dns server returned|unknown host|cannot resolve host|errno 11001]|remote name could not be resolved|no such host is known|host is unknown",
        Dns,
        "",
    ),
    // The handshake, before what a socket says: its words often contain those of the socket.
    rule(
        "handshake timed out|tls handshake timeout|ssl connection timeout|ssl connection timed out|\
             handshake operation timed out|ssl handshake timeout|while ssl handshaking to upstream (110",
        Tls,
        "handshake-timeout",
    ),
    rule(
        "validity check failed|certificateexpiredexception|certificate has expired|\
             cert_has_expired|certificate expired|notafter:|certificate is expired|\
             x509: certificate has expired|certificate_expired",
        Tls,
        "expired",
    ),
    rule(
        "no subject alternative|no name matching|not verified|\
             doesn't match any of the subject alternative|hostname mismatch|altname_invalid|\
             does not match certificate|certificate is valid for|doesn't match '|\
             no alternative certificate subject name|not valid for '|remotecertificatenamemismatch|\
             x509: certificate is not valid for|doesn't contain any ip sans|host name does not match|\
             subject name does not match",
        Tls,
        "name-mismatch",
    ),
    rule(
        "pkix path building failed|unable to find valid certification path|self signed certificate|\
             self-signed certificate|unable to get local issuer|unable to get issuer|\
             unable_to_verify_leaf|unable to verify the first certificate|unknown authority|\
             certificate verify failed|certificate_verify_failed|ssl certificate problem|\
             remotecertificatechainerrors|remote certificate is invalid|certificate_unknown|unknown_ca|\
             unable_to_get_issuer|trustanchor|trust anchor|path does not chain|\
             certificate signed by unknown",
        Tls,
        "untrusted-ca",
    ),
    rule("pkix path validation failed|certpathvalidatorexception|certificate_unknown", Tls, "untrusted-ca"),
    rule(
        "unsupported or unrecognized ssl message|unrecognized ssl message|wrong version number|\
             not an ssl/tls record|first record does not look like a tls handshake|\
             http response to https client|packet length too long|record_layer_failure",
        Tls,
        "plaintext",
    ),
    rule(
        "client network socket disconnected before secure tls|ssl peer shut down incorrectly|\
             remote host terminated the handshake|remote host closed connection during handshake|\
             eof occurred in violation of protocol|ssl_error_syscall|unexpected eof while reading|\
             ssl_error_zero_return|received an unexpected eof|ssl_unexpected_eof|\
             closed connection while handshaking",
        Tls,
        "eof-in-handshake",
    ),
    // Connecting: what cannot be said of a connection that came about.
    rule(
        "waiting_for_connection|timed out waiting for a node assignment|\
             failed to update metadata after",
        ConnectTimeout,
        "waiting-for-connection",
    ),
    of_kind("HttpConnectTimeoutException", "", ConnectTimeout, "connect-or-handshake", 3),
    rule("http connect timed out", ConnectTimeout, "connect-or-handshake"),
    rule(
        "connect timed out|connect timeout|(connect timeout=|connection attempt timed out|\
             connection timed out after|connection timeout after|timeout connecting to|\
             connection timeout to host|err_connect_timeout|did not properly respond after a period|\
             opentimeout|operation timed out - connect(2)|ora-12170|ora-12535|operation timed out)|\
             urlopen error timed out|failed: timeout expired|connection attempt failed: timeout|\
             netopentimeout|connection timed out: /|connect: operation timed out|tcp connect timeout|\
             connect_timeout|errno 10060]|winerror 10060]|client error (connect): operation timed out|socket connection setup timeout|\
             the connection attempt timed out|connection establishment timed out|\
             timed out trying to connect|socket is not established|io timeout while connecting|\
             error: \"connect timed out",
        ConnectTimeout,
        "",
    ),
    of_kind(
        "ConnectTimeoutException|ConnectTimeoutError|ConnectTimeout|MongoSocketOpenException|\
             ConnectionTimeoutError|OpenTimeout",
        "",
        ConnectTimeout,
        "",
        2,
    ),
    rule(
        "connection refused|econnrefused|actively refused|ora-12541|no listener|\
             refused. check that the hostname and port|errno 111]|[2002] connection refused|\
             refused the network connection|errno 10061]|winerror 10061]|os error 111",
        Refused,
        "",
    ),
    rule(
        "network is unreachable|enetunreach|network unreachable|errno 101]|errno 10051]|winerror 10051]",
        Unreachable,
        "ENETUNREACH",
    ),
    rule(
        "no route to host|ehostunreach|host is unreachable|host unreachable|errno 113]|\
             errno 10065]|winerror 10065]|a socket operation was attempted to an unreachable",
        Unreachable,
        "EHOSTUNREACH",
    ),
    rule(
        "permission denied (connect failed)|operation not permitted (connect failed)",
        Unreachable,
        "EACCES",
    ),
    rule("invalid argument (connect failed)", Unreachable, "EINVAL"),
    rule("cannot assign requested address|eaddrnotavail|errno 99]", Unreachable, "EADDRNOTAVAIL"),
    // What comes over a connection, or does not.
    rule(
        "headers timeout error|body timeout error|read timed out|readtimeout|read timeout|\
             request timed out|timeout awaiting response headers|awaiting headers|while reading body|\
             timeout on reading|response timed out|command timed out|esockettimedout|\
             read operation timed out|client execution did not complete|httpclient.timeout of|\
             0 bytes received|out of 0 bytes|bytes received|timeout while reading|\
             socket read timed out|socket timeout|the operation timed out|operation timed out after",
        ReadTimeout,
        "",
    ),
    rule(
        "established connection lost|keepalive failed|read etimedout|read: connection timed out|\
             write: connection timed out|recv failure: connection timed out|\
             syscall error: connection timed out|read error (connection timed out)|\
             reading from the socket: connection timed out|read error: connection timed out",
        Reset,
        "established-lost",
    ),
    rule("response: -1", Reset, "closed-without-greeting"),
    rule(
        "connection reset|econnreset|errno 104]|forcibly closed|errno 10054]|winerror 10054]|connection was reset|\
             os error 104|ecanceled: connection",
        Reset,
        "",
    ),
    rule("broken pipe|epipe|errno 32]", Reset, "broken-pipe"),
    rule(
        "premature end of|premature eof|bytes received:|unexpected end of stream|truncated|\
             incompleteread|transfer closed with|content-length, bytes|\
             peer closed connection without sending complete message body",
        Reset,
        "closed-early",
    ),
    rule(
        "unexpected end of file from server|failed to respond|socket hang up|\
             remote end closed connection|prematurely closed|server disconnected|\
             header parser received no bytes|eof reached while reading|empty reply from server|\
             other side closed|closed by peer|server closed the connection unexpectedly|\
             lost connection to mysql|server has gone away|got minus one from a read call|ora-03113|\
             ora-03114|no more data to read from socket|closed by remote host|connection closed by|\
             goaway|rst_stream|stream was reset|peer disconnected|\
             the last packet successfully received|remote host closed|connection abort|\
             unexpectedly lost|unexpected eof|upstream prematurely closed|\
             unexpected eof on client connection|an established connection was aborted|\
             server unexpectedly closed network connection|response ended prematurely|\
             end of file reached|connection was closed|connection closed before full header",
        Reset,
        "closed-early",
    ),
    // Last, since these words are part of many above.
    rule(
        "connection timed out|etimedout|errno 110]|os error 110|connection timeout|\
             net_connect_timeout",
        ConnectTimeout,
        "",
    ),
    of_kind("SSLPeerUnverifiedException", "", Tls, "name-mismatch", 2),
    of_kind(
        "SSLHandshakeException|SSLProtocolException|SSLCertVerificationError|\
             ClientConnectorSSLError|ClientConnectorCertificateError|TLSException",
        "",
        Tls,
        "",
        2,
    ),
    of_kind("ConnectionRefusedError|ConnectionRefusedException", "", Refused, "", 2),
    of_kind("NoRouteToHostException", "", Unreachable, "EHOSTUNREACH", 2),
    of_kind(
        "ConnectionResetError|BrokenPipeError|RemoteProtocolError|ServerDisconnectedError|\
             ConnectionClosedException|NoHttpResponseException|RemoteDisconnected",
        "",
        Reset,
        "closed-early",
        2,
    ),
    of_kind(
        "ReadTimeoutException|ReadTimeout|ReadTimeoutError|HttpTimeoutException|\
             RedisCommandTimeoutException|ApiCallTimeoutException|ApiCallAttemptTimeoutException",
        "",
        ReadTimeout,
        "",
        2,
    ),
    rule(
        "handshake_failure|ssl handshake failed|ssl connection could not be established|ssl: error|\
             ssl error|remote error: tls|tlsv1 alert|sslv3 alert|ssl_do_handshake() failed|\
             no appropriate protocol|could not establish secure connection",
        Tls,
        "",
    ),
    // What leaves it open which of several things it was.
    Rule {
        words: "couldn't connect to server|could not connect to server|\
             network adapter could not establish|could not be established. broker may|\
             could not be established. node may|could not be established. ",
        kinds: "",
        class: Refused,
        detail: "refused-or-unreachable",
        strength: 1,
    },
    Rule {
        words: "communications link failure",
        kinds: "",
        class: Refused,
        detail: "refused-or-unreachable",
        strength: 1,
    },
    Rule {
        words: "connect call failed|failed to connect to|all connection attempts failed|\
             unable to connect to|connection to node -",
        kinds: "",
        class: Refused,
        detail: "refused-or-unreachable",
        strength: 1,
    },
    Rule {
        words: "timed out while making an api call|deadline exceeded|deadline_exceeded|\
             context deadline exceeded",
        kinds: "",
        class: ReadTimeout,
        detail: "deadline",
        strength: 1,
    },
    Rule {
        words: "an i/o error occurred while sending to the backend",
        kinds: "",
        class: Reset,
        detail: "established-lost",
        strength: 1,
    },
];
