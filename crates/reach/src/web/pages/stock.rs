//! A watch with a past, made up: for tests, and for whoever wants to look at the page.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use reach_core::{
    Time,
    judge::judge,
    model::{Case, Observation, ResolutionError},
    stats::split_mix,
    watch::{
        Acknowledged, AddressState, AddressStatus, Cause, ChannelStatus, Delivery, Examination, Gravity,
        Incident, IncidentId, Layer, LayerStatus, Member, News, Notice, OutboxRow, Phase, Reading, Reason,
        Remark, Remembered, ResolverStatus, RowId, Sample, Series, Silence, SilenceId, Status, Subject,
        TargetId, TargetStatus, Transition, Why,
    },
};
use reach_store::{Batch, Reader, StoreOptions};

const PATIENCE: Duration = Duration::from_secs(300);
const MINUTE: Duration = Duration::from_secs(60);

/// How much there is.
pub(crate) struct Stock {
    /// So many targets.
    pub(crate) targets: u32,
    /// So many days of the first of them, every ten minutes; its last day every minute.
    pub(crate) days: u64,
}

/// Fills a new store, and tells what a watch would know at that moment. The first target suffers as in the recording.
pub(crate) fn fill(
    path: &Path,
    now: Time,
    stock: &Stock,
    seen: (Case, Vec<Observation>),
) -> (Reader, Status) {
    let (writer, reader, _) = reach_store::open(path, StoreOptions::default()).expect("a store");
    let status = status(now, stock.targets, &seen.0);
    let names = status.targets.iter().map(|target| (target.id, target.target.clone())).collect();
    writer.submit(Batch { targets: names, ..Batch::new(now) });
    let first = status.targets.first().expect("a target");
    let begin = back(now, Duration::from_secs(stock.days.max(1) * 86_400));
    let mut at = begin;
    let mut batch = Batch::new(at);
    while at < now {
        let every = if now.since(at) <= Duration::from_secs(86_400) { MINUTE } else { MINUTE * 10 };
        for address in &first.addresses {
            batch.samples.push(sample(address, at, now));
        }
        at = at + every;
        if batch.samples.len() > 4_000 {
            let full = std::mem::replace(&mut batch, Batch::new(at));
            writer.submit(Batch { at, ..full });
            assert!(writer.flush(PATIENCE), "{:?}", writer.status());
        }
    }
    writer.submit(Batch { at: now, ..batch });
    let diagnosis = judge(&seen.0, &seen.1);
    let finished = seen.0.started + Duration::from_secs(7);
    let examination =
        Examination { target: first.id, case: seen.0, observations: seen.1, finished, diagnosis };
    let closed = Incident {
        id: IncidentId(1),
        phase: Phase::Closed { at: back(now, MINUTE * 2_000), all_clear: true },
        began: back(now, MINUTE * 2_100),
        opened: back(now, MINUTE * 2_099),
        changed: back(now, MINUTE * 2_000),
        causes: Vec::new(),
        acknowledged: None,
        ..status.incidents.first().expect("an incident").clone()
    };
    let outbox = status.incidents.first().map(|incident| messages(incident, now)).unwrap_or_default();
    let moved = first.addresses.iter().flat_map(|address| moved(address, now));
    writer.submit(Batch {
        urgent: true,
        incidents: status.incidents.iter().cloned().chain([closed]).collect(),
        outbox,
        transitions: moved.collect(),
        silences: status.silences.clone(),
        examinations: vec![(status.incidents.first().map(|incident| incident.id), examination)],
        ..Batch::new(now)
    });
    assert!(writer.flush(PATIENCE) && writer.close(PATIENCE), "written");
    (reader, status)
}

fn back(at: Time, span: Duration) -> Time {
    Time::from_micros(at.as_micros().saturating_sub(span.as_micros() as u64))
}

fn chance(seed: u64) -> f64 {
    (split_mix(seed) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Since when the bad addresses of the first target fail.
const BROKEN: Duration = Duration::from_secs(5 * 3_600 + 420);

fn sample(address: &AddressStatus, at: Time, now: Time) -> Sample {
    let series = address.remembered.series;
    let seed = at.as_micros() ^ u64::from(series.target.0) << 40 ^ hash(series.address);
    let fails =
        address.remembered.health == AddressState::Down && now.since(at) < BROKEN || chance(seed) < 0.001;
    let millis = 9.0 + chance(seed ^ 1) * 4.0 + chance(seed ^ 2).powi(8) * 60.0;
    let reading = if fails {
        Reading::Failed(Reason::Timeout)
    } else {
        Reading::Answered(Duration::from_secs_f64(millis / 1e3))
    };
    Sample { series, layer: Layer::Connect, at, reading, again: false }
}

fn hash(address: IpAddr) -> u64 {
    split_mix(match address {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) as u64,
    })
}

fn moved(address: &AddressStatus, now: Time) -> Vec<Transition> {
    let series = address.remembered.series;
    let mut all = vec![Transition {
        series,
        at: address.remembered.first_seen,
        from: AddressState::Unknown,
        to: AddressState::Ok,
        why: Why::Appeared,
    }];
    if address.remembered.health == AddressState::Down {
        let at = back(now, BROKEN);
        let why = Why::Failed(Reason::Timeout);
        all.push(Transition { series, at, from: AddressState::Ok, to: AddressState::Suspect, why });
        let at = at + Duration::from_secs(3);
        all.push(Transition { series, at, from: AddressState::Suspect, to: AddressState::Down, why });
    }
    all
}

/// What is known of a watch of so many targets.
fn status(now: Time, targets: u32, case: &Case) -> Status {
    let mut status =
        Status { at: now, started: back(now, MINUTE * 9_000), online: Some(true), ..Status::default() };
    for id in 1..=targets.max(1) {
        status.targets.push(target(id, now, case));
    }
    let first = status.targets.first().expect("a target");
    status.incidents = vec![incident(2, first, Gravity::Critical, now)];
    if let Some(other) = status.targets.get(3) {
        status.incidents.push(Incident {
            acknowledged: None,
            remarks: Vec::new(),
            ..incident(3, other, Gravity::Degraded, now)
        });
    }
    let until = now + MINUTE * 90;
    status.silences = vec![Silence {
        id: SilenceId(1),
        matcher: reach_core::watch::Matcher { target: Some("api-7*".to_owned()), ..Default::default() },
        from: back(now, MINUTE * 30),
        until,
        author: "kim".to_owned(),
        comment: "서버 교체 작업 (change 4711)".to_owned(),
        maintenance: false,
    }];
    status.channels.insert("telegram".to_owned(), ChannelStatus { sent: 12, ..ChannelStatus::default() });
    let broken = ChannelStatus {
        broken_since: Some(back(now, MINUTE * 12)),
        trouble: Some("550 5.7.1 relaying denied".to_owned()),
        pending: 2,
        ..ChannelStatus::default()
    };
    status.channels.insert("mail".to_owned(), broken);
    status.store.bytes = 1_234_567_890;
    status.store.samples = 84_000_123;
    status
}

fn target(id: u32, now: Time, case: &Case) -> TargetStatus {
    let name = if id == 1 { case.target.text.clone() } else { format!("api-{id}.service.example:443") };
    let count = 3 + split_mix(u64::from(id)) % if id.is_multiple_of(40) { 70 } else { 9 };
    let count = if id == 1 { 8 } else { count };
    let addresses = (0..count as u32).map(|number| address(id, number, now)).collect();
    let resolver = |last: u8| SocketAddr::from((Ipv4Addr::new(192, 0, 2, last), 53));
    let team = if id.is_multiple_of(3) { "push" } else { "billing" };
    let mut target = TargetStatus {
        id: TargetId(id),
        host: name.split(':').next().unwrap_or_default().to_owned(),
        target: name,
        port: 443,
        labels: BTreeMap::from([("team".to_owned(), team.to_owned()), ("env".to_owned(), "prod".to_owned())]),
        addresses,
        ..TargetStatus::default()
    };
    if id == 3 {
        target.unresolved = Some(ResolutionError::ServFail);
    }
    for last in [53, 54] {
        let given = target.addresses.iter().enumerate();
        let given = given.filter(|(index, _)| last == 53 || !index.is_multiple_of(3));
        let addresses = given.map(|(_, address)| address.remembered.series.address).collect();
        target
            .resolvers
            .insert(resolver(last), ResolverStatus { answers: 500, addresses, ..Default::default() });
    }
    target
}

fn address(id: u32, number: u32, now: Time) -> AddressStatus {
    let address = if number % 8 == 7 {
        IpAddr::from([0x2001, 0xdb8, id as u16, 0, 0, 0, 0, number as u16 + 1])
    } else {
        IpAddr::from([198, 51, (100 + id % 100) as u8, number as u8 + 1])
    };
    let bad = id == 1 && number >= 5 || id == 2 || id == 4 && number == 0;
    let state = match (id, number) {
        _ if bad => AddressState::Down,
        (5, 1) => AddressState::Suspect,
        (5, 2) => AddressState::Recovering,
        (6, 0) => AddressState::Gone,
        (7, _) => AddressState::Unknown,
        _ => AddressState::Ok,
    };
    let since = if bad { back(now, BROKEN) } else { back(now, MINUTE * (60 + number * 700 + id)) };
    let answered = state == AddressState::Ok;
    let layer = LayerStatus {
        tries: 8_640,
        failures: if bad { BTreeMap::from([(Reason::Timeout, 1_842)]) } else { BTreeMap::new() },
        last: now,
        last_rtt: answered.then(|| Duration::from_micros(8_000 + hash(address) % 30_000)),
        last_worked: answered,
        ..LayerStatus::default()
    };
    let remembered = Remembered {
        series: Series { target: TargetId(id), address },
        health: if state == AddressState::Gone { AddressState::Ok } else { state },
        since,
        reason: bad.then_some(Reason::Timeout),
        first_seen: back(now, MINUTE * (3_000 + number * 900)),
        last_given: now,
        ttl_s: 60,
        resolvers: [SocketAddr::from((Ipv4Addr::new(192, 0, 2, 53), 53))].into(),
        gone_since: (state == AddressState::Gone).then(|| back(now, MINUTE * 20)),
        last_ok: Some(since),
        certificate_expires: Some(now.as_secs() as i64 + 86_400 * i64::from(8 + number * 20)),
    };
    let layers = if state == AddressState::Unknown {
        BTreeMap::new()
    } else {
        BTreeMap::from([(Layer::Connect, Box::new(layer))])
    };
    AddressStatus { remembered, layers }
}

fn incident(id: u64, target: &TargetStatus, gravity: Gravity, now: Time) -> Incident {
    let began = back(now, BROKEN);
    let bad = target.addresses.iter().filter(|address| address.remembered.health == AddressState::Down);
    let member = |address: &AddressStatus| Member {
        address: address.remembered.series.address,
        state: AddressState::Down,
        reason: Reason::Timeout,
        since: began,
        from_birth: false,
        gone: false,
    };
    Incident {
        id: IncidentId(id),
        subject: Subject::Target(target.id),
        title: target.target.clone(),
        labels: target.labels.clone(),
        gravity,
        worst: gravity,
        phase: Phase::Open,
        began,
        opened: began + Duration::from_secs(31),
        changed: now,
        causes: vec![Cause::Addresses],
        members: bad.map(member).collect(),
        pool: target.addresses.len() as u32,
        acknowledged: Some(Acknowledged { by: "kim".to_owned(), at: back(now, MINUTE * 200) }),
        muted_until: None,
        unstable: false,
        quiet: Duration::from_secs(300),
        relapses: 0,
        unwatched: Duration::ZERO,
        ending: None,
        notices: 3,
        rang: vec![began],
        remarks: vec![Remark {
            at: back(now, MINUTE * 180),
            by: "lee".to_owned(),
            text: "방화벽팀에 문의함 <b>#4711</b>".to_owned(),
        }],
        diagnosis: None,
        clocks: Default::default(),
    }
}

fn messages(incident: &Incident, now: Time) -> Vec<OutboxRow> {
    let row = |id: u64, seq: u32, at: Time, channel: &str, news: News, delivery: Delivery| OutboxRow {
        id: RowId(id),
        channel: channel.to_owned(),
        notice: Notice { incident: incident.clone(), seq, at, rings: seq == 1, news },
        delivery,
        attempts: 1,
        not_before: at,
        trouble: (channel == "mail").then(|| "550 5.7.1 relaying denied".to_owned()),
        instead_of: None,
    };
    let at = incident.opened;
    let sent = |at| Delivery::Sent { at, message: None };
    vec![
        row(1, 1, at, "telegram", News::Opened, sent(at + Duration::from_secs(1))),
        row(2, 1, at, "mail", News::Opened, Delivery::Queued),
        row(3, 2, at + MINUTE * 30, "telegram", News::Updated, sent(at + MINUTE * 30)),
        row(4, 3, back(now, MINUTE * 200), "telegram", News::Acknowledged, sent(back(now, MINUTE * 200))),
    ]
}
