//! Names to addresses as Go's own resolver does it: the hosts file, then the name servers in order, with search
//! domains. No cache, so that a probe sees what rotates.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reach_core::model::{
    Answer, Lookup, LookupAnswer, Outcome, Probe, Rcode, RecordKind, ResolverConfig, Transport, Vantage,
};
use reach_net::drive::Network;
use tokio::time::Instant;

use super::{left, module::IpProtocol};

/// How long one name server may take (`timeout`, resolv.conf(5)).
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the list of name servers is gone through (`attempts`, resolv.conf(5)).
const ROUNDS: usize = 2;

/// Asks the name servers of this host.
pub(super) struct Resolver {
    network: Network,
    config: ResolverConfig,
    pinned: Vec<(String, IpAddr)>,
}

/// What one name gave.
enum Found {
    Addresses(Vec<IpAddr>),
    Nothing,
    Trouble(String),
}

impl Resolver {
    pub(super) fn new(network: Network, vantage: &Vantage) -> Self {
        Self { network, config: vantage.resolver.clone(), pinned: vantage.pinned.clone() }
    }

    /// The addresses to try, best first; never none.
    pub(super) async fn choose(
        &self,
        host: &str,
        protocol: IpProtocol,
        fallback: bool,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, String> {
        let wanted = |address: &IpAddr| address.is_ipv6() == (protocol == IpProtocol::Ip6);
        let kinds = match (fallback, protocol) {
            (true, _) => &[RecordKind::A, RecordKind::Aaaa][..],
            (false, IpProtocol::Ip4) => &[RecordKind::A],
            (false, IpProtocol::Ip6) => &[RecordKind::Aaaa],
        };
        let all = self.addresses(host, kinds, deadline).await?;
        let (mut preferred, mut others): (Vec<IpAddr>, Vec<IpAddr>) = all.into_iter().partition(wanted);
        if !fallback {
            others.clear();
        }
        if preferred.is_empty() {
            // Of the other family blackbox_exporter takes the last one that it was given.
            let last = others.pop();
            others = last.into_iter().chain(others).collect();
        }
        preferred.append(&mut others);
        if preferred.is_empty() { Err("unable to find ip; no fallback".to_owned()) } else { Ok(preferred) }
    }

    async fn addresses(
        &self,
        host: &str,
        kinds: &[RecordKind],
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, String> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![address.to_canonical()]);
        }
        if host.is_empty() {
            return Err("no such host".to_owned());
        }
        let name = host.to_ascii_lowercase();
        let name = name.trim_end_matches('.');
        // RFC 6761 §6.3.
        if name == "localhost" || name.ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let pinned: Vec<IpAddr> =
            self.pinned.iter().filter(|(other, _)| other == name).map(|&(_, address)| address).collect();
        if !pinned.is_empty() {
            return Ok(pinned);
        }
        let mut trouble = None;
        for candidate in candidates(host, &self.config) {
            match self.ask(&candidate, kinds, deadline).await {
                Found::Addresses(addresses) => return Ok(addresses),
                Found::Nothing => {}
                Found::Trouble(error) => trouble = trouble.or(Some(error)),
            }
        }
        Err(trouble.unwrap_or_else(|| format!("lookup {host}: no such host")))
    }

    async fn ask(&self, name: &str, kinds: &[RecordKind], deadline: Instant) -> Found {
        let mut addresses = Vec::new();
        let mut trouble = None;
        let (a, b) = tokio::join!(
            self.ask_for(name, kinds.first().copied(), deadline),
            self.ask_for(name, kinds.get(1).copied(), deadline)
        );
        for found in [a, b].into_iter().flatten() {
            match found {
                Found::Addresses(more) => addresses.extend(more),
                Found::Nothing => {}
                Found::Trouble(error) => trouble = Some(error),
            }
        }
        match (addresses.is_empty(), trouble) {
            (false, _) => Found::Addresses(addresses),
            (true, Some(error)) => Found::Trouble(error),
            (true, None) => Found::Nothing,
        }
    }

    async fn ask_for(&self, name: &str, kind: Option<RecordKind>, deadline: Instant) -> Option<Found> {
        let kind = kind?;
        let mut trouble = format!("lookup {name}: no name server is configured");
        for _ in 0..ROUNDS {
            for &server in &self.config.servers {
                if left(deadline).is_zero() {
                    return Some(Found::Trouble(format!("lookup {name}: time is over")));
                }
                match self.ask_server(server, name, kind, deadline).await {
                    Ok(answer) => match answer.rcode {
                        Rcode::NoError if answer.addresses.is_empty() => return Some(Found::Nothing),
                        Rcode::NoError => {
                            let addresses =
                                answer.addresses.iter().map(|record| record.address.to_canonical());
                            return Some(Found::Addresses(addresses.collect()));
                        }
                        Rcode::NxDomain => return Some(Found::Nothing),
                        other => trouble = format!("lookup {name} on {server}: {other:?}"),
                    },
                    Err(why) => trouble = format!("lookup {name} on {server}: {why}"),
                }
            }
        }
        Some(Found::Trouble(trouble))
    }

    async fn ask_server(
        &self,
        resolver: SocketAddr,
        name: &str,
        kind: RecordKind,
        deadline: Instant,
    ) -> Result<LookupAnswer, &'static str> {
        for transport in [Transport::Udp, Transport::Tcp] {
            let timeout = left(deadline).min(PATIENCE);
            let lookup = Lookup { resolver, name: name.to_owned(), kind, transport, timeout };
            match self.network.run(Probe::Lookup(lookup)).await {
                Outcome::Answered(Answer::Lookup(answer)) if answer.fault.is_some() => {
                    return Err("its answer cannot be read");
                }
                Outcome::Answered(Answer::Lookup(answer))
                    if answer.truncated && transport == Transport::Udp => {}
                Outcome::Answered(Answer::Lookup(answer)) => return Ok(answer),
                Outcome::Rejected(_) => return Err("refused"),
                Outcome::Silent(_) => return Err("no answer in time"),
                Outcome::Answered(_) | Outcome::Unable(_) => return Err("it cannot be asked"),
            }
        }
        Err("no whole answer")
    }
}

/// The names to ask for, in order (resolv.conf(5), `ndots` and `search`).
fn candidates(host: &str, config: &ResolverConfig) -> Vec<String> {
    if let Some(absolute) = host.strip_suffix('.') {
        return vec![absolute.to_owned()];
    }
    let dots = host.bytes().filter(|&byte| byte == b'.').count();
    let searched = config.search.iter().map(|domain| format!("{host}.{domain}"));
    if dots >= usize::from(config.ndots) {
        std::iter::once(host.to_owned()).chain(searched).collect()
    } else {
        searched.chain([host.to_owned()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_few_dots_are_searched_first() {
        let config =
            ResolverConfig { search: vec!["corp.example".to_owned()], ndots: 1, ..ResolverConfig::default() };
        assert_eq!(candidates("www", &config), ["www.corp.example", "www"]);
        assert_eq!(candidates("www.example", &config), ["www.example", "www.example.corp.example"]);
        assert_eq!(candidates("www.", &config), ["www"]);
    }
}
