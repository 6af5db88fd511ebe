//! The same for programs: `reach.report/1`.

use serde_json::{Map, Value, json};

use super::{
    Material,
    attempts::{self, Pair},
    headline,
    letter::{self, Fault},
    nots::nots,
    rules,
};
use crate::{Lang, clean::clean, json as checks, units, watch, words::Audience};

/// Everything that the document says. Sentences are in `lang`.
pub fn json(material: &Material<'_>, lang: Lang) -> Value {
    let faults = letter::faults(material, lang);
    let document = letter::document(&Material { reader: None, ..*material }, lang);
    let examined: Vec<_> =
        material.runs.iter().map(|run| (run.case.clone(), run.diagnosis.clone())).collect();
    let (started, finished) = super::span(material.runs).unwrap_or((material.made, material.made));
    let asker = material.asker;
    let text = |text: &Option<String>| text.as_deref().map(clean);
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
    put("schema", "reach.report/1".into());
    put("version", clean(material.version).into());
    put("made_at", units::rfc3339(material.made).into());
    put("utc_offset", units::zone(material.offset_s).into());
    put("title", document.title.into());
    put(
        "asker",
        json!({
            "requester": text(&asker.requester),
            "department": text(&asker.department),
            "contact": text(&asker.contact),
            "nat_ip": text(&asker.nat_ip),
            "purpose": text(&asker.purpose),
            "from": asker.from.map(|day| day.to_string()),
            "until": asker.until.map(|day| day.to_string()),
        }),
    );
    put("requests", faults.iter().map(|fault| request(material, fault)).collect());
    put(
        "feeds",
        material
            .feeds
            .iter()
            .map(|feed| {
                json!({
                    "name": clean(&feed.name),
                    "kind": feed.kind.code(),
                    "published": feed.published.map(|day| day.to_string()),
                    "token": feed.token.as_deref().map(clean),
                    "ranges": feed.ranges.len(),
                    "age": feed.age(super::today(material)).text(lang),
                    "old": feed.age(super::today(material)).is_warning(),
                })
            })
            .collect(),
    );
    put("incident", material.course.map_or(Value::Null, |course| incident(material, course)));
    put(
        "capture",
        material.capture.map_or(Value::Null, |capture| {
            json!({
                "name": clean(&capture.name),
                "size": capture.size,
                "sha256": clean(&capture.sha256),
                "packets": capture.packets,
                "synthesised": capture.synthesised,
            })
        }),
    );
    put("check", checks::check(&examined, started, finished, material.version, lang));
    put(
        "attempts",
        material
            .runs
            .iter()
            .flat_map(|run| attempts::attempts(&run.case, &run.observations))
            .map(|one| serde_json::to_value(attempts::row(&one, material.offset_s)).unwrap_or_default())
            .collect(),
    );
    Value::Object(out)
}

fn request(material: &Material<'_>, fault: &Fault<'_>) -> Value {
    let scene = &fault.scene;
    let (summary, needed) = headline::two_lines(fault);
    let ways = rules::ways(scene, fault.kind, &fault.failing, material.feeds, super::today(material));
    let saying = rules::saying(scene).filter(|_| fault.kind.wants_rule());
    json!({
        "target": clean(&scene.diagnosis.target.text),
        "kind": fault.kind.code(),
        "to": owner(fault.kind.owner()),
        "summary": summary,
        "needed": needed,
        "source": {
            "host": clean(&scene.case.vantage.host),
            "addresses": scene.sources_for(&fault.failing),
            "nat_ip": material.asker.nat_ip.as_deref().map(clean),
        },
        "destination": {
            "name": scene.name(),
            "addresses": fault.failing,
            "port": scene.port(),
            "protocol": "tcp",
            "direction": "outbound",
        },
        "faults": fault.kinds.iter().map(|(kind, addresses)| json!({
            "kind": kind.code(), "to": owner(kind.owner()), "addresses": addresses,
        })).collect::<Vec<_>>(),
        "ways": ways.iter().map(|way| json!({
            "code": way.code, "title": way.title, "destination": way.destination, "by_name": way.by_name,
            "asked": way.asked, "cost": way.cost,
        })).collect::<Vec<_>>(),
        "question": rules::question(scene, fault.kind, &fault.failing),
        "provider": saying.map(|(provider, saying)| json!({
            "who": provider.name(), "quote": saying.quote, "text": saying.text(scene.lang), "source": saying.source,
        })),
        "not": nots(scene, fault.kind, &fault.failing).iter().map(|not| json!({
            "code": not.code, "what": not.what, "why": not.why,
        })).collect::<Vec<_>>(),
        "control": attempts::control(&fault.attempts, &fault.failing).map(|pair| control(&pair, material)),
    })
}

fn control(pair: &Pair<'_>, material: &Material<'_>) -> Value {
    json!({
        "bad": attempts::row(pair.bad, material.offset_s),
        "good": attempts::row(pair.good, material.offset_s),
        "apart_ms": units::millis(pair.apart),
    })
}

fn incident(material: &Material<'_>, course: &super::Course) -> Value {
    let incident = &course.incident;
    let at = |time| units::rfc3339(time);
    json!({
        "id": incident.id.0,
        "title": clean(&incident.title),
        "phase": watch::phase_code(incident.phase),
        "gravity": incident.worst.code(),
        "began_at": at(incident.began),
        "told_until": at(course.until),
        "addresses": course.onsets.iter().map(|onset| json!({
            "address": onset.address,
            "last_good_at": onset.last_good.map(at),
            "first_bad_at": at(onset.first_bad),
            "last_bad_at": onset.last_bad.map(at),
            "tries": onset.tries,
            "failures": onset.failures,
            "state": onset.state.code(),
        })).collect::<Vec<_>>(),
        "history": course.history.as_ref().map(watch::json_history),
        "utc_offset": units::zone(material.offset_s),
    })
}

const fn owner(owner: Audience) -> &'static str {
    match owner {
        Audience::Network => "network",
        Audience::Service => "service",
        Audience::Machine => "machine",
        Audience::Dns => "dns",
        Audience::Operator => "operator",
    }
}
