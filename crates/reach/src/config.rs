//! What was typed, understood: parsed once, all of it, before anything is sent.

mod connect;
mod duration;
pub mod logs;
pub mod moment;
mod output;
pub mod ping;
pub(crate) mod proxy;
pub mod request;
pub(crate) mod secret;
mod targets;
pub mod trace;
pub mod watch;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6},
    path::PathBuf,
};

use reach_core::model::{self, Families, Host, Plan, Target};
use reach_net::sys::Leaving;

pub use self::{
    connect::{Connect, Manner, Session, connect, is_url},
    output::{Output, Surroundings},
    proxy::ProxyChoice,
};
use crate::{
    cli::{CheckArgs, Effort, NameArgs, ResolveArgs},
    output::shown,
};

/// What is wrong, one sentence each; each names the input, what is wrong with it and what would be right.
pub type Problems = Vec<String>;

/// What `reach check` is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Where the observations come from.
    pub source: Source,
    /// How to show the result.
    pub output: Output,
}

/// Where the observations of a check come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// From the network, now.
    Network(Errand),
    /// From a recording.
    Recording(PathBuf),
}

/// What to examine on the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Errand {
    /// The targets, none of them twice.
    pub targets: Vec<Target>,
    /// How thoroughly.
    pub plan: Plan,
    /// Where to write down what is observed.
    pub record: Option<PathBuf>,
    /// How packets leave this host.
    pub leaving: Leaving,
}

/// What `reach resolve` is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolve {
    /// The names.
    pub errand: Errand,
    /// How to show the result.
    pub output: Output,
}

/// Understands `reach check`. `seed` is used where none was typed.
pub fn check(args: &CheckArgs, around: &Surroundings, seed: u64) -> Result<Check, Problems> {
    let mut problems = Problems::new();
    let output = keep(Output::new(&args.output, around), &mut problems);
    let source = match &args.replay {
        Some(path) => Some(Source::Recording(path.clone())),
        None => errand(args, seed, &mut problems).map(Source::Network),
    };
    match (source, output) {
        (Some(source), Some(output)) if problems.is_empty() => Ok(Check { source, output }),
        _ => Err(problems),
    }
}

/// Understands `reach resolve`. `seed` is used where none was typed.
pub fn resolve(args: &ResolveArgs, around: &Surroundings, seed: u64) -> Result<Resolve, Problems> {
    let mut problems = Problems::new();
    let output = keep(Output::new(&args.output, around), &mut problems);
    let targets = targets::targets(&args.targets, &mut problems);
    for target in &targets {
        if let Host::Address(address) = target.host {
            problems.push(format!("`{address}` is an address already; give a name to resolve"));
        }
    }
    let plan = plan(&args.names, None, None, seed, &mut problems);
    match (plan, output) {
        (Some(plan), Some(output)) if problems.is_empty() => Ok(Resolve {
            errand: Errand { targets, plan, record: None, leaving: Leaving::default() },
            output,
        }),
        _ => Err(problems),
    }
}

/// What was understood; what is wrong goes to the other problems.
pub(crate) fn keep<T>(result: Result<T, String>, problems: &mut Problems) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

fn errand(args: &CheckArgs, seed: u64, problems: &mut Problems) -> Option<Errand> {
    let mut targets = targets::targets(&args.targets, problems);
    let plan =
        plan(&args.names, args.connect_timeout.as_deref(), args.read_timeout.as_deref(), seed, problems);
    let choice = TlsChoice { tls: args.tls, no_tls: args.no_tls, server_name: args.server_name.as_deref() };
    choose_tls(&choice, &mut targets, problems);
    name_server(&choice, &mut targets, problems);
    match_families(&args.names, &targets, problems);
    one_host_each(&targets, problems);
    Some(Errand { targets, plan: plan?, record: args.record.clone(), leaving: Leaving::default() })
}

/// What was typed about TLS.
struct TlsChoice<'a> {
    tls: bool,
    no_tls: bool,
    server_name: Option<&'a str>,
}

fn choose_tls(args: &TlsChoice<'_>, targets: &mut [Target], problems: &mut Problems) {
    for target in targets {
        let text = shown(&target.text);
        if args.tls && text.starts_with("http://") {
            problems.push(format!("`{text}` says no TLS and --tls says TLS; write it with https://"));
        }
        if args.no_tls && text.starts_with("https://") {
            problems.push(format!("`{text}` says TLS and --no-tls says no TLS; write it with http://"));
        }
        target.tls = (target.tls || args.tls) && !args.no_tls;
        if args.tls && !text.contains("://") {
            // Port 80 alone means a plain request, which TLS takes the place of.
            target.http_path = None;
        }
    }
}

fn name_server(args: &TlsChoice<'_>, targets: &mut [Target], problems: &mut Problems) {
    let Some(text) = args.server_name else { return };
    let name = match server_name("--server-name", text) {
        Ok(name) => name,
        Err(problem) => return problems.push(problem),
    };
    if !targets.is_empty() && !targets.iter().any(|target| target.tls) {
        let target = shown(&targets[0].text);
        problems.push(format!(
            "--server-name `{}`: `{target}` is not tested with TLS, so no name is sent; add --tls",
            shown(text)
        ));
    }
    for target in targets.iter_mut().filter(|target| target.tls) {
        target.server_name = Some(name.clone());
    }
}

fn server_name(option: &str, text: &str) -> Result<String, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let plain = !text.contains([':', '/', '@', '[']);
    match text.parse::<Target>() {
        Ok(Target { host: Host::Name(name), .. }) if plain => Ok(name.trim_end_matches('.').to_owned()),
        _ => Err(format!("{option} `{}` is no DNS name; give a name like api.example.com", shown(text))),
    }
}

/// A connection leads to one host.
fn one_host_each(targets: &[Target], problems: &mut Problems) {
    for target in targets {
        let Host::Address(address) = target.host else { continue };
        let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
        if address.is_multicast() || broadcast {
            let kind = if broadcast { "broadcast" } else { "multicast" };
            let text = shown(&target.text);
            problems.push(format!(
                "`{text}` is a {kind} address, behind which is no single host; give that of a host"
            ));
        }
    }
}

fn match_families(names: &NameArgs, targets: &[Target], problems: &mut Problems) {
    for target in targets {
        let Host::Address(address) = target.host else { continue };
        let text = shown(&target.text);
        if names.ipv4 && address.is_ipv6() {
            problems.push(format!("`{text}` is an IPv6 address and -4 asks for IPv4 only; leave one out"));
        }
        if names.ipv6 && address.is_ipv4() {
            problems.push(format!("`{text}` is an IPv4 address and -6 asks for IPv6 only; leave one out"));
        }
    }
}

fn plan(
    names: &NameArgs,
    connect_timeout: Option<&str>,
    read_timeout: Option<&str>,
    seed: u64,
    problems: &mut Problems,
) -> Option<Plan> {
    let effort = match names.effort {
        Effort::Quick => model::Effort::Quick,
        Effort::Normal => model::Effort::Normal,
        Effort::Thorough => model::Effort::Thorough,
    };
    let mut plan = Plan::new(effort, names.seed.unwrap_or(seed));
    plan.families = match (names.ipv4, names.ipv6) {
        (true, false) => Families::V4,
        (false, true) => Families::V6,
        _ => Families::Both,
    };
    for text in &names.resolver {
        if let Some(resolver) = keep(resolver("--resolver", text), problems)
            && !plan.extra_resolvers.contains(&resolver)
        {
            plan.extra_resolvers.push(resolver);
        }
    }
    match duration::patience(plan.clone(), connect_timeout, read_timeout, names.deadline.as_deref()) {
        Ok(plan) => Some(plan),
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}

/// `ADDRESS`, `ADDRESS:PORT` or `[V6ADDRESS]:PORT`; port 53 unless another is given.
pub(crate) fn resolver(option: &str, text: &str) -> Result<SocketAddr, String> {
    const PORT: u16 = 53;
    if let Ok(address) = text.parse::<IpAddr>() {
        return usable(option, text, SocketAddr::new(address, PORT));
    }
    if let Ok(resolver) = text.parse::<SocketAddr>() {
        return usable(option, text, resolver);
    }
    if let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        && let Ok(address) = inside.parse()
    {
        return usable(option, text, SocketAddrV6::new(address, PORT, 0, 0).into());
    }
    Err(format!(
        "{option} `{}` is no address; give one like 10.0.0.53, 10.0.0.53:5353 or [2001:db8::53]:5353",
        shown(text)
    ))
}

fn usable(option: &str, text: &str, resolver: SocketAddr) -> Result<SocketAddr, String> {
    let text = shown(text);
    if resolver.port() == 0 {
        return Err(format!("{option} `{text}`: a port is a number from 1 to 65535"));
    }
    if resolver.ip().is_unspecified() || resolver.ip().is_multicast() {
        return Err(format!("{option} `{text}` is not the address of one host; give that of a resolver"));
    }
    Ok(resolver)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn understood(line: &str) -> Result<Check, Problems> {
        let words = format!("reach check {line}");
        match Cli::try_parse_from(words.split_whitespace()).map(|cli| cli.command) {
            Ok(Command::Check(args)) => check(&args, &Surroundings::default(), 7),
            Ok(other) => panic!("{line}: {other:?}"),
            Err(error) => panic!("{line}: {error}"),
        }
    }

    fn errand(line: &str) -> Errand {
        match understood(line) {
            Ok(Check { source: Source::Network(errand), .. }) => errand,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn resolvers_are_addresses_with_or_without_a_port() {
        let plan = errand(
            "x.example --resolver 10.0.0.53 --resolver 10.0.0.53:5353 --resolver [2001:db8::53]:5353 \
             --resolver 2001:db8::53 --resolver [2001:db8::54] --resolver 10.0.0.53:53",
        )
        .plan;
        let texts: Vec<String> = plan.extra_resolvers.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "10.0.0.53:53",
                "10.0.0.53:5353",
                "[2001:db8::53]:5353",
                "[2001:db8::53]:53",
                "[2001:db8::54]:53"
            ]
        );
    }

    #[test]
    fn a_target_given_twice_is_checked_once() {
        let targets = errand("a.example A.example:443 b.example").targets;
        assert_eq!(
            targets.iter().map(|target| target.text.as_str()).collect::<Vec<_>>(),
            ["a.example:443", "b.example:443"]
        );
    }

    #[test]
    fn tls_can_be_asked_for_and_refused() {
        assert!(errand("a.example:5000 --tls").targets[0].tls);
        assert!(!errand("a.example --no-tls").targets[0].tls);
        let target = &errand("a.example:80 --tls").targets[0];
        assert_eq!((target.tls, target.http_path.as_deref()), (true, None));
        assert_eq!(errand("https://a.example/x --tls").targets[0].http_path.as_deref(), Some("/x"));
        let named = &errand("192.0.2.1 --server-name WWW.example.com.").targets[0];
        assert_eq!(named.server_name.as_deref(), Some("www.example.com"));
    }

    #[test]
    fn longer_time_outs_move_the_deadline_and_a_shorter_deadline_bounds_them() {
        let usual = errand("a.example").plan;
        let patient = errand("a.example --connect-timeout 10s").plan;
        assert_eq!(patient.deadline, usual.deadline + Duration::from_secs(10) - usual.connect_timeout);
        let hasty = errand("a.example --deadline 2s").plan;
        assert_eq!(hasty.deadline.as_secs(), 2);
        assert!(hasty.connect_timeout <= hasty.deadline && hasty.read_timeout <= hasty.deadline);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let problems = understood("a.example:0 b..example --resolver dns.example --deadline 0s --width 5");
        assert_eq!(problems.expect_err("all wrong").len(), 5);
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        for (line, part) in [
            ("a.example:99999", "1 to 65535"),
            ("a.example --resolver dns.example", "10.0.0.53:5353"),
            ("a.example --resolver 10.0.0.53:0", "1 to 65535"),
            ("a.example --resolver 0.0.0.0", "not the address of one host"),
            ("a.example --connect-timeout 0s", "--connect-timeout `0s` is too short"),
            ("a.example --connect-timeout 3", "`3s`"),
            ("a.example --read-timeout soon", "like 500ms"),
            ("a.example --deadline 9years", "at most"),
            ("a.example --deadline 2s --connect-timeout 3s", "--connect-timeout `3s` is not shorter"),
            ("a.example:80 --server-name b.example", "add --tls"),
            ("a.example --server-name https://b.example", "no DNS name"),
            ("https://a.example --no-tls", "http://"),
            ("http://a.example --tls", "https://"),
            ("[2001:db8::1]:443 -4", "-4"),
            ("192.0.2.1 -6", "-6"),
            ("224.0.0.1", "multicast"),
            ("[ff02::1]:443", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("fe80::1%eth0", "zone"),
            ("a.example --width 20", "60 to 500"),
            ("@/nonexistent/hosts.txt", "/nonexistent/hosts.txt"),
            ("@", "@FILE"),
        ] {
            let problems = understood(line).expect_err(line);
            assert!(problems.len() == 1 && problems[0].contains(part), "{line}: {problems:?}");
        }
    }
}
