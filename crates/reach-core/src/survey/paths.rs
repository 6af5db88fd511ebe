//! The examination behind `reach trace`: the addresses of a name, then the paths to all of them at once, and
//! beside that the names of whoever answers on the way.

use std::net::IpAddr;

use super::{Phase, Procedure, Progress, ReverseNames, Step, Survey, discovery::earliest};
use crate::{
    Time, dossier,
    model::{Case, Endpoint, Host, Observation, Outcome, Probe, ProbeId, RecordKind, Route, TracePlan},
    pool::{self, PoolFile},
    trace::Tracer,
};

/// The endpoints whose paths a trace of `case` follows, as its observations of names show them, in order.
pub fn path_ends<'a>(case: &Case, observations: impl IntoIterator<Item = &'a Observation>) -> Vec<Endpoint> {
    let end = |address: IpAddr| dossier::endpoint(address, case.target.port);
    if let Host::Address(address) = case.target.host {
        return vec![end(address)];
    }
    let mut file = PoolFile::default();
    for observation in observations {
        if !is_reverse(&observation.probe) {
            file.file(observation);
        }
    }
    let found = file.addresses().into_iter();
    found.filter(|&address| pool::wanted(case.plan.families, address)).map(end).collect()
}

fn is_reverse(probe: &Probe) -> bool {
    matches!(probe, Probe::Lookup(lookup) if lookup.kind == RecordKind::Ptr)
}

/// Finds the addresses of a target and the paths to them.
#[derive(Debug)]
pub struct PathSurvey {
    case: Case,
    plan: TracePlan,
    names: Survey,
    tracer: Option<Tracer>,
    traced: bool,
    reverse: Option<ReverseNames>,
    ends: Vec<IpAddr>,
    announced: bool,
}

/// Whose probe it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Names,
    Paths,
    Reverse,
}

impl Part {
    const ALL: [Part; 3] = [Part::Names, Part::Paths, Part::Reverse];

    /// A number that no other part gives.
    fn outer(self, id: ProbeId) -> ProbeId {
        ProbeId(id.0.wrapping_mul(Self::ALL.len() as u32).wrapping_add(self as u32))
    }

    fn of(outer: ProbeId) -> (Part, ProbeId) {
        let parts = Self::ALL.len() as u32;
        (Self::ALL[(outer.0 % parts) as usize], ProbeId(outer.0 / parts))
    }
}

impl PathSurvey {
    /// The paths to `case.target`; with the names of routers if `reverse` says so.
    pub fn new(case: Case, plan: TracePlan, reverse: bool) -> Self {
        let resolvers = pool::resolvers(&case);
        Self {
            names: Survey::names_only(case.clone()),
            tracer: None,
            traced: false,
            reverse: reverse.then(|| ReverseNames::new(&resolvers, case.started)),
            ends: Vec::new(),
            announced: false,
            plan,
            case,
        }
    }

    /// What the examination started from.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// The paths as known at this moment.
    pub fn routes(&self) -> Vec<Route> {
        self.tracer.as_ref().map(Tracer::routes).unwrap_or_default()
    }

    fn poll_names(&mut self, now: Time) -> Option<Step> {
        match self.names.poll(now) {
            Step::Run(id, probe) => Some(Step::Run(Part::Names.outer(id), probe)),
            Step::Done => {
                self.begin(now);
                None
            }
            other => Some(other),
        }
    }

    fn begin(&mut self, now: Time) {
        let ends = match self.case.target.host {
            Host::Address(address) => vec![address],
            Host::Name(_) => self.names.found(),
        };
        let endpoints =
            ends.iter().map(|&address| dossier::endpoint(address, self.case.target.port)).collect();
        self.ends = ends;
        self.tracer = Some(Tracer::new(self.plan.clone(), endpoints, &self.case.vantage, now));
    }

    fn poll_reverse(&mut self, now: Time) -> Step {
        match self.reverse.as_mut().map(|reverse| reverse.poll(now)) {
            Some(Step::Run(id, probe)) => Step::Run(Part::Reverse.outer(id), probe),
            Some(other) => other,
            None => Step::Done,
        }
    }

    fn poll_paths(&mut self, now: Time) -> Step {
        let Some(tracer) = self.tracer.as_mut().filter(|_| !self.traced) else { return Step::Done };
        match tracer.poll(now) {
            Step::Run(id, probe) => Step::Run(Part::Paths.outer(id), probe),
            Step::Done => {
                self.traced = true;
                Step::Done
            }
            other => other,
        }
    }

    /// Whoever answers on the way is somebody whose name is of interest.
    fn ask_for(&mut self, observation: &Observation) {
        let Some(reverse) = &mut self.reverse else { return };
        let answered = match &observation.outcome {
            Outcome::Rejected(rejection) => rejection.by,
            Outcome::Answered(_) => observation.probe.address(),
            Outcome::Silent(_) | Outcome::Unable(_) => None,
        };
        if let Some(address) = answered {
            reverse.add(address, observation.done);
        }
    }
}

impl Procedure for PathSurvey {
    fn poll(&mut self, now: Time) -> Step {
        if self.tracer.is_none()
            && let Some(step) = self.poll_names(now)
        {
            return step;
        }
        if !std::mem::replace(&mut self.announced, true) {
            let addresses = self.ends.clone();
            return Step::Announce(Progress { addresses, phase: Phase::Tracing, ..Progress::default() });
        }
        let paths = self.poll_paths(now);
        if matches!(paths, Step::Run(..) | Step::Announce(_)) {
            return paths;
        }
        match (paths, self.poll_reverse(now)) {
            (_, asked @ Step::Run(..)) => asked,
            (Step::Wait(paths), Step::Wait(names)) => {
                Step::Wait(earliest(Some(paths), Some(names)).unwrap_or(paths))
            }
            (Step::Wait(until), _) => Step::Wait(until),
            (_, names) => names,
        }
    }

    fn observe(&mut self, mut observation: Observation) {
        let (part, inner) = Part::of(observation.id);
        if part == Part::Paths {
            self.ask_for(&observation);
        }
        observation.id = inner;
        match (part, &mut self.tracer, &mut self.reverse) {
            (Part::Names, ..) => self.names.observe(observation),
            (Part::Paths, Some(tracer), _) => tracer.observe(observation),
            (Part::Reverse, _, Some(reverse)) => reverse.observe(observation),
            _ => {}
        }
    }

    fn given_up(&mut self, now: Time) -> Vec<Observation> {
        let Some(tracer) = &mut self.tracer else { return Vec::new() };
        let mut given_up = tracer.given_up(now);
        for observation in &mut given_up {
            observation.id = Part::Paths.outer(observation.id);
        }
        given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Effort, IcmpError, Plan, Refusal, Rejection, Vantage};

    fn case(target: &str) -> Case {
        Case {
            target: target.parse().expect("a target"),
            vantage: Vantage::default(),
            plan: Plan::new(Effort::Normal, 7),
            started: Time::from_micros(1_000_000),
        }
    }

    #[test]
    fn each_part_gets_back_what_it_asked() {
        for part in Part::ALL {
            for id in [0, 1, 7, 1_000_000] {
                assert_eq!(Part::of(part.outer(ProbeId(id))), (part, ProbeId(id)));
            }
        }
    }

    #[test]
    fn an_address_needs_no_names_to_be_traced() {
        let case = case("192.0.2.7:443");
        let ends = path_ends(&case, &[]);
        assert_eq!(ends, [Endpoint { address: [192, 0, 2, 7].into(), port: 443 }]);
        let started = case.started;
        let mut survey = PathSurvey::new(case, TracePlan::default(), true);
        loop {
            match survey.poll(started) {
                Step::Announce(progress) if progress.phase == Phase::Tracing => break,
                Step::Announce(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(survey.ends, [IpAddr::from([192, 0, 2, 7])]);
    }

    #[test]
    fn whoever_answers_on_the_way_is_asked_for_by_name() {
        let mut case = case("192.0.2.7:443");
        case.vantage.resolver.servers = vec![([192, 0, 2, 53], 53).into()];
        let started = case.started;
        let mut survey = PathSurvey::new(case, TracePlan::default(), true);
        while !matches!(survey.poll(started), Step::Announce(Progress { phase: Phase::Tracing, .. })) {}
        let error = IcmpError { v6: false, kind: 11, code: 0 };
        let rejection = Rejection {
            how: Refusal::Icmp(error),
            by: Some([10, 0, 0, 1].into()),
            rtt: std::time::Duration::from_millis(1),
            reply_ttl: None,
            quote: None,
        };
        let probe = Probe::Echo(crate::model::Echo {
            address: [192, 0, 2, 7].into(),
            sequence: 0,
            size: 32,
            ttl: Some(1),
            flow: None,
            dont_fragment: false,
            timeout: std::time::Duration::from_secs(1),
        });
        survey.observe(Observation {
            id: Part::Paths.outer(ProbeId(1_000_000)),
            probe,
            outcome: Outcome::Rejected(rejection),
            sent: started,
            done: started,
        });
        let asked = survey.poll_reverse(started);
        let Step::Run(id, Probe::Lookup(lookup)) = asked else { panic!("{asked:?}") };
        assert_eq!((Part::of(id).0, lookup.name.as_str()), (Part::Reverse, "1.0.0.10.in-addr.arpa"));
    }
}
