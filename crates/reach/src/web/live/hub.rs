//! The task that renders what is new, once for all who look.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, PoisonError},
    time::Duration,
};

use reach_core::watch::{AddressState, Incident, Status, Subject, TargetId, TargetStatus};
use reach_report::{
    Lang,
    page::{Glance, Voice, incident_head, overview_row, summary_strip, target_head},
    watch::phase_code,
};
use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::{
    super::{Beside, WebState},
    room::{Page, Room},
};

/// What is new is rendered this often at most.
const EVERY: Duration = Duration::from_secs(2);
/// Whether somebody looks still is seen to this often at least.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// What only grows older (`3 min ago`, the last minute of a sparkline) is rendered again every so many turns, a part of
/// the rows at a time.
const TURNS: u64 = 15;
/// The pictures of a target are loaded anew every so many turns.
const PICTURES: u64 = 30;
/// The order of the overview's rows changes no more often than every so many turns.
const ORDER: u64 = 5;
/// The page of signals is loaded anew no more often than every so many turns.
const SIGNALS: u64 = 10;

/// What was rendered of a page.
#[derive(Default)]
pub(super) struct Memory {
    turn: u64,
    /// What each element was like.
    elements: BTreeMap<String, u64>,
    /// What must show at once of each target.
    rows: BTreeMap<TargetId, u64>,
    /// What the rest of the page was made of.
    whole: Option<u64>,
    /// The rest of the page is not as it was.
    stale: bool,
    /// The turn in which it was said last that the page is to be loaded anew.
    renewed: u64,
    /// How often something was rendered: for tests.
    pub(super) rendered: u64,
}

/// Renders as long as somebody looks.
pub(super) async fn serve(state: WebState) {
    let mut published = state.inner.status.clone();
    loop {
        let rooms: Vec<((Page, Lang), Arc<Room>)> = {
            let mut rooms = state.inner.live.rooms();
            rooms.open.retain(|_, room| !room.is_empty());
            if rooms.open.is_empty() || *state.inner.live.ended.borrow() {
                rooms.served = false;
                return;
            }
            rooms.open.iter().map(|(key, room)| (*key, Arc::clone(room))).collect()
        };
        published.mark_unchanged();
        let own = state.clone();
        let rendered = spawn_blocking(move || {
            let (status, beside) = (own.status(), own.beside());
            for ((page, lang), room) in rooms {
                let voice = Voice { lang, zone: own.inner.zone.clone() };
                render(&room, page, &status, &beside, &voice);
            }
        });
        // Where it panicked, which the hook has told, the next turn may go well.
        let _ = rendered.await;
        sleep(EVERY).await;
        // Nothing new is no reason not to see who looks still.
        if let Ok(Err(_)) = timeout(LOOK_EVERY, published.changed()).await {
            state.inner.live.rooms().served = false;
            return;
        }
    }
}

fn render(room: &Room, page: Page, status: &Status, beside: &Beside, voice: &Voice) {
    let mut memory = room.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let memory = &mut *memory;
    memory.turn += 1;
    match page {
        Page::Overview => overview(room, memory, status, beside, voice),
        Page::Target(id) => {
            let target = status.targets.iter().find(|target| target.id.0 == id);
            if let Some(target) = target {
                room.patch(&memory.element("head", None, target_head(status, target, voice)));
            }
            memory.made_of(target.map_or(0, |target| hash(&(of_row(target, status), target.examining))));
            memory.stale |= memory.turn >= memory.renewed + PICTURES;
            memory.renew(room, 1);
        }
        Page::Incident(id) => {
            let incident = status.incidents.iter().find(|incident| incident.id.0 == id);
            if let Some(incident) = incident {
                room.patch(&memory.element("head", None, incident_head(incident, status.at, voice)));
            }
            // Where it is not there any more, it is closed: the page tells.
            memory.made_of(incident.map_or(0, of_incident));
            memory.renew(room, 1);
        }
        Page::Incidents => {
            let all: Vec<u64> = status.incidents.iter().map(of_incident).collect();
            memory.made_of(hash(&all));
            memory.renew(room, 1);
        }
        Page::Silences => {
            memory.made_of(hash(&serde_json::to_string(&status.silences).unwrap_or_default()));
            memory.renew(room, 1);
        }
        Page::Signals => {
            let heard = &beside.heard;
            let said = (&heard.services, &heard.exceptions, &heard.statements, &heard.levels, &heard.alerts);
            memory.made_of(hash(&serde_json::to_string(&said).unwrap_or_default()));
            memory.renew(room, SIGNALS);
        }
    }
}

fn overview(room: &Room, memory: &mut Memory, status: &Status, beside: &Beside, voice: &Voice) {
    let mut elements = memory.element("summary", None, summary_strip(status, voice));
    let mut order: BTreeMap<TargetId, u64> = BTreeMap::new();
    for target in &status.targets {
        order.insert(target.id, of_order(target, status));
        let matters = of_row(target, status);
        let is_news = memory.rows.insert(target.id, matters) != Some(matters);
        if is_news || memory.turn % TURNS == u64::from(target.id.0) % TURNS {
            let glance = beside.glance(target.id, status.at).unwrap_or_else(|| Glance::of(target));
            let row = overview_row(status, target, &glance, voice);
            elements.extend(memory.element(&format!("t{}", target.id.0), Some(target.id.0), row));
        }
    }
    if memory.rows.len() > order.len() {
        memory.rows.retain(|target, _| order.contains_key(target));
        memory.elements.retain(|id, _| {
            let number = id.strip_prefix('t').and_then(|number| number.parse().ok());
            number.is_none_or(|number| order.contains_key(&TargetId(number)))
        });
    }
    room.patch(&elements);
    memory.made_of(hash(&order));
    memory.renew(room, ORDER);
}

type Element = (String, Option<u32>, String);

impl Memory {
    /// An element was rendered; it is worth sending where it is not as it was.
    fn element(&mut self, id: &str, row: Option<u32>, html: String) -> Vec<Element> {
        self.rendered += 1;
        let now = hash(&html);
        match self.elements.get_mut(id) {
            Some(known) if *known == now => return Vec::new(),
            Some(known) => *known = now,
            None => drop(self.elements.insert(id.to_owned(), now)),
        }
        vec![(id.to_owned(), row, html)]
    }

    /// What the rest of the page is made of now. Where nothing was known, whoever looks may have a page that was made
    /// before this.
    fn made_of(&mut self, whole: u64) {
        let before = self.whole.replace(whole);
        self.stale |= before != Some(whole);
    }

    /// Has the page loaded anew where it is not as it was, and that was not said in the last turns.
    fn renew(&mut self, room: &Room, least: u64) {
        if self.stale && self.turn >= self.renewed + least {
            (self.stale, self.renewed) = (false, self.turn);
            room.renew();
        }
    }
}

/// What must show in the row of a target at once.
fn of_row(target: &TargetStatus, status: &Status) -> u64 {
    let addresses = target.addresses.iter().map(|address| &address.remembered);
    let states: Vec<_> = addresses.map(|one| (one.series.address, one.state(), one.reason)).collect();
    hash(&(states, of_order(target, status)))
}

/// What decides where a target stands among others.
fn of_order(target: &TargetStatus, status: &Status) -> u64 {
    let mut states = [0_usize; 3];
    for address in &target.addresses {
        match address.remembered.state() {
            AddressState::Down | AddressState::Recovering => states[0] = 1,
            AddressState::Ok => states[1] = 1,
            AddressState::Suspect => states[2] = 1,
            AddressState::Unknown | AddressState::Gone => {}
        }
    }
    let subject = Subject::Target(target.id);
    let incident = status.incidents.iter().find(|incident| incident.subject == subject);
    let incident = incident.map(|incident| (incident.id, incident.gravity, phase_code(incident.phase)));
    hash(&(states, target.unresolved.is_some(), incident))
}

fn of_incident(incident: &Incident) -> u64 {
    hash(&serde_json::to_string(incident).unwrap_or_default())
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
