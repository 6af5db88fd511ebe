//! What others find in the same network: the hops that `traceroute`, `tcptraceroute`, `mtr` and `scamper` print.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    net::IpAddr,
    path::PathBuf,
    time::Duration,
};

use reach_lab::{Lab, Protocol};

use crate::company::tell;

/// What a peer printed of each TTL.
pub(crate) type Hops = BTreeMap<u8, BTreeSet<IpAddr>>;

/// A command of another tool, and how its answer is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// The program and its arguments, without the address; `ADDRESS` where it stands inside of one.
    line: &'static [&'static str],
    /// With which packets it traces.
    pub(crate) protocol: Protocol,
    /// The families that it knows.
    pub(crate) v6: bool,
    read: fn(&str) -> Hops,
}

/// Whoever prints one path, hop by hop.
pub(crate) const LISTS: [Peer; 7] = [
    Peer {
        name: "traceroute -T",
        line: &["traceroute", "-n", "-T", "-p", "443", "-w", "1", "ADDRESS"],
        protocol: Protocol::Tcp,
        v6: true,
        read: numbered_lines,
    },
    Peer {
        name: "traceroute -U",
        line: &["traceroute", "-n", "-U", "-w", "1", "ADDRESS"],
        protocol: Protocol::Udp,
        v6: true,
        read: numbered_lines,
    },
    Peer {
        name: "traceroute -I",
        line: &["traceroute", "-n", "-I", "-w", "1", "ADDRESS"],
        protocol: Protocol::Icmp,
        v6: true,
        read: numbered_lines,
    },
    Peer {
        name: "tcptraceroute",
        line: &["tcptraceroute", "-n", "-w", "1", "ADDRESS", "443"],
        protocol: Protocol::Tcp,
        v6: false,
        read: numbered_lines,
    },
    Peer {
        name: "mtr",
        line: &["mtr", "-n", "-r", "-c", "2", "-i", "0.1", "-G", "1", "ADDRESS"],
        protocol: Protocol::Icmp,
        v6: true,
        read: numbered_lines,
    },
    Peer {
        name: "scamper trace",
        line: &["scamper", "-I", "trace -P tcp -d 443 -w 1 ADDRESS"],
        protocol: Protocol::Tcp,
        v6: true,
        read: numbered_lines,
    },
    Peer {
        name: "scamper trace (UDP)",
        line: &["scamper", "-I", "trace -P udp -w 1 ADDRESS"],
        protocol: Protocol::Udp,
        v6: true,
        read: numbered_lines,
    },
];

/// scamper's own multipath discovery.
pub(crate) const MULTIPATH: Peer = Peer {
    name: "scamper tracelb",
    line: &["scamper", "-p", "1000", "-I", "tracelb -P udp-sport -W 15 -w 1 ADDRESS"],
    protocol: Protocol::Udp,
    v6: true,
    read: |_| Hops::new(),
};

impl Peer {
    /// Runs it; `None` if it is not installed, which is said aloud.
    pub(crate) fn run(&self, lab: &Lab, address: &str) -> Option<String> {
        let [program, arguments @ ..] = self.line else { return None };
        let Some(program) = find(program) else {
            tell(&format!("SKIPPED: {} is not installed", self.name));
            return None;
        };
        let arguments = arguments.iter().map(|argument| argument.replace("ADDRESS", address));
        let command = lab.client().command(program).args(arguments).timeout(Duration::from_secs(60));
        Some(command.run().expect("it starts").stdout)
    }

    /// The hops that it finds.
    pub(crate) fn hops(&self, lab: &Lab, address: &str) -> Option<Hops> {
        self.run(lab, address).map(|text| (self.read)(&text))
    }
}

/// The links of scamper's `tracelb`, `A -> (B, C) -> D` included, and how many probes it says it sent.
pub(crate) fn multipath(text: &str) -> (BTreeSet<(IpAddr, IpAddr)>, u32) {
    let mut links = BTreeSet::new();
    let mut probes = 0;
    for line in text.lines() {
        if let Some(count) = line.split(", ").find_map(|part| part.strip_suffix(" probes")) {
            probes = count.parse().unwrap_or(0);
        }
        let sides: Vec<Vec<IpAddr>> = line
            .split(" -> ")
            .map(|side| {
                side.trim_matches(['(', ')', ' ']).split(", ").filter_map(|one| one.parse().ok()).collect()
            })
            .collect();
        for pair in sides.windows(2) {
            links.extend(pair[0].iter().flat_map(|&from| pair[1].iter().map(move |&to| (from, to))));
        }
    }
    (links, probes)
}

/// Lines that begin with the number of the hop: whatever in them is an address answered there.
fn numbered_lines(text: &str) -> Hops {
    let mut hops = Hops::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let number = words.next().map(|word| word.trim_end_matches(".|--"));
        let Some(ttl) = number.and_then(|word| word.parse().ok()) else { continue };
        hops.entry(ttl).or_default().extend(words.filter_map(|word| word.parse::<IpAddr>().ok()));
    }
    hops
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(usual)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn hops_are_read_from_what_peers_print() {
        let traceroute = "traceroute to 203.0.113.11 (203.0.113.11), 30 hops max\n \
                          1  10.70.0.1  0.1 ms * *\n 2  10.70.1.2  0.1 ms 10.70.2.2  0.2 ms\n";
        let hops = numbered_lines(traceroute);
        assert_eq!(hops[&1], BTreeSet::from([ip("10.70.0.1")]));
        assert_eq!(hops[&2], BTreeSet::from([ip("10.70.1.2"), ip("10.70.2.2")]));
        let mtr = "HOST: vm Loss%\n  1.|-- 10.70.0.1    0.0%     3    0.1\n";
        assert_eq!(numbered_lines(mtr)[&1], BTreeSet::from([ip("10.70.0.1")]));
    }

    #[test]
    fn links_are_read_from_what_scamper_prints() {
        let text = "tracelb from 10.70.0.2 to 203.0.113.11, 4 nodes, 4 links, 61 probes, 95%\n\
                    10.70.0.1 -> (10.70.1.2, 10.70.2.2) -> 10.70.3.2\n10.70.3.2 -> 203.0.113.11\n";
        let (links, probes) = multipath(text);
        assert_eq!((links.len(), probes), (5, 61));
        assert!(links.contains(&(ip("10.70.2.2"), ip("10.70.3.2"))));
    }
}
