//! What is known at this moment.

use std::collections::BTreeMap;

use reach_core::{
    Time,
    watch::{
        AddressState, ChannelStatus, Incident, Layer, Phase, SourceStatus, Status, Subject, TargetStatus,
    },
};

use super::{
    titles::Title,
    words::{self, bytes, gravity, gravity_role, grouped, long_span, short_time, state},
};
use crate::{
    Lang, Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    units,
    words::{count_addresses, say},
};

/// Where a target stands as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Unknown,
    Unresolved,
    Down,
    Partly,
    Shaky,
    Ok,
}

impl Standing {
    pub(crate) fn of(target: &TargetStatus) -> Standing {
        if target.unresolved.is_some() {
            return Standing::Unresolved;
        }
        let states: Vec<AddressState> = target
            .addresses
            .iter()
            .map(|address| address.remembered.health)
            .filter(|health| *health != AddressState::Unknown)
            .collect();
        let down = states.iter().filter(|health| **health == AddressState::Down).count();
        match (states.len(), down) {
            (0, _) => Standing::Unknown,
            (all, down) if all == down => Standing::Down,
            (_, down) if down > 0 => Standing::Partly,
            _ if states.iter().all(|health| *health == AddressState::Ok) => Standing::Ok,
            _ => Standing::Shaky,
        }
    }

    /// The stable name.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Standing::Unknown => "unknown",
            Standing::Unresolved => "unresolved",
            Standing::Down => "down",
            Standing::Partly => "partly",
            Standing::Shaky => "shaky",
            Standing::Ok => "ok",
        }
    }

    pub(crate) fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Standing::Unknown, Lang::En) => "unknown",
            (Standing::Unknown, Lang::Ko) => "미확인",
            (Standing::Unresolved, Lang::En) => "does not resolve",
            (Standing::Unresolved, Lang::Ko) => "DNS 조회 실패",
            (Standing::Down, Lang::En) => "down",
            (Standing::Down, Lang::Ko) => "접속 불가",
            (Standing::Partly, Lang::En) => "partly down",
            (Standing::Partly, Lang::Ko) => "일부 접속 불가",
            (Standing::Shaky, Lang::En) => "under suspicion",
            (Standing::Shaky, Lang::Ko) => "확인 중",
            (Standing::Ok, Lang::En) => "ok",
            (Standing::Ok, Lang::Ko) => "정상",
        }
    }

    const fn role(self) -> Role {
        match self {
            Standing::Unknown => Role::Dim,
            Standing::Unresolved | Standing::Down | Standing::Partly => Role::Bad,
            Standing::Shaky => Role::Warn,
            Standing::Ok => Role::Good,
        }
    }
}

/// How many addresses are in which state.
pub(crate) fn counts(target: &TargetStatus) -> BTreeMap<AddressState, usize> {
    let mut counts = BTreeMap::new();
    for address in &target.addresses {
        *counts.entry(address.remembered.state()).or_default() += 1;
    }
    counts
}

/// Handshakes tried and failed since the watch began.
pub(crate) fn handshakes(target: &TargetStatus) -> (u64, u64) {
    let layers = target.addresses.iter().filter_map(|address| address.layers.get(&Layer::Connect));
    layers.fold((0, 0), |(tries, failed), layer| {
        (tries + layer.tries, failed + layer.failures.values().sum::<u64>())
    })
}

/// The incident of a target that is not closed.
pub(crate) fn incident_of<'a>(status: &'a Status, target: &TargetStatus) -> Option<&'a Incident> {
    let about = Subject::Target(target.id);
    status.incidents.iter().find(|incident| incident.subject == about)
}

/// Everything in one screen.
pub fn status(status: &Status, style: &Style) -> String {
    let lang = style.lang;
    let mut page = Page::new(*style);
    heading(&mut page, status, style);
    if !status.targets.is_empty() {
        page.blank();
        page.table("", &targets(status, style, usize::MAX));
    }
    incidents(&mut page, status, style);
    if !status.channels.is_empty() {
        page.blank();
        page.table("", &channels(status, style));
    }
    if !status.sources.is_empty() {
        page.blank();
        page.table("", &sources(status, style));
    }
    let silences = status.silences.len();
    if silences > 0 {
        page.blank();
        let are = if silences == 1 { "silence is" } else { "silences are" };
        let text = say!(
            lang,
            "{silences} {are} not over; `reach silence list` shows them",
            "적용 중이거나 예정된 알림 중지 {silences}건. 목록: `reach silence list`"
        );
        page.plain("", "  ", text);
    }
    page.blank();
    store(&mut page, status, style);
    page.finish()
}

pub(super) fn heading(page: &mut Page, status: &Status, style: &Style) {
    let lang = style.lang;
    let targets = status.targets.len();
    let addresses = status.targets.iter().map(|target| target.addresses.len()).sum();
    let addresses = count_addresses(addresses, lang);
    let since = units::date_time(status.started, style.utc_offset_s);
    let zone = units::zone(style.utc_offset_s);
    let lasted = long_span(status.at.since(status.started), lang);
    let plural = if targets == 1 { "target" } else { "targets" };
    let text = say!(
        lang,
        "watching {targets} {plural}, {addresses}, since {since} {zone} ({lasted})",
        "대상 {targets}개, {addresses} 감시 중. 시작 {since} {zone}({lasted} 경과)"
    );
    page.paragraph("", "  ", &[Span::new(text, Role::Strong)]);
    if status.online == Some(false) {
        let text = say!(
            lang,
            "this host reaches nothing: what is known of the targets is frozen until it does",
            "이 서버의 네트워크가 끊겨 있어, 연결될 때까지 대상의 상태를 바꾸지 않습니다"
        );
        page.paragraph("", "  ", &[Span::new(text, Role::Bad)]);
    }
}

/// The targets, those that suffer first; no more than so many.
pub(super) fn targets(status: &Status, style: &Style, most: usize) -> Table {
    let lang = style.lang;
    let title = |title: Title| Column::new(title.text(lang));
    let row = |target: &TargetStatus| {
        let standing = Standing::of(target);
        let counted = counts(target).into_iter().map(|(of, count)| {
            let of = state(of, lang);
            say!(lang, "{count} {of}", "{of} {count}")
        });
        let counted = counted.collect::<Vec<_>>().join(", ");
        let counted = if counted.is_empty() { "-".to_owned() } else { counted };
        let (tries, failed) = handshakes(target);
        let share = if tries == 0 { "-".to_owned() } else { units::percent(failed as f64 / tries as f64) };
        let incident = incident_of(status, target);
        let (about, role) = incident.map_or_else(
            || ("-".to_owned(), Role::Plain),
            |incident| {
                let id = incident.id.0;
                (format!("#{id} {}", gravity(incident.gravity, lang)), gravity_role(incident.gravity))
            },
        );
        let since =
            since(target, incident).map_or_else(|| "-".to_owned(), |at| short_time(at, status.at, style));
        Row::Cells(vec![
            Span::plain(clean(&target.target)),
            Span::new(standing.text(lang), standing.role()),
            Span::plain(counted),
            Span::new(share, if failed > 0 { Role::Warn } else { Role::Plain }),
            Span::new(about, role),
            Span::plain(since),
        ])
    };
    let mut order: Vec<&TargetStatus> = status.targets.iter().collect();
    // What suffers first; within that, as configured.
    order.sort_by_key(|target| match Standing::of(target) {
        Standing::Unresolved | Standing::Down => 0,
        Standing::Partly => 1,
        Standing::Shaky => 2,
        Standing::Unknown => 3,
        Standing::Ok => 4,
    });
    Table {
        columns: vec![
            title(Title::Target).cut(28),
            title(Title::State),
            title(Title::Addresses).wrap(12),
            title(Title::Fails).right().dispensable(2),
            title(Title::Incident),
            title(Title::Since).dispensable(1),
        ],
        rows: order.into_iter().take(most).map(row).collect(),
    }
}

/// Since when it is as it is: the incident's beginning, or the last change of an address.
fn since(target: &TargetStatus, incident: Option<&Incident>) -> Option<Time> {
    let changed = target.addresses.iter().map(|address| address.remembered.since).max();
    incident.map(|incident| incident.began).or(changed)
}

fn incidents(page: &mut Page, status: &Status, style: &Style) {
    let lang = style.lang;
    for incident in &status.incidents {
        page.blank();
        let (id, title) = (incident.id.0, words::title(incident, lang));
        let gravity_word = gravity(incident.gravity, lang);
        let phase = words::phase(incident.phase, lang);
        let lasted = long_span(status.at.since(incident.began), lang);
        let began = short_time(incident.began, status.at, style);
        let head = say!(
            lang,
            "#{id} {gravity_word}, {phase}, since {began} ({lasted})",
            "#{id} {gravity_word}, {phase}, {began} 시작({lasted} 경과)"
        );
        let role =
            if matches!(incident.phase, Phase::Open) { gravity_role(incident.gravity) } else { Role::Dim };
        page.paragraph("", "  ", &[Span::new(head, role), Span::plain(format!(": {title}"))]);
        let what = words::causes(incident, style);
        if !what.is_empty() {
            page.plain("  ", "  ", what);
        }
        if let Some(taken) = &incident.acknowledged {
            let (by, at) = (clean(&taken.by), short_time(taken.at, status.at, style));
            page.plain("  ", "  ", say!(lang, "acknowledged by {by} at {at}", "{at} {by} 확인"));
        } else {
            page.plain("  ", "  ", words::orders(incident.id, lang));
        }
    }
}

/// Since when a channel takes nothing, and why.
pub(super) fn broken(channel: &ChannelStatus, now: Time, style: &Style) -> Option<String> {
    let since = short_time(channel.broken_since?, now, style);
    let trouble = clean(channel.trouble.as_deref().unwrap_or("-"));
    Some(say!(style.lang, "takes nothing since {since}: {trouble}", "{since}부터 전달 안 됨: {trouble}"))
}

fn channels(status: &Status, style: &Style) -> Table {
    let lang = style.lang;
    let title = |title: Title| Column::new(title.text(lang));
    let rows = status.channels.iter().map(|(name, channel)| {
        let waiting = match channel.oldest {
            Some(oldest) if channel.pending > 0 => {
                format!("{} ({})", channel.pending, long_span(status.at.since(oldest), lang))
            }
            _ => channel.pending.to_string(),
        };
        let trouble = match (broken(channel, status.at, style), &channel.trouble) {
            (Some(broken), _) => broken,
            (None, Some(trouble)) => clean(trouble),
            (None, None) => "-".to_owned(),
        };
        let role = if channel.broken_since.is_some() { Role::Bad } else { Role::Plain };
        Row::Cells(vec![
            Span::new(clean(name), role),
            Span::plain(channel.sent.to_string()),
            Span::plain(waiting),
            Span::new(channel.dead.to_string(), if channel.dead > 0 { Role::Warn } else { Role::Plain }),
            Span::new(trouble, role),
        ])
    });
    Table {
        columns: vec![
            title(Title::Channel),
            title(Title::Sent).right(),
            title(Title::Pending).right(),
            title(Title::Dead).right().dispensable(2),
            title(Title::Trouble).wrap(20).dispensable(1),
        ],
        rows: rows.collect(),
    }
}

/// The systems that are heard.
fn sources(status: &Status, style: &Style) -> Table {
    let lang = style.lang;
    let title = |title: Title| Column::new(title.text(lang));
    let row = |source: &SourceStatus| {
        let heard = source.heard.map_or_else(|| "-".to_owned(), |at| short_time(at, status.at, style));
        let role = if source.heard.is_none() { Role::Warn } else { Role::Plain };
        Row::Cells(vec![
            Span::plain(clean(&source.source)),
            Span::new(heard, role),
            Span::plain(grouped(source.signals)),
            Span::new(grouped(source.lost), if source.lost > 0 { Role::Warn } else { Role::Plain }),
        ])
    };
    Table {
        columns: vec![
            title(Title::Source).cut(28),
            title(Title::Heard),
            title(Title::Signals).right(),
            title(Title::Lost).right().dispensable(1),
        ],
        rows: status.sources.iter().map(row).collect(),
    }
}

fn store(page: &mut Page, status: &Status, style: &Style) {
    let lang = style.lang;
    let memory = &status.store;
    let (size, samples) = (bytes(memory.bytes), grouped(memory.samples));
    let text = say!(lang, "memory: {size}, {samples} results", "저장소: {size}, 결과 {samples}건");
    page.paragraph("", "  ", &[Span::new(text, Role::Dim)]);
    if memory.lost_samples > 0 {
        let lost = grouped(memory.lost_samples);
        let text = say!(
            lang,
            "{lost} results were lost because the disk did not take them in time",
            "디스크가 제때 받지 못해 결과 {lost}건을 잃었습니다"
        );
        page.paragraph("", "  ", &[Span::new(text, Role::Warn)]);
    }
    stuck(page, status, style);
}

/// That nothing is written, where that is so.
pub(super) fn stuck(page: &mut Page, status: &Status, style: &Style) {
    let (lang, store) = (style.lang, &status.store);
    if let Some(stuck) = store.stuck_since {
        let since = short_time(stuck, status.at, style);
        let trouble = clean(store.trouble.as_deref().unwrap_or("-"));
        let text = say!(
            lang,
            "the memory takes nothing since {since}: {trouble}",
            "{since}부터 저장되지 않습니다: {trouble}"
        );
        page.paragraph("", "  ", &[Span::new(text, Role::Bad)]);
    }
}
