//! How often the verdict is right: each kind of fault, at several rates of loss, under many seeds.
//!
//! The network is the same each time: client – r1 – fw – r3 – eight addresses of one name, three of them with
//! the fault, and packets lost in both directions between r1 and fw.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    net::{IpAddr, Ipv4Addr},
};

use reach_core::{judge::judge, model::Verdict};

use crate::{Scenario, run};

/// Packets lost in each direction, in percent.
pub const LOSS_RATES: [u8; 4] = [0, 1, 5, 20];

/// Last bytes of the addresses, and of those with a fault.
const ALL: [u8; 8] = [11, 12, 13, 14, 15, 16, 17, 18];
const AFFECTED: [u8; 3] = [12, 15, 18];

/// One kind of fault.
#[derive(Clone, Copy, Debug)]
struct Kind {
    title: &'static str,
    /// TOML of the fault; `ADDRESSES` stands for those with it.
    text: &'static str,
    /// The verdict on them, and whether it is the verdict on all.
    verdict: Verdict,
    on_all: bool,
}

/// Right verdicts of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Right ones.
    pub right: u32,
    /// All.
    pub of: u32,
}

/// The table as text: a line for each kind of fault, a column for each rate of loss, and in each cell the share
/// of right verdicts on the addresses with the fault and on those without.
///
/// An address without a fault is rightly `ok`; where packets are lost it may be called `lossy`, and where every
/// third SYN is lost (20 % each way) it has to be. Of a fault above TCP and loss the verdict is the one that stands
/// higher in the table of verdicts, which is `lossy`, once loss is proved.
///
/// # Panics
///
/// When a scenario of the table cannot be read.
pub fn accuracy_table(seeds: u64) -> String {
    let mut table = format!("{:24}", "with the fault / without");
    for loss in LOSS_RATES {
        let _ = write!(table, "{:>16}", format!("{loss} % loss"));
    }
    table.push('\n');
    for kind in KINDS {
        let _ = write!(table, "{:24}", kind.title);
        for loss in LOSS_RATES {
            let (with, without) = kind.shares(loss, seeds);
            let _ = write!(table, "{:>16}", format!("{with} / {without}"));
        }
        table.push('\n');
    }
    table
}

impl Kind {
    fn shares(&self, loss: u8, seeds: u64) -> (Share, Share) {
        let scenario =
            Scenario::parse(&self.scenario(loss)).unwrap_or_else(|error| panic!("{}: {error}", self.title));
        let mut shares: BTreeMap<bool, Share> = BTreeMap::new();
        for seed in 1..=seeds {
            let (mut world, case) = scenario.start(seed).expect("it was read before");
            let run = run(case.clone(), &mut world);
            for endpoint in judge(&case, &run.observations).endpoints {
                let affected = self.on_all || AFFECTED.map(address).contains(&endpoint.endpoint.address);
                let share = shares.entry(affected).or_default();
                share.of += 1;
                share.right += u32::from(self.is_right(affected, endpoint.verdict, loss));
            }
        }
        let share = |affected| shares.get(&affected).copied().unwrap_or_default();
        (share(true), share(false))
    }

    fn is_right(&self, affected: bool, verdict: Verdict, loss: u8) -> bool {
        if affected && self.verdict != Verdict::Ok {
            let outranked = loss > 0 && self.verdict > Verdict::Lossy;
            return verdict == self.verdict || outranked && verdict == Verdict::Lossy;
        }
        match loss {
            0 => verdict == Verdict::Ok,
            20.. => verdict == Verdict::Lossy,
            _ => matches!(verdict, Verdict::Ok | Verdict::Lossy),
        }
    }

    fn scenario(&self, loss: u8) -> String {
        let list = |bytes: &[u8]| {
            let quoted: Vec<String> = bytes.iter().map(|&byte| format!("'{}'", address(byte))).collect();
            format!("[{}]", quoted.join(", "))
        };
        let fault = self.text.replace("ADDRESSES", &list(&AFFECTED));
        let all = list(&ALL);
        format!(
            "title = '{title}'\ntarget = 'push.example:443'\n\
             [expect]\nstate = 'reachable'\n\
             [network.client]\nping_sockets = true\n\
             [[network.stages]]\nrouters = [{{ name = 'r1' }}]\n\
             [[network.stages]]\nrouters = [{{ name = 'fw' }}]\n\
             {stages}\
             [[network.hosts]]\nname = 'web'\naddresses = {all}\n\
             [[network.hosts]]\nname = 'dns'\naddresses = ['192.0.2.53']\nbehind = 'r1'\n\
             [[network.links]]\nbetween = ['r1', 'fw']\n\
             relay = {{ loss_percent = {loss}, loss_direction = 'both' }}\n\
             [[network.services]]\nat = 'web'\nports = [443]\n\
             kind = {{ tls = {{ names = ['push.example'], large = true }} }}\n\
             [[network.resolvers]]\nat = 'dns'\n\
             [[network.resolvers.names]]\nname = 'push.example'\naddresses = {all}\nselection = 'rotate'\n\
             {fault}",
            title = self.title,
            stages = if self.verdict == Verdict::FlowDependent { HALF_DEAD } else { ONE_MORE },
        )
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.of == 0 {
            return f.write_str("   -");
        }
        write!(f, "{:.2}", f64::from(self.right) / f64::from(self.of))
    }
}

fn address(byte: u8) -> IpAddr {
    Ipv4Addr::new(203, 0, 113, byte).into()
}

const ONE_MORE: &str = "[[network.stages]]\nrouters = [{ name = 'r3' }]\n";
const HALF_DEAD: &str = "[[network.stages]]\nrouters = [{ name = 'ra' }, { name = 'rb', dead = true }]\n";

const fn kind(title: &'static str, verdict: Verdict, text: &'static str) -> Kind {
    Kind { title, text, verdict, on_all: false }
}

const KINDS: [Kind; 19] = [
    kind("none", Verdict::Ok, ""),
    kind(
        "dropped",
        Verdict::Filtered,
        "[[network.faults]]\nat = 'fw'\neffect = 'drop'\naddresses = ADDRESSES\n",
    ),
    kind(
        "dropped early",
        Verdict::Filtered,
        "[[network.faults]]\nat = 'fw'\neffect = 'drop-early'\naddresses = ADDRESSES\n",
    ),
    kind(
        "dropped at the host",
        Verdict::Filtered,
        "[[network.faults]]\nat = 'web'\neffect = 'input-drop'\naddresses = ADDRESSES\n",
    ),
    kind(
        "dropped by first router",
        Verdict::Filtered,
        "[[network.faults]]\nat = 'r1'\neffect = 'drop-early'\naddresses = ADDRESSES\n",
    ),
    kind(
        "dropped locally",
        Verdict::BlockedLocally,
        "[[network.faults]]\nat = 'client'\neffect = 'output-drop'\naddresses = ADDRESSES\n",
    ),
    kind(
        "answer dropped locally",
        Verdict::BlockedLocally,
        "[[network.faults]]\nat = 'client'\neffect = 'input-drop'\naddresses = ADDRESSES\n",
    ),
    kind(
        "prohibited",
        Verdict::Prohibited,
        "[[network.faults]]\nat = 'fw'\neffect = { reject = 'admin-prohibited' }\naddresses = ADDRESSES\n",
    ),
    kind(
        "host unreachable",
        Verdict::Unreachable,
        "[[network.faults]]\nat = 'fw'\neffect = { reject = 'host-unreachable' }\naddresses = ADDRESSES\n",
    ),
    kind(
        "refused",
        Verdict::Refused,
        "[[network.faults]]\nat = 'web'\neffect = 'input-reset'\naddresses = ADDRESSES\n",
    ),
    kind(
        "reset by firewall",
        Verdict::ResetByPath,
        "[[network.faults]]\nat = 'fw'\neffect = 'reset'\naddresses = ADDRESSES\n",
    ),
    kind(
        "reset by last router",
        Verdict::ResetByPath,
        "[[network.faults]]\nat = 'r3'\neffect = 'reset'\naddresses = ADDRESSES\n",
    ),
    Kind { title: "dead path", text: "", verdict: Verdict::FlowDependent, on_all: true },
    kind(
        "silent",
        Verdict::Silent,
        "[[network.services]]\nat = 'web'\nports = [443]\nkind = 'silent'\naddresses = ADDRESSES\n",
    ),
    kind(
        "reset after accept",
        Verdict::ClosedEarly,
        "[[network.services]]\nat = 'web'\nports = [443]\nkind = 'reset-at-once'\naddresses = ADDRESSES\n",
    ),
    kind(
        "name dropped",
        Verdict::NameBlocked,
        "[[network.links]]\nbetween = ['fw', 'r3']\n\
         relay = { name_cut = { names = ['push.example'], cut = 'drop', addresses = ADDRESSES } }\n",
    ),
    kind(
        "name reset",
        Verdict::NameBlocked,
        "[[network.links]]\nbetween = ['fw', 'r3']\n\
         relay = { name_cut = { names = ['push.example'], cut = 'reset-client', addresses = ADDRESSES } }\n",
    ),
    Kind {
        title: "MTU black hole",
        text: "[[network.links]]\nbetween = ['fw', 'r3']\nmtu = 1300\nsilent_about_size = true\n",
        verdict: Verdict::MtuBlackhole,
        on_all: true,
    },
    kind(
        "expired",
        Verdict::Untrusted,
        "[[network.services]]\nat = 'web'\nports = [443]\n\
         kind = { tls = { names = ['push.example'], certificate = 'expired' } }\naddresses = ADDRESSES\n",
    ),
];
