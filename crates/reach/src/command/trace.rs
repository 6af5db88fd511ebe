//! `reach trace`: the routers on all parallel paths to every address behind a name.

use std::{
    collections::BTreeMap,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use reach_core::{
    judge::judge,
    model::{Case, EchoAccess, Observation, Probe, RecordKind, Route, TracePlan, TraceProtocol},
    route::{choose_pair, parting, routes},
    survey::{path_ends, reverse_names},
};
use reach_report::trace::{self as report, Comparison, Form, Labels};

use super::{check, dice, document};
use crate::{
    asn,
    cli::{EvidenceArgs, TraceArgs},
    config::{
        Errand, Surroundings,
        trace::{self as config, PathSource, Trace, View},
    },
    evidence::{Evidence, Witness},
    exit::Exit,
    live::{self, Keep, Scope, Seen, Stage},
    live_view::{self, Known},
    output::{complain, finish, note, shown},
    recording::{Ending, Recording},
    words,
};

/// Runs the command.
pub fn run(args: &TraceArgs, around: &Surroundings) -> Exit {
    let trace = match config::trace(args, around, dice()) {
        Ok(trace) => trace,
        Err(problems) => return complain(&problems),
    };
    // Read before anything is sent: a wrong file is to be told at once.
    let table = match trace.asn_db.as_deref().map(read_table).transpose() {
        Ok(table) => table,
        Err(exit) => return exit,
    };
    if let PathSource::Network(errand, _) = &trace.source
        && let Err(error) = errand.leaving.check()
    {
        return complain(&[words::cannot_leave("-i", &error, trace.output.style.lang)]);
    }
    if let (View::Live, PathSource::Network(errand, plan)) = (&trace.view, &trace.source) {
        return live_view(&trace, errand, plan, table.as_ref(), &args.evidence);
    }
    let (seen, plan) = match observe(&trace, &args.evidence) {
        Ok(seen) => seen,
        Err(exit) => return exit,
    };
    let no_echo = |(case, _): &(Case, Vec<Observation>)| case.vantage.echo == EchoAccess::None;
    if plan.protocol == TraceProtocol::Icmp && seen.recording.examined.iter().any(no_echo) {
        note(&words::icmp_trace_not_permitted(trace.output.style.lang));
    }
    let traces = traces(&seen.recording, &plan);
    let labels = labels(&seen.recording, &traces, table.as_ref(), trace.reverse);
    conclude(&trace, &seen, &traces, &labels)
}

/// Shows the paths on the whole screen, and what is known of them in the end.
fn live_view(
    trace: &Trace,
    errand: &Errand,
    plan: &TracePlan,
    table: Option<&asn::Table>,
    evidence: &EvidenceArgs,
) -> Exit {
    let evidence = match Evidence::open(evidence, trace.output.style.lang) {
        Ok(evidence) => evidence,
        Err(exit) => return exit,
    };
    let shown = live::stage(errand, &trace.output).and_then(|stage| {
        let Stage { network, runtime, clock, cases } = stage;
        let witness = evidence.map(|evidence| evidence.begin(&live::packets_of(&cases, Some(plan)), clock));
        let network = network.noted_in(witness.as_ref().map(Witness::journal));
        let origin = |address: IpAddr| table?.origin(address);
        let (reverse, style) = (trace.reverse, &trace.output.style);
        let scene = live_view::Scene { network: &network, clock: &clock, origin: &origin, style };
        let watched = live_view::watch(cases, plan, reverse, scene);
        let known = runtime.block_on(watched);
        runtime.shutdown_background();
        let finished = clock.now();
        let evidence_lost = witness.is_some_and(|witness| !witness.end(trace.output.verbose));
        Ok((known?, finished, evidence_lost))
    });
    let (known, finished, evidence_lost) = match shown {
        Ok(shown) => shown,
        Err(error) => {
            note(&format!("the live view ended: {error}"));
            return Exit::CouldNotTell;
        }
    };
    let trace_of = |known: &Known| {
        let forward: Vec<Observation> =
            known.lookups.iter().filter(|seen| is_forward(&seen.probe)).cloned().collect();
        report::Trace {
            resolution: judge(&known.case, &forward).resolution,
            routes: known.routes.clone(),
            plan: plan.clone(),
            finished,
            case: known.case.clone(),
        }
    };
    let traces: Vec<report::Trace> = known.iter().map(trace_of).collect();
    let examined = known.into_iter().map(|known| (known.case, known.lookups)).collect();
    let recording = Recording { examined, paths: Some(plan.clone()), finished, ending: Ending::Complete };
    let labels = labels(&recording, &traces, table, trace.reverse);
    conclude(trace, &Seen { recording, broken: false, evidence_lost }, &traces, &labels)
}

fn observe(trace: &Trace, evidence: &EvidenceArgs) -> Result<(Seen, TracePlan), Exit> {
    match &trace.source {
        PathSource::Network(errand, plan) => {
            let keep = Keep {
                recorder: errand.record.as_deref().map(check::open).transpose()?,
                evidence: Evidence::open(evidence, trace.output.style.lang)?,
                journal: None,
            };
            let scope = Scope::Paths { plan: plan.clone(), reverse: trace.reverse };
            let seen = live::examine(errand, scope, keep, &trace.output).map_err(|error| {
                note(&format!("nothing can be sent: {error}"));
                Exit::CouldNotTell
            })?;
            Ok((seen, plan.clone()))
        }
        PathSource::Recording(path) => {
            let seen = check::replay(path)?;
            let Some(plan) = seen.recording.paths.clone() else {
                let name = shown(&path.to_string_lossy());
                return Err(complain(&[format!(
                    "--replay `{name}` is no recording of a trace; give one written by `reach trace --record`"
                )]));
            };
            Ok((seen, plan))
        }
    }
}

/// What the observations of each target show.
fn traces(recording: &Recording, plan: &TracePlan) -> Vec<report::Trace> {
    let trace = |(case, observations): &(Case, Vec<Observation>)| {
        let forward: Vec<Observation> =
            observations.iter().filter(|seen| is_forward(&seen.probe)).cloned().collect();
        report::Trace {
            resolution: judge(case, &forward).resolution,
            routes: routes(plan, &path_ends(case, observations), observations),
            plan: plan.clone(),
            finished: recording.finished,
            case: case.clone(),
        }
    };
    recording.examined.iter().map(trace).collect()
}

/// Whether it asks for addresses.
fn is_forward(probe: &Probe) -> bool {
    match probe {
        Probe::Lookup(lookup) => lookup.kind != RecordKind::Ptr,
        Probe::SystemLookup(_) => true,
        _ => false,
    }
}

fn labels(
    recording: &Recording,
    traces: &[report::Trace],
    table: Option<&asn::Table>,
    reverse: bool,
) -> Labels {
    let addresses: Vec<IpAddr> = traces.iter().flat_map(|trace| &trace.routes).flat_map(answering).collect();
    let observations = recording.examined.iter().flat_map(|(_, observations)| observations);
    let names =
        if reverse { reverse_names(observations, addresses.iter().copied()) } else { BTreeMap::new() };
    let origins = addresses.iter().filter_map(|&address| Some((address, table?.origin(address)?))).collect();
    Labels { names, origins }
}

/// Everybody on the paths to an endpoint, and the endpoint.
fn answering(route: &Route) -> impl Iterator<Item = IpAddr> {
    let responders = route.hops.iter().flat_map(|hop| &hop.responders).map(|responder| responder.address);
    responders.chain([route.endpoint.address])
}

fn conclude(trace: &Trace, seen: &Seen, traces: &[report::Trace], labels: &Labels) -> Exit {
    let output = &trace.output;
    let recording = &seen.recording;
    let comparison = match &trace.view {
        View::Compare(pair) => compare(*pair, traces, trace),
        View::Paths | View::Each | View::Live => None,
    };
    let shown = if output.json {
        let started = traces.iter().map(|trace| trace.case.started).min().unwrap_or(recording.finished);
        let version = env!("CARGO_PKG_VERSION");
        let compared = comparison.as_ref();
        document(&report::json(
            traces,
            labels,
            compared,
            started,
            recording.finished,
            version,
            output.json_lang,
        ))
    } else if let Some(Comparison { trace, pair, parting }) = &comparison {
        report::compare(&traces[*trace], *pair, parting, labels, &output.style)
    } else {
        let form = if trace.view == View::Each { Form::Each } else { Form::Fitting };
        report::text(traces, labels, form, &output.style)
    };
    for (path, picture) in
        [(&trace.dot, report::dot as fn(&[report::Trace], &Labels, _) -> String), (&trace.svg, report::svg)]
    {
        let Some(path) = path else { continue };
        if let Err(exit) = write(path, &picture(traces, labels, output.style.lang)) {
            return exit;
        }
    }
    match recording.ending {
        Ending::Complete => {}
        Ending::Interrupted => note(words::interrupted(output.style.lang)),
        Ending::Unknown => note(words::cut_short(output.style.lang)),
    }
    let exit = match exit(traces) {
        _ if seen.evidence_lost => Exit::CouldNotTell,
        Exit::AllWork if seen.broken || recording.ending != Ending::Complete => Exit::CouldNotTell,
        exit => exit,
    };
    finish(&shown, exit)
}

/// The two paths to compare. Where there are none it says so, and all paths are shown instead.
fn compare(wanted: Option<(IpAddr, IpAddr)>, traces: &[report::Trace], trace: &Trace) -> Option<Comparison> {
    for (number, traced) in traces.iter().enumerate() {
        let place =
            |address: IpAddr| traced.routes.iter().position(|route| route.endpoint.address == address);
        let pair = match wanted {
            Some((a, b)) => place(a).zip(place(b)),
            None => choose_pair(&traced.routes),
        };
        if let Some(pair) = pair {
            let parting = parting(&traced.routes[pair.0], &traced.routes[pair.1]);
            return Some(Comparison { trace: number, pair, parting });
        }
    }
    let known: Vec<String> = traces
        .iter()
        .flat_map(|trace| &trace.routes)
        .map(|route| route.endpoint.address.to_string())
        .collect();
    note(&words::nothing_to_compare(wanted, &known.join(", "), trace.output.style.lang));
    None
}

fn write(path: &PathBuf, text: &str) -> Result<(), Exit> {
    fs::write(path, text).map_err(|error| {
        note(&format!("`{}` cannot be written: {error}", shown(&path.to_string_lossy())));
        Exit::CouldNotTell
    })
}

/// A failure that was seen outweighs one that could not be excluded. Addresses of a family that this machine has
/// no route for do not count beside others.
fn exit(traces: &[report::Trace]) -> Exit {
    let exits: Vec<Exit> = traces.iter().map(exit_of).collect();
    let any = |wanted: Exit| exits.contains(&wanted).then_some(wanted);
    any(Exit::SomeFail).or(any(Exit::CouldNotTell)).unwrap_or(Exit::AllWork)
}

fn exit_of(trace: &report::Trace) -> Exit {
    if trace.routes.is_empty() {
        return if trace.resolution.error.is_some() { Exit::SomeFail } else { Exit::CouldNotTell };
    }
    let sent = || trace.routes.iter().filter(|route| route.unable.is_none());
    if sent().any(|route| route.stopped.is_some()) {
        Exit::SomeFail
    } else if sent().count() == 0 || sent().any(|route| route.distance.is_none()) {
        Exit::CouldNotTell
    } else {
        Exit::AllWork
    }
}

fn read_table(path: &Path) -> Result<asn::Table, Exit> {
    let name = shown(&path.to_string_lossy());
    let bytes =
        fs::read(path).map_err(|error| complain(&[format!("--asn-db `{name}` cannot be read: {error}")]))?;
    asn::Table::read(&bytes).map_err(|error| complain(&[format!("--asn-db `{name}`: {error}")]))
}
