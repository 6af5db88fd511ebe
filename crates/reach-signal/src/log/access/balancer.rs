//! AWS's load balancers: `https 2024-03-11T00:12:33.186641Z app/lb/50dc 192.0.2.7:2817 203.0.113.7:80 0.000 0.001 0.000 200
//! 200 …`, and the classic one, which has no type before it.

use reach_core::Time;

use super::{Hit, Try, leading_status, seconds, server};
use crate::log::stamp::Stamps;

/// A request, if the line is one.
///
/// Source: AWS, Access logs for your Application Load Balancer; Access logs for your Classic Load Balancer.
pub(super) fn read(line: &str, stamps: &mut Stamps, heard: Time) -> Option<Hit> {
    const TYPES: [&str; 6] = ["http ", "https ", "h2 ", "grpcs ", "ws ", "wss "];
    let line = TYPES.iter().find_map(|kind| line.strip_prefix(kind)).unwrap_or(line);
    let bytes = line.as_bytes();
    if bytes.get(10) != Some(&b'T') || !bytes.first()?.is_ascii_digit() {
        return None;
    }
    let stamp = stamps.read(line, heard).filter(|stamp| stamp.is_zoned)?;
    let mut parts = line.get(stamp.end..)?.strip_prefix(' ')?.split(' ');
    let (_balancer, client, target) = (parts.next()?, parts.next()?, parts.next()?);
    let (before, took, _after) = (parts.next()?, parts.next()?, parts.next()?);
    let (status, answered) = (parts.next()?, parts.next()?);
    // What else begins with such a time has no numbers there.
    let is_time = |text: &str| text == "-1" || seconds(text).is_some();
    if !client.contains(':') || !is_time(before) || !is_time(took) {
        return None;
    }
    let status = leading_status(status.as_bytes()).filter(|_| status != "-")?;
    let tried = server(target);
    let tries = (target != "-" && (tried.address.is_some() || tried.name.is_some())).then(|| Try {
        status: leading_status(answered.as_bytes()).filter(|status| *status > 0),
        elapsed: seconds(took),
        ..tried
    });
    Some(Hit { at: Some(stamp.at), status, tries: tries.into_iter().collect(), was_repeated: false })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn hit(line: &str) -> Option<Hit> {
        read(line, &mut Stamps::new(TimeZone::UTC), Time::from_micros(1_710_117_000_000_000))
    }

    #[test]
    fn both_kinds_are_read_and_name_the_target_that_failed() {
        let fine = hit(
            r#"https 2024-03-11T00:12:33.186641Z app/lb/50dc6c495c0c9188 192.0.2.7:2817 203.0.113.7:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example:443/?k=secret HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:x "Root=1" "www.example" "arn" 1 2024-03-11T00:12:33.1Z "forward" "-" "-" "203.0.113.7:80" "200" "-" "-""#,
        );
        let fine = fine.expect("a request");
        assert_eq!((fine.status, fine.at.map(Time::as_secs)), (200, Some(1_710_115_953)));
        assert_eq!((fine.tries[0].address, fine.tries[0].status), (Some([203, 0, 113, 7].into()), Some(200)));
        let failed = hit(
            r#"http 2024-03-11T00:12:33.186641Z app/lb/50dc 192.0.2.7:2817 203.0.113.8:80 0.000 -1 -1 504 - 34 366 "GET http://www.example:80/ HTTP/1.1" "x" - - arn "Root=1" "-" "-" 0 2024-03-11T00:12:23.1Z "forward" "-" "-" "203.0.113.8:80" "-" "-" "-""#,
        );
        let failed = failed.expect("a request");
        assert!(failed.status == 504 && failed.tries[0].is_failed());
        let refused = hit(
            r#"h2 2024-03-11T00:12:33.186641Z app/lb/50dc 192.0.2.7:2817 - -1 -1 -1 503 - 34 366 "GET https://www.example:443/ HTTP/2.0" "x" - -"#,
        );
        assert_eq!(refused.map(|hit| (hit.status, hit.tries.len())), Some((503, 0)));
        let classic = hit(
            r#"2024-03-11T00:12:33.945958Z my-lb 192.0.2.7:2817 203.0.113.7:80 0.000073 0.001048 0.000057 502 502 0 29 "GET http://www.example:80/ HTTP/1.1" "curl/7.38.0" - -"#,
        );
        assert_eq!(classic.map(|hit| hit.status), Some(502));
    }

    #[test]
    fn connections_without_requests_and_other_logs_are_none() {
        for line in [
            r#"2024-03-11T00:12:33.945958Z my-lb 192.0.2.7:2817 203.0.113.7:80 0.000069 0.000028 0.000041 - - 82 305 "- - - " "-" - -"#,
            "2024-03-11T00:12:33.945Z INFO 7 --- [main] c.m.App : 200 200 ok",
            "https is what it speaks",
        ] {
            assert_eq!(hit(line), None, "{line}");
        }
    }
}
