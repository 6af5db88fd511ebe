//! What is new, to whoever looks at a page: server-sent events.
//!
//! Each page in each language is a [`Room`]. One task, which runs as long as somebody looks, renders what has changed of
//! each once, however many look at it, and hands all of them the same bytes; whoever reads too slowly misses some, and is
//! told to load the page anew. The watch waits for none of this: it publishes what it knows and goes on.
//!
//! A stream ends by itself before its connection would be cut, and the browser comes again with the id of the last event
//! that it had: what it missed is sent, or, where that is not remembered any more, `refresh`.

mod hub;
mod room;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use reach_report::Lang;
use serde::Deserialize;
use tokio::{
    sync::{
        OwnedSemaphorePermit, Semaphore,
        broadcast::{self, error::RecvError},
        watch,
    },
    time::{Instant, sleep, sleep_until},
};

use self::room::{Kind, Message, Page, Room};
use super::WebState;

/// Something is sent this often at least, so that whoever is in between does not take the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// How long a stream lasts: less than what a connection has left for its last request, whenever that began.
const LASTS: Duration = Duration::from_secs(140);
/// A browser comes again after so many milliseconds.
const RETRY: u32 = 2_000;
/// Not all who look load the page anew at the same moment.
const SPREAD: Duration = Duration::from_secs(6);
/// Rows that somebody looks at.
const MOST_ROWS: usize = 512;

/// What is new, for everybody.
pub(super) struct Live {
    rooms: Mutex<Rooms>,
    /// So many look at the same time at most: others have questions, too.
    places: Arc<Semaphore>,
    ended: watch::Sender<bool>,
}

#[derive(Default)]
struct Rooms {
    open: BTreeMap<(Page, Lang), Arc<Room>>,
    /// The task that renders is there.
    served: bool,
    /// How many came so far.
    came: u32,
}

impl Live {
    /// For a service that takes so many connections.
    pub(super) fn new(connections: usize) -> Self {
        let places = (connections - connections / 4).max(1);
        Self {
            rooms: Mutex::default(),
            places: Arc::new(Semaphore::new(places)),
            ended: watch::Sender::new(false),
        }
    }

    /// The service ends, and so do all streams.
    pub(super) fn close(&self) {
        self.ended.send_replace(true);
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is answered here.
pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/live", get(live))
}

#[derive(Deserialize)]
struct Asked {
    page: String,
    #[serde(default)]
    lang: String,
    /// The numbers of the targets whose rows are there; all where nobody says.
    rows: Option<String>,
}

async fn live(State(state): State<WebState>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let Some(page) = Page::read(&asked.page) else {
        let said = "`page` is overview, incidents, silences, signals, target-NUMBER or incident-NUMBER.\n";
        return (StatusCode::BAD_REQUEST, said).into_response();
    };
    let lang = asked.lang.parse().unwrap_or(state.inner.lang);
    let live = &state.inner.live;
    let Ok(place) = Arc::clone(&live.places).try_acquire_owned() else {
        let later = [(header::RETRY_AFTER, HeaderValue::from_static("30"))];
        return (StatusCode::SERVICE_UNAVAILABLE, later, "Too many look at the moment.\n").into_response();
    };
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let (mut viewer, waiting) = {
        let mut rooms = live.rooms();
        rooms.came = rooms.came.wrapping_add(1);
        let number = rooms.came;
        let room = Arc::clone(rooms.open.entry((page, lang)).or_insert_with(|| Arc::new(Room::new())));
        if !rooms.served {
            rooms.served = true;
            tokio::spawn(hub::serve(state.clone()));
        }
        let (receiver, waiting) = room.enter(last);
        let numbers =
            |rows: &String| rows.split(',').filter_map(|row| row.parse().ok()).take(MOST_ROWS).collect();
        let rows: Option<BTreeSet<u32>> = asked.rows.as_ref().map(numbers);
        let begun = Instant::now();
        let viewer = Viewer {
            queue: VecDeque::from([Bytes::from(format!("retry: {RETRY}\n\n"))]),
            receiver,
            rows,
            ends: begun + LASTS,
            refresh: None,
            // By turns, so that neighbours are far from each other.
            spread: SPREAD.mul_f64(f64::from(number.wrapping_mul(89) % 144) / 144.0),
            ended: live.ended.subscribe(),
            room,
            _place: place,
        };
        (viewer, waiting)
    };
    for message in waiting {
        viewer.take(&message);
    }
    let body = Body::from_stream(stream::unfold(viewer, async |mut viewer| {
        let bytes = viewer.next().await?;
        Some((Ok::<_, Infallible>(bytes), viewer))
    }));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}

/// Somebody who looks at a page.
struct Viewer {
    queue: VecDeque<Bytes>,
    receiver: broadcast::Receiver<Arc<Message>>,
    /// Which rows are there; `None` for all.
    rows: Option<BTreeSet<u32>>,
    ends: Instant,
    /// When to say that the page is to be loaded anew.
    refresh: Option<(Instant, Bytes)>,
    spread: Duration,
    ended: watch::Receiver<bool>,
    room: Arc<Room>,
    _place: OwnedSemaphorePermit,
}

impl Viewer {
    fn take(&mut self, message: &Message) {
        match (&message.kind, &self.rows) {
            (Kind::Refresh(frame), _) => self.plan_refresh(frame.clone()),
            (Kind::Patch { .. }, None) => self.queue.extend(message.whole()),
            (Kind::Patch { .. }, Some(rows)) => self.queue.extend(message.part(rows)),
        }
    }

    /// Several are one.
    fn plan_refresh(&mut self, frame: Bytes) {
        let when = self.refresh.as_ref().map_or_else(|| Instant::now() + self.spread, |(when, _)| *when);
        self.refresh = Some((when, frame));
    }

    /// What to send next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.queue.pop_front() {
                return Some(bytes);
            }
            let planned = self.refresh.as_ref().map_or(self.ends, |(when, _)| *when);
            let heard = tokio::select! {
                message = self.receiver.recv() => message,
                () = sleep_until(planned.min(self.ends)) => {
                    let due = self.refresh.take().filter(|(when, _)| *when <= Instant::now());
                    return due.map(|(_, frame)| frame);
                }
                () = sleep(KEEP_ALIVE) => return Some(Bytes::from_static(b":\n\n")),
                _ = self.ended.wait_for(|ended| *ended) => return None,
            };
            match heard {
                Ok(message) => self.take(&message),
                Err(RecvError::Lagged(_)) => {
                    self.receiver = self.receiver.resubscribe();
                    self.plan_refresh(self.room.refresh());
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
