//! Ways of writing a document down: what comes from outside stays text, whatever it looks like.

use proptest::prelude::*;
use reach_report::{
    Lang, Style,
    document::{self, Attachment, Block, Cell, Column, Document, Inline, Table, Tone},
};

/// One that moves a cursor, and one that turns the direction of reading.
const HARMFUL: [char; 2] = ['\u{1b}', '\u{202e}'];

/// What people put into host names, certificates and comments to see what happens.
fn hostile() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</style><style>*{display:none}",
        "</title><script>",
        "[x](javascript:alert(1))",
        "![x](https://evil.example/p.png)",
        "`code` ``` ~~~ **bold** _em_ __b__",
        "a | b | c\n|---|",
        "# heading\n\n- list\n> quote",
        "1. one\n2) two",
        "https://evil.example www.evil.example @all #17",
        "&lt;script&gt; &#60;b&#62;",
        "\u{1b}[2J\u{202e}gnp.exe\u{200b}",
        "$x$ \\( \\[ \\|",
        "javascript:alert(1)",
        "=cmd|' /C calc'!A0",
        "CN=*.example, O=\"A | B\"",
    ]);
    prop_oneof![known.prop_map(str::to_owned), "\\PC{1,24}", "[ -~]{1,32}"]
}

fn document(texts: &[String; 6], url: &str) -> Document {
    let [a, b, c, d, e, f] = texts;
    let text = |text: &String| vec![Inline::Text(text.clone())];
    Document {
        lang: Lang::En,
        title: a.clone(),
        subtitle: vec![b.clone()],
        blocks: vec![
            Block::Heading { level: 2, text: c.clone() },
            Block::Paragraph(vec![
                Inline::Text(d.clone()),
                Inline::Strong(e.clone()),
                Inline::Code(f.clone()),
                Inline::Link { text: a.clone(), url: url.to_owned() },
            ]),
            Block::Points(vec![text(b), text(c)]),
            Block::Steps(vec![text(d)]),
            Block::Facts(vec![(e.clone(), vec![Inline::Code(f.clone())])]),
            Block::Table(Table {
                caption: a.clone(),
                columns: vec![Column::new(b.clone()), Column::right(c.clone())],
                rows: vec![vec![Cell::code(d.clone()), Cell::toned(e.clone(), Tone::Bad)]],
            }),
            Block::Verbatim(f.clone()),
            Block::Callout { tone: Tone::Warn, text: text(a) },
        ],
        attachments: vec![Attachment {
            name: b.clone(),
            media_type: c.clone(),
            about: d.clone(),
            bytes: e.clone().into_bytes(),
        }],
    }
}

/// The tags of a text in HTML; what stands between them is text.
fn tags(html: &str) -> Vec<String> {
    let names = html.split('<').skip(1).map(|rest| {
        let name: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/' || *c == '!').collect();
        name.to_ascii_lowercase()
    });
    names.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn html_has_the_same_tags_whatever_the_texts_say(texts in prop::array::uniform6(hostile()), url in hostile()) {
        // What begins so is a place in the document itself.
        prop_assume!(!url.starts_with('#') || url.len() == 1);
        let plain = ["x", "x", "x", "x", "x", "x"].map(str::to_owned);
        let expected = tags(&document::html(&document(&plain, "nowhere")));
        let html = document::html(&document(&texts, &url));
        prop_assert_eq!(tags(&html), expected);
        prop_assert!(!html.contains("href=\"javascript:") && !html.contains(HARMFUL));
        prop_assert_eq!(html.matches("<style>").count(), 1);
    }

    #[test]
    fn markdown_has_the_same_marks_whatever_the_texts_say(texts in prop::array::uniform6(hostile())) {
        let markdown = document::markdown(&document(&texts, "nowhere"));
        prop_assert!(!markdown.contains(HARMFUL));
        let mut fenced = false;
        for line in markdown.lines() {
            if line.starts_with("```") && line.chars().all(|c| c == '`') {
                fenced = !fenced;
                continue;
            }
            if fenced {
                continue;
            }
            // Outside of code nothing of HTML and no link begins.
            let bare = without_code(line);
            prop_assert!(!has_bare(&bare, '<'), "{}", line);
            prop_assert!(!has_bare(&bare, '['), "{}", line);
        }
        prop_assert!(!fenced);
        // A row of the table has two cells, whatever stands in them.
        let at = markdown.find("| --- | ---: |").expect("a table");
        let row = markdown[at..].lines().nth(1).expect("a row");
        prop_assert_eq!(row.replace("\\\\", "").replace("\\|", "").matches('|').count(), 3, "{}", row);
    }

    #[test]
    fn plain_text_moves_no_cursor(texts in prop::array::uniform6(hostile())) {
        for width in [60, 100] {
            let text = document::text(&document(&texts, "nowhere"), &Style::plain(width, Lang::En));
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
            prop_assert!(!text.contains(HARMFUL));
        }
    }
}

/// A line without its code spans.
fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        let escaped = rest[..at].chars().rev().take_while(|c| *c == '\\').count() % 2 == 1;
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let run = rest.chars().take_while(|c| *c == '`').count();
        if escaped {
            out.push('`');
            rest = &rest[1..];
            continue;
        }
        let fence = &rest[..run];
        let behind = &rest[run..];
        let mut end = None;
        let mut from = 0;
        while let Some(found) = behind[from..].find(fence) {
            let at = from + found;
            let length = behind[at..].chars().take_while(|c| *c == '`').count();
            if length == run {
                end = Some(at);
                break;
            }
            from = at + length;
        }
        match end {
            Some(end) => rest = &behind[end + run..],
            None => {
                out.push_str(fence);
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether a character stands there without a backslash that takes its meaning away.
fn has_bare(text: &str, wanted: char) -> bool {
    let mut escaped = false;
    // A callout is made by the writer.
    for c in text.trim_start_matches("> [!WARNING]").chars() {
        if c == wanted && !escaped {
            return true;
        }
        escaped = c == '\\' && !escaped;
    }
    false
}

#[test]
fn links_lead_to_pages_only() {
    for url in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://a b",
        "https://a\"onx=",
        "//x",
    ] {
        let texts = ["x", "x", "x", "x", "x", "x"].map(str::to_owned);
        let html = document::html(&document(&texts, url));
        assert!(!html.contains(&format!("href=\"{url}")), "{url}");
    }
    let texts = ["x", "x", "x", "x", "x", "x"].map(str::to_owned);
    let html = document::html(&document(&texts, "https://support.apple.com/102266"));
    assert!(html.contains("<a href=\"https://support.apple.com/102266\""), "{html}");
}

#[test]
fn a_table_too_wide_for_a_ticket_loses_nothing() {
    let long = "2001:db8:1111:2222:3333:4444:5555:6666".to_owned();
    let row: Vec<Cell> = (0..5).map(|_| Cell::code(long.clone())).collect();
    let columns = (0..5).map(|number| Column::whole(format!("C{number}"))).collect();
    let table = Table { caption: String::new(), columns, rows: vec![row] };
    let document = Document {
        lang: Lang::Ko,
        title: "제목".to_owned(),
        subtitle: Vec::new(),
        blocks: vec![Block::Table(table)],
        attachments: Vec::new(),
    };
    let text = document::text(&document, &Style::plain(80, Lang::Ko));
    assert_eq!(text.matches(&long).count(), 5, "{text}");
    assert!(text.starts_with("제목\n====\n"), "{text}");
}
