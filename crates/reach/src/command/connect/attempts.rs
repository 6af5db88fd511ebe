//! Carries the tries of all targets out, at the same time.

use std::{
    cell::RefCell,
    io,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use reach_core::{
    Time,
    model::{Answer, Case, Diagnosis, Families, Host, Outcome, Probe, ProbeId, SystemLookup},
    survey::{Tries, TriesPlan},
};
use reach_net::{
    drive::{Clock, Network, drive},
    journal::Journal,
    trust::TrustRoots,
};
use reach_report::connect::{Attempted, ProxyWay, Row, Way};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    task::{JoinSet, LocalSet},
};

use super::{leads_nowhere, rows, tell};
use crate::{
    config::{Connect, ProxyChoice},
    live::raised,
};

/// So many connections of one target are opened at a time.
const AT_ONCE: usize = 256;

/// The system's stub resolver waits five seconds for a dead server before it asks the next one.
const SYSTEM_TIMEOUT: Duration = Duration::from_millis(6_500);

/// What was tried and seen.
pub(super) struct Seen {
    pub(super) attempted: Vec<Attempted>,
    pub(super) finished: Time,
    pub(super) ended: Ended,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    Interrupted,
}

/// Tries every address of every target.
pub(super) fn carry_out(
    connect: &Connect,
    names: Vec<(Case, Diagnosis)>,
    journal: Option<&Journal>,
) -> io::Result<Seen> {
    let network = Network::new(TrustRoots::load()).noted_in(journal);
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let clock = Clock::start();
    let shared = Rc::new(RefCell::new(Vec::new()));
    let ended = LocalSet::new().block_on(&runtime, watch(connect, names, &network, clock, &shared));
    // A blocked look-up of the system must not hold up the end.
    runtime.shutdown_background();
    let attempted = std::mem::take(&mut *shared.borrow_mut());
    Ok(Seen { attempted, finished: clock.now(), ended })
}

async fn watch(
    connect: &Connect,
    names: Vec<(Case, Diagnosis)>,
    network: &Network,
    clock: Clock,
    shared: &Rc<RefCell<Vec<Attempted>>>,
) -> Ended {
    let mut stops = (signal(SignalKind::interrupt()).ok(), signal(SignalKind::terminate()).ok());
    let everything = async {
        let mut tasks = JoinSet::new();
        for (number, ((case, names), (_, proxy))) in names.into_iter().zip(&connect.targets).enumerate() {
            let (way, at) = way(proxy.as_ref(), network, connect).await;
            let mut attempted = Attempted {
                case,
                names,
                way,
                starttls: connect.manner.starttls,
                repeat: connect.manner.repeat,
                rows: Vec::new(),
            };
            let probes = fill(&mut attempted, proxy.as_ref(), at, connect);
            shared.borrow_mut().push(attempted);
            let plan = TriesPlan {
                rows: probes,
                repeat: connect.manner.repeat,
                every: connect.manner.every,
                at_once: AT_ONCE,
            };
            let login = proxy.as_ref().and_then(|proxy| proxy.login.clone());
            let network = network.clone().with_proxy_login(login);
            let (connect, shared) = (connect.clone(), Rc::clone(shared));
            tasks.spawn_local(async move {
                let mut tries = Tries::new(plan.clone(), clock.now());
                drive(&mut tries, &network, &clock, &mut |_| {}, &mut |observation| {
                    let (row, count) = plan.place(observation.id);
                    let mut shared = shared.borrow_mut();
                    let Some(attempted) = shared.get_mut(number) else { return };
                    let Some(peer) = attempted.rows.get(row).map(|row| row.peer.clone()) else { return };
                    tell(attempted, &peer, count, observation, &connect);
                    if let Some(row) = attempted.rows.get_mut(row) {
                        row.tries.push(observation.clone());
                    }
                })
                .await;
            });
        }
        while tasks.join_next().await.is_some() {}
    };
    tokio::select! {
        () = everything => Ended::Done,
        () = raised(&mut stops.0) => Ended::Interrupted,
        () = raised(&mut stops.1) => Ended::Interrupted,
    }
}

/// Makes a row for everything that is connected to; gives the probe of each.
fn fill(
    attempted: &mut Attempted,
    proxy: Option<&ProxyChoice>,
    at: Option<SocketAddr>,
    connect: &Connect,
) -> Vec<Probe> {
    if leads_nowhere(&attempted.way) {
        return Vec::new();
    }
    let addresses = addresses(&attempted.names, connect);
    let target = &attempted.case.target;
    let mut probes = Vec::new();
    for peer in rows::peers(target, proxy, &addresses) {
        let through = proxy.zip(at);
        if let Some(probe) = rows::probe(target, &peer, through, &connect.manner, &connect.plan) {
            attempted.rows.push(Row { peer, tries: Vec::new() });
            probes.push(probe);
        }
    }
    probes
}

/// The addresses that are connected to.
pub(super) fn addresses(names: &Diagnosis, connect: &Connect) -> Vec<IpAddr> {
    let known = names.resolution.addresses.iter().map(|known| known.address);
    known.filter(|address| wanted(*address, connect.plan.families)).collect()
}

fn wanted(address: IpAddr, families: Families) -> bool {
    match families {
        Families::Both => true,
        Families::V4 => address.is_ipv4(),
        Families::V6 => address.is_ipv6(),
    }
}

/// The way through a proxy, and the address of the proxy: the first that this system gives, as its clients take it.
pub(super) async fn way(
    proxy: Option<&ProxyChoice>,
    network: &Network,
    connect: &Connect,
) -> (Way, Option<SocketAddr>) {
    let Some(proxy) = proxy else { return (Way::Direct, None) };
    let address = match &proxy.host {
        Host::Address(address) => Some(*address),
        Host::Name(name) => {
            let lookup = SystemLookup { name: name.clone(), timeout: SYSTEM_TIMEOUT };
            let probe = Probe::SystemLookup(lookup);
            match network.observe(ProbeId(0), probe, &Clock::start(), None).await.outcome {
                Outcome::Answered(Answer::System(answer)) => {
                    answer.addresses.into_iter().find(|address| wanted(*address, connect.plan.families))
                }
                _ => None,
            }
        }
    };
    let endpoint = address.map(|address| SocketAddr::new(address, proxy.port));
    let way = ProxyWay {
        url: proxy.url.clone(),
        protocol: proxy.protocol,
        endpoint,
        variable: proxy.variable.clone(),
    };
    (Way::Proxy(way), endpoint)
}
