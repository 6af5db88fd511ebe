//! The screen, drawn into memory.

use ratatui::{Terminal, backend::TestBackend};
use reach_core::model::{
    Balancing, Confidence, Endpoint, Hop, HopLoss, ReplyKind, Responder, Stopped, TraceProtocol,
};
use reach_report::Lang;

use super::{
    series::tests::{ip, observed},
    *,
};

const OPEN: &str = "203.0.113.9";
const BLOCKED: &str = "203.0.113.10";

fn at(seconds: u64) -> Time {
    Time::from_micros(1_795_323_603_000_000 + seconds * 1_000_000)
}

fn responder(address: &str, reply: ReplyKind) -> Responder {
    Responder {
        address: ip(address),
        reply,
        flows: Vec::new(),
        sent: 4,
        received: 4,
        rtts: Vec::new(),
        reply_ttl: None,
        labels: Vec::new(),
        interfaces: Vec::new(),
    }
}

fn hop(ttl: u8, responders: Vec<Responder>) -> Hop {
    Hop { ttl, sent: 4, received: 4, responders, complete: true, ..Hop::default() }
}

fn route(address: &str, distance: Option<u8>, hops: Vec<Hop>) -> Route {
    Route {
        endpoint: Endpoint { address: ip(address), port: 443 },
        protocol: TraceProtocol::Icmp,
        distance,
        stopped: distance.is_none().then_some(Stopped::Silent),
        by: None,
        hops,
        links: Vec::new(),
        flows: Vec::new(),
        confidence: Confidence { level: 0.95, whole_trace: false },
        mtu: None,
        remarks: Vec::new(),
        unable: None,
        packets: 0,
    }
}

/// Two addresses: one behind a balanced hop and a silent one, one that is blocked.
fn view() -> View {
    let labels =
        Labels { names: [(ip("10.70.0.1"), "gw.example.net.".to_owned())].into(), ..Labels::default() };
    let mut view = View::new(vec!["www.example.com".to_owned()], TraceProtocol::Icmp, at(0));
    let router = |address| responder(address, ReplyKind::TimeExceeded);
    let balanced =
        Hop { balancing: Some(Balancing::PerFlow), ..hop(2, vec![router("10.70.1.2"), router("10.70.2.2")]) };
    let silent = Hop { loss: HopLoss::Silent, ..hop(3, Vec::new()) };
    let open = route(
        OPEN,
        Some(4),
        vec![
            hop(1, vec![router("10.70.0.1")]),
            balanced,
            silent,
            hop(4, vec![responder(OPEN, ReplyKind::Reached)]),
        ],
    );
    let blocked = route(BLOCKED, None, vec![hop(1, vec![router("10.70.0.1")]), hop(2, Vec::new())]);
    view.know(vec![(0, open), (0, blocked)], labels, at(75));
    let mut id = 0;
    let mut see = |address, flow, ttl, answer| {
        id += 1;
        view.observe(0, &observed(id, address, flow, ttl, answer));
    };
    for round in 0..12_u64 {
        let flow = 33_000 + (round % 3) as u16;
        see(OPEN, flow, Some(1), Some(("10.70.0.1", 400 + round * 10)));
        see(OPEN, flow, Some(2), Some((if flow == 33_001 { "10.70.2.2" } else { "10.70.1.2" }, 900)));
        see(OPEN, flow, Some(3), None);
        see(OPEN, flow, Some(4), (round % 4 != 3).then_some((OPEN, 12_000 + round * 1_000)));
        see(OPEN, flow, None, (round != 5).then_some((OPEN, 12_345)));
        see(BLOCKED, flow, Some(1), Some(("10.70.0.1", 410)));
        see(BLOCKED, flow, Some(2), None);
    }
    view
}

fn drawn(view: &View, style: &Style, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal in memory");
    terminal.draw(|frame| draw(view, style, frame)).expect("drawn");
    terminal.backend().to_string()
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn the_screen_reads_well_in_both_languages_and_widths() {
    for lang in Lang::ALL {
        for width in [80, 120] {
            let text = drawn(&view(), &Style::plain(usize::from(width), lang), width, 16);
            snapshot(&format!("live-{}-{width}", lang.code()), &text);
        }
    }
    let ascii = drawn(&view(), &Style { ascii: true, ..Style::plain(80, Lang::En) }, 80, 16);
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn before_the_first_answer_it_says_that_it_waits() {
    let view = View::new(vec!["www.example.com".to_owned()], TraceProtocol::Tcp, at(0));
    snapshot("live-empty", &drawn(&view, &Style::default(), 80, 8));
}

#[test]
fn keys_turn_to_addresses_flows_and_orders() {
    let style = Style::default();
    let mut view = view();
    view.take(Wish::Order);
    assert!(drawn(&view, &style, 80, 16).contains("by loss"));
    assert_eq!(view.lines().first().and_then(|line| line.ttl), Some(3));
    view.take(Wish::Order);
    view.take(Wish::Order);
    view.take(Wish::NextFlow);
    assert_eq!(view.flow, Some(33_000));
    assert!(!drawn(&view, &style, 80, 16).contains("10.70.2.2"), "this flow does not pass there");
    view.take(Wish::PreviousFlow);
    view.take(Wish::PreviousFlow);
    assert_eq!(view.flow, Some(33_002));
    view.take(Wish::NextAddress);
    assert_eq!((view.address, view.flow), (1, None));
    let shown = drawn(&view, &style, 80, 16);
    assert!(shown.contains("(no answer)") && shown.contains("100.0 %"), "{shown}");
    view.take(Wish::NextAddress);
    view.take(Wish::PreviousAddress);
    assert_eq!(view.address, 1);
}

#[test]
fn a_pause_is_shown_and_a_reset_forgets_the_counts_only() {
    let style = Style::default();
    let mut view = view();
    view.take(Wish::Pause);
    assert!(view.is_paused() && drawn(&view, &style, 80, 16).contains("PAUSED"));
    view.take(Wish::Reset);
    let shown = drawn(&view, &style, 80, 16);
    assert!(shown.contains("gw.example.net (10.70.0.1)") && !shown.contains("0.4"), "{shown}");
}

#[test]
fn what_has_no_room_can_be_scrolled_to() {
    let style = Style::default();
    let mut view = view();
    let top = drawn(&view, &style, 80, 8);
    for _ in 0..50 {
        view.take(Wish::Down);
    }
    let bottom = drawn(&view, &style, 80, 8);
    assert!(top.contains("10.70.0.1") && !top.contains(" end "), "{top}");
    assert!(!bottom.contains("10.70.0.1") && bottom.contains(" end "), "{bottom}");
}

#[test]
fn no_screen_is_too_small() {
    for lang in Lang::ALL {
        for (width, height) in [(1, 1), (2, 30), (10, 3), (37, 5), (200, 1), (300, 100)] {
            drawn(&view(), &Style { color: true, ..Style::plain(usize::from(width), lang) }, width, height);
        }
    }
}

#[test]
fn hostile_names_of_routers_cannot_act_on_the_terminal() {
    let mut view = view();
    view.labels.names.insert(ip("10.70.0.1"), "evil\u{1b}[2J".to_owned());
    assert!(!drawn(&view, &Style::default(), 120, 16).contains('\u{1b}'));
}
