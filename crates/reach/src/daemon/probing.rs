//! Probing has a thread of its own, which does nothing else: no disk, no message and no browser can hold it up.

use std::{
    io,
    sync::{Arc, mpsc as std_mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use reach_core::{
    Time,
    survey::Onward,
    watch::{Event, Remembered, ScheduleStatus, TargetId, TargetStatus, WatchPlan, patrol::Patrol},
};
use reach_net::drive::{Clock, Network, drive_until};
use tokio::{
    runtime,
    sync::{Notify, mpsc},
};

/// What the patrol learned since it was heard last.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// What happened, in order.
    pub(super) events: Vec<Event>,
    /// What is to be remembered of addresses.
    pub(super) remembered: Vec<Remembered>,
    /// What is known at the moment, now and then.
    pub(super) known: Option<Known>,
}

/// What the patrol knows at a moment.
#[derive(Debug)]
pub(super) struct Known {
    /// The moment; of very many addresses what was known of each in the second after it.
    pub(super) at: Time,
    /// Whether this host reaches anything.
    pub(super) online: Option<bool>,
    /// The targets.
    pub(super) targets: Vec<TargetStatus>,
    /// How times are kept.
    pub(super) schedule: ScheduleStatus,
}

enum Wish {
    Examine(Vec<TargetId>),
    Reload(Box<WatchPlan>),
    Stop,
}

/// The thread that probes.
pub(super) struct Probing {
    wishes: std_mpsc::Sender<Wish>,
    call: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Probing {
    /// Starts. What is learned comes out of the receiver, which ends when the thread does.
    pub(super) fn start(
        plan: WatchPlan,
        remembered: Vec<Remembered>,
        network: Network,
        clock: Clock,
    ) -> io::Result<(Self, mpsc::UnboundedReceiver<Learned>)> {
        let (wishes, heard) = std_mpsc::channel();
        let (tell, learned) = mpsc::unbounded_channel();
        let call = Arc::new(Notify::new());
        let called = Arc::clone(&call);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name("reach-probing".to_owned()).spawn(move || {
            let mut patrol = Patrol::new(plan, remembered, clock.now());
            let mut owner = Owner {
                heard,
                tell,
                clock,
                told: Time::default(),
                look: clock.now(),
                untold: false,
                round: None,
            };
            let mut attend = |patrol: &mut Patrol| owner.attend(patrol);
            runtime.block_on(async {
                drive_until(&mut patrol, &network, &clock, &mut |_| {}, &mut |_| {}, &called, &mut attend)
                    .await;
            });
            // A blocked look-up of the system must not hold up the end.
            runtime.shutdown_background();
        })?;
        Ok((Self { wishes, call, thread: Some(thread) }, learned))
    }

    /// Asks for whole surveys.
    pub(super) fn examine(&self, targets: Vec<TargetId>) {
        if !targets.is_empty() {
            self.wish(Wish::Examine(targets));
        }
    }

    /// Goes on with another plan.
    pub(super) fn reload(&self, plan: WatchPlan) {
        self.wish(Wish::Reload(Box::new(plan)));
    }

    /// Ends it. What it learned last is in the receiver then.
    pub(super) fn stop(&mut self) {
        self.wish(Wish::Stop);
        if let Some(thread) = self.thread.take() {
            // Where it panicked, its receiver has said so.
            let _ = thread.join();
        }
    }

    fn wish(&self, wish: Wish) {
        // Nobody hears it where the thread is over.
        let _ = self.wishes.send(wish);
        self.call.notify_one();
    }
}

/// Looks after the patrol whenever it has nothing to do.
struct Owner {
    heard: std_mpsc::Receiver<Wish>,
    tell: mpsc::UnboundedSender<Learned>,
    clock: Clock,
    /// When something was told last.
    told: Time,
    /// When to tell next what is known.
    look: Time,
    /// Something happened since.
    untold: bool,
    round: Option<Round>,
}

/// What is known, as far as it is gathered. All of ten thousand addresses at once would keep tries waiting.
struct Round {
    known: Known,
    /// Where to go on.
    next: TargetId,
}

/// What is learned is told at once, but only this often: each time another thread is woken.
const GATHER_FOR: Duration = Duration::from_millis(20);
/// So many addresses are copied at a time.
const PIECE: usize = 256;
/// What is known of few addresses is told this often…
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// …and of so many, a fifth as often.
const MANY: usize = 1_000;

impl Owner {
    fn attend(&mut self, patrol: &mut Patrol) -> Onward {
        let mut onward = Onward::Wait;
        while let Ok(wish) = self.heard.try_recv() {
            match wish {
                Wish::Examine(targets) => targets.into_iter().for_each(|target| patrol.examine(target)),
                Wish::Reload(plan) => patrol.reload(*plan, self.clock.now()),
                Wish::Stop => {
                    self.tell(patrol, true);
                    return Onward::Stop;
                }
            }
            onward = Onward::Ask;
        }
        if onward == Onward::Ask {
            return onward;
        }
        let now = self.clock.now();
        if now.since(self.told) >= GATHER_FOR {
            self.tell(patrol, false);
        }
        // Nobody may have anything to do for seconds.
        let soon = self.told + GATHER_FOR;
        if patrol.has_news() || self.round.is_some() {
            Onward::WaitFor(soon.since(now))
        } else if self.untold {
            Onward::WaitFor(self.look.max(soon).since(now))
        } else {
            Onward::Wait
        }
    }

    fn tell(&mut self, patrol: &mut Patrol, at_last: bool) {
        let now = self.clock.now();
        let mut learned =
            Learned { events: patrol.take_events(), remembered: patrol.take_dirty(), known: None };
        self.untold |= !learned.events.is_empty();
        if now >= self.look || self.round.is_some() || at_last {
            learned.known = self.look_on(patrol, at_last, now);
        }
        if !learned.events.is_empty() || !learned.remembered.is_empty() || learned.known.is_some() {
            self.told = now;
            // Nobody listens any more where the watch is ending.
            let _ = self.tell.send(learned);
        }
    }

    /// Gathers another piece of what is known, or all the rest of it; gives it once it is whole.
    fn look_on(&mut self, patrol: &Patrol, at_last: bool, now: Time) -> Option<Known> {
        let begin = || Round {
            known: Known { at: now, online: None, targets: Vec::new(), schedule: ScheduleStatus::default() },
            next: TargetId::default(),
        };
        // What happens from now on may not be in it.
        self.untold &= self.round.is_some();
        let Round { mut known, next } =
            if at_last { begin() } else { self.round.take().unwrap_or_else(begin) };
        let piece = if at_last { usize::MAX } else { PIECE };
        let (targets, next) = patrol.piece_of_status(next, piece);
        known.targets.extend(targets);
        if let Some(next) = next {
            self.round = Some(Round { known, next });
            return None;
        }
        (known.online, known.schedule) = (patrol.online(), patrol.schedule());
        let addresses: usize = known.targets.iter().map(|target| target.addresses.len()).sum();
        self.look = known.at + if addresses > MANY { LOOK_EVERY * 5 } else { LOOK_EVERY };
        Some(known)
    }
}
