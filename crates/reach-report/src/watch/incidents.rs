//! Incidents in a list.

use reach_core::{
    Time,
    watch::{Incident, Phase},
};

use super::{
    titles::Title,
    words::{causes, gravity, gravity_role, long_span, phase, phase_role, short_time, title},
};
use crate::{
    Style,
    layout::{Column, Page, Row, Span, Table},
    words::say,
};

/// A table of them, in the order given.
pub fn incidents(incidents: &[Incident], now: Time, style: &Style) -> String {
    let lang = style.lang;
    let mut page = Page::new(*style);
    if incidents.is_empty() {
        page.plain(
            "",
            "",
            say!(lang, "no incident is remembered of this time", "해당 기간에 기록된 장애가 없습니다"),
        );
        return page.finish();
    }
    let column = |title: Title| Column::new(title.text(lang));
    let row = |incident: &Incident| {
        Row::Cells(vec![
            Span::plain(format!("#{}", incident.id.0)),
            Span::plain(title(incident, lang)),
            Span::new(gravity(incident.worst, lang), gravity_role(incident.worst)),
            Span::new(phase(incident.phase, lang), phase_role(incident.phase)),
            Span::plain(short_time(incident.began, now, style)),
            Span::plain(long_span(ended(incident, now).since(incident.began), lang)),
            Span::plain(causes(incident, style)),
        ])
    };
    let table = Table {
        columns: vec![
            column(Title::Id).right(),
            column(Title::Target).cut(24),
            column(Title::Gravity),
            column(Title::State),
            column(Title::Began),
            column(Title::Lasted).right().dispensable(1),
            column(Title::What).wrap(24).dispensable(2),
        ],
        rows: incidents.iter().map(row).collect(),
    };
    page.table("", &table);
    page.finish()
}

/// When the trouble was over: since when nothing was wrong; now, where it goes on.
pub(crate) fn ended(incident: &Incident, now: Time) -> Time {
    match incident.phase {
        Phase::Open => now,
        Phase::Calming { since } | Phase::Recovered { since, .. } => since,
        Phase::Closed { at, .. } => at,
    }
}
