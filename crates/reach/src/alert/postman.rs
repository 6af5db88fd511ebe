//! Goes between the courier, which decides, and the senders, which send.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use reach_core::{
    Time,
    model::Vantage,
    watch::{
        ChannelStatus, IncidentId, Notice, Order, OutboxRow, Phase, RowId,
        courier::{Courier, CourierStep, Dispatch, DispatchId, Report},
    },
};
use reach_net::drive::Clock;
use reach_report::notice::Telling;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};

use super::{
    Sender, Way,
    settings::ChannelSettings,
    telegram::{Api, Chat, Desk, poll},
};

/// That a message is under way is written before it leaves, but no message waits longer than so for the disk.
const UNWRITTEN: Duration = Duration::from_secs(10);
/// Quiet hours are looked up again this often; they are told for two days at a time.
const LOOK_UP: Duration = Duration::from_secs(6 * 3600);

/// The way to the courier, which may be asked from anywhere and never waits for a channel.
#[derive(Clone)]
pub struct Postman {
    shared: Arc<Shared>,
}

struct Shared {
    courier: Mutex<Courier>,
    channels: Mutex<BTreeMap<String, Arc<Channel>>>,
    open: Arc<Mutex<BTreeSet<IncidentId>>>,
    /// Rows about to leave, and who waits for the store to know that.
    leaving: Mutex<BTreeMap<RowId, oneshot::Sender<()>>>,
    /// Counts the sets of channels.
    generation: AtomicU64,
    wake: Notify,
    clock: Clock,
    vantage: Vantage,
    zone: TimeZone,
}

struct Channel {
    sender: Sender,
    settings: ChannelSettings,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum FromPostman {
    /// Rows that are to be written (again).
    Rows(Vec<OutboxRow>),
    /// Somebody pressed a button.
    Order(Order),
}

impl Postman {
    /// Starts on the runtime of the caller, and runs until the receiver is dropped.
    ///
    /// `kept` and `next_row` as [`Courier::new`] takes them. `clock` has to agree with the times of notices.
    pub fn start(
        channels: Vec<(ChannelSettings, Sender)>,
        (kept, next_row): (Vec<OutboxRow>, RowId),
        (vantage, zone): (Vantage, TimeZone),
        clock: Clock,
    ) -> (Self, mpsc::UnboundedReceiver<FromPostman>) {
        let open = kept.iter().filter(|row| is_open(&row.notice)).map(OutboxRow::incident).collect();
        let plans = channels.iter().map(|(_, sender)| sender.plan().clone()).collect();
        let shared = Arc::new(Shared {
            courier: Mutex::new(Courier::new(plans, kept, next_row, clock.now())),
            channels: Mutex::new(by_name(channels)),
            open: Arc::new(Mutex::new(open)),
            leaving: Mutex::default(),
            generation: AtomicU64::new(0),
            wake: Notify::new(),
            clock,
            vantage,
            zone,
        });
        let (to, from) = mpsc::unbounded_channel();
        tokio::spawn(work(Arc::clone(&shared), to));
        (Self { shared }, from)
    }

    /// The rows to be written with the change that the notice tells of.
    pub fn plan(&self, notice: &Notice) -> Vec<OutboxRow> {
        {
            let mut open = lock(&self.shared.open);
            if is_open(notice) {
                open.insert(notice.incident.id);
            } else {
                open.remove(&notice.incident.id);
            }
        }
        let rows = lock(&self.shared.courier).plan(notice, self.shared.clock.now());
        self.shared.wake.notify_one();
        rows
    }

    /// These rows are written, as they were handed out last.
    pub fn committed(&self, rows: &[RowId]) {
        lock(&self.shared.courier).committed(rows);
        self.let_go(rows);
        self.shared.wake.notify_one();
    }

    /// These rows must not be delivered.
    pub fn withdraw(&self, rows: &[RowId]) {
        lock(&self.shared.courier).withdraw(rows);
        self.let_go(rows);
        self.shared.wake.notify_one();
    }

    fn let_go(&self, rows: &[RowId]) {
        let mut leaving = lock(&self.shared.leaving);
        for row in rows {
            if let Some(waiting) = leaving.remove(row) {
                // Who waited may have lost patience.
                let _ = waiting.send(());
            }
        }
    }

    /// How far each channel is.
    pub fn status(&self) -> BTreeMap<String, ChannelStatus> {
        lock(&self.shared.courier).status()
    }

    /// Other channels from now on. What waits stays; what is under way is reported to nobody if its channel is gone.
    pub fn reload(&self, channels: Vec<(ChannelSettings, Sender)>) {
        let plans = channels.iter().map(|(_, sender)| sender.plan().clone()).collect();
        *lock(&self.shared.channels) = by_name(channels);
        lock(&self.shared.courier).reload(plans, self.shared.clock.now());
        self.shared.generation.fetch_add(1, Ordering::Release);
        self.shared.wake.notify_one();
    }

    /// Whether nothing is to be done any more, within `most`: what the program waits for before it ends.
    pub async fn settle(&self, most: Duration) -> bool {
        let settled = async {
            loop {
                let waits =
                    self.status().values().any(|status| status.pending > 0 && status.broken_since.is_none());
                if !waits {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(most, settled).await.is_ok()
    }
}

fn by_name(channels: Vec<(ChannelSettings, Sender)>) -> BTreeMap<String, Arc<Channel>> {
    let named = |(settings, sender): (ChannelSettings, Sender)| {
        (settings.name.clone(), Arc::new(Channel { sender, settings }))
    };
    channels.into_iter().map(named).collect()
}

fn is_open(notice: &Notice) -> bool {
    !matches!(notice.incident.phase, Phase::Closed { .. })
}

/// A panic in one place must not end everything else.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn work(shared: Arc<Shared>, to: mpsc::UnboundedSender<FromPostman>) {
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let mut flying: JoinSet<(DispatchId, Report)> = JoinSet::new();
    let mut known: BTreeMap<tokio::task::Id, DispatchId> = BTreeMap::new();
    let mut pollers = Pollers::default();
    let mut look_up = shared.clock.now();
    loop {
        let now = shared.clock.now();
        if pollers.renew(&shared, &orders) || look_up <= now {
            tell_quiet_hours(&shared, now);
            look_up = now + LOOK_UP;
        }
        let (step, rows, unwritten) = {
            let mut courier = lock(&shared.courier);
            let step = courier.poll(now);
            let unwritten = match &step {
                CourierStep::Hand(dispatch) => announce(&shared, &courier, dispatch),
                CourierStep::Wait(_) => Vec::new(),
            };
            (step, courier.take_updates(), unwritten)
        };
        if !rows.is_empty() && to.send(FromPostman::Rows(rows)).is_err() {
            return;
        }
        let until = match step {
            CourierStep::Hand(dispatch) => {
                let id = dispatch.id;
                let handle = flying.spawn(deliver(Arc::clone(&shared), dispatch, unwritten));
                known.insert(handle.id(), id);
                continue;
            }
            CourierStep::Wait(until) => until.min(look_up),
        };
        let pause = until.since(now).min(LOOK_UP);
        tokio::select! {
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = to.closed() => return,
            Some(order) = ordered.recv() => {
                if to.send(FromPostman::Order(order)).is_err() {
                    return;
                }
            }
            Some(landed) = flying.join_next_with_id() => {
                let (task, id, report) = match landed {
                    Ok((task, (id, report))) => (task, id, report),
                    // A fault in a sender costs this attempt, and it may have been made.
                    Err(error) => {
                        let trouble = "the sender failed inside".to_owned();
                        let Some(id) = known.get(&error.id()) else { continue };
                        (error.id(), *id, Report::Unknown { trouble })
                    }
                };
                known.remove(&task);
                lock(&shared.courier).report(id, report, shared.clock.now());
            }
        }
    }
}

/// What a dispatch waits for: that the store knows of it, as far as it knows its rows at all. Whoever is killed with a
/// message under way would otherwise send it once more without a word about it.
fn announce(shared: &Shared, courier: &Courier, dispatch: &Dispatch) -> Vec<oneshot::Receiver<()>> {
    let rows = dispatch.parts.iter().filter_map(|part| part.row).filter(|row| courier.is_stored(*row));
    let mut leaving = lock(&shared.leaving);
    let announced = rows.map(|row| {
        let (written, wait) = oneshot::channel();
        leaving.insert(row, written);
        wait
    });
    announced.collect()
}

async fn deliver(
    shared: Arc<Shared>,
    dispatch: Dispatch,
    unwritten: Vec<oneshot::Receiver<()>>,
) -> (DispatchId, Report) {
    let written = async {
        for row in unwritten {
            // Nobody waits for it any more: it was taken back, or is on its way anew.
            let _ = row.await;
        }
    };
    // Not to tell anybody would be worse than to tell it twice.
    let _ = timeout(UNWRITTEN, written).await;
    let channel = lock(&shared.channels).get(&dispatch.channel).cloned();
    let Some(channel) = channel else {
        return (dispatch.id, Report::Failed { trouble: "the channel is gone".to_owned() });
    };
    let now = shared.clock.now();
    let at = dispatch.parts.first().map_or(now, |part| part.notice.at);
    let telling = Telling {
        lang: channel.sender.lang(),
        utc_offset_s: utc_offset(&shared.zone, at),
        vantage: &shared.vantage,
    };
    let report = channel.sender.deliver(&dispatch, &telling, now).await;
    (dispatch.id, report)
}

/// By how much the local time is ahead of UTC then, in seconds.
pub fn utc_offset(zone: &TimeZone, at: Time) -> i32 {
    let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(micros).map_or(0, |stamp| zone.to_offset(stamp).seconds())
}

fn tell_quiet_hours(shared: &Shared, now: Time) {
    let channels: Vec<Arc<Channel>> = lock(&shared.channels).values().cloned().collect();
    let mut courier = lock(&shared.courier);
    for channel in channels {
        courier.quiet(&channel.settings.name, channel.settings.quiet_spans(&shared.zone, now));
    }
}

/// What asks the bots which buttons were pressed.
#[derive(Default)]
struct Pollers {
    generation: Option<u64>,
    tasks: JoinSet<()>,
}

impl Pollers {
    /// One task for each bot, whatever number of channels it has: the Bot API lets only one ask at a time.
    /// Says whether the channels are others than the last time.
    fn renew(&mut self, shared: &Shared, orders: &mpsc::UnboundedSender<Order>) -> bool {
        let generation = shared.generation.load(Ordering::Acquire);
        if self.generation == Some(generation) {
            return false;
        }
        self.generation = Some(generation);
        self.tasks.abort_all();
        let channels: Vec<Arc<Channel>> = lock(&shared.channels).values().cloned().collect();
        let mut bots: Vec<(Api, Vec<Chat>)> = Vec::new();
        for channel in channels {
            let Way::Telegram(telegram) = &channel.sender.way else { continue };
            if !telegram.has_buttons() {
                continue;
            }
            let (api, lang) = (telegram.api().clone(), channel.sender.lang());
            let chat = Chat { id: Box::new(move || channel.sender.chat()), lang };
            match bots.iter_mut().find(|(known, _)| known.is_same(&api)) {
                Some((_, chats)) => chats.push(chat),
                None => bots.push((api, vec![chat])),
            }
        }
        for (api, chats) in bots {
            let desk = Desk { open: Arc::clone(&shared.open), clock: shared.clock, orders: orders.clone() };
            self.tasks.spawn(poll(api, chats, desk));
        }
        true
    }
}
