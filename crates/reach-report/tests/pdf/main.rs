//! Documents as PDF, as other programs read them.

mod documents;
mod properties;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use documents::{empty, hostile, sample};
use reach_core::Time;
use reach_report::{
    Lang,
    document::{
        Block, Document, Inline,
        pdf::{PdfError, pdf},
    },
};

const MADE: Time = Time::from_micros(1_763_888_585_000_000);

/// Writes a document to look at, and says where.
fn written(name: &str, document: &Document) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pdf"));
    std::fs::write(&path, pdf(document, Some(MADE)).expect("a PDF")).expect("a file");
    path
}

/// What a tool prints about a file; `None` where it is missing.
fn tool(name: &str, arguments: &[&str], path: &Path, more: &[&str]) -> Option<String> {
    let done = Command::new(name).args(arguments).arg(path).args(more).stderr(Stdio::piped()).output();
    let Ok(done) = done else {
        eprintln!("SKIPPED: {name} is not installed");
        return None;
    };
    assert!(done.status.success(), "{name}: {done:?}");
    // Poppler looks for a number where ISO 32000-1 has a boolean.
    let complaints = String::from_utf8_lossy(&done.stderr)
        .replace("Syntax Error: Suspects object is wrong type (boolean)\n", "");
    assert!(complaints.is_empty(), "{name}: {complaints}");
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn text_of(path: &Path) -> Option<String> {
    tool("pdftotext", &["-layout"], path, &["-"])
}

/// Without blanks, which PDF does not have.
fn tight(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn what_is_written_can_be_read_again_in_both_languages() {
    for lang in Lang::ALL {
        let path = written(&format!("sample-{}", lang.code()), &sample(lang));
        let Some(text) = text_of(&path) else { return };
        let text = tight(&text);
        let expected = match lang {
            Lang::En => [
                "fcm.googleapis.com:443: 4 of 16 addresses do not answer",
                "About 25 % of new connections fail",
                "no answer (block suspected)",
                "192.0.2.60",
                "Addresses over time; hatched: all failed.",
                "Files inside this document",
            ],
            Lang::Ko => [
                "fcm.googleapis.com:443 — 16개 IP 중 4개 무응답",
                "새 연결의 약 25 %가 30초 단위로 실패합니다.",
                "무응답(방화벽 차단 추정)",
                "192.0.2.60",
                "시간에 따른 IP별 상태(빗금: 전부 실패)",
                "이 문서에 포함된 첨부 파일",
            ],
        };
        for part in expected {
            assert!(text.contains(&tight(part)), "{part}: {text}");
        }
        // The head of the table stands on each of its pages, and so does the page's number.
        let head = tight(match lang {
            Lang::En => "Address State Time Remarks",
            Lang::Ko => "IP 주소 상태 시간 비고",
        });
        assert!(text.matches(&head).count() >= 3, "{text}");
        assert!(text.contains("1/6") || text.contains("1/5") || text.contains("1/7"), "{text}");
    }
}

#[test]
fn properties_structure_and_fonts_are_inside() {
    let path = written("properties", &sample(Lang::Ko));
    if let Some(info) = tool("pdfinfo", &["-isodates"], &path, &[]) {
        for line in [
            "fcm.googleapis.com:443 — 16개 IP 중 4개 무응답",
            "CreationDate:    2025-11-23T09:03:05Z",
            "Tagged:          yes",
            "PDF version:     1.7",
            "(A4)",
            "JavaScript:      no",
            "Encrypted:       no",
        ] {
            assert!(info.contains(line), "{line}: {info}");
        }
    }
    if let Some(fonts) = tool("pdffonts", &[], &path, &[]) {
        for line in fonts.lines().skip(2) {
            assert!(line.contains("+ReachGothic") && line.contains("yes yes yes"), "{fonts}");
        }
    }
    if let Some(files) = tool("pdfdetach", &["-list"], &path, &[]) {
        assert!(files.contains("1: evidence.pcap"), "{files}");
        let out = path.with_extension("pcap");
        let saved = out.display().to_string();
        tool("pdfdetach", &["-save", "1", "-o", &saved], &path, &[]);
        assert_eq!(std::fs::read(out).expect("a file"), sample(Lang::Ko).attachments[0].bytes);
    }
    if let Some(structure) = tool("pdfinfo", &["-struct"], &path, &[]) {
        for role in ["H1", "H2", "Table", "TH", "TD", "L ", "LI", "Figure", "Link", "Code"] {
            assert!(structure.contains(role), "{role}: {structure}");
        }
    }
    if let Some(links) = tool("pdfinfo", &["-url"], &path, &[]) {
        assert!(links.contains("https://example.com/firewall"), "{links}");
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let path = written("hostile", &hostile());
    let Some(text) = text_of(&path) else { return };
    let text = tight(&text);
    assert!(text.contains("</w:t><script>alert(1)</script>(\\)%PDF-1.7endstreamendobj"), "{text}");
    assert!(text.contains("c39") && text.contains("extra"), "{text}");
    // Broken over lines, and all of it is there.
    assert!(text.matches('x').count() > 8 * 400, "{text}");
    if let Some(links) = tool("pdfinfo", &["-url"], &path, &[]) {
        assert!(!links.contains("javascript") && links.contains("https://example.com/path/"), "{links}");
    }
    if let Some(files) = tool("pdfdetach", &["-list"], &path, &[]) {
        assert!(files.contains("3 embedded files") && !files.contains('/'), "{files}");
    }
}

#[test]
fn a_document_that_says_nothing_is_a_page() {
    let path = written("empty", &empty());
    if let Some(info) = tool("pdfinfo", &[], &path, &[]) {
        assert!(info.lines().any(|line| line.starts_with("Pages:") && line.ends_with(" 1")), "{info}");
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    for document in [sample(Lang::Ko), hostile(), empty()] {
        assert!(pdf(&document, Some(MADE)) == pdf(&document, Some(MADE)));
        assert!(pdf(&document, None) == pdf(&document, None));
    }
}

#[test]
fn a_document_without_end_is_refused() {
    let mut document = empty();
    document.blocks = vec![Block::Paragraph(vec![Inline::Text("\n".repeat(200_000))])];
    assert_eq!(pdf(&document, None), Err(PdfError::TooLong));
}
