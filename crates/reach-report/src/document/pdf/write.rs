//! Writing what was laid out.

use std::{collections::BTreeSet, num::NonZeroU16};

use jiff::{Timestamp, tz::Offset};
use krilla::{
    Document as Pdf,
    action::LinkAction,
    annotation::{Annotation, LinkAnnotation, Target},
    color::rgb,
    destination::XyzDestination,
    embed::{AssociationKind, EmbeddedFile, MimeType},
    geom::{Path, PathBuilder, Point, Rect},
    metadata::{DateTime, Metadata},
    num::NormalizedF32,
    outline::{Outline, OutlineNode},
    page::PageSettings,
    paint::{Fill, FillRule, Stroke, StrokeDash},
    surface::Surface,
    tagging::{
        Artifact, ContentTag, Identifier, ListNumbering, Node as TagNode, SpanTag, TableHeaderScope, Tag,
        TagGroup, TagKind, TagTree,
    },
    text::{GlyphId, KrillaGlyph},
};
use reach_core::Time;

use super::{
    PdfError,
    compose::anchor,
    fonts::Fonts,
    lines::Piece,
    page::{Bookmark, HEIGHT, Laid, Mark, Move, Node, Op, Role, WIDTH},
};
use crate::document::{Attachment, Document};

/// Bookmarks below each other, at most.
const DEEPEST: usize = 3;

pub(super) fn write(
    document: &Document,
    laid: Laid,
    fonts: &Fonts,
    made: Option<Time>,
) -> Result<Vec<u8>, PdfError> {
    let mut pdf = Pdf::new();
    let mut parts = Parts::of(laid.nodes.0);
    for ops in laid.pages {
        let settings = PageSettings::from_wh(WIDTH, HEIGHT).unwrap_or_default();
        let mut page = pdf.start_page_with(settings);
        let mut surface = page.surface();
        let mut links = Vec::new();
        draw(&mut surface, ops, fonts, &mut parts, &mut links);
        surface.finish();
        for (node, area, url) in links {
            let Some(annotation) = annotation(area, url, &laid.bookmarks) else { continue };
            match node.filter(|node| parts.is_link(*node)) {
                Some(node) => {
                    let identifier = page.add_tagged_annotation(annotation);
                    parts.leaf(node, identifier);
                }
                None => page.add_annotation(annotation),
            }
        }
        page.finish();
    }
    pdf.set_outline(outline(&laid.bookmarks));
    pdf.set_tag_tree(parts.tree(document));
    let made = made.map(date);
    pdf.set_metadata(metadata(document, made));
    for file in files(&document.attachments, made) {
        // Names are distinct, which is all that could be wrong.
        let _ = pdf.embed_file(file);
    }
    pdf.finish().map_err(|error| PdfError::Unwritten(error.to_string()))
}

type Links = Vec<(Option<usize>, [f32; 4], String)>;

/// Draws in runs of one part each, which is how parts find what belongs to them.
fn draw(surface: &mut Surface<'_>, ops: Vec<Op>, fonts: &Fonts, parts: &mut Parts, links: &mut Links) {
    let mut open: Option<Option<usize>> = None;
    for Op { node, mark } in ops {
        if let Mark::Link { area, url } = mark {
            links.push((node, area, url));
            continue;
        }
        if open != Some(node) {
            if open.is_some() {
                surface.end_tagged();
            }
            match node {
                Some(node) => {
                    let identifier = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
                    parts.leaf(node, identifier);
                }
                None => {
                    surface.start_tagged(ContentTag::Artifact(Artifact::default()));
                }
            }
            open = Some(node);
        }
        match mark {
            Mark::Letters { x, y, piece } => letters(surface, x, y, &piece, fonts),
            Mark::Area { outline, colour } => {
                if let Some(path) = path(&outline) {
                    surface.set_stroke(None);
                    surface.set_fill(Some(fill(colour)));
                    surface.draw_path(&path);
                }
            }
            Mark::Stroke { outline, colour, width, dash } => {
                if let Some(path) = path(&outline) {
                    surface.set_fill(None);
                    let dash = dash.map(|dash| StrokeDash { array: vec![dash, dash], offset: 0.0 });
                    surface.set_stroke(Some(Stroke {
                        paint: ink(colour).into(),
                        width,
                        dash,
                        ..Stroke::default()
                    }));
                    surface.draw_path(&path);
                }
            }
            Mark::Clip { area: [left, top, right, bottom] } => {
                let mut builder = PathBuilder::new();
                if let Some(rect) = Rect::from_ltrb(left, top, right, bottom) {
                    builder.push_rect(rect);
                }
                match builder.finish() {
                    Some(path) => surface.push_clip_path(&path, &FillRule::NonZero),
                    None => surface.push_isolated(),
                }
            }
            Mark::Unclip => surface.pop(),
            Mark::Link { .. } => {}
        }
    }
    if open.is_some() {
        surface.end_tagged();
    }
}

fn letters(surface: &mut Surface<'_>, x: f32, y: f32, piece: &Piece, fonts: &Fonts) {
    let mut glyphs = Vec::with_capacity(piece.letters.len());
    for ((at, c), letter) in piece.text.char_indices().zip(&piece.letters) {
        let range = at..at + c.len_utf8();
        let id = GlyphId::new(u32::from(letter.glyph));
        glyphs.push(KrillaGlyph::new(id, letter.advance, 0.0, 0.0, 0.0, range, None));
    }
    surface.set_stroke(None);
    surface.set_fill(Some(fill(piece.colour)));
    surface.draw_glyphs(
        Point::from_xy(x, y),
        &glyphs,
        fonts.font(piece.face),
        &piece.text,
        piece.size,
        false,
    );
}

fn path(outline: &[Move]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for step in outline {
        match *step {
            Move::To(x, y) => builder.move_to(x, y),
            Move::Line(x, y) => builder.line_to(x, y),
            Move::Curve(a, b, c, d, x, y) => builder.cubic_to(a, b, c, d, x, y),
            Move::Close => builder.close(),
        }
    }
    builder.finish()
}

fn ink([red, green, blue]: [u8; 3]) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn fill(colour: [u8; 3]) -> Fill {
    Fill { paint: ink(colour).into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn annotation(
    [left, top, right, bottom]: [f32; 4],
    url: String,
    bookmarks: &[Bookmark],
) -> Option<Annotation> {
    let area = Rect::from_ltrb(left, top, right, bottom)?;
    let target = if url.starts_with('#') {
        let heading = bookmarks.iter().find(|bookmark| anchor(&bookmark.text) == url)?;
        Target::Destination(destination(heading).into())
    } else {
        Target::Action(LinkAction::new(url.clone()).into())
    };
    Some(Annotation::new_link(LinkAnnotation::new(area, target), Some(url)))
}

fn destination(bookmark: &Bookmark) -> XyzDestination {
    XyzDestination::new(bookmark.page, Point::from_xy(0.0, (bookmark.y - 8.0).max(0.0)))
}

fn outline(bookmarks: &[Bookmark]) -> Outline {
    let mut outline = Outline::new();
    // The bookmarks that later ones may belong below.
    let mut open: Vec<OutlineNode> = Vec::new();
    let close = |outline: &mut Outline, open: &mut Vec<OutlineNode>| {
        if let Some(node) = open.pop() {
            match open.last_mut() {
                Some(parent) => parent.push_child(node),
                None => outline.push_child(node),
            }
        }
    };
    for bookmark in bookmarks {
        let depth = usize::from(bookmark.level.max(1)).min(DEEPEST);
        while open.len() >= depth {
            close(&mut outline, &mut open);
        }
        open.push(OutlineNode::new(bookmark.text.clone(), destination(bookmark)).with_open(true));
    }
    while !open.is_empty() {
        close(&mut outline, &mut open);
    }
    outline
}

/// The parts of the document, and what belongs to each in the order in which it was drawn.
struct Parts {
    nodes: Vec<Node>,
    children: Vec<Vec<Child>>,
    top: Vec<usize>,
    is_placed: Vec<bool>,
}

enum Child {
    Part(usize),
    Leaf(Identifier),
}

impl Parts {
    fn of(nodes: Vec<Node>) -> Self {
        let children = nodes.iter().map(|_| Vec::new()).collect();
        let is_placed = vec![false; nodes.len()];
        Self { nodes, children, top: Vec::new(), is_placed }
    }

    fn is_link(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| matches!(node.role, Role::Link))
    }

    fn leaf(&mut self, node: usize, identifier: Identifier) {
        self.children[node].push(Child::Leaf(identifier));
        // Whatever is drawn first stands first among the children of its parent.
        let mut at = node;
        while !self.is_placed[at] {
            self.is_placed[at] = true;
            match self.nodes[at].parent {
                Some(parent) => {
                    self.children[parent].push(Child::Part(at));
                    at = parent;
                }
                None => {
                    self.top.push(at);
                    return;
                }
            }
        }
    }

    fn tree(mut self, document: &Document) -> TagTree {
        let mut tree = TagTree::new().with_lang(Some(document.lang.code().to_owned()));
        for at in std::mem::take(&mut self.top) {
            tree.push(self.group(at));
        }
        tree
    }

    /// No deeper than the roles nest: table, row, cell, link.
    fn group(&mut self, at: usize) -> TagNode {
        let mut group = TagGroup::new(kind(&self.nodes[at].role));
        for child in std::mem::take(&mut self.children[at]) {
            match child {
                Child::Part(part) => group.push(self.group(part)),
                Child::Leaf(identifier) => group.push(identifier),
            }
        }
        group.into()
    }
}

fn kind(role: &Role) -> TagKind {
    match role {
        Role::Title => Tag::Title.into(),
        Role::Heading(level, text) => {
            let level = NonZeroU16::new(u16::from(*level)).unwrap_or(NonZeroU16::MIN);
            Tag::Hn(level, Some(text.clone())).into()
        }
        Role::Paragraph => Tag::P.into(),
        Role::List { ordered } => {
            Tag::L(if *ordered { ListNumbering::Decimal } else { ListNumbering::Disc }).into()
        }
        Role::Item => Tag::LI.into(),
        Role::Label => Tag::Lbl.into(),
        Role::Body => Tag::LBody.into(),
        Role::Table => Tag::Table.into(),
        Role::Row => Tag::TR.into(),
        Role::HeadCell => Tag::TH(TableHeaderScope::Column).into(),
        Role::Cell => Tag::TD.into(),
        Role::Caption => Tag::Caption.into(),
        Role::Code => Tag::Code.into(),
        Role::Figure(alt) => Tag::Figure(Some(alt.clone())).into(),
        Role::Link => Tag::Link.into(),
    }
}

fn metadata(document: &Document, made: Option<DateTime>) -> Metadata {
    let metadata = Metadata::new()
        .title(document.title.clone())
        .description(document.subtitle.join(" · "))
        .language(document.lang.code().to_owned())
        .creator("reach".to_owned())
        .producer("reach".to_owned());
    match made {
        Some(made) => metadata.creation_date(made),
        None => metadata,
    }
}

fn date(made: Time) -> DateTime {
    let micros = i64::try_from(made.as_micros()).unwrap_or(i64::MAX);
    let civil = Offset::UTC.to_datetime(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX));
    let part = |part: i8| u8::try_from(part).unwrap_or_default();
    DateTime::new(u16::try_from(civil.year()).unwrap_or_default())
        .month(part(civil.month()))
        .day(part(civil.day()))
        .hour(part(civil.hour()))
        .minute(part(civil.minute()))
        .second(part(civil.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// Files under names that readers can save them by, each once.
fn files(attachments: &[Attachment], made: Option<DateTime>) -> Vec<EmbeddedFile> {
    let mut taken = BTreeSet::new();
    attachments
        .iter()
        .map(|file| {
            let clean: String = file
                .name
                .chars()
                .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c })
                .take(120)
                .collect();
            let clean =
                if clean.trim_matches(['.', ' ']).is_empty() { "attachment".to_owned() } else { clean };
            let mut name = clean.clone();
            let mut next = 2;
            while !taken.insert(name.clone()) {
                name = format!("{next}-{clean}");
                next += 1;
            }
            EmbeddedFile {
                path: name,
                mime_type: MimeType::new(&file.media_type)
                    .or_else(|| MimeType::new("application/octet-stream")),
                description: Some(file.about.clone()),
                association_kind: AssociationKind::Data,
                data: file.bytes.clone().into(),
                modification_date: made,
                compress: None,
                location: None,
            }
        })
        .collect()
}
