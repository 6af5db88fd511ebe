//! What to permit: ways to the same end, the one that lasts first, each with what it costs. Never `Any`.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;

use super::kinds::Kind;
use crate::{
    clean::clean,
    feeds::{self, Coverage, Feed, Provider, Saying},
    scene::Scene,
    units,
    words::say,
};

/// One way to permit the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The stable code.
    pub(super) code: &'static str,
    /// What it is called.
    pub(super) title: String,
    /// Where to: a name, or addresses and networks.
    pub(super) destination: Vec<String>,
    /// Whether the destinations are names.
    pub(super) by_name: bool,
    /// Whether it is asked for; the last one is evidence only.
    pub(super) asked: bool,
    /// What it gives, and what it costs.
    pub(super) cost: String,
}

/// The ways, the recommended one first; empty where no rule would mend it.
pub(super) fn ways(
    scene: &Scene<'_>,
    kind: Kind,
    failing: &[IpAddr],
    feeds: &[Feed],
    today: Date,
) -> Vec<Way> {
    if !kind.wants_rule() || failing.is_empty() {
        return Vec::new();
    }
    let listed: Vec<String> = failing.iter().map(ToString::to_string).collect();
    let lang = scene.lang;
    let Some(name) = scene.name() else {
        return vec![Way {
            code: "address",
            title: say!(lang, "By address", "IP 기준"),
            destination: listed,
            by_name: false,
            asked: true,
            cost: say!(
                lang,
                "The target is an address by itself, so a rule by address is exact.",
                "점검 대상이 IP 자체이므로 IP 기준 정책이 정확합니다."
            ),
        }];
    };
    let mut ways = vec![by_name(scene, &name), by_proxy(scene, &name)];
    ways.extend(by_range(scene, &name, failing, feeds, today));
    ways.push(Way {
        code: "list",
        title: say!(lang, "The failing addresses", "실패한 IP 목록"),
        destination: listed,
        by_name: false,
        asked: false,
        cost: if scene.pool_changes() {
            say!(
                lang,
                "Evidence only. The addresses behind this name change, so a fixed list will break again without anybody having changed a rule.",
                "근거 자료로만 첨부합니다. 이 도메인의 IP는 계속 바뀌므로, 고정 목록은 정책을 바꾸지 않아도 다시 장애가 됩니다."
            )
        } else {
            say!(
                lang,
                "Mends it now. If the name is ever given another address, a fixed list will break again.",
                "지금은 해결됩니다. 다만 도메인에 다른 IP가 배정되면 고정 목록은 다시 장애가 됩니다."
            )
        },
    });
    ways
}

fn by_name(scene: &Scene<'_>, name: &str) -> Way {
    let lang = scene.lang;
    let resolvers: Vec<String> =
        scene.diagnosis.resolution.resolvers.iter().map(|report| units::resolver(&report.resolver)).collect();
    let same = if resolvers.is_empty() {
        say!(lang, "the DNS servers of this host", "이 서버와 같은 DNS 서버")
    } else {
        let resolvers = units::some_of(&resolvers, 4, lang);
        say!(lang, "the DNS servers of this host ({resolvers})", "이 서버와 같은 DNS 서버({resolvers})")
    };
    let sni = if scene.diagnosis.target.tls {
        say!(
            lang,
            " A rule by TLS server name (SNI) needs no look-up at all, but a firewall that reads TLS.",
            " TLS 도메인(SNI) 기준 정책은 조회가 필요 없으나, TLS를 판독하는 방화벽이어야 합니다."
        )
    } else {
        String::new()
    };
    Way {
        code: "name",
        title: say!(lang, "By name (recommended)", "도메인 기준(권장)"),
        destination: vec![name.to_owned()],
        by_name: true,
        asked: true,
        cost: say!(
            lang,
            "Follows the changes by itself. The firewall must ask {same} and keep every address that was given until its TTL is over.{sni}",
            "IP가 바뀌어도 따라갑니다. 방화벽이 {same}에 조회하고, 응답받은 IP를 TTL이 끝날 때까지 모두 보관해야 합니다.{sni}"
        ),
    }
}

fn by_proxy(scene: &Scene<'_>, name: &str) -> Way {
    let lang = scene.lang;
    let proxy = scene.case.vantage.proxies.first().map(|proxy| clean(&proxy.value));
    let which = match &proxy {
        Some(proxy) => say!(
            lang,
            " This host's environment names {proxy}.",
            " 이 서버의 환경 변수에는 {proxy}⟨이/가⟩ 설정되어 있습니다."
        ),
        None => String::new(),
    };
    Way {
        code: "proxy",
        title: say!(lang, "Through a proxy that permits by name", "도메인 기준으로 허용하는 프록시 경유"),
        destination: vec![name.to_owned()],
        by_name: true,
        asked: false,
        cost: say!(
            lang,
            "Lasts as well, and needs no look-up by the firewall. The application has to be set to use it, and the proxy becomes part of every call.{which}",
            "마찬가지로 오래 유지되며 방화벽이 조회할 필요가 없습니다. 애플리케이션에 프록시를 설정해야 하고, 모든 호출이 프록시에 의존하게 됩니다.{which}"
        ),
    }
}

/// What the provider of a target says of lists of its addresses.
pub(super) fn saying(scene: &Scene<'_>) -> Option<(Provider, Saying)> {
    let provider = feeds::provider_of(&scene.name()?)?;
    Some((provider, provider.saying()?))
}

/// Which published ranges hold the failing addresses, and where there is a file for it.
fn coverage(scene: &Scene<'_>, feeds: &[Feed], failing: &[IpAddr]) -> Option<Coverage> {
    (!feeds.is_empty() && scene.name().is_some()).then(|| feeds::cover(failing, feeds))
}

/// The published ranges that hold every failing address; empty where one of them is in none, because a rule for these
/// ranges would not mend it then.
pub(super) fn prefixes(scene: &Scene<'_>, feeds: &[Feed], failing: &[IpAddr]) -> Vec<IpNet> {
    let coverage = coverage(scene, feeds, failing);
    coverage
        .filter(|coverage| coverage.uncovered.is_empty())
        .map(|coverage| coverage.prefixes)
        .unwrap_or_default()
}

fn by_range(scene: &Scene<'_>, name: &str, failing: &[IpAddr], feeds: &[Feed], today: Date) -> Option<Way> {
    let lang = scene.lang;
    let provider = feeds::provider_of(name);
    let mut prefixes: Vec<String> = Vec::new();
    let mut cost = Vec::new();
    let rot = say!(
        lang,
        "Published ranges are wide, hold other services too, and change: the rule has to be renewed, monthly at least.",
        "공개 대역은 범위가 넓고 다른 서비스도 포함하며 계속 바뀌므로, 최소 월 1회 갱신이 필요합니다."
    );
    if let Some(coverage) = coverage(scene, feeds, failing) {
        prefixes = coverage.prefixes.iter().map(ToString::to_string).collect();
        for (number, feed) in feeds.iter().enumerate() {
            let of =
                coverage.covered.iter().filter(|one| one.holders.iter().any(|holder| holder.feed == number));
            let held = of.count();
            let (feed_text, age) = (feed.text(lang), feed.age(today).text(lang));
            let all = failing.len();
            cost.push(say!(
                lang,
                "{feed_text}: holds {held} of the {all} failing addresses. {age}",
                "{feed_text}: 실패한 IP {all}개 중 {held}개 포함. {age}"
            ));
        }
        if !coverage.uncovered.is_empty() {
            let outside: Vec<String> = coverage.uncovered.iter().map(ToString::to_string).collect();
            let outside = units::some_of(&outside, 6, lang);
            cost.push(say!(
                lang,
                "In no range: {outside}. Either the file is older than these addresses, or they are not the provider's: then DNS should be looked at first.",
                "어느 대역에도 없음: {outside}. 파일이 오래되었거나 제공사의 IP가 아닐 수 있으며, 후자라면 DNS부터 확인해야 합니다."
            ));
        }
    } else {
        let provider = provider?;
        let who = provider.name();
        let kind = feeds::Kind::ALL.into_iter().find(|kind| kind.provider() == Some(provider));
        match kind.and_then(feeds::Kind::url) {
            Some(url) => {
                cost.push(say!(lang, "{who} publishes its ranges at {url}.", "{who}의 공개 대역: {url}"))
            }
            None => {
                prefixes = provider.fixed().iter().map(ToString::to_string).collect();
                if prefixes.is_empty() {
                    return None;
                }
                cost.push(say!(
                    lang,
                    "{who} names these ranges in its documents.",
                    "{who}⟨이/가⟩ 문서에 밝힌 대역입니다."
                ));
            }
        }
    }
    cost.push(rot);
    Some(Way {
        code: "ranges",
        title: say!(lang, "By the provider's published ranges", "제공사가 공개한 IP 대역 기준"),
        asked: !prefixes.is_empty(),
        destination: prefixes,
        by_name: false,
        cost: cost.join(" "),
    })
}

/// The question behind a request for a rule: how the firewall knows the addresses.
pub(super) fn question(scene: &Scene<'_>, kind: Kind, failing: &[IpAddr]) -> Vec<String> {
    let lang = scene.lang;
    let Some(host) = scene.name().filter(|_| kind.wants_rule()) else { return Vec::new() };
    if scene.connectable().is_empty() && !scene.pool_changes() {
        return Vec::new();
    }
    let resolution = &scene.diagnosis.resolution;
    let resolvers: Vec<String> =
        resolution.resolvers.iter().map(|report| units::resolver(&report.resolver)).collect();
    let asks = if resolvers.is_empty() {
        say!(lang, "its own DNS servers", "자체 DNS 서버")
    } else {
        units::some_of(&resolvers, 4, lang)
    };
    let mut lines = vec![say!(
        lang,
        "Does the present rule name {host} (an FQDN object), or a list of addresses? If a list: of which day is it?",
        "현재 정책이 {host}⟨을/를⟩ 도메인(FQDN 객체)으로 지정합니까, IP 목록으로 지정합니까? 목록이라면 언제 기준입니까?"
    )];
    lines.push(say!(
        lang,
        "If by name: which DNS server does the firewall itself ask, and when did it last? This host asks {asks}.",
        "도메인 기준이라면 방화벽은 어느 DNS 서버에 조회하며, 마지막으로 조회한 시각은 언제입니까? 이 서버는 {asks}에 조회합니다."
    ));
    let seen = resolution.addresses.len();
    let ttl = resolution.addresses.iter().filter_map(|known| known.ttl_s).max();
    let ttl = match ttl {
        Some(ttl) => say!(lang, ", with a TTL of up to {ttl} s", ", TTL 최대 {ttl}초"),
        None => String::new(),
    };
    lines.push(say!(
        lang,
        "How many addresses does the object keep, and for how long after they were given? Seen from here: {seen}{ttl}.",
        "FQDN 객체가 보관하는 IP는 최대 몇 개이며, 응답받은 뒤 얼마 동안 보관합니까? 이 서버에서 확인한 IP: {seen}개{ttl}."
    ));
    let first = failing.first().map(ToString::to_string).unwrap_or_default();
    lines.push(say!(
        lang,
        "Does the object hold {first} at this moment? FortiGate: `diagnose firewall fqdn list`, and what are `cache-ttl` and `fqdn-min-refresh` set to? Palo Alto Networks: how many addresses does the FQDN object take, and is load-balanced FQDN in use? SECUI and others: which refresh interval and which limit of addresses does the domain object have?",
        "지금 그 객체에 {first}⟨이/가⟩ 들어 있습니까? FortiGate: `diagnose firewall fqdn list` 결과와 `cache-ttl`, `fqdn-min-refresh` 설정값, Palo Alto Networks: FQDN 객체의 최대 IP 개수와 load-balanced FQDN 사용 여부, SECUI 등: 도메인 객체의 갱신 주기와 IP 개수 제한을 확인 부탁드립니다."
    ));
    lines
}
