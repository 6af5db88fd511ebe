//! How often a trace misses a parallel path, against its stated confidence, and what it costs beside the textbook.

mod tracing;

use std::{collections::BTreeSet, fmt::Write as _, net::IpAddr};

use reach_core::{
    model::{Confidence, Observation, Probe, TracePlan, TraceProtocol},
    stats::flows_needed,
};
use tracing::{Net, Traced};

/// Traces of each topology in every run of the tests, and for the figures that count.
const FEW: u64 = 200;
const MANY: u64 = 1_000;

/// A topology: the routers of each stage, and who leads to whom in each but the last.
struct Topology {
    title: &'static str,
    /// For each stage, for each router, the routers of the next stage; all when empty.
    next: Vec<Vec<Vec<usize>>>,
}

impl Topology {
    fn meshed(title: &'static str, widths: &[usize]) -> Self {
        let next = (0..widths.len())
            .map(|stage| vec![(0..widths.get(stage + 1).copied().unwrap_or(1)).collect(); widths[stage]])
            .collect();
        Self { title, next }
    }

    fn widths(&self) -> Vec<usize> {
        self.next.iter().map(Vec::len).collect()
    }

    fn net(&self) -> Net {
        let mut text = String::new();
        for (stage, routers) in self.next.iter().enumerate() {
            let last = stage + 1 == self.next.len();
            let name =
                |stage: usize, router: usize| format!("'{}{}'", char::from(b'a' + stage as u8), router + 1);
            let routers: Vec<String> = routers
                .iter()
                .enumerate()
                .map(|(router, next)| {
                    let next: Vec<String> = next.iter().map(|&next| name(stage + 1, next)).collect();
                    let next = if last { String::new() } else { format!(", next = [{}]", next.join(", ")) };
                    format!("{{ name = {}{next} }}", name(stage, router))
                })
                .collect();
            let _ = writeln!(text, "[[network.stages]]\nrouters = [{}]", routers.join(", "));
        }
        Net::new(&text, "")
    }

    /// Links between routers, and to the endpoint.
    fn links(&self) -> usize {
        1 + self.next.iter().map(|routers| routers.iter().map(Vec::len).sum::<usize>()).sum::<usize>()
    }

    /// Packets that full MDA sends on average, or somewhat more: at each hop enough flows through each router before
    /// it to rule out one more next hop, and until as many are known to go through each of several routers as the
    /// next hop asks for (node control).
    fn textbook(&self, alpha: f64) -> f64 {
        let mut packets = 0.0;
        let mut asked = flows_needed(1, alpha);
        let mut shares = vec![1.0];
        for routers in &self.next {
            let needs: Vec<u32> = routers.iter().map(|next| flows_needed(next.len() as u32, alpha)).collect();
            let known = if routers.len() > 1 { flows_until(&shares, &needs) } else { 0.0 };
            packets += known.max(f64::from(asked));
            asked = needs.iter().sum();
            let mut behind = vec![0.0; 1 + routers.iter().flatten().max().copied().unwrap_or(0)];
            for (next, share) in routers.iter().zip(&shares) {
                for &to in next {
                    behind[to] += share / next.len() as f64;
                }
            }
            shares = behind;
        }
        packets + f64::from(asked)
    }

    /// The probability that full MDA misses something: one in `1 / alpha` for each router that balances.
    fn bound(&self, alpha: f64) -> f64 {
        let branchings = self.next.iter().flatten().filter(|next| next.len() > 1).count().max(1);
        1.0 - (1.0 - alpha).powi(branchings as i32)
    }
}

/// How many flows it takes on average until each router has as many as it needs, if it gets this share of them.
fn flows_until(shares: &[f64], needs: &[u32]) -> f64 {
    const STEP: f64 = 0.05;
    // Flows that come at random at a rate of one: then routers get theirs independently of one another.
    let enough = |time: f64| -> f64 {
        let each = shares.iter().zip(needs).map(|(share, &need)| {
            let mean = share * time;
            let mut term = (-mean).exp();
            let mut fewer = 0.0;
            for count in 0..need {
                fewer += term;
                term *= mean / f64::from(count + 1);
            }
            1.0 - fewer
        });
        each.product()
    };
    let missing = (0..).map(|step| 1.0 - enough((f64::from(step) + 0.5) * STEP));
    missing.take_while(|missing| *missing > 1e-9).sum::<f64>() * STEP
}

fn topologies() -> Vec<Topology> {
    let tree = |stage: usize| match stage {
        0 => vec![vec![0, 1]],
        1 => vec![vec![0, 1], vec![2, 3]],
        2 => vec![vec![0], vec![1], vec![2], vec![3]],
        _ => vec![vec![0]; 4],
    };
    vec![
        Topology::meshed("a chain of 4", &[1, 1, 1, 1]),
        Topology::meshed("2 wide", &[1, 2, 1]),
        Topology::meshed("4 wide", &[1, 4, 1]),
        Topology::meshed("16 wide", &[1, 16, 1]),
        Topology { title: "a tree of 2 and 4, in parallel to its end", next: (0..4).map(tree).collect() },
        Topology {
            title: "uneven: 2, one of which has 3 behind it",
            next: vec![vec![vec![0, 1]], vec![vec![0, 1, 2], vec![3]], vec![vec![0]; 4], vec![vec![0]]],
        },
        Topology::meshed("meshed, 3 by 3", &[1, 3, 3, 1]),
    ]
}

/// Routers and links that a trace saw.
fn seen(traced: &Traced) -> (Vec<usize>, usize) {
    let mut widths = traced.widths();
    widths.pop();
    let links: BTreeSet<(u8, Option<IpAddr>, IpAddr)> =
        traced.route().links.iter().filter_map(|link| Some((link.ttl, link.from, link.to?))).collect();
    (widths, links.len())
}

/// Packets with a TTL up to the endpoint's hop: what the textbook counts.
fn counted(observations: &[Observation], distance: u8) -> u32 {
    let ttl = |probe: &Probe| match probe {
        Probe::Connect(connect) => connect.ttl,
        Probe::Datagram(datagram) => datagram.ttl,
        Probe::Echo(echo) => echo.ttl,
        _ => None,
    };
    observations.iter().filter(|one| ttl(&one.probe).is_some_and(|ttl| ttl <= distance)).count() as u32
}

/// Plays so many traces of each topology; how often each misses something, and what it costs.
///
/// # Panics
///
/// Where more is missed than the confidence allows.
fn table(traces: u64) -> String {
    let mut table = format!(
        "{:44}{:>6}{:>10}{:>10}{:>10}{:>12}{:>10}{:>10}\n",
        "", "", "routers", "links", "allowed", "packets", "all", "textbook"
    );
    for topology in topologies() {
        let net = topology.net();
        for (level, protocol) in
            [(0.95, TraceProtocol::Udp), (0.95, TraceProtocol::Tcp), (0.99, TraceProtocol::Udp)]
        {
            let confidence = Confidence { level, whole_trace: false };
            let (mut routers, mut links, mut packets, mut all) = (0, 0, 0, 0);
            for seed in 1..=traces {
                // No limit on the rate: only answers count here, not time.
                let plan = TracePlan { protocol, confidence, seed, rate: 100_000, ..TracePlan::default() };
                let traced = net.trace_with(&plan);
                let (widths, found) = seen(&traced);
                routers += u64::from(widths != topology.widths());
                links += u64::from(found != topology.links());
                packets += u64::from(counted(&traced.observations, topology.next.len() as u8 + 1));
                all += u64::from(traced.route().packets);
            }
            let alpha = 1.0 - level;
            let allowed = topology.bound(alpha);
            let _ = writeln!(
                table,
                "{:44}{:>6}{:>9.1}%{:>9.1}%{:>9.1}%{:>12.1}{:>10.1}{:>10.0}",
                topology.title,
                format!("{:?} {level}", protocol).replace("0.", "."),
                routers as f64 / traces as f64 * 100.0,
                links as f64 / traces as f64 * 100.0,
                allowed * 100.0,
                packets as f64 / traces as f64,
                all as f64 / traces as f64,
                topology.textbook(alpha),
            );
            // Three standard deviations above what is allowed.
            let most = allowed + 3.0 * (allowed * (1.0 - allowed) / traces as f64).sqrt();
            assert!(routers as f64 <= most * traces as f64, "{table}");
        }
    }
    table
}

#[test]
fn no_more_paths_are_missed_than_the_confidence_allows() {
    insta::assert_snapshot!(table(FEW));
}

#[test]
#[ignore = "plays 21,000 traces, which takes minutes"]
fn no_more_paths_are_missed_in_many_traces() {
    insta::assert_snapshot!(table(MANY));
}
