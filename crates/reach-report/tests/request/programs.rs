//! The workbook as other programs read it.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use reach_report::request::{EXAMPLE, RequestForm, Template, xlsx};

use crate::forms::{both_ways, hostile, korean};

/// Debian's own, which has its packages.
const PYTHON: &str = "/usr/bin/python3";

/// Each workbook: a name, and the request in it.
fn cases() -> Vec<(&'static str, RequestForm, Option<Template>)> {
    let [korean_form, english] = both_ways();
    let mut with_nat = korean();
    with_nat.rules[0].nat_ip = Some("203.0.113.9".to_owned());
    let example = Template::read(EXAMPLE.as_bytes()).expect("a template");
    let one_column =
        Template::read("[[columns]]\ntitle = \"=x\"\nfield = \"source\"\n".as_bytes()).expect("a template");
    vec![
        ("korean", korean_form, None),
        ("english", english, None),
        ("nat", with_nat, None),
        ("hostile", hostile(), None),
        ("template", korean(), Some(example)),
        ("narrow", korean(), Some(one_column)),
    ]
}

fn write(directory: &Path) -> Vec<&'static str> {
    let write = |(name, form, template): (&'static str, RequestForm, Option<Template>)| {
        let bytes = xlsx(&form, template.as_ref()).expect("a workbook");
        fs::write(directory.join(format!("{name}.xlsx")), bytes).expect("a file");
        name
    };
    cases().into_iter().map(write).collect()
}

#[test]
fn libreoffice_reads_what_was_written() {
    if Command::new("soffice").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    {
        return eprintln!("SKIPPED: libreoffice is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let names = write(directory.path());
    let profile = format!("-env:UserInstallation=file://{}/profile", directory.path().display());
    // Comma, quote, UTF-8, from the first line; dates as they are shown.
    let filter = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false";
    let files = names.iter().map(|name| format!("{name}.xlsx"));
    let done = Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", filter, "--outdir", "."])
        .args(files)
        .current_dir(directory.path())
        .output()
        .expect("a conversion");
    let read = |name: &str| {
        let path = directory.path().join(format!("{name}.csv"));
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}: {done:?}"))
    };

    let korean = read("korean");
    assert!(korean.starts_with("방화벽 오픈 신청서,"), "{korean}");
    assert!(
        korean.contains("No,대상방화벽,출발지정보,,목적지정보,,프로토콜,포트,방향,용도,시작일,종료일,비고"),
        "{korean}"
    );
    assert!(korean.contains(",,출발지IP,출발지,목적지IP,목적지,,,"), "{korean}");
    assert!(korean.contains("1,,10.20.0.7;10.20.0.8,푸시 발송 서버,*.googleapis.com,Google FCM,TCP,443,OUT,앱 푸시 발송,2026-01-01,2026-12-31,1안(권장): FQDN 정책"), "{korean}");
    assert!(korean.contains("2026-01-01,영구,2안"), "{korean}");
    assert!(korean.contains("신청자,,홍길동"), "{korean}");
    assert!(korean.contains("각 안은 서로 대안입니다."), "{korean}");

    let english = read("english");
    for part in [
        "Firewall change request",
        "Business justification",
        "Approver",
        "Rollback",
        "Remove the rule.",
        "Permanent",
    ] {
        assert!(english.contains(part), "{part}: {english}");
    }
    assert!(read("nat").contains("NAT_IP"));
    let hostile = read("hostile");
    assert!(
        hostile.contains("=cmd|'/c calc'!A1 </t><script>\\u{1b}[2J\\u{202e}\\u{0}\\u{ffff}_x0041_ &amp;"),
        "{hostile}"
    );
    assert!(read("template").contains("운영/개발"));
    assert!(read("narrow").contains("10.20.0.7;10.20.0.8"));
}

#[test]
fn python_reads_what_was_written() {
    let has_reader = Command::new(PYTHON).args(["-c", "import openpyxl"]).stderr(Stdio::null()).status();
    if !has_reader.is_ok_and(|status| status.success()) {
        return eprintln!("SKIPPED: openpyxl for {PYTHON} is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    write(directory.path());
    let done = Command::new(PYTHON)
        .args(["-c", include_str!("read.py")])
        .current_dir(directory.path())
        .output()
        .expect("a run of Python");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
