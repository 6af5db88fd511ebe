//! The whole way of a request: the founding story is found and written down, the firewall is opened, and what was
//! asked for is verified.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use reach_lab::{Lab, NodeCommand, story};
use serde_json::Value;

use crate::{
    company::{Rights, reach},
    play::check,
};

/// Two rounds of a check, and what is between.
const LONGEST: Duration = Duration::from_secs(120);

/// Tells of everything that is not as it should be.
pub(crate) fn faults_of_a_handover(lab: &Lab, rights: Rights) -> Result<Vec<String>, String> {
    let room = lab.directory().join("handover");
    fs::create_dir(&room).map_err(|error| error.to_string())?;
    fs::set_permissions(&room, fs::Permissions::from_mode(0o777)).map_err(|error| error.to_string())?;
    let (run, packets) = (room.join("run.jsonl"), room.join("run.pcapng"));
    let target = format!("https://{}/", story::NAME);
    let checked = check(lab, rights).arg(&target).arg("--record").arg(&run).arg("--pcap").arg(&packets).run();
    let checked = checked.map_err(|error| error.to_string())?;
    let mut faults = Vec::new();
    if checked.code() != Some(1) {
        faults.push(format!("the check: {} {}", checked.status, checked.stderr));
    }
    faults.extend(written(lab, rights, &room, &run)?);
    faults.extend(verified(lab, rights, &run, 1, "still-fails")?);
    for fault in lab.faults() {
        lab.lift(fault).map_err(|error| error.to_string())?;
    }
    faults.extend(verified(lab, rights, &run, 0, "all-clear")?);
    Ok(faults)
}

fn report(lab: &Lab, rights: Rights, run: &Path) -> NodeCommand {
    reach(lab, rights).arg("report").arg(run).env("HOME", "/nonexistent").timeout(LONGEST)
}

/// The hand-over in every format.
fn written(lab: &Lab, rights: Rights, room: &Path, run: &Path) -> Result<Vec<String>, String> {
    let out = room.join("out");
    let done = report(lab, rights, run)
        .args([
            "--format",
            "html,md,json,txt,csv,xlsx,pdf",
            "--lang",
            "ko",
            "--nat-ip",
            "198.51.100.9",
            "--output",
        ])
        .arg(&out)
        .run()
        .map_err(|error| error.to_string())?;
    let mut faults = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            faults.push(format!("{what} ({})", done.stderr));
        }
    };
    expect(done.code() == Some(0), "the report ends well");
    let name = format!("report-{}-443", story::NAME);
    let read = |ending: &str| fs::read(out.join(format!("{name}.{ending}"))).unwrap_or_default();
    let text = |ending: &str| String::from_utf8_lossy(&read(ending)).into_owned();
    expect(read("pdf").starts_with(b"%PDF-"), "there is a PDF");
    expect(read("xlsx").starts_with(b"PK"), "there is a workbook");
    let (html, form) = (text("html"), text("csv"));
    expect(
        html.contains("run.pcapng") && html.contains("data:application/x-pcapng;base64,"),
        "the packets are inside",
    );
    expect(!html.contains("<script"), "no script");
    expect(
        form.contains(story::NAME) && form.contains("443") && form.contains("198.51.100.9"),
        "the form asks by name",
    );
    expect(!form.contains(story::BLOCKED[0]), "the form does not ask for addresses");
    let json: Value = serde_json::from_str(&text("json")).unwrap_or_default();
    let request = &json["requests"][0];
    expect(json["schema"] == "reach.report/1", "the schema");
    expect(request["kind"] == "drop" && request["to"] == "network", "a drop, for the network team");
    expect(request["destination"]["addresses"] == serde_json::json!(story::BLOCKED), "the blocked addresses");
    expect(request["control"]["bad"]["source_port"].is_u64(), "a control with its 4-tuples");
    let not: Vec<&str> =
        request["not"].as_array().into_iter().flatten().filter_map(|one| one["code"].as_str()).collect();
    expect(not.contains(&"service") && not.contains(&"dns") && not.contains(&"loss"), "what it is not");
    let csv = fs::read_to_string(out.join(format!("{name}-attempts.csv"))).unwrap_or_default();
    let attempts = json["attempts"].as_array().map_or(0, Vec::len);
    expect(attempts > 20 && csv.lines().count() == attempts + 1, "all attempts are attached");
    expect(
        story::BLOCKED.iter().all(|address| text("txt").contains(address)),
        "the ticket names the addresses",
    );
    Ok(faults)
}

/// Before and after.
fn verified(lab: &Lab, rights: Rights, run: &Path, code: i32, outcome: &str) -> Result<Vec<String>, String> {
    let done = report(lab, rights, run)
        .args(["--verify", "--twice-after", "300ms", "--format", "json"])
        .run()
        .map_err(|error| error.to_string())?;
    let json: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
    let mut faults = Vec::new();
    if done.code() != Some(code) || json["outcome"] != outcome {
        faults.push(format!(
            "verify: {} instead of {code}, {}: {}",
            done.status, json["statement"], done.stderr
        ));
    }
    if json["asked"] != serde_json::json!(story::BLOCKED) {
        faults.push(format!("asked for: {}", json["asked"]));
    }
    if json["rounds"].as_array().map(Vec::len) != Some(2) {
        faults.push(format!("rounds: {}", json["rounds"]));
    }
    Ok(faults)
}
