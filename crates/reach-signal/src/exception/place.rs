//! Where a failure happened, as texts of many clients write it: host, addresses, port, local end.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::LazyLock,
};

use memchr::memmem::Finder;
use regex::{Captures, Regex};

/// A destination, as far as a text tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub host: Option<String>,
    pub addresses: BTreeSet<IpAddr>,
    pub port: Option<u16>,
    /// The port is only that of the URL's scheme.
    pub implied: bool,
    pub local: Option<SocketAddr>,
    /// The place is a proxy on the way, not the destination.
    pub proxy: bool,
}

impl Place {
    /// How many addresses of one failure are kept.
    const ADDRESSES: usize = 64;

    /// Whether it says nothing of a destination.
    pub(super) fn is_empty(&self) -> bool {
        self.host.is_none() && self.addresses.is_empty() && self.port.is_none()
    }

    /// Whether a destination can be recognised by it.
    pub(super) fn is_somewhere(&self) -> bool {
        self.host.is_some() || !self.addresses.is_empty()
    }

    /// Takes from another text of the same failure what is not known yet.
    pub(super) fn absorb(&mut self, other: &Place) {
        let elsewhere = match (&self.host, &other.host) {
            (Some(mine), Some(theirs)) => mine != theirs,
            _ => {
                matches!((self.port, other.port), (Some(mine), Some(theirs)) if mine != theirs && self.is_somewhere())
            }
        };
        if elsewhere {
            return;
        }
        if self.host.is_none() {
            self.host.clone_from(&other.host);
        }
        for &address in other.addresses.iter().take(Self::ADDRESSES) {
            self.add(address);
        }
        if self.port.is_none() {
            (self.port, self.implied) = (other.port, other.implied);
        }
        self.local = self.local.or(other.local);
        self.proxy |= other.proxy;
    }

    fn add(&mut self, address: IpAddr) {
        if self.addresses.len() < Self::ADDRESSES {
            self.addresses.insert(address);
        }
    }

    fn set_host(&mut self, text: &str) {
        let text = text.trim_matches(|c: char| !c.is_alphanumeric() && c != ':' && c != '_');
        if let Some(address) = address(text) {
            self.add(address);
        } else if let Some(host) = host(text) {
            self.host.get_or_insert(host);
        }
    }
}

/// A name that can be one of a host, in lower case.
fn host(text: &str) -> Option<String> {
    let text = text.trim_end_matches('.');
    let fits = !text.is_empty()
        && text.len() <= 253
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && text.chars().any(char::is_alphabetic)
        && text.split('.').all(|label| !label.is_empty() && label.len() <= 63)
        && !matches!(
            text,
            "null" | "undefined" | "None" | "nil" | "unresolved" | "unknown" | "localhost.localdomain"
        );
    fits.then(|| text.to_lowercase())
}

/// An address, with brackets or without, without its zone.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches(['[', ']', '/']);
    let text = text.split('%').next().unwrap_or(text);
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return Some(v4.into());
    }
    let v6 = text.parse::<Ipv6Addr>().ok()?;
    Some(v6.to_ipv4_mapped().map_or(v6.into(), IpAddr::V4))
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|&port| port != 0)
}

/// The port that goes without saying.
fn usual_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "https" | "wss" => 443,
        "http" | "ws" => 80,
        "redis" | "rediss" => 6379,
        "postgresql" | "postgres" => 5432,
        "mysql" | "mariadb" | "mysqlx" => 3306,
        "sqlserver" => 1433,
        "oracle" => 1521,
        "mongodb" => 27017,
        "amqp" => 5672,
        "amqps" => 5671,
        "ldap" => 389,
        "ldaps" => 636,
        "smtp" => 25,
        "smtps" => 465,
        "imap" => 143,
        "imaps" => 993,
        "ftp" => 21,
        "sftp" | "ssh" => 22,
        _ => return None,
    })
}

const H: &str = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?";
const V: &str = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Za-z:.%]+\]|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:%[a-z0-9]+)?)";

fn pattern(text: &str) -> Regex {
    Regex::new(&text.replace("{H}", H).replace("{V}", V)).expect("a pattern")
}

macro_rules! patterns {
    ($($name:ident = $text:expr;)*) => { $(static $name: LazyLock<Regex> = LazyLock::new(|| pattern($text));)* };
}

patterns! {
    LISTED = r"(?i)connect to (?:[A-Za-z0-9_]+://)?(?:(?P<h>{H})|(?P<v>{V}))(?::(?P<p>[0-9]{1,5}))? \[(?P<list>[^\]]*)";
    // Both ends of a proxied connection, the proxy first.
    PROXIED = r"(?:(?P<h>{H})/)?(?:(?P<v>{V})|<unresolved>):(?P<p>[0-9]{1,5}) => ";
    PROXY_ITSELF = r"HTTPS?Connection\(host='(?P<h>[^']+)', port=(?P<p>[0-9]{1,5})";
    SLASHED = r"(?P<h>{H})?/(?:<?unresolved>?|(?P<v>[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.%]+\]|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){7}))(?:(?: \(port |:)(?P<p>[0-9]{1,5})\)?)?(?: from /?(?P<l>{V})(?: \(port |:)(?P<lp>[0-9]{1,5}))?";
    // Words of one client each, the most telling first. `h` may be an address everywhere.
    TELLING = concat!(
        r"HTTPS?ConnectionPool\(host='(?P<h1>[^']+)', port=(?P<p1>[0-9]{1,5})",
        r"|HTTPS?Connection\(host='(?P<h2>[^']+)', port=(?P<p2>[0-9]{1,5})",
        r"|Cannot connect to host (?P<h3>{H}|{V}):(?P<p3>[0-9]{1,5})",
        r"|Connect(?:ion)? (?:to|refused to|timed out to) (?:host )?(?P<h4>{H}|{V}):(?P<p4>[0-9]{1,5})",
        r"|(?i:unable to connect|connect timeout|failed to connect|failed connecting|could not connect|timeout connecting) to (?:host |redis at |server |node )?[\x22'\[]?(?:[A-Za-z0-9_]+://)?(?P<h5>{H}|{V}):(?P<p5>[0-9]{1,5})",
        r"|(?i:connect to|connect) (?:host |address )?(?P<h6>{H}|{V}) port (?P<p6>[0-9]{1,5})",
        r"|Couldn't connect to host, port: (?P<h7>{H}|{V}), (?P<p7>[0-9]{1,5})",
        r"|Could not connect to [A-Za-z0-9_]+ host:? (?P<h8>{H}|{V}), port:? (?P<p8>[0-9]{1,5})",
        r"|(?:connection to )?server at \x22(?P<h9>[^\x22]+)\x22(?: \((?P<v9>{V})\))?, port (?P<p9>[0-9]{1,5})",
        r"|on host \x22(?P<h10>[^\x22]+)\x22(?: \((?P<v10>{V})\))? and accepting\s+TCP/IP connections on port (?P<p10>[0-9]{1,5})",
        r"|host name \x22(?P<h11>{H})\x22 to address",
        r"|MySQL server (?:host )?(?:on )?'(?P<h12>[^':]+)(?::(?P<p12>[0-9]{1,5}))?'",
        r"|address=\(?host=(?P<h13>{H}|{V})\)?\(?port=(?P<p13>[0-9]{1,5})",
        r"|host:(?P<h14>{H}|{V}), ?port:(?P<p14>[0-9]{1,5})",
        r"|connection to the host (?P<h15>{H}|{V}), (?:named instance \S+|port (?P<p15>[0-9]{1,5}))",
        r"|(?:at|for) host (?P<h16>{H}|{V}),? port (?P<p16>[0-9]{1,5})",
        r"|TCP connection to (?P<h17>{H}|{V}):(?P<p17>[0-9]{1,5})",
        r"|connect\(2\) for \x22?(?P<h18>{H}|{V})\x22? port (?P<p18>[0-9]{1,5})",
        r"|address=(?P<h19>{H}|{V}):(?P<p19>[0-9]{1,5})",
        r"|in connection to (?P<h20>{H}|{V}):(?P<p20>[0-9]{1,5})",
        r"|(?P<h21>{H}|{V}):(?P<p21>[0-9]{1,5}) (?:failed to respond|refused)",
        r"|attempted address: (?P<h22>{H}|{V}):(?P<p22>[0-9]{1,5})",
        r"|(?:ServerName|server|broker|host) (?P<h23>{H}|{V}):(?P<p23>[0-9]{1,5}) ",
        r"|getaddrinfo(?:\([0-9]\))?:? for (?:host )?\x22?(?P<h24>{H})\x22? port (?P<p24>[0-9]{1,5})",
        r"|(?:getaddrinfo|query[A-Za-z0-9_]+) E[A-Za-z0-9_]+ (?P<h25>{H})(?: {H}:(?P<p25>[0-9]{1,5}))?",
        r"|(?:getaddrinfo|gethostbyname) (?:for )?(?P<h26>{H}\.[A-Za-z0-9]+)",
        r"|lookup (?P<h27>{H})(?: on {V}:[0-9]+:|: (?:i/o|no such|Temporary|server misb|dial|read udp|device))",
        r"|(?i:could ?n(?:o|')t|cannot|can't|unable to|failed to) resolve (?i:host(?: ?name)?(?: address)?|proxy|server):? ?[\x22'\x60‘]?(?P<h28>{H})",
        r"|host not found in upstream \x22(?P<h29>{H})(?::(?P<p29>[0-9]{1,5}))?",
        r"|(?P<h30>{H}) could not be resolved \(",
        r"|resolution failed for (?P<h31>{H})(?::(?P<p31>[0-9]{1,5}))?",
        r"|UnknownHostException: (?P<h32>{H})(?::|;|$|\s|\))",
        r"|(?i:failed to resolve|could not resolve|unable to resolve):? [\x22']?(?P<h33>{H}\.[A-Za-z0-9]+)",
        r"|Hostname (?P<h34>{H}) not verified",
        r"|name matching (?P<h35>{H}) found",
        r"|Certificate for <(?P<h36>{H})>",
        r"|, not (?P<h37>{H}\.[A-Za-z0-9]+)$",
        r"|Host: (?P<h38>{H})\. is not",
        r"|hostname '(?P<h39>{H})' doesn't match",
        r"|target host name '(?P<h40>{H})'",
        r"|not valid for '(?P<h41>{H})'",
        r"|Unknown MySQL server host '(?P<h42>{H})'",
        r"|resolve hostname (?P<h43>{H})",
        r"|certificate is not valid for '(?P<h44>{H})'",
        r"|(?P<h45>{H}|{V}) \[(?P<v45>{V})\] (?P<p45>[0-9]{1,5}) \(",
        r"|to (?P<h46>{H}|{V}) \((?P<v46>{V})\) port (?P<p46>[0-9]{1,5})",
        r"|Connection to (?P<h47>{H}\.[A-Za-z0-9]+) timed out",
        r"|/dev/tcp/(?P<h48>{H}|{V})/(?P<p48>[0-9]{1,5})",
        r"|could not resolve (?P<h49>{H})/(?P<p49>[0-9]{1,5})",
        r"|can't find (?P<h50>{H}\.[A-Za-z0-9]+): ",
        r"|Host (?P<h51>{H}\.[A-Za-z0-9]+) not found: ",
        r"|Trying to connect to (?P<h52>{H}|{V}):(?P<p52>[0-9]{1,5})",
        r"|unable to connect to (?:tcp|ssl|tls)://(?P<h53>{H}|{V}):(?P<p53>[0-9]{1,5})",
        r"|[Ff]ailed to connect to (?P<h54>{H}|{V}) port (?P<p54>[0-9]{1,5})",
        r"|connection attempt to (?P<h55>{H}|{V}):(?P<p55>[0-9]{1,5})",
        r"|Unknown host (?P<h56>{H}\.[A-Za-z0-9]+)",
        r"|getaddrinfo for (?P<h57>{H}) failed",
        r"|TNS:no listener.{0,40}? host (?P<h58>{H}|{V}) port (?P<p58>[0-9]{1,5})",
        r"|TCP connect to \((?P<h59>{H}|{V}) : (?P<p59>[0-9]{1,5})\)",
        r"|^ping: (?P<h60>{H}): ",
        r"|^telnet: (?P<h61>{H}): ",
        r"|^nc: .*host \x22(?P<h62>{H})\x22 port (?P<p62>[0-9]{1,5})",
        r"|Bootstrap broker (?P<h63>{H}|{V}):(?P<p63>[0-9]{1,5})",
        r"|Connecting to (?P<h64>{H}) \({H}\)\|(?P<v64>{V})\|:(?P<p64>[0-9]{1,5})",
        r"|Connecting to (?P<h65>{H}|{V}):(?P<p65>[0-9]{1,5})\.\.\.",
        r"|host address [‘'\x60](?P<h66>{H})",
        r"|^Resolving (?P<h67>{H})",
        r"|connect to (?P<h68>{H})\[(?P<v68>[0-9A-Fa-f.:]+)\]:(?P<p68>[0-9]{1,5})",
        r"|attempt to connect to (?P<h69>{H}|{V}):(?P<p69>[0-9]{1,5})",
        r"|호스트 (?P<h70>{H}|{V}), 포트 (?P<p70>[0-9]{1,5})",
        r"|remote name could not be resolved: '(?P<h71>{H})'",
        r"|원격 이름을 확인할 수 없습니다\.?:? '(?P<h72>{H})'",
    );
    ENDED = r"(?:\((?P<h1>{H}|{V}):(?P<p1>[0-9]{1,5})\)\s*$|\[(?P<h2>{H}|{V})\]:(?P<p2>[0-9]{1,5}))";
    NUMERIC = concat!(
        r"(?:dial (?:tcp|udp)[46]?|connect E[A-Z]+|(?:connect|read|write|send) E[A-Z]+) (?P<v1>{V}|{H}):(?P<p1>[0-9]{1,5})(?: - Local \((?P<l1>{V}):(?P<lp1>[0-9]{1,5})\))?",
        r"|(?:read|write) tcp[46]? (?P<l2>{V}):(?P<lp2>[0-9]{1,5})->(?P<v2>{V}):(?P<p2>[0-9]{1,5})",
        r"|Connect call failed \('(?P<v3>[^']+)', (?P<p3>[0-9]{1,5})",
        r"|connect to address (?P<v4>{V})",
        r"|\baddr=(?P<v6>{V}):(?P<p6>[0-9]{1,5})",
        r"|address: '(?P<v5>[^']+)'",
    );
    ATTEMPTED = r"attempted addresses: (?P<list>[^,)]+(?:, [^,)]+:[0-9]+)*)";
    URL = r"(?i)(?-u:\b)(?P<s>[a-z][a-z0-9+.-]{1,14}(?::thin:@|:oci:@)?)(?:://|(?:thin:|oci:)?@//|:thin:@|:@)(?:[^\s/@\x22']+@)?(?:(?P<h>{H})|(?P<v>\[[0-9A-Za-z:.%]+\]))(?::(?P<p>[0-9]{1,5})(?:\D|$))?";
    PORTED = r"(?-u:\b)(?P<h>(?:[[A-Za-z0-9_]-]+\.)+[A-Za-z]{2,24}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}):(?P<p>[0-9]{2,5})(?-u:\b)";
    KEYED = r"(?i)(?:^|[\s,{(\[\x22'])(?:host(?:name)?|server|target|peer|remote|upstream|dest(?:ination)?|endpoint)[\x22']?\s?[=:]\s?[\x22']?(?P<h>(?:[[A-Za-z0-9_]-]+\.)+[A-Za-z]{2,24}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::(?P<p>[0-9]{2,5}))?";
    KEYED_PORT = r"(?-u:\b)port: ([0-9]{1,5})(?-u:\b)";
}

static ARROW: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" => "));

/// The destination that a failure's own words name.
pub(super) fn named(text: &str) -> Place {
    let mut place = Place::default();
    let has = |finder: &Finder<'_>| finder.find(text.as_bytes()).is_some();
    if has(&ARROW)
        && let Some(found) = PROXIED.captures(text)
    {
        place.proxy = true;
        take(&mut place, &found);
        return place;
    }
    if text.contains("annot connect to proxy") || text.contains("nable to connect to proxy") {
        // Python names the destination first, which never came into it.
        if let Some(found) = PROXY_ITSELF.captures(text) {
            take(&mut place, &found);
        }
        place.proxy = true;
        return place;
    }
    if text.contains("proxyconnect tcp: ") || text.contains("proxy: ") && text.contains("resolve proxy") {
        place.proxy = true;
    }
    if let Some(found) = LISTED.captures(text) {
        take(&mut place, &found);
        for item in found["list"].split(',') {
            let (name, number) = item.trim().split_once('/').unwrap_or(("", item.trim()));
            if let Some(address) = address(number) {
                place.add(address);
                if place.host.is_none() {
                    place.set_host(name);
                }
            }
        }
    } else if text.contains(": GOAWAY received") {
        // What stands before it is the local end.
    } else if let Some(found) = SLASHED.captures(text).filter(|found| is_slashed(found)) {
        take(&mut place, &found);
    }
    if !place.proxy
        && let Some(url) = url(text)
    {
        place.absorb(&url);
    }
    for found in TELLING.captures_iter(text).take(8) {
        place.absorb(&numbered(&TELLING, &found));
    }
    for found in NUMERIC.captures_iter(text).take(16) {
        place.absorb(&numbered(&NUMERIC, &found));
    }
    if let Some(found) = ATTEMPTED.captures(text) {
        for item in found["list"].split(", ") {
            if let Some((number, port_text)) = item.rsplit_once(':') {
                place.set_host(number);
                place.port = place.port.or_else(|| port(port_text));
            }
        }
    }
    if !place.is_somewhere()
        && let Some(found) = ENDED.captures(text)
        && !found.name("h1").is_some_and(|host| is_source(host.as_str()))
    {
        place.absorb(&numbered(&ENDED, &found));
    }
    place
}

/// The destination of the first URL that can be one.
fn url(text: &str) -> Option<Place> {
    // What every URL has, whatever its scheme.
    static SIGNS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| ["//", ":@"].map(Finder::new));
    if !SIGNS.iter().any(|sign| sign.find(text.as_bytes()).is_some()) {
        return None;
    }
    URL.captures_iter(text).take(8).find(|url| is_target(text, url)).map(|url| of_url(&url))
}

/// The destination that the line around a failure, or before it, speaks of.
pub(super) fn around(text: &str) -> Place {
    let mut place = Place::default();
    if let Some(url) = url(text) {
        return url;
    }
    if let Some(found) =
        SLASHED.captures(text).filter(|found| found.name("v").is_some() && found.name("h").is_some())
    {
        take(&mut place, &found);
        return place;
    }
    if let Some(found) = KEYED.captures(text) {
        take(&mut place, &found);
        if place.port.is_none() {
            place.port = KEYED_PORT.captures(text).and_then(|found| port(&found[1]));
        }
        return place;
    }
    for found in PORTED.captures_iter(text).take(8) {
        if !is_source(&found["h"]) {
            take(&mut place, &found);
            return place;
        }
    }
    place
}

/// A file of source code, whose line number looks like a port.
fn is_source(name: &str) -> bool {
    let end = name.rsplit('.').next().unwrap_or_default();
    matches!(
        end,
        "java"
            | "kt"
            | "scala"
            | "groovy"
            | "go"
            | "py"
            | "js"
            | "mjs"
            | "ts"
            | "rb"
            | "php"
            | "c"
            | "cc"
            | "cpp"
            | "rs"
            | "cs"
            | "jar"
            | "class"
            | "xml"
            | "yml"
            | "sql"
            | "html"
            | "jsp"
            | "vue"
            | "tsx"
    )
}

/// Whether a URL in a text can be where something failed: not what the text refers the reader to.
fn is_target(text: &str, url: &Captures<'_>) -> bool {
    let whole = url.get(0).expect("the match");
    let before =
        text[..whole.start()].trim_end_matches(['"', '\'', '(', '<', ' ', '`', '[']).to_ascii_lowercase();
    let referred =
        ["see", "visit", "docs", "more information", "details", "refer to", "help", "documentation at"];
    let host = &text[whole.start()..whole.end()];
    let known = [
        "curl.haxx.se",
        "curl.se/",
        "help.github.com",
        "/error/",
        "bit.ly",
        "docs.oracle.com",
        "docs.microsoft.com",
        "learn.microsoft.com",
        "aka.ms",
        "dev.mysql.com",
        "docs.python.org",
        "docs.aws.amazon.com",
        "cwiki.apache.org",
        "stackoverflow.com",
    ];
    !referred.iter().any(|word| before.ends_with(word) || before.ends_with(&format!("{word}:")))
        && !known.iter().any(|known| host.contains(known))
        && !matches!(&url["s"].to_ascii_lowercase()[..], "file" | "jar" | "classpath" | "urn" | "data")
        // `dial tcp: lookup` and the like: what is no URL has no `//`.
        && (whole.as_str().contains("//") || whole.as_str().contains(":@"))
}

fn of_url(url: &Captures<'_>) -> Place {
    let mut place = Place::default();
    take(&mut place, url);
    let scheme = url["s"].to_ascii_lowercase();
    let scheme = scheme.split(':').next().unwrap_or(&scheme);
    let scheme = scheme.rsplit('+').next().unwrap_or(scheme);
    if place.port.is_none() {
        place.port = usual_port(scheme);
        place.implied = place.port.is_some();
    }
    place
}

/// `name/address`, and no path of a URL or a file.
fn is_slashed(found: &Captures<'_>) -> bool {
    found.name("v").is_some() || found.get(0).is_some_and(|all| all.as_str().contains("unresolved"))
}

fn take(place: &mut Place, found: &Captures<'_>) {
    if let Some(host) = found.name("h") {
        place.set_host(host.as_str());
    }
    if let Some(address) = optional(found, "v").and_then(address) {
        place.add(address);
    }
    place.port = place.port.or_else(|| optional(found, "p").and_then(port));
    if let (Some(ip), Some(number)) = (optional(found, "l").and_then(address), optional(found, "lp")) {
        place.local = number.parse().ok().map(|number| SocketAddr::new(ip, number));
    }
}

fn optional<'a>(found: &'a Captures<'_>, name: &str) -> Option<&'a str> {
    found.name(name).map(|group| group.as_str())
}

/// Of a pattern with alternatives: their groups have numbers, and only those of one of them are there.
fn numbered(pattern: &Regex, found: &Captures<'_>) -> Place {
    let (mut host, mut value, mut number, mut local, mut local_number) = (None, None, None, None, None);
    for (name, group) in pattern.capture_names().zip(found.iter()) {
        let (Some(name), Some(group)) = (name, group) else { continue };
        let of = match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "h" => &mut host,
            "v" => &mut value,
            "p" => &mut number,
            "l" => &mut local,
            _ => &mut local_number,
        };
        *of = Some(group.as_str());
    }
    let mut place = Place::default();
    for text in [host, value].into_iter().flatten() {
        place.set_host(text);
    }
    if host.is_some() || value.is_some() {
        place.port = number.and_then(port);
        if let (Some(ip), Some(local)) = (local.and_then(address), local_number) {
            place.local = local.parse().ok().filter(|&port| port != 0).map(|port| SocketAddr::new(ip, port));
        }
    }
    place
}
