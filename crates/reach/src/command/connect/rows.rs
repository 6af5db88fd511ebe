//! What is connected to, and by which probe.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reach_core::model::{
    Connect, Endpoint, Exchange, Host, HttpRequest, Plan, Probe, ProxyRequest, Target, Then, TlsHello,
};
use reach_report::connect::Peer;

use crate::config::{Manner, ProxyChoice};

/// The ports of protocols behind TLS in which the server speaks first (IANA service names: submissions, nntps,
/// imap4-ssl, ftps, imaps, pop3s).
const GREETING_TLS_PORTS: [u16; 6] = [465, 563, 585, 990, 993, 995];

/// How long a server that speaks first is waited for.
const GREETING: Duration = Duration::from_secs(1);

/// Everything that is connected to: the addresses, and before them the name where a proxy resolves it.
pub(super) fn peers(target: &Target, proxy: Option<&ProxyChoice>, addresses: &[IpAddr]) -> Vec<Peer> {
    let name = match (&target.host, proxy) {
        (Host::Name(name), Some(proxy)) if proxy.resolves => {
            Some(Peer::Name(name.trim_end_matches('.').to_owned()))
        }
        _ => None,
    };
    name.into_iter().chain(addresses.iter().copied().map(Peer::Address)).collect()
}

/// The probe that connects to a peer; `proxy` with the address of it that is used.
pub(super) fn probe(
    target: &Target,
    peer: &Peer,
    proxy: Option<(&ProxyChoice, SocketAddr)>,
    manner: &Manner,
    plan: &Plan,
) -> Option<Probe> {
    let listen = manner.listen.unwrap_or_else(|| usual_listen(target, manner));
    match (proxy, peer) {
        (None, Peer::Address(address)) if !target.tls && target.http_path.is_none() => {
            Some(Probe::Connect(Connect {
                endpoint: Endpoint { address: *address, port: target.port },
                source_port: manner.source_port.unwrap_or(0),
                ttl: None,
                min_ttl: None,
                timeout: plan.connect_timeout,
                then: if listen.is_zero() { Then::Reset } else { Then::Listen(listen) },
                crowd: 1,
            }))
        }
        _ => exchange(target, peer, proxy, manner, plan)
            .map(|exchange| Probe::Exchange(Exchange { listen, ..exchange })),
    }
}

/// The exchange that leads to a peer, without listening at its end.
pub(super) fn exchange(
    target: &Target,
    peer: &Peer,
    proxy: Option<(&ProxyChoice, SocketAddr)>,
    manner: &Manner,
    plan: &Plan,
) -> Option<Exchange> {
    let (endpoint, request) = match (proxy, peer) {
        (None, Peer::Address(address)) => (Endpoint { address: *address, port: target.port }, None),
        // Only a proxy can be given a name.
        (None, Peer::Name(_)) => return None,
        (Some((proxy, at)), peer) => {
            let host = match peer {
                Peer::Address(address) => address.to_string(),
                Peer::Name(name) => name.clone(),
            };
            let request = ProxyRequest { protocol: proxy.protocol, host, port: target.port };
            (Endpoint { address: at.ip(), port: at.port() }, Some(request))
        }
    };
    Some(Exchange {
        endpoint,
        proxy: request,
        starttls: manner.starttls,
        source_port: manner.source_port,
        max_segment: None,
        data_ttl: None,
        connect_timeout: plan.connect_timeout,
        read_timeout: plan.read_timeout,
        tls: target
            .tls
            .then(|| TlsHello { server_name: target.server_name_indication(), verify: target.verify_name() }),
        http: target.http_path.as_ref().map(|path| HttpRequest {
            method: "GET".to_owned(),
            path: path.clone(),
            host: target.host_header(),
        }),
        listen: Duration::ZERO,
    })
}

fn usual_listen(target: &Target, manner: &Manner) -> Duration {
    let greets = GREETING_TLS_PORTS.contains(&target.port) && manner.starttls.is_none();
    if target.tls && !greets { Duration::ZERO } else { GREETING }
}

#[cfg(test)]
mod tests {
    use reach_core::model::{Effort, ProxyProtocol, StartTls};

    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn manner() -> Manner {
        Manner {
            address: None,
            listen: None,
            starttls: None,
            source_port: None,
            repeat: 1,
            every: Duration::from_secs(1),
        }
    }

    fn target(text: &str) -> Target {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn proxy(resolves: bool) -> ProxyChoice {
        ProxyChoice {
            url: "http://proxy.example:3128".to_owned(),
            protocol: ProxyProtocol::Http,
            host: Host::Name("proxy.example".to_owned()),
            port: 3128,
            resolves,
            login: None,
            variable: None,
        }
    }

    fn probe_of(text: &str, manner: &Manner) -> Probe {
        let target = Target { http_path: None, ..target(text) };
        probe(&target, &Peer::Address(ADDRESS), None, manner, &Plan::new(Effort::Normal, 7)).expect("a probe")
    }

    #[test]
    fn a_plain_port_is_listened_to_and_a_tls_port_only_where_servers_speak_first() {
        assert!(matches!(
            probe_of("a.example:22", &manner()),
            Probe::Connect(Connect { then: Then::Listen(GREETING), .. })
        ));
        let still = Manner { listen: Some(Duration::ZERO), ..manner() };
        assert!(matches!(
            probe_of("a.example:22", &still),
            Probe::Connect(Connect { then: Then::Reset, .. })
        ));
        for (text, listen) in [("a.example:443", Duration::ZERO), ("a.example:993", GREETING)] {
            assert!(
                matches!(probe_of(text, &manner()), Probe::Exchange(it) if it.listen == listen),
                "{text}"
            );
        }
        let starttls = Manner { starttls: Some(StartTls::Smtp), ..manner() };
        let Probe::Exchange(it) = probe_of("a.example:465", &starttls) else { panic!("TLS") };
        assert_eq!((it.starttls, it.listen), (Some(StartTls::Smtp), Duration::ZERO));
    }

    #[test]
    fn a_proxy_that_resolves_is_given_the_name_first() {
        let name = Peer::Name("a.example".to_owned());
        let address = Peer::Address(ADDRESS);
        assert_eq!(
            peers(&target("a.example."), Some(&proxy(true)), &[ADDRESS]),
            [name.clone(), address.clone()]
        );
        assert_eq!(
            peers(&target("a.example"), Some(&proxy(false)), &[ADDRESS]),
            std::slice::from_ref(&address)
        );
        assert_eq!(peers(&target("192.0.2.1"), Some(&proxy(true)), &[ADDRESS]), [address]);
        let plan = Plan::new(Effort::Normal, 7);
        let at = "192.0.2.9:3128".parse().expect("an address");
        let probe = probe(&target("a.example:25"), &name, Some((&proxy(true), at)), &manner(), &plan);
        let Some(Probe::Exchange(it)) = probe else { panic!("through the proxy") };
        assert_eq!((it.endpoint.address, it.endpoint.port), (at.ip(), at.port()));
        assert_eq!(it.proxy.map(|proxy| (proxy.host, proxy.port)), Some(("a.example".to_owned(), 25)));
    }
}
