//! One attempt to learn one thing. A probe says everything that the network crate needs to carry it out;
//! nothing about retries, order or meaning is in it.

use std::{net::IpAddr, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::time::micros;

/// One address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The TCP port.
    pub port: u16,
}

/// Names a probe within one survey; the observation that comes back carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProbeId(pub u32);

/// One attempt to learn one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "probe", rename_all = "kebab-case")]
pub enum Probe {
    /// One DNS question to one resolver.
    Lookup(Lookup),
    /// The system's own answer, as `getent ahosts` gives it.
    SystemLookup(SystemLookup),
    /// One ICMP echo request.
    Echo(Echo),
    /// One TCP connection attempt, possibly TTL-limited.
    Connect(Connect),
    /// One UDP datagram, possibly TTL-limited.
    Datagram(Datagram),
    /// A TCP connection and the layers above it: TLS, HTTP.
    Exchange(Exchange),
    /// Do our SYNs leave this machine, and do the replies reach its interface?
    Egress(Egress),
}

/// One DNS question, asked once over one transport: no retry, no cache, no fallback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// The resolver asked.
    pub resolver: SocketAddr,
    /// The fully qualified name, ASCII, without the trailing dot.
    pub name: String,
    /// The record type asked for.
    pub kind: RecordKind,
    /// UDP, or TCP (after truncation).
    pub transport: Transport,
    /// How long to wait for the answer.
    #[serde(with = "micros")]
    pub timeout: Duration,
}

/// The record types asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecordKind {
    /// IPv4 addresses (RFC 1035).
    A,
    /// IPv6 addresses (RFC 3596).
    #[serde(rename = "AAAA")]
    Aaaa,
    /// The names of an address (RFC 1035 §3.5, RFC 3596 §2.5); the question is for `….in-addr.arpa` or
    /// `….ip6.arpa`.
    #[serde(rename = "PTR")]
    Ptr,
}

/// How a DNS question travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// A datagram with EDNS(0) (RFC 6891).
    Udp,
    /// A stream (RFC 7766).
    Tcp,
}

/// What the system itself answers for a name: hosts file, nsswitch, search domains and all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemLookup {
    /// The name as the user typed it.
    pub name: String,
    /// When to give up.
    #[serde(with = "micros")]
    pub timeout: Duration,
}

/// One ICMP echo request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// The address asked.
    pub address: IpAddr,
    /// Sequence number, distinct within a survey for this address.
    pub sequence: u16,
    /// Bytes of payload behind the ICMP header.
    pub size: u16,
    /// IP TTL / hop limit; `None` for the system's default.
    pub ttl: Option<u8>,
    /// Requests with the same value have the same ICMP identifier and checksum, which routers may choose the path
    /// by (Paris traceroute, Augustin et al. 2006); `None` where that does not matter.
    #[serde(default)]
    pub flow: Option<u16>,
    /// Never fragment, neither here nor on the way, whatever path MTU is known (`IP_PMTUDISC_PROBE`, ip(7)).
    #[serde(default)]
    pub dont_fragment: bool,
    /// How long to wait for the reply.
    #[serde(with = "micros")]
    pub timeout: Duration,
}

/// One UDP datagram, sent to provoke an ICMP error or an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datagram {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// The source port, which makes the flow: the same port is the same flow.
    pub source_port: u16,
    /// IP TTL / hop limit; `None` for the system's default.
    pub ttl: Option<u8>,
    /// Bytes of payload behind the UDP header.
    pub size: u16,
    /// As in [`Echo::dont_fragment`].
    pub dont_fragment: bool,
    /// How long to wait for an answer.
    #[serde(with = "micros")]
    pub timeout: Duration,
}

/// One TCP connection attempt. The kernel repeats the SYN on its own schedule until `timeout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connect {
    /// Where to connect.
    pub endpoint: Endpoint,
    /// The source port, which makes the flow: the same port is the same flow. 0 lets the kernel choose.
    pub source_port: u16,
    /// IP TTL / hop limit of every packet of the attempt; `None` for the system's default.
    pub ttl: Option<u8>,
    /// Packets that arrive with a lower TTL / hop limit are ignored (`IP_MINTTL`, RFC 5082): finds out from
    /// how far away the answer comes.
    pub min_ttl: Option<u8>,
    /// When to call it silent.
    #[serde(with = "micros")]
    pub timeout: Duration,
    /// What to do with the connection once it stands.
    pub then: Then,
    /// How many connections of this survey to the same listener may be under way at the same time by plan,
    /// this one included: 1 is alone, 2 is in brisk succession, more are held open together on purpose.
    pub crowd: u16,
}

/// What to do with a connection that came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// Abort it at once with a RST: leaves no TIME-WAIT, so that the same flow can be tried again.
    Reset,
    /// Keep it open for so long (microseconds), then abort it.
    Hold(#[serde(with = "micros")] Duration),
    /// Say nothing and watch for so long (microseconds) what the other side does, then abort it.
    Listen(#[serde(with = "micros")] Duration),
}

/// A TCP connection, then through a proxy, STARTTLS, TLS, HTTP, as far as asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Where to connect: the proxy, where one is used.
    pub endpoint: Endpoint,
    /// The proxy protocol to speak first, if any.
    #[serde(default)]
    pub proxy: Option<ProxyRequest>,
    /// The dialogue that leads to TLS inside another protocol, if any; needs `tls`.
    #[serde(default)]
    pub starttls: Option<StartTls>,
    /// The source port; `None` lets the kernel choose.
    pub source_port: Option<u16>,
    /// Clamp of the TCP maximum segment size, both ways (`TCP_MAXSEG`).
    pub max_segment: Option<u16>,
    /// IP TTL / hop limit of what is sent *after* the TCP handshake: shows at which hop a ClientHello is cut.
    pub data_ttl: Option<u8>,
    /// When to call the connection attempt silent.
    #[serde(with = "micros")]
    pub connect_timeout: Duration,
    /// When to call each layer above silent.
    #[serde(with = "micros")]
    pub read_timeout: Duration,
    /// The TLS handshake, if one is wanted.
    pub tls: Option<TlsHello>,
    /// The HTTP request, if one is wanted.
    pub http: Option<HttpRequest>,
    /// How long to watch, without a word, what the other side says on the topmost layer, where no request is
    /// made; zero for not at all.
    #[serde(default, with = "micros")]
    pub listen: Duration,
}

/// What to ask of a proxy. User and password are the network crate's: no observation holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyRequest {
    /// The proxy's protocol.
    pub protocol: ProxyProtocol,
    /// The host that the proxy is to connect to: a name, which it resolves itself, or an address.
    pub host: String,
    /// The port that the proxy is to connect to.
    pub port: u16,
}

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyProtocol {
    /// HTTP CONNECT (RFC 9110 §9.3.6).
    Http,
    /// SOCKS version 5 (RFC 1928, RFC 1929).
    Socks5,
}

/// A protocol in which TLS begins after a dialogue in plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartTls {
    /// RFC 3207.
    Smtp,
    /// RFC 9051 §6.2.1.
    Imap,
    /// RFC 2595 §4.
    Pop3,
    /// RFC 4217.
    Ftp,
    /// RFC 6120 §5.
    Xmpp,
    /// PostgreSQL's SSLRequest.
    Postgres,
    /// MySQL's SSL request packet.
    Mysql,
    /// RFC 4511 §4.14.
    Ldap,
}

/// What the ClientHello says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsHello {
    /// The server name indication (RFC 6066); `None` sends none.
    pub server_name: Option<String>,
    /// The DNS name or address that the certificate has to cover.
    pub verify: String,
}

/// An HTTP/1.1 request without a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// The request method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The Host header.
    pub host: String,
}

/// Sends `burst` single SYNs on distinct source ports and counts, at this machine's own edge, how many left
/// and how many replies came back to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Egress {
    /// Where the SYNs go.
    pub endpoint: Endpoint,
    /// How many.
    pub burst: u16,
    /// The first of `burst` consecutive source ports.
    pub first_source_port: u16,
    /// How long to wait for replies.
    #[serde(with = "micros")]
    pub timeout: Duration,
}

/// The name to ask [`RecordKind::Ptr`] of for the names of an address: `….in-addr.arpa` (RFC 1035 §3.5) or
/// `….ip6.arpa` (RFC 3596 §2.5), without the trailing dot.
pub fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 0xf, octet >> 4]);
            let labels: String = nibbles.map(|nibble| format!("{nibble:x}.")).collect();
            format!("{labels}ip6.arpa")
        }
    }
}

impl Probe {
    /// The address that the probe is about, where it is about one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Probe::Lookup(_) | Probe::SystemLookup(_) => None,
            Probe::Echo(echo) => Some(echo.address),
            Probe::Connect(connect) => Some(connect.endpoint.address),
            Probe::Datagram(datagram) => Some(datagram.endpoint.address),
            Probe::Exchange(exchange) => Some(exchange.endpoint.address),
            Probe::Egress(egress) => Some(egress.endpoint.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reverse_name_of_an_address_is_written_backwards() {
        let name = |text: &str| reverse_name(text.parse().expect("an address"));
        assert_eq!(name("192.0.2.17"), "17.2.0.192.in-addr.arpa");
        assert_eq!(
            name("2001:db8::567:89ab"),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }
}
