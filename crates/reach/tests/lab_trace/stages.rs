//! The networks that are traced.

use reach_lab::{
    Balancing, Client, Description, Interface, InterfaceRole, Label, Link, Protocol, Relay, Router, Service,
    ServiceKind, Wording,
};

/// The addresses of the host at the end, which accepts connections on port 443.
pub(crate) const V4: &str = "203.0.113.11";
pub(crate) const V6: &str = "2001:db8:113::11";

/// An address of a name server that is not there: tools that want one in `/etc/resolv.conf` start all the same.
const NOBODY: &str = "192.0.2.53";

/// An empty network whose client may ping.
pub(crate) fn network(name: &str) -> Description {
    let resolvers = Some(vec![NOBODY.parse().expect("an address")]);
    let client = Client { ping_sockets: true, resolvers, ..Client::default() };
    Description { client, ..Description::new(name) }
}

/// The host at the end.
pub(crate) fn web(description: Description) -> Description {
    description.host("web", [V4, V6]).service(Service::new("web", 443, ServiceKind::Silent))
}

/// So many routers in a row, `r1` to `rN`.
pub(crate) fn chain(length: usize) -> Description {
    let routers = (1..=length).map(|number| Router::named(&format!("r{number}")));
    web(routers.fold(network("chain"), |description, router| description.stage([router])))
}

/// A router that spreads everything over the next stage, pings as well.
pub(crate) fn spreader(name: &str) -> Router {
    Router::named(name).balancing(Balancing::PerHeader)
}

/// `prefix1` to `prefixN`.
pub(crate) fn members(prefix: &str, count: usize) -> Vec<Router> {
    (1..=count).map(|number| Router::named(&format!("{prefix}{number}"))).collect()
}

/// r1 – s – {m1 … mN} – j – k – web.
pub(crate) fn diamond(width: usize) -> Description {
    web(network("diamond")
        .router("r1")
        .stage([spreader("s")])
        .stage(members("m", width))
        .router("j")
        .router("k"))
}

/// A diamond in a branch of another: s – {a, b}; b – {c, d}; a, c and d meet in j, a by a router of its own.
pub(crate) fn nested() -> Description {
    web(network("nested")
        .stage([spreader("s")])
        .stage([Router::named("a").to(["x"]), spreader("b").to(["c", "d"])])
        .stage(["x", "c", "d"].map(Router::named))
        .router("j")
        .router("k"))
}

/// Branches of unequal length: s – {a, b}; a – j at once, b – c – j. Behind j everything is met at two TTLs.
pub(crate) fn uneven() -> Description {
    web(network("uneven")
        .router("r1")
        .stage([spreader("s")])
        .stage([Router::named("a").to(["j"]), Router::named("b").to(["c"])])
        .router("c")
        .router("j"))
}

/// Two stages of three, each member of the first leading to each of the second.
pub(crate) fn meshed() -> Description {
    web(network("meshed")
        .stage([spreader("s")])
        .stage(["a1", "a2", "a3"].map(spreader))
        .stage(members("b", 3))
        .router("k"))
}

/// A diamond four wide, and one three wide behind it.
pub(crate) fn in_series() -> Description {
    web(network("series")
        .stage([spreader("s")])
        .stage(members("a", 4))
        .stage([spreader("t")])
        .stage(members("b", 3))
        .router("k"))
}

/// A diamond whose first router throws dice for each packet.
pub(crate) fn per_packet() -> Description {
    let dice = Router::named("s").balancing(Balancing::PerPacket);
    web(network("per packet").router("r1").stage([dice]).stage(members("m", 3)).router("j"))
}

/// r2 tells of its MPLS labels, r3 of its interfaces, r4 of both.
pub(crate) fn labelled() -> Description {
    let labels = vec![Label { label: 100, class: 0, ttl: 1 }, Label { label: 24_001, class: 3, ttl: 1 }];
    let interfaces = vec![Interface {
        role: InterfaceRole::Incoming,
        index: Some(5),
        address: Some("198.51.100.5".parse().expect("an address")),
        name: Some("xe-0/0/1.17".to_owned()),
        mtu: Some(9000),
    }];
    let both = Wording { labels: labels.clone(), interfaces: interfaces.clone(), ..Wording::default() };
    web(network("labelled")
        .router("r1")
        .stage([Router::named("r2").wording(Wording { labels, ..Wording::default() })])
        .stage([Router::named("r3").wording(Wording { interfaces, ..Wording::default() })])
        .stage([Router::named("r4").wording(both)])
        .router("r5"))
}

/// A chain with a delay of so many milliseconds in each direction between r1 and r2.
pub(crate) fn far_away(description: Description, delay_ms: u64) -> Description {
    let relay = Relay { delay_ms, ..Relay::default() };
    description.link(Link::with_relay("r1", "r2", relay))
}

/// All protocols with which a path is traced.
pub(crate) const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Icmp];
