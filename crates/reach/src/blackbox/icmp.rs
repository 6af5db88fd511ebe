//! The prober `icmp`: one echo request.

use std::net::IpAddr;

use reach_core::model::{Answer, Echo, Outcome, Probe};
use reach_net::sys::Leaving;
use tokio::time::Instant;

use super::{Bench, Failure, failure, left, log::Log, module::IcmpSpec, register::Register};

const PHASES: &str = "probe_icmp_duration_seconds";

/// Bytes of payload where the module says nothing.
const USUAL_SIZE: u16 = 28;

pub(super) fn families(register: &mut Register) {
    for phase in ["resolve", "setup", "rtt"] {
        register.phase(PHASES, phase, 0.0);
    }
}

pub(super) async fn probe(
    bench: &Bench,
    spec: &IcmpSpec,
    address: IpAddr,
    deadline: Instant,
    register: &mut Register,
    log: &Log,
) -> Result<(), Failure> {
    let started = Instant::now();
    // Checked when the module was read.
    let source = spec.source_ip_address.parse().ok();
    let network = match source {
        Some(_) => bench.network.clone().leaving(Leaving { source, ..Leaving::default() }),
        None => bench.network.clone(),
    };
    let size = u16::try_from(spec.payload_size).unwrap_or(u16::MAX);
    let echo = Echo {
        address,
        sequence: sequence(),
        size: if size == 0 { USUAL_SIZE } else { size },
        ttl: u8::try_from(spec.ttl).ok().filter(|&ttl| ttl > 0),
        flow: None,
        dont_fragment: spec.dont_fragment,
        timeout: left(deadline),
    };
    register.phase(PHASES, "setup", started.elapsed().as_secs_f64());
    log.debug(format_args!("Sending an echo request to {address}"));
    match network.run(Probe::Echo(echo)).await {
        Outcome::Answered(Answer::Echo(reply)) => {
            register.phase(PHASES, "rtt", reply.rtt.as_secs_f64());
            if let Some(ttl) = reply.reply_ttl {
                register.set("probe_icmp_reply_hop_limit", f64::from(ttl));
            }
            log.debug(format_args!("Found matching reply packet"));
            Ok(())
        }
        outcome => {
            let failure = failure(&outcome);
            log.error(format_args!("No echo reply: {failure}"));
            Err(failure)
        }
    }
}

/// One that requests to the same address under way do not share.
fn sequence() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
