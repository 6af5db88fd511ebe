//! What scripts and dashboards rely on: `reach.check/1` and `reach.resolve/1`.
//!
//! Names and meanings follow the project's description of its interface; fields beyond it may be added, never
//! renamed or removed. Times are milliseconds, shares are 0 to 1, instants are RFC 3339 in UTC.

mod connect;

pub use self::connect::connect;

use std::{net::IpAddr, time::Duration};

use reach_core::{
    Time,
    model::{
        AddressSource, Case, Diagnosis, Distrust, EndpointDiagnosis, Finding, HttpEnd, HttpResult, Impact,
        Resolution, State, TlsEnd, TlsResult, TrailAnswer, TrailHop, Verdict,
    },
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Lang,
    clean::{clean, clean_bytes},
    java,
    scene::Scene,
    units::{self, millis},
    words,
};

/// The document of `reach check --json`. Sentences are in `lang`; times in them are UTC.
pub fn check(
    examined: &[(Case, Diagnosis)],
    started: Time,
    finished: Time,
    version: &str,
    lang: Lang,
) -> Value {
    let vantage = examined.first().map(|(case, _)| Vantage {
        host: clean(&case.vantage.host),
        sources: case.vantage.sources.clone(),
        raw_sockets: case.vantage.raw_sockets,
    });
    value(&CheckDocument {
        schema: "reach.check/1",
        version,
        started_at: units::rfc3339(started),
        finished_at: units::rfc3339(finished),
        vantage: vantage.unwrap_or_default(),
        targets: scenes(examined, finished, lang).iter().map(target).collect(),
    })
}

/// The document of `reach resolve --json`.
pub fn resolve(
    examined: &[(Case, Diagnosis)],
    started: Time,
    finished: Time,
    version: &str,
    lang: Lang,
) -> Value {
    value(&ResolveDocument {
        schema: "reach.resolve/1",
        version,
        started_at: units::rfc3339(started),
        finished_at: units::rfc3339(finished),
        names: scenes(examined, finished, lang)
            .iter()
            .map(|scene| NameEntry {
                name: scene.host(),
                resolution: resolution(&scene.diagnosis.resolution),
                doubt: doubt(scene),
                findings: findings(scene, words::is_about_names),
            })
            .collect(),
    })
}

/// The document of `reach explain --json CODE`: one entry for each code.
pub fn explain(codes: &[&str], lang: Lang) -> Value {
    let codes: Vec<_> = codes.iter().filter_map(|code| crate::explain::explain(code, lang)).collect();
    serde_json::json!({ "schema": "reach.codes/1", "codes": value(&codes) })
}

fn value(document: &impl Serialize) -> Value {
    // Only maps with keys that are not strings can fail, and there are none.
    serde_json::to_value(document).unwrap_or_default()
}

fn scenes(examined: &[(Case, Diagnosis)], finished: Time, lang: Lang) -> Vec<Scene<'_>> {
    examined.iter().map(|(case, diagnosis)| Scene { case, diagnosis, finished, offset_s: 0, lang }).collect()
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    schema: &'static str,
    version: &'a str,
    started_at: String,
    finished_at: String,
    vantage: Vantage,
    targets: Vec<TargetEntry>,
}

#[derive(Serialize)]
struct ResolveDocument<'a> {
    schema: &'static str,
    version: &'a str,
    started_at: String,
    finished_at: String,
    names: Vec<NameEntry>,
}

#[derive(Serialize, Default)]
struct Vantage {
    host: String,
    sources: Vec<IpAddr>,
    raw_sockets: bool,
}

#[derive(Serialize)]
struct TargetEntry {
    target: String,
    host: String,
    port: u16,
    state: State,
    doubt: Option<Said>,
    resolution: ResolutionEntry,
    endpoints: Vec<EndpointEntry>,
    impact: Vec<ImpactEntry>,
    findings: Vec<FindingEntry>,
}

#[derive(Serialize)]
struct NameEntry {
    name: String,
    #[serde(flatten)]
    resolution: ResolutionEntry,
    doubt: Option<Said>,
    findings: Vec<FindingEntry>,
}

/// A stable code and its sentence.
#[derive(Serialize)]
struct Said {
    code: &'static str,
    text: String,
}

#[derive(Serialize)]
struct ResolutionEntry {
    resolvers: Vec<String>,
    queries: u32,
    addresses_seen: usize,
    addresses_estimated: f64,
    error: Option<&'static str>,
    addresses: Vec<AddressEntry>,
    fqdn: Option<String>,
    exhausted: bool,
    coverage: f64,
    per_answer: u32,
    rotates: bool,
    aliases: Vec<AliasEntry>,
    system: Option<Vec<IpAddr>>,
    system_took_ms: Option<f64>,
    conduct: Vec<ResolverEntry>,
}

#[derive(Serialize)]
struct AddressEntry {
    address: IpAddr,
    /// Empty for an address that was typed.
    resolvers: Vec<String>,
    seen: u32,
    ttl_s: Option<u32>,
}

#[derive(Serialize)]
struct AliasEntry {
    alias: String,
    target: String,
}

#[derive(Serialize)]
struct ResolverEntry {
    resolver: String,
    conduct: &'static str,
    rcode: Option<String>,
    queries: u32,
    answers: u32,
    unanswered: u32,
    rtt_ms: Option<f64>,
    cached: bool,
    addresses: Vec<IpAddr>,
}

#[derive(Serialize)]
struct EndpointEntry {
    address: IpAddr,
    verdict: &'static str,
    detail: String,
    confidence: f64,
    ping: PingEntry,
    connect: ConnectEntry,
    tls: Option<TlsEntry>,
    http: Option<HttpEntry>,
    #[serde(rename = "where")]
    location: Option<LocationEntry>,
    java: Option<String>,
    logs: Option<LogsEntry>,
    evidence: Vec<Said>,
    refuted_by: Option<String>,
    gaps: Vec<Said>,
    trail: Vec<HopEntry>,
}

#[derive(Serialize)]
struct PingEntry {
    sent: u32,
    received: u32,
    rtt_ms: Option<f64>,
    permitted: bool,
}

#[derive(Serialize)]
struct ConnectEntry {
    attempts: u32,
    succeeded: u32,
    rtt_ms: Option<f64>,
    syns: u32,
    syns_lost: u32,
    flows: Vec<FlowEntry>,
}

#[derive(Serialize)]
struct FlowEntry {
    source_port: u16,
    syns: u32,
    answered: u32,
}

#[derive(Serialize)]
struct TlsEntry {
    ended: &'static str,
    alert: Option<u8>,
    said: Option<String>,
    took_ms: f64,
    version: Option<String>,
    cipher: Option<String>,
    alpn: Option<String>,
    trusted: Option<bool>,
    distrust: Vec<String>,
    public_root: Option<bool>,
    subject: Option<String>,
    issuer: Option<String>,
    names: Vec<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    sha256: Option<String>,
}

#[derive(Serialize)]
struct HttpEntry {
    ended: &'static str,
    status: Option<u16>,
    said: Option<String>,
    took_ms: f64,
    server: Option<String>,
    location: Option<String>,
    content_type: Option<String>,
}

#[derive(Serialize)]
struct LocationEntry {
    last_answering: Option<IpAddr>,
    ttl: u8,
    by: Option<IpAddr>,
    next_on_open_path: Option<IpAddr>,
    control: Option<IpAddr>,
    text: Option<String>,
}

#[derive(Serialize)]
struct HopEntry {
    ttl: u8,
    answer: &'static str,
    address: Option<IpAddr>,
    icmp_type: Option<u8>,
    icmp_code: Option<u8>,
}

/// What clients log on this address, beside the JDK's common text.
#[derive(Serialize)]
struct LogsEntry {
    jdk_until_12: Option<String>,
    jdk_from_13: Option<String>,
    java_net_http: Option<String>,
    apache_hc: Option<String>,
    curl: Option<String>,
    node: Option<String>,
    python: Option<String>,
    go: Option<String>,
}

#[derive(Serialize)]
struct ImpactEntry {
    client: &'static str,
    failure_share: f64,
    added_latency_ms: Option<f64>,
    note: String,
}

#[derive(Serialize)]
struct FindingEntry {
    code: &'static str,
    severity: &'static str,
    addresses: Vec<IpAddr>,
    text: String,
    ask: Option<String>,
}

fn target(scene: &Scene<'_>) -> TargetEntry {
    let diagnosis = scene.diagnosis;
    TargetEntry {
        target: clean(&diagnosis.target.text),
        host: scene.host(),
        port: scene.port(),
        state: diagnosis.state,
        doubt: doubt(scene),
        resolution: resolution(&diagnosis.resolution),
        endpoints: diagnosis.endpoints.iter().map(|one| endpoint(scene, one)).collect(),
        impact: diagnosis.impact.iter().map(|one| impact(one, scene)).collect(),
        findings: findings(scene, |_| true),
    }
}

fn doubt(scene: &Scene<'_>) -> Option<Said> {
    let doubt = scene.diagnosis.doubt?;
    let (text, advice) = (words::doubt(doubt, scene.lang), words::doubt_advice(doubt, scene.lang));
    Some(Said { code: words::doubt_code(doubt), text: format!("{text} {advice}") })
}

fn resolution(resolution: &Resolution) -> ResolutionEntry {
    ResolutionEntry {
        resolvers: resolution.resolvers.iter().map(|report| units::resolver(&report.resolver)).collect(),
        queries: resolution.queries,
        addresses_seen: resolution.addresses.len(),
        addresses_estimated: finite(resolution.estimated),
        error: resolution.error.map(words::resolution_error_code),
        addresses: resolution
            .addresses
            .iter()
            .map(|known| AddressEntry {
                address: known.address,
                resolvers: known
                    .sources
                    .iter()
                    .filter_map(|source| match source {
                        AddressSource::Resolver(resolver) => Some(units::resolver(resolver)),
                        AddressSource::System => Some("system".to_owned()),
                        AddressSource::Literal => None,
                    })
                    .collect(),
                seen: known.seen,
                ttl_s: known.ttl_s,
            })
            .collect(),
        fqdn: resolution.name.as_deref().map(clean),
        exhausted: resolution.exhausted,
        coverage: finite(resolution.coverage),
        per_answer: resolution.per_answer,
        rotates: resolution.rotates,
        aliases: resolution
            .aliases
            .iter()
            .map(|(alias, target)| AliasEntry { alias: clean(alias), target: clean(target) })
            .collect(),
        system: resolution.system.clone(),
        system_took_ms: resolution.system_took.map(millis),
        conduct: resolution
            .resolvers
            .iter()
            .map(|report| ResolverEntry {
                resolver: units::resolver(&report.resolver),
                conduct: words::conduct_code(report.conduct),
                rcode: match report.conduct {
                    reach_core::model::Conduct::Fails(code) => Some(words::rcode(code)),
                    _ => None,
                },
                queries: report.queries,
                answers: report.answers,
                unanswered: report.unanswered,
                rtt_ms: report.rtt.map(millis),
                cached: report.cached,
                addresses: report.addresses.iter().copied().collect(),
            })
            .collect(),
    }
}

fn endpoint(scene: &Scene<'_>, endpoint: &EndpointDiagnosis) -> EndpointEntry {
    let lang = scene.lang;
    let ok = endpoint.verdict == Verdict::Ok;
    let thrown = java::thrown(&scene.diagnosis.target, endpoint);
    EndpointEntry {
        address: endpoint.endpoint.address,
        verdict: endpoint.verdict.code(),
        detail: words::detail(endpoint, lang),
        confidence: finite(endpoint.confidence),
        ping: PingEntry {
            sent: endpoint.ping.sent,
            received: endpoint.ping.received,
            rtt_ms: endpoint.ping.rtt.map(millis),
            permitted: !endpoint.ping.not_permitted,
        },
        connect: ConnectEntry {
            attempts: endpoint.connect.attempts,
            succeeded: endpoint.connect.succeeded,
            rtt_ms: endpoint.connect.rtt.map(millis),
            syns: endpoint.connect.syns,
            syns_lost: endpoint.connect.syns_lost,
            flows: endpoint
                .connect
                .flows
                .iter()
                .map(|flow| FlowEntry {
                    source_port: flow.source_port,
                    syns: flow.syns,
                    answered: flow.answered,
                })
                .collect(),
        },
        tls: endpoint.tls.as_ref().map(tls),
        http: endpoint.http.as_ref().map(http),
        location: endpoint.location.as_ref().filter(|_| !ok).map(|location| LocationEntry {
            last_answering: location.last_answering,
            ttl: location.ttl,
            by: location.by,
            next_on_open_path: location.next_on_open_path,
            control: location.control,
            text: words::place(endpoint, lang),
        }),
        java: thrown.as_ref().map(|thrown| thrown.common.clone()),
        logs: thrown.map(|thrown| LogsEntry {
            jdk_until_12: Some(thrown.until_12),
            jdk_from_13: Some(thrown.from_13),
            java_net_http: java::java_net_http(&scene.diagnosis.target, endpoint),
            apache_hc: java::apache_hc(&scene.diagnosis.target, endpoint),
            curl: java::curl(endpoint),
            node: java::node(endpoint),
            python: java::python(endpoint),
            go: java::go(endpoint),
        }),
        evidence: endpoint
            .evidence
            .iter()
            .map(|evidence| Said {
                code: words::evidence_code(evidence),
                text: words::evidence(evidence, lang),
            })
            .collect(),
        refuted_by: words::refuted_by(endpoint.verdict, lang),
        gaps: endpoint
            .gaps
            .iter()
            .map(|gap| Said { code: words::gap_code(*gap), text: words::gap(*gap, lang) })
            .collect(),
        trail: endpoint.location.iter().flat_map(|location| &location.trail).map(hop).collect(),
    }
}

fn tls(tls: &TlsResult) -> TlsEntry {
    let (ended, alert, said) = match &tls.ended {
        TlsEnd::Completed => ("completed", None, None),
        TlsEnd::Alert(code, _) => ("alert", Some(*code), Some(words::alert_name(*code).to_owned())),
        TlsEnd::Closed => ("closed", None, None),
        TlsEnd::Reset => ("reset", None, None),
        TlsEnd::Silent => ("silent", None, None),
        TlsEnd::NotTls(bytes) => ("not-tls", None, Some(clean_bytes(bytes))),
        TlsEnd::Returned => ("returned", None, None),
        TlsEnd::Incompatible(reason) => ("incompatible", None, Some(clean(reason))),
    };
    let leaf = tls.chain.first();
    TlsEntry {
        ended,
        alert,
        said,
        took_ms: millis(tls.took),
        version: tls.version.as_deref().map(clean),
        cipher: tls.cipher.as_deref().map(clean),
        alpn: tls.alpn.as_deref().map(clean),
        trusted: leaf.map(|_| tls.distrust.is_empty()),
        distrust: tls.distrust.iter().map(distrust).collect(),
        public_root: tls.public_root,
        subject: leaf.map(|leaf| clean(&leaf.subject)),
        issuer: leaf.map(|leaf| clean(&leaf.issuer)),
        names: leaf.iter().flat_map(|leaf| &leaf.names).map(|name| clean(name)).collect(),
        not_before: leaf.map(|leaf| units::rfc3339_seconds(leaf.not_before)),
        not_after: leaf.map(|leaf| units::rfc3339_seconds(leaf.not_after)),
        sha256: leaf.map(|leaf| clean(&leaf.sha256)),
    }
}

fn distrust(distrust: &Distrust) -> String {
    match distrust {
        Distrust::UnknownIssuer => "unknown-issuer".to_owned(),
        Distrust::WrongName => "wrong-name".to_owned(),
        Distrust::Expired => "expired".to_owned(),
        Distrust::NotYetValid => "not-yet-valid".to_owned(),
        Distrust::Other(reason) => clean(reason),
    }
}

fn http(http: &HttpResult) -> HttpEntry {
    let (ended, status, said) = match &http.ended {
        HttpEnd::Status(status) => ("status", Some(*status), None),
        HttpEnd::Closed => ("closed", None, None),
        HttpEnd::Reset => ("reset", None, None),
        HttpEnd::Silent => ("silent", None, None),
        HttpEnd::NotHttp(bytes) => ("not-http", None, Some(clean_bytes(bytes))),
    };
    HttpEntry {
        ended,
        status,
        said,
        took_ms: millis(http.took),
        server: http.server.as_deref().map(clean),
        location: http.location.as_deref().map(clean),
        content_type: http.content_type.as_deref().map(clean),
    }
}

fn hop(hop: &TrailHop) -> HopEntry {
    let (answer, address, icmp) = match hop.answer {
        TrailAnswer::Router(router) => ("router", Some(router), None),
        TrailAnswer::Reached => ("reached", None, None),
        TrailAnswer::Reset => ("reset", None, None),
        TrailAnswer::Icmp(error, by) => ("icmp", Some(by), Some(error)),
        TrailAnswer::Silence => ("silence", None, None),
    };
    HopEntry {
        ttl: hop.ttl,
        answer,
        address,
        icmp_type: icmp.map(|icmp| icmp.kind),
        icmp_code: icmp.map(|icmp| icmp.code),
    }
}

fn impact(impact: &Impact, scene: &Scene<'_>) -> ImpactEntry {
    ImpactEntry {
        client: impact.client.code(),
        failure_share: finite(impact.failure_share),
        added_latency_ms: impact.added_latency.map(|added: Duration| millis(added)),
        note: words::impact_note(impact, scene),
    }
}

fn findings(scene: &Scene<'_>, wanted: impl Fn(&Finding) -> bool) -> Vec<FindingEntry> {
    scene
        .diagnosis
        .findings
        .iter()
        .filter(|finding| wanted(finding))
        .map(|finding| FindingEntry {
            code: finding.matter.code(),
            severity: finding.severity.code(),
            addresses: finding.addresses.clone(),
            text: words::finding(scene, finding),
            ask: words::ask(scene, finding).map(|ask| ask.whole(scene.lang)),
        })
        .collect()
}

/// JSON knows no infinity.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}
