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
    io::{self, IsTerminal},
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
    model::{Endpoint, Observation, Route, TracePlan, Vantage},
    survey::{Procedure, Step},
    trace::Tracer,
};
use reach_net::drive::{Clock, Network, drive};
use reach_report::{Style, trace::Labels};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, MissedTickBehavior, interval_at},
};

pub use self::{keys::Wish, screen::draw, series::Series, view::View};
use crate::live::raised;

/// What is traced.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The host as people write it, made harmless.
    pub host: String,
    /// Its addresses.
    pub endpoints: Vec<Endpoint>,
    /// The host that looks.
    pub vantage: Vantage,
    /// How to trace; `repeat` says how often each hop is asked again.
    pub plan: TracePlan,
    /// What is known of routers besides their addresses.
    pub labels: Labels,
}

/// Often enough for the eye.
const REDRAW: Duration = Duration::from_millis(250);
/// How often each hop is asked where the plan does not say.
const REPEAT: Duration = Duration::from_secs(1);
/// How long keys are waited for before it is looked whether anybody still wants them.
const KEY_WAIT: Duration = Duration::from_millis(100);
/// What a paused trace waits for.
const PAUSE: Duration = Duration::from_millis(100);
/// The share of the time that finding the routes may take is one to this.
const ROUTES_SHARE: u32 = 10;

/// Whether there is a screen to draw on and a keyboard to listen to.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Shows the trace until somebody leaves; gives the routes as known then. `sink` hears of every observation.
///
/// The terminal is as before afterwards, also after a panic.
///
/// # Errors
///
/// What the terminal says.
pub async fn watch(
    subject: Subject,
    network: &Network,
    clock: &Clock,
    style: &Style,
    sink: &mut dyn FnMut(&Observation),
) -> io::Result<Vec<Route>> {
    let mut terminal = ratatui::try_init()?;
    let keyboard = Keyboard::listen();
    let ended = run(subject, network, clock, style, sink, &mut terminal, keyboard).await;
    ratatui::try_restore()?;
    ended
}

/// A tracer that can be held up.
struct Held {
    tracer: Rc<RefCell<Tracer>>,
    view: Rc<RefCell<View>>,
}

impl Procedure for Held {
    fn poll(&mut self, now: Time) -> Step {
        if self.view.borrow().is_paused() {
            return Step::Wait(now + PAUSE);
        }
        self.tracer.borrow_mut().poll(now)
    }

    fn observe(&mut self, observation: Observation) {
        self.view.borrow_mut().observe(&observation);
        self.tracer.borrow_mut().observe(observation);
    }
}

async fn run(
    subject: Subject,
    network: &Network,
    clock: &Clock,
    style: &Style,
    sink: &mut dyn FnMut(&Observation),
    terminal: &mut DefaultTerminal,
    mut keyboard: Keyboard,
) -> io::Result<Vec<Route>> {
    let Subject { host, endpoints, vantage, plan, labels } = subject;
    let plan = TracePlan { repeat: plan.repeat.or(Some(REPEAT)), ..plan };
    let protocol = plan.protocol;
    let tracer = Rc::new(RefCell::new(Tracer::new(plan, endpoints, &vantage, clock.now())));
    let view = Rc::new(RefCell::new(View::new(host, protocol, labels, clock.now())));
    {
        let mut held = Held { tracer: Rc::clone(&tracer), view: Rc::clone(&view) };
        let mut on_step = |_: &_| {};
        let traced = drive(&mut held, network, clock, &mut on_step, sink);
        tokio::pin!(traced);
        let mut ticks = interval_at(Instant::now(), REDRAW);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut interrupts = signal(SignalKind::interrupt()).ok();
        let mut terminations = signal(SignalKind::terminate()).ok();
        let mut routes_at = Instant::now();
        let mut is_over = false;
        loop {
            tokio::select! {
                () = &mut traced, if !is_over => is_over = true,
                () = raised(&mut interrupts) => break,
                () = raised(&mut terminations) => break,
                wish = keyboard.wishes.recv() => match wish {
                    None | Some(Wish::Quit) => break,
                    Some(wish) => view.borrow_mut().take(wish),
                },
                _ = ticks.tick() => {
                    let began = Instant::now();
                    if began >= routes_at {
                        let routes = tracer.borrow().routes();
                        view.borrow_mut().know(routes, clock.now());
                        routes_at = Instant::now() + began.elapsed() * ROUTES_SHARE;
                    }
                }
            }
            terminal.draw(|frame| draw(&view.borrow(), style, frame))?;
        }
    }
    let mut tracer = tracer.borrow_mut();
    for observation in tracer.given_up(clock.now()) {
        sink(&observation);
    }
    Ok(tracer.routes())
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
