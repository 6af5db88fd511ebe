//! What clients write into their logs when they meet an address with a given verdict.
//!
//! The JDK's texts were recorded on JDK 11, 17, 21 and 25 (JDK 8 shares the native code of 11). Their wording
//! changes within one line of releases, so a log is to be searched for a part, never for a whole message:
//! [`Thrown::common`] is such a part.

use reach_core::model::{
    Diagnosis, Distrust, EndpointDiagnosis, Evidence, HttpEnd, IcmpError, Obstacle, Target, TlsEnd, Verdict,
    endpoint_text,
};

use crate::{clean::clean, words::alert_name};

/// The exception of the JDK's own sockets, `HttpURLConnection` and JSSE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thrown {
    /// Class and text as far as all JDKs agree, in the spelling of JDK 8 and 11 (JSON `java`).
    pub common: String,
    /// The exact text up to JDK 12.
    pub until_12: String,
    /// The exact text from JDK 13 on; some updates put the name of a TLS alert in brackets before it.
    pub from_13: String,
}

impl Thrown {
    fn same(text: &str) -> Self {
        Self { common: text.to_owned(), until_12: text.to_owned(), from_13: text.to_owned() }
    }

    fn new(common: &str, until_12: &str, from_13: &str) -> Self {
        Self { common: common.to_owned(), until_12: until_12.to_owned(), from_13: from_13.to_owned() }
    }

    /// Without the package: `SocketTimeoutException: connect timed out`.
    pub fn short(&self) -> String {
        let (class, message) = self.common.split_once(':').unwrap_or((&self.common, ""));
        let class = class.rsplit('.').next().unwrap_or(class);
        let nested =
            [": sun.security", ": java.security"].iter().filter_map(|class| message.find(class)).min();
        let message = &message[..nested.unwrap_or(message.len())];
        if message.is_empty() { class.to_owned() } else { format!("{class}:{message}") }
    }
}

/// What the JDK throws for this endpoint; `None` where it throws nothing (`ok`, `http-error`) or where nothing
/// was proved (`inconclusive`).
pub fn thrown(target: &Target, endpoint: &EndpointDiagnosis) -> Option<Thrown> {
    Some(match failure(endpoint)? {
        Failure::ConnectTimeout => connect_timeout(),
        Failure::Errno(errno, at_once) => by_errno(errno, at_once),
        Failure::Reset => Thrown::same("java.net.SocketException: Connection reset"),
        Failure::ReadTimeout => Thrown::same("java.net.SocketTimeoutException: Read timed out"),
        Failure::Closed if target.tls => {
            Thrown::same("javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake")
        }
        Failure::Closed if target.http_path.is_some() => Thrown::new(
            "java.net.SocketException: Unexpected end of file from server",
            "java.net.SocketException: Unexpected end of file from server",
            "java.net.SocketException: Connection reset",
        ),
        Failure::Closed => Thrown::same("java.net.SocketException: Connection reset"),
        Failure::Alert(code) => {
            let name = alert_name(code);
            Thrown::same(&format!("javax.net.ssl.SSLHandshakeException: Received fatal alert: {name}"))
        }
        Failure::NotTls => {
            Thrown::same("javax.net.ssl.SSLException: Unsupported or unrecognized SSL message")
        }
        Failure::Handshake => Thrown::same("javax.net.ssl.SSLHandshakeException"),
        Failure::Untrusted(Mistrust::Issuer) => Thrown::same(
            "javax.net.ssl.SSLHandshakeException: PKIX path building failed: \
             sun.security.provider.certpath.SunCertPathBuilderException: \
             unable to find valid certification path to requested target",
        ),
        Failure::Untrusted(Mistrust::Dates) => Thrown::same(
            "javax.net.ssl.SSLHandshakeException: PKIX path validation failed: \
             java.security.cert.CertPathValidatorException: validity check failed",
        ),
        Failure::Untrusted(Mistrust::Name) => {
            let name = clean(&target.verify_name());
            Thrown::same(&if target.server_name_indication().is_some() {
                format!(
                    "javax.net.ssl.SSLHandshakeException: No subject alternative DNS name matching {name} found."
                )
            } else {
                format!(
                    "javax.net.ssl.SSLHandshakeException: No subject alternative names matching IP address {name} found"
                )
            })
        }
        Failure::Untrusted(Mistrust::Other) => {
            Thrown::same("javax.net.ssl.SSLHandshakeException: PKIX path validation failed")
        }
    })
}

/// What `java.net.http` (JDK 11 and later) throws.
pub fn java_net_http(target: &Target, endpoint: &EndpointDiagnosis) -> Option<String> {
    Some(match failure(endpoint)? {
        Failure::ConnectTimeout => "HttpConnectTimeoutException: HTTP connect timed out".to_owned(),
        Failure::Errno(..) => "ConnectException".to_owned(),
        Failure::ReadTimeout => "HttpTimeoutException: request timed out".to_owned(),
        Failure::Reset => "IOException: Connection reset".to_owned(),
        Failure::Closed if !target.tls => "IOException: HTTP/1.1 header parser received no bytes".to_owned(),
        _ => thrown(target, endpoint)?.short(),
    })
}

/// What Apache HttpClient 4 and 5 throw; they name the host and the addresses tried.
pub fn apache_hc(target: &Target, endpoint: &EndpointDiagnosis) -> Option<String> {
    let to = endpoint_text(&target.host, target.port);
    Some(match failure(endpoint)? {
        Failure::ConnectTimeout => format!("ConnectTimeoutException: Connect to {to} […] failed"),
        Failure::Errno(ECONNREFUSED, _) => format!("HttpHostConnectException: Connect to {to} […] failed"),
        _ => thrown(target, endpoint)?.short(),
    })
}

/// What curl prints.
pub fn curl(endpoint: &EndpointDiagnosis) -> Option<String> {
    let text = match failure(endpoint)? {
        Failure::ConnectTimeout => "curl: (28) Timeout was reached",
        Failure::Errno(..) => "curl: (7) Couldn't connect to server",
        Failure::ReadTimeout if endpoint.tls.is_some() && endpoint.http.is_none() => {
            "curl: (28) SSL connection timeout"
        }
        Failure::ReadTimeout => "curl: (28) Operation timed out",
        Failure::Untrusted(_) => "curl: (60) SSL certificate problem",
        Failure::Closed | Failure::Reset if endpoint.http.is_some() => "curl: (52) Empty reply from server",
        Failure::Reset | Failure::Closed | Failure::Alert(_) | Failure::NotTls | Failure::Handshake => {
            "curl: (35) SSL connect error"
        }
    };
    Some(text.to_owned())
}

/// What Node.js throws.
pub fn node(endpoint: &EndpointDiagnosis) -> Option<String> {
    let to = std::net::SocketAddr::new(endpoint.endpoint.address, endpoint.endpoint.port);
    Some(match failure(endpoint)? {
        Failure::ConnectTimeout => format!("connect ETIMEDOUT {to}"),
        Failure::Errno(errno, _) => format!("connect {} {to}", errno_code(errno)),
        Failure::Reset => "read ECONNRESET".to_owned(),
        Failure::Closed => "socket hang up".to_owned(),
        Failure::ReadTimeout => "ETIMEDOUT".to_owned(),
        Failure::Untrusted(Mistrust::Name) => "ERR_TLS_CERT_ALTNAME_INVALID".to_owned(),
        Failure::Untrusted(Mistrust::Dates) => "CERT_HAS_EXPIRED".to_owned(),
        Failure::Untrusted(_) => "UNABLE_TO_GET_ISSUER_CERT_LOCALLY".to_owned(),
        Failure::NotTls => "EPROTO: wrong version number".to_owned(),
        Failure::Alert(_) | Failure::Handshake => "EPROTO".to_owned(),
    })
}

/// What Python's requests raises.
pub fn python(endpoint: &EndpointDiagnosis) -> Option<String> {
    Some(match failure(endpoint)? {
        Failure::ConnectTimeout => "ConnectTimeout (connect timeout=…)".to_owned(),
        Failure::Errno(errno, _) => format!("ConnectionError: [Errno {errno}] {}", strerror(errno)),
        Failure::Reset => "ConnectionError: [Errno 104] Connection reset by peer".to_owned(),
        Failure::Closed => "ConnectionError: Remote end closed connection".to_owned(),
        Failure::ReadTimeout => "ReadTimeout: Read timed out".to_owned(),
        Failure::Untrusted(_) => "SSLError: CERTIFICATE_VERIFY_FAILED".to_owned(),
        Failure::Alert(_) | Failure::NotTls | Failure::Handshake => "SSLError".to_owned(),
    })
}

/// What Go's net/http returns.
pub fn go(endpoint: &EndpointDiagnosis) -> Option<String> {
    let to = std::net::SocketAddr::new(endpoint.endpoint.address, endpoint.endpoint.port);
    Some(match failure(endpoint)? {
        Failure::ConnectTimeout => format!("dial tcp {to}: i/o timeout"),
        Failure::Errno(errno, _) => {
            format!("dial tcp {to}: connect: {}", strerror(errno).to_ascii_lowercase())
        }
        Failure::Reset => "read: connection reset by peer".to_owned(),
        Failure::Closed => "EOF".to_owned(),
        Failure::ReadTimeout if endpoint.tls.is_some() && endpoint.http.is_none() => {
            "net/http: TLS handshake timeout".to_owned()
        }
        Failure::ReadTimeout => {
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned()
        }
        Failure::Untrusted(_) => "tls: failed to verify certificate".to_owned(),
        Failure::NotTls => "tls: first record does not look like a TLS handshake".to_owned(),
        Failure::Alert(code) => format!("remote error: tls: {}", alert_name(code).replace('_', " ")),
        Failure::Handshake => "tls: handshake failure".to_owned(),
    })
}

/// The failing endpoint whose verdict most others share: what a log mostly shows.
pub(crate) fn commonest_failure(diagnosis: &Diagnosis) -> Option<&EndpointDiagnosis> {
    let mut best: Option<(&EndpointDiagnosis, usize)> = None;
    let failing = diagnosis.endpoints.iter().filter(|endpoint| {
        !matches!(endpoint.verdict, Verdict::Ok | Verdict::NoRoute | Verdict::Inconclusive)
    });
    for endpoint in failing {
        let count = diagnosis.endpoints.iter().filter(|other| other.verdict == endpoint.verdict).count();
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((endpoint, count));
        }
    }
    best.map(|(endpoint, _)| endpoint)
}

/// What the kernel and TLS tell an application, before a language puts it into words.
enum Failure {
    /// The application's own connect time-out fires.
    ConnectTimeout,
    /// `connect(2)` fails with this; `true` when at once.
    Errno(i32, bool),
    /// A standing connection is reset.
    Reset,
    /// A standing connection is closed.
    Closed,
    /// Nothing comes.
    ReadTimeout,
    /// A TLS alert.
    Alert(u8),
    /// Something that is not TLS.
    NotTls,
    /// Another TLS failure.
    Handshake,
    /// The certificate.
    Untrusted(Mistrust),
}

/// What a TLS library complains of first.
enum Mistrust {
    Issuer,
    Dates,
    Name,
    Other,
}

const EPERM: i32 = 1;
const EACCES: i32 = 13;
const EINVAL: i32 = 22;
const EADDRNOTAVAIL: i32 = 99;
const ENETUNREACH: i32 = 101;
const ECONNREFUSED: i32 = 111;
const EHOSTUNREACH: i32 = 113;
const KNOWN: [i32; 7] = [EPERM, EACCES, EINVAL, EADDRNOTAVAIL, ENETUNREACH, ECONNREFUSED, EHOSTUNREACH];

fn failure(endpoint: &EndpointDiagnosis) -> Option<Failure> {
    let evidence = endpoint.evidence.as_slice();
    Some(match endpoint.verdict {
        Verdict::Ok | Verdict::HttpError | Verdict::Inconclusive => return None,
        Verdict::NoRoute => Failure::Errno(local_errno(evidence).unwrap_or(ENETUNREACH), true),
        Verdict::BlockedLocally => blocked_locally(evidence),
        Verdict::Prohibited | Verdict::Unreachable => {
            let error = evidence.iter().find_map(|evidence| match evidence {
                Evidence::IcmpReceived { error, .. } => Some(*error),
                _ => None,
            });
            Failure::Errno(error.map_or(EHOSTUNREACH, icmp_errno), false)
        }
        Verdict::Refused | Verdict::ResetByPath => Failure::Errno(ECONNREFUSED, false),
        Verdict::Filtered | Verdict::FlowDependent | Verdict::Lossy => Failure::ConnectTimeout,
        Verdict::ClosedEarly => closed_early(endpoint),
        Verdict::NameBlocked => evidence
            .iter()
            .find_map(|evidence| match evidence {
                Evidence::NameDies { ended, .. } => Some(tls_failure(ended)),
                _ => None,
            })
            .or_else(|| endpoint.tls.as_ref().map(|tls| tls_failure(&tls.ended)))
            .unwrap_or(Failure::Reset),
        Verdict::MtuBlackhole | Verdict::Silent => Failure::ReadTimeout,
        Verdict::Untrusted => Failure::Untrusted(mistrust(endpoint)),
        Verdict::TlsFailed => endpoint
            .tls
            .as_ref()
            .map(|tls| &tls.ended)
            .or_else(|| {
                evidence.iter().find_map(|evidence| match evidence {
                    Evidence::TlsEnded(ended) => Some(ended),
                    _ => None,
                })
            })
            .map_or(Failure::Handshake, tls_failure),
    })
}

fn local_errno(evidence: &[Evidence]) -> Option<i32> {
    evidence.iter().find_map(|evidence| match evidence {
        Evidence::LocalError { errno: Some(errno), .. } if KNOWN.contains(errno) => Some(*errno),
        Evidence::LocalError { obstacle: Obstacle::ForbiddenLocally, .. } => Some(EPERM),
        _ => None,
    })
}

/// A local DROP shows as a time-out, a local REJECT as a refusal, a failing `sendto` as its error.
fn blocked_locally(evidence: &[Evidence]) -> Failure {
    if let Some(errno) = local_errno(evidence) {
        return Failure::Errno(errno, true);
    }
    for evidence in evidence {
        match evidence {
            Evidence::IcmpReceived { error, .. } => return Failure::Errno(icmp_errno(*error), false),
            Evidence::ResetReceived { .. } => return Failure::Errno(ECONNREFUSED, false),
            _ => {}
        }
    }
    Failure::ConnectTimeout
}

fn closed_early(endpoint: &EndpointDiagnosis) -> Failure {
    let by_evidence = endpoint.evidence.iter().find_map(|evidence| match evidence {
        Evidence::ClosedAfterConnect { reset, .. } => Some(*reset),
        _ => None,
    });
    let by_layers = match (&endpoint.http, &endpoint.tls) {
        (Some(http), _) => Some(http.ended == HttpEnd::Reset),
        (None, Some(tls)) => Some(tls.ended != TlsEnd::Closed),
        (None, None) => None,
    };
    if by_evidence.or(by_layers).unwrap_or(true) { Failure::Reset } else { Failure::Closed }
}

fn tls_failure(ended: &TlsEnd) -> Failure {
    match ended {
        TlsEnd::Alert(code, _) => Failure::Alert(*code),
        TlsEnd::Closed => Failure::Closed,
        TlsEnd::Reset => Failure::Reset,
        // A router's answer on a standing connection is a soft error: the application just waits.
        TlsEnd::Silent | TlsEnd::Returned => Failure::ReadTimeout,
        TlsEnd::NotTls(_) => Failure::NotTls,
        TlsEnd::Completed | TlsEnd::Incompatible(_) => Failure::Handshake,
    }
}

/// PKIX builds the path before it checks dates, and dates before the name.
fn mistrust(endpoint: &EndpointDiagnosis) -> Mistrust {
    let mut reasons: Vec<&Distrust> = endpoint.tls.iter().flat_map(|tls| &tls.distrust).collect();
    for evidence in &endpoint.evidence {
        if let Evidence::ChainRejected { distrust, .. } = evidence {
            reasons.extend(distrust);
        }
    }
    let has = |wanted: &Distrust| reasons.contains(&wanted);
    if has(&Distrust::UnknownIssuer) {
        Mistrust::Issuer
    } else if has(&Distrust::Expired) || has(&Distrust::NotYetValid) {
        Mistrust::Dates
    } else if has(&Distrust::WrongName) {
        Mistrust::Name
    } else {
        Mistrust::Other
    }
}

/// As Linux turns ICMP errors into error numbers (`icmp_err_convert`, `icmpv6_err_convert`).
fn icmp_errno(error: IcmpError) -> i32 {
    if error.v6 {
        return match (error.kind, error.code) {
            (1, 0) => ENETUNREACH,
            (1, 1 | 5 | 6) => EACCES,
            (1, 4) => ECONNREFUSED,
            _ => EHOSTUNREACH,
        };
    }
    match error.code {
        0 | 6 | 9 | 11 => ENETUNREACH,
        3 => ECONNREFUSED,
        _ => EHOSTUNREACH,
    }
}

fn connect_timeout() -> Thrown {
    Thrown::new(
        "java.net.SocketTimeoutException: connect timed out",
        "java.net.SocketTimeoutException: connect timed out",
        "java.net.SocketTimeoutException: Connect timed out",
    )
}

/// Up to JDK 12 the class depends on whether `connect` failed at once or later; from 13 on it does not.
fn by_errno(errno: i32, at_once: bool) -> Thrown {
    let reason = strerror(errno);
    let from_13 = match errno {
        ECONNREFUSED => format!("java.net.ConnectException: {reason}"),
        EHOSTUNREACH => format!("java.net.NoRouteToHostException: {reason}"),
        EACCES | EADDRNOTAVAIL => format!("java.net.BindException: {reason}"),
        _ => format!("java.net.SocketException: {reason}"),
    };
    let until_12 = match errno {
        ECONNREFUSED => format!("java.net.ConnectException: {reason} ({reason})"),
        _ if at_once => format!("java.net.ConnectException: {reason} (connect failed)"),
        EHOSTUNREACH => format!("java.net.NoRouteToHostException: {reason} (Host unreachable)"),
        _ => format!("java.net.SocketException: {reason} (connect failed)"),
    };
    Thrown { common: from_13.clone(), until_12, from_13 }
}

fn strerror(errno: i32) -> &'static str {
    match errno {
        EPERM => "Operation not permitted",
        EACCES => "Permission denied",
        EINVAL => "Invalid argument",
        EADDRNOTAVAIL => "Cannot assign requested address",
        ENETUNREACH => "Network is unreachable",
        ECONNREFUSED => "Connection refused",
        _ => "No route to host",
    }
}

fn errno_code(errno: i32) -> &'static str {
    match errno {
        EPERM => "EPERM",
        EACCES => "EACCES",
        EINVAL => "EINVAL",
        EADDRNOTAVAIL => "EADDRNOTAVAIL",
        ENETUNREACH => "ENETUNREACH",
        ECONNREFUSED => "ECONNREFUSED",
        _ => "EHOSTUNREACH",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::samples;

    fn target(text: &str) -> Target {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn with(verdict: Verdict, evidence: Vec<Evidence>) -> EndpointDiagnosis {
        EndpointDiagnosis { evidence, ..samples::endpoint(verdict) }
    }

    fn icmp(kind: u8, code: u8) -> Vec<Evidence> {
        let error = IcmpError { v6: false, kind, code };
        vec![Evidence::IcmpReceived { error, by: samples::address(), times: 1 }]
    }

    fn local(errno: i32) -> Vec<Evidence> {
        vec![Evidence::LocalError { obstacle: Obstacle::NoRoute, errno: Some(errno) }]
    }

    fn untrusted(distrust: Distrust) -> Vec<Evidence> {
        vec![Evidence::ChainRejected {
            distrust: vec![distrust],
            subject: String::new(),
            issuer: String::new(),
        }]
    }

    #[test]
    fn exceptions_are_those_that_were_recorded() {
        // Verdict, evidence, and what JDK 11 and JDK 17 threw in the laboratory.
        let recorded = [
            (
                Verdict::Filtered,
                vec![],
                "java.net.SocketTimeoutException: connect timed out",
                "java.net.SocketTimeoutException: Connect timed out",
            ),
            (
                Verdict::Refused,
                vec![],
                "java.net.ConnectException: Connection refused (Connection refused)",
                "java.net.ConnectException: Connection refused",
            ),
            (
                Verdict::Prohibited,
                icmp(3, 13),
                "java.net.NoRouteToHostException: No route to host (Host unreachable)",
                "java.net.NoRouteToHostException: No route to host",
            ),
            (
                Verdict::Prohibited,
                icmp(3, 9),
                "java.net.SocketException: Network is unreachable (connect failed)",
                "java.net.SocketException: Network is unreachable",
            ),
            (
                Verdict::Unreachable,
                icmp(3, 3),
                "java.net.ConnectException: Connection refused (Connection refused)",
                "java.net.ConnectException: Connection refused",
            ),
            (
                Verdict::NoRoute,
                local(101),
                "java.net.ConnectException: Network is unreachable (connect failed)",
                "java.net.SocketException: Network is unreachable",
            ),
            (
                Verdict::NoRoute,
                local(113),
                "java.net.ConnectException: No route to host (connect failed)",
                "java.net.NoRouteToHostException: No route to host",
            ),
            (
                Verdict::NoRoute,
                local(22),
                "java.net.ConnectException: Invalid argument (connect failed)",
                "java.net.SocketException: Invalid argument",
            ),
            (
                Verdict::BlockedLocally,
                local(13),
                "java.net.ConnectException: Permission denied (connect failed)",
                "java.net.BindException: Permission denied",
            ),
            (
                Verdict::Silent,
                vec![],
                "java.net.SocketTimeoutException: Read timed out",
                "java.net.SocketTimeoutException: Read timed out",
            ),
        ];
        for (verdict, evidence, until_12, from_13) in recorded {
            let thrown = thrown(&target("fcm.googleapis.com"), &with(verdict, evidence)).expect("it throws");
            assert_eq!((thrown.until_12.as_str(), thrown.from_13.as_str()), (until_12, from_13));
            assert!(until_12.contains(&thrown.common) || from_13.contains(&thrown.common));
        }
    }

    #[test]
    fn a_distrusted_chain_is_complained_of_in_the_order_of_pkix() {
        let complaint = |host: &str, distrust| {
            thrown(&target(host), &with(Verdict::Untrusted, untrusted(distrust))).expect("it throws").common
        };
        assert!(complaint("a.example", Distrust::UnknownIssuer).contains("PKIX path building failed"));
        assert!(complaint("a.example", Distrust::Expired).ends_with("validity check failed"));
        assert!(
            complaint("a.example", Distrust::WrongName)
                .ends_with("No subject alternative DNS name matching a.example found.")
        );
        assert!(
            complaint("192.0.2.1:443", Distrust::WrongName)
                .ends_with("No subject alternative names matching IP address 192.0.2.1 found")
        );
    }

    #[test]
    fn nothing_is_thrown_where_nothing_fails_or_nothing_is_known() {
        for verdict in [Verdict::Ok, Verdict::HttpError, Verdict::Inconclusive] {
            let endpoint = with(verdict, vec![]);
            assert_eq!(thrown(&target("a.example"), &endpoint), None);
            assert_eq!(
                (curl(&endpoint), node(&endpoint), python(&endpoint), go(&endpoint)),
                (None, None, None, None)
            );
        }
    }

    #[test]
    fn other_clients_have_words_of_their_own() {
        let endpoint = with(Verdict::Filtered, vec![]);
        assert_eq!(curl(&endpoint).as_deref(), Some("curl: (28) Timeout was reached"));
        assert_eq!(node(&endpoint).as_deref(), Some("connect ETIMEDOUT 203.0.113.12:443"));
        assert_eq!(go(&endpoint).as_deref(), Some("dial tcp 203.0.113.12:443: i/o timeout"));
        assert_eq!(python(&endpoint).as_deref(), Some("ConnectTimeout (connect timeout=…)"));
        assert_eq!(
            apache_hc(&target("a.example"), &endpoint).as_deref(),
            Some("ConnectTimeoutException: Connect to a.example:443 […] failed")
        );
    }

    #[test]
    fn the_short_form_drops_packages() {
        let thrown =
            thrown(&target("a.example"), &with(Verdict::Untrusted, untrusted(Distrust::UnknownIssuer)));
        assert_eq!(
            thrown.map(|thrown| thrown.short()).as_deref(),
            Some("SSLHandshakeException: PKIX path building failed")
        );
    }
}
