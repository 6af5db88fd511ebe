//! squid's own form: `1710115953.123    180 192.0.2.7 TCP_MISS/200 411 GET http://www.example/ - HIER_DIRECT/203.0.113.7
//! text/html`.

use std::time::Duration;

use reach_core::Time;

use super::{Hit, Try, leading_status, server};
use crate::log::stamp::Stamps;

/// A request, if the line is one.
///
/// Source: Squid wiki, Features/LogFormat, `squid`.
pub(super) fn read(line: &str, stamps: &mut Stamps, heard: Time) -> Option<Hit> {
    let bytes = line.as_bytes();
    if bytes.get(10) != Some(&b'.') || !bytes.first()?.is_ascii_digit() {
        return None;
    }
    let stamp = stamps.read(line, heard)?;
    let mut parts = line.get(stamp.end..)?.split_ascii_whitespace();
    let (took, _client, result) = (parts.next()?, parts.next()?, parts.next()?);
    let (_bytes, method, url) = (parts.next()?, parts.next()?, parts.next()?);
    let (_user, hierarchy) = (parts.next()?, parts.next()?);
    let took = Duration::from_millis(took.parse().ok()?);
    let (code, status) = result.split_once('/')?;
    let is_code = code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let status = leading_status(status.as_bytes()).filter(|_| is_code)?;
    let (way, peer) = hierarchy.split_once('/')?;
    // Another proxy is no destination of the one who asked.
    let is_direct = way.ends_with("DIRECT");
    let tries = (is_direct && peer != "-").then(|| {
        let asked = if method == "CONNECT" { server(url) } else { authority(url) };
        let peer = server(peer);
        Try {
            address: peer.address.or(asked.address),
            name: asked.name.or(peer.name),
            port: asked.port,
            status: Some(status).filter(|status| *status > 0),
            elapsed: Some(took),
            ..Try::default()
        }
    });
    Some(Hit { at: Some(stamp.at), status, tries: tries.into_iter().collect(), was_repeated: false })
}

/// The server that a URL names, without whatever it has of users.
fn authority(url: &str) -> Try {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let usual = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let found = server(authority);
    Try { port: found.port.or(usual), ..found }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn hit(line: &str) -> Option<Hit> {
        read(line, &mut Stamps::new(TimeZone::UTC), Time::from_micros(1_710_117_000_000_000))
    }

    #[test]
    fn requests_name_the_destination_that_failed_and_nothing_of_the_client() {
        let fine = hit(
            "1710115953.779    180 192.0.2.7 TCP_MISS/200 411 GET http://kim:pw@www.example/a?k=secret kim HIER_DIRECT/203.0.113.7 text/html",
        );
        let fine = fine.expect("a request");
        assert_eq!((fine.status, fine.at.map(Time::as_secs)), (200, Some(1_710_115_953)));
        assert_eq!((fine.tries[0].name.as_deref(), fine.tries[0].port), (Some("www.example"), Some(80)));
        let told = format!("{fine:?}");
        assert!(!told.contains("secret") && !told.contains("kim") && !told.contains("192.0.2.7"), "{told}");
        let failed = hit(
            "1710115953.779  60180 192.0.2.7 TCP_TUNNEL/503 0 CONNECT pg.partner.example:8443 - HIER_DIRECT/203.0.113.9 -",
        );
        let failed = failed.expect("a request").tries;
        assert!(failed[0].is_failed());
        assert_eq!((failed[0].name.as_deref(), failed[0].port), (Some("pg.partner.example"), Some(8443)));
        assert_eq!(failed[0].address, Some([203, 0, 113, 9].into()));
        for line in [
            "1710115953.779      0 192.0.2.7 TCP_DENIED/407 4015 CONNECT www.example:443 - HIER_NONE/- text/html",
            "1710115953.779      0 192.0.2.7 TCP_MEM_HIT/200 4015 GET http://www.example/ - HIER_NONE/- text/html",
            "1710115953.779      7 192.0.2.7 TCP_MISS/504 4015 GET http://www.example/ - FIRSTUP_PARENT/203.0.113.1 text/html",
        ] {
            assert_eq!(hit(line).map(|hit| hit.tries.len()), Some(0), "{line}");
        }
    }

    #[test]
    fn what_only_begins_like_it_is_none() {
        for line in
            ["1710115953.779 [7] app@shop LOG:  x y z a b c", "1710115953.779", "1710115953x779 1 2 3/4"]
        {
            assert_eq!(hit(line), None, "{line}");
        }
    }
}
