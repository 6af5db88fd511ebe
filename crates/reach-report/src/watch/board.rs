//! What stands at the foot of a terminal while a watch runs in it.

use std::time::Duration;

use reach_core::{
    Time,
    watch::{Status, assurance::Progress},
};

use super::{
    status::{Standing, broken, heading, stuck, targets},
    words::{grouped, long_span, short_time},
};
use crate::{
    Lang, Style,
    clean::clean,
    layout::{Page, Role, Row, Span, cut},
    words::say,
};

/// Narrower or lower terminals get one line.
const LEAST_COLUMNS: usize = Style::MIN_WIDTH;
const LEAST_LINES: usize = 8;
/// Lines that the board needs beside its table: the rule, up to two of heading, titles, and what follows.
const BESIDE_TABLE: usize = 7;

/// What is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct BoardView<'a> {
    /// What is known.
    pub status: &'a Status,
    /// Handshakes tried since the watch began.
    pub checks: u64,
    /// Of them, a second, lately; `None` where that is not known yet.
    pub rate: Option<f64>,
    /// What was said last, and when.
    pub said: Option<(Time, &'a str)>,
    /// Where the watch ends by itself.
    pub countdown: Option<Countdown>,
    /// Where the page for people is.
    pub page: Option<&'a str>,
}

/// How far a watch is that ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Countdown {
    /// What is left of it.
    pub left: Duration,
    /// How long it lasts altogether.
    pub whole: Duration,
    /// Its tries.
    pub progress: Progress,
}

/// The board in lines of at most `columns` columns, and at most `lines` of them.
pub fn board(view: &BoardView<'_>, columns: usize, lines: usize, style: &Style) -> Vec<String> {
    if columns < LEAST_COLUMNS || lines < LEAST_LINES {
        return vec![cut(&in_one_line(view, style), columns, style.ascii)];
    }
    let style = Style { width: columns.min(style.width.max(LEAST_COLUMNS)), ..*style };
    let mut page = Page::new(style);
    // Terminals of East Asia may draw this one twice as wide.
    let rule = if style.ascii { "-" } else { "─" };
    page.paragraph("", "", &[Span::new(rule.repeat(style.width / 2), Role::Dim)]);
    heading(&mut page, view.status, &style);
    let all = view.status.targets.len();
    if all > 0 {
        let room = lines - BESIDE_TABLE;
        let shown = if all <= room { all } else { room.saturating_sub(1).max(1) };
        let mut table = targets(view.status, &style, shown);
        if shown < all {
            table.rows.push(Row::Note(more(view.status, all - shown, style.lang)));
        }
        page.table("", &table);
    }
    footer(&mut page, view, &style);
    let mut board: Vec<String> = page.finish().lines().map(str::to_owned).collect();
    // The table is cut first; where long remarks still take more, the last of them go.
    board.truncate(lines);
    board
}

/// How far it is, in a sentence.
pub fn countdown(countdown: &Countdown, lang: Lang) -> String {
    let Countdown { left, whole, progress } = countdown;
    let (left, whole) = (long_span(whole_seconds(*left), lang), long_span(*whole, lang));
    let Progress { tries, expected, failures, .. } = *progress;
    if tries == 0 {
        return say!(
            lang,
            "{left} of {whole} left; no check yet",
            "{whole} 중 {left} 남음. 아직 확인 결과 없음"
        );
    }
    let (tries, expected) = (grouped(tries), grouped(expected));
    match failures {
        0 => say!(
            lang,
            "{left} of {whole} left; {tries} of {expected} checks, none failed so far",
            "{whole} 중 {left} 남음. 확인 {expected}회 중 {tries}회 완료, 지금까지 실패 없음"
        ),
        failures => {
            let failures = grouped(failures);
            say!(
                lang,
                "{left} of {whole} left; {tries} of {expected} checks, {failures} failed: no all-clear",
                "{whole} 중 {left} 남음. 확인 {expected}회 중 {tries}회 완료, 실패 {failures}회로 정상화 확인 불가"
            )
        }
    }
}

/// Rounded up: what is left is not over.
fn whole_seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs() + u64::from(span.subsec_nanos() > 0))
}

fn footer(page: &mut Page, view: &BoardView<'_>, style: &Style) {
    let lang = style.lang;
    let status = view.status;
    for (name, channel) in &status.channels {
        if let Some(trouble) = broken(channel, status.at, style) {
            let name = clean(name);
            let text = say!(lang, "channel {name} {trouble}", "알림 채널 {name}: {trouble}");
            page.paragraph("", "  ", &[Span::new(text, Role::Bad)]);
        }
    }
    stuck(page, status, style);
    if let Some((at, said)) = view.said {
        let at = short_time(at, status.at, style);
        let said = without_selectors(said);
        let text = say!(lang, "last message {at}: {said}", "마지막 알림 {at}: {said}");
        page.paragraph("", "  ", &[Span::plain(cut(&text, style.width - 2, style.ascii))]);
    }
    if let Some(one) = &view.countdown {
        let role = if one.progress.failures > 0 { Role::Warn } else { Role::Strong };
        page.paragraph("", "  ", &[Span::new(countdown(one, lang), role)]);
    }
    // A countdown has counted them already.
    let counted = if view.countdown.is_some() { pace(view, lang) } else { Some(checks(view, lang)) };
    let mut last: Vec<String> = counted.into_iter().collect();
    last.push(incidents(status, lang));
    last.extend(view.page.map(clean));
    page.paragraph("", "  ", &[Span::new(last.join(" · "), Role::Dim)]);
}

fn checks(view: &BoardView<'_>, lang: Lang) -> String {
    let checks = grouped(view.checks);
    match pace(view, lang) {
        Some(pace) => say!(lang, "checks {checks} ({pace})", "확인 {checks}회({pace})"),
        None => say!(lang, "checks {checks}", "확인 {checks}회"),
    }
}

fn pace(view: &BoardView<'_>, lang: Lang) -> Option<String> {
    let rate = view.rate?;
    let rate = if rate < 9.95 { format!("{rate:.1}") } else { format!("{rate:.0}") };
    Some(say!(lang, "{rate} checks/s", "초당 {rate}회 확인"))
}

fn incidents(status: &Status, lang: Lang) -> String {
    match status.incidents.len() {
        0 => say!(lang, "no incident", "장애 없음"),
        1 => say!(lang, "1 incident", "장애 1건"),
        incidents => say!(lang, "{incidents} incidents", "장애 {incidents}건"),
    }
}

/// What is not in the table. Those that suffer most are.
fn more(status: &Status, hidden: usize, lang: Lang) -> String {
    let mut well = status.targets.iter().filter(|target| Standing::of(target) == Standing::Ok).count();
    well = well.min(hidden);
    if well == hidden {
        say!(lang, "{hidden} more, all ok", "그 밖의 {hidden}개 모두 정상")
    } else {
        let others = hidden - well;
        say!(lang, "{hidden} more, {others} of them not ok", "그 밖의 {hidden}개, 그중 {others}개 이상")
    }
}

fn in_one_line(view: &BoardView<'_>, style: &Style) -> String {
    let lang = style.lang;
    let standing = |target: &_| !matches!(Standing::of(target), Standing::Ok | Standing::Unknown);
    let bad = view.status.targets.iter().filter(|target| standing(target)).count();
    let all = view.status.targets.len();
    let left = view.countdown.map(|countdown| {
        let left = long_span(whole_seconds(countdown.left), lang);
        say!(lang, "{left} left", "{left} 남음")
    });
    let bad = match (bad, view.status.online) {
        (_, Some(false)) => say!(lang, "no network", "네트워크 단절"),
        (0, _) => incidents(view.status, lang),
        (bad, _) => say!(lang, "{bad} of {all} bad", "{all}개 중 {bad}개 이상"),
    };
    let parts: Vec<String> = [Some(bad), left, Some(checks(view, lang))].into_iter().flatten().collect();
    parts.join(if style.ascii { ", " } else { " · " })
}

/// Without what only chooses how a symbol is drawn: terminals disagree on the width of that.
fn without_selectors(text: &str) -> String {
    clean(&text.chars().filter(|c| !matches!(c, '\u{fe00}'..='\u{fe0f}')).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use reach_core::watch::{
        AddressState, AddressStatus, ChannelStatus, Layer, LayerStatus, Reason, Remembered, Series, TargetId,
        TargetStatus,
    };
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(1_795_323_600_000_000) + Duration::from_secs(seconds)
    }

    fn target(id: u32, text: &str, states: &[AddressState]) -> TargetStatus {
        let address = |(number, &health): (usize, &AddressState)| {
            let last = u8::try_from(number).expect("few") + 1;
            let failed = health == AddressState::Down;
            let failures = if failed { BTreeMap::from([(Reason::Timeout, 40)]) } else { BTreeMap::new() };
            AddressStatus {
                remembered: Remembered {
                    series: Series { target: TargetId(id), address: [192, 0, 2, last].into() },
                    health,
                    since: at(60),
                    reason: None,
                    first_seen: at(0),
                    last_given: at(600),
                    ttl_s: 60,
                    resolvers: Default::default(),
                    gone_since: None,
                    last_ok: None,
                    certificate_expires: None,
                },
                layers: BTreeMap::from([(
                    Layer::Connect,
                    Box::new(LayerStatus { tries: 60, failures, ..LayerStatus::default() }),
                )]),
            }
        };
        TargetStatus {
            id: TargetId(id),
            target: text.to_owned(),
            host: text.to_owned(),
            port: 443,
            addresses: states.iter().enumerate().map(address).collect(),
            ..TargetStatus::default()
        }
    }

    fn status(targets: usize) -> Status {
        use AddressState::{Down, Ok, Suspect};
        let mut all = vec![
            target(1, "db.example.com:5432", &[Ok]),
            target(2, "푸시.example.kr:443", &[Ok, Ok, Down, Suspect]),
        ];
        all.extend((3..).take(targets.saturating_sub(2)).map(|id| target(id, &format!("t{id}:1"), &[Ok])));
        all.truncate(targets);
        Status { at: at(600), started: at(0), targets: all, ..Status::default() }
    }

    fn view(status: &Status) -> BoardView<'_> {
        let progress = Progress { tries: 1_204, expected: 2_880, failures: 0, addresses: 8 };
        BoardView {
            status,
            checks: 1_204,
            rate: Some(0.83),
            said: Some((at(90), "ℹ\u{fe0f} db.example.com:5432: 복구됨 \u{1b}[2J")),
            countdown: Some(Countdown {
                left: Duration::from_millis(1_619_100),
                whole: Duration::from_secs(3_600),
                progress,
            }),
            page: Some("http://127.0.0.1:9732/"),
        }
    }

    #[test]
    fn it_says_how_everything_is() {
        let status = status(2);
        let board = board(&view(&status), 100, 24, &Style::plain(100, Lang::En)).join("\n");
        let korean = super::board(&view(&status), 80, 24, &Style::plain(80, Lang::Ko)).join("\n");
        insta::with_settings!({ prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!("board-en", board);
            insta::assert_snapshot!("board-ko", korean);
        });
    }

    #[test]
    fn no_line_is_wider_and_no_board_higher_than_the_terminal() {
        for lang in [Lang::En, Lang::Ko] {
            for columns in [20, 43, 60, 61, 80, 133, 300] {
                for lines in [1, 5, 8, 12, 40] {
                    for targets in [0, 1, 2, 9, 200] {
                        let mut status = status(targets);
                        status.online = Some(false);
                        let broken = ChannelStatus {
                            broken_since: Some(at(30)),
                            trouble: Some("403 Forbidden: bot was kicked ".repeat(3)),
                            ..ChannelStatus::default()
                        };
                        status.channels.insert("당직\u{202e}".to_owned(), broken);
                        let style = Style { color: false, ..Style::plain(columns.min(120), lang) };
                        let board = board(&view(&status), columns, lines, &style);
                        assert!(
                            !board.is_empty() && board.len() <= lines.max(1),
                            "{columns}x{lines}: {board:#?}"
                        );
                        for line in &board {
                            assert!(line.width() <= columns, "{columns}: {line}");
                            assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_suffers_is_shown_where_there_is_no_room_for_all() {
        let status = status(30);
        let board = board(&view(&status), 80, 12, &Style::plain(80, Lang::En)).join("\n");
        assert!(board.contains("푸시.example.kr:443") && board.contains("more, all ok"), "{board}");
    }

    #[test]
    fn a_failure_takes_the_hope_for_an_all_clear() {
        let progress = Progress { tries: 10, expected: 299, failures: 3, addresses: 1 };
        let mut told = Countdown { left: Duration::from_secs(61), whole: Duration::from_secs(600), progress };
        assert_eq!(
            countdown(&told, Lang::En),
            "1 min 1 s of 10 min left; 10 of 299 checks, 3 failed: no all-clear"
        );
        told.progress = Progress::default();
        assert_eq!(countdown(&told, Lang::Ko), "10분 중 1분 1초 남음. 아직 확인 결과 없음");
    }
}
