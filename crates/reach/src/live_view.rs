//! The live view of a trace: the whole screen of a terminal, drawn anew as answers come.
//!
//! What it shows is in [`view`](View) and how it looks in `screen`, both without a terminal; here are the terminal and
//! the loop.

mod keys;
mod screen;
mod series;
mod view;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io,
    net::IpAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use ratatui::{DefaultTerminal, crossterm::event};
use reach_core::{
    Time,
    model::{Case, Observation, Probe, ProbeId, Route, TracePlan},
    survey::{PathSurvey, Procedure, Step, reverse_names},
};
use reach_net::drive::{Clock, Network, drive};
use reach_report::{
    Style,
    trace::{Labels, Origin},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, MissedTickBehavior, interval_at},
};

pub use self::{keys::Wish, screen::draw, series::Series, view::View};
use crate::live::raised;

/// What a live trace knows of one target.
#[derive(Clone, Debug)]
pub struct Known {
    /// What it started from.
    pub case: Case,
    /// The answers of name servers, for addresses and for the names of routers.
    pub lookups: Vec<Observation>,
    /// The paths as known when somebody left.
    pub routes: Vec<Route>,
}

/// Where a live trace takes place.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The network.
    pub network: &'a Network,
    /// The time of the run.
    pub clock: &'a Clock,
    /// Knows the autonomous systems.
    pub origin: &'a dyn Fn(IpAddr) -> Option<Origin>,
    /// How it is to look.
    pub style: &'a Style,
}

/// Often enough for the eye.
const REDRAW: Duration = Duration::from_millis(250);
/// How long keys are waited for before it is looked whether anybody still wants them.
const KEY_WAIT: Duration = Duration::from_millis(100);
/// What a paused trace waits for.
const PAUSE: Duration = Duration::from_millis(100);
/// Finding the routes may take one part of the time in so many.
const ROUTES_SHARE: u32 = 10;

/// Traces and shows the paths of all cases until somebody leaves. `plan.repeat` says how often each hop is asked
/// again.
///
/// The terminal is as before afterwards, also after a panic.
///
/// # Errors
///
/// What the terminal says.
pub async fn watch(
    cases: Vec<Case>,
    plan: &TracePlan,
    reverse: bool,
    scene: Scene<'_>,
) -> io::Result<Vec<Known>> {
    let hosts = cases.iter().map(|case| crate::output::shown(&case.target.text)).collect();
    let view = Rc::new(RefCell::new(View::new(hosts, plan.protocol, scene.clock.now())));
    let mut traced = Traced::new(cases, plan, reverse, Rc::clone(&view));
    let mut terminal = ratatui::try_init()?;
    let keyboard = Keyboard::listen();
    let ended = run(&mut traced, &view, scene, &mut terminal, keyboard).await;
    ratatui::try_restore()?;
    ended?;
    Ok(traced.known(scene.clock.now()))
}

async fn run(
    traced: &mut Traced,
    view: &RefCell<View>,
    scene: Scene<'_>,
    terminal: &mut DefaultTerminal,
    mut keyboard: Keyboard,
) -> io::Result<()> {
    let Scene { network, clock, origin, style } = scene;
    let targets = Rc::clone(&traced.targets);
    let (mut on_step, mut sink) = (|_: &_| {}, |_: &_| {});
    let tracing = drive(traced, network, clock, &mut on_step, &mut sink);
    tokio::pin!(tracing);
    let mut ticks = interval_at(Instant::now(), REDRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut interrupts = signal(SignalKind::interrupt()).ok();
    let mut terminations = signal(SignalKind::terminate()).ok();
    let mut routes_at = Instant::now();
    let mut is_over = false;
    loop {
        tokio::select! {
            () = &mut tracing, if !is_over => is_over = true,
            () = raised(&mut interrupts) => return Ok(()),
            () = raised(&mut terminations) => return Ok(()),
            wish = keyboard.wishes.recv() => match wish {
                None | Some(Wish::Quit) => return Ok(()),
                Some(wish) => view.borrow_mut().take(wish),
            },
            _ = ticks.tick() => {
                let began = Instant::now();
                if began >= routes_at {
                    let (routes, labels) = known_now(&targets.borrow(), origin);
                    view.borrow_mut().know(routes, labels, clock.now());
                    routes_at = Instant::now() + began.elapsed() * ROUTES_SHARE;
                }
            }
        }
        terminal.draw(|frame| draw(&view.borrow(), style, frame))?;
    }
}

/// The routes, each with the number of its target, and what is known of those on them.
fn known_now(targets: &[Target], origin: &dyn Fn(IpAddr) -> Option<Origin>) -> (Vec<(usize, Route)>, Labels) {
    let routes: Vec<(usize, Route)> = targets
        .iter()
        .enumerate()
        .flat_map(|(number, target)| target.survey.routes().into_iter().map(move |route| (number, route)))
        .collect();
    let hops = routes.iter().flat_map(|(_, route)| &route.hops);
    let addresses: BTreeSet<IpAddr> =
        hops.flat_map(|hop| &hop.responders).map(|responder| responder.address).collect();
    let lookups = targets.iter().flat_map(|target| &target.lookups);
    let names: BTreeMap<IpAddr, String> = reverse_names(lookups, addresses.iter().copied());
    let origins = addresses.iter().filter_map(|&address| Some((address, origin(address)?))).collect();
    (routes, Labels { names, origins })
}

/// The surveys of all targets, which can be held up.
struct Traced {
    targets: Rc<RefCell<Vec<Target>>>,
    view: Rc<RefCell<View>>,
    /// The target that is asked first next time.
    turn: usize,
}

struct Target {
    survey: PathSurvey,
    lookups: Vec<Observation>,
}

impl Traced {
    fn new(cases: Vec<Case>, plan: &TracePlan, reverse: bool, view: Rc<RefCell<View>>) -> Self {
        let target = |case: Case| {
            let plan = TracePlan { seed: case.plan.seed, ..plan.clone() };
            Target { survey: PathSurvey::new(case, plan, reverse), lookups: Vec::new() }
        };
        Self { targets: Rc::new(RefCell::new(cases.into_iter().map(target).collect())), view, turn: 0 }
    }

    /// What is known in the end.
    fn known(self, now: Time) -> Vec<Known> {
        let mut targets = self.targets.borrow_mut();
        let known = |target: &mut Target| {
            // What is no longer waited for counts as silent.
            target.survey.given_up(now);
            Known {
                case: target.survey.case().clone(),
                lookups: std::mem::take(&mut target.lookups),
                routes: target.survey.routes(),
            }
        };
        targets.iter_mut().map(known).collect()
    }
}

impl Procedure for Traced {
    fn poll(&mut self, now: Time) -> Step {
        if self.view.borrow().is_paused() {
            return Step::Wait(now + PAUSE);
        }
        let mut targets = self.targets.borrow_mut();
        let count = targets.len();
        let mut until: Option<Time> = None;
        for step in 0..count {
            let number = (self.turn + step) % count;
            let survey = &mut targets[number].survey;
            loop {
                match survey.poll(now) {
                    Step::Run(id, probe) => {
                        self.turn = (number + 1) % count;
                        return Step::Run(outer(id, number, count), probe);
                    }
                    Step::Announce(_) => {}
                    Step::Wait(time) => {
                        until = Some(until.map_or(time, |until| until.min(time)));
                        break;
                    }
                    Step::Done => break,
                }
            }
        }
        until.map_or(Step::Done, Step::Wait)
    }

    fn observe(&mut self, mut observation: Observation) {
        let mut targets = self.targets.borrow_mut();
        let count = targets.len();
        let number = observation.id.0 as usize % count;
        self.view.borrow_mut().observe(number, &observation);
        observation.id = ProbeId(observation.id.0 / count as u32);
        let target = &mut targets[number];
        if matches!(observation.probe, Probe::Lookup(_) | Probe::SystemLookup(_)) {
            target.lookups.push(observation.clone());
        }
        target.survey.observe(observation);
    }
}

/// A number for a probe that the other targets do not give.
fn outer(id: ProbeId, number: usize, count: usize) -> ProbeId {
    ProbeId(id.0.wrapping_mul(count as u32).wrapping_add(number as u32))
}

/// What is typed, read by a thread of its own.
struct Keyboard {
    wishes: UnboundedReceiver<Wish>,
    unwanted: Arc<AtomicBool>,
}

impl Keyboard {
    fn listen() -> Self {
        let (sender, wishes) = unbounded_channel();
        let unwanted = Arc::new(AtomicBool::new(false));
        let gone = Arc::clone(&unwanted);
        thread::spawn(move || read(&sender, &gone));
        Self { wishes, unwanted }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
    }
}

/// Reads keys until nobody wants them or the terminal is gone.
fn read(wishes: &UnboundedSender<Wish>, unwanted: &AtomicBool) {
    while !unwanted.load(Ordering::Relaxed) {
        let typed =
            event::poll(KEY_WAIT).and_then(|any| if any { event::read().map(Some) } else { Ok(None) });
        match typed {
            Ok(None) => {}
            Ok(Some(event)) => {
                if keys::wish(&event).is_some_and(|wish| wishes.send(wish).is_err()) {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests;
