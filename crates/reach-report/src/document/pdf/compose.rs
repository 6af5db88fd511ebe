//! Laying blocks out on pages.

use super::{
    MOST_PAGES, PdfError,
    fonts::{Face, Fonts},
    lines::{self, Line, Link, Span},
    page::{self, BOTTOM, Bookmark, LEFT, Laid, MEASURE, Mark, Op, RIGHT, Role, TOP},
};
use crate::{
    Lang,
    document::{Attachment, Block, Document, Inline, Tone},
    words::say,
};

/// Sizes of letters, in points.
pub(super) const BODY: f32 = 10.0;
const TITLE: f32 = 19.0;
const SUBTITLE: f32 = 9.5;
const VERBATIM: f32 = 8.5;
const FINE: f32 = 8.0;

/// From one line to the next, in units of the size.
pub(super) const LEADING: f32 = 1.5;

/// Colours, as red, green and blue.
pub(super) const INK: [u8; 3] = [0x1b, 0x20, 0x26];
pub(super) const FAINT: [u8; 3] = [0x5b, 0x65, 0x70];
pub(super) const RULE: [u8; 3] = [0xc9, 0xd0, 0xd7];
pub(super) const HEAD: [u8; 3] = [0xee, 0xf1, 0xf4];
const LINKED: [u8; 3] = [0x0b, 0x4f, 0xae];
const PAPER: [u8; 3] = [0xff, 0xff, 0xff];

/// The documents on pages.
pub(super) fn compose(document: &Document, fonts: &Fonts) -> Result<Laid, PdfError> {
    let mut composer = Composer {
        laid: Laid::default(),
        fonts,
        title: document.title.clone(),
        lang: document.lang,
        y: TOP,
        head: None,
        anchors: anchors(document),
    };
    composer.page()?;
    composer.title(document)?;
    for block in &document.blocks {
        composer.block(block)?;
    }
    composer.attachments(&document.attachments)?;
    composer.furniture();
    Ok(composer.laid)
}

/// A cell of a row: text in lines beside that of other cells.
pub(super) struct RowCell {
    pub(super) x: f32,
    pub(super) width: f32,
    pub(super) lines: Vec<Line>,
    pub(super) right: bool,
    pub(super) node: Option<usize>,
    pub(super) ground: Option<[u8; 3]>,
}

/// How a row looks and where it may break.
#[derive(Clone, Copy)]
pub(super) struct RowLook {
    /// The size that lines and the first baseline go by.
    pub(super) size: f32,
    /// Room over the first and below the last line.
    pub(super) pad: f32,
    /// Behind the whole row, from the left margin to the right one.
    pub(super) ground: Option<[u8; 3]>,
    /// A bar at its left end.
    pub(super) bar: Option<[u8; 3]>,
    /// A rule below it.
    pub(super) rule: bool,
    /// Stays on one page if a page can hold it.
    pub(super) whole: bool,
}

impl RowLook {
    pub(super) const fn plain(size: f32) -> Self {
        Self { size, pad: 0.0, ground: None, bar: None, rule: false, whole: false }
    }
}

pub(super) struct Composer<'f> {
    pub(super) laid: Laid,
    pub(super) fonts: &'f Fonts,
    title: String,
    lang: Lang,
    /// How far the page is filled.
    pub(super) y: f32,
    /// The head of the table that goes on, which new pages begin with.
    pub(super) head: Option<Vec<Op>>,
    /// What `#…` can lead to.
    anchors: Vec<String>,
}

impl Composer<'_> {
    pub(super) fn page(&mut self) -> Result<(), PdfError> {
        if self.laid.pages.len() == MOST_PAGES {
            return Err(PdfError::TooLong);
        }
        self.laid.pages.push(Vec::new());
        self.y = TOP;
        if let Some(head) = self.head.clone() {
            let height = super::table::height(&head);
            self.now().extend(head);
            self.y += height;
        }
        Ok(())
    }

    /// What is drawn on the page that is being filled.
    pub(super) fn now(&mut self) -> &mut Vec<Op> {
        if self.laid.pages.is_empty() {
            self.laid.pages.push(Vec::new());
        }
        let last = self.laid.pages.len() - 1;
        &mut self.laid.pages[last]
    }

    fn is_fresh(&mut self) -> bool {
        let head = self.head.as_deref().map_or(0.0, super::table::height);
        self.y <= TOP + head + 0.1
    }

    /// Sees to it that so much of a page is left, as far as a page has it.
    pub(super) fn room(&mut self, height: f32) -> Result<(), PdfError> {
        if self.y + height > BOTTOM && !self.is_fresh() { self.page() } else { Ok(()) }
    }

    pub(super) fn gap(&mut self, height: f32) {
        if !self.is_fresh() {
            self.y += height;
        }
    }

    fn title(&mut self, document: &Document) -> Result<(), PdfError> {
        let node = self.laid.nodes.add(Role::Title, None);
        self.text(&document.title, Face::Bold, TITLE, INK, node)?;
        self.gap(2.0);
        for line in &document.subtitle {
            let node = self.laid.nodes.add(Role::Paragraph, None);
            self.text(line, Face::Regular, SUBTITLE, FAINT, node)?;
        }
        self.gap(6.0);
        let y = self.y;
        let outline = page::rectangle(LEFT, y, MEASURE, 0.8, 0.0);
        self.now().push(Op { node: None, mark: Mark::Area { outline, colour: RULE } });
        self.gap(8.0);
        Ok(())
    }

    fn text(
        &mut self,
        text: &str,
        face: Face,
        size: f32,
        colour: [u8; 3],
        node: usize,
    ) -> Result<(), PdfError> {
        let span = Span { text: text.to_owned(), face, size, colour, link: None };
        let lines = lines::broken(&[span], MEASURE, self.fonts);
        let cell = RowCell { x: LEFT, width: MEASURE, lines, right: false, node: Some(node), ground: None };
        self.row(vec![cell], RowLook::plain(size))
    }

    pub(super) fn block(&mut self, block: &Block) -> Result<(), PdfError> {
        match block {
            Block::Heading { level, text } => self.heading(*level, text),
            Block::Paragraph(text) => {
                let node = self.laid.nodes.add(Role::Paragraph, None);
                self.running(text, LEFT, MEASURE, node, RowLook::plain(BODY))?;
                self.gap(6.0);
                Ok(())
            }
            Block::Points(points) => self.list(points, false),
            Block::Steps(steps) => self.list(steps, true),
            Block::Facts(facts) => self.facts(facts),
            Block::Table(table) => self.table(table),
            Block::Figure { drawing, caption } => self.figure(drawing, caption),
            Block::Verbatim(text) => self.verbatim(text),
            Block::Callout { tone, text } => self.callout(*tone, text),
            Block::PageBreak => {
                if self.is_fresh() {
                    return Ok(());
                }
                self.page()
            }
        }
    }

    fn heading(&mut self, level: u8, text: &str) -> Result<(), PdfError> {
        let (size, before, after) = match level {
            0 | 1 => (15.0, 14.0, 5.0),
            2 => (12.0, 10.0, 4.0),
            _ => (10.5, 8.0, 3.0),
        };
        // A heading stands over something.
        self.room(before + size * LEADING + after + 3.0 * BODY * LEADING)?;
        self.gap(before);
        let bookmark = Bookmark { level, text: text.to_owned(), page: self.laid.pages.len() - 1, y: self.y };
        self.laid.bookmarks.push(bookmark);
        let node = self.laid.nodes.add(Role::Heading(level.clamp(1, 6), text.to_owned()), None);
        self.text(text, Face::Bold, size, INK, node)?;
        self.y += after;
        Ok(())
    }

    fn running(
        &mut self,
        text: &[Inline],
        x: f32,
        width: f32,
        node: usize,
        look: RowLook,
    ) -> Result<(), PdfError> {
        let spans = self.spans(text, look.size, INK, Face::Regular, node);
        let lines = lines::broken(&spans, width, self.fonts);
        let cell = RowCell { x, width, lines, right: false, node: Some(node), ground: None };
        self.row(vec![cell], look)
    }

    fn list(&mut self, items: &[Vec<Inline>], ordered: bool) -> Result<(), PdfError> {
        let list = self.laid.nodes.add(Role::List { ordered }, None);
        let widest = if ordered { format!("{}. ", items.len()) } else { "• ".to_owned() };
        let indent = self.fonts.width(Face::Regular, BODY, &widest).max(14.0) + 2.0;
        for (at, item) in items.iter().enumerate() {
            let label = if ordered { format!("{}.", at + 1) } else { "•".to_owned() };
            self.item(list, (label, Face::Regular, INK), item, (LEFT + 4.0, indent), BODY)?;
            self.gap(2.0);
        }
        self.gap(4.0);
        Ok(())
    }

    /// A label and what stands beside it; `place` is where the label begins and how much room it has.
    fn item(
        &mut self,
        list: usize,
        (label, face, colour): (String, Face, [u8; 3]),
        text: &[Inline],
        place: (f32, f32),
        size: f32,
    ) -> Result<(), PdfError> {
        let item = self.laid.nodes.add(Role::Item, Some(list));
        let of_label = self.laid.nodes.add(Role::Label, Some(item));
        let body = self.laid.nodes.add(Role::Body, Some(item));
        let (x, indent) = place;
        let label = Span { text: label, face, size, colour, link: None };
        let spans = self.spans(text, size, INK, Face::Regular, body);
        let width = RIGHT - x - indent;
        let cell =
            |x, width, lines, node| RowCell { x, width, lines, right: false, node: Some(node), ground: None };
        let cells = vec![
            cell(x, indent, lines::broken(&[label], indent - 6.0, self.fonts), of_label),
            cell(x + indent, width, lines::broken(&spans, width, self.fonts), body),
        ];
        self.row(cells, RowLook::plain(size))
    }

    fn facts(&mut self, facts: &[(String, Vec<Inline>)]) -> Result<(), PdfError> {
        let list = self.laid.nodes.add(Role::List { ordered: false }, None);
        let widest =
            facts.iter().map(|(name, _)| self.fonts.width(Face::Bold, BODY, name)).fold(40.0, f32::max);
        let indent = widest.min(MEASURE * 0.3) + 12.0;
        for (name, text) in facts {
            self.item(list, (name.clone(), Face::Bold, FAINT), text, (LEFT, indent), BODY)?;
            self.gap(2.0);
        }
        self.gap(5.0);
        Ok(())
    }

    fn verbatim(&mut self, text: &str) -> Result<(), PdfError> {
        let node = self.laid.nodes.add(Role::Code, None);
        let span = Span { text: text.to_owned(), face: Face::Mono, size: VERBATIM, colour: INK, link: None };
        let (x, width) = (LEFT + 8.0, MEASURE - 16.0);
        let lines = lines::broken(&[span], width, self.fonts);
        let look = RowLook { pad: 6.0, ground: Some([0xf5, 0xf7, 0xf9]), ..RowLook::plain(VERBATIM) };
        self.row(vec![RowCell { x, width, lines, right: false, node: Some(node), ground: None }], look)?;
        self.gap(8.0);
        Ok(())
    }

    fn callout(&mut self, tone: Tone, text: &[Inline]) -> Result<(), PdfError> {
        let (ground, bar) = match tone {
            Tone::Plain => (HEAD, FAINT),
            tone => (tint(tone), strong(tone)),
        };
        let node = self.laid.nodes.add(Role::Paragraph, None);
        let look =
            RowLook { pad: 7.0, ground: Some(ground), bar: Some(bar), whole: true, ..RowLook::plain(BODY) };
        self.gap(2.0);
        self.running(text, LEFT + 14.0, MEASURE - 26.0, node, look)?;
        self.gap(9.0);
        Ok(())
    }

    fn attachments(&mut self, attachments: &[Attachment]) -> Result<(), PdfError> {
        if attachments.is_empty() {
            return Ok(());
        }
        let lang = self.lang;
        self.heading(2, &say!(lang, "Files inside this document", "이 문서에 포함된 첨부 파일"))?;
        let fact = |file: &Attachment| {
            let (about, bytes) = (&file.about, file.bytes.len());
            let about = match bytes {
                1 => say!(lang, "{about} (1 byte)", "{about}(1바이트)"),
                bytes => say!(lang, "{about} ({bytes} bytes)", "{about}({bytes}바이트)"),
            };
            (file.name.clone(), vec![Inline::Text(about.trim_start().to_owned())])
        };
        let facts: Vec<(String, Vec<Inline>)> = attachments.iter().map(fact).collect();
        self.facts(&facts)
    }

    /// Text as it is set. `node` is the part of the document that links in it belong to.
    pub(super) fn spans(
        &mut self,
        text: &[Inline],
        size: f32,
        colour: [u8; 3],
        face: Face,
        node: usize,
    ) -> Vec<Span> {
        let span = |text: &str, face, colour, link| Span { text: text.to_owned(), face, size, colour, link };
        text.iter()
            .map(|inline| match inline {
                Inline::Text(text) => span(text, face, colour, None),
                Inline::Strong(text) => span(text, Face::Bold, colour, None),
                Inline::Code(text) => span(text, Face::Mono, colour, None),
                Inline::Link { text, url } => {
                    let node = self.laid.nodes.add(Role::Link, Some(node));
                    let url = if self.leads_somewhere(url) { url.clone() } else { String::new() };
                    span(text, face, LINKED, Some(Link { url, node }))
                }
            })
            .collect()
    }

    /// Schemes that a reader of paper is led to; everything else is text.
    fn leads_somewhere(&self, url: &str) -> bool {
        let is_outside = ["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
        let is_plain = url.chars().all(|c| !c.is_control() && !c.is_whitespace());
        is_plain && url.len() < 2000 && (is_outside || self.anchors.iter().any(|anchor| url == anchor))
    }

    /// Puts cells beside each other, over as many pages as they take.
    pub(super) fn row(&mut self, mut cells: Vec<RowCell>, look: RowLook) -> Result<(), PdfError> {
        let leading = look.size * LEADING;
        let mut left = cells.iter().map(|cell| cell.lines.len()).max().unwrap_or(0);
        let mut is_first = true;
        while left > 0 {
            let fitting = ((BOTTOM - self.y - 2.0 * look.pad) / leading + 0.01).floor().max(0.0) as usize;
            if fitting < left && !self.is_fresh() {
                let head = self.head.as_deref().map_or(0.0, super::table::height);
                let a_page = ((BOTTOM - TOP - head - 2.0 * look.pad) / leading).floor() as usize;
                // Nothing that fits on a page of its own is torn apart, and no single lines are left alone.
                let is_torn = look.whole || left <= 3 || fitting < 2;
                if is_first && is_torn && left <= a_page || fitting == 0 {
                    self.page()?;
                    continue;
                }
            }
            let taken = left.min(fitting.max(1));
            self.slice(&mut cells, taken, look);
            left -= taken;
            is_first = false;
            if left > 0 {
                self.page()?;
            }
        }
        Ok(())
    }

    /// Puts so many lines of each cell onto the page.
    fn slice(&mut self, cells: &mut [RowCell], taken: usize, look: RowLook) {
        let leading = look.size * LEADING;
        let height = taken as f32 * leading + 2.0 * look.pad;
        let y = self.y;
        let fill = |x: f32, width: f32, colour| Op {
            node: None,
            mark: Mark::Area { outline: page::rectangle(x, y, width, height, 0.0), colour },
        };
        let mut ops = Vec::new();
        ops.extend(look.ground.map(|colour| fill(LEFT, MEASURE, colour)));
        ops.extend(look.bar.map(|colour| fill(LEFT, 3.0, colour)));
        for cell in cells.iter().filter(|cell| cell.ground.is_some_and(|ground| ground != PAPER)) {
            ops.extend(
                cell.ground.map(|colour| fill(cell.x - look.pad, cell.width + 2.0 * look.pad, colour)),
            );
        }
        if look.rule {
            let outline = page::rectangle(LEFT, y + height - 0.4, MEASURE, 0.4, 0.0);
            ops.push(Op { node: None, mark: Mark::Area { outline, colour: RULE } });
        }
        for cell in cells.iter_mut() {
            let rest = cell.lines.split_off(taken.min(cell.lines.len()));
            let lines = std::mem::replace(&mut cell.lines, rest);
            for (at, line) in lines.into_iter().enumerate() {
                let x = if cell.right { cell.x + (cell.width - line.width).max(0.0) } else { cell.x };
                // The baseline stands where letters look centred in their line.
                let baseline = y + look.pad + at as f32 * leading + leading * 0.5 + look.size * 0.35;
                page::put(&mut ops, line, x, baseline, cell.node);
            }
        }
        self.now().extend(ops);
        self.y += height;
    }

    /// Heads and feet of the pages: what it is, and which page of how many.
    fn furniture(&mut self) {
        let pages = self.laid.pages.len();
        let fonts = self.fonts;
        let fine = |text: String| {
            let span = Span { text, face: Face::Regular, size: FINE, colour: FAINT, link: None };
            lines::broken(&[span], f32::INFINITY, fonts).into_iter().next().unwrap_or_default()
        };
        let title = shortened(&self.title.replace(['\n', '\r'], " "), MEASURE - 20.0, fonts);
        for (at, page) in self.laid.pages.iter_mut().enumerate() {
            if at > 0 {
                page::put(page, fine(title.clone()), LEFT, 40.0, None);
                let outline = page::rectangle(LEFT, 46.0, MEASURE, 0.4, 0.0);
                page.push(Op { node: None, mark: Mark::Area { outline, colour: RULE } });
            }
            let number = fine(format!("{} / {pages}", at + 1));
            let x = (LEFT + RIGHT - number.width) / 2.0;
            page::put(page, number, x, BOTTOM + 30.0, None);
        }
    }
}

/// As much of a text as fits.
fn shortened(text: &str, width: f32, fonts: &Fonts) -> String {
    let mut room = width;
    let mut out = String::new();
    for c in text.chars() {
        room -= fonts.letter(Face::Regular, c).advance * FINE;
        if room < 0.0 {
            return out + "…";
        }
        out.push(c);
    }
    out
}

/// Behind what has a tone.
pub(super) const fn tint(tone: Tone) -> [u8; 3] {
    match tone {
        Tone::Plain => PAPER,
        Tone::Good => [0xe6, 0xf4, 0xf0],
        Tone::Warn => [0xff, 0xf3, 0xd6],
        Tone::Bad => [0xfb, 0xe6, 0xe6],
        Tone::Note => [0xe6, 0xef, 0xfa],
    }
}

/// A bar or letters that have a tone.
pub(super) const fn strong(tone: Tone) -> [u8; 3] {
    match tone {
        Tone::Plain => INK,
        Tone::Good => [0x0f, 0x5f, 0x4c],
        Tone::Warn => [0x7a, 0x4b, 0x00],
        Tone::Bad => [0x8c, 0x14, 0x20],
        Tone::Note => [0x12, 0x3f, 0x86],
    }
}

/// What `#…` can lead to: the headings.
fn anchors(document: &Document) -> Vec<String> {
    let heading = |block: &Block| match block {
        Block::Heading { text, .. } => Some(anchor(text)),
        _ => None,
    };
    document.blocks.iter().filter_map(heading).collect()
}

/// How a link names a heading: its letters and digits in lower case, with `-` between words.
pub(super) fn anchor(heading: &str) -> String {
    let mut out = String::from("#");
    for c in heading.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.ends_with(['-', '#']) {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}
