//! Documents to write down.

use reach_report::{
    Lang,
    chart::{Anchor, Drawing, Paint, Shape},
    document::{Attachment, Block, Cell, Column, Document, Inline, Table, Tone},
};

/// A document with everything that documents are made of.
pub(crate) fn sample(lang: Lang) -> Document {
    let say = |en: &str, ko: &str| match lang {
        Lang::En => en.to_owned(),
        Lang::Ko => ko.to_owned(),
    };
    let cell = |text: &str, tone| Cell { text: vec![Inline::Text(text.to_owned())], tone };
    let column = |title: String, right, whole| Column { title, right, whole };
    let rows = (1..=60)
        .map(|n| {
            let (tone, state) = match n % 4 {
                0 => (Tone::Bad, say("no answer (block suspected)", "무응답(방화벽 차단 추정)")),
                1 => (Tone::Warn, say("some lost", "일부 손실")),
                _ => (Tone::Good, say("answers", "정상")),
            };
            vec![
                Cell { text: vec![Inline::Code(format!("192.0.2.{n}"))], tone: Tone::Plain },
                cell(&state, tone),
                cell(&format!("{}.{} ms", 30 + n, n % 10), Tone::Plain),
                cell(
                    &say(
                        "Four handshakes of three seconds each were sent, and the control answered in the same second.",
                        "3초씩 네 번 연결을 시도했고, 같은 시각에 비교 대상은 정상적으로 응답했습니다.",
                    ),
                    Tone::Plain,
                ),
            ]
        })
        .collect();
    Document {
        lang,
        title: say("fcm.googleapis.com:443: 4 of 16 addresses do not answer", "fcm.googleapis.com:443 — 16개 IP 중 4개 무응답"),
        subtitle: vec![
            say("Measured on seoul-1 (10.20.0.7), 2026-11-23 18:03:05 KST", "측정: seoul-1(10.20.0.7), 2026-11-23 18:03:05 KST"),
            say("For the network team", "네트워크팀 귀중"),
        ],
        blocks: vec![
            Block::Callout {
                tone: Tone::Bad,
                text: vec![
                    Inline::Strong(say("A block is suspected. ", "방화벽 차단 추정. ")),
                    Inline::Text(say(
                        "About 25 % of new connections fail, in bursts of 30 seconds.",
                        "새 연결의 약 25 %가 30초 단위로 실패합니다.",
                    )),
                ],
            },
            Block::Heading { level: 1, text: say("What was found", "확인된 내용") },
            Block::Paragraph(vec![
                Inline::Text(say("Connections to ", "출발지에서 ")),
                Inline::Code("fcm.googleapis.com:443".to_owned()),
                Inline::Text(say(
                    " are opened to sixteen addresses in turn. Four of them never answered a SYN, while the twelve others answered within 40 ms in the same second; see ",
                    "으로 향하는 연결은 16개 IP에 번갈아 맺어집니다. 그중 4개는 SYN에 한 번도 응답하지 않았고, 나머지 12개는 같은 시각에 40 ms 안에 응답했습니다. 자세한 내용은 ",
                )),
                Inline::Link { text: say("the attempts", "시도 내역"), url: format!("#{}", say("attempts", "시도-내역")) },
                Inline::Text(say(" and ", "과 ")),
                Inline::Link { text: "https://example.com/firewall".to_owned(), url: "https://example.com/firewall".to_owned() },
                Inline::Text(say(".", "를 참고하십시오.")),
            ]),
            Block::Facts(vec![
                (say("Source", "출발지"), vec![Inline::Code("10.20.0.7".to_owned())]),
                (say("Destination", "목적지"), vec![Inline::Text(say("fcm.googleapis.com, port 443 (TCP)", "fcm.googleapis.com, 포트 443(TCP)"))]),
                (say("Since", "발생 시각"), vec![Inline::Text("2026-11-23 14:02:11 KST".to_owned())]),
            ]),
            Block::Heading { level: 2, text: say("What it is not", "원인이 아닌 것") },
            Block::Points(vec![
                vec![Inline::Text(say("The name resolves everywhere.", "이름 해석(DNS 조회)은 정상입니다."))],
                vec![
                    Inline::Strong(say("This host: ", "이 서버: ")),
                    Inline::Text(say(
                        "routes, sockets and ports are free, and other services on the same path are reached without any loss at all.",
                        "경로, 소켓, 포트에 여유가 있으며 같은 경로의 다른 서비스는 손실 없이 접속됩니다.",
                    )),
                ],
            ]),
            Block::Heading { level: 2, text: say("What to do", "요청 사항") },
            Block::Steps(vec![
                vec![Inline::Text(say("Allow the name.", "도메인 기준(FQDN) 정책으로 허용해 주십시오."))],
                vec![Inline::Text(say("Tell which resolver the firewall asks.", "방화벽이 어느 DNS 서버를 사용하는지 알려 주십시오."))],
            ]),
            Block::Verbatim(
                "No  출발지IP    목적지IP             포트\n1   10.20.0.7   *.googleapis.com     443\n2   10.20.0.8   방화벽 차단 추정     443\n    ▁▂▃▄▅▆▇█ ░▒▓ ✓ ✗ C:\\x ⚠".to_owned(),
            ),
            Block::Heading { level: 1, text: say("Attempts", "시도 내역") },
            Block::Figure { drawing: heat(), caption: say("Addresses over time; hatched: all failed.", "시간에 따른 IP별 상태(빗금: 전부 실패)") },
            Block::Table(Table {
                caption: say("All attempts", "전체 시도 내역"),
                columns: vec![
                    column(say("Address", "IP 주소"), false, true),
                    column(say("State", "상태"), false, false),
                    column(say("Time", "시간"), true, true),
                    column(say("Remarks", "비고"), false, false),
                ],
                rows,
            }),
            Block::PageBreak,
            Block::Callout { tone: Tone::Note, text: vec![Inline::Text(say("✓ The end. ✗ C:\\x", "✓ 이상입니다. ✗ C:\\x"))] },
        ],
        attachments: vec![Attachment {
            name: "evidence.pcap".to_owned(),
            media_type: "application/vnd.tcpdump.pcap".to_owned(),
            about: say("Packets of the attempts", "시도한 패킷의 캡처"),
            bytes: (0..2000_u32).flat_map(u32::to_le_bytes).collect(),
        }],
    }
}

/// A map of cells with every kind of shape.
pub(crate) fn heat() -> Drawing {
    let mut shapes = vec![Shape::Rect {
        x: 0.0,
        y: 0.0,
        width: 640.0,
        height: 220.0,
        radius: 0.0,
        paint: Paint::Ground,
        hatched: false,
        tip: None,
        link: None,
    }];
    for row in 0..8_u8 {
        shapes.push(Shape::Text {
            x: 110.0,
            y: 34.0 + f64::from(row) * 20.0,
            anchor: Anchor::End,
            size: 11.0,
            paint: Paint::Ink,
            bold: row == 0,
            text: format!("192.0.2.{row}"),
        });
        for column in 0..40_u8 {
            let paint = match (row, column) {
                (2 | 5, 10..) => Paint::Bad,
                (3, column) => Paint::Partly(column / 4),
                (6, 0..10) => Paint::Empty,
                (7, _) => Paint::Unknown,
                _ => Paint::Good,
            };
            shapes.push(Shape::Rect {
                x: 120.0 + f64::from(column) * 12.5,
                y: 22.0 + f64::from(row) * 20.0,
                width: 11.5,
                height: 16.0,
                radius: 2.0,
                paint,
                hatched: paint == Paint::Bad,
                tip: Some("tip".to_owned()),
                link: None,
            });
        }
    }
    shapes.push(Shape::Line {
        points: vec![(120.0, 190.0), (620.0, 190.0)],
        paint: Paint::Faint,
        width: 1.0,
        dashed: true,
    });
    shapes.push(Shape::Area {
        points: vec![(120.0, 210.0), (300.0, 195.0), (620.0, 210.0)],
        paint: Paint::Band(1),
    });
    shapes.push(Shape::Disc { x: 300.0, y: 195.0, radius: 4.0, paint: Paint::Accent, tip: None });
    shapes.push(Shape::Text {
        x: 370.0,
        y: 208.0,
        anchor: Anchor::Middle,
        size: 12.0,
        paint: Paint::Faint,
        bold: false,
        text: "14:00 – 18:00 KST 지연 시간".to_owned(),
    });
    Drawing {
        width: 640.0,
        height: 220.0,
        title: "Addresses over time".to_owned(),
        description: "Two of eight addresses fail.".to_owned(),
        shapes,
    }
}

/// Texts that try to get out of where they are put, and words that fit nowhere.
pub(crate) fn hostile() -> Document {
    let evil = "</w:t><script>alert(1)</script> (\\) %PDF-1.7 endstream endobj \u{1b}[2J \u{202e}rtl\u{202c} \u{0} a\u{301} \u{1f600} \u{10ffff} 漢字 かな";
    let long = "x".repeat(400);
    let url = format!("https://example.com/{}", "path/".repeat(60));
    let text = |text: &str| vec![Inline::Text(text.to_owned())];
    let cell = |what: &str| Cell { text: text(what), tone: Tone::Bad };
    let column = |title: &str| Column { title: title.to_owned(), right: true, whole: true };
    Document {
        lang: Lang::En,
        title: format!("{evil} {long}"),
        subtitle: vec![evil.to_owned(), String::new()],
        blocks: vec![
            Block::Heading { level: 0, text: evil.to_owned() },
            Block::Heading { level: 9, text: long.clone() },
            Block::Paragraph(text(&format!("{evil} {long} {}", "가".repeat(300)))),
            Block::Paragraph(vec![
                Inline::Link { text: url.clone(), url },
                Inline::Link { text: "javascript".to_owned(), url: "javascript:alert(1)".to_owned() },
                Inline::Link { text: "nowhere".to_owned(), url: "#nowhere".to_owned() },
                Inline::Link { text: String::new(), url: "https://example.com/\r\n".to_owned() },
            ]),
            Block::Points(vec![vec![], text(&long)]),
            Block::Facts(vec![(long.clone(), text(evil)), (String::new(), vec![])]),
            Block::Table(Table {
                caption: long.clone(),
                columns: vec![column(&long), column(evil), column("")],
                rows: vec![
                    vec![cell(&long), cell(evil)],
                    vec![],
                    vec![cell(evil), cell(evil), cell(&long), cell("extra")],
                ],
            }),
            Block::Table(Table {
                caption: "Many columns".to_owned(),
                columns: (0..40).map(|n| column(&format!("c{n}"))).collect(),
                rows: vec![(0..40).map(|n| cell(&n.to_string())).collect()],
            }),
            Block::Table(Table {
                caption: "High".to_owned(),
                columns: vec![Column { title: "one".to_owned(), ..Column::default() }],
                rows: vec![vec![cell(&"line\n".repeat(120))]],
            }),
            Block::Verbatim(format!("{long}\n\ttab\n{evil}")),
            Block::Figure {
                drawing: Drawing {
                    width: f64::NAN,
                    height: -1.0,
                    title: "A picture of nothing".to_owned(),
                    description: String::new(),
                    shapes: vec![],
                },
                caption: evil.to_owned(),
            },
            Block::Figure {
                drawing: Drawing {
                    width: 5000.0,
                    height: 9000.0,
                    shapes: vec![
                        Shape::Rect {
                            x: -1e300,
                            y: f64::INFINITY,
                            width: 1.0,
                            height: 1.0,
                            radius: 1.0,
                            paint: Paint::Partly(255),
                            hatched: true,
                            tip: None,
                            link: None,
                        },
                        Shape::Line {
                            points: vec![(f64::NAN, 0.0)],
                            paint: Paint::Kind(255),
                            width: 1.0,
                            dashed: true,
                        },
                        Shape::Text {
                            x: 0.0,
                            y: 10.0,
                            anchor: Anchor::Middle,
                            size: 1e4,
                            paint: Paint::Band(255),
                            bold: true,
                            text: evil.to_owned(),
                        },
                    ],
                    ..Drawing::default()
                },
                caption: String::new(),
            },
            Block::PageBreak,
            Block::PageBreak,
        ],
        attachments: vec![
            Attachment {
                name: "../../etc/passwd".to_owned(),
                media_type: "no type".to_owned(),
                about: evil.to_owned(),
                bytes: vec![],
            },
            Attachment {
                name: "../../etc/passwd".to_owned(),
                media_type: "text/plain".to_owned(),
                about: String::new(),
                bytes: vec![0],
            },
            Attachment {
                name: "..".to_owned(),
                media_type: String::new(),
                about: String::new(),
                bytes: vec![1],
            },
        ],
    }
}

/// A document that says nothing.
pub(crate) fn empty() -> Document {
    Document { lang: Lang::Ko, title: String::new(), subtitle: vec![], blocks: vec![], attachments: vec![] }
}
