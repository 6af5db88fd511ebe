//! What clients suffer.

use reach_core::model::{ClientModel, Impact};

use super::say;
use crate::{Lang, java, scene::Scene, units};

/// A client model by the programs that behave so, short enough for a table.
pub(crate) const fn client(client: ClientModel, lang: Lang) -> &'static str {
    match (lang, client) {
        (Lang::En, ClientModel::FirstAddress) => "JDK HttpURLConnection, Socket",
        (Lang::En, ClientModel::JvmCached) => "same, with the JVM's 30 s cache",
        (Lang::En, ClientModel::RetryOnce) => "java.net.http",
        (Lang::En, ClientModel::AllInOrder) => "Apache HC, OkHttp 3/4, Python",
        (Lang::En, ClientModel::HappyEyeballs) => "OkHttp 5, Node 20, browsers",
        (Lang::En, ClientModel::Curl) => "curl",
        (Lang::Ko, ClientModel::FirstAddress) => "JDK HttpURLConnection, Socket",
        (Lang::Ko, ClientModel::JvmCached) => "위와 같음(JVM 캐시 30초)",
        (Lang::Ko, ClientModel::RetryOnce) => "java.net.http",
        (Lang::Ko, ClientModel::AllInOrder) => "Apache HC, OkHttp 3/4, Python",
        (Lang::Ko, ClientModel::HappyEyeballs) => "OkHttp 5, Node 20, 브라우저",
        (Lang::Ko, ClientModel::Curl) => "curl",
    }
}

/// What this kind of client logs when it meets the failures of this target, in its own words.
pub(crate) fn client_logs(client: ClientModel, scene: &Scene<'_>) -> Option<String> {
    // The failure that most addresses show stands for all.
    let endpoint = java::commonest_failure(scene.diagnosis)?;
    match client {
        ClientModel::FirstAddress | ClientModel::JvmCached => {
            java::thrown(&scene.diagnosis.target, endpoint).map(|thrown| thrown.short())
        }
        ClientModel::RetryOnce => java::java_net_http(&scene.diagnosis.target, endpoint),
        ClientModel::AllInOrder => java::apache_hc(&scene.diagnosis.target, endpoint),
        ClientModel::HappyEyeballs => java::node(endpoint),
        ClientModel::Curl => java::curl(endpoint),
    }
}

/// What to know about a client model (JSON `note`).
pub(crate) fn impact_note(impact: &Impact, scene: &Scene<'_>) -> String {
    let lang = scene.lang;
    let share = units::percent(impact.failure_share);
    let fails = impact.failure_share > 0.0;
    let added = impact.added_latency.map(|added| units::span(added, lang));
    match impact.client {
        ClientModel::FirstAddress if fails => say!(
            lang,
            "tries only the first address of each answer (JDK HttpURLConnection, Socket): in the long run {share} of its connections fail",
            "응답의 첫 번째 IP만 시도하는 클라이언트(JDK HttpURLConnection, Socket): 장기적으로 연결의 {share}⟨이/가⟩ 실패"
        ),
        ClientModel::FirstAddress => say!(
            lang,
            "tries only the first address of each answer (JDK HttpURLConnection, Socket): nothing fails",
            "응답의 첫 번째 IP만 시도하는 클라이언트(JDK HttpURLConnection, Socket): 실패 없음"
        ),
        ClientModel::JvmCached if fails && scene.fails_by_address() => say!(
            lang,
            "a JVM keeps one address for 30 s, so the same {share} comes in bursts of about 30 s in which everything fails; a retry within them meets the same address",
            "JVM은 30초 동안 같은 IP 1개만 사용하므로 같은 {share}⟨이/가⟩ 약 30초 단위로 몰아서 실패하며, 그 안의 재시도도 같은 IP로 실패"
        ),
        ClientModel::JvmCached if fails => say!(
            lang,
            "a JVM with its usual cache: {share} of its connections fail, as without the cache",
            "기본 캐시를 쓰는 JVM: 캐시가 없을 때와 같이 연결의 {share} 실패"
        ),
        ClientModel::JvmCached => {
            say!(lang, "a JVM with its usual cache: nothing fails", "기본 캐시를 쓰는 JVM: 실패 없음")
        }
        ClientModel::RetryOnce if fails => say!(
            lang,
            "java.net.http tries the first address and once more after a connection error that is not a time-out: {share} fails",
            "java.net.http는 첫 번째 IP를 시도하고 시간 초과가 아닌 연결 오류일 때만 한 번 더 시도: {share} 실패"
        ),
        ClientModel::RetryOnce => say!(lang, "java.net.http: nothing fails", "java.net.http: 실패 없음"),
        ClientModel::AllInOrder => match added {
            Some(added) => say!(
                lang,
                "tries every address in order, a full connect time-out each (Apache HttpClient, OkHttp 3 and 4, Python requests): {share} fails, and {added} is added on average",
                "모든 IP를 차례로, 매번 연결 제한 시간 전체만큼 시도(Apache HttpClient, OkHttp 3·4, Python requests): {share} 실패, 평균 {added} 지연"
            ),
            None => say!(
                lang,
                "tries every address in order (Apache HttpClient, OkHttp 3 and 4, Python requests): {share} fails",
                "모든 IP를 차례로 시도(Apache HttpClient, OkHttp 3·4, Python requests): {share} 실패"
            ),
        },
        ClientModel::HappyEyeballs => match added {
            Some(added) => say!(
                lang,
                "starts a new attempt each 250 ms (OkHttp 5, Node 20, browsers): {share} fails, and {added} is added on average",
                "250 ms마다 다음 IP를 함께 시도(OkHttp 5, Node 20, 브라우저): {share} 실패, 평균 {added} 지연"
            ),
            None => say!(
                lang,
                "starts a new attempt each 250 ms (OkHttp 5, Node 20, browsers): {share} fails",
                "250 ms마다 다음 IP를 함께 시도(OkHttp 5, Node 20, 브라우저): {share} 실패"
            ),
        },
        ClientModel::Curl => match added {
            Some(added) => say!(
                lang,
                "gives each address half of the time that is left: {share} fails, and {added} is added on average",
                "IP마다 남은 시간의 절반씩 시도: {share} 실패, 평균 {added} 지연"
            ),
            None => say!(
                lang,
                "gives each address half of the time that is left: {share} fails",
                "IP마다 남은 시간의 절반씩 시도: {share} 실패"
            ),
        },
    }
}
