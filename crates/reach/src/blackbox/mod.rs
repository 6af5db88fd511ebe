//! Probes on demand, as `blackbox_exporter` does them: the same modules, the same metrics, one attempt without
//! any retry. More than that only where it is asked for: every address of a name instead of the first.

pub mod module;

pub(crate) mod base64;
mod certificate;
pub(crate) mod dns;
mod http;
mod icmp;
mod log;
mod register;
mod resolve;
mod rule;
mod tcp;
mod tls;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reach_core::{
    model::{Outcome, Refusal, Vantage},
    watch::Reason,
};
use reach_net::drive::Network;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

pub use self::{
    log::Log,
    module::{Module, ModuleFileError, Modules, NoModule, Prober},
    rule::Rule,
    tls::Roots,
};
use self::{register::Register, resolve::Resolver};
use crate::{metrics::Family, web::Policy};

/// The most addresses of a name that are probed for one request.
const MOST_ADDRESSES: usize = 64;

/// What probes are done with. Made anew where the configuration of this host changes.
#[derive(Clone)]
pub struct Bench {
    network: Network,
    resolver: Arc<Resolver>,
    roots: Arc<Roots>,
    policy: Arc<Policy>,
    proxies: Arc<http::Proxies>,
}

impl Bench {
    /// Probes on this network, with the resolvers and names of this vantage.
    pub fn new(network: Network, vantage: &Vantage, roots: Roots, policy: Policy) -> Self {
        let resolver = Arc::new(Resolver::new(network.clone(), vantage));
        let proxies = Arc::new(http::Proxies::of(|name| std::env::var(name).ok()));
        Self { network, resolver, roots: Arc::new(roots), policy: Arc::new(policy), proxies }
    }

    /// Whether an address may be probed, or why not.
    fn admit(&self, name: Option<&str>, address: IpAddr, port: Option<u16>) -> Result<(), Forbidden> {
        if self.policy.admits(name, address, port) {
            Ok(())
        } else {
            Err(Forbidden { what: address.to_string() })
        }
    }
}

/// One request for a probe.
pub struct Request<'a> {
    /// The module.
    pub module: &'a Module,
    /// What to probe, as typed.
    pub target: &'a str,
    /// The name to ask for, where it is not the target's own.
    pub hostname: Option<&'a str>,
    /// Which addresses decide; the first alone, and nothing said of single addresses, where it is not given.
    pub rule: Option<Rule>,
    /// How long it may take; told with the rest.
    pub timeout: Duration,
    /// When to give up: a part of the time may be over already.
    pub deadline: Instant,
}

/// What came of a probe.
#[derive(Debug)]
pub struct Report {
    /// Whether it worked.
    pub success: bool,
    /// What is known of it, in the order of the names.
    pub families: Vec<Family>,
    /// What was done, step by step.
    pub log: Log,
}

/// What nobody allowed to be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// What it is: a name or an address.
    pub what: String,
}

/// A target that cannot be probed because two things contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The policy says no.
    Forbidden(Forbidden),
    /// The host name of the request is not that of the module.
    HostConflict {
        /// What the module says.
        module: String,
        /// What the request says.
        request: String,
    },
}

/// Where a target is, as far as its text says.
struct Place {
    host: String,
    /// `None` where the protocol has no ports.
    port: Option<u16>,
    protocol: module::IpProtocol,
    fallback: bool,
    /// Whether a look-up belongs to the probe; a proxy may do it instead.
    resolve: bool,
}

/// What came of one address.
struct Attempt {
    register: Register,
    result: Result<(), Failure>,
    phases: Vec<(&'static str, f64)>,
    took: Duration,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// By this reason, as metrics name it.
    Reason(&'static str),
    /// This host could not even ask.
    Unable,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::Reason(reason) => reason,
            Failure::Unable => "this host could not even ask",
        })
    }
}

/// Carries out one probe.
pub async fn probe(bench: &Bench, request: &Request<'_>) -> Result<Report, Refused> {
    let started = Instant::now();
    let log = Log::new();
    log.debug(format_args!(
        "Beginning probe: prober {}, timeout {} s",
        request.module.spec.prober,
        request.timeout.as_secs_f64()
    ));
    let module = with_hostname(request)?;
    let mut register = Register::default();
    register.success_and_times();
    let success = match place(&module, request.target, &log) {
        None => {
            module_families(&module, &mut register);
            false
        }
        Some(place) => {
            module_families(&module, &mut register);
            run(bench, &module, request, &place, &mut register, &log).await?
        }
    };
    let took = started.elapsed();
    register.set("probe_success", f64::from(u8::from(success)));
    register.set("probe_duration_seconds", took.as_secs_f64());
    register.set("probe_timeout_seconds", request.timeout.as_secs_f64());
    let verdict = if success { "Probe succeeded" } else { "Probe failed" };
    log.info(format_args!("{verdict}: duration {} s", took.as_secs_f64()));
    Ok(Report { success, families: register.into_families(), log })
}

/// The module with the host name that the request asks for.
fn with_hostname(request: &Request<'_>) -> Result<Prober, Refused> {
    let mut prober = request.module.prober.clone();
    let Some(hostname) = request.hostname.filter(|name| !name.is_empty()) else { return Ok(prober) };
    match &mut prober {
        Prober::Http(spec) => {
            let conflict = spec
                .headers
                .iter()
                .find(|(name, value)| name.eq_ignore_ascii_case("host") && *value != hostname);
            if let Some((_, value)) = conflict {
                return Err(Refused::HostConflict { module: value.clone(), request: hostname.to_owned() });
            }
            spec.headers.retain(|name, _| !name.eq_ignore_ascii_case("host"));
            spec.headers.insert("Host".to_owned(), hostname.to_owned());
        }
        Prober::Tcp(spec) if spec.tls_config.server_name.is_empty() => {
            spec.tls_config.server_name = hostname.to_owned();
        }
        Prober::Tcp(_) | Prober::Icmp(_) | Prober::Dns(_) => {}
    }
    Ok(prober)
}

fn place(prober: &Prober, target: &str, log: &Log) -> Option<Place> {
    match prober {
        Prober::Http(spec) => http::place(spec, target, log),
        Prober::Tcp(spec) => {
            let Some((host, port)) = split_host_port(target) else {
                log.error(format_args!("Error splitting target address and port: give HOST:PORT"));
                return None;
            };
            Some(Place {
                host,
                port: Some(port),
                protocol: spec.preferred_ip_protocol,
                fallback: spec.ip_protocol_fallback,
                resolve: true,
            })
        }
        Prober::Icmp(spec) => Some(Place {
            host: target.to_owned(),
            port: None,
            protocol: spec.preferred_ip_protocol,
            fallback: spec.ip_protocol_fallback,
            resolve: true,
        }),
        Prober::Dns(spec) => {
            let usual = if spec.dns_over_tls { 853 } else { 53 };
            let (host, port) = split_host_port(target).unwrap_or((target.to_owned(), usual));
            Some(Place {
                host,
                port: Some(port),
                protocol: spec.preferred_ip_protocol,
                fallback: spec.ip_protocol_fallback,
                resolve: true,
            })
        }
    }
}

/// `HOST:PORT`, with brackets around an IPv6 address.
fn split_host_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(bare) => Some((bare.to_owned(), port)),
        None => (!host.is_empty() && !host.contains(':')).then(|| (host.to_owned(), port)),
    }
}

/// The families that a probe has whatever comes of it.
fn module_families(prober: &Prober, register: &mut Register) {
    match prober {
        Prober::Http(_) => http::families(register),
        Prober::Tcp(_) => tcp::families(register),
        Prober::Icmp(_) => icmp::families(register),
        Prober::Dns(_) => dns::families(register),
    }
}

/// Resolves the target and tries its addresses.
async fn run(
    bench: &Bench,
    prober: &Prober,
    request: &Request<'_>,
    place: &Place,
    register: &mut Register,
    log: &Log,
) -> Result<bool, Refused> {
    let deadline = request.deadline;
    let prober = Arc::new(prober.clone());
    if !place.resolve {
        let attempt = attempt(bench, &prober, request.target, None, deadline, log).await;
        let works = attempt.result.is_ok();
        register.merge(attempt.register);
        return Ok(works);
    }
    let name = place.host.parse::<IpAddr>().is_err().then_some(place.host.as_str());
    if let Some(name) = name
        && !bench.policy.admits_lookup(name, place.port)
    {
        return Err(Refused::Forbidden(Forbidden { what: name.to_owned() }));
    }
    let started = Instant::now();
    log.debug(format_args!("Resolving target address: {}", place.host));
    let found = bench.resolver.choose(&place.host, place.protocol, place.fallback, deadline).await;
    let took = started.elapsed().as_secs_f64();
    register.resolved(took, found.as_ref().ok().and_then(|addresses| addresses.first().copied()));
    resolve_phase(&prober, took, register, found.is_ok());
    let addresses = match found {
        Ok(addresses) => addresses,
        Err(error) => {
            log.error(format_args!("Resolution with IP protocol failed: {error}"));
            if request.rule.is_some() {
                register.addresses(&[], 0);
            }
            return Ok(false);
        }
    };
    let Some(rule) = request.rule else {
        let Some(&first) = addresses.first() else { return Ok(false) };
        bench.admit(name, first, place.port).map_err(Refused::Forbidden)?;
        log.debug(format_args!("Resolved target address: {first}"));
        let attempt = attempt(bench, &prober, request.target, Some(first), deadline, log).await;
        let works = attempt.result.is_ok();
        register.merge(attempt.register);
        return Ok(works);
    };
    let wanted = if rule == Rule::First { 1 } else { MOST_ADDRESSES };
    let tried: Vec<IpAddr> = addresses.iter().copied().take(wanted).collect();
    for &address in &tried {
        bench.admit(name, address, place.port).map_err(Refused::Forbidden)?;
    }
    let left_out = if rule == Rule::First { 0 } else { addresses.len() - tried.len() };
    Ok(try_all(bench, &prober, request.target, &tried, (rule, left_out), deadline, register, log).await)
}

/// Tries all addresses at once and decides by the rule.
#[expect(clippy::too_many_arguments, reason = "they are what one request is made of")]
async fn try_all(
    bench: &Bench,
    prober: &Arc<Prober>,
    target: &str,
    addresses: &[IpAddr],
    (rule, left_out): (Rule, usize),
    deadline: Instant,
    register: &mut Register,
    log: &Log,
) -> bool {
    let mut under_way = JoinSet::new();
    for (number, &address) in addresses.iter().enumerate() {
        let (bench, prober, target) = (bench.clone(), Arc::clone(prober), target.to_owned());
        let log = log.about(address);
        under_way.spawn(async move {
            (number, attempt(&bench, &prober, &target, Some(address), deadline, &log).await)
        });
    }
    let mut done: Vec<(usize, Attempt)> = Vec::new();
    while let Some(ended) = under_way.join_next().await {
        // One that panicked is told by the hook, and counts as skipped.
        done.extend(ended);
    }
    done.sort_by_key(|&(number, _)| number);
    let lost = addresses.len() - done.len();
    let results: Vec<(IpAddr, &Attempt)> =
        done.iter().filter_map(|(number, attempt)| Some((*addresses.get(*number)?, attempt))).collect();
    register.addresses(&results, left_out + lost);
    let worked = results.iter().filter(|(_, attempt)| attempt.result.is_ok()).count();
    let failed =
        results.iter().filter(|(_, attempt)| matches!(attempt.result, Err(Failure::Reason(_)))).count();
    let first = results.first().is_some_and(|(_, attempt)| attempt.result.is_ok());
    if let Some((_, first)) = done.into_iter().next() {
        register.merge(first.register);
    }
    rule.holds(first, worked, failed)
}

/// One address, by the module's prober, until the deadline.
async fn attempt(
    bench: &Bench,
    prober: &Prober,
    target: &str,
    address: Option<IpAddr>,
    deadline: Instant,
    log: &Log,
) -> Attempt {
    let started = Instant::now();
    let mut register = Register::default();
    let mut phases = Vec::new();
    let work = async {
        match (prober, address) {
            (Prober::Http(spec), _) => {
                http::probe(bench, spec, target, address, deadline, &mut register, log).await
            }
            (Prober::Tcp(spec), Some(address)) => {
                tcp::probe(bench, spec, target, address, deadline, &mut register, &mut phases, log).await
            }
            (Prober::Icmp(spec), Some(address)) => {
                icmp::probe(bench, spec, address, deadline, &mut register, log).await
            }
            (Prober::Dns(spec), Some(address)) => {
                dns::probe(bench, spec, target, address, deadline, &mut register, log).await
            }
            (_, None) => Err(Failure::Unable),
        }
    };
    let result = match timeout_at(deadline, work).await {
        Ok(result) => result,
        Err(_) => {
            log.error(format_args!("Timed out"));
            Err(Failure::Reason(Reason::Timeout.code()))
        }
    };
    phases.extend(register.phases());
    Attempt { register, result, phases, took: started.elapsed() }
}

/// The share of the look-up in the family of durations of a prober.
fn resolve_phase(prober: &Prober, took: f64, register: &mut Register, found: bool) {
    match prober {
        Prober::Http(_) => register.phase("probe_http_duration_seconds", "resolve", took),
        Prober::Icmp(_) if found => register.phase("probe_icmp_duration_seconds", "resolve", took),
        Prober::Dns(_) if found => register.phase("probe_dns_duration_seconds", "resolve", took),
        Prober::Icmp(_) | Prober::Dns(_) | Prober::Tcp(_) => {}
    }
}

/// Why a connection attempt or an echo request did not succeed.
fn failure(outcome: &Outcome) -> Failure {
    let reason = match outcome {
        Outcome::Silent(silence) if silence.refused_here => Reason::BlockedLocally,
        Outcome::Silent(_) => Reason::Timeout,
        Outcome::Rejected(rejection) => match rejection.how {
            Refusal::Reset => Reason::Refused,
            Refusal::Icmp(error) if error.is_prohibited() => Reason::Prohibited,
            Refusal::Icmp(_) => Reason::Unreachable,
        },
        Outcome::Answered(_) | Outcome::Unable(_) => return Failure::Unable,
    };
    Failure::Reason(reason.code())
}

/// What is left of the time.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn endpoint(address: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address.to_canonical(), port)
}
