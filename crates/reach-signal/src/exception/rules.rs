//! What words mean: a table from what clients write to the layer that failed.
//!
//! Wording changes between versions of one client, even within one line of a JDK. So nothing here compares whole
//! messages: a rule is a few words that stayed the same, and rules are tried from the most telling down.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use reach_core::signal::FailureClass::{self, ConnectTimeout, Dns, Http, ReadTimeout, Refused, Reset, Tls, Unreachable};
use regex::Regex;

use super::frames::Frames;

/// What a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sense {
    pub class: FailureClass,
    pub detail: Option<Cow<'static, str>>,
    /// How sure the words are: 1 an outer layer's guess, 2 the class of a throwable, 3 words for this very thing.
    pub strength: u8,
    pub status: Option<u16>,
}

/// What to do with a throwable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It says that something failed on the network.
    Failed(Sense),
    /// It says nothing of the network; what caused it may.
    Nothing,
    /// Whatever caused it, no destination of this application failed: somebody who had asked it went away.
    Inbound,
}

/// Throwables of a server whose caller went away.
const INBOUND: [&str; 7] = [
    "ClientAbortException", "AsyncRequestNotUsableException", "EofException", "ClientDisconnectedException", "RequestAbortedException",
    "AbortedException", "BadHttpRequestException",
];

/// Throwables that tell of waiting inside the application, or of time limits of another kind.
const NEUTRAL: [&str; 17] = [
    "ConnectionPoolTimeoutException", "ConnectionRequestTimeoutException", "PoolAcquireTimeoutException", "PoolTimeout", "AsyncRequestTimeoutException",
    "QueryTimeoutException", "SQLTimeoutException", "LockTimeoutException", "TransactionTimedOutException", "CannotAcquireLockException", "LockAcquisitionException",
    "MySQLTimeoutException", "ConnectionWaitTimeoutException", "PoolExhaustedException", "NullPointerException", "ConversionException", "InvalidSessionException",
];

/// Words of the same.
const NEUTRAL_WORDS: [&str; 19] = [
    "timeout waiting for connection from pool", "connection is not available, request timed out", "could not get a resource from the pool",
    "did not observe any item or terminal signal", "timeout deadline:", "acquire operation took longer", "pending acquire queue", "statement timeout",
    "canceling statement", "lock wait timeout", "session timed out", "pool#acquire", "unable to acquire jdbc connection", "timeout waiting for idle object",
    "query_canceled", "transaction timed out", "address already in use", "lock request time out", "idle timeout expired",
];

/// One rule: any of the words (in lower case), only under these classes if there are any.
struct Rule {
    words: &'static [&'static str],
    kinds: &'static [&'static str],
    class: FailureClass,
    detail: &'static str,
    strength: u8,
}

const fn rule(words: &'static [&'static str], class: FailureClass, detail: &'static str) -> Rule {
    Rule { words, kinds: &[], class, detail, strength: 3 }
}

const fn of_kind(kinds: &'static [&'static str], words: &'static [&'static str], class: FailureClass, detail: &'static str, strength: u8) -> Rule {
    Rule { words, kinds, class, detail, strength }
}

const RULES: &[Rule] = &[
    // A proxy that answers stands in for its destination.
    rule(&["proxy returns \"http/1.1 407", "received http code 407 from proxy", "tunnel failed, got: 407", "proxy authentication required"], Http, "by-proxy"),
    rule(&["unable to tunnel through proxy", "tunnel connection failed:", "from proxy after connect", "connect refused by proxy", "tunnel failed, got:", "tunneling socket could not be established, statuscode", "unexpected response code for connect", "proxy tunnel request", "failed to authenticate with proxy", "connect tunnel failed, response"], Http, "by-proxy"),
    // Names.
    of_kind(&["UnknownHostException", "UnresolvedAddressException", "NameResolutionError", "gaierror", "HostNotFoundException"], &["temporary failure in name resolution", "eai_again", "errno -3]", "try again"], Dns, "EAI_AGAIN", 3),
    of_kind(&["UnknownHostException", "UnresolvedAddressException", "NameResolutionError", "gaierror", "HostNotFoundException", "DnsNameResolverException"], &["no address associated with hostname", "errno -5]"], Dns, "no-data", 3),
    of_kind(&["UnknownHostException", "UnresolvedAddressException", "NameResolutionError", "gaierror", "HostNotFoundException", "DnsNameResolverException"], &[""], Dns, "", 3),
    of_kind(&["DnsNameResolverTimeoutException", "DnsResolveContext$SearchDomainUnknownHostException"], &[""], Dns, "timeout", 3),
    rule(&["eai_again", "temporary failure in name resolution", "errno -3]", "server misbehaving"], Dns, "EAI_AGAIN"),
    rule(&["no address associated with hostname", "errno -5]", "enodata"], Dns, "no-data"),
    rule(&["resolving timed out", "no servers could be reached", "communications error to", "name resolution timed out", "dns query timed out"], Dns, "timeout"),
    rule(&["enotfound", "name or service not known", "nodename nor servname", "name does not resolve", "could not resolve", "couldn't resolve", "unable to resolve host", "could not translate host name", "no such host", "failed to resolve", "unknown mysql server host", "unknown host specified", "host not found in upstream", "could not be resolved (", "nameresolutionerror", "dns resolution failed", "getaddrinfo failed", "php_network_getaddresses", "nxdomain", "errno -2]", "domain name not found", "ora-12545", "getaddrinfo:", "unresolvedaddressexception", "dns server returned", "unknown host", "cannot resolve host", "errno 11001]", "host is unknown"], Dns, ""),
    // The handshake, before what a socket says: its words often contain those of the socket.
    rule(&["handshake timed out", "tls handshake timeout", "ssl connection timeout", "ssl connection timed out", "handshake operation timed out", "ssl handshake timeout", "while ssl handshaking to upstream (110"], Tls, "handshake-timeout"),
    rule(&["validity check failed", "certificateexpiredexception", "certificate has expired", "cert_has_expired", "certificate expired", "notafter:", "certificate is expired", "x509: certificate has expired", "certificate_expired"], Tls, "expired"),
    rule(&["no subject alternative", "no name matching", "not verified", "doesn't match any of the subject alternative", "hostname mismatch", "altname_invalid", "does not match certificate", "certificate is valid for", "doesn't match '", "no alternative certificate subject name", "not valid for '", "remotecertificatenamemismatch", "x509: certificate is not valid for", "doesn't contain any ip sans", "host name does not match", "subject name does not match"], Tls, "name-mismatch"),
    rule(&["pkix path building failed", "unable to find valid certification path", "self signed certificate", "self-signed certificate", "unable to get local issuer", "unable to get issuer", "unable_to_verify_leaf", "unable to verify the first certificate", "unknown authority", "certificate verify failed", "certificate_verify_failed", "ssl certificate problem", "remotecertificatechainerrors", "remote certificate is invalid", "certificate_unknown", "unknown_ca", "unable_to_get_issuer", "trustanchor", "trust anchor", "path does not chain", "certificate signed by unknown"], Tls, "untrusted-ca"),
    rule(&["pkix path validation failed", "certpathvalidatorexception", "certificate_unknown"], Tls, "untrusted-ca"),
    rule(&["unsupported or unrecognized ssl message", "unrecognized ssl message", "wrong version number", "not an ssl/tls record", "first record does not look like a tls handshake", "http response to https client", "packet length too long", "record_layer_failure"], Tls, "plaintext"),
    rule(&["client network socket disconnected before secure tls", "ssl peer shut down incorrectly", "remote host terminated the handshake", "remote host closed connection during handshake", "eof occurred in violation of protocol", "ssl_error_syscall", "unexpected eof while reading", "ssl_error_zero_return", "received an unexpected eof", "ssl_unexpected_eof", "closed connection while handshaking"], Tls, "eof-in-handshake"),
    // Connecting: what cannot be said of a connection that came about.
    rule(&["waiting_for_connection", "timed out waiting for a node assignment", "failed to update metadata after"], ConnectTimeout, "waiting-for-connection"),
    of_kind(&["HttpConnectTimeoutException"], &[""], ConnectTimeout, "connect-or-handshake", 3),
    rule(&["http connect timed out"], ConnectTimeout, "connect-or-handshake"),
    rule(&["(read failed)", "(write failed)"], Reset, "established-lost"),
    rule(&["connect timed out", "connect timeout", "(connect timeout=", "connection attempt timed out", "connection timed out after", "connection timeout after", "timeout connecting to", "connection timeout to host", "err_connect_timeout", "did not properly respond after a period", "opentimeout", "operation timed out - connect(2)", "ora-12170", "ora-12535", "operation timed out)", "urlopen error timed out", "failed: timeout expired", "connection attempt failed: timeout", "netopentimeout", "connection timed out: /", "connect: operation timed out", "tcp connect timeout", "connect_timeout", "errno 10060]", "socket connection setup timeout", "the connection attempt timed out", "connection establishment timed out", "timed out trying to connect", "io timeout while connecting", "error: \"connect timed out"], ConnectTimeout, ""),
    of_kind(&["ConnectTimeoutException", "ConnectTimeoutError", "ConnectTimeout", "MongoSocketOpenException", "ConnectionTimeoutError", "OpenTimeout"], &[""], ConnectTimeout, "", 2),
    rule(&["connection refused", "econnrefused", "actively refused", "ora-12541", "no listener", "refused. check that the hostname and port", "errno 111]", "[2002] connection refused", "refused the network connection", "errno 10061]", "os error 111"], Refused, ""),
    rule(&["network is unreachable", "enetunreach", "network unreachable", "errno 101]", "errno 10051]"], Unreachable, "ENETUNREACH"),
    rule(&["no route to host", "ehostunreach", "host is unreachable", "host unreachable", "errno 113]", "errno 10065]", "a socket operation was attempted to an unreachable"], Unreachable, "EHOSTUNREACH"),
    rule(&["permission denied (connect failed)", "operation not permitted (connect failed)"], Unreachable, "EACCES"),
    rule(&["invalid argument (connect failed)"], Unreachable, "EINVAL"),
    rule(&["cannot assign requested address", "eaddrnotavail", "errno 99]"], Unreachable, "EADDRNOTAVAIL"),
    // What comes over a connection, or does not.
    rule(&["headers timeout error", "body timeout error", "read timed out", "readtimeout", "read timeout", "request timed out", "timeout awaiting response headers", "awaiting headers", "while reading body", "timeout on reading", "response timed out", "command timed out", "esockettimedout", "read operation timed out", "client execution did not complete", "httpclient.timeout of", "0 bytes received", "out of 0 bytes", "bytes received", "timeout while reading", "socket read timed out", "socket timeout", "the operation timed out", "operation timed out after"], ReadTimeout, ""),
    rule(&["established connection lost", "read etimedout", "read: connection timed out", "write: connection timed out", "recv failure: connection timed out", "syscall error: connection timed out", "read error (connection timed out)", "reading from the socket: connection timed out", "read error: connection timed out"], Reset, "established-lost"),
    rule(&["response: -1"], Reset, "closed-without-greeting"),
    rule(&["connection reset", "econnreset", "errno 104]", "forcibly closed", "errno 10054]", "connection was reset", "os error 104", "ecanceled: connection"], Reset, ""),
    rule(&["broken pipe", "epipe", "errno 32]"], Reset, "broken-pipe"),
    rule(&["premature end of", "premature eof", "bytes received:", "unexpected end of stream", "truncated", "incompleteread", "transfer closed with", "content-length, bytes", "peer closed connection without sending complete message body"], Reset, "closed-early"),
    rule(&["unexpected end of file from server", "failed to respond", "socket hang up", "remote end closed connection", "prematurely closed", "server disconnected", "header parser received no bytes", "eof reached while reading", "empty reply from server", "other side closed", "closed by peer", "server closed the connection unexpectedly", "lost connection to mysql", "server has gone away", "got minus one from a read call", "ora-03113", "ora-03114", "no more data to read from socket", "closed by remote host", "connection closed by", "goaway", "rst_stream", "stream was reset", "peer disconnected", "the last packet successfully received", "remote host closed", "connection abort", "unexpected eof", "upstream prematurely closed", "unexpected eof on client connection", "an established connection was aborted", "server unexpectedly closed network connection", "response ended prematurely", "end of file reached", "connection was closed", "connection closed before full header"], Reset, "closed-early"),
    // Last, since these words are part of many above.
    rule(&["connection timed out", "etimedout", "errno 110]", "os error 110", "connection timeout", "net_connect_timeout"], ConnectTimeout, ""),
    of_kind(&["SSLPeerUnverifiedException"], &[""], Tls, "name-mismatch", 2),
    of_kind(&["SSLHandshakeException", "SSLProtocolException", "SSLCertVerificationError", "ClientConnectorSSLError", "ClientConnectorCertificateError", "TLSException"], &[""], Tls, "", 2),
    of_kind(&["ConnectionRefusedError", "ConnectionRefusedException"], &[""], Refused, "", 2),
    of_kind(&["NoRouteToHostException"], &[""], Unreachable, "EHOSTUNREACH", 2),
    of_kind(&["ConnectionResetError", "BrokenPipeError", "RemoteProtocolError", "ServerDisconnectedError", "ConnectionClosedException", "NoHttpResponseException", "RemoteDisconnected"], &[""], Reset, "closed-early", 2),
    of_kind(&["ReadTimeoutException", "ReadTimeout", "ReadTimeoutError", "HttpTimeoutException", "RedisCommandTimeoutException", "ApiCallTimeoutException", "ApiCallAttemptTimeoutException"], &[""], ReadTimeout, "", 2),
    rule(&["handshake_failure", "ssl handshake failed", "ssl connection could not be established", "ssl: error", "ssl error", "remote error: tls", "tlsv1 alert", "sslv3 alert", "ssl_do_handshake() failed", "no appropriate protocol", "could not establish secure connection"], Tls, ""),
    // What leaves it open which of several things it was.
    Rule { words: &["couldn't connect to server", "could not connect to server", "network adapter could not establish", "could not be established. broker may", "could not be established. node may", "could not be established. "], kinds: &[], class: Refused, detail: "refused-or-unreachable", strength: 1 },
    Rule { words: &["communications link failure"], kinds: &[], class: Refused, detail: "refused-or-unreachable", strength: 1 },
    Rule { words: &["connect call failed", "failed to connect to", "all connection attempts failed", "unable to connect to", "connection to node -"], kinds: &[], class: Refused, detail: "refused-or-unreachable", strength: 1 },
    Rule { words: &["timed out while making an api call", "deadline exceeded", "deadline_exceeded", "context deadline exceeded"], kinds: &[], class: ReadTimeout, detail: "deadline", strength: 1 },
    Rule { words: &["an i/o error occurred while sending to the backend"], kinds: &[], class: Reset, detail: "established-lost", strength: 1 },
];

/// What a throwable means, or a line of words where `name` is empty.
pub(super) fn read(name: &str, message: &str, frames: &Frames) -> Reading {
    if INBOUND.contains(&name) {
        return Reading::Inbound;
    }
    let text = message.to_ascii_lowercase();
    if NEUTRAL.contains(&name) || NEUTRAL_WORDS.iter().any(|words| text.contains(words)) {
        return Reading::Nothing;
    }
    let pipe = text.contains("broken pipe") || text.contains("connection reset");
    if frames.inbound && pipe {
        return Reading::Inbound;
    }
    match sense(name, &text, frames) {
        Some(sense) => Reading::Failed(sense),
        None => Reading::Nothing,
    }
}

fn sense(name: &str, text: &str, frames: &Frames) -> Option<Sense> {
    if let Some(sense) = special(name, text, frames) {
        return Some(sense);
    }
    if let Some(sense) = status(name, text) {
        return Some(sense);
    }
    let rule = RULES.iter().find(|rule| {
        (rule.kinds.is_empty() || rule.kinds.contains(&name)) && rule.words.iter().any(|words| text.contains(words))
    })?;
    let mut class = rule.class;
    let mut detail = (!rule.detail.is_empty()).then_some(Cow::Borrowed(rule.detail));
    // The same words of a socket, before the handshake was through.
    match class {
        ReadTimeout if frames.handshake && rule.detail.is_empty() => (class, detail) = (Tls, Some("handshake-timeout".into())),
        Reset if frames.handshake && !matches!(rule.detail, "established-lost") => detail = Some("during-tls-handshake".into()),
        _ => {}
    }
    Some(Sense { class, detail, strength: rule.strength, status: None })
}

/// Words whose meaning hangs on what stands around them.
fn special(name: &str, text: &str, frames: &Frames) -> Option<Sense> {
    let some = |class, detail: &'static str, strength| {
        Some(Sense { class, detail: (!detail.is_empty()).then_some(Cow::Borrowed(detail)), strength, status: None })
    };
    // The class says "connect", yet the connection stood: the handshake over it got no answer.
    if text.contains("connect to ") && text.contains("failed: read timed out") {
        return some(Tls, "handshake-timeout", 4);
    }
    if text.contains("lookup ") && (text.contains("dial tcp: ") || text.contains("i/o timeout") || text.contains("no such host")) {
        return some(Dns, if text.contains("i/o timeout") { "timeout" } else if text.contains("server misbehaving") { "servfail" } else { "" }, 4);
    }
    if text.contains("failed to connect to ") && (text.contains("timed out") || text.contains("timeout was reached") || text.contains("etimedout")) {
        return some(ConnectTimeout, "", 3);
    }
    if name == "ConnectException" && text.starts_with("operation timed out") {
        return some(ConnectTimeout, "ETIMEDOUT", 3);
    }
    if text.contains("(tcp) timed out") {
        return some(ConnectTimeout, "", 3);
    }
    if (text.contains("dial tcp") || text.contains("dial udp")) && text.contains("i/o timeout") {
        return some(ConnectTimeout, "", 4);
    }
    if text.contains("dial tcp") && text.contains("connection timed out") {
        return some(ConnectTimeout, "ETIMEDOUT", 4);
    }
    if text.contains("read tcp") && text.contains("i/o timeout") {
        return some(ReadTimeout, "", 4);
    }
    if text.contains("\": eof") || text.ends_with(": eof") && text.contains("://") {
        return some(Reset, "closed-early", 4);
    }
    if let Some(at) = text.find("received fatal alert: ") {
        return alert(&text[at + 22..]);
    }
    if let Some(at) = text.find("remote error: tls: ") {
        return alert(&text[at + 19..]);
    }
    if let Some(at) = text.find("alert handshake failure") {
        return alert(&text[at + 6..]);
    }
    if let Some(at) = text.find("alert protocol version") {
        return alert(&text[at + 6..]);
    }
    if text.contains("alert unrecognized name") {
        return alert("unrecognized_name");
    }
    // A connection that stood dies in silence, which the kernel reports in the words of one that never came about.
    if text.contains("connection timed out") {
        let dead = text.contains("(read failed)") || text.contains("(write failed)") || text.contains("recv failure")
            || text.contains("read: connection") || text.contains("write: connection") || text.contains("syscall error");
        let socket = matches!(name, "SocketException" | "IOException" | "NativeIoException");
        if dead || (socket && !frames.connect && text.starts_with("connection timed out")) || (socket && text.contains("read")) {
            return some(Reset, "established-lost", 3);
        }
        if name == "ConnectException" || text.contains("(connection timed out)") || text.contains("errno 110]") {
            return some(ConnectTimeout, "ETIMEDOUT", 3);
        }
    }
    match name {
        "BindException" if text.contains("permission denied") && frames.connect => some(Unreachable, "EACCES", 3),
        "SocketException" if text.starts_with("invalid argument") && frames.connect => some(Unreachable, "EINVAL", 3),
        "SocketException" | "ConnectException" if text.starts_with("permission denied") || text.starts_with("operation not permitted") => some(Unreachable, "EACCES", 3),
        // Cut by the width of a terminal: the beginning is enough.
        "SocketTimeoutException" | "SocketException" if text.len() >= 4 && "connect timed out".starts_with(text.trim_end()) => some(ConnectTimeout, "", 3),
        "SocketTimeoutException" if text.len() >= 2 && "read timed out".starts_with(text.trim_end()) => {
            if frames.handshake { some(Tls, "handshake-timeout", 3) } else { some(ReadTimeout, "", 3) }
        }
        // OkHttp's own watch, and Apache's asynchronous one.
        "SocketTimeoutException" if matches!(text.trim(), "timeout" | "timed out" | "") || milliseconds(text) => {
            if frames.handshake { some(Tls, "handshake-timeout", 3) } else { some(ReadTimeout, "", 3) }
        }
        "InterruptedIOException" if text.trim() == "timeout" => some(ReadTimeout, "deadline", 3),
        "ConnectTimeoutException" | "ConnectTimeoutError" if text.contains("connection timed out") || text.contains("failed:") && milliseconds(text) => some(ConnectTimeout, "", 3),
        "timeout" | "TimeoutError" if text == "timed out" || text.is_empty() && frames.seen > 0 => {
            if frames.handshake {
                some(Tls, "handshake-timeout", 3)
            } else if frames.connect && !frames.transfer {
                some(ConnectTimeout, "", 2)
            } else if frames.transfer {
                some(ReadTimeout, "", 2)
            } else {
                None
            }
        }
        "ConnectTimeout" if text.is_empty() || text == "timed out" => some(ConnectTimeout, "", 3),
        // The client destroys the reason when it tries again behind the caller's back.
        "ConnectException" if text.is_empty() || text == "null" => some(Refused, "reason-lost", 2),
        "Error" if text.contains("timeout of ") && text.contains("ms exceeded") => some(ReadTimeout, "deadline", 3),
        "AxiosError" if text.contains("timeout of ") && text.contains("ms exceeded") => some(ReadTimeout, "deadline", 3),
        "AggregateError" => aggregate(text),
        "TimeoutException" if text.contains("was not answered") || text.contains("no response") => some(ReadTimeout, "", 2),
        "SSLException" if text.is_empty() => some(Tls, "", 2),
        _ if text.contains("upstream timed out") => {
            if text.contains("while connecting to upstream") { some(ConnectTimeout, "", 4) }
            else if text.contains("handshaking") { some(Tls, "handshake-timeout", 4) }
            else { some(ReadTimeout, "", 4) }
        }
        _ if text.contains("handshake") && text.contains("timed out") => some(Tls, "handshake-timeout", 4),
        _ => None,
    }
}

fn aggregate(text: &str) -> Option<Sense> {
    let class = match text {
        _ if text.contains("etimedout") => ConnectTimeout,
        _ if text.contains("econnrefused") => Refused,
        _ if text.contains("ehostunreach") || text.contains("enetunreach") => Unreachable,
        _ => return None,
    };
    Some(Sense { class, detail: None, strength: 4, status: None })
}

/// An alert of TLS by its name.
fn alert(text: &str) -> Option<Sense> {
    let name = text.split(['.', ',', ';', ')', '"', '\n']).next().unwrap_or_default().trim().replace(' ', "_");
    let detail = match &name[..] {
        "certificate_expired" => "expired".into(),
        "" => "alert".into(),
        name => Cow::Owned(format!("alert:{}", name.chars().take(40).filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>())),
    };
    Some(Sense { class: Tls, detail: Some(detail), strength: 4, status: None })
}

/// Whether all that is said is a time: `60000 MILLISECONDS`.
fn milliseconds(text: &str) -> bool {
    let text = text.rsplit("failed:").next().unwrap_or(text).trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',');
    unit.len() < text.len() && matches!(unit.trim(), "milliseconds" | "seconds" | "minutes" | "ms")
}

/// An answer with an error status, in the words of those who received it.
fn status(name: &str, text: &str) -> Option<Sense> {
    static STATUS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"unexpected http response with status: ([45][0-9][0-9])",
            r"|server returned http response code: ([45][0-9][0-9])",
            r"|request failed with status code ([45][0-9][0-9])",
            r"|requested url returned error: ([45][0-9][0-9])",
            r"|http error ([45][0-9][0-9])(?-u:\b)",
            r"|^([45][0-9][0-9]) (?:client|server) error:? ",
            r"|(?:client|server) error '([45][0-9][0-9]) ",
            r"|(?:client|server) error: `[^`]*` resulted in a `([45][0-9][0-9]) ",
            r"|\[([45][0-9][0-9])(?: [a-z -]+)?\] during \[",
            r"|status ([45][0-9][0-9]) reading ",
            r"|status code: ([45][0-9][0-9])[,;)]",
            r"|does not indicate success: ([45][0-9][0-9])",
            r"|http status(?: code)?:? ?([45][0-9][0-9])(?-u:\b)",
            r"|(?:post|get|put|delete|patch|head|options) https?://\S+ (?:->|=>|→|returned|responded(?: with)?|failed with(?: status)?|: ) ?(?:http )?(?:status )?([45][0-9][0-9])(?-u:\b)",
            r"|awaiting response\.\.\. ([45][0-9][0-9]) ",
            r"|^error ([45][0-9][0-9]): ",
            r"|unexpected (?:response |server )?(?:status(?: code)?|response code)[: ]+([45][0-9][0-9])(?-u:\b)",
            r"|response status(?: code)? ([45][0-9][0-9])(?-u:\b)",
        ))
        .expect("a pattern")
    });
    static LEADING: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"^(?:http )?"?([45][0-9][0-9])(?-u:\b)(?: |,|:|$)"#).expect("a pattern"));
    let speaks = name.contains("Http") || name.contains("HTTP") || name.contains("Response") || name.contains("StatusError")
        || name.contains("Feign") || name.contains("RestClient") || ["ServiceUnavailable", "BadGateway", "Unauthorized", "Forbidden", "NotFound",
            "TooManyRequests", "GatewayTimeout", "InternalServerError", "BadRequest"].contains(&name) || name == "OpenURI::HTTPError";
    let found = STATUS.captures(text).or_else(|| LEADING.captures(text).filter(|_| speaks))?;
    let status = found.iter().skip(1).flatten().next()?.as_str().parse().ok()?;
    Some(Sense { class: Http, detail: body(text), strength: 4, status: Some(status) })
}

/// Who answered, by the form of the body: an API answers in JSON, a device on the way in HTML.
pub(super) fn body(text: &str) -> Option<Cow<'static, str>> {
    if ["<html", "<!doctype", "<head>", "<title>"].iter().any(|tag| text.contains(tag)) {
        Some("html-body".into())
    } else if text.contains("{\"") || text.contains("{\n") || text.contains("\"error\":") {
        Some("json-body".into())
    } else {
        None
    }
}

/// The status that a proxy answered with.
pub(super) fn proxy_status(text: &str) -> Option<u16> {
    static STATUS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)(?:HTTP/1\.[01] |code |failed: |got: |CONNECT: |statusCode=|response |code ')([45][0-9][0-9])(?-u:\b)|(?-u:\b)(407)(?-u:\b)").expect("a pattern"));
    STATUS.captures(text)?.iter().skip(1).flatten().next()?.as_str().parse().ok()
}

/// The time-out that a text names.
pub(super) fn timeout(text: &str) -> Option<Duration> {
    static TIMEOUT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?i)(?:(?:time-?out|within|after|failed:|of|expired|limit)[ :=(]{1,3}|exception: |elapsed: )",
            r"([0-9]{1,9}(?:[.,][0-9]{1,9})?) ?(ms(?-u:\b)|milliseconds|millis|s(?-u:\b)|sec|seconds|minutes|min(?-u:\b)|minute\(s\)|second\(s\)|nanos|ns(?-u:\b)|\)|,|;|$)",
        ))
        .expect("a pattern")
    });
    let found = TIMEOUT.captures_iter(text).take(4).find(|found| {
        // A bare number is a time only behind the word itself.
        !matches!(&found[2], ")" | "," | ";" | "") || found[0].to_ascii_lowercase().starts_with("time")
    })?;
    let number: f64 = found[1].replace(',', "").parse().ok()?;
    let seconds = match &found[2].to_ascii_lowercase()[..] {
        "ms" | "milliseconds" | "millis" => number / 1000.0,
        "minutes" | "min" | "minute(s)" => number * 60.0,
        "nanos" | "ns" => number / 1e9,
        "s" | "sec" | "seconds" | "second(s)" => number,
        // Python counts in seconds, JavaMail in milliseconds.
        _ if text.contains("timeout=") => number,
        _ => number / 1000.0,
    };
    (0.0..=86_400.0).contains(&seconds).then(|| Duration::from_micros((seconds * 1e6).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_are_read_in_the_units_of_their_clients() {
        let cases = [
            ("connection timed out after 30000 ms: h/1.2.3.4:443", 30_000),
            ("(connect timeout=2)", 2_000),
            ("smtp.partner.example, 587; timeout 5000", 5_000),
            ("failed: 60000 MILLISECONDS", 60_000),
            ("deadline exceeded after 29.999s. [", 29_999),
            ("timeout of 5000ms exceeded", 5_000),
            ("(attempted address: h:443, timeout: 10000ms)", 10_000),
            ("from /10.0.0.2 (port 40000) after 10000ms", 10_000),
            ("Command timed out after 1 minute(s)", 60_000),
            ("SocketTimeoutException: 3 SECONDS", 3_000),
        ];
        for (text, millis) in cases {
            assert_eq!(timeout(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["Failed to connect to h port 443 after x", "after 3 attempts", "connect timed out"] {
            assert_eq!(timeout(text), None, "{text}");
        }
    }
}
