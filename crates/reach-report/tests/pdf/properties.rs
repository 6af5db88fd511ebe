//! What holds for all documents.

use std::time::{Duration, Instant};

use proptest::{collection::vec, prelude::*};
use reach_report::{
    Lang,
    chart::{Anchor, Drawing, Paint, Shape},
    document::{Attachment, Block, Cell, Column, Document, Inline, Table, Tone, pdf::pdf},
};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[가-힣 ]{0,60}",
        "[a-z0-9./:-]{0,200}",
        "(\u{1b}\\[2J|\u{202e}|\u{0}|\n|\t|\\(|\\)|<<|>>|endobj|가|x| ){0,30}",
    ]
}

fn inline() -> impl Strategy<Value = Inline> {
    prop_oneof![
        text().prop_map(Inline::Text),
        text().prop_map(Inline::Strong),
        text().prop_map(Inline::Code),
        (text(), text()).prop_map(|(text, url)| Inline::Link { text, url }),
        (text(), text()).prop_map(|(text, end)| Inline::Link { text, url: format!("https://{end}") }),
    ]
}

fn inlines() -> impl Strategy<Value = Vec<Inline>> {
    vec(inline(), 0..4)
}

fn tone() -> impl Strategy<Value = Tone> {
    prop::sample::select(vec![Tone::Plain, Tone::Good, Tone::Warn, Tone::Bad, Tone::Note])
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -100.0..1000.0, 1 => any::<f64>()]
}

fn shape() -> impl Strategy<Value = Shape> {
    let paint = || {
        prop_oneof![any::<u8>().prop_map(Paint::Partly), any::<u8>().prop_map(Paint::Kind), Just(Paint::Bad)]
    };
    let points = || vec((number(), number()), 0..5);
    prop_oneof![
        (
            [number(), number(), number(), number(), number()],
            paint(),
            any::<bool>(),
            prop::option::of(text())
        )
            .prop_map(|([x, y, width, height, radius], paint, hatched, link)| Shape::Rect {
                x,
                y,
                width,
                height,
                radius,
                paint,
                hatched,
                tip: None,
                link
            }),
        (points(), paint(), number(), any::<bool>()).prop_map(|(points, paint, width, dashed)| Shape::Line {
            points,
            paint,
            width,
            dashed
        }),
        (points(), paint()).prop_map(|(points, paint)| Shape::Area { points, paint }),
        ([number(), number(), number()], paint()).prop_map(|([x, y, radius], paint)| Shape::Disc {
            x,
            y,
            radius,
            paint,
            tip: None
        }),
        ([number(), number(), number()], paint(), text()).prop_map(|([x, y, size], paint, text)| {
            Shape::Text { x, y, anchor: Anchor::End, size, paint, bold: false, text }
        }),
    ]
}

fn table() -> impl Strategy<Value = Table> {
    let column = (text(), any::<bool>(), any::<bool>()).prop_map(|(title, right, whole)| Column {
        title,
        right,
        whole,
    });
    let cell = (inlines(), tone()).prop_map(|(text, tone)| Cell { text, tone });
    (text(), vec(column, 0..20), vec(vec(cell, 0..8), 0..6)).prop_map(|(caption, columns, rows)| Table {
        caption,
        columns,
        rows,
    })
}

fn block() -> impl Strategy<Value = Block> {
    prop_oneof![
        (any::<u8>(), text()).prop_map(|(level, text)| Block::Heading { level, text }),
        inlines().prop_map(Block::Paragraph),
        vec(inlines(), 0..4).prop_map(Block::Points),
        vec(inlines(), 0..4).prop_map(Block::Steps),
        vec((text(), inlines()), 0..4).prop_map(Block::Facts),
        table().prop_map(Block::Table),
        (number(), number(), text(), vec(shape(), 0..6), text()).prop_map(
            |(width, height, title, shapes, caption)| {
                Block::Figure {
                    drawing: Drawing { width, height, title, description: String::new(), shapes },
                    caption,
                }
            }
        ),
        text().prop_map(Block::Verbatim),
        (tone(), inlines()).prop_map(|(tone, text)| Block::Callout { tone, text }),
        Just(Block::PageBreak),
    ]
}

fn document() -> impl Strategy<Value = Document> {
    let attachment = (text(), text(), text(), vec(any::<u8>(), 0..50))
        .prop_map(|(name, media_type, about, bytes)| Attachment { name, media_type, about, bytes });
    (any::<bool>(), text(), vec(text(), 0..3), vec(block(), 0..12), vec(attachment, 0..3)).prop_map(
        |(is_korean, title, subtitle, blocks, attachments)| Document {
            lang: if is_korean { Lang::Ko } else { Lang::En },
            title,
            subtitle,
            blocks,
            attachments,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_document_is_a_pdf(document in document()) {
        let began = Instant::now();
        let bytes = pdf(&document, None).expect("a PDF");
        prop_assert!(bytes.starts_with(b"%PDF-1.7"));
        prop_assert!(bytes.ends_with(b"%%EOF"));
        // Hundreds of times what it takes.
        prop_assert!(began.elapsed() < Duration::from_secs(60));
    }
}
