//! What `reach connect` is to do.

use std::{net::IpAddr, time::Duration};

use reach_core::model::{Host, Plan, StartTls, Target};
use reach_net::wire::LineEnd;

use super::{
    Output, Problems, Surroundings, TlsChoice, choose_tls, duration, keep, match_families, name_server,
    one_host_each, plan,
    proxy::{self, ProxyChoice},
    targets,
};
use crate::{
    cli::{self, ConnectArgs},
    output::shown,
};

/// What `reach connect` is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Connect {
    /// The targets, each with the proxy to go through.
    pub targets: Vec<(Target, Option<ProxyChoice>)>,
    /// Resolvers and time-outs.
    pub plan: Plan,
    /// How to connect.
    pub manner: Manner,
    /// The session to hold, if one is wanted.
    pub session: Option<Session>,
    /// How to show the result.
    pub output: Output,
}

/// A session with one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// How typed lines end; `None` for what suits where they come from.
    pub line_end: Option<LineEnd>,
    /// Show what comes as it is.
    pub raw: bool,
}

/// How to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manner {
    /// This address only.
    pub address: Option<IpAddr>,
    /// How long to wait for what the server says first; `None` for as long as suits the port.
    pub listen: Option<Duration>,
    /// The dialogue that leads to TLS.
    pub starttls: Option<StartTls>,
    /// The source port; `None` lets the system choose.
    pub source_port: Option<u16>,
    /// How often each address is tried.
    pub repeat: u32,
    /// From one try of an address to the next.
    pub every: Duration,
}

/// More tries of one address than these would only fill the memory.
const MOST_TRIES: u32 = 100_000;

/// Understands `reach connect`. `variable` reads the environment; `seed` is used where none was typed.
pub fn connect(
    args: &ConnectArgs,
    around: &Surroundings,
    variable: &dyn Fn(&str) -> Option<String>,
    seed: u64,
) -> Result<Connect, Problems> {
    let mut problems = Problems::new();
    let output = keep(Output::new(&args.output, around), &mut problems);
    let mut targets = targets::targets(&typed(&args.targets), &mut problems);
    let plan =
        plan(&args.names, args.connect_timeout.as_deref(), args.read_timeout.as_deref(), seed, &mut problems);
    let choice = TlsChoice {
        tls: args.tls || args.starttls.is_some(),
        no_tls: args.no_tls,
        server_name: args.server_name.as_deref(),
    };
    choose_tls(&choice, &mut targets, &mut problems);
    name_server(&choice, &mut targets, &mut problems);
    match_families(&args.names, &targets, &mut problems);
    one_host_each(&targets, &mut problems);
    for target in &mut targets {
        if !is_url(target) {
            // What is typed as a port is connected to; a request is a URL's.
            target.http_path = None;
        } else if args.starttls.is_some() {
            let text = shown(&target.text);
            problems.push(format!("`{text}` is a URL, whose TLS needs no --starttls; give HOST:PORT"));
        }
    }
    if args.interactive && targets.len() > 1 {
        problems.push("--interactive holds a session with one target; give one".to_owned());
    }
    let session = args.interactive.then(|| Session {
        line_end: args.line_end.map(|end| match end {
            cli::LineEnd::Crlf => LineEnd::CrLf,
            cli::LineEnd::AsIs => LineEnd::Kept,
        }),
        raw: args.raw,
    });
    let manner = manner(args, &targets, &mut problems);
    let targets: Vec<_> = targets
        .into_iter()
        .map(|target| {
            let proxy = keep(choose_proxy(args, &target, variable), &mut problems).flatten();
            (target, proxy)
        })
        .collect();
    match (plan, manner, output) {
        (Some(plan), Some(manner), Some(output)) if problems.is_empty() => {
            Ok(Connect { targets, plan, manner, session, output })
        }
        _ => Err(problems),
    }
}

/// `HOST PORT`, as telnet has it, as one target.
fn typed(arguments: &[String]) -> Vec<String> {
    match arguments {
        [host, port]
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && !port.is_empty()
                && !host.starts_with('@') =>
        {
            let host =
                if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.clone() };
            vec![format!("{host}:{port}")]
        }
        others => others.to_vec(),
    }
}

/// Whether the target was given as a URL.
pub fn is_url(target: &Target) -> bool {
    target.text.contains("://")
}

fn manner(args: &ConnectArgs, targets: &[Target], problems: &mut Problems) -> Option<Manner> {
    let address = args.address.as_deref().map(|text| address(text, args, targets));
    let listen = args.listen.as_deref().map(|text| match text {
        "0" | "0s" => Ok(Duration::ZERO),
        text => duration::parse("--listen", text),
    });
    let every = args.every.as_deref().map(|text| duration::parse("--every", text));
    let repeat = match (&args.repeat, &args.every) {
        (Some(text), _) => number("--repeat", text, MOST_TRIES),
        (None, Some(_)) => Ok(MOST_TRIES),
        (None, None) => Ok(1),
    };
    let port = args.source_port.as_deref().map(|text| number("--source-port", text, u32::from(u16::MAX)));
    let address = keep(address.transpose(), problems);
    let listen = keep(listen.transpose(), problems);
    let every = keep(every.transpose(), problems);
    let repeat = keep(repeat, problems);
    let port = keep(port.transpose(), problems);
    Some(Manner {
        address: address?,
        listen: listen?,
        starttls: args.starttls.map(StartTls::from),
        source_port: port?.and_then(|port| u16::try_from(port).ok()),
        repeat: repeat?,
        every: every?.unwrap_or(Duration::from_secs(1)),
    })
}

fn address(text: &str, args: &ConnectArgs, targets: &[Target]) -> Result<IpAddr, String> {
    let show = shown(text);
    let address: IpAddr = text
        .trim_matches(['[', ']'])
        .parse()
        .map_err(|_| format!("--address `{show}` is no address; give one like 192.0.2.10 or 2001:db8::10"))?;
    if (args.names.ipv4 && address.is_ipv6()) || (args.names.ipv6 && address.is_ipv4()) {
        return Err(format!("--address `{show}` is of the family that -4 or -6 leaves out; leave one out"));
    }
    if let Some(other) = targets.iter().find_map(|target| match target.host {
        Host::Address(other) if other != address => Some(other),
        _ => None,
    }) {
        return Err(format!("--address `{show}` is not the target `{other}`; give a name, or leave it out"));
    }
    Ok(address)
}

fn number(option: &str, text: &str, most: u32) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("{option} `{}`: give a number from 1 to {most}", shown(text)))
}

fn choose_proxy(
    args: &ConnectArgs,
    target: &Target,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<ProxyChoice>, String> {
    if let Some(url) = &args.proxy {
        return proxy::parse(url, None).map(Some);
    }
    if args.no_proxy || !is_url(target) {
        return Ok(None);
    }
    proxy::of_environment(target, variable)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn understood_in(line: &str, environment: &[(&str, &str)]) -> Result<Connect, Problems> {
        let words = format!("reach connect {line}");
        let args = match Cli::try_parse_from(words.split_whitespace()).map(|cli| cli.command) {
            Ok(Command::Connect(args)) => args,
            other => panic!("{line}: {other:?}"),
        };
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        connect(&args, &Surroundings::default(), &variable, 7)
    }

    fn understood(line: &str) -> Connect {
        understood_in(line, &[]).unwrap_or_else(|problems| panic!("{line}: {problems:?}"))
    }

    #[test]
    fn a_host_and_a_port_may_be_two_words() {
        for (line, text) in [
            ("db.example 5432", "db.example:5432"),
            ("2001:db8::1 80", "[2001:db8::1]:80"),
            ("192.0.2.1 25", "192.0.2.1:25"),
            ("db.example", "db.example:443"),
        ] {
            let found = understood(line);
            assert_eq!(found.targets.len(), 1);
            assert_eq!(found.targets[0].0.text, text);
        }
        assert_eq!(understood("a.example b.example").targets.len(), 2);
    }

    #[test]
    fn only_a_url_gets_a_request() {
        assert_eq!(understood("a.example:80").targets[0].0.http_path, None);
        assert_eq!(understood("http://a.example/x").targets[0].0.http_path.as_deref(), Some("/x"));
    }

    #[test]
    fn starttls_means_tls() {
        let found = understood("a.example:25 --starttls smtp");
        assert_eq!((found.targets[0].0.tls, found.manner.starttls), (true, Some(StartTls::Smtp)));
    }

    #[test]
    fn a_row_of_tries_has_an_end_or_waits_for_somebody_to_end_it() {
        let tries = |line: &str| {
            let manner = understood(line).manner;
            (manner.repeat, manner.every.as_millis())
        };
        assert_eq!(tries("a.example"), (1, 1000));
        assert_eq!(tries("a.example --repeat 5"), (5, 1000));
        assert_eq!(tries("a.example --repeat 5 --every 200ms"), (5, 200));
        assert_eq!(tries("a.example --every 2s"), (MOST_TRIES, 2000));
    }

    #[test]
    fn the_environment_names_proxies_for_urls_only() {
        let environment = [("HTTPS_PROXY", "http://u:p@proxy.example:3128"), ("NO_PROXY", "b.example")];
        let proxy = |line: &str| {
            let found = understood_in(line, &environment).unwrap_or_else(|problems| panic!("{problems:?}"));
            found.targets[0].1.clone()
        };
        let found = proxy("https://a.example/").expect("a proxy");
        assert_eq!(found.url, "http://proxy.example:3128");
        assert_eq!(found.variable.as_deref(), Some("HTTPS_PROXY"));
        assert_eq!(proxy("a.example:443"), None);
        assert_eq!(proxy("https://b.example/"), None);
        assert_eq!(proxy("https://a.example/ --no-proxy"), None);
        let typed = proxy("a.example:25 --proxy socks5h://other.example:1080").expect("a proxy");
        assert_eq!((typed.variable, typed.resolves), (None, true));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        for (line, part) in [
            ("a.example --repeat 0", "1 to 100000"),
            ("a.example --repeat many", "1 to 100000"),
            ("a.example --every 1", "`1s`"),
            ("a.example --listen forever", "--listen `forever`"),
            ("a.example --source-port 70000", "1 to 65535"),
            ("a.example --address b.example", "192.0.2.10"),
            ("a.example --address 192.0.2.1 -6", "-6"),
            ("192.0.2.2 --address 192.0.2.1", "192.0.2.2"),
            ("https://a.example --starttls smtp", "HOST:PORT"),
            ("a.example --proxy ftp://proxy.example", "socks5h://"),
            ("a.example 70000", "1 to 65535"),
            ("a.example b.example -i", "one target"),
        ] {
            let problems = understood_in(line, &[]).expect_err(line);
            assert!(problems.len() == 1 && problems[0].contains(part), "{line}: {problems:?}");
        }
        let broken = understood_in("https://a.example", &[("https_proxy", "gopher://u:secret@x")]);
        let problems = broken.expect_err("no proxy of ours");
        assert!(problems[0].contains("https_proxy") && !problems[0].contains("secret"), "{problems:?}");
    }
}
