//! What other systems say: services and their errors, exceptions and their destinations, SQL, disks, alerts.

use maud::{Markup, html};
use reach_core::{
    signal::{AlertLevel, Gauge},
    stats::wilson,
    watch::{
        Status, Subject, TargetStatus,
        heard::{AlertSeen, ExceptionSeen, HeardView, LevelSeen, ServiceSeen, StatementSeen},
        joining::Destination,
    },
};

use super::{
    Frame, Voice, framed,
    parts::{Head, ago, badge, column, figures, gravity_badge, incident_link, standing_badge, table},
    words::Label,
};
use crate::{
    chart,
    clean::clean,
    signal::words::{Heading, class, gauge, heading, level, limits},
    units,
    watch::{
        status::Standing,
        words::{bytes, grouped},
    },
    words::heard as words,
};

/// The size of the strip of a service.
const STRIP: (f64, f64) = (120.0, 14.0);

/// The quantile of the normal distribution of bounds that hold in 95 of 100 cases.
const Z: f64 = 1.96;

/// The page.
pub fn signals(frame: &Frame<'_>, heard: &HeardView, status: &Status) -> String {
    let (voice, lang) = (frame.voice, frame.voice.lang);
    let nothing = heard.services.is_empty()
        && heard.exceptions.is_empty()
        && heard.statements.is_empty()
        && heard.levels.is_empty()
        && heard.alerts.is_empty();
    let is_disk = |one: &&LevelSeen| matches!(one.level.gauge, Gauge::DiskSpace | Gauge::Inodes);
    let (disks, others): (Vec<&LevelSeen>, Vec<&LevelSeen>) = heard.levels.iter().partition(is_disk);
    let main = html! {
        h1 { (voice.say(Label::Signals)) }
        p { (words::introduction(lang)) }
        (standing(status, voice))
        @if nothing { p.empty { (words::nothing(lang)) } }
        (services(&heard.services, status, voice))
        (exceptions(&heard.exceptions, status, voice))
        (statements(&heard.statements, status, voice))
        (levels("disks", &words::disks(lang), &disks, status, voice))
        (levels("levels", heading(Heading::Levels, lang), &others, status, voice))
        (alerts(&heard.alerts, status, voice))
        (sources(status, voice))
        @if heard.left_out > 0 { p.empty { (words::left_out(heard.left_out, lang)) } }
    };
    framed(frame, voice.say(Label::Signals), &main)
}

fn section(id: &str, title: &str, heads: &[Head<'_>], rows: Markup) -> Markup {
    html! {
        section aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            (table(title, heads, rows))
        }
    }
}

/// What follows from signals already: incidents of services, databases and hosts.
fn standing(status: &Status, voice: &Voice) -> Markup {
    let open: Vec<_> =
        status.incidents.iter().filter(|incident| matches!(incident.subject, Subject::Matter(_))).collect();
    html! {
        @if !open.is_empty() {
            section aria-labelledby="standing-title" {
                h2 #standing-title { (words::standing(voice.lang)) }
                ul {
                    @for incident in open {
                        li { (gravity_badge(incident.gravity, voice)) " " (incident_link(incident, voice)) }
                    }
                }
            }
        }
    }
}

fn services(services: &[ServiceSeen], status: &Status, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let t = |of: Heading| heading(of, lang);
    let hour = words::last_hour(lang);
    let source = words::source(lang);
    let last = words::last_heard(lang);
    let heads = [
        column(t(Heading::Service)),
        column(&source),
        figures(t(Heading::Requests)),
        figures(t(Heading::Failed)),
        column(t(Heading::ErrorRate)),
        column(&hour),
        column(&last),
    ];
    let row = |one: &ServiceSeen| {
        let (total, failed) = (one.total(), one.failed());
        let stretches: Vec<(u64, u64)> = one.requests.into_iter().zip(one.failed).collect();
        html! {
            tr {
                th.name scope="row" { (clean(&one.service.service)) }
                td data-label=(source) { (clean(&one.service.source)) }
                td.num data-label=(t(Heading::Requests)) data-v=(total) { @if total > 0 { (grouped(total)) } @else { "–" } }
                td.num data-label=(t(Heading::Failed)) data-v=(failed) {
                    @if total > 0 { span.failing[failed > 0] { (grouped(failed)) } } @else { "–" }
                }
                td data-label=(t(Heading::ErrorRate)) {
                    @match one.share() {
                        Some(share) => (words::rate(share, bounds(failed, total), one.estimated, lang)),
                        None => (words::no_rate(one.failures, lang)),
                    }
                }
                td data-label=(hour) { @if total > 0 { (chart::svg(&chart::strip(&stretches, STRIP, lang))) } @else { "–" } }
                td data-label=(last) { (ago(one.last, status.at, voice)) }
            }
        }
    };
    html! {
        @if !services.is_empty() {
            (section("services", t(Heading::Services), &heads, html! { @for one in services { (row(one)) } }))
        }
    }
}

/// The 95 % bounds of a share.
fn bounds(failed: u64, total: u64) -> (f64, f64) {
    // The bounds of counts beyond four thousand millions are those of the largest that fit.
    let fit = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    wilson(fit(failed.min(total)), fit(total), Z)
}

fn exceptions(exceptions: &[ExceptionSeen], status: &Status, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let t = |of: Heading| heading(of, lang);
    let (from_here, last, said) = (words::from_here(lang), words::last(lang), words::words(lang));
    let heads = [
        figures(t(Heading::Count)),
        column(t(Heading::Service)),
        column(t(Heading::Said)),
        column(t(Heading::Destination)),
        column(&from_here),
        column(&last),
        column(&said),
    ];
    let row = |one: &ExceptionSeen| {
        let watched = one.destination.as_ref().and_then(|destination| target_of(destination, status));
        html! {
            tr {
                td.num data-label=(t(Heading::Count)) data-v=(one.count) { (grouped(one.count)) }
                th.name scope="row" { (clean(&one.service.service)) }
                td data-label=(t(Heading::Said)) {
                    @if let Some(of) = one.class { (class(of, lang)) }
                    @if one.class.is_some() && one.name.is_some() { " · " }
                    @if let Some(name) = &one.name { (clean(name)) }
                    @if one.class.is_none() && one.name.is_none() { "–" }
                }
                td data-label=(t(Heading::Destination)) {
                    @match (&one.destination, watched) {
                        (Some(destination), Some(target)) =>
                            a href={ "/target/" (target.id.0) } { (clean(&destination.to_string())) },
                        (Some(destination), None) => (clean(&destination.to_string())),
                        (None, _) => "–",
                    }
                }
                td data-label=(from_here) {
                    @match (&one.destination, watched) {
                        (_, Some(target)) => (standing_badge(Standing::of(target), voice)),
                        (Some(_), None) => span.none { (words::not_watched(lang)) },
                        (None, None) => "–",
                    }
                }
                td data-label=(last) data-v=(one.last.as_secs()) { (ago(one.last, status.at, voice)) }
                td.words data-label=(said) {
                    (clean(&one.text))
                    @if let Some(client) = &one.client { " (" (clean(client)) ")" }
                }
            }
        }
    };
    let title = words::exceptions(lang);
    html! {
        @if !exceptions.is_empty() {
            (section("exceptions", &title, &heads, html! { @for one in exceptions { (row(one)) } }))
        }
    }
}

/// The target that stands for a destination.
fn target_of<'a>(destination: &Destination, status: &'a Status) -> Option<&'a TargetStatus> {
    status.targets.iter().find(|target| {
        target.port == destination.port
            && target.host.trim_end_matches('.').eq_ignore_ascii_case(&destination.host)
    })
}

fn statements(statements: &[StatementSeen], status: &Status, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let t = |of: Heading| heading(of, lang);
    let (database, last) = (words::database(lang), words::last(lang));
    let heads = [
        figures(t(Heading::Slowest)),
        figures(t(Heading::Count)),
        column(&database),
        column(t(Heading::Statement)),
        column(t(Heading::Error)),
        column(&last),
    ];
    let row = |one: &StatementSeen| {
        let statement = &one.statement;
        let slowest = statement.elapsed.map(|elapsed| elapsed.as_micros()).unwrap_or_default();
        html! {
            tr {
                td.num data-label=(t(Heading::Slowest)) data-v=(slowest) {
                    @match statement.elapsed { Some(elapsed) => (units::span(elapsed, lang)), None => "–" }
                }
                td.num data-label=(t(Heading::Count)) data-v=(one.count) { (grouped(one.count)) }
                td data-label=(database) { (clean(statement.database.as_deref().unwrap_or(&one.source))) }
                td.words data-label=(t(Heading::Statement)) { code { (clean(&statement.text)) } }
                td.words data-label=(t(Heading::Error)) {
                    @if let Some(error) = &statement.error { (clean(error)) }
                    @if let Some(waits) = &statement.waits { " " (words::waits(&clean(waits), lang)) }
                    @if statement.error.is_none() && statement.waits.is_none() { "–" }
                }
                td data-label=(last) data-v=(one.last.as_secs()) { (ago(one.last, status.at, voice)) }
            }
        }
    };
    html! {
        @if !statements.is_empty() {
            (section("statements", t(Heading::Statements), &heads, html! { @for one in statements { (row(one)) } }))
        }
    }
}

fn levels(id: &str, title: &str, levels: &[&LevelSeen], status: &Status, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let t = |of: Heading| heading(of, lang);
    let last = words::last_heard(lang);
    let heads = [
        column(t(Heading::What)),
        column(t(Heading::Where)),
        figures(t(Heading::Share)),
        column(t(Heading::State)),
        column(&last),
    ];
    let row = |one: &&LevelSeen| {
        let level = &one.level;
        let (look, bad) = limits(level.gauge);
        let over = |limit: f64| words::over(&units::percent(limit), lang);
        let state = match level.share {
            share if share >= bad => badge("bad", "✗", &over(bad)),
            share if share >= look => badge("warn", "!", &over(look)),
            _ => badge("good", "✓", &words::below(lang)),
        };
        let place = one.instance.as_ref().filter(|instance| **instance != level.of);
        html! {
            tr {
                td data-label=(t(Heading::What)) { (gauge(level.gauge, lang)) }
                th.name scope="row" {
                    @if let Some(instance) = place { (clean(instance)) " " }
                    (clean(&level.of))
                }
                td.num data-label=(t(Heading::Share)) data-v=(level.share) {
                    (units::percent(level.share))
                    @if let Some((used, total)) = level.used.zip(level.total) { " (" (amount(level.gauge, used)) " / " (amount(level.gauge, total)) ")" }
                }
                td data-label=(t(Heading::State)) { (state) }
                td data-label=(last) data-v=(one.at.as_secs()) { (ago(one.at, status.at, voice)) }
            }
        }
    };
    html! {
        @if !levels.is_empty() {
            (section(id, title, &heads, html! { @for one in levels { (row(one)) } }))
        }
    }
}

fn amount(gauge: Gauge, value: u64) -> String {
    match gauge {
        Gauge::DiskSpace | Gauge::Memory | Gauge::Swap | Gauge::Heap | Gauge::Metaspace => bytes(value),
        _ => grouped(value),
    }
}

fn alerts(alerts: &[AlertSeen], status: &Status, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let t = |of: Heading| heading(of, lang);
    let (how, last) = (words::level(lang), words::last(lang));
    let heads = [
        column(&how),
        column(t(Heading::Where)),
        column(t(Heading::What)),
        figures(t(Heading::Count)),
        column(&last),
    ];
    let row = |one: &AlertSeen| {
        let (look, mark) = match one.alert.level {
            AlertLevel::Info => ("unknown", "i"),
            AlertLevel::Warning => ("warn", "!"),
            AlertLevel::Error | AlertLevel::Fatal => ("bad", "✗"),
        };
        html! {
            tr {
                td data-label=(how) { (badge(look, mark, level(one.alert.level, lang))) }
                td data-label=(t(Heading::Where)) { (clean(&one.place)) }
                th.name scope="row" { (clean(&one.alert.title)) @if !one.alert.text.is_empty() { ": " (clean(&one.alert.text)) } }
                td.num data-label=(t(Heading::Count)) data-v=(one.count) { (grouped(one.count)) }
                td data-label=(last) data-v=(one.last.as_secs()) { (ago(one.last, status.at, voice)) }
            }
        }
    };
    html! {
        @if !alerts.is_empty() {
            (section("alerts", t(Heading::Alerts), &heads, html! { @for one in alerts { (row(one)) } }))
        }
    }
}

fn sources(status: &Status, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let (source, last) = (words::source(lang), words::last_heard(lang));
    let (signals, lost) = (words::signals(lang), words::lost(lang));
    let heads = [column(&source), column(&last), figures(&signals), figures(&lost)];
    let title = words::sources(lang);
    html! {
        @if !status.sources.is_empty() {
            (section("sources", &title, &heads, html! {
                @for one in &status.sources {
                    tr {
                        th.name scope="row" { (clean(&one.source)) }
                        td data-label=(last) {
                            @match one.heard { Some(at) => (ago(at, status.at, voice)), None => span.none { (words::never(lang)) } }
                        }
                        td.num data-label=(signals) data-v=(one.signals) { (grouped(one.signals)) }
                        td.num data-label=(lost) data-v=(one.lost) { span.failing[one.lost > 0] { (grouped(one.lost)) } }
                    }
                }
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use reach_core::{
        Time,
        signal::{Alert, Failure, FailureClass, Level, Origin, Requests, Signal, Statement, Word},
        watch::{SourceStatus, TargetId, heard::Overheard},
    };

    use super::*;
    use crate::{
        Lang,
        page::{Asker, Place, Theme},
    };

    const HOSTILE: &str = "<script>alert(1)</script>\u{202e}\u{1b}[2J";

    fn heard(word: &str, now: Time) -> HeardView {
        let origin = Origin { source: "scouter".to_owned(), service: Some(word.to_owned()), instance: None };
        let mut heard = Overheard::default();
        let mut say = |word: Word| heard.take(&Signal { at: now, origin: origin.clone(), word }, now);
        let (span, late) = (Duration::from_secs(60), 0);
        say(Word::Requests(Requests { span, total: 1_000, failed: 250, late, estimated: false }));
        let mut failure = Failure::new(FailureClass::ConnectTimeout, format!("connect timed out {word}"));
        (failure.host, failure.port) = (Some("fcm.example.com".to_owned()), Some(443));
        say(Word::Failure(failure));
        say(Word::Statement(Statement {
            database: Some(word.to_owned()),
            text: format!("SELECT {word}"),
            elapsed: Some(Duration::from_secs(4)),
            count: 3,
            error: Some(word.to_owned()),
            waits: Some("lock".to_owned()),
        }));
        let (gauge, used, total) = (Gauge::DiskSpace, Some(95 << 30), Some(100 << 30));
        say(Word::Level(Level { gauge, of: word.to_owned(), share: 0.95, used, total }));
        let level = AlertLevel::Fatal;
        say(Word::Alert(Alert { level, title: word.to_owned(), text: word.to_owned() }));
        heard.view(now)
    }

    fn page(word: &str, lang: Lang) -> String {
        let now = Time::from_micros(1_795_442_400_000_000);
        let target = TargetStatus {
            id: TargetId(12),
            host: "fcm.example.com".to_owned(),
            port: 443,
            ..TargetStatus::default()
        };
        let source = SourceStatus { source: word.to_owned(), heard: Some(now), signals: 5, lost: 1 };
        let status = Status { at: now, targets: vec![target], sources: vec![source], ..Status::default() };
        let voice = Voice { lang, zone: TimeZone::UTC };
        let frame = Frame {
            voice: &voice,
            now,
            vantage: "box",
            place: Place::Signals,
            path: "/signals",
            asker: &Asker::default(),
            theme: Theme::Auto,
            incidents: 0,
            said: None,
            live: Some("signals".to_owned()),
        };
        signals(&frame, &heard(word, now), &status)
    }

    #[test]
    fn everything_that_was_said_stands_there_in_both_languages() {
        let english = page("mail", Lang::En);
        for text in [
            "25 % (95 %: 22.4 % to 27.8 %)",
            "/target/12",
            "connect timed out",
            "SELECT mail",
            "95 %",
            "fatal",
        ] {
            assert!(english.contains(text), "{text} is missing in {english}");
        }
        let korean = page("mail", Lang::Ko);
        for text in
            ["95 % 구간 22.4 % ~ 27.8 %", "연결 시간 초과", "잠금 대기", "디스크", "신호 출처", "이 서버에서"]
        {
            assert!(korean.contains(text), "{text} is missing in {korean}");
        }
    }

    #[test]
    fn nothing_of_what_others_said_is_taken_for_markup() {
        let page = page(HOSTILE, Lang::En);
        assert!(
            !page.contains("<script>alert") && !page.contains('\u{202e}') && !page.contains('\u{1b}'),
            "{page}"
        );
    }
}
