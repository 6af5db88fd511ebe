//! A document as one HTML file: no script, nothing fetched, readable on a screen and printed on A4.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Attachment, Block, Cell, Column, Document, Inline, Table, Tone};
use crate::{Lang, clean::is_harmful, words::say};

/// Larger attachments are named and not put inside.
pub const LARGEST_INSIDE: usize = 4 * 1024 * 1024;

/// The whole file.
pub fn html(document: &Document) -> String {
    let lang = document.lang;
    let page = html! {
        (DOCTYPE)
        html lang=(lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (plain(&document.title)) }
                style { (PreEscaped(STYLE)) (PreEscaped(crate::chart::STYLE)) }
            }
            body {
                main {
                    header {
                        h1.title { (plain(&document.title)) }
                        @for line in &document.subtitle { p.sub { (plain(line)) } }
                    }
                    @for block in &document.blocks { (of_block(block)) }
                    (attachments(&document.attachments, lang))
                }
            }
        }
    };
    page.into_string()
}

fn of_block(block: &Block) -> Markup {
    match block {
        Block::Heading { level, text } => match level {
            0 | 1 => html! { h2 { (plain(text)) } },
            2 => html! { h3 { (plain(text)) } },
            _ => html! { h4 { (plain(text)) } },
        },
        Block::Paragraph(text) => html! { p { (inlines(text)) } },
        Block::Points(points) => html! { ul { @for point in points { li { (inlines(point)) } } } },
        Block::Steps(steps) => html! { ol { @for step in steps { li { (inlines(step)) } } } },
        Block::Facts(facts) => html! {
            dl { @for (name, text) in facts { div { dt { (plain(name)) } dd { (inlines(text)) } } } }
        },
        Block::Table(table) => of_table(table),
        Block::Figure { drawing, caption } => html! {
            figure {
                (crate::chart::svg(drawing))
                figcaption { (plain(caption)) }
            }
        },
        Block::Verbatim(text) => html! { pre { (verbatim(text)) } },
        Block::Callout { tone, text } => html! {
            div class=(format!("callout {}", class(*tone))) role="note" { p { (inlines(text)) } }
        },
        Block::PageBreak => html! { hr.page; },
    }
}

fn of_table(table: &Table) -> Markup {
    html! {
        div.wide {
            table {
                @if !table.caption.is_empty() { caption { (plain(&table.caption)) } }
                thead { tr { @for column in &table.columns { th scope="col" class=(columned(column, Tone::Plain)) { (plain(&column.title)) } } } }
                tbody {
                    @for row in &table.rows {
                        tr { @for (column, cell) in table.columns.iter().zip(row) { (of_cell(column, cell)) } }
                    }
                }
            }
        }
    }
}

fn of_cell(column: &Column, cell: &Cell) -> Markup {
    html! { td class=(columned(column, cell.tone)) { (inlines(&cell.text)) } }
}

fn columned(column: &Column, tone: Tone) -> String {
    let mut classes = vec![class(tone)];
    if column.right {
        classes.push("right");
    }
    if column.whole {
        classes.push("whole");
    }
    classes.join(" ")
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Note => "note",
    }
}

fn inlines(text: &[Inline]) -> Markup {
    html! { @for piece in text { (of_inline(piece)) } }
}

fn of_inline(inline: &Inline) -> Markup {
    match inline {
        Inline::Text(text) => html! { (plain(text)) },
        Inline::Strong(text) => html! { strong { (plain(text)) } },
        Inline::Code(text) => html! { code { (plain(text)) } },
        Inline::Link { text, url } if super::leads_somewhere(url) => {
            html! { a href=(url) rel="noreferrer noopener" { (plain(text)) } }
        }
        Inline::Link { text, .. } => html! { (plain(text)) },
    }
}

fn attachments(attachments: &[Attachment], lang: Lang) -> Markup {
    if attachments.is_empty() {
        return html! {};
    }
    let title = say!(lang, "Attached", "첨부");
    html! {
        section.attached {
            h2 { (title) }
            ul {
                @for one in attachments {
                    li {
                        @if one.bytes.len() <= LARGEST_INSIDE {
                            a download=(plain(&one.name)) href=(data_url(one)) { (plain(&one.name)) }
                        } @else {
                            code { (plain(&one.name)) }
                        }
                        ": " (plain(&one.about))
                        " (" (super::size(one.bytes.len(), lang)) ")"
                    }
                }
            }
        }
    }
}

fn data_url(attachment: &Attachment) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    // What would end the media type is left out: nothing of it is ours to decide then.
    let kind: String = attachment
        .media_type
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '+' | '.' | ';' | '=' | ' '))
        .filter(|c| *c != ' ')
        .collect();
    format!("data:{kind};base64,{}", STANDARD.encode(&attachment.bytes))
}

/// Text in which nothing moves a cursor or turns the direction of reading; the last of two lines of defence.
fn plain(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// The same of a text in lines.
fn verbatim(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#16202b;--faint:#566373;--line:#ccd4dd;--ground:#fff;--soft:#f3f6f9;
--good:#0b6b3a;--good-soft:#e6f4ec;--warn:#8a5300;--warn-soft:#fdf3e1;--bad:#a3161b;--bad-soft:#fdebeb;--note:#1d4f8f;--note-soft:#e8f0fb}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf1;--faint:#9aa7b5;--line:#3a4653;--ground:#12181f;--soft:#1b232c;
--good:#6fd39b;--good-soft:#12301f;--warn:#f0bd6a;--warn-soft:#33260f;--bad:#ff9b98;--bad-soft:#3a1617;--note:#9cc3f7;--note-soft:#14263d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,-apple-system,'Segoe UI','Noto Sans KR','Apple SD Gothic Neo','Malgun Gothic','NanumGothic',sans-serif;word-break:keep-all;overflow-wrap:anywhere}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1.title{font-size:1.55rem;line-height:1.25;margin:0 0 .4rem}
.sub{margin:0;color:var(--faint);font-size:.88rem}
h2{font-size:1.2rem;margin:1.9rem 0 .6rem;padding-bottom:.25rem;border-bottom:2px solid var(--line)}
h3{font-size:1.03rem;margin:1.4rem 0 .45rem}
h4{font-size:.95rem;margin:1.1rem 0 .35rem}
p{margin:.5rem 0}
ul,ol{margin:.4rem 0;padding-left:1.4rem}li{margin:.25rem 0}
code,pre{font-family:ui-monospace,'SF Mono',Consolas,'DejaVu Sans Mono','D2Coding',monospace,'NanumGothicCoding';font-size:.92em}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.7rem;overflow-x:auto;white-space:pre}
dl{margin:.6rem 0;border-top:1px solid var(--line)}
dl div{display:grid;grid-template-columns:minmax(8rem,13rem) 1fr;gap:.2rem .9rem;padding:.32rem 0;border-bottom:1px solid var(--line)}
dt{color:var(--faint);font-weight:600}dd{margin:0}
.wide{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;width:100%;font-size:.87rem}
caption{text-align:left;color:var(--faint);font-size:.85rem;padding:.2rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .55rem;border-bottom:1px solid var(--line)}
thead th{background:var(--soft);border-bottom:2px solid var(--line);white-space:nowrap}
.right{text-align:right;font-variant-numeric:tabular-nums}
td,th{overflow-wrap:break-word}td code{overflow-wrap:anywhere}
.whole{white-space:nowrap;overflow-wrap:normal}
td.good{color:var(--good)}td.warn{color:var(--warn)}td.bad{color:var(--bad);font-weight:600}td.note{color:var(--note)}
.callout{border-left:5px solid var(--line);background:var(--soft);padding:.55rem .9rem;margin:1rem 0;border-radius:4px}
.callout.good{border-color:var(--good);background:var(--good-soft)}.callout.warn{border-color:var(--warn);background:var(--warn-soft)}
.callout.bad{border-color:var(--bad);background:var(--bad-soft)}.callout.note{border-color:var(--note);background:var(--note-soft)}
figure{margin:1rem 0}figure svg{max-width:100%;height:auto}figcaption{color:var(--faint);font-size:.88rem}
hr.page{border:0;border-top:1px dashed var(--line);margin:2rem 0}
a{color:var(--note)}
@media (max-width:34rem){dl div{grid-template-columns:1fr}main{padding:1rem .75rem 2rem}}
@page{size:A4;margin:16mm 14mm 18mm;@bottom-right{content:counter(page) ' / ' counter(pages);font-size:8pt;color:#566373}}
@media print{:root{color-scheme:light;--ink:#16202b;--faint:#4b5866;--line:#b9c3ce;--ground:#fff;--soft:#f1f4f7;
--good:#0b6b3a;--good-soft:#e6f4ec;--warn:#8a5300;--warn-soft:#fdf3e1;--bad:#a3161b;--bad-soft:#fdebeb;--note:#1d4f8f;--note-soft:#e8f0fb}
body{font-size:9.2pt;line-height:1.38;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:none;padding:0}h1.title{font-size:15pt}h2{font-size:12pt;margin-top:1em}h3{font-size:10.5pt;margin:.8em 0 .25em}h4{margin:.6em 0 .2em}
p{margin:.3em 0}.callout{padding:.3rem .7rem;margin:.6rem 0}dl{margin:.3rem 0}dl div{padding:.12rem 0;grid-template-columns:9rem 1fr}li{margin:.1em 0}.wide{margin:.3rem 0}
.wide{overflow:visible}table{font-size:8pt}th,td{padding:.16rem .35rem}thead{display:table-header-group}
.whole{white-space:normal}tr,li,dl div,figure,.callout{break-inside:avoid}h1,h2,h3,h4,caption{break-after:avoid}
hr.page{border:0;margin:0;break-after:page}a{color:inherit;text-decoration:none}}
";
