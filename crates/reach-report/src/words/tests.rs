//! Both languages are really spoken, in every message.

use std::time::Duration;

use reach_core::{
    Time,
    model::{
        ClientModel, Conduct, Finding, IcmpError, Impact, Inability, Matter, Rcode, ResolverReport, Severity,
        State, Verdict,
    },
    ping::Method,
};

use super::{ask::Audience, samples::*, *};
use crate::scene::Scene;

fn is_korean(text: &str) -> bool {
    text.chars().any(|c| ('가'..='힣').contains(&c))
}

/// Says it in both languages and checks that each is what it claims to be.
fn both(what: &str, say: impl Fn(Lang) -> String) {
    let (english, korean) = (say(Lang::En), say(Lang::Ko));
    assert!(!english.trim().is_empty() && !is_korean(&english), "{what}: {english}");
    assert!(is_korean(&korean), "{what}: {korean}");
    for text in [english, korean] {
        assert!(!text.contains('⟨') && !text.contains("  ") && !text.contains(" ,"), "{what}: {text}");
        assert!(!text.chars().any(char::is_control) || text.contains('\n'), "{what}: {text}");
    }
}

fn scene_of(
    diagnosis: &reach_core::model::Diagnosis,
    case: &reach_core::model::Case,
    lang: Lang,
    f: &dyn Fn(&Scene<'_>) -> String,
) -> String {
    f(&Scene {
        case,
        diagnosis,
        finished: Time::from_micros(case.started.as_micros() + 8_000_000),
        offset_s: 9 * 3600,
        lang,
    })
}

#[test]
fn fixed_words_exist_in_both_languages() {
    for label in Label::ALL {
        let technical = matches!(label, Label::Tls | Label::Http | Label::Ttl);
        assert!(is_korean(label.text(Lang::Ko)) || technical, "{label:?}");
        assert!(!is_korean(label.text(Lang::En)), "{label:?}");
    }
    for severity_ in [Severity::Error, Severity::Warning, Severity::Info] {
        both("severity", |lang| severity(severity_, lang).to_owned());
    }
    for state_ in
        [State::Reachable, State::PartlyReachable, State::Unreachable, State::Unresolved, State::Inconclusive]
    {
        both("state", |lang| state(state_, lang).to_owned());
    }
    for audience in
        [Audience::Network, Audience::Service, Audience::Machine, Audience::Dns, Audience::Operator]
    {
        both("audience", |lang| audience.text(lang).to_owned());
    }
}

#[test]
fn pings_are_told_in_both_languages() {
    for column in ping::Column::ALL.into_iter().filter(|column| *column != ping::Column::P95) {
        both("column", |lang| column.text(lang).to_owned());
    }
    for v6 in [false, true] {
        for kind in 0..=12 {
            for code in 0..=16 {
                let error = IcmpError { v6, kind, code };
                both("error", |lang| ping::error_name(error, Some(1400), lang));
            }
        }
    }
    for why in OBSTACLES {
        both("obstacle", |lang| ping::unable(&Inability { why, errno: None }, lang));
    }
    for method in [Method::Icmp, Method::Tcp] {
        both("silence", |lang| ping::all_silent(method, lang));
    }
    both("hidden", |lang| ping::hidden(12, lang));
    both("caption", |lang| ping::caption(12, "3 s", lang));
}

#[test]
fn verdicts_doubts_gaps_and_errors_are_said_in_both_languages() {
    for verdict in Verdict::ALL {
        both(verdict.code(), |lang| verdict_name(verdict, lang).to_owned());
        both(verdict.code(), |lang| meaning(verdict, lang).to_owned());
        both(verdict.code(), |lang| detail(&endpoint(verdict), lang));
        let claims = !matches!(verdict, Verdict::Ok | Verdict::Inconclusive);
        assert_eq!(refuted_by(verdict, Lang::En).is_some(), claims, "{}", verdict.code());
        if claims {
            both(verdict.code(), |lang| refuted_by(verdict, lang).unwrap_or_default());
        }
    }
    for one in DOUBTS {
        both("doubt", |lang| doubt(one, lang));
    }
    for one in OBSTACLES {
        both("obstacle", |lang| obstacle(one, lang));
        both("advice", |lang| doubt_advice(Doubt::CouldNotProbe(one), lang));
    }
    for one in GAPS {
        both("gap", |lang| gap(one, lang));
    }
    for one in ERRORS {
        both("resolution error", |lang| resolution_error(one, lang));
        let (case, diagnosis) = (case(), diagnosis(Verdict::Ok));
        both("advice", |lang| {
            scene_of(&diagnosis, &case, lang, &|scene| resolution_advice(scene, one).whole(scene.lang))
        });
    }
    for conduct_ in [
        Conduct::Answers,
        Conduct::Silent,
        Conduct::Fails(Rcode::Refused),
        Conduct::Unreachable,
        Conduct::Garbage,
        Conduct::NotAsked,
    ] {
        let report = ResolverReport {
            resolver: (address(), 53).into(),
            conduct: conduct_,
            queries: 3,
            answers: 0,
            unanswered: 3,
            rtt: None,
            cached: false,
            addresses: Default::default(),
        };
        both("conduct", |lang| conduct(&report, None, lang));
    }
}

#[test]
fn evidence_is_said_in_both_languages() {
    for fact in facts() {
        both(evidence_code(&fact), |lang| super::evidence(&fact, lang));
    }
    for ended in tls_ends() {
        both("TLS end", |lang| tls_end(&ended, lang));
    }
}

#[test]
fn findings_are_said_in_both_languages_and_never_ask_for_any() {
    for matter in matters() {
        for verdict in [Verdict::Filtered, Verdict::Prohibited, Verdict::Unreachable, Verdict::ResetByPath] {
            let (case, diagnosis) = (case(), diagnosis(verdict));
            let one =
                Finding { severity: Severity::Error, addresses: vec![address()], matter: matter.clone() };
            both(matter.code(), |lang| scene_of(&diagnosis, &case, lang, &|scene| finding(scene, &one)));
            let asked = |lang| {
                scene_of(&diagnosis, &case, lang, &|scene| {
                    ask(scene, &one).map(|ask| ask.whole(scene.lang)).unwrap_or_default()
                })
            };
            if !asked(Lang::En).is_empty() {
                both(matter.code(), asked);
                assert!(!asked(Lang::En).contains("Any"), "{}", matter.code());
            }
        }
    }
}

#[test]
fn what_is_inferred_is_called_suspected_and_what_is_told_is_not() {
    let suspected = |verdict| {
        let text = detail(&endpoint(verdict), Lang::En);
        (text.contains("suspected"), text)
    };
    for verdict in [Verdict::Filtered, Verdict::NameBlocked, Verdict::FlowDependent] {
        let (says, text) = suspected(verdict);
        assert!(says, "{text}");
    }
    for verdict in [Verdict::Prohibited, Verdict::Unreachable, Verdict::Refused] {
        let (says, text) = suspected(verdict);
        assert!(!says, "{text}");
    }
    assert!(detail(&endpoint(Verdict::Filtered), Lang::En).contains("at or directly behind hop 1"));
    assert!(detail(&endpoint(Verdict::Filtered), Lang::Ko).contains("방화벽 차단 추정"));
}

#[test]
fn googles_sentence_stands_only_for_googles_names() {
    let finding = Finding {
        severity: Severity::Error,
        addresses: vec![address()],
        matter: Matter::AllBlocked { failing: 1 },
    };
    for (target, expected) in [
        ("fcm.googleapis.com:443", true),
        ("googleapis.com:443", true),
        ("evilgoogleapis.com:443", false),
        ("fcm.googleapis.com.example.com:443", false),
        ("203.0.113.12:443", false),
    ] {
        let mut diagnosis = diagnosis(Verdict::Filtered);
        diagnosis.target = target.parse().expect("a target");
        let case = case();
        let text = scene_of(&diagnosis, &case, Lang::En, &|scene| {
            ask(scene, &finding).map(|ask| ask.whole(scene.lang)).unwrap_or_default()
        });
        assert_eq!(text.contains("allowlist"), expected, "{target}");
    }
}

#[test]
fn what_the_network_team_searches_its_log_by_is_in_the_request() {
    let (case, mut diagnosis) = (case(), diagnosis(Verdict::Filtered));
    diagnosis.endpoints[0].connect.flows =
        vec![reach_core::model::FlowTally { source_port: 42_001, syns: 3, answered: 0 }];
    let finding = Finding {
        severity: Severity::Error,
        addresses: vec![address()],
        matter: Matter::AllBlocked { failing: 1 },
    };
    let text = scene_of(&diagnosis, &case, Lang::En, &|scene| {
        ask(scene, &finding).map(|ask| ask.whole(scene.lang)).unwrap_or_default()
    });
    for part in [
        "Source: 203.0.113.12 (web01)",
        "Destination: 203.0.113.12",
        "TCP 443, direction outbound",
        "2026-11-22 14:00:03 to 14:00:11 (UTC+09:00)",
        "Source ports used: 42001",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn client_models_are_told_in_both_languages() {
    let (case, diagnosis) = (case(), diagnosis(Verdict::Filtered));
    for model in ClientModel::ALL {
        for (failure_share, added_latency) in [(0.0, None), (0.4, Some(Duration::from_secs(2)))] {
            let impact = Impact { client: model, failure_share, added_latency };
            both(model.code(), |lang| {
                scene_of(&diagnosis, &case, lang, &|scene| impact_note(&impact, scene))
            });
        }
    }
}

#[test]
fn paths_are_spoken_of_in_both_languages() {
    use reach_core::model::{
        Balancing, Confidence, Field, HopLoss, IcmpError, Inability, MtuLimit, Obstacle, PathMtu, Remark,
        TraceProtocol,
    };

    use crate::trace::End;

    let router = std::net::IpAddr::from([10, 70, 0, 1]);
    let error = Some(IcmpError { v6: false, kind: 3, code: 13 });
    let told = |by, ttl, prohibited| End::Told { error, by, ttl, prohibited };
    let ends = [
        End::Refused,
        End::ResetByPath { ttl: Some(3) },
        End::ResetByPath { ttl: None },
        told(Some(router), Some(2), true),
        told(Some(router), None, false),
        told(None, None, true),
        told(None, None, false),
        End::Silent { last: Some((2, vec![router])) },
        End::Silent { last: None },
        End::Loop { ttl: 3 },
        End::Unable(Inability { why: Obstacle::NoRoute, errno: None }),
        End::Unfinished,
    ];
    for protocol in [TraceProtocol::Tcp, TraceProtocol::Udp, TraceProtocol::Icmp] {
        both("reached", |lang| trace::end_tag(&End::Reached, protocol, lang));
        for end in &ends {
            both("end tag", |lang| trace::end_tag(end, protocol, lang));
            both("stopped", |lang| trace::stopped(end, &[router], 443, protocol, lang).unwrap_or_default());
        }
    }
    let remarks = [
        Remark::BadMember {
            ttl: 2,
            member: Some(router),
            after: Some(router),
            flows: vec![40_001],
            lost: 1.0,
            others_lost: 0.0,
        },
        Remark::BadMember { ttl: 2, member: None, after: None, flows: vec![], lost: 0.5, others_lost: 0.1 },
        Remark::Translated { ttl: 3 },
        Remark::OptionsChanged { ttl: 3, was: vec![2, 4], is: vec![] },
        Remark::Asymmetric { ttl: 3, responder: router, back: 9 },
        Remark::Loop { ttl: 3, address: router },
        Remark::ZeroTtlForwarding { ttl: 3 },
    ];
    let fields = [Field::MaxSegment, Field::TrafficClass, Field::Window, Field::Ttl];
    let rewritten = fields.map(|field| Remark::Rewritten { ttl: 3, field, was: 64, is: 1 });
    for remark in remarks.iter().chain(&rewritten) {
        both("remark", |lang| trace::remark(remark, lang));
    }
    for balancing in [Balancing::PerFlow, Balancing::PerPacket, Balancing::PerDestination] {
        both("balancing", |lang| trace::balancing(balancing, 4, lang));
    }
    for loss in [HopLoss::RateLimited, HopLoss::Silent, HopLoss::Forward { share: 0.12 }, HopLoss::None] {
        both("loss", |lang| trace::loss(loss, 6, 4, lang).unwrap_or_default());
    }
    let limits = [Some(router), None].map(|by| MtuLimit { ttl: 3, mtu: 1300, by });
    for to_endpoint in [true, false] {
        let mtu = PathMtu { mtu: 1300, to_endpoint, packets: TraceProtocol::Udp, limits: limits.into() };
        both("mtu", |lang| trace::mtu(&mtu, lang).join(" "));
    }
    for whole_trace in [true, false] {
        let confidence = Confidence { level: 0.95, whole_trace };
        both("confidence", |lang| trace::confidence(confidence, true, "", lang));
        both("confidence", |lang| trace::confidence(confidence, true, "3", lang));
        both("confidence", |lang| trace::confidence(confidence, false, "", lang));
    }
    both("raw sockets", trace::without_raw_sockets);
    both("here", |lang| trace::this_host(Some(router), lang));
    both("joined", |lang| trace::rejoined(3, lang));
    both("bundle", |lang| trace::each_leads_to(3, lang));
    both("above", trace::above);
    both("silent", trace::silent_hop);
    both("bad", |lang| trace::bad_member(1.0, lang));
    both("unresolved", |lang| trace::no_address("a.example", "x", lang));
    both("together", |lang| trace::compare::together(Some((1, &[router])), lang));
    both("together", |lang| trace::compare::together(None, lang));
    both("never", trace::compare::never_part);
    for next in [&[] as &[_], &[router], &[std::net::IpAddr::from([10, 70, 0, 2])]] {
        both("on", |lang| trace::compare::goes_on(router, next, "", lang));
    }
    both("marks", trace::compare::last_common);
    both("marks", trace::compare::parts);
}
