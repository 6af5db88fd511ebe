//! Opinions over observations: a [`Diagnosis`] from a [`Case`] and what was observed.
//!
//! Total, deterministic, and indifferent to the order of the observations. The steps are few: file the
//! observations by endpoint, rule on each endpoint beside a control that works, locate the fault, and say what
//! it means for clients and what is worth telling ([`rules`]).

mod above_tcp;
mod endpoint;
mod impact;
mod location;
mod origin;
mod rules;

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    dossier::{self, Dossier},
    model::{
        Case, ConnectSummary, Diagnosis, Doubt, EndpointDiagnosis, Evidence, Finding, Gap, HttpEnd,
        HttpResult, Matter, Observation, PingSummary, Probe, Resolution, ResolutionError, State, TlsEnd,
        TlsResult, TrailAnswer, Verdict,
    },
    pool::{self, PoolFile},
    stats,
};

/// Judges one examination.
pub fn judge(case: &Case, observations: &[Observation]) -> Diagnosis {
    let mut names = PoolFile::default();
    let mut queries = 0;
    for observation in observations {
        names.file(observation);
        queries += u32::from(matches!(observation.probe, Probe::Lookup(_)));
    }
    let resolution = pool::resolution(case, &names, queries);
    let dossiers = dossier::dossiers(observations);
    let bench = Bench { case, resolution: &resolution, names: &names, dossiers: &dossiers };

    let mut endpoints: Vec<EndpointDiagnosis> =
        resolution.addresses.iter().map(|entry| bench.diagnose(entry.address)).collect();
    endpoints.sort_by_key(|diagnosis| (diagnosis.endpoint.address.is_ipv6(), diagnosis.endpoint.address));
    let (state, doubt) = state(&resolution, &endpoints);
    let impact = impact::impact(&bench, &endpoints);
    let findings = rules::findings(&bench, &endpoints);
    forget_uncertain_places(&mut endpoints, &findings);
    Diagnosis { target: case.target.clone(), state, doubt, endpoints, impact, findings, resolution }
}

/// Whether the resets that an address sends arise before it, and at which device, where that is known.
pub(crate) fn reset_by_path(address: IpAddr, dossiers: &BTreeMap<IpAddr, Dossier>) -> Option<Option<IpAddr>> {
    let control = dossiers
        .iter()
        .filter(|&(&other, _)| other != address && other.is_ipv4() == address.is_ipv4())
        .map(|(&address, dossier)| Peer { address, dossier })
        .filter(|peer| peer.distance().is_some())
        .min_by_key(|peer| (peer.dossier.is_partial(), peer.address));
    let origin = origin::origin(dossiers.get(&address)?, control, TrailAnswer::Reset);
    origin.nearer.then_some(origin.by)
}

/// Everything a ruling may look at.
#[derive(Clone, Copy)]
struct Bench<'a> {
    case: &'a Case,
    resolution: &'a Resolution,
    names: &'a PoolFile,
    dossiers: &'a BTreeMap<IpAddr, Dossier>,
}

/// An address of the same family that can be connected to, and what was seen of it.
#[derive(Clone, Copy)]
struct Peer<'a> {
    address: IpAddr,
    dossier: &'a Dossier,
}

impl Peer<'_> {
    /// The lowest TTL that connects.
    fn distance(self) -> Option<u8> {
        self.dossier.first_ttl(|answer| answer == TrailAnswer::Reached)
    }
}

impl<'a> Bench<'a> {
    /// The address that `address` is compared with: one that connects without losses and whose trail was
    /// followed, or else any that connects.
    fn control(&self, address: IpAddr) -> Option<Peer<'a>> {
        self.dossiers
            .iter()
            .filter(|&(&other, _)| other != address && other.is_ipv4() == address.is_ipv4())
            .filter(|(_, dossier)| dossier.connected() > 0)
            .map(|(&address, dossier)| Peer { address, dossier })
            .min_by_key(|peer| {
                let doubtful =
                    peer.dossier.exchanges.values().any(|(_, exchanged)| {
                        exchanged.tls.as_ref().is_some_and(|tls| !tls.distrust.is_empty())
                    });
                (peer.dossier.is_partial(), peer.distance().is_none(), doubtful, peer.address)
            })
    }

    fn diagnose(&self, address: IpAddr) -> EndpointDiagnosis {
        let endpoint = dossier::endpoint(address, self.case.target.port);
        let empty = Dossier::default();
        let dossier = self.dossiers.get(&address).unwrap_or(&empty);
        let control = self.control(address);
        let ruling = endpoint::rule(self, address, dossier, control);
        let location = location::locate(address, dossier, control, &ruling);
        let (sent, answered) = dossier.syns();
        let (tls, http) = best_exchange(self, dossier);
        EndpointDiagnosis {
            endpoint,
            verdict: ruling.verdict,
            confidence: ruling.confidence,
            ping: PingSummary {
                sent: dossier.echo.sent,
                received: dossier.echo.rtts.len() as u32,
                rtt: stats::median(dossier.echo.rtts.iter().copied()),
                not_permitted: dossier.echo.not_permitted,
            },
            connect: ConnectSummary {
                attempts: dossier.attempts().count() as u32,
                succeeded: dossier.connected(),
                rtt: dossier.connect_rtt(),
                syns: sent,
                syns_lost: sent - answered,
                flows: dossier.flow_tallies(),
            },
            tls,
            http,
            location,
            evidence: ruling.evidence,
            gaps: ruling.gaps,
        }
    }
}

/// What was ruled on one endpoint.
struct Ruling {
    verdict: Verdict,
    confidence: f64,
    evidence: Vec<Evidence>,
    gaps: Vec<Gap>,
    /// The device that answered in the host's place, and its hop.
    by: Option<IpAddr>,
}

/// The exchange with the name that got furthest.
fn best_exchange(bench: &Bench<'_>, dossier: &Dossier) -> (Option<TlsResult>, Option<HttpResult>) {
    let name = bench.case.target.server_name_indication();
    let plain = !bench.case.target.tls;
    let candidates = dossier.exchanges.values().filter(|(probe, _)| {
        probe.data_ttl.is_none()
            && probe.max_segment.is_none()
            && (plain || probe.tls.as_ref().is_some_and(|tls| tls.server_name == name))
    });
    let best = candidates.map(|(_, exchanged)| exchanged).max_by_key(|exchanged| {
        let tls = exchanged.tls.as_ref().map_or(0, |tls| match tls.ended {
            TlsEnd::Completed => 3,
            TlsEnd::Alert(..) | TlsEnd::Incompatible(_) | TlsEnd::NotTls(_) => 2,
            _ => 1,
        });
        let http = exchanged.http.as_ref().map_or(0, |http| match http.ended {
            HttpEnd::Status(status) => {
                if status < 500 {
                    3
                } else {
                    2
                }
            }
            _ => 1,
        });
        (tls, http)
    });
    best.map_or((None, None), |exchanged| (exchanged.tls.clone(), exchanged.http.clone()))
}

fn state(resolution: &Resolution, endpoints: &[EndpointDiagnosis]) -> (State, Option<Doubt>) {
    if endpoints.is_empty() {
        let nobody_asked = resolution.error == Some(ResolutionError::Timeout) && resolution.queries == 0;
        return if nobody_asked {
            (State::Inconclusive, Some(Doubt::NoResolverConfigured))
        } else {
            (State::Unresolved, None)
        };
    }
    let usable = || endpoints.iter().filter(|diagnosis| is_used(diagnosis, endpoints));
    let known = || usable().filter(|diagnosis| diagnosis.verdict != Verdict::Inconclusive);
    let doubtful = usable().count() > known().count();
    if usable().next().is_none() {
        return (State::Unreachable, None);
    }
    if known().all(|diagnosis| diagnosis.verdict == Verdict::NoRoute) && !doubtful {
        return (State::Unreachable, None);
    }
    let all_ok = known().all(|diagnosis| diagnosis.verdict == Verdict::Ok);
    if doubtful && all_ok {
        let obstacle =
            usable().flat_map(|diagnosis| &diagnosis.evidence).find_map(|evidence| match evidence {
                Evidence::LocalError { obstacle, .. } => Some(Doubt::CouldNotProbe(*obstacle)),
                _ => None,
            });
        return (State::Inconclusive, Some(obstacle.unwrap_or(Doubt::TooFewAnswers)));
    }
    if all_ok {
        (State::Reachable, None)
    } else if known().any(|diagnosis| diagnosis.verdict.is_partly_usable()) {
        (State::PartlyReachable, None)
    } else {
        (State::Unreachable, None)
    }
}

/// Whether clients on this machine would use the address: they do not use a family that this machine has no
/// route for at all.
fn is_used(diagnosis: &EndpointDiagnosis, endpoints: &[EndpointDiagnosis]) -> bool {
    diagnosis.verdict != Verdict::NoRoute
        || endpoints.iter().any(|other| {
            other.endpoint.address.is_ipv4() == diagnosis.endpoint.address.is_ipv4()
                && other.verdict != Verdict::NoRoute
        })
}

/// Where routers limit the rate of their ICMP errors, a trail that ends before those of other filtered addresses
/// may only have met a router that had no answer to give: then its end is not known.
fn forget_uncertain_places(endpoints: &mut [EndpointDiagnosis], findings: &[Finding]) {
    if !findings.iter().any(|finding| matches!(finding.matter, Matter::IcmpRateLimited { .. })) {
        return;
    }
    for v6 in [false, true] {
        let filtered = |diagnosis: &EndpointDiagnosis| {
            diagnosis.verdict == Verdict::Filtered && diagnosis.endpoint.address.is_ipv6() == v6
        };
        let ends =
            endpoints.iter().filter(|diagnosis| filtered(diagnosis)).filter_map(|d| d.location.as_ref());
        let Some(deepest) = ends.map(|location| location.ttl).max() else { continue };
        for diagnosis in endpoints.iter_mut().filter(|diagnosis| filtered(diagnosis)) {
            if diagnosis.location.as_ref().is_some_and(|location| location.ttl < deepest) {
                diagnosis.location = None;
                diagnosis.evidence.retain(|evidence| !matches!(evidence, Evidence::TrailEnds { .. }));
                diagnosis.gaps.push(Gap::TrailNotFollowed);
            }
        }
    }
}
