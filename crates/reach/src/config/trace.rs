//! What `reach trace` is to do.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use reach_core::model::{Confidence, Families, Host, TracePlan, TraceProtocol};
use reach_net::sys::Leaving;

use super::{
    Errand, Output, Problems, Surroundings, duration, keep, match_families, one_host_each,
    ping::{leaving, match_source},
    plan, shown, targets,
};
use crate::cli::{Sureness, TraceArgs};

/// The port that traceroute(8) sends UDP to: hardly anything listens there.
const UDP_PORT: u16 = 33_434;

/// What `reach trace` is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Where the observations come from.
    pub source: PathSource,
    /// Ask for the names of routers, or show them if they were asked for.
    pub reverse: bool,
    /// The table of autonomous systems.
    pub asn_db: Option<PathBuf>,
    /// What to show.
    pub view: View,
    /// Where to write the graph.
    pub dot: Option<PathBuf>,
    /// Where to write the picture.
    pub svg: Option<PathBuf>,
    /// How to show the result.
    pub output: Output,
}

/// Where the observations come from.
#[derive(Clone, Debug, PartialEq)]
pub enum PathSource {
    /// From the network, now.
    Network(Box<Errand>, TracePlan),
    /// From a recording.
    Recording(PathBuf),
}

/// What to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// One list, or one tree.
    Paths,
    /// One list for each address.
    Each,
    /// Two of the paths side by side.
    Compare(Option<(IpAddr, IpAddr)>),
    /// The whole screen, until somebody leaves.
    Live,
}

/// Understands `reach trace`. `seed` is used where none was typed.
pub fn trace(args: &TraceArgs, around: &Surroundings, seed: u64) -> Result<Trace, Problems> {
    let mut problems = Problems::new();
    let output = keep(Output::new(&args.output, around), &mut problems);
    let view = view(args, around, &mut problems);
    let source = match &args.replay {
        Some(path) => Some(PathSource::Recording(path.clone())),
        None => network(args, seed, &mut problems),
    };
    match (source, output, view) {
        (Some(source), Some(output), Some(view)) if problems.is_empty() => Ok(Trace {
            source,
            reverse: !args.numeric,
            asn_db: args.asn_db.clone(),
            view,
            dot: args.dot.clone(),
            svg: args.svg.clone(),
            output,
        }),
        _ => Err(problems),
    }
}

fn view(args: &TraceArgs, around: &Surroundings, problems: &mut Problems) -> Option<View> {
    if args.live {
        if around.stdout.is_none() || around.dumb {
            problems.push(
                "--live draws on the whole screen of a terminal, and this is none; leave it out".to_owned(),
            );
        }
        return Some(View::Live);
    }
    let Some(addresses) = &args.compare else {
        return Some(if args.each { View::Each } else { View::Paths });
    };
    let parsed: Vec<Option<IpAddr>> = addresses
        .iter()
        .map(|text| {
            let address = text.parse().map_err(|_| {
                format!("--compare `{}` is no address; give two like 192.0.2.7 192.0.2.12", shown(text))
            });
            keep(address, problems)
        })
        .collect();
    match parsed.as_slice() {
        [] => Some(View::Compare(None)),
        [Some(a), Some(b)] if a == b => {
            problems.push(format!("--compare `{a}` `{b}`: these are the same; give two that differ"));
            None
        }
        [Some(a), Some(b)] => Some(View::Compare(Some((*a, *b)))),
        [Some(a)] => {
            problems.push(format!("--compare `{a}`: give two addresses, or none (write targets before it)"));
            None
        }
        _ => None,
    }
}

fn network(args: &TraceArgs, seed: u64, problems: &mut Problems) -> Option<PathSource> {
    let protocol = match (args.udp, args.icmp) {
        (true, _) => TraceProtocol::Udp,
        (_, true) => TraceProtocol::Icmp,
        _ => TraceProtocol::Tcp,
    };
    let usual_port = if protocol == TraceProtocol::Udp { UDP_PORT } else { 443 };
    let port = args.port.as_deref().map(|text| number("-p", text, 1, u16::MAX, problems));
    let mut targets = targets::targets_at(&args.targets, usual_port, problems);
    if let Some(Some(port)) = port {
        for target in &mut targets {
            target.port = port;
            if !target.text.contains("://") {
                target.text = match &target.host {
                    Host::Name(name) => format!("{name}:{port}"),
                    Host::Address(address) => SocketAddr::new(*address, port).to_string(),
                };
            }
        }
    }
    match_families(&args.names, &targets, problems);
    one_host_each(&targets, problems);
    let survey = plan(&args.names, None, None, seed, problems);
    let paths = paths(args, protocol, seed, problems);
    let leaving = args.interface.as_deref().map_or(Ok(Leaving::default()), |text| leaving("-i", text));
    let leaving = keep(leaving, problems)?;
    let mut survey = survey?;
    if let Some(source) = leaving.source {
        match_source("-i", source, &targets, problems);
        survey.families = if source.is_ipv4() { Families::V4 } else { Families::V6 };
    }
    let record = args.record.clone();
    let mut paths = paths?;
    // Each target is traced by itself, at its share of the rate.
    paths.rate = (paths.rate / u32::try_from(targets.len()).unwrap_or(u32::MAX).max(1)).max(1);
    let errand = Box::new(Errand { targets, plan: survey, record, leaving });
    Some(PathSource::Network(errand, paths))
}

fn paths(args: &TraceArgs, protocol: TraceProtocol, seed: u64, problems: &mut Problems) -> Option<TracePlan> {
    let usual = TracePlan::default();
    let first_ttl = number("-f", &args.first, 1, u8::MAX, problems);
    let max_ttl = number("-m", &args.max_hops, 1, u8::MAX, problems);
    if let (Some(first), Some(max)) = (first_ttl, max_ttl)
        && first > max
    {
        problems
            .push(format!("-f `{first}` is beyond the last hop, -m `{max}`; make one of them fit the other"));
    }
    let queries = number("-q", &args.queries, 1, 100, problems);
    let timeout = keep(duration::parse("-w", &args.wait), problems);
    let flows = args.flows.as_deref().map(|text| number("--flows", text, 1, 4096, problems));
    let first_flow =
        args.source_port.as_deref().map(|text| number("--source-port", text, 1024, u16::MAX, problems));
    let size = number("--size", &args.size, 8, 8972, problems);
    let rate = number("--rate", &args.rate, 1, 100_000, problems);
    let deadline = args.names.deadline.as_deref().map(|text| duration::parse("--deadline", text).ok());
    let repeat = args.live.then(|| keep(duration::parse("--every", &args.every), problems));
    let level = match args.confidence {
        Sureness::P95 => 0.95,
        Sureness::P99 => 0.99,
    };
    let timeout = timeout?;
    let repeat = repeat.map_or(Some(None), |every| every.map(Some))?;
    Some(TracePlan {
        protocol,
        first_ttl: first_ttl?,
        max_ttl: max_ttl?,
        all_paths: !args.one_path,
        confidence: Confidence { level, whole_trace: args.whole_trace },
        flows: flows.unwrap_or(Some(usual.flows))?,
        queries: queries?,
        mtu: args.mtu,
        size: size?,
        first_flow: first_flow.map_or(Some(None), |flow| flow.map(Some))?,
        rate: rate?,
        timeout,
        // A longer wait needs a later end, unless one was typed.
        deadline: match deadline {
            Some(deadline) => deadline?,
            None => usual.deadline + timeout.saturating_sub(usual.timeout) * 8,
        },
        repeat,
        seed: args.names.seed.unwrap_or(seed),
    })
}

/// A whole number within bounds.
fn number<T>(option: &str, text: &str, least: T, most: T, problems: &mut Problems) -> Option<T>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display + Copy,
{
    let parsed = text.parse().ok().filter(|number| (least..=most).contains(number));
    if parsed.is_none() {
        problems.push(format!("{option} `{}`: give a number from {least} to {most}", shown(text)));
    }
    parsed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn understood(line: &str) -> Result<Trace, Problems> {
        let words = format!("reach trace {line}");
        match Cli::try_parse_from(words.split_whitespace()).map(|cli| cli.command) {
            Ok(Command::Trace(args)) => trace(&args, &Surroundings::default(), 7),
            Ok(other) => panic!("{line}: {other:?}"),
            Err(error) => panic!("{line}: {error}"),
        }
    }

    fn network(line: &str) -> (Errand, TracePlan) {
        match understood(line) {
            Ok(Trace { source: PathSource::Network(errand, plan), .. }) => (*errand, plan),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn without_options_all_paths_are_traced_by_tcp() {
        let (errand, plan) = network("a.example");
        assert_eq!(plan, TracePlan { seed: 7, ..TracePlan::default() });
        assert_eq!(errand.targets[0].port, 443);
    }

    #[test]
    fn the_letters_of_traceroute_mean_the_same() {
        let (errand, plan) = network("-U -f 2 -m 12 -q 5 -w 3s -p 53 a.example 192.0.2.7:99");
        let ports: Vec<u16> = errand.targets.iter().map(|target| target.port).collect();
        assert_eq!(ports, [53, 53]);
        assert_eq!(errand.targets[1].text, "192.0.2.7:53");
        assert_eq!((plan.protocol, plan.first_ttl, plan.max_ttl), (TraceProtocol::Udp, 2, 12));
        assert_eq!((plan.queries, plan.timeout), (5, Duration::from_secs(3)));
        assert!(plan.deadline > TracePlan::default().deadline);
        assert_eq!(network("-I a.example").1.protocol, TraceProtocol::Icmp);
        assert!(!understood("-n a.example").expect("right").reverse);
    }

    #[test]
    fn udp_goes_to_the_port_of_traceroute_unless_the_target_gives_one() {
        let (errand, _) = network("-U a.example b.example:443 2001:db8::1");
        let ports: Vec<u16> = errand.targets.iter().map(|target| target.port).collect();
        assert_eq!(ports, [33_434, 443, 33_434]);
    }

    #[test]
    fn confidence_and_scope_are_taken_over() {
        let (_, plan) =
            network("a.example --confidence 99 --whole-trace --flows 64 --mtu --rate 50 --size 100");
        assert_eq!(plan.confidence, Confidence { level: 0.99, whole_trace: true });
        assert_eq!((plan.flows, plan.mtu, plan.rate, plan.size), (64, true, 50, 100));
        let (_, plan) = network("a.example b.example --rate 50");
        assert_eq!(plan.rate, 25);
        let (_, plan) = network("a.example --one-path --source-port 40000 --deadline 3s --seed 9");
        assert_eq!((plan.all_paths, plan.first_flow, plan.seed), (false, Some(40_000), 9));
        assert_eq!(plan.deadline, Duration::from_secs(3));
    }

    #[test]
    fn two_addresses_or_none_are_compared() {
        let view = |line: &str| understood(line).expect("right").view;
        assert_eq!(view("a.example --compare"), View::Compare(None));
        let pair = ([192, 0, 2, 7].into(), [192, 0, 2, 12].into());
        assert_eq!(view("a.example --compare 192.0.2.7 192.0.2.12"), View::Compare(Some(pair)));
        assert_eq!(view("a.example --each"), View::Each);
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        for (line, part) in [
            ("a.example -f 0", "-f `0`: give a number from 1 to 255"),
            ("a.example -m 256", "1 to 255"),
            ("a.example -f 9 -m 3", "beyond the last hop"),
            ("a.example -q many", "1 to 100"),
            ("a.example -w 3", "`3s`"),
            ("a.example -p 0", "-p `0`: give a number from 1 to 65535"),
            ("a.example --flows 0", "1 to 4096"),
            ("a.example --source-port 80", "1024 to 65535"),
            ("a.example --size 9000", "8 to 8972"),
            ("a.example --rate 0", "1 to 100000"),
            ("a.example -i eth/0", "-i `eth/0` is neither an address nor an interface"),
            ("a.example 192.0.2.7 -i 2001:db8::1", "of another family"),
            ("a.example --compare 192.0.2.7", "two addresses, or none"),
            ("a.example --compare 192.0.2.7 b.example", "is no address"),
            ("a.example --compare 192.0.2.7 192.0.2.7", "two that differ"),
            ("192.0.2.1 -6", "-6"),
            ("a.example:99999", "1 to 65535"),
        ] {
            let problems = understood(line).expect_err(line);
            assert!(problems.len() == 1 && problems[0].contains(part), "{line}: {problems:?}");
        }
    }
}
