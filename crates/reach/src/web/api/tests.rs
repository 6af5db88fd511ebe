use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

use reach_core::{
    Time,
    judge::judge,
    model::{Case, Effort, Plan, Vantage},
    watch::{
        AddressState, AddressStatus, Examination, Incident, Layer, LayerStatus, Matcher, Order, Phase,
        Reading, Reason, Remembered, Sample, Series, Silence, SilenceId, Status, TargetId, TargetStatus,
        Transition, Why,
    },
};
use reach_store::{AuditEntry, Batch, Reader, StoreOptions};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::{
    command::memory::tests::incident,
    control::Request,
    web::tests::stage::{Stage, Told, staged},
};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn now() -> Time {
    reach_net::drive::Clock::start().now()
}

fn ago(seconds: u64) -> Time {
    Time::from_micros(now().as_micros() - seconds * 1_000_000)
}

fn series(last: u8) -> Series {
    Series { target: TargetId(1), address: [203, 0, 113, last].into() }
}

fn remembered(last: u8, health: AddressState) -> Remembered {
    Remembered {
        series: series(last),
        health,
        since: ago(300),
        reason: (health == AddressState::Down).then_some(Reason::Timeout),
        first_seen: ago(9_000),
        last_given: ago(1),
        ttl_s: 60,
        resolvers: BTreeSet::new(),
        gone_since: None,
        last_ok: Some(ago(400)),
        certificate_expires: Some(1_900_000_000),
    }
}

fn open_incident() -> Incident {
    let mut open = incident();
    open.phase = Phase::Open;
    open.began = ago(300);
    open.opened = ago(270);
    open
}

fn told() -> Status {
    let layer = LayerStatus {
        tries: 10,
        failures: [(Reason::Timeout, 4)].into(),
        last: ago(2),
        last_rtt: Some(Duration::from_micros(8_123)),
        ..LayerStatus::default()
    };
    let address = |last, health| AddressStatus {
        remembered: remembered(last, health),
        layers: [(Layer::Connect, Box::new(layer.clone()))].into(),
    };
    let target = TargetStatus {
        id: TargetId(1),
        target: "fcm.googleapis.com:443".to_owned(),
        host: "fcm.googleapis.com".to_owned(),
        port: 443,
        labels: [("service".to_owned(), "<script>".to_owned())].into(),
        addresses: vec![address(11, AddressState::Ok), address(12, AddressState::Down)],
        ..TargetStatus::default()
    };
    let silence = Silence {
        id: SilenceId(3),
        matcher: Matcher { target: Some("fcm*".to_owned()), ..Matcher::default() },
        from: ago(60),
        until: now() + Duration::from_secs(3600),
        author: "kim".to_owned(),
        comment: "patch".to_owned(),
        maintenance: false,
    };
    Status {
        at: now(),
        started: ago(10_000),
        online: Some(true),
        targets: vec![target],
        incidents: vec![open_incident()],
        silences: vec![silence],
        channels: [("ops".to_owned(), Default::default())].into(),
        ..Status::default()
    }
}

/// A memory of some minutes.
fn remember(directory: &TempDir) -> Reader {
    let path = directory.path().join("reach.db");
    let (writer, reader, _) = reach_store::open(&path, StoreOptions::default()).expect("a store");
    let sample = |minute: u64| Sample {
        series: series(11 + (minute % 2) as u8),
        layer: Layer::Connect,
        at: ago(60 * minute),
        again: false,
        reading: if minute == 5 {
            Reading::Failed(Reason::Timeout)
        } else {
            Reading::Answered(Duration::from_millis(8))
        },
    };
    let case = Case {
        target: "fcm.googleapis.com:443".parse().expect("a target"),
        vantage: Vantage::default(),
        plan: Plan::new(Effort::Normal, 1),
        started: ago(200),
    };
    let diagnosis = judge(&case, &[]);
    let examination =
        Examination { target: TargetId(1), case, observations: Vec::new(), finished: ago(190), diagnosis };
    let transition = Transition {
        series: series(12),
        at: ago(300),
        from: AddressState::Ok,
        to: AddressState::Down,
        why: Why::Failed(Reason::Timeout),
    };
    let audit = |who: &str, did: &str| AuditEntry { at: ago(100), who: who.to_owned(), did: did.to_owned() };
    let batch = Batch {
        urgent: true,
        targets: vec![
            (TargetId(1), "fcm.googleapis.com:443".to_owned()),
            (TargetId(2), "db.example:5432".to_owned()),
        ],
        samples: (1..30).rev().map(sample).collect(),
        transitions: vec![transition],
        incidents: vec![open_incident()],
        examinations: vec![(Some(open_incident().id), examination)],
        audit: vec![audit("kim", "{\"login\":{\"address\":\"192.0.2.7\"}}"), audit("kim", "no JSON")],
        ..Batch::new(now())
    };
    writer.submit(batch);
    assert!(writer.close(Duration::from_secs(60)), "written");
    reader
}

async fn service() -> (Stage, TempDir) {
    let directory = TempDir::new().expect("a directory");
    let reader = remember(&directory);
    (staged("", HERE, told(), Some(reader), None).await, directory)
}

fn contract() -> Value {
    serde_json::from_str(OPENAPI).expect("JSON")
}

/// Whether an answer is as the contract has it.
fn conforms(contract: &Value, path: &str, method: &str, answer: &Told) {
    let operation = &contract["paths"][path][method];
    let mut response = &operation["responses"][answer.status.to_string()];
    if let Some(place) = response["$ref"].as_str() {
        response = contract.pointer(place.trim_start_matches('#')).expect("it is there");
    }
    let schema = response.pointer("/content/application~1json/schema");
    let schema =
        schema.unwrap_or_else(|| panic!("{method} {path}: {} is not in the contract", answer.status));
    let mut whole = schema.clone();
    whole["components"] = contract["components"].clone();
    let validator =
        jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema that can be used");
    let said = answer.json();
    let wrong: Vec<String> =
        validator.iter_errors(&said).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{method} {path}: {wrong:#?}\n{said:#}");
}

#[test]
fn every_route_is_in_the_contract_and_the_other_way_round() {
    let contract = contract();
    let written: BTreeSet<&str> =
        contract["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
    let routes: BTreeSet<&str> = table().into_iter().map(|(path, _)| path).collect();
    assert_eq!(routes, written);
    assert_eq!(contract["openapi"], "3.1.0");
}

#[tokio::test]
async fn each_path_takes_the_methods_of_the_contract_and_no_other() {
    let (stage, _directory) = service().await;
    let csrf = stage.get("/api/v1/session", "").await.json()["csrf"].as_str().expect("a token").to_owned();
    let contract = contract();
    for (path, operations) in contract["paths"].as_object().expect("paths") {
        let asked = path.replace("{id}", "999999").replace("{number}", "999999");
        let headers = format!("X-Csrf-Token: {csrf}\r\n");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = stage.ask(method, &asked, &headers, "").await;
            let is_written = operations.get(method.to_lowercase()).is_some();
            assert_eq!(answer.status != 405, is_written, "{method} {path}: {answer:?}");
            if !is_written {
                assert_eq!(answer.json()["error"]["code"], "method-not-allowed");
                let allow = answer.one("allow").expect("what it takes").to_owned();
                assert!(
                    operations
                        .as_object()
                        .expect("operations")
                        .keys()
                        .all(|taken| allow.contains(&taken.to_uppercase())),
                    "{path}: {allow}"
                );
            }
        }
    }
    assert_eq!(stage.get("/api/v1/nothing", "").await.json()["error"]["code"], "not-found");
    assert_eq!(stage.get("/api/v2/status", "").await.json()["error"]["code"], "not-found");
}

#[tokio::test]
async fn what_is_answered_is_what_the_contract_says() {
    let (stage, _directory) = service().await;
    let contract = contract();
    for (path, asked, part) in [
        ("/api/v1/status", "/api/v1/status?lang=ko", "fcm.googleapis.com"),
        ("/api/v1/session", "/api/v1/session", "local"),
        ("/api/v1/incidents", "/api/v1/incidents", "\"id\":17"),
        ("/api/v1/incidents", "/api/v1/incidents?all=true&target=fcm*&limit=5", "\"id\":17"),
        ("/api/v1/incidents", "/api/v1/incidents?since=now&until=-1h", "[]"),
        ("/api/v1/incidents/{id}", "/api/v1/incidents/17", "reach.check/1"),
        ("/api/v1/targets", "/api/v1/targets", "\"watched\":false"),
        ("/api/v1/targets/{id}", "/api/v1/targets/1", "reach.status/1"),
        ("/api/v1/targets/{id}/history", "/api/v1/targets/1/history?from=-1h&step=1m", "\"steps\":[{"),
        ("/api/v1/targets/{id}/history", "/api/v1/targets/1/history?address=203.0.113.12", "203.0.113.12"),
        ("/api/v1/targets/{id}/history", "/api/v1/targets/2/history", "db.example"),
        ("/api/v1/targets/{id}/examinations", "/api/v1/targets/1/examinations", "\"number\":1"),
        ("/api/v1/targets/{id}/examinations/{number}", "/api/v1/targets/1/examinations/1", "reach.check/1"),
        ("/api/v1/silences", "/api/v1/silences", "\"id\":3"),
        ("/api/v1/audit", "/api/v1/audit", "login"),
        ("/api/v1/signals", "/api/v1/signals", "sources"),
        ("/api/v1/openapi.json", "/api/v1/openapi.json", "3.1.0"),
    ] {
        let answer = stage.get(asked, "").await;
        assert_eq!(answer.status, 200, "{asked}: {answer:?}");
        assert!(answer.body.contains(part), "{asked}: {}", answer.body);
        assert!(answer.one("content-type").is_some_and(|kind| kind == "application/json"), "{asked}");
        conforms(&contract, path, "get", &answer);
    }
    let one = stage.get("/api/v1/targets/1/history?address=203.0.113.12", "").await.json();
    assert_eq!(one["addresses"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_is_wrong_is_told_as_the_contract_says() {
    let (stage, _directory) = service().await;
    let contract = contract();
    for (path, asked, status, part) in [
        ("/api/v1/status", "/api/v1/status?long=1", 400, "`long` is no parameter"),
        ("/api/v1/status", "/api/v1/status?lang=de", 400, "`de`"),
        ("/api/v1/incidents", "/api/v1/incidents?since=soon", 400, "`soon` is no time"),
        ("/api/v1/incidents", "/api/v1/incidents?limit=0", 400, "from 1 to 1000"),
        ("/api/v1/incidents/{id}", "/api/v1/incidents/18", 404, "#18"),
        ("/api/v1/incidents/{id}", "/api/v1/incidents/%1b%5b2J", 404, "there is no incident"),
        ("/api/v1/targets/{id}", "/api/v1/targets/2", 404, "no target 2"),
        ("/api/v1/targets/{id}", "/api/v1/targets/-1", 404, "`-1`"),
        ("/api/v1/targets/{id}/history", "/api/v1/targets/1/history?from=now&to=-1h", 400, "no later than"),
        ("/api/v1/targets/{id}/history", "/api/v1/targets/1/history?from=-30d&step=1s", 400, "give at least"),
        ("/api/v1/targets/{id}/history", "/api/v1/targets/1/history?layer=x", 400, "`x`"),
        ("/api/v1/targets/{id}/history", "/api/v1/targets/1/history?address=x", 400, "no address"),
        (
            "/api/v1/targets/{id}/examinations/{number}",
            "/api/v1/targets/2/examinations/1",
            404,
            "no examination",
        ),
    ] {
        let answer = stage.get(asked, "").await;
        assert_eq!(answer.status, status, "{asked}: {answer:?}");
        assert!(answer.body.contains(part), "{asked}: {}", answer.body);
        assert!(!answer.body.contains('\u{1b}'), "{asked}");
        conforms(&contract, path, "get", &answer);
    }
    let empty = staged("", HERE, Status::default(), None, None).await;
    let answer = empty.get("/api/v1/audit", "").await;
    assert_eq!(answer.status, 503);
    conforms(&contract, "/api/v1/audit", "get", &answer);
}

#[tokio::test]
async fn what_is_done_is_done_in_the_name_of_who_asks() {
    let (stage, _directory) = service().await;
    let contract = contract();
    let csrf = stage.get("/api/v1/session", "").await.json()["csrf"].as_str().expect("a token").to_owned();
    let headers = format!("Content-Type: application/json\r\nX-Csrf-Token: {csrf}\r\n");
    for (path, asked, method, body, status) in [
        ("/api/v1/incidents/{id}/acknowledge", "/api/v1/incidents/17/acknowledge", "post", "", 200),
        ("/api/v1/incidents/{id}/mute", "/api/v1/incidents/17/mute", "post", "{\"for\":\"2h\"}", 200),
        ("/api/v1/incidents/{id}/mute", "/api/v1/incidents/17/mute", "post", "{\"for\":\"2\"}", 400),
        ("/api/v1/incidents/{id}/mute", "/api/v1/incidents/17/mute", "post", "{}", 400),
        ("/api/v1/incidents/{id}/mute", "/api/v1/incidents/17/mute", "post", "{\"until\":\"-1h\"}", 400),
        (
            "/api/v1/incidents/{id}/notes",
            "/api/v1/incidents/17/notes",
            "post",
            "{\"text\":\"방화벽팀에 문의\"}",
            200,
        ),
        (
            "/api/v1/incidents/{id}/notes",
            "/api/v1/incidents/17/notes",
            "post",
            "{\"text\":\"a\\u001b[2J\"}",
            400,
        ),
        ("/api/v1/incidents/{id}/notes", "/api/v1/incidents/17/notes", "post", "{\"text\":\" \"}", 400),
        ("/api/v1/incidents/{id}/notes", "/api/v1/incidents/17/notes", "post", "{\"texts\":\"a\"}", 400),
        (
            "/api/v1/silences",
            "/api/v1/silences",
            "post",
            "{\"targets\":[\"FCM.example\"],\"for\":\"2h\"}",
            201,
        ),
        ("/api/v1/silences", "/api/v1/silences", "post", "{\"for\":\"2h\"}", 400),
        (
            "/api/v1/silences",
            "/api/v1/silences",
            "post",
            "{\"all\":true,\"for\":\"2h\",\"until\":\"18:00\"}",
            400,
        ),
        ("/api/v1/silences", "/api/v1/silences", "post", "[", 400),
        ("/api/v1/silences/{id}/expire", "/api/v1/silences/3/expire", "post", "{}", 200),
        ("/api/v1/silences/{id}", "/api/v1/silences/3", "delete", "", 200),
        ("/api/v1/targets/{id}/examine", "/api/v1/targets/9/examine", "post", "", 404),
    ] {
        let answer = stage.ask(&method.to_uppercase(), asked, &headers, body).await;
        assert_eq!(answer.status, status, "{asked} {body}: {answer:?}");
        conforms(&contract, path, method, &answer);
    }
    let plain = format!("X-Csrf-Token: {csrf}\r\nContent-Type: text/plain\r\n");
    let answer = stage.ask("POST", "/api/v1/silences", &plain, "{\"all\":true,\"for\":\"2h\"}").await;
    assert_eq!(answer.status, 415);
    conforms(&contract, "/api/v1/silences", "post", &answer);
    let asked = stage.asked.lock().expect("unharmed");
    let orders: Vec<&Order> = asked
        .iter()
        .filter_map(|(request, who)| match request {
            Request::Order { order } => {
                assert_eq!(who, "local");
                Some(order)
            }
            _ => None,
        })
        .collect();
    assert_eq!(orders.len(), 6, "{orders:?}");
    assert!(orders.iter().all(|order| order.author() == Some("local")), "{orders:?}");
    assert!(
        matches!(orders[3], Order::Silence(silence) if silence.matcher.target.as_deref() == Some("fcm.example:443"))
    );
}
