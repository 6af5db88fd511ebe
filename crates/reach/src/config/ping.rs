//! What `reach ping` is to do.

use std::{net::IpAddr, time::Duration};

use reach_core::{
    model::{Families, Host, Target},
    ping::{Method, Pace, PingPlan},
};
use reach_net::sys::Leaving;
use reach_report::ping::Lines;

use super::{Errand, Output, Problems, Surroundings, keep, match_families, plan, targets};
use crate::{
    cli::{MtuDiscovery, PingArgs},
    output::shown,
};

/// What `reach ping` is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Ping {
    /// The targets, and how to find their addresses.
    pub errand: Errand,
    /// Ping one address of each name only.
    pub first: bool,
    /// How to ping.
    pub plan: PingPlan,
    /// From where, and with which TOS or traffic class byte.
    pub leaving: Leaving,
    /// Which lines are wanted.
    pub lines: Lines,
    /// No lines at all but the summary.
    pub quiet: bool,
    /// How to show the result.
    pub output: Output,
}

/// What ordinary users may do at most, as with `ping` (iputils): one request in 2 ms.
const USERS: Duration = Duration::from_millis(2);
/// What root may do at most without flooding.
const ROOT: Duration = Duration::from_millis(1);
/// The largest payload of an IPv4 packet: 65,535 bytes without the headers of IP and ICMP.
const MOST_BYTES: u16 = 65_507;

/// Understands `reach ping`. `seed` is used where none was typed.
pub fn ping(args: &PingArgs, around: &Surroundings, seed: u64) -> Result<Ping, Problems> {
    let mut problems = Problems::new();
    let output = keep(Output::new(&args.output, around), &mut problems);
    let targets = targets::targets(&args.targets, &mut problems);
    match_families(&args.names, &targets, &mut problems);
    let names = plan(&args.names, None, None, seed, &mut problems);
    let interval = keep(span("-i", &args.interval, Duration::ZERO), &mut problems);
    let pace = interval.and_then(|interval| keep(pace(args, interval, around.is_root), &mut problems));
    let timeout = keep(span("-W", &args.timeout, Duration::from_millis(1)), &mut problems);
    let shortest = Duration::from_millis(10);
    let deadline = args.stop_after.as_deref().map(|text| span("-w", text, shortest));
    let deadline = deadline.and_then(|span| keep(span, &mut problems));
    let count = args.count.as_deref().map(|text| number("-c", text, 1, u64::MAX));
    let count = count.and_then(|count| keep(count, &mut problems));
    let size = keep(number("-s", &args.size, 0, u64::from(MOST_BYTES)), &mut problems);
    let ttl = args.ttl.as_deref().map(|text| number("-t", text, 1, 255));
    let ttl = ttl.and_then(|ttl| keep(ttl, &mut problems));
    let class = args.tos.as_deref().map(traffic_class);
    let traffic_class = class.and_then(|class| keep(class, &mut problems));
    let leaving = args.source.as_deref().map_or(Ok(Leaving::default()), |text| leaving("-I", text));
    let leaving = keep(leaving, &mut problems).unwrap_or_default();
    if let Some(source) = leaving.source {
        match_source("-I", source, &targets, &mut problems);
    }
    let (Some(output), Some(mut names), Some(pace), Some(timeout), Some(size), true) =
        (output, names, pace, timeout, size, problems.is_empty())
    else {
        return Err(problems);
    };
    let seed = names.seed;
    match leaving.source {
        Some(IpAddr::V4(_)) => names.families = Families::V4,
        Some(IpAddr::V6(_)) => names.families = Families::V6,
        None => {}
    }
    Ok(Ping {
        errand: Errand { targets, plan: names, record: None, leaving },
        first: args.first,
        plan: PingPlan {
            method: if args.tcp { Method::Tcp } else { Method::Icmp },
            count,
            pace,
            deadline,
            timeout,
            size: u16::try_from(size).unwrap_or(MOST_BYTES),
            ttl: ttl.and_then(|ttl| u8::try_from(ttl).ok()),
            dont_fragment: args.df || args.mtu_discovery == Some(MtuDiscovery::Do),
            seed,
        },
        leaving: Leaving { traffic_class, ..leaving },
        lines: Lines { stamps: args.timestamps, outstanding: args.outstanding || args.output.verbose },
        quiet: args.quiet,
        output,
    })
}

/// How fast a user may send.
fn pace(args: &PingArgs, interval: Duration, is_root: bool) -> Result<Pace, String> {
    let text = shown(&args.interval);
    // With -f the usual interval of a second means nothing.
    let least = if args.flood && args.interval == "1" { Duration::ZERO } else { interval };
    match (args.flood, is_root) {
        (true, true) => Ok(Pace::Flood { least }),
        (true, false) if least < USERS => {
            Err("-f without root needs an interval of at least 2 ms; add `-i 2ms`, or run it as root"
                .to_owned())
        }
        (true, false) => Ok(Pace::Flood { least }),
        // As with ping, no interval at all is a flood.
        (false, true) if interval.is_zero() => Ok(Pace::Flood { least: interval }),
        (false, true) if interval < ROOT => {
            Err(format!("-i `{text}` is too short; it takes at least 1ms, or -f for as fast as answers come"))
        }
        (false, false) if interval < USERS => {
            Err(format!("-i `{text}` is too short; users may send every 2ms, root every 1ms or with -f"))
        }
        (false, _) => Ok(Pace::Every(interval)),
    }
}

/// A span as `ping` takes it, in seconds (`0.2`), or with a unit (`200ms`).
fn span(option: &str, text: &str, least: Duration) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(30 * 86_400);
    let show = shown(text);
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let span = if plain {
        text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    } else {
        humantime::parse_duration(text).ok()
    };
    let span = span.ok_or_else(|| {
        format!("{option} `{show}` is no time; give seconds like 0.2, or a time with its unit like 200ms")
    })?;
    if span < least {
        let least = humantime::format_duration(least);
        return Err(format!("{option} `{show}` is too short; it takes at least {least}"));
    }
    if span > LONGEST {
        return Err(format!("{option} `{show}` is too long; it may take at most 30 days"));
    }
    Ok(span)
}

fn number(option: &str, text: &str, least: u64, most: u64) -> Result<u64, String> {
    text.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        let show = shown(text);
        match most {
            u64::MAX => format!("{option} `{show}`: give a number of at least {least}"),
            _ => format!("{option} `{show}`: give a number from {least} to {most}"),
        }
    })
}

/// A DSCP by its name (RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622), which stands in the upper six bits, or
/// the whole byte by number.
fn traffic_class(text: &str) -> Result<u8, String> {
    let name = text.to_ascii_lowercase();
    let digits = |name: &str, prefix: &str| -> Option<Vec<u8>> {
        name.strip_prefix(prefix)?
            .chars()
            .map(|c| c.to_digit(10).and_then(|d| u8::try_from(d).ok()))
            .collect()
    };
    let dscp = match name.as_str() {
        "be" | "df" => Some(0),
        "le" => Some(1),
        "va" => Some(44),
        "ef" => Some(46),
        _ => match (digits(&name, "cs").as_deref(), digits(&name, "af").as_deref()) {
            (Some(&[class @ 0..=7]), _) => Some(class * 8),
            (_, Some(&[class @ 1..=4, drop @ 1..=3])) => Some(class * 8 + drop * 2),
            _ => None,
        },
    };
    let byte = match name.strip_prefix("0x") {
        Some(hexadecimal) => u8::from_str_radix(hexadecimal, 16).ok(),
        None => name.parse().ok(),
    };
    dscp.map(|dscp| dscp << 2).or(byte).ok_or_else(|| {
        format!(
            "-Q `{}` is no traffic class; give a DSCP like ef, af41 or cs1, or a byte like 184 or 0xb8",
            shown(text)
        )
    })
}

/// An interface, or a source address.
/// An address of this host, or an interface.
pub(super) fn leaving(option: &str, text: &str) -> Result<Leaving, String> {
    if let Ok(address) = text.parse() {
        return Ok(Leaving { source: Some(address), ..Leaving::default() });
    }
    let interface = text.parse().map_err(|_| {
        format!(
            "{option} `{}` is neither an address nor an interface; give one like 192.0.2.1 or eth0",
            shown(text)
        )
    })?;
    Ok(Leaving { interface: Some(interface), ..Leaving::default() })
}

/// Tells of targets that packets from this address cannot go to.
pub(super) fn match_source(option: &str, source: IpAddr, targets: &[Target], problems: &mut Problems) {
    for target in targets {
        if let Host::Address(address) = target.host
            && address.is_ipv4() != source.is_ipv4()
        {
            problems.push(format!(
                "{option} `{source}` is of another family than `{}`; give a source address of the same",
                shown(&target.text)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn understood(line: &str, is_root: bool) -> Result<Ping, Problems> {
        let words = format!("reach ping {line}");
        match Cli::try_parse_from(words.split_whitespace()).map(|cli| cli.command) {
            Ok(Command::Ping(args)) => ping(&args, &Surroundings { is_root, ..Surroundings::default() }, 7),
            Ok(other) => panic!("{line}: {other:?}"),
            Err(error) => panic!("{line}: {error}"),
        }
    }

    fn by_user(line: &str) -> Ping {
        understood(line, false).unwrap_or_else(|problems| panic!("{line}: {problems:?}"))
    }

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        let plan = by_user("a.example -i 0.2 -W 1500ms -w 10").plan;
        assert_eq!(plan.pace, Pace::Every(Duration::from_millis(200)));
        assert_eq!(plan.timeout, Duration::from_millis(1_500));
        assert_eq!(plan.deadline, Some(Duration::from_secs(10)));
        assert_eq!(by_user("a.example").plan, PingPlan { seed: 7, ..PingPlan::default() });
    }

    #[test]
    fn speed_is_by_privilege() {
        let pace = |line: &str, is_root| {
            understood(&format!("a.example {line}"), is_root).map(|ping| ping.plan.pace)
        };
        let flood = |ms| Ok(Pace::Flood { least: Duration::from_millis(ms) });
        assert_eq!(pace("-i 2ms", false), Ok(Pace::Every(Duration::from_millis(2))));
        assert_eq!(pace("-i 1ms", true), Ok(Pace::Every(Duration::from_millis(1))));
        assert_eq!(pace("-i 0", true), flood(0));
        assert_eq!(pace("-f", true), flood(0));
        assert_eq!(pace("-f -i 0.002", false), flood(2));
        for (line, is_root, part) in [
            ("-i 1.9ms", false, "users may send every 2ms"),
            ("-i 0", false, "users may send every 2ms"),
            ("-f", false, "-i 2ms"),
            ("-i 0.5ms", true, "at least 1ms"),
        ] {
            let problems = pace(line, is_root).expect_err(line);
            assert!(problems.len() == 1 && problems[0].contains(part), "{line}: {problems:?}");
        }
    }

    #[test]
    fn traffic_classes_have_names_and_numbers() {
        for (text, byte) in [
            ("ef", 184),
            ("EF", 184),
            ("af41", 136),
            ("cs1", 32),
            ("be", 0),
            ("le", 4),
            ("0xb8", 184),
            ("16", 16),
        ] {
            assert_eq!(by_user(&format!("a.example -Q {text}")).leaving.traffic_class, Some(byte), "{text}");
        }
    }

    #[test]
    fn the_source_is_an_address_or_an_interface() {
        let ping = |text: &str| by_user(&format!("a.example -I {text}"));
        assert_eq!(ping("eth0").leaving.interface, "eth0".parse().ok());
        assert_eq!(ping("192.0.2.1").leaving.source, Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(ping("192.0.2.1").errand.plan.families, Families::V4);
        assert_eq!(ping("2001:db8::1").errand.plan.families, Families::V6);
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        for (line, part) in [
            ("a.example -c 0", "-c `0`: give a number of at least 1"),
            ("a.example -c many", "-c `many`"),
            ("a.example -i soon", "-i `soon` is no time; give seconds like 0.2"),
            ("a.example -i .", "-i `.` is no time"),
            ("a.example -W 0", "-W `0` is too short"),
            ("a.example -w 99days", "at most 30 days"),
            ("a.example -s 70000", "0 to 65507"),
            ("a.example -t 256", "1 to 255"),
            ("a.example -Q af44", "ef, af41 or cs1"),
            ("a.example -Q 256", "-Q `256`"),
            ("a.example -I a/b", "neither an address nor an interface"),
            ("a.example -I averyverylongname0", "eth0"),
            ("192.0.2.1 -6", "-6"),
            ("192.0.2.1 -I 2001:db8::1", "another family"),
            ("a..example", "`a..example`"),
        ] {
            let problems = understood(line, false).expect_err(line);
            assert!(problems.len() == 1 && problems[0].contains(part), "{line}: {problems:?}");
        }
    }
}
