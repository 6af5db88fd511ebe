//! What is true of this host before anything is probed.

use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket},
};

use reach_core::model::{EchoAccess, Proxy, ResolverConfig, Vantage};
use resolv_conf::{Config, ScopedIp};

use crate::sys;

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// Most dots that the C library takes for `ndots` (`RES_MAXNDOTS`, resolv.h).
const MOST_DOTS: u32 = 15;

/// Environment variables that hold the URL of a proxy, as curl, Go, Python and others read them.
const PROXY_VARIABLES: [&str; 6] =
    ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// Environment variables that hold options for a Java virtual machine.
const JAVA_VARIABLES: [&str; 3] = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"];

/// Gathers the facts about this host; sends nothing. A file that is missing or cannot be read counts as empty.
///
/// The source address of each family is that towards the Internet at large, else towards a resolver, else
/// towards one of `extra`.
pub fn vantage(extra: &[SocketAddr]) -> Vantage {
    let host = read("/proc/sys/kernel/hostname").trim().to_owned();
    let variable = |name: &str| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let resolver = resolver_config(&ResolverInputs {
        file: &read("/etc/resolv.conf"),
        local_domain: variable("LOCALDOMAIN").as_deref(),
        options: variable("RES_OPTIONS").as_deref(),
        host: &host,
        interface_number,
    });
    let sources = sources(resolver.servers.iter().chain(extra));
    Vantage {
        sources,
        raw_sockets: sys::may_use_raw_sockets(),
        echo: echo_access(),
        resolver,
        proxies: proxies(variable),
        no_proxy: variable("no_proxy").or_else(|| variable("NO_PROXY")),
        pinned: pinned_names(&read("/etc/hosts")),
        host,
    }
}

/// The next router towards the Internet at large, of IPv4 where there is one; `None` where there is none, or where
/// it has no address (a point-to-point link).
pub fn gateway() -> Option<IpAddr> {
    gateway_v4(&read("/proc/net/route")).or_else(|| gateway_v6(&read("/proc/net/ipv6_route")))
}

/// `RTF_GATEWAY` (linux/route.h).
const VIA_ROUTER: u32 = 2;

/// Of the table of IPv4 routes (proc(5)): words of the host's own byte order, the least metric first.
fn gateway_v4(table: &str) -> Option<IpAddr> {
    let routes = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let word = |place: usize| u32::from_str_radix(fields.get(place)?, 16).ok();
        let metric: u32 = fields.get(6)?.parse().ok()?;
        let is_default = word(1)? == 0 && word(7)? == 0 && word(3)? & VIA_ROUTER != 0;
        is_default.then_some((metric, Ipv4Addr::from(word(2)?.to_ne_bytes())))
    });
    routes.min().map(|(_, router)| router.into())
}

/// Of the table of IPv6 routes: 32 hexadecimal digits for each address.
fn gateway_v6(table: &str) -> Option<IpAddr> {
    let routes = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let number = |place: usize| u32::from_str_radix(fields.get(place)?, 16).ok();
        let is_default = u128::from_str_radix(fields.first()?, 16).ok()? == 0 && number(1)? == 0;
        let router = Ipv6Addr::from(u128::from_str_radix(fields.get(4)?, 16).ok()?);
        // A link-local address says nothing without its interface.
        let usable = !router.is_unspecified() && !router.is_unicast_link_local();
        (is_default && usable && number(8)? & VIA_ROUTER != 0).then_some((number(5)?, router))
    });
    routes.min().map(|(_, router)| router.into())
}

fn read(path: &str) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn interface_number(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

fn echo_access() -> EchoAccess {
    // One sysctl and one capability rule both families; only where one family is off does the other decide.
    [false, true]
        .into_iter()
        .find_map(|v6| sys::open_echo(v6).ok().map(|(_, access)| access))
        .unwrap_or(EchoAccess::None)
}

/// The source address of each family that has a route, IPv4 first.
fn sources<'a>(others: impl Iterator<Item = &'a SocketAddr> + Clone) -> Vec<IpAddr> {
    // Documentation addresses (RFC 5737, RFC 3849), which only a default route covers.
    let anywhere: [IpAddr; 2] =
        [Ipv4Addr::new(192, 0, 2, 1).into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()];
    anywhere
        .into_iter()
        .filter_map(|documentation| {
            let first = SocketAddr::new(documentation, DNS_PORT);
            let same_family = others.clone().copied().filter(|other| other.is_ipv4() == first.is_ipv4());
            std::iter::once(first).chain(same_family).find_map(source_towards)
        })
        .collect()
}

/// The address that packets to `remote` would carry. Connecting a datagram socket sends nothing.
fn source_towards(remote: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr =
        if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(remote).ok()?;
    let source = socket.local_addr().ok()?.ip();
    // A resolver on this host says nothing about the way out.
    (!source.is_loopback() && !source.is_unspecified()).then_some(source)
}

/// What the configuration of the stub resolver is made of.
struct ResolverInputs<'a> {
    /// `/etc/resolv.conf`.
    file: &'a str,
    /// `LOCALDOMAIN`.
    local_domain: Option<&'a str>,
    /// `RES_OPTIONS`.
    options: Option<&'a str>,
    /// The host name.
    host: &'a str,
    /// The number of an interface.
    interface_number: fn(&str) -> Option<u32>,
}

/// The configuration by the rules of the C library (resolv.conf(5)), but with all servers: the C library asks
/// the first three only.
fn resolver_config(inputs: &ResolverInputs<'_>) -> ResolverConfig {
    let mut text = number_scopes(inputs.file, inputs.interface_number);
    if let Some(options) = inputs.options {
        text.push_str("\noptions ");
        text.push_str(&options.replace('\n', " "));
    }
    // Lines that are wrong are passed over, as the C library does.
    let (config, _) = Config::parse_with_errors(text.as_bytes());
    let servers = if config.nameservers.is_empty() {
        vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), DNS_PORT)]
    } else {
        config.nameservers.iter().map(server_address).collect()
    };
    let mut search: Vec<String> = match inputs.local_domain {
        Some(domains) => domains.split_whitespace().map(str::to_owned).collect(),
        None => config.get_last_search_or_domain().map(ToString::to_string).collect(),
    };
    if search.is_empty()
        && inputs.local_domain.is_none()
        && let Some((_, domain)) = inputs.host.split_once('.')
    {
        search.push(domain.to_owned());
    }
    let search = search
        .iter()
        .map(|domain| domain.trim_matches('.').to_ascii_lowercase())
        .filter(|domain| !domain.is_empty())
        .collect();
    let ndots = u8::try_from(config.ndots.min(MOST_DOTS)).unwrap_or(1);
    ResolverConfig { servers, search, ndots }
}

/// Replaces the interface names of scoped addresses (`fe80::1%eth0.100`) by their numbers, since names may have
/// characters that the parser takes for a mistake. An address on an interface that is not there is left out.
fn number_scopes(text: &str, interface_number: fn(&str) -> Option<u32>) -> String {
    let mut numbered = String::with_capacity(text.len());
    for line in text.lines() {
        let scope = line
            .split_once('%')
            .filter(|_| line.starts_with("nameserver"))
            .map(|(address, scope)| (address, scope.split_whitespace().next().unwrap_or_default()));
        match scope {
            None => numbered.push_str(line),
            Some((address, scope)) => {
                if let Some(number) = scope.parse().ok().or_else(|| interface_number(scope)) {
                    numbered.push_str(&format!("{address}%{number}"));
                }
            }
        }
        numbered.push('\n');
    }
    numbered
}

fn server_address(server: &ScopedIp) -> SocketAddr {
    match server {
        ScopedIp::V4(address) => SocketAddr::new((*address).into(), DNS_PORT),
        ScopedIp::V6(address, scope) => {
            let scope = scope.as_deref().and_then(|scope| scope.parse().ok()).unwrap_or(0);
            SocketAddrV6::new(*address, DNS_PORT, 0, scope).into()
        }
    }
}

/// The proxies that the environment names: by URL, or as options for Java.
fn proxies(variable: impl Fn(&str) -> Option<String>) -> Vec<Proxy> {
    let named = |name: &str, value: String| Proxy { variable: name.to_owned(), value };
    let urls = PROXY_VARIABLES.into_iter().filter_map(|name| {
        let value = variable(name).filter(|value| !value.trim().is_empty())?;
        Some(named(name, without_credentials(value.trim())))
    });
    let java = JAVA_VARIABLES.into_iter().filter_map(|name| Some(named(name, java_proxy(&variable(name)?)?)));
    urls.chain(java).collect()
}

/// A proxy's URL, or `HOST:PORT`, without user name and password. Everything between a scheme that proxies have
/// and the last `@` goes, since a password may hold any character, and none of it is to be shown.
fn without_credentials(url: &str) -> String {
    const SCHEMES: [&str; 7] = ["http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h"];
    let (scheme, rest) = match url.find("://") {
        Some(at) if SCHEMES.contains(&url[..at].to_ascii_lowercase().as_str()) => {
            url.split_at(at + "://".len())
        }
        _ => ("", url),
    };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}{host}")
}

/// The HTTPS proxy in options for Java (`-Dhttps.proxyHost`, `-Dhttps.proxyPort`; java.net, Networking
/// Properties). The last of each counts.
fn java_proxy(options: &str) -> Option<String> {
    let last = |key: &str| {
        options
            .split_whitespace()
            .filter_map(|option| option.trim_matches(['"', '\'']).strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches(['"', '\'']))
            .rfind(|value| !value.is_empty())
    };
    let host = without_credentials(last("-Dhttps.proxyHost")?);
    Some(format!("{host}:{}", last("-Dhttps.proxyPort").unwrap_or("443")))
}

/// The names of a hosts file (hosts(5)) with their addresses, in its order, without those of loopback.
fn pinned_names(text: &str) -> Vec<(String, IpAddr)> {
    let mut pinned = Vec::new();
    for line in text.lines() {
        let line = line.split_once('#').map_or(line, |(entry, _)| entry);
        let mut words = line.split_whitespace();
        let Some(address) = words.next().and_then(parse_address).filter(|address| !address.is_loopback())
        else {
            continue;
        };
        for name in words {
            let entry = (name.trim_end_matches('.').to_ascii_lowercase(), address);
            if !pinned.contains(&entry) {
                pinned.push(entry);
            }
        }
    }
    pinned
}

/// An address of a hosts file, without its scope.
fn parse_address(text: &str) -> Option<IpAddr> {
    text.split_once('%').map_or(text, |(address, _)| address).parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(file: &str) -> ResolverConfig {
        resolver_config(&inputs(file))
    }

    fn inputs(file: &str) -> ResolverInputs<'_> {
        ResolverInputs {
            file,
            local_domain: None,
            options: None,
            host: "box",
            interface_number: |name| (name == "eth0.100").then_some(7),
        }
    }

    fn servers(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn servers_search_domains_and_ndots_are_read() {
        let found = config(
            "# made by hand\nnameserver 192.0.2.53\nnameserver 2001:db8::53 ; second\n\
             domain ignored.example\nsearch Corp.Example. example.net\noptions ndots:3 timeout:1\n",
        );
        assert_eq!(found.servers, servers(&["192.0.2.53:53", "[2001:db8::53]:53"]));
        assert_eq!(found.search, ["corp.example", "example.net"]);
        assert_eq!(found.ndots, 3);
    }

    #[test]
    fn all_servers_are_kept() {
        let file: String = (1..=5).map(|number| format!("nameserver 192.0.2.{number}\n")).collect();
        assert_eq!(config(&file).servers.len(), 5);
    }

    #[test]
    fn without_a_server_it_is_this_host() {
        let found = config("");
        assert_eq!(
            found,
            ResolverConfig { servers: servers(&["127.0.0.1:53"]), ..ResolverConfig::default() }
        );
    }

    #[test]
    fn a_wrong_line_spoils_nothing_else() {
        let found = config("nameserver not.an.address\nbogus line\noptions ndots:x\nnameserver 192.0.2.1\n");
        assert_eq!(found.servers, servers(&["192.0.2.1:53"]));
    }

    #[test]
    fn scopes_become_numbers() {
        let found = config("nameserver fe80::1%eth0.100\nnameserver fe80::2%3\nnameserver fe80::3%gone\n");
        assert_eq!(found.servers, servers(&["[fe80::1%7]:53", "[fe80::2%3]:53"]));
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let found = resolver_config(&ResolverInputs {
            local_domain: Some("a.example b.example"),
            options: Some("ndots:99 rotate"),
            ..inputs("nameserver 192.0.2.1\nsearch c.example\noptions ndots:2\n")
        });
        assert_eq!(found.search, ["a.example", "b.example"]);
        assert_eq!(found.ndots, 15);
    }

    #[test]
    fn without_search_domains_it_is_that_of_the_host_name() {
        let inputs = ResolverInputs { host: "box.corp.example", ..inputs("nameserver 192.0.2.1\n") };
        assert_eq!(resolver_config(&inputs).search, ["corp.example"]);
    }

    #[test]
    fn proxies_are_named_without_their_passwords() {
        let environment = |name: &str| {
            let value = match name {
                "https_proxy" => "http://user:p@ss/w@proxy.example:3128/",
                "HTTP_PROXY" => "user:secret@proxy.example:8080",
                "ALL_PROXY" => " ",
                "JAVA_TOOL_OPTIONS" => {
                    "-Xmx1g -Dhttps.proxyHost=old.example \"-Dhttps.proxyHost=java.example\" -Dhttps.proxyPort=3129"
                }
                "_JAVA_OPTIONS" => "-Dhttp.proxyHost=plain.example",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let found: Vec<_> = proxies(environment).into_iter().map(|it| (it.variable, it.value)).collect();
        let expected = [
            ("https_proxy", "http://proxy.example:3128/"),
            ("HTTP_PROXY", "proxy.example:8080"),
            ("JAVA_TOOL_OPTIONS", "java.example:3129"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn the_hosts_file_pins_names_but_those_of_loopback() {
        let found = pinned_names(
            "127.0.0.1 localhost\n::1 ip6-localhost\n192.0.2.7\tFCM.example.com fcm # old\n\
             192.0.2.7 fcm\nfe80::1%eth0 gateway\nnonsense here\n# 192.0.2.8 commented\n",
        );
        let at = |address: &str| address.parse::<IpAddr>().expect("an address");
        let expected = [("fcm.example.com", "192.0.2.7"), ("fcm", "192.0.2.7"), ("gateway", "fe80::1")];
        assert_eq!(found, expected.map(|(name, address)| (name.to_owned(), at(address))));
    }

    #[test]
    fn this_host_can_be_described() {
        let found = vantage(&[]);
        assert!(!found.host.is_empty());
        assert!(!found.resolver.servers.is_empty());
        assert!(found.sources.len() <= 2);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text: String, other: String) {
            let _ = pinned_names(&format!("192.0.2.1 {text}\n{other}"));
            let _ = without_credentials(&text);
            let _ = java_proxy(&format!("-Dhttps.proxyHost={text}"));
            let inputs = ResolverInputs { local_domain: Some(&other), options: Some(&text), ..inputs(&text) };
            let _ = resolver_config(&inputs);
            let _ = config(&format!("nameserver {text}\nsearch {other}\noptions {text}"));
        }

        #[test]
        fn no_password_survives(user in "[a-z]{1,5}", password in "[!-~]{1,12}", scheme: bool) {
            let scheme = if scheme { "http://" } else { "" };
            let shown = without_credentials(&format!("{scheme}{user}:{password}@proxy.example:1"));
            prop_assert_eq!(shown, format!("{scheme}proxy.example:1"));
        }
    }

    #[test]
    fn the_gateway_is_that_of_the_default_route_with_the_least_metric() {
        let word = |address: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(address));
        let (far, near) = (word([192, 0, 2, 1]), word([192, 0, 2, 2]));
        let table = format!(
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
             eth0\t00000000\t{far}\t0003\t0\t0\t200\t00000000\t0\t0\t0\n\
             eth0\t00000000\t{near}\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
             eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
             nonsense\n"
        );
        assert_eq!(gateway_v4(&table), "192.0.2.2".parse().ok());
        let zeros = "0".repeat(32);
        let route = |router: &str| {
            format!("{zeros} 00 {zeros} 00 {router} 00000400 00000001 00000000 00000003 eth0\n")
        };
        let global = "20010db8000000000000000000000001";
        assert_eq!(gateway_v6(&route(global)), "2001:db8::1".parse().ok());
        assert_eq!(gateway_v6(&route("fe800000000000000000000000000001")), None);
        assert_eq!((gateway_v4(""), gateway_v6("x\n")), (None, None));
    }
}
