//! `reach ping`: every address of every target, for as long as one likes.

mod console;

use std::{cell::RefCell, collections::BTreeSet, io, net::IpAddr, rc::Rc, time::Duration};

use reach_core::{
    Time,
    model::{
        Answer, Diagnosis, EchoAccess, Endpoint, Families, Host, Observation, Obstacle, Outcome, Probe,
        ProbeId, SystemLookup, Target, Vantage,
    },
    ping::{Method, Pinger},
    survey::{Procedure, Step},
};
use reach_net::{
    drive::{Clock, Network, drive},
    journal::Journal,
    sys::drop_privileges,
    trust::TrustRoots,
    vantage::vantage,
};
use tokio::{
    runtime::{self, Runtime},
    signal::unix::{SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval_at},
};

use self::console::Console;
use super::{check::judged, dice};
use crate::{
    cli::PingArgs,
    config::{
        Errand, Surroundings,
        ping::{self, Ping},
    },
    evidence::{self, Evidence, Witness},
    exit::Exit,
    live::{self, Keep, Scope, raised},
    output::{complain, note},
    recording::Ending,
    words,
};

/// Runs the command.
pub fn run(args: &PingArgs, around: &Surroundings) -> Exit {
    let ping = match ping::ping(args, around, dice()) {
        Ok(ping) => ping,
        Err(problems) => return complain(&problems),
    };
    if let Err(error) = ping.leaving.check() {
        return complain(&[words::cannot_leave("-I", &error, ping.output.style.lang)]);
    }
    let evidence = match Evidence::open(&args.evidence, ping.output.style.lang) {
        Ok(evidence) => evidence,
        Err(exit) => return exit,
    };
    if let Err(error) = drop_privileges() {
        note(&words::privileges_kept(&error, ping.output.style.lang));
    }
    let vantage = vantage(&[]);
    let witness = evidence.map(|evidence| {
        let Errand { targets, plan, .. } = &ping.errand;
        evidence.begin(&evidence::Scope::new(targets, &vantage, &plan.extra_resolvers), Clock::start())
    });
    let journal = witness.as_ref().map(Witness::journal);
    let exit = try_run(&ping, around, &vantage, journal).unwrap_or_else(|error| {
        note(&format!("nothing can be sent: {error}"));
        Exit::CouldNotTell
    });
    evidence::end(witness, ping.output.verbose, exit)
}

fn try_run(
    ping: &Ping,
    around: &Surroundings,
    vantage: &Vantage,
    journal: Option<&Journal>,
) -> io::Result<Exit> {
    let lang = ping.output.style.lang;
    if ping.plan.method == Method::Icmp && vantage.echo == EchoAccess::None {
        note(&words::echo_not_permitted(lang));
        return Ok(Exit::CouldNotTell);
    }
    let network = Network::new(TrustRoots::load()).leaving(ping.leaving).noted_in(journal);
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut found = addresses(ping, &runtime, &network, journal)?;
    for host in &found.unresolved {
        note(&words::no_address(host, lang));
    }
    if found.interrupted {
        note(words::interrupted(lang));
        return Ok(Exit::CouldNotTell);
    }
    if found.subjects.is_empty() {
        return Ok(Exit::SomeFail);
    }
    // Addresses that nobody on this machine would use count only where there are no others.
    let usable = |subject: &Subject| {
        subject.literal
            || vantage.sources.is_empty()
            || vantage.sources.iter().any(|source| source.is_ipv4() == subject.endpoint.address.is_ipv4())
    };
    if found.subjects.iter().any(usable) {
        for subject in &mut found.subjects {
            subject.counts = usable(subject);
        }
    }
    let console = Console::new(ping, around, found.subjects);
    let all_resolved = found.unresolved.is_empty();
    Ok(runtime.block_on(watch(ping, console, all_resolved, &network)))
}

/// One address, and who wanted it.
#[derive(Debug)]
struct Subject {
    host: String,
    endpoint: Endpoint,
    /// It was typed.
    literal: bool,
    /// Its failure is one of the whole.
    counts: bool,
}

#[derive(Debug, Default)]
struct Found {
    subjects: Vec<Subject>,
    /// Hosts without an address.
    unresolved: Vec<String>,
    interrupted: bool,
}

impl Found {
    /// Adds the addresses of a target, none twice.
    fn add(&mut self, target: &Target, ping: &Ping, addresses: impl IntoIterator<Item = IpAddr>) {
        let (host, literal) = match &target.host {
            Host::Address(address) => (address.to_string(), true),
            Host::Name(name) => (name.clone(), false),
        };
        let mut any = false;
        for address in addresses {
            any = true;
            let endpoint = Endpoint { address, port: target.port };
            let is_same = |subject: &Subject| match ping.plan.method {
                Method::Icmp => subject.endpoint.address == address,
                Method::Tcp => subject.endpoint == endpoint,
            };
            if !self.subjects.iter().any(is_same) {
                self.subjects.push(Subject { host: host.clone(), endpoint, literal, counts: true });
            }
        }
        if !any {
            self.unresolved.push(host);
        }
    }
}

/// The addresses of all targets, in the order of the targets.
fn addresses(
    ping: &Ping,
    runtime: &Runtime,
    network: &Network,
    journal: Option<&Journal>,
) -> io::Result<Found> {
    let targets = &ping.errand.targets;
    let names: Vec<Target> =
        targets.iter().filter(|target| matches!(target.host, Host::Name(_))).cloned().collect();
    let mut found = Found::default();
    let mut diagnoses: Vec<Diagnosis> = Vec::new();
    if !names.is_empty() && !ping.first {
        let errand = Errand { targets: names, ..ping.errand.clone() };
        let keep = Keep { journal: journal.cloned(), ..Keep::default() };
        let seen = live::examine(&errand, Scope::Names, keep, &ping.output)?;
        found.interrupted = seen.recording.ending == Ending::Interrupted;
        diagnoses = judged(&seen.recording).into_iter().map(|(_, diagnosis)| diagnosis).collect();
    }
    for target in targets {
        let of_family = |address: &IpAddr| match ping.errand.plan.families {
            Families::Both => true,
            Families::V4 => address.is_ipv4(),
            Families::V6 => address.is_ipv6(),
        };
        match &target.host {
            Host::Address(address) => found.add(target, ping, [*address]),
            Host::Name(name) if ping.first => {
                let addresses = runtime.block_on(system_addresses(name, network));
                found.add(target, ping, addresses.into_iter().find(of_family));
            }
            Host::Name(_) => {
                let diagnosis = diagnoses.iter().find(|diagnosis| diagnosis.target == *target);
                let pool = diagnosis.iter().flat_map(|diagnosis| &diagnosis.resolution.addresses);
                let addresses: BTreeSet<IpAddr> = pool.map(|entry| entry.address).collect();
                found.add(target, ping, addresses.into_iter().filter(of_family));
            }
        }
    }
    Ok(found)
}

/// What a program on this machine gets for a name, in its order.
async fn system_addresses(name: &str, network: &Network) -> Vec<IpAddr> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let probe = Probe::SystemLookup(SystemLookup { name: name.to_owned(), timeout: PATIENCE });
    match network.observe(ProbeId(0), probe, &Clock::start(), None).await.outcome {
        Outcome::Answered(Answer::System(answer)) => answer.addresses,
        _ => Vec::new(),
    }
}

/// A pinger whose events are shown as they come.
#[derive(Debug)]
struct Shown {
    pinger: Rc<RefCell<Pinger>>,
    console: Rc<RefCell<Console>>,
}

impl Shown {
    fn show(&self) {
        let events = self.pinger.borrow_mut().take_events();
        let mut console = self.console.borrow_mut();
        for event in &events {
            console.take(event);
        }
    }
}

impl Procedure for Shown {
    fn poll(&mut self, now: Time) -> Step {
        if self.console.borrow().is_gone() {
            return Step::Done;
        }
        let step = self.pinger.borrow_mut().poll(now);
        self.show();
        step
    }

    fn observe(&mut self, observation: Observation) {
        self.pinger.borrow_mut().observe(observation);
        self.show();
    }
}

async fn watch(ping: &Ping, console: Console, all_resolved: bool, network: &Network) -> Exit {
    let clock = Clock::start();
    let endpoints: Vec<Endpoint> = console.endpoints().collect();
    let pinger = Rc::new(RefCell::new(Pinger::new(ping.plan.clone(), endpoints, clock.now())));
    let console = Rc::new(RefCell::new(console));
    console.borrow_mut().begin();
    let mut shown = Shown { pinger: Rc::clone(&pinger), console: Rc::clone(&console) };
    {
        let (mut on_step, mut sink) = (|_: &_| {}, |_: &_| {});
        let run = drive(&mut shown, network, &clock, &mut on_step, &mut sink);
        tokio::pin!(run);
        // Where nothing is drawn the ticks come so seldom that they cost nothing.
        let every = console.borrow().every().unwrap_or(Duration::from_secs(3600));
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut interrupts = signal(SignalKind::interrupt()).ok();
        let mut terminations = signal(SignalKind::terminate()).ok();
        let mut questions = signal(SignalKind::quit()).ok();
        loop {
            tokio::select! {
                () = &mut run => break,
                () = raised(&mut interrupts) => break,
                () = raised(&mut terminations) => break,
                () = raised(&mut questions) => console.borrow_mut().summarise(&pinger.borrow(), clock.now()),
                _ = ticks.tick() => console.borrow_mut().draw(&pinger.borrow(), clock.now()),
            }
        }
    }
    let pinger = pinger.borrow();
    let written = console.borrow_mut().end(&pinger, clock.now());
    match written {
        Ok(()) => status(ping, &console.borrow(), &pinger, all_resolved),
        Err(error) => {
            note(&format!("the result could not be written: {error}"));
            Exit::CouldNotTell
        }
    }
}

/// As that of `ping` for one address; for more, all of them have to answer.
fn status(ping: &Ping, console: &Console, pinger: &Pinger, all_resolved: bool) -> Exit {
    let lang = ping.output.style.lang;
    let nothing_sent = pinger.tallies().all(|(_, tally)| tally.sent() == 0 && tally.unsent() > 0);
    if nothing_sent {
        let forbidden =
            pinger.tallies().any(|(_, tally)| tally.unables().any(|(why, _)| why == Obstacle::NoPermission));
        if forbidden && ping.plan.method == Method::Icmp {
            note(&words::echo_not_permitted(lang));
        }
        return Exit::CouldNotTell;
    }
    // With a deadline the count is of answers that are wanted.
    let wanted = ping.plan.deadline.and(ping.plan.count).unwrap_or(1);
    let mut counted = console.counted().zip(pinger.tallies());
    let all_answer = counted.all(|(counts, (_, tally))| !counts || tally.received() >= wanted);
    if all_answer && all_resolved { Exit::AllWork } else { Exit::SomeFail }
}
